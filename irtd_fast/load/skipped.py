"""Samples that a loader left out because they could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import LoaderError
from irtd_fast.load.plan import BatchPlan

_PROBATION = 100  # samples before a rate means anything
_MOST = 0.1
_KEPT = 1000

Plan = Callable[[NDArray[np.int64], int, NDArray[np.int64] | None], BatchPlan]


@dataclass
class Skipped:
    """What was left out since the loader was made.

    Attributes:
        count: Samples left out, each time they would have been seen (frames, with mosaics).
        reasons: Dataset number -> why, of the first thousand.
    """

    count: int = 0
    reasons: dict[int, str] = field(default_factory=dict)
    _seen: int = 0

    def without(self, error: LoaderError, plan: BatchPlan, again: Plan) -> BatchPlan:
        """The plan of the same batch without the sample that an error is about.

        Every other sample keeps its draws, since these depend on nothing but itself. A mosaic that
        shows the sample goes as a whole.

        Raises:
            LoaderError: The error is about no sample of the batch; or more than a tenth of what was
                seen so far could not be read.
        """
        number = getattr(error, "sample", None)
        if number is None:
            raise error
        bad = plan.showing(int(number))
        if not bad.any():
            raise error
        self.count += int(bad.sum())
        if len(self.reasons) < _KEPT:
            self.reasons.setdefault(int(number), str(error))
        if self.count > _MOST * max(_PROBATION, self._seen):
            raise LoaderError(
                f"{self.count} samples could not be read, the last one: {error}", sample=number
            ) from error
        visits = None if plan.visits is None else plan.visits[~bad]
        smaller = again(plan.index[~bad], plan.epoch, visits)
        targets = {**smaller.targets, "padding": plan.targets["padding"][~bad]}
        return replace(smaller, targets=targets)

    def saw(self, images: int) -> None:
        """Count what could be read."""
        self._seen += images
