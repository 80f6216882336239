"""Labels of a sequence in columns: row k is about one picture, objects are made when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from irtd_fast.formats.base import LabelFile
from irtd_fast.formats.columns import SHAPES, Columns
from irtd_fast.formats.geometry import Shape, shape_row
from irtd_fast.formats.row_options import RowOptions
from irtd_fast.formats.table import Table
from irtd_fast.types import RawLabels, RawObject

_GOOD, _NAN = 0, 5
_NO_SHAPE: Shape = (None, None, None)


class SequenceRows(Sequence[RawLabels]):
    """One file of a sequence: as many labels as rows that could be read.

    Attributes:
        key: Named parts that all its pictures share.
        path: The file.
        part: What ``numbers`` are: ``frame`` or ``rank``.
        rows: Rows of the file, those that could not be read included.
        stride: Step from one row's number to the next; 0 until ``settle`` found it.
    """

    def __init__(
        self, file: LabelFile, table: Table, columns: Columns, options: RowOptions
    ) -> None:
        self.key: Mapping[str, str] = file.groups
        self.path = file.path
        self.part = "rank" if options.frames == "rank" else "frame"
        self.rows = len(table.lines)
        self.stride = options.stride
        self._first = options.first
        self._table = table
        self._shape = columns.shape
        self._attributes = list(columns.starting("+"))
        self._options = options
        self._category = file.groups.get("category", options.category)
        self._absent = _absent_rows(table, options)
        self._kept = np.flatnonzero((table.status == _GOOD) | self._absent)
        self._readable = ((table.status == _GOOD) | self._absent).tobytes()

    @property
    def absent(self) -> int:
        """Rows that say that there is no target."""
        return int(self._absent.sum())

    def settle(self, pictures: int) -> bool:
        """Find the stride from the number of pictures of the whole sequence.

        Row k is about picture k * stride, so there are ceil(pictures / stride) rows. The
        option ``strides`` says which ones may be; of them all, another one would often fit a
        sequence that was cut short.

        Returns:
            Whether exactly one stride fits; all strides give a single row the first picture.
        """
        choice = self._options.strides or range(1, pictures + 1)
        fitting = [s for s in choice if -(-pictures // s) == self.rows]
        one = len(fitting) == 1 or (
            self.rows == 1 and bool(self._options.strides) and bool(fitting)
        )
        self.stride = fitting[-1] if one else 0
        return self.stride > 0

    def at(self, number: int) -> RawLabels | None:
        """Give the labels of the picture of that frame or rank, ``None`` if no row is about it."""
        row, rest = divmod(number - self._first, self.stride)
        if rest or not 0 <= row < self.rows or not self._readable[row]:
            return None
        return self._labels(row)

    def numbers(self) -> NDArray[np.int64]:
        """Give frame or rank of every label, int64 (len,), rising."""
        return self._first + self._kept.astype(np.int64) * self.stride

    def line(self, index: int) -> int:
        """Give the line of a label."""
        return int(self._table.lines[self._kept[index]])

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> RawLabels: ...
    @overload
    def __getitem__(self, index: slice) -> list[RawLabels]: ...

    def __getitem__(self, index: int | slice) -> RawLabels | list[RawLabels]:
        """Make the labels of one row, or of several."""
        if isinstance(index, slice):
            return [self._labels(row) for row in self._kept[index].tolist()]
        return self._labels(int(self._kept[index]))

    def __iter__(self) -> Iterator[RawLabels]:
        # Whole columns become Python's numbers at once: one by one they cost more than the rest.
        kept = self._kept
        shapes = self._shapes()
        lines, absent = self._table.lines[kept].tolist(), self._absent[kept].tolist()
        for row, line, shape, gone in zip(kept.tolist(), lines, shapes, absent, strict=True):
            yield self._make(row, line, None if gone else shape)

    def _labels(self, row: int) -> RawLabels:
        shape = None if self._absent[row] else self._shape_of(self._table.numbers[row].tolist())
        return self._make(row, int(self._table.lines[row]), shape)

    def _shape_of(self, numbers: list[float]) -> Shape:
        if not self._shape:
            return _NO_SHAPE
        return shape_row(self._shape, numbers, self._table.number_of, self._options)

    def _shapes(self) -> Iterator[Shape]:
        """Give what ``_shape_of`` gives for every label, boxes computed by column."""
        numbers = self._table.numbers[self._kept]
        if self._shape in ("", "corners"):
            return map(self._shape_of, numbers.tolist())
        options, roles = self._options, SHAPES[self._shape]
        a, b, c, d = (numbers[:, self._table.number_of[role]] for role in roles)
        x, y = a - options.base, b - options.base
        high = options.base - int(options.inclusive)
        ends = (x + c, y + d) if self._shape == "xywh" else (c - high, d - high)
        columns = (column.tolist() for column in (x, y, *ends))
        return ((box, None, None) for box in zip(*columns, strict=True))

    def _make(self, row: int, line: int, shape: Shape | None) -> RawLabels:
        """Make the labels of a row; without a shape the target is absent."""
        options = self._options
        key = {**self.key, self.part: str(self._first + row * self.stride)}
        where = f"line {line}"
        reference = (1.0, 1.0) if options.normalised else None
        if shape is None:
            attributes = {f"{options.modality}_target": "absent"}
            return RawLabels(key, self.path, where, None, [], attributes, reference)
        facts = {name: self._table.cell(row, f"+{name}") for name in self._attributes}
        if shape is _NO_SHAPE:
            return RawLabels(key, self.path, where, None, [], facts, reference)
        item = RawObject(self._category, where, shape[0], shape[1], None, -1, options.modality)
        return RawLabels(key, self.path, where, None, [item], facts, reference)


def _absent_rows(table: Table, options: RowOptions) -> NDArray[np.bool_]:
    """Say which rows mean that there is no target."""
    readable = (table.status == _GOOD) | (table.status == _NAN)
    if options.absent == "none" or not len(table.lines):
        return np.zeros(len(table.lines), np.bool_)
    numbers = table.numbers
    result = (numbers == 0).all(axis=1) | np.isnan(numbers).all(axis=1)
    if options.absent == "empty":
        if "w" in table.number_of:
            sides = table.column("w"), table.column("h")
        elif "xmin" in table.number_of:
            sides = (
                table.column("xmax") - table.column("xmin"),
                table.column("ymax") - table.column("ymin"),
            )
        else:
            xs, ys = (np.stack([table.column(f"{axis}{i}") for i in range(1, 5)]) for axis in "xy")
            sides = np.ptp(xs, axis=0), np.ptp(ys, axis=0)
        result |= (sides[0] <= 0) | (sides[1] <= 0)
    return np.asarray(result & readable, np.bool_)
