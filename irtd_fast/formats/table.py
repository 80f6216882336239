"""Text tables as columns: the native parser's arrays, with names and with defects reported."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.formats.base import LabelFile, Report
from irtd_fast.formats.columns import GEOMETRY, Columns
from irtd_fast.types import Problem

LIMIT_MB = 64
_MOST_REPORTED = 20  # defects of one file that are reported one by one
_LONGEST = 10_000  # bytes of a line in which a bad cell is looked for
_GOOD, _NAN = 0, 5
_MESSAGES = {
    2: "expected {count} columns, found {column}",
    3: "expected {count} columns, found more",
    4: "column {number}: expected a number, found {cell}",
    5: "column {number}: expected a number, found nan",
    6: "column {number}: {cell} is too large a number",
    7: "column {number}: quotation marks do not fit",
}
_NUMBERS = GEOMETRY | {"frame", "track"}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a text file.

    Attributes:
        data: The file.
        numbers: float64 (rows, number columns); ``number_of`` says which is which.
        texts: int64 (rows, text columns, 2), places in ``data``; ``text_of`` says which is which.
        lines: int64 (rows,), the rows' lines.
        status: uint8 (rows,), 0 where a row is good; see ``_core.parse_rows``.
        number_of: Role -> column of ``numbers``.
        text_of: Role -> column of ``texts``.
        quoted: Cells may hold doubled quotation marks.
    """

    data: bytes
    numbers: NDArray[np.float64]
    texts: NDArray[np.int64]
    lines: NDArray[np.int64]
    status: NDArray[np.uint8]
    number_of: dict[str, int]
    text_of: dict[str, int]
    quoted: bool

    def column(self, role: str) -> NDArray[np.float64]:
        """Give a number column."""
        return self.numbers[:, self.number_of[role]]

    def cell(self, row: int, role: str) -> str:
        """Give a text cell.

        Raises:
            ValueError: It is not UTF-8.
        """
        begin, end = self.texts[row, self.text_of[role]].tolist()
        text = self.data[begin:end].decode("utf-8")
        return text.replace('""', '"') if self.quoted else text


def read_table(
    file: LabelFile, columns: Columns, comment: Sequence[str], report: Report,
    *, quoted: bool, limit_mb: int, nan_is_good: bool = False,
) -> Table:  # fmt: skip
    """Read a text file by the meaning of its columns; rows with defects are reported.

    Raises:
        AnnotationError: The file cannot be read, is not text of single bytes (UTF-16), has too
            many rows, or lacks a column that the header should name.
    """
    data = file.read_bytes(limit_mb or LIMIT_MB)
    refuse_wide_text(file, data)
    roles, skip, open_end = columns.roles, 0, columns.open_end
    if columns.names:
        roles, skip = _by_header(file, data, columns, comment, quoted=quoted)
        open_end = True
    kinds = "".join("n" if r in _NUMBERS else "-" if r == "-" else "t" for r in roles)
    parsed = _core.parse_rows(
        data, kinds, open_end=open_end, quoted=quoted, comments=list(comment), skip_lines=skip
    )
    numbers, texts, lines, status, defects, starts, cut = parsed
    if cut:
        file.refuse(f"expected at most {len(lines)} rows", int(lines[-1]) if len(lines) else 1)
    number_of = {role: i for i, role in enumerate(r for r in roles if r in _NUMBERS)}
    kept = (r for r in roles if r not in _NUMBERS and r != "-")
    table = Table(
        data, numbers, texts, lines, status, number_of, {r: i for i, r in enumerate(kept)}, quoted
    )
    if status.any():
        places = np.stack([defects, starts], axis=1)
        _report_defects(file, table, places, len(roles), report, nan_is_good=nan_is_good)
    return table


def refuse_wide_text(file: LabelFile, data: bytes) -> None:
    """Refuse UTF-16 and UTF-32, and anything else with zero bytes.

    Raises:
        AnnotationError: Such a text; with the line of the first zero byte.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        file.refuse("expected UTF-8 text, found UTF-16", 1)
    place = data.find(0)
    if place >= 0:
        file.refuse("expected text, found a zero byte", data.count(b"\n", 0, place) + 1)


def _by_header(
    file: LabelFile, data: bytes, columns: Columns, comment: Sequence[str], *, quoted: bool
) -> tuple[tuple[str, ...], int]:
    """Find the columns that the header names; give the role of each and the header's line."""
    marks = tuple(comment)
    number, text = 0, ""
    for line in re.split(rb"\r\n|\r|\n", data, maxsplit=1000)[:1000]:
        number += 1
        text = line.decode("utf-8-sig", errors="replace").strip()
        if text and not (marks and text.startswith(marks)):
            break
    else:
        file.refuse("expected a header, found no line")
    found = next(csv.reader([text], skipinitialspace=True)) if quoted else _split(text)
    found = [name.strip() for name in found]
    for name in columns.names:
        if found.count(name) != 1:
            message = f"expected one column named {name!r}, found {', '.join(found)[:200]!r}"
            file.refuse(message, number)
    roles = dict(zip(columns.names, columns.roles, strict=True))
    last = max(found.index(name) for name in columns.names)
    return tuple(roles.get(name, "-") for name in found[: last + 1]), number


def _split(text: str) -> list[str]:
    return re.split(r"[ \t]*[,;][ \t]*|[ \t]+", text)


def _report_defects(
    file: LabelFile, table: Table, places: NDArray[np.int64], count: int, report: Report,
    *, nan_is_good: bool,
) -> None:  # fmt: skip
    bad = table.status != _GOOD
    if nan_is_good:
        bad &= table.status != _NAN
    rows = np.flatnonzero(bad)
    for row in rows[:_MOST_REPORTED].tolist():
        line, status = int(table.lines[row]), int(table.status[row])
        column, start = places[row].tolist()
        cell = repr(_cell(table.data, start, column)) if status in (4, 6) else ""
        message = _MESSAGES.get(status, "expected a row, found a blank line").format(
            count=count, column=column, number=column + 1, cell=cell
        )
        report(Problem("bad-row", file.path, f"line {line}", message, "row left out"))
    if len(rows) > _MOST_REPORTED:
        first = int(table.lines[rows[_MOST_REPORTED]])
        message = f"{len(rows) - _MOST_REPORTED} further rows like these, the first on this line"
        report(Problem("bad-row", file.path, f"line {first}", message, "rows left out"))


def _cell(data: bytes, start: int, column: int) -> str:
    """Show a cell of the line that begins there, as it stands in the file."""
    text = re.split(rb"[\r\n]", data[start : start + _LONGEST], maxsplit=1)[0]
    cells = _split(text.decode("utf-8", errors="replace").strip())
    return cells[column][:40] if column < len(cells) else ""
