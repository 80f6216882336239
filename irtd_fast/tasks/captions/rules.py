"""Captions by rule (the pre-training texts): counts; in clean mode places, relations and more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irtd_fast.tasks.base import Pool
from irtd_fast.tasks.captions.sentences import position, relations
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.things import Places, things, time_of_day
from irtd_fast.tasks.words import counted, joined


def _data() -> Mapping[str, Any]:
    return templates("captions", "irtd_fast.tasks.captions")


class Captions:
    """One caption a picture; none where its labels say nothing.

    ``official``: ``The image contains 7 cars and 15 people.``; categories in the order of their
    words, three and more joined as ``a, b and c``. ``clean`` adds what the labels and the records
    give: band and time of day, the scene, positions, relations. What is not labelled is not spoken
    of: a caption says what is there, never that nothing else is.
    """

    name = "caption"
    title = "Rule captions"
    official_file = ""
    needs_pool = False

    def applies(self, facts: Facts) -> bool:
        """True if there is anything to say in clean mode."""
        return bool(things(facts)) or facts.scene in _data()["scenes"]

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """The caption, or nothing."""
        del pool
        found = things(facts)
        groups = joined([counted(len(places), word) for word, places in found.items()])
        if options.mode == "official":
            if not found:
                return []
            answer = _data()["official"].format(groups=groups)
            return [self._text(_data()["question"], answer, "counts", options)]
        sentences = self._sentences(facts, found, groups, draws, options)
        if not sentences:
            return []
        question = phrasing(_data()["clean"]["questions"], draws, options)
        return [self._text(question, " ".join(sentences), "rich", options)]

    def _text(self, question: str, answer: str, kind: str, options: Options) -> Text:
        provenance = {"mode": options.mode, "seed": options.seed, "rule": kind}
        return Text(self.name, question, answer, kind, (), provenance)

    def _sentences(
        self, facts: Facts, found: dict[str, Places], groups: str, draws: Draws, options: Options
    ) -> list[str]:
        data, clean = _data(), _data()["clean"]
        scene = data["scenes"].get(facts.scene)
        if not found and scene is None:
            return []
        out = []
        if found:
            first = next(iter(found.values()))
            opening = phrasing(clean["opening"], draws, options)
            out.append(opening.format(groups=groups, are="is" if len(first) == 1 else "are"))
        kind = data["bands"].get(facts.band, data["bands"]["unknown"])
        time = data["times"].get(time_of_day(facts), "")
        out.append(phrasing(clean["setting"], draws, options).format(kind=kind, time=time))
        if scene is not None:
            out.append(phrasing(clean["scene"], draws, options).format(scene=scene))
        for word in _some(list(found), clean["positions"], draws):
            out += position(facts, word, found[word])
        return out + list(relations(facts, found, clean["relations"], draws))


def _some(words: list[str], most: int, draws: Draws) -> list[str]:
    """At most so many of them, drawn, in their order."""
    while len(words) > most:
        del words[draws.below(len(words))]
    return words
