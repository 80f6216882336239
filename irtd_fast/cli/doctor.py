"""``irtd doctor``: is a dump what its publisher says, and what is known to be wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.ingest import record_of
from irtd_fast.cli.output import ExitCode, counted, note, plain, print_json, print_table, say
from irtd_fast.cli.progress import Progress

if TYPE_CHECKING:
    from irtd_fast.doctor import DoctorReport


@guarded
def doctor(
    root: Annotated[
        Path,
        typer.Argument(metavar="ROOT", exists=True, file_okay=False, help="Folder of the dump."),
    ],
    source: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Source in the catalogue (see `irtd sources`)."),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="V", help="Layout to read where a dump holds several.")
    ] = None,
    catalog_file: Annotated[
        Path | None,
        typer.Option(
            "--catalog", metavar="FILE.toml", exists=True, dir_okay=False,
            help="A source record of your own instead of one in the catalogue.",
        ),
    ] = None,
    pictures: Annotated[
        int, typer.Option(metavar="N", min=0, help="Pictures to decode; 0 decodes all.")
    ] = 256,
    duplicates: Annotated[
        bool, typer.Option(help="Look for equal and nearly equal pictures (reads every file).")
    ] = True,
    workers: Annotated[
        int, typer.Option(metavar="N", min=0, help="Threads; 0 takes one a core.")
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:  # fmt: skip
    """Check a dump: counts, pairs, labels, bit depth, duplicates, known defects; 1 if some."""
    record = record_of(source, catalog_file)
    from irtd_fast.doctor import ExamineOptions, examine

    options = ExamineOptions(pictures, duplicates)
    with Progress() as progress:
        report = examine(
            root, record, variant=variant, options=options, threads=workers, progress=progress
        )
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)
    if not report.healthy:
        raise typer.Exit(ExitCode.PROBLEMS)


def _print(report: DoctorReport) -> None:
    found = [counted(report.samples, "sample")]
    found += [
        counted(count, word)
        for count, word in ((report.objects, "object"), (report.points, "point"))
        if count
    ]
    say(
        plain(
            f"{report.source}, layout {report.variant}: {', '.join(found)}; "
            f"{counted(report.decoded, 'picture')} decoded"
        )
    )
    for line in report.notes:
        note(plain(f"note: {line}"))
    if report.findings:
        rows = [
            (finding.severity, finding.code, f"{finding.count:,}", finding.message)
            for finding in report.findings
        ]
        print_table(("severity", "finding", "count", "first"), rows, right=(2,))
    for finding in report.findings:
        if finding.advice:
            note(plain(f"{finding.code}: {finding.advice}"))
        for place in finding.examples[1:]:
            note(plain(f"  {finding.code}: {place}"))
    say("healthy" if report.healthy else "not healthy: see the table; --json has all examples")
