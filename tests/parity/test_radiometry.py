"""Statistics and point-wise kernels against NumPy: any shape, stride, type and mask."""

from __future__ import annotations

import numpy as np
import pytest
import reference_radiometry as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast import _core
from irtd_fast.radiometry import (
    HistogramMatch,
    Invert,
    MinMax,
    Percentile,
    PlateauEqualization,
    Sigma,
    Statistics,
    Window,
    from_bfloat16,
)

TYPES = ["float32", "float16", "bfloat16", "uint8", "uint16"]


@st.composite
def pictures(draw, types=("uint8", "uint16", "float32")):
    """A picture with any strides and maybe a mask, from a seed: values spread or nearly flat."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 70))
    channels = draw(st.sampled_from([0, 1, 3]))
    shape = (height * 2, width * 3) + ((channels,) if channels else ())
    dtype = draw(st.sampled_from(types))
    low, spread = draw(st.sampled_from([(0, 255), (7000, 300), (0, 65535), (40, 1), (9, 0)]))
    low, spread = (low % 200, min(spread, 255 - low % 200)) if dtype == "uint8" else (low, spread)
    image = rng.integers(low, low + spread + 1, shape).astype(dtype)
    if dtype == "float32":
        image += rng.random(shape).astype(np.float32)
        image[rng.random(shape) < draw(st.sampled_from([0, 0.1]))] = np.nan
    view = draw(st.sampled_from(["plain", "rows", "columns", "reversed", "transposed", "inner"]))
    if view == "rows":
        image = image[::2]
    elif view == "columns":
        image = image[:height, ::3]
    elif view == "reversed":
        image = image[::-1, ::-1]
    elif view == "transposed":
        image = image.swapaxes(0, 1)
    elif view == "inner":
        image = image[1 : height + 1, 1 : width + 1]
    valid = None
    if draw(st.booleans()):
        valid = rng.random(image.shape[:2]) < draw(st.sampled_from([0.0, 0.5, 0.97, 1.0]))
        if draw(st.booleans()):
            valid = np.asfortranarray(valid)
    return image, valid


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_statistics_are_those_of_numpy(case):
    image, valid = case
    values = image[reference.usable(image, valid)].astype(np.float64)
    count, low, high, mean, std = _core.value_moments(image, valid=valid)
    percents = [0, 1, 33.3, 50, 99.9, 100]
    found = _core.value_percentiles(image, percents, valid=valid)
    assert count == values.size
    if not values.size:
        assert [low, high, mean, std, *found] == [0.0] * 10
        return
    assert (low, high) == (values.min(), values.max())
    assert mean == pytest.approx(values.mean(), rel=1e-12)
    assert std == pytest.approx(values.std(), rel=1e-9, abs=1e-9)
    assert found == np.percentile(values, percents).tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["thermal", "all counts", "few counts", "tails", "two halves"]),
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
    st.sampled_from(["plain", "reversed", "columns", "masked"]),
)
def test_percentiles_of_large_pictures_are_those_of_numpy(seed, kind, percents, view):
    """Large enough that most pixels are not counted one by one."""
    rng = np.random.default_rng(seed)
    shape = (300, 401)
    image = (
        {
            "thermal": lambda: 7000 + np.arange(401) + rng.normal(0, 30, shape),
            "all counts": lambda: rng.integers(0, 65536, shape),
            "few counts": lambda: rng.integers(0, 5, shape) * 400,
            "tails": lambda: np.exp(rng.normal(8, 0.9, shape)),
            "two halves": lambda: np.where(
                np.arange(401) < 200, 900, 60000 + rng.normal(0, 9, shape)
            ),
        }[kind]()
        .clip(0, 65535)
        .astype(np.uint16)
    )
    valid = rng.random(shape) < 0.7 if view == "masked" else None
    if view == "reversed":
        image = image[::-1, ::-1]
    elif view == "columns":
        image = np.repeat(image, 2, axis=1)[:, ::2]
    found = _core.value_percentiles(image, percents, valid=valid)
    values = image if valid is None else image[valid]
    assert found == np.percentile(values, percents).tolist()


@settings(max_examples=60, deadline=None)
@given(pictures(("uint8", "uint16")))
def test_histogram_is_that_of_numpy(case):
    image, valid = case
    values = image[reference.usable(image, valid)]
    expected = np.bincount(values, minlength=256 if image.dtype == np.uint8 else 65536)
    np.testing.assert_array_equal(_core.value_histogram(image, valid=valid), expected)


def numbers(values, dtype):
    return (from_bfloat16(values) if dtype == "bfloat16" else values).astype(np.float64)


def assert_close(found, expected, dtype):
    """Within one level of integers, and the rounding of the float type."""
    if dtype.startswith("u"):
        assert np.abs(found.astype(int) - np.rint(expected)).max(initial=0) <= 1
        return
    unit = {"float32": 2e-6, "float16": 2**-11, "bfloat16": 2**-8}[dtype]
    np.testing.assert_allclose(numbers(found, dtype), expected, atol=unit * 1.01, rtol=0)


@settings(max_examples=200, deadline=None)
@given(
    pictures(),
    st.sampled_from(TYPES),
    st.sampled_from([MinMax(), Percentile(2, 95.5), Sigma(1.5), Window(6990.5, 7200)]),
)
def test_stretches_follow_their_formula(case, dtype, recipe):
    image, valid = case
    values = image[reference.usable(image, valid)].astype(np.float64)
    if isinstance(recipe, Window):
        low, high = recipe.low, recipe.high
    elif isinstance(recipe, Sigma):
        mean, std = (values.mean(), values.std()) if values.size else (0, 0)
        low, high = mean - recipe.k * std, mean + recipe.k * std
    else:
        percents = (0, 100) if isinstance(recipe, MinMax) else (recipe.low, recipe.high)
        low, high = reference.percentile_bounds(image, valid, *percents)
    if 0 < high - low < 1e-6:
        return  # rounding of a mean is no contrast
    expected = reference.stretch(image, low, high, dtype, valid)
    found = recipe.apply(image, dtype=dtype, valid=valid)
    if high - low < 1 and image.dtype == np.float32:  # steps of float32 itself show
        return
    assert found.shape == image.shape
    assert_close(found, expected, dtype)


@settings(max_examples=100, deadline=None)
@given(
    pictures(("uint8", "uint16")),
    st.sampled_from(TYPES),
    st.sampled_from(
        [
            PlateauEqualization(),
            PlateauEqualization(5, 0),
            PlateauEqualization(1e9, 0, linear=0.25, tail=0.01),
            PlateauEqualization(20, 2.5, midpoint=0.3),
            PlateauEqualization(20, 0, linear=0.2, extension=0),
            PlateauEqualization(20, 6, linear=0.6, extension=3, tail=0.02),
        ]
    ),
)
def test_plateau_equalization_follows_its_formula(case, dtype, recipe):
    image, valid = case
    size = 256 if image.dtype == np.uint8 else 65536
    keep = reference.usable(image, valid)
    histogram = np.bincount(image[keep], minlength=size)
    parameters = (recipe.plateau, recipe.max_gain, recipe.linear, recipe.tail, recipe.midpoint)
    parameters += (recipe.extension,)
    shares = reference.plateau_shares(histogram, *parameters)
    expected = np.where(keep, shares[image], 0) * reference.TOP[dtype]
    assert_close(recipe.apply(image, dtype=dtype, valid=valid), expected, dtype)
    fixed = recipe.apply(
        image, dtype=dtype, valid=valid, statistics=Statistics.of(image, valid=valid)
    )
    assert_close(fixed, expected, dtype)


@settings(max_examples=60, deadline=None)
@given(pictures(("uint8", "uint16")), st.sampled_from(TYPES))
def test_histogram_match_follows_its_formula(case, dtype):
    image, valid = case
    size = 256 if image.dtype == np.uint8 else 65536
    keep = reference.usable(image, valid)
    quantiles = np.sort(np.random.default_rng(3).normal(8000, 400, 65))
    recipe = HistogramMatch(quantiles)
    found = recipe.apply(image, dtype=dtype, valid=valid)
    if not keep.any():
        assert not found.any()
        return
    shares = reference.match_shares(np.bincount(image[keep], minlength=size), quantiles)
    expected = np.where(keep, shares[image], 0) * reference.TOP[dtype]
    assert_close(found, expected, dtype)


def test_histogram_match_gives_the_distribution_of_the_reference(rng):
    sharp = rng.normal(9000, 500, (200, 300)).clip(0, 65535).astype(np.uint16)
    other = rng.gamma(3, 40, (200, 300)).clip(0, 65535).astype(np.uint16)
    target = Statistics.of(sharp)
    found = HistogramMatch.to(target).apply(other) * (target.high - target.low) + target.low
    for percent in (5, 25, 50, 75, 95):
        wanted = np.percentile(sharp, percent)
        assert np.percentile(found, percent) == pytest.approx(wanted, abs=20)


def test_invert_is_the_mirror_image(rng):
    for dtype in (np.uint8, np.uint16):
        image = rng.integers(0, np.iinfo(dtype).max + 1, (30, 41)).astype(dtype)
        found = Invert().apply(image, dtype=np.dtype(dtype).name)
        np.testing.assert_array_equal(found, np.iinfo(dtype).max - image)
        np.testing.assert_array_equal(Invert().inverse(found), image)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_batch_is_each_picture_by_itself(rng, dtype, threads):
    images = rng.integers(100, 9000, (7, 2 * 20, 31), dtype=np.uint16)[:, ::2]
    valid = rng.random(images.shape) < 0.9
    for recipe in (Percentile(), PlateauEqualization(), Invert()):
        found = recipe.apply_batch(images, dtype=dtype, valid=valid, threads=threads)
        for i, image in enumerate(images):
            one = recipe.apply(image, dtype=dtype, valid=valid[i])
            np.testing.assert_array_equal(found[i], one)
    with pytest.raises(ValueError, match=r"found shape \(20, 31\)"):
        MinMax().apply_batch(images[0])


def test_wrong_arguments_name_expected_and_found(rng):
    image = rng.integers(0, 9, (4, 5), dtype=np.uint16)
    line = (0, 1, 0, 0, 1, 0)
    for call, message in (
        (lambda: _core.apply_line(image.astype(np.int32), line), "found <i4"),
        (lambda: _core.apply_line(image.astype(">u2"), line), "found >u2"),
        (lambda: _core.apply_line(image[0], line), r"found shape \(5,\)"),
        (lambda: _core.apply_line(image, line, dtype="int8"), "found int8"),
        (
            lambda: _core.apply_line(image, line, valid=np.ones((5, 4), bool)),
            r"found bool \(5, 4\)",
        ),
        (lambda: _core.apply_line(image, line, out=np.zeros((4, 4), np.float32)), "wrong shape"),
        (lambda: _core.apply_table(image, np.zeros(256, np.uint8)), r"65536 adjacent entries"),
        (lambda: _core.value_histogram(image.astype(np.float32)), "counts are uint8 or uint16"),
        (lambda: _core.value_percentiles(image, [101.0]), r"\[0, 100\]"),
        (lambda: Percentile().native("float32").apply(image, dtype="f8"), "found f8"),
        (lambda: PlateauEqualization().apply(image.astype(np.float32)), "uint8 or uint16"),
        (lambda: _core.match_recipe(np.array([0.5, 0.2])), "rise from 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_out_is_written_in_place(rng):
    image = rng.integers(0, 9000, (33, 47), dtype=np.uint16)
    out = np.empty((33, 47), np.uint8)
    native = Percentile().native("uint8")
    assert native.apply(image, dtype="uint8", out=out) is out
    np.testing.assert_array_equal(out, Percentile().apply(image, dtype="uint8"))
