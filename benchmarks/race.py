"""Implementations raced against each other, and what came of it.

Two cores that others use too make any single time worthless. So implementations take turns
(A B C, B C A, …), each round gives one ratio, and only the median of these ratios is judged: over
the calmer half of the rounds, those in which other processes took the least processor time. (More
threads get more of a contested processor, so a busy machine does not slow everybody alike.)
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OURS = "irtd_fast"

_now = 0.0


def replayed_clock() -> float:
    """Timer of pytest-benchmark while it is shown the turns of a race that is already over."""
    return _now


def advance_clock(seconds: float) -> None:
    """Let ``replayed_clock`` go on by the time a turn took."""
    global _now  # noqa: PLW0603 - a clock is one per process by nature
    _now += seconds


@dataclass(frozen=True)
class Contender:
    """One implementation in a race.

    Attributes:
        name: Of the library, or of the ceiling.
        turn: Does the work of the given units, asserts its answer outside the timed part, and
            returns the seconds of the timed part.
        units: Units (images) of one turn; 0 lets the race choose as many as fill a turn.
        step: Units are a multiple of this (the batch size).
    """

    name: str
    turn: Callable[[int, int], float]
    units: int = 0
    step: int = 1


@dataclass
class Result:
    """A race that is over.

    Attributes:
        group: Name of the task and its input.
        seconds: Per contender: seconds per unit of each round.
        others: Per round: processors that were busy with something else.
        facts: What should be known beside the numbers (threads, bytes, cache state …).
    """

    group: str
    seconds: dict[str, list[float]]
    others: list[float]
    facts: dict[str, Any] = field(default_factory=dict)

    def calm(self, name: str) -> list[float]:
        """Seconds per unit in the calmer half of the rounds, at least 5 of them."""
        count = max(5, (len(self.others) + 1) // 2)
        ranked = sorted(range(len(self.others)), key=self.others.__getitem__)
        return [self.seconds[name][number] for number in sorted(ranked[:count])]

    def speedup(self, against: str) -> float:
        """How many times faster we are: median over calm rounds of (its time / our time)."""
        pairs = zip(self.calm(against), self.calm(OURS), strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)

    def rate(self, name: str) -> float:
        """Units a second, median over calm rounds."""
        return 1 / statistics.median(self.calm(name))


def hold_race(
    group: str,
    contenders: Sequence[Contender],
    *,
    rounds: int,
    most_units: int,
    seconds_a_turn: float = 0.05,
    before_turn: Callable[[], None] = lambda: None,
    facts: dict[str, Any] | None = None,
) -> Result:
    """Race contenders in rounds.

    Args:
        group: Name of the task and its input.
        contenders: Who takes part.
        rounds: Number of rounds; everyone has one turn in each, another one begins each time.
        most_units: Upper bound of the units of one turn.
        seconds_a_turn: Aim for contenders that leave their number of units to the race.
        before_turn: Called before every turn, not timed (drop the page cache, remove outputs).
        facts: Kept with the result.
    """
    keep_freed_memory()
    units = {c.name: c.units or _units(c, most_units, seconds_a_turn) for c in contenders}
    seconds: dict[str, list[float]] = {c.name: [] for c in contenders}
    others: list[float] = []
    for number in range(rounds):
        gc.collect()
        clock = OthersClock()
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            before_turn()
            count = units[contender.name]
            seconds[contender.name].append(_timed(contender, number, count) / count)
        others.append(clock.processors())
    more = {"rounds": rounds, "others": f"{statistics.median(others):.1f} cores"}
    return Result(group, seconds, others, {**(facts or {}), **more, "units_a_turn": units})


def keep_freed_memory() -> None:
    """Let the heap of this process keep what is freed, as that of a long-lived process does.

    glibc gives large blocks back to the system until one of up to 32 MiB was freed once; from then
    on blocks of that size come from the heap (mallopt(3), M_MMAP_THRESHOLD). Before, each temporary
    array of a contender costs page faults (NumPy's percentile stretch then takes three times as
    long), so who races first would decide.
    """
    block = bytearray(31 << 20)
    del block


class OthersClock:
    """Processor time that went to anything but this process and its children."""

    def __init__(self) -> None:
        self._wall, self._others = time.perf_counter(), self._read()

    @staticmethod
    def _read() -> float:
        # user nice system idle iowait irq softirq steal: https://docs.kernel.org/filesystems/proc.html
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, _, _, irq, softirq, steal = (int(field) for field in fields)
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        mine = os.times()
        return busy - mine.user - mine.system - mine.children_user - mine.children_system

    def processors(self) -> float:
        """Processors kept busy by others, on average since this clock was made."""
        return max(0.0, (self._read() - self._others) / (time.perf_counter() - self._wall))


def _timed(contender: Contender, number: int, units: int) -> float:
    gc.disable()
    try:
        return contender.turn(number, units)
    finally:
        gc.enable()


def _units(contender: Contender, most: int, seconds: float) -> int:
    """Units that take about so many seconds, from a turn that also warms everything up."""
    step = contender.step
    trial = min(most, max(step, 64 // step * step))
    contender.turn(-2, trial)
    took = contender.turn(-1, trial) / trial
    wanted = int(seconds / took) // step * step
    return max(step, min(most // step * step, wanted))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and what it returned."""
    started = time.perf_counter()
    value = work()
    return time.perf_counter() - started, value
