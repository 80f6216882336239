"""``irtd bench``: images per second, and what bounds them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import counted, plain, print_json, print_table, say, size_text
from irtd_fast.cli.progress import Progress
from irtd_fast.cli.stores import StorePath, refuse_unfinished


@guarded
def bench(
    store: StorePath,
    seconds: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="How long each measurement lasts.")
    ] = 3.0,
    threads: Annotated[
        int, typer.Option(metavar="N", min=0, help="Threads; 0 takes one a core.")
    ] = 0,
    compare: Annotated[
        bool, typer.Option("--compare", help="Measure torch DataLoader with OpenCV as well.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Measure images per second, cold and warm, and say what bounds them."""
    from irtd_fast.load.bench import bench_store

    refuse_unfinished(store)
    with Progress() as progress:
        result = bench_store(
            store, seconds=seconds, threads=threads, compare=compare, progress=progress
        )
    if as_json:
        print_json(result)
    else:
        print_bench(result)


def print_bench(result: dict[str, Any]) -> None:
    """Say on stdout what was measured; see ``load.bench.bench_store`` for the figures."""
    say(
        f"{counted(result['samples'], 'sample')}, {size_text(result['stored_bytes'])} stored each, "
        f"{counted(result['threads'], 'thread')} on {counted(result['cores'], 'core')}"
    )
    say()
    header = ("page cache", "loader", "native size", "bare preads", "", "loader/preads")
    print_table(header, [_rates(result, name) for name in ("cold", "warm")], right=(1, 2, 3, 4, 5))
    say(
        "images/s; native size: the loader, nothing resampled; bare preads bring the stored bytes "
        "and do nothing with them"
    )
    say()
    stages = result["stages"]
    print_table(
        ("page cache", *(key.removesuffix("_us") for key in stages["warm"])),
        [(name, *(f"{value:,.1f}" for value in stages[name].values())) for name in stages],
        right=range(1, 9),
    )
    say("microseconds an image in each stage, summed over the threads")
    say()
    say(plain(f"bound by: {result['bound_by']}"))
    if "compare" in result:
        peer = result["compare"]
        say(
            f"torch DataLoader with OpenCV, warm: {peer['images_per_s']:,.0f} images/s; "
            f"the loader is {peer['times_faster']:.1f} times as fast"
        )


def _rates(result: dict[str, Any], name: str) -> tuple[object, ...]:
    values = result[name]
    share = values.get("disk_fraction", values.get("memory_fraction"))
    rates = ("images_per_s", "native_images_per_s", "ceiling_images_per_s")
    return (
        name, *(None if values.get(key) is None else f"{values[key]:,.0f}" for key in rates),
        f"{size_text(values['ceiling_mb_per_s'] * 1e6)}/s",
        None if share is None else f"{100 * share:.0f} %",
    )  # fmt: skip
