"""Random reads from one sharded array: one sample, and batches of 64, warm and cold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core

from .conftest import Contest
from .data import CODECS, ReadArray
from .race import OURS, Contender, replayed_clock, timed
from .readers import READERS, Ceiling, Reader, Rows, file_system, read_threads

BATCH = 64
NAMES = [*READERS, "ceiling"]

impl = pytest.mark.parametrize("impl", NAMES)
dtype = pytest.mark.parametrize("dtype", ["u8", "u16"])
codec = pytest.mark.parametrize("codec", list(CODECS))


def rows_of_turn(array: ReadArray, number: int, count: int) -> Rows:
    """The same for all contenders of a round: the beginning of one permutation."""
    order = np.random.default_rng([5, number + 2]).permutation(array.rows)
    return order[:count].astype(np.int64)


def one_by_one(array: ReadArray, reader: Reader) -> Callable[[int, int], float]:
    """A turn of one-sample reads; the last one's pixels and two more are checked."""

    def turn(number: int, count: int) -> float:
        rows = rows_of_turn(array, number, count)
        wanted = rows.tolist()
        one = reader.one

        def work() -> Any:
            last = None
            for row in wanted:
                last = one(row)
            return last

        seconds, last = timed(work)
        array.assert_pixels(rows[-1:], reader.pixels([last]))
        for row in wanted[:2]:
            array.assert_pixels(np.array([row]), reader.pixels([one(row)]))
        return seconds

    return turn


def by_batches(array: ReadArray, reader: Reader) -> Callable[[int, int], float]:
    """A turn of batch reads; every pixel of the last batch is checked."""

    def turn(number: int, count: int) -> float:
        rows = rows_of_turn(array, number, count)
        batches = [rows[first : first + BATCH] for first in range(0, count, BATCH)]

        def work() -> Any:
            last = None
            for batch in batches:
                last = None  # the batch before is used up, its memory may serve again
                last = reader.batch(batch)
            return last

        seconds, last = timed(work)
        array.assert_pixels(batches[-1], reader.pixels(last))
        return seconds

    return turn


def ceiling_turn(array: ReadArray, step: int, threads: int) -> Callable[[int, int], float]:
    """A turn of the C++ loop (it checks crc32c itself and returns no pixels)."""
    ceiling = Ceiling(array, step, threads)
    return lambda number, count: ceiling.seconds(rows_of_turn(array, number, count))


def contenders_for(
    array: ReadArray, step: int, threads: int, names: Sequence[str]
) -> list[Contender]:
    """Everyone who can be imported, and the ceiling."""
    make_turn = one_by_one if step == 1 else by_batches
    found = []
    for name in names:
        try:
            reader = READERS[name](array, threads)
        except pytest.skip.Exception:
            continue
        found.append(Contender(name, make_turn(array, reader), step=step))
    return [*found, Contender("ceiling", ceiling_turn(array, step, threads), step=step)]


def facts_of(array: ReadArray, threads: int, cache: str, limit: float) -> dict[str, Any]:
    return {
        "threads": threads, "cache": cache, "unit_bytes": array.sample_bytes,
        "stored": round(array.stored_bytes() / array.sample_bytes, 3), "limit_per_s": limit,
    }  # fmt: skip


def names_for(contest: Contest, name: str) -> list[str]:
    """All readers in a race; only the one in question in a plain test."""
    return list(READERS) if contest.enabled else [n for n in READERS if n == name]


def need(name: str) -> None:
    """Skip the benchmark of a peer that is not installed."""
    modules = {"zarr-python": "zarr", "zarrs": "zarrs", "tensorstore": "tensorstore"}
    if name in modules:
        pytest.importorskip(modules[name])


@impl
@codec
@dtype
@pytest.mark.benchmark(timer=replayed_clock)
def test_one_sample(
    contest: Contest, benchmark: Any, read_array: Callable[..., ReadArray], codec: str,
    dtype: str, impl: str,
) -> None:  # fmt: skip
    need(impl)

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        array = read_array(codec, dtype)
        warm(array)
        limit = contest.bandwidth.get("memcpy, 1 thread", 0) * 1e9 / array.sample_bytes
        facts = facts_of(array, 1, "warm", limit)
        contenders = contenders_for(array, 1, 1, names_for(contest, impl))
        return contenders, {"rounds": 15, "most_units": array.rows, "facts": facts}

    contest.enter(benchmark, f"one-sample-{codec}-{dtype}-warm", impl, prepare)


@impl
@codec
@dtype
@pytest.mark.benchmark(timer=replayed_clock)
def test_batch_warm(
    contest: Contest, benchmark: Any, read_array: Callable[..., ReadArray], codec: str,
    dtype: str, impl: str,
) -> None:  # fmt: skip
    need(impl)

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        array = read_array(codec, dtype)
        warm(array)
        limit = max(contest.bandwidth.values(), default=0) * 1e9 / array.sample_bytes
        facts = facts_of(array, read_threads(), "warm", limit)
        contenders = contenders_for(array, BATCH, read_threads(), names_for(contest, impl))
        return contenders, {"rounds": 21, "most_units": array.rows, "facts": facts}

    contest.enter(benchmark, f"batch64-{codec}-{dtype}-warm", impl, prepare)


@impl
@pytest.mark.parametrize("codec", [name for name in CODECS if name != "raw-nocrc"])
@dtype
@pytest.mark.benchmark(timer=replayed_clock)
def test_batch_cold(
    contest: Contest, benchmark: Any, read_array: Callable[..., ReadArray], codec: str,
    dtype: str, impl: str,
) -> None:  # fmt: skip
    need(impl)

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        array = read_array(codec, dtype)
        skip_without_disk(array.path)
        facts = facts_of(array, read_threads(), "dropped", cold_limit(array))
        contenders = contenders_for(array, BATCH, read_threads(), names_for(contest, impl))
        return contenders, {
            "rounds": 9, "most_units": array.rows // 2, "seconds_a_turn": 0.08, "facts": facts,
            "before_turn": lambda: drop(array),
        }  # fmt: skip

    contest.enter(benchmark, f"batch64-{codec}-{dtype}-cold", impl, prepare)


def warm(array: ReadArray) -> None:
    """Bring an array's files into the page cache."""
    for file in array.files():
        Path(file).read_bytes()


def drop(array: ReadArray) -> None:
    """Drop an array's files from the page cache."""
    for file in array.files():
        _core.drop_from_cache(file)


def skip_without_disk(path: Path) -> None:
    """There is nothing cold about a file system in memory."""
    kind = file_system(path)
    if kind in ("tmpfs", "ramfs"):
        pytest.skip(f"{path} is on {kind}; use --basetemp to choose a disk")


def cold_limit(array: ReadArray) -> float:
    """Samples a second that bare preads of the stored bytes bring, page cache dropped."""
    ceiling = Ceiling(array, BATCH, read_threads())
    rates = []
    for number in range(3):
        rows = rows_of_turn(array, number, array.rows // 4)
        drop(array)
        rates.append(len(rows) / ceiling.seconds(rows, decode=False))
    return float(np.median(rates))


def test_readers_are_what_they_say(read_array: Callable[..., ReadArray]) -> None:
    """Damage is noticed by the check that every benchmark relies on."""
    array = read_array("raw-nocrc", "u8")
    reader = READERS[OURS](array, 2)
    rows = np.array([3, 1], np.int64)
    array.assert_pixels(rows, reader.pixels(reader.batch(rows)))
    with pytest.raises(AssertionError, match="wrong pixels in row 1"):
        array.assert_pixels(rows[::-1], reader.pixels(reader.batch(rows)))
