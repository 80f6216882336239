"""Labels drawn as a picture: a binary mask, one component an object.

Boxes and centroids are made here, not given by the publisher, and flagged
``ObjectFlag.DERIVED``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from irtd_fast.errors import AnnotationError, DecodeError
from irtd_fast.formats.base import BoxOptions, LabelFile, Report
from irtd_fast.images import decode_image
from irtd_fast.types import ObjectFlag, Problem, RawLabels, RawObject


@dataclass(frozen=True, slots=True)
class MaskOptions(BoxOptions):
    """Options of ``masks``.

    Attributes:
        mode: What a pixel means. ``binary``: object or not. ``class``: number of a category.
            ``instance``: number of an object. ``colour``: colour of a category.
        category: Raw category of every object of ``binary`` and ``instance`` masks.
        threshold: ``binary``: least pixel value that belongs to an object (128 also fits lossy
            masks).
        categories: ``class``: number -> raw category; ``colour``: ``#rrggbb`` -> raw category.
            Numbers and colours that are not in it are reported; the value 0 and black need not
            be in it.
        stuff: Categories of which no objects are made, since they are no things (sky, water);
            like all categories they are named in the attribute ``classes`` of the picture.
        colour_tolerance: ``colour``: largest difference in any channel to a category's colour.
        class_mask: ``instance``: (old, new), what to replace in the mask's path to get the mask
            of the categories (its last occurrence); the category of an object is the most
            frequent class among its pixels, by ``categories``.
        connectivity: 8: pixels that touch by a corner are one object; 4: by an edge.
        min_area: Components of fewer pixels are reported and left out.
        max_objects: A mask with more components is taken for noise: reported, none derived.
    """

    mode: Literal["binary", "class", "instance", "colour"] = "binary"
    category: str = "target"
    threshold: int = 128
    categories: Mapping[str, str] = field(default_factory=dict)
    stuff: tuple[str, ...] = ()
    colour_tolerance: int = 0
    class_mask: tuple[str, ...] = ()
    connectivity: Literal[4, 8] = 8
    min_area: int = 1
    max_objects: int = 1000


def read_masks(file: LabelFile, options: MaskOptions, report: Report) -> list[RawLabels]:
    """Derive a box and a centroid for every component of a mask.

    The centroid is the mean of the pixels' centres, in edge coordinates (the only pixel at the
    top left has its centroid at (0.5, 0.5)).

    Raises:
        AnnotationError: The mask is no picture, or not a gray one.
    """
    try:
        mask = decode_image(file.read_bytes(options.limit_mb or 100), channels="gray")
    except DecodeError as error:
        raise AnnotationError(f"{file.path}: {error}", path=file.path) from error
    height, width = mask.shape[:2]
    objects = _components(mask, options, file.path, report)
    return [RawLabels(key=file.groups, path=file.path, size=(height, width), objects=objects)]


def _components(
    mask: np.ndarray, options: MaskOptions, path: str, report: Report
) -> list[RawObject]:
    from scipy import ndimage

    structure = np.ones((3, 3), dtype=bool) if options.connectivity == 8 else None
    labels, count = ndimage.label(mask >= options.threshold, structure=structure)
    if count > options.max_objects:
        message = f"expected at most {options.max_objects} components, found {count}"
        report(Problem("too-many-components", path, "", message, "objects left out"))
        return []
    objects: list[RawObject] = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        ys, xs = np.nonzero(labels[rows, columns] == number)
        where = f"component {number}"
        if len(xs) < options.min_area:
            message = f"expected at least {options.min_area} pixels, found {len(xs)}"
            report(Problem("small-component", path, where, message, "object left out"))
            continue
        x, y = columns.start + xs.mean() + 0.5, rows.start + ys.mean() + 0.5
        objects.append(
            RawObject(
                category=options.category,
                where=where,
                box=(columns.start, rows.start, columns.stop, rows.stop),
                point=(float(x), float(y)),
                modality=options.modality,
                flags=int(ObjectFlag.DERIVED),
            )
        )
    return objects
