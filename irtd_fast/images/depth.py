"""What 16-bit pixels really hold: how many bits, stretched or shifted, in which byte order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS = 64  # looked at for the byte order
_MUCH_SMOOTHER = 0.5
_MORE_VARIED = 0.5  # bits of entropy
_EIGHT_BIT_LEVELS = 256
_SHIFTED = 32  # cameras with 11 bits or more in 16 shift by less
_SPARSE = 0.5  # of the span: fewer levels than that were spread out
_CORE = (0.02, 0.98)  # of the pixels: a hot or dead pixel says nothing about the levels


@dataclass(frozen=True, slots=True)
class DepthFinding:
    """What the values of a picture give away.

    Attributes:
        bits: Bits of information: of the highest value, after a constant factor is taken out.
        factor: Constant factor of all values above the lowest (256 for 8 bits shifted up, 257
            for 8 bits stretched to 16), else 1.
        levels: Different values.
        low: Lowest value.
        high: Highest value.
        eight_in_sixteen: 8-bit content in a 16-bit picture: few values, or 256 levels spread out.
        swapped: Far smoother with the two bytes of each value exchanged.
    """

    bits: int
    factor: int
    levels: int
    low: int
    high: int
    eight_in_sixteen: bool
    swapped: bool


def find_depth(image: NDArray[np.uint8] | NDArray[np.uint16]) -> DepthFinding:
    """Look at the values of a picture.

    Args:
        image: (height, width) or (height, width, 3).
    """
    histogram = np.bincount(image.ravel(), minlength=_EIGHT_BIT_LEVELS)
    present = np.flatnonzero(histogram)
    low, high, levels = int(present[0]), int(present[-1]), len(present)
    if image.dtype == np.uint8:
        return DepthFinding(8, 1, levels, low, high, eight_in_sixteen=False, swapped=False)
    factor = int(np.gcd.reduce(np.diff(present))) if levels > 1 else 1
    swapped = bytes_look_swapped(image)
    few = 2 < levels <= _EIGHT_BIT_LEVELS
    spread = few and (factor >= _SHIFTED or _is_sparse(histogram, present, factor))
    eight = not swapped and (high < _EIGHT_BIT_LEVELS or spread)
    bits = 8 if eight else max(1, (high // factor if low % factor == 0 else high).bit_length())
    return DepthFinding(bits, factor, levels, low, high, eight, swapped)


def _is_sparse(histogram: NDArray[np.intp], present: NDArray[np.intp], factor: int) -> bool:
    """Most levels between the darkest and brightest pixels, outliers apart, do not occur."""
    share = np.cumsum(histogram[present]) / histogram.sum()
    first, last = np.searchsorted(share, _CORE)
    last = min(int(last), len(present) - 1)
    span = (present[last] - present[first]) // factor + 1
    return bool(last - first + 1 < _SPARSE * span)


def bytes_look_swapped(image: NDArray[Any]) -> bool:
    """Tell whether the two bytes of each value seem to be exchanged.

    Scenes are smooth: neighbours differ little in the high byte. With the bytes exchanged the low
    byte, which is mostly noise, dominates. Compared are the mean absolute differences of
    neighbours over the standard deviation, in up to 64 rows; half of the other decides. Where
    neither does (counts that share a few high bytes are about as smooth either way), the byte
    that varies less is the high one; 8 bits shifted up, whose low byte is zero, are no case of it.
    """
    rows = image[:: max(1, len(image) // _ROWS)]
    if rows.shape[1] < 2:
        return False
    as_is, exchanged = _roughness(rows), _roughness(rows.byteswap())
    if exchanged < _MUCH_SMOOTHER * as_is:
        return True
    if as_is < _MUCH_SMOOTHER * exchanged or not (rows & 0xFF).any():
        return False
    return _entropy(rows >> 8) > _entropy(rows & 0xFF) + _MORE_VARIED


def _roughness(rows: NDArray[Any]) -> float:
    deviation = float(rows.std())
    return float(np.abs(np.diff(rows.astype(np.int32), axis=1)).mean()) / (deviation or 1.0)


def _entropy(values: NDArray[Any]) -> float:
    """Shannon entropy in bits."""
    share = np.bincount(values.ravel()) / values.size
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())
