"""What every command prints with: results on stdout, everything else on stderr.

Texts that come from a dump or a store (names, categories, messages) pass through ``plain`` before
they reach a terminal, so that no file name can move its cursor or forge a line.
"""

from __future__ import annotations

import enum
import json
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import typer

from irtd_fast.types import Problem

PROBLEMS_SHOWN = 20


class ExitCode(enum.IntEnum):
    """Exit codes; README's table is about these."""

    OK = 0
    PROBLEMS = 1  # finished, the data had defects
    USAGE = 2
    DAMAGED = 3
    REFUSED = 4
    BUG = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # 128 + SIGINT
    BROKEN_PIPE = 141  # 128 + SIGPIPE


def plain(text: object) -> str:
    r"""Text with everything that is not printable escaped (``\x1b``, ``\n`` …)."""
    string = str(text)
    if string.isprintable():
        return string
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
        for c in string
    )


def say(text: str = "") -> None:
    """Print one line of results on stdout."""
    typer.echo(text)


def note(text: str) -> None:
    """Print one line about the run on stderr."""
    typer.echo(text, err=True)


def is_terminal(stream: IO[str]) -> bool:
    """True if a person looks at the stream (and not a file or a pipe)."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def print_json(document: Mapping[str, Any]) -> None:
    """Print the one JSON document of a ``--json`` run; ASCII, so valid in any locale.

    Raises:
        ValueError: A number is not finite; JSON has no word for it.
    """
    typer.echo(json.dumps(document, indent=1, allow_nan=False, default=_jsonable))


def _jsonable(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()
) -> None:
    """Print aligned columns on stdout; folded to a terminal's width, never in a pipe.

    Args:
        header: Titles of the columns.
        rows: Cells; ``None`` is shown as ``-``.
        right: Numbers of the columns aligned to the right.
    """
    numbers = set(right)
    shown = [["-" if cell is None else plain(cell) for cell in row] for row in rows]
    if not is_terminal(sys.stdout):
        _print_aligned(header, shown, numbers)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, title in enumerate(header):
        table.add_column(title, justify="right" if number in numbers else "left", overflow="fold")
    for row in shown:
        table.add_row(*map(Text, row))
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    with console.capture() as capture:  # trailing blanks of the last column are only noise
        console.print(table)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip())


def _print_aligned(header: Sequence[str], rows: list[list[str]], right: set[int]) -> None:
    """Print what a terminal of any width would show; rich's import costs more than the listing."""
    lines = [list(header), *rows]
    widths = [max(map(_columns, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        parts = []
        for number, (cell, width) in enumerate(zip(line, widths, strict=True)):
            blank = " " * (width - _columns(cell))
            parts.append(blank + cell if number in right else cell + blank)
        typer.echo("  ".join(parts).rstrip())


def _columns(text: str) -> int:
    """Columns of a terminal that a text takes: East Asian letters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def print_pairs(pairs: Iterable[tuple[str, object]], indent: str = "  ") -> None:
    """Print ``key  value`` lines, values aligned; empty values are left out."""
    shown = [(key, plain(value)) for key, value in pairs if value not in (None, "", [], {})]
    width = max((len(key) for key, _ in shown), default=0)
    for key, value in shown:
        say(f"{indent}{key:<{width}}  {value}")


def counted(count: int, word: str, plural: str = "") -> str:
    """``1 sample``, ``2 samples``, ``12,025 samples``."""
    return f"{count:,} {word if count == 1 else plural or word + 's'}"


def size_text(count: float) -> str:
    """Bytes for people, decimal units as disks are sold: ``3.42 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.4g} TB"


def print_problems(problems: Sequence[Problem]) -> None:
    """List the first problems on stderr, grouped by code, no code left without an example."""
    if not problems:
        return
    counts = Counter(problem.code for problem in problems)
    groups: dict[str, list[Problem]] = {code: [] for code in counts}
    for problem in problems:
        if len(groups[problem.code]) < PROBLEMS_SHOWN:
            groups[problem.code].append(problem)
    budget = _share([len(group) for group in groups.values()], PROBLEMS_SHOWN)
    note(f"{counted(len(problems), 'problem')} in the data:")
    for (code, group), room in zip(groups.items(), budget, strict=True):
        note(f"  {code} ({counts[code]:,})")
        for problem in group[:room]:
            place = ", ".join(plain(part) for part in (problem.path, problem.where) if part)
            note(f"    {place}: {plain(problem.message)} -> {plain(problem.action)}")
    hidden = len(problems) - sum(budget)
    if hidden:
        note(f"  and {hidden:,} more: --json lists all, and so does the store's problems table")


def _share(sizes: Sequence[int], room: int) -> list[int]:
    """Divide ``room`` lines among groups, one each in turn, so that no group hides another."""
    given = [0] * len(sizes)
    while room > 0 and any(g < s for g, s in zip(given, sizes, strict=True)):
        for number, size in enumerate(sizes):
            if room > 0 and given[number] < size:
                given[number] += 1
                room -= 1
    return given
