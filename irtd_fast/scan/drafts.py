"""From infrared pictures to drafts: names, places in their sequences, and which are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from irtd_fast.catalog import Sampling, SourceRecord
from irtd_fast.scan.layout import Layout, PictureSet
from irtd_fast.scan.paths import Key, Match
from irtd_fast.scan.sampling import choose, describe
from irtd_fast.scan.videos import file_of, where_of
from irtd_fast.scan.walk import natural_key
from irtd_fast.types import SampleRecord

_WITHIN_SEQUENCE = frozenset(("stem", "frame"))


@dataclass(slots=True)
class Draft:
    """One infrared picture on its way to a sample.

    Attributes:
        name: Name of the sample.
        path: The infrared picture; of a frame, its container and number.
        values: Values of the named groups of its set.
        rank: Place in its sequence, from 0, in natural order, over all pictures of the dump.
        sample: The sample; ``None`` if the picture was left out.
        labelled: A label file or record was found for it.
        sources: Places of labels already taken, by annotation spec.
    """

    name: str
    path: str
    values: Key
    rank: int = -1
    sample: SampleRecord | None = None
    labelled: bool = False
    sources: dict[int, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str]:
        """File and place in it, as problems name them."""
        return file_of(self.path), where_of(self.path)


Group = tuple[PictureSet, list[Draft]]


def make_drafts(
    record: SourceRecord, layout: Layout, sampling: Sampling | None, limit: int | None
) -> list[Group]:
    """Name every infrared picture, and draft those that sampling and limit take.

    Names and places depend on neither. ``Layout.complete`` is set.

    Args:
        record: The source.
        layout: Its pictures.
        sampling: What to take; ``None`` is the record's default.
        limit: At most so many, in natural order of the paths.
    """
    rule = record.sampling if sampling is None else sampling
    sets = [(pictures, _without_doubles(pictures, layout)) for pictures in layout.pictures]
    namer = _Namer(record, layout, sets)
    groups: list[Group] = []
    found = 0
    for pictures, rows in sets:
        found += len(rows)
        drafts = [
            Draft(namer.name(pictures, *rows[place]), *rows[place], rank)
            for place, rank in _taken(pictures, rows, rule)
        ]
        groups.append((pictures, drafts))
    layout.complete = rule.takes_all
    if not layout.complete:
        taken = sum(len(drafts) for _, drafts in groups)
        layout.notes.append(describe(rule, taken, found, default=sampling is None))
    if namer.collisions:
        layout.notes.append(
            f"{namer.collisions} samples are named by their path, since their names collide"
        )
    return groups if limit is None else _first(groups, limit, layout)


def _first(groups: list[Group], limit: int, layout: Layout) -> list[Group]:
    ordered = [(natural_key(d.path), n, d) for n, (_, drafts) in enumerate(groups) for d in drafts]
    layout.complete = layout.complete and len(ordered) <= limit
    kept: list[Group] = [(pictures, []) for pictures, _ in groups]
    ordered.sort(key=lambda item: item[0])
    for _, number, draft in islice(ordered, limit):
        kept[number][1].append(draft)
    return kept


def _without_doubles(pictures: PictureSet, layout: Layout) -> list[Match]:
    """Leave out pictures that an earlier group of patterns has already."""
    before = layout.pictures[: layout.pictures.index(pictures)]
    if not before:
        return pictures.infrared
    taken = {path for other in before for path, _ in other.infrared}
    return [row for row in pictures.infrared if row[0] not in taken]


def sequence_positions(names: Key) -> list[int]:
    """Say which groups name the sequence: all but those that name a picture within it."""
    return [at for at, name in enumerate(names) if name not in _WITHIN_SEQUENCE]


def _taken(
    pictures: PictureSet, rows: list[Match], sampling: Sampling
) -> Iterator[tuple[int, int]]:
    """Give (place in rows, place in its sequence) of the pictures that are taken, in order."""
    positions = sequence_positions(pictures.names)
    members: dict[Key, list[int]] = {}
    for place, (_, values) in enumerate(rows):
        members.setdefault(tuple([values[at] for at in positions]), []).append(place)
    chosen = [
        (places[rank], rank)
        for key, places in members.items()
        for rank in choose(len(places), sampling, key)
    ]
    return iter(sorted(chosen))


class _Namer:
    """Names of samples; those that collide become paths, with the extension if it must be."""

    def __init__(
        self, record: SourceRecord, layout: Layout, sets: list[tuple[PictureSet, list[Match]]]
    ) -> None:
        self._template = layout.variant.name_template
        self._splits = record.splits
        self._base = layout.base
        self._forms: dict[str, str] = {}
        self.collisions = 0
        self._sets = sets
        count = sum(len(rows) for _, rows in sets)
        if len(set(map(hash, self._names()))) == count:
            return  # all differ, found without keeping millions of names
        # The second pass over paths with extensions: one may equal the plain name of another.
        for form in (self._stripped, self._relative, self._relative):
            names = Counter(self._names())
            if len(names) == count:
                break
            paths = (path for _, rows in sets for path, _ in rows)
            named = zip(paths, self._names(), strict=True)
            colliding = [path for path, name in named if names[name] > 1]
            self.collisions = max(self.collisions, len(colliding))
            for path in colliding:
                self._forms[path] = form(path)

    def _names(self) -> Iterator[str]:
        for pictures, rows in self._sets:
            for path, values in rows:
                yield self.name(pictures, path, values)

    def name(self, pictures: PictureSet, path: str, values: Key) -> str:
        """Name of the sample."""
        form = self._forms.get(path)
        if form is not None:
            return form
        parts = dict(zip(pictures.names, values, strict=True))
        if "split" in parts:
            parts["split"] = self._splits.get(parts["split"], parts["split"])
        return self._template.format_map(parts)

    def _relative(self, path: str) -> str:
        return "#".join((file_of(path).removeprefix(self._base), *where_of(path).split()[1:]))

    def _stripped(self, path: str) -> str:
        path = self._relative(path)
        return (path.rpartition(".")[0] or path) if "#" not in path else path
