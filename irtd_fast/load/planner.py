"""From sample numbers to everything about a batch but its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.density import Density
from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.geometry.windows import Pictures
from irtd_fast.load.augment.cutout import draw_holes
from irtd_fast.load.augment.draws import Draws
from irtd_fast.load.augment.effects import draw_effects, painted
from irtd_fast.load.augment.matrices import Drawn, draw_matrices, whole_pictures
from irtd_fast.load.augment.mosaic import Layout, mosaic_layout
from irtd_fast.load.augment.options import Augment
from irtd_fast.load.masks import masks_are_visible
from irtd_fast.load.pairs import PairFrames
from irtd_fast.load.plan import BatchPlan, Places
from irtd_fast.load.recipes import SideRecipes
from irtd_fast.load.targets import (
    Placed,
    Target,
    follow_boxes,
    follow_corners,
    follow_points,
    follow_visible_boxes,
)
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.ragged import Ragged

_INFRARED, _VISIBLE = 0, 1


@dataclass(frozen=True)
class Planner:
    """Draws the numbers of a batch and takes its labels along; reads no picture.

    Attributes:
        dataset: Samples.
        size: (height, width) of the frames.
        augment: What is drawn, ``None``: pictures are stretched whole.
        boxes: What becomes of boxes that a window cuts.
        targets: What follows the pictures.
        density: How density maps are made, ``None``: none are.
        infrared: Recipes of the pictures.
        visible: Recipes of the visible partners, ``None``: they are not asked for.
        pairs: Where infrared pixels lie in the partners.
        seed: Of the run.
        threads: Of density maps.
        deferred: Whether effects go with the batch in place of being done to its frames.
    """

    dataset: Dataset
    size: tuple[int, int]
    augment: Augment | None
    boxes: BoxOptions
    targets: frozenset[Target]
    density: Density | None
    infrared: SideRecipes
    visible: SideRecipes | None
    pairs: PairFrames | None
    seed: int
    threads: int
    deferred: bool = False

    def plan(
        self, index: NDArray[np.int64], epoch: int, visits: NDArray[np.int64] | None = None
    ) -> BatchPlan:
        """Plan the batch of these dataset numbers, with the draws of an epoch.

        Args:
            index: (b,) dataset numbers.
            epoch: Whose draws.
            visits: (b,) how often the epoch had each sample before, ``None``: never.
        """
        own = Draws(self.seed, epoch, index, visits=visits)
        layout = self._layout(own)
        members = index if layout is None else layout.members
        draws = own
        if layout is not None:
            again = None if visits is None else visits[layout.frames]
            draws = Draws(self.seed, epoch, index[layout.frames], layout.slots, again)
        objects = self._objects(members)
        drawn = self._geometry(draws, members, objects, layout)
        cutout = None if self.augment is None else self.augment.cutout
        holes = None if cutout is None else draw_holes(cutout, own, self.size)
        covered = None if cutout is None else cutout.max_covered
        placed = Placed(drawn.matrix, self.size, layout, holes, covered)
        targets = self._targets(members, objects, placed, drawn)
        infrared = Places(
            *self.dataset.locate(members), drawn.matrix,
            self.infrared.codes(members, draws, "infrared"),
            self._effects(own, placed, self.infrared, "infrared", targets),
        )  # fmt: skip
        visible = self._visible(members, draws, own, placed, targets)
        masks = None
        if "masks" in self.targets:
            masks = self._masks(members, placed, visible)
        return BatchPlan(index, epoch, infrared, visible, masks, layout, targets=targets)

    def _layout(self, own: Draws) -> Layout | None:
        if self.augment is None or self.augment.mosaic is None:
            return None
        return mosaic_layout(self.augment.mosaic, own, len(self.dataset), self.size)

    def _geometry(
        self, draws: Draws, members: NDArray[np.int64], objects: Ragged, layout: Layout | None
    ) -> Drawn:
        heights = self.dataset.column("height", members).astype(np.int64)
        widths = self.dataset.column("width", members).astype(np.int64)
        if self.augment is None:
            return whole_pictures(heights, widths, self.size)
        pictures = Pictures(objects["box"], objects.offsets, heights, widths)
        sizes = np.broadcast_to(np.array(self.size, np.int64), (len(members), 2))
        if layout is not None:
            sizes = layout.sizes
        return draw_matrices(self.augment, draws, pictures, sizes, self.size)

    def _targets(
        self, members: NDArray[np.int64], objects: Ragged, placed: Placed, drawn: Drawn
    ) -> dict[str, Any]:
        mine = objects if "boxes" in self.targets else _none_of(objects)
        targets = follow_boxes(mine, placed, self.boxes)
        points = self._points(members)
        if not {"points", "density"} & self.targets:
            points = _none_of(points)
        targets |= follow_points(points, placed, self.density, self.threads)
        if "corners" in self.targets:
            targets |= follow_corners(objects, placed, self.boxes)
        targets["matrix"] = placed.frame_matrix
        outcomes = drawn.outcomes
        if placed.layout is not None:
            targets |= {
                "tiles": placed.layout.tiles, "tile_offsets": placed.layout.offsets,
                "tile_index": members, "tile_matrix": placed.member_matrix,
            }  # fmt: skip
            outcomes = None if outcomes is None else outcomes[placed.layout.offsets[:-1]]
        targets["crop_outcome"] = outcomes
        return targets

    def _visible(
        self, members: NDArray[np.int64], draws: Draws, own: Draws, placed: Placed,
        targets: dict[str, Any],
    ) -> Places | None:  # fmt: skip
        """Where the partners go, and their own boxes added to the targets."""
        if self.pairs is None or self.visible is None:
            return None
        onto = self.pairs.to_batch(members, placed.matrix)
        there = Placed(onto, self.size, placed.layout, placed.holes, placed.max_covered)
        targets["visible_matrix"] = there.frame_matrix
        targets |= follow_visible_boxes(self._objects(members, _VISIBLE), there, self.boxes)
        return Places(
            *self.dataset.locate(members, "visible"), onto,
            self.visible.codes(members, draws, "visible"),
            self._effects(own, placed, self.visible, "visible", targets),
        )  # fmt: skip

    def _masks(self, members: NDArray[np.int64], placed: Placed, visible: Places | None) -> Places:
        """Masks show what the picture shows that they were drawn on, at any size."""
        codes, rows = self.dataset.locate(members, "masks")
        stored = self.dataset.sizes(members, "masks").astype(np.float64)
        picture = self.dataset.sizes(members).astype(np.float64)
        matrix = placed.matrix.copy()
        if visible is not None:
            flags = np.array([masks_are_visible(source) for source in self.dataset.sources])
            there = flags[self.dataset.source_codes[members]]
            matrix[there] = visible.matrix[there]
            picture[there] = self.dataset.sizes(members[there], "visible")
        scale = np.where((codes >= 0)[:, None], picture / np.maximum(stored, 1), 1.0)
        matrix[:, :, :2] *= scale[:, None, ::-1]  # as if the stored mask was resized first
        cutout = None if self.augment is None else self.augment.cutout
        effects = None
        if cutout is not None and cutout.mask_fill is not None and placed.holes is not None:
            fill = np.full(len(placed.holes.boxes), cutout.mask_fill, np.float32)
            effects = painted(placed.holes, fill).native((0.0, 1.0), clip=True)
        return Places(codes, rows, matrix, effects=effects)

    def _effects(
        self, own: Draws, placed: Placed, side: SideRecipes, what: str, targets: dict[str, Any]
    ) -> _core.FrameEffects | None:
        """What the core does to frames; if that is for others to do, the targets have it."""
        drawn = draw_effects(side.photometric, placed.holes, own, what)
        if drawn is None:
            return None
        if not self.deferred:
            return drawn.native(side.range, clip=side.clips)
        members = own.samples if placed.layout is None else placed.layout.members
        gray = np.asarray(self.dataset.channels(members, what) == 1)
        if placed.layout is not None:
            gray = np.logical_and.reduceat(gray, placed.layout.offsets[:-1])
        name = "effects" if what == "infrared" else "visible_effects"
        targets[name] = drawn.with_gray(gray)
        return None

    def _objects(self, members: NDArray[np.int64], modality: int = _INFRARED) -> Ragged:
        """Objects of one modality's ground truth: the other one's has other pixels."""
        columns = ["box", "modality", "flags"]
        if "corners" in self.targets and modality == _INFRARED:
            columns.append("corners")
        return _of_modality(self.dataset.objects(members, columns), modality)

    def _points(self, members: NDArray[np.int64]) -> Ragged:
        return _of_modality(self.dataset.points(members, ("xy", "modality")), _INFRARED)


def _of_modality(found: Ragged, modality: int) -> Ragged:
    return _selected(found, np.asarray(found["modality"] == modality))


def _none_of(found: Ragged) -> Ragged:
    return _selected(found, np.zeros(len(found.category), bool))


def _selected(found: Ragged, mine: NDArray[np.bool_]) -> Ragged:
    running = np.concatenate([[0], np.cumsum(mine, dtype=np.int64)])
    columns = {name: values[mine] for name, values in found.columns.items()}
    return Ragged(running[found.offsets], found.category[mine], columns)
