"""A score as sums over samples, so that every number gets an interval the same way.

A scorer gives a row of numbers a sample; metrics are functions of the sums of the rows. The
bootstrap draws samples with replacement and evaluates the same functions of the drawn sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Reduce = Callable[[Floats], Mapping[str, Floats]]
_DISTINCT = 512  # up to so many different rows, counts of rows are drawn instead of rows
_CONFIDENCE = 0.95


@dataclass
class Measures:
    """What a strict scorer found.

    Attributes:
        columns: (n, c) float64, a row a sample.
        reduce: Sums (..., c) -> name of a metric -> values (...).
        parsed: (n,) which answers could be read.
        errors: Number of a sample -> what is wrong with its answer; right ones are not in it.
        unlabelled: Samples whose label cannot be read; their rows are zero.
        extra: Metrics that are no functions of sums; they get no interval.
    """

    columns: Floats
    reduce: Reduce
    parsed: NDArray[np.bool_]
    errors: dict[int, str] = field(default_factory=dict)
    unlabelled: list[int] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)

    def values(self) -> dict[str, float]:
        """Every metric over all samples."""
        sums = self.columns.sum(axis=0)
        found = {name: float(value) for name, value in self.reduce(sums).items()}
        return {**found, **self.extra}


def ratio(part: Floats, whole: Floats, empty: float = np.nan) -> Floats:
    """``part / whole``, and ``empty`` where there is nothing to divide by."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), empty)
    np.divide(part, whole, out=out, where=whole != 0)
    return out


def f1_of(hits: Floats, extra: Floats, missed: Floats) -> dict[str, Floats]:
    """Precision, recall and F1 of counts; 0, not 1, where nothing was predicted."""
    return {
        "precision": ratio(hits, hits + extra, 0.0),
        "recall": ratio(hits, hits + missed, 0.0),
        "f1": ratio(2 * hits, 2 * hits + extra + missed, 0.0),
    }


def bootstrap(
    columns: Floats, reduce: Reduce, *, repeats: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Give 95 % intervals of metrics: percentiles over samples drawn with replacement.

    Efron, 1979. Equal rows are drawn together, as a multinomial count, which has the same
    distribution.

    Args:
        columns: (n, c).
        reduce: As of ``Measures``.
        repeats: Draws; 0 gives no intervals.
        seed: The same seed gives the same intervals.

    Returns:
        Metric -> (low, high); NaN for a metric that is not defined in any draw.
    """
    if repeats <= 0 or not len(columns):
        return {}
    rng = np.random.default_rng(seed)
    distinct, counts = np.unique(columns, axis=0, return_counts=True)
    if len(distinct) <= _DISTINCT:
        weights = rng.multinomial(len(columns), counts / len(columns), size=repeats)
        sums = weights @ distinct
    else:
        sums = np.empty((repeats, columns.shape[1]))
        for number in range(repeats):
            drawn = rng.integers(0, len(columns), len(columns), dtype=np.int32)
            sums[number] = np.bincount(drawn, minlength=len(columns)) @ columns
    edge = 100 * (1 - _CONFIDENCE) / 2
    intervals = {}
    for name, values in reduce(sums).items():
        known = np.asarray(values, np.float64)
        known = known[~np.isnan(known)]
        low, high = np.percentile(known, [edge, 100 - edge]) if known.size else (np.nan, np.nan)
        intervals[name] = (float(low), float(high))
    return intervals
