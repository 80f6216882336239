"""What the good pairs of a source agree on: the matrix of a fixed camera rig."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irtd_fast.geometry.align import PairAlignment
from irtd_fast.geometry.align_model import Float

_LEAST_PAIRS = 5
_LARGEST_SPREAD = 0.03  # of the visible diagonal


@dataclass(frozen=True)
class Rig:
    """A rig that pairs agree on.

    Attributes:
        matrix: (2, 3) float64, infrared to visible pixel edges.
        pairs: Good pairs it rests on.
        spread: Median distance of their mapped frame corners from the rig's, visible pixels.
    """

    matrix: Float
    pairs: int
    spread: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {"matrix": self.matrix.tolist(), "pairs": self.pairs, "spread": self.spread}


def find_rig(
    alignments: Sequence[PairAlignment],
    infrared_sizes: Sequence[tuple[int, int]],
    visible_sizes: Sequence[tuple[int, int]],
) -> Rig | None:
    """Find the matrix that good alignments share.

    Each good pair maps the corners of its infrared frame; the median of each mapped corner over
    the pairs of the most frequent frame sizes gives the rig.

    Returns:
        ``None`` with fewer than 5 good pairs of one pair of sizes, or if they differ by more than
        3 % of the visible diagonal in the median: then the cameras moved or the pictures were cut
        one by one.

    Raises:
        ValueError: Not one of each size for every alignment.
    """
    counts = len(alignments), len(infrared_sizes), len(visible_sizes)
    if len(set(counts)) != 1:
        raise ValueError(f"alignments and sizes must be as many, found {counts}")
    groups: dict[tuple[tuple[int, int], tuple[int, int]], list[Float]] = {}
    for item, own, other in zip(alignments, infrared_sizes, visible_sizes, strict=True):
        if item.verdict == "good":
            groups.setdefault((own, other), []).append(item.matrix)
    if not groups:
        return None
    (own, other), matrices = max(groups.items(), key=lambda entry: len(entry[1]))
    if len(matrices) < _LEAST_PAIRS:
        return None
    height, width = own
    corners = np.array([[0.0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]])
    mapped = np.einsum("kij,cj->kci", np.stack(matrices), corners)
    middle = np.median(mapped, axis=0)
    spread = float(np.median(np.linalg.norm(mapped - middle, axis=2).max(axis=1)))
    if spread > _LARGEST_SPREAD * math.dist((0, 0), other):
        return None
    matrix = np.linalg.lstsq(corners, middle, rcond=None)[0].T
    return Rig(np.ascontiguousarray(matrix), len(matrices), spread)
