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
    source: Annotated[str, typer.Option(metavar="KEY", help="Source whose layout is written.")],
    count: Annotated[int, typer.Option(metavar="N", min=1, help="Samples.")],
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Same seed, same bytes.")] = 0,
    variant: Annotated[
        str | None, typer.Option(metavar="V", help="One of the source's layouts.")
    ] = None,
) -> None:
    """Write a synthetic dump in the layout of a source."""
    from irtd_fast.synth import write_dump

    with Progress() as progress:
        truth = write_dump(
            out, source=source, count=count, seed=seed, variant=variant,
            progress=lambda done, total: progress("draw", done, total),
        )  # fmt: skip
    objects = sum(len(sample.objects) for sample in truth.samples)
    said = f"{counted(count, 'sample')} of {source}, {counted(objects, 'object')}"
    say(plain(f"{out}: {said}"))
    say(plain(f"next: irtd ingest {out} my.zarr --source {source}"))
