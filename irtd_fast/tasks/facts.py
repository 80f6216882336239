"""What a task may know of one sample: plain Python values, so that building costs microseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Box = tuple[float, float, float, float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Facts:
    """One sample and its infrared ground truth.

    Coordinates are pixels of a frame of ``height`` x ``width`` (the original picture unless the
    facts were made to follow a crop), edges as in the store: pixel k covers [k, k + 1).

    Attributes:
        index: Dataset number.
        key: The same for the sample wherever it is stored (``source/name``); draws depend on it.
        source: Catalogue key.
        name: Canonical name within the source.
        height: Of the frame, pixels.
        width: Of the frame, pixels.
        split: Word, or empty.
        sequence: Name, or empty.
        frame: Number in the sequence, -1 where there is none.
        scene: Word, or empty.
        identity: Of a re-identification crop, -1 where there is none.
        camera: Number, -1 where there is none.
        band: NIR, SWIR, MWIR, LWIR or empty.
        vocabulary: All category words of the source, in its own order.
        boxes: xyxy, in the order of the annotation.
        categories: Word of each box.
        points: x, y, in the order of the annotation.
        point_categories: Word of each point.
        corners: Oriented boxes as eight numbers each, or empty.
        has_visible: The sample has a visible partner.
        attributes: Further words of the sample (``light``: day or night, ...).
        labelled: False where no label was found: that nothing is labelled then says nothing.
        ignored: Objects that the publisher marks as neither positive nor negative; they are not
            among the boxes, and where there are some nobody knows how many there are in all.
        partial: Category words of objects that may be seen in part but are not among the boxes: a
            crop left too little of them (``follow``). Of these words nothing is said of all.
        depths: Distance of each box's object from the camera, in any one unit, or empty.
    """

    index: int
    key: str
    source: str
    name: str
    height: int
    width: int
    split: str = ""
    sequence: str = ""
    frame: int = -1
    scene: str = ""
    identity: int = -1
    camera: int = -1
    band: str = ""
    vocabulary: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    categories: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    point_categories: tuple[str, ...] = ()
    corners: tuple[tuple[float, ...], ...] = ()
    has_visible: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    labelled: bool = True
    ignored: int = 0
    partial: tuple[str, ...] = ()
    depths: tuple[float, ...] = ()

    def present(self) -> tuple[str, ...]:
        """Category words of the boxes and points, by first appearance."""
        return tuple(dict.fromkeys((*self.categories, *self.point_categories)))
