"""Counting texts: the answer is the sum of the density map, whole or cropped."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from task_facts import any_facts, facts_of

from irtd_fast.density import Density, density_map
from irtd_fast.geometry.remap import remap_points
from irtd_fast.tasks.base import Draws, Options, Task, task_named
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.things import places_of
from irtd_fast.tasks.words import may_be_same, plural

AERIAL, PEOPLE = (task_named(f"{kind}-counting") for kind in ("aerial", "pedestrian"))
OFFICIAL = Options(mode="official")
WORDS = ("person", "bicycle", "car", "dog", "other vehicle", "bus", "sheep", "target")


def built(task, facts, options=OFFICIAL):
    return task.build(facts, Draws(options.seed, task.name, facts.key), options)


def number(text):
    return int(re.fullmatch(r"<num>(\d+)</num>", text.answer).group(1))


def asked(text):
    """The category that a question names."""
    return next(w for w in WORDS if re.search(rf"\b{plural(w)}\b", text.question))


@pytest.mark.parametrize("task", [AERIAL, PEOPLE])
def test_a_task(task):
    assert isinstance(task, Task)
    assert task.parse("<num>12</num>") == 12
    exact = task.score([("<num>3</num>", "<num>3</num>"), ("<num>5</num>", "<num>9</num>")])
    assert exact.values()["mae"] == 2
    pair = Pair("a", "<num>3</num>", "<num>3</num>")
    assert task.score([pair], mode="official").values["MAE"] == 0
    with pytest.raises(ValueError, match="mode must be one of official, strict"):
        task.score([], mode="lenient")


@settings(deadline=None)  # the first map compiles
@given(any_facts(), st.integers(0, 30))
def test_answers_are_sums_of_density_maps(facts, seed):
    for task in (AERIAL, PEOPLE):
        for text in built(task, facts, Options(seed=seed, phrasings=4)):
            word = "person" if task is PEOPLE else asked(text)
            if word in facts.point_categories:
                pairs = zip(facts.points, facts.point_categories, strict=True)
                places = [xy for xy, w in pairs if w == word]
            else:
                pairs = zip(facts.boxes, facts.categories, strict=True)
                places = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b, w in pairs if w == word]
            size = facts.height, facts.width
            assert number(text) == round(density_map(places, size, Density(2.0)).sum(), 3)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 105, width=32), st.floats(-5, 85, width=32)), max_size=20),
       st.floats(0, 90), st.floats(0, 70), st.floats(1, 60), st.booleans())  # fmt: skip
def test_only_points_inside_a_crop_count(points, x, y, side, mirrored):
    """The loader's map of a crop and the text about it agree: same matrix, same rule."""
    scale = 48 / side
    matrix = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
    if mirrored:
        matrix = np.array([[-1, 0, 48], [0, 1, 0]]) @ np.vstack([matrix, [0, 0, 1]])
    xy = np.array(points, np.float32).reshape(-1, 2)
    moved = remap_points(xy, np.array([0, len(xy)]), matrix[None], (48, 48)).values
    facts = facts_of(size=(48, 48), points=tuple(map(tuple, moved.tolist())),
                     point_categories=("person",) * len(moved))  # fmt: skip
    texts = built(PEOPLE, facts)
    total = density_map(moved, (48, 48), Density(1.0)).sum() if len(moved) else 0
    assert len(texts) == (total > 0)
    if texts:
        assert number(texts[0]) == round(float(total), 3)


def test_official_cars_are_cars_alone():
    boxes = [(i * 20.0, 5, i * 20 + 10, 15) for i in range(5)]
    words = ["car", "truck", "van", "car", "bus"]
    vocabulary = ("car", "truck", "bus", "van", "freight car")
    (text,) = built(AERIAL, facts_of(boxes, words, source="drone-vehicle", vocabulary=vocabulary))
    assert text.question == "Calculate the number of cars in the picture."
    assert text.answer == "<num>2</num>"
    (none,) = built(AERIAL, facts_of(boxes[:1], ["bus"], vocabulary=vocabulary))
    assert none.answer == "<num>0</num>"
    assert built(AERIAL, facts_of(boxes[:1], ["ship"], vocabulary=("ship",))) == []


def test_official_pedestrians_are_somebody():
    (text,) = built(PEOPLE, facts_of([(0, 0, 5, 5)], ["person"]))
    assert (text.question, text.answer) == (
        "Calculate the number of pedestrians in the picture.", "<num>1</num>",
    )  # fmt: skip
    assert built(PEOPLE, facts_of([(0, 0, 5, 5)], ["car"])) == []


def test_points_go_before_boxes():
    facts = facts_of([(0, 0, 5, 5)], ["person"], points=((3, 3), (9, 9), (700, 9)),
                     point_categories=("person",) * 3)  # fmt: skip
    assert places_of(facts, "person") == [(3, 3), (9, 9)]


@pytest.mark.parametrize("phrasings", [1, 4])
def test_one_picture_in_ten_is_asked_what_it_does_not_show(phrasings):
    options = Options(phrasings=phrasings)
    zeros, asked_of, questions = 0, Counter(), Counter()
    for index in range(3000):
        facts = facts_of([(0, 0, 9, 9), (20, 0, 29, 9), (40, 0, 49, 9)], ["car", "car", "person"],
                         index=index)  # fmt: skip
        (text,) = built(AERIAL, facts, options)
        word = asked(text)
        asked_of[word] += 1
        questions[text.question.replace(plural(word), "X")] += 1
        assert number(text) == {"car": 2, "person": 1}.get(word, 0)
        zeros += number(text) == 0
    assert 240 < zeros < 360
    assert set(asked_of) == {"car", "person", "bicycle", "dog"}
    assert abs(asked_of["car"] - asked_of["person"]) < 250
    assert len(questions) == phrasings


def test_empty_pictures_are_asked_about_as_often():
    for task in (AERIAL, PEOPLE):
        texts = [t for i in range(2000) for t in built(task, facts_of(index=i), Options())]
        assert 140 < len(texts) < 260
        assert {t.answer for t in texts} == {"<num>0</num>"}


@pytest.mark.parametrize("task", [AERIAL, PEOPLE])
def test_what_nobody_knows_is_not_asked(task):
    some = [(0, 0, 9, 9)], ["person"]
    assert not any(built(task, facts_of(labelled=False, index=i), Options()) for i in range(99))
    assert built(task, facts_of(labelled=False)) == []
    assert not any(built(task, facts_of(*some, ignored=1, index=i), Options()) for i in range(99))
    assert not task.applies(facts_of(*some, labelled=False))
    assert not task.applies(facts_of(vocabulary=("background",)))


def test_crowds_and_people_are_not_added():
    boxes = [(0, 0, 9, 9), (20, 0, 29, 9)]
    facts = facts_of(boxes, ["person", "people"], vocabulary=("person", "people"))
    assert built(PEOPLE, facts, Options()) == []


def test_no_count_of_what_includes_other_labels():
    boxes = [(0, 0, 9, 9), (20, 0, 29, 9)]
    vocabulary = ("vehicle", "car", "ship", "boat")
    for index in range(300):
        facts = facts_of(boxes, ["vehicle", "car"], vocabulary=vocabulary, index=index)
        (text,) = built(AERIAL, facts, Options())
        assert "vehicles" not in text.question
    for index in range(300):  # boats may be the ships that are there
        facts = facts_of(boxes, ["ship", "car"], vocabulary=vocabulary, index=index)
        (text,) = built(AERIAL, facts, Options())
        assert "boats" not in text.question
        assert "vehicles" not in text.question
    assert may_be_same("ship", "boat")
