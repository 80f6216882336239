"""Manifests survive the disk; damaged ones are refused."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from irtd_fast.errors import StoreFormatError
from irtd_fast.manifest import Manifest
from irtd_fast.types import ImageInfo, ObjectRecord, PointRecord, Problem, SampleRecord


def picture(path, **changes):
    info = ImageInfo(path, "jpeg", 24, 32, 1, 3, "uint8", 999, 123456789)
    return dataclasses.replace(info, **changes)


@pytest.fixture
def manifest():
    full = SampleRecord(
        name="train/a",
        infrared=picture("ir/ä.jpg"),
        split="train",
        visible=picture("vis/ä.jpg", channels=3),
        mask=picture("m/ä.png", encoding="png"),
        objects=[
            ObjectRecord("car", (1.5, 2, 3, 4), (1, 2, 3, 4, 5, 6, 7, 8), 7, "visible", 16),
            ObjectRecord("person", (0.1, 0.2, 0.3, 1 / 3)),
        ],
        points=[PointRecord("head", 1.25, 2.5)],
        scene="night",
        sequence="s1",
        frame=12,
        identity=3,
        camera=2,
        flags=6,
    )
    problems = [Problem("empty-box", "x.xml", "line 3", "é\n", "object left out", "train/a")]
    bare = SampleRecord("b", picture("ir/b.jpg"))
    return Manifest("mine", "v1", "/data/mine", "sub/", [full, bare], problems, ["a note"])


def test_round_trip(tmp_path, manifest):
    manifest.save(tmp_path / "m.jsonl")
    again = Manifest.load(tmp_path / "m.jsonl")
    assert again == manifest
    assert again.fingerprint() == manifest.fingerprint()
    lines = (tmp_path / "m.jsonl").read_text("ascii").splitlines()
    assert len(lines) == 1 + 2 + 1
    header = json.loads(lines[0])
    assert (header["irtd_manifest"], header["samples"], header["problems"]) == (1, 2, 1)


def test_every_field_of_a_sample_is_saved(manifest):
    header_fields = {field.name for field in dataclasses.fields(SampleRecord)}
    from irtd_fast.manifest import _LAYOUT

    assert set(_LAYOUT["sample"]) == header_fields


def test_fingerprint_follows_the_data_and_not_the_place(manifest):
    before = manifest.fingerprint()
    manifest.root = "/elsewhere"
    manifest.samples[0].infrared.mtime_ns += 1
    manifest.notes.append("another")
    assert manifest.fingerprint() == before
    manifest.samples[0].infrared.size += 1
    changed = manifest.fingerprint()
    assert changed != before
    manifest.samples[0].objects[0].flags = 0
    assert manifest.fingerprint() != changed


def edit(number, line):
    def change(lines):
        lines[number] = line
        return lines

    return change


DAMAGE = [
    (lambda lines: [], 1, "expected the header"),
    (lambda lines: lines[:-1], 3, "expected 2 samples and 1 problems, found 2 lines"),
    (lambda lines: [*lines, lines[1]], 5, "found 4 lines"),
    (edit(0, '{"irtd_manifest": 99}'), 1, "expected the header of a manifest, version 1"),
    (edit(0, '{"irtd_manifest": 1, "layout": {}}'), 1, "expected the layout"),
    (edit(0, "[]"), 1, "expected the header"),
    (edit(2, '["cut'), 3, "Invalid control character"),
    (edit(2, "[[1, null, null], [1, 2]]"), 3, "not enough values"),
    (edit(2, "7"), 3, "int"),
    (edit(3, "[]"), 4, "missing"),
]


@pytest.mark.parametrize(("change", "line", "message"), DAMAGE)
def test_damaged_manifest_names_the_line(tmp_path, manifest, change, line, message):
    path = tmp_path / "m.jsonl"
    manifest.save(path)
    lines = change(path.read_text("ascii").splitlines())
    path.write_text("".join(text + "\n" for text in lines))
    with pytest.raises(StoreFormatError, match=f"line {line}: .*{message}"):
        Manifest.load(path)


def test_not_finite_numbers_are_never_written(tmp_path, manifest):
    manifest.samples[0].points[0].x = math.nan
    with pytest.raises(ValueError, match="not JSON compliant"):
        manifest.save(tmp_path / "m.jsonl")
