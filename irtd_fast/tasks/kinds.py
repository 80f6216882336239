"""Words that a source's records give of a picture as a whole, and questions about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from irtd_fast.tasks.choices import chosen, draw_options, lettered
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.things import time_of_day


@dataclass(frozen=True)
class Kind:
    """One kind of words; see ``kinds.toml``.

    Attributes:
        id: Name of the kind, and of its texts'.
        field: ``scene``, ``light`` (day or night), or the attribute that has the word.
        official: Question in official mode; ``""``: there is none.
        questions: Wordings in clean mode.
        options: How many are offered, if there are as many words.
        words: Word of a record -> as texts say it.
        published: Word of a record -> as published texts spell it, where that is a defect.
        overlap: Word of a record -> all that may be said of the same picture, itself included.
    """

    id: str
    field: str
    official: str
    questions: tuple[str, ...]
    options: int
    words: Mapping[str, str]
    published: Mapping[str, str]
    overlap: Mapping[str, frozenset[str]]

    def value(self, facts: Facts) -> str:
        """The picture's word of this kind, or ``""``."""
        if self.field == "scene":
            found = facts.scene
        elif self.field == "light":
            found = time_of_day(facts)
        else:
            found = facts.attributes.get(self.field, "")
        return found if found in self.words else ""


@lru_cache(maxsize=8)
def kinds(task: str) -> tuple[Kind, ...]:
    """All kinds that a task asks about, as the data file has them."""
    entries = templates("kinds")["kind"]
    return tuple(_kind(entry) for entry in entries if entry.get("task", "scene") == task)


def _kind(entry: Mapping[str, Any]) -> Kind:
    met: dict[str, set[str]] = {word: {word} for word in entry["words"]}
    for group in entry.get("overlap", ()):
        for word in group:
            met[word].update(group)
    return Kind(
        entry["id"], entry["field"], entry.get("official", ""), tuple(entry["questions"]),
        entry["options"], entry["words"], entry.get("published", {}),
        {word: frozenset(others) for word, others in met.items()},
    )  # fmt: skip


def kind_texts(task: str, facts: Facts, draws: Draws, options: Options) -> list[Text]:
    """A text for each kind of word that the picture's record gives."""
    return [
        _text(task, kind, value, draws, options)
        for kind in kinds(task)
        if (value := kind.value(facts)) and (options.mode == "clean" or kind.official)
    ]


def _text(task: str, kind: Kind, value: str, draws: Draws, options: Options) -> Text:
    official = options.mode == "official"
    question = kind.official if official else phrasing(kind.questions, draws, options)
    never = frozenset((value,)) if official else kind.overlap[value]
    others = [word for word in kind.words if word not in never]

    def apart(one: str, other: str) -> bool:
        return official or other not in kind.overlap[one]

    words, place = draw_options(value, others, kind.options, draws, apart)
    spelt = kind.published if options.defects else {}
    shown = [spelt.get(word, kind.words[word]) for word in words]
    provenance = {"mode": options.mode, "seed": options.seed}
    return Text(
        task, f"{question}\n{lettered(shown)}", chosen(shown, place), kind.id, (), provenance
    )
