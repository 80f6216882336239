"""Clean questions about relations: existential, decided with a margin, yes and no drawn evenly.

"Is there a car on the left side of the second person from the left?" is answered yes if any car is
clearly there, no if every car is clearly not; otherwise it is not asked. Left and right compare
centres; near and far, distances of centres with a quarter and a half of the width; in front of
(nearer to the camera than the reference) and behind are asked only where ``Facts.depths`` are
known. Margins are in ``relationship.toml``: 2 % of the width between centres in x, 5 % of it
between a distance and its limit, 10 % of the farther one between distances from the camera.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.official_objects import Thing
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.referring import ordinal_of
from irtd_fast.tasks.seen import seen_things
from irtd_fast.tasks.text import Options
from irtd_fast.tasks.words import ordinal, overlapping, singular, with_article


@dataclass(frozen=True)
class _Data:
    """The data file, looked up quickly."""

    questions: tuple[str, ...]
    single: str
    several: str
    relations: Mapping[str, str]
    near: float
    far: float
    margin: float
    margin_distance: float
    margin_depth: float
    tries: int


@lru_cache(maxsize=1)
def _data() -> _Data:
    data = templates("relationship")
    clean = data["clean"]
    return _Data(
        tuple(clean["questions"]), clean["single"], clean["several"], data["relations"],
        data["distances"]["near"], data["distances"]["far"],
        clean["margin"], clean["margin_distance"], clean["margin_depth"], clean["tries"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relation:
    """A question about a relation, decided.

    Attributes:
        relation: left, right, near, far, front or behind.
        holds: The answer.
        question: As asked.
        subject: Category of which it is asked.
        reference: Number of the box to which.
        objects: A box that answers yes, and the reference; for no, the reference alone.
        margin: By which it was decided, as a share.
    """

    relation: str
    holds: bool
    question: str
    subject: str
    reference: int
    objects: tuple[int, ...]
    margin: float


@dataclass(frozen=True, slots=True)
class _Decided:
    relation: str
    witness: Thing | None  # an object that answers yes; None: no
    reference: Thing
    number: int  # of the reference from the left; 0 where it is the only one


def clean_relation(facts: Facts, draws: Draws, options: Options) -> Relation | None:
    """Draw a question about a picture; None where nothing could be decided."""
    if facts.ignored:
        return None
    groups = _askable(facts)
    if len(groups) < 2:
        return None
    words = list(groups)
    wanted = draws.below(2) == 0
    spare: list[tuple[str, list[_Decided]]] = []
    for _ in range(_data().tries):
        subject, other = draws.sample(words, 2)
        found = _decided(groups[subject], groups[other], facts, draws)
        right = [each for each in found if (each.witness is not None) == wanted]
        if right:
            return _asked(draws.choice(right), subject, draws, options)
        if found:
            spare.append((subject, found))
    if not spare:
        return None
    subject, found = spare[0]
    return _asked(draws.choice(found), subject, draws, options)


def _askable(facts: Facts) -> dict[str, Sequence[Thing]]:
    """Objects of the categories of which all are known and which nothing else may be called."""
    groups, doubtful = seen_things(facts)
    taken = doubtful.union(groups)
    return {
        word: group
        for word, group in groups.items()
        if word not in doubtful and overlapping(word).isdisjoint(taken - {word})
    }


def _decided(
    subjects: Sequence[Thing], references: Sequence[Thing], facts: Facts, draws: Draws
) -> list[_Decided]:
    """What can be decided about one object of ``references``, drawn."""
    reference = draws.choice(references)
    number = 0
    if len(references) > 1:
        others = [thing.box for thing in references if thing is not reference]
        found = ordinal_of(reference.box, others, _data().margin * facts.width)
        if found is None:
            return []
        number = found
    return [
        _Decided(relation, subjects[place] if by > 0 else None, reference, number)
        for relation, by, place in _clearness(subjects, reference, facts)
        if abs(by) > 1
    ]


def _clearness(
    subjects: Sequence[Thing], reference: Thing, facts: Facts
) -> Iterator[tuple[str, float, int]]:
    """Relation, by how many margins its clearest subject is beyond its border, and which that is.

    Above 1 that subject surely stands in the relation; below -1 all surely do not.
    """
    data, width = _data(), facts.width
    for first, last, values, borders, margin in (
        ("left", "right", _apart_x(subjects, reference), (0.0, 0.0), data.margin * width),
        ("near", "far", _distances(subjects, reference), (data.near * width, data.far * width),
         data.margin_distance * width),
        ("front", "behind", _depths(subjects, reference, facts), (0.0, 0.0), data.margin_depth),
    ):  # fmt: skip
        if values:
            least, most = min(values), max(values)
            yield first, (borders[0] - least) / margin, values.index(least)
            yield last, (most - borders[1]) / margin, values.index(most)


def _apart_x(subjects: Sequence[Thing], reference: Thing) -> list[float]:
    """By how much each centre is to the right of the reference's, pixels."""
    middle = reference.box[0] + reference.box[2]
    return [(subject.box[0] + subject.box[2] - middle) / 2 for subject in subjects]


def _distances(subjects: Sequence[Thing], reference: Thing) -> list[float]:
    """From each centre to the reference's, pixels."""
    a, b, c, d = reference.box
    x, y = a + c, b + d
    boxes = [subject.box for subject in subjects]
    return [math.hypot(a + c - x, b + d - y) / 2 for a, b, c, d in boxes]


def _depths(subjects: Sequence[Thing], reference: Thing, facts: Facts) -> list[float]:
    """By how much each is farther away than the reference, as a share of the farther one."""
    if not facts.depths:
        return []
    own = facts.depths[reference.number]
    pairs = [(facts.depths[subject.number], own) for subject in subjects]
    return [(a - b) / max(a, b) if max(a, b) > 0 else 0.0 for a, b in pairs]


def _asked(found: _Decided, subject: str, draws: Draws, options: Options) -> Relation:
    data = _data()
    name = singular(found.reference.word)
    called = data.several if found.number else data.single
    question = phrasing(data.questions, draws, options).format(
        subject=with_article(subject), relation=data.relations[found.relation],
        reference=called.format(ordinal=ordinal(max(found.number, 1)), reference=name),
    )  # fmt: skip
    objects = () if found.witness is None else (found.witness.number,)
    return Relation(
        found.relation, found.witness is not None, question, subject, found.reference.number,
        (*objects, found.reference.number), _margin(found.relation),
    )  # fmt: skip


def _margin(relation: str) -> float:
    data = _data()
    if relation in ("left", "right"):
        return data.margin
    return data.margin_distance if relation in ("near", "far") else data.margin_depth
