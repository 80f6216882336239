"""Datasets: samples of one or many sources by number, filtered and concatenated."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irtd_fast import _core
from irtd_fast.errors import CorruptStoreError, StoreReplacedError
from irtd_fast.store.ragged import Ragged, gather_ragged
from irtd_fast.store.sample import Sample
from irtd_fast.store.source import Source, iter_sources

_ARRAYS = 1 << 16  # more than a source can have; their numbers are int16

Words = str | Iterable[str] | None


class _Sources:
    """Sources that datasets share, with one native pipeline over all of their arrays."""

    def __init__(self, paths: Sequence[Path], known: Sequence[str] | None = None) -> None:
        self.items = [Source(path) for path in paths]
        self._check(known)
        starts = np.cumsum([0, *(len(s.arrays) for s in self.items)])
        self.first_array = starts[:-1].astype(np.int32)
        words = {word for source in self.items for word in source.categories}
        self.categories = sorted(words)
        codes = {word: code for code, word in enumerate(self.categories)}
        self.to_global = [
            np.array([codes[w] for w in source.categories], np.int32) for source in self.items
        ]
        self._pipeline: tuple[int, _core.BatchPipeline] | None = None

    def _check(self, known: Sequence[str] | None) -> None:
        """Row numbers are about the sources that they were made for, and no others."""
        for source, fingerprint in zip(self.items, known or (), strict=known is not None):
            if source.fingerprint != fingerprint:
                raise StoreReplacedError(
                    f"source {source.name} was replaced since the dataset was made (fingerprint "
                    f"{fingerprint}, now {source.fingerprint}); open the store anew",
                    source=source.name, path=str(source.path),
                )  # fmt: skip

    @property
    def pipeline(self) -> _core.BatchPipeline:
        """The batch pipeline of this process (a forked child makes its own)."""
        if self._pipeline is None or self._pipeline[0] != os.getpid():
            if self._pipeline is not None:
                known = [source.fingerprint for source in self.items]
                self.items = [Source(source.path) for source in self.items]
                self._check(known)
            pixels = [s.pixels(n) for s in self.items for n in range(len(s.arrays))]
            self._pipeline = (os.getpid(), _core.BatchPipeline(pixels))
        return self._pipeline[1]


@dataclass(frozen=True)
class Dataset(Sequence[Sample]):
    """Samples of one or many sources.

    A view: filtering and slicing copy row numbers, never pixels. Pickles as paths and row
    numbers, so it crosses to worker processes.

    Attributes:
        source_codes: Number of each sample's source in ``sources`` (int16).
        rows: Number of each sample within its source (int64).
    """

    _sources: _Sources
    source_codes: NDArray[np.int16]
    rows: NDArray[np.int64]

    @property
    def sources(self) -> list[Source]:
        """The sources behind it."""
        return self._sources.items

    def source_named(self, name: str) -> Source:
        """One of the sources.

        Raises:
            ValueError: None of that name; the names are listed.
        """
        _check(name, [source.name for source in self.sources], "source")
        return next(source for source in self.sources if source.name == name)

    @property
    def categories(self) -> list[str]:
        """Category words of all sources, sorted; codes of samples index this list."""
        return self._sources.categories

    @property
    def pipeline(self) -> _core.BatchPipeline:
        """The native batch pipeline over all arrays of all sources."""
        return self._sources.pipeline

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Dataset({len(self)} samples of {', '.join(s.name for s in self.sources)})"

    def __getitem__(self, index: Any) -> Any:
        """One ``Sample``, or a ``Dataset`` for a slice or an array of numbers."""
        if isinstance(index, slice | np.ndarray | list):
            return Dataset(self._sources, self.source_codes[index], self.rows[index])
        number = int(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"sample {number} of {len(self)}")
        return Sample(self, number % len(self))

    def __iter__(self) -> Iterator[Sample]:
        return (Sample(self, number) for number in range(len(self)))

    def __add__(self, other: Dataset) -> Dataset:
        """Concatenate; both may come from different stores."""
        if self._sources is other._sources:
            codes = np.concatenate([self.source_codes, other.source_codes])
            return Dataset(self._sources, codes, np.concatenate([self.rows, other.rows]))
        paths = [s.path for s in (*self.sources, *other.sources)]
        unique = list(dict.fromkeys(paths))
        mine, theirs = (
            np.array([unique.index(s.path) for s in d.sources], np.int16)[d.source_codes]
            for d in (self, other)
        )
        rows = np.concatenate([self.rows, other.rows])
        return Dataset(_Sources(unique), np.concatenate([mine, theirs]), rows)

    def __reduce__(self) -> tuple[Any, ...]:
        paths = tuple(str(s.path) for s in self.sources)
        known = tuple(s.fingerprint for s in self.sources)
        return _reopen, (paths, self.source_codes, self.rows, known)

    def check_replaced(self) -> None:
        """Make sure that the sources of its samples are still those that were opened.

        Raises:
            StoreReplacedError: One was replaced or removed.
        """
        for code in self._present:
            self.sources[code].check_replaced()

    @cached_property
    def _present(self) -> list[int]:
        """Numbers of the sources that samples are of."""
        return [int(code) for code in np.unique(self.source_codes)]

    def filter(
        self, *, source: Words = None, split: Words = None, category: Words = None,
        paired: bool | None = None,
    ) -> Dataset:  # fmt: skip
        """Keep samples of these sources, these splits, and with an object of these categories.

        ``paired`` keeps those with (or, if false, without) a visible partner.

        Raises:
            ValueError: A word that no source of the dataset knows; the known ones are listed.
        """
        keep = np.ones(len(self), bool)
        if source is not None:
            wanted = _check(source, [s.name for s in self.sources], "source")
            codes = [i for i, s in enumerate(self.sources) if s.name in wanted]
            keep &= np.isin(self.source_codes, codes)
        if split is not None:
            wanted = _check(split, sorted({w for s in self.sources for w in s.splits}), "split")
            keep &= self._mask("split", wanted)
        if category is not None:
            wanted = _check(category, self.categories, "category")
            keep &= self._mask("category", wanted)
        if paired is not None:
            keep &= (self.column("visible_array") >= 0) == paired
        return Dataset(self._sources, self.source_codes[keep], self.rows[keep])

    def at(self, source_codes: ArrayLike, rows: ArrayLike) -> Dataset:
        """Samples of the same sources by number of the source and row, in this or not.

        Args:
            source_codes: Number of each sample's source in ``sources``.
            rows: Number of each sample within its source.

        Raises:
            ValueError: Numbers that do not pair, or that no sample has.
        """
        codes, places = np.asarray(source_codes, np.int64), np.asarray(rows, np.int64)
        counts = np.array([len(source) for source in self.sources], np.int64)
        if codes.ndim != 1 or codes.shape != places.shape:
            raise ValueError(f"expected pairs, found {codes.shape} and {places.shape}")
        known = (codes >= 0) & (codes < len(counts)) & (places >= 0)
        known[known] = places[known] < counts[codes[known]]
        if not known.all():
            first = int(np.flatnonzero(~known)[0])
            raise ValueError(f"no row {places[first]} of source number {codes[first]}")
        return Dataset(self._sources, codes.astype(np.int16), places)

    def _mask(self, what: str, wanted: set[str]) -> NDArray[np.bool_]:
        keep = np.zeros(len(self), bool)
        for code, source in enumerate(self.sources):
            here = np.flatnonzero(self.source_codes == code)
            if not len(here):
                continue
            if what == "split":
                codes = [i for i, word in enumerate(source.splits) if word in wanted]
                per_sample = np.isin(source.column("samples", "split"), codes)
            else:
                per_sample = _samples_with(source, wanted)
            keep[here] = per_sample[self.rows[here]]
        return keep

    # ---- what batches are made of --------------------------------------------------------------

    def column(self, name: str, numbers: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """A numeric column of ``samples`` for these samples, in the dataset's order."""
        codes, rows = self._pick(numbers)
        parts = {c: self.sources[c].column("samples", name) for c in np.unique(codes).tolist()}
        if not parts:
            return np.empty(0, np.int64)
        out = np.empty(len(rows), next(iter(parts.values())).dtype)
        for code, values in parts.items():
            here = codes == code
            out[here] = values[rows[here]]
        return out

    def locate(
        self, numbers: NDArray[np.int64] | None = None, modality: str = "infrared"
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Array code in the pipeline (-1: none) and row of these samples' pictures."""
        codes, _ = self._pick(numbers)
        arrays = self.column(f"{modality}_array", numbers).astype(np.int32)
        rows = self.column(f"{modality}_row", numbers).astype(np.int64)
        found = arrays >= 0
        arrays[found] += self._sources.first_array[codes[found]]
        return arrays, rows

    def sizes(
        self, numbers: NDArray[np.int64] | None = None, modality: str = "infrared"
    ) -> NDArray[np.int32]:
        """(n, 2) height and width of these samples' pictures; zeros where there is none."""
        return self._shapes(numbers, modality)[:, :2]

    def channels(
        self, numbers: NDArray[np.int64] | None = None, modality: str = "infrared"
    ) -> NDArray[np.int32]:
        """(n,) channels of these samples' pictures as they are stored; 0 where there is none."""
        return self._shapes(numbers, modality)[:, 2]

    def _shapes(self, numbers: NDArray[np.int64] | None, modality: str) -> NDArray[np.int32]:
        codes, _ = self._pick(numbers)
        arrays = self.column(f"{modality}_array", numbers).astype(np.int64)
        rows = self.column(f"{modality}_row", numbers).astype(np.int64)
        out = np.zeros((len(codes), 3), np.int32)
        keys = codes.astype(np.int64) * _ARRAYS + arrays + 1
        for key in np.unique(keys).tolist():
            code, array = key // _ARRAYS, key % _ARRAYS - 1
            if array >= 0:
                here = keys == key
                out[here] = self.sources[code].shapes(array)[rows[here]]
        return out

    def objects(self, numbers: NDArray[np.int64], columns: Sequence[str] = ("box",)) -> Ragged:
        """Objects of these samples: offsets, global categories and the columns asked for."""
        return self._ragged("objects", numbers, columns)

    def points(self, numbers: NDArray[np.int64], columns: Sequence[str] = ("xy",)) -> Ragged:
        """Points of these samples: offsets, global categories and the columns asked for."""
        return self._ragged("points", numbers, columns)

    def _ragged(self, table: str, numbers: NDArray[np.int64], columns: Sequence[str]) -> Ragged:
        codes, rows = self._pick(numbers)
        return gather_ragged(self.sources, self._sources.to_global, table, codes, rows, columns)

    def _pick(self, numbers: NDArray[np.int64] | None) -> tuple[NDArray[Any], NDArray[Any]]:
        if numbers is None:
            return self.source_codes, self.rows
        return self.source_codes[numbers], self.rows[numbers]


def _samples_with(source: Source, wanted: set[str]) -> NDArray[np.bool_]:
    codes = [i for i, word in enumerate(source.categories) if word in wanted]
    hits = np.isin(source.column("objects", "category"), codes).astype(np.int64)
    running = np.concatenate([[0], np.cumsum(hits)])
    offsets = source.offsets("objects")
    return np.asarray(running[offsets[1:]] > running[offsets[:-1]])


def _check(words: Words, known: list[str], what: str) -> set[str]:
    wanted = {words} if isinstance(words, str) else set(words or ())
    unknown = wanted - set(known)
    if unknown:
        raise ValueError(f"no {what} {sorted(unknown)}; there are {known}")
    return wanted


def _reopen(
    paths: tuple[str, ...], codes: NDArray[np.int16], rows: NDArray[np.int64],
    known: tuple[str, ...],
) -> Dataset:  # fmt: skip
    return Dataset(_Sources([Path(p) for p in paths], known), codes, rows)


def open_store(path: str | Path) -> Dataset:
    """Open a store: all samples of all of its committed sources, by source name.

    Reads metadata only; columns and arrays are read when they are used.

    Raises:
        CorruptStoreError: There is no store at ``path``, or metadata is missing.
        StoreFormatError: Metadata that is not ours or of a newer format.
    """
    store = Path(path).absolute()
    if not store.is_dir():
        raise CorruptStoreError(f"{store}: there is no store", path=str(store))
    sources = _Sources(list(iter_sources(store)))
    for source in sources.items:
        source.check_count()
    counts = [len(s) for s in sources.items]
    codes = np.repeat(np.arange(len(counts), dtype=np.int16), counts)
    rows = [np.arange(n, dtype=np.int64) for n in counts]
    return Dataset(sources, codes, np.concatenate(rows) if rows else np.empty(0, np.int64))
