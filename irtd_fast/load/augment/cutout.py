"""Rectangles painted over in finished frames, and what becomes of labels under them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.geometry.remap import BoxOptions, remap_corners
from irtd_fast.load.augment.draws import Draws

_MOST = 8
_EVERY = BoxOptions("keep", 0.0, 0.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cutout:
    """Rectangles of a random size at random places (DeVries and Taylor, 2017).

    They are painted last, over whatever noise there is, on the infrared and the visible frame.

    Attributes:
        probability: Of any in a frame.
        holes: Bounds of how many, at most 8.
        size: Bounds of each side as a share of the frame's.
        fill: A share of the output's range (0 its bottom, 1 its top), or ``random``: drawn for each
            hole.
        max_covered: What is under the holes by more than this share of its visible part goes, and
            is counted as ``Fate.COVERED``: boxes, corners, and points in a hole (they are wholly
            covered). ``None``: labels stay, as if the holes were transparent.
        mask_fill: What masks show there; ``None``: what they show without holes.
    """

    probability: float = 0.5
    holes: tuple[int, int] = (1, 1)
    size: tuple[float, float] = (0.1, 0.3)
    fill: float | Literal["random"] = 0.0
    max_covered: float | None = 0.7
    mask_fill: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must be a probability, found {self.probability}")
        if not 1 <= self.holes[0] <= self.holes[1] <= _MOST:
            raise ValueError(f"holes must satisfy 1 <= low <= high <= {_MOST}, found {self.holes}")
        if not 0 < self.size[0] <= self.size[1] <= 1:
            raise ValueError(f"size must satisfy 0 < low <= high <= 1, found {self.size}")
        if self.fill != "random" and not (_is_number(self.fill) and math.isfinite(self.fill)):
            raise ValueError(f"fill must be a number or random, found {self.fill!r}")
        if self.max_covered is not None and not 0 <= self.max_covered <= 1:
            raise ValueError(f"max_covered must be a share or None, found {self.max_covered}")
        if self.mask_fill is not None and not 0 <= self.mask_fill <= 0xFFFF:
            raise ValueError(f"mask_fill must be a label or None, found {self.mask_fill}")


@dataclass(frozen=True)
class Holes:
    """The holes of a batch.

    Attributes:
        boxes: (k, 4) int64 top, left, bottom, right in whole pixels.
        fill: (k,) float32 shares.
        offsets: (b + 1,) holes of frame i are ``[offsets[i], offsets[i + 1])``.
    """

    boxes: NDArray[np.int64]
    fill: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def without_overlap(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The same area as rectangles that do not overlap: (m, 4) x, y, x, y and their frames."""
        frames = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        cells: list[NDArray[np.int64]] = []
        owners: list[NDArray[np.int64]] = []
        for place in range(int(np.diff(self.offsets).max(initial=0))):
            # The place-th hole of every frame, less the holes before it.
            here = self.offsets[:-1] + place
            here = here[here < self.offsets[1:]]
            left = self.boxes[here][:, [1, 0, 3, 2]]
            owner = frames[here]
            for before in range(place):
                left, owner = _less(left, owner, self.boxes[self.offsets[owner] + before])
            cells.append(left)
            owners.append(owner)
        if not cells:
            return np.zeros((0, 4), np.int64), np.zeros(0, np.int64)
        return np.concatenate(cells), np.concatenate(owners)


def _less(
    boxes: NDArray[np.int64], owner: NDArray[np.int64], holes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is left of boxes (xyxy) without a hole each (top, left, bottom, right): 0 to 4 parts."""
    x0, y0, x1, y1 = boxes.T
    top, left, bottom, right = holes.T
    a, b = np.clip(top, y0, y1), np.clip(bottom, y0, y1)
    parts = np.stack([
        np.stack([x0, y0, x1, a], 1),
        np.stack([x0, b, x1, y1], 1),
        np.stack([x0, a, np.clip(left, x0, x1), b], 1),
        np.stack([np.clip(right, x0, x1), a, x1, b], 1),
    ], 1).reshape(-1, 4)  # fmt: skip
    some = (parts[:, 2] > parts[:, 0]) & (parts[:, 3] > parts[:, 1])
    return parts[some], np.repeat(owner, 4)[some]


def draw_holes(cutout: Cutout, draws: Draws, size: tuple[int, int]) -> Holes:
    """Draw the holes of a batch in frames of a size (height, width)."""
    least, most = cutout.holes
    lanes = 5
    u = draws.uniform("cutout", 1 + lanes * most)
    wanted = least + (u[:, 0] * (most - least + 1)).astype(np.int64)
    counts = np.where(draws.happens("cutout_any", cutout.probability), wanted, 0)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    frames = np.repeat(np.arange(len(draws)), counts)
    within = np.arange(len(frames)) - offsets[:-1][frames]
    v = u[:, 1:].reshape(len(draws), most, lanes)[frames, within]
    frame = np.asarray(size, np.float64)
    low, high = cutout.size
    sides = np.maximum(1, np.rint((low + v[:, :2] * (high - low)) * frame))
    corner = np.floor(v[:, 2:4] * (frame - sides + 1))
    boxes = np.concatenate([corner, corner + sides], axis=1).astype(np.int64)
    fill = v[:, 4] if cutout.fill == "random" else np.full(len(frames), float(cutout.fill))
    return Holes(boxes, fill.astype(np.float32), offsets)


def covered_boxes(
    boxes: NDArray[np.float32], owner: NDArray[np.int64], holes: Holes
) -> NDArray[np.float64]:
    """Share of each box (n, 4) xyxy under the holes of its frame; of a line, of its length."""
    box = boxes.astype(np.float64)
    cells, frames = holes.without_overlap()
    which, cell = _pairs(owner, frames)
    low = np.maximum(box[which, :2], cells[cell, :2])
    high = np.minimum(box[which, 2:], cells[cell, 2:])
    extent = box[which, 2:] - box[which, :2]
    share = np.clip(high - low, 0, None) / np.where(extent > 0, extent, 1)
    flat = (high >= low) & (extent <= 0)  # without an extent: inside or not
    share = np.where(flat, 1.0, share).prod(axis=1)
    return np.minimum(1.0, np.bincount(which, share, len(box)))


def covered_corners(
    corners: NDArray[np.float32], owner: NDArray[np.int64], holes: Holes
) -> NDArray[np.float64]:
    """Share of each oriented box (n, 8) under the holes of its frame, exactly."""
    cells, frames = holes.without_overlap()
    which, cell = _pairs(owner, frames)
    move = np.tile(np.eye(2, 3), (len(which), 1, 1))
    move[:, :, 2] = -cells[cell, :2]
    sizes = cells[cell, 3:1:-1] - cells[cell, 1::-1]
    # Each pair is a sample of its own, whose frame is the rectangle.
    seen = remap_corners(corners[which], np.arange(len(which) + 1), move, sizes, _EVERY)
    share = np.zeros(len(which))
    share[seen.kept] = seen.visible
    return np.minimum(1.0, np.bincount(which, share, len(corners)))


def covered_points(
    points: NDArray[np.float32], owner: NDArray[np.int64], holes: Holes
) -> NDArray[np.bool_]:
    """Whether each point (n, 2) has its pixel in a hole of its frame."""
    cells, frames = holes.without_overlap()
    which, cell = _pairs(owner, frames)
    inside = (points[which] >= cells[cell, :2]) & (points[which] < cells[cell, 2:])
    return np.asarray(np.bincount(which, inside.all(axis=1), len(points)) > 0)


def _pairs(
    owner: NDArray[np.int64], frames: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Every label with every rectangle of its frame: numbers of labels and of rectangles."""
    order = np.argsort(frames, kind="stable")
    first = np.searchsorted(frames[order], owner, "left")
    counts = np.searchsorted(frames[order], owner, "right") - first
    which = np.repeat(np.arange(len(owner)), counts)
    within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return which, order[first[which] + within]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
