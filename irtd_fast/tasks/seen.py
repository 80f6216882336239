"""What can be seen of a picture's objects: the common ground of clean texts about boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from irtd_fast.tasks.facts import Box, Facts
from irtd_fast.tasks.official_objects import Thing, is_box
from irtd_fast.tasks.remembered import once_a_picture
from irtd_fast.tasks.words import is_named


@once_a_picture
def seen_things(facts: Facts) -> tuple[Mapping[str, Sequence[Thing]], frozenset[str]]:
    """Objects cut at the frame by word, and the words of which some object is not among them.

    Objects that lie outside are not seen. Of a word of the second kind nothing can be said of all
    of its objects: a crop dropped one that is still seen in part, or a label is no box.
    """
    height, width = facts.height, facts.width
    groups: dict[str, list[Thing]] = {
        word: [] for word in dict.fromkeys(facts.categories) if is_named(word)
    }
    doubtful = list(facts.partial)
    for number, (box, word) in enumerate(zip(facts.boxes, facts.categories, strict=True)):
        group = groups.get(word)
        if group is None:
            continue
        x0, y0, x1, y1 = box
        if 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height:
            group.append(Thing(word, box, number))
        elif is_box(box):
            cut = clipped(box, height, width)
            if cut is not None:
                group.append(Thing(word, cut, number))
        else:
            doubtful.append(word)
    return {word: group for word, group in groups.items() if group}, frozenset(doubtful)


def clipped(box: Box, height: int, width: int) -> Box | None:
    """The part of a box in a frame; None if nothing of it is."""
    x0, y0, x1, y1 = box
    if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
        return None
    return max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
