"""What a loader yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.geometry.ledger import Ledger
from irtd_fast.load.augment.effects import Effects
from irtd_fast.load.texts import BatchText


@dataclass(frozen=True)
class Batch:
    """One batch, ready for a network.

    Its memory is recycled once nothing refers to ``images`` any more; until then it stays valid.

    Attributes:
        images: (b, channels, height, width) or (b, height, width, channels), float32 or uint8.
        boxes: (m, 4) xyxy float32 in batch pixels.
        offsets: (b + 1) int64; boxes of sample i are ``[offsets[i], offsets[i + 1])``.
        categories: (m,) int32 codes in ``Dataset.categories``.
        box_flags: (m,) uint16 bits of ``types.ObjectFlag``.
        visible_fraction: (m,) float32, share of each box (before clipping) that is in sight: inside
            the window and not under what was cut out.
        points: (p, 2) float32 x, y in batch pixels, only those inside.
        point_offsets: (b + 1) int64.
        point_categories: (p,) int32.
        matrix: (b, 2, 3) float64, from native infrared pixels to batch pixels (in a mosaic those
            of the sample itself; ``tile_matrix`` has the others).
        index: (b,) int64 dataset numbers of the samples.
        visible: Pictures of the visible partners, in the same frame, if they were asked for.
        visible_matrix: (b, 2, 3) float64, from native visible pixels to batch pixels.
        visible_boxes: (k, 4) xyxy float32 in batch pixels: the visible side's own ground truth.
        visible_offsets: (b + 1) int64 of those.
        visible_categories: (k,) int32 of those.
        padding: (b,) true for samples that only make ranks equally long (``remainder="pad"``);
            ``None`` for a batch that is not part of an epoch.
        corners: (c, 8) float32 oriented boxes as corners in batch pixels, if they were asked for;
            objects without corners have those of their box. Kept and cut by themselves: an oriented
            box may stay where the upright one around it goes.
        corner_offsets: (b + 1) int64 of those.
        corner_categories: (c,) int32 of those.
        corner_flags: (c,) uint16 of those, bits of ``types.ObjectFlag``.
        masks: (b, height, width) uint8 or uint16 labels as they are stored, never mixed, if they
            were asked for; (b, height, width, 3) where they are stored in colours.
        mask_present: (b,) whether a sample (in a mosaic, any of its samples) has a mask; where it
            has none, and beyond pictures, ``masks`` is the loader's ``mask_fill``.
        tiles: (t, 4) int64 top, left, height, width of every sample's part of its frame, if the
            loader makes mosaics.
        tile_offsets: (b + 1) int64; frame i has tiles ``[tile_offsets[i], tile_offsets[i + 1])``,
            that of ``index[i]`` first.
        tile_index: (t,) int64 dataset numbers of their samples.
        tile_matrix: (t, 2, 3) float64, from native infrared pixels to batch pixels.
        density: (b, h, w) float32 density maps of the points if the loader was asked for them; each
            sums up to the number of points of its sample.
        texts: (b) for each sample its questions and answers (``load.texts.BatchText``), if they are
            asked for: true of what the batch shows.
        texts_dropped: Texts that were chosen but could not be made true of what the batch shows.
        grids: (g, ...) pictures like ``images`` of the texts that are about a composed grid; which,
            says ``BatchText.grid``. Floats are shares of white.
        crop_outcome: (b,) uint8 ``geometry.windows.Outcome`` of each window if they were chosen by
            objects, else ``None``.
        effects: What is still to be done to ``images`` (``Loader.defer_effects``).
        visible_effects: The same of ``visible``.
        box_ledger: What became of the samples' boxes: kept, clipped, dropped and why.
        point_ledger: The same of points.
        corner_ledger: The same of oriented boxes.
    """

    images: NDArray[Any]
    boxes: NDArray[np.float32]
    offsets: NDArray[np.int64]
    categories: NDArray[np.int32]
    box_flags: NDArray[np.uint16]
    visible_fraction: NDArray[np.float32]
    points: NDArray[np.float32]
    point_offsets: NDArray[np.int64]
    point_categories: NDArray[np.int32]
    matrix: NDArray[np.float64]
    index: NDArray[np.int64]
    visible: NDArray[Any] | None = None
    visible_matrix: NDArray[np.float64] | None = None
    visible_boxes: NDArray[np.float32] | None = None
    visible_offsets: NDArray[np.int64] | None = None
    visible_categories: NDArray[np.int32] | None = None
    padding: NDArray[np.bool_] | None = None
    corners: NDArray[np.float32] | None = None
    corner_offsets: NDArray[np.int64] | None = None
    corner_categories: NDArray[np.int32] | None = None
    corner_flags: NDArray[np.uint16] | None = None
    masks: NDArray[Any] | None = None
    mask_present: NDArray[np.bool_] | None = None
    tiles: NDArray[np.int64] | None = None
    tile_offsets: NDArray[np.int64] | None = None
    tile_index: NDArray[np.int64] | None = None
    tile_matrix: NDArray[np.float64] | None = None
    density: NDArray[np.float32] | None = None
    crop_outcome: NDArray[np.uint8] | None = None
    texts: list[list[BatchText]] | None = None
    texts_dropped: int = 0
    grids: NDArray[Any] | None = None
    effects: Effects | None = None
    visible_effects: Effects | None = None
    box_ledger: Ledger = Ledger()  # noqa: RUF009 - frozen
    point_ledger: Ledger = Ledger()  # noqa: RUF009 - frozen
    corner_ledger: Ledger = Ledger()  # noqa: RUF009 - frozen

    def __len__(self) -> int:
        return len(self.index)

    def picture(self, i: int, text: BatchText) -> NDArray[Any]:
        """The picture that a text of sample i is about: its own, or a composed grid."""
        if text.grid < 0 or self.grids is None:
            return np.asarray(self.images[i])
        return np.asarray(self.grids[text.grid])

    def target(self, i: int) -> dict[str, NDArray[Any]]:
        """Boxes and labels of sample i, as detection models take them."""
        here = slice(int(self.offsets[i]), int(self.offsets[i + 1]))
        return {"boxes": self.boxes[here], "labels": self.categories[here]}
