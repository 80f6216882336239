"""Texts of several sources shared out among subsets that have no picture in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source
from irtd_fast.store.text_columns import TextColumns, TextRecord
from irtd_fast.store.texts import StoredTexts, text_builds
from irtd_fast.tasks.assign import Assignment, Candidates, assign
from irtd_fast.tasks.base import Options
from irtd_fast.tasks.builders import builder_named, needs_pool
from irtd_fast.tasks.engine import Recipe, TextBuilder
from irtd_fast.tasks.groups import sample_groups, sample_keys
from irtd_fast.tasks.quotas import SubsetQuota


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
    candidates = Candidates(
        sample_keys(dataset), sample_groups(dataset), codes[dataset.source_codes], keys, splits,
        words, np.concatenate([serves(c, tasks) for c in columns]), tasks,
    )  # fmt: skip
    pinned = _pinned(dataset, candidates.groups, list(quotas), set(ignore))
    return Shared(dataset, candidates, assign(candidates, quotas, seed=seed, pinned=pinned))


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
    """Rows of the samples that have texts of each subset."""
    words, codes = texts.words("subset")
    owner = np.repeat(np.arange(len(texts.source)), np.diff(texts.offsets))
    return {
        word: np.unique(owner[codes == code])
        for code, word in enumerate(words)
        if word and (codes == code).any()
    }


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
