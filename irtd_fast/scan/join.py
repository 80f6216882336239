"""Find the pictures that a label is about, by the named parts that both sides have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from irtd_fast.errors import SourceError
from irtd_fast.scan.drafts import Draft, Group
from irtd_fast.scan.layout import PictureSet
from irtd_fast.scan.paths import Key

_COUNTED = frozenset(("frame", "rank"))


class Joiner:
    """Finds the drafts that a label's named parts belong to; indexes are built when needed.

    Parts are compared as text, but ``frame`` as a number; ``rank`` is a draft's place in its
    sequence, counted over all pictures of the dump, also over those that were not taken.
    """

    def __init__(self, groups: list[Group]) -> None:
        self._groups = groups
        self._indexes: dict[tuple[int, Key], dict[_Parts, list[Draft]]] = {}
        self._shared: dict[Key, list[tuple[int, Key]]] = {}
        self._counts: dict[tuple[int, Key], Counter[_Parts]] = {}

    def find(self, key: Mapping[str, str], path: str) -> list[Draft]:
        """Give the drafts that agree with all named parts which both sides have.

        Raises:
            SourceError: The record lets label and pictures share no part.
        """
        shared = self._names(key)
        if len(shared) == 1 and not _COUNTED & set(shared[0][1]):  # nearly always
            number, names = shared[0]
            index = self._index(number, names)
            return index.get(tuple([key[name] for name in names]), [])
        found: list[Draft] = []
        for _, drafts in self._fitting(key, path):
            found += drafts
        return found

    def places(self, key: Mapping[str, str], part: str, path: str) -> list[tuple[Draft, int]]:
        """Give the drafts of a sequence, each with its ``frame`` or ``rank``.

        Raises:
            SourceError: As ``find``; or the pictures have no group ``frame`` and it is asked for.
        """
        found: list[tuple[Draft, int]] = []
        for pictures, drafts in self._fitting(key, path):
            if part == "rank":
                found += [(draft, draft.rank) for draft in drafts]
                continue
            if "frame" not in pictures.names:
                message = f"{path}: joins by frame, but the pictures have no group frame"
                raise SourceError(message, path=path)
            at = pictures.names.index("frame")
            found += [(d, int(d.values[at])) for d in drafts if d.values[at].isdecimal()]
        return found

    def count(self, key: Mapping[str, str]) -> int:
        """Count the pictures of the dump that fit, taken or not."""
        total = 0
        for number, names in self._names(key):
            pictures = self._groups[number][0]
            counts = self._counts.get((number, names))
            if counts is None:
                at = [pictures.names.index(name) for name in names]
                rows = (_parts(names, [values[i] for i in at]) for _, values in pictures.infrared)
                counts = self._counts[number, names] = Counter(rows)
            total += counts[_parts(names, [key[name] for name in names])]
        return total

    def _fitting(
        self, key: Mapping[str, str], path: str
    ) -> Iterator[tuple[PictureSet, list[Draft]]]:
        shared = self._names(key)
        if not shared:
            message = f"{path}: shares no named part with the pictures, only {sorted(key)}"
            raise SourceError(message, path=path)
        for number, names in shared:
            pictures = self._groups[number][0]
            index = self._index(number, names)
            fitting = index.get(_parts(names, [key[name] for name in names]))
            if fitting:
                yield pictures, fitting

    def _index(self, number: int, names: Key) -> dict[_Parts, list[Draft]]:
        index = self._indexes.get((number, names))
        if index is None:
            pictures, drafts = self._groups[number]
            index = self._indexes[number, names] = _index(pictures, drafts, names)
        return index

    def _names(self, key: Mapping[str, str]) -> list[tuple[int, Key]]:
        """Say for each group of pictures by which parts the key joins, if by any."""
        parts = tuple(key)
        shared = self._shared.get(parts)
        if shared is None:
            every = [
                (number, tuple(n for n in (*pictures.names, "rank") if n in key))
                for number, (pictures, _) in enumerate(self._groups)
            ]
            shared = self._shared[parts] = [item for item in every if item[1]]
        return shared


_Parts = tuple[str | int, ...]


def _parts(names: Key, values: Sequence[str]) -> _Parts:
    """What is compared: frame and rank as numbers, everything else as text."""
    if not _COUNTED & set(names):
        return tuple(values)
    pairs = zip(names, values, strict=True)
    return tuple([int(v) if n in _COUNTED and v.isdecimal() else v for n, v in pairs])


def _index(pictures: PictureSet, drafts: list[Draft], names: Key) -> dict[_Parts, list[Draft]]:
    own = tuple(name for name in names if name != "rank")
    positions = [pictures.names.index(name) for name in own]
    index: dict[_Parts, list[Draft]] = {}
    for draft in drafts:
        key = _parts(own, [draft.values[i] for i in positions])
        index.setdefault(key if own == names else (*key, draft.rank), []).append(draft)
    return index
