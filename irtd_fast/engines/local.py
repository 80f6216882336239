"""The default engine: one process, up to three data files at a time, threads inside each.

While one file is synced, or its last pictures keep only one core busy, the others go on decoding.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from irtd_fast.manifest import Manifest
from irtd_fast.store.plan import Plan
from irtd_fast.store.spec import Codec
from irtd_fast.store.staging import Receipt, Staging
from irtd_fast.store.tasks import Task, TaskWriter, make_tasks

_FILES = 3  # data files in the making at most; bounds memory at so many shards


def run_tasks(
    staging: Staging,
    manifest: Manifest,
    plan: Plan,
    codecs: dict[str, tuple[Codec, ...]],
    *,
    tolerance: int,
    threads: int,
    progress: Callable[[str, int, int], None] | None = None,
    beside: Callable[[], None] | None = None,
) -> tuple[dict[str, list[Receipt]], int]:
    """Write every data file of a plan that has no valid receipt yet.

    Args:
        staging: Where the tree and the receipts are.
        manifest: The samples.
        plan: Where they go.
        codecs: Inner codecs of each bucket.
        tolerance: Largest channel difference of a gray picture.
        threads: Threads inside a task.
        progress: Called with ("write", pictures done, pictures in all).
        beside: Done on a thread of its own meanwhile; what it raises ends the run early.

    Returns:
        Receipts by array path, and how many were there before.
    """
    meter = _Meter(sum(array.rows for array in plan.arrays), progress)
    writer = TaskWriter(
        manifest, staging.tree, codecs, tolerance=tolerance, threads=threads, tick=meter.tick
    )
    receipts: dict[str, list[Receipt]] = {array.path: [] for array in plan.arrays}
    todo: list[Task] = []
    for task in make_tasks(plan.arrays):
        receipt = staging.load_receipt(task.file)
        if receipt is not None and writer.holds(task, receipt):
            receipts[task.array.path].append(receipt)
            meter.tick(len(task.rows))
        else:
            todo.append(task)
    resumed = sum(map(len, receipts.values()))
    # One file more than threads, since one of them waits for the disk; the last one has all
    # threads to itself. Who asks for one thread gets one.
    files = 1 if threads <= 1 else min(_FILES, threads + 1)
    shared = copy.copy(writer)
    shared.threads = -(-threads // files)

    def write(task: Task) -> None:
        filled = (writer if task is todo[-1] else shared).fill(task)
        receipt = filled.finish()
        staging.save_receipt(receipt)
        receipts[task.array.path].append(receipt)

    _run_all(todo, write, beside, files, meter)
    for group in receipts.values():  # in which order they came must not show in the store
        group.sort(key=lambda receipt: receipt.rows)
    return receipts, resumed


def _run_all(
    todo: list[Task],
    write: Callable[[Task], None],
    beside: Callable[[], None] | None,
    files: int,
    meter: _Meter,
) -> None:
    """Run all tasks; the first failure, or Ctrl-C, stops the others at their next picture."""
    with (
        ThreadPoolExecutor(1, "irtd-beside") as side,
        ThreadPoolExecutor(files, "irtd-write") as pool,
    ):
        futures = [side.submit(beside)] if beside is not None else []
        futures += [pool.submit(write, task) for task in todo]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            meter.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _StoppedError(Exception):
    """Ends a task whose run has failed elsewhere."""


class _Meter:
    """Counts pictures from any thread."""

    def __init__(self, total: int, progress: Callable[[str, int, int], None] | None) -> None:
        self._done, self._total, self._progress = 0, total, progress
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Make every later tick raise."""
        self._stopped.set()

    def tick(self, count: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError
        if self._progress is None:
            return
        with self._lock:
            self._done += count
            self._progress("write", self._done, self._total)
