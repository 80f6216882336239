"""Strict scores of points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from irtd_fast.tasks.scoring.coordinates import parse_points
from irtd_fast.tasks.scoring.matching import match_near, point_distances
from irtd_fast.tasks.scoring.measures import Floats, Measures, f1_of, ratio
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.words import shown
from irtd_fast.tasks.words import plural

GATES = (5.0, 10.0, 25.0)
UNITS = ("permille", "pixel")
_ASKED = re.compile(r"[Ll]ocate (?:the positions of )?all (.+?) from left to right")


def asked_category(question: str) -> str:
    """Give the category that a question asks about, or ``""``."""
    found = _ASKED.search(question)
    return found.group(1).strip() if found else ""


@lru_cache(maxsize=4096)
def same_category(named: str, asked: str) -> bool:
    """True if two names mean one category: any case, singular or plural."""
    forms = [{word, plural(word)} for word in (named.strip().casefold(), asked.strip().casefold())]
    return not forms[0].isdisjoint(forms[1])


def score_location(
    pairs: Sequence[Pair],
    *,
    gates: Sequence[float] = GATES,
    unit: str = "permille",
    size: tuple[int, int] | None = None,
) -> Measures:
    """Precision, recall and F1 of points at several gates, matched as well as can be.

    Points that a ``<ref>`` gives another category than the question's can match nothing. Metrics
    at gate 5 are ``precision@5``, ``recall@5``, ``f1@5``, ``mae_matched@5`` (mean distance of the
    matches) and ``mae_penalised@5`` = (sum of distances + 5 (FP + FN)) / (TP + FP + FN), which is 5
    where nothing is predicted.

    Args:
        pairs: Answers and labels, both in 0..1000 of the width and the height.
        gates: Largest distance of a match.
        unit: ``permille``: distances in the answers' units; ``pixel``: in pixels.
        size: (height, width) of the pictures, for ``pixel``.

    Raises:
        ValueError: Another unit, or no size for pixels.
    """
    scale = _scale(unit, size)
    columns = np.zeros((len(pairs), 1 + 4 * len(gates)))
    parsed = np.zeros(len(pairs), bool)
    errors: dict[int, str] = {}
    unlabelled = []
    for number, pair in enumerate(pairs):
        right = parse_points(pair.label)
        if right is None:
            unlabelled.append(number)
            continue
        found = parse_points(pair.answer)
        parsed[number] = found is not None
        rows = _match(right, found or [], _category(pair, right), scale, gates)
        columns[number] = [1, *(value for row in rows for value in row)]
        if found is None:
            errors[number] = f"unreadable: {shown(pair.answer)}"
        elif (message := _complaint(rows[0], gates[0])) is not None:
            errors[number] = message
    return Measures(columns, _reduce_for(tuple(gates)), parsed, errors, unlabelled)


def _scale(unit: str, size: tuple[int, int] | None) -> tuple[float, float]:
    if unit not in UNITS:
        raise ValueError(f"unit must be one of {', '.join(UNITS)}, found {unit!r}")
    if unit == "permille":
        return 1.0, 1.0
    if size is None:
        raise ValueError("distances in pixels need the size of the pictures")
    return size[1] / 1000, size[0] / 1000


def _category(pair: Pair, right: list[tuple[float, float, str]]) -> str:
    return asked_category(pair.question) or (right[0][2] if right else "")


def _match(
    right: list[tuple[float, float, str]],
    found: list[tuple[float, float, str]],
    category: str,
    scale: tuple[float, float],
    gates: Sequence[float],
) -> list[tuple[int, int, int, float]]:
    """TP, FP, FN and the sum of distances at each gate."""
    if found == right and found:
        return [(len(right), 0, 0, 0.0)] * len(gates)
    fitting = [p for p in found if not (p[2] and category and not same_category(p[2], category))]
    wanted, given = ([(x * scale[0], y * scale[1]) for x, y, _ in p] for p in (right, fitting))
    near = point_distances(wanted, given, max(gates)) if given else []
    rows = []
    matched: list[float] = []
    seen = 0
    for gate in gates:
        within = [pair for pair in near if pair[0] <= gate]
        if len(within) != seen:
            matched, seen = match_near(within), len(within)
        hits = len(matched)
        rows.append((hits, len(found) - hits, len(right) - hits, sum(matched)))
    return rows


def _complaint(row: tuple[int, int, int, float], gate: float) -> str | None:
    hits, extra, missed, _ = row
    if not extra and not missed:
        return None
    return f"{hits} of {hits + missed} points within {gate:g}, {extra} too many"


def _reduce_for(gates: tuple[float, ...]) -> Any:
    def reduce(sums: Floats) -> Mapping[str, Floats]:
        found: dict[str, Floats] = {}
        for number, gate in enumerate(gates):
            hits, extra, missed, distance = np.moveaxis(
                sums[..., 1 + 4 * number : 5 + 4 * number], -1, 0
            )
            for name, value in f1_of(hits, extra, missed).items():
                found[f"{name}@{gate:g}"] = value
            penalty = gate * (extra + missed)
            found[f"mae_matched@{gate:g}"] = ratio(distance, hits)
            found[f"mae_penalised@{gate:g}"] = ratio(distance + penalty, hits + extra + missed)
        return found

    return reduce
