"""Counting errors by hand."""

from __future__ import annotations

import numpy as np
import pytest

from irtd_fast.density.counting import game, mae, point_counts, region_counts, rmse


def test_errors_of_counts_by_hand():
    assert mae([10, 20, 30], [12, 20, 26]) == 2
    assert rmse([10, 20, 30], [12, 20, 26]) == pytest.approx(np.sqrt(20 / 3))


def test_game_asks_where():
    predicted, true = np.zeros((4, 4)), np.zeros((4, 4))
    predicted[0, 0], true[3, 3] = 1, 1
    assert game(predicted, true, 0) == 0
    assert game(predicted, true, 1) == 2
    predicted[0, 0], true[3, 3] = 0.75, 0
    true[1, 1] = 1  # the same quarter, another sixteenth
    assert [game(predicted, true, level) for level in (0, 1, 2)] == [0.25, 0.25, 1.75]
    batch = np.stack([predicted, predicted]), np.stack([true, predicted])
    assert game(*batch, 2) == 0.875


def test_regions_of_sides_that_do_not_divide_are_rounded_down():
    counts = region_counts(np.ones((5, 7)), 1)
    assert counts.tolist() == [[6, 8], [9, 12]]


def test_points_are_counted_where_the_map_has_them(rng):
    points = rng.uniform([-5, -5], [105, 65], (300, 2))
    for shape in ((60, 100), (15, 25), (8, 13)):
        counts = point_counts(points, (60, 100), shape, 2)
        inside = ((points >= 0) & (points < [100, 60])).all(axis=1)
        assert counts.sum() == inside.sum()
        assert counts.shape == (4, 4)
    truth = [
        [((points[:, 0] // 25 == x) & (points[:, 1] // 15 == y)).sum() for x in range(4)]
        for y in range(4)
    ]
    assert point_counts(points, (60, 100), (60, 100), 2).tolist() == truth
    assert game(np.zeros((60, 100)), np.array(truth), 2) == inside.sum()


@pytest.mark.parametrize(
    "call",
    [
        lambda: mae([1, 2], [1]),
        lambda: rmse([], []),
        lambda: region_counts(np.zeros(4), 0),
        lambda: region_counts(np.zeros((4, 4)), 3),
        lambda: region_counts(np.zeros((4, 4)), -1),
        lambda: game(np.zeros((4, 4)), np.zeros((4, 5)), 1),
    ],
)
def test_wrong_arguments_are_refused(call):
    with pytest.raises(ValueError, match="found"):
        call()
