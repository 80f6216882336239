"""One writer of a source at a time, any number of sources at once, and no stale locks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.errors import StoreBusyError
from irtd_fast.store.plan import IngestOptions
from irtd_fast.store.staging import Staging

OPTIONS = IngestOptions(codec="raw", few=4, shard_bytes=1 << 15)
HOLD = """
    import sys, time
    from pathlib import Path
    from irtd_fast.store.staging import Staging
    staging = Staging(Path(sys.argv[1]), "llvip")
    staging.acquire()
    print("locked", flush=True)
    sys.stdin.read()
"""
INGEST = """
    import sys
    from irtd_fast import ingest
    from irtd_fast.store.plan import IngestOptions
    dump, store, name, start = sys.argv[1:]
    import irtd_fast.engines.ingest, pathlib, time
    pathlib.Path(start + name).touch()
    while not pathlib.Path(start).exists():
        time.sleep(0.001)
    ingest(dump, store, source="llvip", name=name,
           options=IngestOptions(codec="raw", few=4, shard_bytes=1 << 15))
"""


def python(text, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text), *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def holder(scratch):
    """Another process that writes ``llvip`` into the store."""
    process = python(HOLD, scratch / "s.zarr")
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_and_told_who(small_dumps, scratch, holder):
    dump, store = small_dumps("llvip"), scratch / "s.zarr"
    for options in ({}, {"resume": True}, {"replace": True}):
        with pytest.raises(StoreBusyError, match=rf"process {holder.pid} on "):
            ingest(dump, store, source="llvip", options=OPTIONS, **options)
    assert holder.poll() is None
    ingest(dump, store, source="llvip", name="other", options=OPTIONS)
    assert len(irtd_fast.open(store)) == 12


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_the_lock_dies_with_its_owner(small_dumps, scratch, holder, how):
    if how == "kill":
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    else:
        holder.communicate("")
    ingest(small_dumps("llvip"), scratch / "s.zarr", source="llvip", options=OPTIONS)
    assert not (scratch / "s.zarr/.staging").exists()


def test_two_threads_do_not_share_a_source(small_dumps, scratch):
    dump, store = small_dumps("llvip"), scratch / "s.zarr"
    with Staging(store, "llvip"), pytest.raises(StoreBusyError, match=f"process {os.getpid()}"):
        ingest(dump, store, source="llvip", options=OPTIONS)


@pytest.mark.parametrize("again", range(3))
def test_sources_written_at_once(small_dumps, scratch, contents, again):
    """All of them make the store together: its root is nobody's own."""
    dump, store = small_dumps("llvip", count=6), scratch / "s.zarr"
    names = [f"s{number}" for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        jobs = [pool.submit(ingest, dump, store, source="llvip", name=name, options=OPTIONS,
                            workers=1) for name in names]  # fmt: skip
        for job in jobs:
            job.result()
    assert irtd_fast.verify(store).ok
    assert len(irtd_fast.open(store)) == 6 * len(names)
    assert len({str(contents(store / name)) for name in names}) == 1
    assert sorted(p.name for p in store.iterdir()) == sorted([*names, "zarr.json"])


def test_processes_that_start_together(small_dumps, scratch):
    dump, store, start = small_dumps("llvip", count=6), scratch / "s.zarr", scratch / "start"
    names = ["one", "two", "three"]
    running = [python(INGEST, dump, store, name, start) for name in names]
    while not all((scratch / f"start{name}").exists() for name in names):
        assert all(process.poll() is None for process in running)
    start.touch()
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert irtd_fast.verify(store).ok
    assert len(irtd_fast.open(store)) == 18


def test_one_source_wanted_by_many(small_dumps, scratch):
    """Exactly one gets it; nobody corrupts it."""
    dump, store, start = small_dumps("llvip", count=6), scratch / "s.zarr", scratch / "start"
    running = [python(INGEST, dump, store, "same", start) for _ in range(3)]
    while not (scratch / "startsame").exists():
        assert all(process.poll() is None for process in running)
    start.touch()
    outcomes = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert [code for _, code in outcomes].count(0) == 1, outcomes
    refusals = [errors for errors, code in outcomes if code != 0]
    assert all("StoreBusyError" in e or "StoreExistsError" in e for e in refusals), refusals
    assert irtd_fast.verify(store).ok
    assert len(irtd_fast.open(store)) == 6


def test_a_reader_keeps_the_files_it_has_open(small_dumps, scratch):
    """Files that a dataset has open stay readable when their source is replaced."""
    dump, store = small_dumps("llvip"), scratch / "s.zarr"
    ingest(dump, store, source="llvip", options=OPTIONS)
    ds = irtd_fast.open(store)
    before = [sample.infrared.copy() for sample in ds]
    ingest(dump, store, source="llvip", options=IngestOptions(few=99), replace=True)
    for sample, expected in zip(ds, before, strict=True):
        assert (sample.infrared == expected).all()  # its files are still open
    assert len(irtd_fast.open(store)) == 12
