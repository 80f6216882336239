"""Geometry of text tables: a row's numbers as a box, corners or a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from irtd_fast.formats.base import (
    BoxOptions,
    Point,
    corner_hull,
    rotated_corners,
)
from irtd_fast.formats.columns import SHAPES
from irtd_fast.types import Box, Corners

Shape = tuple[Box | None, Corners | None, Point | None]


def shape_row(
    shape: str, numbers: Sequence[float], places: Mapping[str, int], options: BoxOptions
) -> Shape:
    """Convert a row's numbers.

    Args:
        shape: Key of ``columns.SHAPES``.
        numbers: All numbers of the row.
        places: Role -> place in ``numbers``.
        options: Base, inclusive maximum and the like.
    """
    values = [numbers[places[role]] for role in SHAPES[shape]]
    if shape == "point":
        return None, None, options.point(values[0], values[1])
    if shape == "corners":
        points = [options.point(*values[i : i + 2]) for i in range(0, 8, 2)]
        corners = as_corners(points)
        return corner_hull(corners), corners, None
    if shape == "xyxy":
        return options.edges(values[0], values[1], values[2], values[3]), None, None
    x, y, w, h = values[:4]
    if shape == "xywh":
        x, y = x - options.base, y - options.base
        return (x, y, x + w, y + h), None, None
    x, y = x - options.base, y - options.base
    if shape == "turned" and w > 0 and h > 0:
        corners = rotated_corners(x, y, w, h, values[4])
        return corner_hull(corners), corners, None
    return (x - w / 2, y - h / 2, x + w / 2, y + h / 2), None, None


def as_corners(points: Sequence[Point]) -> Corners:
    """Flatten four points."""
    (a, b), (c, d), (e, f), (g, h) = points
    return (a, b, c, d, e, f, g, h)
