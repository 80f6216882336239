"""Strict scores of boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.tasks.scoring.coordinates import SPACES, FoundBoxes, parse_boxes, to_pixels
from irtd_fast.tasks.scoring.matching import match_boxes
from irtd_fast.tasks.scoring.measures import Floats, Measures, f1_of, ratio
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.words import shown

IOU = 0.5
_ASKED = re.compile(r"bounding box(?:es)? of the (?:nearest )?(.+?) (?:located|in the) ")
Box = tuple[float, float, float, float]
_Scored = tuple[str, list[tuple[float, bool]], int]


@dataclass(frozen=True)
class Spaces:
    """What the numbers of boxes mean.

    Attributes:
        answers: ``pixel``, ``norm1000`` or ``norm1``.
        labels: The same of the labels; the published ones are pixels.
        size: (height, width) of the pictures: boxes are cut off there. None: they are not.
    """

    answers: str = "pixel"
    labels: str = "pixel"
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for space in (self.answers, self.labels):
            if space not in SPACES:
                raise ValueError(f"expected one of {', '.join(SPACES)}, found {space!r}")
        if self.size is None and self.answers != self.labels:
            raise ValueError("boxes in different units need the size of the pictures")


def score_grounding(
    pairs: Sequence[Pair],
    *,
    spaces: Spaces | None = None,
    relabel: Mapping[str, Box] | None = None,
) -> Measures:
    """Accuracy of the first box at IoU 0.5 (REC's precision@1), and all boxes matched.

    Metrics ``acc@0.5``, ``precision@0.5``, ``recall@0.5``, ``f1@0.5`` and ``mean_iou`` of the first
    box. ``ap@0.5`` (area under the whole precision-recall curve, mean over categories) only if
    every box that was found has a confidence: without them there is no ranking to average over.

    Args:
        pairs: Answers and labels.
        spaces: What the numbers mean.
        relabel: Key of a pair -> box in pixels to be used instead of its label.
    """
    spaces = spaces or Spaces()
    columns = np.zeros((len(pairs), 6))
    parsed = np.zeros(len(pairs), bool)
    errors: dict[int, str] = {}
    unlabelled = []
    ranked: list[_Scored] = []
    scored = True
    for number, pair in enumerate(pairs):
        right = _wanted(pair, spaces, relabel or {})
        if not right:
            unlabelled.append(number)
            continue
        found = _within(parse_boxes(pair.answer), spaces.answers, spaces.size)
        parsed[number] = bool(found.boxes)
        iou = box_iou(found.boxes, right)
        columns[number] = _row(iou)
        scored &= len(found.scores) == len(found.boxes)
        ranked.append((asked_object(pair.question), _ranking(found, iou), len(right)))
        if not found.boxes:
            errors[number] = f"unreadable: {shown(pair.answer)}"
        elif iou[0].max() < IOU:
            errors[number] = f"IoU of the first box {iou[0].max():.2f}"
    any_box = any(ranking for _, ranking, _ in ranked)
    extra = {"ap@0.5": average_precision(ranked)} if scored and any_box else {}
    return Measures(columns, _reduce, parsed, errors, unlabelled, extra)


def asked_object(question: str) -> str:
    """Give the category that a question asks for, or ``""``."""
    found = _ASKED.search(question)
    return found.group(1).strip() if found else ""


def _wanted(pair: Pair, spaces: Spaces, relabel: Mapping[str, Box]) -> tuple[Box, ...]:
    if pair.key in relabel:
        return (relabel[pair.key],)
    return _within(parse_boxes(pair.label), spaces.labels, spaces.size).boxes


def _within(found: FoundBoxes | None, space: str, size: tuple[int, int] | None) -> FoundBoxes:
    """Boxes in pixels, cut at the picture's edges; those outside are gone."""
    if found is None or size is None:
        return found or FoundBoxes(())
    height, width = size
    boxes: list[Box] = []
    scores: list[float] = []
    for number, box in enumerate(found.boxes):
        x1, y1, x2, y2 = to_pixels(box, space, size)
        cut = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
        if cut[0] < cut[2] and cut[1] < cut[3]:
            boxes.append(cut)
            scores += found.scores[number : number + 1]
    return FoundBoxes(tuple(boxes), tuple(scores))


def box_iou(a: Sequence[Box], b: Sequence[Box]) -> NDArray[np.float64]:
    """IoU of all boxes of two lists in float64: exactly one half must stay one half.

    Returns:
        (len(a), len(b)).
    """
    if len(a) == len(b) == 1:
        return np.array([[_one_iou(a[0], b[0])]])
    first = np.array(a, np.float64).reshape(-1, 1, 4)
    second = np.array(b, np.float64).reshape(1, -1, 4)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        low, high = np.maximum(first, second), np.minimum(first, second)
        shared = np.clip(high[..., 2:] - low[..., :2], 0, None).prod(axis=-1)
        areas = [(box[..., 2:] - box[..., :2]).prod(axis=-1) for box in (first, second)]
        iou = shared / (areas[0] + areas[1] - shared)
    known: NDArray[np.float64] = np.nan_to_num(iou, nan=0.0, posinf=0.0)
    return known


def _one_iou(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = width * height if width > 0 and height > 0 else 0.0
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if 0 < union < math.inf else 0.0


def _row(iou: NDArray[np.float64]) -> tuple[float, ...]:
    found, wanted = iou.shape
    if found == wanted == 1:
        one = float(iou[0, 0])
        hit = float(one >= IOU)
        return 1.0, hit, hit, 1.0 - hit, 1.0 - hit, one
    hits = match_boxes(iou, IOU)
    best = float(iou[0].max()) if found else 0.0
    return 1.0, float(best >= IOU), hits, found - hits, wanted - hits, best


def _reduce(sums: Floats) -> Mapping[str, Floats]:
    found = {"acc@0.5": ratio(sums[..., 1], sums[..., 0])}
    for name, value in f1_of(sums[..., 2], sums[..., 3], sums[..., 4]).items():
        found[f"{name}@0.5"] = value
    return {**found, "mean_iou": ratio(sums[..., 5], sums[..., 0])}


def _ranking(found: FoundBoxes, iou: NDArray[np.float64]) -> list[tuple[float, bool]]:
    """Confidence and hit of each box, as COCO matches: best confidence first."""
    taken: set[int] = set()
    ranking = []
    for number in sorted(range(len(found.scores)), key=lambda i: -found.scores[i]):
        free = [i for i in range(iou.shape[1]) if i not in taken and iou[number, i] >= IOU]
        if free:
            taken.add(max(free, key=lambda i, n=number: iou[n, i]))  # type: ignore[misc]
        ranking.append((found.scores[number], bool(free)))
    return ranking


def average_precision(samples: Sequence[_Scored]) -> float:
    """Mean over categories of the area under the precision-recall curve, every point of it.

    Args:
        samples: Category, (confidence, hit) of each box found, and number of boxes wanted.
    """
    values = []
    for category in sorted({name for name, _, _ in samples}):
        rows = [row for name, ranking, _ in samples if name == category for row in ranking]
        wanted = sum(count for name, _, count in samples if name == category)
        order = np.argsort([-score for score, _ in rows], kind="stable")
        hits = np.array([hit for _, hit in rows], np.float64)[order]
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        values.append(float((envelope * hits).sum() / wanted))
    return float(np.mean(values)) if values else 0.0
