"""A disk that fills up: a clear error, the store as it was, and resuming once there is room."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess

import numpy as np
import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.engines import ingest as engine
from irtd_fast.errors import CorruptStoreError, StoreError
from irtd_fast.store.plan import IngestOptions

SIZE = 16 << 20
OPTIONS = IngestOptions(codec="raw", few=3, shard_bytes=1 << 14)
OLD = IngestOptions(codec="zstd", few=99, visible="none")


@pytest.fixture
def disk(tmp_path):
    """A file system of 16 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting a small file system is refused here: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(disk, free):
    """Leave only so many bytes."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - free)
    return filler


def used_by(folder):
    blocks = sum(path.stat().st_blocks for path in folder.rglob("*") if path.is_file())
    return 512 * blocks


@pytest.fixture
def dump(small_dumps):
    return small_dumps("llvip", count=6)


@pytest.fixture
def whole(dump, scratch, contents):
    """The store that should come out, and what it takes on the disk."""
    ingest(dump, scratch / "s.zarr", source="llvip", options=OPTIONS)
    return contents(scratch / "s.zarr"), used_by(scratch / "s.zarr")


def sweep(disk, dump, whole, contents, monkeypatch, levels, *, replace):
    monkeypatch.setattr(engine, "_check_space", lambda *_: None)  # it would see this coming
    expected, need = whole
    full = 0
    for level in levels:
        store = disk / "s.zarr"
        if replace:
            ingest(dump, store, source="llvip", options=OLD)
            old = contents(store)
        filler = fill(disk, int(level * need) // 4096 * 4096)
        error = attempt(dump, store, replace=replace)
        if error is not None:
            full += 1
            assert error.errno == errno.ENOSPC, repr(error)
            assert "No space left on device" in str(error)
        check_open(store, contents, old if replace else None, expected)
        filler.unlink()
        if contents(store) != expected:
            ingest(dump, store, source="llvip", options=OPTIONS, resume=True, replace=replace)
        assert contents(store) == expected, f"{level}"
        shutil.rmtree(store)
    return full


def attempt(dump, store, *, replace):
    """Ingest; give what went wrong with the disk."""
    try:
        ingest(dump, store, source="llvip", options=OPTIONS, replace=replace)
    except OSError as error:
        return error
    return None


def check_open(store, contents, old, new):
    left = {k: v for k, v in contents(store).items() if not k.startswith(".staging/")}
    if old is not None:
        assert left in (old, new)
        assert irtd_fast.verify(store).ok
        return
    try:
        ds = irtd_fast.open(store)
    except CorruptStoreError:
        assert "zarr.json" not in left
    else:
        assert len(ds) in (0, 6)
        assert irtd_fast.verify(store).ok


@pytest.mark.parametrize("replace", [False, True])
def test_full_at_several_levels(disk, dump, whole, contents, monkeypatch, replace):
    levels = (0, 0.02, 0.1, 0.3, 0.6, 0.9, 0.99, 1.2)
    full = sweep(disk, dump, whole, contents, monkeypatch, levels, replace=replace)
    assert full >= 5
    assert full < len(levels)


@pytest.mark.slow
@pytest.mark.parametrize("replace", [False, True])
def test_full_at_many_levels(disk, dump, whole, contents, monkeypatch, replace):
    levels = np.linspace(0, 1.3, 60)
    full = sweep(disk, dump, whole, contents, monkeypatch, levels, replace=replace)
    assert 30 <= full < 60


def test_too_little_room_is_seen_before_anything_is_written(disk, dump, whole, contents):
    filler = fill(disk, 100_000)
    store = disk / "s.zarr"
    with pytest.raises(StoreError, match=r"the plan may need .* GB are free"):
        ingest(dump, store, source="llvip", options=IngestOptions(visible="fast"))
    assert not any(path.is_file() for path in store.glob(".staging/llvip/tree/**/*"))
    filler.unlink()
    ingest(dump, store, source="llvip", options=OPTIONS, replace=True)
    assert contents(store) == whole[0]


def test_what_is_written_already_needs_no_room_again(disk, dump, whole, contents, monkeypatch):
    store = disk / "s.zarr"
    monkeypatch.setattr(engine, "publish", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ingest(dump, store, source="llvip", options=OPTIONS)
    monkeypatch.undo()
    usage = shutil.disk_usage(disk)._replace(free=20_000)  # less than the pixels of the plan
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    ingest(dump, store, source="llvip", options=OPTIONS, resume=True)
    assert contents(store) == whole[0]


def test_no_room_for_the_lock_is_no_lock(disk, dump):
    filler = fill(disk, 0)
    with pytest.raises(OSError, match="No space left"):
        ingest(dump, disk / "s.zarr", source="llvip", options=OPTIONS)
    filler.unlink()
    assert ingest(dump, disk / "s.zarr", source="llvip", options=OPTIONS).counts["samples"] == 6
