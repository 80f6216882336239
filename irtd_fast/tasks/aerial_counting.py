"""Aerial counting: how many objects of a category a picture from above shows."""

from __future__ import annotations

from functools import lru_cache

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.counting_rules import clean_text, official_text, zero_turn
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.phrasing import templates
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.answers import parse_count
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.things import things
from irtd_fast.tasks.words import covered, is_named, overlapping


class AerialCounting(Scored):
    """How many objects of a category there are.

    Counted is what ``things.places_of`` gives: the sum of the density map of the same places is the
    answer, after a crop too.

    ``official``: cars of every labelled picture of a source that knows cars, none included (25 of
    the 900 published answers are 0); trucks, vans and buses are not cars. ``clean``: one category
    of the picture, drawn; about once in ten pictures one of the source's that is not in the
    picture. Not asked about are categories beside which kinds of them are labelled (vehicles
    beside cars), and pictures with objects that the publisher neither counts nor leaves out.
    """

    name = "aerial-counting"
    title = "Aerial counting"
    official_file = "AerialCounting"
    needs_pool = False
    parse = staticmethod(parse_count)

    def applies(self, facts: Facts) -> bool:
        """True if the picture is labelled and its source has something to count."""
        return facts.labelled and any(is_named(word) for word in facts.vocabulary)

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text, or none."""
        del pool
        if not facts.labelled:
            return []
        if options.mode == "official":
            known = templates("counting")[self.name]["official"]["category"] in facts.vocabulary
            return [official_text(self.name, facts, options)] if known else []
        category = self._category(facts, draws)
        return [clean_text(self.name, facts, category, draws, options)] if category else []

    def _category(self, facts: Facts, draws: Draws) -> str:
        if facts.ignored:
            return ""
        never = templates("counting")[self.name]["clean"]["not_asked"]
        found = tuple(things(facts))
        if zero_turn(draws):
            present = frozenset((*facts.present(), *facts.partial))
            absent = [w for w in absent_words(facts.vocabulary, present) if w not in never]
            if absent:
                return draws.choice(absent)
        shown = (*found, *facts.partial)
        fit = [w for w in found if covered(w).isdisjoint(shown) and w not in never]
        return draws.choice(fit) if fit else ""


@lru_cache(maxsize=65536)
def absent_words(vocabulary: tuple[str, ...], present: frozenset[str]) -> tuple[str, ...]:
    """Categories of a source that no label of a picture may mean."""
    return tuple(
        word for word in vocabulary if is_named(word) and overlapping(word).isdisjoint(present)
    )


TASK: Task = AerialCounting()
