"""Inner loops of the density maps, for numba; as plain Python they give the same, slowly."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MOST_NEIGHBOURS = 64
_POINTLIKE = 1e-3  # sigma in pixels below which all of the mass is in the point's pixel
_helpers: dict[str, Any] = {}


def axis_weights(
    x: float, sigma: float, truncate: float, size: int, stride: int, weights: Array
) -> tuple[int, int]:
    """Normalised weights of the cells of one axis; gives the first cell and their number.

    Pixel i has the weight ``exp(-(i + 1/2 - x)^2 / (2 sigma^2))`` relative to the point's own
    pixel: with d the distance of its centre, neighbours have ``exp(-(1 + 2 d) / (2 sigma^2))``
    times as much, and each step multiplies that factor by ``exp(-1 / sigma^2)``. Three
    exponentials do for the whole axis, and nothing can overflow or add up to zero.
    """
    own = int(x)
    if sigma < _POINTLIKE:
        weights[0] = 1.0
        return own // stride, 1
    reach = min(truncate * sigma, size + 1.0)
    low = int(max(0.0, math.ceil(x - reach - 0.5)))
    high = int(min(size - 1.0, math.floor(x + reach - 0.5)))
    low, high = min(low, own), max(high, own)
    first, last = low // stride, high // stride
    count = last - first + 1
    for i in range(count):
        weights[i] = 0.0
    inverse = 1.0 / (sigma * sigma)
    d = own + 0.5 - x
    slope = math.exp(-inverse)
    place = own - first * stride
    total = 1.0
    weights[place // stride] += 1.0
    value, step = 1.0, math.exp(-(0.5 + d) * inverse)
    for i in range(place + 1, high - first * stride + 1):
        value *= step
        step *= slope
        total += value
        weights[i if stride == 1 else i // stride] += value
    value, step = 1.0, math.exp(-(0.5 - d) * inverse)
    for i in range(place - 1, low - first * stride - 1, -1):
        value *= step
        step *= slope
        total += value
        weights[i if stride == 1 else i // stride] += value
    for i in range(count):
        weights[i] /= total
    return first, count


def stamp(
    jobs: Array, xy: Array, ends: Array, sigmas: Array, affines: Array,
    height: int, width: int, stride: int, truncate: float, maps: Array,
) -> None:  # fmt: skip
    """Add the Gaussians of every job's points to the rows of its map."""
    columns = np.empty(maps.shape[2], np.float32)
    rows = np.empty(maps.shape[1], np.float32)
    for job in range(jobs.shape[0]):
        sample, begin, end = jobs[job, 0], jobs[job, 1], jobs[job, 2]
        m = affines[sample]
        for p in range(ends[sample], ends[sample + 1]):
            x = m[0, 0] * xy[p, 0] + m[0, 1] * xy[p, 1] + m[0, 2]
            y = m[1, 0] * xy[p, 0] + m[1, 1] * xy[p, 1] + m[1, 2]
            if not (x >= 0.0 and x < width and y >= 0.0 and y < height):
                continue
            top, tall = axis_weights(y, sigmas[p], truncate, height, stride, rows)
            from_row, to_row = max(top, begin), min(top + tall, end)
            if from_row >= to_row:
                continue
            left, wide = axis_weights(x, sigmas[p], truncate, width, stride, columns)
            for row in range(from_row, to_row):
                weight = rows[row - top]
                line = maps[sample, row, left : left + wide]
                for i in range(wide):
                    line[i] += weight * columns[i]


def near(xy: Array, neighbours: int) -> Array:
    """Mean distance of each point to its nearest neighbours, by comparing all pairs."""
    count = xy.shape[0]
    out = np.empty(count)
    best = np.empty(neighbours)
    for i in range(count):
        best[:] = math.inf
        for j in range(count):
            dx, dy = xy[j, 0] - xy[i, 0], xy[j, 1] - xy[i, 1]
            distance = dx * dx + dy * dy
            if j == i or not distance < best[neighbours - 1]:
                continue
            place = neighbours - 1
            while place > 0 and best[place - 1] > distance:
                best[place] = best[place - 1]
                place -= 1
            best[place] = distance
        total = 0.0
        for k in range(neighbours):
            total += math.sqrt(best[k])
        out[i] = total / neighbours
    return out


@functools.cache
def compiled(name: str) -> Callable[..., Any]:
    """The compiled function of this module with that name: ``stamp`` or ``near``.

    numba is imported here, not with the package. Compiled code is cached on disk; where no folder
    for it can be written, it is compiled once per process and a warning is logged.
    """
    global axis_weights  # noqa: PLW0603 - numba resolves the callee by its global name
    import numba

    def compile_one(function: Any) -> Any:
        try:
            return numba.njit(cache=True, nogil=True)(function)
        except RuntimeError as error:  # "cannot cache function …: no locator available"
            logging.getLogger(__name__).warning("density loops are compiled anew: %s", error)
            return numba.njit(nogil=True)(function)

    if "axis_weights" not in _helpers:
        _helpers["axis_weights"] = axis_weights = compile_one(axis_weights)
    done: Callable[..., Any] = compile_one({"stamp": stamp, "near": near}[name])
    return done
