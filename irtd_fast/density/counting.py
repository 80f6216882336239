"""How far counts are off: MAE, RMSE, and GAME, which also asks where."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _pairs(predicted: ArrayLike, true: ArrayLike) -> NDArray[np.float64]:
    a, b = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError(f"counts must be two equally long lists, found {a.shape} and {b.shape}")
    return a - b


def mae(predicted: ArrayLike, true: ArrayLike) -> float:
    """Mean absolute error of counts, one for each picture; NaN if a count is.

    Raises:
        ValueError: Lists of unequal length, or empty ones.
    """
    return float(np.abs(_pairs(predicted, true)).mean())


def rmse(predicted: ArrayLike, true: ArrayLike) -> float:
    """Root of the mean squared error of counts (crowd counting papers often call it MSE).

    As ``mae`` else.
    """
    return float(np.sqrt((_pairs(predicted, true) ** 2).mean()))


def region_counts(density: ArrayLike, level: int) -> NDArray[np.float64]:
    """Sums of the 2^level x 2^level regions of maps (..., h, w), whose borders are rounded down.

    Raises:
        ValueError: No map, a negative level, or one with more regions than the map has cells.
    """
    maps = np.asarray(density, np.float64)
    if maps.ndim < 2 or not 0 <= level <= 16 or min(maps.shape[-2:]) < 1 << level:
        raise ValueError(
            f"need maps (..., h, w), 2^level cells a side or more, found {maps.shape}, {level}"
        )
    parts = 1 << level
    rows = np.arange(parts) * maps.shape[-2] // parts
    columns = np.arange(parts) * maps.shape[-1] // parts
    return np.asarray(np.add.reduceat(np.add.reduceat(maps, rows, axis=-2), columns, axis=-1))


def point_counts(
    points: ArrayLike, size: tuple[int, int], shape: tuple[int, int], level: int
) -> NDArray[np.float64]:
    """Points (n, 2) in each region that ``region_counts`` would cut a map of this shape into.

    Args:
        points: x, y in pixels of the frame; those outside, and not finite, are not counted.
        size: (height, width) of the frame.
        shape: (h, w) of the map; its cells are size / shape pixels large.
        level: As ``region_counts``.

    Raises:
        ValueError: Shapes that do not fit, or sides that are not positive.
    """
    xy = np.asarray(points, np.float64)
    xy = xy.reshape(0, 2) if xy.size == 0 and xy.ndim < 2 else xy
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise ValueError(f"points must be (n, 2), found shape {xy.shape}")
    if min(*size, *shape) < 1:
        raise ValueError(f"size and shape must have positive sides, found {size} and {shape}")
    inside = ((xy >= 0) & (xy < [size[1], size[0]])).all(axis=1)
    cells = np.floor(xy[inside] * [shape[1] / size[1], shape[0] / size[0]]).astype(np.int64)
    cells = np.minimum(cells, [shape[1] - 1, shape[0] - 1])
    counts = np.zeros(shape)
    np.add.at(counts, (cells[:, 1], cells[:, 0]), 1)
    return region_counts(counts, level)


def game(predicted: ArrayLike, true: ArrayLike, level: int) -> float:
    """Grid Average Mean absolute Error (Guerrero-Gómez-Olmedo et al., IbPRIA 2015).

    The picture is cut into 4^level regions; the absolute errors of their counts are added, and the
    mean over pictures taken. Level 0 is the MAE.

    Args:
        predicted: Density maps (n, h, w), or (h, w) for one picture.
        true: Density maps of the same shape, or true counts of the regions
            (n, 2^level, 2^level) as ``point_counts`` gives them.
        level: 0 to 3 are in use.

    Raises:
        ValueError: Shapes that do not fit.
    """
    found = region_counts(predicted, level)
    truth = np.asarray(true, np.float64)
    if truth.shape != found.shape:
        if truth.shape != np.shape(predicted):
            raise ValueError(
                f"true must be {np.shape(predicted)} or {found.shape}, found {truth.shape}"
            )
        truth = region_counts(truth, level)
    return float(np.abs(found - truth).sum(axis=(-2, -1)).mean())
