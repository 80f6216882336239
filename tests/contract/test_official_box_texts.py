"""Published texts about boxes against the rules: what they say of the objects is what we build."""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from irtd_fast.official.archive import read_official
from irtd_fast.official.container import Entry
from irtd_fast.tasks.base import Draws, Facts, Options, task_named
from irtd_fast.tasks.coordinates import centre, points_in
from irtd_fast.tasks.facts import Box
from irtd_fast.tasks.grounding import region
from irtd_fast.tasks.official_objects import Thing, by_category, official_objects
from irtd_fast.tasks.relationship import official_pair, official_question, official_relation
from irtd_fast.tasks.security import absent_answer

pytestmark = pytest.mark.dumps
WIDTH, HEIGHT = 640, 512
DEFECTS = Options(mode="official", defects=True)
FLIR = ("person", "bicycle", "car", "dog", "other vehicle")
OWN = {"bike": "bicycle"}  # published word -> the store's
POINT = re.compile(r"\((\d+), (\d+)\)")
RELATIONS = {
    "on the left side of": "left", "on the right side of": "right", "in front of": "front",
    "behind": "behind", "near to": "near", "far from": "far",
}  # fmt: skip
ORDINALS = ["first", "second", "third", "fourth", "fifth"]
Places = dict[str, list[tuple[int, int]]]  # published word -> points in thousandths


@pytest.fixture(scope="module")
def entries(published: Path) -> dict[str, list[Entry]]:
    return read_official(published)


@pytest.fixture(scope="module")
def places(entries: dict[str, list[Entry]]) -> dict[str, Places]:
    """Picture -> its objects' centres by category, categories in the published order."""
    out: dict[str, Places] = defaultdict(dict)
    for entry in entries["Location"]:
        word = re.search(r"<ref>(.+?)</ref>", entry.answer)
        assert word is not None
        out[entry.image][word[1]] = [(int(x), int(y)) for x, y in POINT.findall(entry.answer)]
    return dict(out)


def around(point: tuple[float, float], half: tuple[float, float] = (2, 2)) -> Box:
    """A box whose centre has these thousandths."""
    x, y = point[0] * WIDTH / 1000, point[1] * HEIGHT / 1000
    return x - half[0], y - half[1], x + half[0], y + half[1]


def picture(key: str, objects: list[tuple[str, Box]]) -> Facts:
    return Facts(
        0, key, "flir-v1", key, HEIGHT, WIDTH, vocabulary=FLIR,
        boxes=tuple(box for _, box in objects),
        categories=tuple(OWN.get(word, word) for word, _ in objects),
    )  # fmt: skip


def test_every_published_location_text_comes_from_boxes(entries, places):
    rng = random.Random(1)
    wanted = defaultdict(list)
    for entry in entries["Location"]:
        wanted[entry.image].append((entry.question, entry.answer))
    count = 0
    for image, groups in places.items():
        first = [(word, around(points[0])) for word, points in groups.items()]
        rest = [(word, around(p)) for word, points in groups.items() for p in points[1:]]
        rng.shuffle(rest)
        facts = picture(image, first + rest)
        texts = task_named("location").build(facts, Draws(0, "location", image), DEFECTS)
        assert [("<image>\n" + t.question, t.answer) for t in texts] == wanted[image]
        count += len(texts)
    assert (len(places), count) == (7859, 14979)


def test_published_boxes_have_the_published_centres(entries, places):
    """The centres of the 2,789 published boxes are points of the location texts: ties, too."""
    ties = 0
    for entry in entries["Detection"]:
        box = published_box(entry)
        (x, y) = centre(box)
        (found,) = points_in("permille", [(x, y)], (HEIGHT, WIDTH))
        assert any(found in points for points in places[entry.image].values())
        ties += (x * 2000) % (2 * WIDTH) == WIDTH or (y * 2000) % (2 * HEIGHT) == HEIGHT
    assert ties > 20


def published_box(entry: Entry) -> Box:
    x0, y0, x1, y1 = map(float, re.findall(r"\d+", entry.answer))
    return x0, y0, x1, y1


class Coin(Draws):
    """Draws of which the first choice is known."""

    __slots__ = ("first",)

    def __init__(self, first: int) -> None:
        super().__init__(0, "coin", "")
        self.first = first

    def below(self, n: int) -> int:
        assert n == 2
        return self.first


TEMPLATES = re.compile(
    r"<image>\nDetect the bounding box of the (?:(?P<nearest>nearest) )?(?P<word>person|car|bike) "
    r"located (?:at the (?P<region>[a-z ]+?)(?: of the image)?"
    r"|to the (?P<side>left|right) of the (?P<other>person|car|bike))\."
)


def test_pictures_with_one_to_five_objects_have_a_grounding_text(entries, places):
    asked = [entry.image for entry in entries["Detection"]]
    few = [i for i, groups in places.items() if sum(map(len, groups.values())) <= 5]
    assert sorted(asked) == sorted(few)


def test_every_published_grounding_text_comes_from_boxes(entries, places):
    """Boxes that the texts do not give are made up so that they fit; then every byte must come."""
    kinds = Counter()
    for entry in entries["Detection"]:
        parts = TEMPLATES.fullmatch(entry.question)
        assert parts is not None
        objects = fitting(entry, parts, places[entry.image])
        (text,) = task_named("grounding").build(
            picture(entry.image, objects), Coin(int(parts["side"] == "right")), DEFECTS
        )
        assert ("<image>\n" + text.question, text.answer) == (entry.question, entry.answer)
        kinds[text.kind] += 1
    assert kinds == {"at": 1067, "nearest": 1308, "relative": 414}


def fitting(entry: Entry, parts: re.Match[str], groups: Places) -> list[tuple[str, Box]]:
    """The picture's objects: the published box, and others with their centres, sized to fit.

    Only edges and areas are free; categories, number and centres are published.
    """
    box = published_box(entry)
    (own,) = points_in("permille", [centre(box)], (HEIGHT, WIDTH))
    others = [(word, point) for word, points in groups.items() for point in points]
    # The published word, save for the wrong box of "to the left of" another category (D1).
    wrong = parts["side"] == "left" and (parts["word"], own) not in others
    target = parts["other"] if wrong else parts["word"]
    others.remove((target, own))
    return [(target, box), *((w, beside(p, w == target, box, parts)) for w, p in others)]


def beside(point: tuple[int, int], same: bool, box: Box, parts: re.Match[str]) -> Box:
    """Another object's box: its centre is known, its sides are chosen."""
    x = point[0] * WIDTH / 1000
    if parts["side"]:
        return around(point, (0.5, 0.5))  # narrow: apart from the other one
    if parts["nearest"]:
        return around(point, (1, 1))  # small beside the nearest; all others alike
    size = (box[2] - box[0]) * (box[3] - box[1])
    # Not further left if of the same category, as large, and not apart from the box in x.
    half = x - box[0] - 0.25 if same else abs(x - sum(box[::2]) / 2) + 1
    half = max(0.25, min(half, 400 if not same else half))
    return around(point, (half, size / (4 * half)))


def test_regions_are_the_published_ones(entries):
    count = 0
    for entry in entries["Detection"]:
        parts = TEMPLATES.fullmatch(entry.question)
        assert parts is not None
        if parts["region"]:
            thing = Thing(parts["word"], published_box(entry), 0)
            assert region(thing, picture("", [])) == parts["region"]
            count += 1
    assert count == 2375


def test_left_is_the_left_one_without_the_defect(entries, places):
    """D1: all 211 texts about the object on the left have the box of the one on the right."""
    left = 0
    for entry in entries["Detection"]:
        parts = TEMPLATES.fullmatch(entry.question)
        assert parts is not None
        if parts["side"] != "left":
            continue
        facts = picture(entry.image, fitting(entry, parts, places[entry.image]))
        (text,) = task_named("grounding").build(facts, Coin(0), Options(mode="official"))
        assert "<image>\n" + text.question == entry.question
        wrong = published_box(entry)
        right = tuple(map(float, re.findall(r"\d+", text.answer)))
        assert right[2] < wrong[0]
        left += 1
    assert left == 211


SECURITY = re.compile(
    r"<image>\nWhat object does not appear in the picture\?\n"
    r"\(A\) (.+?) \(B\) (.+?) \(C\) (.+?) \(D\) (.+)"
)


def test_published_security_answers_follow_from_the_categories(entries, places):
    offered = Counter()
    for entry in entries["Security"]:
        found = SECURITY.fullmatch(entry.question)
        assert found is not None
        facts = picture(entry.image, [(word, around((500, 500))) for word in places[entry.image]])
        present = {thing.word for thing in official_objects(facts)}
        shown = present.intersection(found.groups())
        assert absent_answer(found.groups(), present) == entry.answer
        assert 1 <= len(shown) <= min(3, len(present))
        offered.update(found.groups())
    built = Counter()
    for image, groups in places.items():
        facts = picture(image, [(word, around((500, 500))) for word in groups])
        (text,) = task_named("security").build(facts, Draws(3, "security", image), DEFECTS)
        found = SECURITY.fullmatch("<image>\n" + text.question)
        assert found is not None
        assert absent_answer(found.groups(), set(groups)) == text.answer
        built.update(found.groups())
    assert set(built) == set(offered)
    assert len(offered) == 15
    for word, count in offered.items():  # the same sampler: counts as far apart as chance has them
        assert abs(built[word] - count) < 5 * math.sqrt(2 * count)


def test_security_has_as_many_absent_options_as_published(entries, places):
    published = Counter(entry.answer.count("(") for entry in entries["Security"])
    assert published == {1: 542, 2: 3168, 3: 4149}
    built = Counter()
    for image, groups in places.items():
        facts = picture(image, [(word, around((500, 500))) for word in groups])
        (text,) = task_named("security").build(facts, Draws(0, "security", image), DEFECTS)
        built[text.answer.count("(")] += 1
    for count, number in published.items():
        assert abs(built[count] - number) < 5 * math.sqrt(number)


RELATIONSHIP = re.compile(
    rf"<image>\nIs there a (\w+) ({'|'.join(RELATIONS)}) the the (\w+) (\w+) from left to right\?"
)


def parsed(entry: Entry) -> tuple[str, str, int, str]:
    found = RELATIONSHIP.fullmatch(entry.question)
    assert found is not None
    subject, words, ordinal, reference = found.groups()
    number = ORDINALS.index(ordinal) + 1 if ordinal in ORDINALS else int(ordinal[:-2])
    return subject, words, number, reference


def test_published_relationship_questions_are_written_again(entries):
    for entry in entries["Relationship"]:
        subject, words, number, reference = parsed(entry)
        question = official_question(subject, words, number, reference, defects=True)
        assert "<image>\n" + question == entry.question
        mended = official_question(subject, words, number, reference, defects=False)
        assert "the the" not in mended
        assert "22th" not in mended


def test_published_relationship_answers_are_those_of_some_subject(entries, places):
    """Left, right, near and far, on the centres: those of one subject, the text does not say which.

    An answer is attainable if some subject gives it; forced if all subjects give the same.
    """
    attainable, forced, rows = Counter(), Counter(), Counter()
    for entry in entries["Relationship"]:
        subject, words, number, reference = parsed(entry)
        kind = RELATIONS[words]
        objects = [(w, around(p)) for w, ps in places[entry.image].items() for p in ps]
        facts = picture(entry.image, objects)
        groups = by_category(official_objects(facts))
        if number > len(groups[reference]):
            continue
        target = groups[reference][number - 1]
        found = [official_relation(kind, s, target, facts) for s in groups[subject]]
        rows[kind] += 1
        attainable[kind] += (entry.answer == "yes") in found
        if len(set(found)) == 1:
            forced[kind, found[0] == (entry.answer == "yes")] += 1
    assert (attainable["left"], rows["left"]) == (891, 891)
    assert (attainable["right"], rows["right"]) == (874, 874)
    assert (attainable["near"], rows["near"]) == (840, 841)
    assert (attainable["far"], rows["far"]) == (864, 864)
    right = {kind: (forced[kind, True], forced[kind, False]) for kind in attainable}
    assert right["left"] == (411, 0)
    assert right["right"] == (384, 0)
    assert right["near"] == (287, 1)
    assert right["far"] == (500, 0)


def test_published_relationship_pairs_are_those_of_the_rule(entries, places):
    """The rule compares left edges; of centres alone, 98.4 % of the pairs follow."""
    agree = 0
    for entry in entries["Relationship"]:
        subject, _, _, reference = parsed(entry)
        objects = [(w, around(p)) for w, ps in places[entry.image].items() for p in ps
                   if w in (subject, reference)]  # fmt: skip
        facts = picture(entry.image, sorted(objects, key=lambda o: o[1][0]))
        pair = official_pair(by_category(official_objects(facts)), Draws(0, "t", ""))
        assert pair is not None
        agree += pair[0][0].word == subject
    assert agree == 5121
