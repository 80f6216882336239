"""Digests of files against reading them, and the search among perceptual hashes against NumPy."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core

from .conftest import Contest
from .race import OURS, Contender, replayed_clock, timed

_SIZES = {"100-kB": 100_000, "2-MB": 2_000_000}
_PIECE = 256 << 10
_BITS = 128
_RADIUS = 22


@pytest.fixture(scope="module")
def files(contest: Contest, scratch: Path) -> Callable[[str], list[str]]:
    """Random files of one size, in the page cache."""
    made: dict[str, list[str]] = {}

    def get(size: str) -> list[str]:
        if size not in made:
            total = 200_000_000 if contest.enabled else 8_000_000
            rng, folder = np.random.default_rng(4), scratch / f"hash-{size}"
            folder.mkdir()
            made[size] = []
            for number in range(total // _SIZES[size]):
                path = folder / f"{number}.bin"
                path.write_bytes(rng.bytes(_SIZES[size]))
                made[size].append(str(path))
        return made[size]

    return get


def our_turn(paths: Sequence[str]) -> Callable[[int, int], float]:
    xxhash = pytest.importorskip("xxhash")

    def turn(number: int, count: int) -> float:
        chosen = list(paths[:count])
        seconds, (digests, _, failures) = timed(lambda: _core.hash_files(chosen, threads=1))
        assert failures == []
        place = abs(number) % count
        assert digests[place] == xxhash.xxh64(Path(chosen[place]).read_bytes()).intdigest()
        return seconds

    return turn


def read_turn(paths: Sequence[str], size: int) -> Callable[[int, int], float]:
    """Read every file into one buffer that stays in the cache; nothing looks at the bytes."""
    buffer = bytearray(_PIECE)

    def work(chosen: Sequence[str]) -> int:
        total = 0
        for path in chosen:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                while got := os.readv(descriptor, [buffer]):
                    total += got
            finally:
                os.close(descriptor)
        return total

    def turn(_: int, count: int) -> float:
        seconds, total = timed(lambda: work(paths[:count]))
        assert total == count * size
        return seconds

    return turn


@pytest.mark.parametrize("cache", ["cold", "warm"])
@pytest.mark.parametrize("size", _SIZES)
@pytest.mark.parametrize("impl", [OURS, "read"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_hash_files(
    contest: Contest,
    benchmark: Any,
    files: Callable[[str], list[str]],
    impl: str,
    size: str,
    cache: str,
) -> None:
    """XXH64 of whole files, one thread: reading alone is the ceiling.

    From the disk the floor holds. From memory a copy of cached pages is about as fast as XXH64,
    so that half of the ceiling is what one thread can reach.
    """

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        paths = files(size)
        count = len(paths)
        contenders = [
            Contender(OURS, our_turn(paths), count, count),
            Contender("read", read_turn(paths, _SIZES[size]), count, count),
        ]
        facts = {"threads": 1, "cache": cache, "files": count, "unit_bytes": _SIZES[size]}

        def drop() -> None:
            for path in paths if cache == "cold" else ():
                _core.drop_from_cache(path)

        rounds = {"rounds": 7, "most_units": count, "facts": facts, "before_turn": drop}
        return contenders, rounds

    contest.enter(benchmark, f"hash-files-{size}-one-thread-{cache}", impl, prepare)


def planted(count: int) -> tuple[Any, Any]:
    """Random hashes, and queries that differ from the first of them by 20 bits at most."""
    rng = np.random.default_rng(6)
    base = rng.integers(0, 2**64, (count, 2), dtype=np.uint64)
    queries = base[: count // 10].copy()
    for query in queries:
        for bit in rng.integers(0, _BITS, 20):
            query[bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    return base, queries


def search_turn(base: Any, queries: Any) -> Callable[[int, int], float]:
    def turn(_: int, count: int) -> float:
        part = queries[:count]
        seconds, (index, _bits) = timed(
            lambda: _core.near_neighbours(part, base, radius=_RADIUS, threads=1)
        )
        assert np.array_equal(index, np.arange(count))
        return seconds

    return turn


def numpy_turn(base: Any, queries: Any) -> Callable[[int, int], float]:
    """Compare each query with everything by XOR and bit counts."""

    def work(part: Any) -> list[int]:
        return [int(np.bitwise_count(base ^ query).sum(axis=1).argmin()) for query in part]

    def turn(_: int, count: int) -> float:
        seconds, found = timed(lambda: work(queries[:count]))
        assert found == list(range(count))
        return seconds

    return turn


@pytest.mark.parametrize("impl", [OURS, "numpy"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_near_search(contest: Contest, benchmark: Any, impl: str) -> None:
    """The nearest of 100,000 hashes within 22 of 128 bits, one thread."""

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        base, queries = planted(100_000 if contest.enabled else 2_000)
        count = len(queries)
        ours = min(2000, count)
        contenders = [
            Contender(OURS, search_turn(base, queries), ours, ours),
            Contender("numpy", numpy_turn(base, queries), min(50, count), min(50, count)),
        ]
        facts = {"threads": 1, "hashes": len(base), "radius": _RADIUS}
        return contenders, {"rounds": 7, "most_units": count, "facts": facts}

    contest.enter(benchmark, "near-search-100000-one-thread", impl, prepare)
