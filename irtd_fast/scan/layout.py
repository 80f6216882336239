"""Find which of a record's layouts a dump has, and which file plays which part in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from irtd_fast.catalog import AnnotationSpec, ImagePatterns, SourceRecord, Variant
from irtd_fast.catalog.patterns import compile_pattern, pattern_groups
from irtd_fast.errors import SourceLayoutError
from irtd_fast.scan.walk import natural_key

Key = tuple[str, ...]
# Named values of one path, in the order of ``pattern_groups``; absent groups are "".
Match = tuple[str, Key]
LabelPath = tuple[str, Mapping[str, str]]


@dataclass(slots=True)
class PictureSet:
    """The files of one group of picture patterns.

    Attributes:
        patterns: The patterns.
        names: Named groups of the infrared pattern, sorted.
        infrared: Path and values of the groups, in natural order of the paths.
        visible: Value of the shared groups -> path.
        mask: The same for masks.
        joins: Role -> positions in ``names`` of the groups shared with that role's pattern.
        doubles: (role, path, path kept): more than one candidate for one partner.
    """

    patterns: ImagePatterns
    names: Key
    infrared: list[Match]
    visible: dict[Key, str] = field(default_factory=dict)
    mask: dict[Key, str] = field(default_factory=dict)
    joins: dict[str, tuple[int, ...]] = field(default_factory=dict)
    doubles: list[tuple[str, str, str]] = field(default_factory=list)

    def partner(self, role: str, values: Key) -> str | None:
        """Give the path of the partner that goes with the infrared picture's values."""
        table: dict[Key, str] = getattr(self, role)
        return table.get(tuple(values[i] for i in self.joins[role])) if table else None


@dataclass(slots=True)
class Layout:
    """One variant found at one base folder.

    Attributes:
        variant: The variant.
        base: Folder below the root, ``""`` or ending in ``/``.
        pictures: One set for each group of picture patterns that has infrared pictures.
        labels: Label files of each annotation spec, natural order, with their named values.
        split_files: Canonical split -> list files.
        notes: Other variants and base folders that would also have fitted.
    """

    variant: Variant
    base: str
    pictures: list[PictureSet]
    labels: list[tuple[AnnotationSpec, list[LabelPath]]]
    split_files: dict[str, list[str]]
    notes: list[str] = field(default_factory=list)


def choose_layout(
    record: SourceRecord, files: Sequence[str], root: Path, *, name: str | None = None
) -> Layout:
    """Choose variant and base folder: the first variant in the record's order that fits.

    A variant fits a base folder where at least one of its infrared patterns and all patterns
    that it requires match. Of several base folders the shallowest is taken, then the one with
    the most infrared pictures; the others are noted.

    Args:
        record: The source.
        files: All files below the root.
        root: The root; its own name counts where a variant asks for a folder's name.
        name: Take this variant and no other; its folder may then have any name if it is the root.

    Raises:
        SourceLayoutError: No variant fits; says what was looked for and what is there.
        SourceError: No variant of that name.
    """
    variants = record.variants if name is None else (record.variant(name),)
    allow_root = name is not None
    fits = {v.name: _fitting_bases(v, files, root, allow_root=allow_root) for v in variants}
    chosen = next((variant for variant in variants if fits[variant.name]), None)
    if chosen is None:
        raise SourceLayoutError(
            _explain(record, variants, files, root), source=record.key, path=str(root)
        )
    counts = fits[chosen.name]
    order = sorted(counts, key=lambda base: (base.count("/"), -counts[base], base))
    layout = _collect(chosen, order[0], files)
    for base in order[1:]:
        layout.notes.append(
            f"variant {chosen.name} also fits below {base or '.'} ({counts[base]} pictures), unused"
        )
    for variant in variants:
        if variant is not chosen and fits[variant.name]:
            places = ", ".join(base or "." for base in sorted(fits[variant.name]))
            layout.notes.append(f"variant {variant.name} also fits below {places}, unused")
    return layout


def _fitting_bases(
    variant: Variant, files: Sequence[str], root: Path, *, allow_root: bool
) -> Counter[str]:
    """Count infrared pictures below every base folder that the variant fits."""
    total: Counter[str] = Counter()
    required: list[Iterable[str]] = []
    for images in variant.images:
        found = _bases(images.infrared, files)
        total.update(found)
        if images.required:
            required.append(found)
    if total:
        required += [_bases(s.files, files) for s in variant.annotations if s.required]
    for base in list(total):
        named = _folder_fits(variant.folder, base, root, allow_root=allow_root)
        if not named or not all(base in bases for bases in required):
            del total[base]
    return total


def _bases(pattern: str, files: Sequence[str]) -> Counter[str]:
    match = compile_pattern(pattern).fullmatch
    return Counter(found["base"] for path in files if (found := match(path)))


def _folder_fits(folder: str, base: str, root: Path, *, allow_root: bool) -> bool:
    if not folder or (allow_root and not base):
        return True
    name = PurePosixPath(base).name if base else root.resolve().name
    return name.casefold() == folder.casefold()


def _collect(variant: Variant, base: str, files: Sequence[str]) -> Layout:
    below = [path for path in files if path.startswith(base)]
    sets = [_picture_set(images, base, below) for images in variant.images]
    labels: list[tuple[AnnotationSpec, list[LabelPath]]] = []
    for spec in variant.annotations:
        names = pattern_groups(spec.files)
        found = sorted(_matches(spec.files, base, below), key=lambda item: natural_key(item[0]))
        files_of: list[LabelPath] = [
            (path, dict(zip(names, values, strict=True))) for path, values in found
        ]
        labels.append((spec, files_of))
    splits = {
        split: sorted(path for path, _ in _matches(pattern, base, below))
        for split, pattern in variant.split_files.items()
    }
    return Layout(variant, base, [item for item in sets if item.infrared], labels, splits)


def _picture_set(images: ImagePatterns, base: str, files: Sequence[str]) -> PictureSet:
    infrared = _matches(images.infrared, base, files)
    infrared.sort(key=lambda item: natural_key(item[0]))
    result = PictureSet(images, pattern_groups(images.infrared), infrared)
    for role, pattern in (("visible", images.visible), ("mask", images.mask)):
        if pattern and infrared:
            _add_partners(result, role, pattern, _matches(pattern, base, files))
    return result


def _add_partners(result: PictureSet, role: str, pattern: str, found: list[Match]) -> None:
    names = pattern_groups(pattern)
    shared = [name for name in result.names if name in names]
    result.joins[role] = tuple(result.names.index(name) for name in shared)
    pick = [names.index(name) for name in shared]
    table: dict[Key, str] = getattr(result, role)
    for path, values in sorted(found, key=lambda item: natural_key(item[0])):
        key = tuple(values[i] for i in pick)
        kept = table.setdefault(key, path)
        if kept != path:
            result.doubles.append((role, path, kept))


def _matches(pattern: str, base: str, files: Sequence[str]) -> list[Match]:
    """Give all files that fit the pattern right below the base, with their named values."""
    match: Callable[[str], re.Match[str] | None] = compile_pattern(pattern).fullmatch
    names = pattern_groups(pattern)
    result = []
    for path in files:
        found = match(path)
        if found is not None and found["base"] == base:
            result.append((path, tuple([found[name] or "" for name in names])))
    return result


def _explain(
    record: SourceRecord, variants: Sequence[Variant], files: Sequence[str], root: Path
) -> str:
    lines = [f"{root}: does not look like a dump of {record.key}; looked for"]
    for variant in variants:
        patterns = " or ".join(images.infrared for images in variant.images)
        needed = [images.infrared for images in variant.images if images.required]
        needed += [spec.files for spec in variant.annotations if spec.required]
        also = f", with {' and '.join(needed)}" if needed else ""
        where = f" in a folder named {variant.folder}" if variant.folder else ""
        lines.append(f"  variant {variant.name}: {patterns}{also}{where}")
    lines.append(f"found {len(files)} files:")
    shapes = Counter(_shape(path) for path in files)
    lines += [f"  {count} x {shape}" for shape, count in sorted(shapes.most_common(8))]
    return "\n".join(lines)


def _shape(path: str) -> str:
    name = PurePosixPath(path)
    return str(name.parent / f"*{name.suffix}")
