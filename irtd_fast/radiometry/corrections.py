"""Corrections of a sensor's fixed pattern: stripes, bad pixels, gain and offset of every pixel.

They give counts, as ``Counts`` does: integer outputs are rounded half to even and saturate, float
outputs are in single precision, not rounded, scaled or clipped. Pixels that are not valid influence
nothing and become 0, or NaN where a float picture becomes float. Infinite pixels of a float picture
become the largest number of float32 of their sign, unless they are replaced as bad. They come first
in a ``Chain``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import (
    OutputType,
    Pixels,
    Recipe,
    Valid,
    check_image,
    check_valid,
    register,
)

Axis = Literal["columns", "rows", "both"]


Plane = NDArray[Any]
_MOST_WINDOW = 1 << 24


@register
@dataclass(frozen=True, eq=False)
class Destripe(Recipe):
    """Take stripes off: the offset of every column (or row) against its neighbours.

    For columns, with the least-squares line through ``v(y, x - window .. x + window)``, whose value
    in the middle is the mean wherever the window is whole::

        offset(x) = median over y of ( v(y, x) - line(y, x) )
        out(y, x) = v(y, x) - strength * clip(offset(x), -limit, limit)

    This is the horizontal high-pass and column statistic of Y. Cao, Z. He, J. Yang et al.,
    "Spatially Adaptive Column Fixed-Pattern Noise Correction in Infrared Imaging System Using 1D
    Horizontal Differential Statistics", IEEE Photonics Journal 9(5), 2017, with a median, of which
    edges of the scene are outliers. A scene edge that fills more than half of a column is taken for
    a stripe: ``limit`` bounds that.

    Attributes:
        axis: "columns", "rows" or "both" (columns first).
        window: Columns (rows) on each side that a column is compared with.
        strength: Share of the offset taken off, 0 to 1.
        limit: Largest offset taken off, in counts; ``None`` for no limit.
    """

    axis: Axis = "columns"
    window: int = 8
    strength: float = 1.0
    limit: float | None = None
    name: ClassVar[str] = "destripe"

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.axis not in ("columns", "rows", "both"):
            raise ValueError(f"axis must be columns, rows or both, found {self.axis!r}")
        if not 1 <= self.window <= _MOST_WINDOW or not 0 <= self.strength <= 1:
            found = f"{self.window}, {self.strength}"
            raise ValueError(
                f"need window >= 1, at most {_MOST_WINDOW}, and strength in 0..1, found {found}"
            )
        if self.limit is not None and not self.limit > 0:
            raise ValueError(f"limit must be above 0 or None, found {self.limit}")

    def offsets(self, plane: Plane, *, valid: Valid = None) -> NDArray[np.float64]:
        """Offsets of the columns of a (height, width) picture, before strength and limit."""
        check_plane(plane, valid)
        if plane.size == 0:
            return np.zeros(plane.shape[1])
        keep = None if valid is None else adjacent(valid)
        return _core.column_offsets(adjacent(plane), window=self.window, valid=keep)

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        return _core.destripe_recipe(
            columns=self.axis != "rows", rows=self.axis != "columns", window=self.window,
            strength=self.strength, limit=self.limit or 0.0,
        )  # fmt: skip


@register
@dataclass(frozen=True, eq=False)
class BadPixels(Recipe):
    """Replace bad pixels by the median of their good neighbours.

    The bad pixels are given, or found in each picture: a pixel is bad if it lies above all, or
    below all, of its 8 neighbours by more than ``max(threshold * sigma, minimum)``, where ``sigma =
    1.4826 * median |v(y, x + 1) - v(y, x)| / sqrt(2)`` is the noise of adjacent pixels (the median
    absolute deviation as an estimate of a normal sigma). A target spread over two pixels stays.
    The replacement is the median of the good valid pixels of the 3 x 3 window, or of the smallest
    of 5 x 5 … 15 x 15 that has any; without any the pixel stays. NaN and infinite pixels of a float
    picture are bad when pixels are looked for, and never neighbours.

    Attributes:
        map: (height, width) bool, True where a pixel is bad; ``None`` looks for them.
        threshold: In standard deviations of the noise.
        minimum: In counts.
    """

    map: NDArray[np.bool_] | None = None
    threshold: float = 6.0
    minimum: float = 2.0
    name: ClassVar[str] = "bad_pixels"

    def __post_init__(self) -> None:
        """Check the rule and freeze the map."""
        if not (math.isfinite(self.threshold) and math.isfinite(self.minimum)) or (
            min(self.threshold, self.minimum) < 0
        ):
            found = f"{self.threshold}, {self.minimum}"
            raise ValueError(f"threshold and minimum must be 0 or more, found {found}")
        if self.map is not None:
            _freeze(self, "map", self.map, np.bool_)

    @classmethod
    def from_frames(
        cls, frames: Sequence[Pixels], *, share: float = 0.5, threshold: float = 6.0,
        minimum: float = 2.0,
    ) -> BadPixels:  # fmt: skip
        """A map of the pixels that the rule finds in at least ``share`` of several pictures.

        A scene moves and bad pixels do not, so this spares small targets.

        Args:
            frames: (height, width) pictures of one camera.
            share: 0 to 1.
            threshold: As in the class.
            minimum: As in the class.

        Raises:
            ValueError: No frames, or frames of different shapes.
        """
        rule = cls(None, threshold, minimum)
        shapes = {frame.shape for frame in frames}
        if len(shapes) != 1 or not 0 < share <= 1:
            found = f"{len(frames)} frames of shapes {sorted(shapes)}, share {share}"
            raise ValueError(f"need frames of one shape and share in 0..1, found {found}")
        votes = np.sum([rule.find(frame) for frame in frames], axis=0)
        return cls(votes >= share * len(frames), threshold, minimum)

    def find(self, plane: Plane, *, valid: Valid = None) -> NDArray[np.bool_]:
        """The bad pixels of a (height, width) picture: the map, or what the rule finds."""
        check_plane(plane, valid)
        if self.map is not None:
            if self.map.shape != plane.shape:
                raise ValueError(f"map of {self.map.shape} for a picture of {plane.shape}")
            return self.map
        if plane.size == 0:
            return np.zeros(plane.shape, bool)
        keep = None if valid is None else adjacent(valid)
        found: NDArray[np.bool_] = _core.find_bad_pixels(
            adjacent(plane), threshold=self.threshold, minimum=self.minimum, valid=keep
        )
        return found

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        return _core.bad_pixels_recipe(self.map, threshold=self.threshold, minimum=self.minimum)


@register
@dataclass(frozen=True, eq=False)
class TwoPointNuc(Recipe):
    """Two-point non-uniformity correction: ``gain * v + offset`` with a map of each.

    The linear model of D. L. Perry and E. L. Dereniak, "Linear theory of nonuniformity correction
    in infrared staring sensors", Opt. Eng. 32(8), 1993; single precision.

    Attributes:
        gain: (height, width) float32, finite and above 0.
        offset: (height, width) float32 in counts, finite.
    """

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    name: ClassVar[str] = "two_point_nuc"
    numeric: ClassVar[bool] = True
    invertible: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check and freeze the maps."""
        _freeze(self, "gain", self.gain, np.float32)
        _freeze(self, "offset", self.offset, np.float32)
        if self.gain.shape != self.offset.shape:
            found = f"{self.gain.shape} and {self.offset.shape}"
            raise ValueError(f"gain and offset must have one shape, found {found}")
        if not (np.isfinite(self.gain).all() and np.isfinite(self.offset).all()):
            raise ValueError("gain and offset must be finite")
        if not (self.gain > 0).all():
            raise ValueError(f"gain must be above 0, found {self.gain.min()}")

    @classmethod
    def from_flat_fields(
        cls, cold: NDArray[Any], hot: NDArray[Any], *, least_response: float = 0.2
    ) -> tuple[TwoPointNuc, NDArray[np.bool_]]:
        """Maps from pictures of a uniform source at two temperatures.

        With the mean frames c and h, and their means over the pixels that respond:
        ``gain = (mean h - mean c) / (h - c)``, ``offset = mean c - gain * c``.

        Args:
            cold: (frames, height, width) counts.
            hot: The same of the warmer source.
            least_response: A pixel whose h - c is below this share of the median one is dead.

        Returns:
            The recipe and a (height, width) map of dead pixels, for ``BadPixels``; those have
            gain 1 and offset 0.

        Raises:
            ValueError: Shapes differ, or the source did not get warmer.
        """
        for stack in (cold, hot):
            if stack.ndim != 3 or stack.size == 0 or stack.shape[1:] != cold.shape[1:]:
                found = f"{cold.shape} and {hot.shape}"
                raise ValueError(f"need two (frames, height, width) of one size, found {found}")
        low, high = cold.mean(0, dtype=np.float64), hot.mean(0, dtype=np.float64)
        response = high - low
        known = response[np.isfinite(response)]
        usual = float(np.median(known)) if known.size else math.nan
        if not usual > 0:
            raise ValueError(f"the median pixel must respond by more than 0 counts, found {usual}")
        dead = ~(response >= least_response * usual)
        rise = response[~dead].mean()
        gain = np.where(dead, 1.0, rise / np.where(dead, 1.0, response))
        offset = np.where(dead, 0.0, low[~dead].mean() - gain * low)
        return cls(gain.astype(np.float32), offset.astype(np.float32)), dead

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it; pictures of another size than the maps are refused."""
        del dtype
        return _core.two_point_recipe(self.gain, self.offset)

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Counts before the correction: ``(value - offset) / gain``.

        Raises:
            ValueError: ``values`` are of another height and width than the maps.
        """
        del bounds
        values = np.asarray(values)
        if values.shape[:2] != self.gain.shape:
            raise ValueError(f"values must be {self.gain.shape}, found shape {values.shape}")
        shape = (*self.gain.shape, *(1,) * (values.ndim - 2))
        gain, offset = (m.reshape(shape).astype(np.float64) for m in (self.gain, self.offset))
        counts: NDArray[np.float64] = (np.asarray(values, np.float64) - offset) / gain
        return counts


def check_plane(plane: Plane, valid: Valid) -> None:
    """Refuse what is no picture of one channel.

    Raises:
        ValueError: Expected and found are named.
        TypeError: No array at all.
    """
    check_image(plane)
    check_valid(plane, valid)
    if plane.ndim != 2:
        raise ValueError(f"image must be (height, width), found shape {plane.shape}")


def adjacent(plane: Plane) -> Plane:
    """The plane itself if the pixels of its rows are adjacent and its rows go down, else a copy."""
    rows_down = plane.shape[0] <= 1 or plane.strides[0] >= 0
    packed = plane.shape[1] <= 1 or plane.strides[1] == plane.itemsize
    return plane if rows_down and packed else np.ascontiguousarray(plane)


def _freeze(recipe: Recipe, field: str, values: NDArray[Any], dtype: type[np.generic]) -> None:
    array = np.array(values, dtype, order="C")
    if array.ndim != 2:
        raise ValueError(f"{field} must be (height, width), found shape {array.shape}")
    array.setflags(write=False)
    object.__setattr__(recipe, field, array)
