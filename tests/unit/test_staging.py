"""Work in progress: the lock, the saved plan, receipts, and what a dead run left."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict

import pytest

from irtd_fast.errors import StoreBusyError, StoreFormatError
from irtd_fast.store.staging import Receipt, Staging, write_json

RECEIPT = Receipt("infrared/h4w4u8/c/0/0/0", 5, 77, 2, [0, 1], [3, 4], [], [(1, "code", "why")])


@pytest.fixture
def staging(scratch):
    made = Staging(scratch / "s.zarr", "llvip")
    made.store.mkdir()
    return made


@pytest.fixture
def begun(staging):
    staging.begin()
    staging.manifest_path.write_text("{}\n")
    staging.save_plan({"fingerprint": "f", "options": {}})
    return staging


def test_the_lock_admits_one_and_names_it(staging):
    other = Staging(staging.store, "llvip")
    with staging:
        with pytest.raises(StoreBusyError, match=rf"'llvip'.*process {os.getpid()} on") as caught:
            other.acquire()
        assert caught.value.path == str(staging.store)
        with Staging(staging.store, "other"):
            pass
    with other:
        pass
    assert not (staging.store / ".staging").exists()


def test_releasing_twice_or_unlocked_is_harmless(staging):
    staging.release()
    staging.acquire()
    staging.release()
    staging.release()


def test_a_lock_file_of_a_dead_run_does_not_lock(staging):
    folder = staging.store / ".staging"
    folder.mkdir()
    (folder / "llvip.lock").write_text("process 1 on elsewhere, long gone, with a long name")
    with staging:
        assert (folder / "llvip.lock").read_text().startswith(f"process {os.getpid()} on ")


def test_a_lock_file_that_was_removed_meanwhile_is_not_taken(staging, monkeypatch):
    path = staging.store / ".staging" / "llvip.lock"
    lock, calls = fcntl.flock, []

    def flock(descriptor, how):
        if not calls:
            path.unlink()  # its last owner gives it back between our open and our lock
        calls.append(how)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with staging:
        assert len(calls) == 2
        assert path.exists()


def test_other_work_keeps_the_staging_folder(begun):
    with begun:
        pass
    assert begun.folder.is_dir()
    assert not (begun.store / ".staging" / "llvip.lock").exists()


def test_beginning_forgets_what_was_there(begun):
    (begun.tree / "old").write_text("x")
    begun.begin()
    assert not begun.exists()
    assert list(begun.tree.iterdir()) == []


def test_a_plan_reads_back(begun):
    assert begun.exists()
    assert begun.load_plan() == {"fingerprint": "f", "options": {}}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"fingerprint": 1}'])
def test_a_damaged_plan_is_named(begun, text):
    begun.plan_path.write_text(text)
    with pytest.raises(StoreFormatError) as caught:
        begun.load_plan()
    assert caught.value.path == str(begun.plan_path)


def test_only_listed_files_stay_in_the_tree(begun):
    for name in ("a/c/0", "a/c/1", "a/zarr.json", "zarr.json"):
        (begun.tree / name).parent.mkdir(parents=True, exist_ok=True)
        (begun.tree / name).write_text("x")
    begun.clean_tree({"a/c/1"})
    assert [p for p in begun.tree.rglob("*") if p.is_file()] == [begun.tree / "a/c/1"]


def data_file(staging, content=b"12345"):
    path = staging.tree / RECEIPT.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_receipts_read_back(begun):
    data_file(begun)
    begun.save_receipt(RECEIPT)
    assert begun.load_receipt(RECEIPT.file) == RECEIPT


def test_receipts_without_their_file_do_not_count(begun):
    begun.save_receipt(RECEIPT)
    assert begun.load_receipt(RECEIPT.file) is None
    data_file(begun, b"1234")
    assert begun.load_receipt(RECEIPT.file) is None
    assert begun.load_receipt("infrared/h4w4u8/c/1/0/0") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "[" * 5000,
        json.dumps({**asdict(RECEIPT), "extra": 1}),
        json.dumps({**asdict(RECEIPT), "failures": [1]}),
        json.dumps({**asdict(RECEIPT), "file": "infrared/h4w4u8/c/1/0/0"}),
    ],
)
def test_damaged_receipts_do_not_count(begun, text):
    data_file(begun)
    begun.save_receipt(RECEIPT)
    (path,) = begun.receipts.iterdir()
    path.write_text(text)
    assert begun.load_receipt(RECEIPT.file) is None


def test_json_is_replaced_whole(scratch):
    path = scratch / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    write_json(path, {"a": 2}, scratch / "elsewhere.partial")
    assert json.loads(path.read_text()) == {"a": 2}
    assert [p.name for p in scratch.iterdir()] == ["a.json"]


# ---- recovery ---------------------------------------------------------------------------------


def test_work_in_progress_is_kept(begun):
    begun.recover(None)
    begun.recover({"digest": 5})
    assert begun.exists()


def test_a_commit_that_happened_is_cleaned_up(begun):
    begun.mark_commit(5)
    begun.recover({"digest": 4})
    assert begun.exists()  # the store still has the old one: not committed yet
    begun.recover({"digest": 5})
    assert not begun.folder.exists()


def test_leftovers_without_a_plan_go(begun):
    begun.plan_path.unlink()
    begun.recover(None)
    assert not begun.folder.exists()


def test_the_old_source_comes_back_if_the_new_one_never_came(begun):
    begun.old.mkdir()
    (begun.old / "zarr.json").write_text("{}")
    begun.recover(None)
    assert (begun.store / "llvip" / "zarr.json").exists()
    assert not begun.old.exists()
    assert begun.exists()
