"""Which sources' dumps lie below a folder: told by folders' names and by what is inside."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from irtd_fast.catalog import SourceRecord, Variant
from irtd_fast.scan.layout import fitting_bases
from irtd_fast.scan.paths import Paths
from irtd_fast.scan.walk import walk

CONFIDENCES = ("sure", "likely", "possible", "name only")
_NUMBERED = re.compile(r"(\d{1,2})[-_. ]+(.+)")
_NOISE = re.compile(r"[^0-9a-z]+")
_Names = dict[str, dict[str, str]]  # folder (with a slash, "" is the root) -> source -> why


@dataclass(frozen=True, slots=True)
class Finding:
    """A dump, or what looks like one.

    Attributes:
        folder: Below the root, ``.`` for the root itself.
        source: Key of the record.
        variant: Layout that fits, ``""`` if none does.
        pictures: Infrared pictures that fit; of a layout of labels alone, its label files.
        confidence: ``sure``: name and layout; ``likely``: a layout that no other source has here;
            ``possible``: one that others have too; ``name only``: no layout fits.
        reason: Why, for people.
    """

    folder: str
    source: str
    variant: str
    pictures: int
    confidence: str
    reason: str


def find_sources(root: str | Path, records: Iterable[SourceRecord]) -> list[Finding]:
    """Look for dumps below a folder.

    Args:
        root: The folder, or a folder of dumps such as ``1-LLVIP`` or ``63-FLIR_ADAS``.
        records: What to look for. Records without a layout of their own are found by name only.

    Returns:
        Findings by folder, the surest of each folder first. Where a folder's name and layout
        agree, other sources whose layout also fits there are not listed.

    Raises:
        SourceLayoutError: The root is not a folder.
    """
    root = Path(root)
    known = list(records)
    paths = Paths(walk(root).folders)
    named = _named_folders(root, paths, known)
    fits = [fit for record in known for fit in _fits(record, paths, root)]
    fits += [fit for record in known for fit in _tree_fits(record, paths, named, fits)]
    found = [_judge(fit, fits, named) for fit in fits if not _overruled(fit, fits, named)]
    found += _by_name(named, fits, {record.key: record for record in known})
    found.sort(key=lambda f: (f.folder, CONFIDENCES.index(f.confidence), -f.pictures, f.source))
    return found


@dataclass(frozen=True, slots=True)
class _Fit:
    """A layout of a source that fits below a base folder."""

    source: str
    variant: str
    base: str
    pictures: int
    what: str = "pictures"


def _is_tree(variant: Variant) -> bool:
    """Any folders will do, so that it fits whatever holds such pictures."""
    return any("(?P<folder>" in images.infrared for images in variant.images)


def _tree_fits(
    record: SourceRecord, paths: Paths, named: _Names, fits: Sequence[_Fit]
) -> Iterator[_Fit]:
    """Layouts that fit anything count where a folder has the source's name, and nothing else."""
    for folder in named:
        if record.key not in named[folder]:
            continue
        if any(f.source == record.key and f.base.startswith(folder) for f in fits):
            continue
        inside = Paths((p.removeprefix(folder), n) for p, n in paths.folders
                       if p.startswith(folder))  # fmt: skip
        for variant in record.variants:
            counts = fitting_bases(variant, inside, Path(folder or "."), allow_root=True)
            if counts:
                yield _Fit(record.key, variant.name, folder, counts.total())
                break


def _fits(record: SourceRecord, paths: Paths, root: Path) -> list[_Fit]:
    """The first layout of a source that fits, at each base."""
    if not record.layout_known:
        return []
    taken: dict[str, _Fit] = {}
    for variant in record.variants:
        if _is_tree(variant):
            continue
        what = "label files" if variant.labels_only else "pictures"
        for base, count in fitting_bases(variant, paths, root).items():
            taken.setdefault(base, _Fit(record.key, variant.name, base, count, what))
    return list(taken.values())


def _named_folders(root: Path, paths: Paths, records: Sequence[SourceRecord]) -> _Names:
    folders = {""}
    for prefix, _ in paths.folders:
        parts = prefix.split("/")[:-1]
        folders.update("/".join(parts[: n + 1]) + "/" for n in range(len(parts)))
    words = _words(records)
    numbers: dict[int, list[str]] = {}
    for record in records:
        for number in record.index:
            numbers.setdefault(number, []).append(record.key)
    named: _Names = {}
    for folder in sorted(folders):
        name = folder.rstrip("/").rpartition("/")[2] or root.resolve().name
        why = _meant(name, words, numbers)
        if why:
            named[folder] = why
    return named


def _words(records: Sequence[SourceRecord]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for record in records:
        for name in {record.key, *record.aliases, *record.folders}:
            words.setdefault(_plain(name), []).append(record.key)
    return words


def _meant(name: str, words: dict[str, list[str]], numbers: dict[int, list[str]]) -> dict[str, str]:
    """Say which sources a folder's name means, and why."""
    meant = dict.fromkeys(words.get(_plain(name), []), f"named {name}")
    numbered = _NUMBERED.fullmatch(name)
    if numbered:
        number, rest = int(numbered[1]), _plain(numbered[2])
        for key in words.get(rest, []):
            meant[key] = f"named {name}"
        for key in numbers.get(number, ()):
            known = (word for word, keys in words.items() if key in keys)
            if rest and any(rest.startswith(word) or word.startswith(rest) for word in known):
                meant.setdefault(key, f"number {number} of the official list in {name}")
    return meant


@functools.lru_cache(maxsize=1 << 16)
def _plain(name: str) -> str:
    return _NOISE.sub("", name.lower())


def _name_of(fit: _Fit, named: _Names) -> str:
    """Why the folder of a fit, or one that holds it, is named as its source; ``""`` if not."""
    base = fit.base
    while True:
        why = named.get(base, {}).get(fit.source)
        if why or not base:
            return why or ""
        base = base[:-1].rpartition("/")[0] + "/" if "/" in base[:-1] else ""


def _overruled(fit: _Fit, fits: Sequence[_Fit], named: _Names) -> bool:
    """True if another source fits here whose name the folder has."""
    if _name_of(fit, named):
        return False
    return any(other.base == fit.base and _name_of(other, named) for other in fits)


def _judge(fit: _Fit, fits: Sequence[_Fit], named: _Names) -> Finding:
    name = _name_of(fit, named)
    rivals = sorted({o.source for o in fits if o.base == fit.base and o.source != fit.source})
    layout = f"layout {fit.variant} fits {fit.pictures} {fit.what}"
    if name:
        confidence, reason = "sure", f"{name}; {layout}"
    elif not rivals:
        confidence, reason = "likely", layout
    else:
        confidence, reason = "possible", f"{layout}; so do {', '.join(rivals)}"
    folder = fit.base.rstrip("/") or "."
    return Finding(folder, fit.source, fit.variant, fit.pictures, confidence, reason)


def _by_name(
    named: _Names, fits: Sequence[_Fit], records: dict[str, SourceRecord]
) -> list[Finding]:
    """Folders that are named like a source without holding any of its layouts."""
    found = []
    for folder, sources in named.items():
        for key, why in sources.items():
            bases = [fit.base for fit in fits if fit.source == key]
            inside = any(base.startswith(folder) or folder.startswith(base) for base in bases)
            above = any(key in named[other] for other in named
                        if other != folder and folder.startswith(other))  # fmt: skip
            if inside or above:
                continue
            what = "none of its layouts fits"
            if not records[key].layout_known:
                what = "its layout is not known, a generic one may serve"
            place = folder.rstrip("/") or "."
            found.append(Finding(place, key, "", 0, "name only", f"{why}; {what}"))
    return found
