"""The training task end to end: loaders of others, and what this machine could do at best.

512 x 640 gray infrared with 7 boxes -> random resized crop to 448 x 448 with its boxes -> flip ->
float32, three channels, mean and standard deviation -> batches of 64; all cores, everybody
shuffled. Peers (``peers/``) decode JPEG files or their own containers of them, as their
documentation shows. Floors beside them: a C++ loop that reads, decodes and resamples the same
pictures by the same matrices into recycled memory, bare reads, bare decoding.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core, synth
from irtd_fast.engines.ingest import ingest
from irtd_fast.load import Loader, Visible
from irtd_fast.load.extents import Extents, extents_of
from irtd_fast.radiometry import ZScore
from irtd_fast.store.dataset import Dataset, open_store
from irtd_fast.store.plan import IngestOptions
from irtd_fast.store.spec import make_chain

from .conftest import Contest
from .data import HEIGHT, WIDTH, JpegDump, annotations
from .peers.client import PEERS, WARM_UP, PeerProcess
from .race import OURS, Contender, replayed_clock, timed

BATCH, SIZE = 64, (448, 448)
MEAN, STD = 0.449 * 255, 0.226 * 255
_LEAST_SAMPLES = 1024  # of peers: full batches for each worker, or some never deliver any
STORES = {
    "raw": IngestOptions(codec="raw"),
    "zstd": IngestOptions(codec="zstd"),
    "lz4": IngestOptions(codec="lz4"),
    "jpeg": IngestOptions(profile="compact"),
}


@dataclass
class Stock:
    """One dump as stores of every kind, each ingested when it is first asked for."""

    dump: JpegDump
    folder: Path
    limit: int

    def dataset(self, kind: str) -> Dataset:
        path = self.folder / f"{kind}.zarr"
        if not path.exists():
            ingest(self.dump.root, path, source="hit-uav", options=STORES[kind], limit=self.limit)
        return open_store(path)


@pytest.fixture(scope="module")
def stock(contest: Contest, jpeg_dump: JpegDump, scratch: Path) -> Stock:
    return Stock(jpeg_dump, scratch / "train", 4000 if contest.enabled else len(jpeg_dump.files))


@pytest.fixture(scope="module")
def peer_folder(jpeg_dump: JpegDump, scratch: Path) -> Path:
    """The same pictures and boxes, listed for the peers."""
    files = jpeg_dump.files[:4000]
    boxes: list[list[list[float]]] = [[] for _ in files]
    for item in annotations(len(files)):
        x, y, w, h = item["bbox"]
        boxes[item["image_id"]].append([x, y, x + w, y + h])
    folder = scratch / "peers"
    folder.mkdir()
    samples = list(zip(files, boxes, strict=True))
    samples *= -(-_LEAST_SAMPLES // len(samples))
    (folder / "samples.json").write_text(json.dumps(samples))
    return folder


def train_loader(dataset: Dataset, **options: Any) -> Loader:
    chosen = {"channels": 3, "normalize": ZScore(MEAN, STD), "filter": "bilinear", **options}
    return Loader(dataset, BATCH, SIZE, seed=7, **chosen)


def loader_turn(loader: Loader) -> Callable[[int, int], float]:
    """Whole epochs of so many samples: nothing is made ahead while others have their turn."""

    def turn(number: int, count: int) -> float:
        assert count <= len(loader.dataset)
        mine = replace(loader, dataset=loader.dataset[:count])
        mine.set_epoch(number + 2)

        seconds, batch = timed(lambda: last_of(mine))
        assert_batch(mine, batch)
        return seconds

    return turn


def last_of(loader: Loader) -> Any:
    """The last batch; the memory of all others is used again."""
    last = None
    for batch in loader:
        last = batch
    return last


def assert_batch(loader: Loader, batch: Any) -> None:
    """A picture of the batch by OpenCV, within a level."""
    import cv2

    assert len(batch.boxes) > 0
    sample = loader.dataset[int(batch.index[0])]
    m = batch.matrix[0]
    scale_x, scale_y = abs(m[0, 0]), m[1, 1]
    flip = m[0, 0] < 0
    x0 = (m[0, 2] - SIZE[1]) / scale_x if flip else -m[0, 2] / scale_x
    x0, y0 = round(abs(x0)), round(-m[1, 2] / scale_y)
    w, h = round(SIZE[1] / scale_x), round(SIZE[0] / scale_y)
    view = cv2.resize(sample.infrared[y0 : y0 + h, x0 : x0 + w], SIZE[::-1])
    view = cv2.flip(view, 1) if flip else view
    found = batch.images[0, 0].astype(np.float32)
    if batch.images.dtype == np.float32:
        found = found * STD + MEAN
    assert np.abs(found - view).max() <= 2
    if loader.visible:
        assert batch.visible.shape == batch.images.shape
        assert np.isfinite(batch.visible).all()


@dataclass
class Best:
    """The ceilings of a dataset: the same pictures in the same windows."""

    dataset: Dataset
    threads: int
    chain: Any = None
    jpeg: bool = False

    def __post_init__(self) -> None:
        loader = train_loader(self.dataset)
        order = loader.course.order(0)
        plans = [
            loader.plan_batch(order[k : k + BATCH], 0)
            for k in range(0, len(order) - BATCH + 1, BATCH)
        ]
        self.matrices = np.concatenate([plan.infrared.matrix for plan in plans])
        self.extents: Extents = extents_of(self.dataset).pick(order[: len(self.matrices)])

    def fused(self, number: int, count: int) -> float:
        """Read, decode, resample, write; nothing else."""
        here = np.arange(number * count, (number + 1) * count) % len(self.matrices)
        part = self.extents.pick(here)
        return _core.fused_ceiling(
            part.paths, part.file, part.offset, part.nbytes, self.chain,
            matrices=self.matrices[here], stored=(HEIGHT, WIDTH, 1), jpeg=self.jpeg, size=SIZE,
            scale=1 / STD, shift=-MEAN / STD, slots=2 * BATCH, threads=self.threads,
        )  # fmt: skip

    def reads(self, number: int, count: int) -> float:
        """Bare reads with many requests in flight."""
        here = np.arange(number * count, (number + 1) * count) % len(self.matrices)
        return self.extents.pick(here).read(threads=max(16, self.threads))


def warm(dataset: Dataset) -> None:
    extents_of(dataset).read(threads=_core.available_threads())


def race(contest: Contest, benchmark: Any, group: str, impl: str, contenders: Any,
         **arguments: Any) -> None:  # fmt: skip
    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        return contenders(), {"rounds": 9, "most_units": 3968, "seconds_a_turn": 1.0, **arguments}

    contest.enter(benchmark, group, impl, prepare)


@pytest.mark.parametrize("impl", [OURS, "fused", *(peer.name for peer in PEERS)])
@pytest.mark.benchmark(timer=replayed_clock)
def test_peers(contest: Contest, benchmark: Any, stock: Stock, peer_folder: Path, impl: str,
               request: pytest.FixtureRequest) -> None:  # fmt: skip
    peers = [peer for peer in PEERS if contest.enabled or peer.name == impl]
    for peer in PEERS:
        if peer.name == impl and peer.python() is None:
            pytest.skip(f"{peer.name} is not installed; `make bench-peers` does it")

    held = contest.results.get("train-peers-warm")
    if held is not None and impl not in held.seconds:
        pytest.skip(f"{impl} did not start; the first benchmark of the group warned of it")

    def contenders() -> list[Contender]:
        dataset = stock.dataset("raw")
        warm(dataset)
        found = [
            Contender(OURS, loader_turn(train_loader(dataset)), step=BATCH),
            Contender("fused", Best(dataset, _core.available_threads()).fused, step=BATCH),
        ]
        for peer in peers:
            if peer.python() is None:
                continue
            try:
                process = PeerProcess(
                    peer, peer_folder, peer_folder / f"{peer.name}.log",
                    warm_up=WARM_UP if contest.enabled else 0,
                )  # fmt: skip
            except RuntimeError as error:  # the floor that names it says that it is missing
                warnings.warn(f"{peer.name} takes no part: {error}", stacklevel=1)
                continue
            request.addfinalizer(process.close)
            count = 16 * BATCH if contest.enabled else BATCH
            found.append(Contender(peer.name, process.turn, units=count, step=BATCH))
        return found

    race(contest, benchmark, "train-peers-warm", impl, contenders, rounds=7)


@pytest.mark.parametrize("impl", [OURS, "fused"])
@pytest.mark.parametrize("kind", ["zstd", "lz4"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_codecs(contest: Contest, benchmark: Any, stock: Stock, kind: str, impl: str) -> None:
    def contenders() -> list[Contender]:
        dataset = stock.dataset(kind)
        warm(dataset)
        sharding = dataset.sources[0].spec(0).sharding
        assert sharding is not None
        chain = make_chain(sharding.codecs, 1)
        best = Best(dataset, _core.available_threads(), chain=chain)
        return [
            Contender(OURS, loader_turn(train_loader(dataset)), step=BATCH),
            Contender("fused", best.fused, step=BATCH),
        ]

    race(contest, benchmark, f"train-{kind}-warm", impl, contenders)


@pytest.mark.parametrize("impl", [OURS, "decode", "fused"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_compact(contest: Contest, benchmark: Any, stock: Stock, impl: str) -> None:
    def contenders() -> list[Contender]:
        dataset = stock.dataset("jpeg")
        warm(dataset)
        threads = _core.available_threads()
        files = stock.dump.files[:2000]

        def decode(number: int, count: int) -> float:
            part = [files[(number * count + k) % len(files)] for k in range(count)]
            return _core.jpeg_ceiling(part, HEIGHT, WIDTH, threads)

        return [
            Contender(OURS, loader_turn(train_loader(dataset, threads=threads)), step=BATCH),
            Contender("decode", decode, step=BATCH),
            Contender("fused", Best(dataset, threads, jpeg=True).fused, step=BATCH),
        ]

    race(contest, benchmark, "train-compact-warm", impl, contenders)


@pytest.mark.parametrize("impl", [OURS, "float32x3"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_bytes(contest: Contest, benchmark: Any, stock: Stock, impl: str) -> None:
    """One uint8 channel against three of float32, both ours."""
    from irtd_fast.radiometry import Window

    def contenders() -> list[Contender]:
        dataset = stock.dataset("raw")
        warm(dataset)
        levels = train_loader(dataset, channels=1, dtype="uint8", normalize=Window(0, 255))
        return [
            Contender(OURS, loader_turn(levels), step=BATCH),
            Contender("float32x3", loader_turn(train_loader(dataset)), step=BATCH),
        ]

    race(contest, benchmark, "train-uint8-warm", impl, contenders)


@pytest.mark.parametrize("impl", [OURS, "one thread"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_scaling(contest: Contest, benchmark: Any, stock: Stock, impl: str) -> None:
    """All cores against one, both ours; ``threads`` beyond cores would flatter neither."""

    def contenders() -> list[Contender]:
        dataset = stock.dataset("raw")
        warm(dataset)
        cores = _core.available_threads()
        return [
            Contender(OURS, loader_turn(train_loader(dataset, threads=cores)), step=BATCH),
            Contender(
                "one thread", loader_turn(train_loader(dataset, threads=1, prefetch=0)), step=BATCH
            ),
        ]

    race(contest, benchmark, "train-scaling-warm", impl, contenders)


@pytest.mark.parametrize("impl", [OURS, "reads"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_cold(contest: Contest, benchmark: Any, stock: Stock, impl: str) -> None:
    """A whole pass with the page cache dropped, against bare reads of the same bytes."""

    def contenders() -> list[Contender]:
        dataset = stock.dataset("raw")
        best = Best(dataset, _core.available_threads())
        count = 1024 if contest.enabled else len(dataset)

        def turn(number: int, units: int) -> float:
            loader = train_loader(dataset[:units])
            loader.set_epoch(number + 2)
            best.extents.drop()
            seconds, last = timed(lambda: last_of(loader))
            assert_batch(loader, last)
            return seconds

        def reads(number: int, units: int) -> float:
            best.extents.drop()
            return best.reads(number, units)

        return [
            Contender(OURS, turn, units=count, step=BATCH),
            Contender("reads", reads, units=count, step=BATCH),
        ]

    race(contest, benchmark, "train-raw-cold", impl, contenders, rounds=7)


@pytest.fixture(scope="module")
def pair_store(contest: Contest, scratch: Path) -> Path:
    """Registered pairs of 512 x 640, the visible pictures as pixels."""
    root = scratch / "train-pairs"
    count = 1024 if contest.enabled else BATCH
    synth.write_dump(root / "dump", source="llvip", count=count, seed=5, size=(HEIGHT, WIDTH))
    options = IngestOptions(codec="raw", visible="fast")
    ingest(root / "dump", root / "pairs.zarr", source="llvip", options=options)
    return root / "pairs.zarr"


@pytest.mark.parametrize("impl", [OURS, "infrared alone"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_pairs(contest: Contest, benchmark: Any, pair_store: Path, impl: str) -> None:
    """Infrared and RGB with boxes in both, against infrared alone; both ours."""

    def contenders() -> list[Contender]:
        dataset = open_store(pair_store)
        warm(dataset)
        pairs = train_loader(dataset, visible=Visible(normalize=ZScore(MEAN, STD)))
        return [
            Contender(OURS, loader_turn(pairs), step=BATCH),
            Contender("infrared alone", loader_turn(train_loader(dataset)), step=BATCH),
        ]

    race(contest, benchmark, "train-pairs-warm", impl, contenders, most_units=1024)
