"""Hostile text and JSON: refused or reported with file and line, and in bounded memory."""

from __future__ import annotations

import contextlib
import json
import os
import resource

import pytest

from irtd_fast.errors import AnnotationError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile

XYWH = {"scope": "per_sequence", "columns": ["x", "y", "w", "h"]}


def read(tmp_path, reader, data, **table):
    (tmp_path / "a").write_bytes(data)
    problems = []
    file = LabelFile(tmp_path, "a", {"split": "train"})
    options = READERS[reader].parse_options(table, "test")
    return READERS[reader].read(file, options, problems.append), problems


ROWS_REFUSED = {
    "utf-16": ("1,2,3,4\n".encode("utf-16"), "line 1: expected UTF-8 text, found UTF-16"),
    "utf-16 big": (b"\xfe\xff\0001", "line 1: expected UTF-8 text, found UTF-16"),
    "zero byte": (b"1,2,3,4\n5,6,\x007,8\n", "line 2: expected text, found a zero byte"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "found a zero byte"),
}


@pytest.mark.parametrize("case", ROWS_REFUSED)
def test_rows_that_are_no_text(tmp_path, case):
    data, message = ROWS_REFUSED[case]
    with pytest.raises(AnnotationError, match=message) as caught:
        read(tmp_path, "text_rows", data, **XYWH)
    assert caught.value.where["path"] == "a"
    assert caught.value.where["line"] >= 1


def test_every_strange_number_is_reported_with_its_line(tmp_path):
    words = ["inf", "-Infinity", "0x10", "1e999", "1_000", "١", "--1", "1.2.3", "true", "nan", "''"]
    data = "".join(f"1,2,3,{word}\n" for word in words) + "1,2,3,4\n"
    rows, problems = read(tmp_path, "text_rows", data.encode(), **XYWH)
    assert [p.where for p in problems] == [f"line {i + 1}" for i in range(len(words))]
    assert {p.code for p in problems} == {"bad-row"}
    assert "1e999" in problems[3].message
    assert len(rows) == 1


def test_a_category_that_is_not_utf8_costs_its_row(tmp_path):
    columns = ["category", "x", "y", "w", "h"]
    (labels,), problems = read(
        tmp_path, "text_rows", b"caf\xe9 1 2 3 4\ncar 1 2 3 4\n", columns=columns
    )
    assert [item.category for item in labels.objects] == ["car"]
    assert [(p.code, p.where) for p in problems] == [("bad-row", "line 1")]


@pytest.mark.parametrize("line", [b"\n", b"1\n", b",,,,\n", b"1,2,3,4\n", b"#\n"])
def test_ten_million_lines_take_bounded_memory(tmp_path, line):
    data = line * (60_000_000 // len(line) if line == b"\n" else 10_000_000 // len(line))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows, problems = [], []
    with contextlib.suppress(AnnotationError):  # too many rows
        rows, problems = read(tmp_path, "text_rows", data + b"1,2,3,4\n", **XYWH)
    assert len(problems) <= 21
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000
    if line in (b"1,2,3,4\n", b"#\n"):
        assert len(rows) == (len(data) // len(line) if line != b"#\n" else 0) + 1


def test_more_rows_than_allowed_are_refused(tmp_path):
    with pytest.raises(AnnotationError, match="line 4000000: expected at most 4000000 rows"):
        read(tmp_path, "text_rows", b"1,2\n" * 4_000_001, columns=["px", "py"])


@pytest.mark.parametrize(
    ("reader", "limit"),
    [("text_rows", 64), ("coco_json", 500), ("masks", 100), ("points_json", 64)],
)
def test_large_files_are_refused_by_their_size(tmp_path, reader, limit):
    with (tmp_path / "big").open("wb") as stream:
        stream.truncate(2_000_000_000)  # takes no room on the disk
    file = LabelFile(tmp_path, "big", {"stem": "big"})
    options = READERS[reader].parse_options({}, "test")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(AnnotationError, match=f"expected at most {limit} MB .*limit_mb"):
        READERS[reader].read(file, options, None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_pipes_folders_and_missing_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    options = READERS["text_rows"].parse_options({}, "test")
    for name, message in (
        ("pipe", "regular file"), ("folder", "regular file"), ("none", "No such file"),
    ):  # fmt: skip
        with pytest.raises(AnnotationError, match=message):
            READERS["text_rows"].read(LabelFile(tmp_path, name, {}), options, None)


def coco(annotation):
    return (
        '{"images": [{"id": 1, "file_name": "a.jpg"}],\n"categories": [{"id": 1, "name": "car"}],\n'
        f'"annotations": [\n{annotation},\n'
        '{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]}'
    ).encode()


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ('{"bbox": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 4: not JSON: expected fewer"),
        ('{"bbox": [' + "9" * 1_000_000 + ", 1, 2, 3]}", "line 4: not JSON: expected a shorter"),
        ('{"bbox": [1, 2, 3, 4]', "line 5: not JSON"),
        ('{"bbox": "\x01"}', "line 4: not JSON"),
    ],
)
def test_hostile_json_is_refused_with_its_line(tmp_path, annotation, message):
    with pytest.raises(AnnotationError, match=message):
        read(tmp_path, "coco_json", coco(annotation))


@pytest.mark.parametrize(
    "box",
    ["[" + "9" * 299 + ", 1, 2, 3]", '["1e999", 1, 2, "x"]', "[1e999, -1e999, 1, 1]", "{}", "null",
     '"1234"', '["1", "2", "3"]', "[[1], 2, 3, 4]", "[true, null, 3, 4]"],
)  # fmt: skip
def test_a_strange_box_costs_no_other(tmp_path, box):
    item = f'{{"image_id": 1, "category_id": 1, "bbox": {box}}}'
    (labels,), _ = read(tmp_path, "coco_json", coco(item))
    assert labels.objects[-1].box == (1, 2, 4, 6)
    assert len(labels.objects) <= 2
    for found in labels.objects:
        assert all(isinstance(value, float) for value in found.box)


def test_doubled_keys_are_reported_and_the_last_counts(tmp_path):
    item = '{"image_id": 1, "category_id": 1,\n"bbox": [9, 9, 9, 9], "bbox": [5, 6, 7, 8]}'
    (labels,), problems = read(tmp_path, "coco_json", coco(item))
    assert labels.objects[0].box == (5, 6, 12, 14)
    assert [(p.code, p.where) for p in problems] == [("duplicate-key", "line 5")]


def test_a_million_annotations_cost_little_more_than_what_comes_out(tmp_path):
    item = {"image_id": 99, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[1] * 40]}
    data = (
        b'{"images": [], "annotations": ['
        + b",".join([json.dumps(item).encode()] * 200_000)
        + b"]}"
    )
    count = 0

    def forget(problem):
        nonlocal count
        count += 1

    (tmp_path / "a").write_bytes(data)
    file = LabelFile(tmp_path, "a", {"split": "train"})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    options = READERS["coco_json"].parse_options({}, "test")
    assert READERS["coco_json"].read(file, options, forget) == []
    assert count == 200_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3 * len(data) // 1024
