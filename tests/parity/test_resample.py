"""Resampling against OpenCV and against the definition."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import reference_kernels as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast import _core

sides = st.integers(1, 70)
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.uint8, np.uint16])


def picture(seed, shape, dtype):
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, high, shape, dtype, endpoint=True)


@st.composite
def integer_windows(draw):
    height, width = draw(sides), draw(sides)
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    return (height, width), (x0, y0, x1, y1)


@st.composite
def float_windows(draw):
    height, width = draw(sides), draw(sides)
    x0 = draw(st.floats(-width, width - 0.01))
    y0 = draw(st.floats(-height, height - 0.01))
    x1 = draw(st.floats(max(x0, 0) + 0.01, 2 * width))
    y1 = draw(st.floats(max(y0, 0) + 0.01, 2 * height))
    return (height, width), (x0, y0, x1, y1)


@settings(deadline=None)
@given(integer_windows(), sides, sides, seeds, dtypes, st.booleans())
def test_integer_windows_are_cut_and_resized_as_opencv_does(case, h, w, seed, dtype, flip):
    shape, window = case
    image = picture(seed, shape, dtype)
    x0, y0, x1, y1 = window
    cut = np.ascontiguousarray(image[y0:y1, x0:x1])
    name = np.dtype(dtype).name
    ours = _core.resample(image, window, (h, w), flip=flip, dtype=name)[0]
    peer = cv2.resize(cut, (w, h), interpolation=cv2.INTER_LINEAR)
    peer = peer[:, ::-1] if flip else peer
    assert np.abs(ours.astype(int) - peer.astype(int)).max() <= 1
    ours = _core.resample(image, window, (h, w), flip=flip)[0]
    peer = cv2.resize(cut.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    peer = peer[:, ::-1] if flip else peer
    np.testing.assert_allclose(ours, peer, rtol=1e-3, atol=1e-4 * np.iinfo(dtype).max)


@settings(deadline=None)
@given(float_windows(), sides, sides, seeds, dtypes, st.booleans())
def test_any_window_follows_the_definition(case, h, w, seed, dtype, flip):
    shape, window = case
    image = picture(seed, shape, dtype)
    ours = _core.resample(image, window, (h, w), flip=flip, scale=0.5, offset=-7)[0]
    truth = reference.resample(image, window, (h, w), flip=flip, scale=0.5, offset=-7)
    np.testing.assert_allclose(ours, truth, rtol=1e-5, atol=1e-6 * np.iinfo(dtype).max)


@settings(deadline=None)
@given(float_windows(), sides, sides, seeds, dtypes)
def test_integer_results_round_and_saturate(case, h, w, seed, dtype):
    shape, window = case
    image = picture(seed, shape, dtype)
    scale = 300 / np.iinfo(dtype).max
    ours = _core.resample(image, window, (h, w), scale=scale, offset=-20, dtype="uint8")[0]
    values = reference.resample(image, window, (h, w), scale=scale, offset=-20)
    truth = reference.as_integers(values, np.uint8)
    # Where single precision falls on the other side of a half, one level is right too.
    off = ours != truth
    assert np.abs(ours.astype(int) - truth).max() <= 1
    assert np.all(np.abs(values[off] % 1 - 0.5) < 1e-3)


@settings(deadline=None)
@given(float_windows(), sides, sides, seeds, dtypes, st.booleans())
def test_colour_in_both_layouts(case, h, w, seed, dtype, flip):
    shape, window = case
    image = picture(seed, (*shape, 3), dtype)
    truth = reference.resample(image, window, (h, w), flip=flip)
    close = {"rtol": 1e-5, "atol": 1e-6 * np.iinfo(dtype).max}
    hwc = _core.resample(image, window, (h, w), flip=flip, channels=3, layout="hwc")
    np.testing.assert_allclose(hwc, truth, **close)
    chw = _core.resample(image, window, (h, w), flip=flip, channels=3)
    np.testing.assert_array_equal(chw, hwc.transpose(2, 0, 1))
    gray = _core.resample(image, window, (h, w), flip=flip)
    np.testing.assert_allclose(gray[0], reference.luma(truth), **close)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "uint16"])
def test_gray_becomes_three_equal_channels(rng, dtype):
    image = rng.integers(0, 256, (31, 43), np.uint8)
    window = (2.5, 1, 40, 30)
    one = _core.resample(image, window, (17, 22), dtype=dtype)
    assert one.shape == (1, 17, 22)
    chw = _core.resample(image, window, (17, 22), dtype=dtype, channels=3)
    hwc = _core.resample(image, window, (17, 22), dtype=dtype, channels=3, layout="hwc")
    assert chw.dtype == hwc.dtype == np.dtype(dtype)
    for channel in range(3):
        np.testing.assert_array_equal(chw[channel], one[0])
        np.testing.assert_array_equal(hwc[:, :, channel], one[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_training_size(rng, dtype):
    image = rng.integers(0, np.iinfo(dtype).max, (512, 640)).astype(dtype)
    ours = _core.resample(image, (0, 0, 640, 512), (448, 448), dtype=np.dtype(dtype).name)[0]
    peer = cv2.resize(image, (448, 448), interpolation=cv2.INTER_LINEAR)
    assert np.abs(ours.astype(int) - peer.astype(int)).max() <= 1


def test_a_view_into_a_larger_picture_is_read_in_place(rng):
    image = rng.integers(0, 256, (60, 80), np.uint8)
    view = image[10:50, 20:70]
    ours = _core.resample(view, (0, 0, 50, 40), (40, 50), dtype="uint8")[0]
    np.testing.assert_array_equal(ours, view)


def test_wrong_requests_are_refused(rng):
    image = rng.integers(0, 256, (8, 8), np.uint8)
    window, size = (0, 0, 8, 8), (4, 4)
    bad = (
        ({"window": (0, 0, 0, 8)}, "window"),
        ({"window": (8, 0, 9, 8)}, "window"),
        ({"window": (0, 0, float("inf"), 8)}, "window"),
        ({"size": (0, 4)}, "size"),
        ({"size": (4, 1 << 30)}, "size"),
        ({"channels": 2}, "channels"),
        ({"dtype": "float64"}, "dtype"),
        ({"layout": "nchw"}, "layout"),
        ({"scale": float("nan")}, "scale"),
        ({"image": image.astype(np.float32)}, "uint8 or uint16"),
        ({"image": image[:, ::2]}, "adjacent"),
        ({"image": np.zeros((8, 8, 2), np.uint8)}, "channels"),
    )
    for change, message in bad:
        arguments = {"image": image, "window": window, "size": size} | change
        with pytest.raises(ValueError, match=message):
            _core.resample(**arguments)
