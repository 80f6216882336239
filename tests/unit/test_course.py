"""Ranks, positions, and what a loader does about samples and stores that fail it."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
import types

import numpy as np
import pytest

import irtd_fast
from irtd_fast import synth
from irtd_fast.engines.statistics import measure_source
from irtd_fast.errors import LoaderError, StoreReplacedError
from irtd_fast.load import Loader
from irtd_fast.load.orders import Curriculum
from irtd_fast.load.ranks import find_rank
from irtd_fast.store.plan import IngestOptions


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    synth.write_dump(root / "dump", source="hit-uav", count=60, seed=4, size=(64, 80))
    options = IngestOptions(shard_bytes=31_000, codec="raw")
    irtd_fast.ingest(root / "dump", root / "s.zarr", source="hit-uav", options=options)
    return root


@pytest.fixture
def store(stock, tmp_path):
    shutil.copytree(stock / "s.zarr", tmp_path / "s.zarr")
    return tmp_path / "s.zarr"


def loader_of(store, **options):
    return Loader(
        irtd_fast.open(store), **{"batch_size": 8, "size": (16, 16), "seed": 3, **options}
    )


@pytest.fixture
def alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))


def test_where_ranks_come_from(alone, monkeypatch):
    slurm = {"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}
    torchrun = {"RANK": "1", "WORLD_SIZE": "2"}
    assert find_rank(environment={}) == (0, 1)
    assert find_rank(environment=slurm) == (3, 4)
    assert find_rank(environment={**slurm, **torchrun}) == (1, 2)
    assert find_rank(5, 6, environment={**slurm, **torchrun}) == (5, 6)
    fake = types.SimpleNamespace(
        is_available=lambda: True, is_initialized=lambda: True,
        get_rank=lambda: 7, get_world_size=lambda: 8,
    )  # fmt: skip
    monkeypatch.setattr(sys.modules["torch"], "distributed", fake, raising=False)
    assert find_rank(environment=torchrun) == (7, 8)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ((1, None), {}, "rank and world_size, or neither"),
        ((2, 2), {}, "found rank 2 of 2 .arguments."),
        ((None, None), {"RANK": "x", "WORLD_SIZE": "2"}, "whole numbers, found RANK='x'"),
        ((None, None), {"SLURM_PROCID": "4", "SLURM_NTASKS": "4"}, "SLURM_PROCID and SLURM_NTASKS"),
    ],
)
def test_ranks_that_cannot_be(alone, arguments, environment, message):
    with pytest.raises(ValueError, match=message):
        find_rank(*arguments, environment=environment)


def test_the_loader_takes_its_rank_from_the_environment(stock, monkeypatch, alone):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    loader = loader_of(stock / "s.zarr")
    assert (loader.rank, loader.world_size) == (1, 2)
    explicit = loader_of(stock / "s.zarr", rank=1, world_size=2)
    np.testing.assert_array_equal(loader.course.order(0), explicit.course.order(0))


def index_of(batches):
    return [number for batch in batches for number in batch.index[~batch.padding].tolist()]


@pytest.mark.parametrize("order", ["random", Curriculum("width", tiers=3), "shards"])
def test_a_state_goes_on_in_another_world(stock, order):
    first = [
        loader_of(stock / "s.zarr", rank=rank, world_size=2, remainder="pad", order=order)
        for rank in range(2)
    ]
    seen = []
    for _ in range(2):
        for loader in first:
            seen += index_of([next(iter(loader))])
    states = [json.loads(json.dumps(loader.state_dict())) for loader in first]
    assert states[0] == states[1]
    assert len(json.dumps(states[0])) < 300
    for rank in range(3):
        later = loader_of(
            stock / "s.zarr", rank=rank, world_size=3, remainder="pad", batch_size=4, order=order
        )
        later.load_state_dict(states[0])
        seen += index_of(later)
    assert sorted(seen) == list(range(60))


def test_states_of_others_are_refused(stock, tmp_path):
    state = loader_of(stock / "s.zarr").state_dict()
    with pytest.raises(ValueError, match="another order: found 'random', this loader has 'sequ"):
        loader_of(stock / "s.zarr", order="sequential").load_state_dict(state)
    half = Loader(irtd_fast.open(stock / "s.zarr")[:30], 8, (16, 16), seed=3)
    with pytest.raises(ValueError, match="another dataset"):
        half.load_state_dict(state)
    with pytest.raises(ValueError, match=r"no state of this loader .* missing \['samples'"):
        half.load_state_dict({"version": 2, "seed": 3, "epoch": 0})
    with pytest.raises(ValueError, match="whole numbers"):
        loader_of(stock / "s.zarr").load_state_dict({**state, "epoch": -1})
    elsewhere = shutil.copytree(stock / "s.zarr", tmp_path / "moved.zarr")
    loader_of(elsewhere).load_state_dict(state)  # the same store in another place


def test_sizes_that_give_no_batch(stock):
    with pytest.raises(ValueError, match="60 samples are fewer than the 64 of one step"):
        loader_of(stock / "s.zarr", batch_size=64, drop_last=True)
    assert [len(b) for b in loader_of(stock / "s.zarr", batch_size=64)] == [60]
    wide = [
        list(loader_of(stock / "s.zarr", rank=rank, world_size=100, remainder="pad"))
        for rank in (0, 59, 60, 99)
    ]
    assert [[len(b) for b in batches] for batches in wide] == [[1]] * 4
    assert [batches[0].padding.tolist() for batches in wide] == [[False], [False], [True], [True]]
    empty = irtd_fast.open(stock / "s.zarr").filter(paired=True)
    with pytest.raises(ValueError, match="no samples; did a filter leave nothing"):
        Loader(empty, 8, (16, 16))


def damage(store, shard=0, chunks=1):
    """Flip a byte in the first chunks of a shard."""
    file = sorted((store / "hit-uav" / "infrared").rglob("c/*/0/0"))[shard]
    data = bytearray(file.read_bytes())
    for chunk in range(chunks):
        data[10 + chunk * (64 * 80 + 4)] ^= 1
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("prefetch", [0, 2])
def test_damage_is_skipped_and_counted(store, prefetch):
    whole = {int(n): b.images[i].tobytes() for b in loader_of(store) for i, n in enumerate(b.index)}
    file = damage(store, chunks=2)
    with pytest.raises(LoaderError, match=r"sample \d+ .hit-uav/.*crc32c") as caught:
        list(loader_of(store, prefetch=prefetch))
    assert str(file) in str(caught.value)
    loader = loader_of(store, prefetch=prefetch, on_error="skip")
    found = {}
    for batch in loader:
        assert len(batch.images) == len(batch.index) == len(batch.padding)
        assert len(batch.offsets) == len(batch) + 1
        found |= {int(n): batch.images[i].tobytes() for i, n in enumerate(batch.index)}
    assert loader.skipped.count == 2
    assert set(whole) - set(found) == set(loader.skipped.reasons)
    assert all(found[n] == whole[n] for n in found)  # nobody else's draws changed
    assert all("crc32c" in reason for reason in loader.skipped.reasons.values())


def test_a_missing_shard_is_named_or_skipped(store):
    file = sorted((store / "hit-uav" / "infrared").rglob("c/*/0/0"))[1]
    file.unlink()
    with pytest.raises(LoaderError, match="shard file is missing"):
        list(loader_of(store))
    loader = loader_of(store, on_error="skip")
    assert sum(len(batch) for batch in loader) == 54
    assert loader.skipped.count == 6


def test_too_much_damage_stops_the_skipping(store):
    for shard in range(3):
        damage(store, shard=shard, chunks=6)
    loader = loader_of(store, on_error="skip")
    with pytest.raises(LoaderError, match="11 samples could not be read, the last one"):
        list(loader)


def test_a_batch_of_nothing_but_damage_is_empty(store):
    damage(store, chunks=6)
    loader = loader_of(store, on_error="skip", order="sequential", batch_size=6)
    first, second = list(loader)[:2]
    assert len(first) == 0
    assert first.images.shape == (0, 1, 16, 16)
    assert len(second) == 6


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_store_replaced_while_it_is_read(store, stock, prefetch):
    loader = loader_of(store, prefetch=prefetch, batch_size=4)
    batches = iter(loader)
    next(batches)
    synth.write_dump(store.parent / "other", source="hit-uav", count=60, seed=9, size=(64, 80))
    irtd_fast.ingest(store.parent / "other", store, source="hit-uav", replace=True)
    with pytest.raises(StoreReplacedError, match="hit-uav was replaced since it was opened"):
        list(batches)


def test_a_store_replaced_before_it_is_read(store):
    """Between opening and reading, and on the way to another process."""
    ds = irtd_fast.open(store)
    packed = pickle.dumps(ds)
    synth.write_dump(store.parent / "other", source="hit-uav", count=60, seed=9, size=(64, 80))
    irtd_fast.ingest(store.parent / "other", store, source="hit-uav", replace=True)
    with pytest.raises(StoreReplacedError, match="open the store anew"):
        list(Loader(ds, 8, (16, 16)))
    with pytest.raises(StoreReplacedError, match="was replaced since the dataset was made"):
        pickle.loads(packed)


def test_a_group_added_while_it_is_read_changes_nothing(store):
    loader = loader_of(store, batch_size=4)
    batches = iter(loader)
    next(batches)
    measure_source(store, "hit-uav")
    assert len(list(batches)) == 14


def test_a_source_that_vanishes(store):
    loader = loader_of(store, prefetch=0, batch_size=4)
    batches = iter(loader)
    next(batches)
    shutil.rmtree(store)
    with pytest.raises(StoreReplacedError, match="hit-uav is gone from"):
        list(batches)
