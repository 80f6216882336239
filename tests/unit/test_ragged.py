"""Ragged gathering against the obvious loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irtd_fast.store.ragged import gather_ragged, ranges


class Table:
    """Stands in for a source: columns in memory."""

    def __init__(self, lengths, seed, *, corners):
        rng = np.random.default_rng(seed)
        total = sum(lengths)
        self.columns = {
            "category": rng.integers(0, 3, total).astype(np.int32),
            "box": rng.random((total, 4), np.float32),
            "track": rng.integers(-1, 9, total),
            "flags": rng.integers(0, 9, total).astype(np.uint16),
        }
        if corners:
            self.columns["corners"] = rng.random((total, 8), np.float32)
        self.starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def offsets(self, table):
        assert table == "objects"
        return self.starts

    def has_column(self, table, name):
        return name in self.columns

    def column(self, table, name):
        return self.columns[name]


TO_GLOBAL = [np.array([2, 0, 1], np.int32), np.array([5, 6, 7], np.int32)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=8))
def test_ranges_are_concatenated_aranges(pairs):
    first = np.array([a for a, _ in pairs], np.int64)
    lengths = np.array([n for _, n in pairs], np.int64)
    expected = [value for a, n in pairs for value in range(a, a + n)]
    assert ranges(first, lengths).tolist() == expected


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=6),
    st.lists(st.integers(0, 4), min_size=1, max_size=6),
    st.data(),
)
def test_gathering_is_the_loop(one, two, data):
    sources = [Table(one, 1, corners=True), Table(two, 2, corners=False)]
    picks = data.draw(
        st.lists(
            st.one_of(
                st.tuples(st.just(0), st.integers(0, len(one) - 1)),
                st.tuples(st.just(1), st.integers(0, len(two) - 1)),
            ),
            max_size=10,
        )
    )
    codes = np.array([c for c, _ in picks], np.int16)
    rows = np.array([r for _, r in picks], np.int64)
    names = ("box", "track", "flags", "corners")
    got = gather_ragged(sources, TO_GLOBAL, "objects", codes, rows, names)
    assert got.offsets.tolist()[0] == 0
    for number, (code, row) in enumerate(picks):
        source = sources[code]
        mine = slice(source.starts[row], source.starts[row + 1])
        found = slice(got.offsets[number], got.offsets[number + 1])
        expected = TO_GLOBAL[code][source.columns["category"][mine]]
        assert got.category[found].tolist() == expected.tolist()
        for name in names:
            if name in source.columns:
                np.testing.assert_array_equal(got[name][found], source.columns[name][mine])
            else:
                assert np.isnan(got[name][found]).all()
    assert got.offsets[-1] == len(got.category) == len(got["box"])


def test_nothing_asked_for():
    none = np.empty(0, np.int64)
    got = gather_ragged([], [], "objects", none.astype(np.int16), none, ("box", "track"))
    assert got.offsets.tolist() == [0]
    assert got["box"].shape == (0, 4)
    with pytest.raises(KeyError):
        got["corners"]
