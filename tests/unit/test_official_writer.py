"""Published text files written again: byte for byte, and what the fast reader reads is JSON's."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irtd_fast.errors import AnnotationError
from irtd_fast.official.archive import read_official
from irtd_fast.official.container import Entry, read_container
from irtd_fast.official.writer import PUBLISHED, container_of, write_container, write_official
from irtd_fast.types import Problem

# sha256 of the eight published files, as their sums begin in the survey of them.
SUMS = {
    "AerialCounting": "62646034", "Detection": "e3e94771", "Location": "3421911c",
    "PedestrianCounting": "9c925ca4", "ReID": "9ad2d963", "Recognition": "2d42844a",
    "Relationship": "5f7f653a", "Security": "b485e6e7",
}  # fmt: skip
COUNTS = {
    "AerialCounting": 900, "Detection": 2789, "Location": 14979, "PedestrianCounting": 1030,
    "ReID": 3733, "Recognition": 3705, "Relationship": 5205, "Security": 7859,
}  # fmt: skip
texts = st.text(st.characters(codec=None), max_size=12)
entries = st.lists(st.builds(Entry, st.just("T"), texts, texts, texts, texts), max_size=4)


def as_json(entry: Entry) -> dict:
    said = [("human", entry.question), ("gpt", entry.answer)]
    return {
        "id": entry.id,
        "image": [entry.image],
        "conversations": [{"from": who, "value": text} for who, text in said],
    }


@pytest.mark.dumps
def test_all_eight_files_are_written_byte_for_byte(published: Path, tmp_path: Path) -> None:
    files = read_official(published)
    assert {name: len(items) for name, items in files.items()} == COUNTS
    for items in files.values():
        assert [entry.id for entry in items] == [str(n) for n in range(len(items))]
    written = write_official(files, tmp_path)
    with zipfile.ZipFile(published) as archive:
        originals = {Path(n).stem: archive.read(n) for n in archive.namelist() if ".json" in n}
    for name, path in written.items():
        content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest().startswith(SUMS[name])
        assert content == originals[name]


@pytest.mark.dumps
def test_a_published_file_that_is_no_json_becomes_json(published: Path, tmp_path: Path) -> None:
    files = {"Detection": read_official(published)["Detection"]}
    path = write_official(files, tmp_path, form="array")["Detection"]
    assert len(json.loads(path.read_bytes())) == COUNTS["Detection"]
    assert read_official(path) == files


@given(entries, st.sampled_from([*PUBLISHED, "Scene"]))
def test_every_container_is_json_dumps_in_its_brackets(items: list[Entry], name: str) -> None:
    container = container_of(name)
    written = write_container(items, container).decode()
    if not items:
        expected = "[]\n"
    elif container.indent:
        expected = json.dumps([as_json(item) for item in items], indent=4)
    else:
        body = ",\n".join(json.dumps(as_json(item), indent=4) for item in items)
        expected = container.before + body + container.after
    assert written == expected
    assert read_container(written.encode(), "T.json") == items


@given(entries, st.sampled_from([None, 0, 3]), st.booleans())
def test_entries_in_any_spelling_are_read_as_json_reads_them(
    items: list[Entry], indent: int | None, ascii_only: bool
) -> None:
    values = [as_json(item) for item in items]
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    swapped = json.dumps([dict(reversed(v.items())) for v in values], indent=indent)
    read = read_container(text.encode("utf-8", "surrogatepass" if ascii_only else "replace"), "T")
    if ascii_only:
        assert read == items  # by the pattern
        assert read_container(swapped.encode(), "T") == items  # by the decoder
    else:
        assert len(read) == len(items)


@pytest.mark.parametrize("escape", ["\\x", "\\u12", "\\", "\n", "\x01"])
def test_strings_that_json_refuses_are_refused(escape: str) -> None:
    text = write_container([Entry("T", "0", "a.jpg", "QQQ", "b")], container_of("T")).decode()
    with pytest.raises(AnnotationError, match=r"line \d+: not JSON: .*byte"):
        read_container(text.replace("QQQ", escape).encode(), "T")


@pytest.mark.parametrize("cut", range(20, 280, 13))
def test_an_entry_that_is_cut_off_is_an_error_or_reported(cut: int) -> None:
    items = [Entry("T", str(n), "a.jpg", "Wh\u00e4t?", "b") for n in range(3)]
    whole = write_container(items, container_of("Location"))
    text = whole[: len(whole) - cut]
    start = whole.rfind(b'{\n    "id"') if cut < 250 else len(text) - 1
    problems: list[Problem] = []
    read = read_container(text, "T.json", report=problems.append)
    assert read == items[: len(read)]
    assert len(read) < 3
    assert [p.code for p in problems] == ["cut-off-text"]
    if cut < 250:
        assert f"byte {start}" in problems[0].where
    with pytest.raises(AnnotationError, match="not JSON"):
        read_container(text, "T.json")


def test_damage_in_the_middle_is_never_left_out() -> None:
    items = [Entry("T", str(n), "a.jpg", "What?", "b") for n in range(3)]
    whole = write_container(items, container_of("Location")).replace(b'"1",', b"'1',")
    with pytest.raises(AnnotationError, match="line 19: not JSON"):
        read_container(whole, "T.json", report=lambda problem: pytest.fail(str(problem)))


def test_files_are_not_written_over_unasked(tmp_path: Path) -> None:
    item = Entry("T", "0", "a.jpg", "What?", "b")
    write_official({"A": [item]}, tmp_path)
    with pytest.raises(FileExistsError, match="--replace"):
        write_official({"B": [item], "A": []}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["A.json"]
    write_official({"A": []}, tmp_path, replace=True)
    assert (tmp_path / "A.json").read_bytes() == b"[]\n"
    for name in ("", "..", "a/b"):
        with pytest.raises(ValueError, match="name of a file"):
            write_official({name: []}, tmp_path)
    with pytest.raises(ValueError, match="official, array"):
        write_official({"A": []}, tmp_path, form="zip")
