"""The published files in a zip archive, in a folder, or one alone; nothing is unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from irtd_fast.errors import AnnotationError
from irtd_fast.official.container import Entry, read_container
from irtd_fast.types import Problem

_MAX_BYTES = 1 << 30  # of all files together; the published ones have 18 MB
_MAX_RATIO = 200  # beyond it an archive is a bomb


def read_official(
    path: str | Path, *, report: Callable[[Problem], None] | None = None
) -> dict[str, list[Entry]]:
    """Read all published text files.

    Args:
        path: The zip archive, a folder with JSON files, or one JSON file.
        report: Told of entries that are cut off; see ``read_container``.

    Returns:
        File name without extension -> its entries, in order of the names.

    Raises:
        AnnotationError: A damaged archive, one that unpacks to far more than it is, or a file
            that holds something else than entries.
        FileNotFoundError: Nothing is there, or no JSON file in it.
    """
    path = Path(path)
    found = {name: read_container(data, name, report=report) for name, data in _files(path)}
    if not found:
        raise FileNotFoundError(2, "no JSON file of texts", str(path))
    return {name.rpartition("/")[2].removesuffix(".json"): found[name] for name in sorted(found)}


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            if not file.name.startswith("."):
                yield file.relative_to(path).as_posix(), _bounded(file)
    elif path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        yield from _members(path)
    else:
        yield path.name, _bounded(path)


def _bounded(file: Path) -> bytes:
    size = file.stat().st_size
    if size > _MAX_BYTES:
        message = f"{file}: expected at most {_MAX_BYTES} bytes, found {size}"
        raise AnnotationError(message, path=str(file))
    return file.read_bytes()


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read members in place: no name of the archive ever becomes a path on the disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if _is_text(m)]
            total = sum(member.file_size for member in members)
            packed = sum(member.compress_size for member in members)
            if total > _MAX_BYTES or total > _MAX_RATIO * max(packed, 1):
                message = f"{path}: unpacks {packed} bytes to {total}; not read"
                raise AnnotationError(message, path=str(path))
            for member in members:
                with archive.open(member) as file:
                    data = file.read(member.file_size + 1)
                if len(data) != member.file_size:
                    message = f"{path}: {member.filename}: not as long as the archive says"
                    raise AnnotationError(message, path=str(path))
                yield member.filename, data
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise AnnotationError(f"{path}: not a readable zip archive: {error}", path=str(path)) from (
            error
        )


def _is_text(member: zipfile.ZipInfo) -> bool:
    name = member.filename.rpartition("/")[2]
    hidden = name.startswith(".") or "__MACOSX" in member.filename
    return name.endswith(".json") and not member.is_dir() and not hidden
