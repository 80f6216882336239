"""Where the labelled things of a picture are, one place each: the common ground of counts.

A thing is a labelled point, or, for categories without points in the picture, the centre of a box.
Only places inside the frame count (``0 <= x < width``, ``0 <= y < height``), which is the rule of
``irtd_fast.density``: the sum of the density map of a category's places is their number.
"""

from __future__ import annotations

from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.words import is_named

Places = list[tuple[float, float]]


def places_of(facts: Facts, category: str) -> Places:
    """Places of the things of one category, in the order of their labels."""
    width, height = facts.width, facts.height
    if category in facts.point_categories:
        pairs = zip(facts.points, facts.point_categories, strict=True)
        found = [point for point, word in pairs if word == category]
    else:
        found = [
            ((x0 + x1) / 2, (y0 + y1) / 2)
            for (x0, y0, x1, y1), word in zip(facts.boxes, facts.categories, strict=True)
            if word == category
        ]
    return [(x, y) for x, y in found if 0 <= x < width and 0 <= y < height]


def things(facts: Facts) -> dict[str, Places]:
    """Categories that the picture shows, in the order of their words, and where their things are.

    Categories that name no thing (``background``, ``person?``) are left out, and those of which a
    crop left something out that may still be seen (``Facts.partial``).
    """
    by_word: dict[str, Places] = {}
    width, height, pointed = facts.width, facts.height, facts.point_categories
    for (x, y), word in zip(facts.points, pointed, strict=True):
        if 0 <= x < width and 0 <= y < height:
            by_word.setdefault(word, []).append((x, y))
    for (x0, y0, x1, y1), word in zip(facts.boxes, facts.categories, strict=True):
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        if 0 <= x < width and 0 <= y < height and word not in pointed:
            by_word.setdefault(word, []).append((x, y))
    partial = facts.partial
    return {w: by_word[w] for w in sorted(by_word) if is_named(w) and w not in partial}


def time_of_day(facts: Facts) -> str:
    """``day``, ``night`` or ``""``: by the sample's scene, or its attribute ``light``."""
    for word in (facts.scene, facts.attributes.get("light", "")):
        if word in ("day", "night"):
            return word
    return ""
