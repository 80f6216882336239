"""Statistics of a source's infrared counts, stored with it as the derived group ``statistics``.

One row a group: all samples of one type of counts (``sequence`` -1), and those of each sequence.
Histograms are sparse: ``offsets`` (rows + 1) into ``histogram/count`` and ``histogram/pixels``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import CorruptStoreError
from irtd_fast.radiometry.statistics import Statistics
from irtd_fast.store.columns import read_column, write_column, write_table
from irtd_fast.store.derived import attach_group
from irtd_fast.store.source import Source

GROUP = "statistics"
WHOLE = -1  # the sequence of a row about the whole source
DTYPES: tuple[Literal["uint8", "uint16"], ...] = ("uint8", "uint16")
PERCENTS = (1.0, 50.0, 99.0)


@dataclass(frozen=True)
class GroupStatistics:
    """Statistics of the samples of one sequence, or of all, that have one type of counts.

    Attributes:
        sequence: Code of the sequence, -1 for the whole source.
        statistics: Of their infrared pictures.
    """

    sequence: int
    statistics: Statistics


class StoredStatistics:
    """What ``irtd stats`` stored with a source.

    Args:
        source: The source.
        groups: Its statistics.
    """

    def __init__(self, source: Source, groups: Sequence[GroupStatistics]) -> None:
        self._source = source
        self.groups = list(groups)
        self._numbers = {
            (group.sequence, group.statistics.dtype): number
            for number, group in enumerate(self.groups)
        }

    def statistics(self, group: int) -> Statistics:
        """Statistics of a group by its number."""
        return self.groups[group].statistics

    def groups_of(self, rows: NDArray[np.int64], *, by_sequence: bool) -> NDArray[np.int64]:
        """Number of the group of each sample.

        Args:
            rows: Rows of samples.
            by_sequence: The group of its sequence, else that of the whole source.

        Raises:
            CorruptStoreError: There is no such group.
        """
        keys = group_keys(self._source)[rows]
        if not by_sequence:
            keys[:, 0] = WHOLE
        numbers = np.empty(len(rows), np.int64)
        for sequence, item in np.unique(keys, axis=0).tolist():
            key = sequence, DTYPES[item]
            if key not in self._numbers:
                path = self._source.path / GROUP
                message = f"{path}: no statistics of {key[1]} samples of sequence {sequence}"
                raise CorruptStoreError(message, path=str(path))
            numbers[(keys == (sequence, item)).all(axis=1)] = self._numbers[key]
        return numbers


def group_keys(source: Source) -> NDArray[np.int64]:
    """(n, 2) per sample: code of its sequence, and 0 for uint8, 1 for uint16 infrared counts."""
    arrays = source.column("samples", "infrared_array").astype(np.int64)
    wide = np.array([info.dtype == "uint16" for info in source.arrays], np.int64)
    sequences = source.column("samples", "sequence").astype(np.int64)
    return np.stack([sequences, wide[arrays] if len(wide) else arrays], axis=1)


def write_statistics(
    store: Path, name: str, groups: Sequence[GroupStatistics], attributes: Mapping[str, Any]
) -> None:
    """Store statistics with a committed source, in one step; see ``attach_group``.

    Args:
        store: The store.
        name: Of the source.
        groups: Its statistics.
        attributes: JSON-able facts about how they were made.
    """
    attach_group(store, name, GROUP, lambda path: _write(path, groups), attributes=attributes)


def _write(path: Path, groups: Sequence[GroupStatistics]) -> None:
    found = [group.statistics for group in groups]
    used = [np.flatnonzero(item.histogram) for item in found]
    offsets = np.concatenate([[0], np.cumsum([len(counts) for counts in used])]).astype(np.uint64)
    percentiles = np.array([item.percentiles(PERCENTS) for item in found]).reshape(-1, 3)
    columns: dict[str, Any] = {
        "sequence": np.array([group.sequence for group in groups], np.int32),
        "itemsize": np.array([np.dtype(item.dtype).itemsize for item in found], np.uint8),
        "images": np.array([item.images for item in found], np.uint64),
        "low": np.array([item.low for item in found], np.uint16),
        "high": np.array([item.high for item in found], np.uint16),
        "mean": np.array([item.mean for item in found], np.float64),
        "std": np.array([item.std for item in found], np.float64),
        "p1": percentiles[:, 0].copy(), "p50": percentiles[:, 1].copy(),
        "p99": percentiles[:, 2].copy(),
    }  # fmt: skip
    write_table(path, columns, "group")
    write_column(path / "offsets", offsets, "group_edge")
    pixels = [item.histogram[counts] for item, counts in zip(found, used, strict=True)]
    values: dict[str, Any] = {
        "count": np.concatenate(used or [np.empty(0, int)]).astype(np.uint16),
        "pixels": np.concatenate(pixels or [np.empty(0, int)]).astype(np.uint64),
    }
    write_table(path / "histogram", values, "count")


def read_statistics(source: Source) -> StoredStatistics:
    """Statistics that ``irtd stats`` stored.

    Raises:
        ValueError: There are none; the command that makes them is named.
        CorruptStoreError: They are damaged.
    """
    path = source.path / GROUP
    if GROUP not in source.attributes.get("derived", {}):
        raise ValueError(f"{source.name} has no stored statistics: run `irtd stats STORE` first")
    names = ("sequence", "itemsize", "images", "offsets", "histogram/count", "histogram/pixels")
    sequence, itemsize, images, offsets, count, pixels = (read_column(path / n) for n in names)
    offsets = offsets.astype(np.int64)
    fits = len(sequence) == len(itemsize) == len(images) == len(offsets) - 1
    fits = fits and len(count) == len(pixels) == (int(offsets[-1]) if len(offsets) else 0)
    if not fits or (np.diff(offsets) < 0).any() or not np.isin(itemsize, (1, 2)).all():
        raise CorruptStoreError(f"{path}: columns that do not fit each other", path=str(path))
    groups = []
    for row, item in enumerate(itemsize.tolist()):
        here = slice(offsets[row], offsets[row + 1])
        histogram = np.zeros(65536, np.uint64)
        histogram[count[here]] = pixels[here]
        size = 256 if item == 1 else 65536
        statistics = Statistics(DTYPES[item - 1], histogram[:size], int(images[row]))
        groups.append(GroupStatistics(int(sequence[row]), statistics))
    return StoredStatistics(source, groups)
