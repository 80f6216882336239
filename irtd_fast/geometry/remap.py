"""Boxes, oriented boxes, polygons and points of a whole batch through one affine per sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irtd_fast import _core
from irtd_fast.geometry.ledger import Ledger
from irtd_fast.geometry.oriented import corners_to_rotated, rotated_to_corners

BoxPolicy = Literal["clip", "keep", "drop"]
Size = tuple[int, int]
Sizes = Size | NDArray[np.int64]


@dataclass(frozen=True)
class BoxOptions:
    """What becomes of boxes that the window cuts.

    Attributes:
        policy: ``clip`` to the batch's frame, ``keep`` as they are, ``drop`` unless whole.
        min_visible: Smallest visible share of the unclipped box, below which it goes.
        min_size: Smallest side in batch pixels, below which it goes.
    """

    policy: BoxPolicy = "clip"
    min_visible: float = 0.1
    min_size: float = 1.0


@dataclass(frozen=True)
class Remapped:
    """What stays of a batch, and what became of the rest.

    Attributes:
        values: (m, columns) float32 in the pixels of the frame.
        kept: (m,) int64 numbers of the inputs that stay, ascending.
        offsets: (samples + 1,) uint64; those of sample i are ``[offsets[i], offsets[i + 1])``.
        visible: (m,) float32 share of each (unclipped) in the frame.
        fates: (n,) uint8 ``Fate`` of every input.
    """

    values: NDArray[np.float32]
    kept: NDArray[np.int64]
    offsets: NDArray[np.uint64]
    visible: NDArray[np.float32]
    fates: NDArray[np.uint8]

    @property
    def ledger(self) -> Ledger:
        """Counts by fate."""
        return Ledger.of(self.fates)


@dataclass(frozen=True)
class RemappedPolygons(Remapped):
    """Polygons that stay: ``values`` are their vertices.

    Attributes:
        polygons: (m + 1,) uint64; vertices of polygon k are ``[polygons[k], polygons[k + 1])``.
    """

    polygons: NDArray[np.uint64]


def _floats(values: ArrayLike, columns: int) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is not finite, and counted
        array = np.ascontiguousarray(values, np.float32)
    return array.reshape(0, columns) if array.size == 0 and array.ndim < 2 else array


def _offsets(values: ArrayLike) -> NDArray[np.uint64]:
    given = np.asarray(values)
    if given.dtype.kind not in "iu" and not (given == np.floor(given)).all():
        raise ValueError(f"offsets must be whole numbers, found {given}")
    # A negative one becomes huge, and the core refuses it.
    return np.ascontiguousarray(given.astype(np.uint64))


def _sizes(size: Sizes) -> Any:
    return size if isinstance(size, tuple) else np.ascontiguousarray(size, np.int32)


def _matrices(values: ArrayLike) -> NDArray[np.float64]:
    return np.ascontiguousarray(values, np.float64)


def remap_boxes(
    boxes: ArrayLike,
    offsets: ArrayLike,
    matrices: ArrayLike,
    size: Sizes,
    options: BoxOptions = BoxOptions(),
) -> Remapped:
    """Map upright boxes; each becomes the hull of its mapped corners.

    Args:
        boxes: (n, 4) xyxy in source pixels.
        offsets: (samples + 1,); boxes of sample i are ``[offsets[i], offsets[i + 1])``.
        matrices: (samples, 2, 3), see ``geometry.matrix``.
        size: (height, width) of the frame, or (samples, 2) of each sample's.
        options: What becomes of boxes that the frame cuts.

    Raises:
        ValueError: Shapes or options that do not fit. Nothing that the boxes hold raises.
    """
    return Remapped(
        *_core.remap_boxes(
            _floats(boxes, 4), _offsets(offsets), _matrices(matrices), _sizes(size),
            min_visible=options.min_visible, min_size=options.min_size, policy=options.policy,
        )
    )  # fmt: skip


def remap_corners(
    corners: ArrayLike,
    offsets: ArrayLike,
    matrices: ArrayLike,
    size: Sizes,
    options: BoxOptions = BoxOptions(),
) -> Remapped:
    """Map oriented boxes given by corners (n, 8): exactly, nothing is inflated.

    ``clip`` replaces one by the smallest oriented box with the same edge directions that holds its
    visible part; corners of that may lie beyond the frame. Otherwise as ``remap_boxes``.
    """
    return Remapped(
        *_core.remap_corners(
            _floats(corners, 8), _offsets(offsets), _matrices(matrices), _sizes(size),
            min_visible=options.min_visible, min_size=options.min_size, policy=options.policy,
        )
    )  # fmt: skip


def remap_rotated(
    rotated: ArrayLike,
    offsets: ArrayLike,
    matrices: ArrayLike,
    size: Size,
    options: BoxOptions = BoxOptions(),
) -> Remapped:
    """Map oriented boxes given by cx, cy, width, height, radians (n, 5), as ``remap_corners``.

    Rectangles come back as rectangles under rotation, mirroring and uniform scale; where a shear or
    an uneven scale makes a parallelogram, the result is the rectangle nearest to it in the sense of
    ``corners_to_rotated``, while visible fractions are those of the parallelogram.
    """
    done = remap_corners(rotated_to_corners(rotated), offsets, matrices, size, options)
    rows = corners_to_rotated(done.values)
    return Remapped(rows.astype(np.float32), done.kept, done.offsets, done.visible, done.fates)


def remap_points(
    points: ArrayLike,
    offsets: ArrayLike,
    matrices: ArrayLike,
    size: Sizes,
    policy: BoxPolicy = "clip",
) -> Remapped:
    """Map points (n, 2): those that have a pixel of the frame stay, ``keep`` keeps all.

    Inside is ``0 <= x < width`` and ``0 <= y < height``; what misses by at most 0.001 pixel is
    moved there.
    """
    return Remapped(
        *_core.remap_points(
            _floats(points, 2), _offsets(offsets), _matrices(matrices), _sizes(size), policy=policy
        )
    )


def remap_polygons(
    vertices: ArrayLike,
    polygons: ArrayLike,
    offsets: ArrayLike,
    matrices: ArrayLike,
    size: Size,
    options: BoxOptions = BoxOptions(),
) -> RemappedPolygons:
    """Map polygons: ``vertices`` (v, 2), cut by ``polygons`` (n + 1,), in samples by ``offsets``.

    ``clip`` replaces a polygon by its part in the frame (Sutherland and Hodgman, CACM 1974; parts
    of a concave one stay joined along the frame). Sides, for min_size, are those of the hull.
    """
    points, ends, kept, rows, visible, fates = _core.remap_polygons(
        _floats(vertices, 2), _offsets(polygons), _offsets(offsets), _matrices(matrices), size,
        min_visible=options.min_visible, min_size=options.min_size, policy=options.policy,
    )  # fmt: skip
    return RemappedPolygons(points, kept, rows, visible, fates, ends)
