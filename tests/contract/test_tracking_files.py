"""The 577 tracking files of the publishers: every row read, counts as published or as counted."""

from __future__ import annotations

import re

import pytest

from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile

pytestmark = pytest.mark.dumps

READER = READERS["text_rows"]
XYWH = {"scope": "per_sequence", "columns": ["x", "y", "w", "h"]}
XYXY = {"scope": "per_sequence", "columns": ["xmin", "ymin", "xmax", "ymax"]}


@pytest.fixture
def folder(dumps):
    path = dumps / "tracking-gt"
    if not path.is_dir():
        pytest.skip("no tracking-gt among the real dumps")
    return path


def read(path, **table):
    problems = []
    options = READER.parse_options(table, "test")
    file = LabelFile(path.parent, path.name, {"sequence": path.stem})
    return READER.read(file, options, problems.append), problems


def plain_rows(path):
    """Rows by Python alone: (line, numbers) of lines that hold something."""
    lines = re.split(r"\r\n|\n", path.read_bytes().decode("ascii"))
    return [(i, [float(v) for v in re.split(r"[,\s]+", line.strip())])
            for i, line in enumerate(lines, start=1) if line.strip()]  # fmt: skip


def assert_equal(rows, path, *, corners=False):
    expected = plain_rows(path)
    assert len(rows) == len(expected), path
    assert rows.numbers().tolist() == list(range(1, len(expected) + 1))
    for labels, (line, (a, b, c, d)) in zip(rows, expected, strict=True):
        assert labels.where == f"line {line}"
        box = (a, b, c, d) if corners else (a, b, a + c, b + d)
        assert labels.objects[0].box == box


def test_rgbt234(folder):
    sequences = sorted(path for path in (folder / "RGBT234").iterdir() if path.name != "attr_txt")
    assert len(sequences) == 33
    differing = 0
    for sequence in sequences:
        found = {}
        for name in ("infrared", "visible", "init"):
            found[name], problems = read(sequence / f"{name}.txt", **XYWH)
            assert not problems
            assert_equal(found[name], sequence / f"{name}.txt")
        assert len(found["infrared"]) == len(found["visible"])
        assert 45 <= len(found["infrared"]) <= 4140
        pairs = zip(found["infrared"], found["visible"], strict=True)
        differing += any(a.objects[0].box != b.objects[0].box for a, b in pairs)
    assert differing > 0
    rows, _ = read(folder / "RGBT234/afterrain/infrared.txt", **XYWH)
    assert rows[0].objects[0].box == (147, 53, 171, 98)
    rows, _ = read(folder / "RGBT234/afterrain/visible.txt", **XYWH)
    assert rows[0].objects[0].box == (144, 53, 154, 133)


def test_gtot_has_another_kind_of_box_per_file(folder):
    sequences = sorted((folder / "GTOT").iterdir())
    assert len(sequences) == 50
    for sequence in sequences:
        for path in sorted(sequence.glob("groundTruth_*.txt")):
            rows, problems = read(path, **XYXY)
            assert not problems
            assert_equal(rows, path, corners=True)
        rows, problems = read(sequence / "init.txt", **XYWH)
        assert not problems
        assert_equal(rows, sequence / "init.txt")
    first, _ = read(folder / "GTOT/BlackCar/groundTruth_v.txt", **XYXY)
    given, _ = read(folder / "GTOT/BlackCar/init.txt", **XYWH)
    assert first[0].objects[0].box == given[0].objects[0].box == (209, 155, 309, 218)


def test_lasher(folder):
    paths = sorted((folder / "LasHeR/annos").glob("*.txt"))
    assert len(paths) == 60
    zeros = empty = 0
    for path in paths:
        rows, problems = read(path, **XYWH, absent="none")
        assert not problems
        assert_equal(rows, path)
        numbers = [row for _, row in plain_rows(path)]
        for policy in ("zeros", "empty"):
            found, _ = read(path, **XYWH, absent=policy)
            absent = [not labels.objects for labels in found]
            zero = [not any(row) for row in numbers]
            hollow = [row[2] <= 0 or row[3] <= 0 for row in numbers]
            assert absent == (zero if policy == "zeros" else hollow)
            zeros += sum(absent) if policy == "zeros" else 0
            empty += sum(absent) if policy == "empty" else 0
    assert 0 < zeros <= empty
    for path in sorted((folder / "LasHeR/annos/att").glob("*.txt")):
        rows, problems = read(path, **XYWH)
        assert not problems
        assert_equal(rows, path)


def test_lsotb_has_120_files_and_82133_rows(folder):
    paths = sorted((folder / "LSOTB-TIR/anno").glob("*.txt"))
    assert len(paths) == 120
    total = 0
    for path in paths:
        rows, problems = read(path, **XYWH)
        assert not problems
        assert_equal(rows, path)
        total += len(rows)
    assert total == 82_133
    scenarios = [re.fullmatch(r".+_([HDSV])_\d+", path.stem)[1] for path in paths]
    assert {s: scenarios.count(s) for s in "HDSV"} == {"H": 35, "D": 25, "S": 40, "V": 20}


def test_lsotb_attributes_are_sixteen_flags(folder):
    paths = sorted((folder / "LSOTB-TIR/anno/att").glob("*.txt"))
    assert len(paths) == 120
    names = [f"a{i:02d}" for i in range(16)]
    for path in paths:
        (labels,), problems = read(path, columns=[f"+{name}" for name in names])
        assert not problems
        text = path.read_text("ascii").strip()
        assert ",".join(labels.attributes[name] for name in names) == text
        assert set(text) <= set("01,")


def test_vtuav_bus(dumps):
    folder = dumps / "vtuav-bus1/bus1_sample"
    if not folder.is_dir():
        pytest.skip("no vtuav-bus1 among the real dumps")
    found = {}
    for name in ("ir", "rgb"):
        found[name], problems = read(folder / f"{name}.txt", **XYWH, first=0, stride=10)
        assert not problems
        assert found[name].numbers().tolist() == list(range(0, 101, 10))
    assert found["ir"][0].objects[0].box == (582, 88, 649, 168)
    boxes = [[labels.objects[0].box for labels in rows] for rows in found.values()]
    assert boxes[0] != boxes[1]
    frames = {int(path.stem) for path in (folder / "ir_gray").iterdir()}
    assert set(found["ir"].numbers().tolist()) <= frames


def test_ist_a_has_125_boxes_in_114_files(dumps):
    folder = dumps / "ist-a/Dataset"
    if not folder.is_dir():
        pytest.skip("no ist-a among the real dumps")
    paths = sorted(folder.glob("*/*.txt"))
    assert len(paths) == 114
    total = 0
    for path in paths:
        (labels,), problems = read(path, normalised=True, names=["target"], class_base=1)
        assert not problems
        assert labels.reference == (1, 1)
        for item, (_, (_, cx, cy, w, h)) in zip(labels.objects, plain_rows(path), strict=True):
            x0, y0, x1, y1 = item.box
            assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((cx, cy))
            assert (x1 - x0, y1 - y0) == pytest.approx((w, h))
            assert item.category == "target"
            total += 1
    assert total == 125


@pytest.mark.parametrize(("name", "count"), [("labels.csv", 101), ("_full/labels.csv", 2624)])
def test_elpv_table(dumps, name, count):
    path = dumps / "elpv" / name
    if not path.is_file():
        pytest.skip("no elpv among the real dumps")
    labels, problems = read(
        path, scope="per_dataset", columns=["image", "+label?", "+cell"],
        ranges={"0": [0, 0.1], "1/3": [0.3, 0.4], "2/3": [0.6, 0.7], "1": [0.9, 1]},
    )  # fmt: skip
    assert not problems
    assert len(labels) == count
    rows = [line.split() for line in path.read_text("ascii").splitlines()]
    words = {"0.0": "0", "1.0": "1", "0.3333333333333333": "1/3", "0.6666666666666666": "2/3"}
    for found, (image, probability, kind) in zip(labels, rows, strict=True):
        assert image == f"images/{found.key['stem']}.png"
        assert found.attributes == {"label": words[probability], "cell": kind}
