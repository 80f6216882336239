"""Filters against OpenCV, and against their definitions in NumPy, on random pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import reference_filters as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast import _core

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(1, 40)
tiles = st.tuples(st.integers(1, 12), st.integers(1, 12))


def picture(seed, shape, dtype, span=None):
    """Noise on a slope in part of the type's range."""
    rng = np.random.default_rng(seed)
    if dtype == np.float32:
        return (280 + 20 * rng.random(shape)).astype(np.float32)
    top = np.iinfo(dtype).max
    span = span or int(rng.choice([1, 3, 60, 250 if dtype == np.uint8 else 9000, top]))
    low = int(rng.integers(0, top - span + 1))
    return rng.integers(low, low + span, shape, endpoint=True).astype(dtype)


def mask(seed, shape, share):
    return np.random.default_rng(seed).random(shape) >= share


def strided(image):
    """The same picture as a window of a larger one."""
    wide = np.full((image.shape[0] + 3, image.shape[1] + 5), image.flat[0], image.dtype)
    wide[1:-2, 2:-3] = image
    return wide[1:-2, 2:-3]


@settings(deadline=None, max_examples=150)
@given(
    seeds, st.integers(1, 90), st.integers(1, 90), st.sampled_from([np.uint8, np.uint16]), tiles,
    st.sampled_from([0, 0.3, 1, 2, 4.5, 40]), st.integers(1, 2),
)  # fmt: skip
def test_clahe_is_bit_for_bit_that_of_opencv(seed, height, width, dtype, grid, limit, threads):
    image = picture(seed, (height, width), dtype)
    ours = _core.clahe(strided(image), clip_limit=limit, tiles=grid, threads=threads)
    theirs = cv2.createCLAHE(limit, grid[::-1]).apply(image)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(512, 640), (511, 639), (240, 321), (100, 64)])
def test_clahe_of_pictures_of_real_size(dtype, shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    rng = np.random.default_rng(4)
    scene = 0.5 + 0.3 * np.sin(x / 40) * np.cos(y / 30) + 0.02 * rng.standard_normal(shape)
    image = (np.clip(scene, 0, 1) * (250 if dtype == np.uint8 else 4000) + 3).astype(dtype)
    for grid, limit in (((8, 8), 2.0), ((8, 8), 40.0), ((3, 17), 1.0)):
        ours = _core.clahe(image, clip_limit=limit, tiles=grid)
        np.testing.assert_array_equal(ours, cv2.createCLAHE(limit, grid[::-1]).apply(image))


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from([np.uint8, np.uint16]), st.sampled_from([0, 2, 40]))
def test_clahe_counts_valid_pixels_only(seed, dtype, limit):
    """One tile whose right half is invalid: the left half is equalised as if it were alone."""
    image = picture(seed, (16, 24), dtype)
    valid = np.zeros(image.shape, bool)
    valid[:, :12] = True
    ours = _core.clahe(image, clip_limit=limit, tiles=(1, 1), valid=valid)[:, :12]
    alone = cv2.createCLAHE(limit, (1, 1)).apply(np.ascontiguousarray(image[:, :12]))
    np.testing.assert_array_equal(ours, alone)


def test_clahe_of_a_tile_without_valid_pixels_changes_nothing():
    for dtype in (np.uint8, np.uint16):
        image = picture(3, (20, 20), dtype)
        none = np.zeros(image.shape, bool)
        out = _core.clahe(image, clip_limit=2, tiles=(2, 2), valid=none)
        np.testing.assert_array_equal(out, image)


@settings(deadline=None, max_examples=60)
@given(
    seeds, sides, sides, st.sampled_from([np.uint8, np.uint16]), st.integers(1, 12),
    st.sampled_from([0, 0.2, 1.0]), st.integers(1, 3),
)  # fmt: skip
def test_detail_enhancement_follows_the_formula(seed, height, width, dtype, radius, share, threads):
    image, valid = picture(seed, (height, width), dtype), mask(seed, (height, width), share)
    low, high = np.percentile(image, 5), np.percentile(image, 90) + 0.25
    options = {"radius": radius, "epsilon": 0.1, "gain": 2.5, "noise": 0.01, "base_share": 0.7}
    expected = reference.detail_enhance(image, valid, low, high, **options)
    keep = valid if share else None
    ours = _core.detail_enhance(
        strided(image), low=low, high=high, valid=keep, threads=threads, **options
    )
    # a and b are kept in single precision: half a level of 16 bits at most
    np.testing.assert_allclose(ours, expected, atol=2e-5, rtol=1e-5)
    for name, top in (("uint8", 255), ("uint16", 65535)):
        whole = _core.detail_enhance(image, low=low, high=high, valid=keep, dtype=name, **options)
        assert np.abs(whole - np.rint(expected * top)).max() <= (1 if name == "uint8" else 2)


def test_detail_enhancement_does_not_depend_on_threads():
    image = picture(9, (300, 111), np.uint16)
    options = {"low": 10.5, "high": 60000, "radius": 5, "epsilon": 0.1, "gain": 2, "noise": 0,
               "base_share": 0.5}  # fmt: skip
    one, four = (_core.detail_enhance(image, threads=n, **options) for n in (1, 4))
    np.testing.assert_array_equal(one, four)


values = st.sampled_from([np.uint8, np.uint16, np.float32])


@settings(deadline=None, max_examples=60)
@given(seeds, sides, sides, values, st.integers(1, 9), st.sampled_from([0, 0.3, 1.0]))
def test_column_offsets_follow_the_formula(seed, height, width, dtype, window, share):
    image, valid = picture(seed, (height, width), dtype), mask(seed, (height, width), share)
    if dtype == np.float32:
        image.flat[::7] = np.nan
    expected = reference.column_offsets(image, valid, window)
    ours = _core.column_offsets(
        strided(image), window=window, valid=valid if share else None, threads=2
    )
    np.testing.assert_allclose(ours, expected, atol=1e-7)
    taken = _core.subtract_columns(image, ours)
    if dtype == np.float32:
        np.testing.assert_allclose(taken, (image - ours).astype(np.float32), rtol=1e-6)
    else:
        exact = np.clip(np.rint(image - ours), 0, np.iinfo(dtype).max)
        np.testing.assert_array_equal(taken, exact)


@settings(deadline=None, max_examples=60)
@given(seeds, sides, sides, values, st.sampled_from([0, 0.3, 1.0]), st.integers(0, 12))
def test_bad_pixels_follow_the_rule(seed, height, width, dtype, share, spikes):
    rng = np.random.default_rng(seed)
    image = picture(seed, (height, width), dtype, span=20)
    for y, x in zip(rng.integers(0, height, spikes), rng.integers(0, width, spikes), strict=True):
        image[y, x] = rng.choice([0, 250 if dtype == np.uint8 else 4e4])
        if dtype == np.float32 and rng.random() < 0.3:
            image[y, x] = rng.choice([np.nan, np.inf])
    valid = mask(seed, (height, width), share)
    keep = valid if share else None
    bad = _core.find_bad_pixels(strided(image), threshold=3, minimum=2, valid=keep, threads=2)
    np.testing.assert_array_equal(bad, reference.find_bad_pixels(image, valid, 3, 2))
    healed = _core.replace_pixels(strided(image), bad, valid=keep, threads=2)
    np.testing.assert_array_equal(healed, reference.replace_pixels(image, valid, bad))


def test_a_cluster_is_replaced_from_the_nearest_ring_with_good_pixels():
    image = np.arange(121, dtype=np.uint16).reshape(11, 11)
    bad = np.zeros(image.shape, bool)
    bad[2:9, 2:9] = True
    expected = reference.replace_pixels(image, np.ones_like(bad), bad)
    np.testing.assert_array_equal(_core.replace_pixels(image, bad), expected)
    everything = np.ones_like(bad)
    np.testing.assert_array_equal(_core.replace_pixels(image, everything), image)


@settings(deadline=None)
@given(seeds, sides, sides, values)
def test_two_point_correction_is_a_line_per_pixel(seed, height, width, dtype):
    rng = np.random.default_rng(seed)
    image = picture(seed, (height, width), dtype)
    gain = rng.uniform(0.5, 2, image.shape).astype(np.float32)
    offset = rng.uniform(-300, 300, image.shape).astype(np.float32)
    exact = gain.astype(np.float64) * image + offset
    np.testing.assert_allclose(_core.two_point(image, gain, offset), exact, rtol=1e-6, atol=0.02)
    for name, top in (("uint8", 255), ("uint16", 65535)):
        whole = _core.two_point(image, gain, offset, dtype=name)
        assert np.abs(whole - np.clip(exact, 0, top)).max() <= 0.5 + 0.02
