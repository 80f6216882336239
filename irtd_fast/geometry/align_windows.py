"""The two windows that show the same content, given the matrix between the frames."""

from __future__ import annotations

import numpy as np

from irtd_fast.geometry.align_model import Float, map_boxes
from irtd_fast.geometry.matrix import invert

_EMPTY = (0.0, 0.0, 0.0, 0.0)
Box = tuple[float, float, float, float]


def common_windows(
    matrix: Float, infrared_size: tuple[int, int], visible_size: tuple[int, int]
) -> tuple[Box, Box]:
    """Cut both frames to what both show.

    Args:
        matrix: (2, 3) infrared to visible pixel edges.
        infrared_size: (height, width).
        visible_size: (height, width).

    Returns:
        Window in infrared pixels and its image in visible pixels, xyxy edges, both inside their
        frames; zeros where the frames share nothing. Under rotation or shear the infrared window
        is shrunk until its upright image lies in the visible frame; the two then show the same up
        to the corners that turning cuts off.
    """
    height, width = visible_size
    frame = np.array([0.0, 0.0, width, height])
    own = np.array([0.0, 0.0, infrared_size[1], infrared_size[0]])
    back = map_boxes(invert(matrix), frame)
    cut = _cut(back, own)
    if cut is None:
        return _EMPTY, _EMPTY
    window = cut
    for _ in range(40):  # hulls grow under rotation: shrink towards the frame, which converges
        image = map_boxes(matrix, window)
        inside = _cut(image, frame)
        if inside is None:
            return _EMPTY, _EMPTY
        if np.abs(inside - image).max() < 1e-6:
            break
        shrunk = _cut(_shrink(window, image, inside), own)
        if shrunk is None:
            return _EMPTY, _EMPTY
        window = shrunk
    final = _cut(map_boxes(matrix, window), frame)
    return (_box(window), _box(final)) if final is not None else (_EMPTY, _EMPTY)


def _shrink(window: Float, image: Float, inside: Float) -> Float:
    """Move the window's edges in by the share of the image that lies outside on each side."""
    size = np.maximum(image[2:] - image[:2], 1e-12)
    low = (inside[:2] - image[:2]) / size
    high = (image[2:] - inside[2:]) / size
    extent = window[2:] - window[:2]
    return np.concatenate([window[:2] + low * extent, window[2:] - high * extent])


def _cut(box: Float, frame: Float) -> Float | None:
    low, high = np.maximum(box[:2], frame[:2]), np.minimum(box[2:], frame[2:])
    return np.concatenate([low, high]) if bool((high - low > 1e-9).all()) else None


def _box(values: Float) -> Box:
    x0, y0, x1, y1 = (float(v) for v in values)
    return x0, y0, x1, y1


def area(box: Box) -> float:
    """Area of a box in pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])
