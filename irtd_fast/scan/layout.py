"""Find which of a record's layouts a dump has, and which file plays which part in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from irtd_fast.catalog import AnnotationSpec, ImagePatterns, SourceRecord, Variant
from irtd_fast.catalog.patterns import pattern_groups
from irtd_fast.errors import SourceLayoutError
from irtd_fast.scan.paths import Key, Match, Paths
from irtd_fast.types import ImageInfo

LabelPath = tuple[str, Mapping[str, str]]


_NUMBER = re.compile(r"\d+[-_. ]+")  # folders such as 24-VT5000


@dataclass(slots=True)
class PictureSet:
    """The infrared pictures of one group of patterns.

    Attributes:
        patterns: The patterns.
        names: Named groups of the infrared pattern, sorted.
        infrared: Path and values of the groups, in natural order of the paths.
    """

    patterns: ImagePatterns
    names: Key
    infrared: list[Match]


@dataclass(slots=True)
class Layout:
    """One variant found at one base folder.

    Attributes:
        variant: The variant.
        base: Folder below the root, ``""`` or ending in ``/``.
        pictures: One set for each group of picture patterns that has infrared pictures.
        labels: Label files of each annotation spec, natural order, with their named values.
        split_files: Canonical split -> list files.
        folds: Fold -> list files.
        pairing_files: Files that say which pictures are partners.
        notes: Other variants and base folders that would also have fitted.
        complete: No picture was passed over; otherwise a label, a partner or a list's entry
            without its picture means nothing.
        videos: Of a layout of videos, each container's first frame.
    """

    variant: Variant
    base: str
    pictures: list[PictureSet]
    labels: list[tuple[AnnotationSpec, list[LabelPath]]]
    split_files: dict[str, list[str]]
    folds: dict[str, list[str]] = field(default_factory=dict)
    pairing_files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = True
    videos: dict[str, ImageInfo] = field(default_factory=dict)


def choose_layout(
    record: SourceRecord, files: Paths, root: Path, *, name: str | None = None
) -> Layout:
    """Choose variant and base folder: the first variant in the record's order that fits.

    A variant fits a base folder where at least one of its infrared patterns and all patterns
    that it requires match. Of several base folders the shallowest is taken, then the one with
    the most infrared pictures; the others are noted.

    Args:
        record: The source.
        files: All files below the root.
        root: The root; its own name counts where a variant asks for a folder's name.
        name: Take this variant and no other.

    Raises:
        SourceLayoutError: No variant fits; says what was looked for and what is there.
        SourceError: No variant of that name.
    """
    variants = record.variants if name is None else (record.variant(name),)
    allow_root = len(variants) == 1  # asked for, or the only one: nothing to tell apart
    fits = {v.name: fitting_bases(v, files, root, allow_root=allow_root) for v in variants}
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


def fitting_bases(
    variant: Variant, files: Paths, root: Path, *, allow_root: bool = False
) -> Counter[str]:
    """Count infrared pictures below every base folder that the variant fits.

    Of a layout of labels alone the files of its required annotations are counted.

    Args:
        variant: The layout.
        files: All files below the root.
        root: Its own name counts where the variant asks for a folder's name.
        allow_root: The root may have any name.
    """
    total: Counter[str] = Counter()
    required: list[Iterable[str]] = []
    for images in variant.images:
        found = files.bases(images.infrared)
        total.update(found)
        if images.required:
            required.append(found)
    if variant.labels_only:
        for spec in variant.annotations:
            total.update(files.bases(spec.files) if spec.required else ())
    if total:
        required += [files.bases(s.files) for s in variant.annotations if s.required]
    for base in list(total):
        named = _folder_fits(variant.folder, base, root, allow_root=allow_root)
        if not named or not all(base in bases for bases in required):
            del total[base]
    return total


def _folder_fits(folder: str, base: str, root: Path, *, allow_root: bool) -> bool:
    if not folder or (allow_root and not base):
        return True
    name = PurePosixPath(base).name if base else root.resolve().name
    return folder.casefold() in (name.casefold(), _NUMBER.sub("", name.casefold()))


def _collect(variant: Variant, base: str, files: Paths) -> Layout:
    sets = [
        PictureSet(images, pattern_groups(images.infrared), files.matches(images.infrared, base))
        for images in variant.images
    ]
    labels: list[tuple[AnnotationSpec, list[LabelPath]]] = []
    for spec in variant.annotations:
        names = pattern_groups(spec.files)
        found = files.matches(spec.files, base)
        labels.append((spec, [(path, dict(zip(names, v, strict=True))) for path, v in found]))
    splits = {
        split: [path for path, _ in files.matches(pattern, base)]
        for split, pattern in variant.split_files.items()
    }
    layout = Layout(variant, base, [item for item in sets if item.infrared], labels, splits)
    if variant.folds:
        at = pattern_groups(variant.folds).index("fold")
        for path, values in files.matches(variant.folds, base):
            layout.folds.setdefault(values[at], []).append(path)
    if variant.pairing_file:
        layout.pairing_files = [path for path, _ in files.matches(variant.pairing_file, base)]
    return layout


def _explain(record: SourceRecord, variants: Sequence[Variant], files: Paths, root: Path) -> str:
    lines = [f"{root}: does not look like a dump of {record.key}; looked for"]
    for variant in variants:
        patterns = " or ".join(images.infrared for images in variant.images) or "label files"
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
