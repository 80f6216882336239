"""Texts of the other tasks follow a crop: what is partly seen is neither counted nor denied."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from text_truth import COVERS, PLURALS, may_be_same, visible

from irtd_fast.geometry import matrix as affine
from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.tasks.base import Draws, Facts, Options, task_named
from irtd_fast.tasks.captions import Captions
from irtd_fast.tasks.follow import follow

WORDS = ("person", "car", "truck", "bus", "dog", "bicycle", "cyclist")
WINDOW = (0.0, 0.0, 200.0, 150.0)


@st.composite
def windows(draw):
    """A picture, and the facts of its upper left part."""
    boxes, categories = [], []
    for _ in range(draw(st.integers(1, 5))):
        x, y = draw(st.integers(0, 230)), draw(st.integers(0, 170))
        boxes.append((float(x), float(y), float(x + draw(st.integers(8, 90))),
                      float(y + draw(st.integers(8, 90)))))  # fmt: skip
        categories.append(draw(st.sampled_from(WORDS)))
    facts = Facts(0, f"made/{draw(st.integers(0, 999))}", "made", "n", 300, 400, vocabulary=WORDS,
                  boxes=tuple(boxes), categories=tuple(categories), band="LWIR")  # fmt: skip
    kept = BoxOptions("clip", draw(st.sampled_from([0.1, 0.5])), 4.0)
    return facts, follow(facts, affine.crop(WINDOW, (150, 200)), (150, 200), kept)


@settings(max_examples=300, deadline=None)
@given(windows(), st.integers(0, 99))
def test_counts_recognition_and_captions_of_a_crop(pair, seed):
    facts, window = pair
    seen = [o.word for o in visible(facts.categories, facts.boxes, (150, 200))]
    how = Options(seed=seed)
    for name in ("aerial-counting", "pedestrian-counting"):
        for text in task_named(name).build(window, Draws(seed, name, facts.key), how):
            word = text.provenance["category"]
            kinds = COVERS if name == "aerial-counting" else ()  # a cyclist is no pedestrian
            counted = sum(w == word or (word, w) in kinds for w in seen)
            assert text.answer == f"<num>{counted}</num>", (text, seen)
    for text in task_named("recognition").build(window, Draws(seed, "r", facts.key), how):
        options = dict(re.findall(r"\(([A-D])\) (.+?)(?= \(|$)", text.question.partition("\n")[2]))
        right = re.fullmatch(r"\(([A-D])\) (.+)", text.answer)
        assert right is not None
        assert seen == [right[2]]
        wrong = [word for letter, word in options.items() if letter != right[1]]
        assert not any(may_be_same(word, seen[0]) for word in wrong)
    for text in Captions().build(window, Draws(seed, "caption", facts.key), how):
        for count, noun in re.findall(r"(\d+) (\w+)", text.answer.partition(".")[0]):
            (word,) = (w for w in PLURALS if noun in (w, PLURALS[w]))
            assert int(count) == seen.count(word), (text, seen)


def test_what_a_crop_cuts_off_is_neither_counted_nor_offered():
    """A car of which a sliver is left, beside a whole person."""
    facts = Facts(
        0, "made/k", "made", "k", 300, 400, vocabulary=WORDS, categories=("person", "car"),
        boxes=((10.0, 10.0, 40.0, 90.0), (190.0, 10.0, 390.0, 90.0)),
    )  # fmt: skip
    window = follow(facts, affine.crop(WINDOW, (150, 200)), (150, 200))
    assert (window.categories, window.partial) == (("person",), ("car",))
    for seed in range(100):
        how = Options(seed=seed)
        assert task_named("recognition").build(window, Draws(seed, "r", "k"), how) == []
        for text in task_named("aerial-counting").build(window, Draws(seed, "a", "k"), how):
            assert text.provenance["category"] != "car"
        for text in task_named("security").build(window, Draws(seed, "s", "k"), how):
            assert "car" not in text.question.split()
