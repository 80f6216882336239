"""Scene: what kind of place, time of day, ground or action a picture shows, by its record."""

from __future__ import annotations

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.kinds import kind_texts, kinds
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.answers import parse_choice
from irtd_fast.tasks.text import Options, Text


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
        return any(kind.value(facts) for kind in kinds(self.name))

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text for each kind of word that the record gives."""
        del pool
        return kind_texts(self.name, facts, draws, options)


TASK: Task = Scene()
