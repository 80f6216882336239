"""What was drawn for the finished frames of a batch, as numbers: for the core or for a device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.load.augment.cutout import Holes
from irtd_fast.load.augment.draws import Draws
from irtd_fast.load.augment.photometric import Photometric, draw_photometric, frame_keys


@dataclass(frozen=True)
class Effects:
    """Photometric effects and cut-out rectangles of the frames of a batch.

    All values are shares of the output's range, so they mean the same wherever they are applied.

    Attributes:
        photometric: (b, 10) float32: ``load.augment.photometric.COLUMNS``, and whether polarity is
            turned round; ``None``: no frame is changed so.
        keys: (b,) uint64 keys of the frames' noise, with ``photometric``.
        holes: (k, 4) int32 top, left, bottom, right of rectangles to paint over, in their order;
            ``None``: there are none.
        hole_fill: (k,) float32, with ``holes``.
        hole_offsets: (b + 1,) uint64, with ``holes``; frame i has ``[offsets[i], offsets[i + 1])``.
        gray: (b,) true where the channels of a frame hold one gray picture, which stays gray;
            ``None``: not known.
    """

    photometric: NDArray[np.float32] | None = None
    keys: NDArray[np.uint64] | None = None
    holes: NDArray[np.int32] | None = None
    hole_fill: NDArray[np.float32] | None = None
    hole_offsets: NDArray[np.uint64] | None = None
    gray: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Frames of the batch."""
        if self.photometric is not None:
            return len(self.photometric)
        return 0 if self.hole_offsets is None else len(self.hole_offsets) - 1

    def native(self, bounds: tuple[float, float], *, clip: bool) -> _core.FrameEffects:
        """The same for the core.

        Args:
            bounds: The output values that are the shares 0 and 1.
            clip: Whether results stay within them.
        """
        return _core.FrameEffects(
            photometric=self.photometric, keys=self.keys, holes=self.holes,
            hole_fill=self.hole_fill, hole_offsets=self.hole_offsets, range=bounds, clip=clip,
        )  # fmt: skip

    def with_gray(self, gray: NDArray[np.bool_]) -> Effects:
        """The same, knowing which frames are gray."""
        return replace(self, gray=gray)


def draw_effects(
    options: Photometric | None, holes: Holes | None, draws: Draws, what: str
) -> Effects | None:
    """What happens to the frames of a batch; ``None`` if nothing ever does.

    Args:
        options: Photometric effects to draw.
        holes: Those of the batch.
        draws: Random numbers of the frames' samples.
        what: ``infrared`` or ``visible``, whose draws are independent.
    """
    drawn = None if holes is None else painted(holes, holes.fill)
    if options is None or not options.changes_frames:
        return drawn
    return replace(
        Effects() if drawn is None else drawn, photometric=draw_photometric(options, draws, what),
        keys=frame_keys(draws, what),
    )  # fmt: skip


def painted(holes: Holes, fill: NDArray[np.float32]) -> Effects:
    """Holes alone, each painted with a share (k,)."""
    return Effects(
        holes=np.ascontiguousarray(holes.boxes, np.int32), hole_fill=fill,
        hole_offsets=holes.offsets.astype(np.uint64),
    )  # fmt: skip
