"""The native look at JSON against Python's own parser."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast import _core
from irtd_fast.formats.base import LabelFile
from irtd_fast.formats.json_text import JsonText

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def python_reads(text):
    """Say whether Python reads the text, and how often it meets NaN and the like."""
    met = []
    try:
        json.loads(text, parse_constant=met.append)
    except ValueError:
        return False, 0
    return True, len(met)


@settings(max_examples=300, deadline=None)
@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_json_is_accepted(value, indent, ascii_only):
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
    error, _, _, duplicates, not_finite = _core.scan_json(data)
    assert (error, duplicates, not_finite) == ("", [], [])


@settings(max_examples=500, deadline=None)
@given(VALUES, st.data())
def test_mutations_are_judged_as_by_python(value, data):
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    piece = data.draw(st.sampled_from([*'{}[]",:0-+.eE\\/ nNatu\n', "NaN", "-Infinity"]))
    cut = data.draw(st.integers(0, 2))
    changed = text[:at] + piece + text[at + cut :]
    error, line, _, _, not_finite = _core.scan_json(changed.encode("utf-8", "replace"))
    accepted, met = python_reads(changed)
    assert (error == "") == accepted, changed
    if accepted:
        assert len(not_finite) == met
    if error:
        assert 1 <= line <= changed.count("\n") + 1


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=5), VALUES, min_size=1, max_size=5))
def test_members_and_entries_are_what_python_reads(value):
    data = json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:
        return
    text = JsonText(LabelFile(None, "a.json", {}), data, lambda problem: None)
    assert text.names == list(value)
    for name, inner in value.items():
        assert text.member(name) == inner
        assert text.is_list(name) == isinstance(inner, list)
        if isinstance(inner, list):
            assert list(text.entries(name)) == inner


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 512, 1000])
@pytest.mark.parametrize("indent", [None, 1])
def test_long_lists_come_in_pieces(count, indent):
    value = {
        "a": [[i, {"b": [1, 2, "],"]}] for i in range(count)],
        "b": list(range(count)),
        "c": {},
    }
    data = json.dumps(value, indent=indent).encode()
    text = JsonText(LabelFile(None, "a.json", {}), data, lambda problem: None)
    assert list(text.entries("a")) == value["a"]
    assert list(text.entries("b")) == value["b"]


def test_duplicate_keys_are_found_in_any_object():
    text = b'{"a": 1,\n "b": [{"x": 1, "y": {"x": 2}},\n {"x": 1, "x": 2}],\n "a": 3}'
    assert _core.scan_json(text)[3] == [3, 4]


def test_depth_and_length_of_numbers_are_limited():
    deep = b"[" * 64 + b"]" * 64
    assert _core.scan_json(deep)[0] == ""
    assert "levels" in _core.scan_json(b"[" + deep + b"]")[0]
    assert _core.scan_json(b"[" * 10**7)[1] == 1
    assert _core.scan_json(b"1" * 300)[0] == ""
    error, line, _, _, _ = _core.scan_json(b"[\n1,\n" + b"1" * 10**6 + b"]")
    assert ("shorter" in error, line) == (True, 3)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=64))
def test_no_bytes_do_harm(data):
    error, line, members, _, _ = _core.scan_json(data)
    assert not re.search(r"[^ -~]", error)
    assert line >= 0
    assert all(0 <= kb <= ke <= b <= e <= len(data) for kb, ke, b, e, _ in members) or error
