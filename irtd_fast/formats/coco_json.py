"""Labels in COCO-like JSON: one file for many pictures, or one file for each.

Dialects that are read as one: ``file_name | filename | im_name``; ``annotations | annotation``;
boxes of four numbers (``x y w h``, or ``xyxy`` by option) or five (``cx cy w h angle`` in
radians); numbers as strings; ids as strings; ``{"image": {}, "annotation": []}`` for one picture;
Conservator's ``{"frames": [{"annotations": [{"boundingBox": {x, y, w, h}, "labels": []}]}]}``.
``segmentation``, ``area`` and ``num_keypoints`` are not used.

The lists are built entry by entry, so that a file costs its own size and what comes out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from irtd_fast.formats.base import (
    KEPT_MARKED,
    BoxOptions,
    LabelFile,
    Report,
    stem_of,
)
from irtd_fast.formats.coco_objects import ObjectReader, whole_number
from irtd_fast.formats.json_text import JsonText
from irtd_fast.formats.options import check_pattern
from irtd_fast.formats.text_rows import picture_key
from irtd_fast.types import Problem, RawLabels


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

    def __post_init__(self) -> None:
        """Check what the annotations cannot say; ``ValueError`` names the option."""
        BoxOptions.__post_init__(self)
        check_pattern("file_name", self.file_name)


LIMIT_MB = 500
_NAME_FIELDS = ("file_name", "filename", "im_name")
_LIST_FIELDS = ("annotations", "annotation")
_NOT_ATTRIBUTES = frozenset(("id", "width", "height", "depth", *_NAME_FIELDS))
_LOOKUP = frozenset(("id", "name"))
_LEFT_OUT = "record left out"


def read_coco_json(file: LabelFile, options: CocoOptions, report: Report) -> list[RawLabels]:
    """Read the labels of all pictures that the file lists.

    Raises:
        AnnotationError: Not JSON (with ``line``), or not of COCO's shape.
    """
    text = JsonText(file, file.read_bytes(options.limit_mb or LIMIT_MB), report)
    if not text.names:
        file.refuse("expected a JSON object with members, found none")
    return _Reader(file, options, report, text).labels()


class _Reader:
    """Reads one file; keeps the pictures in the order in which the file lists them."""

    def __init__(
        self, file: LabelFile, options: CocoOptions, report: Report, text: JsonText
    ) -> None:
        self._file = file
        self._options = options
        self._report = report
        self._text = text
        categories = dict(options.categories)
        if "categories" in text.names:
            for _, item in self._records("categories"):
                categories[str(item.get("id"))] = str(item.get("name"))
        self._objects = ObjectReader(file, options, report, categories, kind=options.kind)
        self._lookups = self._find_lookups()

    def labels(self) -> list[RawLabels]:
        if "image" in self._text.names and "images" not in self._text.names:
            return self._single()
        if "frames" in self._text.names and "images" not in self._text.names:
            return self._frames()
        by_id = self._images()
        self._join(by_id)
        found = {id(labels): labels for labels in by_id.values() if labels is not None}
        return list(found.values())

    def _join(self, by_id: dict[Any, RawLabels | None]) -> None:
        """Give every annotation to its picture; millions pass here, so nothing is called twice."""
        name = self._list_name()
        add, find = self._objects.add, by_id.get
        for number, item in enumerate(self._text.entries(name)):
            where = f"{name}[{number}]"
            if type(item) is not dict:
                self._no_object(where, item)
                continue
            key = item.get("image_id")
            # Numbers are looked up as they are: text of each would cost as much as the rest.
            labels = find(key if type(key) is int else str(key), _MISSING)
            if labels is _MISSING:
                message = f"image_id {str(key)[:80]} is not in images"
                self._problem("annotation-without-image-record", where, message, "object left out")
            else:
                add(labels, item, where)

    def _images(self) -> dict[Any, RawLabels | None]:
        """Give the pictures by id, as text and, where it is one, as number."""
        by_id: dict[Any, RawLabels | None] = {}
        for where, image in self._records("images"):
            number = image.get("id")
            key = str(number)
            if key in by_id:
                message = f"id {key} was given before"
                self._problem("duplicate-image-record", where, message, _LEFT_OUT)
                continue
            by_id[key] = self._image(image, where)
            whole = whole_number(number)
            if str(whole) == key:
                by_id[whole] = by_id[key]
        return by_id

    def _single(self) -> list[RawLabels]:
        image = self._text.member("image")
        if not isinstance(image, dict):
            self._file.refuse("image: expected a JSON object")
        labels = self._image(image, "")
        for where, item in self._records(self._list_name()):
            self._objects.add(labels, item, where)
        return [labels] if labels else []

    def _frames(self) -> list[RawLabels]:
        """Read Conservator's list of frames, each with its own annotations."""
        found: list[RawLabels] = []
        for where, frame in self._records("frames"):
            video = frame.get("videoMetadata")
            named = {**video, **frame} if isinstance(video, dict) else frame
            labels = self._image(_with_name(named), where)
            items = frame.get("annotations", [])
            if not isinstance(items, list):
                self._problem("bad-record", where, "annotations: expected a list", _LEFT_OUT)
                continue
            for number, item in enumerate(items):
                place = f"{where}.annotations[{number}]"
                if isinstance(item, dict):
                    self._objects.add_conservator(labels, item, place)
                else:
                    self._no_object(place, item)
            if labels is not None:
                found.append(labels)
        return found

    def _records(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give place and content of the entries of a list; others than objects are reported."""
        if not self._text.is_list(name):
            self._file.refuse(f"{name}: expected a list of JSON objects")
        for number, item in enumerate(self._text.entries(name)):
            if type(item) is dict:
                yield f"{name}[{number}]", item
            else:
                self._no_object(f"{name}[{number}]", item)

    def _no_object(self, where: str, item: object) -> None:
        message = f"expected a JSON object, found {str(item)[:80]}"
        self._problem("bad-record", where, message, _LEFT_OUT)

    def _list_name(self) -> str:
        """Give the name of the list of annotations."""
        name = next((name for name in _LIST_FIELDS if name in self._text.names), None)
        if name is None:
            found = ", ".join(self._text.names)[:200]
            self._file.refuse(f"expected {' or '.join(_LIST_FIELDS)}, found {found}")
        if not self._text.is_list(name):
            self._file.refuse(f"{name}: expected a list of JSON objects")
        return name

    def _find_lookups(self) -> dict[str, dict[str, str]]:
        """Find lists of ``{id, name}`` (``scenarios``, ``weather``) that pictures refer to."""
        lookups: dict[str, dict[str, str]] = {}
        for name in self._text.names:
            if name in ("images", "frames", *_LIST_FIELDS) or not self._text.is_list(name):
                continue
            items = list(self._text.entries(name))
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
        size = (whole_number(image.get("height")), whole_number(image.get("width")))
        claimed = size if min(size) > 0 else None
        return RawLabels(key, self._file.path, where, claimed, [], attributes)

    def _key(self, image: dict[str, Any], where: str) -> Mapping[str, str] | None:
        groups = self._file.groups
        if "stem" in groups:
            return groups  # the label file's own name says which picture it is about
        name = next((image[field] for field in _NAME_FIELDS if field in image), None)
        if not isinstance(name, str) or not name:
            message = f"expected {' or '.join(_NAME_FIELDS)}, found {', '.join(image)}"
        elif not self._options.file_name:
            return {**groups, "stem": stem_of(name)}
        else:
            try:
                return {**groups, **picture_key(name, self._options.file_name)}
            except ValueError as error:
                message = str(error)
        self._problem("image-record-without-name", where, message, _LEFT_OUT)
        return None

    def _problem(self, code: str, where: str, message: str, action: str = KEPT_MARKED) -> None:
        self._report(Problem(code, self._file.path, where, message, action))


_MISSING: Any = object()


def _with_name(frame: dict[str, Any]) -> dict[str, Any]:
    """Name a Conservator frame as its picture is named in FLIR's releases.

    ``video-<videoId>-frame-<frameIndex, six digits>-<frameId>``
    """
    parts = frame.get("videoId"), frame.get("frameIndex"), frame.get("frameId")
    if any(name in frame for name in _NAME_FIELDS) or not isinstance(parts[1], int):
        return frame
    return {**frame, "file_name": f"video-{parts[0]}-frame-{parts[1]:06d}-{parts[2]}"}
