"""Geometric augmentation: one window and one flip per sample, drawn for a whole batch at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.geometry.windows import (
    LANES,
    TRIES,
    ObjectCrop,
    ObjectWindows,
    Pictures,
    centred_windows,
    object_windows,
)
from irtd_fast.load.random import uniform

_TRIES = 10

Windows = NDArray[np.float64]


@dataclass(frozen=True)
class Augment:
    """Random resized crop and horizontal flip.

    A window of a random share of the area and a random aspect ratio at a random place; after ten
    draws that do not fit, the largest centred window within the ratio bounds (the usual training
    recipe since Szegedy et al., CVPR 2015).

    With ``crop="semantic"`` or an ``ObjectCrop`` the window is chosen by the objects of the picture
    instead, within the same bounds where they allow it.

    Attributes:
        scale: Bounds of the window's share of the picture's area.
        ratio: Bounds of its width over its height, drawn log-uniformly.
        flip: Probability of a horizontal flip.
        crop: ``random``, or windows chosen by the objects in them: ``semantic`` (one object, whole)
            or an ``ObjectCrop``.
    """

    scale: tuple[float, float] = (0.25, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    crop: Literal["random", "semantic"] | ObjectCrop = "random"

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f"scale must satisfy 0 < low <= high <= 1, found {self.scale}")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"ratio must satisfy 0 < low <= high, found {self.ratio}")
        if not 0 <= self.flip <= 1:
            raise ValueError(f"flip must be a probability, found {self.flip}")
        if not isinstance(self.crop, ObjectCrop) and self.crop not in ("random", "semantic"):
            raise ValueError(f"crop must be random, semantic or an ObjectCrop, found {self.crop!r}")

    @property
    def object_crop(self) -> ObjectCrop | None:
        """The rule of windows chosen by objects, ``None`` if they are random."""
        if isinstance(self.crop, ObjectCrop):
            return self.crop
        return ObjectCrop() if self.crop == "semantic" else None

    def draw(
        self,
        seed: int,
        epoch: int,
        samples: NDArray[np.int64],
        heights: NDArray[np.int64],
        widths: NDArray[np.int64],
    ) -> tuple[Windows, NDArray[np.bool_]]:
        """Windows (n, 4) xyxy in native pixels, whole numbers, and flips (n,)."""
        u = uniform(seed, epoch, samples, "random_resized_crop", 4 * _TRIES)
        u = u.reshape(len(samples), _TRIES, 4)
        h, w = heights[:, None].astype(np.float64), widths[:, None].astype(np.float64)
        area = h * w * (self.scale[0] + u[..., 0] * (self.scale[1] - self.scale[0]))
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        aspect = np.exp(low + u[..., 1] * (high - low))
        crop_w = np.rint(np.sqrt(area * aspect))
        crop_h = np.rint(np.sqrt(area / aspect))
        fits = (crop_w >= 1) & (crop_h >= 1) & (crop_w <= w) & (crop_h <= h)
        pick = np.argmax(fits, axis=1)
        each = np.arange(len(samples))
        cw, ch = crop_w[each, pick], crop_h[each, pick]
        x0 = np.floor(u[each, pick, 2] * (widths - cw + 1))
        y0 = np.floor(u[each, pick, 3] * (heights - ch + 1))
        windows = np.stack([x0, y0, x0 + cw, y0 + ch], axis=1)
        missed = ~fits.any(axis=1)
        sides = np.stack([widths[missed], heights[missed]], axis=1).astype(np.float64)
        windows[missed] = centred_windows(sides, self.ratio)
        return windows, self._flips(seed, epoch, samples)

    def draw_around_objects(
        self,
        seed: int,
        epoch: int,
        samples: NDArray[np.int64],
        pictures: Pictures,
        size: tuple[int, int],
    ) -> tuple[ObjectWindows, NDArray[np.bool_]]:
        """Windows by ``object_crop``, and flips (n,); ``size`` is that of the frame."""
        rule = self.object_crop or ObjectCrop()
        windows = uniform(seed, epoch, samples, "object_crop", TRIES * LANES)
        owner = pictures.owner
        within = np.arange(len(owner)) - pictures.offsets[:-1][owner]
        # A counter of its own for every object of every sample: 2^22 objects, 2^41 samples.
        objects = (samples[owner] << 22) + within
        choice = uniform(seed, epoch, objects, "object_choice", 1)[:, 0]
        bounds = self.scale, self.ratio
        drawn = object_windows(pictures, rule, bounds, size, (windows, choice))
        return drawn, self._flips(seed, epoch, samples)

    def _flips(self, seed: int, epoch: int, samples: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray(uniform(seed, epoch, samples, "flip", 1)[:, 0] < self.flip)


def whole_windows(heights: NDArray[np.int64], widths: NDArray[np.int64]) -> Windows:
    """Windows that take every picture whole."""
    zeros = np.zeros(len(heights))
    return np.stack([zeros, zeros, widths, heights], axis=1).astype(np.float64)


def window_matrices(
    windows: Windows, flips: NDArray[np.bool_], size: tuple[int, int]
) -> NDArray[np.float64]:
    """2x3 matrices from native pixels to the batch's pixels.

    Args:
        windows: (n, 4) xyxy native pixels.
        flips: (n,) horizontal flips, applied after the resize.
        size: (height, width) of the batch.

    Returns:
        (n, 2, 3): ``x' = m[0, 0] x + m[0, 2]``, ``y' = m[1, 1] y + m[1, 2]``.
    """
    height, width = size
    sx = width / (windows[:, 2] - windows[:, 0])
    sy = height / (windows[:, 3] - windows[:, 1])
    matrices = np.zeros((len(windows), 2, 3))
    matrices[:, 0, 0] = np.where(flips, -sx, sx)
    matrices[:, 0, 2] = np.where(flips, width + windows[:, 0] * sx, -windows[:, 0] * sx)
    matrices[:, 1, 1] = sy
    matrices[:, 1, 2] = -windows[:, 1] * sy
    return matrices
