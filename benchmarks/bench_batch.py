"""Training batches from a store: the loader beside what people build from the same readers.

Two tasks, both from pixels in the page cache: native-size uint8 batches, and the training task
(random resized crop to 448x448, flip, min-max to float32). Peers get the windows for nothing, do
no boxes, and reuse one output buffer; they run on as many threads as we do.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core
from irtd_fast.engines.ingest import ingest
from irtd_fast.load import Augment, Loader
from irtd_fast.radiometry import Counts
from irtd_fast.store.dataset import Dataset, open_store
from irtd_fast.store.plan import IngestOptions

from .bench_shard_read import warm
from .conftest import Contest
from .data import HEIGHT, WIDTH, JpegDump, ReadArray
from .race import OURS, Contender, replayed_clock, timed
from .readers import READERS, Reader, read_threads

BATCH, SIZE = 64, (448, 448)
PEERS = ["tensorstore", "zarrs", "zarr-python"]
_TOLERANCE = 1.01  # counts: OpenCV rounds between its resize and the stretch


@pytest.fixture(scope="module")
def store(contest: Contest, jpeg_dump: JpegDump, scratch: Path) -> tuple[Dataset, ReadArray]:
    """The ingested dump, as a dataset and as the plain Zarr array that the peers read."""
    path = scratch / "loader-store"
    ingest(jpeg_dump.root, path, source="hit-uav", options=IngestOptions(codec="raw"), limit=2000)
    folder = path / "hit-uav" / f"infrared/h{HEIGHT}w{WIDTH}u8"
    dataset = open_store(path)
    digests = [_core.xxh64(dataset[i].infrared) for i in range(len(dataset))]
    reader = dataset.sources[0].reader(0)
    array = ReadArray(folder, "raw-crc32c", "u8", len(dataset), reader.rows_per_shard, digests)
    warm(array)
    return dataset, array


class Task:
    """What a batch is made of: samples, windows and flips, the same for everybody."""

    def __init__(self, dataset: Dataset, number: int, count: int, *, train: bool) -> None:
        self.augment = Augment() if train else None
        self.loader = Loader(
            dataset[:count], batch_size=BATCH, size=SIZE if train else (HEIGHT, WIDTH),
            augment=self.augment, filter="bilinear", seed=7, threads=read_threads(),
            **({} if train else {"normalize": Counts(), "dtype": "uint8"}),
        )  # fmt: skip
        self.loader.set_epoch(number + 2)
        self.order = self.loader.course.order(number + 2)
        self.windows, self.flips = None, None
        if self.augment is not None:
            sides = (np.full(count, side, np.int64) for side in (HEIGHT, WIDTH))
            windows, self.flips = self.augment.draw(7, number + 2, self.order, *sides)
            self.windows = windows.astype(int)

    def render(self, pixels: Any, place: int, out: Any) -> None:
        """Crop, resize, flip and stretch one sample with OpenCV and NumPy."""
        import cv2

        x0, y0, x1, y1 = self.windows[place]
        view = cv2.resize(pixels[y0:y1, x0:x1], SIZE[::-1], interpolation=cv2.INTER_LINEAR)
        if self.flips[place]:
            view = cv2.flip(view, 1)
        low, high = int(pixels.min()), int(pixels.max())
        np.multiply(view, 1 / (high - low), out=out[0], dtype=np.float32)
        out[0] -= low / (high - low)

    def assert_batch(self, dataset: Dataset, images: Any, first: int) -> None:
        """Compare a batch that begins at place ``first`` of the order with the definition."""
        for offset in (0, len(images) // 2, len(images) - 1):
            pixels = dataset[int(self.order[first + offset])].infrared
            if self.augment is None:
                assert np.array_equal(images[offset].reshape(HEIGHT, WIDTH), pixels)
                continue
            expected = np.empty((1, *SIZE), np.float32)
            self.render(pixels, first + offset, expected)
            difference = np.abs(images[offset] - expected).max()
            assert difference <= _TOLERANCE / (int(pixels.max()) - int(pixels.min()))


def loader_turn(dataset: Dataset, *, train: bool) -> Callable[[int, int], float]:
    def turn(number: int, count: int) -> float:
        task = Task(dataset, number, count, train=train)

        def work() -> Any:
            last = None
            for batch in task.loader:
                last = batch
            return last

        seconds, last = timed(work)
        assert np.array_equal(last.index, task.order[-len(last) :])
        assert len(last.boxes) > 0
        task.assert_batch(dataset, last.images, count - len(last))
        return seconds

    return turn


def peer_turn(dataset: Dataset, reader: Reader, *, train: bool) -> Callable[[int, int], float]:
    pool = ThreadPoolExecutor(read_threads(), "bench-peer")
    out = np.zeros((BATCH, 1, *SIZE), np.float32)

    def turn(number: int, count: int) -> float:
        task = Task(dataset, number, count, train=train)

        def one(place: int) -> None:
            task.render(reader.one(int(task.order[place])), place, out[place % BATCH])

        def work() -> Any:
            images: Any = out
            for first in range(0, count, BATCH):
                if train:
                    list(pool.map(one, range(first, first + BATCH)))
                else:
                    images = reader.batch(task.order[first : first + BATCH])
            return images

        seconds, images = timed(work)
        task.assert_batch(dataset, images, count - BATCH)
        return seconds

    return turn


@pytest.mark.parametrize("impl", [OURS, *PEERS])
@pytest.mark.parametrize("task", ["native-u8", "train448-f32"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_loader(
    contest: Contest, benchmark: Any, store: tuple[Dataset, ReadArray], task: str, impl: str
) -> None:
    if impl != OURS:
        pytest.importorskip({"zarr-python": "zarr"}.get(impl, impl))
        pytest.importorskip("cv2")
    dataset, array = store
    train = task == "train448-f32"

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        contenders = [Contender(OURS, loader_turn(dataset, train=train), step=BATCH)]
        for name in PEERS if contest.enabled else [name for name in PEERS if name == impl]:
            try:
                reader = READERS[name](array, read_threads())
            except pytest.skip.Exception:
                continue
            contenders.append(Contender(name, peer_turn(dataset, reader, train=train), step=BATCH))
        size = SIZE[0] * SIZE[1] * 4 if train else HEIGHT * WIDTH
        facts = {"threads": read_threads(), "cache": "warm", "unit_bytes": size}
        return contenders, {
            "rounds": 9, "most_units": len(dataset) // BATCH * BATCH, "seconds_a_turn": 0.15,
            "facts": facts,
        }  # fmt: skip

    contest.enter(benchmark, f"loader-{task}-warm", impl, prepare)
