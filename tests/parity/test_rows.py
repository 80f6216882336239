"""The native table parser against Python's own: float() for numbers, the csv module for cells."""

from __future__ import annotations

import csv
import io
import math
import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast import _core

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WORDS = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.floats(allow_nan=False, width=32).map(lambda v: f"{v:.6g}"),
    st.integers(-(10**25), 10**25).map(str),
    st.from_regex(NUMBER, fullmatch=True).filter(str.isascii),
    st.from_regex(re.compile(r"[-+]?[0-9.eEnaixNf_]{1,12}"), fullmatch=True),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(WORDS, min_size=3, max_size=3), min_size=1, max_size=6))
def test_numbers_are_those_of_python(rows):
    text = "\n".join(",".join(row) for row in rows).encode()
    numbers, _, lines, status, columns, _, cut = _core.parse_rows(text, "nnn")
    assert lines.tolist() == list(range(1, len(rows) + 1))
    assert not cut
    for row, found, state, column in zip(rows, numbers, status, columns, strict=True):
        kinds = [kind(word) for word in row]
        for word, value, what in zip(row, found, kinds, strict=True):
            if what == 0:
                expected = float(word)
                assert value == expected
                assert math.copysign(1, value) == math.copysign(1, expected)
            else:
                assert math.isnan(value)
        wrong = [what for what in kinds if what not in (0, 5)]
        assert state == (wrong or [max(kinds)])[0]
        assert column == (kinds.index(state) if state else -1)


def kind(word):
    """Status of a cell: Python's float() where it agrees that the word is a decimal number."""
    if re.fullmatch(r"[+-]?nan", word, re.IGNORECASE):
        return 5
    if not NUMBER.fullmatch(word):
        return 4
    return 6 if math.isinf(float(word)) else 0


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=5))
def test_quoted_cells_are_those_of_the_csv_module(rows):
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    data = stream.getvalue().encode()
    _, texts, _, status, _, _, _ = _core.parse_rows(data, "tt", quoted=True)
    assert not status.any()
    found = [[data[b:e].decode().replace('""', '"') for b, e in row] for row in texts.tolist()]
    assert found == rows


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["n", "nt-n", "tt"]), st.booleans(), st.booleans())
def test_no_bytes_do_harm(data, columns, quoted, open_end):
    numbers, texts, lines, status, defects, starts, _ = _core.parse_rows(
        data, columns, quoted=quoted, open_end=open_end, comments=["#"]
    )
    count = len(lines)
    assert numbers.shape == (count, columns.count("n"))
    assert texts.shape == (count, columns.count("t"), 2)
    assert len(status) == len(defects) == len(starts) == count
    assert (np.diff(lines) > 0).all()
    assert ((texts >= 0) & (texts <= len(data))).all()
    assert (texts[..., 0] <= texts[..., 1]).all()
    assert np.isfinite(numbers[status == 0]).all()
