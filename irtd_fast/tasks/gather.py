"""Columns of a store as ``Facts``, block by block: whole columns become lists, never one sample.

Only the infrared ground truth is told: boxes that were drawn on the visible partner have its
pixels. Objects that the publisher marks as neither positive nor negative (``IGNORE``) are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import CorruptStoreError
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source
from irtd_fast.tasks.facts import Facts
from irtd_fast.types import ObjectFlag, SampleFlag

BLOCK = 4096  # samples told at a time
_INFRARED = 0
_EMPTY: Mapping[str, str] = {}


class Teller:
    """Tells facts about the samples of one source.

    Args:
        source: The source, opened.

    Attributes:
        key: Catalogue key of the source.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.key = source.key
        record = source.attributes.get("source", {})
        self._band = str(record.get("band", ""))
        self._words = list(source.categories)
        known = record.get("categories", {})
        ignored = set(record.get("ignore", ()))
        words = dict.fromkeys([*known.values(), *self._words])
        self._vocabulary = tuple(word for word in words if word not in ignored)
        self._attributes: dict[str, Mapping[str, str]] = {"": _EMPTY}

    def __len__(self) -> int:
        return len(self.source)

    def blocks(self, size: int = BLOCK) -> Iterator[list[Facts]]:
        """Facts of all samples in order, so many at a time."""
        for first in range(0, len(self.source), size):
            yield self.facts(np.arange(first, min(first + size, len(self.source))))

    def facts(self, rows: NDArray[np.int64]) -> list[Facts]:
        """Facts of the samples in these rows; ``index`` is the row.

        Raises:
            CorruptStoreError: A column is damaged.
        """
        names = self.source.names()
        numbers: list[int] = rows.tolist()
        named = [names[row] for row in numbers]
        prefix = f"{self.key}/"
        columns = (
            numbers, [prefix + name for name in named], [self.key] * len(numbers), named,
            self._numbers("height", rows), self._numbers("width", rows),
            self._worded("split", "splits", rows), self._worded("sequence", "sequences", rows),
            self._numbers("frame", rows), self._worded("scene", "scenes", rows),
            self._numbers("identity", rows), self._numbers("camera", rows),
            [self._band] * len(numbers), [self._vocabulary] * len(numbers),
            *self._boxes(rows), *self._points(rows), self._corners(rows),
            (self.source.column("samples", "visible_array")[rows] >= 0).tolist(),
            self._extra(rows),
            ((self.source.column("samples", "flags")[rows] & SampleFlag.UNLABELLED) == 0).tolist(),
            self._ignored(rows),
        )  # fmt: skip
        return [Facts(*values) for values in zip(*columns, strict=True)]

    def _numbers(self, name: str, rows: NDArray[np.int64]) -> list[int]:
        numbers: list[int] = self.source.column("samples", name)[rows].tolist()
        return numbers

    def _worded(self, name: str, vocabulary: str, rows: NDArray[np.int64]) -> list[str]:
        words: list[str] = self.source.attributes[vocabulary]
        return [words[code] for code in self._numbers(name, rows)]

    def _picks(
        self, table: str, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of a ragged table that are told, and offsets (samples + 1) into them."""
        offsets = self.source.offsets(table)
        first, lengths = offsets[rows], offsets[rows + 1] - offsets[rows]
        ends = np.cumsum(lengths)
        picks = np.repeat(first - (ends - lengths), lengths) + np.arange(int(lengths.sum()))
        told = self.source.column(table, "modality")[picks] == _INFRARED
        if table == "objects":
            told &= (self.source.column(table, "flags")[picks] & ObjectFlag.IGNORE) == 0
        running = np.concatenate([[0], np.cumsum(told)])
        return picks[told], running[np.concatenate([[0], ends])]

    def _ragged(self, table: str, column: str, rows: NDArray[np.int64]) -> tuple[list[Any], ...]:
        """Per sample: tuples of a column, and words."""
        picks, edges = self._picks(table, rows)
        values = self.source.column(table, column)[picks].astype(np.float64).tolist()
        tuples = list(map(tuple, values))
        words = [self._words[code] for code in self.source.column(table, "category")[picks]]
        spans = list(pairwise(edges.tolist()))
        return [tuple(tuples[a:b]) for a, b in spans], [tuple(words[a:b]) for a, b in spans]

    def _boxes(self, rows: NDArray[np.int64]) -> tuple[list[Any], ...]:
        return self._ragged("objects", "box", rows)

    def _points(self, rows: NDArray[np.int64]) -> tuple[list[Any], ...]:
        return self._ragged("points", "xy", rows)

    def _corners(self, rows: NDArray[np.int64]) -> list[tuple[tuple[float, ...], ...]]:
        if not self.source.has_column("objects", "corners"):
            return [()] * len(rows)
        picks, edges = self._picks("objects", rows)
        corners = self.source.column("objects", "corners")[picks].astype(np.float64)
        whole = np.isfinite(corners).all(axis=1)
        missing = np.concatenate([[0], np.cumsum(~whole)])[edges].tolist()
        tuples = list(map(tuple, corners.tolist()))
        spans = zip(pairwise(edges.tolist()), pairwise(missing), strict=True)
        return [tuple(tuples[a:b]) if before == after else () for (a, b), (before, after) in spans]

    @cached_property
    def _kept_back(self) -> NDArray[np.int64]:
        """How many objects of infrared pictures before each row of the table are not told."""
        modality, flags = (self.source.column("objects", n) for n in ("modality", "flags"))
        hidden = (modality == _INFRARED) & ((flags & ObjectFlag.IGNORE) != 0)
        return np.concatenate([[0], np.cumsum(hidden)])

    def _ignored(self, rows: NDArray[np.int64]) -> list[int]:
        offsets = self.source.offsets("objects")
        before = self._kept_back
        counts: list[int] = (before[offsets[rows + 1]] - before[offsets[rows]]).tolist()
        return counts

    def _extra(self, rows: NDArray[np.int64]) -> list[Mapping[str, str]]:
        """Further words of each sample; equal ones are read once."""
        if not self.source.has_column("samples", "attributes"):
            return [_EMPTY] * len(rows)
        texts = self.source.column("samples", "attributes")
        return [self._parsed(texts[row]) for row in rows.tolist()]

    def _parsed(self, text: str) -> Mapping[str, str]:
        if text not in self._attributes:
            try:
                found = json.loads(text)
            except ValueError:
                found = None
            if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
                path = self.source.path / "samples" / "attributes"
                message = f"{path}: expected JSON tables of words, found {text[:80]!r}"
                raise CorruptStoreError(message, path=str(path))
            self._attributes[text] = found
        return self._attributes[text]


def tellers(dataset: Dataset) -> list[Teller]:
    """A teller for every source of which the dataset has samples."""
    return [Teller(dataset.sources[code]) for code in np.unique(dataset.source_codes).tolist()]
