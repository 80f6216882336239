"""What every label reader shares: the file it gets, its options, how it reports, box geometry.

A reader turns one label file into ``RawLabels`` (one per picture), geometry converted to edges
(``xyxy``, a box on the top-left pixel is ``(0, 0, 1, 1)``). A file that cannot be read at all is
an ``AnnotationError``; a defect of one record is a ``Problem``, and reading goes on.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

from irtd_fast.errors import AnnotationError
from irtd_fast.formats.options import parse_options
from irtd_fast.types import Box, Corners, Modality, Problem, RawLabels

Report = Callable[[Problem], None]
Point = tuple[float, float]

OBJECT_LEFT_OUT = "object left out"
KEPT_MARKED = "kept, marked"

_IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm")
)


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One file of labels.

    Attributes:
        root: The dump's root.
        path: Relative to the root, POSIX.
        groups: Named parts found in the path by the record's pattern.
    """

    root: Path
    path: str
    groups: Mapping[str, str]

    def read_bytes(self, limit_mb: int) -> bytes:
        """Read the whole file.

        Args:
            limit_mb: Most that is read, in 10^6 bytes.

        Raises:
            AnnotationError: The system cannot read it, it is no regular file, or it is larger
                than the limit; ``path`` is given.
        """
        # Plain system calls: pathlib costs more than parsing a small label file.
        try:
            handle = os.open(f"{self.root}/{self.path}", _READ)
        except OSError as error:
            self.refuse(f"cannot be read: {error.strerror or error}")
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                self.refuse("expected a regular file")
            if status.st_size > limit_mb * 1_000_000:
                found = f"found {status.st_size / 1e6:.1f} MB"
                self.refuse(f"expected at most {limit_mb} MB (option limit_mb), {found}")
            return _read_all(handle, status.st_size)
        except OSError as error:
            self.refuse(f"cannot be read: {error.strerror or error}")
        finally:
            os.close(handle)

    def refuse(self, message: str, line: int | None = None) -> NoReturn:
        """Raise the ``AnnotationError`` of a file that cannot be read at all."""
        place = self.path if line is None else f"{self.path}, line {line}"
        raise AnnotationError(f"{place}: {message}", path=self.path, line=line)


_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)  # no waiting pipe


def _read_all(handle: int, size: int) -> bytes:
    """Read a file of so many bytes; one that is cut while it is read is shorter."""
    data = os.read(handle, size)
    if len(data) == size:
        return data
    parts = [data]
    while data and size > sum(map(len, parts)):
        data = os.read(handle, size - sum(map(len, parts)))
        parts.append(data)
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class BoxOptions:
    """Options that every reader of boxes takes.

    Attributes:
        base: Number of the first pixel in the files, 0 or 1.
        inclusive: The maximum is the last pixel inside rather than the edge behind it.
        points: ``edge``: coordinates of points are edges as in boxes; ``index``: whole numbers
            are the centres of pixels, half a pixel is added.
        modality: Which picture the labels were drawn on.
        tolerance: Pixels that a box may stick out of the picture without being reported.
        category: Raw category of objects that have none of their own. A group ``category`` of
            the label file's path goes before it.
        reference: ``(height, width)`` of the picture that the coordinates refer to where that is
            not the one in the dump; labels are scaled to the picture.
        limit_mb: Largest file that is read, in 10^6 bytes; 0 is the reader's own limit.
    """

    base: Literal[0, 1] = 0
    inclusive: bool = False
    points: Literal["edge", "index"] = "edge"
    modality: Modality = "infrared"
    tolerance: float = 0.0
    category: str = ""
    reference: tuple[int, ...] = ()
    limit_mb: int = 0

    def __post_init__(self) -> None:
        """Check what the annotations cannot say; ``ValueError`` names the option."""
        if self.reference and (len(self.reference) != 2 or min(self.reference) <= 0):
            raise ValueError(f"reference: expected (height, width), found {self.reference}")
        if self.limit_mb < 0 or not self.tolerance >= 0:
            raise ValueError("limit_mb, tolerance: must not be negative")

    def edges(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """Convert the file's ``xyxy`` to edges."""
        low, high = self.base, self.base - int(self.inclusive)
        return (x0 - low, y0 - low, x1 - high, y1 - high)

    def point(self, x: float, y: float) -> Point:
        """Convert the file's point to edge coordinates."""
        shift = (0.5 if self.points == "index" else 0.0) - self.base
        return (x + shift, y + shift)


OptionsT = TypeVar("OptionsT", bound=BoxOptions)


@dataclass(frozen=True, slots=True)
class FormatReader:
    """One entry of the table of formats.

    Attributes:
        name: Key in the records.
        options: Dataclass of the options it takes; their annotations say what they may be.
        read: ``(file, options, report) -> labels``.
        read_many: ``(files, options) -> labels of each``, ``None`` for a file that only ``read``
            can read: a faster way for many small files without defects.
    """

    name: str
    options: type[BoxOptions]
    read: Callable[[LabelFile, Any, Report], Sequence[RawLabels]]
    read_many: Callable[[Sequence[LabelFile], Any], Iterator[list[RawLabels] | None]] | None = None

    def parse_options(self, table: Mapping[str, Any], where: str) -> BoxOptions:
        """Check a record's options table.

        Raises:
            SourceError: Unknown key or wrong value; ``where`` and the key are named.
        """
        return parse_options(self.options, table, where)


def stem_of(file_name: str) -> str:
    r"""Give the last part of a path without its image extension.

    Only known image extensions are cut, since some publishers write names without any and with
    dots inside. Backslashes count as separators.

    >>> stem_of(r"train\F13_0000_70.095.JPG"), stem_of("set06/V001/I00459")
    ('F13_0000_70.095', 'I00459')
    """
    # Plain string work: pathlib costs as much as all the rest of reading a COCO image entry.
    name = file_name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return stem if stem and dot and "." + suffix.lower() in _IMAGE_SUFFIXES else name


def hull(points: list[Point]) -> Box:
    """Give the smallest upright box around points; NaN if any coordinate is NaN.

    >>> hull([(3.0, 1.0), (5.0, 4.0), (0.0, 2.0)])
    (0.0, 1.0, 5.0, 4.0)
    """
    values = [value for point in points for value in point]
    if any(math.isnan(value) for value in values):
        return (math.nan, math.nan, math.nan, math.nan)
    xs, ys = values[0::2], values[1::2]
    return (min(xs), min(ys), max(xs), max(ys))


def rotated_corners(cx: float, cy: float, w: float, h: float, angle: float) -> Corners:
    """Give the corners of a box turned about its centre.

    The convention of roLabelImg: ``angle`` in radians, clockwise as seen on the screen (y points
    down), so a corner ``(u, v)`` from the centre goes to
    ``(u cos a - v sin a, u sin a + v cos a)``. Order: top-left, top-right, bottom-right,
    bottom-left of the box before it was turned.

    >>> [round(value, 6) for value in rotated_corners(10, 10, 4, 2, math.pi / 2)]
    [11.0, 8.0, 11.0, 12.0, 9.0, 12.0, 9.0, 8.0]
    """
    cos, sin = (math.cos(angle), math.sin(angle)) if math.isfinite(angle) else (math.nan, math.nan)
    u, v = w / 2, h / 2
    ucos, usin, vcos, vsin = u * cos, u * sin, v * cos, v * sin
    return (
        cx - ucos + vsin, cy - usin - vcos, cx + ucos + vsin, cy + usin - vcos,
        cx + ucos - vsin, cy + usin + vcos, cx - ucos - vsin, cy - usin + vcos,
    )  # fmt: skip


def corner_hull(corners: Corners) -> Box:
    """Give the upright box around four corners."""
    return hull(list(zip(corners[0::2], corners[1::2], strict=True)))
