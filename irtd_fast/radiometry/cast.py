"""Values to the output types of recipes: clip, round, saturate, and bfloat16 in uint16 storage."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.radiometry.base import TOP, OutputType

_BF16_SHIFT = 16


def cast_output(values: NDArray[Any], dtype: OutputType) -> NDArray[Any]:
    """Cast numbers to an output type; integers are rounded half to even and saturate.

    Args:
        values: Numbers of any type.
        dtype: Of the result; ``bfloat16`` gives its bits as uint16.
    """
    if dtype == "bfloat16":
        return to_bfloat16(values.astype(np.float32))
    if dtype in ("uint8", "uint16"):
        whole = np.nan_to_num(np.rint(values), nan=0.0, posinf=TOP[dtype], neginf=0.0)
        values = np.clip(whole, 0, TOP[dtype])
    cast: NDArray[Any] = values.astype(dtype)
    return cast


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Bits of bfloat16, rounded half to even; a NaN stays a (quiet) NaN."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    odd = (bits >> _BF16_SHIFT) & 1
    rounded = (bits.astype(np.uint64) + 0x7FFF + odd) >> _BF16_SHIFT
    nan = (bits >> _BF16_SHIFT) | 0x40
    chosen: NDArray[np.uint16] = np.where(np.isnan(values), nan, rounded).astype(np.uint16)
    return chosen


def from_bfloat16(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Values of bfloat16 bits.

    Raises:
        ValueError: Not uint16.
    """
    if bits.dtype != np.uint16:
        raise ValueError(f"bits of bfloat16 are uint16, found {bits.dtype}")
    return (np.ascontiguousarray(bits).astype(np.uint32) << _BF16_SHIFT).view(np.float32)
