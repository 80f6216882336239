"""The way through the epochs of a dataset: what comes next, and where that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.orders import Arranged, BoundOrder, Order, earlier_visits, order_named
from irtd_fast.load.position import Position, dataset_key
from irtd_fast.load.sampler import Sampler, Share
from irtd_fast.store.dataset import Dataset


class Course:
    """Order, division among ranks, and the position in them.

    Args:
        dataset: Whose samples.
        order: In which order.
        sampler: How the order is divided.
        seed: Of the order.

    Raises:
        ValueError: The dataset is empty, or the order gives no batch at all.
    """

    def __init__(self, dataset: Dataset, order: Order | str, sampler: Sampler, seed: int) -> None:
        if len(dataset) == 0:
            raise ValueError("the dataset has no samples; did a filter leave nothing?")
        self.sampler, self.seed = sampler, seed
        self.position = Position()
        self._dataset = dataset
        self._order: BoundOrder = order_named(order).bind(dataset)
        self._arranged: tuple[int, Arranged] | None = None
        if len(self) == 0:
            step = sampler.batch_size * sampler.world_size
            raise ValueError(
                f"no batch can be made: {len(dataset)} samples are fewer than the {step} of one "
                f"step ({sampler.world_size} x {sampler.batch_size}), and the rest is dropped"
            )

    @cached_property
    def _length(self) -> int:
        _, ends = self._arrange(0)
        return len(self.sampler.steps(ends))

    def __len__(self) -> int:
        """Batches of an epoch, the same on every rank."""
        return self._length

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_arranged": None}

    def _arrange(self, epoch: int) -> Arranged:
        """The order of an epoch; that of the first one is made for its length already."""
        if self._arranged is None or self._arranged[0] != epoch:
            self._arranged = epoch, self._order.arrange(self.seed, epoch)
        return self._arranged[1]

    def shares(self, position: Position) -> Iterator[Share]:
        """This rank's batches from a position to the end of its epoch."""
        order, ends = self._arrange(position.epoch)
        visits = earlier_visits(order) if self._order.repeats else None
        for step in self.sampler.steps(ends, position.samples):
            yield self.sampler.share(order, step, visits)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Dataset numbers that this rank sees in an epoch, batch after batch."""
        return np.concatenate([share.index for share in self.shares(Position(epoch))])

    @cached_property
    def _belonging(self) -> dict[str, Any]:
        return {"seed": self.seed, "dataset": dataset_key(self._dataset), "order": self._order.key}

    def state_dict(self) -> dict[str, Any]:
        """The position as JSON-able data."""
        return self.position.to_state(**self._belonging)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take a position over.

        Raises:
            ValueError: It belongs to another seed, dataset or order.
        """
        self.position = Position.from_state(state, **self._belonging)
