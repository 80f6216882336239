"""Reading records: from TOML or plain data to ``SourceRecord``, every key checked."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from irtd_fast.catalog.patterns import pattern_groups
from irtd_fast.catalog.record import (
    BANDS,
    CHANNELS,
    FORMATS,
    MASK_CHANNELS,
    MODALITIES,
    PAIRINGS,
    PROVIDES,
    REGISTRATIONS,
    STATUSES,
    TASKS,
    AnnotationSpec,
    AttributeRange,
    Expected,
    ImagePatterns,
    Sampling,
    SourceRecord,
    Variant,
)
from irtd_fast.catalog.table import Table
from irtd_fast.errors import SourceError

_KEY = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def load_record(path: Path, *, trusted: bool = False) -> SourceRecord:
    """Read a record from a TOML file.

    Args:
        path: The file.
        trusted: The record is one of ours: its patterns need not be tried out again.

    Raises:
        SourceError: The file is not TOML or not a valid record: file and key are named.
        OSError: The file cannot be read.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not TOML: {error}", path=str(path)) from error
    return parse_record(data, str(path), trusted=trusted)


def parse_record(data: Mapping[str, Any], origin: str, *, trusted: bool = False) -> SourceRecord:
    """Build a record from plain data (a TOML file, ``to_dict`` of a record in a store).

    Args:
        data: The tables.
        origin: Where the data come from; begins every message.
        trusted: Patterns are not compiled to see whether they are any good.

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
        aliases=table.names("aliases"),
        folders=table.names("folders"),
        status=table.choice("status", STATUSES, "public"),
        obtain=table.text("obtain", ""),
        tree=table.text("tree", ""),
        layout_known=table.flag("layout_known", default=True),
        evidence=table.texts("evidence"),
        categories=table.texts("categories"),
        ignore=table.names("ignore"),
        drop=table.names("drop"),
        attributes=_attributes(table),
        splits=table.texts("splits"),
        scenes=table.texts("scenes"),
        sampling=_sampling(table.table("sampling")),
        expected=Expected(expected.count("samples"), expected.counts("splits")),
    )
    expected.finish()
    table.finish()
    _check_record(record, table)
    if not trusted:
        for number, variant in enumerate(record.variants):
            check_patterns(variant, Table({}, origin, f"variants[{number}]"))
    return record


def _attributes(table: Table) -> dict[str, AttributeRange]:
    inner = table.table("attributes")
    found = {}
    for name in table.raw("attributes"):
        item = inner.table(name)
        found[name] = AttributeRange(item.names("values"), item.number("low"), item.number("high"))
        item.finish()
    return found


def _sampling(table: Table) -> Sampling:
    fraction = table.number("fraction")
    try:
        sampling = Sampling(
            every=table.count("every", 1),
            fraction=1.0 if fraction is None else fraction,
            per_sequence=table.count("per_sequence"),
            stride=table.count("stride", 1),
            seed=table.count("seed"),
        )
    except ValueError as error:
        table.fail(str(error).partition(" ")[0], str(error).partition(" ")[2])
    table.finish()
    return sampling


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
    images = tuple(_images(item) for item in table.tables("images"))
    variant = Variant(
        name=table.text("name"),
        title=table.text("title"),
        images=images,
        name_template=table.text("name_template", "{stem}"),
        folder=table.text("folder", ""),
        channels=table.choice("channels", CHANNELS, "gray"),
        palette=table.text("palette", ""),
        chroma_tolerance=table.count("chroma_tolerance"),
        bit_depth=int(table.choice("bit_depth", (0, 8, 16), 0)),
        border=table.count("border"),
        registration=table.choice("registration", ("", *REGISTRATIONS), ""),
        pairing=table.choice("pairing", ("", *PAIRINGS), ""),
        pairing_file=table.text("pairing_file", ""),
        split_files=table.texts("split_files"),
        split_by=table.text("split_by", "stem"),
        folds=table.text("folds", ""),
        video=table.flag("video"),
        annotations=tuple(_annotation(item) for item in table.tables("annotations")),
    )
    table.finish()
    if variant.palette and variant.channels != "pseudo":
        table.fail("palette", f"goes with channels pseudo, found {variant.channels}")
    if not variant.images and not any(spec.required for spec in variant.annotations):
        table.fail("images", "expected at least one, or a required annotation of labels alone")
    if (variant.pairs_by == "P5") != bool(variant.pairing_file):
        table.fail("pairing_file", "goes with pairing P5, and P5 with it")
    return variant


def _images(table: Table) -> ImagePatterns:
    images = ImagePatterns(
        infrared=table.text("infrared"),
        visible=table.text("visible", ""),
        mask=table.text("mask", ""),
        required=table.flag("required"),
        visible_optional=table.flag("visible_optional"),
        mask_optional=table.flag("mask_optional"),
        mask_modality=table.choice("mask_modality", MODALITIES, "infrared"),
        mask_channels=table.choice("mask_channels", MASK_CHANNELS, "gray"),
    )
    table.finish()
    return images


def _annotation(table: Table) -> AnnotationSpec:
    spec = AnnotationSpec(
        format=table.choice("format", FORMATS),
        files=table.text("files"),
        required=table.flag("required"),
        provides=table.choices("provides", PROVIDES, ("objects",)),
        sparse=table.flag("sparse"),
        options=table.raw("options"),
    )
    table.finish()
    return spec


def check_patterns(variant: Variant, table: Table) -> None:
    """Compile all patterns of a variant.

    Raises:
        SourceError: One is no regular expression, or does not fit the others.
    """
    for number, images in enumerate(variant.images):
        _check_images(images, table.inside(f"images[{number}]"))
        if variant.video:
            _check_video(images, table.inside(f"images[{number}]"))
    if variant.video and variant.pairs_by != "P0":
        table.fail("pairing", "P0 alone goes with video: frames have no partners")
    for number, spec in enumerate(variant.annotations):
        _check_pattern(table.inside(f"annotations[{number}]"), "files", spec.files)
    for split, pattern in variant.split_files.items():
        _check_pattern(table, f"split_files.{split}", pattern)
    for name, pattern in (("folds", variant.folds), ("pairing_file", variant.pairing_file)):
        _check_pattern(table, name, pattern)
    if variant.folds and "fold" not in pattern_groups(variant.folds):
        table.fail("folds", "has no group 'fold'")
    _check_template(table, variant)


def _check_images(images: ImagePatterns, table: Table) -> None:
    _check_pattern(table, "infrared", images.infrared)
    for name, pattern in (("visible", images.visible), ("mask", images.mask)):
        if not pattern:
            continue
        _check_pattern(table, name, pattern)
        if not set(pattern_groups(images.infrared)) & set(pattern_groups(pattern)):
            table.fail(name, "shares no named group with infrared, so nothing joins them")


def _check_video(images: ImagePatterns, table: Table) -> None:
    groups = pattern_groups(images.infrared)
    if "sequence" not in groups or "frame" in groups:
        table.fail("infrared", "of a video needs a group 'sequence' and gets its group 'frame'")
    if images.visible or images.mask:
        table.fail("visible", "and mask do not go with video: frames have no partners")


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
        own = {"frame"} if variant.video else set()
        missing = sorted(fields - own - set(pattern_groups(images.infrared)))
        if missing or not fields:
            table.fail("name_template", f"{missing or 'no field'}: not a group of {images}")
