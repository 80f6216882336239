"""Points near each other, and the best one-to-one matching of them."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.geometry.matching import match_best

_LARGE = 4096  # pairs from which on arrays are worth their making
_EXACT = float(1 << 40)  # numbers whose differences float64 holds
_SLACK = 1e-6
_SMALL = 2048  # pairs up to which plain floats are faster than arrays


def near_pairs(
    wanted: list[tuple[Any, Any]], found: list[tuple[Any, Any]], gate: float
) -> list[list[int]] | None:
    """For each wanted point the found ones that can be within the gate, ascending.

    A sieve: a few more may be listed, none is left out. Gives None where it would not pay, or
    where points are no ordinary numbers and must be looked at one by one.
    """
    if len(wanted) * len(found) < _LARGE:
        return None
    arrays = []
    for points in (wanted, found):
        if not all(type(v) is int or type(v) is float for point in points for v in point):
            return None
        if not all(abs(v) < _EXACT for point in points for v in point):
            return None
        arrays.append(np.array(points, np.float64))
    limit = gate * (1 + _SLACK) + _SLACK
    near = []
    for x, y in arrays[0]:
        dx, dy = arrays[1][:, 0] - x, arrays[1][:, 1] - y
        near.append(np.flatnonzero(dx * dx + dy * dy <= limit * limit).tolist())
    return near


def point_distances(
    wanted: list[tuple[float, float]], found: list[tuple[float, float]], gate: float
) -> list[tuple[float, int, int]]:
    """All pairs within a gate: (distance, number in ``wanted``, number in ``found``)."""
    if len(wanted) * len(found) <= _SMALL:
        pairs = [
            (math.hypot(x - u, y - v), i, j)
            for i, (x, y) in enumerate(wanted)
            for j, (u, v) in enumerate(found)
        ]
        return [pair for pair in pairs if pair[0] <= gate]
    a, b = (np.array(points, np.float64).reshape(-1, 2) for points in (wanted, found))
    with np.errstate(over="ignore", invalid="ignore"):
        away = a[:, None] - b[None]
        distances = np.hypot(away[..., 0], away[..., 1])
    rows, columns = np.nonzero(distances <= gate)
    near = distances[rows, columns]
    return list(zip(near.tolist(), rows.tolist(), columns.tolist(), strict=True))


def match_near(pairs: list[tuple[float, int, int]]) -> list[float]:
    """Distances of a matching with as many pairs as can be, of the smallest total.

    Args:
        pairs: (distance, row, column) of every pair that may match.
    """
    count = len(pairs)
    if len({pair[1] for pair in pairs}) == count == len({pair[2] for pair in pairs}):
        return [pair[0] for pair in pairs]  # nothing to choose
    rows = Counter([pair[1] for pair in pairs])
    columns = Counter([pair[2] for pair in pairs])
    free = [d for d, row, column in pairs if rows[row] == 1 and columns[column] == 1]
    rest = [pair for pair in pairs if rows[pair[1]] > 1 or columns[pair[2]] > 1]
    row_of = {row: i for i, row in enumerate(dict.fromkeys(row for _, row, _ in rest))}
    column_of = {column: i for i, column in enumerate(dict.fromkeys(c for _, _, c in rest))}
    if 1 in (len(row_of), len(column_of)):
        return [*free, min(rest)[0]]
    nearness = np.full((len(row_of), len(column_of)), -np.inf)
    for distance, row, column in rest:
        nearness[row_of[row], column_of[column]] = -distance
    best = match_best(nearness, at_least=-math.inf).scores
    return [*free, *(-best).tolist()]


def match_boxes(iou: NDArray[np.float64], at_least: float) -> int:
    """How many pairs of an IoU of at least this much there can be, each box in one of them."""
    usable = iou >= at_least
    if usable.size == 0 or not usable.any():
        return 0
    if usable.sum(axis=1).max() <= 1 and usable.sum(axis=0).max() <= 1:
        return int(usable.sum())
    return len(match_best(iou, at_least=at_least))
