"""Statistics of a source, streamed over all of its infrared pictures on all cores."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import CorruptStoreError
from irtd_fast.radiometry.statistics import Statistics
from irtd_fast.store.dataset import Dataset, open_store
from irtd_fast.store.statistics import (
    DTYPES,
    PERCENTS,
    WHOLE,
    GroupStatistics,
    group_keys,
    write_statistics,
)

_CHUNK = 512  # samples between two reports of progress


@dataclass
class StatisticsReport:
    """What was measured of a source.

    Attributes:
        source: Its name.
        groups: Statistics by type of counts: of all samples, then of each sequence.
        sequences: Words of the sequences, by code.
        samples: Samples read.
        seconds: It took.
        written: True if they are stored now.
    """

    source: str
    groups: list[GroupStatistics]
    sequences: list[str]
    samples: int = 0
    seconds: float = 0.0
    written: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "source": self.source, "samples": self.samples, "seconds": self.seconds,
            "written": self.written, "groups": self.rows,
        }  # fmt: skip


def measure_source(
    store: Path,
    name: str,
    *,
    threads: int = 0,
    dry_run: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> StatisticsReport:
    """Histogram every infrared picture of a source and store what they say.

    Args:
        store: The store.
        name: Of the source.
        threads: Native threads; 0 takes the default of reads.
        dry_run: Store nothing.
        progress: Called with (phase, done, total).

    Raises:
        CorruptStoreError: A sample cannot be read; it is named, nothing is stored.
        StoreBusyError: Another process writes the source.
    """
    started = time.perf_counter()
    dataset = open_store(store).filter(source=name)
    source = dataset.sources[int(dataset.source_codes[0])] if len(dataset) else None
    if source is None:
        return StatisticsReport(name, [], [])
    keys = group_keys(source)[dataset.rows]
    known, group = np.unique(keys, axis=0, return_inverse=True)
    sizes = [256 if item == 0 else 65536 for item in known[:, 1].tolist()]
    totals = _histograms(dataset, group.reshape(-1).astype(np.int32), sizes, threads, progress)
    images = np.bincount(group.reshape(-1), minlength=len(known))
    groups = _groups(known, totals, images)
    words = list(source.attributes.get("sequences", []))
    report = StatisticsReport(name, groups, words, len(dataset))
    report.rows = [_row(item, words) for item in groups]
    if not dry_run:
        facts = {"samples": len(dataset), "groups": len(groups), "modality": "infrared"}
        write_statistics(Path(store), name, groups, facts)
        report.written = True
    report.seconds = time.perf_counter() - started
    return report


def _histograms(
    dataset: Dataset, group: NDArray[np.int32], sizes: list[int], threads: int,
    progress: Callable[[str, int, int], None],
) -> list[NDArray[np.uint64]]:  # fmt: skip
    """Histogram of each group, a chunk of samples at a time."""
    totals = [np.zeros(size, np.uint64) for size in sizes]
    codes, rows = dataset.locate()
    for first in range(0, len(dataset), _CHUNK):
        here = slice(first, first + _CHUNK)
        used, local = np.unique(group[here], return_inverse=True)
        try:
            found = dataset.pipeline.histograms(
                codes[here], rows[here], local.reshape(-1).astype(np.int32), len(used),
                threads=threads,
            )  # fmt: skip
        except CorruptStoreError as error:
            number = first + int(error.where.get("row", 0))
            sample = dataset[number].id
            where = {**error.where, "sample": sample}
            raise CorruptStoreError(f"sample {sample}: {error}", **where) from error
        for number, histogram in zip(used.tolist(), found, strict=True):
            totals[number] += histogram[: sizes[number]]
        progress(f"statistics {dataset[0].source}", min(first + _CHUNK, len(dataset)), len(dataset))
    return totals


def _groups(
    known: NDArray[np.int64], totals: list[NDArray[np.uint64]], images: NDArray[np.int64]
) -> list[GroupStatistics]:
    """For each type of counts: all samples, then each sequence."""
    groups = []
    for item, dtype in enumerate(DTYPES):
        here = np.flatnonzero(known[:, 1] == item)
        if not len(here):
            continue
        parts = [Statistics(dtype, totals[i], int(images[i])) for i in here.tolist()]
        whole = parts[0]
        for part in parts[1:]:
            whole = whole + part
        groups.append(GroupStatistics(WHOLE, whole))
        sequences = known[here, 0].tolist()
        groups += [GroupStatistics(s, part) for s, part in zip(sequences, parts, strict=True)]
    return groups


def _row(group: GroupStatistics, words: list[str]) -> dict[str, Any]:
    found = group.statistics
    p1, p50, p99 = found.percentiles(PERCENTS)
    return {
        "sequence": None if group.sequence == WHOLE else words[group.sequence],
        "dtype": found.dtype, "images": found.images, "pixels": found.pixels, "low": found.low,
        "high": found.high, "mean": found.mean, "std": found.std, "p1": p1, "p50": p50, "p99": p99,
    }  # fmt: skip
