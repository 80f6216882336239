"""Scores of one task and of all: numbers, intervals, what a blind rule reaches, what is wrong."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from irtd_fast.tasks.scoring.measures import Measures, bootstrap
from irtd_fast.tasks.scoring.official import OfficialRun
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.scorers import MODES, SCORERS, ScoreOptions, Scorer, scorer_of


@dataclass(frozen=True)
class Metric:
    """A number, its 95 % interval (None where there is none), and what a blind rule gets."""

    value: float
    low: float | None = None
    high: float | None = None
    blind: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """As JSON; what is not a number becomes null."""
        pairs = (("value", self.value), ("low", self.low), ("high", self.high),
                 ("blind", self.blind))  # fmt: skip
        return {name: _finite(value) for name, value in pairs}


@dataclass
class TaskScore:
    """Everything about one task.

    Attributes:
        task: Name.
        mode: ``official`` or ``strict``.
        samples: Answers that were scored.
        parsed: Those that the mode could read.
        metrics: By name.
        primary: Name of the metric that goes into the sums.
        blind_rule: The rule behind ``Metric.blind``.
        unanswered: Labels without any answer: wrong in strict mode, unseen in official mode.
        skipped: Keys that the published script leaves out silently.
        unlabelled: Keys whose label cannot be read, left out.
        crashes: Key -> why the published script would have ended there.
        errors: Key -> what is wrong with the answer.
        contradictions: Keys of labels that answer the same question about one picture differently.
    """

    task: str
    mode: str
    samples: int
    parsed: int
    metrics: dict[str, Metric]
    primary: str
    blind_rule: str = ""
    unanswered: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    crashes: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    contradictions: list[list[str]] = field(default_factory=list)

    @property
    def table_value(self) -> float:
        """The number as the paper's table has it: percent, or a mean error."""
        value = self.metrics[self.primary].value
        return 100 * value if SCORERS[self.task].sum == "psum" else value

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "task": self.task, "mode": self.mode, "samples": self.samples, "parsed": self.parsed,
            "parse_rate": self.parsed / self.samples if self.samples else None,
            "primary": self.primary, "table_value": _finite(self.table_value),
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
            "blind_rule": self.blind_rule, "unanswered": self.unanswered, "skipped": self.skipped,
            "unlabelled": self.unlabelled, "crashes": self.crashes, "errors": self.errors,
            "contradictions": self.contradictions,
        }  # fmt: skip


def score(
    task: str,
    pairs: Sequence[Pair],
    mode: str = "strict",
    *,
    options: ScoreOptions | None = None,
    unanswered: Sequence[Pair] = (),
) -> TaskScore:
    """Score the answers of one task.

    Args:
        task: Name of the task or of its file.
        pairs: Answers and labels.
        mode: ``official``: what the published scripts print; ``strict``.
        options: What scorers can be told.
        unanswered: Labels that nobody answered.

    Raises:
        UnknownTaskError: No such task.
        OfficialWouldCrash: In official mode, unless crashes count as zero.
        ValueError: Another mode, or options that do not fit.
    """
    options = options or ScoreOptions()
    scorer = scorer_of(task)
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, found {mode!r}")
    one = _official if mode == "official" else _strict
    scored = [*pairs, *unanswered] if mode == "strict" else list(pairs)
    result = one(scorer, scored, options)
    result.unanswered = [pair.key for pair in unanswered]
    result.contradictions = contradictions([*pairs, *unanswered])
    blind = scorer.blind(scored)
    if blind is not None:
        quick = replace(options, repeats=0, on_crash="zero")
        reached = one(scorer, blind.pairs, quick).metrics
        result.blind_rule = blind.rule
        result.metrics = {
            name: replace(metric, blind=reached[name].value if name in reached else None)
            for name, metric in result.metrics.items()
        }
    return result


def _strict(scorer: Scorer, pairs: Sequence[Pair], options: ScoreOptions) -> TaskScore:
    found: Measures = scorer.strict(pairs, options)
    labelled = np.ones(len(pairs), bool)
    labelled[found.unlabelled] = False
    intervals = bootstrap(
        found.columns[labelled], found.reduce, repeats=options.repeats, seed=options.seed
    )
    primary = scorer.strict_metric
    if primary == "mae_penalised":
        primary = f"{primary}@{options.gates[0]:g}"
    return TaskScore(
        scorer.task, "strict", int(labelled.sum()), int(found.parsed.sum()),
        _metrics(found.values(), intervals), primary,
        unlabelled=[pairs[n].key for n in found.unlabelled],
        errors={pairs[n].key: message for n, message in found.errors.items()},
    )  # fmt: skip


def _official(scorer: Scorer, pairs: Sequence[Pair], options: ScoreOptions) -> TaskScore:
    run: OfficialRun = scorer.official(pairs, options)
    columns = run.columns
    if columns.shape[1] == 1:  # a mean over all samples
        columns = np.hstack([columns, np.ones((len(pairs), 1))])
    intervals = bootstrap(
        columns, scorer.official_reduce, repeats=options.repeats, seed=options.seed
    )
    return TaskScore(
        scorer.task, "official", len(pairs), len(pairs) - len(run.skipped) - len(run.crashes),
        _metrics(run.values, intervals), scorer.official_metric,
        skipped=[pairs[n].key for n in run.skipped if n not in run.crashes],
        crashes={pairs[n].key: reason for n, reason in run.crashes.items()},
    )  # fmt: skip


def _metrics(
    values: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]
) -> dict[str, Metric]:
    return {name: Metric(value, *intervals.get(name, ())) for name, value in values.items()}


def contradictions(pairs: Sequence[Pair]) -> list[list[str]]:
    """Give the keys of labels that differ for the same picture and question, group by group."""
    groups: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.image and pair.question:
            groups[pair.image, pair.question].append(pair)
    return [
        [pair.key for pair in group]
        for group in groups.values()
        if len(group) > 1 and any(pair.label != group[0].label for pair in group)
    ]


def sums(scores: Sequence[TaskScore]) -> dict[str, dict[str, Any]]:
    """The paper's sums: ``psum`` of percentages, ``nsum`` of mean errors; strict ones say so.

    Returns:
        ``psum`` and ``nsum`` (``psum_strict``, ``nsum_strict``): ``value``, None while a number is
        missing; ``partial``, the sum of what is there; ``parts``, task by task; ``missing``.
    """
    suffix = "_strict" if scores and scores[0].mode == "strict" else ""
    values = {s.task: s.table_value for s in scores if math.isfinite(s.table_value)}
    document = {}
    for name in ("psum", "nsum"):
        tasks = [task for task, scorer in SCORERS.items() if scorer.sum == name]
        parts = {task: values[task] for task in tasks if task in values}
        total = sum(parts.values())
        document[name + suffix] = {
            "value": total if len(parts) == len(tasks) else None, "partial": total,
            "parts": parts, "missing": [task for task in tasks if task not in parts],
        }  # fmt: skip
    return document


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
