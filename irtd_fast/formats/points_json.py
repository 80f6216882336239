"""Points in a file for each picture: JSON, NumPy ``.npy`` or MATLAB ``.mat`` (version 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from irtd_fast.formats.base import BoxOptions


@dataclass(frozen=True, slots=True)
class PointOptions(BoxOptions):
    """Options of ``points_json``. What the file is is told by its content, not by its name.

    Attributes:
        key: Where the points are: keys of JSON objects, or variables and fields of MATLAB,
            joined by dots (``points``, ``image_info.location``). Not used for ``.npy``.
        order: ``xy``, or ``yx`` for (row, column). Numbers after the first two of a point are
            not used.
        max_points: A file with more points is refused.
    """

    key: str = "points"
    order: Literal["xy", "yx"] = "xy"
    category: str = "person"
    max_points: int = 1_000_000
