"""Recognition: what the object in the picture is, one of four words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.choices import chosen, draw_options, lettered
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.kinds import kind_texts, kinds
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.answers import parse_choice
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.words import is_generic, is_named, may_be_same, overlapping

_OPTIONS = 4
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class _Data:
    """The data file, looked up quickly."""

    question: str
    words: tuple[str, ...]
    mended_words: tuple[str, ...]
    published: dict[str, str]
    mended: dict[str, str]
    questions: tuple[str, ...]
    others: tuple[str, ...]
    beside: dict[str, frozenset[str]]
    often: dict[str, int]
    single_target: frozenset[str]
    least_side: float


@lru_cache(maxsize=1)
def _data() -> _Data:
    data = templates("recognition")
    official, clean = data["official"], data["clean"]
    mended = official["mended"]
    return _Data(
        official["question"], tuple(official["words"]),
        tuple(m for m in (mended.get(word, word) for word in official["words"]) if m),
        official["published"], mended, tuple(clean["questions"]), tuple(clean["words"]),
        _beside(clean["contexts"]),
        clean["often"], frozenset(clean["limits"]["single_target"]), clean["limits"]["least_side"],
    )  # fmt: skip


def _beside(contexts: list[list[str]]) -> dict[str, frozenset[str]]:
    """Word -> all words that are in a group with it."""
    out: dict[str, set[str]] = {}
    for group in contexts:
        for word in group:
            out.setdefault(word, set()).update(group)
    return {word: frozenset(others) for word, others in out.items()}


class Recognition(Scored):
    """What the object in the picture is.

    The label is the category of the one labelled object, or of the picture as a whole where its
    record gives one (attribute ``label`` or ``class``).

    ``official``: one of the 47 published words and three others of them, drawn evenly; with
    ``defects`` spelt as published (motobike, roo, hyenas, and ericius beside hedgehog), else 46
    mended words. ``clean`` (D8): distractors that no label of the picture names, that cannot be
    said of the same thing, that the name of the sequence does not contain, and that would not
    stand in such a picture without a label. Words that are often right are offered more often
    where they are wrong: the commonest option is then right for half of the published labels, not
    for two thirds. No text where the sequence is named after something else than its label, or
    where the object is too small to be recognised.
    """

    name = "recognition"
    title = "Recognition"
    official_file = "Recognition"
    needs_pool = False
    parse = staticmethod(parse_choice)

    def applies(self, facts: Facts) -> bool:
        """True if the picture has one object, or a category as a whole."""
        return label_of(facts) != "" or any(kind.value(facts) for kind in kinds(self.name))

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text, or none; two of pictures with two such words."""
        del pool
        label = label_of(facts)
        if not label:
            return kind_texts(self.name, facts, draws, options) if facts.attributes else []
        if options.mode == "official":
            return self._official(label, draws, options)
        return self._clean(facts, label, draws, options)

    def _official(self, label: str, draws: Draws, options: Options) -> list[Text]:
        data = _data()
        word = data.published.get(label, label)
        words = data.words
        if not options.defects:
            word, words = data.mended.get(word, word), data.mended_words
        if word not in words:
            return []
        others = [other for other in words if other != word]
        return [self._text(data.question, word, others, draws, options, ())]

    def _clean(self, facts: Facts, label: str, draws: Draws, options: Options) -> list[Text]:
        data = _data()
        if not _fit_to_ask(facts, label):
            return []
        others = distractors(facts, label)
        if len(set(others)) < _OPTIONS:  # one to spare: two may be said of the same thing
            return []
        question = phrasing(data.questions, draws, options)
        objects = (0,) if len(facts.boxes) == 1 else ()
        return [self._text(question, label, others, draws, options, objects)]

    def _text(
        self, question: str, word: str, others: Sequence[str], draws: Draws, options: Options,
        objects: tuple[int, ...],
    ) -> Text:  # fmt: skip
        apart = None if options.mode == "official" else _apart
        words, place = draw_options(word, others, _OPTIONS, draws, apart)
        provenance = {"mode": options.mode, "seed": options.seed}
        return Text(
            self.name, f"{question}\n{lettered(words)}", chosen(words, place), "recognition",
            objects, provenance,
        )  # fmt: skip


def _apart(one: str, other: str) -> bool:
    return not may_be_same(one, other)


def label_of(facts: Facts) -> str:
    """What the picture shows, if that is one thing; ``""`` otherwise."""
    if len(facts.categories) + len(facts.partial) == 1:
        return facts.categories[0] if facts.categories else ""
    if facts.categories or facts.partial:
        return ""
    return facts.attributes.get("label") or facts.attributes.get("class", "")


def _fit_to_ask(facts: Facts, label: str) -> bool:
    """True if the label says what the thing is, the thing is large enough, nothing contradicts."""
    if not is_named(label) or is_generic(label):
        return False
    if facts.boxes:
        x0, y0, x1, y1 = facts.boxes[0]
        if max((x1 - x0) / facts.width, (y1 - y0) / facts.height) < _data().least_side:
            return False
    named = sequence_words(facts.sequence)
    return not named or any(may_be_same(word, label) for word in named)


@lru_cache(maxsize=65536)
def sequence_words(sequence: str) -> frozenset[str]:
    """Published and clean words for things that the name of a sequence contains.

    >>> sorted(sequence_words("TIR_training_001/rat_cat_002")), sequence_words("V000")
    (['cat', 'rat'], frozenset())
    """
    data = _data()
    parts = set(_WORD.findall(sequence.rpartition("/")[2].lower()))
    parts -= {"drone", "vehicle"}  # where the camera was, not what it saw
    return frozenset(parts.intersection((*data.words, *data.mended_words, *data.others)))


def distractors(facts: Facts, label: str) -> tuple[str, ...]:
    """Words that are surely wrong: not labelled, not in the sequence's name, not likely beside.

    A word stands in it as often as it has parts of the draw.
    """
    seen = frozenset((label, *facts.categories, *facts.point_categories))
    own = () if facts.source in _data().single_target else facts.vocabulary
    return _distractors(seen | sequence_words(facts.sequence), own)


@lru_cache(maxsize=65536)
def _distractors(seen: frozenset[str], own: tuple[str, ...]) -> tuple[str, ...]:
    data = _data()
    taken: set[str] = set()
    beside: set[str] = set()
    for word in seen:
        taken |= overlapping(word)
        beside |= data.beside.get(word, frozenset())
    words = [*own, *(w for w in data.others if w not in own and w not in beside)]
    fit = [w for w in words if w not in taken and is_named(w) and not is_generic(w)]
    return tuple(w for word in fit for w in [word] * data.often.get(word, 1))


TASK: Task = Recognition()
