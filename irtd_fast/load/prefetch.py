"""A producer thread that stays a few items ahead and never outlives its consumer."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from irtd_fast.errors import LoaderError

T = TypeVar("T")
_POLL_S = 0.1


class _End:
    pass


class Prefetcher(Generic[T]):
    """Runs ``items`` on a thread, ``depth`` ahead.

    The thread is not a daemon, since one that is killed inside native code takes the process
    down; instead it looks every 0.1 s whether its consumer or the main thread has gone.

    Args:
        items: What to produce; its exceptions reach the consumer in order.
        depth: Items that may wait.
        waited: Told the seconds that the consumer waited for each item.
    """

    def __init__(
        self, items: Iterable[T], depth: int, waited: Callable[[float], None] | None = None
    ) -> None:
        self._items = items
        self._queue: queue.Queue[T | _End | BaseException] = queue.Queue(max(1, depth))
        self._stop = threading.Event()
        self._waited = waited
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._produce, name="irtd-prefetch", daemon=False)

    def _put(self, item: T | _End | BaseException) -> bool:
        while not self._stop.is_set() and threading.main_thread().is_alive():
            try:
                self._queue.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def _produce(self) -> None:
        delivered = False
        try:
            for item in self._items:
                if not self._put(item):
                    break
            else:
                delivered = self._put(_End())
        except BaseException as error:
            delivered = self._put(error)
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:  # a generator may hold threads of its own
                close()
            if not delivered and not self._stop.is_set():
                self._leave()

    def _leave(self) -> None:
        """Tell a consumer on another thread, which would wait for ever, that the end has come."""
        error = LoaderError("the main thread has ended, and with it what reads ahead")
        while True:
            try:
                self._queue.put_nowait(error)
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self._queue.get_nowait()
            else:
                return

    def __iter__(self) -> Iterator[T]:
        self._thread.start()
        try:
            while True:
                started = time.perf_counter()
                self._check_process()
                item = self._queue.get()
                if self._waited is not None:
                    self._waited(time.perf_counter() - started)
                if isinstance(item, _End):
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.close()

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise LoaderError(
                "this iteration began before a fork and its thread is in the parent; begin a new "
                "one: for batch in loader"
            )

    def close(self) -> None:
        """Stop the thread and forget what was produced.

        In a child of a fork there is neither, and the locks may be held by nobody who is there.
        """
        if os.getpid() != self._process:
            return
        self._stop.set()
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
