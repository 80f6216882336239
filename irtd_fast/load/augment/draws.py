"""The random numbers of a batch: a pure function of (seed, epoch, sample, operation)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.random import keys, uniform

_SLOTS = 4  # in a mosaic
_OBJECT_BITS = 22  # 2^22 objects of a sample, 2^41 samples


@dataclass(frozen=True)
class Draws:
    """What every augmentation draws from.

    The same sample gets the same numbers in any batch, at any place and on any rank; operations
    are independent of each other. A guest in a mosaic draws for the sample whose frame it is, from
    operations of its slot: what a sample is as a guest has nothing to do with its own frame.

    Attributes:
        seed: Of the run.
        epoch: Number of the epoch.
        samples: (n,) dataset numbers of the samples whose draws these are.
        slots: (n,) 0 for the sample itself, 1 to 3 for guests; ``None``: no guests.
        visits: (n,) how often the epoch had the sample before: each time it draws anew. ``None``:
            it is there once.
    """

    seed: int
    epoch: int
    samples: NDArray[np.int64]
    slots: NDArray[np.int64] | None = None
    visits: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def uniform(self, operation: str, lanes: int) -> NDArray[np.float64]:
        """(n, lanes) numbers in [0, 1)."""
        return self._by_turn(operation, self.samples, self._turns(), lanes)

    def happens(self, operation: str, probability: float) -> NDArray[np.bool_]:
        """(n,) whether something of this probability happens."""
        if probability <= 0:
            return np.zeros(len(self), bool)
        return np.asarray(self.uniform(operation, 1)[:, 0] < probability)

    def between(self, operation: str, bounds: tuple[float, float]) -> NDArray[np.float64]:
        """(n,) numbers within bounds."""
        low, high = bounds
        return np.asarray(low + self.uniform(operation, 1)[:, 0] * (high - low))

    def of_objects(
        self, operation: str, owner: NDArray[np.int64], within: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(m,) a number for each object.

        Args:
            operation: What draws.
            owner: (m,) place of each object's sample among ``samples``.
            within: (m,) number of the object within its sample.
        """
        objects = (self.samples[owner] << _OBJECT_BITS) + within
        turns = self._turns()
        turns = None if turns is None else turns[owner]
        return np.asarray(self._by_turn(operation, objects, turns, 1)[:, 0])

    def keys(self, operation: str) -> NDArray[np.uint64]:
        """(n,) keys for native generators; guests share that of the sample."""
        found = keys(self.seed, self.epoch, self.samples, operation)
        if self.visits is not None:
            for visit in np.unique(self.visits[self.visits > 0]).tolist():
                here = self.visits == visit
                name = f"{operation}/again {visit}"
                found[here] = keys(self.seed, self.epoch, self.samples[here], name)
        return found

    def _turns(self) -> NDArray[np.int64] | None:
        """(n,) a number for each slot and visit, 0 for a sample itself when it comes first."""
        if self.visits is None:
            return self.slots
        return self.visits * _SLOTS + (0 if self.slots is None else self.slots)

    def _by_turn(
        self, operation: str, counters: NDArray[np.int64], turns: NDArray[np.int64] | None,
        lanes: int,
    ) -> NDArray[np.float64]:  # fmt: skip
        if turns is None:
            return uniform(self.seed, self.epoch, counters, operation, lanes)
        out = np.empty((len(counters), lanes))
        for turn in np.unique(turns).tolist():
            here = turns == turn
            visit, slot = divmod(turn, _SLOTS)
            name = operation if slot == 0 else f"{operation}/{slot}"
            name = name if visit == 0 else f"{name}/again {visit}"
            out[here] = uniform(self.seed, self.epoch, counters[here], name, lanes)
        return out
