"""SIGKILL at every point of an ingest: the old store or the new, and resuming ends the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.errors import CorruptStoreError, StoreExistsError
from irtd_fast.store.plan import IngestOptions
from irtd_fast.store.staging import Staging

KILLER = Path(__file__).with_name("killer.py")
NEVER = 10**9
KILLED = -9
NEW = {"codec": "raw", "few": 3, "shard_bytes": 1 << 14}
OLD = {"codec": "zstd", "few": 99, "visible": "none"}


def killer(dump, runs, **job):
    """Run ingests that are killed; answers as ``killer.fork_run`` gives them."""
    job |= {"dump": str(dump), "source": "llvip", "options": NEW}
    job["runs"] = [(str(store), kill_at) for store, kill_at in runs]
    done = subprocess.run(
        [sys.executable, str(KILLER)], input=json.dumps(job), capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def dump(small_dumps):
    return small_dumps("llvip", count=6)


@pytest.fixture
def whole(dump, scratch, contents):
    """Bytes of the store that an uninterrupted run leaves."""
    ingest(dump, scratch / "whole.zarr", source="llvip", options=IngestOptions(**NEW))
    return contents(scratch / "whole.zarr")


@pytest.fixture
def old(dump, scratch):
    ingest(dump, scratch / "old.zarr", source="llvip", options=IngestOptions(**OLD))
    return scratch / "old.zarr"


def finish(dump, store, *, replace=False):
    return ingest(dump, store, source="llvip", options=IngestOptions(**NEW), resume=True,
                  replace=replace)  # fmt: skip


def representative(labels, first=0):
    """First and last point of each kind."""
    places = {}
    for number, label in enumerate(labels[first:], first):
        places.setdefault(label, []).append(number)
    return sorted({number for numbers in places.values() for number in (numbers[0], numbers[-1])})


def sweep_fresh(dump, scratch, whole, contents, choose):
    (labels,) = killer(dump, [(scratch / "count.zarr", NEVER)])
    assert contents(scratch / "count.zarr") == whole
    assert {"before fill", "after rename_durably", "before discard"} <= set(labels)
    points = choose(labels)
    stores = [scratch / f"{point}.zarr" for point in points]
    assert killer(dump, list(zip(stores, points, strict=True))) == [KILLED] * len(points)
    for point, store in zip(points, stores, strict=True):
        label = f"{point}: {labels[point]}"
        try:
            ds = irtd_fast.open(store)
        except CorruptStoreError:
            pass  # nothing was committed
        else:
            assert len(ds) in (0, 6), label
            assert irtd_fast.verify(store).ok, label
        finish(dump, store)
        assert contents(store) == whole, label
        assert not (store / ".staging").exists(), label
        shutil.rmtree(store)


def test_killed_at_each_kind_of_point(dump, scratch, whole, contents):
    sweep_fresh(dump, scratch, whole, contents, representative)


@pytest.mark.slow
def test_killed_at_every_point(dump, scratch, whole, contents):
    sweep_fresh(dump, scratch, whole, contents, lambda labels: range(len(labels)))


def part_of(files):
    return {k: v for k, v in files.items() if k.startswith("llvip/")}


def sweep_replace(dump, scratch, old, whole, contents, choose, *, exchange):
    before = contents(old)
    shutil.copytree(old, scratch / "count.zarr")
    (labels,) = killer(dump, [(scratch / "count.zarr", NEVER)], replace=True, exchange=exchange)
    assert contents(scratch / "count.zarr") == whole
    points = sorted(set(choose(labels)))
    stores = [shutil.copytree(old, scratch / f"{point}.zarr") for point in points]
    runs = list(zip(stores, points, strict=True))
    assert killer(dump, runs, replace=True, exchange=exchange) == [KILLED] * len(points)
    for point, store in zip(points, stores, strict=True):
        label = f"{point}: {labels[point]}"
        left = part_of({k: v for k, v in contents(store).items() if not k.startswith(".staging")})
        aside = not exchange and not left  # between the two renames: restored below
        assert aside or left in (part_of(before), part_of(whole)), label
        assert irtd_fast.verify(store).ok, label
        staged = Staging(store, "llvip").exists()
        report = finish(dump, store)
        assert irtd_fast.verify(store).ok, label
        if contents(store) != whole:  # killed before its plan was saved: nothing to resume
            assert contents(store) == before, label
            assert not staged, label
            assert report.notes == ["already complete; nothing was left to resume"]
            finish(dump, store, replace=True)
        assert contents(store) == whole, label
        shutil.rmtree(store)


def from_sync(labels):
    return representative(labels, labels.index("before sync_tree"))


def test_killed_while_replacing(dump, scratch, old, whole, contents):
    def choose(labels):
        first = labels.index("after fill")
        return [0, labels.index("after begin"), first, *from_sync(labels)]

    sweep_replace(dump, scratch, old, whole, contents, choose, exchange=True)


def test_killed_while_replacing_without_exchange(dump, scratch, old, whole, contents):
    sweep_replace(dump, scratch, old, whole, contents, from_sync, exchange=False)


@pytest.mark.slow
@pytest.mark.parametrize("exchange", [True, False])
def test_killed_at_many_points_of_replacing(dump, scratch, old, whole, contents, exchange):
    def choose(labels):
        return [*range(0, len(labels), 3), *from_sync(labels)]

    sweep_replace(dump, scratch, old, whole, contents, choose, exchange=exchange)


def sweep_random(dump, scratch, whole, contents, count):
    stores = [scratch / f"{number}.zarr" for number in range(count)]
    answers = killer(dump, [(store, NEVER) for store in stores], longest=0.25, seed=count)
    assert KILLED in answers
    for store in stores:
        finish(dump, store)
        assert contents(store) == whole
        shutil.rmtree(store)


def test_killed_at_random_moments(dump, scratch, whole, contents):
    sweep_random(dump, scratch, whole, contents, 12)


@pytest.mark.slow
def test_killed_at_many_random_moments(dump, scratch, whole, contents):
    sweep_random(dump, scratch, whole, contents, 100)


def test_killed_again_and_again(dump, scratch, whole, contents):
    """Every resumed run is killed too, after one more data file each time."""
    store = scratch / "s.zarr"
    for _ in range(3):
        assert killer(dump, [(store, -1)], resume=True) == [KILLED]
        with pytest.raises(StoreExistsError, match="--resume"):
            ingest(dump, store, source="llvip", options=IngestOptions(**NEW))
    report = finish(dump, store)
    assert report.resumed >= 3
    assert contents(store) == whole


def test_problems_found_while_writing_survive_a_kill(small_dumps, scratch, contents):
    """Receipts carry them, so that a resumed run tells the same story in the same order."""
    dump = shutil.copytree(small_dumps("llvip", count=12), scratch / "dump")
    for number, path in enumerate(sorted(dump.glob("infrared/*/*.jpg"))):
        if number % 3 == 1:  # whole headers, cut off behind: found when they are decoded
            path.write_bytes(path.read_bytes()[:-200])
    options = IngestOptions(**NEW)
    report = ingest(dump, scratch / "whole.zarr", source="llvip", options=options)
    assert {problem.code for problem in report.problems} == {"undecodable-image"}
    (labels,) = killer(dump, [(scratch / "count.zarr", NEVER)])
    files = labels.count("after save_receipt")
    assert files >= 4
    stores = [scratch / f"{number}.zarr" for number in range(1, files + 1)]
    runs = [(store, -number) for number, store in enumerate(stores, 1)]
    assert killer(dump, runs) == [KILLED] * files
    for store in stores:
        receipts = sorted((store / ".staging/llvip/receipts").iterdir())
        receipts[0].unlink()  # so that later files are taken over and this one is not
        again = finish(dump, store)
        assert again.problems == report.problems
        assert contents(store) == contents(scratch / "whole.zarr")
