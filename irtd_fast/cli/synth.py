"""``irtd synth``: write a synthetic dump."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import counted, plain, say
from irtd_fast.cli.progress import Progress


@guarded
def synth(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", file_okay=False, help="New folder of the dump.")
    ],
    source: Annotated[
        str, typer.Option(metavar="KEY", help="Source whose layout is written, or `ir-td`.")
    ],
    count: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Samples; not for `ir-td`.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Same seed, same bytes.")] = 0,
    variant: Annotated[
        str | None,
        typer.Option(metavar="V", help="One of the source's layouts; `ir-td` or `native`."),
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(metavar="ZIP", exists=True, help="Published texts, for `ir-td`."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Size of the infrared pictures.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what is in the dump as JSON.")
    ] = None,
) -> None:
    """Write a synthetic dump in the layout of a source."""
    from irtd_fast.synth import write_dump

    if source == "ir-td":
        _official(out, texts, variant or "ir-td")
        return
    if count is None:
        msg = "--count N is missing: how many samples?"
        raise typer.BadParameter(msg)

    with Progress() as progress:
        written = write_dump(
            out, source=source, count=count, seed=seed, variant=variant,
            size=_size(size), truth_path=truth,
            progress=lambda done, total: progress("draw", done, total),
        )  # fmt: skip
    objects = sum(len(sample.objects) for sample in written.samples)
    said = f"{counted(count, 'sample')} of {source}, {counted(objects, 'object')}"
    say(plain(f"{out}: {said}"))
    say(plain(f"next: irtd ingest {out} my.zarr --source {source}"))


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        msg = f"--size must be HEIGHTxWIDTH, e.g. 96x128, found {text!r}"
        raise typer.BadParameter(msg)
    return int(height), int(width)


def _official(out: Path, texts: Path | None, layout: str) -> None:
    """Write a tiny picture for every path that the published texts name."""
    from irtd_fast.synth import official_paths, official_tree

    if texts is None:
        msg = "--source ir-td needs --texts json_sft.zip: the paths are those of its files"
        raise typer.BadParameter(msg)
    with Progress() as progress:
        placed = official_tree(
            official_paths(texts), out, layout=layout,
            progress=lambda done, total: progress("link", done, total),
        )  # fmt: skip
    say(plain(f"{out}: {counted(len(placed), 'picture')} in the layout {layout}"))
    say(plain(f"next: irtd resolve {texts} --root {out}"))
