"""Ingest as a whole: what it reports, refuses and resumes, and the corner cases of a dump."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import stat
import time

import numpy as np
import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.engines import ingest as engine
from irtd_fast.errors import (
    SourceLayoutError,
    StoreError,
    StoreExistsError,
    StoreFormatError,
    UnknownSourceError,
)
from irtd_fast.store.columns import read_strings
from irtd_fast.store.plan import IngestOptions
from irtd_fast.store.staging import Staging
from irtd_fast.store.tasks import Filled

OPTIONS = IngestOptions(codec="raw", few=4, shard_bytes=1 << 15)


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture
def dump(small_dumps):
    return small_dumps("llvip")


@pytest.fixture
def interrupted(dump, scratch, monkeypatch):
    """A store whose ingest stopped after two data files."""
    store, finish = scratch / "s.zarr", Filled.finish
    staging, turns = Staging(store, "llvip"), itertools.count()

    def stop(filled):
        if next(turns) < 2:
            return finish(filled)
        while not staging.exists():  # the plan may be saved by another thread
            time.sleep(0.001)
        raise KeyboardInterrupt

    monkeypatch.setattr(Filled, "finish", stop)
    with pytest.raises(KeyboardInterrupt):
        ingest(dump, store, source="llvip", options=OPTIONS)
    monkeypatch.setattr(Filled, "finish", finish)
    return store


@pytest.fixture
def whole(dump, scratch):
    store = scratch / "whole.zarr"
    ingest(dump, store, source="llvip", options=OPTIONS)
    return store


def test_the_report(dump, scratch):
    seen = []
    report = ingest(dump, scratch / "s.zarr", source="llvip", options=OPTIONS,
                    progress=lambda *step: seen.append(step))  # fmt: skip
    assert (report.source, report.variant, report.problems) == ("llvip", "official", [])
    assert report.counts["samples"] == report.counts["visible"] == 12
    assert [a["path"] for a in report.arrays] == ["infrared/h64w80u8", "visible/packed_jpeg"]
    assert report.codecs == {"infrared/h64w80u8": ["crc32c"]}
    assert set(report.seconds) == {"scan", "write", "commit"}
    assert report.images_per_s > 0
    assert (report.resumed, report.dry_run) == (0, False)
    assert json.loads(json.dumps(report.to_dict()))["store"] == str(scratch / "s.zarr")
    written = [(done, total) for phase, done, total in seen if phase == "write"]
    assert written[-1] == (24, 24)
    assert written == sorted(written)


def test_a_dry_run_writes_nothing(dump, scratch):
    report = ingest(dump, scratch / "s.zarr", source="llvip", dry_run=True)
    assert report.dry_run
    assert report.counts == {"samples": 12}
    assert list(scratch.iterdir()) == []


def test_the_same_dump_gives_the_same_bytes(dump, scratch, whole):
    moved = shutil.copytree(dump, scratch / "moved")
    ingest(moved, scratch / "b.zarr", source="llvip", options=OPTIONS, workers=1)
    assert contents(scratch / "b.zarr") == contents(whole)


def test_relative_paths(dump, scratch, whole, monkeypatch):
    monkeypatch.chdir(dump.parent)
    ingest(dump.name, os.path.relpath(scratch / "b.zarr"), source="llvip", options=OPTIONS)
    assert contents(scratch / "b.zarr") == contents(whole)


@pytest.mark.parametrize("name", ["", ".x", "_x", "a/b", "zarr.json"])
def test_names_that_cannot_be(dump, scratch, name):
    with pytest.raises(ValueError, match="cannot be the name"):
        engine._group_name(name)


def test_what_is_no_dump(scratch, dump):
    with pytest.raises(UnknownSourceError):
        ingest(dump, scratch / "s.zarr", source="llvp")
    with pytest.raises(NotADirectoryError):
        ingest(scratch / "nothing", scratch / "s.zarr", source="llvip")
    (scratch / "empty").mkdir()
    with pytest.raises(SourceLayoutError):
        ingest(scratch / "empty", scratch / "s.zarr", source="llvip")
    assert not (scratch / "s.zarr" / "llvip").exists()
    assert not (scratch / "s.zarr" / ".staging").exists()


@pytest.mark.parametrize("thing", ["file", "folder", "zarr"])
def test_what_is_there_and_not_ours_is_left_alone(dump, scratch, thing):
    store = scratch / "s"
    if thing == "file":
        store.write_text("mine")
    else:
        store.mkdir()
        name = "zarr.json" if thing == "zarr" else "mine"
        (store / name).write_text('{"zarr_format": 3, "node_type": "array"}')
    before = contents(scratch) | {"": store.is_dir()}
    with pytest.raises((StoreExistsError, StoreFormatError, NotADirectoryError)):
        ingest(dump, store, source="llvip")
    assert contents(scratch) | {"": store.is_dir()} == before


def test_an_empty_folder_becomes_a_store(dump, scratch):
    ingest(dump, scratch, source="llvip")
    assert len(irtd_fast.open(scratch)) == 12


def test_a_link_to_the_store_is_followed(dump, scratch, whole):
    (scratch / "real").mkdir()
    (scratch / "link").symlink_to(scratch / "real")
    ingest(dump, scratch / "link", source="llvip", options=OPTIONS)
    ingest(dump, scratch / "link", source="llvip", options=OPTIONS, replace=True)
    assert (scratch / "link").is_symlink()
    assert contents(scratch / "real") == contents(whole)


def test_a_link_to_nothing_is_refused(dump, scratch):
    (scratch / "link").symlink_to(scratch / "nothing")
    with pytest.raises(FileExistsError):
        ingest(dump, scratch / "link", source="llvip")


# ---- nothing to store -----------------------------------------------------------------------


def test_no_samples_at_all(dump, scratch):
    report = ingest(dump, scratch / "s.zarr", source="llvip", limit=0)
    assert report.counts["samples"] == 0
    ds = irtd_fast.open(scratch / "s.zarr")
    assert (len(ds), ds.categories, list(ds.filter(source="llvip"))) == (0, [], [])
    assert irtd_fast.verify(scratch / "s.zarr").ok
    assert ds.objects(np.empty(0, np.int64)).offsets.tolist() == [0]


@pytest.mark.parametrize("few", [1, 99])
@pytest.mark.parametrize("source", ["llvip", "flir-v1-16bit"])
def test_every_sample_lost(small_dumps, scratch, source, few, monkeypatch):
    variant = {"variant": "tree"} if source != "llvip" else {}
    dump = shutil.copytree(small_dumps(source, **variant), scratch / "dump")
    run = engine.run_tasks

    def spoil(*args, **kwargs):
        for path in dump.rglob("*"):
            if path.suffix in (".jpg", ".tiff"):
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return run(*args, **kwargs)

    monkeypatch.setattr(engine, "run_tasks", spoil)
    store = scratch / "s.zarr"
    report = ingest(dump, store, source=source, options=IngestOptions(few=few))
    assert (report.counts["samples"], report.counts["left_out"]) == (0, 12)
    assert {p.code for p in report.problems} == {"changed-since-plan"}
    assert len(irtd_fast.open(store)) == 0
    assert irtd_fast.verify(store).damage == []
    assert list(read_strings(store / source / "problems/code")).count("changed-since-plan") >= 12


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_a_limit(dump, scratch, limit):
    report = ingest(dump, scratch / "s.zarr", source="llvip", limit=limit, options=OPTIONS)
    assert report.counts["samples"] == min(limit, 12)
    assert irtd_fast.verify(scratch / "s.zarr").ok


def test_permissions_follow_the_umask(dump, scratch):
    old = os.umask(0o027)
    try:
        ingest(dump, scratch / "s.zarr", source="llvip", options=OPTIONS)
    finally:
        os.umask(old)
    modes = {(p.is_dir(), stat.S_IMODE(p.stat().st_mode)) for p in (scratch / "s.zarr").rglob("*")}
    assert modes == {(True, 0o750), (False, 0o640)}


# ---- again, resumed, replaced ---------------------------------------------------------------


def test_a_complete_source_is_not_written_again(dump, whole):
    before = contents(whole)
    with pytest.raises(StoreExistsError, match="--replace"):
        ingest(dump, whole, source="llvip", options=OPTIONS)
    report = ingest(dump, whole, source="llvip", options=OPTIONS, resume=True)
    assert report.notes == ["already complete; nothing was left to resume"]
    assert report.counts["samples"] == 12
    assert contents(whole) == before


def test_an_interrupted_run_is_not_touched_unasked(dump, interrupted):
    before = contents(interrupted)
    with pytest.raises(StoreExistsError, match="--resume"):
        ingest(dump, interrupted, source="llvip", options=OPTIONS)
    assert contents(interrupted) == before


def test_resuming_redoes_only_the_rest(dump, interrupted, whole):
    report = ingest(dump, interrupted, source="llvip", options=OPTIONS, resume=True)
    assert report.resumed == 2
    assert contents(interrupted) == contents(whole)


def test_resuming_from_another_folder(dump, interrupted, whole, monkeypatch):
    monkeypatch.chdir(dump)
    ingest(".", interrupted, source="llvip", options=OPTIONS, resume=True)
    assert contents(interrupted) == contents(whole)


def test_resuming_with_nothing_there_is_a_run(dump, scratch, whole):
    ingest(dump, scratch / "s.zarr", source="llvip", options=OPTIONS, resume=True)
    assert contents(scratch / "s.zarr") == contents(whole)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"limit": 3}, "limit"), ({"options": IngestOptions()}, "options"),
     ({"variant": "official"}, "variant")],
)  # fmt: skip
def test_resuming_another_run_is_refused(dump, interrupted, changes, named):
    asked = {"source": "llvip", "options": OPTIONS, "resume": True, **changes}
    with pytest.raises(StoreExistsError, match=f"another {named}"):
        ingest(dump, interrupted, **asked)


def test_starting_over(dump, interrupted, whole):
    report = ingest(dump, interrupted, source="llvip", options=OPTIONS, replace=True)
    assert report.resumed == 0
    assert contents(interrupted) == contents(whole)


@pytest.mark.parametrize("damage", ["bit", "short", "gone", "receipt"])
def test_files_that_are_not_as_their_receipt_says_are_written_again(
    dump, interrupted, whole, damage
):
    staging = Staging(interrupted, "llvip")
    (victim, *_) = sorted(p for p in staging.tree.rglob("*") if p.is_file())
    data = bytearray(victim.read_bytes())
    if damage == "bit":
        data[1000] ^= 4
        victim.write_bytes(data)
    elif damage == "short":
        victim.write_bytes(data[:-1])
    elif damage == "gone":
        victim.unlink()
    else:
        sorted(staging.receipts.iterdir())[0].write_text("{")
    report = ingest(dump, interrupted, source="llvip", options=OPTIONS, resume=True)
    assert report.resumed == 1
    assert contents(interrupted) == contents(whole)


def test_a_plan_that_does_not_belong_is_refused(dump, interrupted):
    staging = Staging(interrupted, "llvip")
    header = staging.load_plan()
    staging.save_plan({**header, "fingerprint": "0" * 64})
    with pytest.raises(StoreFormatError, match="fingerprint"):
        ingest(dump, interrupted, source="llvip", options=OPTIONS, resume=True)


def test_an_interrupted_replacement_of_the_same_dump_is_resumed(dump, whole, monkeypatch):
    """Its plan has the fingerprint of what stands there, but it is no finished commit."""
    monkeypatch.setattr(engine, "publish", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        ingest(dump, whole, source="llvip", options=OPTIONS, replace=True)
    monkeypatch.undo()
    report = ingest(dump, whole, source="llvip", options=OPTIONS, resume=True)
    assert report.resumed > 0
    assert irtd_fast.verify(whole).ok
    assert not (whole / ".staging").exists()


@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_a_damaged_source_can_be_replaced(dump, whole, damage):
    before = contents(whole)
    victim = whole / "llvip/zarr.json"
    if damage == "gone":
        victim.unlink()
    else:
        victim.write_text("{")
    for resume in (False, True):
        with pytest.raises(StoreError, match=r"llvip/zarr\.json"):
            ingest(dump, whole, source="llvip", options=OPTIONS, resume=resume)
    ingest(dump, whole, source="llvip", options=OPTIONS, replace=True)
    assert contents(whole) == before


def test_too_little_room_is_said_before_writing(dump, scratch, monkeypatch):
    usage = shutil.disk_usage(scratch)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match="the plan may need"):
        ingest(dump, scratch / "s.zarr", source="llvip", options=OPTIONS)
    monkeypatch.undo()
    ingest(dump, scratch / "s.zarr", source="llvip", options=OPTIONS, resume=True)
    assert len(irtd_fast.open(scratch / "s.zarr")) == 12
