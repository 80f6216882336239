"""What a store gives on this machine, and what bounds it.

Three things take turns over samples in the same random order: bare preads of the stored bytes (what
the disk gives), the loader at native size in the counts' own type (no resampling: samples of the
most frequent shape), and the loader in its training configuration.
Each is measured with the page cache dropped for the store's files and with all in it. Rates are
medians over the rounds, fractions medians of the ratios within a round, since the disks of shared
machines wander by a factor of two.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import StoreError
from irtd_fast.load.compare import dataloader_rate
from irtd_fast.load.extents import extents_of
from irtd_fast.load.loader import Loader
from irtd_fast.load.memory import available_memory
from irtd_fast.radiometry import Counts
from irtd_fast.store.dataset import Dataset, open_store

Progress = Callable[[str, int, int], None]
# One pass over samples, in pieces: how many, and the seconds they took.
_Pass = Iterator[tuple[int, float]]

_ROUNDS = 5
_DISK_DEPTH = 16  # requests in flight that show what a disk can do
_PIECE = 256  # samples between two looks at the clock
_WARM_BYTES = 2 << 30
_DISK_BOUND = 0.8
_STAGES = ("read", "check", "decode", "normalize", "resample")


def bench_store(
    path: str | Path,
    *,
    batch_size: int = 64,
    size: tuple[int, int] = (448, 448),
    seconds: float = 3.0,
    threads: int = 0,
    compare: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure a store cold and warm, and say what bounds it.

    Args:
        path: The store.
        batch_size: Samples of a batch.
        size: (height, width) of the training configuration: random resized crop, flip, min-max
            to float32.
        seconds: How long each measurement lasts.
        threads: Native threads, by default some more than cores.
        compare: Also measure ``DataLoader`` with OpenCV on the same pictures, warm; the result then
            has ``compare``: its ``images_per_s`` and our ``times_faster``.
        progress: Called with (phase, rounds done, rounds in all).

    Returns:
        JSON-able. ``cold`` and ``warm``: ``images_per_s`` of the loader, ``native_images_per_s``
        of the loader at native size (``None`` where no two pictures are alike in shape),
        ``ceiling_images_per_s`` and ``ceiling_mb_per_s`` of
        bare preads, and the loader's share of that ceiling (``disk_fraction``, warm
        ``memory_fraction``). ``stages``: microseconds an image, cold and warm, summed over
        threads for read, check, decode and transform, and the consumer's wait.
        ``bound_by``:
        ``disk``, ``decode``, ``transform`` or ``python``. ``samples``, ``threads``, ``cores``,
        ``stored_bytes`` (an image).

    Raises:
        StoreError: The store has no samples.
        UnsupportedError: ``compare`` without PyTorch or OpenCV.
        CorruptStoreError: It is damaged.
    """
    dataset = open_store(path)
    if len(dataset) == 0:
        raise StoreError(f"{path}: the store has no samples to measure", path=str(path))
    bench = _Bench(dataset, batch_size, size, threads or _default_threads(), seconds / _ROUNDS)
    tell = progress or (lambda phase, done, total: None)
    cold = bench.measure(cold=True, tell=tell)
    warm = bench.measure(cold=False, tell=tell)
    report: dict[str, Any] = {
        "cold": _summary(cold, "disk_fraction"),
        "warm": _summary(warm, "memory_fraction"),
        "stages": {"cold": cold.stages(), "warm": warm.stages()},
        "bound_by": _bound_by(cold, warm, bench.threads),
        "samples": len(dataset), "threads": bench.threads, "cores": _core.available_threads(),
        "stored_bytes": round(bench.extents.bytes / len(dataset)),
    }  # fmt: skip
    if compare:
        rate = dataloader_rate(dataset, batch_size=batch_size, size=size, seconds=seconds)
        times = report["warm"]["images_per_s"] / rate
        report["compare"] = {"images_per_s": round(rate, 1), "times_faster": round(times, 2)}
    return report


@dataclass
class _Turns:
    """Images a second of each round, and what the loader's stages took."""

    image_bytes: float
    ceiling: list[float] = field(default_factory=list)
    native: list[float] = field(default_factory=list)
    loader: list[float] = field(default_factory=list)
    images: int = 0
    wall_ns: float = 0.0
    wait_ns: int = 0
    stage_ns: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_STAGES, 0))

    def stages(self) -> dict[str, float]:
        """Microseconds an image."""
        spent = self.stage_ns
        table = {
            **{name: spent[name] for name in ("read", "check", "decode")},
            "transform": spent["normalize"] + spent["resample"], "wait": self.wait_ns,
        }  # fmt: skip
        return {f"{k}_us": round(ns / 1e3 / max(1, self.images), 2) for k, ns in table.items()}

    def fraction(self) -> float:
        """The loader's share of the ceiling."""
        pairs = zip(self.loader, self.ceiling, strict=True)
        return statistics.median(ours / most for ours, most in pairs)


def _summary(turns: _Turns, fraction: str) -> dict[str, float | None]:
    ceiling = statistics.median(turns.ceiling)
    native = statistics.median(turns.native) if turns.native else None
    return {
        "images_per_s": round(statistics.median(turns.loader), 1),
        fraction: round(turns.fraction(), 3),
        "native_images_per_s": None if native is None else round(native, 1),
        "ceiling_images_per_s": round(ceiling, 1),
        "ceiling_mb_per_s": round(ceiling * turns.image_bytes / 1e6, 1),
    }


def _bound_by(cold: _Turns, warm: _Turns, threads: int) -> str:
    """What would have to be faster for the cold loader to be faster."""
    slower_disk = statistics.median(cold.ceiling) <= statistics.median(warm.loader)
    if slower_disk or cold.fraction() >= _DISK_BOUND:
        return "disk"
    spent = warm.stage_ns
    transform = spent["normalize"] + spent["resample"]
    fetch = spent["read"] + spent["check"] + spent["decode"]
    if (fetch + transform) / max(1.0, warm.wall_ns * threads) < 1 / 2:
        return "python"  # the native threads wait for work more often than they have it
    return "decode" if fetch > transform else "transform"


@dataclass
class _Bench:
    """The measurements; every turn lasts ``seconds`` and begins elsewhere in the order."""

    dataset: Dataset
    batch_size: int
    size: tuple[int, int]
    threads: int
    seconds: float

    def __post_init__(self) -> None:
        self.extents = extents_of(self.dataset)
        self.order = np.random.default_rng(0).permutation(len(self.dataset)).astype(np.int64)
        self._epoch = 0
        self._native_shape: tuple[tuple[int, int], Literal["uint8", "uint16"]] = (1, 1), "uint8"

    def measure(self, *, cold: bool, tell: Progress) -> _Turns:
        """All rounds, with the page cache dropped or with the samples in it."""
        phase = "cold" if cold else "warm"
        order = self.order if cold else self.order[: self._warm_count()]
        turns = _Turns(self.extents.bytes / len(self.dataset))
        reset = self.extents.drop if cold else (lambda: None)
        tell(phase, 0, _ROUNDS)
        if not cold:
            self.extents.pick(order).read(self.threads)  # brings them into the page cache
        alike = self._most_alike(order)
        native = _Turns(0.0)
        for number in range(_ROUNDS):
            first, second, third = (self._turned(order, 3 * number + k) for k in range(3))
            turns.ceiling.append(self._rate(partial(self._bare_reads, first, cold=cold), reset))
            if len(alike) > 1:
                mine = second[np.isin(second, alike)]
                turns.native.append(self._loader_rate(self._native(mine), reset, native))
            turns.loader.append(self._loader_rate(self._training(third), reset, turns))
            tell(phase, number + 1, _ROUNDS)
        return turns

    def _turned(self, order: NDArray[np.int64], turn: int) -> NDArray[np.int64]:
        """The order from another place on, so that turns do not read the same samples first."""
        return np.roll(order, -len(order) * turn // (3 * _ROUNDS))

    def _warm_count(self) -> int:
        """Samples that the page cache holds for certain."""
        room = min(_WARM_BYTES, available_memory() // 4)
        running = np.cumsum(self.extents.nbytes[self.order])
        return max(1, int(np.searchsorted(running, room, side="right")))

    def _rate(self, one_pass: Callable[[], _Pass], reset: Callable[[], None]) -> float:
        """Images a second, in passes until the time is up; ``reset`` is not timed."""
        images, spent = 0, 0.0
        while spent < self.seconds:
            reset()
            for count, took in one_pass():
                images, spent = images + count, spent + took
                if spent >= self.seconds:
                    break
        return images / spent

    def _bare_reads(self, order: NDArray[np.int64], *, cold: bool) -> _Pass:
        # A disk gives its best with many requests in flight, whatever the loader does.
        threads = max(_DISK_DEPTH, self.threads) if cold else self.threads
        for first in range(0, len(order), _PIECE):
            part = self.extents.pick(order[first : first + _PIECE])
            yield len(part), part.read(threads)

    def _most_alike(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Samples of the most frequent shape and type of pictures."""
        codes, _ = self.dataset.locate(order)
        arrays = [info for source in self.dataset.sources for info in source.arrays]
        deep = np.array([info.dtype == "uint16" for info in arrays])[codes]
        keys = np.column_stack([self.dataset.sizes(order), deep])
        shapes, which, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        best = int(np.argmax(counts))
        height, width, is_deep = shapes[best].tolist()
        self._native_shape = (height, width), "uint16" if is_deep else "uint8"
        mine: NDArray[np.int64] = order[which.reshape(-1) == best]
        return mine

    def _native(self, order: NDArray[np.int64]) -> Loader:
        """Pictures as they are, in the order given."""
        size, dtype = self._native_shape
        return Loader(
            self.dataset[order], batch_size=self.batch_size, size=size, threads=self.threads,
            augment=None, normalize=Counts(), dtype=dtype, order="sequential",
        )  # fmt: skip

    def _training(self, order: NDArray[np.int64]) -> Loader:
        return Loader(
            self.dataset[order], batch_size=self.batch_size, size=self.size, threads=self.threads
        )

    def _loader_rate(self, loader: Loader, reset: Callable[[], None], turns: _Turns) -> float:
        rate = self._rate(partial(self._loader_pass, loader), reset)
        turns.images += loader.stats.images
        turns.wait_ns += loader.stats.wait_ns
        turns.wall_ns += loader.stats.images / rate * 1e9
        for name in _STAGES:
            turns.stage_ns[name] += getattr(loader.stats, f"{name}_ns")
        return rate

    def _loader_pass(self, loader: Loader) -> _Pass:
        loader.set_epoch(self._epoch)
        self._epoch += 1
        started = time.perf_counter()
        for batch in loader:
            now = time.perf_counter()
            yield len(batch), now - started
            started = time.perf_counter()


def _default_threads() -> int:
    """As many as a read of many samples uses by default: a few more than cores."""
    return min(64, max(4, 2 * _core.available_threads()))
