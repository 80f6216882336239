"""Labels in one XML file per picture: an ``annotation`` with a list of ``object`` elements.

Geometry, as the record's ``geometry`` names it (several may be given; the first that an object
has is taken):

=============  =========================================================================
``bndbox``     ``xmin ymin xmax ymax``, or ``x y w h``
``polygon``    ``x1 y1 x2 y2 …``; four corners are kept, the box is the hull
``robndbox``   ``cx cy w h angle`` (radians, roLabelImg), kept as corners, box = hull
``point``      ``x y``
``centroid``   ``xc yc``
=============  =========================================================================

A file with a DOCTYPE is refused before anything in it is expanded; nothing is ever fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from irtd_fast.errors import AnnotationError
from irtd_fast.formats.base import (
    KEPT_MARKED,
    OBJECT_LEFT_OUT,
    BoxOptions,
    LabelFile,
    Point,
    Report,
    corner_hull,
    hull,
    rotated_corners,
)
from irtd_fast.types import Box, Corners, ObjectFlag, Problem, RawLabels, RawObject

if TYPE_CHECKING:
    from lxml.etree import _Element


_Geometry = Literal["bndbox", "polygon", "robndbox", "point", "centroid"]


@dataclass(frozen=True, slots=True)
class XmlOptions(BoxOptions):
    """Options of ``xml_objects``.

    Attributes:
        geometry: Elements that carry the geometry, preferred one first.
        placeholder: Path of an element (``pixels/id``) that an object without geometry has when
            it only says that the picture is empty; such an object is passed over.
        scope: ``per_image``: the file is about the picture that its path names, its root is
            ``annotation``. ``per_sequence``: it is about all frames of a sequence
            (``frame[@number]/objectlist/object[@id, @category, @x1, @y1, @x2, @y2]``, or ``@x``
            and ``@y`` for points); the number joins as the group ``frame``.
        frame_shift: ``per_sequence``: what is added to the file's frame numbers to get those of
            the pictures' names.
    """

    geometry: tuple[_Geometry, ...] = ("bndbox",)
    placeholder: str = ""
    scope: Literal["per_image", "per_sequence"] = "per_image"
    frame_shift: int = 0


_Shape = tuple[Box | None, Corners | None, Point | None]

_FLAGS = {
    "difficult": ObjectFlag.DIFFICULT,
    "truncated": ObjectFlag.TRUNCATED,
    "occluded": ObjectFlag.OCCLUDED,
    "crowd": ObjectFlag.CROWD,
    "ignore": ObjectFlag.IGNORE,
}
LIMIT_MB = 16
_TRUE, _FALSE = frozenset(("true", "yes")), frozenset(("", "0", "false", "no", "unspecified"))
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def read_xml_objects(file: LabelFile, options: XmlOptions, report: Report) -> list[RawLabels]:
    """Read the labels of one picture.

    Raises:
        AnnotationError: Not well-formed XML, a DOCTYPE, or another root element; with ``line``.
    """
    root = _parse(file, options.limit_mb or LIMIT_MB)
    reader = _Reader(file.path, options, report)
    objects = [found for item in root.iterchildren("object") if (found := reader.object(item))]
    labels = RawLabels(key=file.groups, path=file.path, size=_size(root), objects=objects)
    return [labels]


def _parse(file: LabelFile, limit_mb: int) -> _Element:
    from lxml import etree

    data = file.read_bytes(limit_mb)
    _refuse_doctype(file.path, data)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        message = f"{file.path}, line {line}: not well-formed XML: {error.msg}"
        raise AnnotationError(message, path=file.path, line=line) from error
    document: Any = root.getroottree().docinfo
    if document.doctype:
        # An encoding in which the bytes below do not look like a DOCTYPE: nothing was resolved.
        _fail_doctype(file.path, 1)
    if root.tag != "annotation":
        message = f"{file.path}, line {root.sourceline}: expected <annotation>, found <{root.tag}>"
        raise AnnotationError(message, path=file.path, line=root.sourceline)
    return root


def _refuse_doctype(path: str, data: bytes) -> None:
    """Look for a DOCTYPE in the bytes, since a parser reads it before we could say no."""
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    text = data.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    if not text.startswith("<") or "\0" in text[:8]:
        found = data[:12]
        message = f"{path}, line 1: expected XML in UTF-8 or an encoding like it, found {found!r}"
        raise AnnotationError(message, path=path, line=1)
    match = re.search(r"<!\s*DOCTYPE", text, re.IGNORECASE)
    if match:
        _fail_doctype(path, text.count("\n", 0, match.start()) + 1)


def _fail_doctype(path: str, line: int) -> None:
    message = f"{path}, line {line}: a DOCTYPE is refused (it can pull in files or blow up)"
    raise AnnotationError(message, path=path, line=line)


def _size(root: _Element) -> tuple[int, int] | None:
    """Give the claimed (height, width); many tools write 0 for "not known"."""
    try:
        height = int(float(root.findtext("size/height") or ""))
        width = int(float(root.findtext("size/width") or ""))
    except (ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None


class _Reader:
    """Reads objects of one file, reporting what cannot be read."""

    def __init__(self, path: str, options: XmlOptions, report: Report) -> None:
        self._path = path
        self._options = options
        self._report = report

    def object(self, item: _Element) -> RawObject | None:
        where = f"line {item.sourceline}"
        tag = next((tag for tag in self._options.geometry if item.find(tag) is not None), None)
        shape = item.find(tag) if tag else None
        if tag is None or shape is None:
            placeholder = self._options.placeholder
            if not (placeholder and item.find(placeholder) is not None):
                expected = " or ".join(f"<{name}>" for name in self._options.geometry)
                self._problem("object-without-geometry", where, f"expected {expected}, found none")
            return None
        try:
            box, corners, point = _SHAPES[tag](shape, self._options)
        except ValueError as error:
            self._problem("bad-number", where, str(error))
            return None
        return RawObject(
            category=(item.findtext("name") or "").strip(),
            where=where,
            box=box,
            corners=corners,
            point=point,
            track=self._whole(item, "trackid", where),
            modality=self._options.modality,
            flags=self._flags(item, where),
        )

    def _flags(self, item: _Element, where: str) -> int:
        flags = 0
        for name, flag in _FLAGS.items():
            text = (item.findtext(name) or "").strip().lower()
            if text in _FALSE:
                continue
            if text in _TRUE or text.isdecimal():
                flags |= flag if text in _TRUE or int(text) else 0
            else:
                message = f"<{name}>: expected 0 or 1, found {text!r}"
                self._problem("bad-flag", where, message, "flag taken as 0")
        return int(flags)

    def _whole(self, item: _Element, name: str, where: str) -> int:
        text = (item.findtext(name) or "").strip()
        if not text:
            return -1
        try:
            return int(text)
        except ValueError:
            message = f"<{name}>: expected a whole number, found {text!r}"
            self._problem("bad-number", where, message, KEPT_MARKED)
            return -1

    def _problem(self, code: str, where: str, message: str, action: str = OBJECT_LEFT_OUT) -> None:
        self._report(Problem(code, self._path, where, message, action))


def _number(shape: _Element, name: str) -> float:
    text = shape.findtext(name)
    if text is None:
        raise ValueError(f"<{shape.tag}>: expected <{name}>, found none")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"<{name}>: expected a number, found {text.strip()!r}") from None


def _numbers(shape: _Element, names: str) -> list[float]:
    return [_number(shape, name) for name in names.split()]


def _bndbox(shape: _Element, options: XmlOptions) -> _Shape:
    if shape.find("xmin") is None and shape.find("x") is not None:
        x, y, w, h = _numbers(shape, "x y w h")
        x, y = x - options.base, y - options.base
        return (x, y, x + w, y + h), None, None
    x0, y0, x1, y1 = _numbers(shape, "xmin ymin xmax ymax")
    return options.edges(x0, y0, x1, y1), None, None


def _polygon(shape: _Element, options: XmlOptions) -> _Shape:
    points: list[Point] = []
    while len(points) < 3 or shape.find(f"x{len(points) + 1}") is not None:
        number = len(points) + 1
        points.append(options.point(_number(shape, f"x{number}"), _number(shape, f"y{number}")))
    corners: Corners | None = None
    if len(points) == 4:
        (a, b), (c, d), (e, f), (g, h) = points
        corners = (a, b, c, d, e, f, g, h)
    return hull(points), corners, None


def _robndbox(shape: _Element, options: XmlOptions) -> _Shape:
    cx, cy, w, h, angle = _numbers(shape, "cx cy w h angle")
    cx, cy = options.point(cx, cy)
    if w <= 0 or h <= 0:
        # A turned box of negative size has a hull of positive size: say it by the upright one.
        return (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), None, None
    corners = rotated_corners(cx, cy, w, h, angle)
    return corner_hull(corners), corners, None


def _point(shape: _Element, options: XmlOptions) -> _Shape:
    x, y = _numbers(shape, "x y")
    return None, None, options.point(x, y)


def _centroid(shape: _Element, options: XmlOptions) -> _Shape:
    x, y = _numbers(shape, "xc yc")
    return None, None, options.point(x, y)


_SHAPES: dict[str, Callable[[_Element, XmlOptions], _Shape]] = {
    "bndbox": _bndbox,
    "polygon": _polygon,
    "robndbox": _robndbox,
    "point": _point,
    "centroid": _centroid,
}
