"""Oriented boxes: four corners, or centre, sides and angle, and back.

Corners (n, 8) are x0, y0 … x3, y3 in order around the box; for the angle form the first edge (from
corner 0 to corner 1) is the width. The angle is in radians from the x axis towards the y axis,
which on a screen is clockwise (OpenCV's RotatedRect, in degrees, turns the same way).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]


def _rows(values: ArrayLike, columns: int, name: str) -> Floats:
    array = np.asarray(values)
    if array.size == 0 and array.ndim < 2:
        array = array.reshape(0, columns)
    if array.ndim != 2 or array.shape[1] != columns:
        raise ValueError(f"{name} must be (n, {columns}), found shape {array.shape}")
    return array if array.dtype == np.float32 else array.astype(np.float64)


def boxes_to_corners(boxes: ArrayLike) -> Floats:
    """Corners (n, 8) of xyxy boxes (n, 4): top left, top right, bottom right, bottom left."""
    return _rows(boxes, 4, "boxes")[:, [0, 1, 2, 1, 2, 3, 0, 3]]


def corners_to_boxes(corners: ArrayLike) -> Floats:
    """Upright xyxy hulls (n, 4) of corners (n, 8); NaN where a corner is."""
    points = _rows(corners, 8, "corners").reshape(-1, 4, 2)
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def rotated_to_corners(rotated: ArrayLike) -> Floats:
    """Corners (n, 8) of (n, 5) rows cx, cy, width, height, radians."""
    given = _rows(rotated, 5, "rotated")
    with np.errstate(all="ignore"):
        cx, cy, w, h, angle = given.astype(np.float64).T
        along = np.stack([np.cos(angle), np.sin(angle)], axis=1) * w[:, None] / 2
        across = np.stack([-np.sin(angle), np.cos(angle)], axis=1) * h[:, None] / 2
        centre = np.stack([cx, cy], axis=1)
        corners = [centre - along - across, centre + along - across,
                   centre + along + across, centre - along + across]  # fmt: skip
        return np.concatenate(corners, axis=1).astype(given.dtype)


def corners_to_rotated(corners: ArrayLike) -> Floats:
    """Rows (n, 5) cx, cy, width, height, radians of corners (n, 8).

    Exact for rectangles. Any other quadrilateral gets the mean of opposite edges as sides and the
    direction of its first and third edge. The angle is in (-pi, pi]; corners that run the other way
    round come back in another order, as the same rectangle.
    """
    given = _rows(corners, 8, "corners")
    with np.errstate(all="ignore"):
        p = given.astype(np.float64).reshape(-1, 4, 2)
        centre = p.mean(axis=1)
        first, third = p[:, 1] - p[:, 0], p[:, 2] - p[:, 3]
        second, fourth = p[:, 2] - p[:, 1], p[:, 3] - p[:, 0]
        width = (np.hypot(*first.T) + np.hypot(*third.T)) / 2
        height = (np.hypot(*second.T) + np.hypot(*fourth.T)) / 2
        # Without a first edge the direction is that of the height, a quarter turn back.
        along = first + third
        across = second + fourth
        flat = (along == 0).all(axis=1)
        along[flat] = np.stack([across[flat, 1], -across[flat, 0]], axis=1)
        angle = np.arctan2(along[:, 1], along[:, 0])
        return np.column_stack([centre, width, height, angle]).astype(given.dtype)


def long_edge_first(rotated: ArrayLike) -> Floats:
    """The same rectangles (n, 5) with width >= height and the angle in [-pi/2, pi/2)."""
    given = _rows(rotated, 5, "rotated")
    with np.errstate(all="ignore"):
        out = given.astype(np.float64)
        tall = out[:, 2] < out[:, 3]
        out[tall, 2], out[tall, 3] = out[tall, 3], out[tall, 2].copy()
        angle = out[:, 4] + np.where(tall, math.pi / 2, 0.0)
        out[:, 4] = np.mod(angle + math.pi / 2, math.pi) - math.pi / 2
        return out.astype(given.dtype)
