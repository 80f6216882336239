"""Geometric augmentation: one window and one flip per sample, drawn for a whole batch at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.random import uniform

_TRIES = 10

Windows = NDArray[np.float64]


@dataclass(frozen=True)
class Augment:
    """Random resized crop and horizontal flip.

    A window of a random share of the area and a random aspect ratio at a random place; after ten
    draws that do not fit, the largest centred window within the ratio bounds (the usual training
    recipe since Szegedy et al., CVPR 2015).

    Attributes:
        scale: Bounds of the window's share of the picture's area.
        ratio: Bounds of its width over its height, drawn log-uniformly.
        flip: Probability of a horizontal flip.
    """

    scale: tuple[float, float] = (0.25, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f"scale must satisfy 0 < low <= high <= 1, found {self.scale}")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"ratio must satisfy 0 < low <= high, found {self.ratio}")
        if not 0 <= self.flip <= 1:
            raise ValueError(f"flip must be a probability, found {self.flip}")

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
        windows[missed] = self._centred(heights[missed], widths[missed])
        flips = uniform(seed, epoch, samples, "flip", 1)[:, 0] < self.flip
        return windows, flips

    def _centred(self, heights: NDArray[np.int64], widths: NDArray[np.int64]) -> Windows:
        aspect = np.clip(widths / heights, *self.ratio)
        cw = np.maximum(1, np.minimum(widths, np.rint(heights * aspect)))
        ch = np.maximum(1, np.minimum(heights, np.rint(widths / aspect)))
        x0, y0 = (widths - cw) // 2, (heights - ch) // 2
        return np.stack([x0, y0, x0 + cw, y0 + ch], axis=1).astype(np.float64)


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
