"""``irtd verify``: read every byte back."""

from __future__ import annotations

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
    say,
    size_text,
)
from irtd_fast.cli.progress import Progress
from irtd_fast.cli.stores import StorePath, refuse_unfinished

if TYPE_CHECKING:
    from irtd_fast.store.verify import VerifyReport


@guarded
def verify(
    store: StorePath,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Read every byte of a store back against its checksum; any damage is exit code 3."""
    from irtd_fast.store.verify import verify_store

    refuse_unfinished(store)
    with Progress() as progress:
        report = verify_store(store, progress=progress)
    if as_json:
        print_json(report.to_dict())
    else:
        print_verification(report)
    if not report.ok:
        raise typer.Exit(ExitCode.DAMAGED)


def print_verification(report: VerifyReport) -> None:
    """Say what was read on stdout, and what is damaged on stderr."""
    rate = report.bytes / report.seconds if report.seconds else 0.0
    say(
        f"{counted(report.samples, 'sample')} of {counted(len(report.sources), 'source')}, "
        f"{counted(report.files, 'file')}, {size_text(report.bytes)} read in "
        f"{report.seconds:.1f} s ({size_text(rate)}/s)"
    )
    for line in report.notes:
        say(plain(f"note: {line}"))
    if report.ok:
        say("every byte is as it was written")
        return
    note(f"{counted(len(report.damage), 'place')} damaged:")
    for damage in report.damage[:PROBLEMS_SHOWN]:
        note(f"  {plain(damage)}")
    if len(report.damage) > PROBLEMS_SHOWN:
        note(f"  and {len(report.damage) - PROBLEMS_SHOWN:,} more: --json lists all")
    hit = sorted({damage.source for damage in report.damage if damage.source})
    for name in hit:
        note(plain(f"{name}: ingest the dump again with --replace, the rest of the store stays"))
