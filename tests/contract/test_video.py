"""The contract of a record whose pictures are frames of videos, on synthetic dumps of CDFAG."""

from __future__ import annotations

import builtins
import filecmp
import shutil
from collections import Counter
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

import irtd_fast
from irtd_fast import catalog
from irtd_fast.catalog import Sampling
from irtd_fast.catalog.parse import parse_record
from irtd_fast.doctor import examine
from irtd_fast.errors import FailureRateError, SourceError, UnsupportedError
from irtd_fast.images.video import VideoFile
from irtd_fast.redundancy import find_duplicates, fingerprint_manifest, fingerprint_store
from irtd_fast.scan import scan
from irtd_fast.scan.ready import ReadyScan
from irtd_fast.scan.walk import natural_key
from irtd_fast.store.plan import IngestOptions
from irtd_fast.store.tasks import TaskWriter
from irtd_fast.synth import write_dump
from irtd_fast.synth.video import CLIP, encode_avi

pytest.importorskip("av")

SIZE = (64, 80)
CLIPS = 12
RECORD = catalog.get("cdfag")
TOLERANCE = RECORD.variant("video").chroma_tolerance
SMALL = IngestOptions(few=4, shard_bytes=1 << 16)  # a data file holds frames of several clips


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("cdfag") / "dump"
    return root, write_dump(root, source="cdfag", variant="video", count=CLIPS, size=SIZE, seed=11)


@pytest.fixture
def copy(made, tmp_path):
    return Path(shutil.copytree(made[0], tmp_path / "dump"))


def test_every_frame_is_a_sample_with_its_facts(made):
    root, truth = made
    manifest = scan(root, RECORD)
    assert manifest.variant == "video"
    assert manifest.base == "InfAR/"  # the visible clips beside them are no infrared samples
    assert manifest.problems == []
    expected = {
        f"{s.attributes['class']}/{s.name}/{n:05d}": (s, n) for s in truth for n in range(CLIP)
    }
    assert {s.name for s in manifest.samples} == set(expected)
    for sample in manifest.samples:
        clip, frame = expected[sample.name]
        assert (sample.infrared.path, sample.infrared.frame) == (clip.infrared.path, frame)
        assert (sample.sequence, sample.frame) == (clip.sequence, frame)
        assert sample.attributes == {"action": clip.attributes["class"]}
        found = (sample.infrared.height, sample.infrared.width, sample.infrared.channels)
        assert found == (*SIZE, 1)
        assert (sample.infrared.dtype, sample.infrared.encoding) == ("uint8", "video")


def test_order_is_that_of_names_and_frames_whatever_the_threads(made):
    manifest = scan(made[0], RECORD)
    keys = [(natural_key(s.infrared.path), s.frame) for s in manifest.samples]
    assert keys == sorted(keys)
    assert scan(made[0], RECORD, threads=1) == scan(made[0], RECORD, threads=5) == manifest


def test_stored_frames_are_those_that_were_drawn(made, scratch):
    root, truth = made
    before = {path: path.stat() for path in root.rglob("*")}
    irtd_fast.ingest(root, scratch / "s.zarr", source="cdfag", options=SMALL)
    assert {path: path.stat() for path in root.rglob("*")} == before
    assert irtd_fast.verify(scratch / "s.zarr").ok
    dataset = irtd_fast.open(scratch / "s.zarr")
    assert len(dataset) == CLIPS * CLIP
    stored = {dataset[n].name: dataset[n] for n in range(len(dataset))}
    for clip in truth:
        drawn = truth.pixels(clip)[..., 0].astype(int)
        capture = cv2.VideoCapture(str(root / clip.infrared.path))
        for frame in range(CLIP):
            pixels = stored[f"{clip.attributes['class']}/{clip.name}/{frame:05d}"].infrared
            read, shown = capture.read()
            assert read
            assert np.abs(pixels.astype(int) - shown[..., 1]).max() <= 4  # another inverse DCT
            assert np.abs(pixels.astype(int) - np.clip(drawn + 3 * frame, 0, 255)).mean() < 6


def test_which_frames_are_taken_is_decided_before_any_is_decoded(made, monkeypatch):
    decoded: Counter[str] = Counter()
    frame = VideoFile.frame

    def counted(video, number):
        decoded[video.path] += 1
        return frame(video, number)

    monkeypatch.setattr(VideoFile, "frame", counted)
    manifest = scan(made[0], RECORD, sampling=Sampling(every=2, per_sequence=2))
    assert max(decoded.values()) == 1  # the one that says what frames are like
    taken = Counter(sample.sequence for sample in manifest.samples)
    assert set(taken.values()) == {2}
    assert {s.frame for s in manifest.samples} <= {0, 2, 4}
    first = scan(made[0], RECORD, limit=7)
    everything = scan(made[0], RECORD)
    assert first.samples == everything.samples[:7]


def test_a_run_that_is_resumed_gives_the_same_bytes(made, scratch, monkeypatch):
    fill, done = TaskWriter.fill, iter(range(1000))

    def failing(writer, task):
        if next(done) >= 2:
            raise OSError("the disk went away")
        return fill(writer, task)

    options = {"source": "cdfag", "options": SMALL, "workers": 1}
    whole, resumed = scratch / "whole.zarr", scratch / "resumed.zarr"
    irtd_fast.ingest(made[0], whole, **options)
    with monkeypatch.context() as patch:
        patch.setattr(TaskWriter, "fill", failing)
        with pytest.raises(OSError, match="went away"):
            irtd_fast.ingest(made[0], resumed, **options)
    report = irtd_fast.ingest(made[0], resumed, resume=True, **options)
    assert report.resumed == 2
    files = sorted(p.relative_to(whole) for p in whole.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(resumed) for p in resumed.rglob("*") if p.is_file())
    assert filecmp.cmpfiles(whole, resumed, files, shallow=False)[1:] == ([], [])


def test_threads_do_not_show_in_the_store(made, scratch):
    for workers in (1, 4):
        store = scratch / f"{workers}.zarr"
        irtd_fast.ingest(made[0], store, source="cdfag", options=SMALL, workers=workers)
    files = [p.relative_to(scratch / "1.zarr") for p in (scratch / "1.zarr").rglob("*")]
    files = [p for p in files if (scratch / "1.zarr" / p).is_file()]
    assert filecmp.cmpfiles(scratch / "1.zarr", scratch / "4.zarr", files, shallow=False)[0] == (
        files
    )


def clips(root: Path, count: int) -> list[Path]:
    return list(islice(sorted((root / "InfAR").rglob("*.avi")), count))


def test_damaged_cut_and_foreign_files_are_reported_and_the_rest_is_read(copy, scratch):
    cut, spoiled, foreign = clips(copy, 3)
    cut.write_bytes(cut.read_bytes()[: -len(cut.read_bytes()) // 3])
    frame = VideoFile(spoiled).frame(2)
    content = spoiled.read_bytes()
    garbage = frame[:400] + b"\xff\xd9" * ((len(frame) - 400) // 2)
    spoiled.write_bytes(content.replace(frame, garbage.ljust(len(frame), b"\0")))
    foreign.write_bytes(b"#EXTM3U\n/etc/passwd\n")
    report = irtd_fast.ingest(copy, scratch / "s.zarr", source="cdfag", options=SMALL)
    left = len(VideoFile(cut))
    assert 0 < left < CLIP
    codes = {(p.code, Path(p.path).name, p.where) for p in report.problems}
    assert ("video-cut-short", cut.name, "") in codes
    assert ("undecodable-image", spoiled.name, "frame 2") in codes
    assert ("undecodable-video", foreign.name, "") in codes
    for problem in report.problems:
        assert problem.action
        assert str(copy) not in problem.message
    lost = sum(p.code == "undecodable-image" for p in report.problems)
    assert report.counts["samples"] == (CLIPS - 3) * CLIP + CLIP + left - lost
    assert irtd_fast.verify(scratch / "s.zarr").ok


def test_a_video_written_again_after_the_plan_is_noticed(copy, scratch):
    path = clips(copy, 1)[0]
    for other in (copy / "InfAR").rglob("*.avi"):
        if other != path:
            other.unlink()
    manifest = scan(copy, RECORD)
    assert len(manifest.samples) == CLIP
    path.write_bytes(path.read_bytes() + b"\0")
    report = irtd_fast.ingest(
        copy, scratch / "s.zarr", source="cdfag", scanned=ReadyScan(manifest), options=SMALL
    )
    assert {p.code for p in report.problems} == {"changed-since-plan"}
    assert report.counts["samples"] == 0


def test_too_many_broken_videos_stop_the_scan(tmp_path):
    for number in range(30):
        path = tmp_path / f"InfAR/jog/jog_{number:03d}.avi"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF\x10\0\0\0AVI nothing")
    with pytest.raises(FailureRateError, match="30 of 30 videos"):
        scan(tmp_path, RECORD, variant="video")
    manifest = scan(tmp_path, RECORD, variant="video", max_failure_rate=1)
    assert manifest.samples == []
    assert Counter(p.code for p in manifest.problems) == {"undecodable-video": 30}


def test_the_doctor_reads_frames(copy):
    before = examine(copy, RECORD)
    assert before.samples == before.decoded == CLIPS * CLIP
    assert not [f for f in before.findings if f.severity == "error"]
    spoiled = clips(copy, 1)[0]
    frame = VideoFile(spoiled).frame(1)
    content = spoiled.read_bytes()
    garbage = frame[:400] + b"\xff\xd9" * ((len(frame) - 400) // 2)
    spoiled.write_bytes(content.replace(frame, garbage.ljust(len(frame), b"\0")))
    findings = {f.code: f for f in examine(copy, RECORD).findings}
    assert findings["damaged-image"].count == 1
    assert spoiled.name in findings["damaged-image"].message


def test_duplicates_are_found_frame_by_frame(copy, scratch):
    first = clips(copy, 1)[0]
    twin = first.with_name("zzz.avi")
    shutil.copy(first, twin)
    manifest = scan(copy, RECORD)
    exact = fingerprint_manifest(manifest, tolerance=TOLERANCE, looks=False)
    alike = fingerprint_manifest(manifest, tolerance=TOLERANCE)
    for prints in (exact, alike):
        groups = [{m.name for m in group.members} for group in find_duplicates(prints).groups]
        for n in range(CLIP):
            pair = {f"fight/{first.stem}/{n:05d}", f"fight/{twin.stem}/{n:05d}"}
            assert any(pair <= names for names in groups), n
        if prints is exact:
            assert sorted(map(len, groups)) == [2] * CLIP
    assert len(set(exact.digests.tolist())) == CLIPS * CLIP
    irtd_fast.ingest(copy, scratch / "s.zarr", source="cdfag", options=SMALL)
    stored = fingerprint_store(scratch / "s.zarr", looks=False)[0]
    assert dict(zip(stored.names, stored.digests.tolist(), strict=True)) == dict(
        zip(exact.names, exact.digests.tolist(), strict=True)
    )


def test_without_the_library_nothing_is_guessed(made, monkeypatch):
    found = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "av":
            raise ImportError(name)
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnsupportedError, match="pip install"):
        scan(made[0], RECORD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"infrared": r"(?P<stem>.+)\.avi"}, "needs a group 'sequence'"),
        ({"infrared": r"(?P<sequence>.+)_(?P<frame>\d)\.avi"}, "needs a group 'sequence'"),
        ({"visible": r"v/(?P<sequence>.+)\.avi"}, "visible: and mask do not go with video"),
        ({"mask": r"m/(?P<sequence>.+)\.avi"}, "and mask do not go with video"),
    ],
)
def test_records_of_videos_are_checked(change, message):
    data = RECORD.to_dict()
    variant = next(v for v in data["variants"] if v["video"])
    variant["name_template"] = "{frame}"
    images = {"infrared": r"(?P<sequence>.+)\.avi"}
    variant["images"] = [images]
    parse_record(data, "mine")
    images.update(change)
    with pytest.raises(SourceError, match=message):
        parse_record(data, "mine")


@pytest.mark.parametrize("rule", ["P4", "P6"])
def test_frames_of_videos_have_no_partners(rule):
    data = RECORD.to_dict()
    variant = next(v for v in data["variants"] if v["video"])
    assert RECORD.registration == "unpaired"  # no published source pairs videos
    variant["pairing"] = rule
    with pytest.raises(SourceError, match="pairing: P0 alone goes with video"):
        parse_record(data, "mine")


def test_labels_of_a_sequence_join_frames_and_are_scaled(tmp_path):
    """A record of one's own for copies of BU-TIV: half the size of what the XML is about."""
    tags = [(1, "people", (10, 20, 30, 60)), (3, "car", (100, 40, 160, 80))]
    (tmp_path / "marathon_3.avi").write_bytes(
        encode_avi([np.full((64, 128, 3), 40 + 20 * n, np.uint8) for n in range(4)])
    )
    frames = "".join(
        f'<frame number="{number}"><objectlist><object id="7" category="{word}" x1="{a}" y1="{b}"'
        f' x2="{c}" y2="{d}"/></objectlist></frame>'
        for number, word, (a, b, c, d) in tags
    )
    (tmp_path / "marathon_3_2d.xml").write_text(f"<dataset>{frames}</dataset>")
    data = catalog.get("bu-tiv").to_dict()
    variant = data["variants"][0]
    variant |= {
        "video": True, "bit_depth": 8, "name_template": "{sequence}/{frame:0>5}",
        "chroma_tolerance": 8, "images": [{"infrared": r"(?P<sequence>[^/]+)\.(?:avi|mp4)"}],
    }  # fmt: skip
    variant["annotations"][0] |= {"sparse": True}
    variant["annotations"][0]["options"] |= {"frame_shift": -1, "reference": [128, 256]}
    manifest = scan(tmp_path, parse_record(data, "mine"))
    assert manifest.problems == []
    found = {s.name: [(o.category, o.box, o.track) for o in s.objects] for s in manifest.samples}
    assert found == {
        "marathon_3/00000": [("person", (5, 10, 15, 30), 7)],
        "marathon_3/00001": [],
        "marathon_3/00002": [("car", (50, 20, 80, 40), 7)],
        "marathon_3/00003": [],
    }
