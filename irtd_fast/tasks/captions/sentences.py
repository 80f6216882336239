"""Sentences about where things are and how they lie to each other; each is true by definition.

Thirds of the picture's sides divide it into nine regions, by the places of things (``things``).
One thing is beside or above another only if their boxes are strictly apart in that direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.things import Places
from irtd_fast.tasks.words import joined, plural, singular

_THIRDS = ("on the left", "in the middle", "on the right")  # of the width alone
_REGIONS = (
    ("in the upper left", "at the top", "in the upper right"),
    ("on the left", "in the centre", "on the right"),
    ("in the lower left", "at the bottom", "in the lower right"),
)
_MANY = 40  # of more things of a category no distribution is given


def third(value: float, side: float) -> int:
    """0, 1 or 2: in which third of a side a coordinate lies; a border belongs to the middle."""
    return 0 if 3 * value < side else 2 if 3 * value > 2 * side else 1


def region(facts: Facts, place: tuple[float, float]) -> str:
    """The part of the picture in which a place lies, as a phrase."""
    return _REGIONS[third(place[1], facts.height)][third(place[0], facts.width)]


def position(facts: Facts, word: str, places: Places) -> str:
    """Where the things of one category are; ``""`` where there are too many to say."""
    if len(places) == 1:
        return f"The {singular(word)} is {region(facts, places[0])} of the image."
    if len(places) > _MANY:
        return ""
    counts = [0, 0, 0]
    for x, _ in places:
        counts[third(x, facts.width)] += 1
    filled = [(n, where) for n, where in zip(counts, _THIRDS, strict=True) if n]
    if len(filled) == 1:
        who = "Both" if len(places) == 2 else f"All {len(places)}"
        return f"{who} {plural(word)} are {filled[0][1]} of the image."
    first, *others = filled
    parts = [f"{first[0]} {_are(first[0])} {first[1]}", *(f"{n} {where}" for n, where in others)]
    return f"Of the {len(places)} {plural(word)}, {joined(parts)}."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def named_boxes(facts: Facts, found: Mapping[str, Places]) -> list[tuple[str, int]]:
    """Boxes that a phrase names without doubt, and their numbers.

    The only thing of its category, or the one whose left edge (right edge) is further left (right)
    than those of all others.
    """
    out = []
    for word in found:
        numbers = [i for i, category in enumerate(facts.categories) if category == word]
        if word in facts.point_categories or len(numbers) != len(found[word]):
            continue  # its things are points, or some boxes lie outside
        if len(numbers) == 1:
            out.append((f"the {singular(word)}", numbers[0]))
            continue
        for edge, sign, name in ((0, 1, "leftmost"), (2, -1, "rightmost")):
            ranked = sorted((sign * facts.boxes[i][edge], i) for i in numbers)
            if ranked[0][0] < ranked[1][0]:
                out.append((f"the {name} {singular(word)}", ranked[0][1]))
    return out


def relations(facts: Facts, found: Mapping[str, Places]) -> Iterator[str]:
    """Sentences about pairs of boxes of different categories, or of one category's ends."""
    named = named_boxes(facts, found)
    for place, (one, i) in enumerate(named):
        for other, j in named[place + 1 :]:
            if facts.categories[i] == facts.categories[j]:
                continue  # the leftmost one is to the left of the rightmost one
            words = _relation(facts.boxes[i], facts.boxes[j])
            if words:
                yield f"{one[0].upper()}{one[1:]} is {words} {other}."


_Box = tuple[float, float, float, float]


def _relation(one: _Box, other: _Box) -> str:
    if one[2] < other[0]:
        return "to the left of"
    if one[0] > other[2]:
        return "to the right of"
    if one[3] < other[1]:
        return "above"
    return "below" if one[1] > other[3] else ""
