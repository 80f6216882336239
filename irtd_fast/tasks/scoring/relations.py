"""Which labels of relationship questions do not depend on an object that the text hides.

The published answers compare the named object with one object of the other category that the
question does not name. Where all of them stand in the relation, or none does, the label is decided
by the question alone; the places come from the location texts of the same picture.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from irtd_fast.tasks.scoring.coordinates import parse_points
from irtd_fast.tasks.scoring.pairs import Pair

_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_QUESTION = re.compile(
    r"Is there an? (?P<subject>.+?) (?P<relation>on the right side of|on the left side of|near to|"
    r"far from) (?:the )+(?P<ordinal>\w+) (?P<reference>\w+) from left to right"
)
_WIDTH, _HEIGHT = 640, 512  # of FLIR ADAS v1, whose pictures all published questions are about
Places = Mapping[str, Mapping[str, list[tuple[float, float]]]]


def places_of(locations: Iterable[tuple[str, str]]) -> Places:
    """Give image -> category -> points in pixels, from (image, answer) of location texts."""
    places: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for image, answer in locations:
        for x, y, category in parse_points(answer) or ():
            point = (x * _WIDTH / 1000, y * _HEIGHT / 1000)
            places.setdefault(image, {}).setdefault(category, []).append(point)
    return places


def decided_pairs(pairs: Iterable[Pair], places: Places) -> dict[str, bool]:
    """Key of each pair -> whether every object that can be meant gives the same answer.

    Pairs about depth (in front of, behind), or without places, are not in it.
    """
    decided = {}
    for pair in pairs:
        found = _candidates(pair, places.get(pair.image, {}))
        if found is not None:
            decided[pair.key] = len(found) == 1
    return decided


def _candidates(pair: Pair, places: Mapping[str, list[tuple[float, float]]]) -> set[bool] | None:
    match = _QUESTION.search(pair.question)
    if match is None:
        return None
    number = _whole(match["ordinal"])
    ordered = places.get(match["reference"], [])
    if number is None or not 1 <= number <= len(ordered):
        return None
    reference = ordered[number - 1]
    subjects = places.get(match["subject"], [])
    return {_holds(match["relation"], point, reference) for point in subjects} or None


def _whole(ordinal: str) -> int | None:
    """``third`` or ``22nd`` (published as ``22th``) as a number."""
    digits = re.fullmatch(r"([0-9]{1,5})(?:st|nd|rd|th)", ordinal)
    return int(digits.group(1)) if digits is not None else _ORDINALS.get(ordinal)


def _holds(relation: str, point: tuple[float, float], reference: tuple[float, float]) -> bool:
    if relation == "on the left side of":
        return point[0] < reference[0]
    if relation == "on the right side of":
        return point[0] > reference[0]
    distance = math.dist(point, reference)
    return distance < _WIDTH / 4 if relation == "near to" else distance > _WIDTH / 2
