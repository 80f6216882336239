"""XXH64 against the xxhash package."""

from __future__ import annotations

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast import _core


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 2**64 - 1))
def test_digest_is_that_of_the_reference_library(data, seed):
    assert _core.xxh64(data, seed) == xxhash.xxh64_intdigest(data, seed=seed)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 4095, 1 << 20])
def test_any_contiguous_buffer_will_do(rng, size):
    data = rng.integers(0, 256, size, np.uint8)
    expected = xxhash.xxh64_intdigest(data.tobytes())
    assert _core.xxh64(data) == expected
    assert _core.xxh64(data.tobytes()) == expected
    assert _core.xxh64(bytearray(data)) == expected
    assert _core.xxh64(memoryview(data)) == expected
    assert _core.xxh64(np.pad(data, 5)[5 : 5 + size]) == expected


def test_wide_elements_count_as_bytes(rng):
    data = rng.integers(0, 65536, (7, 9), np.uint16)
    assert _core.xxh64(data) == xxhash.xxh64_intdigest(data.tobytes())


def test_gaps_are_refused(rng):
    with pytest.raises(ValueError, match="contiguous"):
        _core.xxh64(rng.integers(0, 256, 20, np.uint8)[::2])
    with pytest.raises(TypeError):
        _core.xxh64("text")
