"""The digits 1 to 8 as strokes, drawn with smooth edges and a dark rim at any height.

A font file would be a dependency and a licence; eight digits are a few lines and arcs. A stroke's
ink covers a pixel by how far the pixel's centre is inside it, one pixel wide from nothing to all.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Path = list[tuple[float, float]]

_WIDTH = 0.62  # of the box in which a digit stands, in heights
_PEN, _RIM = 0.075, 0.055  # half the width of a stroke, and of the rim around it, in heights
_MARGIN = _PEN + _RIM


def _arc(x: float, y: float, rx: float, ry: float, begin: float, end: float) -> Path:
    """Points of an elliptic arc; degrees from the right, clockwise on the picture."""
    angles = np.radians(np.linspace(begin, end, 25))
    return list(
        zip((x + rx * np.cos(angles)).tolist(), (y + ry * np.sin(angles)).tolist(), strict=True)
    )


# In a box one high and _WIDTH wide, without the margin of the pen; y goes down.
_STROKES: dict[int, list[Path]] = {
    1: [[(0.12, 0.22), (0.36, 0.0), (0.36, 1.0)]],
    2: [[*_arc(0.3, 0.28, 0.28, 0.28, 190, 380), (0.02, 1.0), (0.6, 1.0)]],
    3: [_arc(0.28, 0.26, 0.26, 0.26, 200, 450), _arc(0.28, 0.74, 0.29, 0.26, 270, 520)],
    4: [[(0.46, 1.0), (0.46, 0.0), (0.0, 0.7), (0.62, 0.7)]],
    5: [[(0.55, 0.0), (0.1, 0.0), (0.06, 0.44), *_arc(0.28, 0.68, 0.3, 0.32, 235, 500)]],
    6: [_arc(0.3, 0.7, 0.28, 0.3, 0, 360), [*_arc(0.62, 0.7, 0.6, 0.7, 180, 260)]],
    7: [[(0.0, 0.0), (0.6, 0.0), (0.22, 1.0)]],
    8: [_arc(0.3, 0.25, 0.23, 0.25, 0, 360), _arc(0.3, 0.75, 0.29, 0.25, 0, 360)],
}
DIGITS = tuple(_STROKES)


def digit_size(height: int) -> tuple[int, int]:
    """(height, width) in pixels of the stamp of a digit that is ``height`` pixels high."""
    return height, max(1, math.ceil(height * (_WIDTH * (1 - 2 * _MARGIN) + 2 * _MARGIN)))


@lru_cache(maxsize=256)
def digit_stamp(digit: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much ink, and how much ink or rim, covers each pixel of a digit's stamp.

    Args:
        digit: 1 to 8.
        height: Of the stamp in pixels, rim included.

    Returns:
        Ink and ink-or-rim, each (height, width) of ``digit_size``, 0 to 1, not to be written.

    Raises:
        ValueError: Another digit, or no height.
    """
    if digit not in _STROKES or height < 1:
        raise ValueError(f"expected a digit of 1 to 8 and a height, found {digit}, {height}")
    rows, columns = digit_size(height)
    scale = height * (1 - 2 * _MARGIN)
    centres = np.stack(np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5), axis=-1)
    points = (centres - height * _MARGIN) / scale
    distance = np.full((rows, columns), math.inf)
    for stroke in _STROKES[digit]:
        for a, b in itertools.pairwise(stroke):
            np.minimum(distance, _to_segment(points, a, b), out=distance)
    distance *= scale
    ink = np.clip(_PEN * height - distance + 0.5, 0, 1)
    rim = np.clip((_PEN + _RIM) * height - distance + 0.5, 0, 1)
    ink.flags.writeable = rim.flags.writeable = False
    return ink, rim


def _to_segment(
    points: NDArray[np.float64], a: tuple[float, float], b: tuple[float, float]
) -> NDArray[np.float64]:
    """Distance of each point to the segment from a to b."""
    start, way = np.array(a), np.array(b) - np.array(a)
    along = np.clip(((points - start) @ way) / max(float(way @ way), 1e-12), 0, 1)
    away = points - start - along[..., None] * way
    return np.asarray(np.hypot(away[..., 0], away[..., 1]))
