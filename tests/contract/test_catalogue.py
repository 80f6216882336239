"""The contract of every record with a known layout, in each of its variants, on synthetic dumps.

What a scan must give is told by the dump's truth (``dump_truth``), never by a reader of ours.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from dump_truth import Expected, Teller, Thing

import irtd_fast
from irtd_fast import catalog
from irtd_fast.catalog import Sampling, SourceRecord
from irtd_fast.manifest import Manifest
from irtd_fast.scan import scan
from irtd_fast.scan.walk import natural_key
from irtd_fast.store.pictures import PictureFiles, decode_for
from irtd_fast.store.plan import IngestOptions
from irtd_fast.synth import SOURCES, Truth, write_dump
from irtd_fast.types import ObjectFlag, ObjectRecord, SampleFlag, SampleRecord

SIZE = (64, 80)
COUNTS = {"vtuav": 50, "regdb": 20}  # else 16: two sequences of seven and more
CASES = [
    pytest.param((key, variant.name), id=f"{key}-{variant.name}")
    for key in catalog.names()
    if key in SOURCES
    for variant in catalog.get(key).variants
    if not variant.video  # test_video.py has those
    if not variant.labels_only  # test_labels_dump.py has those
]


@dataclass
class Case:
    """One dump, what is in it, and what the scan says."""

    root: Path
    record: SourceRecord
    truth: Truth
    teller: Teller
    manifest: Manifest

    def scan(self, **options) -> Manifest:
        name = self.manifest.variant
        return scan(self.root, self.record, variant=name, sampling=Sampling(), **options)

    def pairs(self):
        for sample in self.manifest.samples:
            yield sample, self.teller.sample(sample.infrared.path)


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory) -> Case:
    key, name = request.param
    root = tmp_path_factory.mktemp(key) / "dump"
    record = catalog.get(key)
    count = COUNTS.get(key, 16)
    truth = write_dump(root, source=key, variant=name, count=count, size=SIZE, seed=11)
    manifest = scan(root, record, variant=name, sampling=Sampling())
    return Case(root, record, truth, Teller(root, truth, record, record.variant(name)), manifest)


def test_every_known_layout_is_here():
    records = [record for record in catalog.records() if record.layout_known]
    # What has no pictures has no samples to hold against a contract: test_labels_dump.py.
    known = {r.key for r in records if not all(v.labels_only for v in r.variants)}
    assert known <= {param.values[0][0] for param in CASES}


def test_every_picture_is_a_sample_in_its_split(case):
    samples = case.manifest.samples
    owners = [case.truth.by_path(sample.infrared.path).index for sample in samples]
    assert sorted(owners) == list(range(len(case.truth)))
    assert len({sample.name for sample in samples}) == len(samples)
    for sample, expected in case.pairs():
        assert sample.name.rsplit("/", 1)[-1] in {n.rsplit("/", 1)[-1] for n in expected.names}
    found = Counter(sample.split for sample in samples)
    assert found == Counter(expected.split for _, expected in case.pairs())


def test_partners_and_masks_are_those_of_the_truth(case):
    for sample, expected in case.pairs():
        for kind in ("visible", "mask"):
            picture = getattr(sample, kind)
            assert (picture.path if picture else None) == getattr(expected, kind), sample.name


def test_objects_are_those_of_the_truth(case):
    for sample, expected in case.pairs():
        for modality, things in (("infrared", expected.objects), ("visible", expected.seen)):
            found = [item for item in sample.objects if item.modality == modality]
            assert len(found) == len(things), (sample.name, modality)
            picture = drawn_on(sample, modality)
            for item, thing in matched(found, things, expected):
                assert item.category == thing.category, (sample.name, modality)
                assert away(item, thing, picture) <= thing.slack, (sample.name, item, thing)
                assert item.track == thing.track
                assert (item.corners is None) == (thing.corners is None), sample.name
                if thing.corners is not None:
                    np.testing.assert_allclose(item.corners, thing.corners, atol=0.51)


def drawn_on(sample: SampleRecord, modality: str):
    """The labelled picture; where a visible one is missing, labels are held against the pair's."""
    return sample.visible if modality == "visible" and sample.visible else sample.infrared


def matched(found: list[ObjectRecord], things: list[Thing], expected: Expected):
    """In the order of the label file; components of masks have none, so the nearest ones."""
    if expected.ordered:
        return list(zip(found, things, strict=True))
    left = list(found)
    pairs = []
    for thing in things:
        item = min(left, key=lambda o: max(np.abs(np.subtract(o.box, thing.box))))
        left.remove(item)
        pairs.append((item, thing))
    return pairs


def away(item: ObjectRecord, thing: Thing, picture) -> float:
    """Largest distance of an edge; a box that sticks out is compared inside the picture."""
    box, other = np.array(item.box), np.array(thing.box)
    if item.flags & ObjectFlag.OUT_OF_FRAME:
        edges = (picture.width, picture.height) * 2
        box, other = np.clip(box, 0, edges), np.clip(other, 0, edges)
    return float(np.abs(box - other).max())


def test_points_are_those_of_the_truth(case):
    for sample, expected in case.pairs():
        found = [(p.category, p.x, p.y) for p in sample.points]
        points = list(expected.points)
        assert len(found) == len(points), sample.name
        if not expected.ordered:
            found, points = sorted(found), sorted(points)
        assert [p[0] for p in found] == [p[0] for p in points], sample.name
        np.testing.assert_allclose(
            [p[1:] for p in found], [p[1:] for p in points], atol=0.75, err_msg=sample.name
        )


def test_facts_are_those_of_the_truth(case):
    for sample, expected in case.pairs():
        names = ("scene", "sequence", "frame", "identity", "camera", "attributes")
        assert {n: getattr(sample, n) for n in names} == {n: getattr(expected, n) for n in names}


def test_only_the_planted_quirks_are_problems(case):
    assert Counter(p.code for p in case.manifest.problems) == case.teller.problems()
    for problem in case.manifest.problems:
        assert problem.message
        assert problem.action
        assert (case.root / problem.path).exists()


def test_pictures_are_as_declared(case):
    record, variant = case.record, case.teller.variant
    for sample in case.manifest.samples:
        true = case.truth.by_path(sample.infrared.path)
        kind, picture = next(
            (k, p) for k, p in true.pictures.items() if p.path == sample.infrared.path
        )
        info = sample.infrared
        assert info.dtype == ("uint16" if record.bit_depth_of(variant) == 16 else "uint8")
        assert info.channels == (3 if variant.channels == "colour" and picture.mode != "L" else 1)
        pixels = decoded(case, sample, "infrared")
        shape = (info.height, info.width)
        assert pixels.shape == (shape if info.channels == 1 else (*shape, 3))
        assert pixels.dtype == info.dtype
        if variant.channels in ("gray", "colour") and not variant.border:
            drawn = case.truth.pixels(true, kind).astype(int)
            drawn = drawn[..., 0] if drawn.ndim == 3 and pixels.ndim == 2 else drawn
            difference = np.abs(pixels.astype(int) - drawn)
            exact = picture.lossless and variant.chroma_tolerance == 0
            limit = 0 if exact else 6 if pixels.ndim == 2 else 10  # JPEG halves the colours
            assert difference.mean() <= limit, sample.name
        for role in ("visible", "mask"):
            partner = getattr(sample, role)
            if partner is not None:
                shown = decoded(case, sample, role)
                assert shown.shape[:2] == (partner.height, partner.width)


def decoded(case: Case, sample: SampleRecord, role: str):
    info = getattr(sample, role)
    data = PictureFiles(case.root).read(info)
    return decode_for(data, info, role, case.teller.variant.chroma_tolerance)


def test_labels_are_inside_known_and_in_range(case):
    record = case.record
    words = set(record.categories.values())
    for sample in case.manifest.samples:
        for item in sample.objects:
            picture = drawn_on(sample, item.modality)
            x0, y0, x1, y1 = item.box
            assert np.isfinite(item.box).all()
            assert x0 < x1
            assert y0 < y1
            assert min(x1, y1) > 0
            assert x0 < picture.width
            assert y0 < picture.height
            inside = x0 >= 0 and y0 >= 0 and x1 <= picture.width and y1 <= picture.height
            assert inside or item.flags & ObjectFlag.OUT_OF_FRAME or tolerated(case, item, picture)
        for point in sample.points:
            picture = drawn_on(sample, point.modality)
            assert 0 <= point.x <= picture.width
            assert 0 <= point.y <= picture.height
        if words:
            assert {item.category for item in (*sample.objects, *sample.points)} <= words
        for name, allowed in record.attributes.items():
            assert name not in sample.attributes or allowed.accepts(sample.attributes[name])
        labelled = bool(sample.objects or sample.points)
        assert not (labelled and sample.flags & SampleFlag.UNLABELLED)


def tolerated(case: Case, item: ObjectRecord, picture) -> bool:
    """Some publishers' boxes end a little outside; the record says by how much."""
    limit = max(s.options.get("tolerance", 0.0) for s in case.teller.variant.annotations)
    low = min(item.box[:2])
    high = max(item.box[2] - picture.width, item.box[3] - picture.height)
    return max(-low, high) <= limit


def test_no_content_is_in_two_splits(case):
    homes: dict[str, set[str]] = {}
    for sample in case.manifest.samples:
        pixels = np.ascontiguousarray(decoded(case, sample, "infrared"))
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        homes.setdefault(digest, set()).add(sample.split)
    assert all(len(splits) == 1 for splits in homes.values())


class Shuffled:
    """``os.scandir`` in another order than the file system's."""

    def __init__(self, path: str) -> None:
        with _SCANDIR(path) as found:
            self.entries = list(found)
        random.Random(5).shuffle(self.entries)

    def __enter__(self):
        return iter(self.entries)

    def __exit__(self, *_: object) -> None:
        pass


_SCANDIR = os.scandir


def test_order_is_that_of_the_names_alone(case, monkeypatch):
    paths = [sample.infrared.path for sample in case.manifest.samples]
    assert paths == sorted(paths, key=natural_key)
    assert case.scan(threads=4) == case.scan(threads=1) == case.manifest
    monkeypatch.setattr(os, "scandir", Shuffled)
    assert case.scan() == case.manifest


_WATCHED: list[str] = []  # root that nobody may write below, if one is watched
_WRITES: list[tuple[str, object]] = []
_CHANGES = frozenset((
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "os.utime", "os.chmod", "os.chown", "os.setxattr", "os.removexattr",
))  # fmt: skip


def watch(event: str, args: tuple[object, ...]) -> None:
    """Note every call that opens for writing, or changes, something below the watched root."""
    if not _WATCHED or not args:
        return
    below = any(isinstance(a, (str, bytes)) and os.fsdecode(a).startswith(_WATCHED[0])
                for a in args)  # fmt: skip
    if not below:
        return
    writing = event == "open" and (
        (isinstance(args[1], str) and set(args[1]) & set("wax+"))
        or (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    )
    if writing or event in _CHANGES:
        _WRITES.append((event, args))


sys.addaudithook(watch)


def listing(root: Path) -> dict[str, tuple[int, int, int, int]]:
    """Every file and folder with what a write changes; the core's calls are seen here too."""
    states = {path: path.stat() for path in (root, *root.rglob("*"))}
    return {
        str(path): (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_mode)
        for path, state in states.items()
    }


def test_ingested_and_verified_and_nothing_written_below_the_dump(case, scratch):
    before = listing(case.root)
    store = scratch / "s.zarr"
    _WATCHED.append(str(case.root))
    try:
        report = irtd_fast.ingest(
            case.root, store, source=case.record, variant=case.manifest.variant, limit=6,
            sampling=Sampling(), options=IngestOptions(few=4, shard_bytes=1 << 16),
        )  # fmt: skip
        case.scan()
    finally:
        _WATCHED.clear()
    assert _WRITES == []
    assert listing(case.root) == before
    assert report.counts["samples"] == min(6, len(case.manifest.samples))
    assert irtd_fast.verify(store).ok
    dataset = irtd_fast.open(store)
    stored = {dataset[n].name: dataset[n] for n in range(len(dataset))}
    for sample in case.manifest.samples[:6]:
        np.testing.assert_array_equal(
            np.squeeze(stored[sample.name].infrared), decoded(case, sample, "infrared")
        )
        assert len(stored[sample.name].boxes) == len(sample.objects)


def test_the_watch_sees_writes(tmp_path):
    _WATCHED.append(str(tmp_path))
    try:
        (tmp_path / "new").write_text("x")
        (tmp_path / "new").unlink()
    finally:
        _WATCHED.clear()
    assert [event for event, _ in _WRITES] == ["open", "os.remove"]
    _WRITES.clear()


def test_a_dump_copied_in_another_order_scans_alike(case, scratch):
    files = sorted((p for p in case.root.rglob("*") if p.is_file()), reverse=True)
    for file in files:
        target = scratch / "copy" / file.relative_to(case.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    other = scan(scratch / "copy", case.record, variant=case.manifest.variant, sampling=Sampling())
    assert other.fingerprint() == case.manifest.fingerprint()
