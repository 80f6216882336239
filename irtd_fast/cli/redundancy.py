"""``irtd redundancy``: duplicates, near-duplicates, and pictures on both sides of a split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import (
    PROBLEMS_SHOWN,
    ExitCode,
    counted,
    note,
    plain,
    print_json,
    print_problems,
    print_table,
    say,
)
from irtd_fast.cli.progress import Progress

if TYPE_CHECKING:
    from irtd_fast.redundancy import Fingerprints, Member, RedundancyReport


@guarded
def redundancy(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…",
            help="Stores; dumps as KEY=ROOT; any other folder: all pictures below it.",
        ),
    ],
    radius: Annotated[
        int | None,
        typer.Option(metavar="BITS", min=0, max=64, help="Of 128: how far near pictures differ."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare files only; no picture is decoded.")
    ] = False,
    workers: Annotated[
        int, typer.Option(metavar="N", min=0, help="Threads; 0 takes one a core.")
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:  # fmt: skip
    """Find pictures that occur twice, or nearly, within and across sources and splits."""
    from irtd_fast.redundancy import RADIUS, find_duplicates

    with Progress() as progress:
        prints = [p for path in paths for p in _fingerprints(path, exact, workers, progress)]
        _rename(prints)
        bits = -1 if exact else RADIUS if radius is None else radius
        report = find_duplicates(*prints, radius=bits)
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)
    print_problems(report.problems)
    if report.leaks or report.problems:
        raise typer.Exit(ExitCode.PROBLEMS)


def _fingerprints(
    argument: str, exact: bool, workers: int, progress: Progress
) -> list[Fingerprints]:
    from irtd_fast import catalog
    from irtd_fast.redundancy import fingerprint_folder, fingerprint_manifest, fingerprint_store
    from irtd_fast.scan import scan

    key, equals, root = argument.partition("=")
    if equals and not Path(argument).exists():
        record = catalog.get(key)
        manifest = scan(root, record, threads=workers, progress=progress)
        tolerance = record.variant(manifest.variant).chroma_tolerance
        found = fingerprint_manifest(
            manifest, tolerance=tolerance, looks=not exact, threads=workers, progress=progress
        )
        return [found]
    path = Path(argument)
    if not path.is_dir():
        raise NotADirectoryError(20, "neither a store nor a folder of pictures", argument)
    if (path / "zarr.json").is_file():
        return fingerprint_store(path, looks=not exact, threads=workers, progress=progress)
    return [fingerprint_folder(path, looks=not exact, threads=workers, progress=progress)]


def _rename(prints: list[Fingerprints]) -> None:
    """Number sources that have the same name, so that they can be told apart."""
    seen: dict[str, int] = {}
    for item in prints:
        seen[item.source] = seen.get(item.source, 0) + 1
        if seen[item.source] > 1:
            item.source = f"{item.source}#{seen[item.source]}"


def _print(report: RedundancyReport) -> None:
    rows = [
        (source, f"{report.pictures[source]:,}", *(f"{count:,}" for count in kinds.values()))
        for source, kinds in report.redundant().items()
    ]
    header = ("source", "pictures", "same file", "same pixels", "near")
    print_table(header, rows, right=range(1, 5))
    shared = [group for group in report.groups if len(group.sources) > 1]
    say()
    say(
        f"{counted(len(report.groups), 'group')}, {len(shared):,} across sources"
        + (f"; near: within {report.radius} of 128 bits" if report.radius >= 0 else "")
    )
    for group in report.groups[:PROBLEMS_SHOWN]:
        first, *others = group.members
        shown = ", ".join(f"{_text(member)} ({member.kind})" for member in others[:3])
        more = f" and {len(others) - 3:,} more" if len(others) > 3 else ""
        say(f"  {_text(first)}: {shown}{more}")
    if len(report.groups) > PROBLEMS_SHOWN:
        say(f"  and {len(report.groups) - PROBLEMS_SHOWN:,} more groups: --json lists all")
    if report.leaks:
        _print_leaks(report)


def _print_leaks(report: RedundancyReport) -> None:
    note(f"{counted(len(report.leaks), 'picture')} of one split also in another:")
    for source, split, other_source, other_split, kind, count in report.leaked():
        note(plain(f"  {source}/{split} in {other_source}/{other_split}: {count:,} ({kind})"))
    for leak in report.leaks[:PROBLEMS_SHOWN]:
        note(f"    {_text(leak.first)} = {_text(leak.second)} ({leak.kind}, {leak.distance} bits)")


def _text(member: Member) -> str:
    split = f" [{member.split}]" if member.split else ""
    return plain(f"{member.source}/{member.name}{split}")
