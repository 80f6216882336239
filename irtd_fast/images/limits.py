"""How large a picture may be."""

from __future__ import annotations

from irtd_fast.errors import DecodeError

MAX_PIXELS = 2**28


def check_size(height: int, width: int) -> None:
    """Refuse a size before memory is taken for it.

    Raises:
        DecodeError: No pixel, or more than ``MAX_PIXELS``.
    """
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise DecodeError(f"expected 1 to {MAX_PIXELS} pixels, found {height} x {width}")
