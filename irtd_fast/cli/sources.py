"""``irtd sources``: the catalogue, and which of its dumps lie in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from irtd_fast import catalog
from irtd_fast.catalog import SourceRecord, Variant
from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import (
    ExitCode,
    counted,
    note,
    plain,
    print_json,
    print_pairs,
    print_table,
    say,
)

app = typer.Typer(
    help="List the catalogue: keys, labels, variants, terms.", invoke_without_command=True
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
CatalogFile = Annotated[
    Path | None,
    typer.Option(
        "--catalog", metavar="FILE.toml", exists=True, dir_okay=False,
        help="A source record of your own instead of those in the catalogue.",
    ),
]  # fmt: skip


@app.callback()
@guarded
def sources(
    context: typer.Context, as_json: JsonFlag = False, catalog_file: CatalogFile = None
) -> None:
    """List the catalogue: keys, labels, variants, terms."""
    if context.invoked_subcommand is not None:
        return
    records = _records(catalog_file)
    if as_json:
        print_json({"sources": [_summary(record) for record in records],
                    "not_in_the_official_list": _gaps()})  # fmt: skip
        return
    header = ("index", "key", "bits", "band", "labels", "samples", "status", "licence", "title")
    rows = [
        (
            _numbers(r.index), r.key, r.bit_depth, r.band, _labels(r),
            f"{r.expected.samples:,}" if r.expected.samples else None,
            r.status if r.layout_known else f"{r.status}, layout unknown", r.licence, r.title,
        )
        for r in sorted(records, key=lambda r: (not r.index, r.index, r.key))
    ]  # fmt: skip
    print_table(header, rows, right=(2, 5))
    say()
    say(f"{counted(len(records), 'source')}; `irtd sources show KEY` tells all about one")
    if catalog_file is None:
        say(f"numbers {', '.join(map(str, _gaps()))} are not in IR-TD's official list")


def _gaps() -> list[int]:
    """Numbers that IR-TD's list of 63 leaves out."""
    used = {number for record in catalog.records() for number in record.index}
    return sorted(set(catalog.OFFICIAL) - used)


def _records(file: Path | None) -> list[SourceRecord]:
    return list(catalog.records()) if file is None else [catalog.load_file(file)]


def _numbers(index: tuple[int, ...]) -> str | None:
    if len(index) > 2 and index[-1] - index[0] == len(index) - 1:
        return f"{index[0]}-{index[-1]}"
    return ", ".join(map(str, index)) or None


@app.command()
@guarded
def show(
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Key of a source, or its number.")
    ] = None,
    as_json: JsonFlag = False,
    catalog_file: CatalogFile = None,
) -> None:
    """Tell all about one source: terms, how to get it, layouts, categories, splits, evidence."""
    record = _one(key, catalog_file)
    if as_json:
        print_json(record.to_dict())
        return
    say(plain(f"{record.key}: {record.title}"))
    print_pairs(_facts(record))
    if record.tree:
        say()
        say("expected tree")
        for line in record.tree.strip().splitlines():
            say(plain(f"    {line}"))
    for number, variant in enumerate(record.variants):
        say()
        say(plain(f"variant {variant.name}{' (tried first)' if not number else ''}"))
        _print_variant(record, variant)
    if record.evidence:
        say()
        say("evidence (S sure, L likely, ? unknown)")
        print_pairs(sorted(record.evidence.items()))


def _one(key: str | None, file: Path | None) -> SourceRecord:
    if file is not None:
        return catalog.load_file(file)
    if key is None:
        raise typer.BadParameter("say which source, or give --catalog", param_hint="'KEY'")
    if key.isdecimal():
        numbered = catalog.numbered(int(key))
        if len(numbered) == 1:
            return numbered[0]
    return catalog.get(key)


@app.command()
@guarded
def find(
    root: Annotated[
        Path,
        typer.Argument(metavar="ROOT", exists=True, file_okay=False, help="Folder of dumps."),
    ],
    as_json: JsonFlag = False,
    catalog_file: CatalogFile = None,
) -> None:  # fmt: skip
    """Say which sources' dumps lie below a folder, by name and by layout, and how sure that is."""
    from dataclasses import asdict

    from irtd_fast.scan.find import find_sources

    found = find_sources(root, _records(catalog_file))
    if as_json:
        print_json({"root": str(root), "found": [asdict(finding) for finding in found]})
    else:
        header = ("folder", "source", "variant", "pictures", "confidence", "reason")
        rows = [
            (plain(f.folder), f.source, f.variant or None,
             f"{f.pictures:,}" if f.pictures else None, f.confidence, plain(f.reason))
            for f in found
        ]  # fmt: skip
        print_table(header, rows, right=(3,))
    if not found:
        note("no dump of a known layout or name; a generic record may serve (image-folder, coco …)")
        raise typer.Exit(ExitCode.PROBLEMS)


def _summary(record: SourceRecord) -> dict[str, Any]:
    return {
        "key": record.key, "index": record.index, "aliases": record.aliases,
        "title": record.title, "homepage": record.homepage,
        "licence": record.licence, "terms": record.terms, "status": record.status,
        "layout_known": record.layout_known, "band": record.band,
        "bit_depth": record.bit_depth, "registration": record.registration,
        "tasks": record.tasks, "categories": sorted(set(record.categories.values())),
        "samples": record.expected.samples,
        "variants": [{"name": v.name, "title": v.title} for v in record.variants],
    }  # fmt: skip


def _facts(record: SourceRecord) -> list[tuple[str, object]]:
    sampling, samples = record.sampling, record.expected.samples
    taken = f"{sampling.fraction:.6g} of each sequence" if not sampling.takes_all else ""
    if sampling.every > 1:
        taken = f"each {sampling.every}th picture of a sequence"
    return [
        ("index", _numbers(record.index) or "not in the official list"),
        ("also called", ", ".join((*record.aliases, *record.folders))),
        ("homepage", record.homepage),
        ("cite", record.citation),
        ("licence", record.licence),
        ("terms", record.terms),
        ("status", record.status),
        ("how to get it", record.obtain),
        ("pictures", f"{record.band}, {record.bit_depth} bit, {record.registration}"),
        ("tasks", ", ".join(record.tasks)),
        ("categories", ", ".join(sorted(set(record.categories.values())))),
        ("ignored", ", ".join(record.ignore)),
        ("left out", ", ".join(map(repr, record.drop))),
        ("attributes", ", ".join(f"{k} ({v})" for k, v in record.attributes.items())),
        ("splits", ", ".join(sorted(set(record.splits.values())))),
        ("samples", f"{samples:,}" if samples else ""),
        ("taken", taken),
        ("layout", "" if record.layout_known else "not known; the variants are generic"),
    ]


def _labels(record: SourceRecord) -> str | None:
    kinds = {what for v in record.variants for a in v.annotations for what in a.provides}
    if any(images.mask for v in record.variants for images in v.images):
        kinds.add("masks")
    return " ".join(sorted(kinds)) or None


def _print_variant(record: SourceRecord, variant: Variant) -> None:
    lines: list[tuple[str, object]] = [("layout", variant.title)]
    if variant.folder:
        lines.append(("folder", f"inside a folder named {variant.folder}"))
    for images in variant.images:
        lines += [("infrared", images.infrared), ("visible", images.visible)]
        lines.append(("masks", images.mask))
    lines.append(("pairs", f"{variant.pairs_by}, {record.registration_of(variant)}"))
    lines.append(("channels", variant.channels))
    if variant.video:
        lines.append(("video", "each frame is a sample (extra: pip install 'irtd_fast[video]')"))
    if variant.border:
        lines.append(("border", f"{variant.border} pixels are cut off at each side"))
    for spec in variant.annotations:
        lines.append(("labels", f"{spec.files} ({spec.format}: {' and '.join(spec.provides)})"))
    lines += [(f"split {split}", pattern) for split, pattern in variant.split_files.items()]
    lines.append(("folds", variant.folds))
    print_pairs(lines)
