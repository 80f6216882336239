"""What became of boxes and points: each is kept, clipped, or dropped for a reason."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class Fate(enum.IntEnum):
    """What became of one box, oriented box, polygon or point (uint8 in arrays)."""

    KEPT = 0  # whole, or left as it is by the policy "keep"
    CLIPPED = 1  # stays, cut at the frame
    NOT_FINITE = 2  # dropped: NaN or infinite, or beyond float32 once mapped
    MALFORMED = 3  # dropped: x1 < x0 or y1 < y0, or a polygon without vertices
    OUTSIDE = 4  # dropped: nothing of it is in the frame
    HIDDEN = 5  # dropped: less than min_visible of it is in the frame
    SMALL = 6  # dropped: a side of its visible part is below min_size
    CUT = 7  # dropped: the policy is "drop" and it is not wholly inside
    COVERED = 8  # dropped after remapping: too much of it is under rectangles that were cut out


@dataclass(frozen=True)
class Ledger:
    """Counts by fate; ledgers of batches add up to that of an epoch.

    ``total == kept + clipped + dropped`` always, since each input has exactly one fate.

    Attributes:
        counts: Number of inputs of each ``Fate``, in its order.
    """

    counts: tuple[int, ...] = (0,) * len(Fate)

    @classmethod
    def of(cls, fates: NDArray[np.uint8]) -> Ledger:
        """Count the fates that a remapping gave.

        Raises:
            ValueError: A number that is no fate.
        """
        counts = np.bincount(fates, minlength=len(Fate)).tolist()
        if len(counts) > len(Fate):
            raise ValueError(f"fates are 0 to {len(Fate) - 1}, found {len(counts) - 1}")
        return cls(tuple(counts))

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def total(self) -> int:
        """How many went in."""
        return sum(self.counts)

    @property
    def kept(self) -> int:
        """How many stay as they are."""
        return self.counts[Fate.KEPT]

    @property
    def clipped(self) -> int:
        """How many stay, cut at the frame."""
        return self.counts[Fate.CLIPPED]

    @property
    def dropped(self) -> int:
        """How many went."""
        return sum(self.reasons().values())

    def reasons(self) -> dict[str, int]:
        """How many were dropped, by reason (lower-case names of ``Fate``)."""
        return {fate.name.lower(): self.counts[fate] for fate in Fate if fate > Fate.CLIPPED}

    def to_json(self) -> dict[str, int]:
        """All counts by name, and ``total``."""
        named = {"total": self.total, "kept": self.kept, "clipped": self.clipped}
        return named | self.reasons()

    def __str__(self) -> str:
        parts = [f"{count} {name}" for name, count in self.reasons().items() if count]
        why = f" ({', '.join(parts)})" if parts else ""
        stay = f"{self.kept} kept, {self.clipped} clipped"
        return f"{self.total} in: {stay}, {self.dropped} dropped{why}"
