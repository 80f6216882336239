"""Counter-based random numbers: a pure function of (seed, epoch, sample, operation).

The same sample gets the same draws whatever thread, batch, rank or prefetch depth makes them. The
mixing function is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014; constants of
Stafford's variant 13).
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_MASK = (1 << 64) - 1


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * _M1
    x = (x ^ (x >> np.uint64(27))) * _M2
    return x ^ (x >> np.uint64(31))


def _key(*parts: int) -> int:
    """Fold numbers into one 64-bit key, with the same finaliser on Python integers."""
    state = 0
    for part in parts:
        x = (state + (part + 1) * int(_GOLDEN)) & _MASK
        x = ((x ^ (x >> 30)) * int(_M1)) & _MASK
        x = ((x ^ (x >> 27)) * int(_M2)) & _MASK
        state = x ^ (x >> 31)
    return state


def uniform(
    seed: int, epoch: int, samples: NDArray[np.int64], operation: str, lanes: int
) -> NDArray[np.float64]:
    """Draw ``lanes`` numbers in [0, 1) for each sample.

    Args:
        seed: Of the run.
        epoch: Number of the epoch.
        samples: Dataset numbers of the samples.
        operation: Name of the operation that draws; operations are independent.
        lanes: Numbers for each sample.

    Returns:
        (samples, lanes) float64.
    """
    lane = np.arange(lanes, dtype=np.uint64)
    counters = (samples.astype(np.uint64)[:, None] * np.uint64(lanes) + lane).astype(np.uint64)
    bits = _bits(seed, epoch, counters, operation)
    return (bits >> np.uint64(11)).astype(np.float64) * (1.0 / (1 << 53))


def keys(seed: int, epoch: int, samples: NDArray[np.int64], operation: str) -> NDArray[np.uint64]:
    """A 64-bit key for each sample (n,), for generators in the core (``irtd::stream_key``)."""
    return _bits(seed, epoch, samples.astype(np.uint64), operation)


def stream_keys(keys: NDArray[np.uint64], number: int) -> NDArray[np.uint64]:
    """Keys of the numbered stream behind each key, as the core's ``stream_key`` gives them."""
    return _mix(keys + np.uint64(((number + 1) * int(_GOLDEN)) & _MASK))


def _bits(
    seed: int, epoch: int, counters: NDArray[np.uint64], operation: str
) -> NDArray[np.uint64]:
    state = np.uint64(_key(seed, epoch, zlib.crc32(operation.encode())))
    return _mix(_mix(counters * _GOLDEN + state) + state)


def permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """A true random order of ``count`` samples for an epoch."""
    key = [seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF, epoch & 0xFFFFFFFF]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key))).permutation(count)
