"""The published scoring scripts told again, sentence by sentence, from the survey of them.

Plain and slow, sharing no code with the library: Python's own ``literal_eval``, the lists as they
are, one loop a sentence. ``data`` is what the scripts load: a list of dicts with ``answer`` and
``label``. Exceptions are the scripts' exceptions.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from typing import Any

import numpy as np


def evaluate(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.literal_eval(text)


def recognition(data: list[dict]) -> dict[str, float]:
    right = [item["answer"].strip() == item["label"].strip() for item in data]
    return {"accuracy": right.count(True) / len(right)}


def counting(data: list[dict]) -> dict[str, float]:
    def tagged(text: Any) -> int | None:
        tags = re.findall(r"<num>(\d+)</num>", text)
        return int(tags[0]) if tags else None

    both = [(tagged(item["answer"]), tagged(item["label"])) for item in data]
    gaps = [abs(a - b) for a, b in both if a is not None and b is not None]
    if not gaps:
        return dict.fromkeys(("MAE", "MSE", "RMSE"), math.nan)
    mse = np.mean([gap * gap for gap in gaps])
    return {"MAE": np.mean(gaps), "MSE": mse, "RMSE": np.sqrt(mse)}


def detection(data: list[dict]) -> dict[str, float]:
    def boxes(text: Any) -> Any:
        if text.rfind("]") == -1:
            text = text + "]"
        cut = text[text.find("[") : text.rfind("]") + 1]
        cut = cut + "]" * max(0, cut.count("[") - cut.count("]"))
        try:
            return evaluate(cut)
        except (ValueError, SyntaxError):
            return None

    def overlap(a: Any, b: Any) -> Any:
        wide = max(0, min(a[2], b[2]) - max(a[0], b[0]))
        high = max(0, min(a[3], b[3]) - max(a[1], b[1]))
        area_a = (a[2] - a[0]) * (a[3] - a[1])
        area_b = (b[2] - b[0]) * (b[3] - b[1])
        return wide * high / (area_a + area_b - wide * high)

    total = 0
    for item in data:
        given, wanted = boxes(item.get("answer", "")), boxes(item.get("label", ""))
        found = 0
        for box in wanted:
            top, chosen = 0, None
            for other in given:
                value = overlap(box, other)
                if value > top:
                    top, chosen = value, other
            if top >= 0.5:
                found += 1
                given.remove(chosen)
        total += found / len(wanted) if len(wanted) > 0 else 0
    return {"recall": total / len(data) if data else 0}


def _points(text: Any) -> list:
    block = re.search(r"<pos>(.*?)</pos>", text)
    if block is None:
        return []
    try:
        value = evaluate(block[1])
    except (SyntaxError, ValueError):
        return []
    if not isinstance(value, list):
        return []
    return value if all(isinstance(p, tuple) and len(p) == 2 for p in value) else []


def _nearest(p: Any, given: list, free: list[int], threshold: float) -> tuple[int | None, float]:
    nearest, chosen = math.inf, None
    for j in free:
        q = given[j]
        d = math.sqrt((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2)
        if d < nearest and d <= threshold:
            nearest, chosen = d, j
    return chosen, nearest


def location(data: list[dict], threshold: float = 5.0) -> dict[str, float]:
    hits = wrong = lost = 0
    far, means = 0.0, []
    for item in data:
        wanted, given = _points(item["label"]), _points(item["answer"])
        free, kept = list(range(len(given))), []
        for p in wanted:
            chosen, nearest = _nearest(p, given, free, threshold)
            if chosen is not None:
                free.remove(chosen)
                kept.append(nearest)
        hits, wrong, lost = hits + len(kept), wrong + len(free), lost + len(wanted) - len(kept)
        if kept:
            far += sum(kept)
            means.append(sum(kept) / len(kept))
    total = 0.0
    for mean in means:
        total += mean
    precision = hits / (hits + wrong) if hits + wrong else 1.0
    recall = hits / (hits + lost) if hits + lost else 1.0
    return {
        "precision": precision,
        "recall": recall,
        "f1_score": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "average_distance": far / hits if hits else 0.0,
        "average_sample_mae": total / len(means) if means else 0.0,
    }
