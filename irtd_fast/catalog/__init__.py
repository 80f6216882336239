"""The catalogue of sources: TOML records, one file a source, no code."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator
from pathlib import Path

from irtd_fast.catalog.parse import load_record, parse_record
from irtd_fast.catalog.record import (
    AnnotationSpec,
    AttributeRange,
    Expected,
    ImagePatterns,
    Sampling,
    SourceRecord,
    Variant,
)
from irtd_fast.errors import SourceError, UnknownSourceError

__all__ = [
    "OFFICIAL",
    "AnnotationSpec",
    "AttributeRange",
    "Expected",
    "ImagePatterns",
    "Sampling",
    "SourceRecord",
    "Variant",
    "get",
    "load_file",
    "names",
    "numbered",
    "parse_record",
    "records",
]

OFFICIAL = range(1, 64)
"""Numbers of IR-TD's official list, four of which it leaves out."""

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """List the keys of all records, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def records() -> Iterator[SourceRecord]:
    """Load all records, in the order of their keys."""
    return map(_load, names())


def numbered(index: int) -> tuple[SourceRecord, ...]:
    """Load the records of a number of the official list; none where the list leaves it out."""
    return tuple(record for record in records() if index in record.index)


def get(key: str) -> SourceRecord:
    """Load the record of a source, by its key or an alias.

    Raises:
        UnknownSourceError: No such record; the message lists the nearest names.
        SourceError: The record is not valid.
    """
    known = names()
    if key not in known:
        for record in records():
            if key in record.aliases:
                return record
        near = difflib.get_close_matches(key, known, n=3, cutoff=0.0)
        hint = _about_number(key) or f"nearest: {', '.join(near)}"
        message = f"no source {key!r} in the catalogue; {hint}"
        raise UnknownSourceError(message, source=key)
    return _load(key)


def _about_number(key: str) -> str:
    """Say what a number of the official list is, if ``key`` is one."""
    if not (key.isascii() and key.isdecimal() and int(key) in OFFICIAL):
        return ""
    found = ", ".join(record.key for record in numbered(int(key)))
    return f"number {key} is {found}" if found else f"IR-TD's official list has no number {key}"


@functools.cache
def _load(key: str) -> SourceRecord:
    path = _FOLDER / f"{key}.toml"
    record = load_record(path, trusted=True)
    if record.key != key:
        message = f"{path}: key: expected {key!r} as the file is named, found {record.key!r}"
        raise SourceError(message, path=str(path))
    return record


def load_file(path: str | Path) -> SourceRecord:
    """Load a user's own record from any file.

    Raises:
        SourceError: The record is not valid: file and key are named.
        OSError: The file cannot be read.
    """
    return load_record(Path(path))
