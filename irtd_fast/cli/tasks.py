"""``irtd tasks``: the texts of the nine tasks: published files in, and out again."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import ExitCode, note, plain, print_json, print_table, say, size_text
from irtd_fast.cli.tasks_build import build

if TYPE_CHECKING:
    from irtd_fast.types import Problem

app = typer.Typer(help="Texts of the nine tasks.", no_args_is_help=True)
app.command("build")(build)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


class Container(StrEnum):
    """How entries are put into files."""

    official = "official"
    array = "array"


@app.command("export")
@guarded
def export(
    texts: Annotated[
        Path, typer.Argument(metavar="TEXTS", exists=True, help="json_sft.zip, a folder, one file.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", file_okay=False, help="Folder to fill.")],
    container: Annotated[
        Container,
        typer.Option(help="official: as published, byte for byte; array: valid JSON arrays."),
    ] = Container.official,
    recover: Annotated[
        bool, typer.Option("--recover", help="Keep what stands before an entry that is cut off.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Write over files.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write published texts into JSON files; exit code 1 if something had to be left out."""
    from irtd_fast.official.archive import read_official
    from irtd_fast.official.writer import write_official

    problems: list[Problem] = []
    files = read_official(texts, report=problems.append if recover else None)
    paths = write_official(files, out, form=container.value, replace=replace)
    sizes = {name: path.stat().st_size for name, path in paths.items()}
    if as_json:
        rows = [{"file": n, "entries": len(files[n]), "bytes": sizes[n]} for n in files]
        print_json({"out": str(out), "files": rows, "problems": [str(p) for p in problems]})
    else:
        cells = [(n, f"{len(files[n]):,}", size_text(sizes[n])) for n in files]
        print_table(("file", "entries", "size"), cells, right=(1, 2))
        for problem in problems:
            note(plain(problem))
        say(plain(f"{len(paths)} files in {out}"))
    if problems:
        raise typer.Exit(ExitCode.PROBLEMS)
