"""The cycle collector, kept from looking through records that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector while millions of records are made, none of them in a cycle.

    Each of its full turns would visit all of them again, and the first one after the pause each
    new one: together a fifth of a scan's time. So they end among the old objects unvisited, unless
    somebody uses ``gc.freeze`` for purposes of their own.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            if not gc.get_freeze_count():
                gc.freeze()  # and back: no list is walked, counts start anew
                gc.unfreeze()
            gc.enable()
