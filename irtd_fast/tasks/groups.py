"""Samples that must stay together: the same picture, the same sequence, the same identity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.store.dataset import Dataset


def sample_keys(dataset: Dataset) -> NDArray[np.uint64]:
    """XXH64 of ``key/name`` of each sample: the same in whatever store the sample is."""
    keys = np.empty(len(dataset), np.uint64)
    for code, source in enumerate(dataset.sources):
        here = np.flatnonzero(dataset.source_codes == code)
        if len(here):
            names, prefix = source.names(), f"{source.key}/"
            keys[here] = [
                _core.xxh64(f"{prefix}{names[row]}".encode("utf-8", "surrogatepass"))
                for row in dataset.rows[here].tolist()
            ]
    return keys


def connected(count: int, relations: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Groups of things that share a mark in any relation, directly or through others.

    Args:
        count: How many things there are.
        relations: Each (count,) marks; things with the same mark belong together, -1 is no mark.

    Returns:
        (count,) numbers of groups, from 0.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, columns, first = [], [], count
    for marks in relations:
        has = np.flatnonzero(marks >= 0)
        _, codes = np.unique(marks[has], return_inverse=True)
        rows.append(has)
        columns.append(codes.reshape(-1) + first)
        first += int(codes.max(initial=-1)) + 1
    row, column = (np.concatenate(parts or [np.empty(0, int)]) for parts in (rows, columns))
    graph = coo_array((np.ones(len(row), np.int8), (row, column)), shape=(first, first))
    _, labels = connected_components(graph, directed=False)
    _, groups = np.unique(labels[:count], return_inverse=True)
    return groups.reshape(-1).astype(np.int64)


def digest_marks(dataset: Dataset) -> NDArray[np.int64]:
    """A mark for each infrared picture file's content, -1 where its digest is unknown."""
    digests = dataset.column("infrared_digest").astype(np.uint64)
    _, marks = np.unique(digests, return_inverse=True)
    return np.where(digests == 0, -1, marks.reshape(-1)).astype(np.int64)


def sequence_marks(dataset: Dataset) -> NDArray[np.int64]:
    """A mark for each sequence of each source, by catalogue key; -1 for samples of none."""
    marks = np.full(len(dataset), -1, np.int64)
    known: dict[tuple[str, str], int] = {}
    for code, source in enumerate(dataset.sources):
        here = np.flatnonzero(dataset.source_codes == code)
        if len(here):
            key, words = source.key, source.attributes.get("sequences", [])
            mine = [-1 if not w else known.setdefault((key, w), len(known)) for w in words]
            codes = source.column("samples", "sequence")[dataset.rows[here]]
            marks[here] = np.array(mine or [-1], np.int64)[codes]
    return marks


def identity_marks(dataset: Dataset) -> NDArray[np.int64]:
    """A mark for each identity of each source, by catalogue key; -1 for samples of none."""
    identities = dataset.column("identity").astype(np.int64)
    numbers = {key: i for i, key in enumerate(sorted({s.key for s in dataset.sources}))}
    of_source = np.array([numbers[s.key] for s in dataset.sources] or [0], np.int64)
    pairs = np.stack([of_source[dataset.source_codes], identities], axis=1)
    _, marks = np.unique(pairs, axis=0, return_inverse=True)
    return np.where(identities < 0, -1, marks.reshape(-1)).astype(np.int64)


def sample_groups(dataset: Dataset) -> NDArray[np.int64]:
    """Number of the group of each sample: no two subsets may share one.

    Samples belong together if their infrared files have the same content, if they are frames of
    the same sequence, or if they show the same identity, in whatever store they are.
    """
    relations = [digest_marks(dataset), sequence_marks(dataset), identity_marks(dataset)]
    return connected(len(dataset), relations)
