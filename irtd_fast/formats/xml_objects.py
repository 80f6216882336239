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

A file with a DOCTYPE is refused before anything in it is expanded; nothing is ever fetched. Files
of plain VOC are read natively, many at a time; all others, and all that have a defect, by lxml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from irtd_fast import _core
from irtd_fast.formats.base import (
    KEPT_MARKED,
    OBJECT_LEFT_OUT,
    LabelFile,
    Report,
    corner_hull,
    hull,
    rotated_corners,
)
from irtd_fast.formats.flags import flag_bits, truth_of
from irtd_fast.formats.geometry import Shape, as_corners
from irtd_fast.formats.xml_options import XmlOptions
from irtd_fast.formats.xml_parser import DEEPEST, NO_DOCTYPE, refuse_doctype, safe_parser
from irtd_fast.formats.xml_sequence import read_sequence
from irtd_fast.types import Box, Problem, RawLabels, RawObject

if TYPE_CHECKING:
    from lxml.etree import _Element


LIMIT_MB = 16


def read_xml_objects(file: LabelFile, options: XmlOptions, report: Report) -> list[RawLabels]:
    """Read the labels of one picture, or of all frames of a sequence.

    Raises:
        AnnotationError: Not well-formed XML, a DOCTYPE, too deep, too large, or another root
            element; with ``line``.
    """
    if options.scope == "per_sequence":
        return list(read_sequence(file, options, report))
    root = _parse(file, options.limit_mb or LIMIT_MB)
    reader = _Reader(file, options, report)
    objects = [found for item in root.iterchildren("object") if (found := reader.object(item))]
    labels = RawLabels(key=file.groups, path=file.path, size=_size(root), objects=objects)
    return [labels]


def read_plain_files(
    files: Sequence[LabelFile], options: XmlOptions
) -> Iterator[list[RawLabels] | None]:
    """Read many files natively; ``None`` for those that ``read_xml_objects`` has to read.

    What comes out is what ``read_xml_objects`` gives, and those files have nothing to report.
    """
    if options.scope == "per_sequence":
        yield from (None for _ in files)
        return
    limit = (options.limit_mb or LIMIT_MB) * 1_000_000
    paths = [f"{file.root}/{file.path}" for file in files]
    found = _core.read_plain_voc(paths, options.geometry, max_bytes=limit)
    for file, item in zip(files, found, strict=True):
        yield None if item is None else [_plain_labels(file, options, *item)]


def _plain_labels(
    file: LabelFile, options: XmlOptions, height: int, width: int, items: list[tuple[Any, ...]]
) -> RawLabels:
    modality = options.modality
    default = file.groups.get("category", options.category)
    low, high = options.base, options.base - int(options.inclusive)
    objects = []
    for name, line, shape, flags, track, a, b, c, d, e, f, g, h in items:
        corners = point = None
        box: Box | None = (a - low, b - low, c - high, d - high)  # what nearly all are
        if shape:
            box, corners, point = _PLAIN[shape](options, a, b, c, d, e, f, g, h)
        bits = _PLAIN_BITS[flags] if flags else 0
        objects.append(
            RawObject(name or default, f"line {line}", box, corners, point, track, modality, bits)
        )
    size = (height, width) if height > 0 and width > 0 else None
    return RawLabels(file.groups, file.path, "", size, objects)


def _parse(file: LabelFile, limit_mb: int) -> _Element:
    from lxml import etree

    data = file.read_bytes(limit_mb)
    refuse_doctype(file, data)
    try:
        root = etree.fromstring(data, safe_parser())
    except etree.XMLSyntaxError as error:
        file.refuse(f"not well-formed XML: {error.msg}", error.lineno or 1)
    document: Any = root.getroottree().docinfo
    if document.doctype:
        # An encoding in which the bytes below do not look like a DOCTYPE: nothing was resolved.
        file.refuse(NO_DOCTYPE, 1)
    if root.tag != "annotation":
        file.refuse(f"expected <annotation>, found <{root.tag}>", _line(root))
    if root.xpath(f"boolean({'/*' * (DEEPEST + 1)})"):
        file.refuse(f"expected at most {DEEPEST} levels", 1)
    return root


def _line(element: _Element) -> int:
    line: Any = element.sourceline
    return int(line or 1)


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

    def __init__(self, file: LabelFile, options: XmlOptions, report: Report) -> None:
        self._path = file.path
        self._default = file.groups.get("category", options.category)
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
            category=(item.findtext("name") or "").strip() or self._default,
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
        for name, bit in flag_bits():
            try:
                flags |= bit if truth_of(item.findtext(name) or "") else 0
            except ValueError as error:
                self._problem("bad-flag", where, f"<{name}>: {error}", "flag taken as 0")
        return flags

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
        return float(text.replace("_", "x"))  # 1_000 is Python's own spelling
    except ValueError:
        raise ValueError(f"<{name}>: expected a number, found {text.strip()[:40]!r}") from None


def _numbers(shape: _Element, names: str) -> list[float]:
    return [_number(shape, name) for name in names.split()]


def _bndbox(shape: _Element, options: XmlOptions) -> Shape:
    if shape.find("xmin") is None and shape.find("x") is not None:
        return _from_xywh(options, *_numbers(shape, "x y w h"))
    return _from_xyxy(options, *_numbers(shape, "xmin ymin xmax ymax"))


def _polygon(shape: _Element, options: XmlOptions) -> Shape:
    values: list[float] = []
    while len(values) < 6 or shape.find(f"x{len(values) // 2 + 1}") is not None:
        number = len(values) // 2 + 1
        values += [_number(shape, f"x{number}"), _number(shape, f"y{number}")]
    if len(values) == 8:
        return _from_corners(options, *values)
    points = zip(values[0::2], values[1::2], strict=True)
    return hull([options.point(x, y) for x, y in points]), None, None


def _robndbox(shape: _Element, options: XmlOptions) -> Shape:
    return _from_turned(options, *_numbers(shape, "cx cy w h angle"))


def _point(shape: _Element, options: XmlOptions) -> Shape:
    return _from_point(options, *_numbers(shape, "x y"))


def _centroid(shape: _Element, options: XmlOptions) -> Shape:
    return _from_point(options, *_numbers(shape, "xc yc"))


_SHAPES: dict[str, Callable[[_Element, XmlOptions], Shape]] = {
    "bndbox": _bndbox,
    "polygon": _polygon,
    "robndbox": _robndbox,
    "point": _point,
    "centroid": _centroid,
}


def _from_xyxy(options: XmlOptions, x0: float, y0: float, x1: float, y1: float, *_: float) -> Shape:
    return options.edges(x0, y0, x1, y1), None, None


def _from_xywh(options: XmlOptions, x: float, y: float, w: float, h: float, *_: float) -> Shape:
    x, y = x - options.base, y - options.base
    return (x, y, x + w, y + h), None, None


def _from_corners(options: XmlOptions, *values: float) -> Shape:
    corners = as_corners([options.point(*values[i : i + 2]) for i in range(0, 8, 2)])
    return corner_hull(corners), corners, None


def _from_turned(
    options: XmlOptions, cx: float, cy: float, w: float, h: float, angle: float, *_: float
) -> Shape:
    cx, cy = options.point(cx, cy)
    if w <= 0 or h <= 0:
        # A turned box of negative size has a hull of positive size: say it by the upright one.
        return (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), None, None
    corners = rotated_corners(cx, cy, w, h, angle)
    return corner_hull(corners), corners, None


def _from_point(options: XmlOptions, x: float, y: float, *_: float) -> Shape:
    return None, None, options.point(x, y)


# In the order of the native reader's shapes.
_PLAIN: tuple[Callable[..., Shape], ...] = (
    _from_xyxy,
    _from_xywh,
    _from_corners,
    _from_turned,
    _from_point,
    _from_point,
)
_PLAIN_BITS = [
    sum(bit for i, (_, bit) in enumerate(flag_bits()) if number >> i & 1) for number in range(32)
]
