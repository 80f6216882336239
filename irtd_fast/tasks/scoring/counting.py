"""Strict scores of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from irtd_fast.tasks.scoring.answers import parse_count
from irtd_fast.tasks.scoring.measures import Floats, Measures, ratio
from irtd_fast.tasks.scoring.official import counting as official_counting
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.words import shown


def score_counting(pairs: Sequence[Pair]) -> Measures:
    """MAE and RMSE over all samples; an answer without a number counts as 0.

    Metrics ``mae``, ``rmse``, ``mae_parsed`` (over the answers that can be read) and
    ``mae_matched``, what the published script calls MAE.
    """
    columns = np.zeros((len(pairs), 7))
    parsed = np.zeros(len(pairs), bool)
    errors: dict[int, str] = {}
    unlabelled = []
    for number, pair in enumerate(pairs):
        right, count = parse_count(pair.label), parse_count(pair.answer)
        if right is None:
            unlabelled.append(number)
            continue
        parsed[number] = count is not None
        error = abs((count or 0.0) - right)
        columns[number, :5] = 1, error, error**2, count is not None, error * (count is not None)
        if count is None:
            errors[number] = f"unreadable: {shown(pair.answer)}"
        elif error:
            errors[number] = f"{count:g}, right is {right:g}"
    columns[:, 5:] = official_counting(pairs, on_crash="zero").columns[:, :2]
    return Measures(columns, _errors, parsed, errors, unlabelled)


def _errors(sums: Floats) -> Mapping[str, Floats]:
    count = sums[..., 0]
    return {
        "mae": ratio(sums[..., 1], count),
        "rmse": np.sqrt(ratio(sums[..., 2], count)),
        "mae_parsed": ratio(sums[..., 4], sums[..., 3]),
        "mae_matched": ratio(sums[..., 6], sums[..., 5]),
    }
