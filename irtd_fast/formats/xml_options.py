"""Options of ``xml_objects``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from irtd_fast.formats.base import BoxOptions

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
