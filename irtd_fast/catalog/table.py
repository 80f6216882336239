"""A TOML table that knows where it stands, so that every complaint names file and key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from irtd_fast.errors import SourceError

_Choice = TypeVar("_Choice", str, int)
_Kind = TypeVar("_Kind")
_MISSING: Any = object()


class Table:
    """Takes typed values out of a table; whatever nobody took is an error at ``finish``.

    Every method raises ``SourceError`` when the value is missing (and has no default) or is not
    of the kind that the method's name says.
    """

    def __init__(self, data: Mapping[str, Any], origin: str, where: str = "") -> None:
        self._data = data
        self._origin = origin
        self._where = where
        self._taken: set[str] = set()

    def fail(self, key: str, message: str) -> NoReturn:
        """Raise a ``SourceError`` about one key."""
        place = f"{self._where}.{key}" if self._where else key
        raise SourceError(f"{self._origin}: {place}: {message}", path=self._origin)

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        unknown = sorted(set(self._data) - self._taken)
        if unknown:
            known = ", ".join(sorted(self._taken))
            self.fail(unknown[0], f"unknown key (known here: {known})")

    def inside(self, name: str) -> Table:
        """Give an empty table that stands at a place below, to complain about it."""
        return Table({}, self._origin, f"{self._where}.{name}".lstrip("."))

    def _take(self, key: str, kind: type[_Kind], default: _Kind = _MISSING) -> _Kind:
        self._taken.add(key)
        if key not in self._data:
            if default is _MISSING:
                self.fail(key, f"missing (expected {_KINDS[kind]})")
            return default
        value = self._data[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fail(key, f"expected {_KINDS[kind]}, found {value!r}")
        return value

    def text(self, key: str, default: str = _MISSING) -> str:
        """Take a string; a required one must not be empty."""
        value = self._take(key, str, default)
        if default is _MISSING and not value.strip():
            self.fail(key, "must not be empty")
        return value

    def match(self, key: str, pattern: re.Pattern[str]) -> str:
        """Take a string that fits the pattern."""
        value = self.text(key)
        if not pattern.fullmatch(value):
            self.fail(key, f"{value!r} does not fit {pattern.pattern}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Take a boolean, the default when absent."""
        return self._take(key, bool, default=default)

    def number(self, key: str) -> float | None:
        """Take a number, ``None`` when absent."""
        self._taken.add(key)
        value = self._data.get(key)
        if value is None:
            return None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value != value:
            self.fail(key, f"expected a number, found {value!r}")
        return float(value)

    def count(self, key: str, default: int = 0) -> int:
        """Take an integer >= 0, the default when absent."""
        value = self._take(key, int, default)
        if value < 0:
            self.fail(key, f"must not be negative, found {value}")
        return value

    def choice(
        self, key: str, allowed: tuple[_Choice, ...], default: _Choice = _MISSING
    ) -> _Choice:
        """Take one of the allowed values."""
        value = self._take(key, type(allowed[0]), default)
        if value not in allowed:
            self.fail(key, f"expected one of {', '.join(map(str, allowed))}, found {value!r}")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """Take a list of strings, empty when absent."""
        return self._list(key, str)

    def integers(self, key: str) -> tuple[int, ...]:
        """Take a list of integers, empty when absent."""
        return self._list(key, int)

    def _list(self, key: str, kind: type) -> tuple[Any, ...]:
        values = self._take(key, list, [])
        for value in values:
            if not isinstance(value, kind) or isinstance(value, bool):
                self.fail(key, f"expected a list of {_KINDS[kind]}, found {value!r} in it")
        return tuple(values)

    def choices(
        self, key: str, allowed: tuple[str, ...], default: tuple[str, ...] = _MISSING
    ) -> tuple[str, ...]:
        """Take a list of allowed strings, or one of them alone."""
        single = isinstance(self._data.get(key), str)
        values = (self.text(key),) if single else self._list(key, str)
        if key not in self._data and default is not _MISSING:
            return default
        for value in values:
            if value not in allowed:
                self.fail(key, f"expected some of {', '.join(allowed)}, found {value!r}")
        if not values:
            self.fail(key, f"expected some of {', '.join(allowed)}, found none")
        return values

    def raw(self, key: str) -> dict[str, Any]:
        """Take a table as it is, empty when absent; somebody else checks what is in it."""
        return dict(self._take(key, dict, {}))

    def texts(self, key: str) -> dict[str, str]:
        """Take a table of strings, empty when absent."""
        inner = self.table(key)
        return {name: inner.text(name) for name in self.raw(key)}

    def counts(self, key: str) -> dict[str, int]:
        """Take a table of integers >= 0, empty when absent."""
        inner = self.table(key)
        return {name: inner.count(name) for name in self.raw(key)}

    def table(self, key: str) -> Table:
        """Take a table, empty when absent."""
        return Table(self.raw(key), self._origin, f"{self._where}.{key}".lstrip("."))

    def tables(self, key: str, *, at_least: int = 0) -> list[Table]:
        """Take an array of tables."""
        items = self._list(key, dict)
        if len(items) < at_least:
            self.fail(key, f"expected at least {at_least}, found {len(items)}")
        where = f"{self._where}.{key}".lstrip(".")
        return [Table(item, self._origin, f"{where}[{i}]") for i, item in enumerate(items)]


_KINDS: dict[type, str] = {
    str: "text", int: "an integer", bool: "true or false", list: "a list", dict: "a table",
}  # fmt: skip
