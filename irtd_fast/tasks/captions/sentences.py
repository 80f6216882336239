"""Sentences about where things are and how they lie to each other; each is true by definition.

Thirds of the picture's sides divide it into nine regions, by the places of things (``things``).
One thing is beside or above another only if their boxes are strictly apart in that direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from irtd_fast.tasks.draws import Draws
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


def position(facts: Facts, word: str, places: Places) -> Iterator[str]:
    """Where the things of one category are, a sentence; none where there are too many to say."""
    if len(places) == 1:
        yield f"The {singular(word)} is {region(facts, places[0])} of the image."
    elif len(places) <= _MANY:
        yield _spread(facts, word, places)


def _spread(facts: Facts, word: str, places: Places) -> str:
    """How the things of a category are spread over the width."""
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
    """Boxes that a phrase names without doubt: the phrase's form and the box's number.

    The only thing of its category, or the one whose left edge (right edge) is further left (right)
    than those of all others.
    """
    numbers: dict[str, list[int]] = {}
    for number, category in enumerate(facts.categories):
        numbers.setdefault(category, []).append(number)
    out = []
    for word, places in found.items():
        mine = numbers.get(word, [])
        if word in facts.point_categories or len(mine) != len(places):
            continue  # its things are points, or some boxes lie outside
        if len(mine) == 1:
            out.append(("the {}", mine[0]))
            continue
        left = sorted((facts.boxes[i][0], i) for i in mine)
        right = sorted((facts.boxes[i][2], i) for i in mine)
        if left[0][0] < left[1][0]:
            out.append(("the leftmost {}", left[0][1]))
        if right[-1][0] > right[-2][0]:
            out.append(("the rightmost {}", right[-1][1]))
    return out


def relations(facts: Facts, found: Mapping[str, Places], most: int, draws: Draws) -> Iterator[str]:
    """Sentences about pairs of boxes of different categories, so many at most, drawn."""
    named = named_boxes(facts, found)
    boxes, categories = facts.boxes, facts.categories
    pairs = [
        (one, other, words)
        for place, one in enumerate(named)
        for other in named[place + 1 :]
        if categories[one[1]] != categories[other[1]]
        and (words := _relation(boxes[one[1]], boxes[other[1]]))
    ]
    for one, other, words in draws.sample(pairs, min(most, len(pairs))):
        first = one[0].format(singular(categories[one[1]]))
        second = other[0].format(singular(categories[other[1]]))
        yield f"T{first[1:]} is {words} {second}."


_Box = tuple[float, float, float, float]


def _relation(one: _Box, other: _Box) -> str:
    if one[2] < other[0]:
        return "to the left of"
    if one[0] > other[2]:
        return "to the right of"
    if one[3] < other[1]:
        return "above"
    return "below" if one[1] > other[3] else ""
