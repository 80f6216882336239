"""Labels in COCO-like JSON: one file for many pictures, or one file for each.

Dialects that are read as one: ``file_name | filename | im_name``; ``annotations | annotation``;
boxes of four numbers (``x y w h``, or ``xyxy`` by option) or five (``cx cy w h angle`` in
radians); numbers as strings; ids as strings; ``{"image": {}, "annotation": []}`` for one picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from irtd_fast.errors import AnnotationError
from irtd_fast.formats.base import (
    KEPT_MARKED,
    OBJECT_LEFT_OUT,
    BoxOptions,
    LabelFile,
    Report,
    corner_hull,
    rotated_corners,
    stem_of,
)
from irtd_fast.types import Box, Corners, ObjectFlag, Problem, RawLabels, RawObject


@dataclass(frozen=True, slots=True)
class CocoOptions(BoxOptions):
    """Options of ``coco_json``.

    Attributes:
        kind: What four numbers of a box mean.
        file_name: Pattern for the pictures' names whose groups join them to pictures; without
            it the stem of the name is the group ``stem``.
        scene: Field of the pictures that is the scene word, e.g. ``scenario``.
        categories: Category id (as text) -> raw name, for files without a list of categories.
    """

    kind: Literal["xywh", "xyxy"] = "xywh"
    file_name: str = ""
    scene: str = ""
    categories: Mapping[str, str] = field(default_factory=dict)


LIMIT_MB = 1000
_NAME_FIELDS = ("file_name", "filename", "im_name")
_LIST_FIELDS = ("annotations", "annotation")
_NOT_ATTRIBUTES = frozenset(("id", "width", "height", "depth", *_NAME_FIELDS))
_FLAGS = {
    "difficult": ObjectFlag.DIFFICULT,
    "truncated": ObjectFlag.TRUNCATED,
    "occluded": ObjectFlag.OCCLUDED,
    "occlusion": ObjectFlag.OCCLUDED,
    "iscrowd": ObjectFlag.CROWD,
    "ignore": ObjectFlag.IGNORE,
}
_FLAG_BITS = tuple((name, int(flag)) for name, flag in _FLAGS.items())
_TRACK_FIELDS = frozenset({"track_id", "trackid"})


def read_coco_json(file: LabelFile, options: CocoOptions, report: Report) -> list[RawLabels]:
    """Read the labels of all pictures that the file lists.

    Raises:
        AnnotationError: Not JSON (with ``line``), or not of COCO's shape.
    """
    data = _load(file, options.limit_mb or LIMIT_MB)
    return _Reader(file, options, report, data).labels()


def _load(file: LabelFile, limit_mb: int) -> dict[str, Any]:
    try:
        data = json.loads(file.read_bytes(limit_mb).decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        message = f"{file.path}, line {error.lineno}: not JSON: {error.msg}"
        raise AnnotationError(message, path=file.path, line=error.lineno) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise AnnotationError(f"{file.path}: not JSON: {error}", path=file.path) from error
    if not isinstance(data, dict):
        message = f"{file.path}: expected a JSON object, found {type(data).__name__}"
        raise AnnotationError(message, path=file.path)
    return data


class _Reader:
    """Reads one file; keeps the pictures in the order in which the file lists them."""

    def __init__(
        self, file: LabelFile, options: CocoOptions, report: Report, data: dict[str, Any]
    ) -> None:
        self._file = file
        self._options = options
        self._report = report
        self._data = data
        self._single = "image" in data and "images" not in data
        self._categories = dict(options.categories)
        for item in self._records("categories", required=False):
            self._categories[str(item.get("id"))] = str(item.get("name"))
        self._lookups = self._find_lookups()

    def labels(self) -> list[RawLabels]:
        if self._single:
            image = self._data["image"]
            if not isinstance(image, dict):
                self._fail("image: expected a JSON object")
            labels = self._image(image, "")
            for where, item in self._annotations():
                self._add(labels, item, where)
            return [labels] if labels else []
        by_id: dict[str, RawLabels | None] = {}
        for number, image in enumerate(self._records("images", required=True)):
            where = f"images[{number}]"
            key = str(image.get("id"))
            if key in by_id:
                message = f"id {key} was given before"
                self._problem("duplicate-image-record", where, message, "record left out")
                continue
            by_id[key] = self._image(image, where)
        self._join(by_id)
        return [labels for labels in by_id.values() if labels is not None]

    def _join(self, by_id: dict[str, RawLabels | None]) -> None:
        for where, item in self._annotations():
            key = str(item.get("image_id"))
            if key not in by_id:
                message = f"image_id {key} is not in images"
                self._problem("annotation-without-image-record", where, message)
            else:
                self._add(by_id[key], item, where)

    def _add(self, labels: RawLabels | None, item: dict[str, Any], where: str) -> None:
        found = self._object(item, where)
        if labels is not None and found is not None:
            labels.objects.append(found)

    def _records(self, name: str, *, required: bool) -> list[dict[str, Any]]:
        if name not in self._data and not required:
            return []
        items = self._data.get(name)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            self._fail(f"{name}: expected a list of JSON objects")
        return items or []

    def _annotations(self) -> list[tuple[str, dict[str, Any]]]:
        name = next((name for name in _LIST_FIELDS if name in self._data), None)
        if name is None:
            self._fail(f"expected {' or '.join(_LIST_FIELDS)}, found {', '.join(self._data)}")
            return []
        return [(f"{name}[{i}]", item) for i, item in enumerate(self._records(name, required=True))]

    def _find_lookups(self) -> dict[str, dict[str, str]]:
        """Find lists of ``{id, name}`` (``scenarios``, ``weather``) that pictures refer to."""
        lookups: dict[str, dict[str, str]] = {}
        for name, items in self._data.items():
            if name == "images" or not isinstance(items, list):
                continue
            if items and all(isinstance(item, dict) and item.keys() >= _LOOKUP for item in items):
                table = {str(item["id"]): str(item["name"]) for item in items}
                lookups[name] = lookups[name.removesuffix("s")] = table
        return lookups

    def _image(self, image: dict[str, Any], where: str) -> RawLabels | None:
        key = self._key(image, where)
        if key is None:
            return None
        attributes: dict[str, str] = {}
        for name, value in image.items():
            if name in _NOT_ATTRIBUTES or not isinstance(value, (str, int, float)):
                continue
            text = str(value)
            attributes[name] = self._lookups.get(name, {}).get(text, text)
        if self._options.scene in attributes:
            attributes["scene"] = attributes[self._options.scene]
        size = (_whole(image.get("height")), _whole(image.get("width")))
        claimed = size if min(size) > 0 else None
        return RawLabels(key, self._file.path, where, claimed, [], attributes)

    def _key(self, image: dict[str, Any], where: str) -> Mapping[str, str] | None:
        groups = self._file.groups
        if "stem" in groups:
            return groups  # the label file's own name says which picture it is about
        name = next((image[field] for field in _NAME_FIELDS if field in image), None)
        if not isinstance(name, str) or not name:
            message = f"expected {' or '.join(_NAME_FIELDS)}, found {', '.join(image)}"
            self._problem("image-record-without-name", where, message, "record left out")
            return None
        if not self._options.file_name:
            return {**groups, "stem": stem_of(name)}
        match = re.fullmatch(self._options.file_name, name)
        if match is None:
            message = f"{name!r} does not fit {self._options.file_name}"
            self._problem("image-record-without-name", where, message, "record left out")
            return None
        return {**groups, **{key: value or "" for key, value in match.groupdict().items()}}

    def _object(self, item: dict[str, Any], where: str) -> RawObject | None:
        try:
            box, corners = _shape(item.get("bbox"), self._options)
        except (TypeError, ValueError) as error:
            self._problem("bad-number", where, f"bbox: {error}")
            return None
        return RawObject(
            category=self._category(item, where),
            where=where,
            box=box,
            corners=corners,
            track=-1 if _TRACK_FIELDS.isdisjoint(item) else _track(item),
            modality=self._options.modality,
            flags=_flags(item),
        )

    def _category(self, item: dict[str, Any], where: str) -> str:
        number = str(item.get("category_id"))
        if number not in self._categories:
            message = f"category_id {number} is not in the list of categories"
            self._problem("unknown-category-id", where, message, KEPT_MARKED)
            return f"id {number}"
        return self._categories[number]

    def _fail(self, message: str) -> None:
        raise AnnotationError(f"{self._file.path}: {message}", path=self._file.path)

    def _problem(self, code: str, where: str, message: str, action: str = OBJECT_LEFT_OUT) -> None:
        self._report(Problem(code, self._file.path, where, message, action))


_LOOKUP = frozenset(("id", "name"))


def _shape(value: object, options: CocoOptions) -> tuple[Box, Corners | None]:
    if not isinstance(value, list) or len(value) not in (4, 5):
        raise ValueError(f"expected a list of 4 or 5 numbers, found {value!r}")
    if len(value) == 5:
        cx, cy, w, h, angle = map(float, value)
        cx, cy = options.point(cx, cy)
        if w <= 0 or h <= 0:
            return (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), None
        corners = rotated_corners(cx, cy, w, h, angle)
        return corner_hull(corners), corners
    x0, y0, x1, y1 = map(float, value)
    if options.kind == "xyxy":
        return options.edges(x0, y0, x1, y1), None
    x0, y0 = x0 - options.base, y0 - options.base
    return (x0, y0, x0 + x1, y0 + y1), None


def _whole(value: object) -> int:
    """Read a whole number that may be text; -1 if it is none."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return -1


def _flags(item: dict[str, Any]) -> int:
    flags = 0
    for name, flag in _FLAG_BITS:
        value = item.get(name)
        if value and _truth(value):  # nearly always absent or 0
            flags |= flag
    return flags


def _track(item: dict[str, Any]) -> int:
    return _whole(item[next(name for name in sorted(_TRACK_FIELDS) if name in item)])


def _truth(value: object) -> bool:
    """Read a flag: false, 0, "0", "false" and absence are false."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "0", "false", "no")
    return bool(value)
