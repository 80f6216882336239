"""The objects that official texts speak of, in the published words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from irtd_fast.tasks.facts import Box, Facts
from irtd_fast.tasks.phrasing import templates
from irtd_fast.tasks.remembered import once_a_picture
from irtd_fast.tasks.words import is_named

FAR = float(1 << 40)  # pixels: beyond it a coordinate is no place


class Thing(NamedTuple):
    """An object as texts speak of it.

    Attributes:
        word: What it is called.
        box: xyxy, pixels.
        number: Of the box in ``Facts.boxes``.
    """

    word: str
    box: Box
    number: int


@lru_cache(maxsize=1024)
def published_words(vocabulary: tuple[str, ...]) -> Mapping[str, str]:
    """Category word -> word of official texts, in the order in which categories are preferred.

    The published texts know person, bike and car. Of a source that has none of these, all
    categories that name a thing are taken, in its own words and order.

    >>> published_words(("car", "person", "bicycle", "dog"))
    {'person': 'person', 'bicycle': 'bike', 'car': 'car'}
    >>> published_words(("target",))
    {'target': 'target'}
    """
    data = templates("official")
    wanted: list[str] = data["categories"]
    said = {word: data["published"].get(word, word) for word in vocabulary}
    known = {word: said[word] for word in vocabulary if said[word] in wanted}
    if known:
        return dict(sorted(known.items(), key=lambda item: wanted.index(item[1])))
    return {word: word for word in vocabulary if is_named(word)}


def words_of(facts: Facts) -> Mapping[str, str]:
    """``published_words`` of a picture's source."""
    return published_words(facts.vocabulary or facts.present())


@once_a_picture
def official_objects(facts: Facts) -> Sequence[Thing]:
    """Objects of the published categories, all of them, in the order of the annotation.

    Boxes that are no boxes (not finite, or turned over) are left out.
    """
    words = words_of(facts)
    return [
        Thing(words[word], box, number)
        for number, (box, word) in enumerate(zip(facts.boxes, facts.categories, strict=True))
        if word in words and is_box(box)
    ]


def is_box(box: Box) -> bool:
    """True if the four numbers are finite places, and not turned over."""
    x0, y0, x1, y1 = box
    return -FAR < x0 <= x1 < FAR and -FAR < y0 <= y1 < FAR


def by_category(things: Sequence[Thing]) -> dict[str, list[Thing]]:
    """Things by word; words by first appearance, things in their order."""
    out: dict[str, list[Thing]] = {}
    for thing in things:
        out.setdefault(thing.word, []).append(thing)
    return out
