"""Strict scores of answers that are words: choices, sets of letters, yes or no, digits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.tasks.scoring.answers import (
    options_of,
    parse_choice,
    parse_letters,
    parse_tile,
    parse_yes_no,
    text_of,
)
from irtd_fast.tasks.scoring.measures import Floats, Measures, ratio
from irtd_fast.tasks.scoring.pairs import Pair

RELATIONS = (
    "on the left side of", "on the right side of", "in front of", "behind", "near to", "far from",
)  # fmt: skip
_RELATION = re.compile("|".join(map(re.escape, RELATIONS)))
_SHOWN = 60


def shown(answer: Any) -> str:
    """An answer in a message: its beginning, quoted."""
    text = answer[: 2 * _SHOWN] if isinstance(answer, str) else answer
    try:
        quoted = repr(text)
    except (RecursionError, ValueError):  # nested too deeply, or too many digits to print
        quoted = f"a {type(answer).__name__}"
    return quoted if len(quoted) <= _SHOWN else f"{quoted[:_SHOWN]}…"


def _exact(pair: Pair) -> bool:
    """What the published script counts."""
    both = text_of(pair.answer), text_of(pair.label)
    return None not in both and str(pair.answer).strip() == str(pair.label).strip()


class _Rows:
    """Rows of sums in the making, and what is wrong."""

    def __init__(self, count: int, columns: int) -> None:
        self.columns: Floats = np.zeros((count, columns))
        self.parsed: NDArray[np.bool_] = np.zeros(count, bool)
        self.errors: dict[int, str] = {}
        self.unlabelled: list[int] = []

    def judge(self, number: int, pair: Pair, found: object, right: object) -> bool:
        """Note one answer: read or not, right or not."""
        self.parsed[number] = bool(found)
        if not found:
            self.errors[number] = f"unreadable: {shown(pair.answer)}"
        elif found != right:
            self.errors[number] = f"{_names(found)}, right is {_names(right)}"
        return bool(found) and found == right


def _names(found: object) -> str:
    return " ".join(sorted(found)) if isinstance(found, frozenset) else str(found)


def score_choice(pairs: Sequence[Pair]) -> Measures:
    """Recognition and scenes: share of answers that choose the right letter.

    Metrics ``accuracy`` and ``exact_match``, which is what the published script counts.
    """
    rows = _Rows(len(pairs), 3)
    for number, pair in enumerate(pairs):
        right = parse_choice(pair.label, pair.question)
        if right is None:
            rows.unlabelled.append(number)
            continue
        chosen = parse_choice(pair.answer, pair.question)
        if chosen is None and _is_text_of_label(pair):
            chosen = right
        hit = rows.judge(number, pair, chosen, right)
        rows.columns[number] = 1, hit, _exact(pair)
    return Measures(rows.columns, _accuracy, rows.parsed, rows.errors, rows.unlabelled)


def _is_text_of_label(pair: Pair) -> bool:
    """True if no options are known and the answer is the text of the right one."""
    answer = text_of(pair.answer)
    if answer is None or options_of(pair.question):
        return False
    named = set(options_of(str(pair.label)).values())
    return {answer.strip().rstrip(".").casefold()} == {name.casefold() for name in named}


def _accuracy(sums: Floats) -> Mapping[str, Floats]:
    count = sums[..., 0]
    return {
        "accuracy": ratio(sums[..., 1], count),
        "exact_match": ratio(sums[..., 2], count),
    }


def score_security(pairs: Sequence[Pair]) -> Measures:
    """Absent objects: share of answers that name exactly the right letters, and mean Jaccard.

    Metrics ``accuracy``, ``jaccard`` and ``exact_match``.
    """
    rows = _Rows(len(pairs), 4)
    for number, pair in enumerate(pairs):
        right = parse_letters(pair.label, pair.question)
        if not right:
            rows.unlabelled.append(number)
            continue
        named = parse_letters(pair.answer, pair.question)
        hit = rows.judge(number, pair, named, right)
        rows.columns[number] = 1, hit, _exact(pair), len(named & right) / len(named | right)

    def reduce(sums: Floats) -> Mapping[str, Floats]:
        return {**_accuracy(sums), "jaccard": ratio(sums[..., 3], sums[..., 0])}

    return Measures(rows.columns, reduce, rows.parsed, rows.errors, rows.unlabelled)


def relation_of(question: str) -> str | None:
    """Give the relation that a question asks about."""
    found = _RELATION.search(question)
    return found.group() if found else None


def score_relationship(
    pairs: Sequence[Pair], *, decided: Mapping[str, bool] | None = None
) -> Measures:
    """Yes or no: accuracy, balanced accuracy (mean recall of yes and no), accuracy by relation.

    Args:
        pairs: Answers and labels.
        decided: Key of a pair -> whether its label is the same whichever object is meant; adds
            ``accuracy_decided``.
    """
    names = {relation: 7 + 2 * i for i, relation in enumerate(RELATIONS)}
    rows = _Rows(len(pairs), 7 + 2 * len(RELATIONS) + 2)
    for number, pair in enumerate(pairs):
        right = parse_yes_no(pair.label)
        if right is None:
            rows.unlabelled.append(number)
            continue
        hit = rows.judge(number, pair, parse_yes_no(pair.answer), right)
        row = rows.columns[number]
        row[:3] = 1, hit, _exact(pair)
        places = [3 if right == "yes" else 5]
        relation = relation_of(pair.question)
        places += [names[relation]] if relation is not None else []
        places += [len(row) - 2] if decided is not None and decided.get(pair.key) else []
        for place in places:
            row[place : place + 2] = 1, hit

    def reduce(sums: Floats) -> Mapping[str, Floats]:
        recalls = ratio(sums[..., 4], sums[..., 3]), ratio(sums[..., 6], sums[..., 5])
        found = {**_accuracy(sums), "balanced_accuracy": (recalls[0] + recalls[1]) / 2}
        for relation, place in names.items():
            key = f"accuracy_{relation.removeprefix('on the ').replace(' ', '_')}"
            found[key] = ratio(sums[..., place + 1], sums[..., place])
        if decided is not None:
            found["accuracy_decided"] = ratio(sums[..., -1], sums[..., -2])
        return found

    return Measures(rows.columns, reduce, rows.parsed, rows.errors, rows.unlabelled)


def score_reid(pairs: Sequence[Pair]) -> Measures:
    """Persons again: share of answers whose first number from 1 to 8 is the right tile."""
    rows = _Rows(len(pairs), 3)
    for number, pair in enumerate(pairs):
        right = parse_tile(pair.label)
        if right is None:
            rows.unlabelled.append(number)
            continue
        hit = rows.judge(number, pair, parse_tile(pair.answer), right)
        rows.columns[number] = 1, hit, _exact(pair)
    return Measures(rows.columns, _accuracy, rows.parsed, rows.errors, rows.unlabelled)
