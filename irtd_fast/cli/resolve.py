"""``irtd resolve``: where the pictures of the published texts are in one's own dumps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import ExitCode, note, plain, print_json, print_table, say

if TYPE_CHECKING:
    from irtd_fast.official.resolve import Resolution


@guarded
def resolve(
    texts: Annotated[
        Path,
        typer.Argument(metavar="TEXTS", exists=True, help="json_sft.zip, its folder, or one file."),
    ],
    root: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Folder with your dumps.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Write published path -> file as JSON."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Map the image paths of the published texts to files; exit code 1 if some are missing."""
    from irtd_fast.official.archive import read_official
    from irtd_fast.official.resolve import resolve as resolve_paths

    entries = read_official(texts)
    paths = {name: [entry.image for entry in items] for name, items in entries.items()}
    found = resolve_paths(paths, root)
    if out is not None:
        table = {item.published: item.path for item in found.images.values() if item.path}
        out.write_text(json.dumps(table, indent=1), encoding="utf-8")
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)
    if found.found < len(found.images):
        raise typer.Exit(ExitCode.PROBLEMS)


def _print(found: Resolution) -> None:
    header = ("images", "found", "missing", "ambiguous")
    for kind, rows in (("file", found.by_file()), ("source", found.by_source())):
        cells = [(row[kind], *(f"{row[name]:,}" for name in header)) for row in rows]
        print_table((kind, *header), cells, right=range(1, 5))
        say()
    for row in found.by_source():
        for layout, count in row["layouts"].items():
            say(plain(f"{row['source']}: {count:,} found in the layout of {layout}"))
        for why in row["why"]:
            note(plain(f"{row['source']}: {row['missing']:,} missing: {why}"))
    for problem in found.problems:
        note(plain(problem))
    say(plain(f"{found.found:,} of {len(found.images):,} published pictures found in {found.root}"))
