"""Where a loader is: small JSON, exact in the middle of an epoch, for any world size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from irtd_fast import _core
from irtd_fast.store.dataset import Dataset

VERSION = 2
_FIELDS = ("version", "seed", "epoch", "samples", "dataset", "order")


def dataset_key(dataset: Dataset) -> str:
    """The same for the same samples of the same plans, wherever the store lies."""
    plans = "\n".join(str(source.attributes.get("plan", source.name)) for source in dataset.sources)
    parts = (plans.encode(), dataset.source_codes.tobytes(), dataset.rows.tobytes())
    digests = np.array([_core.xxh64(np.frombuffer(part, np.uint8)) for part in parts], np.uint64)
    return f"{_core.xxh64(digests):016x}"


@dataclass(frozen=True)
class Position:
    """Epoch and samples seen of it, over all ranks."""

    epoch: int = 0
    samples: int = 0

    def to_state(self, *, seed: int, dataset: str, order: str) -> dict[str, Any]:
        """As JSON-able data, with what it belongs to."""
        return {"version": VERSION, "seed": seed, "epoch": self.epoch, "samples": self.samples,
                "dataset": dataset, "order": order}  # fmt: skip

    @classmethod
    def from_state(
        cls, state: Mapping[str, Any], *, seed: int, dataset: str, order: str
    ) -> Position:
        """Read a state back.

        Raises:
            ValueError: It is no state, or belongs to another seed, dataset or order.
        """
        missing = [name for name in _FIELDS if name not in state]
        if missing or state["version"] != VERSION:
            raise ValueError(
                f"no state of this loader (version {VERSION}): found {dict(state)}, "
                f"missing {missing}"
            )
        expected = {"seed": seed, "dataset": dataset, "order": order}
        for name, mine in expected.items():
            if state[name] != mine:
                raise ValueError(
                    f"state of another {name}: found {state[name]!r}, this loader has {mine!r}"
                )
        epoch, samples = state["epoch"], state["samples"]
        if not all(isinstance(v, int) and v >= 0 for v in (epoch, samples)):
            raise ValueError(f"epoch and samples are whole numbers, found {epoch!r}, {samples!r}")
        return cls(epoch, samples)
