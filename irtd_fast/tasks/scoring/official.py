"""What the four published scripts compute, from a description of what they do.

Each function gives the numbers that its script prints, on every input on which the script
finishes: the same samples skipped, matches made greedily in the same order, sums in the same order.
Where a script would end with an exception, so do we (``OfficialWouldCrash`` names the sample), or
the answer counts as wrong and is reported (``on_crash="zero"``).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import OfficialWouldCrash
from irtd_fast.tasks.scoring.literal import CRASHES, literal_eval
from irtd_fast.tasks.scoring.matching import near_pairs
from irtd_fast.tasks.scoring.pairs import Absent, Pair

ON_CRASH = ("raise", "zero")
_NUMBER_TAG = re.compile(r"<num>(\d+)</num>")
_INTEGER = r"-?(?:0|[1-9][0-9]{0,15})"
_POINT_LIST = re.compile(rf"\[\({_INTEGER}, {_INTEGER}\)(?:, \({_INTEGER}, {_INTEGER}\))*+\]")
_SQUARE = str.maketrans("()", "[]")
_IOU = 0.5
_HUGE = 10**300  # what the mean of integers can bear, an array of float64 may not


@dataclass
class OfficialRun:
    """What a script prints, and what it is made of.

    Attributes:
        values: Name as the script prints it -> number.
        columns: (n, c) float64, what each sample adds to the sums.
        skipped: Numbers of the samples that the script leaves out silently.
        crashes: Number of a sample -> why the script would have ended there.
    """

    values: dict[str, float]
    columns: NDArray[np.float64]
    skipped: list[int] = field(default_factory=list)
    crashes: dict[int, str] = field(default_factory=dict)


class _Samples:
    """Runs one sample after the other and keeps the crashes."""

    def __init__(self, pairs: Sequence[Pair], on_crash: str) -> None:
        if on_crash not in ON_CRASH:
            raise ValueError(f"on_crash must be one of {', '.join(ON_CRASH)}, found {on_crash!r}")
        self.pairs = pairs
        self.on_crash = on_crash
        self.crashes: dict[int, str] = {}

    def run(self, count: Callable[[Any, Any], Any], otherwise: Callable[[Any], Any]) -> list[Any]:
        """Give ``count(answer, label)`` of each; ``otherwise(label)`` where that crashes."""
        results = []
        for number, pair in enumerate(self.pairs):
            try:
                results.append(count(pair.answer, pair.label))
            except CRASHES as error:
                self.crash(number, error)
                results.append(otherwise(pair.label))
        return results

    def crash(self, number: int, error: BaseException) -> None:
        """Raise, or keep the reason.

        Raises:
            OfficialWouldCrash: Unless crashes count as zero.
        """
        reason = f"{type(error).__name__}: {error}"
        key = self.pairs[number].key
        if self.on_crash == "raise":
            raise OfficialWouldCrash(
                f"{key}: the published script would end here with {reason}; --on-crash zero "
                "counts such answers as wrong, --mode strict needs no exceptions",
                sample=key, reason=reason,
            ) from error  # fmt: skip
        self.crashes[number] = reason


def _field(value: Any, name: str) -> Any:
    if value is Absent.FIELD:
        raise KeyError(name)
    return value


# ---- Recognition.py -------------------------------------------------------------------------


def exact_match(pairs: Sequence[Pair], *, on_crash: str = "raise") -> OfficialRun:
    """``Recognition.py``: share of answers that are their label, but for blanks around it.

    Raises:
        OfficialWouldCrash: Something that is no text, a missing field, or no samples at all.
    """
    samples = _Samples(pairs, on_crash)
    if not pairs:
        if on_crash == "raise":
            raise OfficialWouldCrash(
                "no samples: the published script would end with ZeroDivisionError",
                sample="", reason="ZeroDivisionError: division by zero",
            )  # fmt: skip
        return OfficialRun({"accuracy": math.nan}, np.zeros((0, 1)))
    hits = samples.run(
        lambda a, b: float(_field(a, "answer").strip() == _field(b, "label").strip()),
        lambda label: 0.0,
    )
    columns = np.array(hits, np.float64).reshape(-1, 1)
    return OfficialRun({"accuracy": int(sum(hits)) / len(pairs)}, columns, [], samples.crashes)


# ---- Counting.py ----------------------------------------------------------------------------


def counting(pairs: Sequence[Pair], *, on_crash: str = "raise") -> OfficialRun:
    """``Counting.py``: MAE, MSE and RMSE over the samples whose answer has a ``<num>`` tag.

    All others are left out silently: ``nan`` if none is left. With ``on_crash="zero"`` an answer
    that would crash counts as 0.

    Raises:
        OfficialWouldCrash: Something that is no text, a missing field, more digits than Python
            converts, or numbers too large for a float.
    """
    samples = _Samples(pairs, on_crash)
    numbers = samples.run(
        lambda a, b: (_number(_field(a, "answer")), _number(_field(b, "label"))), _zero_count
    )
    used = [n for n, (answer, label) in enumerate(numbers) if None not in (answer, label)]
    errors = {n: abs(numbers[n][0] - numbers[n][1]) for n in used}
    while True:
        try:
            values, columns = _error_means(errors, len(pairs))
            break
        except CRASHES as error:  # a number that no float holds: the largest one is to blame
            worst = max(errors, key=lambda n: errors[n])
            samples.crash(worst, error)
            errors[worst] = numbers[worst][1]
            if errors[worst] > np.iinfo(np.int64).max:  # so is its label
                del errors[worst]
    skipped = [n for n in range(len(pairs)) if n not in errors]
    return OfficialRun(values, columns, skipped, samples.crashes)


def _number(text: Any) -> int | None:
    found = _NUMBER_TAG.search(text)
    return int(found.group(1)) if found else None


def _zero_count(label: Any) -> tuple[int | None, int | None]:
    try:
        return 0, _number(label)
    except CRASHES:
        return None, None


def _error_means(
    errors: dict[int, int], count: int
) -> tuple[dict[str, float], NDArray[np.float64]]:
    columns = np.zeros((count, 3))
    if not errors:
        return dict.fromkeys(("MAE", "MSE", "RMSE"), math.nan), columns
    absolute = list(errors.values())
    squared = [error**2 for error in absolute]
    mse = np.mean(squared)
    values = {"MAE": float(np.mean(absolute)), "MSE": float(mse), "RMSE": float(np.sqrt(mse))}
    bounded = [(1, min(a, _HUGE), min(s, _HUGE)) for a, s in zip(absolute, squared, strict=True)]
    columns[list(errors)] = np.array(bounded, np.float64)
    return values, columns


# ---- Detection.py ---------------------------------------------------------------------------


def detection(pairs: Sequence[Pair], *, on_crash: str = "raise") -> OfficialRun:
    """``Detection.py``: mean over the samples of the share of boxes found with IoU >= 0.5.

    Raises:
        OfficialWouldCrash: An answer that is no list of boxes with four numbers each, or two boxes
            whose areas cancel.
    """
    samples = _Samples(pairs, on_crash)
    shares = samples.run(lambda a, b: _share_found(_boxes(a), _boxes(b)), lambda label: 0)
    total: float = 0
    for share in shares:
        total += share
    value = total / len(pairs) if pairs else 0
    columns = np.array(shares, np.float64).reshape(-1, 1)
    return OfficialRun({"recall": float(value)}, columns, [], samples.crashes)


def _boxes(text: Any) -> Any:
    """The first ``[`` to the last ``]``, missing brackets added; None if that is no literal."""
    if text is Absent.FIELD:
        text = ""
    start, end = text.find("["), text.rfind("]") + 1
    if end == 0:
        text += "]"
        end = len(text)
    inner = text[start:end]
    inner += "]" * (inner.count("[") - inner.count("]"))
    try:
        return literal_eval(inner)
    except (ValueError, SyntaxError):
        return None


def _share_found(found: Any, wanted: Any) -> float:
    hits = 0
    for box in wanted:
        best, best_iou = None, 0
        for candidate in found:
            iou = _iou(box, candidate)
            if iou > best_iou:
                best, best_iou = candidate, iou
        if best_iou >= _IOU:
            hits += 1
            found.remove(best)  # the first box that is equal to it
    return hits / len(wanted) if len(wanted) > 0 else 0


def _iou(a: Any, b: Any) -> Any:
    """Areas have a sign, and nothing guards the division; the order of arguments is theirs."""
    left, top = max(a[0], b[0]), max(a[1], b[1])
    right, bottom = min(a[2], b[2]), min(a[3], b[3])
    shared = max(0, right - left) * max(0, bottom - top)
    first = (a[2] - a[0]) * (a[3] - a[1])
    second = (b[2] - b[0]) * (b[3] - b[1])
    return shared / (first + second - shared)


# ---- Location.py ----------------------------------------------------------------------------


def location(
    pairs: Sequence[Pair], *, threshold: float = 5.0, on_crash: str = "raise"
) -> OfficialRun:
    """``Location.py``: points matched greedily within ``threshold`` of the answer's own units.

    With ``on_crash="zero"`` an answer that would crash counts as one without points.

    Raises:
        OfficialWouldCrash: Points that are no numbers, numbers too large, or a missing field.
    """
    samples = _Samples(pairs, on_crash)
    rows = samples.run(
        lambda answer, label: _match(_points(label, "label"), _points(answer, "answer"), threshold),
        lambda label: _match(_label_points(label), [], threshold),
    )
    hits = extra = missed = used = 0
    distance = means = 0.0
    columns = np.zeros((len(pairs), 6))
    for number, (matched, surplus, lacking) in enumerate(rows):
        hits += len(matched)
        extra += surplus
        missed += lacking
        columns[number, :3] = len(matched), surplus, lacking
        if matched:
            distance += sum(matched)
            mean = sum(matched) / len(matched)
            means += mean
            used += 1
            columns[number, 3:] = sum(matched), mean, 1
    precision = hits / (hits + extra) if hits + extra > 0 else 1.0
    recall = hits / (hits + missed) if hits + missed > 0 else 1.0
    both = precision + recall
    values = {
        "precision": precision,
        "recall": recall,
        "f1_score": 2 * precision * recall / both if both > 0 else 0.0,
        "average_distance": distance / hits if hits > 0 else 0.0,
        "average_sample_mae": means / used if used > 0 else 0.0,
    }
    return OfficialRun(values, columns, [], samples.crashes)


def _points(text: Any, name: str) -> list[tuple[Any, Any]]:
    """Points of the first ``<pos>`` on one line; nothing else counts as a point."""
    inner = _first_pos(_field(text, name))
    if inner is None:
        return []
    if _POINT_LIST.fullmatch(inner) is not None:
        return list(map(tuple, json.loads(inner.translate(_SQUARE))))
    try:
        points = literal_eval(inner)
    except (ValueError, SyntaxError):
        return []
    fits = isinstance(points, list) and all(isinstance(p, tuple) and len(p) == 2 for p in points)
    return points if fits else []


def _first_pos(text: Any) -> str | None:
    """What ``<pos>(.*?)</pos>`` finds first, in one pass whatever the text is."""
    if not isinstance(text, str):
        raise TypeError(f"expected string or bytes-like object, got {type(text).__name__!r}")
    for line in text.split("\n"):
        start = line.find("<pos>")
        end = line.find("</pos>", start + 5) if start >= 0 else -1
        if end >= 0:
            return line[start + 5 : end]
    return None


def _label_points(label: Any) -> list[tuple[Any, Any]]:
    try:
        return _points(label, "label")
    except CRASHES:
        return []


def _match(
    wanted: list[tuple[Any, Any]], found: list[tuple[Any, Any]], threshold: float
) -> tuple[list[float], int, int]:
    """Distances of the matches, and how many points of each side are left over."""
    taken: set[int] = set()
    distances = []
    near = near_pairs(wanted, found, threshold)
    everything = range(len(found))
    for number, (x, y) in enumerate(wanted):
        best, nearest = None, math.inf
        for other in everything if near is None else near[number]:
            if other not in taken:
                p = found[other]
                distance = math.sqrt((x - p[0]) ** 2 + (y - p[1]) ** 2)
                if distance < nearest and distance <= threshold:
                    best, nearest = other, distance
        if best is not None:
            taken.add(best)
            distances.append(nearest)
    return distances, len(found) - len(taken), len(wanted) - len(distances)
