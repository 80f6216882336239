"""The contract of records of labels alone, on synthetic dumps: every row is what the truth says.

Rows are told from the dump's truth and the publishers' rules, never from what a reader found.
"""

from __future__ import annotations

import os
import random

import pytest

from irtd_fast import catalog, ingest, verify
from irtd_fast.doctor import examine
from irtd_fast.errors import SourceLayoutError
from irtd_fast.formats import READERS, LabelFile
from irtd_fast.scan import scan
from irtd_fast.scan.find import find_sources
from irtd_fast.scan.layout import choose_layout
from irtd_fast.scan.paths import Paths
from irtd_fast.scan.walk import walk
from irtd_fast.synth import write_dump

COUNT = 92  # 23 frames of each tracker: three sequences of seven, and two frames of a fourth
RECORD = catalog.get("tracking-gt")


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    root = tmp_path_factory.mktemp("texts") / "dump"
    return root, write_dump(root, source="tracking-gt", count=COUNT, size=(96, 128), seed=3)


def frames_of(truth, family):
    found = {}
    for sample in truth:
        name, _, sequence = sample.sequence.partition("/")
        if name == family:
            found.setdefault(sequence, []).append(sample)
    return found


def test_every_kind_of_file_of_the_real_folder_is_there(dump):
    root, truth = dump
    listed = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    expected = {"RGBT234/attr_txt/SequencesName.txt", "RGBT234/afterrain/visible-o.txt"}
    expected |= {f"LasHeR/List_for_Protocol2/{word}ingsetList.txt" for word in ("train", "test")}
    words = ("NO", "PO", "HO", "LI", "LR", "TC", "DEF", "FM", "SC", "MB", "CM", "BC")
    expected |= {f"RGBT234/attr_txt/{word}.txt" for word in words}
    for name in frames_of(truth, "RGBT234"):
        expected |= {f"RGBT234/{name}/{word}.txt" for word in ("infrared", "visible", "init")}
    for name in frames_of(truth, "GTOT"):
        expected |= {
            f"GTOT/{name}/{word}.txt" for word in ("groundTruth_i", "groundTruth_v", "init")
        }
    expected |= {f"LasHeR/annos/{name}.txt" for name in frames_of(truth, "LasHeR")}
    expected |= {f"LasHeR/annos/att/{name}.txt" for name in list(frames_of(truth, "LasHeR"))[::3]}
    for folder in ("anno", "anno/att"):
        expected |= {f"LSOTB-TIR/{folder}/{name}.txt" for name in frames_of(truth, "LSOTB-TIR")}
    assert listed == expected


def test_texts_are_spelt_as_the_publishers_do(dump):
    root, truth = dump
    for name in frames_of(truth, "RGBT234"):
        text = (root / f"RGBT234/{name}/infrared.txt").read_bytes()
        assert text.count(b"\n") == text.count(b"\r\n") > 0
        assert b"," in text
    assert (root / "RGBT234/afterrain/init.txt").read_bytes().splitlines()[1:7] == (
        (root / "RGBT234/afterrain/visible-o.txt").read_bytes().splitlines()[1:7]
    )
    black = root / "GTOT/BlackCar"
    assert b" " in (black / "groundTruth_i.txt").read_bytes()
    assert b"\t" in (black / "init.txt").read_bytes()
    lists = [
        (root / f"LasHeR/List_for_Protocol2/{word}ingsetList.txt").read_bytes()
        for word in ("train", "test")
    ]
    names = b"".join(lists).decode().split("\r\n")[:-1]
    assert set(frames_of(truth, "LasHeR")) < set(names)  # the lists name more than is there
    assert b"\t" in (root / "LasHeR/annos/att/10crosswhite.txt").read_bytes()
    assert any(
        not (root / f"LasHeR/annos/{name}.txt").read_bytes().endswith(b"\n")
        for name in frames_of(truth, "LasHeR")
    )
    for path in (root / "LSOTB-TIR/anno/att").iterdir():
        text = path.read_bytes()
        assert len(text.split(b",")) == 16
        assert not text.endswith(b"\n")


def test_every_row_is_the_truth(dump):
    root, truth = dump
    layout = choose_layout(RECORD, Paths(walk(root).folders), root)
    seen = set()
    for spec, files in layout.labels:
        if spec.provides == ("attributes",):
            continue
        reader = READERS[spec.format]
        options = reader.parse_options(spec.options, "test")
        for path, groups in files:
            problems = []
            labels = reader.read(LabelFile(root, path, groups), options, problems.append)
            assert problems == []
            frames = frames_of(truth, path.partition("/")[0])[groups["sequence"]]
            visible = options.modality == "visible" or "annos/att" in path
            want = [s.partner_objects if visible else s.objects for s in frames]
            got = [[item.box for item in row.objects] for row in labels]
            if path.endswith("visible-o.txt"):  # its first row is another
                assert got[0] != [obj.box for obj in want[0]]
                want, got = want[1:], got[1:]
            assert got == [[obj.box for obj in objects] for objects in want], path
            seen.add(path)
    assert len(seen) == sum(
        1 for p in root.rglob("*.txt")
        if "attr_txt" not in p.parts and "List" not in p.name and "anno/att" not in p.as_posix()
    )  # fmt: skip


def test_what_a_scan_counts(dump):
    root, truth = dump
    manifest = scan(root, RECORD)
    assert manifest.samples == manifest.problems == []
    counts = {family: frames_of(truth, family) for family in ("RGBT234", "GTOT", "LasHeR")}
    absent = sum(not s.objects for frames in counts["LasHeR"].values() for s in frames)
    copied = [s for frames in list(counts["LasHeR"].values())[::3] for s in frames]
    gone = sum(not s.partner_objects for s in copied)
    assert absent > gone > 0
    shown = [note.partition(" such as")[0] + note.partition(".txt")[2] for note in manifest.notes]
    assert shown == [
        "labels alone: there are no pictures, so no samples",
        "23 rows in 4 files", "23 rows in 4 files", "30 rows in 5 files",  # and visible-o
        "84 rows in 12 files", "7 rows in 1 files",  # three sequences are elsewhere
        "23 rows in 4 files", "23 rows in 4 files", "23 rows in 4 files",
        f"23 rows in 4 files, {absent} of them without a target",
        f"9 rows in 2 files, {gone} of them without a target",
        "8 rows in 2 files",
        "23 rows in 4 files", "4 rows in 4 files",
    ]  # fmt: skip
    assert scan(root, RECORD, threads=4) == manifest


class Shuffled:
    """``os.scandir`` in another order than the file system's."""

    def __init__(self, path):
        with _SCANDIR(path) as found:
            self.entries = list(found)
        random.Random(5).shuffle(self.entries)

    def __enter__(self):
        return iter(self.entries)

    def __exit__(self, *_):
        pass


_SCANDIR = os.scandir


def test_order_is_that_of_the_names_alone(dump, monkeypatch):
    root, _ = dump
    manifest = scan(root, RECORD)
    monkeypatch.setattr(os, "scandir", Shuffled)
    assert scan(root, RECORD) == manifest


def listing(root):
    states = {path: path.stat() for path in (root, *root.rglob("*"))}
    return {str(p): (s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_mode) for p, s in states.items()}


def test_ingested_examined_found_and_left_alone(dump, tmp_path):
    root, _ = dump
    before = listing(root)
    report = ingest(root, tmp_path / "s.zarr", source=RECORD)
    assert report.counts["samples"] == 0
    assert report.notes == scan(root, RECORD).notes
    assert verify(tmp_path / "s.zarr").ok
    assert examine(root, RECORD).healthy
    (found, *_) = find_sources(root, [RECORD])
    assert (found.source, found.variant) == ("tracking-gt", "labels")
    assert listing(root) == before


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        # a row left out makes the two sides unequal too
        ("RGBT234/afterrain/visible.txt", b",", b";x,", {"bad-row": ", line 1: column 2: expected",
                                                         "unequal-sequence": ": expected 7 rows"}),
        ("LasHeR/annos/bluemoto.txt", b",", b",7,", {"bad-row": ", line 1: expected 4 columns"}),
        ("GTOT/Walking/groundTruth_v.txt", b"\n", b"\n1 2 9 9\n",
         {"unequal-sequence": ": expected 7 rows as in GTOT/Walking/groundTruth_i.txt, found 8"}),
    ],
)  # fmt: skip
def test_a_defect_is_told_with_its_file(tmp_path, path, old, new, told):
    write_dump(tmp_path, source="tracking-gt", count=COUNT, size=(64, 80))
    file = tmp_path / path
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    report = examine(tmp_path, RECORD)
    assert not report.healthy
    assert {f.code for f in report.findings} == told.keys()
    for finding in report.findings:
        (example,) = finding.examples
        assert example.startswith(path + told[finding.code])


def test_texts_of_one_tracker_alone_are_not_this_folder(tmp_path):
    write_dump(tmp_path, source="tracking-gt", count=1, size=(64, 80))
    with pytest.raises(SourceLayoutError, match="tracking-gt"):
        scan(tmp_path, RECORD)
