"""Channel policy: which of a decoded picture's channels are the counts."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError

Image = NDArray[np.uint8] | NDArray[np.uint16]

# BT.601 luma in 15-bit fixed point, as OpenCV's RGB to gray: exact for equal channels.
_LUMA = (9798, 19235, 3735)
_LUMA_SHIFT = 15


def collapse(image: NDArray[Any], tolerance: int, *, colour: bool) -> Image:
    """Drop a constant alpha, and turn gray in three channels into one.

    Args:
        image: As decoded, (height, width) or (height, width, 1 to 4).
        tolerance: Largest difference between channels that still counts as gray.
        colour: Keep three channels as they are.

    Raises:
        DecodeError: Other than 8 or 16 bits, an alpha that varies, or colour.
    """
    _check(image)
    if image.ndim == 3 and image.shape[2] in (2, 4):
        alpha = image[..., -1]
        low, high = int(alpha.min()), int(alpha.max())
        if low != high:
            raise DecodeError(f"expected a constant alpha channel, found {low}..{high}")
    image = without_alpha(image)
    return image if image.ndim == 2 or colour else luma(image, tolerance)


def without_alpha(image: NDArray[Any]) -> Image:
    """The picture without its alpha, whatever that holds: (height, width) or (…, 3).

    Raises:
        DecodeError: Other than 8 or 16 bits.
    """
    _check(image)
    if image.ndim == 3 and image.shape[2] in (2, 4):
        image = image[..., :-1]
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    return np.ascontiguousarray(image)


def alpha_of(image: NDArray[Any]) -> Image:
    """The alpha channel alone.

    Raises:
        DecodeError: There is none.
    """
    _check(image)
    if image.ndim != 3 or image.shape[2] not in (2, 4):
        found = 1 if image.ndim == 2 else image.shape[2]
        raise DecodeError(f"expected an alpha channel, found {found} channel(s)")
    return np.ascontiguousarray(image[..., -1])


def _check(image: NDArray[Any]) -> None:
    if image.dtype not in (np.uint8, np.uint16) or image.ndim not in (2, 3):
        raise DecodeError(f"expected 8 or 16 bits, found {image.dtype} of shape {image.shape}")


def luma(image: NDArray[Any], tolerance: int) -> Image:
    """Turn (height, width, 3) that is gray within the tolerance into (height, width).

    Raises:
        DecodeError: Channels differ by more.
    """
    red, green, blue = (image[..., i] for i in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.ascontiguousarray(red)
    deviation = int((image.max(axis=2) - image.min(axis=2)).max())
    if deviation > tolerance:
        fail_colour(deviation, tolerance)
    total = image.astype(np.uint32) @ np.array(_LUMA, dtype=np.uint32)
    return ((total + (1 << (_LUMA_SHIFT - 1))) >> _LUMA_SHIFT).astype(image.dtype)


def fail_colour(deviation: int, tolerance: int) -> NoReturn:
    """Refuse a picture that is not gray."""
    message = f"expected a gray picture, found channels that differ by {deviation}"
    raise DecodeError(f"{message} (tolerance {tolerance})", deviation=deviation)
