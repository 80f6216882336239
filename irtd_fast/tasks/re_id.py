"""Re-identification: which of seven numbered people is the one in the upper left corner.

Building only plans: which eight crops, in which order. ``irtd_fast.grids`` makes the picture of a
plan when it is needed. The text belongs to its query's sample and says in its provenance which rows
of the source's tables the crops are (``Grid.from_json``).
"""

from __future__ import annotations

from collections.abc import Sequence

from irtd_fast.grids.record import TILES, Grid
from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.pool import ANY_SPLIT
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.answers import parse_tile
from irtd_fast.tasks.text import Options, Text

_STRANGERS = TILES - 2  # all but the query and its other picture


class ReId(Scored):
    """Who is the same person.

    A grid shows the query, one other picture of the same identity at an evenly drawn place, from
    another camera where there is one (``positive_camera`` in the provenance says ``other``,
    ``same`` or ``unknown``), and six people of six other identities of the same split. A picture
    gets no text if its split has fewer than seven identities, or none but it of its own.

    ``official``: one grid an identity, or one for each of its cameras (SYSU-MM01), with a drawn
    picture as its query; strangers are any pictures. With ``defects`` LLCM's splits are mixed and
    every identity has two grids (D10). ``clean``: every picture is a query; strangers too are from
    other cameras than the query's where they can be, so that the camera does not give the answer.
    """

    name = "re-id"
    title = "Re-identification"
    official_file = "ReID"
    needs_pool = True
    parse = staticmethod(parse_tile)

    def applies(self, facts: Facts) -> bool:
        """True for a crop with an identity."""
        return facts.identity >= 0

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text, or none.

        Raises:
            ValueError: No pool was given.
        """
        if facts.identity < 0:
            return []
        if pool is None:
            raise ValueError(f"{self.name} needs a pool of samples to make a grid of")
        mixed = options.defects and facts.source in templates("re_id")["twice"]["sources"]
        split = ANY_SPLIT if mixed else facts.split
        if options.mode == "official" and not _is_query(facts, split, options, pool):
            return []
        planned = _plan(facts, split, draws, pool, even=options.mode == "clean")
        if planned is None:
            return []
        grid, camera = planned
        data = templates("re_id")
        question = data["official"]["question"]
        if options.mode == "clean":
            question = phrasing(data["clean"]["questions"], draws, options)
        provenance = {
            "mode": options.mode, "seed": options.seed, "grid": grid.to_json(),
            "positive_camera": camera,
        }  # fmt: skip
        return [Text(self.name, question, str(grid.positive), "grid", (), provenance)]


def _is_query(facts: Facts, split: str, options: Options, pool: Pool) -> bool:
    """Whether the picture is what the official sampler takes of its identity and camera."""
    mine = list(pool.of_identity(facts.source, split, facts.identity))
    key = f"{facts.source}/{split}/{facts.identity}"
    if facts.source in templates("re_id")["per_camera"]["sources"]:
        mine = [one for one in mine if one.camera == facts.camera]
        key = f"{key}/{facts.camera}"
    if not mine:
        return False
    times = 2 if split == ANY_SPLIT else 1
    chosen = Draws(options.seed, "re-id query", key).sample(mine, min(times, len(mine)))
    return any(one.index == facts.index for one in chosen)


def _plan(
    facts: Facts, split: str, draws: Draws, pool: Pool, *, even: bool
) -> tuple[Grid, str] | None:
    """A grid with this query, and whether its positive is from another camera."""
    people = pool.identities(facts.source, split)
    same = [
        one
        for one in pool.of_identity(facts.source, split, facts.identity)
        if one.index != facts.index
    ]
    if not same or len(people) <= _STRANGERS:
        return None
    strangers = _strangers(people, facts.identity, draws)
    elsewhere = _elsewhere(same, facts.camera)
    positive = draws.choice(elsewhere or same)
    rows = [facts.index]
    for identity in strangers:
        theirs = pool.of_identity(facts.source, split, identity)
        if even:
            theirs = _elsewhere(theirs, facts.camera) or theirs
        rows.append(draws.choice(theirs).index)
    place = draws.between(1, TILES - 1)
    rows.insert(place, positive.index)
    camera = "other" if elsewhere else "same" if facts.camera >= 0 else "unknown"
    return Grid(facts.source, tuple(rows), place + 1), camera


def _strangers(people: Sequence[int], own: int, draws: Draws) -> list[int]:
    """Six different identities, not one's own, evenly drawn."""
    out: list[int] = []
    while len(out) < _STRANGERS:
        identity = draws.choice(people)
        if identity != own and identity not in out:
            out.append(identity)
    return out


def _elsewhere(people: Sequence[Facts], camera: int) -> list[Facts]:
    """Those whom another camera than this one saw; none where cameras are unknown."""
    return [one for one in people if one.camera not in (camera, -1)] if camera >= 0 else []


TASK: Task = ReId()
