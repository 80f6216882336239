"""``irtd``: the commands put together, and the entry point around them."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Annotated

import typer

from irtd_fast import __version__
from irtd_fast.cli import (
    align,
    bench,
    demo,
    doctor,
    export,
    info,
    ingest,
    redundancy,
    resolve,
    score,
    show,
    sources,
    stats,
    synth,
    tasks,
    verify,
)
from irtd_fast.cli.guard import debugging, interrupted_message, silence
from irtd_fast.cli.output import ExitCode, note, say

app = typer.Typer(
    name="irtd",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Raw infrared dumps to sharded Zarr v3 stores to training batches.",
    epilog=(
        "Exit codes: 0 ok, 1 finished with problems in the data, 2 usage, 3 store damaged, "
        "4 refused, 130 interrupted."
    ),
)
app.add_typer(sources.app, name="sources")
app.add_typer(tasks.app, name="tasks")
for _command in (
    ingest.ingest, info.info, verify.verify, show.show, bench.bench, demo.demo, synth.synth,
    align.align, resolve.resolve, doctor.doctor, stats.stats, redundancy.redundancy, score.score,
    export.export,
):  # fmt: skip
    app.command()(_command)


class _LogHandler(logging.Handler):
    """Writes to whatever stderr is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        note(f"irtd: {record.levelname.lower()}: {record.getMessage()}")


_handler = _LogHandler()


def _version(value: bool) -> None:
    if value:
        say(f"irtd {__version__}")
        raise typer.Exit


@app.callback()
def prepare(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Raw infrared dumps to sharded Zarr v3 stores to training batches."""
    logger = logging.getLogger("irtd_fast")
    logger.addHandler(_handler)  # adding it again does nothing
    logger.setLevel(logging.DEBUG if debugging() else logging.WARNING)


def main() -> int:
    """Run ``irtd`` with the process's arguments.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            # A name that the locale cannot spell is escaped, never an error.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = _run()
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        silence()
        return ExitCode.BROKEN_PIPE
    except KeyboardInterrupt:
        note(interrupted_message(""))
        return ExitCode.INTERRUPTED
    return code


def _run() -> int:
    try:
        app(prog_name="irtd")
    except SystemExit as ended:
        if isinstance(ended.code, int):
            return ended.code
        return ExitCode.OK if ended.code is None else ExitCode.USAGE
    return ExitCode.OK
