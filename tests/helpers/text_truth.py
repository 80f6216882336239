"""Whether clean texts are true of boxes: an evaluator that shares no code with what builds them.

It reads the English, and knows the objects as they are: all of them, whole, with the part that is
in the frame. Words are looked up in tables of its own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from irtd_fast.tasks.text import Text

Box = tuple[float, float, float, float]

PLURALS = {
    "person": "people", "cyclist": "cyclists", "bicycle": "bicycles", "car": "cars", "van": "vans",
    "truck": "trucks", "bus": "buses", "dog": "dogs", "target": "targets", "ship": "ships",
}  # fmt: skip
# Pairs of words of which both may be said of one thing; the first covers the second if marked.
SAME = {("person", "cyclist"), ("bicycle", "cyclist"), ("car", "van"), ("truck", "van")}
COVERS = {("person", "cyclist")}
NUMBERS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
           "tenth"]  # fmt: skip
_NUMBER = r"-?\d+(?:\.\d+)?"


def may_be_same(a: str, b: str) -> bool:
    return a == b or (a, b) in SAME or (b, a) in SAME


@dataclass(frozen=True)
class Object:
    """An object and the part of it that is in the frame."""

    word: str
    box: Box
    number: int = -1

    @property
    def middle(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def area(self) -> float:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


def visible(words: tuple[str, ...], boxes: tuple[Box, ...], size: tuple[int, int]) -> list[Object]:
    """What is in the frame of each object, if anything is."""
    height, width = size
    out = []
    for number, (word, (x0, y0, x1, y1)) in enumerate(zip(words, boxes, strict=True)):
        cut = max(x0, 0.0), max(y0, 0.0), min(x1, width), min(y1, height)
        if cut[0] < cut[2] and cut[1] < cut[3]:
            out.append(Object(word, cut, number))
    return out


def scale(units: str, size: tuple[int, int]) -> tuple[float, float, float]:
    """Factors from pixels to written numbers, and the last digit's worth."""
    height, width = size
    if units == "pixel":
        return 1.0, 1.0, 1.0
    if units == "unit":
        return 1 / width, 1 / height, 1e-4
    return 1000 / width, 1000 / height, 1.0


def is_true(text: Text, objects: list[Object], size: tuple[int, int], units: str) -> bool:
    """True if the answer is right, and the question has no other answer."""
    judge = {
        "location": _location, "grounding": _grounding, "relationship": _relationship,
        "security": _security,
    }[text.task]  # fmt: skip
    return judge(text, objects, size, units)


def _location(text: Text, objects: list[Object], size: tuple[int, int], units: str) -> bool:
    asked = re.search(r"ocate (?:the positions of )?all (.+?) from left to right", text.question)
    given = re.fullmatch(r"<ref>(.+)</ref> at <pos>\[(.*)\]</pos>", text.answer)
    assert asked is not None
    assert given is not None
    word = given[1]
    assert PLURALS[word] == asked[1]
    points = [
        (float(x), float(y)) for x, y in re.findall(rf"\(({_NUMBER}), ({_NUMBER})\)", given[2])
    ]
    if points != sorted(set(points)):
        return False
    fx, fy, worth = scale(units, size)
    wanted = [
        (o.middle[0] * fx, o.middle[1] * fy)
        for o in objects
        if o.word == word or (word, o.word) in COVERS
    ]

    def near(a: tuple[float, float], b: tuple[float, float]) -> bool:
        return max(abs(a[0] - b[0]), abs(a[1] - b[1])) <= 0.51 * worth + 1e-3 * fx

    return all(any(near(p, w) for p in points) for w in wanted) and all(
        any(near(p, w) for w in wanted) for p in points
    )


def named(text: Text, objects: list[Object], size: tuple[int, int]) -> list[int]:
    """Numbers of the objects that a grounding question fits."""
    phrase = re.search(r"the .+ picture", text.question.replace("the bounding box of ", ""))
    assert phrase is not None
    return [o.number for o in resolve(phrase[0], objects, size, loose=True)]


def _grounding(text: Text, objects: list[Object], size: tuple[int, int], units: str) -> bool:
    phrase = re.search(r"the .+ picture", text.question.replace("the bounding box of ", ""))
    assert phrase is not None
    found = [resolve(phrase[0], objects, size, loose=loose) for loose in (True, False)]
    boxes = re.fullmatch(
        rf"The target bounding box is <box>\[\[({_NUMBER}), ({_NUMBER}), ({_NUMBER}), ({_NUMBER})"
        r"\]\]</box>\.",
        text.answer,
    )
    assert boxes is not None
    written = [float(n) for n in boxes.groups()]
    fx, fy, worth = scale(units, size)
    for hits in found:
        if len(hits) != 1:
            return False
        edges = [v * f for v, f in zip(hits[0].box, (fx, fy, fx, fy), strict=True)]
        if max(abs(a - b) for a, b in zip(edges, written, strict=True)) > 0.51 * worth + 1e-3 * fx:
            return False
    return True


def resolve(
    phrase: str, objects: list[Object], size: tuple[int, int], *, loose: bool
) -> list[Object]:
    """Objects that a phrase fits; loose: also those of which its word may be said as well."""

    def called(word: str) -> list[Object]:
        return [o for o in objects if (may_be_same(o.word, word) if loose else o.word == word)]

    match = re.fullmatch(r"the (\w+) in the picture", phrase)
    if match:
        return called(match[1])
    match = re.fullmatch(r"the (\w+) located in the ([a-z ]+) of the picture", phrase)
    if match:
        return [o for o in called(match[1]) if ninth(o, size) == match[2]]
    match = re.fullmatch(r"the (\w+most|lowest|largest|smallest) (\w+) in the picture", phrase)
    if match:
        key = {
            "leftmost": lambda o: o.middle[0], "rightmost": lambda o: -o.middle[0],
            "topmost": lambda o: o.middle[1], "lowest": lambda o: -o.middle[1],
            "largest": lambda o: -o.area, "smallest": lambda o: o.area,
        }[match[1]]  # fmt: skip
        group = called(match[2])
        return [o for o in group if key(o) == min(map(key, group))]
    match = re.fullmatch(r"the (\w+) (\w+) from the (left|right) in the picture", phrase)
    if match:
        group = sorted(called(match[2]), key=lambda o: o.middle[0])
        if match[3] == "right":
            group.reverse()
        return [group[NUMBERS.index(match[1])]]
    match = re.fullmatch(
        r"the (\w+) located (to the left of|to the right of|above|below) the (\w+) in the picture",
        phrase,
    )
    assert match is not None, phrase
    anchors = called(match[3])
    assert len(anchors) == 1
    x, y = anchors[0].middle
    test = {
        "to the left of": lambda o: o.middle[0] < x, "to the right of": lambda o: o.middle[0] > x,
        "above": lambda o: o.middle[1] < y, "below": lambda o: o.middle[1] > y,
    }[match[2]]  # fmt: skip
    return [o for o in called(match[1]) if test(o)]


def ninth(o: Object, size: tuple[int, int]) -> str:
    (x, y), (height, width) = o.middle, size
    column = "left" if x < width / 3 else "right" if x > 2 * width / 3 else "center"
    row = "top" if y < height / 3 else "bottom" if y > 2 * height / 3 else "middle"
    return "center" if (row, column) == ("middle", "center") else f"{row} {column}"


def _relationship(text: Text, objects: list[Object], size: tuple[int, int], units: str) -> bool:
    del units
    match = re.search(
        r"(?:Is there|Can|show) an? (\w+) (?:be seen )?"
        r"(on the left side of|on the right side of|near to|far from) the (?:(\w+) )?(\w+?)"
        r"(?: from the left)?(?: in the picture)?\?",
        text.question,
    )
    assert match is not None, text.question
    subject, relation, ordinal, reference = match.groups()
    group = sorted((o for o in objects if o.word == reference), key=lambda o: o.middle[0])
    assert ordinal is not None or len(group) == 1
    x, y = group[_number(ordinal) - 1].middle
    width = size[1]

    def holds(o: Object) -> bool:
        a, b = o.middle
        if relation == "on the left side of":
            return a < x
        if relation == "on the right side of":
            return a > x
        distance = math.hypot(a - x, b - y)
        return distance < width / 4 if relation == "near to" else distance > width / 2

    # A "no" must hold of everything that may be called so, a "yes" of something that surely is.
    sure = any(holds(o) for o in objects if o.word == subject)
    possible = any(holds(o) for o in objects if may_be_same(o.word, subject))
    return sure if text.answer == "yes" else text.answer == "no" and not possible


def _number(ordinal: str | None) -> int:
    if ordinal is None:
        return 1
    return NUMBERS.index(ordinal) + 1 if ordinal in NUMBERS else int(ordinal[:-2])


def _security(text: Text, objects: list[Object], size: tuple[int, int], units: str) -> bool:
    del size, units
    options = dict(re.findall(r"\(([A-D])\) (.+?)(?= \(|$)", text.question.partition("\n")[2]))
    said = re.findall(r"\(([A-D])\) (.+?)(?= \(|$)", text.answer)
    if not 0 < len(said) < len(options) or len(set(options.values())) != len(options):
        return False
    absent = {letter for letter, _ in said}
    for letter, word in options.items():
        if letter in absent and any(may_be_same(o.word, word) for o in objects):
            return False
        if letter not in absent and not any(o.word == word for o in objects):
            return False
    return all(options[letter] == word for letter, word in said)
