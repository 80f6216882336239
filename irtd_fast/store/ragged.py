"""Ragged columns of many samples at once, gathered without a Python loop over samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.store.source import Source

Array = NDArray[Any]


@dataclass(frozen=True)
class Ragged:
    """Objects or points of a batch.

    Attributes:
        offsets: (samples + 1) int64; those of sample i are ``[offsets[i], offsets[i + 1])``.
        category: Codes in the dataset's vocabulary (int32).
        columns: Further columns by name.
    """

    offsets: NDArray[np.int64]
    category: NDArray[np.int32]
    columns: dict[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]


_OPTIONAL = ("corners",)
_WIDTH = {"box": 4, "corners": 8, "xy": 2}
_DTYPE = {"track": np.int64, "modality": np.uint8, "flags": np.uint16}


def ranges(first: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenate ``arange(first[i], first[i] + lengths[i])`` over all i."""
    total = int(lengths.sum())
    starts = np.cumsum(lengths) - lengths
    return np.repeat(first - starts, lengths) + np.arange(total)


def gather_ragged(
    sources: Sequence[Source],
    to_global: Sequence[NDArray[np.int32]],
    table: str,
    codes: NDArray[np.int16],
    rows: NDArray[np.int64],
    columns: Sequence[str],
) -> Ragged:
    """Collect a ragged table's rows for these samples, in their order.

    Args:
        sources: The sources.
        to_global: Per source: dataset code of each of its categories.
        table: ``objects`` or ``points``.
        codes: Source of each sample.
        rows: Row of each sample in its source.
        columns: Columns wanted; an optional one that a source lacks is NaN.
    """
    first = np.zeros(len(rows), np.int64)
    lengths = np.zeros(len(rows), np.int64)
    present = np.unique(codes).tolist()
    for code in present:
        here = codes == code
        offsets = sources[code].offsets(table)
        first[here] = offsets[rows[here]]
        lengths[here] = offsets[rows[here] + 1] - offsets[rows[here]]
    owner = np.repeat(codes, lengths)
    picks = ranges(first, lengths)
    category = np.empty(len(picks), np.int32)
    out = {name: _empty(name, len(picks)) for name in columns}
    for code in present:
        here = owner == code
        source, mine = sources[code], picks[here]
        category[here] = to_global[code][source.column(table, "category")[mine]]
        for name in columns:
            if name not in _OPTIONAL or source.has_column(table, name):
                out[name][here] = source.column(table, name)[mine]
    all_offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Ragged(all_offsets, category, out)


def _empty(name: str, count: int) -> Array:
    if name in _WIDTH:
        return np.full((count, _WIDTH[name]), np.nan, np.float32)
    return np.zeros(count, _DTYPE[name])
