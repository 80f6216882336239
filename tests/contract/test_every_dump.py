"""Every folder of real dumps goes in under its own name, with the counts that are stated for it.

The numbers are those of the collection's own list and of the publishers' label files (rows and
objects counted there by hand), never what our readers found.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from irtd_fast import catalog
from irtd_fast.doctor import examine
from irtd_fast.engines.ingest import ingest
from irtd_fast.errors import SourceLayoutError
from irtd_fast.scan import scan
from irtd_fast.scan.find import find_sources

pytestmark = pytest.mark.dumps


@dataclass(frozen=True)
class Stated:
    """What is stated about a folder."""

    samples: int
    visible: int = 0
    masks: int = 0
    objects: int = 0
    unlabelled: int = 0
    problems: dict[str, int] = field(default_factory=dict)


STATED = {
    "elpv": Stated(101),
    "flir-v1-16bit": Stated(50),
    "hit-uav": Stated(60, objects=428),
    "ist-a": Stated(186, objects=125, unlabelled=72),
    # labels and two lists are of the whole dataset
    "kaist-demo": Stated(
        8, visible=8, objects=57, problems={"label-without-image": 1, "split-without-image": 2}
    ),
    "lfs-pointer": Stated(0, problems={"lfs-pointer": 6}),
    "llvip": Stated(46, visible=46, unlabelled=46),
    "m3fd-sample": Stated(3, visible=3),
    "massmind": Stated(5, masks=5),
    "mfnet-sample": Stated(2, visible=2),
    # 5 FLIR, XT2, XTR, XTS, H20T, H20N, M2EA, M3T, 2 M30T, H30T, M4T, 2 FFF, a TIFF; a gray JPEG
    # without counts
    "rjpeg": Stated(19, problems={"not-radiometric": 1}),
    "roadscene": Stated(56, visible=56),
    "sirst-bmp": Stated(5),
    "sirst-v2": Stated(102, masks=102),
    "tno": Stated(25, visible=25),
    "tracking-gt": Stated(0),  # texts alone: their rows are counted below
    "vedai-sample": Stated(3, visible=3),
    # 101 infrared and the first 31 visible frames; 11 rows each, of frames 0, 10 ... 100
    "vtuav-bus1": Stated(
        101, visible=31, objects=22, unlabelled=90, problems={"missing-partner": 70}
    ),
    "wrd-demo": Stated(16, visible=16),
}


def folder_of(dumps, name):
    if not (dumps / name).is_dir():
        pytest.skip(f"no {name} among the real dumps")
    return dumps / name


def test_every_folder_is_stated(dumps):
    there = {path.name for path in dumps.iterdir() if path.is_dir()}
    assert there <= STATED.keys()


@pytest.mark.parametrize("name", STATED)
def test_counts(dumps, name):
    stated = STATED[name]
    manifest = scan(folder_of(dumps, name), catalog.get(name))
    samples = manifest.samples
    assert len(samples) == stated.samples
    assert sum(sample.visible is not None for sample in samples) == stated.visible
    assert sum(sample.mask is not None for sample in samples) == stated.masks
    if stated.objects:
        assert sum(len(sample.objects) for sample in samples) == stated.objects
    if stated.unlabelled:
        assert sum(bool(s.flags & 1) for s in samples) == stated.unlabelled
    assert Counter(problem.code for problem in manifest.problems) == stated.problems
    assert len({sample.name for sample in samples}) == len(samples)


@pytest.mark.parametrize("name", sorted(STATED.keys() - {"lfs-pointer", "tracking-gt"}))
def test_ingest_under_its_own_name(dumps, name, tmp_path):
    record = catalog.get(name)
    report = ingest(folder_of(dumps, name), tmp_path / "s.zarr", source=record, limit=12)
    assert report.counts["samples"] == min(12, STATED[name].samples)
    assert report.source == record.key
    for array in report.arrays:
        if array["modality"] == "infrared":
            assert array["dtype"] == ("uint16" if record.bit_depth == 16 else "uint8")


def test_rows_of_the_two_modalities_of_vtuav_differ(dumps):
    root = folder_of(dumps, "vtuav-bus1")
    manifest = scan(root, catalog.get("vtuav-bus1"))
    for modality, file in (("infrared", "ir.txt"), ("visible", "rgb.txt")):
        rows = [line.split() for line in (root / "bus1_sample" / file).read_text().splitlines()]
        expected = {
            10 * k: tuple(map(float, row)) for k, row in enumerate(filter(None, rows))
        }  # row k is frame 10 k
        found = {
            s.frame: (o.box[0], o.box[1], o.box[2] - o.box[0], o.box[3] - o.box[1])
            for s in manifest.samples for o in s.objects if o.modality == modality
        }  # fmt: skip
        assert len(expected) == 11
        assert found == expected
    assert {o.category for s in manifest.samples for o in s.objects} == {"bus"}


def test_attributes_of_elpv_are_the_publisher_s_table(dumps):
    root = folder_of(dumps, "elpv")
    rows = [line.split() for line in (root / "labels.csv").read_text().splitlines()]
    manifest = scan(root, catalog.get("elpv"))
    found = {
        s.infrared.path: (s.attributes["defect_probability"], s.attributes["cell_type"])
        for s in manifest.samples
    }  # fmt: skip
    assert found == {path: (probability, kind) for path, probability, kind in rows}


def test_lists_of_kaist_are_folds(dumps):
    root = folder_of(dumps, "kaist-demo")
    lists = {p.stem: set(p.read_text().split()) for p in (root / "imageSets").glob("*.txt")}
    assert {name: len(entries) for name, entries in lists.items()} == {
        "test-all-20": 2252, "train-all-02": 25086,
    }  # fmt: skip
    samples = scan(root, catalog.get("kaist")).samples
    assert {s.name: s.attributes["folds"] for s in samples} == {
        s.name: "test-all-20" for s in samples if s.name in lists["test-all-20"]
    }
    assert len(samples) == 8


def test_folders_of_wrd_are_attributes(dumps):
    manifest = scan(folder_of(dumps, "wrd-demo"), catalog.get("wrd"))
    surfaces = Counter(sample.attributes["surface"] for sample in manifest.samples)
    assert set(surfaces.values()) == {2}
    assert len(surfaces) == 8
    for sample in manifest.samples:
        assert sample.infrared.path.split("/")[1] == sample.attributes["surface"]


def test_text_without_pictures_is_no_dump_of_a_tracker(dumps):
    root = folder_of(dumps, "tracking-gt")
    for key in ("rgbt234", "lasher", "gtot", "lsotb-tir"):
        with pytest.raises(SourceLayoutError, match="does not look like a dump of"):
            scan(root, catalog.get(key))


def rows_of(path):
    return len(path.read_bytes().split())  # names and flags have no spaces inside


def test_every_tracking_text_is_read_and_counted(dumps, tmp_path):
    """577 files: those of boxes by their lines, lists by their words, flags of LSOTB by files."""
    root = folder_of(dumps, "tracking-gt")
    kinds = {
        "RGBT234/*/infrared.txt": 33, "RGBT234/*/visible.txt": 33,
        "RGBT234/attr_txt/[A-Z][A-Z]*.txt": 12, "RGBT234/attr_txt/SequencesName.txt": 1,
        "GTOT/*/groundTruth_i.txt": 50, "GTOT/*/groundTruth_v.txt": 50, "GTOT/*/init.txt": 50,
        "LasHeR/annos/*.txt": 60, "LasHeR/annos/att/*.txt": 12, "LasHeR/List*/*.txt": 2,
        "LSOTB-TIR/anno/*.txt": 120, "LSOTB-TIR/anno/att/*.txt": 120,
    }  # fmt: skip
    found = {pattern: sorted(root.glob(pattern)) for pattern in kinds}
    found["RGBT234 init and visible-o"] = [
        p for p in root.glob("RGBT234/*/*.txt") if p.stem in ("init", "visible-o")
    ]
    kinds["RGBT234 init and visible-o"] = 34
    assert {pattern: len(paths) for pattern, paths in found.items()} == kinds
    assert sum(map(len, found.values())) == 577
    expected = set()
    for pattern, paths in found.items():
        boxes = "annos/att" in pattern or not ("att" in pattern or "List" in pattern)
        if pattern == "LSOTB-TIR/anno/att/*.txt":
            rows = len(paths)
        elif boxes:
            rows = sum(bool(line.strip()) for p in paths for line in p.read_bytes().splitlines())
        else:
            rows = sum(map(rows_of, paths))
        expected.add(f"{rows:,} rows in {len(paths):,} files")
    manifest = scan(root, catalog.get("tracking-gt"))
    assert manifest.problems == []
    assert {note.partition(" such as")[0] for note in manifest.notes[1:]} == expected
    assert "82,133 rows in 120 files" in expected
    report = ingest(root, tmp_path / "s.zarr", source="tracking-gt")
    assert report.counts["samples"] == 0
    assert report.notes == manifest.notes
    doctor = examine(root, catalog.get("tracking-gt"))
    assert doctor.healthy
    assert doctor.notes == manifest.notes


def test_find_names_each_folder(dumps):
    found = find_sources(dumps, catalog.records())
    sure = {(f.folder.split("/")[0], f.source) for f in found if f.confidence == "sure"}
    for name in STATED:
        if (dumps / name).is_dir():
            assert (name, catalog.get(name).key) in sure
    by_name = {f.source for f in found if f.confidence == "name only"}
    assert by_name >= {"rgbt234", "lasher", "gtot", "lsotb-tir"}
