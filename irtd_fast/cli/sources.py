"""``irtd sources``: the catalogue."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from irtd_fast import catalog
from irtd_fast.catalog import SourceRecord, Variant
from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import counted, plain, print_json, print_pairs, print_table, say

app = typer.Typer(
    help="List the catalogue: keys, labels, variants, terms.", invoke_without_command=True
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


@app.callback()
@guarded
def sources(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the catalogue: keys, labels, variants, terms."""
    if context.invoked_subcommand is not None:
        return
    records = [catalog.get(key) for key in catalog.names()]
    if as_json:
        print_json({"sources": [_summary(record) for record in records]})
        return
    header = ("key", "bits", "band", "variants", "labels", "samples", "licence", "title")
    rows = [
        (
            r.key, r.bit_depth, r.band, " ".join(v.name for v in r.variants),
            _labels(r), f"{r.expected.samples:,}" if r.expected.samples else None, r.licence,
            r.title,
        )
        for r in records
    ]  # fmt: skip
    print_table(header, rows, right=(1, 5))
    say()
    say(f"{counted(len(records), 'source')}; `irtd sources show KEY` tells all about one")


@app.command()
@guarded
def show(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of a source.")],
    as_json: JsonFlag = False,
) -> None:
    """Tell all about one source: terms, layouts that are looked for, categories, splits."""
    record = catalog.get(key)
    if as_json:
        print_json(record.to_dict())
        return
    say(plain(f"{record.key}: {record.title}"))
    print_pairs(
        [
            ("homepage", record.homepage),
            ("cite", record.citation),
            ("licence", record.licence),
            ("terms", record.terms),
            ("pictures", f"{record.band}, {record.bit_depth} bit, {record.registration}"),
            ("tasks", ", ".join(record.tasks)),
            ("categories", ", ".join(sorted(set(record.categories.values())))),
            ("ignored", ", ".join(record.ignore)),
            ("splits", ", ".join(sorted(set(record.splits.values())))),
            ("samples", f"{record.expected.samples:,}" if record.expected.samples else ""),
        ]
    )
    for number, variant in enumerate(record.variants):
        say()
        say(plain(f"variant {variant.name}{' (tried first)' if not number else ''}"))
        _print_variant(variant)


def _summary(record: SourceRecord) -> dict[str, Any]:
    return {
        "key": record.key, "title": record.title, "homepage": record.homepage,
        "licence": record.licence, "terms": record.terms, "band": record.band,
        "bit_depth": record.bit_depth, "registration": record.registration,
        "tasks": record.tasks, "categories": sorted(set(record.categories.values())),
        "samples": record.expected.samples,
        "variants": [{"name": v.name, "title": v.title} for v in record.variants],
    }  # fmt: skip


def _labels(record: SourceRecord) -> str | None:
    kinds = {what for v in record.variants for a in v.annotations for what in a.provides}
    if any(images.mask for v in record.variants for images in v.images):
        kinds.add("masks")
    return " ".join(sorted(kinds)) or None


def _print_variant(variant: Variant) -> None:
    lines: list[tuple[str, object]] = [("layout", variant.title)]
    if variant.folder:
        lines.append(("folder", f"inside a folder named {variant.folder}"))
    for images in variant.images:
        lines += [("infrared", images.infrared), ("visible", images.visible)]
        lines.append(("masks", images.mask))
    for spec in variant.annotations:
        lines.append(("labels", f"{spec.files} ({spec.format}: {' and '.join(spec.provides)})"))
    lines += [(f"split {split}", pattern) for split, pattern in variant.split_files.items()]
    print_pairs(lines)
