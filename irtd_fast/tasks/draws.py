"""Random choices of texts: a pure function of (seed, task, sample), cheap to begin.

Counter-based, with the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) on plain integers:
making a generator costs two microseconds, where one of NumPy costs twenty. The order in which
samples are built, and in how many processes, changes nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import MutableSequence, Sequence
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


@lru_cache(maxsize=64)  # the tasks of a sample follow one another
def _word(text: str) -> int:
    data = text.encode()
    return zlib.crc32(data) << 32 | zlib.crc32(data[::-1], len(data))


@lru_cache(maxsize=64)
def _begun(seed: int, task: str) -> int:
    """State of a task's draws before the sample is known."""
    return _mix(_mix((seed + _GOLDEN) & _MASK) ^ _word(task))


class Draws:
    """Numbers of one text.

    Args:
        seed: Of the run.
        task: Name of the task, so that tasks are independent.
        key: Of the sample (``Facts.key``).
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int, task: str, key: str) -> None:
        self._state = _mix(_begun(seed, task) ^ _word(key))

    def bits(self) -> int:
        """The next 64 random bits."""
        self._state = x = (self._state + _GOLDEN) & _MASK
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK  # _mix, without the call
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
        return x ^ (x >> 31)

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return (self.bits() >> 11) * (1.0 / (1 << 53))

    def below(self, n: int) -> int:
        """A whole number in [0, n), each equally likely.

        Raises:
            ValueError: ``n`` is not positive.
        """
        if n < 1:
            raise ValueError(f"need a positive number of choices, found {n}")
        # A remainder would favour small numbers: what is beyond the last whole multiple is drawn
        # again, which for the n of texts happens once in 2^50 draws.
        bits = self.bits()
        if bits + n > _MASK:  # among the last n numbers: one may lie beyond that multiple
            limit = (1 << 64) - (1 << 64) % n
            while bits >= limit:
                bits = self.bits()
        return bits % n

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high], both included."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Bring the items into a random order, in place (Fisher and Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """So many different items, in random order.

        Raises:
            ValueError: There are not so many.
        """
        if not 0 <= count <= len(items):
            raise ValueError(f"cannot draw {count} of {len(items)} items")
        pool = list(items)
        for place in range(count):
            other = place + self.below(len(pool) - place)
            pool[place], pool[other] = pool[other], pool[place]
        return pool[:count]
