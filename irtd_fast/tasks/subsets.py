"""Texts of several sources shared out among subsets that have no picture in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source
from irtd_fast.store.text_columns import TextColumns, TextRecord
from irtd_fast.store.texts import StoredTexts, text_builds
from irtd_fast.tasks.assign import Assignment, Candidates, assign, mixed_keys
from irtd_fast.tasks.base import Options
from irtd_fast.tasks.builders import builder_named, needs_pool
from irtd_fast.tasks.engine import Recipe, TextBuilder
from irtd_fast.tasks.groups import identity_marks, sample_groups, sample_keys
from irtd_fast.tasks.quotas import SubsetQuota, TaskQuota


@dataclass
class Shared:
    """Who is asked what in which subset.

    Attributes:
        dataset: All samples of all sources, source by source.
        candidates: What could be asked.
        assignment: What is.
    """

    dataset: Dataset
    candidates: Candidates
    assignment: Assignment

    def of_source(self, code: int) -> NDArray[np.int64]:
        """Dataset numbers of a source's samples, in the order of its rows."""
        return np.flatnonzero(self.dataset.source_codes == code)

    def places(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index of the subset of each sample's group, -1 for none."""
        return self.assignment.of_group[self.candidates.groups[numbers]]


def share_out(
    dataset: Dataset,
    columns: Sequence[TextColumns],
    quotas: Mapping[str, SubsetQuota],
    *,
    seed: int,
    ignore: Iterable[str] = (),
) -> Shared:
    """Decide which sample is asked what in which subset.

    Texts that are stored already stay where they are: their groups belong to their subset.

    Args:
        dataset: All samples of all sources, source by source.
        columns: All texts that each source could have.
        quotas: Of every subset.
        seed: Of the choice.
        ignore: Names of stored texts that are about to be replaced.
    """
    tasks = tuple(dict.fromkeys(task for quota in quotas.values() for task in quota.tasks))
    keys = sorted({source.key for source in dataset.sources})
    codes = np.array([keys.index(s.key) for s in dataset.sources] or [0], np.int64)
    splits, words = _splits(dataset)
    draws, serving = sample_keys(dataset), np.concatenate([serves(c, tasks) for c in columns])
    identities = identity_marks(dataset)
    composed = [t for t, task in enumerate(tasks) if needs_pool(builder_named(task))]
    for number in composed:
        of_all = [quota.tasks.get(tasks[number], TaskQuota(0, {})) for quota in quotas.values()]
        wanted = sum(quota.samples for quota in of_all)
        able = serving[:, number]
        serving[:, number] = spread(able, identities, mixed_keys(draws, seed), wanted)
    candidates = Candidates(
        draws, sample_groups(dataset), codes[dataset.source_codes], keys, splits, words, serving,
        tasks,
    )  # fmt: skip
    pinned = _pinned(dataset, candidates.groups, list(quotas), set(ignore))
    assignment = assign(candidates, quotas, seed=seed, pinned=pinned)
    _lend(candidates, assignment, identities, composed, seed)
    return Shared(dataset, candidates, assignment)


def spread(
    serving: NDArray[np.bool_],
    identities: NDArray[np.int64],
    draws: NDArray[np.uint64],
    wanted: int,
) -> NDArray[np.bool_]:
    """(n,) so many samples of each identity, evenly, that there are as many as wanted.

    Args:
        serving: (n,) which samples could be asked.
        identities: (n,) mark of each sample's identity, -1 for none.
        draws: (n,) random numbers by which they are chosen.
        wanted: How many samples are wanted of all.
    """
    able = np.flatnonzero(serving & (identities >= 0))
    order = able[np.lexsort((draws[able], identities[able]))]
    starts = np.concatenate([[True], np.diff(identities[order]) != 0])[: len(order)]
    rank = np.arange(len(order)) - np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    least = np.bincount(rank).cumsum()  # samples there are with 1, 2, 3 ... of each identity
    most = int(np.searchsorted(least, wanted)) + 1
    out = serving & (identities < 0)
    out[order[rank < most]] = True
    return out


def _lend(
    candidates: Candidates,
    assignment: Assignment,
    identities: NDArray[np.int64],
    composed: Sequence[int],
    seed: int,
) -> None:
    """Give identities that no subset needs to those that compose pictures of them.

    A grid shows seven identities of one split, so that a subset of few questions would have none
    to show. Each such group goes to the subset that has the fewest of its source and split.
    """
    place = assignment.of_group[candidates.groups]
    asked = assignment.chosen[:, list(composed)].any(axis=1) & (place >= 0)
    where = list(zip(candidates.sources.tolist(), candidates.splits.tolist(), strict=True))
    people: dict[tuple[int, int], dict[int, int]] = {}
    for i in np.flatnonzero(asked).tolist():
        people.setdefault(where[i], {}).setdefault(int(place[i]), 0)
    _, first = np.unique(identities, return_index=True)
    for i in first[identities[first] >= 0].tolist():
        if place[i] in people.get(where[i], {}):
            people[where[i]][int(place[i])] += 1
    spare = np.flatnonzero((identities >= 0) & (place < 0))
    spare = spare[np.argsort(mixed_keys(candidates.keys[spare], seed), kind="stable")]
    torn = set(assignment.torn)
    for i in spare.tolist():
        group, takers = int(candidates.groups[i]), people.get(where[i])
        if takers and assignment.of_group[group] < 0 and group not in torn:
            taker = min(takers, key=lambda subset: (takers[subset], subset))
            assignment.of_group[group] = taker
            takers[taker] += 1


def serves(columns: TextColumns, tasks: Sequence[str]) -> NDArray[np.bool_]:
    """(samples, tasks) which samples have a text of which task."""
    out = np.zeros((columns.samples, len(tasks)), bool)
    numbers = {task: number for number, task in enumerate(tasks)}
    column = columns.strings["task"]
    place = np.array([numbers.get(word, -1) for word in column.words] or [-1], np.int64)
    owner = np.repeat(np.arange(columns.samples), np.array(columns.lengths, np.int64))
    task = place[column.numbers()]
    out[owner[task >= 0], task[task >= 0]] = True
    return out


def _splits(dataset: Dataset) -> tuple[NDArray[np.int64], list[str]]:
    """Code of each sample's split in common words."""
    words = sorted({word for source in dataset.sources for word in source.splits})
    codes = np.zeros(len(dataset), np.int64)
    for code, source in enumerate(dataset.sources):
        here = dataset.source_codes == code
        mine = np.array([words.index(word) for word in source.splits] or [0], np.int64)
        codes[here] = mine[source.column("samples", "split")[dataset.rows[here]]]
    return codes, words


def _pinned(
    dataset: Dataset, groups: NDArray[np.int64], subsets: list[str], ignore: set[str]
) -> list[NDArray[np.int64]]:
    """For each subset: groups that have stored texts of it."""
    found: list[list[NDArray[np.int64]]] = [[np.empty(0, np.int64)] for _ in subsets]
    for code, source in enumerate(dataset.sources):
        mine = groups[dataset.source_codes == code]
        for name in text_builds(source) if len(mine) else ():
            if name in ignore:
                continue
            for subset, rows in subset_rows(StoredTexts(source, name)).items():
                if subset in subsets:
                    found[subsets.index(subset)].append(mine[rows])
    return [np.concatenate(parts) for parts in found]


def subset_rows(texts: StoredTexts) -> dict[str, NDArray[np.int64]]:
    """Rows of the samples that the texts of each subset show, alone or in a grid."""
    words, codes = texts.words("subset")
    owner = np.repeat(np.arange(len(texts.source)), np.diff(texts.offsets))
    provenance, which = texts.words("provenance")
    found = {}
    for code, word in enumerate(words):
        mine = np.unique(which[codes == code]).tolist() if word else []
        if mine:
            others = grid_rows(provenance[i] for i in mine)
            rows = np.concatenate([owner[codes == code], np.array(others, np.int64)])
            found[word] = np.unique(rows[(rows >= 0) & (rows < len(texts.source))])
    return found


def grid_rows(provenances: Iterable[str]) -> list[int]:
    """Rows of all samples that the grids of texts show.

    Args:
        provenances: Of the texts, as JSON.
    """
    rows: list[int] = []
    for provenance in provenances:
        if '"grid"' in provenance:
            grid = json.loads(provenance)["grid"]
            rows += grid["rows"]
    return rows


def select(
    shared: Shared,
    code: int,
    source: Source,
    columns: TextColumns,
    wanted: Iterable[str],
    options: Options,
) -> TextColumns:
    """The chosen texts of a source's samples.

    Args:
        shared: Who is asked what.
        code: Of the source in the dataset.
        source: The source.
        columns: All texts that it could have.
        wanted: Names of the subsets whose texts are wanted.
        options: How texts were built; those that are made of several samples are built again, of
            samples of the same subset alone.
    """
    names, tasks = shared.assignment.subsets, shared.candidates.tasks
    numbers = shared.of_source(code)
    places = shared.places(numbers)
    places[~np.isin(places, [names.index(name) for name in wanted])] = -1
    chosen = shared.assignment.chosen[numbers]
    pooled = _pooled(shared, places, chosen, source, options)
    composed = {task for task in tasks if needs_pool(builder_named(task))}
    out = TextColumns()
    of_task = {task: number for number, task in enumerate(tasks)}
    for row, (place, texts) in enumerate(zip(places.tolist(), columns.by_sample(), strict=True)):
        if place < 0:
            out.add(())
            continue
        mine = chosen[row]
        kept = [t for t in texts if mine[of_task[t.task]] and t.task not in composed]
        kept += pooled.get(row, [])
        out.add([text._replace(subset=names[place]) for text in kept])
    return out


def _pooled(
    shared: Shared,
    places: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    source: Source,
    options: Options,
) -> dict[int, list[TextRecord]]:
    """Texts made of several samples, by row: all of one subset."""
    tasks = shared.candidates.tasks
    composed = [t for t, task in enumerate(tasks) if needs_pool(builder_named(task))]
    found: dict[int, list[TextRecord]] = {}
    for task in composed:
        builder = TextBuilder(Recipe(source.path, (tasks[task],), options))
        for place in np.unique(places[chosen[:, task]]).tolist():
            if place >= 0:
                rows = np.flatnonzero(chosen[:, task] & (places == place))
                made = builder.within(rows, np.flatnonzero(places == place))
                for row, texts in zip(rows.tolist(), made, strict=True):
                    found.setdefault(row, []).extend(texts)
    return found
