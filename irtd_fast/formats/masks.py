"""Labels drawn as a picture: where objects are, which category, or which object a pixel is of.

Boxes and centroids are made here, not given by the publisher, and flagged
``ObjectFlag.DERIVED``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError
from irtd_fast.formats.base import BoxOptions, LabelFile, Report
from irtd_fast.images import decode_image
from irtd_fast.types import ObjectFlag, Problem, RawLabels, RawObject

LIMIT_MB = 100
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


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

    def __post_init__(self) -> None:
        """Check what the annotations cannot say; ``ValueError`` names the option."""
        BoxOptions.__post_init__(self)
        by_map = self.mode in ("class", "colour") or bool(self.class_mask)
        if by_map != bool(self.categories):
            raise ValueError("categories: needed with class, colour and class_mask, and only there")
        if self.class_mask and (self.mode != "instance" or len(self.class_mask) != 2):
            raise ValueError("class_mask: expected (old, new), with mode instance")
        for name in self.categories:
            fits = _COLOUR.fullmatch(name) if self.mode == "colour" else name.isdecimal()
            if not fits:
                kind = "#rrggbb" if self.mode == "colour" else "a whole number"
                raise ValueError(f"categories: expected {kind}, found {name!r}")
        unknown = set(self.stuff) - set(self.categories.values())
        if unknown:
            raise ValueError(f"stuff: {sorted(unknown)[0]!r} is not among the categories")


def read_masks(file: LabelFile, options: MaskOptions, report: Report) -> list[RawLabels]:
    """Derive a box and a centroid for every object of a mask.

    The centroid is the mean of the pixels' centres, in edge coordinates (the only pixel at the
    top left has its centroid at (0.5, 0.5)). Of ``binary``, ``class`` and ``colour`` masks an
    object is a connected component, of ``instance`` masks all pixels of one value but 0. Where a
    palette is stored its colours count, not its indices.

    Raises:
        AnnotationError: The mask is no picture, or not one of its mode (a gray one; colours for
            ``colour``); or the mask of the categories has another size.
    """
    mask = _decode(file, options, "opaque" if options.mode == "colour" else "gray")
    height, width = mask.shape[:2]
    reader = _Reader(file.path, options, report)
    if options.mode == "binary":
        reader.add_components(mask >= options.threshold, _default(file, options))
    elif options.mode == "instance":
        reader.add_instances(mask, _default(file, options), _class_mask(file, options, mask))
    else:
        numbered, names = _numbered(mask, options)
        reader.add_classes(numbered, names)
    labels = RawLabels(file.groups, file.path, size=(height, width), objects=reader.objects)
    if reader.classes:
        labels.attributes = {"classes": ",".join(reader.classes)}
    return [labels]


_Mask = NDArray[np.integer[Any]]


def _default(file: LabelFile, options: MaskOptions) -> str:
    return file.groups.get("category", options.category)


def _decode(file: LabelFile, options: MaskOptions, channels: Literal["gray", "opaque"]) -> _Mask:
    try:
        return decode_image(file.read_bytes(options.limit_mb or LIMIT_MB), channels=channels)
    except DecodeError as error:
        file.refuse(str(error))


def _class_mask(file: LabelFile, options: MaskOptions, mask: _Mask) -> _Mask | None:
    if not options.class_mask:
        return None
    old, new = options.class_mask
    before, found, after = file.path.rpartition(old)
    if not found:
        file.refuse(f"class_mask: expected {old!r} in the path")
    other = LabelFile(file.root, f"{before}{new}{after}", file.groups)
    classes = _decode(other, options, "gray")
    if classes.shape != mask.shape:
        file.refuse(f"expected the size of {other.path}, {classes.shape}, found {mask.shape}")
    return classes


def _numbered(mask: _Mask, options: MaskOptions) -> tuple[_Mask, dict[int, str]]:
    """Give a mask of category numbers and their names; 0 is what needs no name.

    Colours become numbers from 1, the last number those that are none of the map's.
    """
    if options.mode == "class":
        return mask, {int(number): name for number, name in options.categories.items()}
    if mask.ndim == 2:
        mask = np.repeat(mask[..., None], 3, axis=2)
    wide = mask.astype(np.int32)
    black = ~wide.any(axis=2)
    result: _Mask = np.where(black, 0, len(options.categories) + 1).astype(np.int32)
    open_pixels = np.ones(black.shape, bool)
    for number, colour in enumerate(options.categories, start=1):
        target = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        near = (np.abs(wide - target) <= options.colour_tolerance).all(axis=2) & open_pixels
        result[near] = number
        open_pixels &= ~near
    return result, dict(enumerate(options.categories.values(), start=1))


class _Reader:
    """Collects objects, reporting what is too small or too much.

    Attributes:
        objects: Objects found so far.
        classes: Categories that the mask has, in the order of the map.
    """

    def __init__(self, path: str, options: MaskOptions, report: Report) -> None:
        self._path = path
        self._options = options
        self._report = report
        self.objects: list[RawObject] = []
        self.classes: list[str] = []

    def add_components(self, inside: NDArray[np.bool_], category: str) -> None:
        """Make an object of every connected component."""
        from scipy import ndimage

        structure = np.ones((3, 3), dtype=bool) if self._options.connectivity == 8 else None
        labels, count = ndimage.label(inside, structure=structure)
        if not self._too_many(count, "components"):
            slices = ndimage.find_objects(labels)
            self._add(labels, slices, "component", (category for _ in slices))

    def add_instances(self, mask: _Mask, category: str, classes: _Mask | None) -> None:
        """Make an object of all pixels of each value but 0."""
        from scipy import ndimage

        slices = ndimage.find_objects(mask.astype(np.int32))
        if self._too_many(sum(found is not None for found in slices), "instances"):
            return
        names = (
            category if classes is None or found is None
            else self._most(classes[found][mask[found] == number], number)
            for number, found in enumerate(slices, start=1)
        )  # fmt: skip
        self._add(mask, slices, "instance", names)

    def add_classes(self, mask: _Mask, names: Mapping[int, str]) -> None:
        """Make objects of the components of every category that is no stuff."""
        values, counts = np.unique(mask, return_counts=True)
        found = dict(zip(values.tolist(), counts.tolist(), strict=True))
        for number, count in found.items():
            if number and number not in names:
                colour = self._options.mode == "colour"
                what = "of no category's colour" if colour else f"of value {number}"
                message = f"{count} pixels {what}, which is not in categories"
                self._problem("unknown-class", "", message, "pixels left out")
        for number, name in names.items():
            if number in found:
                self.classes += [] if name in self.classes else [name]
                if name not in self._options.stuff:
                    self.add_components(mask == number, name)

    def _most(self, classes: _Mask, number: int) -> str:
        """Give the most frequent category of an instance's pixels."""
        values, counts = np.unique(classes, return_counts=True)
        value = str(int(values[counts.argmax()]))
        name = self._options.categories.get(value)
        if name is None:
            message = f"most of its pixels are of class {value}, which is not in categories"
            self._problem("unknown-class", f"instance {number}", message, "kept, marked")
            return f"id {value}"
        return name

    def _add(
        self, labels: _Mask, slices: list[tuple[slice, slice] | None], what: str,
        names: Iterator[str],
    ) -> None:  # fmt: skip
        options = self._options
        for number, (found, name) in enumerate(zip(slices, names, strict=True), start=1):
            if found is None or name in options.stuff:
                continue
            rows, columns = found
            ys, xs = np.nonzero(labels[found] == number)
            where = f"{what} {number}"
            if len(xs) < options.min_area:
                message = f"expected at least {options.min_area} pixels, found {len(xs)}"
                self._problem("small-component", where, message, "object left out")
                continue
            point = (float(columns.start + xs.mean() + 0.5), float(rows.start + ys.mean() + 0.5))
            box = (columns.start, rows.start, columns.stop, rows.stop)
            flags = int(ObjectFlag.DERIVED)
            self.objects.append(
                RawObject(name, where, box, None, point, -1, options.modality, flags)
            )

    def _too_many(self, count: int, what: str) -> bool:
        most = self._options.max_objects
        if count > most:
            message = f"expected at most {most} {what}, found {count}"
            self._problem("too-many-components", "", message, "objects left out")
        return count > most

    def _problem(self, code: str, where: str, message: str, action: str) -> None:
        self._report(Problem(code, self._path, where, message, action))
