"""Matrices, box formats and matching, against definitions and by hand."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import determinant

from irtd_fast.geometry import matrix
from irtd_fast.geometry.boxes import convert_boxes, per_mille, per_mille_centres
from irtd_fast.geometry.matching import match_best, match_greedy

FORMATS = ("xyxy", "xywh", "cxcywh")
UNITS = ("pixel", "unit", "mille")


@pytest.mark.parametrize("quarters", range(-1, 6))
def test_rotate90_moves_pixels_as_numpy_does(quarters):
    picture = np.arange(15).reshape(3, 5)
    turned = np.rot90(picture, quarters)
    m = matrix.rotate90(quarters, (3, 5))
    for y, x in itertools.product(range(3), range(5)):
        u, v = matrix.apply(m, [[x + 0.5, y + 0.5]])[0]
        assert turned[int(v), int(u)] == picture[y, x]


def test_flips_crops_and_letterboxes_by_hand():
    np.testing.assert_array_equal(matrix.apply(matrix.flip_horizontal(10), [[3, 4]]), [[7, 4]])
    np.testing.assert_array_equal(matrix.apply(matrix.flip_vertical(10), [[3, 4]]), [[3, 6]])
    cut = matrix.crop([10, 20, 30, 30], (100, 100))
    np.testing.assert_array_equal(matrix.apply(cut, [[10, 20], [30, 30]]), [[0, 0], [100, 100]])
    np.testing.assert_array_equal(matrix.crop([10, 20, 30, 30]), [[1, 0, -10], [0, 1, -20]])
    assert matrix.crop(np.ones((4, 4))).shape == (4, 2, 3)
    box = matrix.letterbox((100, 200), (100, 100))
    np.testing.assert_array_equal(matrix.apply(box, [[0, 0], [200, 100]]), [[0, 25], [100, 75]])
    stretched = matrix.resize((10, 20), (20, 20))
    np.testing.assert_array_equal(matrix.apply(stretched, [[20, 10]]), [[20, 20]])
    quarter = matrix.rotation(math.pi / 2, (5, 5))
    np.testing.assert_allclose(matrix.apply(quarter, [[8, 5]]), [[5, 8]], atol=1e-12)
    with pytest.raises(ValueError, match="positive sides"):
        matrix.crop([1, 1, 1, 5], (3, 3))
    with pytest.raises(ValueError, match="found shape"):
        matrix.crop([1, 1, 1])


numbers = st.floats(-3, 3)
affine = st.tuples(*[numbers] * 6).map(lambda v: np.reshape(v, (2, 3)))


@given(affine, affine, affine)
def test_composition_is_one_after_the_other(a, b, c):
    points = np.array([[0.0, 0], [5, -3], [100, 80]])
    expected = matrix.apply(c, matrix.apply(b, matrix.apply(a, points)))
    np.testing.assert_allclose(matrix.apply(matrix.compose(a, b, c), points), expected, atol=1e-9)
    assert (matrix.compose() == matrix.identity()).all()


@given(st.lists(affine, max_size=4))
def test_the_inverse_undoes(matrices):
    batch = np.array(matrices).reshape(-1, 2, 3)
    if (np.abs(determinant(batch)) < 1e-3).any():
        return
    for m, back in zip(batch, matrix.invert(batch), strict=True):
        np.testing.assert_allclose(matrix.compose(m, back), matrix.identity(), atol=1e-7)


def test_what_has_no_inverse_is_refused():
    for bad in ([[1, 2, 0], [2, 4, 0]], [[np.nan, 0, 0], [0, 1, 0]], [[1, 0, np.inf], [0, 1, 0]]):
        with pytest.raises(ValueError, match="no inverse"):
            matrix.invert(np.array(bad, float))


def test_which_matrices_keep_boxes_upright():
    turns = [matrix.rotate90(k, (4, 5)) for k in range(4)] + [matrix.letterbox((4, 5), (9, 9))]
    assert matrix.keeps_axes(np.array(turns)).all()
    assert not matrix.keeps_axes(matrix.rotation(0.1, (0, 0)))


@given(
    st.lists(st.tuples(*[st.floats(-1000, 1000, width=32)] * 4), max_size=5),
    st.sampled_from(FORMATS), st.sampled_from(FORMATS),
    st.sampled_from(UNITS), st.sampled_from(UNITS),
)  # fmt: skip
def test_formats_and_units_convert_both_ways(rows, source, target, unit, other):
    boxes = np.array(rows, np.float64).reshape(-1, 4)
    size = (512, 640)
    there = convert_boxes(boxes, source, target, source_unit=unit, target_unit=other, size=size)
    back = convert_boxes(there, target, source, source_unit=other, target_unit=unit, size=size)
    np.testing.assert_allclose(back, boxes, rtol=1e-9, atol=1e-6)
    assert there.dtype == np.float64
    assert convert_boxes(boxes.astype(np.float32), source, target).dtype == np.float32


def test_formats_by_hand():
    box = [[10, 20, 30, 60]]
    assert convert_boxes(box, "xyxy", "xywh").tolist() == [[10, 20, 20, 40]]
    assert convert_boxes(box, "xyxy", "cxcywh").tolist() == [[20, 40, 20, 40]]
    assert convert_boxes(box, "cxcywh", "xyxy").tolist() == [[-5, -10, 25, 50]]
    unit = convert_boxes(box, "xyxy", "cxcywh", target_unit="unit", size=(80, 40))
    assert unit.tolist() == [[0.5, 0.5, 0.5, 0.5]]
    sizes = [[80, 40], [160, 80]]
    mille = convert_boxes(box * 2, target_unit="mille", size=sizes)
    assert mille.tolist() == [[250, 250, 750, 750], [125, 125, 375, 375]]
    assert convert_boxes([], "xywh", "xyxy").shape == (0, 4)
    strange = convert_boxes([[np.nan, np.inf, -np.inf, 1e308]], "xywh", "cxcywh")
    assert strange.shape == (1, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: convert_boxes([[1, 2, 3]]), "found shape"),
        (lambda: convert_boxes([[1, 2, 3, 4]], "xxyy"), "format"),
        (lambda: convert_boxes([[1, 2, 3, 4]], target="yxyx"), "format"),
        (lambda: convert_boxes([[1, 2, 3, 4]], source_unit="percent"), "unit must"),
        (lambda: convert_boxes([[1, 2, 3, 4]], target_unit="mille"), "size"),
        (lambda: convert_boxes([[1, 2, 3, 4]], target_unit="unit", size=(1, 2, 3)), "size must"),
        (lambda: per_mille([1, 2], (3, 4)), "values must"),
        (lambda: match_best([1.0]), "scores must"),
        (lambda: match_best([[1.0]], allowed=[[True, False]]), "allowed must"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_published_example_of_a_per_mille_centre():
    assert per_mille_centres([[259, 569, 376, 866]], (1000, 1000)).tolist() == [[318, 718]]
    assert per_mille([[np.nan, np.inf]], (512, 640)).tolist() == [[-1, -1]]


@pytest.mark.parametrize("size", [(512, 640), (1000, 1000), (1024, 1280), (480, 641)])
def test_per_mille_is_the_exact_ratio_rounded_half_to_even(size):
    for axis, full in ((1, size[0]), (0, size[1])):
        halves = np.arange(2 * full + 1) / 2
        points = np.zeros((len(halves), 2))
        points[:, axis] = halves
        exact = [round(Fraction(k, 2) * 1000 / full) for k in range(2 * full + 1)]
        assert per_mille(points, size)[:, axis].tolist() == exact
        if size == (512, 640):  # the formula as it was published
            assert [round(float(h) / full * 1000) for h in halves] == exact


def brute_force(scores, at_least):
    """Most pairs, then the largest total, over all matchings."""
    n, m = scores.shape
    best = (0, 0.0)
    rows, columns = (range(n), range(m)) if n <= m else (range(m), range(n))
    for picks in itertools.permutations(columns, len(rows)):
        pairs = zip(rows, picks, strict=True)
        got = [scores[p] if n <= m else scores[p[::-1]] for p in pairs]
        got = [v for v in got if v >= at_least]
        best = max(best, (len(got), round(sum(got), 9)))
    return best


@settings(deadline=None)
@given(st.integers(0, 4), st.integers(0, 4), st.data())
def test_the_best_matching_is_the_best_of_all(n, m, data):
    values = data.draw(st.lists(st.sampled_from([-1.0, 0.0, 0.3, 0.5, 0.7, 0.9, 1.0, math.nan]),
                                min_size=n * m, max_size=n * m))  # fmt: skip
    scores = np.array(values).reshape(n, m)
    found = match_best(scores, at_least=0.3)
    assert (len(found), pytest.approx(found.scores.sum())) == brute_force(scores, 0.3)
    for matches in (found, match_greedy(scores, at_least=0.3)):
        assert len(set(matches.rows)) == len(set(matches.columns)) == len(matches)
        assert (matches.scores >= 0.3).all()
        assert (np.diff(matches.rows) > 0).all()


def test_greedy_takes_the_best_pair_first_and_best_takes_more():
    scores = np.array([[0.9, 0.8], [0.8, 0.0]])
    greedy, best = match_greedy(scores), match_best(scores)
    assert greedy.rows.tolist() == [0]
    assert (best.rows.tolist(), best.columns.tolist()) == ([0, 1], [1, 0])
    distances = match_best(-np.array([[3.0, 1.0], [9.0, 3.5]]), at_least=-5)
    assert list(zip(distances.rows, distances.columns, strict=True)) == [(0, 0), (1, 1)]
    masked = match_best(scores, allowed=[[False, True], [False, True]])
    assert (masked.rows.tolist(), masked.columns.tolist()) == ([0], [1])
