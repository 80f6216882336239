"""Walk a dump once: all files below the root, and nothing outside it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from irtd_fast.errors import SourceLayoutError
from irtd_fast.types import Problem

_SKIPPED_FILES = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))
_SKIPPED_FOLDERS = frozenset(("__MACOSX",))
_DIGITS = re.compile(r"([0-9]+)")


@dataclass(slots=True)
class Tree:
    """Files found below a root.

    Attributes:
        folders: Each folder (``""`` or ending in ``/``) with the sorted names of its files. Kept
            apart since a dump of millions of frames repeats few folders.
        problems: What could not be listed.
    """

    folders: list[tuple[str, list[str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def files(self) -> list[str]:
        """All files, relative POSIX paths, sorted."""
        return sorted(prefix + name for prefix, names in self.folders for name in names)


def natural_key(path: str) -> tuple[list[str | int], str]:
    """Give a sort key that orders ``img2`` before ``img10``; ties by the text itself.

    >>> sorted(["a10", "a9", "a09"], key=natural_key)
    ['a09', 'a9', 'a10']
    """
    parts: list[str | int] = _DIGITS.split(path)
    parts[1::2] = map(int, parts[1::2])
    return parts, path


def walk(root: Path) -> Tree:
    """List all files below a root.

    Files and folders that no publisher means (``._*``, ``.DS_Store``, ``Thumbs.db``, folders that
    begin with a dot) are passed over. A link is followed if its target lies below the root; each
    folder is reached through at most one link, so cycles end.

    Raises:
        SourceLayoutError: The root is not a folder.
    """
    if not root.is_dir():
        raise SourceLayoutError(
            f"{root}: expected the folder of a dump, found none", path=str(root)
        )
    walker = _Walker(root)
    walker.folder(str(root), "", (walker.real_root,))
    return walker.tree


class _Walker:
    def __init__(self, root: Path) -> None:
        self.tree = Tree()
        self.real_root = os.path.realpath(root)
        self._linked: set[str] = set()

    def folder(self, path: str, prefix: str, chain: tuple[str, ...]) -> None:
        """List one folder; ``chain`` are the real paths of the way to it, itself last."""
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._problem("unreadable-folder", prefix.rstrip("/") or ".", error.strerror or "")
            return
        files: list[str] = []
        for entry in entries:
            name = entry.name
            if not name.isascii() and not self._is_utf8(name, prefix):
                continue
            if entry.is_file(follow_symlinks=False):  # nearly all of them
                keep = not _skip_file(name)
            else:
                keep = self._other(entry, prefix, chain)
            if keep:
                files.append(name)
        if files:
            self.tree.folders.append((prefix, files))

    def _other(self, entry: os.DirEntry[str], prefix: str, chain: tuple[str, ...]) -> bool:
        """Go into a folder or follow a link; true if it is a link to a file."""
        name = entry.name
        if entry.is_symlink():
            return self._link(entry, prefix + name, chain)
        if entry.is_dir(follow_symlinks=False) and not _skip_folder(name):
            real = (*chain, f"{chain[-1]}{os.sep}{name}")
            self.folder(entry.path, f"{prefix}{name}/", real)
        return False

    def _is_utf8(self, name: str, prefix: str) -> bool:
        try:
            name.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(prefix + name).decode(errors="backslashreplace")
            self._problem("name-not-utf8", shown, "expected a name in UTF-8, found other bytes")
            return False
        return True

    def _link(self, entry: os.DirEntry[str], relative: str, chain: tuple[str, ...]) -> bool:
        """Follow a link to a folder below the root; true if it is a link to a file there."""
        target = os.path.realpath(entry.path)
        if target != self.real_root and not target.startswith(self.real_root + os.sep):
            self._problem("symlink-outside", relative, f"a link to {target}, outside the dump")
        elif not Path(target).exists():
            self._problem("broken-symlink", relative, f"a link to {target}, which is not there")
        elif not Path(target).is_dir():
            return not _skip_file(entry.name)
        elif target in chain or target in self._linked:
            self._problem("symlink-cycle", relative, f"a link to {target}, listed already")
        elif not _skip_folder(entry.name):
            self._linked.add(target)
            self.folder(entry.path, f"{relative}/", (*chain, target))
        return False

    def _problem(self, code: str, path: str, message: str) -> None:
        self.tree.problems.append(Problem(code, path, "", message, "left out"))


def _skip_folder(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED_FOLDERS


def _skip_file(name: str) -> bool:
    return name.startswith("._") or name in _SKIPPED_FILES
