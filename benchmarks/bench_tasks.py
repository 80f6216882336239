"""Building the texts of all nine tasks from the labels of 260,000 samples: time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from irtd_fast.tasks.base import TASKS

from .conftest import Contest
from .race import OURS, Contender, replayed_clock
from .text_stores import write_text_store

SAMPLES = 260_000  # what the paper's data set has

# A fresh process, so that its memory is that of the work; texts are built, not stored.
_PROBE = """
import json, resource, sys, time
from irtd_fast.tasks.base import Options
from irtd_fast.tasks.build import build_texts
if __name__ == "__main__":
    started = time.perf_counter()
    report = build_texts(sys.argv[1], options=Options(sys.argv[2]), dry_run=True)
    seconds = time.perf_counter() - started
    own, others = (resource.getrusage(who) for who in (
        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    core = sum(usage.ru_utime + usage.ru_stime for usage in (own, others))
    tasks = {}
    for source in report.sources:
        for task, count in source.tasks.items():
            tasks[task] = tasks.get(task, 0) + count
    megabytes = own.ru_maxrss / 1024 + 2 * others.ru_maxrss / 1024
    print(json.dumps([seconds, core, megabytes, tasks]))
"""


@pytest.fixture(scope="module")
def labels(contest: Contest, scratch: Path) -> tuple[Path, int]:
    """A store of labels, its size, and a script to run on it."""
    store = scratch / "labels.zarr"
    count = write_text_store(store, SAMPLES if contest.enabled else 6_000)
    (scratch / "probe.py").write_text(_PROBE)
    return store, count


def build_turn(
    store: Path, mode: str, note: Callable[[str, float], None]
) -> Callable[[int, int], float]:
    """Build everything in a fresh process and check what came of it."""

    def turn(number: int, _: int) -> float:
        command = [sys.executable, str(store.parent / "probe.py"), str(store), mode]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, core, megabytes, tasks = json.loads(done.stdout)
        assert set(tasks) == set(TASKS)
        assert min(tasks.values()) > 0
        if number >= 0:
            note("seconds", seconds)
            note("core seconds", core)
            note("megabytes", megabytes)
        return float(seconds)

    return turn


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["clean", "official"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_build(contest: Contest, benchmark: Any, labels: tuple[Path, int], mode: str) -> None:
    """Facts gathered, all tasks asked, columns joined; all cores."""
    store, count = labels
    group = f"build-texts-{mode}"

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        turn = build_turn(store, mode, lambda name, value: contest.note(group, name, value))
        facts = {"samples": count, "tasks": len(TASKS)}
        return [Contender(OURS, turn, 1)], {"rounds": 1, "most_units": 1, "facts": facts}

    contest.enter(benchmark, group, OURS, prepare)
