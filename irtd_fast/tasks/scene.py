"""Scene: what kind of place, time of day, ground or action a picture shows, by its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.choices import chosen, draw_options, lettered
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.answers import parse_choice
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.things import time_of_day


@dataclass(frozen=True)
class Kind:
    """One kind of words that records give; see ``scene.toml``."""

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


@lru_cache(maxsize=1)
def kinds() -> tuple[Kind, ...]:
    """All kinds, as the data file has them."""
    return tuple(_kind(entry) for entry in templates("scene")["kind"])


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


class Scene(Scored):
    """Which of some words a picture's record gives.

    ``official``: the question of the paper's figure about the nine RGB-NIR scenes, and about day
    or night; no published file exists, wording and rules are inferred (spelling of the folders,
    ``oldbuilding``, only with ``defects``). ``clean``: also where the camera was, which ground or
    action it is; words that may be said of the same picture are never offered beside each other.
    """

    name = "scene"
    title = "Scene"
    official_file = "Scene"
    needs_pool = False
    parse = staticmethod(parse_choice)

    def applies(self, facts: Facts) -> bool:
        """True if the record says anything of a known kind."""
        return any(kind.value(facts) for kind in kinds())

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text for each kind of word that the record gives."""
        del pool
        out = []
        for kind in kinds():
            value = kind.value(facts)
            if value and (options.mode == "clean" or kind.official):
                out.append(self._text(kind, value, draws, options))
        return out

    def _text(self, kind: Kind, value: str, draws: Draws, options: Options) -> Text:
        if options.mode == "official":
            question = kind.official
            said = kind.published if options.defects else {}
            others = [word for word in kind.words if word != value]
        else:
            question = phrasing(kind.questions, draws, options)
            said = {}
            others = [word for word in kind.words if word not in kind.overlap[value]]

        def apart(one: str, other: str) -> bool:
            return options.mode == "official" or other not in kind.overlap[one]

        words, place = draw_options(value, others, kind.options, draws, apart)
        shown = [said.get(word, kind.words[word]) for word in words]
        provenance = {"mode": options.mode, "seed": options.seed}
        return Text(
            self.name, f"{question}\n{lettered(shown)}", chosen(shown, place), kind.id, (),
            provenance,
        )  # fmt: skip


TASK: Task = Scene()
