"""The density map by its definition, in NumPy: what the compiled loops are compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def density_map_reference(
    points: ArrayLike,
    sigmas: ArrayLike,
    size: tuple[int, int],
    *,
    stride: int = 1,
    truncate: float = 4.0,
) -> NDArray[np.float64]:
    """Density map of one picture in double precision, one point after the other.

    Args:
        points: (n, 2) x, y in pixels of the frame.
        sigmas: (n,) sigma of each point, pixels.
        size: (height, width).
        stride: Pixels along each side of a cell.
        truncate: Sigmas beyond which a Gaussian is cut off.

    Returns:
        (ceil(height / stride), ceil(width / stride)) float64.
    """
    height, width = size
    full = np.zeros((height, width))
    for (x, y), sigma in zip(np.asarray(points), np.asarray(sigmas), strict=True):
        if 0 <= x < width and 0 <= y < height:
            across = _gaussian(float(x), float(sigma), width, truncate)
            down = _gaussian(float(y), float(sigma), height, truncate)
            full += np.outer(down, across)
    by_rows = np.add.reduceat(full, np.arange(0, height, stride), axis=0)
    cells = np.add.reduceat(by_rows, np.arange(0, width, stride), axis=1)
    return cells.astype(np.float64)


def _gaussian(x: float, sigma: float, size: int, truncate: float) -> NDArray[np.float64]:
    distance = np.arange(size) + 0.5 - x
    own = np.arange(size) == int(x)
    if sigma < 1e-3:
        return np.asarray(own, np.float64)
    exponent = -0.5 * (distance / sigma) ** 2
    weights = np.exp(exponent - exponent[own])
    weights[(np.abs(distance) > truncate * sigma) & ~own] = 0
    return np.asarray(weights / weights.sum(), np.float64)
