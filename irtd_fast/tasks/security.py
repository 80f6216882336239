"""Security: which of four things do not appear in the picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.choices import LETTERS, lettered
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.official_objects import official_objects
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.provenance import recorded
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.answers import parse_letters
from irtd_fast.tasks.seen import seen_things
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.words import is_generic, is_named, overlapping

_OPTIONS = len(LETTERS)


@dataclass(frozen=True)
class _Data:
    """The data file, looked up quickly."""

    question: str
    words: tuple[str, ...]
    questions: tuple[str, ...]
    least: int


@lru_cache(maxsize=1)
def _data() -> _Data:
    data = templates("security")
    official, clean = data["official"], data["clean"]
    return _Data(
        official["question"], tuple(official["words"]), tuple(clean["questions"]), clean["least"]
    )


class Security(Scored):
    """Which of up to four options do not appear in the picture: one to three of them.

    ``official``: min(1..3, n) of the n published categories in the picture, the others from the 15
    published words; no text without an object. ``defects``: D7, what is labelled but not one of
    the three categories is called absent; without it, words that may be said of anything labelled
    in the picture are not offered as absent.

    ``clean``: options are categories of the source, all of which its publisher labels; absent is a
    word that may not be said of anything labelled. No text where objects were left unlabelled on
    purpose (``Facts.ignored``), or where the source has too few categories.
    """

    name = "security"
    title = "Security"
    official_file = "Security"
    needs_pool = False
    parse = staticmethod(parse_letters)

    def applies(self, facts: Facts) -> bool:
        """True if the picture has labels."""
        return facts.labelled and bool(facts.categories or facts.point_categories)

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text, or none."""
        del pool
        if not self.applies(facts):
            return []
        official = options.mode == "official"
        present, absent = _official(facts, options) if official else _clean(facts)
        if not present:
            return []
        shown = draws.sample(present, min(draws.between(1, _OPTIONS - 1), len(present)))
        count = min(_OPTIONS - len(shown), len(absent))
        if not count or len(shown) + count < (_OPTIONS if official else _data().least):
            return []
        words = shown + draws.sample(absent, count)
        draws.shuffle(words)
        question = _data().question
        if not official:
            question = phrasing(_data().questions, draws, options)
        return [self._text(question, words, shown, options)]

    def _text(
        self, question: str, words: Sequence[str], shown: Sequence[str], options: Options
    ) -> Text:
        asked = f"{question}\n{lettered(words)}"
        answer = absent_answer(words, shown)
        return Text(self.name, asked, answer, self.name, (), recorded(options))


def absent_answer(words: Sequence[str], present: Collection[str]) -> str:
    """The options that are not present, with their letters, in order.

    >>> absent_answer(["bus", "person", "other vehicle", "car"], ["person", "car"])
    '(A) bus (C) other vehicle'
    """
    pairs = zip(LETTERS, words, strict=False)
    return " ".join([f"({letter}) {word}" for letter, word in pairs if word not in present])


def _official(facts: Facts, options: Options) -> tuple[list[str], Sequence[str]]:
    """Published categories in the picture, and published words that are absent."""
    present = list(dict.fromkeys([thing.word for thing in official_objects(facts)]))
    if options.defects:
        return present, _others(_data().words, frozenset(present))
    return present, _absent(_data().words, frozenset((*present, *facts.present(), *facts.partial)))


def _clean(facts: Facts) -> tuple[list[str], Sequence[str]]:
    """Categories of the source that are in the picture, and those that are not."""
    if facts.ignored:
        return [], ()
    groups, doubtful = seen_things(facts)
    height, width = facts.height, facts.width
    words = list(groups)
    for (x, y), word in zip(facts.points, facts.point_categories, strict=True):
        if 0 <= x < width and 0 <= y < height:
            words.append(word)
    present = [word for word in dict.fromkeys(words) if _is_telling(word)]
    absent = _absent(facts.vocabulary, frozenset((*facts.present(), *doubtful)))
    return present, tuple(word for word in absent if _is_telling(word))


@lru_cache(maxsize=4096)
def _is_telling(word: str) -> bool:
    return is_named(word) and not is_generic(word)


@lru_cache(maxsize=65536)
def _others(words: tuple[str, ...], seen: frozenset[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in seen)


@lru_cache(maxsize=65536)
def _absent(words: tuple[str, ...], seen: frozenset[str]) -> tuple[str, ...]:
    """Words that may be said of nothing that is labelled."""
    return tuple(word for word in words if overlapping(word).isdisjoint(seen))


TASK: Task = Security()
