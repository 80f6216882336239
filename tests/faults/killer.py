"""Runs ingests in children of its own and kills each at a given point; a script, not a test.

Reads a job as JSON from stdin and answers with JSON on stdout. Imports are paid once: every run
is a fork.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from irtd_fast import _core
from irtd_fast.engines import ingest as engine
from irtd_fast.manifest import Manifest
from irtd_fast.store import commit, staging, tasks
from irtd_fast.store.plan import IngestOptions

# Everything that changes the store, in Python's hands.
HOOKS: tuple[tuple[Any, str], ...] = (
    (staging.Staging, "begin"), (Manifest, "save"), (staging, "write_json"),
    (commit, "write_json"), (tasks.TaskWriter, "fill"), (tasks.Filled, "finish"),
    (staging.Staging, "save_receipt"), (staging.Staging, "clean_tree"), (engine, "write_source"),
    (commit, "write_table"), (engine, "write_labels"), (commit, "write_files_table"),
    (commit, "sync_tree"),
    (staging.Staging, "mark_commit"), (_core, "rename_durably"), (_core, "exchange_paths"),
    (staging.Staging, "discard"), (os, "unlink"), (staging.Staging, "release"),
)  # fmt: skip


RECEIPT = "after save_receipt"
NEXT_FILE = ("before fill", "before finish", "before save_receipt")


class Points:
    """Counts the points of a run and kills it at one of them.

    Args:
        kill_at: Number of the point from 0; a negative number means so many receipts.
        plan: Saved plan that a kill by receipts waits for, so that the run can be resumed.
    """

    def __init__(self, kill_at: int, plan: Path) -> None:
        self.kill_at = kill_at
        self.plan = plan
        self.labels: list[str] = []
        self._lock = threading.Lock()  # several threads pass points
        self._doomed = threading.Event()

    def hit(self, label: str) -> None:
        """Pass a point."""
        if self._doomed.is_set() and label in NEXT_FILE:
            time.sleep(60)  # no more files; the kill is near
        with self._lock:
            number = len(self.labels)
            self.labels.append(label)
            enough = label == RECEIPT and self.labels.count(RECEIPT) == -self.kill_at
        if enough:
            self._doomed.set()
        while enough and not self.plan.exists():  # another thread is about to save it
            time.sleep(0.001)
        if enough or number == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put a point before and after everything in ``HOOKS``."""
        for owner, name in HOOKS:
            setattr(owner, name, self._around(getattr(owner, name), name))

    def _around(self, original: Any, name: str) -> Any:
        def wrapped(*args: Any, **options: Any) -> Any:
            self.hit(f"before {name}")
            result = original(*args, **options)
            self.hit(f"after {name}")
            return result

        return wrapped


def run(job: dict[str, Any], store: str) -> None:
    """Ingest as the job says."""
    if not job.get("exchange", True):
        _core.exchange_paths = lambda a, b: False
    options = IngestOptions(**job["options"])
    engine.ingest(job["dump"], store, source=job["source"], options=options, workers=1,
                  replace=job.get("replace", False), resume=job.get("resume", False))  # fmt: skip


def fork_run(job: dict[str, Any], store: str, kill_at: int, delay: float | None) -> Any:
    """Run in a child; give its labels if it came through, else the signal that ended it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        points = Points(kill_at, Path(store, ".staging", job["source"], "plan.json"))
        points.install()
        run(job, store)
        with os.fdopen(writing, "w") as pipe:
            json.dump(points.labels, pipe)
        os._exit(0)
    os.close(writing)
    if delay is not None:
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return json.loads(text) if status == 0 else status


def main() -> None:
    """Do the job on stdin."""
    job = json.load(sys.stdin)
    rng = random.Random(job.get("seed", 0))
    longest = job.get("longest", 0.0)
    answers = [
        fork_run(job, store, kill_at, rng.uniform(0, longest) if longest else None)
        for store, kill_at in job["runs"]
    ]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
