"""Clean texts about boxes are true, whatever the boxes: judged by ``text_truth``, also of crops."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from text_truth import PLURALS, Object, is_true, named, visible

from irtd_fast.geometry import matrix as affine
from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.tasks.base import Draws, Facts, Options, Text, task_named
from irtd_fast.tasks.follow import follow, rebuild

TASKS = ("location", "grounding", "relationship", "security")
WORDS = tuple(PLURALS)
SIDES = st.integers(40, 700)


@st.composite
def pictures(draw, most=9):
    """A picture with objects anywhere, some beyond its border; often few categories."""
    height, width = draw(SIDES), draw(SIDES)
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True))
    boxes, categories = [], []
    for _ in range(draw(st.integers(0, most))):
        x0 = draw(st.integers(-20, width + 5))
        y0 = draw(st.integers(-20, height + 5))
        sides = draw(st.tuples(st.integers(1, 120), st.integers(1, 120)))
        half = draw(st.sampled_from([0.0, 0.5]))
        boxes.append((x0 + half, float(y0), x0 + sides[0] + half, float(y0 + sides[1])))
        categories.append(draw(st.sampled_from(words)))
    return Facts(
        0, f"made/{draw(st.integers(0, 999))}", "made", "n", height, width, vocabulary=WORDS,
        boxes=tuple(boxes), categories=tuple(categories),
    )  # fmt: skip


@st.composite
def options(draw):
    return Options(
        units=draw(st.sampled_from([None, "pixel", "unit", "permille"])),
        phrasings=draw(st.integers(1, 4)), seed=draw(st.integers(0, 50)),
    )  # fmt: skip


def built(facts: Facts, how: Options) -> list[Text]:
    return [
        text for name in TASKS for text in task_named(name).build(
            facts, Draws(how.seed, name, facts.key), how
        )
    ]  # fmt: skip


def check(texts: list[Text], objects: list[Object], facts: Facts, how: Options) -> None:
    size = (facts.height, facts.width)
    for text in texts:
        assert is_true(text, objects, size, how.units or "permille"), (text, objects)


@settings(max_examples=300, deadline=None)
@given(pictures(), options())
def test_every_clean_text_is_true(facts, how):
    objects = visible(facts.categories, facts.boxes, (facts.height, facts.width))
    check(built(facts, how), objects, facts, how)


@settings(max_examples=300, deadline=None)
@given(pictures(), options(), st.data())
def test_every_clean_text_about_a_crop_is_true_of_all_that_is_seen_in_it(facts, how, data):
    """Objects are judged by their whole boxes: what the policy dropped is still to be seen."""
    x0 = data.draw(st.integers(0, facts.width - 20))
    y0 = data.draw(st.integers(0, facts.height - 20))
    x1 = data.draw(st.integers(x0 + 10, facts.width))
    y1 = data.draw(st.integers(y0 + 10, facts.height))
    flipped = data.draw(st.booleans())
    size = (y1 - y0, x1 - x0) if data.draw(st.booleans()) else (96, 128)
    matrix = affine.crop((x0, y0, x1, y1), size)
    if flipped:
        matrix = affine.compose(matrix, affine.flip_horizontal(size[1]))
    policy = data.draw(st.sampled_from(["clip", "drop"]))
    kept = BoxOptions(policy, data.draw(st.sampled_from([0.0, 0.1, 0.6])), 2.0)
    window = follow(facts, matrix, size, kept)
    moved = []
    for box in facts.boxes:
        ends = affine.apply(matrix, [box[:2], box[2:]])
        moved.append((*ends.min(axis=0).tolist(), *ends.max(axis=0).tolist()))
    objects = visible(facts.categories, tuple(moved), size)
    # Slivers thinner than float32 can tell from nothing are neither seen nor unseen.
    assume(all(min(o.box[2] - o.box[0], o.box[3] - o.box[1]) > 1e-2 for o in objects))
    texts = built(window, how)
    check(texts, objects, window, how)
    for text in built(facts, how):
        again = rebuild(text, window)
        if again is not None:
            assert (again.task, again in texts) == (text.task, True)


def close_calls(number: int) -> Facts:
    """A picture of 300 x 300 whose objects are nearly level with each other and with borders."""
    draws = Draws(11, "close", str(number))
    boxes, categories = [], []
    for _ in range(draws.between(2, 6)):
        x, y = (draws.choice((40, 100, 175, 200, 250)) + draws.between(-6, 6) for _ in "xy")
        half = draws.between(8, 14)
        boxes.append((float(x - half), float(y - half), float(x + half), float(y + half)))
        categories.append(draws.choice(("car", "person", "dog")))
    return Facts(number, f"made/{number}", "made", "n", 300, 300, vocabulary=WORDS,
                 boxes=tuple(boxes), categories=tuple(categories))  # fmt: skip


def test_clean_texts_stay_true_where_places_move_by_less_than_half_the_margin():
    """Nobody labels to the pixel: what a text says does not hang on that."""
    size, checked = (300, 300), 0
    for number in range(2000):
        facts, draws = close_calls(number), Draws(12, "moves", str(number))
        moved = []
        for o in visible(facts.categories, facts.boxes, size):
            dx, dy = (300 * 0.0049 * draws.choice((-1, 0, 1)) for _ in "xy")
            x0, y0, x1, y1 = o.box
            moved.append(dataclasses.replace(o, box=(x0 + dx, y0 + dy, x1 + dx, y1 + dy)))
        for text in built(facts, Options(seed=number)):
            if text.task == "grounding":
                assert named(text, moved, size) == [text.objects[0]], (text, moved)
            elif text.task == "relationship":
                assert is_true(text, moved, size, ""), (text, moved)
            checked += text.task in ("grounding", "relationship")
    assert checked > 3000


def test_the_evaluator_tells_wrong_texts():
    size, boxes = (100, 200), ((10.0, 10.0, 30.0, 30.0), (150.0, 60.0, 190.0, 90.0))
    objects = visible(("car", "person"), boxes, size)
    cars = "Locate all cars from left to right."
    right = [
        ("location", cars, "<ref>car</ref> at <pos>[(100, 200)]</pos>"),
        ("grounding", "Detect the bounding box of the car in the picture.",
         "The target bounding box is <box>[[50, 100, 150, 300]]</box>."),
        ("relationship", "Is there a car on the left side of the person?", "yes"),
        ("relationship", "Is there a car near to the person?", "no"),
        ("security", "Which?\n(A) car (B) dog (C) person", "(B) dog"),
    ]  # fmt: skip
    wrong = [
        ("location", right[0][1], "<ref>car</ref> at <pos>[]</pos>"),
        ("location", right[0][1], "<ref>car</ref> at <pos>[(100, 200), (500, 500)]</pos>"),
        ("location", right[0][1], "<ref>car</ref> at <pos>[(102, 200)]</pos>"),
        ("grounding", right[1][1], "The target bounding box is <box>[[50, 100, 150, 302]]</box>."),
        ("relationship", right[2][1], "no"),
        ("relationship", right[3][1], "yes"),
        ("security", right[4][1], "(A) car (B) dog"),
        ("security", right[4][1], "(C) person"),
    ]
    for row in right:
        assert is_true(Text(*row), objects, size, "permille"), row
    for row in wrong:
        assert not is_true(Text(*row), objects, size, "permille"), row


def many(count=400, words=("person", "car", "bicycle", "truck", "dog"), most=8):
    """Pictures like those of a street, drawn plainly."""
    out = []
    for number in range(count):
        draws = Draws(7, "pictures", str(number))
        boxes, categories = [], []
        for _ in range(draws.between(1, most)):
            x, y = draws.below(600), draws.below(470)
            sides = draws.between(4, 120), draws.between(4, 90)
            boxes.append((float(x), float(y), float(min(640, x + sides[0])),
                          float(min(512, y + sides[1]))))  # fmt: skip
            categories.append(draws.choice(words))
        out.append(Facts(number, f"made/{number}", "made", str(number), 512, 640,
                         vocabulary=(*words, "bus", "train"), boxes=tuple(boxes),
                         categories=tuple(categories)))  # fmt: skip
    return out


def test_clean_texts_are_many_and_of_every_kind():
    """Truth is cheap where nothing is said: most pictures do get a text, in every way there is."""
    texts = [(f, t) for f in many() for t in built(f, Options(phrasings=4))]
    tasks = Counter(t.task for _, t in texts)
    assert tasks["location"] > 800
    assert tasks["grounding"] > 395
    assert tasks["relationship"] > 300
    assert tasks["security"] > 395
    kinds = Counter(t.kind for _, t in texts if t.task == "grounding")
    assert set(kinds) == {
        "only", "region", "leftmost", "rightmost", "topmost", "lowest", "largest", "smallest",
        "ordinal", "relative",
    }  # fmt: skip
    answers = Counter(t.answer for _, t in texts if t.task == "relationship")
    assert 0.4 < answers["yes"] / answers.total() < 0.6
    relations = Counter(t.kind for _, t in texts if t.task == "relationship")
    assert set(relations) == {"left", "right", "near", "far"}
    questions = Counter(t.question.split("\n")[0] for _, t in texts if t.task == "security")
    assert len(questions) == 4


def test_depth_decides_what_is_in_front():
    boxes = ((10.0, 10.0, 40.0, 60.0), (300.0, 100.0, 380.0, 200.0))
    facts = Facts(0, "k", "s", "n", 512, 640, vocabulary=WORDS, boxes=boxes,
                  categories=("person", "car"), depths=(8.0, 20.0))  # fmt: skip
    found = {}
    for seed in range(200):
        (text,) = task_named("relationship").build(facts, Draws(seed, "r", "k"), Options())
        if text.kind in ("front", "behind"):
            found[text.question] = text.answer
    assert found == {
        "Is there a person in front of the car?": "yes",
        "Is there a person behind the car?": "no",
        "Is there a car in front of the person?": "no",
        "Is there a car behind the person?": "yes",
    }
    close = dataclasses.replace(facts, depths=(19.0, 20.0))
    for seed in range(50):
        (text,) = task_named("relationship").build(close, Draws(seed, "r", "k"), Options())
        assert text.kind not in ("front", "behind")


def test_the_order_of_samples_changes_nothing():
    facts = many(60)
    how = Options(phrasings=4, seed=5)
    forwards = {f.key: built(f, how) for f in facts}
    assert {f.key: built(f, how) for f in reversed(facts)} == forwards
    others = {f.key: built(f, Options(phrasings=4, seed=6)) for f in facts}
    assert sum(others[key] != texts for key, texts in forwards.items()) > 50


@pytest.mark.parametrize("doubt", [{"ignored": 1}, {"partial": ("car",)}])
def test_nothing_is_said_of_all_where_something_may_be_missing(doubt):
    facts = Facts(0, "k", "s", "n", 512, 640, vocabulary=WORDS, boxes=((10.0, 10.0, 60.0, 40.0),
                  (300.0, 10.0, 360.0, 40.0)), categories=("car", "person"))  # fmt: skip
    assert {t.task for t in built(facts, Options())} == set(TASKS)
    for seed in range(40):
        for text in built(dataclasses.replace(facts, **doubt), Options(seed=seed)):
            assert "ignored" not in doubt
            assert "car" not in text.answer
            assert text.task != "relationship"
            assert "car" not in text.question or text.task == "security"


def test_texts_of_a_resized_picture_have_its_units():
    facts = Facts(0, "k", "s", "n", 512, 640, vocabulary=WORDS,
                  boxes=((64.0, 128.0, 192.0, 256.0),), categories=("car",))  # fmt: skip
    small = follow(facts, affine.resize((512, 640), (256, 320)), (256, 320))
    answers = {}
    for name, frame in (("original", facts), ("resized", small)):
        for units in ("pixel", "unit", "permille"):
            (text,) = task_named("grounding").build(frame, Draws(0, "g", "k"), Options(units=units))
            answers[name, units] = text.answer.partition("<box>")[2].removesuffix("</box>.")
    assert answers == {
        ("original", "pixel"): "[[64, 128, 192, 256]]",
        ("resized", "pixel"): "[[32, 64, 96, 128]]",
        ("original", "unit"): "[[0.1, 0.25, 0.3, 0.5]]",
        ("resized", "unit"): "[[0.1, 0.25, 0.3, 0.5]]",
        ("original", "permille"): "[[100, 250, 300, 500]]",
        ("resized", "permille"): "[[100, 250, 300, 500]]",
    }  # fmt: skip


def test_points_are_located_too_and_a_crowd_is_not():
    points = ((10.0, 20.0), (5.0, 9.0), (700.0, 3.0))
    facts = Facts(0, "k", "s", "n", 100, 100, vocabulary=("person",), points=points,
                  point_categories=("person",) * 3)  # fmt: skip
    (text,) = task_named("location").build(facts, Draws(0, "l", "k"), Options(units="pixel"))
    assert text.answer == "<ref>person</ref> at <pos>[(5, 9), (10, 20)]</pos>"
    assert (text.objects, text.provenance["of"]) == ((0, 1), "points")
    crowd = dataclasses.replace(facts, points=points[:1] * 61, point_categories=("person",) * 61)
    assert task_named("location").build(crowd, Draws(0, "l", "k"), Options()) == []


def test_a_rebuilt_text_is_about_the_same_or_it_goes():
    facts = Facts(
        0, "made/k", "made", "k", 100, 200, vocabulary=WORDS, categories=("car", "person"),
        boxes=((10.0, 10.0, 30.0, 30.0), (150.0, 60.0, 190.0, 90.0)),
    )  # fmt: skip
    texts = built(facts, Options(units="pixel"))
    left = follow(facts, affine.crop((0, 0, 100, 100), (100, 100)), (100, 100))
    car, person = (t for t in texts if t.task == "location")
    again = rebuild(car, left)
    assert again is not None
    assert (again.question, again.answer) == (car.question, car.answer)
    assert rebuild(person, left) is None
    (relation,) = (t for t in texts if t.task == "relationship")
    assert rebuild(relation, left) is None
    imported = dataclasses.replace(car, provenance={"file": "Location", "id": "3"})
    assert rebuild(imported, left) is None


def test_turned_boxes_follow_with_their_corners():
    corners = (20.0, 10.0, 30.0, 20.0, 20.0, 30.0, 10.0, 20.0)
    facts = Facts(0, "k", "s", "n", 100, 100, vocabulary=WORDS, boxes=((10.0, 10.0, 30.0, 30.0),),
                  categories=("car",), corners=(corners,), depths=(3.0,))  # fmt: skip
    turned = follow(facts, affine.rotation(0.7853981633974483, (20.0, 20.0)), (100, 100))
    half = 50**0.5
    (box,) = turned.boxes
    assert box == pytest.approx((20 - half, 20 - half, 20 + half, 20 + half), abs=1e-4)
    assert turned.depths == (3.0,)
    assert len(turned.corners[0]) == 8
    gone = follow(facts, affine.translation(-200, 0), (100, 100))
    assert (gone.boxes, gone.corners, gone.depths, gone.partial) == ((), (), (), ())
    cut = follow(facts, affine.translation(-29, 0), (100, 100))
    assert (cut.boxes, cut.partial) == ((), ("car",))
