"""Scores put together: intervals, sums, blind baselines, contradictions, the published labels."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from irtd_fast.errors import OfficialWouldCrash, UnknownTaskError
from irtd_fast.official.archive import read_official
from irtd_fast.tasks.base import TASKS
from irtd_fast.tasks.scoring.labels import read_labels
from irtd_fast.tasks.scoring.measures import bootstrap, f1_of
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.relations import decided_pairs, places_of
from irtd_fast.tasks.scoring.report import TaskScore, contradictions, score, sums
from irtd_fast.tasks.scoring.scorers import SCORERS, ScoreOptions, scorer_of, task_in

QUICK = ScoreOptions(repeats=0)


def reduce_mean(sums_: np.ndarray) -> dict[str, np.ndarray]:
    return {"mean": sums_[..., 1] / sums_[..., 0]}


@pytest.mark.parametrize("distinct", [False, True])
def test_intervals_are_those_of_the_mean(rng: np.random.Generator, distinct: bool) -> None:
    """Of the normal approximation, which holds for 4000 samples; few and many different rows."""
    values = rng.normal(3, 2, 4000) if distinct else rng.integers(0, 5, 4000).astype(float)
    columns = np.stack([np.ones(4000), values], axis=1)
    low, high = bootstrap(columns, reduce_mean, repeats=2000, seed=3)["mean"]
    half = 1.96 * values.std() / math.sqrt(4000)
    assert (low, high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.1 * half
    )
    assert bootstrap(columns, reduce_mean, repeats=50, seed=3) == bootstrap(
        columns, reduce_mean, repeats=50, seed=3
    )
    assert bootstrap(columns, reduce_mean, repeats=0) == {}
    assert bootstrap(columns[:0], reduce_mean) == {}


def test_nothing_predicted_is_worst_not_best() -> None:
    zero = np.zeros(())
    assert {k: float(v) for k, v in f1_of(zero, zero, zero + 3).items()} == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0,
    }  # fmt: skip


def test_tasks_are_those_of_the_contract() -> None:
    assert set(SCORERS) == set(TASKS)
    for name in ("Detection", "grounding", "GROUNDING", "Gro"):
        assert scorer_of(name).task == "grounding"
    assert task_in("model_7b_PedestrianCounting") == "pedestrian-counting"
    assert task_in("2026_samples_re-id") == "re-id"
    assert task_in("whatever") is None
    with pytest.raises(UnknownTaskError, match="did you mean location"):
        score("locatoin", [])
    with pytest.raises(ValueError, match="official, strict"):
        score("location", [], "lenient")


def test_sums_need_every_task() -> None:
    def one(task: str, value: float) -> TaskScore:
        label = "<num>8</num>" if SCORERS[task].sum == "nsum" else "(A) x"
        found = score(task, [Pair("0", label, label)], options=QUICK)
        found.metrics = {found.primary: type(next(iter(found.metrics.values())))(value)}
        return found

    scores = [one(task, 0.5 if SCORERS[task].sum == "psum" else 2.0) for task in SCORERS]
    assert {k: v["value"] for k, v in sums(scores).items()} == {
        "psum_strict": 300.0, "nsum_strict": 6.0,
    }  # fmt: skip
    part = sums(scores[1:])["psum_strict"]
    assert (part["value"], part["partial"], part["missing"]) == (None, 250.0, ["scene"])
    official = score("recognition", [Pair("0", "a", "a")], "official", options=QUICK)
    assert set(sums([official])) == {"psum", "nsum"}


def test_contradictory_labels_are_told() -> None:
    pairs = [
        Pair("a", None, "yes", "Is it?", "1.jpg"), Pair("b", None, "no", "Is it?", "1.jpg"),
        Pair("c", None, "yes", "Is it?", "2.jpg"), Pair("d", None, "yes", "Is it?", "2.jpg"),
        Pair("e", None, "yes"), Pair("f", None, "no"),
    ]  # fmt: skip
    assert contradictions(pairs) == [["a", "b"]]
    assert score("relationship", pairs, options=QUICK).contradictions == [["a", "b"]]


def test_silence_is_wrong_in_strict_mode_only() -> None:
    answered, silent = [Pair("0", "yes", "yes")], [Pair("1", None, "no")]
    strict = score("relationship", answered, options=QUICK, unanswered=silent)
    official = score("relationship", answered, "official", options=QUICK, unanswered=silent)
    assert (strict.metrics["accuracy"].value, strict.samples, strict.parsed) == (0.5, 2, 1)
    assert (official.metrics["accuracy"].value, official.samples) == (1.0, 1)
    assert strict.unanswered == official.unanswered == ["1"]
    with pytest.raises(OfficialWouldCrash):
        score("relationship", silent, "official", options=QUICK)


@pytest.mark.dumps
@pytest.mark.parametrize("mode", ["official", "strict"])
def test_oracle_answers_are_perfect_and_blind_ones_as_surveyed(published: Path, mode: str) -> None:
    """100 % and 0 in both modes; the blind scores are the survey's figures."""
    blind = {
        "security": 0.801, "recognition": 0.669, "relationship": 0.646, "re-id": 0.152,
        "aerial-counting": 10.44, "pedestrian-counting": 31.13, "grounding": 0.038,
        "location": 5.0 if mode == "strict" else 0.0,
    }  # fmt: skip
    labels = read_labels(published)
    assert set(labels.tasks) == set(blind)
    for task, found in labels.tasks.items():
        pairs = [Pair(p.key, p.label, p.label, p.question, p.image) for p in found]
        result = score(task, pairs, mode, options=ScoreOptions(repeats=20))
        primary = result.metrics[result.primary]
        expected = 100.0 if SCORERS[task].sum == "psum" else 0.0
        assert result.table_value == primary.low * (expected or 1) == expected
        assert round(primary.blind, 3 if expected else 2) == blind[task], task
        assert (result.parsed, result.errors, result.contradictions) == (len(pairs), {}, [])
        json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.dumps
def test_decided_relations_are_as_many_as_surveyed(published: Path) -> None:
    files = read_official(published)
    places = places_of((entry.image, entry.answer) for entry in files["Location"])
    pairs = [Pair(e.id, None, e.answer, e.question, e.image) for e in files["Relationship"]]
    decided = decided_pairs(pairs, places)
    assert (len(decided), sum(decided.values())) == (3470, 1583)
