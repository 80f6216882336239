"""Label files in the publishers' dialects: VOC XML, COCO JSON, YOLO rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import XmlNode, encode_json, encode_xml
from irtd_fast.types import Corners

EDGES = ("xmin", "ymin", "xmax", "ymax")


def whole(obj: TrueObject) -> tuple[int, int, int, int]:
    """Give a box as whole edges."""
    x0, y0, x1, y1 = (int(value) for value in obj.box)
    return x0, y0, x1, y1


def bndbox(obj: TrueObject) -> XmlNode:
    """Spell a box by its edges."""
    return ("bndbox", list(zip(EDGES, whole(obj), strict=True)))


def bndbox_xywh(obj: TrueObject) -> XmlNode:
    """Spell a box by corner and extent, as KAIST does."""
    x0, y0, x1, y1 = whole(obj)
    return ("bndbox", [("x", x0), ("y", y0), ("w", x1 - x0), ("h", y1 - y0)])


def polygon(corners: Corners) -> XmlNode:
    """Spell four corners as x1, y1 … y4."""
    tags = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
    return ("polygon", [(t, int(v)) for t, v in zip(tags, corners, strict=True)])


def size_node(picture: TruePicture, depth: int = 3) -> XmlNode:
    """Spell a picture's size."""
    return ("size", [("width", picture.width), ("height", picture.height), ("depth", depth)])


def voc(
    filename: str,
    picture: TruePicture,
    things: Iterable[Sequence[XmlNode]],
    *,
    folder: str = "",
    depth: int = 3,
    database: str = "Unknown",
) -> bytes:
    """Write one VOC file.

    Args:
        filename: Text of the element.
        picture: Gives the size.
        things: Children of each ``object``.
        folder: Text of the element; left out if empty.
        depth: Channels, as the file says.
        database: Text of the source's element.
    """
    nodes: list[XmlNode] = [("folder", folder)] if folder else []
    nodes += [("filename", filename), ("source", [("database", database)])]
    nodes += [size_node(picture, depth), ("segmented", 0)]
    nodes += [("object", list(thing)) for thing in things]
    return encode_xml("annotation", nodes, indent="\t")


def voc_thing(obj: TrueObject, geometry: XmlNode | None = None) -> list[XmlNode]:
    """Spell one object: name, pose, truncated, difficult, geometry."""
    thing: list[XmlNode] = [
        ("name", obj.category),
        ("pose", "Unspecified"),
        ("truncated", 0),
        ("difficult", int(obj.difficult)),
    ]
    return [*thing, geometry or bndbox(obj)]


def yolo_rows(
    picture: TruePicture,
    objects: Sequence[TrueObject],
    numbers: Mapping[str, int],
    *,
    comma: str = " ",
    digits: int = 6,
) -> bytes:
    """Write class, centre and extent as fractions of the picture, one object a line."""
    lines = []
    for obj in objects:
        x0, y0, x1, y1 = obj.box
        values = (
            (x0 + x1) / 2 / picture.width,
            (y0 + y1) / 2 / picture.height,
            (x1 - x0) / picture.width,
            (y1 - y0) / picture.height,
        )
        words = (str(numbers[obj.category]), *(f"{value:.{digits}g}" for value in values))
        lines.append(comma.join(words) + "\n")
    return "".join(lines).encode()


@dataclass(slots=True)
class CocoDialect:
    """How a publisher's COCO file differs from the standard.

    Attributes:
        ids: Category -> number.
        listed: Categories as listed; by default ``ids``.
        image_key: Field of the picture's name.
        first_image: Number of the first picture.
        first_object: Number of the first annotation.
        area: A constant for ``area``, or ``None`` for the box's.
        segmentation: Whether the box's outline is given (else null).
        top: Further top-level fields, first.
        last: Further top-level fields, at the end.
    """

    ids: Mapping[str, int]
    listed: Mapping[str, int] | None = None
    image_key: str = "file_name"
    first_image: int = 0
    first_object: int = 0
    area: float | None = None
    segmentation: bool = False
    top: Mapping[str, object] = field(default_factory=dict)
    last: Mapping[str, object] = field(default_factory=dict)


def coco(named: Iterable[tuple[str, TrueSample]], dialect: CocoDialect) -> bytes:
    """Write one COCO file for pictures under the names given."""
    images: list[dict[str, object]] = []
    records: list[dict[str, object]] = []
    for number, (name, sample) in enumerate(named, start=dialect.first_image):
        picture = sample.infrared
        images.append(
            {
                dialect.image_key: name,
                "height": picture.height,
                "width": picture.width,
                "id": number,
            }
        )
        for obj in sample.objects:
            records.append(_record(obj, number, dialect.first_object + len(records), dialect))
    categories = [
        {"id": number, "name": word, "supercategory": "none"}
        for word, number in (dialect.listed or dialect.ids).items()
    ]
    lists = {"images": images, "annotations": records, "categories": categories}
    return encode_json({**dialect.top, **lists, **dialect.last})


def _record(obj: TrueObject, image: int, number: int, dialect: CocoDialect) -> dict[str, object]:
    x0, y0, x1, y1 = whole(obj)
    outline = [[x0, y0, x1, y0, x1, y1, x0, y1]] if dialect.segmentation else None
    return {
        "id": number,
        "image_id": image,
        "category_id": dialect.ids[obj.category],
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": 0,
        "area": (x1 - x0) * (y1 - y0) if dialect.area is None else dialect.area,
        "segmentation": outline,
    }


def rounded(obj: TrueObject, size: tuple[int, int], offset: int = 0) -> TrueObject:
    """Give a turned object as labels in whole pixels have it.

    Args:
        obj: With corners.
        size: ``(height, width)`` of the file's picture; the upright box is clipped to it.
        offset: Added to every coordinate.

    Returns:
        Whole corners and their upright hull.
    """
    if obj.corners is None:
        msg = f"{obj.category} has no corners"
        raise ValueError(msg)
    x0, y0, x1, y1, x2, y2, x3, y3 = (float(round(value) + offset) for value in obj.corners)
    xs, ys = (x0, x1, x2, x3), (y0, y1, y2, y3)
    box = (
        max(0.0, min(xs)),
        max(0.0, min(ys)),
        min(float(size[1]), max(xs)),
        min(float(size[0]), max(ys)),
    )
    corners = (x0, y0, x1, y1, x2, y2, x3, y3)
    return TrueObject(obj.category, box, obj.category_id, corners, obj.oriented)
