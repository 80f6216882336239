"""JSON text: looked through natively before Python builds objects, and read in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from irtd_fast import _core
from irtd_fast.formats.base import LabelFile, Report
from irtd_fast.formats.table import refuse_wide_text
from irtd_fast.types import Problem

_NOTED = 100  # by the native part


class JsonText:
    """A checked JSON text; the members of its outermost object are built one by one.

    Attributes:
        names: Keys of the outermost object, none if it is something else.
    """

    def __init__(self, file: LabelFile, data: bytes, report: Report) -> None:
        """Check the text: grammar, depth, lengths of numbers.

        Doubled keys and NaN or Infinity, which JSON does not have, are reported; what has such a
        number is left out by whoever looks at it.

        Raises:
            AnnotationError: Not JSON, with ``line``.
        """
        refuse_wide_text(file, data)
        error, line, members, duplicates, not_finite = _core.scan_json(data)
        if error:
            file.refuse(f"not JSON: {error}", line)
        for place in duplicates:
            message = "a key that this object has already"
            report(Problem("duplicate-key", file.path, f"line {place}", message, "last one kept"))
        if not_finite:
            count = f"{len(not_finite)}{' or more' * (len(not_finite) == _NOTED)}"
            message = f"{count} of NaN and Infinity, which JSON does not have, the first here"
            where = f"line {not_finite[0]}"
            report(Problem("not-json-number", file.path, where, message, "refused where used"))
        self._file = file
        self._data = data
        self._places: dict[str, tuple[int, int, list[int]]] = {}
        for key_begin, key_end, begin, end, commas in members:
            name = json.loads(f'"{self._text(key_begin, key_end)}"')
            self._places[name] = begin, end, commas
        self.names = list(self._places)

    def value(self) -> Any:
        """Build the whole."""
        return json.loads(self._text(0, len(self._data)).removeprefix("\ufeff"))

    def member(self, name: str) -> Any:
        """Build one member."""
        return json.loads(self._text(*self._places[name][:2]))

    def is_list(self, name: str) -> bool:
        """Say whether a member is there and is a list."""
        place = self._places.get(name)
        return place is not None and self._data[place[0] : place[0] + 1] == b"["

    def entries(self, name: str) -> Iterator[Any]:
        """Build the entries of a member that is a list, some hundred at a time."""
        begin, end, commas = self._places[name]
        for stop in (*commas, end - 1):
            yield from json.loads(f"[{self._text(begin + 1, stop)}]")
            begin = stop

    def _text(self, begin: int, end: int) -> str:
        try:
            return self._data[begin:end].decode("utf-8")
        except UnicodeDecodeError as error:
            line = self._data.count(b"\n", 0, begin + error.start) + 1
            self._file.refuse("not JSON: expected UTF-8", line)


def load_json(file: LabelFile, data: bytes, report: Report) -> Any:
    """Build the objects of a JSON file.

    Raises:
        AnnotationError: Not JSON, with ``line``.
    """
    return JsonText(file, data, report).value()
