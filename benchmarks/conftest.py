"""The session's races, data and verdicts; printed at the end, and fatal when a floor is missed."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core

from .data import JpegDump, ReadArray, pictures, write_jpeg_dump, write_read_array
from .race import Contender, Result, advance_clock, hold_race, timed
from .verdicts import Verdict, judge_floors, judge_limits, load_floors, table

_PEERS = ("numpy", "zarr", "zarrs", "tensorstore", "opencv-python-headless", "numcodecs")


class Contest:
    """Everything that was raced and measured in a session."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self.results: dict[str, Result] = {}
        self.measured: dict[tuple[str, str], float] = {}
        self.bandwidth: dict[str, float] = {}

    def enter(
        self,
        benchmark: Any,
        group: str,
        name: str,
        prepare: Callable[[], tuple[Sequence[Contender], dict[str, Any]]],
    ) -> None:
        """One benchmark: race the group, once for all of its benchmarks, and show one contender.

        Without ``--benchmark-enable`` the contender has one small turn, for its answer.

        Args:
            benchmark: Fixture of pytest-benchmark.
            group: Name of the group.
            name: Of the contender that this benchmark is about.
            prepare: Makes the contenders and the arguments of ``hold_race``.
        """
        if not self.enabled:
            contenders, _ = prepare()
            chosen = next(c for c in contenders if c.name == name)
            seconds = benchmark.pedantic(chosen.turn, args=(0, chosen.step))
            assert seconds > 0
            return
        if group not in self.results:
            contenders, arguments = prepare()
            self.results[group] = hold_race(group, contenders, **arguments)
        result = self.results[group]
        turns = iter(result.seconds[name])
        benchmark.group = group
        benchmark.extra_info.update(result.facts, versions=versions(), cpu=cpu_name())
        rounds = len(result.seconds[name])
        # pytest-benchmark's own table and JSON: it watches the race again on a clock of its own.
        benchmark.pedantic(lambda: advance_clock(next(turns, 0.0)), rounds=rounds)

    def moving(self, size: int, threads: int) -> dict[str, Any]:
        """Facts of a race whose unit reads and writes so many bytes at least, with these threads.

        The bandwidth is that of copying: a copied byte is read and written.
        """
        facts: dict[str, Any] = {"threads": threads, "unit_bytes": size}
        copied = self.bandwidth.get(copying(threads))
        return facts | ({"limit_per_s": 2e9 * copied / size} if copied else {})

    def note(self, group: str, quantity: str, value: float) -> None:
        """Keep the largest of an amount that a limit may be about."""
        if self.enabled:
            self.measured[group, quantity] = max(value, self.measured.get((group, quantity), 0.0))

    def verdicts(self) -> list[Verdict]:
        """All floors and limits, applied."""
        floors, limits = load_floors(Path(__file__).with_name("floors.toml"))
        judged = (*judge_floors(floors, self.results), *judge_limits(limits, self.measured))
        return list(judged)


_CONTEST = pytest.StashKey[Contest]()


def pytest_configure(config: pytest.Config) -> None:
    enabled = not config.getoption("benchmark_disable", default=True) or config.getoption(
        "benchmark_enable", default=False
    )
    config.stash[_CONTEST] = Contest(enabled=bool(enabled))


def pytest_sessionfinish(session: pytest.Session) -> None:
    verdicts = session.config.stash[_CONTEST].verdicts()
    if any(verdict.passed is False for verdict in verdicts) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    contest = config.stash[_CONTEST]
    if not contest.results:
        return
    write = terminalreporter.write_line
    terminalreporter.section("races: rates within this run")
    write(f"{cpu_name()}, {_core.available_threads()} cores; {versions()}")
    write("; ".join(f"{what} {value:.1f} GB/s" for what, value in contest.bandwidth.items()))
    for result in contest.results.values():
        write("")
        for line in table(result):
            write(line)
    terminalreporter.section("floors")
    for (group, quantity), value in contest.measured.items():
        write(f"  measured  {group}: {quantity} {value:.4g}")
    verdicts = contest.verdicts()
    for verdict in verdicts:
        if verdict.passed is not None:
            word, colour = ("ok", "green") if verdict.passed else ("MISSED", "red")
            write(f"  {word:<8}  {verdict.text}", **{colour: True})
    unseen = sum(verdict.passed is None for verdict in verdicts)
    if unseen:
        write(f"  {unseen} of {len(verdicts)} not measured in this session")


def cpu_name() -> str:
    """Model of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def versions() -> dict[str, str]:
    """Versions of ourselves and of the peers that are installed."""
    found = {
        key: str(_core.build_info()[key]) for key in ("version", "compiler", "highway", "zstd")
    }
    for name in _PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


# ---- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def contest(request: pytest.FixtureRequest) -> Contest:
    """The session's races."""
    found = request.config.stash[_CONTEST]
    if found.enabled:
        found.bandwidth.update(memory_bandwidth())
    return found


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for gigabytes, gone when the session ends."""
    folder = tmp_path_factory.mktemp("bench")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def read_array(contest: Contest, scratch: Path) -> Callable[[str, str], ReadArray]:
    """Gives the array of a codec and dtype, written when it is first asked for."""
    rows, per_shard = (1024, 256) if contest.enabled else (128, 32)
    arrays: dict[tuple[str, str], ReadArray] = {}
    content: dict[str, Any] = {}

    def get(codec: str, dtype: str) -> ReadArray:
        if (codec, dtype) not in arrays:
            if dtype not in content:
                content.clear()  # one dtype at a time: 0.7 GB is enough
                content[dtype] = pictures(dtype, rows)
            arrays[codec, dtype] = write_read_array(
                scratch, codec, dtype, content[dtype], per_shard
            )
            os.sync()
        return arrays[codec, dtype]

    return get


@pytest.fixture(scope="session")
def jpeg_dump(contest: Contest, scratch: Path) -> JpegDump:
    """A dump of gray JPEG files."""
    return write_jpeg_dump(scratch / "dump", 8000 if contest.enabled else 80)


def memory_bandwidth(pieces: int = 512) -> dict[str, float]:
    """GB copied a second, by one thread and by all, best of 5: what a warm read comes down to.

    Pieces of a picture's size, from memory beyond any cache into as many places as a batch has.
    """
    threads = _core.available_threads()
    source = np.ones((threads, pieces, 512 * 640), np.uint8)
    target = np.ones((threads, 64, 512 * 640), np.uint8)

    def copy(which: int) -> None:
        for piece in range(pieces):
            np.copyto(target[which, piece % 64], source[which, piece])

    alone = min(timed(lambda: copy(0))[0] for _ in range(5))
    with ThreadPoolExecutor(threads) as pool:
        together = min(timed(lambda: list(pool.map(copy, range(threads))))[0] for _ in range(5))
    size = source[0].nbytes / 1e9
    return {copying(1): size / alone, copying(threads): size * threads / together}


def copying(threads: int) -> str:
    """What bandwidth of copies by so many threads is called."""
    return f"memcpy, {threads} thread{'s' if threads > 1 else ''}"
