"""Adapters: the same two questions (one sample, a batch of samples) put to every library.

Every reader keeps open what it can keep open. Each returns fresh arrays. Batches are what the
library does best: ours, tensorstore: one contiguous array; zarr-python and zarrs: threads that
take one sample each (their own fancy indexing of sharded arrays is 20 times slower than that).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.store.source import open_array
from irtd_fast.store.spec import make_chain

from .data import ReadArray
from .race import OURS

Rows = NDArray[np.int64]


def read_threads() -> int:
    """Threads of every batch read: a few more than cores, the default of irtd_fast."""
    return min(64, max(4, 2 * _core.available_threads()))


class Reader(Protocol):
    """What is asked of an implementation."""

    def one(self, row: int) -> Any:
        """One sample."""

    def batch(self, rows: Rows) -> Any:
        """Many samples, in the order asked for."""

    def pixels(self, answers: Any) -> Any:
        """What ``batch`` returned, as pictures."""


class Irtd:
    """irtd_fast's own reader."""

    def __init__(self, array: ReadArray, threads: int) -> None:
        self._reader = open_array(array.path)
        self._threads = threads
        self.one: Callable[[int], Any] = self._reader.read

    def batch(self, rows: Rows) -> Any:
        return self._reader.read_batch(rows, threads=self._threads)

    def pixels(self, answers: Any) -> Any:
        return answers


class Zarr:
    """zarr-python with its own codec pipeline."""

    pipeline = "zarr.core.codec_pipeline.BatchedCodecPipeline"

    def __init__(self, array: ReadArray, threads: int) -> None:
        zarr = pytest.importorskip("zarr")
        # The pipeline is chosen when the array is opened; the setting ends with the block.
        with zarr.config.set({"codec_pipeline.path": self.pipeline}):
            self._array = zarr.open_array(array.path, mode="r")
        used = type(self._array._async_array.codec_pipeline).__name__  # noqa: SLF001 - to be sure
        assert used == self.pipeline.rpartition(".")[2]
        self._pool = ThreadPoolExecutor(threads, "bench-zarr")
        self.one: Callable[[int], Any] = self._array.__getitem__

    def batch(self, rows: Rows) -> Any:
        return list(self._pool.map(self.one, rows.tolist()))

    def pixels(self, answers: Any) -> Any:
        return answers


class Zarrs(Zarr):
    """zarr-python over the codec pipeline of zarrs (Rust)."""

    pipeline = "zarrs.ZarrsCodecPipeline"

    def __init__(self, array: ReadArray, threads: int) -> None:
        pytest.importorskip("zarrs")
        super().__init__(array, threads)


class Tensorstore:
    """tensorstore; a small cache pool lets it keep the shard index, as the others do."""

    def __init__(self, array: ReadArray, threads: int) -> None:
        tensorstore = pytest.importorskip("tensorstore")
        spec = {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(array.path)},
            "context": {
                "cache_pool": {"total_bytes_limit": 4 << 20},
                "data_copy_concurrency": {"limit": threads},
                "file_io_concurrency": {"limit": threads},
            },
        }
        self._array = tensorstore.open(spec, open=True, read=True).result()

    def one(self, row: int) -> Any:
        return self._array[row].read().result()

    def batch(self, rows: Rows) -> Any:
        return self._array[rows].read().result()

    def pixels(self, answers: Any) -> Any:
        return answers


class Pread:
    """os.pread of the stored bytes, index in memory: no check, no decoding, no array."""

    def __init__(self, array: ReadArray, threads: int) -> None:
        self._array = array
        self._files = [os.open(file, os.O_RDONLY | os.O_CLOEXEC) for file in array.files()]
        self._pool = ThreadPoolExecutor(threads, "bench-pread")
        self._places: list[tuple[int, int, int]] = []
        for descriptor in self._files:
            size = os.fstat(descriptor).st_size
            span = 16 * array.rows_per_shard
            index = np.frombuffer(os.pread(descriptor, span, size - span - 4), "<u8").reshape(-1, 2)
            self._places += [(descriptor, nbytes, offset) for offset, nbytes in index.tolist()]

    def __del__(self) -> None:
        for descriptor in self._files:
            os.close(descriptor)

    def one(self, row: int) -> Any:
        return os.pread(*self._places[row])

    def batch(self, rows: Rows) -> Any:
        return list(self._pool.map(self.one, rows.tolist()))

    def pixels(self, answers: Any) -> Any:
        itemsize = 2 if self._array.dtype == "u16" else 1
        chain = make_chain(self._array.codecs, itemsize)
        return [chain.decode(stored, self._array.sample_bytes) for stored in answers]


READERS: dict[str, Callable[[ReadArray, int], Reader]] = {
    OURS: Irtd,
    "tensorstore": Tensorstore,
    "zarrs": Zarrs,
    "zarr-python": Zarr,
    "os.pread": Pread,
}


class Ceiling:
    """A C++ loop that preads, checks and decodes on the same threads, and does nothing else.

    Args:
        array: What it reads.
        places: Samples it writes before it writes over them: 1, or a batch. It must not have an
            easier time in the processor's caches than the readers that it judges. Each of its
            threads turns in a part of the places, and only as many threads as there are cores
            run at a time, so that it gets more places in proportion.
        threads: Of the loop.
    """

    def __init__(self, array: ReadArray, places: int, threads: int) -> None:
        self._array = array
        self._reader = open_array(array.path)
        self._chain = make_chain(array.codecs, 2 if array.dtype == "u16" else 1)
        self._threads = threads
        at_once = min(threads, _core.available_threads())
        self._slots = places * threads // at_once

    def seconds(self, rows: Rows, *, decode: bool = True) -> float:
        """Seconds for these rows; it raises if a checksum is wrong."""
        shard, offset, nbytes = self._reader.extents(rows)
        return _core.read_ceiling(
            self._array.files(), shard, offset, nbytes, self._chain if decode else None,
            chunk_bytes=self._array.sample_bytes, slots=self._slots, threads=self._threads,
        )  # fmt: skip


def file_system(path: Path) -> str:
    """Type of the file system that holds a path, e.g. ``ext4``."""
    import psutil

    mounts = {Path(p.mountpoint): p.fstype for p in psutil.disk_partitions(all=True)}
    return next((mounts[p] for p in (path, *path.parents) if p in mounts), "unknown")
