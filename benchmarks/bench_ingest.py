"""Ingest of gray JPEG: the whole call, scan to commit, against decoding alone."""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core
from irtd_fast.engines.ingest import ingest
from irtd_fast.store.dataset import open_store

from .conftest import Contest
from .data import HEIGHT, WIDTH, JpegDump
from .race import OURS, Contender, replayed_clock, timed

_PER_SHARD = 256
_CHECKED = 16


def checked_rows(number: int, count: int) -> Any:
    return np.random.default_rng([9, number + 2]).choice(count, min(_CHECKED, count), replace=False)


def assert_pictures(files: Sequence[str], rows: Any, get: Callable[[int], Any]) -> None:
    """Compare pictures of a store with what OpenCV decodes from the files."""
    cv2 = pytest.importorskip("cv2")
    for row in rows.tolist():
        expected = cv2.imread(files[row], cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(get(row), expected), f"{files[row]}: other pixels in the store"


def irtd_turn(dump: JpegDump, out: Path, threads: int) -> Callable[[int, int], float]:
    def turn(number: int, count: int) -> float:
        seconds, report = timed(
            lambda: ingest(dump.root, out, source="hit-uav", workers=threads, limit=count)
        )
        assert report.problems == []
        assert report.counts["samples"] == count
        assert report.counts["objects"] == dump.objects * count // len(dump.files)
        dataset = open_store(out)
        assert len(dataset) == count
        rows = checked_rows(number, count)
        assert_pictures(dump.files, rows, lambda row: dataset[row].infrared)
        return seconds

    return turn


def opencv_zarr_turn(dump: JpegDump, out: Path) -> Callable[[int, int], float]:
    """The loop that people write: cv2.imread into a buffer, a shard at a time into zarr-python."""
    cv2 = pytest.importorskip("cv2")
    zarr = pytest.importorskip("zarr")

    def work(files: Sequence[str]) -> Any:
        array = zarr.create_array(
            out, shape=(len(files), HEIGHT, WIDTH), dtype="uint8", chunks=(1, HEIGHT, WIDTH),
            shards=(min(_PER_SHARD, len(files)), HEIGHT, WIDTH),
            compressors=[zarr.codecs.Crc32cCodec()],
        )  # fmt: skip
        for first in range(0, len(files), _PER_SHARD):
            part = files[first : first + _PER_SHARD]
            buffer = np.empty((len(part), HEIGHT, WIDTH), np.uint8)
            for place, file in enumerate(part):
                buffer[place] = cv2.imread(file, cv2.IMREAD_GRAYSCALE)
            array[first : first + len(part)] = buffer
        return array

    def turn(number: int, count: int) -> float:
        seconds, array = timed(lambda: work(dump.files[:count]))
        assert_pictures(dump.files, checked_rows(number, count), lambda row: array[row])
        return seconds

    return turn


def ceiling_turn(dump: JpegDump, threads: int) -> Callable[[int, int], float]:
    """The C++ loop that only reads and decodes; a file it cannot decode raises."""
    return lambda number, count: _core.jpeg_ceiling(dump.files[:count], HEIGHT, WIDTH, threads)


def write_turn(out: Path) -> Callable[[int, int], float]:
    """Write and sync as many bytes as the pixels have, straight from memory: the disk's share."""
    piece = mmap.mmap(-1, 8 << 20)  # aligned, as direct writes must be

    def work(size: int) -> int:
        try:
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_DIRECT)
        except OSError:  # a file system without direct writes
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT)
        try:
            written = 0
            while written < size:
                written += os.write(descriptor, piece)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        return written

    def turn(_: int, count: int) -> float:
        seconds, written = timed(lambda: work(count * HEIGHT * WIDTH))
        assert out.stat().st_size == written >= count * HEIGHT * WIDTH
        return seconds

    return turn


@pytest.mark.parametrize("cores", ["one-thread", "all-cores"])
@pytest.mark.parametrize("impl", [OURS, "cv2 + zarr-python", "ceiling", "write + sync"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_ingest(
    contest: Contest, benchmark: Any, jpeg_dump: JpegDump, scratch: Path, impl: str, cores: str
) -> None:
    """With one thread labels, checksums and syncing may use another core; with all they share."""
    threads = 1 if cores == "one-thread" else _core.available_threads()
    stores = scratch / "ingest-store", scratch / "ingest-peer.zarr"
    plain = scratch / "ingest-bytes"

    def clear() -> None:
        plain.unlink(missing_ok=True)
        for store in stores:
            if store.exists():
                shutil.rmtree(store)  # takes its unwritten pages with it

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        clear()
        count = len(jpeg_dump.files) // (2 if threads == 1 else 1)
        peer = min(count, 512)
        contenders = [
            Contender(OURS, irtd_turn(jpeg_dump, stores[0], threads), count, count),
            Contender("cv2 + zarr-python", opencv_zarr_turn(jpeg_dump, stores[1]), peer, peer),
            Contender("ceiling", ceiling_turn(jpeg_dump, threads), count, count),
            Contender("write + sync", write_turn(plain), count, count),
        ]
        size = jpeg_dump.bytes / count
        facts = {"threads": threads, "cache": "warm", "file_bytes": round(size),
                 "pictures": count, "unit_bytes": HEIGHT * WIDTH}  # fmt: skip
        return contenders, {"rounds": 5, "most_units": count, "facts": facts, "before_turn": clear}

    contest.enter(benchmark, f"ingest-jpeg-gray-{HEIGHT}x{WIDTH}-{cores}", impl, prepare)
    clear()
