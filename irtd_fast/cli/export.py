"""``irtd export``: a store as what other programs read."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import counted, note, plain, print_json, say
from irtd_fast.cli.progress import Progress
from irtd_fast.cli.stores import StorePath, refuse_unfinished

if TYPE_CHECKING:
    from irtd_fast.export import ExportReport

Pictures = enum.StrEnum("Pictures", ["jpeg", "png", "copy", "link", "none"])
Paths = enum.StrEnum("Paths", ["relative", "published"])
Container = enum.StrEnum("Container", ["array", "official"])
Units = enum.StrEnum("Units", ["pixel", "unit", "permille"])


@guarded
def export(
    store: StorePath,
    out: Annotated[Path, typer.Argument(metavar="OUT", file_okay=False, help="Folder to write.")],
    format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="official, llava or coco.")
    ],
    texts: Annotated[
        str | None, typer.Option(metavar="NAME", help="Texts to write, where there are several.")
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(metavar="TASK", help="Only this task; repeatable.")
    ] = None,
    subset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this subset; repeatable.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this source; repeatable.")
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this split; repeatable.")
    ] = None,
    units: Annotated[
        Units | None, typer.Option(help="Of coordinates in texts; by default as they were built.")
    ] = None,
    pictures: Annotated[
        Pictures,
        typer.Option(help="Render them, copy the source's own JPEG files, link to a dump, none."),
    ] = Pictures["jpeg"],
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="R",
            help="Recipe to 8 bits: a name, or JSON as a store has it; by default 8-bit counts "
            "stay as they are, 16-bit ones are stretched between percentiles 1 and 99.",
        ),
    ] = None,
    quality: Annotated[int, typer.Option(metavar="Q", min=1, max=100, help="Of JPEG.")] = 95,
    root: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FOLDER", help="Dump of a source, to link to; repeatable."),
    ] = None,
    paths: Annotated[
        Paths, typer.Option(help="Below OUT, or in the published layout where there is one.")
    ] = Paths["relative"],
    container: Annotated[
        Container, typer.Option(help="Of official files: valid JSON, or the published bytes.")
    ] = Container["array"],
    threads: Annotated[int, typer.Option(metavar="N", min=0, help="0 takes one a core.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Write over files.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Write boxes or texts and their pictures in another program's format."""
    from irtd_fast.export import export_store, format_named
    from irtd_fast.store.dataset import open_store

    format_named(format)
    refuse_unfinished(store)
    dataset = open_store(store).filter(source=source, split=split)
    with Progress() as progress:
        report = export_store(
            dataset, out, format, texts=texts, tasks=tuple(task or ()),
            subsets=tuple(subset or ()), units=units and units.value, pictures=pictures.value,
            recipe=recipe_of(recipe), quality=quality, roots=_roots(root), paths=paths.value,
            container=container.value, threads=threads, replace=replace, dry_run=dry_run,
            progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)


def recipe_of(text: str | None) -> Any:
    """A recipe by name or as JSON; ``None`` for none.

    Raises:
        ValueError: Neither; the names are listed.
    """
    from irtd_fast.radiometry import recipe_from_dict

    if text is None:
        return None
    try:
        form = (
            json.loads(text) if text.lstrip().startswith("{") else {"name": text.replace("-", "_")}
        )
        return recipe_from_dict(form)
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"recipe {text!r}: {error}") from error


def _roots(pairs: list[str] | None) -> dict[str, Path]:
    roots = {}
    for pair in pairs or ():
        name, equals, folder = pair.partition("=")
        if not (name and equals and folder):
            raise typer.BadParameter(f"expected NAME=FOLDER, found {pair}", param_hint="'--root'")
        roots[name] = Path(folder)
    return roots


def _print(report: ExportReport) -> None:
    for name, count in report.files.items():
        say(plain(f"{report.out}/{name}: {counted(count, 'entry', 'entries')}"))
    verb = "written" if report.written else "not written, a dry run"
    say(f"{counted(report.pictures, 'picture')} {verb}")
    if report.pictures:
        say(plain(f"pixels: {report.recipe}"))
    for line in report.notes:
        note(plain(f"irtd: {line}"))
