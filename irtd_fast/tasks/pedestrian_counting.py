"""Pedestrian counting: how many people a picture shows."""

from __future__ import annotations

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.counting_rules import clean_text, official_text, zero_turn
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.phrasing import templates
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.answers import parse_count
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.things import places_of


class PedestrianCounting(Scored):
    """How many people there are, by labelled heads or, where a picture has none, by boxes.

    Counted is what ``things.places_of`` gives: the sum of the density map of the same places is the
    answer, after a crop too.

    ``official``: every picture with somebody in it. ``clean``: of the pictures without anybody one
    in ten is asked about too. Pictures are left out in which crowds or groups are labelled as one,
    or in which the publisher neither counts some nor leaves them out.
    """

    name = "pedestrian-counting"
    title = "Pedestrian counting"
    official_file = "PedestrianCounting"
    needs_pool = False
    parse = staticmethod(parse_count)

    def applies(self, facts: Facts) -> bool:
        """True if the picture is labelled and its source labels people."""
        category = templates("counting")[self.name]["official"]["category"]
        return facts.labelled and category in facts.vocabulary

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text, or none."""
        del pool
        if not self.applies(facts):
            return []
        data = templates("counting")[self.name][options.mode]
        category = data["category"]
        nobody = not places_of(facts, category)
        if options.mode == "official":
            return [] if nobody else [official_text(self.name, facts, options)]
        shown = (*facts.present(), *facts.partial)
        if facts.ignored or category in facts.partial:
            return []
        if not set(data["uncounted"]).isdisjoint(shown):
            return []
        if nobody and not zero_turn(draws):
            return []
        return [clean_text(self.name, facts, category, draws, options, data["things"])]


TASK: Task = PedestrianCounting()
