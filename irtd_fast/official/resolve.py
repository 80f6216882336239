"""Find the pictures of published texts in a user's dumps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from irtd_fast.official.layouts import RULES, Place, Rule, tail_of
from irtd_fast.scan.walk import natural_key, walk
from irtd_fast.types import Problem

UNKNOWN = "not a path of the published files"


@dataclass(frozen=True)
class Found:
    """One published picture.

    Attributes:
        published: Path as published.
        source: Key of the source it really comes from, ``""`` if the path is of no known form.
        path: File below the root, POSIX; ``""`` if it was not found.
        layout: Layout in which it was found.
        note: How the file differs from the published picture, or why none was found.
        others: Further files that fit as well; the first in natural order was taken.
    """

    published: str
    source: str
    path: str = ""
    layout: str = ""
    note: str = ""
    others: tuple[str, ...] = ()


@dataclass
class Resolution:
    """Where all published pictures are.

    Attributes:
        root: The folder of dumps.
        images: Published path -> what was found, in the order given.
        files: Text file -> its distinct published paths.
        problems: What could not be read below the root.
    """

    root: str
    images: dict[str, Found]
    files: dict[str, list[str]]
    problems: list[Problem] = field(default_factory=list)

    @property
    def found(self) -> int:
        """Pictures found."""
        return sum(bool(item.path) for item in self.images.values())

    def by_file(self) -> list[dict[str, Any]]:
        """Distinct pictures, found and missing of each text file."""
        return [
            self._row("file", name, [self.images[p] for p in paths])
            for name, paths in self.files.items()
        ]

    def by_source(self) -> list[dict[str, Any]]:
        """The same for each source, with layouts and the reason for what is missing."""
        groups: dict[str, list[Found]] = {}
        for item in self.images.values():
            groups.setdefault(item.source, []).append(item)
        rows = []
        for source, items in sorted(groups.items()):
            row = self._row("source", source or "unknown", items)
            row["layouts"] = dict(Counter(item.layout for item in items if item.path))
            row["why"] = sorted({item.note for item in items if not item.path})
            rows.append(row)
        return rows

    def _row(self, kind: str, name: str, items: list[Found]) -> dict[str, Any]:
        found = sum(bool(item.path) for item in items)
        return {
            kind: name, "images": len(items), "found": found, "missing": len(items) - found,
            "ambiguous": sum(bool(item.others) for item in items),
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data, with every single picture."""
        return {
            "root": self.root, "images": len(self.images), "found": self.found,
            "files": self.by_file(), "sources": self.by_source(),
            "problems": [asdict(problem) for problem in self.problems],
            "paths": [asdict(item) for item in self.images.values()],
        }  # fmt: skip


def resolve(paths: Mapping[str, Iterable[str]], root: str | Path) -> Resolution:
    """Find published pictures below a folder of dumps.

    The dumps may lie in IR-TD's folders (``63-FLIR_ADAS``) or in the publishers' layouts, at any
    depth. Names are compared without case. Nothing is opened: a picture is known by its path.

    Args:
        paths: Text file -> published paths, as often as they occur.
        root: Folder of the dumps.

    Raises:
        SourceLayoutError: The root is not a folder.
    """
    files = {name: list(dict.fromkeys(items)) for name, items in paths.items()}
    wanted = list(dict.fromkeys(path for items in files.values() for path in items))
    plans = {path: _candidates(path) for path in wanted}
    tree = walk(Path(root))
    names = {suffix.rpartition("/")[2] for _, places in plans.values() for _, suffix in places}
    index = _Index(Path(root), tree.files, names)
    images = {path: _find(path, *plans[path], index) for path in wanted}
    return Resolution(str(root), images, files, tree.problems)


_Places = list[tuple[Place, str]]


def _candidates(path: str) -> tuple[Rule | None, _Places]:
    tail = tail_of(path)
    for rule in RULES:
        match = rule.pattern.fullmatch(tail)
        if match is not None:
            parts = match.groupdict()
            return rule, [(p, p.suffix.format_map(parts).casefold()) for p in rule.places]
    return None, [(Place("as published", tail), tail.casefold())]


class _Index:
    """Files below the root by name, only those with a wanted name."""

    def __init__(self, root: Path, files: Iterable[str], names: set[str]) -> None:
        self.above = root.resolve().name.casefold()
        self._by_name: dict[str, list[tuple[str, str]]] = {}
        for path in files:
            folded = path.casefold()
            name = folded.rpartition("/")[2]
            if name in names:
                self._by_name.setdefault(name, []).append((folded, path))

    def find(self, place: Place, suffix: str) -> list[str]:
        """Give the files that end in a suffix (whole folder names) below a fitting folder."""
        hits = []
        for folded, path in self._by_name.get(suffix.rpartition("/")[2], ()):
            whole = f"{self.above}/{folded}"
            if whole.endswith(f"/{suffix}") or whole == suffix:
                before = whole[: len(whole) - len(suffix)].strip("/")
                if not place.folder or _named(place.folder, before):
                    hits.append(path)
        return sorted(hits, key=natural_key)


def _named(folder: str, before: str) -> bool:
    pattern = re.compile(rf"(?:\d+[-_. ]*)?{folder}(?:[-_. ].*)?", re.IGNORECASE)
    return any(pattern.fullmatch(part) for part in before.split("/"))


def _find(path: str, rule: Rule | None, places: _Places, index: _Index) -> Found:
    source = rule.source if rule is not None else ""
    for place, suffix in places:
        hits = index.find(place, suffix)
        if hits:
            return Found(path, source, hits[0], place.layout, place.note, tuple(hits[1:]))
    return Found(path, source, note=rule.why if rule is not None else UNKNOWN)
