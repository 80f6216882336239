"""``irtd tasks build``: texts made from the labels of stores, and the subsets shared out."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import counted, note, plain, print_json, print_table, say
from irtd_fast.cli.progress import Progress
from irtd_fast.cli.stores import refuse_unfinished

if TYPE_CHECKING:
    from irtd_fast.tasks.report import BuildReport

Mode = enum.StrEnum("Mode", ["official", "clean"])
Units = enum.StrEnum("Units", ["pixel", "unit", "permille"])


@guarded
def build(
    stores: Annotated[
        list[Path],
        typer.Argument(metavar="STORE...", exists=True, file_okay=False, help="The stores."),
    ],
    mode: Annotated[
        Mode, typer.Option(help="Wording and rules as published, or their defects mended.")
    ] = Mode["clean"],
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK", help="Only this task (or caption); repeatable."),
    ] = None,
    subset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="pretrain, instruction, benchmark, or all of them; repeatable."
        ),
    ] = None,
    quotas: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml", exists=True, dir_okay=False,
            help="Samples a subset, task and source; by default the paper's.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the texts; by default the subset's, or built-MODE."),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this source; repeatable.")
    ] = None,
    all_tasks: Annotated[
        bool, typer.Option("--all-tasks", help="Also tasks that a source's record does not list.")
    ] = False,
    defects: Annotated[
        bool, typer.Option("--defects", help="With the known defects (official mode).")
    ] = False,
    phrasings: Annotated[
        int, typer.Option(metavar="N", min=1, help="Wordings drawn from (clean mode).")
    ] = 1,
    units: Annotated[
        Units | None, typer.Option(help="Of coordinates; by default as published.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Of every draw.")] = 0,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", dir_okay=False, help="Write the manifest there, too."),
    ] = None,
    workers: Annotated[
        int, typer.Option(metavar="N", min=0, help="Processes; 0 takes one a core if it pays.")
    ] = 0,
    replace: Annotated[
        bool, typer.Option("--replace", help="Build anew what has the same name.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and store nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:  # fmt: skip
    """Build questions and answers from labels and store them beside the samples."""
    from irtd_fast.tasks.base import Options
    from irtd_fast.tasks.build import build_texts
    from irtd_fast.tasks.quotas import read_quotas

    for store in stores:
        refuse_unfinished(store)
    wanted = read_quotas(quotas)
    subsets = list(wanted) if subset == ["all"] else subset or []
    if manifest is not None and manifest.exists() and not (replace or dry_run):
        raise typer.BadParameter(f"{manifest} is there already", param_hint="'--manifest'")
    options = Options(mode.value, defects, units and units.value, phrasings, seed)  # type: ignore[arg-type]
    with Progress() as progress:
        report = build_texts(
            stores, tasks=task, options=options, subsets=subsets, quotas=wanted, name=name,
            sources=source or (), all_tasks=all_tasks, replace=replace, dry_run=dry_run,
            workers=workers, progress=progress,
        )  # fmt: skip
    if manifest is not None and not dry_run:
        manifest.write_text(json.dumps(report.manifest, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json(report.to_dict())
    else:
        print_build(report)


def print_build(report: BuildReport) -> None:
    """Say what was built: counts by task and subset beside the paper's, or by task and source."""
    if report.manifest:
        _print_subsets(report.manifest["subsets"])
    else:
        _print_sources(report)
    say()
    for found in report.sources:
        place = f"{found.store}/{found.source}/texts/{found.name}"
        verb = "stored in" if report.written else "not stored, would be"
        what = f"{counted(found.texts, 'text')} of {counted(found.samples, 'sample')}"
        say(plain(f"{what} {verb} {place}"))
    for line in report.notes:
        note(plain(f"irtd: {line}"))


def _print_sources(report: BuildReport) -> None:
    tasks = list(dict.fromkeys(task for found in report.sources for task in found.tasks))
    header = ("texts", *(found.source for found in report.sources), "all")
    rows: list[tuple[object, ...]] = []
    for task in tasks:
        counts = [found.tasks.get(task, 0) for found in report.sources]
        rows.append((task, *(f"{n:,}" if n else None for n in counts), f"{sum(counts):,}"))
    totals = [found.texts for found in report.sources]
    rows.append(("all", *(f"{n:,}" for n in totals), f"{sum(totals):,}"))
    print_table(header, rows, right=range(1, len(header)))


def _print_subsets(subsets: dict[str, Any]) -> None:
    header = ("subset", "task", "samples", "quota", "paper", "texts", "sources")
    rows: list[tuple[object, ...]] = []
    for name, subset in subsets.items():
        for task, found in subset["tasks"].items():
            sources = ", ".join(
                f"{key} {source['samples']:,}"
                for key, source in found["sources"].items()
                if source["samples"]
            )
            rows.append((name, task, *_numbers(found), sources or None))
        whole = {**subset, "quota": subset["quota"]}
        rows.append((name, "all", *_numbers(whole), f"{subset['pictures']:,} pictures"))
    print_table(header, rows, right=range(2, 6))


def _numbers(counts: dict[str, Any]) -> tuple[str | None, ...]:
    values = (counts[key] for key in ("samples", "quota", "paper", "texts"))
    return tuple(None if value is None else f"{value:,}" for value in values)
