"""Intersection over union of boxes, upright and oriented, pair by pair or all with all."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irtd_fast import _core


def _floats(values: ArrayLike, columns: int) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.ascontiguousarray(values, np.float32)
    return array.reshape(0, columns) if array.size == 0 and array.ndim < 2 else array


def box_iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of all boxes of two sets.

    Args:
        a: (n, 4) xyxy.
        b: (m, 4) xyxy.

    Returns:
        (n, m) float64 in 0..1; 0 where a box is not finite, inverted or without area.

    Raises:
        ValueError: Shapes other than these.
    """
    return _core.box_iou(_floats(a, 4), _floats(b, 4))


def corners_iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Exact intersection over union of oriented boxes, corners (n, 8) and (m, 8).

    Of the convex hulls of the corners, so their order does not matter.

    Returns:
        (n, m) float64 in 0..1; 0 where a box is not finite or without area.

    Raises:
        ValueError: Shapes other than these.
    """
    return _core.corners_iou(_floats(a, 8), _floats(b, 8))


def paired_iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of box i of ``a`` with box i of ``b``: (n, 4) twice, or (n, 8).

    Raises:
        ValueError: Unequal shapes, or neither of these.
    """
    rows, columns = np.asarray(a), np.asarray(b)
    if rows.shape != columns.shape or rows.ndim != 2 or rows.shape[1] not in (4, 8):
        raise ValueError(
            f"a and b must both be (n, 4) or (n, 8), found {rows.shape} and {columns.shape}"
        )
    if rows.shape[1] == 8:
        each = (corners_iou(p[None], q[None])[0, 0] for p, q in zip(rows, columns, strict=True))
        return np.fromiter(each, np.float64, len(rows))
    with np.errstate(all="ignore"):
        p, q = _floats(rows, 4).astype(np.float64), _floats(columns, 4).astype(np.float64)
        overlap = np.minimum(p[:, 2:], q[:, 2:]) - np.maximum(p[:, :2], q[:, :2])
        shared = np.maximum(overlap, 0).prod(axis=1)
        sides = np.maximum(np.stack([p[:, 2:] - p[:, :2], q[:, 2:] - q[:, :2]]), 0).prod(axis=2)
        out = shared / (sides[0] + sides[1] - shared)
    usable = np.isfinite(out) & (sides > 0).all(axis=0) & np.isfinite(sides).all(axis=0)
    return np.where(usable, np.minimum(out, 1.0), 0.0)
