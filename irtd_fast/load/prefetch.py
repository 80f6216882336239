"""A producer thread that stays a few items ahead and never outlives its consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

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
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:
            self._put(error)
        else:
            self._put(_End())
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:  # a generator may hold threads of its own
                close()

    def __iter__(self) -> Iterator[T]:
        import time

        self._thread.start()
        try:
            while True:
                started = time.perf_counter()
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

    def close(self) -> None:
        """Stop the thread and forget what was produced."""
        self._stop.set()
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
