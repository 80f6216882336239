"""Which samples a rank sees in an epoch, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.random import permutation

Order = Literal["random", "sequential"]


@dataclass(frozen=True)
class Sampler:
    """A pure function of (seed, epoch): the same on every rank, cut into equal parts.

    Attributes:
        count: Samples of the dataset.
        batch_size: Samples of a batch.
        order: ``random`` (a true permutation) or ``sequential``.
        seed: Of the run.
        rank: Of this process.
        world_size: Processes that share an epoch.
        drop_last: Drop what does not fill a batch on every rank; otherwise ranks are made equally
            long by wrapping round, and the last batch may be short.
    """

    count: int
    batch_size: int
    order: Order = "random"
    seed: int = 0
    rank: int = 0
    world_size: int = 1
    drop_last: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be positive, found {self.batch_size}")
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"need 0 <= rank < world_size, found {self.rank}, {self.world_size}")
        if self.order not in ("random", "sequential"):
            raise ValueError(f"order must be random or sequential, found {self.order!r}")

    @property
    def samples_per_rank(self) -> int:
        """Samples that every rank sees in an epoch."""
        if self.drop_last:
            whole = self.count // (self.world_size * self.batch_size)
            return whole * self.batch_size
        return -(-self.count // self.world_size)

    def __len__(self) -> int:
        """Batches of an epoch, the same on every rank."""
        return (self.samples_per_rank + self.batch_size - 1) // self.batch_size

    def epoch_order(self, epoch: int) -> NDArray[np.int64]:
        """Dataset numbers that this rank sees, in order."""
        if self.order == "random":
            order = permutation(self.seed, epoch, self.count)
        else:
            order = np.arange(self.count, dtype=np.int64)
        total = self.samples_per_rank * self.world_size
        if total > self.count:
            order = np.resize(order, total)
        return order[self.rank : total : self.world_size]
