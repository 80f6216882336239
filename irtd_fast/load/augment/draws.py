"""The random numbers of a batch: a pure function of (seed, epoch, sample, operation)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.random import keys, uniform

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
    """

    seed: int
    epoch: int
    samples: NDArray[np.int64]
    slots: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def uniform(self, operation: str, lanes: int) -> NDArray[np.float64]:
        """(n, lanes) numbers in [0, 1)."""
        return self._by_slot(operation, self.samples, self.slots, lanes)

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
        slots = None if self.slots is None else self.slots[owner]
        return np.asarray(self._by_slot(operation, objects, slots, 1)[:, 0])

    def keys(self, operation: str) -> NDArray[np.uint64]:
        """(n,) keys for native generators; guests share that of the sample."""
        return keys(self.seed, self.epoch, self.samples, operation)

    def _by_slot(
        self, operation: str, counters: NDArray[np.int64], slots: NDArray[np.int64] | None,
        lanes: int,
    ) -> NDArray[np.float64]:  # fmt: skip
        if slots is None:
            return uniform(self.seed, self.epoch, counters, operation, lanes)
        out = np.empty((len(counters), lanes))
        for slot in np.unique(slots).tolist():
            here = slots == slot
            name = operation if slot == 0 else f"{operation}/{slot}"
            out[here] = uniform(self.seed, self.epoch, counters[here], name, lanes)
        return out
