"""Progress on stderr: a bar on a terminal, plain lines in logs and pipes."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from irtd_fast.cli.output import is_terminal, note, plain

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

PLAIN_INTERVAL_S = 2.0


class Progress:
    """Shows ``(phase, done, total)``, called from any thread, as often as the caller likes.

    Phases follow one another. On a terminal each is a bar; elsewhere a phase prints at most one
    line every ``PLAIN_INTERVAL_S``, and one when it is done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._phase = ""
        self._at = 0.0
        self._shown = -1

    def __enter__(self) -> Self:
        if is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb":
            self._bars = _bars()
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are finished in ``phase``."""
        with self._lock:
            if self._bars is None:
                self._line(phase, done, total)
                return
            if phase not in self._tasks:
                self._tasks[phase] = self._bars.add_task(plain(phase), total=total)
            self._bars.update(self._tasks[phase], completed=done, total=total)

    def _line(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._at, self._shown = phase, now, -1
        if done == self._shown or (done < total and now - self._at < PLAIN_INTERVAL_S):
            return
        self._at, self._shown = now, done
        share = f" ({100 * done // total} %)" if total else ""
        note(f"{plain(phase)}: {done:,} of {total:,}{share}")


def _bars() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(file=sys.stderr, markup=False, highlight=False),
    )
