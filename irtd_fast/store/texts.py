"""Texts of a source's samples, stored with it as derived groups ``texts/NAME``.

Each build (``irtd tasks build``) or import (``irtd tasks import``) has a name of its own, so that
several live side by side: ``pretrain`` beside ``benchmark``, one's own trials beside both. It holds
``offsets`` (samples + 1) into columns of texts. A column of strings is a group: distinct strings
(``values``, ``offsets``) and the number of each row's string (``codes``); without ``codes`` the
strings are the rows, which is what a column gets whose strings hardly repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import CorruptStoreError, StoreExistsError
from irtd_fast.store.columns import (
    Strings,
    read_column,
    read_strings,
    write_column,
    write_group,
    write_strings,
)
from irtd_fast.store.derived import attach_group
from irtd_fast.store.source import Source
from irtd_fast.store.text_columns import STRING_COLUMNS, TextColumns, TextRecord, WordColumn

GROUP = "texts"
SUBSETS = ("pretrain", "instruction", "benchmark")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CODE_BYTES = 4
_CODE_TYPES = (np.uint8, np.uint16, np.uint32)


def text_builds(source: Source) -> dict[str, dict[str, Any]]:
    """Names of the texts stored with a source, and how each came about."""
    derived: Mapping[str, Any] = source.attributes.get("derived", {})
    prefix = f"{GROUP}/"
    return {key[len(prefix) :]: facts for key, facts in derived.items() if key.startswith(prefix)}


def only_name(sources: Iterable[Source]) -> str:
    """Name of the texts of sources that have texts of one name only.

    Raises:
        ValueError: There are none, or of several names.
    """
    names = sorted({name for source in sources for name in text_builds(source)})
    if len(names) != 1:
        found = f"those of {', '.join(names)}: name one of them" if names else "none"
        hint = "" if names else "; `irtd tasks build STORE` makes some"
        raise ValueError(f"expected texts of one name, found {found}{hint}")
    return names[0]


def check_name(name: str) -> None:
    """Refuse what is no name of a build.

    Raises:
        ValueError: It says what a name is.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            "a name of texts is 1 to 64 lower-case letters, digits, - and _, beginning with a "
            f"letter or digit; found {name!r}"
        )


def check_absent(source: Source, name: str) -> None:
    """Refuse to build what is there.

    Raises:
        StoreExistsError: The source has texts of this name.
    """
    if name in text_builds(source):
        path = source.path / GROUP / name
        raise StoreExistsError(
            f"{path}: there are texts of this name; --replace builds them anew, --name puts "
            "others beside them",
            path=str(path),
        )


def write_texts(
    store: str | Path,
    source: str,
    name: str,
    columns: TextColumns,
    *,
    attributes: Mapping[str, Any],
    replace: bool = False,
) -> dict[str, Any]:
    """Store texts with a committed source, in one step; see ``attach_group``.

    Args:
        store: The store.
        source: Name of the source.
        name: Of the texts.
        columns: The texts of every sample, in the order of the source's rows.
        attributes: JSON-able facts about how they were made (mode, seed, subset ...).
        replace: Take the place of texts of the same name.

    Returns:
        The attributes that are stored: those given and the counts.

    Raises:
        ValueError: Not a name, or not as many samples as the source has.
        StoreExistsError: There are texts of this name and ``replace`` is not set.
        StoreBusyError: Another process writes the source.
    """
    check_name(name)
    facts = {**attributes, **_counts(columns)}

    def write(folder: Path) -> None:
        _write(folder, columns)

    def check(committed: Source) -> None:
        if columns.samples != len(committed):
            raise ValueError(
                f"texts of {columns.samples} samples for {source}, which has {len(committed)}"
            )
        if not replace:
            check_absent(committed, name)

    attach_group(store, source, f"{GROUP}/{name}", write, attributes=facts, check=check)
    return facts


def _counts(columns: TextColumns) -> dict[str, Any]:
    return {
        "texts": len(columns),
        "samples": sum(1 for length in columns.lengths if length),
        "tasks": columns.strings["task"].counts(),
        "subsets": columns.strings["subset"].counts(),
    }


def _write(folder: Path, columns: TextColumns) -> None:
    write_group(folder)
    write_column(folder / "offsets", columns.offsets(), "sample_edge")
    for name, column in columns.strings.items():
        _write_words(folder / name, column)
    write_group(folder / "objects")
    write_column(folder / "objects" / "offsets", columns.object_offsets(), "text_edge")
    write_column(folder / "objects" / "index", np.array(columns.objects, np.int32), "object")


def _write_words(folder: Path, column: WordColumn) -> None:
    """Write distinct strings and codes, or every row's string where that is shorter."""
    codes = column.numbers()
    lengths = np.array([len(word) for word in column.words], np.int64)
    apart = int(lengths.sum()) + _CODE_BYTES * len(codes)
    if len(codes) and int(lengths[codes].sum()) <= apart:
        write_strings(folder, column.rows(), "text")
        return
    write_strings(folder, list(column.words), "word")
    dtype = next(t for t in _CODE_TYPES if len(column.words) <= np.iinfo(t).max + 1)
    write_column(folder / "codes", codes.astype(dtype), "text")


class StoredTexts:
    """Texts stored with a source; columns are read on first use.

    Args:
        source: The source.
        name: Of the texts.
    """

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.name = name
        self.path = source.path / GROUP / name
        self.attributes = text_builds(source)[name]
        self._strings: dict[str, tuple[Strings, NDArray[np.int64] | None]] = {}

    def __len__(self) -> int:
        return int(self.offsets[-1])

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """(samples + 1) where the texts of each row of the source begin.

        Raises:
            CorruptStoreError: Damaged, or not as many as the source has samples.
        """
        return self._edges("offsets", len(self.source))

    @cached_property
    def _objects(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        offsets = self._edges("objects/offsets", len(self))
        index = self._numbers("objects/index")
        if len(index) != offsets[-1]:
            raise self._corrupt("objects/index", f"{offsets[-1]} rows", len(index))
        return offsets, index

    def _edges(self, name: str, count: int) -> NDArray[np.int64]:
        edges = self._numbers(name)
        if len(edges) != count + 1:
            raise self._corrupt(name, f"{count + 1} rows", len(edges))
        if edges[0] != 0 or bool((np.diff(edges) < 0).any()):
            raise self._corrupt(name, "offsets that never go back", "others")
        return edges

    def _numbers(self, name: str) -> NDArray[np.int64]:
        """A column of whole numbers."""
        column = read_column(self.path / name)
        if column.ndim != 1 or column.dtype.kind not in "iu":
            found = f"{column.ndim}-D {column.dtype}"
            raise self._corrupt(name, "a column of whole numbers", found)
        return column.astype(np.int64)

    def _corrupt(self, name: str, expected: object, found: object) -> CorruptStoreError:
        path = self.path / name
        message = f"{path}: expected {expected}, found {found}"
        return CorruptStoreError(message, path=str(path))

    def words(self, column: str) -> tuple[Strings, NDArray[np.int64]]:
        """Strings of a column, and which one each text has.

        Args:
            column: One of ``STRING_COLUMNS``.

        Raises:
            CorruptStoreError: Damaged, or not as long as the table.
        """
        strings, codes = self._column(column)
        return strings, np.arange(len(self)) if codes is None else codes

    def _column(self, column: str) -> tuple[Strings, NDArray[np.int64] | None]:
        if column not in self._strings:
            folder = self.path / column
            strings = read_strings(folder)
            codes = None
            if (folder / "codes").exists():
                codes = self._numbers(f"{column}/codes")
            found = len(strings) if codes is None else len(codes)
            if found != len(self):
                raise self._corrupt(column, f"{len(self)} texts", found)
            outside = codes is not None and bool(((codes < 0) | (codes >= len(strings))).any())
            if codes is not None and outside:
                raise self._corrupt(f"{column}/codes", f"codes below {len(strings)}", codes.max())
            self._strings[column] = strings, codes
        return self._strings[column]

    def string(self, column: str, text: int) -> str:
        """One string of one text."""
        strings, codes = self._column(column)
        found: str = strings[text if codes is None else int(codes[text])]
        return found

    def record(self, text: int) -> TextRecord:
        """One text by its number."""
        if not 0 <= text < len(self):
            raise IndexError(text)
        offsets, index = self._objects
        objects = tuple(index[offsets[text] : offsets[text + 1]].tolist())
        task, question, answer, kind, provenance, subset = (
            self.string(name, text) for name in STRING_COLUMNS
        )
        return TextRecord(task, question, answer, kind, provenance, subset, objects)

    def of(self, row: int) -> list[TextRecord]:
        """Texts of the sample in a row of the source."""
        if not 0 <= row < len(self.source):
            raise IndexError(row)
        return [self.record(i) for i in range(self.offsets[row], self.offsets[row + 1])]

    def __iter__(self) -> Iterator[TextRecord]:
        return (self.record(i) for i in range(len(self)))

    def check(self) -> None:
        """Read every column.

        Raises:
            CorruptStoreError: One is damaged or does not fit the others.
        """
        for name in STRING_COLUMNS:
            self._column(name)
        _ = self._objects


def read_texts(source: Source, name: str) -> StoredTexts:
    """Texts that ``irtd tasks build`` or ``import`` stored.

    Raises:
        ValueError: There are none of this name; those that are there are listed.
    """
    builds = text_builds(source)
    if name not in builds:
        there = f"there are {', '.join(sorted(builds))}" if builds else "it has none"
        raise ValueError(
            f"{source.name} has no texts {name!r}: {there}; `irtd tasks build STORE` makes some"
        )
    return StoredTexts(source, name)
