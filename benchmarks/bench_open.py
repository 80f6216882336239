"""A store of a million samples in a fresh process: opening it, the first batch of each order."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core
from irtd_fast.store.columns import write_group, write_table
from irtd_fast.store.commit import (
    attributes_digest,
    write_array_metadata,
    write_files_table,
    write_labels,
)
from irtd_fast.store.plan import MODALITIES, RAW, ArrayPlan
from irtd_fast.store.spec import FORMAT_VERSION, make_chain
from irtd_fast.store.staging import Receipt
from irtd_fast.store.tables import SourceTables

from .conftest import Contest
from .race import OURS, Contender, replayed_clock

GROUP, FIRST = "open-1m-samples", "first-batch-1m-samples"
SIDE, PER_SHARD, BOXES = 8, 8192, 3

# Each prints seconds, peak growth of the resident memory in MB, and what it found.
_PROBE = """
import json, sys, time
{imports}
def memory(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) / 1024
number, before = int(sys.argv[2]), memory("VmRSS:")
started = time.perf_counter()
{work}
seconds = time.perf_counter() - started
print(json.dumps([seconds, memory("VmHWM:") - before, count, name, boxes.tolist()]))
"""

PROBES = {
    OURS: _PROBE.format(
        imports="from irtd_fast.store.dataset import open_store",
        work="dataset = open_store(sys.argv[1])\ncount = len(dataset)\n"
        "sample = dataset[number]\nname, boxes = sample.name, sample.boxes",
    ),
    "zarr-python": _PROBE.format(
        imports="import zarr",
        work="group = zarr.open_group(sys.argv[1], mode='r')['big']\n"
        "samples, objects = group['samples'], group['objects']\n"
        "count = samples['height'].shape[0]\n"
        "edges = samples['name/offsets'][...]\n"
        "name = samples['name/values'][edges[number]:edges[number + 1]].tobytes().decode()\n"
        "offsets = objects['offsets'][...]\n"
        "boxes = objects['box'][offsets[number]:offsets[number + 1]]",
    ),
}

ORDERS = {
    OURS: "'random'",
    "order=shards": "'shards'",
    "order=shape": "'shape'",
    "order=weighted": "Weighted({'car': 3.0}, by='category')",
    "order=weighted, once each": "Weighted(np.arange(len(dataset)) + 1.0, replacement=False)",
    "order=curriculum": "Curriculum('frame', 10)",
}

# Prints seconds and peak growth, and the first batch: its samples and their pixels, and the seconds
# of the processor, which are more than those of the clock unless other processes take it.
_FIRST_BATCH = _PROBE.format(
    imports="import numpy as np\nfrom irtd_fast.load import Loader\n"
    "from irtd_fast.load.orders import Curriculum, Weighted\n"
    "from irtd_fast.radiometry import Counts\nfrom irtd_fast.store.dataset import open_store",
    work="begun = time.process_time()\ndataset = open_store(sys.argv[1])\n"
    "loader = Loader(dataset, 64, (8, 8), augment=None, normalize=Counts(), dtype='uint8',\n"
    "                order={order}, seed=number, rank=0, world_size=1)\n"
    "batch = next(iter(loader))\n"
    "count, boxes = len(dataset), batch.index\n"
    "name = [batch.images[:, 0].tolist(), time.process_time() - begun]",
)


def boxes_of(samples: int) -> Any:
    """Boxes of all samples, (n, 4); as hard to compress as real ones."""
    rng = np.random.default_rng(4)
    corner = rng.uniform(0, SIDE / 2, (samples * BOXES, 2)).round(2)
    extent = rng.uniform(1, SIDE / 2, (samples * BOXES, 2)).round(2)
    return np.concatenate([corner, corner + extent], axis=1).astype(np.float32)


def tables_of(count: int) -> SourceTables:
    """Columns as ``build_tables`` makes them, without a million records in between."""
    rows, objects = np.arange(count), np.arange(count * BOXES)
    samples: dict[str, Any] = {"name": [f"frame_{n:07d}" for n in range(count)]}
    for name, dtype in (("split", np.int32), ("scene", np.int32), ("sequence", np.int32),
                        ("frame", np.int64), ("identity", np.int64), ("camera", np.int32),
                        ("flags", np.uint32)):  # fmt: skip
        samples[name] = (rows % 2).astype(dtype)
    samples["height"] = samples["width"] = np.full(count, SIDE, np.int32)
    for modality in MODALITIES:
        present = modality == "infrared"
        samples[f"{modality}_array"] = np.full(count, 0 if present else -1, np.int16)
        samples[f"{modality}_row"] = rows if present else np.full(count, -1, np.int64)
        samples[f"{modality}_digest"] = rows.astype(np.uint64) * (1 if present else 0)
    kinds = {"track": np.int64, "modality": np.uint8, "flags": np.uint16}
    columns = {name: (objects % 251).astype(dtype) for name, dtype in kinds.items()}
    columns["modality"][:] = 0
    columns |= {
        "offsets": (np.arange(count + 1) * BOXES).astype(np.uint64),
        "box": boxes_of(count), "category": (objects % 2).astype(np.int32),
    }  # fmt: skip
    points = {"offsets": np.zeros(count + 1, np.uint64), "xy": np.zeros((0, 2), np.float32),
              "category": np.zeros(0, np.int32), "modality": np.zeros(0, np.uint8)}  # fmt: skip
    problems: dict[str, Any] = {
        name: [] for name in ("code", "path", "where", "message", "action", "sample")
    }
    return SourceTables(
        samples, columns, points, problems, ["", "train"], ["", "day"], ["", "a"], ["car", "person"]
    )


def write_shards(tree: Path, array: ArrayPlan) -> list[Receipt]:
    """Every picture holds its own number."""
    chain = make_chain(RAW, 1)

    def write(number: int) -> Receipt:
        rows = array.rows_of_file(number)
        file = f"{array.path}/c/{number}/0/0"
        (tree / file).parent.mkdir(parents=True)
        writer = _core.ShardWriter(
            str(tree / file), array.rows_per_shard, len(rows), array.sample_bytes, chain
        )
        content = np.repeat(np.asarray(rows), SIDE).astype("<u8").view(np.uint8)
        content = content.reshape(-1, SIDE, SIDE)
        for place, pixels in enumerate(content):
            writer.put(place, pixels)
        size, digest, present = writer.finish()
        return Receipt(file, size, digest, present, list(rows), [])

    with ThreadPoolExecutor(_core.available_threads()) as pool:
        return list(pool.map(write, range(array.files)))


def write_big_store(store: Path, count: int) -> None:
    """Write a store of one source with ``count`` tiny samples."""
    tree = store / "big"
    array = ArrayPlan(f"infrared/h{SIDE}w{SIDE}u8", "infrared", "bucket", "raw", "uint8",
                      SIDE, SIDE, 1, count, PER_SHARD)  # fmt: skip
    write_group(store, {"irtd": {"format": FORMAT_VERSION}})
    receipts = {array.path: write_shards(tree, array)}
    write_group(tree / "infrared")
    write_array_metadata(tree, array, RAW, [])
    tables = tables_of(count)
    write_table(tree / "samples", tables.samples, "sample")
    write_table(tree / "problems", tables.problems, "problem")
    write_labels(tree, tables.objects, tables.points)
    hidden = ("members", "offsets", "lengths")
    entry = {key: value for key, value in vars(array).items() if key not in hidden}
    irtd: dict[str, Any] = {
        "format": FORMAT_VERSION, "arrays": [entry], "splits": tables.splits,
        "scenes": tables.scenes, "sequences": tables.sequences, "categories": tables.categories,
        "counts": {"samples": count, "objects": count * BOXES},
    }  # fmt: skip
    irtd["files_digest"] = write_files_table(tree, receipts)
    irtd["digest"] = attributes_digest(irtd)
    write_group(tree, {"irtd": irtd})


@pytest.fixture(scope="module")
def big_store(contest: Contest, scratch: Path) -> tuple[Path, int]:
    count = 1_000_000 if contest.enabled else 20_000
    write_big_store(scratch / "big.zarr", count)
    return scratch / "big.zarr", count


def probe_turn(
    store: Path, boxes: Any, probe: str, note: Callable[[float, float], None]
) -> Callable[[int, int], float]:
    """A fresh process that opens the store and looks at one sample."""
    count = len(boxes) // BOXES

    def turn(number: int, _: int) -> float:
        sample = int(np.random.default_rng([2, number + 2]).integers(count))
        command = [sys.executable, "-c", probe, str(store), str(sample)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, megabytes, found, name, shown = json.loads(done.stdout)
        assert (found, name) == (count, f"frame_{sample:07d}")
        wanted = boxes[sample * BOXES : (sample + 1) * BOXES]
        assert np.array_equal(np.array(shown, np.float32), wanted)
        if number >= 0:
            note(seconds, megabytes)
        return float(seconds)

    return turn


@pytest.mark.slow
@pytest.mark.parametrize("impl", list(PROBES))
@pytest.mark.benchmark(timer=replayed_clock)
def test_open(contest: Contest, benchmark: Any, big_store: tuple[Path, int], impl: str) -> None:
    """``open_store``, ``len``, one sample's name and boxes; modules already imported."""
    if impl == "zarr-python":
        pytest.importorskip("zarr")
    store, count = big_store
    boxes = boxes_of(count)

    def note(seconds: float, megabytes: float) -> None:
        contest.note(GROUP, "seconds", seconds)
        contest.note(GROUP, "megabytes", megabytes)

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        nothing = lambda seconds, megabytes: None  # noqa: E731
        contenders = [
            Contender(name, probe_turn(store, boxes, probe, note if name == OURS else nothing), 1)
            for name, probe in PROBES.items()
        ]
        facts = {"cache": "warm", "samples": count, "objects": count * BOXES}
        return contenders, {"rounds": 5, "most_units": 1, "facts": facts}

    contest.enter(benchmark, GROUP, impl, prepare)


def first_batch_turn(
    store: Path, count: int, order: str, note: Callable[[float, float], None]
) -> Callable[[int, int], float]:
    """A fresh process that opens the store and takes one batch of an epoch."""
    probe = _FIRST_BATCH.replace("{order}", order)

    def turn(number: int, _: int) -> float:
        command = [sys.executable, "-c", probe, str(store), str(number + 2)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, megabytes, found, (pixels, processor), index = json.loads(done.stdout)
        assert found == count
        assert len(index) == 64
        held = np.array(pixels, np.uint8).reshape(64, SIDE, SIDE).view("<u8")
        assert np.array_equal(held[:, 0, 0], index)  # every picture holds its own number
        if number >= 0:
            note(processor, megabytes)
        return float(seconds)

    return turn


@pytest.mark.slow
@pytest.mark.parametrize("impl", list(ORDERS))
@pytest.mark.benchmark(timer=replayed_clock)
def test_first_batch(
    contest: Contest, benchmark: Any, big_store: tuple[Path, int], impl: str
) -> None:
    """``open_store``, ``Loader`` and the first batch of an epoch; modules already imported."""
    store, count = big_store

    def note(seconds: float, megabytes: float) -> None:
        contest.note(FIRST, "processor seconds", seconds)
        contest.note(FIRST, "megabytes", megabytes)

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        contenders = [
            Contender(name, first_batch_turn(store, count, order, note), 1)
            for name, order in ORDERS.items()
        ]
        return contenders, {"rounds": 3, "most_units": 1, "facts": {"samples": count}}

    contest.enter(benchmark, FIRST, impl, prepare)


def test_pixels_of_the_big_store(big_store: tuple[Path, int]) -> None:
    """The store is a real one: its last sample has the pixels that were written."""
    from irtd_fast.store.dataset import open_store

    store, count = big_store
    sample = open_store(store)[count - 1]
    assert sample.infrared.shape == (SIDE, SIDE)
    assert np.all(sample.infrared.view("<u8") == count - 1)
