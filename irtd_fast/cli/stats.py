"""``irtd stats``: statistics of the counts of a store's sources, stored for recipes to use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import plain, print_json, print_table, say
from irtd_fast.cli.progress import Progress
from irtd_fast.cli.stores import StorePath, refuse_unfinished

if TYPE_CHECKING:
    from irtd_fast.engines.statistics import StatisticsReport


@guarded
def stats(
    store: StorePath,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Source to measure; all by default.")
    ] = None,
    sequences: Annotated[bool, typer.Option("--sequences", help="A row a sequence, too.")] = False,
    threads: Annotated[int, typer.Option(metavar="N", min=0, help="Native threads.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Measure the infrared counts of a store's sources and sequences, and store the result."""
    from irtd_fast.engines.statistics import measure_source
    from irtd_fast.store.dataset import open_store

    refuse_unfinished(store)
    dataset = open_store(store)
    if source is not None:
        dataset.filter(source=source)  # says which there are
    names = [item.name for item in dataset.sources] if source is None else [source]
    with Progress() as progress:
        reports = [
            measure_source(store, name, threads=threads, dry_run=dry_run, progress=progress)
            for name in names
        ]
    if as_json:
        print_json({"sources": [report.to_dict() for report in reports]})
    else:
        _print(reports, sequences=sequences)


def _print(reports: list[StatisticsReport], *, sequences: bool) -> None:
    header = (
        "source", "sequence", "type", "images", "low", "p1", "p50", "p99", "high", "mean", "std",
    )  # fmt: skip
    rows = [
        (
            report.source, "(all)" if row["sequence"] is None else row["sequence"] or "(none)",
            row["dtype"], f"{row['images']:,}", row["low"], f"{row['p1']:g}", f"{row['p50']:g}",
            f"{row['p99']:g}", row["high"], f"{row['mean']:.1f}", f"{row['std']:.1f}",
        )
        for report in reports
        for row in report.rows
        if sequences or row["sequence"] is None
    ]  # fmt: skip
    print_table(header, rows, right=range(3, len(header)))
    for report in reports:
        if report.written:
            say(plain(f"{report.source}: stored in {report.source}/statistics"))
