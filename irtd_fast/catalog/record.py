"""One source as data: the record behind a ``catalog/<key>.toml`` file, strictly checked.

A record says what a source is (licence, band, tasks …) and what its dump looks like on disk
(variants: patterns for pictures and label files). It holds no code; ``irtd_fast.scan`` reads
dumps by it. Every key is checked on loading: an unknown key, a missing one or a value of the
wrong kind is a ``SourceError`` that names the file and the key.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from irtd_fast.catalog.table import Table
from irtd_fast.errors import SourceError

BANDS = ("NIR", "SWIR", "MWIR", "LWIR", "mixed", "unknown")
REGISTRATIONS = ("registered", "near", "unregistered", "unpaired")
CHANNELS = ("gray", "colour")
FORMATS = ("xml_objects", "coco_json", "masks")
PROVIDES = ("objects", "points")
TASKS = (
    "recognition", "grounding", "location", "relationship", "re-identification", "security",
    "aerial-counting", "pedestrian-counting", "scene",
)  # fmt: skip

_KEY = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


@functools.lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a record's pattern so that it fits a path anywhere under the dump's root.

    What precedes the pattern is the named group ``base``: empty or ending in ``/``. The shortest
    base that fits is taken, so that a pattern may itself begin with optional folders.

    Raises:
        re.error: The pattern is not a regular expression.
    """
    return re.compile(rf"(?P<base>(?:.*?/)??){pattern}")


@functools.lru_cache(maxsize=4096)
def pattern_groups(pattern: str) -> tuple[str, ...]:
    """Names of the pattern's own groups, sorted, without ``base``."""
    return tuple(sorted(set(compile_pattern(pattern).groupindex) - {"base"}))


@dataclass(frozen=True, slots=True)
class ImagePatterns:
    """Patterns of pictures that belong together.

    Attributes:
        infrared: Pattern of the infrared pictures; each match is one sample.
        visible: Pattern of the visible partners, or ``""``.
        mask: Pattern of the mask pictures, or ``""``.
        required: The variant does not match a dump without such infrared pictures.
        visible_optional: The publisher gives not every picture a visible partner; missing ones
            are counted in a note and are no problem.
    """

    infrared: str
    visible: str = ""
    mask: str = ""
    required: bool = False
    visible_optional: bool = False


@dataclass(frozen=True, slots=True)
class AnnotationSpec:
    """Which files hold labels, and how to read them.

    Attributes:
        format: Reader in ``irtd_fast.formats``.
        files: Pattern of the label files; its groups (and, for files about many pictures, the
            ``stem`` found inside) join labels to pictures.
        required: The variant does not match a dump without such files.
        provides: What the samples get from them: ``objects``, ``points`` or both.
        options: Table for the reader (geometry, base, inclusive, tolerance …).
    """

    format: str
    files: str
    required: bool = False
    provides: tuple[str, ...] = ("objects",)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variant:
    """One layout in which a source is found on disk.

    Attributes:
        name: Key of the variant, given to ``scan(variant=...)``.
        title: One line for people.
        images: Groups of patterns; at least one must match.
        name_template: Sample name from the infrared pattern's groups; ``{split}`` is canonical.
        folder: Name that the folder holding this layout has (compared without case), where the
            inside of two layouts looks alike; ``""`` accepts any.
        channels: ``gray``: one channel, any other content is an error; ``colour``: kept.
        chroma_tolerance: Largest difference between channels that still counts as gray.
        split_files: Canonical split -> pattern of a list file, one stem a line.
        annotations: Label files.
    """

    name: str
    title: str
    images: tuple[ImagePatterns, ...]
    name_template: str = "{stem}"
    folder: str = ""
    channels: str = "gray"
    chroma_tolerance: int = 0
    split_files: Mapping[str, str] = field(default_factory=dict)
    annotations: tuple[AnnotationSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """Counts of the full release, as published; 0 and empty where unknown."""

    samples: int = 0
    splits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source of infrared images: what it is and how its dump looks.

    Attributes:
        key: Name of the source here and of its group in a store.
        title: Name its publisher gives it.
        homepage: Where it is published.
        citation: How to cite it.
        licence: What the publisher states, nothing inferred.
        terms: What the licence means for a user, in a sentence.
        band: ``NIR``, ``SWIR``, ``MWIR``, ``LWIR``, ``mixed`` or ``unknown``.
        bit_depth: Bits of a stored pixel (8 or 16).
        registration: How the visible partners fit the infrared pictures.
        tasks: IR-TD tasks that the source can feed.
        variants: Layouts on disk, preferred one first.
        index: Numbers in IR-TD's official list of sources.
        evidence: Field -> how sure it is: ``S`` sure, ``L`` likely, ``?`` unknown, then why.
        categories: Raw category -> canonical category.
        ignore: Canonical categories that are neither positive nor negative.
        splits: Raw split -> canonical split.
        scenes: Raw scene word -> canonical scene word.
        expected: Counts of the full release.
    """

    key: str
    title: str
    homepage: str
    citation: str
    licence: str
    terms: str
    band: str
    bit_depth: int
    registration: str
    tasks: tuple[str, ...]
    variants: tuple[Variant, ...]
    index: tuple[int, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    splits: Mapping[str, str] = field(default_factory=dict)
    scenes: Mapping[str, str] = field(default_factory=dict)
    expected: Expected = field(default_factory=Expected)

    def to_dict(self) -> dict[str, Any]:
        """Give the record as JSON-able data, the same shape as the TOML file."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return data

    def digest(self) -> str:
        """Give the SHA-256 (hex) of the record's canonical JSON."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def variant(self, name: str) -> Variant:
        """Find a variant by its name.

        Raises:
            SourceError: No variant of that name; the message lists the names.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        names = ", ".join(variant.name for variant in self.variants)
        message = f"{self.key}: no variant {name!r}; the record has {names}"
        raise SourceError(message, source=self.key)


def load_record(path: Path) -> SourceRecord:
    """Read a record from a TOML file.

    Raises:
        SourceError: The file is not TOML or not a valid record: file and key are named.
        OSError: The file cannot be read.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not TOML: {error}", path=str(path)) from error
    return parse_record(data, str(path))


def parse_record(data: Mapping[str, Any], origin: str) -> SourceRecord:
    """Build a record from plain data (a TOML file, ``to_dict`` of a record in a store).

    Args:
        data: The tables.
        origin: Where the data come from; begins every message.

    Raises:
        SourceError: Unknown, missing or wrong key: origin and key are named.
    """
    table = Table(data, origin)
    expected = table.table("expected")
    record = SourceRecord(
        key=table.match("key", _KEY),
        title=table.text("title"),
        homepage=table.text("homepage"),
        citation=table.text("citation"),
        licence=table.text("licence"),
        terms=table.text("terms"),
        band=table.choice("band", BANDS),
        bit_depth=int(table.choice("bit_depth", (8, 16))),
        registration=table.choice("registration", REGISTRATIONS),
        tasks=table.choices("tasks", TASKS),
        variants=tuple(_variant(item) for item in table.tables("variants", at_least=1)),
        index=table.integers("index"),
        evidence=table.texts("evidence"),
        categories=table.texts("categories"),
        ignore=table.names("ignore"),
        splits=table.texts("splits"),
        scenes=table.texts("scenes"),
        expected=Expected(expected.count("samples"), expected.counts("splits")),
    )
    expected.finish()
    table.finish()
    _check_record(record, table)
    return record


def _check_record(record: SourceRecord, table: Table) -> None:
    for name, value in record.evidence.items():
        if value[:1] not in ("S", "L", "?"):
            table.fail(f"evidence.{name}", f"must begin with S, L or ?, found {value!r}")
    for name in record.ignore:
        if name not in record.categories.values():
            table.fail("ignore", f"{name!r} is not a canonical category of [categories]")
    names = [variant.name for variant in record.variants]
    if len(set(names)) != len(names):
        table.fail("variants", f"names must differ, found {names}")


def _variant(table: Table) -> Variant:
    images = tuple(_images(item) for item in table.tables("images", at_least=1))
    variant = Variant(
        name=table.text("name"),
        title=table.text("title"),
        images=images,
        name_template=table.text("name_template", "{stem}"),
        folder=table.text("folder", ""),
        channels=table.choice("channels", CHANNELS, "gray"),
        chroma_tolerance=table.count("chroma_tolerance"),
        split_files=table.texts("split_files"),
        annotations=tuple(_annotation(item) for item in table.tables("annotations")),
    )
    table.finish()
    for split, pattern in variant.split_files.items():
        _check_pattern(table, f"split_files.{split}", pattern)
    _check_template(table, variant)
    return variant


def _images(table: Table) -> ImagePatterns:
    images = ImagePatterns(
        infrared=table.text("infrared"),
        visible=table.text("visible", ""),
        mask=table.text("mask", ""),
        required=table.flag("required"),
        visible_optional=table.flag("visible_optional"),
    )
    table.finish()
    _check_pattern(table, "infrared", images.infrared)
    for name, pattern in (("visible", images.visible), ("mask", images.mask)):
        if not pattern:
            continue
        _check_pattern(table, name, pattern)
        if not set(pattern_groups(images.infrared)) & set(pattern_groups(pattern)):
            table.fail(name, "shares no named group with infrared, so nothing joins them")
    return images


def _annotation(table: Table) -> AnnotationSpec:
    spec = AnnotationSpec(
        format=table.choice("format", FORMATS),
        files=table.text("files"),
        required=table.flag("required"),
        provides=table.choices("provides", PROVIDES, ("objects",)),
        options=table.raw("options"),
    )
    table.finish()
    _check_pattern(table, "files", spec.files)
    return spec


def _check_pattern(table: Table, key: str, pattern: str) -> None:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        table.fail(key, f"not a regular expression: {error}")
    if "base" in groups:
        table.fail(key, "the group name 'base' is taken: it is what precedes the pattern")


def _check_template(table: Table, variant: Variant) -> None:
    try:
        parts = [part[1] for part in string.Formatter().parse(variant.name_template)]
    except ValueError as error:
        table.fail("name_template", str(error))
    fields = {name for name in parts if name is not None}
    for images in variant.images:
        missing = sorted(fields - set(pattern_groups(images.infrared)))
        if missing or not fields:
            table.fail("name_template", f"{missing or 'no field'}: not a group of {images}")
