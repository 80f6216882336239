"""Windows, flips and matrices: bounds, distribution, determinism."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast.load.augment import Augment, whole_windows, window_matrices
from irtd_fast.load.random import permutation, uniform


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 700), st.integers(1, 700), st.floats(0.05, 1), st.floats(0.2, 1),
    st.integers(0, 2**62),
)  # fmt: skip
def test_windows_lie_inside_and_are_whole_numbers(height, width, low, ratio, seed):
    augment = Augment(scale=(low, 1.0), ratio=(ratio, 1 / ratio))
    count = 50
    h, w = np.full(count, height), np.full(count, width)
    windows, flips = augment.draw(seed, 3, np.arange(count), h, w)
    assert (windows[:, :2] >= 0).all()
    assert (windows[:, 2] <= width).all()
    assert (windows[:, 3] <= height).all()
    assert (windows[:, 2:] - windows[:, :2] >= 1).all()
    assert (windows == np.rint(windows)).all()
    assert flips.dtype == bool


def test_windows_keep_their_share_of_area_and_aspect():
    count = 4000
    augment = Augment(scale=(0.25, 0.5), ratio=(3 / 4, 4 / 3))
    windows, flips = augment.draw(1, 0, np.arange(count), np.full(count, 512), np.full(count, 640))
    size = windows[:, 2:] - windows[:, :2]
    area = size.prod(axis=1) / (512 * 640)
    aspect = size[:, 0] / size[:, 1]
    assert area.min() > 0.245
    assert area.max() < 0.505
    assert aspect.min() > 0.745
    assert aspect.max() < 1.343
    assert 0.46 < flips.mean() < 0.54
    # Places are spread over the whole picture.
    assert windows[:, 0].min() == 0
    assert windows[:, 2].max() == 640


def test_draws_depend_on_sample_epoch_and_seed_only():
    augment = Augment()
    heights, widths = np.full(8, 512), np.full(8, 640)
    numbers = np.arange(8)
    whole, _ = augment.draw(5, 2, numbers, heights, widths)
    shuffled = np.array([6, 1, 3])
    part, _ = augment.draw(5, 2, shuffled, heights[:3], widths[:3])
    np.testing.assert_array_equal(part, whole[shuffled])
    assert (augment.draw(5, 3, numbers, heights, widths)[0] != whole).any()
    assert (augment.draw(6, 2, numbers, heights, widths)[0] != whole).any()


def test_a_picture_that_no_draw_fits_gets_the_largest_centred_window():
    augment = Augment(scale=(0.9, 1.0), ratio=(0.9, 1.1))
    windows, _ = augment.draw(0, 0, np.arange(3), np.full(3, 10), np.full(3, 1000))
    np.testing.assert_array_equal(windows, [[494, 0, 505, 10]] * 3)


def test_uniform_is_uniform_and_operations_are_independent():
    a = uniform(1, 0, np.arange(20000), "a", 2)
    b = uniform(1, 0, np.arange(20000), "b", 2)
    assert a.min() >= 0
    assert a.max() < 1
    counts, _ = np.histogram(a, bins=20, range=(0, 1))
    # Chi-squared with 19 degrees of freedom; 50 is beyond the 0.9999 quantile.
    assert ((counts - 2000) ** 2 / 2000).sum() < 50
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(a[:, 0], a[:, 1])[0, 1]) < 0.03


def test_permutations_are_permutations_and_differ_by_epoch():
    first, second = permutation(7, 0, 1000), permutation(7, 1, 1000)
    assert sorted(first) == sorted(second) == list(range(1000))
    assert (first != second).mean() > 0.9
    np.testing.assert_array_equal(first, permutation(7, 0, 1000))


@pytest.mark.parametrize("flip", [False, True])
def test_matrices_map_the_window_onto_the_batch(flip):
    windows = np.array([[10.0, 20.0, 110.0, 70.0]])
    m = window_matrices(windows, np.array([flip]), (32, 64))[0]
    corners = np.array([[10, 20, 1], [110, 70, 1]], float) @ m.T
    expected = [[64, 0], [0, 32]] if flip else [[0, 0], [64, 32]]
    np.testing.assert_allclose(corners, expected, atol=1e-9)


def test_whole_windows_take_everything():
    windows = whole_windows(np.array([3, 5]), np.array([7, 2]))
    np.testing.assert_array_equal(windows, [[0, 0, 7, 3], [0, 0, 2, 5]])


@pytest.mark.parametrize(
    "arguments", [{"scale": (0, 1)}, {"scale": (0.5, 1.2)}, {"ratio": (2, 1)}, {"flip": 1.5}]
)
def test_impossible_bounds_are_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        Augment(**arguments)
