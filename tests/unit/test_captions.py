"""Captions against a reader that knows English, not the rules: every sentence is checked."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from task_facts import any_facts, facts_of

from irtd_fast.tasks.base import Draws, Options
from irtd_fast.tasks.captions import TASK
from irtd_fast.tasks.words import plural

OFFICIAL = Options(mode="official")
NAMED = ["person", "bicycle", "car", "dog", "other vehicle", "bus", "sheep", "target"]
REGIONS = {  # column and row of thirds that a phrase means; None: any
    "in the upper left": (0, 0), "at the top": (1, 0), "in the upper right": (2, 0),
    "on the left": (0, 1), "in the centre": (1, 1), "on the right": (2, 1),
    "in the lower left": (0, 2), "at the bottom": (1, 2), "in the lower right": (2, 2),
}  # fmt: skip
COLUMNS = {"on the left": 0, "in the middle": 1, "on the right": 2}


def caption(facts, options=OFFICIAL):
    texts = TASK.build(facts, Draws(options.seed, TASK.name, facts.key), options)
    assert len(texts) <= 1
    return texts[0] if texts else None


def spread(count, side=600.0):
    return [(side * i / max(count, 1), 10.0, side * i / max(count, 1) + 5, 60.0)
            for i in range(count)]  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "answer"),
    [
        ({"truck": 1}, "The image contains 1 truck."),
        ({"person": 15, "car": 7}, "The image contains 7 cars and 15 people."),
        ({"person": 1, "car": 2, "bus": 3}, "The image contains 3 buses, 2 cars and 1 person."),
        ({"sheep": 2, "background": 3}, "The image contains 2 sheep."),
    ],
)
def test_official_captions_are_as_in_the_figure(counts, answer):
    words = [word for word, count in counts.items() for _ in range(count)]
    text = caption(facts_of(spread(len(words)), words))
    assert (text.question, text.answer) == ("Describe this picture in detail.", answer)


@pytest.mark.parametrize("options", [OFFICIAL, Options()])
def test_nothing_labelled_nothing_said(options):
    assert caption(facts_of(), options) is None
    assert caption(facts_of(spread(1), ["background"]), options) is None
    assert not TASK.applies(facts_of())


def test_a_scene_is_worth_a_caption():
    text = caption(facts_of(scene="water", band="NIR"), Options())
    assert text.answer == "It is a near-infrared image. The scene is a stretch of water."
    assert caption(facts_of(scene="water"), OFFICIAL) is None


def centres(facts, word):
    """Places of a category's things, found anew: points go before boxes, the frame is half open."""
    pairs = [
        ((x, y), w) for (x, y), w in zip(facts.points, facts.point_categories, strict=True)
    ] if word in facts.point_categories else [
        (((a + c) / 2, (b + d) / 2), w)
        for (a, b, c, d), w in zip(facts.boxes, facts.categories, strict=True)
    ]  # fmt: skip
    inside = lambda p: 0 <= p[0] < facts.width and 0 <= p[1] < facts.height  # noqa: E731
    return [p for p, w in pairs if w == word and inside(p)]


def cell(value, side):
    """Which third, in exact arithmetic."""
    share = Fraction(value) / side
    return 0 if share < Fraction(1, 3) else 2 if share > Fraction(2, 3) else 1


def category_of(noun):
    (found,) = [w for w in NAMED if noun in (w, plural(w))]
    return found


def box_named(facts, phrase):
    """The one box that a phrase means."""
    found = re.fullmatch(r"the (leftmost |rightmost )?(.+)", phrase[0].lower() + phrase[1:])
    word = category_of(found.group(2))
    mine = [b for b, w in zip(facts.boxes, facts.categories, strict=True) if w == word]
    if found.group(1) is None:
        (box,) = mine
    elif found.group(1) == "leftmost ":
        (box,) = [b for b in mine if b[0] == min(m[0] for m in mine)]
    else:
        (box,) = [b for b in mine if b[2] == max(m[2] for m in mine)]
    return box


def check_groups(facts, groups):
    said = {}
    for part in re.split(r", | and ", groups):
        count, noun = re.fullmatch(r"(\d+) (.+)", part).groups()
        word = category_of(noun)
        assert noun == (word if count == "1" else plural(word))
        said[word] = int(count)
    assert said == {w: len(centres(facts, w)) for w in NAMED if centres(facts, w)}


def check_position(facts, sentence):
    one = re.fullmatch(r"The (.+) is ((?:in|on|at) the [a-z ]+) of the image\.", sentence)
    if one:
        (place,) = centres(facts, category_of(one.group(1)))
        column, row = REGIONS[one.group(2)]
        assert (cell(place[0], facts.width), cell(place[1], facts.height)) == (column, row)
        return
    all_of = re.fullmatch(r"(Both|All (\d+)) (.+) are (.+) of the image\.", sentence)
    if all_of:
        found = centres(facts, category_of(all_of.group(3)))
        assert len(found) == int(all_of.group(2) or 2)
        assert {cell(x, facts.width) for x, _ in found} == {COLUMNS[all_of.group(4)]}
        return
    total, noun, rest = re.fullmatch(r"Of the (\d+) (.+?), (.+)\.", sentence).groups()
    found = centres(facts, category_of(noun))
    assert len(found) == int(total)
    parts = re.findall(r"(\d+) (?:is |are )?((?:on|in) the \w+)", rest)
    counts = [0, 0, 0]
    for count, where in parts:
        counts[COLUMNS[where]] = int(count)
    columns = [cell(x, facts.width) for x, _ in found]
    assert counts == [columns.count(k) for k in range(3)]


def check_relation(facts, sentence):
    found = re.fullmatch(r"(.+) is (to the left of|to the right of|above|below) (.+)\.", sentence)
    one, other = box_named(facts, found.group(1)), box_named(facts, found.group(3))
    assert {
        "to the left of": one[2] < other[0], "to the right of": one[0] > other[2],
        "above": one[3] < other[1], "below": one[1] > other[3],
    }[found.group(2)]  # fmt: skip


OPENING = re.compile(
    r"(?:The image (?:contains|shows)|In this image there (?:is|are)|There (?:is|are)) (.+?)"
    r"(?: in the image)?\."
)


def check(facts, answer):
    """Every sentence is of a known kind and true."""
    for sentence in re.findall(r"\w[^.]*\.", answer):
        opening = OPENING.fullmatch(sentence)
        if opening:
            check_groups(facts, opening.group(1))
        elif re.match(r"(It|This) is an? .*image", sentence):
            kind = {"NIR": "a near-infrared", "LWIR": "a long-wave infrared"}
            assert kind.get(facts.band, "an infrared") in sentence
            assert ("by day" in sentence) == (facts.scene == "day")
            assert ("at night" in sentence) == (facts.scene == "night")
        elif sentence in ("The scene is a forest.", "It shows a forest."):
            assert facts.scene == "forest"
        elif re.search(r"(to the (left|right) of|above|below) the", sentence):
            check_relation(facts, sentence)
        else:
            check_position(facts, sentence)


@settings(deadline=None)
@given(any_facts(), st.sampled_from([1, 2, 4]), st.integers(0, 5))
def test_every_sentence_is_true(facts, phrasings, seed):
    text = caption(facts, Options(phrasings=phrasings, seed=seed))
    has = [word for word in NAMED if centres(facts, word)]
    assert (text is not None) == bool(has or facts.scene == "forest")
    if text is None:
        return
    assert text.objects == ()
    check(facts, text.answer)
    official = caption(facts)
    assert (official is not None) == bool(has)
    if official is not None:
        check(facts, official.answer)


def test_the_checker_notices_what_is_false():
    facts = facts_of([(0, 0, 10, 10), (600, 400, 620, 420)], ["car", "dog"], scene="day")
    for wrong in (
        "The image contains 2 cars and 1 dog.",
        "The image contains 1 car.",
        "The car is on the right of the image.",
        "The dog is to the left of the car.",
        "It is an infrared image taken at night.",
        "The car is below the dog.",
    ):
        with pytest.raises((AssertionError, ValueError)):
            check(facts, wrong)


def test_all_kinds_of_sentences_occur_and_wordings_vary():
    words = ["car", "car", "dog", "person", "person", "person"]
    boxes = [(0, 0, 10, 10), (20, 0, 30, 10), (300, 300, 330, 330), (50, 90, 60, 100),
             (500, 90, 510, 100), (520, 90, 530, 100)]  # fmt: skip
    answers = {
        caption(facts_of(boxes, words, index=i, band="LWIR", scene="night"),
                Options(phrasings=4)).answer
        for i in range(300)
    }  # fmt: skip
    text = " ".join(answers)
    for part in ("Both cars are on the left of the image.", "The dog is in the centre of the image",
                 "Of the 3 people, 1 is on the left and 2 on the right.", "The dog is to the right",
                 "There are 2 cars", "In this image there are 2 cars", "The image shows 2 cars",
                 "a long-wave infrared image taken at night"):  # fmt: skip
        assert part in text, part


def test_many_things_are_counted_but_not_spread_out():
    places = tuple((float(i), 5.0) for i in range(200))
    facts = facts_of(points=places, point_categories=("person",) * 200)
    assert caption(facts, Options()).answer == (
        "The image contains 200 people. It is an infrared image."
    )
