"""Published text files read, and answers to all of them scored.

The files are synthetic: as many entries as the published ones have, of their forms and about their
sizes. One thread does all of it, so limits are on its processor time, which other processes do not
change.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from irtd_fast.official.archive import read_official
from irtd_fast.official.container import Entry
from irtd_fast.official.writer import write_official
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.report import score
from irtd_fast.tasks.scoring.scorers import ScoreOptions

from .conftest import Contest
from .race import OURS, Contender, replayed_clock, timed

READ, SCORE = "read-official-texts", "score-37k-answers"
_COUNTS = {
    "AerialCounting": 900, "Detection": 2789, "Location": 14979, "PedestrianCounting": 1030,
    "ReID": 3733, "Recognition": 3705, "Relationship": 5205, "Security": 7859,
}  # fmt: skip
_ANSWERS = 37_000
_SMALL = 40  # of each file, without --benchmark-enable


def made_texts(folder: Path, share: float) -> Path:
    """Write files with as many entries as the published ones, of about their sizes."""
    rng = random.Random(6)
    options = "(A) dog (B) person (C) other vehicle (D) bus"
    relation = "Is there a car near to the the first person from left to right?"

    def box() -> list[int]:
        x, y = rng.randrange(500), rng.randrange(400)
        return [x, y, x + rng.randrange(9, 140), y + rng.randrange(9, 110)]

    def points() -> str:
        count = min(40, 1 + int(rng.expovariate(0.28)))
        rows = sorted((rng.randrange(1000), rng.randrange(139, 900)) for _ in range(count))
        return f"<ref>car</ref> at <pos>{rows}</pos>"

    forms: dict[str, tuple[str, Callable[[], str]]] = {
        "AerialCounting": ("How many cars?", lambda: f"<num>{rng.randrange(90)}</num>"),
        "PedestrianCounting": ("How many?", lambda: f"<num>{rng.randrange(10, 700)}</num>"),
        "Detection": (
            "Detect the bounding box of the car located at the center of the image.",
            lambda: f"The target bounding box is <box>[{box()}]</box>.",
        ),
        "Location": (" Locate all car from left to right.", points),
        "ReID": ("Which person has the same identity?", lambda: str(rng.randrange(2, 9))),
        "Recognition": (f"What is it?\n{options}", lambda: "(B) person"),
        "Relationship": (relation, lambda: rng.choice(["yes", "no"])),
        "Security": (f"What is absent?\n{options}", lambda: "(A) dog (D) bus"),
    }
    image = "/data/of/somebody/Data4MLLM/63-FLIR_ADAS/training/PreviewData/FLIR_00001.jpeg"
    files = {}
    for name, count in _COUNTS.items():
        question, answer = forms[name]
        files[name] = [
            Entry(name, str(n), image, f"<image>\n{question}", answer())
            for n in range(int(count * share) or 1)
        ]
    write_official(files, folder, replace=True)
    return folder


@pytest.fixture(scope="module")
def texts(contest: Contest, scratch: Path) -> Path:
    return made_texts(scratch / "texts", 1.0 if contest.enabled else _SMALL / 2789)


def read_by_json(folder: Path) -> int:
    """What a script does: ``json.load`` of each file; one of them is no JSON and needs mending."""
    count = 0
    for path in sorted(folder.glob("*.json")):
        text = path.read_text()
        if path.stem == "Detection":
            text = f"[{text.rstrip().rstrip(',')}]"
        count += sum(1 for entry in json.loads(text) if entry["conversations"][1]["value"])
    return count


@pytest.mark.parametrize("impl", [OURS, "json"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_read(contest: Contest, benchmark: Any, texts: Path, impl: str) -> None:
    """All eight files, from the page cache, to entries."""
    total = read_by_json(texts)

    def turn_of(work: Callable[[], int], *, ours: bool) -> Callable[[int, int], float]:
        def turn(number: int, _: int) -> float:
            started = time.process_time()
            seconds, found = timed(work)
            assert found == total
            if ours and number >= 0:
                contest.note(READ, "core seconds", time.process_time() - started)
            return float(seconds)

        return turn

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        ours = turn_of(lambda: sum(map(len, read_official(texts).values())), ours=True)
        contenders = [
            Contender(OURS, ours, 1),
            Contender("json", turn_of(lambda: read_by_json(texts), ours=False), 1),
        ]
        return contenders, {"rounds": 5, "most_units": 1, "facts": {"texts": total}}

    contest.enter(benchmark, READ, impl, prepare)


def noisy(text: str, rng: random.Random) -> str:
    """A model's answer: a fifth is right, numbers of the others are off by a little."""
    if rng.random() < 0.2:
        return text
    return re.sub(r"\d+", lambda m: str(int(m.group()) + rng.choice([0, 1, 2, 4, 20])), text)


@pytest.mark.parametrize("mode", ["official", "strict"])
def test_score(contest: Contest, benchmark: Any, texts: Path, mode: str) -> None:
    """37,000 answers of all tasks, with intervals and blind baselines."""
    rng = random.Random(1)
    files = read_official(texts)
    share = _ANSWERS / sum(map(len, files.values())) if contest.enabled else 1.0
    tasks = {
        name: [
            Pair(f"{name}/{e.id}", noisy(e.answer, rng), e.answer, e.question, e.image + e.id)
            for e in entries[: int(len(entries) * share) or 1]
        ]
        for name, entries in files.items()
    }

    def once() -> int:
        started = time.process_time()
        options = ScoreOptions(on_crash="zero")
        scores = [score(name, pairs, mode, options=options) for name, pairs in tasks.items()]
        contest.note(SCORE, f"core seconds {mode}", time.process_time() - started)
        return sum(item.samples for item in scores)

    assert benchmark.pedantic(once, rounds=3) == sum(map(len, tasks.values()))
