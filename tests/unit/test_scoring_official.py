"""The published scripts' numbers, bit for bit, and their crashes, beside the scripts told again."""

from __future__ import annotations

import ast
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import reference_scorers as reference
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scoring_cases import BOX, CASES, POS

from irtd_fast.errors import IrtdError, OfficialWouldCrash
from irtd_fast.official.archive import read_official
from irtd_fast.tasks.scoring import official
from irtd_fast.tasks.scoring.literal import TooLongError, literal_eval
from irtd_fast.tasks.scoring.pairs import Absent, Pair

SCRIPTS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "recognition": (official.exact_match, reference.recognition),
    "counting": (official.counting, reference.counting),
    "detection": (official.detection, reference.detection),
    "location": (official.location, reference.location),
}
OF_FILE = {
    "AerialCounting": "counting", "PedestrianCounting": "counting", "Detection": "detection",
    "Location": "location", "ReID": "recognition", "Recognition": "recognition",
    "Relationship": "recognition", "Security": "recognition",
}  # fmt: skip
CRASH = (
    TypeError, LookupError, ZeroDivisionError, AttributeError, OverflowError, ValueError,
    RecursionError, MemoryError,
)  # fmt: skip


def pairs_of(data: list[dict]) -> list[Pair]:
    absent = Absent.FIELD
    return [
        Pair(str(n), item.get("answer", absent), item.get("label", absent))
        for n, item in enumerate(data)
    ]


def same(ours: dict[str, float], theirs: dict[str, float]) -> bool:
    return ours.keys() == theirs.keys() and all(
        ours[k] == theirs[k] or (math.isnan(ours[k]) and math.isnan(theirs[k])) for k in ours
    )


def check(script: str, data: list[dict]) -> bool:
    """Compare with the script told again; True if it finishes."""
    ours, theirs = SCRIPTS[script]
    try:
        expected = theirs(data)
    except CRASH:
        with pytest.raises(OfficialWouldCrash):
            ours(pairs_of(data))
        return False
    run = ours(pairs_of(data))
    assert same(run.values, expected), (run.values, expected)
    assert run.crashes == {}
    return True


def one(answer: Any, label: Any) -> list[dict]:
    return [{"answer": answer, "label": label}]


@pytest.mark.parametrize(
    ("script", "answer", "label", "expected"),
    [(script, *case) for script, cases in CASES.items() for case in cases],
    ids=lambda value: str(value)[:24],
)
def test_every_surveyed_case(script: str, answer: Any, label: Any, expected: Any) -> None:
    assert check(script, one(answer, label)) is (expected is not None)
    if expected is not None:
        assert same(SCRIPTS[script][0](pairs_of(one(answer, label))).values, expected)


@pytest.mark.parametrize("script", SCRIPTS)
def test_missing_fields_and_empty_files(script: str) -> None:
    label = {"label": CASES[script][0][1]}
    check(script, [label])
    check(script, [{"answer": CASES[script][0][0]}])
    check(script, [])


@pytest.mark.parametrize(
    ("script", "crash", "good", "expected"),
    [
        ("recognition", None, "(A) car", {"accuracy": 0.5}),
        ("detection", "no box", BOX, {"recall": 0.5}),
        ("counting", f"<num>{'9' * 400}</num>", "<num>4</num>", {"MAE": 2, "MSE": 8}),
        ("counting", None, "<num>4</num>", {"MAE": 2, "MSE": 8}),
        ("location", None, POS, {"precision": 1.0, "recall": 0.5}),
    ],
)
def test_crashes_are_named_or_count_zero(
    script: str, crash: Any, good: str, expected: dict[str, float]
) -> None:
    data = [{"answer": good, "label": good}, {"answer": crash, "label": good}]
    ours = SCRIPTS[script][0]
    with pytest.raises(OfficialWouldCrash, match="1: the published script would end") as caught:
        ours(pairs_of(data))
    assert isinstance(caught.value, IrtdError)
    assert caught.value.where["sample"] == "1"
    assert "Error" in caught.value.where["reason"]
    run = ours(pairs_of(data), on_crash="zero")
    assert list(run.crashes) == [1]
    assert {key: run.values[key] for key in expected} == expected
    assert len(run.columns) == 2
    with pytest.raises(ValueError, match="raise, zero"):
        ours([], on_crash="ignore")


def test_skipped_counts_are_reported() -> None:
    data = one("<num>3</num>", "<num>3</num>") + one("three", "<num>4</num>")
    run = official.counting(pairs_of(data))
    assert (run.skipped, run.values["MAE"]) == ([1], 0.0)


# ---- any text ---------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(-30, 1000), st.floats(-30, 1000), st.sampled_from([1e999, 10**20, True, None, 1j])
)
NESTED = st.recursive(
    NUMBERS, lambda x: st.lists(x, max_size=4) | st.lists(x, max_size=3).map(tuple), max_leaves=12
)
SMALL = st.integers(0, 12)
BOXES = st.lists(st.lists(SMALL, min_size=4, max_size=4), max_size=5).map(str)
POINTS = st.lists(st.tuples(SMALL, SMALL | st.floats(0, 12)), max_size=6)
CHARACTERS = st.text("[](),0123 .-+e_x#'\n<>/posnum", max_size=30)


@settings(suppress_health_check=[HealthCheck.filter_too_much], deadline=None, max_examples=400)
@given(NESTED.map(repr) | CHARACTERS)
@example("[1, (2), (3,), (), [4,], ]")
@example("[1 2]")
@example("[01]")
@example("[0, 00, -0, +1.e2, 1.5e-3]")
@example("[(1, 2]")
@example("[,]")
@example("[1],[2]")
@example("[-(1)]")
def test_literals_are_python_s(text: str) -> None:
    try:
        expected = reference.evaluate(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        with pytest.raises(type(error)):
            literal_eval(text)
    else:
        found = literal_eval(text)
        assert repr(found) == repr(expected)  # types too, and nan


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(BOXES | NESTED.map(repr) | CHARACTERS, BOXES), min_size=1, max_size=4))
def test_detection_equals_the_script(rows: list[tuple[str, str]]) -> None:
    check("detection", [{"answer": a, "label": b} for a, b in rows])


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(POINTS.map(str) | NESTED.map(repr) | CHARACTERS, POINTS.map(str)),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_location_equals_the_script(rows: list[tuple[str, str]]) -> None:
    check("location", [{"answer": f"<pos>{a}</pos>", "label": f"<pos>{b}</pos>"} for a, b in rows])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 10**25), st.integers(0, 99)), min_size=1, max_size=6))
def test_counting_equals_the_script(rows: list[tuple[int, int]]) -> None:
    data = [{"answer": f"<num>{a}</num>", "label": f"<num>{b}</num>"} for a, b in rows]
    check("counting", data)


@pytest.mark.parametrize("count", [70, 3000])
def test_many_points_go_through_a_sieve_and_match_the_same(count: int) -> None:
    import random

    rng = random.Random(count)
    far = [(rng.randrange(1000), rng.random() * 1000) for _ in range(count)]
    wanted = [(x + rng.choice([0, 3, 5]), y + rng.choice([0, 4])) for x, y in far[:70]]
    assert check("location", one(f"<pos>{far}</pos>", f"<pos>{wanted}</pos>"))


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("detection", f"[{'1, ' * 1_000_000}]"),
        ("detection", f"[{'[1, 2, 3, 4], ' * 100_000}]"),
        ("detection", "[" * 1_000_000),
        ("location", f"<pos>[{'(1, 2), ' * 300_000}]</pos>"),
        ("location", "<pos>" * 200_000),
        ("location", f"<pos>[{'1+' * 100_000}1]</pos>"),
        ("counting", "<num>" * 200_000),
        ("counting", f"<num>{'9' * 1_000_000}</num>"),
        ("recognition", "(A) " * 300_000),
    ],
    ids=lambda value: str(value)[:20],
)
def test_hostile_answers_end_in_time(script: str, answer: str) -> None:
    label = CASES[script][0][1]
    started = time.process_time()
    SCRIPTS[script][0](pairs_of(one(answer, label)), on_crash="zero")
    assert time.process_time() - started < 20  # seconds of one core; a second or two on its own


def test_a_long_text_that_is_no_list_is_refused_by_name() -> None:
    with pytest.raises(TooLongError, match="no plain list"):
        literal_eval("['" + "a" * (1 << 20) + "']")
    assert ast.literal_eval("['aa']") == literal_eval("['aa']")


@pytest.mark.dumps
def test_oracle_answers_are_perfect(published: Path) -> None:
    for name, entries in read_official(published).items():
        data = [{"answer": e.answer, "label": e.answer} for e in entries]
        ours, theirs = SCRIPTS[OF_FILE[name]]
        values = ours(pairs_of(data)).values
        assert same(values, theirs(data))
        expected = {"accuracy": 1.0, "recall": 1.0, "precision": 1.0, "f1_score": 1.0}
        assert values == {key: expected.get(key, 0.0) for key in values}, name
        assert json.dumps(values)
