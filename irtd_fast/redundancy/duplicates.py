"""Groups of duplicates within and across sources, and pictures on both sides of a split."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import CorruptStoreError, DecodeError
from irtd_fast.redundancy.fingerprints import RADIUS, Fingerprints
from irtd_fast.types import Problem

Kind = Literal["exact", "pixels", "near"]
KINDS: tuple[Kind, ...] = ("exact", "pixels", "near")

SAME_LOOKS = 6  # bits; hashes of equal pixels from two encodings differ by no more


@dataclass(frozen=True, slots=True)
class Member:
    """One picture of a group.

    Attributes:
        source: Its source.
        name: Its sample.
        split: Its split, or ``""``.
        kind: How it duplicates the group's first picture: ``exact`` (the same file), ``pixels``
            (the same pixels in another file), ``near``; ``""`` for the first itself.
        distance: Bits by which it looks different.
    """

    source: str
    name: str
    split: str
    kind: str = ""
    distance: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that duplicate the first of them."""

    members: tuple[Member, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources that share it, sorted."""
        return tuple(sorted({member.source for member in self.members}))


@dataclass(frozen=True, slots=True)
class Leak:
    """A picture whose nearest other one is in another split.

    Attributes:
        kind: ``exact``, ``pixels`` or ``near``.
        first: The picture.
        second: The one in the other split.
        distance: Bits by which they look different.
    """

    kind: Kind
    first: Member
    second: Member
    distance: int


@dataclass
class RedundancyReport:
    """What was compared, and what turned out to be redundant.

    Attributes:
        pictures: Pictures by source.
        groups: Groups of two and more, in order of their first pictures.
        leaks: Pictures that another split has, or nearly has.
        radius: Bits of 128 within which pictures count as near; -1 if only files were compared.
        problems: Pictures that could not be compared.
    """

    pictures: dict[str, int]
    groups: list[Group]
    leaks: list[Leak]
    radius: int
    problems: list[Problem] = field(default_factory=list)

    def redundant(self) -> dict[str, dict[str, int]]:
        """Pictures beyond the first of their group, by source and kind."""
        counts: dict[str, dict[str, int]] = {
            source: dict.fromkeys(KINDS, 0) for source in self.pictures
        }
        for group in self.groups:
            for member in group.members[1:]:
                counts[member.source][member.kind] += 1
        return counts

    def leaked(self) -> list[tuple[str, str, str, str, str, int]]:
        """(source, split, other source, other split, kind, pictures), sorted."""
        counts = Counter(
            (leak.first.source, leak.first.split, leak.second.source, leak.second.split, leak.kind)
            for leak in self.leaks
        )
        return [(*key, count) for key, count in sorted(counts.items())]

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {**asdict(self), "redundant": self.redundant(), "leaked": self.leaked()}


def find_duplicates(*prints: Fingerprints, radius: int = RADIUS) -> RedundancyReport:
    """Compare the pictures of one or several sources with one another.

    Args:
        prints: Fingerprints; earlier pictures lead groups.
        radius: Bits of 128 within which pictures count as near; negative compares files only.

    Raises:
        ValueError: Nothing to compare, or two sources of one name.
    """
    names = [p.source for p in prints]
    if not prints or len(set(names)) != len(names):
        raise ValueError(f"expected sources of different names, found {names}")
    return _Search(prints, radius).run()


class _Search:
    def __init__(self, prints: tuple[Fingerprints, ...], radius: int) -> None:
        self.prints = prints
        self.radius = radius
        self.starts = np.cumsum([0, *(len(p) for p in prints)])
        self.digests = np.concatenate([p.digests for p in prints])
        self.looks = np.ascontiguousarray(np.concatenate([p.looks for p in prints]))
        self.splits = [split for p in prints for split in p.splits]
        self.first = first_of_equal(self.digests)
        self._pixels: dict[int, tuple[Any, ...] | None] = {}
        self.problems = [problem for p in prints for problem in p.problems]

    def run(self) -> RedundancyReport:
        groups: dict[int, list[tuple[int, Kind, int]]] = defaultdict(list)
        lead, distance = self._leaders()
        redundant = np.flatnonzero(lead != np.arange(len(lead)))
        self._decode(redundant[distance[redundant] <= SAME_LOOKS], lead)
        for number in redundant.tolist():
            leader, bits = int(lead[number]), int(distance[number])
            groups[leader].append((number, self._kind(number, leader, bits), bits))
        found = [
            Group((self._member(leader), *(self._member(*item) for item in items)))
            for leader, items in sorted(groups.items())
        ]
        pictures = {p.source: len(p) for p in self.prints}
        radius = max(self.radius, -1)
        return RedundancyReport(pictures, found, self._leaks(), radius, self.problems)

    def _leaders(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Leader of each picture: by its file, then by its looks."""
        lead, distance = self.first.copy(), np.zeros(len(self.first), np.int32)
        if self.radius < 0:
            return lead, distance
        alone = np.flatnonzero(self.first == np.arange(len(self.first)))
        near, bits = _core.near_leaders(self.looks[alone], radius=self.radius)
        lead[alone], distance[alone] = alone[near], bits
        return lead[self.first], distance[self.first]  # copies of a file share its leader

    def _kind(self, number: int, other: int, bits: int) -> Kind:
        if self.first[number] == self.first[other]:
            return "exact"
        if bits <= SAME_LOOKS and self._content(number) == self._content(other) is not None:
            return "pixels"
        return "near"

    def _decode(self, numbers: NDArray[np.int64], lead: NDArray[np.int64]) -> None:
        """Decode, over threads, the pictures whose pixels ``_kind`` will compare."""
        both = np.concatenate([numbers, lead[numbers]])
        wanted = both[np.tile(self.first[numbers] != self.first[lead[numbers]], 2)]
        with ThreadPoolExecutor(_core.available_threads()) as pool:
            list(pool.map(self._content, np.unique(self.first[wanted]).tolist()))

    def _content(self, number: int) -> tuple[Any, ...] | None:
        """What tells decoded pictures apart; ``None`` for one that does not decode."""
        key = int(self.first[number])
        if key not in self._pixels:
            part = int(np.searchsorted(self.starts, key, side="right")) - 1
            try:
                image = self.prints[part].pixels(key - int(self.starts[part]))
            except (DecodeError, CorruptStoreError, OSError):
                self._pixels[key] = None  # reported when it was hashed
            else:
                digest = _core.xxh64(np.ascontiguousarray(image))
                self._pixels[key] = (image.shape, str(image.dtype), digest)
        return self._pixels[key]

    def _member(self, number: int, kind: str = "", distance: int = 0) -> Member:
        part = int(np.searchsorted(self.starts, number, side="right")) - 1
        prints, inside = self.prints[part], number - int(self.starts[part])
        return Member(prints.source, prints.names[inside], prints.splits[inside], kind, distance)

    def _leaks(self) -> list[Leak]:
        """For each picture the nearest one of another split that comes later in the alphabet."""
        words = sorted({split for split in self.splits if split})
        codes = np.array([words.index(s) if s else -1 for s in self.splits], np.int64)
        leaks = []
        for code in range(len(words) - 1):
            mine, others = np.flatnonzero(codes == code), np.flatnonzero(codes > code)
            for number, other, bits in self._matches(mine, others):
                kind = self._kind(number, other, bits)
                leaks.append(Leak(kind, self._member(number), self._member(other), bits))
        return leaks

    def _matches(
        self, mine: NDArray[np.int64], others: NDArray[np.int64]
    ) -> list[tuple[int, int, int]]:
        same = dict(zip(self.first[others[::-1]].tolist(), others[::-1].tolist(), strict=True))
        found: dict[int, tuple[int, int]] = {}
        if self.radius >= 0 and len(others):
            index, bits = _core.near_neighbours(
                self.looks[mine], self.looks[others], radius=self.radius
            )
            for at in np.flatnonzero(index >= 0).tolist():
                found[int(mine[at])] = int(others[index[at]]), int(bits[at])
        for number in mine.tolist():
            other = same.get(int(self.first[number]))
            if other is not None:
                found[number] = other, 0
        return [(number, *found[number]) for number in sorted(found)]


def first_of_equal(digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each digest the number of the first equal one; 0 equals none but itself."""
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    result = first[inverse].astype(np.int64)
    unknown = np.flatnonzero(digests == 0)
    result[unknown] = unknown
    return result
