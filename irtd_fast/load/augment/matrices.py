"""One matrix per sample: window, mirroring, quarter turns and affine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from irtd_fast.geometry.matrix import compose
from irtd_fast.geometry.windows import Pictures, letterbox_windows
from irtd_fast.load.augment.windows import (
    ScaleJitter,
    Sizes,
    Windows,
    around_objects,
    jittered_windows,
    resized_crops,
    whole_windows,
)

if TYPE_CHECKING:
    from irtd_fast.load.augment.draws import Draws
    from irtd_fast.load.augment.options import Affine, Augment

Matrices = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """Geometry of a batch.

    Attributes:
        matrix: (n, 2, 3) from native pixels to those of each sample's frame (or tile).
        outcomes: (n,) uint8 ``geometry.windows.Outcome`` of windows chosen by objects, else None.
    """

    matrix: Matrices
    outcomes: NDArray[np.uint8] | None = None


def whole_pictures(heights: NDArray[np.int64], widths: NDArray[np.int64], size: Sizes) -> Drawn:
    """Every picture stretched to the frame: no augmentation."""
    windows = whole_windows(heights, widths)
    return Drawn(window_matrices(windows, np.zeros(len(heights), bool), size))


def draw_matrices(
    augment: Augment, draws: Draws, pictures: Pictures, sizes: NDArray[np.int64],
    frame: tuple[int, int],
) -> Drawn:  # fmt: skip
    """Draw the geometry of a batch.

    Args:
        augment: What to draw.
        draws: Random numbers of the samples.
        pictures: Their sizes and boxes.
        sizes: (n, 2) height and width of each sample's frame (or tile).
        frame: (height, width) of the batch, whose shape window ratios are meant for.
    """
    quarters = np.zeros(len(draws), np.int64)
    if augment.rotate90 > 0:
        turned = draws.happens("rotate90", augment.rotate90)
        which = 1 + (draws.uniform("rotate90_quarters", 1)[:, 0] * 3).astype(np.int64)
        quarters = np.where(turned, which, 0)
    odd = quarters % 2 == 1
    inner = np.where(odd[:, None], sizes[:, ::-1], sizes)
    windows, outcomes = _windows(augment, draws, pictures, inner, frame)
    flips = draws.happens("flip", augment.flip)
    matrix = window_matrices(windows, flips, inner)
    if augment.flip_vertical > 0:
        down = draws.happens("flip_vertical", augment.flip_vertical)
        matrix[down, 1] *= -1
        matrix[down, 1, 2] += inner[down, 0]
    if augment.rotate90 > 0:
        matrix = compose(matrix, _quarter_turns(quarters, inner))
    if augment.affine is not None:
        matrix = compose(matrix, _affines(augment.affine, draws, sizes))
    return Drawn(matrix, outcomes)


def _windows(
    augment: Augment, draws: Draws, pictures: Pictures, inner: NDArray[np.int64],
    frame: tuple[int, int],
) -> tuple[Windows, NDArray[np.uint8] | None]:  # fmt: skip
    heights, widths = pictures.heights, pictures.widths
    sides = np.stack([widths, heights], axis=1).astype(np.float64)
    bounds = augment.scale, augment.ratio
    rule = augment.object_crop
    if rule is not None:
        drawn = around_objects(draws, pictures, rule, bounds, inner)
        return drawn.windows, drawn.outcomes
    if isinstance(augment.crop, ScaleJitter):
        return jittered_windows(draws, sides, inner, augment.crop), None
    if augment.crop == "letterbox":
        return letterbox_windows(sides, inner), None
    if augment.crop == "whole":
        return whole_windows(heights, widths), None
    stretch = (inner[:, 1] / inner[:, 0]) / (frame[1] / frame[0])
    return resized_crops(draws, heights, widths, bounds, stretch), None


def window_matrices(windows: Windows, flips: NDArray[np.bool_], size: Sizes) -> Matrices:
    """2x3 matrices from native pixels to the batch's pixels.

    Args:
        windows: (n, 4) xyxy native pixels.
        flips: (n,) horizontal flips, applied after the resize.
        size: (height, width) of the batch, or (n, 2) of each sample's frame.

    Returns:
        (n, 2, 3): ``x' = m[0, 0] x + m[0, 2]``, ``y' = m[1, 1] y + m[1, 2]``.
    """
    height, width = np.asarray(size, np.int64).T
    sx = width / (windows[:, 2] - windows[:, 0])
    sy = height / (windows[:, 3] - windows[:, 1])
    matrices = np.zeros((len(windows), 2, 3))
    matrices[:, 0, 0] = np.where(flips, -sx, sx)
    matrices[:, 0, 2] = np.where(flips, width + windows[:, 0] * sx, -windows[:, 0] * sx)
    matrices[:, 1, 1] = sy
    matrices[:, 1, 2] = -windows[:, 1] * sy
    return matrices


def _quarter_turns(quarters: NDArray[np.int64], inner: NDArray[np.int64]) -> Matrices:
    """Counter-clockwise turns, as ``numpy.rot90`` (see ``geometry.matrix.rotate90``)."""
    cos = np.array([1.0, 0.0, -1.0, 0.0])[quarters]
    sin = np.array([0.0, 1.0, 0.0, -1.0])[quarters]
    height, width = inner[:, 0].astype(np.float64), inner[:, 1].astype(np.float64)
    out = np.zeros((len(quarters), 2, 3))
    out[:, 0, 0], out[:, 0, 1] = cos, sin
    out[:, 1, 0], out[:, 1, 1] = -sin, cos
    out[:, 0, 2] = np.select([quarters == 2, quarters == 3], [width, height], 0.0)
    out[:, 1, 2] = np.select([quarters == 1, quarters == 2], [width, height], 0.0)
    return out


def _affines(affine: Affine, draws: Draws, sizes: NDArray[np.int64]) -> Matrices:
    """Turn, shear, scale and shift about the middle of each frame; those left out are identity."""
    u = draws.uniform("affine", 6)
    angle = np.radians(affine.rotate[0] + u[:, 0] * (affine.rotate[1] - affine.rotate[0]))
    shear = np.radians(affine.shear[0] + u[:, 1:3] * (affine.shear[1] - affine.shear[0]))
    ratio = math.log(affine.scale[1] / affine.scale[0])
    scale = affine.scale[0] * np.exp(u[:, 3] * ratio)
    out = np.zeros((len(draws), 2, 3))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], 1)
    slide = np.tan(shear)
    one = np.ones(len(draws))
    lean = np.stack([one, slide[:, 0], slide[:, 1], one], 1).reshape(-1, 2, 2)
    out[:, :, :2] = lean @ turn.reshape(-1, 2, 2) * scale[:, None, None]
    middle = sizes[:, ::-1] / 2.0
    shift = (2 * u[:, 4:6] - 1) * affine.translate * sizes[:, ::-1]
    out[:, :, 2] = middle + shift - (out[:, :, :2] @ middle[:, :, None])[:, :, 0]
    left = ~draws.happens("affine_any", affine.probability)
    out[left] = np.eye(2, 3)
    return out
