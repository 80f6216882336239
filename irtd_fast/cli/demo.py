"""``irtd demo``: dumps to store to batches, on synthetic data or on a dump of the user's."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irtd_fast import catalog
from irtd_fast.cli.guard import guarded
from irtd_fast.cli.ingest import problems_of
from irtd_fast.cli.output import ExitCode, counted, plain, print_problems, print_table, say
from irtd_fast.cli.progress import Progress
from irtd_fast.cli.verify import print_verification

if TYPE_CHECKING:
    from irtd_fast.engines.ingest import IngestReport

_BATCH = 64
_SIZE = (448, 448)
_SEED = 2025


@dataclass(frozen=True)
class Dump:
    """A dump of the demo.

    Attributes:
        path: Its folder.
        source: Layout it is written in.
        count: Samples written; 0 if it is there already.
        read_as: Sources that it is ingested as.
        unpaired: Samples without the visible partner that the others have, as in the real set.
    """

    path: Path
    source: str
    count: int
    read_as: tuple[str, ...]
    unpaired: int = 0


@dataclass(frozen=True)
class Epoch:
    """What one pass of the loader gave."""

    images: int
    boxes: int
    batches: int
    shape: tuple[int, ...]
    seconds: float


@guarded
def demo(
    data: Annotated[
        Path | None,
        typer.Option(metavar="DUMP", exists=True, file_okay=False, help="A dump of yours."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="KEY", help="Its source (see `irtd sources`).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, help="Where; a new temporary folder else."),
    ] = None,
) -> None:
    """Run all of it on small synthetic dumps, or on a dump of yours."""
    if (data is None) != (source is None):
        raise typer.BadParameter("--data and --source go together", param_hint="'--data'")
    if source is not None:
        catalog.get(source)  # a wrong key is better told before anything is made
    folder = _folder(out)
    say(plain(f"working in {folder}"))
    if data is not None and source is not None:
        dumps = [Dump(data, source, 0, (source,))]
    else:
        dumps = _write_dumps(folder)
    store = folder / "demo.zarr"
    clean = _ingest(dumps, store)
    if not _verify(store):
        raise typer.Exit(ExitCode.DAMAGED)
    _print_epoch(run_epoch(store))
    _print_next(store)
    if not clean:
        raise typer.Exit(ExitCode.PROBLEMS)


def _folder(out: Path | None) -> Path:
    """The folder to work in.

    Raises:
        FileExistsError: It holds something already.
    """
    if out is None:
        return Path(tempfile.mkdtemp(prefix="irtd-demo-"))
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out}: not empty; the demo wants a folder of its own")
    out.mkdir(parents=True, exist_ok=True)
    return out.absolute()


def synthetic(folder: Path) -> list[Dump]:
    """The demo's own dumps: authentic layouts and sizes, few frames."""
    return [
        Dump(folder / "LLVIP", "llvip", 36, ("llvip",)),
        Dump(folder / "FLIR_ADAS_1_3", "flir-v1", 48, ("flir-v1", "flir-v1-16bit")),
        Dump(folder / "IRSTD-1k", "irstd-1k", 48, ("irstd-1k",)),
    ]


def _write_dumps(folder: Path) -> list[Dump]:
    from irtd_fast.synth import write_dump

    dumps = []
    with Progress() as progress:
        for dump in synthetic(folder):

            def show(done: int, total: int, name: str = dump.source) -> None:
                progress(f"draw {name}", done, total)

            truth = write_dump(
                dump.path, source=dump.source, count=dump.count, seed=_SEED, progress=show
            )
            paired = [sample.visible is not None for sample in truth.samples]
            alone = paired.count(False) if any(paired) else 0
            dumps.append(replace(dump, unpaired=alone))
    for dump in dumps:
        said = f"{counted(dump.count, 'synthetic sample')} in the layout of {dump.source}"
        if dump.unpaired:
            said += f", {dump.unpaired} without a visible partner, as in the real set"
        say(plain(f"wrote {dump.path.name}: {said}"))
    return dumps


def _ingest(dumps: Sequence[Dump], store: Path) -> bool:
    """Ingest all dumps; true if nothing was reported but partners missing on purpose."""
    from irtd_fast.engines.ingest import ingest

    reports: list[IngestReport] = []
    clean = True
    with Progress() as progress:
        for dump in dumps:
            for key in dump.read_as:

                def show(phase: str, done: int, total: int, key: str = key) -> None:
                    progress(f"{key}: {phase}", done, total)

                report = ingest(dump.path, store, source=key, progress=show)
                reports.append(report)
                codes = Counter(problem.code for problem in report.problems)
                clean &= not codes - Counter({"missing-partner": dump.unpaired})
    say()
    print_table(
        ("source", "samples", "objects", "points", "problems", "seconds", "images/s", "arrays"),
        [_row(report) for report in reports],
        right=(1, 2, 3, 4, 5, 6),
    )
    for report in reports:
        print_problems(report.problems)
    return clean


def _row(report: IngestReport) -> tuple[object, ...]:
    counts = report.counts
    arrays = ", ".join(f"{a['path']} ({a['rows']:,} {a['dtype']})" for a in report.arrays)
    return (
        report.source, f"{counts['samples']:,}", f"{counts['objects']:,}",
        f"{counts['points']:,}", f"{problems_of(report):,}",
        f"{sum(report.seconds.values()):.2f}", f"{report.images_per_s:,.0f}", arrays,
    )  # fmt: skip


def _verify(store: Path) -> bool:
    from irtd_fast.store.verify import verify_store

    say()
    with Progress() as progress:
        report = verify_store(store, progress=progress)
    print_verification(report)
    return report.ok


def run_epoch(store: Path) -> Epoch:
    """Load every sample of a store once, augmented, with its boxes.

    Raises:
        LoaderError: A sample cannot be read.
    """
    from irtd_fast.load import Loader
    from irtd_fast.store.dataset import open_store

    dataset = open_store(store)
    loader = Loader(dataset, batch_size=min(_BATCH, max(len(dataset), 1)), size=_SIZE, seed=_SEED)
    images = boxes = batches = 0
    shape: tuple[int, ...] = ()
    started = time.perf_counter()
    with Progress() as progress:
        for batch in loader:
            images += len(batch.images)
            boxes += len(batch.boxes)
            batches += 1
            shape = shape or tuple(batch.images.shape)
            progress("load", batches, len(loader))
    return Epoch(images, boxes, batches, shape, time.perf_counter() - started)


def _print_epoch(epoch: Epoch) -> None:
    shape = " x ".join(str(side) for side in epoch.shape)
    rate = epoch.images / epoch.seconds if epoch.seconds else 0.0
    say(
        f"one epoch: {counted(epoch.images, 'image')} and {counted(epoch.boxes, 'box', 'boxes')} "
        f"in {counted(epoch.batches, 'batch', 'batches')} of {shape}, {epoch.seconds:.2f} s, "
        f"{rate:,.0f} images/s"
    )


def _print_next(store: Path) -> None:
    say()
    say(plain(f"the store is {store}; look at it with"))
    for line in (
        f"irtd info {store}",
        f"irtd show {store} 0 -o sample.png --visible",
        f"irtd bench {store}",
    ):
        say(plain(f"  {line}"))
