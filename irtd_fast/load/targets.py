"""Labels that follow the pictures into the frames of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.density import Density, density_maps, frame_sigmas
from irtd_fast.geometry.ledger import Fate, Ledger
from irtd_fast.geometry.oriented import boxes_to_corners
from irtd_fast.geometry.remap import (
    BoxOptions,
    Remapped,
    remap_boxes,
    remap_corners,
    remap_points,
)
from irtd_fast.load.augment.cutout import Holes, covered_boxes, covered_corners, covered_points
from irtd_fast.load.augment.mosaic import Layout
from irtd_fast.store.ragged import Ragged

Target = Literal["boxes", "points", "corners", "masks", "density", "texts"]
Covered = Callable[[NDArray[np.float32], NDArray[np.int64], Holes], NDArray[Any]]


@dataclass(frozen=True)
class Placed:
    """Where the samples of a batch lie in its frames.

    Attributes:
        matrix: (t, 2, 3) from native pixels to those of the sample's frame or tile.
        size: (height, width) of the frames.
        layout: Of mosaics, ``None``: every sample is a frame.
        holes: What is cut out of the frames, if anything.
        max_covered: Share under holes above which a label goes, ``None``: none does.
    """

    matrix: NDArray[np.float64]
    size: tuple[int, int]
    layout: Layout | None = None
    holes: Holes | None = None
    max_covered: float | None = None

    @property
    def sizes(self) -> tuple[int, int] | NDArray[np.int64]:
        """(height, width) of the frame, or (t, 2) of the tiles."""
        return self.size if self.layout is None else self.layout.sizes

    @property
    def frame_matrix(self) -> NDArray[np.float64]:
        """(b, 2, 3) from each frame's own sample to the frame's pixels."""
        if self.layout is None:
            return self.matrix
        return self.member_matrix[self.layout.offsets[:-1]]

    @property
    def member_matrix(self) -> NDArray[np.float64]:
        """(t, 2, 3) from native pixels to the frame's."""
        matrix = self.matrix.copy()
        if self.layout is not None:
            matrix[:, :, 2] += self.layout.corners
        return matrix


@dataclass(frozen=True)
class Followed:
    """Labels in frames.

    Attributes:
        values: (m, columns) float32 in the frames' pixels.
        kept: (m,) numbers of the inputs that stay.
        offsets: (b + 1,) int64; those of frame i are ``[offsets[i], offsets[i + 1])``.
        visible: (m,) float32 share of each that is in sight.
        ledger: What became of all inputs.
    """

    values: NDArray[np.float32]
    kept: NDArray[np.int64]
    offsets: NDArray[np.int64]
    visible: NDArray[np.float32]
    ledger: Ledger


def follow_boxes(objects: Ragged, placed: Placed, options: BoxOptions) -> dict[str, Any]:
    """Fields of ``Batch`` about boxes."""
    done = _follow_boxes(objects, placed, options)
    return {
        "boxes": done.values, "offsets": done.offsets, "categories": objects.category[done.kept],
        "box_flags": objects["flags"][done.kept], "visible_fraction": done.visible,
        "box_ledger": done.ledger,
    }  # fmt: skip


def follow_visible_boxes(objects: Ragged, placed: Placed, options: BoxOptions) -> dict[str, Any]:
    """Fields of ``Batch`` about the visible side's own boxes."""
    done = _follow_boxes(objects, placed, options)
    return {
        "visible_boxes": done.values, "visible_offsets": done.offsets,
        "visible_categories": objects.category[done.kept],
    }  # fmt: skip


def _follow_boxes(objects: Ragged, placed: Placed, options: BoxOptions) -> Followed:
    done = remap_boxes(objects["box"], objects.offsets, placed.matrix, placed.sizes, options)
    return _settled(done, placed, covered_boxes)


def follow_corners(objects: Ragged, placed: Placed, options: BoxOptions) -> dict[str, Any]:
    """Fields of ``Batch`` about oriented boxes; an object without corners has those of its box."""
    corners = objects["corners"]
    upright = np.asarray(np.isnan(corners).any(axis=1))
    corners = np.where(upright[:, None], boxes_to_corners(objects["box"]), corners)
    done = _settled(
        remap_corners(corners, objects.offsets, placed.matrix, placed.sizes, options),
        placed, covered_corners,
    )  # fmt: skip
    return {
        "corners": done.values, "corner_offsets": done.offsets,
        "corner_categories": objects.category[done.kept],
        "corner_flags": objects["flags"][done.kept], "corner_ledger": done.ledger,
    }  # fmt: skip


def follow_points(points: Ragged, placed: Placed, density: Density | None, threads: int,
                  ) -> dict[str, Any]:  # fmt: skip
    """Fields of ``Batch`` about points, and density maps of them if they are asked for."""
    xy = points["xy"]
    done = _settled(
        remap_points(xy, points.offsets, placed.matrix, placed.sizes), placed, covered_points
    )
    maps = None
    if density is not None:
        # The spread that all points of the picture give, those out of sight too.
        spread = frame_sigmas(xy, points.offsets, placed.matrix, density.sigma)[done.kept]
        maps = density_maps(
            done.values, done.offsets, placed.size, density, sigmas=spread, threads=threads
        )
    return {
        "points": done.values, "point_offsets": done.offsets,
        "point_categories": points.category[done.kept], "point_ledger": done.ledger,
        "density": maps,
    }  # fmt: skip


def _settled(done: Remapped, placed: Placed, covered: Covered) -> Followed:
    """From tiles to frames, and without what holes cover."""
    offsets = done.offsets.astype(np.int64)
    values, fates = done.values, done.fates
    if placed.layout is not None:
        values = _in_frames(values, np.diff(offsets), placed.layout)
        offsets = offsets[placed.layout.offsets]
    kept, visible = done.kept, done.visible
    if placed.holes is not None and placed.max_covered is not None and len(values):
        owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        share = covered(values, owner, placed.holes)
        stays = share <= placed.max_covered if share.dtype != bool else ~share
        fates = fates.copy()
        fates[kept[~stays]] = Fate.COVERED
        visible = (visible * (1 - share))[stays].astype(np.float32)
        values, kept = values[stays], kept[stays]
        offsets = np.concatenate([[0], np.cumsum(stays)])[offsets]
    return Followed(values, kept, offsets, visible, Ledger.of(fates))


def _in_frames(
    values: NDArray[np.float32], counts: NDArray[np.int64], layout: Layout
) -> NDArray[np.float32]:
    """Coordinates moved by the corner of their tile; those of points stay below its far edges."""
    columns = values.shape[1] if values.ndim > 1 else 2
    member = np.repeat(np.arange(len(counts)), counts)
    moved = values + np.tile(layout.corners, columns // 2)[member].astype(np.float32)
    if columns == 2:
        ends = (layout.corners + layout.sizes[:, ::-1])[member].astype(np.float32)
        moved = np.minimum(moved, np.nextafter(ends, np.float32(0)))
    return moved.astype(np.float32)
