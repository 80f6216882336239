"""What answers score that never look at a picture.

Computed from the questions and labels that are scored; priors and medians come from the same
labels, so these are what a blind model can reach at best with one constant or one rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from irtd_fast.tasks.scoring.answers import (
    options_of,
    parse_choice,
    parse_count,
    parse_tile,
    parse_yes_no,
)
from irtd_fast.tasks.scoring.coordinates import parse_boxes
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.words import relation_of

_COMMON = frozenset({"person", "bike", "car"})  # what FLIR v1's labels can call present


@dataclass(frozen=True)
class Blind:
    """A rule, and its answer to every question.

    Attributes:
        rule: In words.
        pairs: The pairs with the rule's answers instead of the model's.
    """

    rule: str
    pairs: list[Pair]


def _answered(pairs: Sequence[Pair], rule: str, answer: Callable[[Pair], object]) -> Blind:
    return Blind(rule, [replace(pair, answer=answer(pair)) for pair in pairs])


def blind_choice(pairs: Sequence[Pair]) -> Blind | None:
    """Of the options, the one that is right most often in the whole file."""
    names: Counter[str] = Counter()
    for pair in pairs:
        offered, letter = options_of(pair.question), parse_choice(pair.label, pair.question)
        if letter is not None and letter in offered:
            names[offered[letter]] += 1
    if not names:
        return None

    def answer(pair: Pair) -> str:
        offered = options_of(pair.question)
        letter = max(offered, key=lambda key: names[offered[key]], default="A")
        return f"({letter}) {offered.get(letter, '')}"

    return _answered(pairs, "the option that is right most often in the file", answer)


def blind_security(pairs: Sequence[Pair]) -> Blind | None:
    """Everything is absent but person, bike and car."""
    if not any(options_of(pair.question) for pair in pairs):
        return None

    def answer(pair: Pair) -> str:
        offered = options_of(pair.question).items()
        return " ".join(f"({key}) {word}" for key, word in offered if word not in _COMMON)

    return _answered(pairs, "everything is absent but person, bike and car", answer)


def blind_relationship(pairs: Sequence[Pair]) -> Blind | None:
    """The more frequent answer for each relation."""
    counts: dict[str | None, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        label = parse_yes_no(pair.label)
        if label is not None:
            counts[relation_of(pair.question)][label] += 1
    usual = {relation: found.most_common(1)[0][0] for relation, found in counts.items()}
    rule = "the more frequent answer for the relation"
    return _answered(pairs, rule, lambda pair: usual.get(relation_of(pair.question), "no"))


def blind_reid(pairs: Sequence[Pair]) -> Blind | None:
    """The most frequent tile."""
    counts = Counter(tile for pair in pairs if (tile := parse_tile(pair.label)) is not None)
    if not counts:
        return None
    tile = counts.most_common(1)[0][0]
    return _answered(pairs, f"always {tile}", lambda pair: str(tile))


def blind_counting(pairs: Sequence[Pair]) -> Blind | None:
    """The median count: no constant has a smaller mean error."""
    counts = [count for pair in pairs if (count := parse_count(pair.label)) is not None]
    if not counts:
        return None
    median = int(np.median(counts))
    return _answered(pairs, f"always {median}", lambda pair: f"<num>{median}</num>")


def blind_grounding(pairs: Sequence[Pair]) -> Blind | None:
    """The median box of all labels of the same question."""
    boxes: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for pair in pairs:
        found = parse_boxes(pair.label)
        if found is not None:
            boxes[pair.question].append(found.boxes[0])
    medians = {q: np.median(np.array(rows), axis=0).tolist() for q, rows in boxes.items()}

    def answer(pair: Pair) -> str:
        return str([medians[pair.question]]) if pair.question in medians else "[]"

    return _answered(pairs, "the median box of the same question", answer) if medians else None


def blind_location(pairs: Sequence[Pair]) -> Blind | None:
    """Nothing at all, which the published script rewards."""
    return _answered(pairs, "no points at all", lambda pair: "<pos>[]</pos>")
