"""Windows of native pixels that become the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irtd_fast.geometry.windows import (
    LANES,
    TRIES,
    ObjectCrop,
    ObjectWindows,
    Pictures,
    centred_windows,
    letterbox_windows,
    object_windows,
)
from irtd_fast.load.augment.draws import Draws

_TRIES = 10

Windows = NDArray[np.float64]
Bounds = tuple[tuple[float, float], tuple[float, float]]
Sizes = tuple[int, int] | NDArray[np.int64]


@dataclass(frozen=True)
class ScaleJitter:
    """The picture fitted into the frame, its aspect kept, then made smaller or larger.

    What is larger than the frame is cut at a random place, what is smaller lies at a random place
    with the border around it (large scale jitter: Ghiasi et al., CVPR 2021, take 0.1 to 2).

    Attributes:
        low: Smallest factor on the fitted picture.
        high: Largest factor; factors are drawn log-uniformly.
    """

    low: float = 0.5
    high: float = 2.0

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 < self.low <= self.high < math.inf:
            raise ValueError(f"need 0 < low <= high, found {self}")


def resized_crops(
    draws: Draws,
    heights: NDArray[np.int64],
    widths: NDArray[np.int64],
    bounds: Bounds,
    stretch: ArrayLike = 1.0,
) -> Windows:
    """Random windows (n, 4) xyxy, whole numbers.

    Args:
        draws: Random numbers of the samples.
        heights: (n,) rows of the pictures.
        widths: (n,) columns.
        bounds: Of the share of the area, and of width over height.
        stretch: (n,) factor on width over height, for frames of another shape than the batch's.
    """
    (least, most), ratio = bounds
    u = draws.uniform("random_resized_crop", 4 * _TRIES).reshape(len(draws), _TRIES, 4)
    h, w = heights[:, None].astype(np.float64), widths[:, None].astype(np.float64)
    area = h * w * (least + u[..., 0] * (most - least))
    low, high = math.log(ratio[0]), math.log(ratio[1])
    wider = np.broadcast_to(np.asarray(stretch, np.float64), len(draws))
    aspect = np.exp(low + u[..., 1] * (high - low)) * wider[:, None]
    crop_w = np.rint(np.sqrt(area * aspect))
    crop_h = np.rint(np.sqrt(area / aspect))
    fits = (crop_w >= 1) & (crop_h >= 1) & (crop_w <= w) & (crop_h <= h)
    pick = np.argmax(fits, axis=1)
    each = np.arange(len(draws))
    cw, ch = crop_w[each, pick], crop_h[each, pick]
    x0 = np.floor(u[each, pick, 2] * (widths - cw + 1))
    y0 = np.floor(u[each, pick, 3] * (heights - ch + 1))
    windows = np.stack([x0, y0, x0 + cw, y0 + ch], axis=1)
    missed = ~fits.any(axis=1)
    sides = np.stack([widths[missed], heights[missed]], axis=1).astype(np.float64)
    allowed = np.asarray(ratio)[None] * wider[missed, None]
    windows[missed] = centred_windows(sides, (allowed[:, 0], allowed[:, 1]))
    return windows


def around_objects(
    draws: Draws, pictures: Pictures, rule: ObjectCrop, bounds: Bounds, sizes: Sizes
) -> ObjectWindows:
    """Windows chosen by the objects of the pictures; ``sizes`` (height, width) of the frames."""
    numbers = draws.uniform("object_crop", TRIES * LANES)
    owner = pictures.owner
    within = np.arange(len(owner)) - pictures.offsets[:-1][owner]
    choice = draws.of_objects("object_choice", owner, within)
    return object_windows(pictures, rule, bounds, sizes, (numbers, choice))


def jittered_windows(draws: Draws, sides: NDArray[np.float64], sizes: Sizes,
                     rule: ScaleJitter) -> Windows:  # fmt: skip
    """Windows (n, 4) of the frames' shape, smaller or larger than pictures (n, 2: width, height).

    A window smaller than the picture along an axis lies within it there, a larger one holds it.
    """
    u = draws.uniform("scale_jitter", 3)
    factor = np.exp(math.log(rule.low) + u[:, :1] * math.log(rule.high / rule.low))
    fitted = letterbox_windows(sides, sizes)
    extent = (fitted[:, 2:] - fitted[:, :2]) / factor
    corner = u[:, 1:] * (sides - extent)
    return np.concatenate([corner, corner + extent], axis=1)


def whole_windows(heights: NDArray[np.int64], widths: NDArray[np.int64]) -> Windows:
    """Windows that take every picture whole."""
    zeros = np.zeros(len(heights))
    return np.stack([zeros, zeros, widths, heights], axis=1).astype(np.float64)
