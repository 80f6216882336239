"""Strict scores: what is read from an answer, what it is worth, and that nothing stops it."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from scoring_cases import CASES

from irtd_fast.tasks.scoring import answers, coordinates
from irtd_fast.tasks.scoring.counting import score_counting
from irtd_fast.tasks.scoring.grounding import (
    Spaces,
    average_precision,
    score_grounding,
)
from irtd_fast.tasks.scoring.location import score_location
from irtd_fast.tasks.scoring.measures import Measures
from irtd_fast.tasks.scoring.pairs import Absent, Pair
from irtd_fast.tasks.scoring.relabel import left_box
from irtd_fast.tasks.scoring.relations import decided_pairs, places_of
from irtd_fast.tasks.scoring.words import (
    score_choice,
    score_reid,
    score_relationship,
    score_security,
)

CHOICE = "What is the object in the picture?\n(A) car (B) person (C) other vehicle (D) vehicle"
ABSENT = "What object does not appear in the picture?\n(A) dog (B) car (C) other vehicle (D) bus"
RELATION = "Is there a car on the left side of the the second person from left to right?"
LOCATE = "Locate all car from left to right."
DETECT = "Detect the bounding box of the car located at the center of the image."
CAR = "<ref>car</ref> at <pos>[(0, 0), (30, 0)]</pos>"

HOSTILE: list[Any] = [
    None, Absent.FIELD, True, 0, -1, 10**400, math.nan, math.inf, [], {}, {"a": [None]}, "", " ",
    "\x00", "\ud800", "[" * 1_000_000, "(" * 500_000 + ")" * 500_000, "[1," * 300_000,
    f"[[{'1, ' * 1_000_000}]]", "9" * 1_000_000, f"<num>{'9' * 1_000_000}</num>",
    f"[[{'9' * 5000}, 1, 2, 3]]", "<pos>" * 200_000, "<box>" * 200_000, "{" * 500_000,
    "(1, 2) " * 100_000, "<ref>" * 200_000, "yes " * 300_000, "(A) " * 300_000,
    "<pos>[(1e308, 1e308), (-1e308, 0), (1e999, 0)]</pos>", "[[1e308, 1e308, -1e308, -1e308]]",
    "[[nan, nan, nan, nan]]", "(A" + " " * 1_000_000, "1," * 500_000, "1.1." * 200_000,
    '{"bbox_2d": [' + "1" * 5000 + ", 1, 1, 1]}",
]  # fmt: skip
LUCKY = {"yes " * 300_000, "(A) " * 300_000, f"[[{'9' * 5000}, 1, 2, 3]]"}  # the last number: 3
SCORERS = {
    "choice": (score_choice, "(A) car", CHOICE),
    "security": (score_security, "(A) dog (D) bus", ABSENT),
    "relationship": (score_relationship, "yes", RELATION),
    "re-id": (score_reid, "3", ""),
    "counting": (score_counting, "<num>3</num>", ""),
    "grounding": (score_grounding, "[[10, 10, 20, 20]]", DETECT),
    "location": (score_location, CAR, LOCATE),
}


def values(name: str, *rows: tuple[Any, Any], question: str | None = None, **options: Any) -> Any:
    found = measures(name, *rows, question=question, **options)
    return found.values()


def measures(
    name: str, *rows: tuple[Any, Any], question: str | None = None, **options: Any
) -> Measures:
    score, _, asked = SCORERS[name]
    asked = asked if question is None else question
    return score([Pair(str(n), a, b, asked) for n, (a, b) in enumerate(rows)], **options)


@pytest.mark.parametrize("name", SCORERS)
def test_hostile_answers_are_wrong_and_end_in_time(name: str) -> None:
    score, label, question = SCORERS[name]
    started = time.process_time()
    found = score([Pair(str(n), a, label, question) for n, a in enumerate(HOSTILE)])
    assert time.process_time() - started < 15  # seconds of one core; about one on its own
    assert found.columns.shape[0] == len(HOSTILE)
    assert np.isfinite(found.columns).all()
    assert found.unlabelled == []
    wrong = set(found.errors)
    lucky = {n for n, a in enumerate(HOSTILE) if isinstance(a, str) and a in LUCKY}
    assert set(range(len(HOSTILE))) - lucky <= wrong
    assert all(len(message) < 120 for message in found.errors.values())


@pytest.mark.parametrize("name", SCORERS)
def test_hostile_labels_are_set_aside(name: str) -> None:
    score, label, question = SCORERS[name]
    bad = [None, 5.5, "", "nothing to read", ["x"], {}]
    found = score([Pair(str(n), label, b, question) for n, b in enumerate(bad)])
    legible = {5.5} if name == "counting" else set()
    assert found.unlabelled == [
        n for n, b in enumerate(bad) if not (b in legible if b == 5.5 else False)
    ]


@pytest.mark.parametrize(
    ("script", "task"),
    [("recognition", "choice"), ("counting", "counting"), ("detection", "grounding"),
     ("location", "location")],
)  # fmt: skip
def test_what_crashes_a_script_only_counts_as_wrong(script: str, task: str) -> None:
    crashing = [(a, b) for a, b, expected in CASES[script] if expected is None]
    assert crashing
    good = CASES[script][0][1]
    score, _, question = SCORERS[task]
    rows = [*crashing, (good, good)]
    found = score([Pair(str(n), a, b, question) for n, (a, b) in enumerate(rows)])
    assert len(rows) - 1 not in found.errors  # the good one is still right
    names = {"choice": "accuracy", "counting": "mae_parsed", "grounding": "acc@0.5",
             "location": "recall@5"}  # fmt: skip
    assert math.isfinite(found.values()[names[task]])


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("(B) person", "B"), ("(B)", "B"), ("B", "B"), (" B. ", "B"), ("B)", "B"), ("B:", "B"),
        ("I think it is (C), not (A)", "C"), ("a Person.", "B"), ("PERSON", "B"),
        ("other vehicle", "C"), ("a vehicle", "D"), ("car or person", None), ("persons", None),
        ("b", None), ("E", None), ("", None), (None, None), (2, None),
    ],
)  # fmt: skip
def test_choices(answer: Any, letter: str | None) -> None:
    assert answers.parse_choice(answer, CHOICE) == letter
    row = values("choice", (answer, "(B) person"))
    assert row == {
        "accuracy": float(letter == "B"), "exact_match": float(answer == "(B) person"),
    }  # fmt: skip


def test_choice_without_options_takes_the_label_s_text_only_alone() -> None:
    right = [("person", "(B) person"), ("Person.", "(B) person"), ("a person", "(B) person")]
    found = measures("choice", *right, question="")
    assert found.columns[:, 1].tolist() == [1, 1, 0]
    assert found.parsed.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("answer", "letters"),
    [
        ("(A) dog (D) bus", "AD"), ("(D) (A)", "AD"), ("A, D", "AD"), ("A and D.", "AD"),
        ("D A", "AD"), ("dog, bus", "AD"), ("Other vehicle and DOG", "AC"), ("A", "A"),
        ("none", ""), ("", ""), (None, ""),
    ],
)  # fmt: skip
def test_sets_of_letters(answer: Any, letters: str) -> None:
    assert answers.parse_letters(answer, ABSENT) == frozenset(letters)
    found = values("security", (answer, "(A) dog (D) bus"))
    wanted = set("AD")
    overlap = len(set(letters) & wanted) / len(set(letters) | wanted)
    assert found["accuracy"] == float(set(letters) == wanted)
    assert found["jaccard"] == pytest.approx(overlap)


@pytest.mark.parametrize(
    ("answer", "said"),
    [("Yes, there is.", "yes"), ("NO", "no"), ("not yes but no", "yes"), ("nobody", None),
     ("yesterday", None), (True, None), (None, None)],
)  # fmt: skip
def test_yes_and_no(answer: Any, said: str | None) -> None:
    assert answers.parse_yes_no(answer) == said


def test_relations_are_told_apart_and_balanced() -> None:
    rows = [("yes", "yes"), ("yes", "no"), ("yes", "no"), ("?", "no")]
    found = values("relationship", *rows)
    assert found["accuracy"] == 0.25
    assert found["balanced_accuracy"] == 0.5
    assert found["accuracy_left_side_of"] == 0.25
    assert math.isnan(found["accuracy_behind"])
    assert "accuracy_decided" not in found
    decided = values("relationship", *rows, decided={"0": True, "1": True, "2": False})
    assert decided["accuracy_decided"] == 0.5


def test_decided_labels_come_from_the_places_of_all_objects() -> None:
    places = places_of(
        [("i", "<ref>car</ref> at <pos>[(100, 500), (200, 500)]</pos>"),
         ("i", "<ref>person</ref> at <pos>[(150, 500), (300, 500), (990, 500)]</pos>")]
    )  # fmt: skip
    asked = {
        "left second": ("car on the left side of the the second person", True),
        "left first": ("car on the left side of the the first person", False),
        "far third": ("car far from the 3rd person", True),
        "near first": ("car near to the the first person", True),
        "near third": ("person near to the the second car", False),
        "depth": ("car in front of the the first person", None),
        "tenth": ("car near to the the 10th person", None),
        "other": ("dog near to the the first person", None),
    }
    pairs = [
        Pair(key, None, "yes", f"Is there a {text} from left to right?", "i")
        for key, (text, _) in asked.items()
    ]
    expected = {key: known for key, (_, known) in asked.items() if known is not None}
    assert decided_pairs(pairs, places) == expected


@pytest.mark.parametrize(
    ("answer", "tile"),
    [("3", 3), ("The 5th", 5), ("tile 12 or 3", 3), ("0 9 8", 8), ("3.5", None), ("03", 3), (4, 4),
     (9, None), (True, None), ("\u0663", None), ("", None), (None, None)],
)  # fmt: skip
def test_tiles(answer: Any, tile: int | None) -> None:
    assert answers.parse_tile(answer) == tile


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ("<num>12</num>", 12), ("<num> 12 </num>", 12), ("There are 12.", 12), ("7 of 12", 12),
        ("<num>1</num> and 5", 1), ("<num>many</num> 4", 4), ("<num>-3</num>", 0), ("-3", 0),
        ("1,234 heads", 1234), ("1,2 or 3", 3), ("3.5", 3.5), ("\u0661\u0662", 12), ("9" * 30, 1e9),
        ("9" * 9000, 1e9), ("0" * 5000 + "7", 1e9), (12, 12), (12.5, 12.5), (-4, 0),
        (math.inf, 1e9), (math.nan, None), (True, None), ("none", None), ("", None), (None, None),
    ],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
def test_counts(answer: Any, count: float | None) -> None:
    assert answers.parse_count(answer) == count


def test_answers_without_a_number_count_as_zero() -> None:
    found = values("counting", ("<num>10</num>", "<num>12</num>"), ("many", "<num>8</num>"),
                   ("9", "<num>9</num>"))  # fmt: skip
    assert found["mae"] == pytest.approx(10 / 3)
    assert found["rmse"] == pytest.approx(math.sqrt((4 + 64) / 3))
    assert found["mae_parsed"] == 1.0
    assert found["mae_matched"] == 2.0  # the script sees the first one only


ONE = ((1.0, 2.0, 30.0, 40.0),)


@pytest.mark.parametrize(
    ("answer", "boxes"),
    [
        ("[[1, 2, 30, 40]]", ONE), ("[1, 2, 30, 40]", ONE), ("(1, 2, 30, 40)", ONE),
        ("The target bounding box is <box>[[1, 2, 30, 40]]</box>.", ONE),
        ("<box>(1,2),(30,40)</box>", ONE), ("<|box_start|>(1,2),(30,40)<|box_end|>", ONE),
        ('```json\n[{"bbox_2d": [1, 2, 30, 40], "label": "car"}]\n```', ONE),
        ('{"box": [1, 2, 30, 40]} {"bbox": [5, 5, 6, 6]}', (*ONE, (5.0, 5.0, 6.0, 6.0))),
        ("see [1]: [[1, 2, 30, 40]], and [7]", ONE), ("[[30, 40, 1, 2]]", ONE),
        ("[[1, 2, 30, 40], [5, 5, 6, 6]] or [[7, 7, 8, 8]]", (*ONE, (5.0, 5.0, 6.0, 6.0))),
        ("[[1, 2, 30, 40", None), ("[[1, 2, 30]]", None), ("[[1, 2, 1, 40]]", None), ("[]", None),
        ("[[1, 2, 1e999, 40]]", None), ("['a', 'b', 'c', 'd']", None), ("no", None),
        ("[" * 9 + "1, 2, 30, 40" + "]" * 9, None), ("[" * 8 + "1, 2, 30, 40" + "]" * 8, ONE),
        (f"[[1, 2, 30, 40]] {'1,' * 10_000}", None), (None, None), ([[1, 2, 30, 40]], None),
    ],
    ids=lambda value: str(value)[:28],
)  # fmt: skip
def test_boxes(answer: Any, boxes: Any) -> None:
    found = coordinates.parse_boxes(answer)
    assert (found.boxes if found else None) == boxes


def test_confidences_of_boxes() -> None:
    both = coordinates.parse_boxes('{"bbox": [1, 2, 3, 4], "score": 0.5}{"bbox": [1, 2, 3, 5]}')
    assert both is not None
    assert (len(both.boxes), both.scores) == (2, ())  # one of them has none
    five = coordinates.parse_boxes("[[1, 2, 3, 4, 0.25], [5, 5, 6, 6, .5]]")
    assert five is not None
    assert five.scores == (0.25, 0.5)


def test_boxes_are_matched_as_well_as_can_be() -> None:
    answer, label = "[[0,0,10,10],[0,3,10,18]]", "[[0,1,10,11],[0,0,10,10]]"
    found = values("grounding", (answer, label))  # the greedy script finds one of two
    assert found["recall@0.5"] == 0.5  # IoU of the second is below one half with either
    better = values("grounding", ("[[0,0,10,10],[0,0,10,14]]", "[[0,0,10,11],[0,0,10,8]]"))
    assert better["recall@0.5"] == 1.0
    extra = values(
        "grounding", (str([[50, 50, 60, 60]] * 3 + [[10, 10, 20, 20]]), "[[10,10,20,20]]")
    )
    assert (extra["acc@0.5"], extra["recall@0.5"], extra["precision@0.5"]) == (0.0, 1.0, 0.25)


@pytest.mark.parametrize(
    ("answer", "hit"),
    [("[[10,10,20,15]]", 1.0), ("[[10,10,20,14.999]]", 0.0), ("[10,10,20,20]", 1.0)],
)
def test_one_half_is_enough(answer: str, hit: float) -> None:
    assert values("grounding", (answer, "[[10, 10, 20, 20]]"))["acc@0.5"] == hit


def test_units_of_boxes_are_stated() -> None:
    label, size = "[[64, 51.2, 128, 102.4]]", (512, 640)
    for space, answer in (("norm1000", "[[100, 100, 200, 200]]"), ("norm1", "[[.1, .1, .2, .2]]")):
        found = values("grounding", (answer, label), spaces=Spaces(space, "pixel", size))
        assert found["mean_iou"] == pytest.approx(1.0)
        assert values("grounding", (answer, label))["acc@0.5"] == 0.0
    cut = values("grounding", ("[[600, 500, 9000, 9000]]", "[[600, 500, 641, 514]]"),
                 spaces=Spaces(size=size))  # fmt: skip
    assert cut["mean_iou"] == 1.0
    outside = measures("grounding", ("[[700, 0, 800, 9]]", label), spaces=Spaces(size=size))
    assert (outside.parsed.tolist(), outside.unlabelled) == ([False], [])
    with pytest.raises(ValueError, match="pixel, norm1000, norm1"):
        Spaces("percent")
    with pytest.raises(ValueError, match="need the size"):
        Spaces("norm1")


def test_average_precision_only_with_confidences() -> None:
    label = "[[10, 10, 20, 20]]"
    assert "ap@0.5" not in values("grounding", (label, label))
    scored = values("grounding", ("[[10, 10, 20, 20, .9], [0, 0, 5, 5, .8]]", label),
                    ("[[0, 0, 5, 5, .7], [10, 10, 20, 20, .6]]", label))  # fmt: skip
    # Ranks: hit, miss, miss, hit -> precision 1 up to recall 1/2, then 2/4.
    assert scored["ap@0.5"] == pytest.approx(0.5 * 1 + 0.5 * 0.5)
    assert average_precision([("a", [(0.5, True)], 1), ("b", [], 1)]) == 0.5


def test_labels_of_the_left_object_are_mended() -> None:
    assert left_box([(50.0, 0.0, 60.0, 9.0), (1.0, 0.0, 20.0, 9.0)]) == (1.0, 0.0, 20.0, 9.0)
    assert left_box([(1.0, 0.0, 50.0, 9.0), (50.0, 0.0, 60.0, 9.0)]) is None
    assert left_box([(1.0, 0.0, 5.0, 9.0)]) is None
    rows = (("[[1, 0, 20, 9]]", "[[50, 0, 60, 9]]"),)
    assert values("grounding", *rows)["acc@0.5"] == 0.0
    assert values("grounding", *rows, relabel={"0": (1.0, 0.0, 20.0, 9.0)})["acc@0.5"] == 1.0
