"""``irtd ingest``: a dump goes in, a complete source stands in the store."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irtd_fast import catalog
from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import (
    ExitCode,
    counted,
    note,
    plain,
    print_json,
    print_problems,
    print_table,
    say,
    size_text,
)
from irtd_fast.cli.progress import Progress

if TYPE_CHECKING:
    from irtd_fast.catalog import Sampling, SourceRecord
    from irtd_fast.engines.ingest import IngestReport

LEFT_OUT, LOST = "sample left out", "samples left out"

Profile = enum.StrEnum("Profile", ["fast", "compact"])
Codec = enum.StrEnum("Codec", ["auto", "raw", "lz4", "zstd"])
Visible = enum.StrEnum("Visible", ["none", "compact", "fast"])
Drop = enum.StrEnum("Drop", ["none", "exact", "near"])


@guarded
def ingest(
    root: Annotated[
        Path,
        typer.Argument(metavar="ROOT", exists=True, file_okay=False, help="Folder of the dump."),
    ],
    store: Annotated[
        Path, typer.Argument(metavar="STORE", file_okay=False, help="The store; made if missing.")
    ],
    source: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Source in the catalogue (see `irtd sources`)."),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="V", help="Layout to read where a dump holds several.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name in the store; the key by default.")
    ] = None,
    visible: Annotated[
        Visible,
        typer.Option(help="Visible partners: leave out, keep their JPEG files, store pixels."),
    ] = Visible["compact"],
    profile: Annotated[
        Profile, typer.Option(help="Store pixels, or the source's own JPEG files byte for byte.")
    ] = Profile["fast"],
    codec: Annotated[
        Codec, typer.Option(help="Of pixels; auto measures a few samples.")
    ] = Codec["auto"],
    catalog_file: Annotated[
        Path | None,
        typer.Option(
            "--catalog", metavar="FILE.toml", exists=True, dir_okay=False,
            help="A source record of your own instead of one in the catalogue.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the first N samples.")
    ] = None,
    sample_every: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Take each Nth picture of a sequence; 1 takes all."),
    ] = None,
    fraction: Annotated[
        float | None,
        typer.Option(metavar="F", help="Take this part of each sequence, evenly spaced."),
    ] = None,
    per_sequence: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Take at most N pictures of a sequence."),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="S", min=0, help="Where evenly spaced choices begin.")
    ] = 0,
    drop_duplicates: Annotated[
        Drop,
        typer.Option(help="Leave out samples that repeat an earlier one: exactly, or nearly too."),
    ] = Drop["none"],
    max_failure_rate: Annotated[
        float,
        typer.Option(metavar="F", min=0, max=1, help="Stop if a larger part of the files fails."),
    ] = 0.5,
    workers: Annotated[
        int, typer.Option(metavar="N", min=0, help="Threads; 0 takes one a core.")
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from an interrupted run.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write a source anew that the store has already.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Scan and plan, write nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:  # fmt: skip
    """Scan a dump, plan, write, commit: the source is in the store completely or not at all."""
    record = record_of(source, catalog_file)
    _check_variant(record, variant)
    sampling = _sampling(record, sample_every, fraction, per_sequence, seed)
    from irtd_fast.engines.ingest import ingest as run
    from irtd_fast.store.plan import IngestOptions

    options = IngestOptions(
        profile.value,  # type: ignore[arg-type]
        codec.value,  # type: ignore[arg-type]
        visible.value,  # type: ignore[arg-type]
        drop_duplicates=drop_duplicates.value,  # type: ignore[arg-type]
    )
    with Progress() as progress, _no_empty_folder(store):
        report = run(
            root, store, source=record, variant=variant, name=name, options=options, limit=limit,
            sampling=sampling, max_failure_rate=max_failure_rate, workers=workers, resume=resume,
            replace=replace, dry_run=dry_run, progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(report.to_dict())
    else:
        print_report(report)
    print_problems(report.problems)
    if problems_of(report):
        raise typer.Exit(ExitCode.PROBLEMS)


@contextlib.contextmanager
def _no_empty_folder(store: Path) -> Iterator[None]:
    """A run that is refused leaves no empty folder where the store would have been."""
    existed = store.exists()
    try:
        yield
    finally:
        if not existed:
            with contextlib.suppress(OSError):  # it is not there, or not empty
                store.rmdir()


def record_of(key: str | None, file: Path | None) -> SourceRecord:
    """The record meant by ``--source`` and ``--catalog``.

    Raises:
        typer.BadParameter: Neither is given, or they contradict each other.
        UnknownSourceError: No such key; the message lists the nearest.
        SourceError: The file is not a valid record.
    """
    if file is None:
        if key is None:
            known = ", ".join(catalog.names())
            raise typer.BadParameter(f"say which source it is: {known}", param_hint="'--source'")
        return catalog.get(key)
    record = catalog.load_file(file)
    if key is not None and key != record.key:
        message = f"{key!r} is not the key of {file}, which is {record.key!r}"
        raise typer.BadParameter(message, param_hint="'--source'")
    return record


def _sampling(
    record: SourceRecord, every: int | None, fraction: float | None, per_sequence: int | None,
    seed: int,
) -> Sampling | None:  # fmt: skip
    """What was asked for, which replaces the record's default as a whole; ``None`` if nothing.

    Raises:
        typer.BadParameter: The fraction is no fraction.
    """
    if every is None and fraction is None and per_sequence is None and not seed:
        return None
    default = record.sampling
    if every is None and fraction is None and per_sequence is None:
        return replaced(default, seed=seed)
    part = 1.0 if fraction is None else fraction
    if not 0 < part <= 1:
        message = f"expected a part in (0, 1], found {fraction}"
        raise typer.BadParameter(message, param_hint="'--fraction'")
    return catalog.Sampling(every or 1, part, per_sequence or 0, default.stride, seed)


def _check_variant(record: SourceRecord, variant: str | None) -> None:
    if variant is not None:
        record.variant(variant)


def problems_of(report: IngestReport) -> int:
    """Problems of a source, also of one that was complete before this run."""
    return max(len(report.problems), int(report.counts.get("problems", 0)))


def print_report(report: IngestReport) -> None:
    """Say on stdout what an ingest did."""
    counts = report.counts
    lost = sum(problem.action == LEFT_OUT for problem in report.problems)
    said = f"{_what(counts)}{f', {counted(lost, LEFT_OUT, LOST)}' if lost else ''}"
    say(plain(f"{report.source}: {said} (variant {report.variant})"))
    rows = [_array_row(array, report.codecs) for array in report.arrays]
    print_table(("array", "pictures", "shape", "type", "codec", "pixels"), rows, right=(1, 5))
    for line in report.notes:
        say(plain(f"note: {line}"))
    if report.dry_run:
        say("nothing was written (--dry-run)")
        return
    if report.resumed:
        say(f"{counted(report.resumed, 'data file')} taken over from the interrupted run")
    if report.seconds:
        phases = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.seconds.items())
        say(f"{report.images_per_s:,.0f} images/s ({phases})")
    if counts.get("problems") and not report.problems:
        note(f"its {counted(counts['problems'], 'problem')} are in the store's problems table")
    say(plain(f"{report.store}/{report.source} is complete"))


def _what(counts: dict[str, Any]) -> str:
    parts = [counted(counts.get("samples", 0), "sample")]
    for key, word, plural in (
        ("objects", "object", ""), ("points", "point", ""), ("visible", "visible partner", ""),
        ("masks", "mask", ""),
    ):  # fmt: skip
        if counts.get(key):
            parts.append(counted(counts[key], word, plural))
    return ", ".join(parts)


def _array_row(array: dict[str, Any], codecs: dict[str, list[str]]) -> tuple[object, ...]:
    jpeg = array["encoding"] == "jpeg"
    if array["kind"] == "packed":
        shape, pixels = "many", None
        codec = "JPEG files as they are" if jpeg else "raw + crc32c"
    else:
        sizes = [array["height"], array["width"], array["channels"]][: 3 - (array["channels"] == 1)]
        shape = " x ".join(str(size) for size in sizes)
        item = 2 if array["dtype"] == "uint16" else 1
        pixels = size_text(array["rows"] * item * array["height"] * array["width"]
                           * array["channels"])  # fmt: skip
        names = codecs.get(array["path"])
        codec = (" + ".join(names) if len(names) > 1 else "raw + crc32c") if names else "-"
    return array["path"], f"{array['rows']:,}", shape, array["dtype"], codec, pixels
