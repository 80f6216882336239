"""Value statistics against NumPy, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from irtd_fast import _core

DTYPES = (np.uint8, np.uint16)


@st.composite
def images(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(
        st.one_of(
            st.tuples(st.integers(1, 12), st.integers(1, 40)),
            st.tuples(st.integers(1, 8), st.integers(1, 20), st.integers(1, 4)),
        )
    )
    low = draw(st.integers(0, np.iinfo(dtype).max))
    high = draw(st.integers(low, np.iinfo(dtype).max))
    return draw(hnp.arrays(dtype, shape, elements=st.integers(low, high)))


percents = st.lists(st.floats(0, 100), min_size=1, max_size=5)


@settings(deadline=None)
@given(images())
def test_range_is_that_of_numpy(image):
    assert _core.image_min_max(image) == (image.min(), image.max())


@settings(deadline=None)
@given(images(), percents)
def test_percentiles_are_exactly_those_of_numpy(image, wanted):
    assert _core.image_percentiles(image, wanted) == np.percentile(image, wanted).tolist()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("span", [1, 300, 9000, 65536])
def test_pictures_of_real_size(rng, dtype, span):
    high = min(span, np.iinfo(dtype).max + 1)
    image = rng.integers(0, high, (240, 321)).astype(dtype)
    wanted = [0, 0.5, 1, 2, 50, 98, 99.5, 100]
    assert _core.image_percentiles(image, wanted) == np.percentile(image, wanted).tolist()
    assert _core.image_min_max(image) == (image.min(), image.max())


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_window_of_a_larger_picture_needs_no_copy(rng, dtype):
    image = rng.integers(0, 200, (40, 50)).astype(dtype)
    window = image[3:30, 7:41]
    image[0, 0] = 255  # outside of the window
    assert _core.image_min_max(window) == (window.min(), window.max())
    assert _core.image_percentiles(window, [1, 99]) == np.percentile(window, [1, 99]).tolist()


def test_other_arrays_are_refused(rng):
    image = rng.integers(0, 200, (8, 8), np.uint8)
    for wrong in (
        image.astype(np.float32),
        image.astype(">u2"),
        image[0],
        image[:, ::2],
        image[:0],
        image[::-1],
    ):
        with pytest.raises(ValueError, match=r"image|pixels"):
            _core.image_min_max(wrong)
    for percent in (-0.1, 100.1, float("nan")):
        with pytest.raises(ValueError, match=r"\[0, 100\]"):
            _core.image_percentiles(image, [percent])
    with pytest.raises(TypeError):
        _core.image_min_max(image.tolist())
