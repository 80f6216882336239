"""Duplicates within and across sources, leaks between splits, dropping at ingest."""

from __future__ import annotations

import shutil

import cv2
import imagecodecs
import numpy as np
import pytest

import irtd_fast
from irtd_fast import _core, catalog, ingest
from irtd_fast.redundancy import (
    RADIUS,
    duplicates_to_omit,
    find_duplicates,
    fingerprint_folder,
    fingerprint_manifest,
    fingerprint_store,
)
from irtd_fast.scan import scan
from irtd_fast.store.plan import IngestOptions
from irtd_fast.synth import write_dump

SIZE = (128, 160)


def scene(rng):
    coarse = rng.uniform(0, 255, (7, 9)).astype(np.float32)
    noise = rng.normal(0, 2, SIZE)
    return np.clip(cv2.resize(coarse, SIZE[::-1]) + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, rng):
    """Twelve scenes; copies of three of them, one in another encoding, one changed a little."""
    root = tmp_path / "dump"
    for split in ("train", "test"):
        (root / split).mkdir(parents=True)
    scenes = [scene(rng) for _ in range(12)]
    for i, image in enumerate(scenes):
        (root / "train" / f"{i:02}.png").write_bytes(imagecodecs.png_encode(image))
    shutil.copy(root / "train/00.png", root / "train/copy.png")
    shutil.copy(root / "train/01.png", root / "test/leak.png")
    (root / "test" / "other.bmp").write_bytes(imagecodecs.bmp_encode(scenes[2]))
    changed = np.clip(scenes[3] * 0.8 + 9, 0, 255).astype(np.uint8)
    (root / "test" / "darker.jpg").write_bytes(_core.encode_jpeg(changed, quality=70))
    (root / "test" / "broken.png").write_bytes(imagecodecs.png_encode(scenes[4])[:300])
    (root / "notes.txt").write_text("no picture")
    return root


def groups_of(report):
    return [[(m.name, m.kind) for m in group.members] for group in report.groups]


def test_every_kind_of_duplicate_is_found_and_nothing_else(folder):
    prints = fingerprint_folder(folder, threads=2)
    report = find_duplicates(prints)
    # Natural order of paths: test/ before train/.
    assert groups_of(report) == [
        [("test/darker.jpg", ""), ("train/03.png", "near")],
        [("test/leak.png", ""), ("train/01.png", "exact")],
        [("test/other.bmp", ""), ("train/02.png", "pixels")],
        [("train/00.png", ""), ("train/copy.png", "exact")],
    ]
    assert report.redundant() == {"dump": {"exact": 2, "pixels": 1, "near": 1}}
    assert [(p.code, p.path) for p in report.problems] == [
        ("undecodable-image", "test/broken.png")
    ]  # fmt: skip


def test_leaks_between_splits_are_listed(folder):
    report = find_duplicates(fingerprint_folder(folder))
    assert [(leak.kind, leak.first.name, leak.second.name) for leak in report.leaks] == [
        ("near", "test/darker.jpg", "train/03.png"),
        ("exact", "test/leak.png", "train/01.png"),
        ("pixels", "test/other.bmp", "train/02.png"),
    ]
    assert report.leaked() == [
        ("dump", "test", "dump", "train", "exact", 1),
        ("dump", "test", "dump", "train", "near", 1),
        ("dump", "test", "dump", "train", "pixels", 1),
    ]


def test_files_alone_are_compared_without_decoding(folder, monkeypatch):
    prints = fingerprint_folder(folder, looks=False)
    assert not prints.looks.any()
    monkeypatch.setattr(prints, "pixels", None)
    report = find_duplicates(prints, radius=-1)
    assert report.redundant() == {"dump": {"exact": 2, "pixels": 0, "near": 0}}
    assert len(report.leaks) == 1
    assert report.problems == []


def test_across_sources(folder, tmp_path):
    other = tmp_path / "other"
    (other / "val").mkdir(parents=True)
    shutil.copy(folder / "train/07.png", other / "val/a.png")
    report = find_duplicates(fingerprint_folder(folder), fingerprint_folder(other))
    (shared,) = [group for group in report.groups if len(group.sources) > 1]
    assert [(m.source, m.name) for m in shared.members] == [
        ("dump", "train/07.png"), ("other", "val/a.png"),
    ]  # fmt: skip
    assert ("dump", "train", "other", "val", "exact", 1) in report.leaked()
    with pytest.raises(ValueError, match="sources of different names"):
        find_duplicates(fingerprint_folder(other), fingerprint_folder(other))


def test_pictures_without_contrast_are_no_near_duplicates(tmp_path):
    for i in range(4):
        data = imagecodecs.png_encode(np.full((40, 50), 10 * i, np.uint8))
        (tmp_path / f"{i}.png").write_bytes(data)
    assert find_duplicates(fingerprint_folder(tmp_path)).groups == []


@pytest.fixture
def repeated(tmp_path):
    """A dump whose samples 2 and 5 repeat samples 0 and 1."""
    root = tmp_path / "llvip"
    write_dump(root, source="llvip", count=8, size=(96, 128), seed=3)
    manifest = scan(root, catalog.get("llvip"))
    names = [sample.infrared.path for sample in manifest.samples]
    for first, second in ((0, 2), (1, 5)):
        shutil.copy(root / names[first], root / names[second])
    return root


def test_ingest_drops_duplicates_only_when_asked_and_says_so(repeated, tmp_path):
    names = [sample.name for sample in scan(repeated, catalog.get("llvip")).samples]
    kept = ingest(repeated, tmp_path / "all.zarr", source="llvip")
    assert kept.counts["samples"] == 8
    options = IngestOptions(drop_duplicates="exact")
    report = ingest(repeated, tmp_path / "some.zarr", source="llvip", options=options)
    assert [(p.code, p.sample, p.action) for p in report.problems] == [
        ("duplicate", names[2], "sample left out"), ("duplicate", names[5], "sample left out"),
    ]  # fmt: skip
    assert names[0] in report.problems[0].message
    dataset = irtd_fast.open(tmp_path / "some.zarr")
    assert [sample.name for sample in dataset] == [
        n for n in names if n not in (names[2], names[5])
    ]
    attributes = dataset.sources[0].attributes
    assert attributes["options"]["drop_duplicates"] == "exact"
    assert attributes["counts"]["left_out"] == 2


def test_near_duplicates_are_dropped_on_request(repeated):
    manifest = scan(repeated, catalog.get("llvip"))
    path = repeated / manifest.samples[7].infrared.path
    image = cv2.imread(str(repeated / manifest.samples[3].infrared.path), cv2.IMREAD_GRAYSCALE)
    path.write_bytes(_core.encode_jpeg(np.ascontiguousarray(image), quality=60))
    manifest = scan(repeated, catalog.get("llvip"))
    near = duplicates_to_omit(manifest, "near")
    exact = duplicates_to_omit(manifest, "exact")
    name = manifest.samples[7].name
    assert near[name].code == "near-duplicate"
    assert name not in exact
    assert exact.keys() < near.keys()
    assert duplicates_to_omit(manifest, "none") == {}
    with pytest.raises(ValueError, match="drop must be one of"):
        duplicates_to_omit(manifest, "all")


def test_a_store_is_compared_by_its_pixels_and_recorded_digests(repeated, tmp_path):
    ingest(repeated, tmp_path / "s.zarr", source="llvip")
    (stored,) = fingerprint_store(tmp_path / "s.zarr", threads=2)
    dumped = fingerprint_manifest(scan(repeated, catalog.get("llvip")))
    assert list(stored.names) == list(dumped.names)
    assert list(stored.splits) == list(dumped.splits)
    np.testing.assert_array_equal(stored.digests, dumped.digests)
    expected = groups_of(find_duplicates(dumped, radius=-1))
    assert groups_of(find_duplicates(stored, radius=-1)) == expected
    near = groups_of(find_duplicates(stored, radius=RADIUS))
    assert {m for g in expected for m, _ in g} <= {m for g in near for m, _ in g}
