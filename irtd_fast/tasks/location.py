"""Location: the centres of all objects of a category, from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.coordinates import centre, points_in
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts, Point
from irtd_fast.tasks.official_objects import by_category, official_objects
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.provenance import recorded
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.coordinates import parse_points
from irtd_fast.tasks.seen import seen_things
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.words import covered, is_named, plural

_Places = list[Point]


@dataclass(frozen=True)
class _Data:
    """The data file, looked up quickly."""

    official: str
    defects: str
    official_answer: str
    questions: tuple[str, ...]
    answer: str
    most: int


@lru_cache(maxsize=1)
def _data() -> _Data:
    data = templates("location")
    official, clean = data["official"], data["clean"]
    return _Data(
        official["question"], official["defects"], official["answer"],
        tuple(clean["questions"]), clean["answer"], clean["most"],
    )  # fmt: skip


class Location(Scored):
    """Centres of all objects of a category, one text for each category of the picture.

    ``official``: every box, whatever its size, in thousandths of each side rounded half to even,
    sorted as written (x, then y); categories by first appearance in the annotation. ``defects``:
    D4, a blank before the question and no plural; D11, centres that are written alike stay twice
    in either case.

    ``clean``: centres of what is seen of the boxes, or labelled points where the category has
    some; each written once (D11). No text about a category of which something may be missing in
    the labels (ignored objects, objects that a crop dropped although a part of them is seen, kinds
    of it labelled apart), or of which there are more than ``most``.
    """

    name = "location"
    title = "Location"
    official_file = "Location"
    needs_pool = False
    parse = staticmethod(parse_points)

    def applies(self, facts: Facts) -> bool:
        """True if the picture has a labelled object that can be named."""
        return any(is_named(word) for word in facts.present())

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text for each category that is there."""
        del pool
        if options.mode == "official":
            return self._official(facts, options)
        if facts.ignored:
            return []
        return [
            self._clean(facts, word, numbers, places, draws, options)
            for word, numbers, places in _asked(facts)
        ]

    def _official(self, facts: Facts, options: Options) -> list[Text]:
        data = _data()
        size = (facts.height, facts.width)
        out = []
        for word, things in by_category(official_objects(facts)).items():
            question = data.defects if options.defects else data.official
            places = [centre(thing.box) for thing in things]
            points = sorted(points_in(options.units or "permille", places, size))
            out.append(
                Text(
                    self.name, _filled(question, word),
                    data.official_answer.format(word=word, points=points), self.name,
                    tuple([thing.number for thing in things]), recorded(options, category=word),
                )
            )  # fmt: skip
        return out

    def _clean(
        self, facts: Facts, word: str, numbers: list[int], places: _Places, draws: Draws,
        options: Options,
    ) -> Text:  # fmt: skip
        data = _data()
        question = phrasing(data.questions, draws, options)
        size = (facts.height, facts.width)
        points = sorted(set(points_in(options.units or "permille", places, size)))
        of = {"of": "points"} if word in facts.point_categories else {}
        return Text(
            self.name, _filled(question, word),
            data.answer.format(word=word, points=points), self.name, tuple(numbers),
            recorded(options, category=word, **of),
        )  # fmt: skip


@lru_cache(maxsize=4096)
def _filled(question: str, word: str) -> str:
    """A question about a category."""
    return question.format(word=word, things=plural(word))


def _asked(facts: Facts) -> Iterator[tuple[str, list[int], _Places]]:
    """Categories of which all objects are known, numbers of their boxes or points, and places."""
    boxes, doubtful = seen_things(facts)
    groups: dict[str, tuple[list[int], _Places]] = {
        word: ([number for _, _, number in things], [centre(box) for _, box, _ in things])
        for word, things in boxes.items()
        if word not in facts.point_categories
    }
    for number, ((x, y), word) in enumerate(zip(facts.points, facts.point_categories, strict=True)):
        if 0 <= x < facts.width and 0 <= y < facts.height and is_named(word):
            numbers, places = groups.setdefault(word, ([], []))
            numbers.append(number)
            places.append((x, y))
    for word, (numbers, places) in groups.items():
        kinds = covered(word)
        apart = not kinds or (kinds.isdisjoint(groups) and kinds.isdisjoint(doubtful))
        if word not in doubtful and apart and len(numbers) <= _data().most:
            yield word, numbers, places


TASK: Task = Location()
