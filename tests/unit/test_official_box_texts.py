"""Official texts about boxes: decision table, borders, rounding, defects; on made-up pictures."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from irtd_fast.tasks.base import Draws, Facts, Options, Text, task_named
from irtd_fast.tasks.coordinates import points_in
from irtd_fast.tasks.grounding import decide, region
from irtd_fast.tasks.official_objects import Thing, published_words

FLIR = ("person", "bicycle", "car", "dog", "other vehicle")
MENDED = Options(mode="official")
DEFECTS = Options(mode="official", defects=True)
ORDER = ("person", "bike", "car")


def picture(*objects, size=(512, 640), vocabulary=FLIR, **more) -> Facts:
    return Facts(0, "flir-v1/x", "flir-v1", "x", *size, vocabulary=vocabulary,
                 boxes=tuple(tuple(map(float, o[1:])) for o in objects),
                 categories=tuple(o[0] for o in objects), **more)  # fmt: skip


def build(name: str, facts: Facts, options: Options = MENDED, seed: int = 0) -> list[Text]:
    return task_named(name).build(facts, Draws(seed, name, facts.key), options)


def chosen(*objects):
    things = [Thing(word, tuple(map(float, box)), n) for n, (word, *box) in enumerate(objects)]
    kind, thing, other = decide(things, ORDER, 2.0)
    return kind, thing.number, None if other is None else other.number


def test_halves_are_rounded_to_even():
    assert points_in("permille", [(317.5, 717.5)], (1000, 1000)) == [(318, 718)]
    assert points_in("permille", [(316.5, 718.5)], (1000, 1000)) == [(316, 718)]
    (text,) = build("location", picture(("person", 259, 569, 376, 866), size=(1000, 1000)))
    assert text.answer == "<ref>person</ref> at <pos>[(318, 718)]</pos>"


def test_location_sorts_what_is_written_and_keeps_the_annotation_order_of_categories():
    facts = picture(
        ("car", 100, 10, 110, 20), ("person", 0, 0, 10, 10), ("car", 20, 50, 30, 60),
        ("dog", 0, 0, 9, 9), ("car", 100, 10, 110, 20),
    )  # fmt: skip
    car, person = build("location", facts, DEFECTS)
    assert car.question == " Locate all car from left to right."
    assert car.answer == "<ref>car</ref> at <pos>[(39, 107), (164, 29), (164, 29)]</pos>"
    assert car.objects == (0, 2, 4)
    assert person.answer == "<ref>person</ref> at <pos>[(8, 10)]</pos>"
    questions = [text.question for text in build("location", facts)]
    assert questions == [
        "Locate all cars from left to right.", "Locate all people from left to right.",
    ]  # fmt: skip


def test_two_objects_a_pixel_apart_are_told_by_their_sides():
    assert chosen(("car", 0, 0, 50, 10), ("car", 51, 0, 90, 10)) == ("relative", 0, 1)
    assert chosen(("car", 0, 0, 50, 10), ("car", 50, 0, 90, 10)) == ("at", 0, None)
    assert chosen(("car", 60, 0, 90, 10), ("person", 0, 0, 50, 10)) == ("relative", 1, 0)
    # They overlap: the leftmost of the first category in the order person, bike, car.
    assert chosen(("car", 0, 0, 60, 10), ("person", 50, 0, 90, 10)) == ("at", 1, None)
    assert chosen(("car", 0, 0, 60, 10), ("bike", 50, 0, 90, 10)) == ("at", 1, None)


def test_the_nearest_is_more_than_twice_as_large():
    small = ("car", 0, 0, 10, 10)
    assert chosen(small, ("car", 20, 0, 40, 10), ("person", 90, 0, 99, 9)) == ("at", 2, None)
    assert chosen(small, ("car", 20, 0, 41, 10), ("person", 90, 0, 99, 9)) == ("nearest", 1, None)
    # The first category with two objects that differ so; of equal ones the leftmost.
    person = [("person", 200, 0, 210, 10), ("person", 300, 0, 303, 10)]
    assert chosen(small, ("car", 20, 0, 60, 10), *person) == ("nearest", 2, None)
    assert chosen(
        small, ("bike", 70, 0, 90, 20), ("bike", 20, 0, 40, 20), ("bike", 5, 0, 9, 9)
    ) == ("nearest", 2, None)  # fmt: skip
    assert chosen(("person", 80, 0, 90, 9), ("person", 40, 0, 50, 9), small) == ("at", 1, None)


def test_pictures_with_six_objects_have_no_grounding_text():
    five = [("car", 10 * n, 0, 10 * n + 5, 5) for n in range(5)]
    assert len(build("grounding", picture(*five))) == 1
    assert build("grounding", picture(*five, ("person", 90, 0, 99, 9))) == []
    assert len(build("grounding", picture(*five, ("dog", 90, 0, 99, 9)))) == 1  # not counted
    assert build("grounding", picture()) == []


@pytest.mark.parametrize(
    ("x", "y", "named"),
    [(213, 171, "center"), (212.5, 171, "left"), (426, 171, "center"), (426.5, 171, "right"),
     (213, 170.5, "top center"), (426.5, 342.5, "bottom right"), (213, 342, "center"),
     (0, 0, "top left")],
)  # fmt: skip
def test_borders_of_regions_belong_to_the_middle(x, y, named):
    thing = Thing("car", (x - 5, y - 5, x + 5, y + 5), 0)
    assert region(thing, picture(size=(513, 639))) == named


def test_left_and_right_of_grounding_with_and_without_the_wrong_box():
    facts = picture(("car", 10, 10, 50, 40), ("person", 60, 20, 70, 45))
    right = "[[60, 20, 70, 45]]"
    seen = Counter()
    for seed in range(200):
        (text,) = build("grounding", facts, seed=seed)
        (wrong,) = build("grounding", facts, DEFECTS, seed)
        assert text.question == wrong.question
        if "left" in text.question:
            assert text.question == (
                "Detect the bounding box of the car located to the left of the person."
            )
            assert "[[10, 10, 50, 40]]" in text.answer
            assert right in wrong.answer
        else:
            assert "person located to the right of the car." in text.question
            assert right in text.answer
            assert text == wrong or text.answer == wrong.answer
        seen["left" in text.question] += 1
    assert 60 < seen[True] < 140


def test_edges_beyond_the_picture_stay_only_as_a_defect():
    facts = picture(("car", 600, 10, 641, 40))
    assert "[[600, 10, 641, 40]]" in build("grounding", facts, DEFECTS)[0].answer
    assert "[[600, 10, 640, 40]]" in build("grounding", facts)[0].answer
    units = Options(mode="official", units="permille")
    assert "[[938, 20, 1000, 78]]" in build("grounding", facts, units)[0].answer


def test_what_is_labelled_is_called_absent_only_as_a_defect():
    facts = picture(("person", 0, 0, 9, 9), ("dog", 20, 0, 29, 9))
    said = Counter()
    for seed in range(300):
        for options in (DEFECTS, MENDED):
            (text,) = build("security", facts, options, seed)
            asked, _, offered = text.question.partition("\n")
            assert asked == "What object does not appear in the picture?"
            assert re.fullmatch(r"\(A\) .+ \(B\) .+ \(C\) .+ \(D\) .+", offered)
            said[options.defects, " dog" in text.question] += 1
            assert text.answer.count("(") == 3  # one category of the published three is there
    assert said[True, True] > 20
    assert said[False, True] == 0
    assert build("security", picture(("dog", 0, 0, 9, 9))) == []


def test_relationship_needs_a_car_and_a_person_or_bike():
    assert build("relationship", picture(("person", 0, 0, 9, 9), ("bicycle", 20, 0, 30, 9))) == []
    assert build("relationship", picture(("car", 0, 0, 9, 9), ("dog", 20, 0, 30, 9))) == []
    facts = picture(("car", 50, 0, 59, 9), ("person", 20, 0, 30, 9), ("bicycle", 70, 0, 80, 9))
    pairs = Counter()
    for seed in range(200):
        (text,) = build("relationship", facts, seed=seed)
        found = re.fullmatch(r"Is there a (\w+) .+ the first (\w+) from left to right\?",
                             text.question)  # fmt: skip
        assert found is not None
        pairs[found.groups()] += 1
    # The subject's category begins further left.
    assert set(pairs) == {("person", "car"), ("car", "bike")}
    assert min(pairs.values()) > 60


def test_relationship_answers_about_the_subject_that_it_hides():
    facts = picture(
        ("person", 0, 100, 20, 160), ("person", 600, 100, 620, 140), ("car", 300, 110, 360, 150)
    )
    seen = Counter()
    for seed in range(600):
        (text,) = build("relationship", facts, seed=seed)
        subject, reference = text.objects
        assert (reference, "the first car" in text.question) == (2, True)
        first = subject == 0
        expected = {
            "left": first, "right": not first, "near": False, "far": False,  # 320 and 280 px
            "front": not first, "behind": first,  # lower edges 160, 140 and 150
        }[text.kind]  # fmt: skip
        assert text.answer == ("yes" if expected else "no"), text
        seen[text.kind, subject] += 1
    assert len(seen) == 12
    assert min(seen.values()) > 20
    depths = picture(("person", 0, 100, 20, 160), ("car", 300, 90, 360, 150), depths=(30.0, 9.0))
    answers = {t.kind: t.answer for s in range(60) for t in build("relationship", depths, seed=s)}
    assert (answers["front"], answers["behind"]) == ("yes", "no")  # farther away, as published


def test_the_words_the_and_ordinals_are_mended_without_defects():
    cars = [("car", 10 * n + 5, 0, 10 * n + 9, 9) for n in range(23)]
    facts = picture(("person", 0, 0, 4, 9), *cars)
    found = {True: set(), False: set()}
    for seed in range(400):
        for options in (DEFECTS, MENDED):
            (text,) = build("relationship", facts, options, seed)
            found[options.defects].add(text.question.partition(" the ")[2].rpartition(" car")[0])
    ends = {word.rpartition(" ")[2] for word in found[False]}
    assert {"fifth", "6th", "11th", "21st", "22nd", "23rd"} <= ends
    assert not any(words.count("the ") for words in found[False] if "side" not in words)
    assert any(words.endswith("the 22th") for words in found[True])


def test_published_words_and_those_of_other_sources():
    assert dict(published_words(FLIR)) == {"person": "person", "bicycle": "bike", "car": "car"}
    assert list(published_words(("car", "truck", "person"))) == ["person", "car"]
    assert dict(published_words(("ship", "background"))) == {"ship": "ship"}
    (text,) = build("location", picture(("ship", 0, 0, 9, 9), vocabulary=("ship",)))
    assert text.question == "Locate all ships from left to right."


@pytest.mark.parametrize("box", [(float("nan"), 0, 5, 5), (0, 0, float("inf"), 5), (9, 0, 5, 5)])
def test_boxes_that_are_none_break_nothing(box):
    facts = picture(("car", *box), ("person", 10, 10, 20, 20))
    for options in (MENDED, DEFECTS, Options()):
        for name in ("location", "grounding", "relationship", "security"):
            for text in build(name, facts, options):
                assert "nan" not in text.answer
                assert "inf" not in text.answer
                assert options.mode == "official" or "car" not in text.answer
