"""Expressions that name one object of a picture and no other, with a margin.

An object's rivals are all others of which its word may be said: a rider is a person, too. An
expression is given only if it fits the object and none of its rivals, and would still do so if
every place moved by half the margin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from irtd_fast.tasks.facts import Box
from irtd_fast.tasks.official_objects import Thing
from irtd_fast.tasks.phrasing import templates
from irtd_fast.tasks.words import ordinal, overlapping, singular

_MAX_ORDINAL = 10
_NOTHING: Mapping[str, str] = {}
Groups = Mapping[str, Sequence[Thing]]


class Reference(NamedTuple):
    """An expression for one object.

    Attributes:
        kind: Name of the expression in the data file.
        thing: The object.
        fill: What stands in the expression's blanks, besides the word.
        others: Numbers of further boxes that it speaks of.
    """

    kind: str
    thing: Thing
    fill: Mapping[str, str] = _NOTHING
    others: tuple[int, ...] = ()

    @property
    def phrase(self) -> str:
        """The expression, as in "Where is PHRASE?"."""
        return _data().expressions[self.kind].format(word=singular(self.thing.word), **self.fill)


@dataclass(frozen=True)
class _Data:
    """The data file, looked up quickly."""

    expressions: dict[str, str]
    regions: tuple[tuple[str, ...], ...]
    margin: float
    ratio: float


@lru_cache(maxsize=1)
def _data() -> _Data:
    clean = templates("grounding")["clean"]
    rows, columns = clean["regions"]["rows"], clean["regions"]["columns"]
    named = [[f"{row} {column}" for column in columns] for row in rows]
    named[1][1] = clean["regions"]["centre"]
    return _Data(clean["expressions"], tuple(map(tuple, named)), clean["margin"], clean["ratio"])


@dataclass(frozen=True, slots=True)
class _Picture:
    """An object, the boxes of its rivals, and how far places must be apart (pixels)."""

    target: Thing
    rivals: list[Box]
    size: tuple[int, int]
    margin_x: float
    margin_y: float


def refer(
    target: Thing, groups: Groups, size: tuple[int, int], doubtful: frozenset[str]
) -> list[Reference]:
    """All expressions that name an object.

    Args:
        target: The object.
        groups: All objects that are seen, by word; it included.
        size: (height, width) of the frame.
        doubtful: Words of which some objects are not among them.
    """
    met = [word for word in groups if word in overlapping(target.word)]
    rivals = [t.box for word in met for t in groups[word] if t.number != target.number]
    margin = _data().margin
    picture = _Picture(target, rivals, size, margin * size[1], margin * size[0])
    found = _regions(picture)
    if rivals:
        found += _extremes(picture)
        if len(met) == 1:
            found += _ordinals(picture)
    else:
        found.append(Reference("only", target))
    for word, group in groups.items():
        if len(group) == 1 and word not in met and _is_alone(word, groups, doubtful):
            found += _relative(picture, group[0])
    return found


def thirds(value: float, side: float, margin: float) -> tuple[int, int]:
    """First and last third of a side in which a place may lie."""
    low, high = 3 * (value - margin), 3 * (value + margin)
    return (low > side) + (low > 2 * side), (high >= side) + (high >= 2 * side)


def _regions(picture: _Picture) -> list[Reference]:
    (height, width), mx, my = picture.size, picture.margin_x, picture.margin_y
    x0, y0, x1, y1 = picture.target.box
    row, last_row = thirds((y0 + y1) / 2, height, my)
    column, last_column = thirds((x0 + x1) / 2, width, mx)
    if row != last_row or column != last_column:
        return []
    for x0, y0, x1, y1 in picture.rivals:
        first, last = thirds((x0 + x1) / 2, width, mx)
        if first <= column <= last:
            first, last = thirds((y0 + y1) / 2, height, my)
            if first <= row <= last:
                return []
    return [Reference("region", picture.target, {"region": _data().regions[row][column]})]


def _extremes(picture: _Picture) -> Iterable[Reference]:
    target, rivals = picture.target, picture.rivals
    ends = (("leftmost", "rightmost", 0, picture.margin_x),
            ("topmost", "lowest", 1, picture.margin_y))  # fmt: skip
    for first, last, low, margin in ends:
        a, b = target.box[low], target.box[low + 2]
        sums = [box[low] + box[low + 2] for box in rivals]  # twice the middles
        if a + b + 2 * margin < min(sums):
            if a <= min([box[low] for box in rivals]):
                yield Reference(first, target)
        elif a + b - 2 * margin > max(sums) and b >= max([box[low + 2] for box in rivals]):
            yield Reference(last, target)
    areas, ratio, own = [_area(box) for box in rivals], _data().ratio, _area(target.box)
    if own > ratio * max(areas):
        yield Reference("largest", target)
    elif own * ratio < min(areas):
        yield Reference("smallest", target)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _ordinals(picture: _Picture) -> Iterable[Reference]:
    """The target's number from either side; the ends have words of their own."""
    count = len(picture.rivals) + 1
    if count < 3:
        return
    number = ordinal_of(picture.target.box, picture.rivals, picture.margin_x)
    if number is None:
        return
    for place, side in ((number, "left"), (count + 1 - number, "right")):
        if 1 < place < count and place <= _MAX_ORDINAL:
            fill = {"ordinal": ordinal(place), "side": side}
            yield Reference("ordinal", picture.target, fill)


def ordinal_of(target: Box, others: Iterable[Box], margin: float) -> int | None:
    """Number of a box from the left, counted from 1; None where it is in doubt.

    No other box's centre may be nearer in x than the margin, and centres, left edges and right
    edges must give the same number.
    """
    x0, _, x1, _ = target
    number = 1
    for a, _, b, _ in others:
        apart = (x0 + x1 - a - b) / 2
        if apart > margin and a < x0 and b < x1:
            number += 1
        elif not (apart < -margin and a > x0 and b > x1):
            return None
    return number


def _is_alone(word: str, groups: Groups, doubtful: frozenset[str]) -> bool:
    """True if no other object may be called so."""
    met = overlapping(word)
    return met.isdisjoint(doubtful) and sum([other in met for other in groups]) == 1


def _relative(picture: _Picture, anchor: Thing) -> Iterable[Reference]:
    """Where the target is as seen from an object that has no rivals."""
    for before, after, low, margin in (
        ("to the left of", "to the right of", 0, picture.margin_x),
        ("above", "below", 1, picture.margin_y),
    ):
        high = low + 2
        a, b = anchor.box[low], anchor.box[high]
        if picture.target.box[high] + margin < a:
            relation = before
            unsure = any(r[low] + r[high] < a + b + 2 * margin for r in picture.rivals)
        elif picture.target.box[low] - margin > b:
            relation = after
            unsure = any(r[low] + r[high] > a + b - 2 * margin for r in picture.rivals)
        else:
            continue
        if not unsure:
            fill = {"relation": relation, "other": singular(anchor.word)}
            yield Reference("relative", picture.target, fill, (anchor.number,))
