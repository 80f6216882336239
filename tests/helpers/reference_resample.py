"""Resampling as it is defined, in NumPy and double precision: slow and obvious."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def fold(index: int, size: int, border: str) -> int | None:
    """The pixel that stands at an index beyond the picture, by walking; None for the constant."""
    if 0 <= index < size:
        return index
    if border == "constant":
        return None
    if border == "replicate" or size == 1:
        return 0 if index < 0 else size - 1
    again = 1 if border == "reflect" else 0  # the edge pixel is seen twice
    while not 0 <= index < size:
        index = -index - again if index < 0 else 2 * size - 2 + again - index
    return index


def continued(
    image: npt.NDArray[np.generic], rows: range, cols: range, border: str, value: float
) -> Array:
    """The part of the endless picture at these rows and columns."""
    out = np.full((len(rows), len(cols), *image.shape[2:]), value, np.float64)
    for i, r in enumerate(rows):
        row = fold(r, image.shape[0], border)
        for j, c in enumerate(cols):
            col = fold(c, image.shape[1], border)
            if row is not None and col is not None:
                out[i, j] = image[row, col]
    return out


def weights(kind: str, begin: float, end: float, out: int, lo: int, hi: int) -> Array:
    """(out, hi − lo + 1): what each pixel lo..hi gives to each output pixel over [begin, end)."""
    step = (end - begin) / out
    table = np.zeros((out, hi - lo + 1))
    for i in range(out):
        centre = begin + (i + 0.5) * step
        if kind == "nearest":
            table[i, min(max(math.floor(centre), lo), hi) - lo] = 1
        elif kind == "bilinear" or (kind == "antialias" and abs(step) <= 1):
            at = min(max(centre - 0.5, lo), hi)
            left = math.floor(at)
            table[i, left - lo] += 1 - (at - left)
            table[i, min(left + 1, hi) - lo] += at - left
        else:
            pixels = np.arange(lo, hi + 1)
            if kind == "area":
                first, last = sorted((centre - step / 2, centre + step / 2))
                share = np.minimum(pixels + 1, last) - np.maximum(pixels, first)
            else:
                share = 1 - np.abs(pixels + 0.5 - centre) / abs(step)
            table[i] = np.maximum(share, 0)
            table[i] /= table[i].sum()
    return table


def cut_and_resize(
    image: npt.NDArray[np.generic],
    window: tuple[float, float, float, float],
    size: tuple[int, int],
    *,
    kind: str,
    border: str = "replicate",
    value: float = 0.0,
) -> Array:
    """Cut the window out of the endless picture and resize it: (h, w) or (h, w, c)."""
    x0, y0, x1, y1 = window
    rows = range(math.floor(min(y0, y1)), math.ceil(max(y0, y1)))
    cols = range(math.floor(min(x0, x1)), math.ceil(max(x0, x1)))
    part = continued(image, rows, cols, border, value)
    down = weights(kind, y0, y1, size[0], rows[0], rows[-1])
    across = weights(kind, x0, x1, size[1], cols[0], cols[-1])
    result: Array = np.einsum("ir,rc...,jc->ij...", down, part, across)
    return result


def warp(
    image: npt.NDArray[np.generic],
    matrix: Array,
    size: tuple[int, int],
    *,
    nearest: bool = False,
    border: str = "replicate",
    value: float = 0.0,
) -> Array:
    """One output pixel after another at the exact position its centre comes from."""
    whole = np.vstack([matrix, [0, 0, 1]])
    inverse = np.linalg.inv(whole)
    out = np.zeros((*size, *image.shape[2:]))
    for r in range(size[0]):
        for c in range(size[1]):
            x, y, _ = inverse @ (c + 0.5, r + 0.5, 1)
            if nearest:
                x0, y0 = math.floor(x), math.floor(y)
                out[r, c] = continued(image, range(y0, y0 + 1), range(x0, x0 + 1), border, value)[
                    0, 0
                ]
                continue
            x, y = x - 0.5, y - 0.5
            x0, y0 = math.floor(x), math.floor(y)
            four = continued(image, range(y0, y0 + 2), range(x0, x0 + 2), border, value)
            across = four[:, 0] * (1 - (x - x0)) + four[:, 1] * (x - x0)
            out[r, c] = across[0] * (1 - (y - y0)) + across[1] * (y - y0)
    return out
