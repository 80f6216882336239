"""Labels in delimited text: YOLO, bbGt, VEDAI's table, tracking files, tables of attributes.

What the columns mean is said by ``columns`` (see ``irtd_fast.formats.columns``), what a row is
about by ``scope``. Numbers are read natively; a row that cannot be read is reported with its line
and left out. A file of the scope ``per_sequence`` becomes ``SequenceRows``: columns, out of which
labels are made only for the pictures that are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from irtd_fast.formats.base import KEPT_MARKED, LabelFile, Report, stem_of
from irtd_fast.formats.flags import flag_bits, truth_of
from irtd_fast.formats.geometry import shape_row
from irtd_fast.formats.row_options import RowOptions
from irtd_fast.formats.sequence_rows import SequenceRows
from irtd_fast.formats.table import Table, read_table
from irtd_fast.types import Problem, RawLabels, RawObject


def read_text_rows(file: LabelFile, options: RowOptions, report: Report) -> Sequence[RawLabels]:
    """Read the labels of a text file.

    Raises:
        AnnotationError: The file cannot be read at all; ``path``, and ``line`` where it has one.
    """
    columns = options.parsed()
    sequence = options.scope == "per_sequence"
    table = read_table(
        file, columns, options.comment, report, quoted=options.delimiter == "csv",
        limit_mb=options.limit_mb, nan_is_good=sequence and options.absent != "none",
    )  # fmt: skip
    if sequence:
        return SequenceRows(file, table, columns, options)
    reader = _Reader(file, table, options, report)
    if options.scope == "per_dataset":
        return reader.by_key()
    labels = reader.labels({}, "")
    for row in reader.rows():
        reader.add(labels, row)
    return [labels]


class _Reader:
    """Turns rows into objects and attributes."""

    def __init__(self, file: LabelFile, table: Table, options: RowOptions, report: Report) -> None:
        self._file = file
        self._table = table
        self._options = options
        self._report = report
        columns = options.parsed()
        self._shape = columns.shape
        self._flags = [(role, bit) for role, bit in flag_bits() if role in table.text_of]
        self._keys = list(columns.starting("@"))
        self._attributes = list(columns.starting("+"))
        self._category = file.groups.get("category", options.category)
        self._reference = (1.0, 1.0) if options.normalised else None
        self._numbers = table.numbers.tolist()
        self._lines = table.lines.tolist()

    def rows(self) -> Iterator[int]:
        """Give the numbers of the rows that could be read."""
        return (row for row, status in enumerate(self._table.status.tolist()) if status == 0)

    def labels(self, key: dict[str, str], where: str) -> RawLabels:
        """Begin the labels of a picture."""
        groups = {**self._file.groups, **key} if key else self._file.groups
        return RawLabels(groups, self._file.path, where, None, [], {}, self._reference)

    def by_key(self) -> list[RawLabels]:
        """Collect rows by the picture they are about, in the order of first appearance."""
        found: dict[tuple[str, ...], RawLabels] = {}
        for row in self.rows():
            try:
                key = self._key(row)
            except ValueError as error:
                self._problem("bad-row", row, str(error), "row left out")
                continue
            labels = found.get(tuple(key.values()))
            if labels is None:
                labels = found[tuple(key.values())] = self.labels(key, f"line {self._lines[row]}")
            self.add(labels, row)
        return list(found.values())

    def _key(self, row: int) -> dict[str, str]:
        table, options = self._table, self._options
        key = {name: table.cell(row, f"@{name}").zfill(options.zfill) for name in self._keys}
        if "frame" in table.number_of:
            key["frame"] = str(self._whole(row, "frame"))
        if "image" in table.text_of:
            key.update(picture_key(table.cell(row, "image"), options.file_name))
        return key

    def _whole(self, row: int, role: str) -> int:
        value = self._numbers[row][self._table.number_of[role]]
        if value != int(value):
            raise ValueError(f"{role}: expected a whole number, found {value:g}")
        return int(value)

    def add(self, labels: RawLabels, row: int) -> None:
        """Add what a row says to the labels of its picture."""
        try:
            if self._shape:
                labels.objects.append(self._object(row))
            for name in self._attributes:
                self._describe(labels, name, row)
        except ValueError as error:
            self._problem("bad-row", row, str(error), "row left out")

    def _object(self, row: int) -> RawObject:
        box, corners, point = shape_row(self._shape, self._numbers[row], self._table.number_of,
                                        self._options)  # fmt: skip
        track = self._whole(row, "track") if "track" in self._table.number_of else -1
        category = self._category
        if "category" in self._table.text_of:
            category = self._named(self._table.cell(row, "category"), row)
        flags = 0
        for role, bit in self._flags:
            flags |= bit if truth_of(self._table.cell(row, role)) else 0
        where = f"line {self._lines[row]}"
        return RawObject(category, where, box, corners, point, track, self._options.modality, flags)

    def _named(self, cell: str, row: int) -> str:
        """Give the raw category of a cell, which may be a number into ``names``."""
        options = self._options
        if cell in options.categories or not options.names:
            return options.categories.get(cell, cell)
        try:
            number = float(cell) - options.class_base
        except ValueError:
            number = -1.0
        if number != int(number) or not 0 <= number < len(options.names):
            last = len(options.names) - 1 + options.class_base
            message = f"expected a category from {options.class_base} to {last}, found {cell!r}"
            self._problem("unknown-category-id", row, message, KEPT_MARKED)
            return f"id {cell}"
        return options.names[int(number)]

    def _describe(self, labels: RawLabels, name: str, row: int) -> None:
        value = self._table.cell(row, f"+{name}")
        if name.endswith("?"):
            name, value = name[:-1], self._range(name, value)
        before = labels.attributes.get(name, value)
        if before != value:
            message = f"{name}: {before!r} was given before, found {value!r}"
            self._problem("attribute-conflict", row, message, "first one kept")
        labels.attributes = {**labels.attributes, name: before}

    def _range(self, name: str, cell: str) -> str:
        try:
            value = float(cell)
        except ValueError:
            raise ValueError(f"{name}: expected a number, found {cell!r}") from None
        for word, (low, high) in self._options.ranges.items():
            if low <= value <= high:
                return word
        raise ValueError(f"{name}: {value:g} is in none of the ranges")

    def _problem(self, code: str, row: int, message: str, action: str) -> None:
        where = f"line {self._lines[row]}"
        self._report(Problem(code, self._file.path, where, message, action))


def picture_key(name: str, pattern: str) -> dict[str, str]:
    """Give the named parts of a picture's name: the pattern's groups, or the stem.

    Raises:
        ValueError: The name does not fit the pattern, or is empty.
    """
    if not name:
        raise ValueError("expected the name of a picture, found none")
    if not pattern:
        return {"stem": stem_of(name)}
    match = re.fullmatch(pattern, name)
    if match is None:
        raise ValueError(f"{name[:200]!r} does not fit {pattern}")
    return {group: value or "" for group, value in match.groupdict().items()}
