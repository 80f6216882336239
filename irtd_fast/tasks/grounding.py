"""Grounding: the box of one object that the question names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from irtd_fast.tasks.base import Pool, Task
from irtd_fast.tasks.coordinates import box_in, centre
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.official_objects import Thing, by_category, official_objects, words_of
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.provenance import recorded
from irtd_fast.tasks.referring import Reference, refer
from irtd_fast.tasks.scored import Scored
from irtd_fast.tasks.scoring.coordinates import parse_boxes
from irtd_fast.tasks.seen import clipped, seen_things
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.words import is_named, overlapping

_ROWS = ("top", "", "bottom")
_COLUMNS = ("left", "center", "right")


@dataclass(frozen=True)
class _Data:
    """The data file, looked up quickly."""

    official: dict[str, str]
    most: int
    ratio: float
    official_answer: str
    questions: tuple[str, ...]
    answer: str
    tries: int


@lru_cache(maxsize=1)
def _data() -> _Data:
    data = templates("grounding")
    official, clean = data["official"], data["clean"]
    return _Data(
        {kind: official[kind] for kind in ("at", "nearest", "relative")},
        official["most"], official["ratio"], official["answer"],
        tuple(clean["questions"]), clean["answer"], clean["tries"],
    )  # fmt: skip


class Grounding(Scored):
    """The box of an object that the question names; at most one text for a picture.

    ``official``: pictures with 1 to 5 objects of the published categories; which object is asked
    for, and how, is a decision table over their edges and areas (``decide``), with one random
    choice, left or right. Coordinates are whole pixels (D2). ``defects``: D1, the box of "to the
    left of" is that of the object on the right; D3, edges outside the picture stay there. That
    questions may fit several objects (D12) is part of the rules.

    ``clean``: an expression that fits one object only, with a margin (``referring``); thousandths
    by default (D2), of the part of the box that is seen (D3).
    """

    name = "grounding"
    title = "Grounding"
    official_file = "Detection"
    needs_pool = False
    parse = staticmethod(parse_boxes)

    def applies(self, facts: Facts) -> bool:
        """True if the picture has a box that can be named."""
        return any(is_named(word) for word in facts.categories)

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """One text, or none."""
        del pool
        if options.mode == "official":
            return self._official(facts, draws, options)
        return self._clean(facts, draws, options)

    def _official(self, facts: Facts, draws: Draws, options: Options) -> list[Text]:
        data = _data()
        things = official_objects(facts)
        if not 1 <= len(things) <= data.most:
            return []
        kind, thing, other = decide(things, tuple(words_of(facts).values()), data.ratio)
        if other is None:
            fill = {"word": thing.word, "region": region(thing, facts)}
            numbers: tuple[int, ...] = (thing.number,)
            box = thing.box
        else:
            side = "left" if draws.below(2) == 0 else "right"
            if side == "right":
                thing, other = other, thing
            fill = {"word": thing.word, "side": side, "other": other.word}
            numbers = (thing.number, other.number)
            box = other.box if side == "left" and options.defects else thing.box
        if not options.defects:
            box = clipped(box, facts.height, facts.width) or box
        shown = box_in(options.units or "pixel", box, (facts.height, facts.width))
        return [
            Text(
                self.name, data.official[kind].format(**fill),
                data.official_answer.format(boxes=[shown]), kind, numbers, recorded(options),
            )
        ]  # fmt: skip

    def _clean(self, facts: Facts, draws: Draws, options: Options) -> list[Text]:
        if facts.ignored:
            return []
        groups, doubtful = seen_things(facts)
        fit = [thing for group in groups.values() for thing in group]
        if doubtful:
            fit = [thing for thing in fit if overlapping(thing.word).isdisjoint(doubtful)]
        size = (facts.height, facts.width)
        for _ in range(min(_data().tries, len(fit))):
            thing = fit.pop(draws.below(len(fit)))
            shown = box_in(options.units or "permille", thing.box, size)
            if shown[0] == shown[2] or shown[1] == shown[3]:
                continue  # too small to be written down
            references = refer(thing, groups, size, doubtful)
            if references:
                return [self._text(draws.choice(references), shown, draws, options)]
        return []

    def _text(
        self, reference: Reference, shown: list[float], draws: Draws, options: Options
    ) -> Text:
        question = phrasing(_data().questions, draws, options)
        thing = reference.thing
        return Text(
            self.name, question.format(thing=reference.phrase),
            _data().answer.format(boxes=[shown]), reference.kind,
            (thing.number, *reference.others), recorded(options, category=thing.word),
        )  # fmt: skip


def decide(
    things: Sequence[Thing], order: Sequence[str], ratio: float
) -> tuple[str, Thing, Thing | None]:
    """Which object the published questions ask for, and with which template.

    One object, or two that overlap in x: ``at``, the leftmost object of the first category. Two
    that do not (a pixel between them): ``relative``, both. Three and more: ``nearest``, the largest
    object of the first category whose largest is more than ``ratio`` times its smallest; else
    ``at``. Of objects that are alike, the leftmost; further left is the smaller left edge.

    Args:
        things: The objects, at least one.
        order: Categories, the preferred one first.
        ratio: See above.

    Returns:
        Template, the object, and the other one (to its right) of a pair.
    """
    ordered = sorted(things, key=_left_edge)
    if len(ordered) == 2 and ordered[0].box[2] < ordered[1].box[0]:
        return "relative", ordered[0], ordered[1]
    groups = by_category(ordered)
    present = [groups[word] for word in order if word in groups]
    if len(ordered) > 2:
        for group in present:
            largest = max(group, key=area)
            if len(group) > 1 and area(largest) > ratio * min(map(area, group)):
                return "nearest", largest, None
    return "at", present[0][0], None


def _left_edge(thing: Thing) -> float:
    return thing.box[0]


def area(thing: Thing) -> float:
    """Area of a box, square pixels."""
    x0, y0, x1, y1 = thing.box
    return (x1 - x0) * (y1 - y0)


def third(value: float, side: float) -> int:
    """0, 1 or 2: the third of a side in which a place lies; a border belongs to the middle."""
    return 0 if 3 * value < side else 2 if 3 * value > 2 * side else 1


def region(thing: Thing, facts: Facts) -> str:
    """The ninth of the picture in which the centre of a box lies, in the published words."""
    x, y = centre(thing.box)
    row, column = _ROWS[third(y, facts.height)], _COLUMNS[third(x, facts.width)]
    return f"{row} {column}" if row else column


TASK: Task = Grounding()
