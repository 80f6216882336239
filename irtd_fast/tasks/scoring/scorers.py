"""Which scorer each task has in each mode, and which of its numbers the paper's table sums up."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from irtd_fast.errors import UnknownTaskError
from irtd_fast.tasks.scoring import baselines, official
from irtd_fast.tasks.scoring.counting import score_counting
from irtd_fast.tasks.scoring.grounding import Box, Spaces, score_grounding
from irtd_fast.tasks.scoring.location import GATES, score_location
from irtd_fast.tasks.scoring.measures import Floats, Measures, ratio
from irtd_fast.tasks.scoring.official import OfficialRun
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.words import (
    score_choice,
    score_reid,
    score_relationship,
    score_security,
)

MODES = ("official", "strict")


@dataclass(frozen=True)
class ScoreOptions:
    """What scorers can be told.

    Attributes:
        on_crash: ``raise``, or ``zero``: in official mode, answers that end the script count 0.
        threshold: Official mode: largest distance of points, in the answers' units.
        gates: Strict mode: largest distances of points; the first one counts for the sums.
        unit: Strict mode: ``permille`` or ``pixel`` distances.
        spaces: Strict mode: units of boxes and size of the pictures.
        relabel: Strict mode: key -> box to be used instead of a label (defect D1).
        decided: Strict mode: key of a relationship question -> whether its label is decided.
        repeats: Draws of the bootstrap; 0 gives no intervals.
        seed: Of the bootstrap.
    """

    on_crash: str = "raise"
    threshold: float = 5.0
    gates: tuple[float, ...] = GATES
    unit: str = "permille"
    spaces: Spaces = Spaces(size=(512, 640))  # noqa: RUF009  frozen
    relabel: Mapping[str, Box] | None = None
    decided: Mapping[str, bool] | None = None
    repeats: int = 1000
    seed: int = 0


Strict = Callable[[Sequence[Pair], ScoreOptions], Measures]
Official = Callable[[Sequence[Pair], ScoreOptions], OfficialRun]
Reduce = Callable[[Floats], Mapping[str, Floats]]


@dataclass(frozen=True)
class Scorer:
    """How one task is scored.

    Attributes:
        task: Name of the task.
        files: Names of its files, the published one first.
        title: Column of the paper's table.
        sum: ``psum`` (percent, more is better) or ``nsum`` (mean error, less is better).
        strict: Strict scorer.
        strict_metric: Its number for the table.
        official: What the published script computes.
        official_metric: Its number for the table.
        official_reduce: The script's numbers from the sums of its columns, for intervals.
        blind: Rule that does without pictures.
    """

    task: str
    files: tuple[str, ...]
    title: str
    sum: str
    strict: Strict
    strict_metric: str
    official: Official
    official_metric: str
    official_reduce: Reduce
    blind: Callable[[Sequence[Pair]], baselines.Blind | None]


def _accuracy_sums(name: str) -> Reduce:
    def reduce(sums: Floats) -> Mapping[str, Floats]:
        return {name: ratio(sums[..., 0], sums[..., 1])}

    return reduce


def _counting_sums(sums: Floats) -> Mapping[str, Floats]:
    mse = ratio(sums[..., 2], sums[..., 0])
    return {"MAE": ratio(sums[..., 1], sums[..., 0]), "MSE": mse, "RMSE": np.sqrt(mse)}


def _location_sums(sums: Floats) -> Mapping[str, Floats]:
    hits, extra, missed, distance, means, used = np.moveaxis(sums[..., :6], -1, 0)
    precision, recall = ratio(hits, hits + extra, 1.0), ratio(hits, hits + missed, 1.0)
    return {
        "precision": precision,
        "recall": recall,
        "f1_score": ratio(2 * precision * recall, precision + recall, 0.0),
        "average_distance": ratio(distance, hits, 0.0),
        "average_sample_mae": ratio(means, used, 0.0),
    }


def _plain(score: Callable[[Sequence[Pair]], Measures]) -> Strict:
    return lambda pairs, options: score(pairs)


def _exact(pairs: Sequence[Pair], options: ScoreOptions) -> OfficialRun:
    return official.exact_match(pairs, on_crash=options.on_crash)


def _count(pairs: Sequence[Pair], options: ScoreOptions) -> OfficialRun:
    return official.counting(pairs, on_crash=options.on_crash)


def _detect(pairs: Sequence[Pair], options: ScoreOptions) -> OfficialRun:
    return official.detection(pairs, on_crash=options.on_crash)


def _locate(pairs: Sequence[Pair], options: ScoreOptions) -> OfficialRun:
    return official.location(pairs, threshold=options.threshold, on_crash=options.on_crash)


def _strict_relationship(pairs: Sequence[Pair], options: ScoreOptions) -> Measures:
    return score_relationship(pairs, decided=options.decided)


def _strict_grounding(pairs: Sequence[Pair], options: ScoreOptions) -> Measures:
    return score_grounding(pairs, spaces=options.spaces, relabel=options.relabel)


def _strict_location(pairs: Sequence[Pair], options: ScoreOptions) -> Measures:
    size = options.spaces.size
    return score_location(pairs, gates=options.gates, unit=options.unit, size=size)


_word = partial(
    Scorer, sum="psum", strict_metric="accuracy", official=_exact, official_metric="accuracy",
    official_reduce=_accuracy_sums("accuracy"),
)  # fmt: skip
_number = partial(
    Scorer, sum="nsum", strict=_plain(score_counting), strict_metric="mae", official=_count,
    official_metric="MAE", official_reduce=_counting_sums, blind=baselines.blind_counting,
)  # fmt: skip

SCORERS: dict[str, Scorer] = {
    scorer.task: scorer
    for scorer in (
        _word("scene", ("Scene",), "Scene", strict=_plain(score_choice),
              blind=baselines.blind_choice),
        _word("recognition", ("Recognition",), "Rec", strict=_plain(score_choice),
              blind=baselines.blind_choice),
        Scorer("grounding", ("Detection", "Grounding"), "Gro", "psum", _strict_grounding,
               "acc@0.5", _detect, "recall", _accuracy_sums("recall"), baselines.blind_grounding),
        _word("relationship", ("Relationship",), "Rel", strict=_strict_relationship,
              blind=baselines.blind_relationship),
        _word("re-id", ("ReID",), "ReID", strict=_plain(score_reid), blind=baselines.blind_reid),
        _word("security", ("Security",), "Sec", strict=_plain(score_security),
              blind=baselines.blind_security),
        Scorer("location", ("Location",), "Loc", "nsum", _strict_location, "mae_penalised",
               _locate, "average_sample_mae", _location_sums, baselines.blind_location),
        _number("aerial-counting", ("AerialCounting",), "AC"),
        _number("pedestrian-counting", ("PedestrianCounting",), "PC"),
    )
}  # fmt: skip


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


_ALIASES = {
    _squeezed(alias): scorer.task
    for scorer in SCORERS.values()
    for alias in (scorer.task, scorer.title, *scorer.files)
}


def find_task(name: str) -> str | None:
    """Give the task that a name means, in any case and spelling, or None."""
    return _ALIASES.get(_squeezed(name))


def task_in(text: str) -> str | None:
    """Give the task whose file's name ends a text (``model_Location``), or None."""
    parts = re.split(r"[^A-Za-z0-9-]+", text)
    for start in range(len(parts)):
        task = find_task("".join(parts[start:]))
        if task is not None:
            return task
    return next((task for part in reversed(parts) if (task := find_task(part))), None)


def scorer_of(task: str) -> Scorer:
    """Give the scorer of a task.

    Raises:
        UnknownTaskError: No task of that name; the nearest ones are listed.
    """
    found = find_task(task)
    if found is None:
        near = difflib.get_close_matches(task.casefold(), SCORERS, 3, 0.4)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(SCORERS)}"
        raise UnknownTaskError(f"no task {task!r}: {hint}", task=task)
    return SCORERS[found]


def options_to_dict(options: ScoreOptions) -> dict[str, Any]:
    """Give the options as JSON, without the large tables."""
    return {
        "on_crash": options.on_crash, "threshold": options.threshold, "gates": options.gates,
        "unit": options.unit, "answer_space": options.spaces.answers,
        "label_space": options.spaces.labels, "size": options.spaces.size,
        "relabelled": len(options.relabel or ()), "repeats": options.repeats,
        "seed": options.seed,
    }  # fmt: skip
