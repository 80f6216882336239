"""The last step: what was lost is left out and said, and the rename is the commit."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import zarr

from irtd_fast import _core
from irtd_fast.errors import StoreError
from irtd_fast.manifest import Manifest
from irtd_fast.store import commit
from irtd_fast.store.columns import read_column, read_strings, write_column
from irtd_fast.store.plan import IngestOptions, codecs_for, make_plan
from irtd_fast.store.spec import load_array
from irtd_fast.store.staging import Receipt, Staging
from irtd_fast.types import ImageInfo, SampleFlag, SampleRecord


def image(name):
    return ImageInfo(name, "png", 4, 5, 1, 1, "uint8", 99, 0)


@pytest.fixture
def manifest():
    made = Manifest("s", "v", "root")
    for number in range(4):
        sample = SampleRecord(f"n{number}", image(f"i{number}.png"))
        sample.mask = image(f"m{number}.png") if number != 1 else None
        made.samples.append(sample)
    return made


@pytest.fixture
def plan(manifest):
    return make_plan(manifest, IngestOptions(few=4))  # infrared: bucket; masks: packed


def receipts(*, infrared=(), masks=()):
    bucket, packed = "infrared/h4w5u8", "masks/packed_u8"
    return {
        bucket: [Receipt(f"{bucket}/c/0/0/0", 9, 1, 4, [0, 1, 2, 3], [10, 11, 12, 13], [],
                         list(infrared))],
        packed: [Receipt(f"{packed}/values/c/0", 9, 1, 3, [0, 1, 2], [20, 22, 23], [5, 6, 7],
                         list(masks))],
    }  # fmt: skip


def test_nothing_lost(manifest, plan):
    outcome = commit.gather(manifest, plan, receipts())
    assert outcome.keep.tolist() == [0, 1, 2, 3]
    assert outcome.digests["infrared"].tolist() == [10, 11, 12, 13]
    assert outcome.digests["masks"].tolist() == [20, 0, 22, 23]
    assert outcome.crcs["masks/packed_u8"].tolist() == [5, 6, 7]
    assert (outcome.holes, outcome.problems) == ({}, [])


def test_a_lost_picture_takes_its_sample_along(manifest, plan):
    lost = [(2, "undecodable-image", "cut off")]
    outcome = commit.gather(manifest, plan, receipts(infrared=lost))
    assert outcome.keep.tolist() == [0, 1, 3]
    assert outcome.holes == {"infrared/h4w5u8": [2]}
    (problem,) = outcome.problems
    assert (problem.code, problem.path, problem.sample) == ("undecodable-image", "i2.png", "n2")
    assert (problem.message, problem.action) == ("cut off", "sample left out")


def test_a_lost_partner_leaves_its_sample(manifest, plan):
    lost = [(1, "unreadable", "gone")]  # row 1 of the masks is sample 2
    outcome = commit.gather(manifest, plan, receipts(masks=lost))
    assert outcome.keep.tolist() == [0, 1, 2, 3]
    assert outcome.holes == {"masks/packed_u8": [1]}
    assert plan.codes["masks"].tolist() == [1, -1, -1, 1]
    assert plan.rows["masks"].tolist() == [0, -1, -1, 2]
    assert manifest.samples[2].flags == SampleFlag.HAS_PROBLEMS
    (problem,) = outcome.problems
    assert (problem.path, problem.action) == ("m2.png", "kept without mask")


def test_metadata_of_arrays_declares_holes(plan, scratch):
    for array in plan.arrays:
        commit.write_array_metadata(scratch, array, codecs_for("raw", 1), [3, 1])
    bucket = load_array(scratch / "infrared/h4w5u8")
    assert bucket.shape == (4, 4, 5)
    assert bucket.dimension_names == ("sample", "y", "x")
    assert bucket.attributes == {"irtd": {"holes": [1, 3]}}
    values = load_array(scratch / "masks/packed_u8/values")
    assert values.shape == (plan.arrays[1].chunk_bytes,)


def test_packed_columns_tell_where_and_what(manifest, plan, scratch):
    crcs = np.array([5, 6, 7], np.uint32)
    commit.write_packed_columns(scratch, plan.arrays[1], manifest, crcs, [1])
    folder = scratch / "masks/packed_u8"
    assert read_column(folder / "offsets").tolist() == [0, 20, 40]
    assert read_column(folder / "lengths").tolist() == [20, 20, 20]
    assert read_column(folder / "crc32c").tolist() == [5, 6, 7]
    assert read_column(folder / "shape").tolist() == [[4, 5, 1]] * 3
    assert zarr.open_group(folder, mode="r").attrs["irtd"] == {"encoding": "raw", "holes": [1]}


@pytest.fixture
def staging(scratch):
    made = Staging(scratch / "s.zarr", "x")
    made.begin()
    write_column(made.tree / "a", np.arange(5))
    return made


def test_the_table_of_files_lists_everything_before_it(staging):
    tree = staging.tree
    known = Receipt("a/c/0", 123, 456, 1, [0], [0])
    digest = commit.write_files_table(tree, {"a": [known]})
    paths = list(read_strings(tree / "files/path"))
    assert paths == ["a/c/0", "a/zarr.json"]
    sizes, digests, kinds = (read_column(tree / "files" / n) for n in ("bytes", "digest", "kind"))
    assert (sizes[0], digests[0]) == (123, 456)  # as the receipt says: not read again
    assert sizes[1] == (tree / "a/zarr.json").stat().st_size
    assert digests[1] == _core.xxh64((tree / "a/zarr.json").read_bytes())
    assert kinds.tolist() == [commit.FILE_SHARD, commit.FILE_PLAIN]
    assert digest == commit.files_digest(paths, sizes, digests, kinds)
    assert set(commit.table_digests(tree)) == {
        p.relative_to(tree).as_posix() for p in (tree / "files").rglob("*") if p.is_file()
    }


def test_digests_of_attributes_ignore_order_and_themselves():
    one = commit.attributes_digest({"a": 1, "b": [2], "digest": 5})
    assert one == commit.attributes_digest({"b": [2], "a": 1})
    assert one != commit.attributes_digest({"b": [2], "a": 2})


def test_publishing_renames_and_cleans_up(staging):
    commit.publish(staging, 1, replace=False)
    root = json.loads((staging.store / "zarr.json").read_text())
    assert root["attributes"] == {"irtd": {"format": 1}}
    assert (staging.store / "x/a/c/0").is_file()
    assert not staging.folder.exists()


def again(staging):
    staging.begin()
    (staging.tree / "new").write_text("new")


def test_an_existing_source_is_only_replaced_on_demand(staging):
    commit.publish(staging, 1, replace=False)
    again(staging)
    with pytest.raises(StoreError, match="already in the store"):
        commit.publish(staging, 2, replace=False)
    assert (staging.store / "x/a/c/0").is_file()
    commit.publish(staging, 2, replace=True)
    assert [p.name for p in (staging.store / "x").iterdir()] == ["new"]
    assert not staging.folder.exists()


def test_without_exchange_the_old_one_steps_aside(staging, monkeypatch):
    commit.publish(staging, 1, replace=False)
    again(staging)
    monkeypatch.setattr(_core, "exchange_paths", lambda a, b: False)
    commit.publish(staging, 2, replace=True)
    assert [p.name for p in (staging.store / "x").iterdir()] == ["new"]
    assert not staging.folder.exists()


def test_everything_is_synced_before_the_rename(staging, monkeypatch):
    events = []
    fsync, rename, sync_directory = os.fsync, _core.rename_durably, _core.sync_directory

    def noted(descriptor):
        events.append(("file", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(
        _core, "sync_directory", lambda p: (events.append(("folder", p)), sync_directory(p))
    )
    monkeypatch.setattr(
        _core, "rename_durably", lambda a, b: (events.append(("rename", b)), rename(a, b))
    )
    tree = staging.tree
    files = {str(p) for p in tree.rglob("*") if p.is_file()}
    folders = {str(tree), *(str(p) for p in tree.rglob("*") if p.is_dir())}
    commit.publish(staging, 1, replace=False)
    last = events.index(("rename", str(staging.store / "x")))
    assert files <= {path for kind, path in events[:last] if kind == "file"}
    assert folders <= {path for kind, path in events[:last] if kind == "folder"}


def test_a_failing_sync_stops_the_commit(staging, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        commit.publish(staging, 1, replace=False)
    assert not (staging.store / "x").exists()
    assert staging.tree.is_dir()


def test_files_have_ordinary_permissions(staging):
    commit.publish(staging, 1, replace=False)
    mask = os.umask(0)
    os.umask(mask)
    for path in (staging.store, *staging.store.rglob("*")):
        expected = (0o777 if path.is_dir() else 0o666) & ~mask
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
