"""The other people of a source: crops by split and identity, for re-identification grids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.store.source import Source
from irtd_fast.tasks.facts import Facts

ANY_SPLIT = "*"  # all splits together: only the defects of the published files need that


class IdentityPool:
    """Samples with an identity, by split and identity; a ``Pool``.

    Args:
        people: Facts of the samples that grids may show; those without an identity are passed
            over. All are of one source: ``Facts.index`` is the row in its tables.
    """

    def __init__(self, people: Iterable[Facts]) -> None:
        self._people: dict[str, dict[int, list[Facts]]] = {}
        for facts in people:
            if facts.identity >= 0:
                for split in dict.fromkeys((facts.split, ANY_SPLIT)):
                    by_identity = self._people.setdefault(split, {})
                    by_identity.setdefault(facts.identity, []).append(facts)
        self._identities = {split: sorted(found) for split, found in self._people.items()}

    @classmethod
    def of_source(cls, source: Source, rows: NDArray[np.int64] | None = None) -> IdentityPool:
        """The pool of a source's samples, or of some of them (those of a subset).

        Args:
            source: The source.
            rows: Rows of the samples that grids may show; ``None``: all.
        """
        chosen = np.arange(len(source)) if rows is None else np.asarray(rows, np.int64)
        columns: dict[str, list[Any]] = {
            name: source.column("samples", name)[chosen].tolist()
            for name in ("height", "width", "split", "identity", "camera")
        }
        names, splits, key = source.names(), source.splits, source.key
        return cls(
            Facts(row, f"{key}/{names[row]}", key, names[row], height, width, splits[split],
                  identity=identity, camera=camera)
            for row, height, width, split, identity, camera in zip(
                chosen.tolist(), *columns.values(), strict=True)
        )  # fmt: skip

    def of_identity(self, source: str, split: str, identity: int) -> Sequence[Facts]:
        """Samples of one identity, in the order they were given."""
        del source
        return self._people.get(split, {}).get(identity, [])

    def identities(self, source: str, split: str) -> Sequence[int]:
        """All identities of a split, ascending."""
        del source
        return self._identities.get(split, [])
