"""Flags of objects as publishers write them."""

from __future__ import annotations

from irtd_fast.types import ObjectFlag

_TRUE, _FALSE = frozenset(("true", "yes")), frozenset(("", "0", "false", "no", "unspecified"))
_BITS = {
    "difficult": ObjectFlag.DIFFICULT,
    "truncated": ObjectFlag.TRUNCATED,
    "occluded": ObjectFlag.OCCLUDED,
    "crowd": ObjectFlag.CROWD,
    "ignore": ObjectFlag.IGNORE,
}


def flag_bits() -> tuple[tuple[str, int], ...]:
    """Give name and ``ObjectFlag`` bit of every flag."""
    return tuple((name, int(flag)) for name, flag in _BITS.items())


def truth_of(text: str) -> bool:
    """Read a flag: 0, false, no and nothing are false; true, yes and other numbers are true.

    Raises:
        ValueError: Anything else.
    """
    word = text.strip().lower()
    if word in _FALSE:
        return False
    if word in _TRUE:
        return True
    try:
        return float(word) != 0
    except ValueError:
        raise ValueError(f"expected 0 or 1, found {text.strip()[:40]!r}") from None
