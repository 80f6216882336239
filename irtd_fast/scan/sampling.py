"""Redundancy: which pictures of a sequence are taken, decided before any picture is opened.

Consecutive frames of a video hardly differ; IR-TD's authors kept a part of them. Every sequence
is thinned by itself, so that no sequence and no category that comes late in the alphabet is lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from irtd_fast.catalog import Sampling

_WORD = 1 << 32


def choose(count: int, sampling: Sampling, key: Sequence[str]) -> list[int]:
    """Give the places (ascending, from 0) of the pictures that are taken.

    Args:
        count: Pictures of the sequence.
        sampling: What to take; see ``Sampling``.
        key: What names the sequence. With the seed it fixes where evenly spaced choices begin,
            so sequences do not all begin alike and short ones are neither all kept nor all lost.
    """
    start = _fraction(sampling.seed, key)
    taken = list(range(0, count, sampling.every))
    if sampling.fraction < 1.0:
        wanted = sampling.fraction * len(taken)
        if sampling.fraction * sampling.stride <= 1.0:
            taken = [place for place in taken if place % sampling.stride == 0]
        taken = _spread(taken, wanted, start)
    if 0 < sampling.per_sequence < len(taken):
        taken = _spread(taken, sampling.per_sequence, start)
    return taken


def _spread(places: list[int], wanted: float, start: float) -> list[int]:
    """Take ``wanted`` places on average, evenly spaced.

    Place ``i`` of ``n`` is taken where ``i * wanted / n + start`` passes a whole number: there are
    ``floor(wanted)`` or ``ceil(wanted)`` of those.
    """
    count = len(places)
    wanted = min(wanted, count)
    return [
        place
        for i, place in enumerate(places)
        if int((i + 1) * wanted / count + start) > int(i * wanted / count + start)
    ]


def _fraction(seed: int, key: Sequence[str]) -> float:
    """Give a number in [0, 1) that depends on nothing but seed and key."""
    text = "\0".join((str(seed), *key)).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=4).digest()  # sums with it stay exact
    return int.from_bytes(digest, "little") / _WORD


def describe(sampling: Sampling, taken: int, found: int, *, default: bool) -> str:
    """Say in a sentence what was taken."""
    parts = []
    if sampling.every > 1:
        parts.append(f"each {sampling.every}th")
    if sampling.fraction < 1.0:
        parts.append(f"{sampling.fraction:.6g} of each sequence")
    if sampling.per_sequence:
        parts.append(f"at most {sampling.per_sequence} a sequence")
    why = "the record's default; --sample-every 1 takes all" if default else "as asked for"
    return f"{taken} of {found} pictures taken: {', '.join(parts)} (seed {sampling.seed}; {why})"
