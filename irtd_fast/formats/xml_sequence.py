"""One XML file for a whole sequence: a list of frames, read one frame at a time.

    <dataset><frame number="1"><objectlist>
      <object id="3" category="people" x1="10" y1="20" x2="30" y2="40"/> …

The layout of BU-TIV. Objects have ``x1 y1 x2 y2``, or ``x y`` where they are points. A file is
read in pieces and forgotten frame by frame, so that it costs what comes out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from irtd_fast.formats.base import KEPT_MARKED, OBJECT_LEFT_OUT, LabelFile, Report
from irtd_fast.formats.flags import flag_bits, truth_of
from irtd_fast.formats.xml_options import XmlOptions
from irtd_fast.formats.xml_parser import DEEPEST, refuse_doctype
from irtd_fast.types import Problem, RawLabels, RawObject

if TYPE_CHECKING:
    from lxml.etree import _Element

LIMIT_MB = 500
_PIECE = 1 << 16


def read_sequence(file: LabelFile, options: XmlOptions, report: Report) -> Iterator[RawLabels]:
    """Give the labels of every frame; the group ``frame`` joins them to pictures.

    Raises:
        AnnotationError: Not well-formed XML, a DOCTYPE, more than 64 levels, or too large; with
            ``line``.
    """
    for element in _frames(file, options.limit_mb or LIMIT_MB):
        where = f"line {element.sourceline}"
        number = (element.get("number") or "").strip()
        if not number.isascii() or not number.isdecimal():
            message = f"<frame number>: expected a whole number, found {number[:40]!r}"
            report(Problem("bad-number", file.path, where, message, "labels left out"))
            continue
        frame = int(number) + options.frame_shift
        if frame < 0:
            message = f"frame {number} and a shift of {options.frame_shift} give no frame"
            report(Problem("bad-number", file.path, where, message, "labels left out"))
            continue
        objects = [
            found
            for item in element.iterfind("objectlist/object")
            if (found := _object(file, item, options, report)) is not None
        ]
        key = {**file.groups, "frame": str(frame)}
        yield RawLabels(key, file.path, where, None, objects)


def _frames(file: LabelFile, limit_mb: int) -> Iterator[_Element]:
    from lxml import etree

    data = file.read_bytes(limit_mb)
    refuse_doctype(file, data)
    parser: Any = etree.XMLPullParser(
        events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    depth = 0
    try:
        for at in range(0, len(data), _PIECE):
            parser.feed(data[at : at + _PIECE])
            for event, element in parser.read_events():
                depth += 1 if event == "start" else -1
                if depth > DEEPEST:
                    file.refuse(f"expected at most {DEEPEST} levels", element.sourceline)
                if event == "end" and element.tag == "frame":
                    yield element
                    element.clear(keep_tail=False)
                    while element.getprevious() is not None:
                        del element.getparent()[0]
        parser.close()
    except etree.XMLSyntaxError as error:
        log = parser.feed_error_log.last_error  # says more than what ``close`` finds missing
        line, message = (log.line, log.message) if log else (error.lineno, error.msg)
        file.refuse(f"not well-formed XML: {message}", line or 1)


def _object(
    file: LabelFile, item: _Element, options: XmlOptions, report: Report
) -> RawObject | None:
    where = f"line {item.sourceline}"
    box = point = None
    try:
        if item.get("x1") is None and item.get("x") is not None:
            x, y = (_number(item, name) for name in ("x", "y"))
            point = options.point(x, y)
        else:
            x0, y0, x1, y1 = (_number(item, name) for name in ("x1", "y1", "x2", "y2"))
            box = options.edges(x0, y0, x1, y1)
    except ValueError as error:
        report(Problem("bad-number", file.path, where, str(error), OBJECT_LEFT_OUT))
        return None
    track, flags = -1, 0
    try:
        text = (item.get("id") or "").strip()
        track = int(text) if text else -1
        for name, bit in flag_bits():
            flags |= bit if truth_of(item.get(name) or "") else 0
    except ValueError as error:
        report(Problem("bad-number", file.path, where, f"id or flag: {error}", KEPT_MARKED))
    default = file.groups.get("category", options.category)
    category = (item.get("category") or "").strip() or default
    return RawObject(category, where, box, None, point, track, options.modality, flags)


def _number(item: _Element, name: str) -> float:
    text = item.get(name)
    if text is None:
        raise ValueError(f"<object>: expected {name}, found none")
    try:
        return float(text.replace("_", "x"))  # 1_000 is Python's own spelling
    except ValueError:
        raise ValueError(f"{name}: expected a number, found {text[:40]!r}") from None
