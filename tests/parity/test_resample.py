"""Resampling against the definition in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import reference_resample as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast.geometry import Normalize, resample, resample_batch
from irtd_fast.geometry import matrix as affine

FILTERS = ["nearest", "bilinear", "area", "antialias"]
BORDERS = ["replicate", "constant", "reflect", "reflect101"]

sides = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.uint8, np.uint16, np.float32])


def picture(seed, shape, dtype):
    rng = np.random.default_rng(seed)
    if dtype == np.float32:
        return rng.normal(20, 200, shape).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def top(dtype):
    return 1000 if dtype == np.float32 else np.iinfo(dtype).max


@st.composite
def any_windows(draw):
    """Windows anywhere, in eighths of a pixel: no tie depends on rounding."""
    height, width = draw(sides), draw(sides)
    x0 = draw(st.integers(-8 * width, 8 * width - 1)) / 8
    y0 = draw(st.integers(-8 * height, 8 * height - 1)) / 8
    x1 = draw(st.integers(int(max(8 * x0, 0)) + 1, 16 * width)) / 8
    y1 = draw(st.integers(int(max(8 * y0, 0)) + 1, 16 * height)) / 8
    return (height, width), (x0, y0, x1, y1)


def strided(image, how):
    """The same pixels with other strides."""
    if how == "rows apart":
        wider = np.zeros((image.shape[0], image.shape[1] + 3, *image.shape[2:]), image.dtype)
        wider[:, 1 : 1 + image.shape[1]] = image
        return wider[:, 1 : 1 + image.shape[1]]
    if how == "upside down":
        return np.ascontiguousarray(image[::-1])[::-1]
    if how == "mirrored":
        return np.ascontiguousarray(image[:, ::-1])[:, ::-1]
    if how == "columns apart":
        return np.repeat(image, 2, axis=1)[:, ::2]
    return np.asfortranarray(image) if how == "by columns" else image


STRIDES = ["packed", "rows apart", "upside down", "mirrored", "columns apart", "by columns"]


@settings(deadline=None, max_examples=150)
@given(
    any_windows(), sides, sides, seeds, dtypes, st.sampled_from(FILTERS), st.sampled_from(BORDERS),
    st.sampled_from(STRIDES), st.booleans(),
)  # fmt: skip
def test_any_window_follows_the_definition(case, h, w, seed, dtype, kind, border, how, rgb):
    shape, window = case
    image = picture(seed, (*shape, 3) if rgb else shape, dtype)
    if kind == "nearest":
        h = w = 2 ** (seed % 6)  # so that no centre falls on an edge by rounding alone
    ours = resample(
        strided(image, how), window, (h, w), filter=kind, border=border, border_value=7,
        dtype="float32", layout="hwc" if rgb else "hw",
    )  # fmt: skip
    truth = reference.cut_and_resize(image, window, (h, w), kind=kind, border=border, value=7)
    np.testing.assert_allclose(ours, truth, rtol=1e-5, atol=3e-6 * top(dtype))


@settings(deadline=None, max_examples=40)
@given(
    sides, sides, seeds, dtypes, st.booleans(), st.sampled_from(BORDERS),
    st.lists(st.integers(-192, 192), min_size=4, max_size=4),
)  # fmt: skip
def test_any_affine_follows_the_definition(height, width, seed, dtype, nearest, border, linear):
    image = picture(seed, (height, width), dtype)
    linear = np.array(linear).reshape(2, 2) / 64
    if abs(np.linalg.det(linear)) < 0.05 or (linear == 0).any():
        linear = np.array([[0.8, 0.3], [-0.2, 0.9]])
    size = (9, 11)
    # About the centres, so that pictures are met.
    shift = np.array([size[1], size[0]]) / 2 - linear @ (width / 2, height / 2) + (0.3137, 0.1713)
    matrix = np.column_stack([linear, shift])
    ours = resample(
        image, matrix, size, filter="nearest" if nearest else "bilinear", border=border,
        border_value=3, dtype="float32", layout="hw",
    )  # fmt: skip
    truth = reference.warp(image, matrix, size, nearest=nearest, border=border, value=3)
    if nearest:  # a centre on an edge belongs to either side
        assert (ours != truth.astype(np.float32)).mean() <= 0.05
    else:
        np.testing.assert_allclose(ours, truth, rtol=1e-5, atol=2e-5 * top(dtype))


def test_strong_reduction_by_any_affine_is_a_mean(rng):
    image = rng.integers(0, 256, (240, 320), np.uint8)
    turned = affine.compose(affine.rotation(0.4, (160, 120)), affine.scaling(1 / 8, 1 / 8))
    mean = resample(image, turned, (30, 40), filter="area", dtype="float32", layout="hw")
    # The same with a fine grid of bilinear samples, averaged.
    fine = affine.compose(affine.rotation(0.4, (160, 120)), affine.scaling(2, 2))
    many = resample(image, fine, (480, 640), filter="bilinear", dtype="float32", layout="hw")
    truth = many.reshape(30, 16, 40, 16).mean(axis=(1, 3))
    assert np.abs(mean - truth).max() < 6
    assert mean.std() < 0.25 * image.std()


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("flip", [False, True])
def test_turns_and_mirrors_are_numpy_s(rng, kind, quarters, flip):
    image = rng.integers(0, 65536, (37, 52), np.uint16)
    turned = affine.rotate90(quarters, (37, 52))
    size = (37, 52) if quarters % 2 == 0 else (52, 37)
    matrix = turned
    truth = np.rot90(image, quarters)
    if flip:
        matrix = affine.compose(turned, affine.flip_horizontal(size[1]))
        truth = truth[:, ::-1]
    ours = resample(image, matrix, size, filter=kind, layout="hw")
    np.testing.assert_array_equal(ours, truth)
    # Turning what was resized is resizing and turning at once.
    small = resample(image, (2, 3, 50, 33), (20, 30), filter=kind, dtype="float32", layout="hw")
    both = affine.compose(
        affine.crop((2, 3, 50, 33), (20, 30)), affine.rotate90(quarters, (20, 30))
    )
    at_once = resample(
        image, both, (20, 30) if quarters % 2 == 0 else (30, 20), filter=kind, dtype="float32",
        layout="hw",
    )  # fmt: skip
    # Weights are float32 and pixels reach 65535.
    np.testing.assert_allclose(at_once, np.rot90(small, quarters), rtol=2e-6, atol=0.02)


def test_output_types_layouts_and_channels(rng):
    rgb = rng.integers(0, 256, (31, 43, 3), np.uint8)
    window, size = (2.5, 1, 40, 30), (17, 22)
    floats = resample(rgb, window, size, dtype="float32", layout="hwc")
    luma = floats @ np.array([0.299, 0.587, 0.114], np.float32)
    gray = resample(rgb, window, size, dtype="float32", layout="hw")
    np.testing.assert_allclose(gray, luma, atol=1e-3)
    chw = resample(rgb, window, size, dtype="float32")
    np.testing.assert_array_equal(chw, floats.transpose(2, 0, 1))
    one = resample(rgb[..., 0], window, size, dtype="float32", channels=3)
    np.testing.assert_array_equal(one, np.repeat(one[:1], 3, 0))
    scaled = {"normalize": Normalize(scale=1.7, offset=-40, low=-30, high=300)}
    exact = np.clip(floats.astype(np.float64) * 1.7 - 40, -30, 300)
    for dtype, tolerance in (
        ("uint8", 0.501),
        ("uint16", 0.501),
        ("float16", 0.13),
        ("float32", 1e-3),
    ):
        done = resample(rgb, window, size, dtype=dtype, layout="hwc", **scaled)
        assert done.dtype == dtype
        limit = np.clip(exact, 0, np.iinfo(dtype).max) if dtype.startswith("u") else exact
        np.testing.assert_allclose(done.astype(np.float64), limit, atol=tolerance)
    bits = resample(rgb, window, size, dtype="bfloat16", layout="hwc", **scaled)
    assert bits.dtype == np.uint16
    values = (bits.astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_allclose(values, exact, rtol=2**-8, atol=1e-3)


def test_mean_and_std_by_channel(rng):
    image = rng.integers(0, 256, (20, 30), np.uint8)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    done = resample(
        image, (0, 0, 30, 20), (20, 30), dtype="float32", channels=3,
        normalize=Normalize.mean_std(mean, std),
    )  # fmt: skip
    for channel in range(3):
        truth = (image / 255 - mean[channel]) / std[channel]
        np.testing.assert_allclose(done[channel], truth, atol=2e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", FILTERS)
def test_tone_goes_first(rng, dtype, kind):
    image = picture(3, (40, 50), dtype)
    tone = rng.normal(0, 1, np.iinfo(dtype).max + 1).astype(np.float32)
    ours = resample(
        image, (1, 2, 49, 37), (21, 33), filter=kind, dtype="float32", layout="hw",
        normalize=Normalize(scale=2, tone=tone),
    )  # fmt: skip
    truth = resample(tone[image], (1, 2, 49, 37), (21, 33), filter=kind, layout="hw") * 2
    np.testing.assert_allclose(ours, truth, atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(seeds, st.floats(-3.1, 3.1), st.floats(1.5, 3))
def test_there_and_back_again_is_the_identity(seed, turn, scale):
    """Nearest there at a larger scale and back finds every pixel again."""
    image = np.random.default_rng(seed).integers(0, 256, (24, 31), np.uint8)
    there = affine.compose(affine.rotation(turn, (15.5, 12), scale), affine.translation(100, 100))
    large = resample(image, there, (240, 240), filter="nearest", border="constant", layout="hw")
    back = resample(large, affine.invert(there), (24, 31), filter="nearest", layout="hw")
    np.testing.assert_array_equal(back, image)


def test_batches_equal_single_pictures(rng):
    images = [rng.integers(0, 256, (20 + i, 50 - i), np.uint8) for i in range(13)]
    matrices = np.stack([affine.rotation(0.1 * i, (20, 10), 0.9) for i in range(13)])
    for threads in (1, 3):
        out = np.full((13, 16, 18), 7, np.uint8)
        done = resample_batch(images, matrices, (16, 18), layout="hw", out=out, threads=threads)
        assert done.base is out or np.shares_memory(done, out)
        for i, image in enumerate(images):
            np.testing.assert_array_equal(
                out[i], resample(image, matrices[i], (16, 18), layout="hw")
            )
