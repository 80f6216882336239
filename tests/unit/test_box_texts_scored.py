"""Texts about boxes read and scored by their own tasks: right answers are worth everything."""

from __future__ import annotations

import pytest

from irtd_fast.tasks.base import TASKS, Draws, Facts, Options, Task, task_named
from irtd_fast.tasks.scoring.grounding import Spaces
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
