"""What ``bench_store`` reports, and that it looks where the pictures really are."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from irtd_fast import _core
from irtd_fast.errors import CorruptStoreError, StoreError
from irtd_fast.load import bench
from irtd_fast.load.bench import bench_store
from irtd_fast.load.extents import extents_of
from irtd_fast.store.dataset import open_store

_QUICK = {"seconds": 0.05, "size": (32, 40), "batch_size": 8}


@pytest.fixture(scope="module")
def report(mixed_store):
    steps = []
    result = bench_store(mixed_store, **_QUICK, progress=lambda *step: steps.append(step))
    return result, steps


def test_report_is_json_with_the_promised_keys(report, mixed_store):
    result, _ = report
    assert json.loads(json.dumps(result)) == result
    assert {"images_per_s", "disk_fraction"} <= set(result["cold"])
    assert {"images_per_s", "memory_fraction"} <= set(result["warm"])
    assert result["bound_by"] in ("disk", "decode", "transform", "python")
    assert result["samples"] == len(open_store(mixed_store))


def test_numbers_are_finite_and_belong_together(report):
    result, _ = report
    for state in ("cold", "warm"):
        for key, value in result[state].items():
            assert math.isfinite(value), (state, key)
            assert value > 0, (state, key)
        for key, value in result["stages"][state].items():
            assert math.isfinite(value), (state, key)
            assert value >= 0, (state, key)
        assert result["stages"][state]["read_us"] > 0
        assert result["stages"][state]["transform_us"] > 0


def test_progress_counts_the_rounds_of_both_phases(report):
    _, steps = report
    rounds = steps[-1][2]
    assert steps == [(phase, n, rounds) for phase in ("cold", "warm") for n in range(rounds + 1)]


def test_stage_table_has_the_promised_stages(report):
    stages = ["read_us", "check_us", "decode_us", "transform_us", "wait_us"]
    assert list(report[0]["stages"]["cold"]) == stages


def test_where_no_two_pictures_are_alike_there_is_no_native_rate(mixed_store, scratch):
    store = scratch / "one.zarr"
    shutil.copytree(mixed_store, store)
    dataset = open_store(store)
    _, first = np.unique(dataset.sizes(), axis=0, return_index=True)
    found = bench._Bench(dataset[np.sort(first)], 8, (32, 40), 2, 0.01).measure(
        cold=False, tell=lambda *step: None
    )
    assert found.native == []
    assert found.loader[0] > 0


def test_the_usual_way_can_be_measured_beside(mixed_store):
    pytest.importorskip("torch")
    pytest.importorskip("cv2")
    result = bench_store(mixed_store, **_QUICK, compare=True)
    assert result["compare"]["images_per_s"] > 0
    assert result["compare"]["times_faster"] > 0


def test_extents_are_the_stored_bytes_of_every_kind_of_array(mixed_store):
    dataset = open_store(mixed_store)
    extents = extents_of(dataset)
    assert len(extents) == len(dataset)
    kinds = set()
    codes, rows = dataset.locate()
    arrays = [(s, n) for s in dataset.sources for n in range(len(s.arrays))]
    for number in range(len(dataset)):
        source, at = arrays[codes[number]]
        info = source.arrays[at]
        kinds.add((info.kind, info.encoding))
        path = Path(extents.paths[extents.file[number]])
        begin, length = int(extents.offset[number]), int(extents.nbytes[number])
        stored = path.read_bytes()[begin : begin + length]
        assert len(stored) == length
        pixels = dataset[number].infrared
        if info.encoding == "jpeg":
            found = _core.decode_jpeg(stored)
        elif info.kind == "packed":
            found = np.frombuffer(stored, pixels.dtype).reshape(pixels.shape)
        else:
            # A bucket's chunk ends in the crc32c of what precedes it.
            assert _core.crc32c(stored[:-4]) == int.from_bytes(stored[-4:], "little")
            found = source.reader(at).read(int(rows[number]))
        assert np.array_equal(found, pixels)
    assert kinds == {("bucket", "raw"), ("packed", "raw"), ("packed", "jpeg")}


def test_picked_extents_follow_the_order_asked_for(mixed_store):
    extents = extents_of(open_store(mixed_store))
    numbers = np.array([5, 0, 5], np.int64)
    part = extents.pick(numbers)
    assert part.bytes == 2 * int(extents.nbytes[5]) + int(extents.nbytes[0])
    assert part.read(threads=2) > 0
    extents.drop()  # the files are still there and whole
    assert extents.read(threads=2) > 0


def test_empty_store_is_refused(scratch):
    store = scratch / "empty.zarr"
    store.mkdir()
    document = {"zarr_format": 3, "node_type": "group", "attributes": {"irtd": {"format": 1}}}
    (store / "zarr.json").write_text(json.dumps(document))
    with pytest.raises(StoreError, match="no samples"):
        bench_store(store, **_QUICK)


def test_missing_shard_is_an_error_that_names_it(mixed_store, scratch):
    store = scratch / "damaged.zarr"
    shutil.copytree(mixed_store, store)
    shard = next((store / "llvip" / "infrared").glob("h*/c/0/0/0"))
    shard.unlink()
    with pytest.raises(CorruptStoreError, match=str(shard)):
        bench_store(store, **_QUICK)


def turns(ceiling: float, loader: float, fetch: int = 1, resample: int = 1) -> bench._Turns:
    made = bench._Turns(1.0, ceiling=[ceiling], loader=[loader], images=1, wall_ns=10.0)
    made.stage_ns |= {"read": fetch, "resample": resample}
    return made


@pytest.mark.parametrize(
    ("cold", "warm", "expected"),
    [
        (turns(1000, 900), turns(9000, 5000, 20, 5), "disk"),  # nearly all that the disk gives
        (turns(1000, 500), turns(9000, 5000, 20, 5), "disk"),  # it would be, for a better reader
        (turns(9000, 500), turns(9000, 600, 20, 5), "decode"),
        (turns(9000, 500), turns(9000, 600, 5, 20), "transform"),
        (turns(9000, 500), turns(9000, 600, 2, 3), "python"),  # native threads mostly idle
    ],
)
def test_bound_by_names_what_holds_the_cold_loader(cold, warm, expected):
    assert bench._bound_by(cold, warm, threads=2) == expected
