"""The annotations of COCO-like JSON: one dictionary an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irtd_fast.formats.base import (
    KEPT_MARKED,
    OBJECT_LEFT_OUT,
    BoxOptions,
    LabelFile,
    Report,
    corner_hull,
    rotated_corners,
)
from irtd_fast.types import Box, Corners, ObjectFlag, Problem, RawLabels, RawObject

_FLAGS = {
    "difficult": ObjectFlag.DIFFICULT,
    "truncated": ObjectFlag.TRUNCATED,
    "occluded": ObjectFlag.OCCLUDED,
    "occlusion": ObjectFlag.OCCLUDED,
    "iscrowd": ObjectFlag.CROWD,
    "ignore": ObjectFlag.IGNORE,
}
_FLAG_BITS = tuple((name, int(flag)) for name, flag in _FLAGS.items())
_TRACK_FIELDS = ("track_id", "trackid")
_FALSE = frozenset(("", "0", "false", "no"))
_MOST_SHAPES = 1000

_Fields = tuple[tuple[tuple[str, int], ...], str]


class ObjectReader:
    """Makes objects of annotations, reporting what cannot be read."""

    def __init__(
        self, file: LabelFile, options: BoxOptions, report: Report, categories: Mapping[str, str],
        *, kind: str,
    ) -> None:  # fmt: skip
        self._path = file.path
        self._options = options
        self._report = report
        self._modality = options.modality
        self._xywh = kind == "xywh"
        self._base = float(options.base)  # makes numbers of any kind floats
        self._names: dict[Any, str] = dict(categories)
        for key, name in categories.items():
            whole = whole_number(key)
            if str(whole) == key:
                self._names[whole] = name  # ids are looked up as they are: text costs time
        self._default = file.groups.get("category", options.category)
        self._fields: dict[tuple[str, ...], _Fields] = {}

    def add(self, labels: RawLabels | None, item: dict[str, Any], where: str) -> None:
        """Add an annotation to its picture's labels, if there are any."""
        value = item.get("bbox")
        corners: Corners | None = None
        try:
            # What nearly every annotation is, without a call; all else below.
            if self._xywh:
                x, y, w, h = value  # type: ignore[misc]
                x, y = x - self._base, y - self._base
                box: Box = (x, y, x + w, y + h)
            else:
                box, corners = self._shape(value)
        except (TypeError, ValueError, OverflowError):
            try:
                box, corners = self._shape(value)
            except (TypeError, ValueError, OverflowError) as error:
                self._problem("bad-number", where, f"bbox: {error}", OBJECT_LEFT_OUT)
                return
        number = item.get("category_id")
        name = self._names.get(number) if type(number) is int else None
        if name is None:
            name = self._category(number, item, where)
        names = tuple(item)
        fields = self._fields.get(names)
        if fields is None:
            fields = self._fields_of(names)
        flags, track = 0, -1
        for flag, bit in fields[0]:
            state = item[flag]
            if state and _truth(state):  # nearly always 0
                flags |= bit
        if fields[1]:
            track = whole_number(item[fields[1]])
        if labels is not None:
            labels.objects.append(
                RawObject(name, where, box, corners, None, track, self._modality, flags)
            )

    def add_conservator(self, labels: RawLabels | None, item: dict[str, Any], where: str) -> None:
        """Add one of Conservator's annotations: ``boundingBox {x, y, w, h}``, ``labels``."""
        shape, words = item.get("boundingBox"), item.get("labels")
        try:
            x, y, w, h = (float(shape[name]) for name in "xywh")  # type: ignore[index]
        except (TypeError, ValueError, KeyError, OverflowError):
            message = f"boundingBox: expected x, y, w, h, found {str(shape)[:80]}"
            self._problem("bad-number", where, message, OBJECT_LEFT_OUT)
            return
        word = words[0] if isinstance(words, list) and words else ""
        name = word if isinstance(word, str) and word else self._default
        if isinstance(words, list) and len(words) > 1:
            message = f"{len(words)} labels, the first is taken: {str(words)[:80]}"
            self._problem("several-categories", where, message, KEPT_MARKED)
        facts = item.get("attributes")
        flags = _flags_of({**item, **facts} if isinstance(facts, dict) else item)
        x, y = x - self._base, y - self._base
        if labels is not None:
            box = (x, y, x + w, y + h)
            labels.objects.append(RawObject(name, where, box, modality=self._modality, flags=flags))

    def _fields_of(self, names: tuple[str, ...]) -> _Fields:
        flags = tuple((name, bit) for name, bit in _FLAG_BITS if name in names)
        track = next((name for name in _TRACK_FIELDS if name in names), "")
        if len(self._fields) < _MOST_SHAPES:
            self._fields[names] = flags, track
        return flags, track

    def _shape(self, value: object) -> tuple[Box, Corners | None]:
        options = self._options
        if not isinstance(value, list) or len(value) not in (4, 5):
            raise ValueError(f"expected a list of 4 or 5 numbers, found {str(value)[:80]}")
        x, y, w, h = map(float, value[:4])
        if len(value) == 5:
            x, y = options.point(x, y)
            if w <= 0 or h <= 0:
                return (x - w / 2, y - h / 2, x + w / 2, y + h / 2), None
            corners = rotated_corners(x, y, w, h, float(value[4]))
            return corner_hull(corners), corners
        if not self._xywh:
            return options.edges(x, y, w, h), None
        x, y = x - options.base, y - options.base
        return (x, y, x + w, y + h), None

    def _category(self, number: object, item: dict[str, Any], where: str) -> str:
        if number is None and self._default and "category_id" not in item:
            return self._default
        name = self._names.get(str(number))
        if name is None:
            message = f"category_id {str(number)[:80]} is not in the list of categories"
            self._problem("unknown-category-id", where, message, KEPT_MARKED)
            return f"id {number}"
        return name

    def _problem(self, code: str, where: str, message: str, action: str) -> None:
        self._report(Problem(code, self._path, where, message, action))


def whole_number(value: object) -> int:
    """Read a whole number that may be text; -1 if it is none."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return -1


def _truth(value: object) -> bool:
    """Read a flag: false, 0, "0", "false" and absence are false."""
    if isinstance(value, str):
        return value.strip().lower() not in _FALSE
    return bool(value)


def _flags_of(item: Mapping[str, Any]) -> int:
    """Read flags under any of their names; Conservator's words begin with ``no`` if false."""
    flags = 0
    for name, bit in _FLAG_BITS:
        value = item.get(name)
        if isinstance(value, str) and value.lower().startswith("no"):
            continue
        flags |= bit if value and _truth(value) else 0
    return flags
