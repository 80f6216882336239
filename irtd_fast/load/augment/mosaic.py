"""Mosaics: frames of two by two tiles, each with a sample of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.augment.draws import Draws

_TILES = 4


@dataclass(frozen=True)
class Mosaic:
    """Four samples in one frame (Bochkovskiy et al., YOLOv4, 2020), in quarters that meet anywhere.

    Every tile is an augmented picture of its own, as if the tile were the frame: its window, its
    flips and turns are drawn apart, and windows take the tile's shape, so that nothing is
    distorted more than in a frame of one picture. Labels are cut at their tile's edges. The visible
    side has the same layout. The sample itself is one of the four, in a place that is drawn.

    Attributes:
        probability: Of a mosaic in place of the sample alone.
        centre: Bounds of the place where the tiles meet, as shares of both sides.
        within: The guests are drawn among so many samples before and after it in the dataset (they
            lie in few files of a network disk then); ``None``: among all.
    """

    probability: float = 0.5
    centre: tuple[float, float] = (0.3, 0.7)
    within: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must be a probability, found {self.probability}")
        if not 0 < self.centre[0] <= self.centre[1] < 1:
            raise ValueError(f"centre must satisfy 0 < low <= high < 1, found {self.centre}")
        if self.within is not None and self.within < 1:
            raise ValueError(f"within must be positive or None, found {self.within}")


@dataclass(frozen=True)
class Layout:
    """Which samples make up each frame of a batch.

    Attributes:
        members: (t,) dataset numbers, frame by frame; the first of a frame is its own sample.
        offsets: (b + 1,) members of frame i are ``[offsets[i], offsets[i + 1])``.
        slots: (t,) 0 for the frame's own sample, 1 to 3 for guests.
        tiles: (t, 4) top, left, height and width in the frame.
    """

    members: NDArray[np.int64]
    offsets: NDArray[np.int64]
    slots: NDArray[np.int64]
    tiles: NDArray[np.int64]

    @property
    def frames(self) -> NDArray[np.int64]:
        """(t,) frame of each member."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(t, 2) height and width of each tile."""
        return self.tiles[:, 2:]

    @property
    def corners(self) -> NDArray[np.int64]:
        """(t, 2) x and y of each tile's top left corner."""
        return self.tiles[:, 1::-1]


def mosaic_layout(mosaic: Mosaic, draws: Draws, count: int, size: tuple[int, int]) -> Layout:
    """Draw the layout of a batch.

    Args:
        mosaic: What to draw.
        draws: Of the samples of the batch.
        count: Samples of the dataset, from which guests come.
        size: (height, width) of the frame, at least 2 by 2.
    """
    index = draws.samples
    chosen = draws.happens("mosaic", mosaic.probability)
    u = draws.uniform("mosaic_layout", 3 + _TILES - 1)
    offsets = np.concatenate([[0], np.cumsum(np.where(chosen, _TILES, 1))])
    frames = np.repeat(np.arange(len(index)), np.diff(offsets))
    slots = np.arange(len(frames)) - offsets[:-1][frames]
    members = index[frames]
    guest = slots > 0
    members[guest] = _guests(
        members[guest], u[frames[guest], 2 + slots[guest]], count, mosaic.within
    )
    tiles = np.zeros((len(frames), 4), np.int64)
    tiles[:, 2:] = size
    low, high = mosaic.centre
    meet = np.rint((low + u[:, :2] * (high - low)) * size).astype(np.int64)
    meet = np.clip(meet, 1, np.asarray(size) - 1)
    turn = (u[:, 2] * _TILES).astype(np.int64)
    in_mosaic = chosen[frames]
    place = (slots + turn[frames]) % _TILES
    for axis in (0, 1):
        after = (place // 2 if axis == 0 else place % 2) == 1
        cut = meet[frames, axis]
        tiles[in_mosaic, axis] = np.where(after, cut, 0)[in_mosaic]
        tiles[in_mosaic, 2 + axis] = np.where(after, size[axis] - cut, cut)[in_mosaic]
    return Layout(members, offsets, slots, tiles)


def _guests(
    hosts: NDArray[np.int64], u: NDArray[np.float64], count: int, within: int | None
) -> NDArray[np.int64]:
    if within is None:
        return np.asarray(np.minimum((u * count).astype(np.int64), count - 1))
    first, last = np.maximum(hosts - within, 0), np.minimum(hosts + within, count - 1)
    return np.asarray(np.minimum(first + (u * (last - first + 1)).astype(np.int64), last))
