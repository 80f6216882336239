"""Texts about boxes read and scored by their own tasks: right answers are worth everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from irtd_fast import ingest
from irtd_fast.cli.main import app
from irtd_fast.synth import write_dump
from irtd_fast.tasks.base import TASKS, Draws, Facts, Options, Task, task_named
from irtd_fast.tasks.build import build_texts
from irtd_fast.tasks.scoring.grounding import Spaces
from irtd_fast.tasks.scoring.labels import Labels, read_labels
from irtd_fast.tasks.scoring.location import same_category
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.scorers import ScoreOptions

WORDS = ("person", "bus", "bicycle", "car", "fire hydrant", "sheep")
BEST = {
    "location": ("precision@5", "recall@5", "f1@5"), "grounding": ("acc@0.5", "mean_iou"),
    "relationship": ("accuracy",), "security": ("accuracy",),
}  # fmt: skip


def pictures(count: int = 200) -> list[Facts]:
    out = []
    for number in range(count):
        draws = Draws(3, "pictures", str(number))
        boxes, categories = [], []
        for _ in range(draws.between(1, 6)):
            x, y = draws.below(560), draws.below(430)
            boxes.append(
                (float(x), float(y), x + 10.0 + draws.below(70), y + 10.0 + draws.below(70))
            )
            categories.append(draws.choice(WORDS))
        out.append(Facts(number, f"made/{number}", "made", str(number), 512, 640, vocabulary=WORDS,
                         boxes=tuple(boxes), categories=tuple(categories)))  # fmt: skip
    return out


def pairs_of(task: Task, options: Options, answer: str | None = None) -> list[Pair]:
    return [
        Pair(f"{facts.key}/{number}", answer or text.answer, text.answer, text.question, facts.key)
        for facts in pictures()
        for number, text in enumerate(task.build(facts, Draws(0, task.name, facts.key), options))
    ]


@pytest.mark.parametrize("name", BEST)
@pytest.mark.parametrize(
    "options",
    [Options(mode="official"), Options(mode="official", defects=True), Options(phrasings=4)],
    ids=["official", "defects", "clean"],
)
def test_right_answers_score_everything(name: str, options: Options) -> None:
    task = task_named(name)
    assert (task.name, TASKS[name]) == (name, type(task).__module__)
    pairs = pairs_of(task, options)
    assert len(pairs) > 50
    space = "norm1000" if options.mode == "clean" else "pixel"
    how = ScoreOptions(spaces=Spaces(space, space, (512, 640)))
    found = task.score(pairs, options=how)
    values = found.values()
    assert {metric: values[metric] for metric in BEST[name]} == dict.fromkeys(BEST[name], 1.0)
    assert (found.errors, found.unlabelled) == ({}, [])
    assert all(task.parse(pair.answer) for pair in pairs)
    official = task.score(pairs, mode="official").values
    for metric, value in official.items():
        assert value == (0.0 if "distance" in metric or "mae" in metric else 1.0), metric
    # A right category is not enough.
    assert task.score(pairs_of(task, options, "person")).values()[BEST[name][0]] < 0.1


def test_categories_are_the_same_in_singular_and_plural():
    for word, several in (("bus", "buses"), ("person", "people"), ("sheep", "sheep"),
                          ("fire hydrant", "Fire hydrants"), ("car", "car")):  # fmt: skip
        assert same_category(word, several)
        assert same_category(several, word)
    assert not same_category("car", "cart")
    assert not same_category("bus", "buss")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with clean, official and pixel texts side by side."""
    root = tmp_path_factory.mktemp("labels")
    write_dump(root / "dump", source="flir-v1", count=24, size=(128, 160), seed=5)
    store = root / "s.zarr"
    ingest(root / "dump", store, source="flir-v1")
    for name, options in {
        "clean": Options(), "official": Options(mode="official"),
        "shares": Options(units="unit"), "pixels": Options(units="pixel"),
    }.items():  # fmt: skip
        build_texts(store, tasks=BEST, options=options, name=name)
    return store


@pytest.mark.parametrize(
    ("name", "space"),
    [("clean", "norm1000"), ("official", "pixel"), ("shares", "norm1"), ("pixels", "pixel")],
)
def test_texts_of_a_store_are_scored_in_their_own_units(
    labelled: Path, scratch: Path, name: str, space: str
) -> None:
    labels = read_labels(labelled, name=name)
    assert labels.box_space == space
    lines = [
        json.dumps({"id": pair.key, "task": task, "answer": pair.label})
        for task, pairs in labels.tasks.items() for pair in pairs
    ]  # fmt: skip
    answers = scratch / "answers.jsonl"
    answers.write_text("\n".join(lines))
    done = CliRunner().invoke(
        app, ["score", str(answers), "--labels", str(labelled), "--texts", name, "--size",
              "128x160", "--bootstrap", "0", "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["options"]["label_space"] == report["options"]["answer_space"] == space
    found = {task["task"]: task for task in report["tasks"]}
    assert set(found) == set(BEST)
    for task, metrics in BEST.items():
        for metric in metrics:
            assert found[task]["metrics"][metric]["value"] == 1.0, (task, metric)


def test_labels_in_several_units_are_refused() -> None:
    with pytest.raises(ValueError, match="in norm1000, pixel: build the texts with one --units"):
        _ = Labels(spaces={"pixel", "norm1000"}).box_space
