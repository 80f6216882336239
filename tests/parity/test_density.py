"""Density maps against their definition, SciPy, and the script that people copy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from irtd_fast.density import Adaptive, Density, adaptive_sigmas, density_map, density_maps
from irtd_fast.density.reference import density_map_reference
from irtd_fast.geometry import matrix

coordinates = st.one_of(
    st.floats(-20, 80), st.sampled_from([0.0, 30.0, 50.0, np.nextafter(50.0, 0), np.nan, np.inf])
)
point_sets = st.lists(st.tuples(coordinates, coordinates), max_size=12)


@settings(deadline=None, max_examples=200)
@given(
    point_sets,
    st.one_of(st.floats(0, 12), st.sampled_from([0.0, 1e-9, 0.01, 1e200])),
    st.integers(1, 40),
    st.tuples(st.integers(1, 40), st.integers(1, 60)),
    st.floats(0.5, 6),
)
def test_maps_follow_the_definition(points, sigma, stride, size, truncate):
    options = Density(sigma, stride, truncate)
    xy = np.array(points).reshape(-1, 2)
    found = density_map(xy, size, options)
    assert found.shape == options.shape(size)
    assert found.dtype == np.float32
    truth = density_map_reference(
        xy, np.full(len(xy), sigma), size, stride=stride, truncate=truncate
    )
    np.testing.assert_allclose(found, truth, atol=2e-6, rtol=1e-5)
    inside = ((xy >= 0) & (xy < [size[1], size[0]])).all(axis=1).sum()
    assert found.sum(dtype=np.float64) == pytest.approx(inside, abs=1e-5)


@pytest.mark.parametrize("sigma", [1.0, 4.0, 15.0])
def test_a_pixel_away_from_the_border_is_scipys_gaussian(sigma):
    dot = np.zeros((150, 160))
    dot[70, 80] = 1
    expected = gaussian_filter(dot, sigma, truncate=4.0, mode="constant")
    found = density_map([[80.5, 70.5]], dot.shape, Density(sigma))
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_the_copied_script_without_its_lost_mass(rng):
    """CSRNet's make_dataset: one full-picture filter per point, sigma 0.1 x three distances."""
    size = (96, 128)
    pixels = rng.integers([20, 20], [108, 76], (25, 2))
    distances, _ = cKDTree(pixels).query(pixels, k=4)
    script = np.zeros(size)
    for (x, y), near in zip(pixels, distances, strict=True):
        dot = np.zeros(size)
        dot[y, x] = 1
        script += gaussian_filter(dot, near[1:].sum() * 0.1, mode="constant", truncate=4.0)
    rule = Adaptive(neighbours=3, beta=0.3, minimum=0, maximum=1e9)
    options = Density(rule)
    found = density_map(pixels + 0.5, size, options)
    # SciPy rounds its radius where we cut at truncate sigma exactly: one pixel of e^-8.
    np.testing.assert_allclose(found, script, atol=3e-5)
    near_border = np.array([[1.5, 1.5], [2.5, 40.5], [126.5, 94.5]])
    assert density_map(near_border, size, options).sum() == pytest.approx(3, rel=1e-5)


def test_ten_thousand_points_add_up(rng):
    points = rng.uniform([0, 0], [640, 480], (10_000, 2))
    for options in (Density(4.0), Density(15.0, stride=8), Density(Adaptive())):
        total = density_map(points, (480, 640), options).sum(dtype=np.float64)
        assert abs(total - 10_000) < 1e-4 * 10_000
        assert abs(total - 10_000) < 0.02


@pytest.mark.parametrize("stride", [2, 3, 8, 64, 1000])
def test_a_stride_is_the_sum_of_blocks(rng, stride):
    points = rng.uniform([-5, -5], [105, 75], (60, 2))
    fine = density_map(points, (70, 100), Density(3.0))
    coarse = density_map(points, (70, 100), Density(3.0, stride=stride))
    blocks = np.add.reduceat(fine, np.arange(0, 70, stride), axis=0)
    blocks = np.add.reduceat(blocks, np.arange(0, 100, stride), axis=1)
    np.testing.assert_allclose(coarse, blocks, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 5, 16])
def test_threads_and_bands_change_no_bit(rng, threads):
    points = rng.uniform([0, 0], [200, 150], (3000, 2))
    one = density_maps(points, [0, 3000], (150, 200), threads=1)
    np.testing.assert_array_equal(density_maps(points, [0, 3000], (150, 200), threads=threads), one)
    offsets = [0, 700, 700, 2500, 3000]
    batch = density_maps(points, offsets, (150, 200), threads=threads)
    for i, (begin, end) in enumerate(itertools.pairwise(offsets)):
        np.testing.assert_array_equal(batch[i], density_map(points[begin:end], (150, 200)))


def test_maps_move_with_the_picture(rng):
    points = rng.uniform([0, 0], [100, 80], (40, 2))
    flip = matrix.compose(matrix.flip_horizontal(100), matrix.rotate90(1, (80, 100)))
    whole = density_map(points, (80, 100), Density(Adaptive()))
    moved = density_maps(points, [0, 40], (100, 80), Density(Adaptive()), matrices=flip[None])
    np.testing.assert_allclose(moved[0], np.rot90(whole[:, ::-1]), atol=1e-6)
    # Twice as large: twice the sigma, so a quarter of the height (a cell is a quarter as large).
    double = density_maps(points, [0, 40], (160, 200), Density(Adaptive(), stride=2),
                          matrices=matrix.scaling(2, 2)[None])  # fmt: skip
    np.testing.assert_allclose(double[0], whole, atol=4e-3)
    # A crop does not change the sigma of those that remain.
    corner = density_maps(points, [0, 40], (40, 50), Density(Adaptive()),
                          matrices=matrix.identity()[None])[0]  # fmt: skip
    inside = (points < [50, 40]).all(axis=1)
    truth = density_map_reference(points, adaptive_sigmas(points, [0, 40]), (40, 50))
    np.testing.assert_allclose(corner, truth, atol=1e-6)
    assert corner.sum() == pytest.approx(inside.sum(), rel=1e-5)


@pytest.mark.parametrize("count", [2, 3, 5, 300, 800])
def test_sigma_is_the_mean_distance_to_the_nearest(rng, count):
    points = rng.uniform(0, 400, (count, 2))
    points[-1] = np.nan
    rule = Adaptive(neighbours=3, beta=0.3, minimum=0.5, maximum=9)
    found = adaptive_sigmas(points, [0, count], rule)
    usable = points[:-1]
    distances = np.sort(cdist(usable, usable), axis=1)[:, 1:4]
    mean = distances.mean(axis=1) if distances.shape[1] else np.inf
    np.testing.assert_allclose(found[:-1], np.clip(0.3 * mean, 0.5, 9), rtol=1e-12)


def test_alone_together_and_nowhere():
    rule = Adaptive(minimum=1, maximum=7)
    assert adaptive_sigmas([[5, 5]], [0, 1], rule).tolist() == [7]
    assert adaptive_sigmas([[5, 5], [5, 5]], [0, 2], rule).tolist() == [1, 1]
    assert adaptive_sigmas([], [0, 0], rule).shape == (0,)
    assert density_maps([], [0, 0, 0], (4, 5)).shape == (2, 4, 5)
    assert density_maps([], [0], (4, 5)).shape == (0, 4, 5)
    assert density_map([[-1, 2], [5, 2], [2, 4], [np.nan, 1], [np.inf, 0]], (4, 5)).sum() == 0
    one = density_map([[2.7, 1.2]], (4, 5), Density(0.0))
    assert one[1, 2] == 1
    assert one.sum() == 1
    broken = np.full((1, 2, 3), np.nan)
    for sigma in (2.0, Adaptive()):
        found = density_maps([[1, 1], [2, 2]], [0, 2], (4, 5), Density(sigma), matrices=broken)
        assert found.sum() == 0


def test_output_given():
    out = np.ones((1, 4, 5), np.float32)
    found = density_maps([[1, 1]], [0, 1], (4, 5), out=out)
    assert found is out
    assert out.sum() == pytest.approx(1)
    for bad in (np.ones((1, 4, 5)), np.ones((1, 5, 4), np.float32),
                np.ones((1, 4, 10), np.float32)[:, :, ::2]):  # fmt: skip
        with pytest.raises(ValueError, match="out must be"):
            density_maps([[1, 1]], [0, 1], (4, 5), out=bad)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: density_maps([[1, 2, 3]], [0, 1], (4, 5)), r"points must be \(n, 2\), found"),
        (lambda: density_maps([[1, 2]], [0, 2], (4, 5)), "offsets must be"),
        (lambda: density_maps([[1, 2]], [0, 3, 1], (4, 5)), "rise"),
        (lambda: density_maps([[1, 2]], [0, 1], (0, 5)), "size must be"),
        (lambda: density_maps([[1, 2]], [0, 1], (4, 5), matrices=np.eye(3)), "matrices must be"),
        (lambda: density_maps([[1, 2]], [0, 1], (4, 5), sigmas=[-1]), "sigmas must be"),
        (lambda: density_maps([[1, 2]], [0, 1], (4, 5), sigmas=[1, 2]), "sigmas must be"),
        (lambda: Density(-1.0), "sigma must be"),
        (lambda: Density(float("nan")), "sigma must be"),
        (lambda: Density(stride=0), "stride must be"),
        (lambda: Density(truncate=0), "truncate must be"),
        (lambda: Adaptive(neighbours=0), "neighbours must be"),
        (lambda: Adaptive(beta=0), "beta"),
        (lambda: Adaptive(minimum=3, maximum=2), "minimum"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
