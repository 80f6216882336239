"""All files below a dump's root, by folder, and the search for a record's patterns among them.

A pattern is split at its last slash where that is safe: folders are tried once, and names only in
folders that fit. A pattern that cannot be split is tried on whole paths; both give the same.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from irtd_fast.catalog.patterns import compile_pattern, pattern_groups
from irtd_fast.scan.walk import natural_key

Key = tuple[str, ...]
# Path and its named values, in the order of ``pattern_groups``; absent groups are "".
Match = tuple[str, Key]
Folder = tuple[str, Sequence[str]]

_BASE = r"(?P<base>(?:.*?/)??)"
_DIGITS_TO_ZERO = str.maketrans("123456789", "000000000")


@dataclass(slots=True)
class FolderMatch:
    """Files of one folder that fit a pattern below one base.

    Attributes:
        base: What precedes the pattern, ``""`` or ending in ``/``.
        prefix: The folder, ``""`` or ending in ``/``.
        rows: Name of each file and the values of the pattern's groups.
    """

    base: str
    prefix: str
    rows: list[tuple[str, Key]]


class Paths:
    """The files of a dump.

    Args:
        folders: Each folder (``""`` or ending in ``/``) with the names of its files.
    """

    def __init__(self, folders: Iterable[Folder]) -> None:
        self.folders = [folder for folder in folders if folder[1]]

    @classmethod
    def of_files(cls, files: Iterable[str]) -> Paths:
        """Sort paths by their folders."""
        folders: dict[str, list[str]] = {}
        for path in files:
            head, slash, name = path.rpartition("/")
            folders.setdefault(head + slash, []).append(name)
        return cls(folders.items())

    def __len__(self) -> int:
        return sum(len(names) for _, names in self.folders)

    def __iter__(self) -> Iterator[str]:
        for prefix, names in self.folders:
            for name in names:
                yield prefix + name

    def bases(self, pattern: str) -> Counter[str]:
        """Count the files that fit the pattern, by what precedes it."""
        counts: Counter[str] = Counter()
        split = split_pattern(pattern)
        if split is None:
            for found in self._search_whole(pattern):
                counts[found.base] += len(found.rows)
            return counts
        for prefix, names in self.folders:
            place = split[0].fullmatch(prefix)
            if place is None:
                continue
            fitting = len(names) - list(map(split[1].fullmatch, names)).count(None)
            if fitting:
                counts[place["base"]] += fitting
        return counts

    def first(self, pattern: str) -> str | None:
        """Give the base of the first file that fits the pattern, or ``None``."""
        return next((found.base for found in self._search(pattern)), None)

    def matches(self, pattern: str, base: str) -> list[Match]:
        """Give the files that fit the pattern right below a base, in natural order."""
        found = [item for item in self._search(pattern, base) if item.base == base]
        rows = [(item.prefix, _natural(item.rows)) for item in found]
        in_order = _folders_in_order(rows)
        result = [
            (prefix + name, values) for prefix, items in in_order or rows for name, values in items
        ]
        if in_order is None:
            result.sort(key=lambda item: natural_key(item[0]))
        return result

    def _search(self, pattern: str, base: str | None = None) -> Iterator[FolderMatch]:
        split = split_pattern(pattern)
        if split is None:
            yield from self._search_whole(pattern)
            return
        in_folder, in_name = split
        order = pattern_groups(pattern)
        fits, match = in_folder.fullmatch, in_name.fullmatch
        own = [name for name in order if name in in_name.groupindex]
        for prefix, names in self.folders:
            place = None if base and not prefix.startswith(base) else fits(prefix)
            if place is None:
                continue
            rows = _rows(names, match, place.groupdict(""), order, own)
            if rows:
                yield FolderMatch(place["base"], prefix, rows)

    def _search_whole(self, pattern: str) -> Iterator[FolderMatch]:
        match = compile_pattern(pattern).fullmatch
        order = pattern_groups(pattern)
        for prefix, names in self.folders:
            by_base: dict[str, list[tuple[str, Key]]] = {}
            for name in names:
                found = match(prefix + name)
                if found is not None:
                    values = tuple([found[group] or "" for group in order])
                    by_base.setdefault(found["base"], []).append((name, values))
            for base, rows in by_base.items():
                yield FolderMatch(base, prefix, rows)


def _rows(
    names: Sequence[str], fullmatch: Callable[[str], re.Match[str] | None], parts: dict[str, str],
    order: Key, own: list[str],
) -> list[tuple[str, Key]]:  # fmt: skip
    """Match the names of one folder; groups of the folder have one value for all of them."""
    rows = []
    if len(own) == 1:  # nearly always: a stem
        (only,) = own
        at = order.index(only)
        head = tuple([parts[name] for name in order[:at]])
        tail = tuple([parts[name] for name in order[at + 1 :]])
        for name in names:
            found = fullmatch(name)
            if found is not None:
                rows.append((name, (*head, found[only] or "", *tail)))
        return rows
    for name in names:
        found = fullmatch(name)
        if found is not None:
            inside = found.groupdict("")
            rows.append((name, tuple([inside.get(g) or parts.get(g, "") for g in order])))
    return rows


def _natural(rows: list[tuple[str, Key]]) -> list[tuple[str, Key]]:
    """Put the files of one folder into natural order."""
    shapes = "\0".join([name for name, _ in rows]).translate(_DIGITS_TO_ZERO)
    if shapes == "\0".join([rows[0][0].translate(_DIGITS_TO_ZERO)] * len(rows)):
        rows.sort()  # same shape and as many digits: plain order is natural order
    else:
        rows.sort(key=lambda row: natural_key(row[0]))
    return rows


_Rows = list[tuple[str, list[tuple[str, Key]]]]


def _folders_in_order(rows: _Rows) -> _Rows | None:
    """Sort folders so that their files are in natural order; ``None`` where that cannot be.

    It cannot be where one folder lies in another, or where two differ only in leading zeros.
    """
    plain = sorted(prefix for prefix, _ in rows)
    if any(after.startswith(before) for before, after in itertools.pairwise(plain)):
        return None
    keyed = sorted((natural_key(prefix), items) for prefix, items in rows)
    if any(a[0][0] == b[0][0] for a, b in itertools.pairwise(keyed)):
        return None
    return [(key[1], items) for key, items in keyed]


@functools.lru_cache(maxsize=4096)
def split_pattern(pattern: str) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """Split a pattern into one of the folder and one of the name, if that changes nothing."""
    at = _last_slash(pattern)
    if at is None:
        return None
    folder, name = pattern[: at + 1], pattern[at + 1 :]
    if not _TokensOf(name).free_of_slashes():
        return None
    try:
        base = _BASE if folder else r"(?P<base>(?:.*/)?)"
        return re.compile(base + folder), re.compile(name)
    except re.error:
        return None


def _last_slash(pattern: str) -> int | None:
    """Find the last slash outside groups and classes, -1 if there is none.

    ``None``: there is an alternative at the top, so no slash divides the whole pattern.
    """
    depth, last = 0, -1
    for start, token in _TokensOf(pattern):
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
        elif token == "|" and not depth:
            return None
        elif token == "/" and not depth:
            last = start
            after = pattern[start + 1 : start + 2]
            if after and after in "*+?{":
                return None
    return last


class _TokensOf:
    """Walks over a regular expression: escapes and classes are one token each."""

    _TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
    _GROUP = re.compile(r"\((?:\?(?:P<\w+>|:|i:))?(?!\?)")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __iter__(self) -> Iterator[tuple[int, str]]:
        for found in self._TOKEN.finditer(self._pattern):
            yield found.start(), found[0]

    def free_of_slashes(self) -> bool:
        """True if surely nothing with a slash fits and nothing refers to what came before."""
        skip = 0
        for start, token in self:
            if start < skip:
                continue
            if token == "(":
                group = self._GROUP.match(self._pattern, start)
                if group is None:
                    return False
                skip = group.end()
            elif not _free_of_slashes(token):
                return False
        return True


def _free_of_slashes(token: str) -> bool:
    if token in ("/", "."):
        return False
    if token[0] == "\\" and len(token) == 2:
        return token[1] in "dws" or not token[1].isalnum()
    if token[0] == "[":
        try:
            return re.fullmatch(token, "/") is None
        except re.error:
            return False
    return True
