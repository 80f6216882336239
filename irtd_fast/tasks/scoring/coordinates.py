"""Strict parsers of boxes and points in answers, whatever a model wraps them in.

Nothing is evaluated: numbers are found by patterns that run once over the text. An answer with
brackets deeper than 8 or with more than 10,000 numbers is unparsable.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from irtd_fast.tasks.scoring.answers import text_of

MAX_DEPTH = 8
MAX_NUMBERS = 10_000
SPACES = ("pixel", "norm1000", "norm1")

_N = r"\s*+[+-]?(?:\d{1,20}+(?:\.\d{0,40}+)?|\.\d{1,40}+)(?:[eE][+-]?\d{1,3}+)?\s*+"
_FOUR = rf"{_N},{_N},{_N},{_N}"
_FIVE = rf"{_FOUR}(?:,{_N})?,?\s*+"
_BOX = re.compile(rf"\[{_FIVE}\]|\({_FIVE}\)")
_CORNERS = re.compile(rf"\({_N},{_N}\)\s*,\s*\({_N},{_N}\)")  # Qwen-VL writes two points
_BOX_TAGS = (("<box>", "</box>"), ("<|box_start|>", "<|box_end|>"))
_OBJECT = re.compile(r"\{[^{}]*+\}")
_BOX_KEYS = ("bbox_2d", "bbox", "box", "box_2d")
_SCORE_KEYS = ("score", "confidence")
_BETWEEN = re.compile(r"[\s,]*")
_POINT = re.compile(rf"\(({_N}),({_N})\)|\[({_N}),({_N})\]")
_MARK = re.compile(r"<ref>(?P<ref>[^<]*+)</ref>|<pos>(?P<pos>(?:[^<]|<(?!/?pos>))*+)</pos>")
_NUMBERS = re.compile(_N)
_DEEP = re.compile(
    rf"(?:[\[({{][^\[({{\])}}]*+){{{MAX_DEPTH + 1}}}"
)  # openings, nothing closed between


@dataclass(frozen=True, slots=True)
class FoundBoxes:
    """Boxes of one answer.

    Attributes:
        boxes: (x1, y1, x2, y2) as written, inverted ones turned over.
        scores: A confidence for each box, or empty if not every box has one.
    """

    boxes: tuple[tuple[float, float, float, float], ...]
    scores: tuple[float, ...] = ()


def parse_boxes(answer: Any) -> FoundBoxes | None:
    """Give the boxes of an answer: its first list of boxes, or all of its ``bbox_2d`` objects.

    A list is ``[[x1, y1, x2, y2], ...]``, also flat, as tuples, or in ``<box>`` tags. A fifth
    number is a confidence. Boxes without area or with numbers that are not finite are not counted.
    """
    text = text_of(answer)
    if text is None or not _is_bounded(text):
        return None
    rows = _from_objects(text)
    if not rows:
        inner = _tagged(text)
        rows = _run(text if inner is None else inner)
        if not rows and inner is not None:
            rows = [_numbers(match.group()) for match in _CORNERS.finditer(inner)]
    upright = [(turned, row[4:]) for row in rows if (turned := _upright(row)) is not None]
    if not upright:
        return None
    scores = tuple(rest[0] for _, rest in upright if rest and math.isfinite(rest[0]))
    boxes = tuple(box for box, _ in upright)
    return FoundBoxes(boxes, scores if len(scores) == len(boxes) else ())


def _is_bounded(text: str) -> bool:
    if text.count(",") >= MAX_NUMBERS:
        return False
    return sum(map(text.count, "[({")) <= MAX_DEPTH or _DEEP.search(text) is None


def _tagged(text: str) -> str | None:
    """Give what stands in the first box tag."""
    for opening, closing in _BOX_TAGS:
        start = text.find(opening)
        end = text.find(closing, start + len(opening)) if start >= 0 else -1
        if end >= 0:
            return text[start + len(opening) : end]
    return None


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBERS.findall(text)]


def _run(text: str) -> list[list[float]]:
    """Numbers of the first box and of those that follow it with nothing but commas between."""
    rows: list[list[float]] = []
    end = 0
    for match in _BOX.finditer(text):
        if rows and _BETWEEN.fullmatch(text, end, match.start()) is None:
            break
        rows.append(_numbers(match.group()))
        end = match.end()
    return rows


def _from_objects(text: str) -> list[list[float]]:
    rows = []
    for match in _OBJECT.finditer(text):
        try:
            found = json.loads(match.group())
        except (ValueError, RecursionError):
            continue
        box = next((found[key] for key in _BOX_KEYS if key in found), None)
        score = next((found[key] for key in _SCORE_KEYS if key in found), None)
        if isinstance(box, list) and len(box) == 4 and all(map(_is_number, box)):
            rows.append([_float(v) for v in (*box, score) if _is_number(v)])
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _upright(row: list[float]) -> tuple[float, float, float, float] | None:
    x1, y1, x2, y2 = row[:4]
    if not all(map(math.isfinite, row[:4])) or x1 == x2 or y1 == y2:
        return None
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def parse_points(answer: Any) -> list[tuple[float, float, str]] | None:
    """Give the points of an answer, each with the category that a ``<ref>`` before it names.

    Points of all ``<pos>`` blocks, or all points of an answer without such blocks; ``(x, y)`` or
    ``[x, y]``. A ``<pos>`` block without points is an answer too: nothing is there.

    Returns:
        (x, y, category or ``""``) in order, or None if the answer has neither points nor blocks.
    """
    text = text_of(answer)
    if text is None or not _is_bounded(text):
        return None
    marks = list(_MARK.finditer(text))
    tagged = any(mark["pos"] is not None for mark in marks)
    found: list[tuple[float, float, str]] = []
    category, end = "", 0
    for mark in marks:
        if mark["pos"] is not None:
            found += _points(mark["pos"], category)
        else:
            if not tagged:
                found += _points(text[end : mark.start()], category)
            category = mark["ref"].strip()
        end = mark.end()
    if not tagged:
        found += _points(text[end:], category)
    return found if found or tagged else None


def _points(text: str, category: str) -> list[tuple[float, float, str]]:
    rows = [(float(a or c), float(b or d), category) for a, b, c, d in _POINT.findall(text)]
    return [row for row in rows if math.isfinite(row[0]) and math.isfinite(row[1])]


def to_pixels(values: tuple[float, ...], space: str, size: tuple[int, int]) -> tuple[float, ...]:
    """Bring x, y, x, y ... from a coordinate space to pixels.

    Args:
        values: Coordinates.
        space: ``pixel``, ``norm1000`` (0..1000) or ``norm1`` (0..1).
        size: (height, width) of the picture.
    """
    if space == "pixel":
        return values
    unit = 1000.0 if space == "norm1000" else 1.0
    height, width = size
    return tuple(v / unit * (height if i % 2 else width) for i, v in enumerate(values))
