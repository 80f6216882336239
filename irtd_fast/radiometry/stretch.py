"""Recipes that map a range of counts to the output's range by a straight line.

``(v - low) / (high - low)`` is clipped to 0..1 and scaled to the output: 0..1 for float types,
0..255 and 0..65535 for integers. A flat picture, and one without valid pixels, maps to 0. A float
picture may hold NaN: such a pixel is as invalid as one that ``valid`` leaves out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import (
    TOP,
    NormalizeSpec,
    OutputType,
    Pixels,
    Recipe,
    Valid,
    register,
)
from irtd_fast.radiometry.cast import cast_output
from irtd_fast.radiometry.statistics import Statistics

FLOAT_MAX = 3.0e38


class Stretch(Recipe):
    """A recipe that is a line between two counts, clipped."""

    invertible: ClassVar[bool] = True

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """Counts that map to the bottom and the top of the output for this picture."""
        raise NotImplementedError

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        raise NotImplementedError

    def _apply(self, image: Pixels, dtype: OutputType, valid: Valid) -> NDArray[Any]:
        low, high = self.bounds(image, valid=valid)
        _, _, _, out_low, out_high, clip_low, clip_high = self.native(dtype)
        scale = (out_high - out_low) / (high - low) if high > low else 0.0
        values = image.astype(np.float64) * scale + (out_low - low * scale)
        keep = usable(image, valid)
        if keep is not None:
            values[~keep] = 0
        return cast_output(np.clip(values, clip_low, clip_high), dtype)

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Counts that a result came from; see ``Recipe.inverse``.

        Integer ``values`` are taken as levels of their type's whole range; uint16 are never taken
        as bfloat16 (``cast.from_bfloat16`` reads those).
        """
        if bounds is None:
            bounds = self.fixed_bounds()
        if bounds is None:
            raise ValueError(f"{type(self).__name__}.inverse needs the bounds of the picture")
        share = np.asarray(values, np.float64) / TOP.get(values.dtype.name, 1.0)
        return share * (bounds[1] - bounds[0]) + bounds[0]

    def fixed_bounds(self) -> tuple[float, float] | None:
        """The bounds, if they do not depend on the picture."""
        return None


def usable(image: Pixels, valid: Valid) -> NDArray[np.bool_] | None:
    """Pixels (and channels) that count, of the picture's shape; ``None`` if all do."""
    keep = None
    if valid is not None:
        keep = np.broadcast_to(valid if image.ndim == 2 else valid[..., None], image.shape)
    if image.dtype != np.float32:
        return keep
    finite: NDArray[np.bool_] = np.isfinite(image)
    return finite if keep is None else finite & keep


def _values(image: Pixels, valid: Valid) -> NDArray[Any]:
    keep = usable(image, valid)
    return image.ravel() if keep is None else image[keep]


def value_percentiles(
    image: Pixels, valid: Valid, percents: tuple[float, float]
) -> tuple[float, float]:
    """Two percentiles of a picture's usable pixels; (0, 0) without any."""
    if image.size and valid is None and image.dtype != np.float32:
        first, last = _core.image_percentiles(np.ascontiguousarray(image), percents)
        return float(first), float(last)
    values = _values(image, valid)
    if not values.size:
        return 0.0, 0.0
    first, last = np.percentile(values.astype(np.float64), percents)
    return float(first), float(last)


@register
@dataclass(frozen=True, eq=False)
class Counts(Stretch):
    """Counts as the sensor gave them; integer outputs saturate, float16 overflows to infinity."""

    name: ClassVar[str] = "counts"

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """(0, 1): a count stays what it is."""
        del image, valid
        return 0.0, 1.0

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        if dtype in ("uint8", "uint16"):
            return ("fixed", 0.0, 1.0, 0.0, 1.0, 0.0, TOP[dtype])
        return ("fixed", 0.0, 1.0, 0.0, 1.0, -FLOAT_MAX, FLOAT_MAX)

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """The values themselves."""
        del bounds
        return np.asarray(values, np.float64)


@register
@dataclass(frozen=True, eq=False)
class MinMax(Stretch):
    """Stretch each picture from its smallest to its largest count."""

    name: ClassVar[str] = "min_max"

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """Smallest and largest usable count; (0, 0) without any."""
        return value_percentiles(image, valid, (0.0, 100.0))

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        return ("min_max", 0.0, 0.0, 0.0, TOP[dtype], 0.0, TOP[dtype])

    def resolve(self, statistics: Statistics) -> Recipe:
        """A ``Window`` over the range of all pictures."""
        return window_over(statistics.low, statistics.high)


@register
@dataclass(frozen=True, eq=False)
class Percentile(Stretch):
    """Stretch each picture between two percentiles (NumPy's ``linear`` definition).

    Attributes:
        low: Percentile that maps to the bottom.
        high: Percentile that maps to the top.
    """

    low: float = 1.0
    high: float = 99.0
    name: ClassVar[str] = "percentile"

    def __post_init__(self) -> None:
        """Check the percentiles."""
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"need 0 <= low < high <= 100, found {self.low}, {self.high}")

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """The two percentiles of the usable pixels; (0, 0) without any."""
        return value_percentiles(image, valid, (self.low, self.high))

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        return ("percentile", self.low, self.high, 0.0, TOP[dtype], 0.0, TOP[dtype])

    def resolve(self, statistics: Statistics) -> Recipe:
        """A ``Window`` between the percentiles of all pictures."""
        return window_over(*statistics.percentiles((self.low, self.high)))


@register
@dataclass(frozen=True, eq=False)
class Window(Stretch):
    """Stretch a fixed range: of counts, or of temperatures after ``Planck`` or ``TLinear``.

    Attributes:
        low: Count (or degrees, in the unit of the picture) that maps to the bottom.
        high: What maps to the top.
    """

    low: float
    high: float
    name: ClassVar[str] = "window"

    def __post_init__(self) -> None:
        """Check the range."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"need low < high, both finite, found {self.low}, {self.high}")

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """The range itself."""
        del image, valid
        return self.low, self.high

    def fixed_bounds(self) -> tuple[float, float]:
        """The range itself."""
        return self.low, self.high

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        return ("fixed", self.low, self.high, 0.0, TOP[dtype], 0.0, TOP[dtype])


@register
@dataclass(frozen=True, eq=False)
class ZScore(Stretch):
    """``(v - mean) / std`` with fixed statistics; float outputs only, nothing is clipped.

    Attributes:
        mean: In counts.
        std: In counts.
    """

    mean: float
    std: float
    name: ClassVar[str] = "z_score"

    def __post_init__(self) -> None:
        """Check the statistics."""
        if not (math.isfinite(self.mean) and math.isfinite(self.std) and self.std > 0):
            raise ValueError(f"need finite mean and std > 0, found {self.mean}, {self.std}")

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """Counts that map to 0 and to 1."""
        del image, valid
        return self.fixed_bounds()

    def fixed_bounds(self) -> tuple[float, float]:
        """Counts that map to 0 and to 1."""
        return self.mean, self.mean + self.std

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it.

        Raises:
            ValueError: For an integer output.
        """
        if dtype in ("uint8", "uint16"):
            message = "ZScore gives negative values; dtype must be float32, float16 or bfloat16"
            raise ValueError(f"{message}, not {dtype}")
        low, high = self.fixed_bounds()
        return ("fixed", low, high, 0.0, 1.0, -FLOAT_MAX, FLOAT_MAX)

    def resolve(self, statistics: Statistics) -> Recipe:
        """The same: the statistics are fixed already."""
        del statistics
        return self


def window_over(low: float, high: float) -> Window:
    """A window that may be flat: then its one count maps to 0, what is above to the top."""
    return Window(low, high if high > low else low + 1)
