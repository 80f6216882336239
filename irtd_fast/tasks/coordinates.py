"""Coordinates as texts write them: pixels, thousandths, or shares of the sides of a frame."""

from __future__ import annotations

from collections.abc import Iterable

from irtd_fast.tasks.facts import Box, Point
from irtd_fast.tasks.text import Units

_DIGITS = 4  # of a share: a fifth of a pixel of 2,000


def points_in(
    units: Units, points: Iterable[Point], size: tuple[int, int]
) -> list[tuple[float, float]]:
    """Points as numbers to be written; whole ones are ``int``.

    Halves are rounded to even, as in the published files: ``x * 1000 / width`` is exact where x is
    a multiple of 1/2 (see ``geometry.boxes.per_mille``, which is the same for arrays).

    Args:
        units: ``pixel``, ``permille`` (0..1000 of each side) or ``unit`` (0..1, four digits).
        points: x, y in pixels of the frame.
        size: (height, width) of the frame.

    >>> points_in("permille", [(317.5, 717.5)], (1000, 1000))
    [(318, 718)]
    >>> points_in("unit", [(320.0, 100.0)], (512, 640)), points_in("pixel", [(2.5, 3.5)], (9, 9))
    ([(0.5, 0.1953)], [(2, 4)])
    """
    height, width = size
    if units == "permille":
        return [(round(x * 1000 / width), round(y * 1000 / height)) for x, y in points]
    if units == "pixel":
        return [(round(x), round(y)) for x, y in points]
    return [(round(x / width, _DIGITS), round(y / height, _DIGITS)) for x, y in points]


def box_in(units: Units, box: Box, size: tuple[int, int]) -> list[float]:
    """Edges of a box as numbers to be written.

    >>> box_in("permille", (64.0, 51.2, 320.0, 256.0), (512, 640))
    [100, 100, 500, 500]
    """
    x0, y0, x1, y1 = box
    (left, top), (right, bottom) = points_in(units, ((x0, y0), (x1, y1)), size)
    return [left, top, right, bottom]


def centre(box: Box) -> Point:
    """Middle of a box."""
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2
