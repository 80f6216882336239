"""``irtd tasks``: the texts of the nine tasks: published files in, and out again."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import ExitCode, note, plain, print_json, print_table, say, size_text
from irtd_fast.cli.progress import Progress
from irtd_fast.cli.stores import StorePath, refuse_unfinished
from irtd_fast.cli.tasks_build import build
from irtd_fast.types import Problem

if TYPE_CHECKING:
    from irtd_fast.official.container import Entry
    from irtd_fast.tasks.imports import ImportReport

app = typer.Typer(help="Texts of the nine tasks.", no_args_is_help=True)
app.command("build")(build)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


class Container(StrEnum):
    """How entries are put into files."""

    official = "official"
    array = "array"


class Subset(StrEnum):
    """The paper's subsets."""

    pretrain = "pretrain"
    instruction = "instruction"
    benchmark = "benchmark"


Replace = Annotated[bool, typer.Option("--replace", help="Take the place of what is there.")]
Recover = Annotated[
    bool, typer.Option("--recover", help="Keep what stands before an entry that is cut off.")
]


@app.command("import")
@guarded
def import_(
    texts: Annotated[
        Path, typer.Argument(metavar="TEXTS", exists=True, help="json_sft.zip, a folder, one file.")
    ],
    store: StorePath,
    root: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Folder with the store's dumps.")
    ],
    name: Annotated[str, typer.Option(help="Name of the texts in the store.")] = "official",
    subset: Annotated[
        Subset, typer.Option(help="Which subset they are; the published ones are instruction.")
    ] = Subset.instruction,
    recover: Recover = False,
    replace: Replace = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing, only report.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Attach published texts to the samples of a store; exit code 1 if pictures are missing."""
    from irtd_fast.tasks.imports import import_texts

    refuse_unfinished(store)
    with Progress() as progress:
        report = import_texts(
            texts, root, store, name=name, subset=subset.value, recover=recover, replace=replace,
            dry_run=dry_run, progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(report.to_dict())
    else:
        _print_import(report)
    if report.problems or report.attached < report.texts:
        raise typer.Exit(ExitCode.PROBLEMS)


def _print_import(report: ImportReport) -> None:
    header = ("file", "source", "texts", "attached", "missing")
    cells = [(r["file"], r["source"], *(f"{r[k]:,}" for k in header[2:])) for r in report.rows]
    print_table(header, cells, right=(2, 3, 4))
    reasons: dict[tuple[str, str], int] = {}
    for row in report.rows:
        for why, count in row["why"].items():
            key = row["source"], why
            reasons[key] = reasons.get(key, 0) + count
    for (source, why), count in reasons.items():
        note(plain(f"{source}: {count:,} missing: {why}"))
    for problem in report.problems:
        note(plain(problem))
    say()
    for source, count in report.written.items():
        say(plain(f"{source}/texts/{report.name}: {count:,} texts"))
    say(plain(f"{report.attached:,} of {report.texts:,} texts are with a sample of the store"))


@app.command("export")
@guarded
def export(
    texts: Annotated[
        Path,
        typer.Argument(
            metavar="TEXTS",
            exists=True,
            help="json_sft.zip, a folder, one file, or a store with imported texts.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", file_okay=False, help="Folder to fill.")],
    container: Annotated[
        Container,
        typer.Option(help="official: as published, byte for byte; array: valid JSON arrays."),
    ] = Container.official,
    name: Annotated[
        str, typer.Option(help="Name of the texts, where TEXTS is a store.")
    ] = "official",
    recover: Recover = False,
    replace: Replace = False,
    as_json: JsonFlag = False,
) -> None:
    """Write published texts into JSON files; exit code 1 if something had to be left out."""
    from irtd_fast.official.writer import write_official

    files, problems = _published(texts, name, recover=recover)
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


def _published(
    texts: Path, name: str, *, recover: bool
) -> tuple[dict[str, list[Entry]], list[Problem]]:
    """Entries of files, or of a store into which they were imported, and what is missing."""
    from irtd_fast.official.archive import read_official
    from irtd_fast.tasks.imports import published_texts

    problems: list[Problem] = []
    if not (texts / "zarr.json").is_file():
        return read_official(texts, report=problems.append if recover else None), problems
    refuse_unfinished(texts)
    found = published_texts(texts, name=name)
    for file, gap in found.incomplete().items():
        message = f"{gap:,} of {found.expected[file]:,} entries are with no sample of the store"
        problems.append(Problem("incomplete-file", f"{file}.json", "", message, "left out"))
    return found.files, problems
