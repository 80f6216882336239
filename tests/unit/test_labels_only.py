"""Layouts of labels without pictures: every row read, what is wrong is told with its line."""

from __future__ import annotations

import pytest

from irtd_fast import catalog, ingest, verify
from irtd_fast.catalog.parse import parse_record
from irtd_fast.doctor import examine
from irtd_fast.errors import FailureRateError, SourceError, SourceLayoutError
from irtd_fast.scan import scan
from irtd_fast.scan.find import find_sources

BOX = {"scope": "per_sequence", "columns": ["x", "y", "w", "h"], "category": "t", "absent": "zeros"}


def rows_spec(name, modality):
    options = {**BOX, "modality": modality}
    return {"format": "text_rows", "files": rf"(?P<sequence>[^/]+)/{name}\.txt", "options": options}


@pytest.fixture
def record():
    data = catalog.get("tracking-gt").to_dict()
    data["key"], data["categories"] = "texts", {"t": "t"}
    first = {**rows_spec("infrared", "infrared"), "required": True}
    flags = {"format": "text_rows", "files": r"flags/(?P<name>\w+)\.txt", "provides": "attributes"}
    flags["options"] = {"scope": "per_sequence", "columns": ["+flag"]}
    data["variants"][0]["annotations"] = [first, rows_spec("visible", "visible"), flags]
    return parse_record(data, "texts.toml")


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(text.encode())


@pytest.fixture
def dump(tmp_path):
    for sequence, rows in (("car", 4), ("man", 7)):
        for side in ("infrared", "visible"):
            text = "".join(f"{n},2,3,4\r\n" for n in range(rows - 1)) + "0,0,0,0\r\n\r\n"
            write(tmp_path, f"{sequence}/{side}.txt", text)
    write(tmp_path, "flags/FM.txt", "1\r\n0\r\n1")
    return tmp_path


def test_rows_files_and_absent_targets_are_counted(dump, record):
    manifest = scan(dump, record)
    assert manifest.samples == manifest.problems == []
    assert manifest.notes == [
        "labels alone: there are no pictures, so no samples",
        "11 rows in 2 files such as car/infrared.txt, 2 of them without a target",
        "11 rows in 2 files such as car/visible.txt, 2 of them without a target",
        "3 rows in 1 files such as flags/FM.txt",
    ]


def test_defects_are_told_with_file_and_line(dump, record):
    write(dump, "car/visible.txt", "1,2,3,4\n1,2,x,4\n1,2,3,4\n1,2,3\n5,6,7,8\n")
    write(dump, "flags/BAD.txt", "\xff\xfe1\0")
    problems = {(p.code, p.path, p.where) for p in scan(dump, record).problems}
    assert ("unequal-sequence", "car/visible.txt", "") in problems
    lines = {where for _, path, where in problems if path == "car/visible.txt"}
    assert {"line 2", "line 4"} <= lines
    findings = {f.code for f in examine(dump, record).findings}
    assert "unequal-sequence" in findings


def test_unreadable_files_are_reported_and_stop_beyond_the_rate(dump, record):
    for number in range(25):
        write(dump, f"s{number:02d}/infrared.txt", "1 2 3 4\n".encode("utf-16").decode("latin-1"))
    with pytest.raises(FailureRateError, match="25 of 27 label files"):
        scan(dump, record)
    manifest = scan(dump, record, max_failure_rate=1)
    codes = [p.code for p in manifest.problems if p.code == "unreadable-labels"]
    assert len(codes) == 25


def test_an_ingest_has_no_samples_and_keeps_the_notes(dump, record, tmp_path):
    report = ingest(dump, tmp_path / "s.zarr", source=record)
    assert report.counts["samples"] == 0
    assert report.notes == scan(dump, record).notes
    assert verify(tmp_path / "s.zarr").ok


def test_find_counts_label_files(dump, record):
    (found,) = find_sources(dump, [record])
    assert (found.source, found.variant, found.pictures) == ("texts", "labels", 2)
    assert "fits 2 label files" in found.reason


def test_another_folder_is_no_such_dump(tmp_path, record):
    write(tmp_path, "car/other.txt", "1")
    with pytest.raises(SourceLayoutError, match="label files, with"):
        scan(tmp_path, record)


def test_a_layout_of_nothing_is_refused(record):
    data = record.to_dict()
    for spec in data["variants"][0]["annotations"]:
        spec["required"] = False
    with pytest.raises(SourceError, match="at least one"):
        parse_record(data, "texts.toml")


@pytest.mark.parametrize("options", [{"columns": ["px", "py"]}, {"absent": "zeros"}])
def test_rows_of_attributes_have_no_geometry(record, options):
    data = record.to_dict()
    data["variants"][0]["annotations"][2]["options"].update(options)
    manifest_options = parse_record(data, "texts.toml")
    with pytest.raises(SourceError, match=r"per_sequence takes|absent: goes with"):
        scan_flags(manifest_options)


def scan_flags(record):
    from irtd_fast.formats import READERS

    spec = record.variants[0].annotations[2]
    READERS[spec.format].parse_options(spec.options, "here")
