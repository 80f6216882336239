"""Statistics of counts: of one picture, or merged over a sequence or a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import Pixels, Valid, check_image, check_valid, frozen_array


@dataclass(frozen=True, eq=False)
class Statistics:
    """How often every count occurs, and what follows from that; mergeable with ``+``.

    Attributes:
        dtype: Of the pictures.
        histogram: uint64, how often each of the 256 or 65536 counts occurs.
        images: Pictures that went in.
    """

    dtype: Literal["uint8", "uint16"]
    histogram: NDArray[np.uint64]
    images: int = 0

    def __post_init__(self) -> None:
        """Check and freeze the histogram."""
        if self.dtype not in ("uint8", "uint16"):
            raise ValueError(f"dtype must be uint8 or uint16, found {self.dtype!r}")
        size = int(np.iinfo(self.dtype).max) + 1
        if self.histogram.shape != (size,) or self.histogram.dtype.kind not in "ui":
            found = f"{self.histogram.dtype} {self.histogram.shape}"
            raise ValueError(f"the histogram of {self.dtype} has {size} counters, found {found}")
        object.__setattr__(self, "histogram", frozen_array(self.histogram.astype(np.uint64)))

    @classmethod
    def of(cls, image: Pixels, *, valid: Valid = None) -> Statistics:
        """Statistics of one picture, without its invalid pixels.

        Args:
            image: (height, width) or (height, width, channels), uint8 or uint16.
            valid: (height, width) bool; False pixels do not count.
        """
        check_image(image, ("uint8", "uint16"))
        check_valid(image, valid)
        name: Literal["uint8", "uint16"] = "uint8" if image.dtype == np.uint8 else "uint16"
        return cls(name, _core.value_histogram(image, valid=valid), 1)

    def __add__(self, other: Statistics) -> Statistics:
        if self.dtype != other.dtype:
            raise ValueError(f"statistics of {self.dtype} and of {other.dtype} do not merge")
        total = self.histogram + other.histogram
        return Statistics(self.dtype, total, self.images + other.images)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Statistics):
            return NotImplemented
        same = (self.dtype, self.images) == (other.dtype, other.images)
        return same and bool(np.array_equal(self.histogram, other.histogram))

    def __hash__(self) -> int:
        return hash((self.dtype, self.images, self.histogram.tobytes()))

    @property
    def pixels(self) -> int:
        """Pixels that went in."""
        return int(self.histogram.sum())

    @property
    def low(self) -> int:
        """Smallest count; 0 without pixels."""
        used = np.flatnonzero(self.histogram)
        return int(used[0]) if len(used) else 0

    @property
    def high(self) -> int:
        """Largest count; 0 without pixels."""
        used = np.flatnonzero(self.histogram)
        return int(used[-1]) if len(used) else 0

    @property
    def mean(self) -> float:
        """Mean count; 0 without pixels."""
        total = sum(v * n for v, n in self._pairs())
        return total / self.pixels if self.pixels else 0.0

    @property
    def std(self) -> float:
        """Standard deviation of the population (``numpy.std``); 0 without pixels."""
        if not self.pixels:
            return 0.0
        used = np.flatnonzero(self.histogram)
        weight = self.histogram[used].astype(np.float64)
        return float(np.sqrt(np.average((used - self.mean) ** 2, weights=weight)))

    def _pairs(self) -> list[tuple[int, int]]:
        used = np.flatnonzero(self.histogram)
        return list(zip(used.tolist(), self.histogram[used].tolist(), strict=True))

    def percentiles(self, percents: Sequence[float]) -> list[float]:
        """Percentiles of all pixels, exactly ``numpy.percentile``'s ``linear``; 0 without pixels.

        Args:
            percents: Each in 0..100.
        """
        if not all(0 <= percent <= 100 for percent in percents):
            raise ValueError(f"percentiles lie in 0..100, found {list(percents)}")
        count = self.pixels
        if not count:
            return [0.0 for _ in percents]
        running = np.cumsum(self.histogram)
        return [self._at(running, (count - 1) * (percent / 100)) for percent in percents]

    @staticmethod
    def _at(running: NDArray[np.uint64], rank: float) -> float:
        below = int(np.floor(rank))
        above = min(below + 1, int(running[-1]) - 1)
        places = np.array([below, above], np.uint64)
        first, second = map(float, np.searchsorted(running, places, side="right"))
        share = rank - below
        if share >= 0.5:  # NumPy's order of operations, for the same double
            return second - (second - first) * (1 - share)
        return first + (second - first) * share
