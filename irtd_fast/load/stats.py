"""Where the time of a loader went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class LoaderStats:
    """Where the time went, summed since the loader was made.

    Attributes:
        images: Samples produced.
        read_ns: Read from the page cache or the disk; over all threads, as are the next five.
        check_ns: Compare checksums.
        decode_ns: Decompress, decode.
        normalize_ns: Statistics for the recipe, and its filters.
        resample_ns: Crop, resize, flip, cast, lay out.
        effects_ns: Photometric effects and what is cut out.
        wait_ns: Time the consumer waited for a batch.
    """

    images: int = 0
    read_ns: int = 0
    check_ns: int = 0
    decode_ns: int = 0
    normalize_ns: int = 0
    resample_ns: int = 0
    effects_ns: int = 0
    wait_ns: int = 0

    def add(self, stages: Mapping[str, int]) -> None:
        """Count the nanoseconds of native stages."""
        for stage, spent in stages.items():
            setattr(self, f"{stage}_ns", getattr(self, f"{stage}_ns") + spent)
