"""One array out of a MATLAB file of version 5.

The format (MathWorks, "MAT-File Format", level 5): a header of 128 bytes, then elements of type,
size and data padded to 8 bytes; an array is an element that holds its class, shape, name and
numbers, or the arrays of its cells or fields; an element may be compressed. Read here are numbers,
text, and the way to them through cells and structures of one entry.

Not by SciPy's ``loadmat``: it unpacks whatever a file claims, and of 600 files with three damaged
bytes each one made it crash the process (1.17.1). Nothing here trusts a size, and nothing is
recursive.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.formats.base import LabelFile

_MOST_BYTES = 256_000_000
_MOST_VARIABLES = 10_000
_DEEPEST = 32
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _TEXT = 1, 2, 4
_NUMERIC = range(6, 16)
_KINDS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8", 16: "u1", 17: "u2", 18: "u4"}  # fmt: skip
_CLASSES = {3: "an object", 5: "a sparse matrix", 16: "a function", 17: "an object"}


@dataclass(frozen=True, slots=True)
class _Element:
    """A piece of the file: its type and where its data lie."""

    block: bytes
    kind: int
    begin: int
    end: int

    def numbers(self, order: str) -> NDArray[Any]:
        """Give the data as a vector."""
        if self.kind not in _KINDS:
            raise ValueError(f"expected numbers, found an element of type {self.kind}")
        dtype = np.dtype(order + _KINDS[self.kind])
        count, rest = divmod(self.end - self.begin, dtype.itemsize)
        if rest:
            raise ValueError("an element's size does not fit its type")
        return np.frombuffer(self.block, dtype, count, self.begin)


@dataclass(frozen=True, slots=True)
class _Matrix:
    """An array: its class, shape and name, and the elements it holds."""

    kind: int
    shape: tuple[int, ...]
    name: str
    parts: Iterator[_Element]

    @property
    def count(self) -> int:
        """Number of entries."""
        return prod(self.shape)


def is_matlab(data: bytes) -> bool:
    """Say whether bytes are a MATLAB file of version 5 (or of 7.3, which is HDF5)."""
    return data[:7] == b"MATLAB " and len(data) >= 128


def read_matlab(file: LabelFile, data: bytes, path: str) -> NDArray[Any]:
    """Read the array at a path of variable and fields, joined by dots; "" is the only variable.

    Structures and cells on the way must hold one entry. Text becomes an array of its lines.

    Raises:
        AnnotationError: No such array, a damaged file, MATLAB objects, more than 256 MB unpacked.
    """
    if data[:10] == b"MATLAB 7.3":
        file.refuse("expected MATLAB version 5, found 7.3 (save with -v7)")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        file.refuse("not a MATLAB file: no byte order mark")
    try:
        return _Reader(data, order).array(path)
    except (ValueError, StopIteration, struct.error, zlib.error, OverflowError) as error:
        file.refuse(f"MATLAB file: {error or 'an array is cut short'}")


class _Reader:
    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._order = order

    def array(self, path: str) -> NDArray[Any]:
        """Go down the path to an array of numbers or text."""
        name, _, rest = path.partition(".")
        matrix = self._variable(name)
        for part in rest.split(".") if rest else ():
            matrix = self._out_of_cells(matrix)
            matrix = self._field(matrix, part, path)
        matrix = self._out_of_cells(matrix)
        if matrix.kind == _TEXT:
            return self._text(matrix)
        if matrix.kind not in _NUMERIC:
            found = {_CELL: "cells", _STRUCT: "a structure"}.get(matrix.kind, "something else")
            raise ValueError(f"expected numbers at {path or 'the variable'}, found {found}")
        values = next(matrix.parts).numbers(self._order)
        if len(values) != matrix.count:
            raise ValueError(f"expected {matrix.shape} numbers, found {len(values)}")
        return values.reshape(matrix.shape, order="F")

    def _variable(self, name: str) -> _Matrix:
        found: dict[str, _Matrix] = {}
        total = 0
        for element in _elements(self._data, 128, len(self._data), self._order):
            if len(found) > _MOST_VARIABLES:
                raise ValueError(f"expected at most {_MOST_VARIABLES} variables")
            inner = element
            if element.kind == _COMPRESSED:
                packed = self._data[element.begin : element.end]
                block = zlib.decompressobj().decompress(packed, _MOST_BYTES - total + 1)
                total += len(block)
                if total > _MOST_BYTES:
                    raise ValueError(f"expected at most {_MOST_BYTES} bytes unpacked")
                inner = next(_elements(block, 0, len(block), self._order))
            if inner.kind == _MATRIX:
                matrix = self._open(inner)
                found[matrix.name] = matrix
        if name in found or (not name and len(found) == 1):
            return found[name] if name else next(iter(found.values()))
        expected = f"a variable {name!r}" if name else "one variable"
        raise ValueError(f"expected {expected}, found {', '.join(sorted(found)) or 'none'}")

    def _open(self, element: _Element) -> _Matrix:
        if element.kind != _MATRIX:
            raise ValueError(f"expected an array, found an element of type {element.kind}")
        parts = _elements(element.block, element.begin, element.end, self._order)
        flags = next(parts).numbers(self._order)
        kind = int(flags[0]) & 0xFF if len(flags) else 0
        if kind in _CLASSES:
            raise ValueError(f"{_CLASSES[kind]} is refused")
        shape = tuple(next(parts).numbers(self._order).tolist())
        if not 2 <= len(shape) <= _DEEPEST or min(shape) < 0:
            raise ValueError(f"a shape of {shape[:_DEEPEST]}")
        name = next(parts)
        return _Matrix(kind, shape, name.block[name.begin : name.end].decode("latin-1"), parts)

    def _out_of_cells(self, matrix: _Matrix) -> _Matrix:
        for _ in range(_DEEPEST):
            if matrix.kind != _CELL or matrix.count != 1:
                return matrix
            matrix = self._open(next(matrix.parts))
        raise ValueError(f"expected at most {_DEEPEST} levels of cells")

    def _field(self, matrix: _Matrix, part: str, path: str) -> _Matrix:
        names: list[str] = []
        if matrix.kind == _STRUCT and matrix.count == 1:
            width = int(next(matrix.parts).numbers(self._order)[:1].sum())
            block = next(matrix.parts)
            if not 0 < width <= 64:
                raise ValueError(f"names of fields of {width} characters")
            words = block.block[block.begin : block.end].decode("latin-1")
            names = [words[i : i + width].split("\0")[0] for i in range(0, len(words), width)]
        if part not in names:
            raise ValueError(
                f"expected a field {part!r} in {path}, found {', '.join(names) or 'none'}"
            )
        for _ in range(names.index(part)):
            next(matrix.parts)
        return self._open(next(matrix.parts))

    def _text(self, matrix: _Matrix) -> NDArray[Any]:
        letters = next(matrix.parts).numbers(self._order)
        if len(letters) != matrix.count or len(matrix.shape) != 2:
            raise ValueError("text whose size does not fit")
        if letters.size and letters.max() > 0x10FFFF:
            raise ValueError("text that is none")
        lines = letters.reshape(matrix.shape, order="F").tolist()
        return np.array(["".join(map(chr, line)).rstrip() for line in lines])


def _elements(block: bytes, at: int, end: int, order: str) -> Iterator[_Element]:
    """Give the elements that stand one after the other."""
    while at + 8 <= end:
        kind, size = struct.unpack_from(f"{order}II", block, at)
        if kind >> 16:  # a small element: size and type share the first word
            size = kind >> 16
            if size > 4:
                raise ValueError("a small element that is too large")
            yield _Element(block, kind & 0xFFFF, at + 4, at + 4 + size)
            at += 8
            continue
        begin, at = at + 8, at + 8 + size
        if at > end:
            raise ValueError("an element is longer than what holds it")
        yield _Element(block, kind, begin, at)
        at += 0 if kind == _COMPRESSED else -at % 8
