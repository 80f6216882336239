"""What a batch will be before any picture is read: samples, matrices, remapped labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.grids import Grid
from irtd_fast.load.augment.mosaic import Layout


@dataclass(frozen=True)
class Places:
    """Where pictures lie in the store and in the batch.

    There is one for every sample that a frame is made of: b of them, or t in mosaics.

    Attributes:
        codes: (t,) int32 array codes in ``Dataset.pipeline`` (masks: -1 where there is none).
        rows: (t,) int64 rows in those arrays.
        matrix: (t, 2, 3) float64, from native pixels to those of the frame or tile.
        recipes: (t,) int32 numbers of native recipes, ``None``: the first one for all.
        effects: What is done to the finished frames, ``None``: nothing.
    """

    codes: NDArray[np.int32]
    rows: NDArray[np.int64]
    matrix: NDArray[np.float64]
    recipes: NDArray[np.int32] | None = None
    effects: _core.FrameEffects | None = None


@dataclass(frozen=True)
class BatchPlan:
    """Everything about a batch but its pixels; made ahead while the native threads draw others.

    Attributes:
        index: (b,) int64 dataset numbers of the samples.
        epoch: Whose draws these are.
        infrared: The pictures.
        visible: Their visible partners, if they are asked for.
        masks: Their masks, if they are asked for.
        layout: Of mosaics, ``None``: every sample is a frame.
        grids: Re-identification grids that its texts need.
        visits: (b,) how often the epoch had each sample before, ``None``: never.
        targets: Fields of ``Batch`` that follow the matrix: boxes, points and so on.
    """

    index: NDArray[np.int64]
    epoch: int
    infrared: Places
    visible: Places | None = None
    masks: Places | None = None
    layout: Layout | None = None
    grids: tuple[Grid, ...] = ()
    visits: NDArray[np.int64] | None = None
    targets: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def members(self) -> NDArray[np.int64]:
        """(t,) dataset numbers of the samples that the frames are made of."""
        return self.index if self.layout is None else self.layout.members

    def showing(self, sample: int) -> NDArray[np.bool_]:
        """(b,) which frames show a sample of the dataset."""
        shows = self.members == sample
        if self.layout is None:
            return np.asarray(shows)
        return np.logical_or.reduceat(shows, self.layout.offsets[:-1])

    @property
    def tiling(self) -> dict[str, Any]:
        """Arguments of the native pipeline about mosaics."""
        if self.layout is None:
            return {}
        return {"frames": self.layout.offsets.astype(np.uint64),
                "tiles": self.layout.tiles.astype(np.int32)}  # fmt: skip
