"""``irtd bench``: images per second, and what bounds them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import plain, print_json, print_pairs, print_table, say
from irtd_fast.cli.progress import Progress


@guarded
def bench(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", exists=True, file_okay=False, help="The store.")
    ],
    seconds: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="How long each measurement lasts.")
    ] = 3.0,
    threads: Annotated[
        int, typer.Option(metavar="N", min=0, help="Threads; 0 takes one a core.")
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Measure images per second, cold and warm, and say what bounds them."""
    from irtd_fast.load.bench import bench_store

    with Progress() as progress:
        result = bench_store(store, seconds=seconds, threads=threads, progress=progress)
    if as_json:
        print_json(result)
    else:
        print_bench(result)


def print_bench(result: dict[str, Any]) -> None:
    """Say on stdout what was measured."""
    rows = []
    for name in ("cold", "warm"):
        values = dict(result.get(name) or {})
        rate = values.pop("images_per_s", None)
        rest = ", ".join(f"{_words(key)} {_value(value)}" for key, value in values.items())
        rows.append((name, None if rate is None else f"{rate:,.0f}", rest or None))
    print_table(("page cache", "images/s", ""), rows, right=(1,))
    for name in ("ceiling", "stages"):
        if isinstance(result.get(name), dict):
            say()
            say(_words(name))
            print_pairs((_words(key), _value(value)) for key, value in result[name].items())
    known = {"cold", "warm", "ceiling", "stages", "bound_by"}
    others = [(_words(key), _value(value)) for key, value in result.items() if key not in known]
    if others:
        say()
        print_pairs(others, indent="")
    say()
    say(plain(f"bound by: {result.get('bound_by', 'unknown')}"))


def _words(key: str) -> str:
    return plain(key.replace("_", " "))


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_words(k)} {_value(v)}" for k, v in value.items())
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return plain(value)
