"""Strict scores of points, and the matching of points and boxes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from irtd_fast.tasks.scoring import coordinates
from irtd_fast.tasks.scoring.grounding import box_iou
from irtd_fast.tasks.scoring.location import score_location
from irtd_fast.tasks.scoring.matching import match_boxes, match_near, point_distances
from irtd_fast.tasks.scoring.pairs import Pair

CAR = "<ref>car</ref> at <pos>[(0, 0), (30, 0)]</pos>"


def values(answer: Any, label: str, question: str = "", **options: Any) -> dict[str, float]:
    return score_location([Pair("0", answer, label, question)], **options).values()


@pytest.mark.parametrize(
    ("answer", "points"),
    [
        (CAR, [(0, 0, "car"), (30, 0, "car")]),
        ("<pos>[[0, 0]]</pos> <pos>[(1, 2)]</pos>", [(0, 0, ""), (1, 2, "")]),
        ("<pos>[(0, 0),\n(3, 0)]</pos>", [(0, 0, ""), (3, 0, "")]),
        ("(1, 2) and [3,4]", [(1, 2, ""), (3, 4, "")]),
        ("<ref>car</ref> (1, 2) <ref>dog</ref> (3, 4)", [(1, 2, "car"), (3, 4, "dog")]),
        ("(9, 9) <pos>[(1, 2)]</pos>", [(1, 2, "")]), ("<pos>[]</pos>", []),
        ("<pos>[(1, 2, 3)]</pos>", []), ("(1e999, 2)", None), ("none", None), (None, None),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_points(answer: Any, points: Any) -> None:
    assert coordinates.parse_points(answer) == points


def test_location_is_bounded_by_the_gate() -> None:
    perfect = values(CAR, CAR)
    assert (perfect["f1@5"], perfect["mae_penalised@5"]) == (1.0, 0.0)
    for nothing in ("<pos>[]</pos>", "", None):
        silent = values(nothing, CAR)
        assert (silent["precision@5"], silent["recall@5"], silent["mae_penalised@5"]) == (0, 0, 5)
        assert math.isnan(silent["mae_matched@5"])
    mixed = values("<pos>[(3, 4), (500, 500)]</pos>", CAR)
    assert (mixed["precision@5"], mixed["recall@5"], mixed["mae_matched@5"]) == (0.5, 0.5, 5.0)
    assert mixed["mae_penalised@5"] == pytest.approx((5 + 5 * 2) / 3)
    assert mixed["mae_penalised@10"] == pytest.approx((5 + 10 * 2) / 3)


def test_location_matches_all_that_can_be_matched() -> None:
    label, answer = "<pos>[(0, 0), (3, 0)]</pos>", "<pos>[(2, 0), (-5, 0)]</pos>"
    assert values(answer, label)["recall@5"] == 1.0  # script: one half
    twice = "<pos>[(0, 0), (0, 0)]</pos>"
    assert values("<pos>[(0, 0)]</pos>", twice)["recall@5"] == 0.5


def test_location_of_another_category_matches_nothing() -> None:
    for named, hits in (("car", 1.0), ("Cars", 1.0), ("dog", 0.0)):
        answer = CAR.replace("car", named)
        found = values(answer, CAR)
        assert (found["recall@5"], found["precision@5"]) == (hits, hits)
    people = "<ref>people</ref> at <pos>[(0, 0)]</pos>"
    label = "<ref>person</ref> at <pos>[(0, 0)]</pos>"
    assert values(people, label)["f1@5"] == 1.0


def test_location_in_pixels() -> None:
    label, answer = "<pos>[(0, 0)]</pos>", "<pos>[(7, 0)]</pos>"
    assert values(answer, label)["recall@5"] == 0.0
    found = values(answer, label, unit="pixel", size=(512, 640))
    assert found["mae_matched@5"] == pytest.approx(7 * 0.64)
    with pytest.raises(ValueError, match="need the size"):
        values(answer, label, unit="pixel")
    with pytest.raises(ValueError, match="permille, pixel"):
        values(answer, label, unit="metre")


GRID = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=7)


@settings(deadline=None, max_examples=300)
@given(GRID, GRID, st.sampled_from([1.0, 2.5, 5.0]))
def test_matching_equals_the_assignment_problem(a: list, b: list, gate: float) -> None:
    matched = match_near(point_distances(a, b, gate))
    first, second = np.reshape(a, (-1, 1, 2)), np.reshape(b, (1, -1, 2))
    distances = np.sqrt(((first - second) ** 2).sum(axis=-1))
    cost = np.where(distances <= gate, distances - 1000.0, 0.0)
    rows, columns = linear_sum_assignment(cost)
    kept = distances[rows, columns][distances[rows, columns] <= gate]
    assert len(matched) == len(kept)
    assert sum(matched) == pytest.approx(kept.sum())


def test_few_and_many_points_have_the_same_distances(rng: np.random.Generator) -> None:
    a, b = (rng.integers(0, 300, (n, 2)).tolist() for n in (60, 80))
    whole = sorted(point_distances(a, b, 25.0))
    parts = [
        (d, i + n, j)
        for n in range(0, 60, 10)
        for d, i, j in point_distances(a[n : n + 10], b, 25.0)
    ]
    assert [pair[1:] for pair in whole] == [pair[1:] for pair in sorted(parts)]
    assert [p[0] for p in whole] == pytest.approx([p[0] for p in sorted(parts)])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.integers(0, 6), min_size=4, max_size=4), max_size=5), st.booleans())
def test_iou_and_hits_of_boxes(rows: list, one: bool) -> None:
    boxes = [
        (float(min(a, c)), float(min(b, d)), max(a, c) + 1.0, max(b, d) + 1.0)
        for a, b, c, d in rows
    ]
    boxes = boxes[:1] if one else boxes
    iou = box_iou(boxes, boxes)
    grids = []
    for x1, y1, x2, y2 in boxes:
        grid = np.zeros((8, 8), bool)
        grid[int(y1) : int(y2), int(x1) : int(x2)] = True
        grids.append(grid)
    for i, first in enumerate(grids):
        for j, second in enumerate(grids):
            assert iou[i, j] == pytest.approx((first & second).sum() / (first | second).sum())
    assert match_boxes(iou, 0.5) == len(boxes)
