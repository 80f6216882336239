"""Who sees which samples of an epoch, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Remainder = Literal["wrap", "pad", "drop"]
REMAINDERS: tuple[Remainder, ...] = get_args(Remainder)


@dataclass(frozen=True)
class Share:
    """One batch of one rank.

    Attributes:
        index: (b,) dataset numbers.
        padding: (b,) true for samples that are there to make ranks equal and belong to another
            place of the epoch (``pad`` only).
        position: Samples of the epoch, over all ranks, that are seen when this batch is done.
        visits: (b,) how often the epoch had each sample before, ``None``: never.
    """

    index: NDArray[np.int64]
    padding: NDArray[np.bool_]
    position: int
    visits: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Sampler:
    """Divides an order among ranks.

    Step t of all ranks together takes the next ``batch_size x world_size`` samples of the order,
    dealt to the ranks one after another. So what has been seen is a beginning of the order whatever
    the world size was, and an epoch can go on with another one. Every rank has the same number of
    batches, of the same lengths.

    Attributes:
        batch_size: Samples of a batch of one rank.
        rank: Of this process.
        world_size: Processes that share an epoch.
        remainder: What becomes of the samples at the end (of every group) that do not make a whole
            step. ``wrap``: ranks get equally many, the missing ones from the beginning of the
            group. ``pad``: the same, and the batch says which they are. ``drop``: left out.
    """

    batch_size: int
    rank: int = 0
    world_size: int = 1
    remainder: Remainder = "wrap"

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be positive, found {self.batch_size}")
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"need 0 <= rank < world_size, found {self.rank}, {self.world_size}")
        if self.remainder not in REMAINDERS:
            known = ", ".join(REMAINDERS)
            raise ValueError(f"remainder must be one of {known}, found {self.remainder!r}")

    @property
    def _step(self) -> int:
        return self.batch_size * self.world_size

    def steps(self, ends: NDArray[np.int64], position: int = 0) -> NDArray[np.int64]:
        """(steps, 3) begin, end and group begin of every step from a position of the order on."""
        found = []
        begin = 0
        for end in ends.tolist():
            first = max(begin, position)
            count = max(0, end - first)
            whole = count // self._step
            starts = first + self._step * np.arange(whole, dtype=np.int64)
            found.append(np.stack([starts, starts + self._step, np.full(whole, begin)], axis=1))
            if count % self._step and self.remainder != "drop":
                found.append(np.array([[first + whole * self._step, end, begin]], np.int64))
            begin = end
        return np.concatenate(found) if found else np.zeros((0, 3), np.int64)

    def share(
        self, order: NDArray[np.int64], step: NDArray[np.int64],
        visits: NDArray[np.int64] | None = None,
    ) -> Share:  # fmt: skip
        """This rank's batch of a step.

        Args:
            order: Dataset numbers of the epoch.
            step: Begin, end and group begin.
            visits: How often each entry of the order was there before, ``None``: never.
        """
        begin, end, group = (int(v) for v in step)
        mine = np.arange(begin + self.rank, end, self.world_size)
        wanted = -(-(end - begin) // self.world_size)
        padding = np.zeros(wanted, bool)
        missing = len(mine) < wanted
        if missing:
            beyond = begin + self.rank + self.world_size * len(mine) - end
            mine = np.append(mine, group + beyond % (end - group))  # no more than one is missing
            padding[-1] = self.remainder == "pad"
        again = None if visits is None else visits[mine]
        if missing:  # more than any visit that the order makes itself
            again = np.zeros(wanted, np.int64) if again is None else again
            again[-1] = 1 + (0 if visits is None else int(visits.max()))
        return Share(order[mine], padding, end, again)
