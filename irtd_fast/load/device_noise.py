"""The core's counter-based random numbers, made by a device for a whole batch at once.

A pixel's noise is a function of its frame's key, the channel and the place: the bits are those of
``cpp/src/photometric_scalar.cpp``, the normal numbers made of them equal up to the last places of
float32. Numbers of 32 bits are kept in int64, where no product leaves the type's range.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from irtd_fast.load.random import stream_keys

PIXELS, COLUMNS, ROWS, DEAD = range(4)  # streams behind a frame's key and channel

_LOW = 0xFFFFFFFF
_GOLDEN = 0x9E3779B9 - (1 << 32)  # factors of more than 31 bits as their negative equals
_M1, _M2 = 0x21F0AAAD, 0xD35A2D97 - (1 << 32)
_SECOND = 0x8000  # the counter of a pair's other half
_STEP = 2.0**-23
_EIGHTH = float(np.float32(0.78539816))  # of the circle

Words = TypeVar("Words", NDArray[np.int64], torch.Tensor)


def _mix(x: Any) -> Any:
    x = ((x ^ (x >> 16)) * _M1) & _LOW
    x = ((x ^ (x >> 15)) * _M2) & _LOW
    return x ^ (x >> 15)


def hash_bits(first: Words, second: Words, counter: Words) -> Words:
    """32 random bits for every counter, as int64.

    Args:
        first: Lower 32 bits of the keys.
        second: Upper ones.
        counter: 0..2^32 - 1.
    """
    mixed: Words = _mix((_mix((counter * _GOLDEN + first) & _LOW) + second) & _LOW)
    return mixed


def key_halves(
    keys: NDArray[np.uint64], channels: int, stream: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lower and upper 32 bits of a stream's keys, each (n, channels).

    Args:
        keys: (n,) of frames.
        channels: Each has keys of its own.
        stream: Which of ``PIXELS``, ``COLUMNS``, ``ROWS``, ``DEAD``.
    """
    of_channels = np.stack([stream_keys(keys, number) for number in range(channels)], axis=1)
    found = stream_keys(of_channels, stream)
    return (found & np.uint64(_LOW)).astype(np.int64), (found >> np.uint64(32)).astype(np.int64)


def normals(
    keys: NDArray[np.uint64], channels: int, stream: int, size: tuple[int, int], device: Any
) -> torch.Tensor:
    """Normal numbers (n, channels, height, width) float32 of the places of frames.

    Two come of one pair of counters (Box and Muller, 1958): for x and for x + half the width.

    Args:
        keys: (n,) of frames.
        channels: Of each.
        stream: Which one behind the keys.
        size: (height, width).
        device: Where.
    """
    height, width = size
    halves = key_halves(keys, channels, stream)
    first, second = (to_device(half, device)[:, :, None, None] for half in halves)
    across = torch.arange((width + 1) // 2, device=device)
    counter = (torch.arange(height, device=device) << 16)[:, None] + across
    a = hash_bits(first, second, counter)
    length = (-2 * torch.log(((a >> 9).to(torch.float32) + 0.5) * _STEP)).sqrt()
    del a
    b = hash_bits(first, second, counter | _SECOND)
    angle = ((b >> 9).to(torch.float32) + 0.5) * (_EIGHTH * _STEP)
    sine, cosine = length * angle.sin(), length * angle.cos()
    # An angle within an eighth of the circle, and three bits that say which one.
    swapped = (b & 1) != 0
    one = torch.where(swapped, sine, cosine) * (1 - (b & 2))
    other = torch.where(swapped, cosine, sine) * (1 - ((b >> 1) & 2))
    return torch.cat([one, other], dim=-1)[..., :width]


def to_device(array: NDArray[Any], device: Any) -> torch.Tensor:
    """A small array on a device, without waiting for what the device does."""
    found = torch.from_numpy(np.ascontiguousarray(array))
    if torch.device(device).type != "cuda":
        return found.to(device)
    return found.pin_memory().to(device, non_blocking=True)
