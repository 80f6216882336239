"""One-to-one matching of two sets by a score: best overall, or greedy from the best pair down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Matches:
    """Pairs of a matching, each row and column in at most one of them.

    Attributes:
        rows: (k,) int64, ascending.
        columns: (k,) int64.
        scores: (k,) float64.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)


def _open_pairs(
    scores: ArrayLike, at_least: float, allowed: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    matrix = np.asarray(scores, np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"scores must be (n, m), found shape {matrix.shape}")
    usable = (matrix >= at_least) & np.isfinite(matrix)
    if allowed is not None:
        mask = np.asarray(allowed, bool)
        if mask.shape != matrix.shape:
            raise ValueError(f"allowed must have the shape {matrix.shape}, found {mask.shape}")
        usable &= mask
    return matrix, usable


def match_best(
    scores: ArrayLike, *, at_least: float = 0.5, allowed: ArrayLike | None = None
) -> Matches:
    """As many pairs as there can be, and among such matchings the one of the largest total score.

    The assignment problem (Kuhn, 1955), by ``scipy.optimize.linear_sum_assignment``.

    Args:
        scores: (n, m), larger is better; NaN and infinity never match. For distances pass their
            negatives, and the negative gate as ``at_least``.
        at_least: Smallest score of a pair.
        allowed: (n, m) booleans, for instance ``categories_a[:, None] == categories_b``.

    Raises:
        ValueError: Shapes that do not fit.
    """
    from scipy.optimize import linear_sum_assignment

    matrix, usable = _open_pairs(scores, at_least, allowed)
    gain = np.zeros(matrix.shape)
    if usable.any():
        halves = matrix[usable] / 2  # whose differences are finite
        low, high = halves.min(), halves.max()
        span = high - low if high > low else 1.0
        # One more pair always outweighs all differences of scores together.
        gain[usable] = min(matrix.shape) + 1 + (halves - low) / span
    rows, columns = linear_sum_assignment(gain, maximize=True)
    real = usable[rows, columns]
    rows, columns = rows[real].astype(np.int64), columns[real].astype(np.int64)
    return Matches(rows, columns, matrix[rows, columns])


def match_greedy(
    scores: ArrayLike, *, at_least: float = 0.5, allowed: ArrayLike | None = None
) -> Matches:
    """The best pair first, then the best among what is left, and so on.

    Of equal scores the smaller row goes first, then the smaller column. Arguments as
    ``match_best``.
    """
    matrix, usable = _open_pairs(scores, at_least, allowed)
    rows, columns = np.nonzero(usable)
    order = np.argsort(-matrix[rows, columns], kind="stable")
    taken_rows: set[int] = set()
    taken_columns: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken_rows and column not in taken_columns:
            taken_rows.add(row)
            taken_columns.add(column)
            pairs.append((row, column))
    found = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return Matches(found[:, 0], found[:, 1], matrix[found[:, 0], found[:, 1]])
