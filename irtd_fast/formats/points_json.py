"""Points in a file for each picture: JSON, NumPy ``.npy`` or MATLAB ``.mat`` (version 5)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.formats.base import OBJECT_LEFT_OUT, BoxOptions, LabelFile, Report
from irtd_fast.formats.json_text import load_json
from irtd_fast.formats.matlab import is_matlab, read_matlab
from irtd_fast.types import Problem, RawLabels, RawObject

LIMIT_MB = 64
_NUMPY = b"\x93NUMPY"


@dataclass(frozen=True, slots=True)
class PointOptions(BoxOptions):
    """Options of ``points_json``. What the file is is told by its content, not by its name.

    Attributes:
        key: Where the points are: keys of JSON objects, or variables and fields of MATLAB,
            joined by dots (``points``, ``image_info.location``); empty: the file is the list, or
            the only variable holds it. Not used for ``.npy``.
        order: ``xy``, or ``yx`` for (row, column). Numbers after the first two of a point are
            not used.
        max_points: A file with more points is refused.
    """

    key: str = "points"
    order: Literal["xy", "yx"] = "xy"
    category: str = "person"
    max_points: int = 1_000_000


def read_points_json(file: LabelFile, options: PointOptions, report: Report) -> list[RawLabels]:
    """Read the points of one picture.

    Points outside the picture are for whoever knows the picture: they are handed on as they are.

    Raises:
        AnnotationError: The file cannot be read at all, holds no points at ``key``, is an array
            of anything but numbers (objects, pickles), or too large.
    """
    data = file.read_bytes(options.limit_mb or LIMIT_MB)
    if data.startswith(_NUMPY):
        points = _points(file, _read_numpy(file, data))
    elif is_matlab(data):
        points = _points(file, read_matlab(file, data, options.key))
    else:
        points = _from_json(file, data, options, report)
    if len(points) > options.max_points:
        file.refuse(f"expected at most {options.max_points} points, found {len(points)}")
    if options.order == "yx":
        points = [(place, (x, y)) for place, (y, x) in points]
    objects = [
        RawObject(file.groups.get("category", options.category), f"point {place}",
                  point=options.point(x, y), modality=options.modality)
        for place, (x, y) in points
    ]  # fmt: skip
    return [RawLabels(file.groups, file.path, "", None, objects)]


_Points = list[tuple[int, tuple[float, float]]]


def _points(file: LabelFile, values: NDArray[Any]) -> _Points:
    if values.size == 0:
        return []
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind not in "iuf":
        file.refuse(f"expected numbers (points, 2 or more), found {values.dtype} {values.shape}")
    pairs = values[:, :2].astype(np.float64).tolist()
    return [(number, (x, y)) for number, (x, y) in enumerate(pairs)]


def _read_numpy(file: LabelFile, data: bytes) -> NDArray[Any]:
    """Read an ``.npy`` file of numbers; nothing in it is ever unpickled.

    The shape is held against the file's size before memory is taken (NEP 1, the npy format).
    """
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(stream)
    except (ValueError, KeyError, TypeError, SyntaxError, OverflowError, MemoryError) as error:
        file.refuse(f"not an .npy file of numbers: {error}")
    if dtype.kind not in "iuf" or dtype.hasobject:
        file.refuse(f"expected an array of numbers, found {dtype}")
    count = 1
    for side in shape:
        count *= side
    if min(shape, default=1) < 0 or count * dtype.itemsize != len(data) - stream.tell():
        file.refuse(f"expected {shape} of {dtype} to fill the file, found {len(data)} bytes")
    values = np.frombuffer(data, dtype, count, stream.tell())
    return values.reshape(shape, order="F" if fortran else "C")


def _from_json(file: LabelFile, data: bytes, options: PointOptions, report: Report) -> _Points:
    value = load_json(file, data, report)
    for part in options.key.split(".") if options.key else ():
        if not isinstance(value, dict) or part not in value:
            found = ", ".join(value) if isinstance(value, dict) else type(value).__name__
            file.refuse(f"expected points at {options.key!r}, found {found[:200]}")
        value = value[part]
    if not isinstance(value, list):
        file.refuse(f"{options.key}: expected a list, found {type(value).__name__}")
    points: _Points = []
    for number, item in enumerate(value):
        try:
            points.append((number, _pair(item)))
        except (KeyError, TypeError, ValueError, OverflowError):
            message = f"expected [x, y], found {str(item)[:80]}"
            where = f"{options.key or 'points'}[{number}]"
            report(Problem("bad-number", file.path, where, message, OBJECT_LEFT_OUT))
    return points


def _pair(item: Any) -> tuple[float, float]:
    x, y = (item["x"], item["y"]) if isinstance(item, dict) and "x" in item else item[:2]
    if isinstance(x, bool) or isinstance(y, bool):
        raise TypeError("a truth value is no number")
    return float(x), float(y)
