"""Which group of samples goes to which subset, and which of its samples are asked what.

Groups are walked in a random order that depends on the seed and on nothing else (large ones first,
since they are the hard ones to place), three times: first each subset takes what it prefers up to
its fair part, then anything up to its fair part, then what is left up to its quotas. The fair part
is the quota where there are samples enough, and the same share of it for all subsets where there
are not. Of the tasks that a group can serve, the one with the fewest samples decides where it goes:
to the subset that misses the largest share of that task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from irtd_fast.tasks.quotas import SubsetQuota, TaskQuota

NOWHERE = -1


@dataclass(frozen=True)
class Candidates:
    """What subsets are drawn from.

    Attributes:
        keys: (n,) uint64 of each sample, the same wherever it is stored.
        groups: (n,) number of each sample's group; a group is never divided.
        sources: (n,) index of each sample's source in ``source_words``.
        source_words: Catalogue keys.
        splits: (n,) index of each sample's split in ``split_words``.
        split_words: Words of the splits.
        serves: (n, tasks) which tasks each sample has a text of.
        tasks: Names of the tasks.
    """

    keys: NDArray[np.uint64]
    groups: NDArray[np.int64]
    sources: NDArray[np.int64]
    source_words: Sequence[str]
    splits: NDArray[np.int64]
    split_words: Sequence[str]
    serves: NDArray[np.bool_]
    tasks: Sequence[str]


@dataclass
class Bucket:
    """An open quota.

    Attributes:
        quota: Samples wanted.
        open: Samples still missing.
    """

    quota: int
    open: int = 0

    def __post_init__(self) -> None:
        """All of it is open."""
        self.open = self.quota


@dataclass
class Assignment:
    """Who went where.

    Attributes:
        subsets: Names of the subsets.
        of_group: (groups,) index into ``subsets``, -1 for a group that no subset needs.
        chosen: (n, tasks) true where a sample is asked about a task, in the subset of its group.
        torn: Groups that earlier texts put into two subsets; they are in none now.
    """

    subsets: list[str]
    of_group: NDArray[np.int64]
    chosen: NDArray[np.bool_]
    torn: list[int] = field(default_factory=list)


class _Needs:
    """Open quotas of one subset.

    Attributes:
        quota: As asked.
        buckets: By (task, source): what may be taken, the source's own part first.
        fair: By (task, source): how much of that is fair to take before others had their turn.
        room: Samples that are fair to take in all.
    """

    def __init__(
        self, quota: SubsetQuota, candidates: Candidates, supply: NDArray[np.int64]
    ) -> None:
        self.quota = quota
        self.buckets: dict[tuple[int, int], list[Bucket]] = {}
        self.fair: dict[tuple[int, int], Bucket] = {}
        self.room = 0
        self.wanted = np.zeros(supply.shape)  # (tasks, sources): how much where, if all goes well
        for number, task in enumerate(candidates.tasks):
            if task in quota.tasks:
                self._add(number, quota.tasks[task], candidates.source_words, supply[number])

    def _add(
        self, task: int, quota: TaskQuota, words: Sequence[str], there: NDArray[np.int64]
    ) -> None:
        """Buckets of a task: one a source named, one for what is left to all."""
        named = {
            code: Bucket(min(quota.sources[word], int(there[code])))
            for code, word in enumerate(words)
            if word in quota.sources
        }
        rest = Bucket(quota.samples - sum(bucket.quota for bucket in named.values()))
        own = np.array([named[c].quota if c in named else 0 for c in range(len(words))])
        left = there - own
        for code in range(len(words)):
            mine = [named[code]] if code in named else []
            self.buckets[task, code] = [*mine, rest] if quota.fill else mine
        share = rest.quota * quota.fill / max(1, int(left.sum()))
        self.wanted[task] = own + left * share

    def share(self, key: tuple[int, int], *, fair: bool) -> float:
        """Open share of a quota, or of the fair part of it; 0 if nothing is open."""
        if fair and (self.room <= 0 or self.fair[key].open <= 0):
            return 0.0
        for bucket in self.buckets[key]:
            if bucket.open > 0:
                chosen = self.fair[key] if fair else bucket
                return chosen.open / chosen.quota
        return 0.0

    def take(self, key: tuple[int, int]) -> bool:
        """Use one sample for a task; false if none is wanted any more."""
        for bucket in self.buckets.get(key, ()):
            if bucket.open > 0:
                bucket.open -= 1
                self.fair[key].open -= 1
                return True
        return False


def _make_needs(quotas: Mapping[str, SubsetQuota], candidates: Candidates) -> list[_Needs]:
    """Open quotas of all subsets, and what is fair.

    Where a task has fewer samples than all subsets want, each can have the same share of its wish.
    A sample serves several tasks of a subset at once, so a subset needs as many samples of a source
    as its greatest wish; where all subsets together need more than there are, all wishes shrink.
    """
    supply = _supply(candidates)
    needs = [_Needs(quota, candidates, supply) for quota in quotas.values()]
    wanted = np.stack([need.wanted for need in needs])
    total = wanted.sum(axis=0)
    wanted *= np.minimum(1.0, supply / np.maximum(total, 1e-9))
    there = np.bincount(candidates.sources, minlength=len(candidates.source_words))
    needed = wanted.max(axis=1).sum(axis=0)
    wanted *= np.minimum(1.0, there / np.maximum(needed, 1e-9))
    for need, mine in zip(needs, np.ceil(wanted - 1e-9).astype(np.int64), strict=True):
        need.fair = {(task, code): Bucket(int(mine[task, code])) for task, code in need.buckets}
        need.room = int(mine.max(axis=0).sum())
    return needs


def _supply(candidates: Candidates) -> NDArray[np.int64]:
    """(tasks, sources) how many samples could serve each task."""
    count = len(candidates.source_words)
    return np.stack(
        [
            np.bincount(candidates.sources[candidates.serves[:, t]], minlength=count)
            for t in range(len(candidates.tasks))
        ]
        or [np.zeros(count, np.int64)]
    )


def mixed_keys(keys: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Random numbers that depend on the key of a sample and the seed alone (SplitMix64)."""
    x = keys + np.uint64((0x9E3779B97F4A7C15 * (2 * seed + 1)) & 0xFFFFFFFFFFFFFFFF)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), np.uint64)


def assign(
    candidates: Candidates,
    quotas: Mapping[str, SubsetQuota],
    *,
    seed: int = 0,
    pinned: Sequence[NDArray[np.int64]] = (),
) -> Assignment:
    """Share groups out among subsets.

    Args:
        candidates: The samples.
        quotas: Of every subset there is, also of those that are not wanted now: who goes to one
            depends on all of them, so that they may be built one by one.
        seed: Of the order in which groups are placed.
        pinned: For each subset, in the order of ``quotas``: groups that are in it already.

    Returns:
        Who went where. No group is in two subsets.
    """
    walk = _Walk(candidates, _make_needs(quotas, candidates), seed)
    torn = walk.pin(pinned)
    for fair, preferred in ((True, True), (True, False), (False, False)):
        for group in walk.order:
            if walk.of_group[group] == NOWHERE and group not in torn:
                walk.place(group, fair=fair, preferred=preferred)
    return Assignment(list(quotas), walk.of_group, walk.chosen, sorted(torn))


class _Walk:
    """The state of sharing out: members of each group, and who went where so far."""

    def __init__(self, candidates: Candidates, needs: Sequence[_Needs], seed: int) -> None:
        self.needs = needs
        count = int(candidates.groups.max(initial=-1)) + 1
        self.of_group = np.full(count, NOWHERE, np.int64)
        self.chosen = np.zeros_like(candidates.serves)
        draws = mixed_keys(candidates.keys, seed)
        by_group = np.lexsort((draws, candidates.groups))
        sizes = np.bincount(candidates.groups, minlength=count)
        self.edges = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        self.members: list[int] = by_group.tolist()
        first = draws[by_group[np.asarray(self.edges[:-1], np.int64)]]  # the least of each group
        octave = np.frexp(sizes.astype(np.float64))[1]
        self.order: list[int] = np.lexsort((first, -octave)).tolist()
        self.rank: list[int] = _supply(candidates).sum(axis=1).argsort(kind="stable").tolist()
        self.keys = _keys(candidates, self.rank)
        words = [candidates.split_words[code] for code in candidates.splits.tolist()]
        self.splits: list[str] = words
        self._takers: dict[tuple[frozenset[str], bool], list[tuple[int, _Needs]]] = {}

    def of(self, group: int) -> list[int]:
        """Samples of a group, in random order."""
        return self.members[self.edges[group] : self.edges[group + 1]]

    def pin(self, pinned: Sequence[NDArray[np.int64]]) -> set[int]:
        """Put groups where they are already; gives those that are in two places."""
        places: dict[int, set[int]] = {}
        for subset, groups in enumerate(pinned):
            for group in np.unique(groups).tolist():
                places.setdefault(group, set()).add(subset)
        torn = {group for group, subsets in places.items() if len(subsets) > 1}
        for group in self.order:
            if group in places and group not in torn:
                self._put(group, next(iter(places[group])))
        return torn

    def place(self, group: int, *, fair: bool, preferred: bool) -> None:
        """Put a group where the most is missing of what it is needed for most."""
        members = self.of(group)
        takers = self._who_takes(frozenset([self.splits[i] for i in members]), preferred=preferred)
        for key in self._served(members) if takers else ():
            best, number = 0.0, NOWHERE
            for i, needs in takers:
                if key in needs.buckets and (share := needs.share(key, fair=fair)) > best:
                    best, number = share, i
            if number != NOWHERE:
                self._put(group, number)
                return

    def _served(self, members: list[int]) -> list[tuple[int, int]]:
        """(task, source) that these samples can serve, the rarest task first."""
        if len(members) == 1:
            return self.keys[members[0]]
        served = {key for i in members for key in self.keys[i]}
        return sorted(served, key=lambda key: (self.rank.index(key[0]), key[1]))

    def _who_takes(self, splits: frozenset[str], *, preferred: bool) -> list[tuple[int, _Needs]]:
        """Subsets that take samples of these splits."""
        key = splits, preferred
        if key not in self._takers:
            self._takers[key] = [
                (number, needs)
                for number, needs in enumerate(self.needs)
                if _takes(needs.quota, splits, preferred=preferred)
            ]
        return self._takers[key]

    def _put(self, group: int, subset: int) -> None:
        self.of_group[group] = subset
        needs = self.needs[subset]
        members = self.of(group)
        needs.room -= len(members)
        for sample in members:
            for key in self.keys[sample]:
                if needs.take(key):
                    self.chosen[sample, key[0]] = True


def _keys(candidates: Candidates, rank: Sequence[int]) -> list[list[tuple[int, int]]]:
    """For each sample: (task, source) that it can serve, the rarest task first."""
    known = [
        [(task, code) for code in range(len(candidates.source_words))]
        for task in range(len(candidates.tasks))
    ]
    keys: list[list[tuple[int, int]]] = [[] for _ in range(len(candidates.serves))]
    sources = candidates.sources.tolist()
    for task in rank:
        for sample in np.flatnonzero(candidates.serves[:, task]).tolist():
            keys[sample].append(known[task][sources[sample]])
    return keys


def _takes(quota: SubsetQuota, splits: frozenset[str], *, preferred: bool) -> bool:
    """True if a subset takes samples of these splits."""
    if quota.splits and not splits <= set(quota.splits):
        return False
    return not preferred or not quota.prefer or splits <= set(quota.prefer)
