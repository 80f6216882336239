"""The default engine: one process, threads inside each data file, files one after the other.

While one file is being synced, the samples of the next are already being decoded.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from irtd_fast.manifest import Manifest
from irtd_fast.store.plan import Plan
from irtd_fast.store.spec import Codec
from irtd_fast.store.staging import Receipt, Staging
from irtd_fast.store.tasks import Filled, TaskWriter, make_tasks

_IN_FLIGHT = 1  # finished files that may wait for the disk; bounds memory at so many shards


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
    total = sum(array.rows for array in plan.arrays)
    meter = _Meter(total, progress)
    writer = TaskWriter(
        manifest, staging.tree, codecs, tolerance=tolerance, threads=threads, tick=meter.tick
    )
    receipts: dict[str, list[Receipt]] = {array.path: [] for array in plan.arrays}
    resumed = 0
    waiting: deque[Future[Receipt]] = deque()
    with ThreadPoolExecutor(2, "irtd-finish") as finisher:
        side = finisher.submit(beside or _nothing)
        for task in make_tasks(plan.arrays):
            receipt = staging.load_receipt(task.file)
            if receipt is not None and writer.holds(task, receipt):
                receipts[task.array.path].append(receipt)
                resumed += 1
                meter.tick(len(task.rows))
                continue
            while len(waiting) >= _IN_FLIGHT:
                waiting.popleft().result()
            if side.done():
                side.result()
            filled = writer.fill(task)
            group = receipts[task.array.path]
            waiting.append(finisher.submit(_finish, staging, filled, group))
        side.result()
        for future in waiting:
            future.result()
    for group in receipts.values():  # in which order they came must not show in the store
        group.sort(key=lambda receipt: receipt.rows)
    return receipts, resumed


def _nothing() -> None:
    """Do nothing."""


def _finish(staging: Staging, filled: Filled, group: list[Receipt]) -> Receipt:
    receipt = filled.finish()
    staging.save_receipt(receipt)
    group.append(receipt)
    return receipt


class _Meter:
    """Counts pictures from any thread."""

    def __init__(self, total: int, progress: Callable[[str, int, int], None] | None) -> None:
        self._done, self._total, self._progress = 0, total, progress
        self._lock = threading.Lock()

    def tick(self, count: int) -> None:
        if self._progress is None:
            return
        with self._lock:
            self._done += count
            self._progress("write", self._done, self._total)
