"""Relationship: whether there is an object that stands in a relation to another one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.official_objects import Thing, by_category, official_objects
from irtd_fast.tasks.phrasing import templates
from irtd_fast.tasks.provenance import recorded
from irtd_fast.tasks.relations import clean_relation
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.answers import parse_yes_no
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.words import is_named, ordinal


@dataclass(frozen=True)
class _Data:
    """The data file, looked up quickly."""

    question: str
    defects: str
    car: str
    others: tuple[str, ...]
    ordinals: tuple[str, ...]
    relations: tuple[tuple[str, str], ...]
    near: float
    far: float


@lru_cache(maxsize=1)
def _data() -> _Data:
    data = templates("relationship")
    official = data["official"]
    return _Data(
        official["question"], official["defects"], official["with"], tuple(official["others"]),
        tuple(official["ordinals"]), tuple(data["relations"].items()),
        data["distances"]["near"], data["distances"]["far"],
    )  # fmt: skip


class Relationship(Scored):
    """Whether an object stands in a relation to another; at most one text for a picture.

    ``official``: a car, and a person or bike; of the two categories, the one whose first left edge
    is further left is the subject's. The reference is drawn among the objects of the other, and
    named by its number from the left; the subject is drawn too, and *not disclosed*: the answer is
    about this one. Near is less than a quarter of the width between centres, far more than half.
    In front of means farther from the camera: by ``Facts.depths`` where there are some, else by
    the higher lower edge, which agrees with 85 % of those published labels that can be checked.
    ``defects``: D5, "the the" and endings like "22th".

    ``clean``: existential (D6), see ``relations``.
    """

    name = "relationship"
    title = "Relationship"
    official_file = "Relationship"
    needs_pool = False
    parse = staticmethod(parse_yes_no)

    def applies(self, facts: Facts) -> bool:
        """True if the picture has boxes of two categories that can be named."""
        return len({word for word in facts.categories if is_named(word)}) > 1

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text, or none."""
        del pool
        if options.mode == "official":
            return self._official(facts, draws, options)
        found = clean_relation(facts, draws, options)
        if found is None:
            return []
        provenance = recorded(
            options, subject=found.subject, reference=found.reference, margin=found.margin
        )
        return [
            Text(
                self.name, found.question, "yes" if found.holds else "no", found.relation,
                found.objects, provenance,
            )
        ]  # fmt: skip

    def _official(self, facts: Facts, draws: Draws, options: Options) -> list[Text]:
        data = _data()
        groups = by_category(sorted(official_objects(facts), key=_left_edge))
        pair = official_pair(groups, draws)
        if pair is None:
            return []
        subjects, references = pair
        place = draws.below(len(references))
        reference, subject = references[place], draws.choice(subjects)
        kind, words = draws.choice(data.relations)
        holds = official_relation(kind, subject, reference, facts)
        question = official_question(
            subject.word, words, place + 1, reference.word, defects=options.defects
        )
        return [
            Text(
                self.name, question, "yes" if holds else "no", kind,
                (subject.number, reference.number), recorded(options),
            )
        ]  # fmt: skip


def _left_edge(thing: Thing) -> float:
    return thing.box[0]


def official_pair(
    groups: Mapping[str, Sequence[Thing]], draws: Draws
) -> tuple[Sequence[Thing], Sequence[Thing]] | None:
    """Objects among which the subject is, and among which the reference is.

    Args:
        groups: Objects by category, each sorted by left edge.
        draws: Draws between person and bike where both are there.
    """
    data = _data()
    others = [word for word in data.others if word in groups]
    if data.car not in groups or not others:
        return None
    cars, rest = groups[data.car], groups[draws.choice(others)]
    return (rest, cars) if rest[0].box[0] < cars[0].box[0] else (cars, rest)


def official_question(
    subject: str, relation: str, number: int, reference: str, *, defects: bool
) -> str:
    """The published question about the ``number``-th object from the left, counted from 1."""
    data = _data()
    return (data.defects if defects else data.question).format(
        subject=subject, relation=relation, reference=reference,
        ordinal=official_ordinal(number, defects=defects),
    )  # fmt: skip


def official_ordinal(number: int, *, defects: bool) -> str:
    """A number as the published questions have it.

    >>> official_ordinal(5, defects=False), official_ordinal(6, defects=False)
    ('fifth', '6th')
    >>> official_ordinal(22, defects=True), official_ordinal(22, defects=False)
    ('22th', '22nd')
    """
    words = _data().ordinals
    if number <= len(words):
        return words[number - 1]
    if defects or number <= _IN_WORDS:  # up to there all end in th
        return f"{number}th"
    return ordinal(number)


_IN_WORDS = 20


def official_relation(kind: str, subject: Thing, reference: Thing, facts: Facts) -> bool:
    """Whether one object stands in a published relation to another.

    Args:
        kind: left, right, front, behind, near or far.
        subject: The one of which it is said.
        reference: The other.
        facts: Of their picture.
    """
    return _PREDICATES[kind](subject, reference, facts)


def _ahead(one: Thing, other: Thing, facts: Facts) -> float:
    """How much farther from the camera one object is than another, in some unit."""
    if facts.depths:
        return facts.depths[one.number] - facts.depths[other.number]
    return other.box[3] - one.box[3]


def _apart_x(one: Thing, other: Thing) -> float:
    """Twice the distance by which one centre is to the right of another."""
    return one.box[0] + one.box[2] - other.box[0] - other.box[2]


def _distance(one: Thing, other: Thing) -> float:
    """Twice the distance of the centres."""
    return math.hypot(_apart_x(one, other), one.box[1] + one.box[3] - other.box[1] - other.box[3])


_Predicate = Callable[[Thing, Thing, Facts], bool]
_PREDICATES: Mapping[str, _Predicate] = {
    "left": lambda s, r, _: _apart_x(s, r) < 0,
    "right": lambda s, r, _: _apart_x(s, r) > 0,
    "front": lambda s, r, facts: _ahead(s, r, facts) > 0,
    "behind": lambda s, r, facts: _ahead(s, r, facts) < 0,
    "near": lambda s, r, facts: _distance(s, r) < 2 * _data().near * facts.width,
    "far": lambda s, r, facts: _distance(s, r) > 2 * _data().far * facts.width,
}

TASK: Task = Relationship()
