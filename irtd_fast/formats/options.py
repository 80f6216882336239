"""Tables of options from records, checked against the annotations of an options dataclass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from irtd_fast.errors import SourceError

OptionsT = TypeVar("OptionsT")


def parse_options(kind: type[OptionsT], table: Mapping[str, Any], where: str) -> OptionsT:
    """Build an options dataclass from a table, checking names and values.

    A single value may stand for a list of one, a whole number for a number.

    Raises:
        SourceError: Unknown key or wrong value; ``where`` and the key are named.
    """
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in hints:
            message = f"{where}.options.{key}: unknown key (known here: {', '.join(sorted(hints))})"
            raise SourceError(message, path=where)
        values[key] = _convert(hints[key], value, f"{where}.options.{key}", where)
    try:
        return kind(**values)
    except ValueError as error:
        raise SourceError(f"{where}.options.{error}", path=where) from error


def _convert(hint: Any, value: object, place: str, where: str) -> object:
    if get_origin(hint) is Literal:
        for choice in get_args(hint):
            if type(choice) is type(value) and choice == value:
                return value
        _fail(place, where, f"one of {', '.join(map(str, get_args(hint)))}", value)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), value, place, where)
    if get_origin(hint) is Mapping:
        if not isinstance(value, dict):
            _fail(place, where, "a table", value)
        inner = get_args(hint)[1]
        return {k: _convert(inner, v, f"{place}.{k}", where) for k, v in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        _fail(place, where, hint.__name__, value)
    return value


def _tuple(kinds: tuple[Any, ...], value: object, place: str, where: str) -> tuple[Any, ...]:
    items = value if isinstance(value, list | tuple) else (value,)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    if len(items) != len(kinds):
        _fail(place, where, f"{len(kinds)} values", value)
    return tuple(_convert(k, item, place, where) for k, item in zip(kinds, items, strict=True))


def _fail(place: str, where: str, expected: str, found: object) -> NoReturn:
    raise SourceError(f"{place}: expected {expected}, found {found!r}", path=where)


def check_pattern(name: str, pattern: str) -> None:
    """Check an option that is a regular expression with named groups; ``""`` is none.

    Raises:
        ValueError: Not one; the message begins with the option's name.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{name}: not a regular expression: {error}") from error
    if pattern and not compiled.groupindex:
        raise ValueError(f"{name}: expected named groups, found none in {pattern!r}")
