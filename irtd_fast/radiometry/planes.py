"""What filters share: planes of a picture as the kernels take them, and levels as output."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.radiometry.base import TOP, OutputType, Pixels, Valid
from irtd_fast.radiometry.cast import cast_output

Plane = NDArray[Any]


def for_each_plane(
    image: Pixels, valid: Valid, empty: Any, work: Callable[[Plane, Valid], Plane]
) -> NDArray[Any]:
    """Call ``work(plane, valid)`` for the picture, or for each channel of it.

    Args:
        image: (height, width) or (height, width, channels); strides as they come.
        valid: (height, width) bool.
        empty: dtype of the result for a picture without pixels.
        work: Gives a plane of the same shape; it gets rows of adjacent pixels.

    Returns:
        An array of the picture's shape.
    """
    if image.size == 0:
        return np.zeros(image.shape, empty)
    if valid is not None:
        valid = adjacent(valid)
    if image.ndim == 2:
        return work(adjacent(image), valid)
    planes = [work(adjacent(image[..., k]), valid) for k in range(image.shape[2])]
    return np.stack(planes, axis=-1)


def adjacent(plane: Plane) -> Plane:
    """The plane itself if the pixels of its rows are adjacent and its rows go down, else a copy."""
    rows_down = plane.shape[0] <= 1 or plane.strides[0] >= 0
    packed = plane.shape[1] <= 1 or plane.strides[1] == plane.itemsize
    return plane if rows_down and packed else np.ascontiguousarray(plane)


def levels_to_output(levels: Plane, dtype: OutputType, valid: Valid) -> NDArray[Any]:
    """Levels of a type's whole range to an output type; what is not valid becomes 0."""
    if levels.dtype.name == dtype:
        out = levels
    else:
        out = np.take(_level_table(levels.dtype.name, dtype), levels)
    if valid is not None:
        out[~np.broadcast_to(valid if out.ndim == 2 else valid[..., None], out.shape)] = 0
    return out


@lru_cache(maxsize=16)
def _level_table(source: str, dtype: OutputType) -> NDArray[Any]:
    """Output of every level of uint8 or uint16."""
    top = TOP[source]
    table = cast_output(np.arange(int(top) + 1) / top * TOP[dtype], dtype)
    table.setflags(write=False)
    return table


def storage(dtype: OutputType) -> type[np.generic]:
    """NumPy type that holds an output type."""
    kinds: dict[str, type[np.generic]] = {"bfloat16": np.uint16, "float16": np.float16}
    return kinds.get(dtype) or np.dtype(dtype).type
