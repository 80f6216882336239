"""What a batch will be before any picture is read: samples, matrices, remapped labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Places:
    """Where pictures lie in the store and in the batch.

    Attributes:
        codes: (b,) int32 array codes in ``Dataset.pipeline``.
        rows: (b,) int64 rows in those arrays.
        matrix: (b, 2, 3) float64, from native pixels to batch pixels.
    """

    codes: NDArray[np.int32]
    rows: NDArray[np.int64]
    matrix: NDArray[np.float64]


@dataclass(frozen=True)
class BatchPlan:
    """Everything about a batch but its pixels; made ahead while the native threads draw others.

    Attributes:
        index: (b,) int64 dataset numbers of the samples.
        epoch: Whose draws these are.
        infrared: The pictures.
        visible: Their visible partners, if they are asked for.
        targets: Fields of ``Batch`` that follow the matrix: boxes, points and so on.
    """

    index: NDArray[np.int64]
    epoch: int
    infrared: Places
    visible: Places | None = None
    targets: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)
