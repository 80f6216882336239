"""Work that several tasks share about a picture, done once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from irtd_fast.tasks.facts import Facts

T = TypeVar("T")


def once_a_picture(function: Callable[[Facts], T]) -> Callable[[Facts], T]:
    """Keep the last result, which is for those very facts: a picture's tasks follow one another.

    The result is shared and not to be changed. Threads may ask at the same time: the pair of facts
    and result is replaced as a whole.
    """
    last: list[tuple[Facts, T] | None] = [None]

    @wraps(function)
    def remembering(facts: Facts) -> T:
        kept = last[0]
        if kept is not None and kept[0] is facts:
            return kept[1]
        result = function(facts)
        last[0] = (facts, result)
        return result

    return remembering
