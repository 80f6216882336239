"""Plain records that travel between the rooms: what a dump holds, as found.

All paths are relative to the dump's root, POSIX, as the file system spells them. All boxes are
``(x0, y0, x1, y1)`` float pixels of the picture they were drawn on, edges not centres: a box that
covers only the top-left pixel is ``(0, 0, 1, 1)``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Modality = Literal["infrared", "visible"]
Box = tuple[float, float, float, float]
Corners = tuple[float, float, float, float, float, float, float, float]


class SampleFlag(enum.IntFlag):
    """What is known about a sample as a whole (stored as uint32)."""

    UNLABELLED = 1  # no label file or record was found for it
    HAS_PROBLEMS = 2  # at least one of its labels was reported
    UNREGISTERED = 4  # the visible partner shows another field of view


class ObjectFlag(enum.IntFlag):
    """What is known about one object (stored as uint16)."""

    DIFFICULT = 1
    TRUNCATED = 2
    OCCLUDED = 4
    CROWD = 8
    IGNORE = 16  # the publisher says: neither positive nor negative
    OUT_OF_FRAME = 32  # part of the box lies outside the picture
    DERIVED = 64  # made from a mask, not given by the publisher


@dataclass(slots=True)
class ImageInfo:
    """One picture file, as its header says; no pixel has been decoded yet.

    Attributes:
        path: Relative to the dump's root.
        encoding: ``jpeg``, ``png``, ``tiff``, ``bmp``, ``webp``, ``gif``, ``fff`` or ``video``, by
            content, never by name.
        height: Rows, without the border.
        width: Columns, without the border.
        channels: Channels the store will hold (1 or 3).
        file_channels: Channels in the file (1, 3 or 4; a palette counts as 1).
        dtype: ``uint8`` or ``uint16``.
        size: Bytes of the file.
        mtime_ns: Modification time; a file that changes after planning is noticed.
        border: Pixels that are cut off at each of the four sides of the file's picture.
        part: What is taken of the file: ``""`` the picture, ``alpha`` or ``opaque`` (its alpha
            channel, its colours), ``pseudo`` or ``pseudo:PALETTE`` (counts from pseudo-colour),
            ``raw`` (the counts that an R-JPEG or FFF carries).
        orientation: EXIF or TIFF orientation of the file, undone on decoding; height and width
            are those of the upright picture.
        frame: Frame of a video container, from 0 in order of display; -1: the file is a picture.
    """

    path: str
    encoding: str
    height: int
    width: int
    channels: int
    file_channels: int
    dtype: str
    size: int
    mtime_ns: int
    border: int = 0
    part: str = ""
    orientation: int = 1
    frame: int = -1

    @property
    def plain(self) -> bool:
        """The picture is taken as it is stored, so that a JPEG file may be kept whole."""
        whole = not self.border and not self.part and self.frame < 0
        return whole and self.orientation == 1


@dataclass(slots=True)
class ObjectRecord:
    """One labelled object, category already canonical."""

    category: str
    box: Box
    corners: Corners | None = None
    track: int = -1
    modality: Modality = "infrared"
    flags: int = 0


@dataclass(slots=True)
class PointRecord:
    """One labelled point (a head, a centroid), x then y in pixels."""

    category: str
    x: float
    y: float
    modality: Modality = "infrared"


@dataclass(slots=True)
class SampleRecord:
    """One sample: an infrared picture and all that belongs to it.

    Attributes:
        name: Unique within the source.
        infrared: The picture itself.
        split: Canonical split (``train``, ``val``, ``test`` …) or ``""``.
        visible: The visible partner, if there is one.
        mask: The mask picture, if there is one.
        objects: Labelled objects.
        points: Labelled points.
        scene: Scene word or ``""``.
        sequence: Sequence key or ``""``.
        frame: Frame number in the sequence, -1 if none.
        identity: Identity for re-id, -1 if none.
        camera: Camera number, -1 if none.
        flags: ``SampleFlag`` bits.
        attributes: Further facts that the publisher gives about the picture, as text.
    """

    name: str
    infrared: ImageInfo
    split: str = ""
    visible: ImageInfo | None = None
    mask: ImageInfo | None = None
    objects: list[ObjectRecord] = field(default_factory=list)
    points: list[PointRecord] = field(default_factory=list)
    scene: str = ""
    sequence: str = ""
    frame: int = -1
    identity: int = -1
    camera: int = -1
    flags: int = 0
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Problem:
    """One defect of the data, and what was done about it. Nothing is changed without one.

    Attributes:
        code: Short stable word, e.g. ``inverted-box``, ``label-without-image``.
        path: File, relative to the dump's root.
        where: Line or record inside the file (``line 12``, ``annotations[17]``) or ``""``.
        message: What was expected and what was found.
        action: What was done: ``sample left out``, ``object left out``, ``kept, marked`` …
        sample: Name of the sample concerned, if known.
    """

    code: str
    path: str
    where: str = ""
    message: str = ""
    action: str = ""
    sample: str = ""

    def __str__(self) -> str:
        place = f"{self.path}, {self.where}" if self.where else self.path
        return f"{place}: {self.message} [{self.code}] -> {self.action}"


# ---------------------------------------------------------------------------------------------
# What a format reader yields, before names, categories and boxes are checked against the pictures.


@dataclass(slots=True)
class RawObject:
    """One object exactly as the label file says, geometry converted to xyxy edges or corners."""

    category: str
    where: str
    box: Box | None = None
    corners: Corners | None = None
    point: tuple[float, float] | None = None
    track: int = -1
    modality: Modality = "infrared"
    flags: int = 0


@dataclass(slots=True)
class RawLabels:
    """All labels of one picture from one label file.

    Attributes:
        key: Named parts that identify the picture (``stem``, ``split``, ``sequence`` …). Two are
            not compared as text: ``frame`` as a number, and ``rank``, the picture's place in its
            sequence (from 0, in natural order). The sequence is what all groups of the picture's
            pattern but ``stem`` and ``frame`` name.
        path: Label file, relative to the dump's root.
        where: Record inside the file, or ``""`` when the file is about one picture.
        size: ``(height, width)`` the labels claim, or ``None``.
        objects: Objects and points.
        attributes: Further facts about the picture (``scene``, ``altitude`` …) as strings.
            ``label`` is a category of the picture as a whole.
        reference: ``(height, width)`` of the frame that the coordinates refer to, (1, 1) where
            they are parts of it; ``None``: they are pixels of the picture.
    """

    key: Mapping[str, str]
    path: str
    where: str = ""
    size: tuple[int, int] | None = None
    objects: list[RawObject] = field(default_factory=list)
    attributes: Mapping[str, str] = field(default_factory=dict)
    reference: tuple[float, float] | None = None
