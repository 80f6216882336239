"""Photometric effects and cut-out rectangles on a device, in batch, by torch operations.

The same as ``irtd::apply_effects`` does in the core, in the same order and with the same random
numbers: results differ by the rounding of float32. Frames are taken in groups of bounded size, so
that what is needed beside the pictures does not grow with the batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from irtd_fast.load.augment import photometric
from irtd_fast.load.augment.effects import Effects
from irtd_fast.load.device_noise import (
    COLUMNS,
    DEAD,
    PIXELS,
    ROWS,
    hash_bits,
    key_halves,
    normals,
    to_device,
)

_VALUES = 1 << 22  # of the pictures that are changed at once
_BLUR, _NOISE, _SHOT, _COLUMN, _ROW, _DEAD, _GAIN, _OFFSET, _GAMMA, _INVERT = range(
    len(photometric.COLUMNS) + 1
)
_LEAST = 1e-37  # smaller shares are 0 to the core's power

Table = NDArray[np.float32]
Places = NDArray[np.int64]


def apply_effects(
    pictures: torch.Tensor, effects: Effects, bounds: tuple[float, float], *, clip: bool
) -> None:
    """Change the frames of a batch in place; one that nothing is drawn for keeps its bits.

    Args:
        pictures: (b, channels, height, width) float32, each value in a place of its own.
        effects: Of the frames. Without ``gray`` the channels are colours, with noise of their own.
        bounds: The values that are the shares 0 and 1.
        clip: Whether what is changed is kept within them.

    Raises:
        ValueError: Pictures of another type or shape, or of another number than ``effects`` has.
    """
    if pictures.dtype != torch.float32 or pictures.ndim != 4:
        raise ValueError(
            f"pictures must be (b, c, h, w) float32, found {pictures.dtype} {tuple(pictures.shape)}"
        )
    if len(pictures) != len(effects):
        raise ValueError(f"{len(pictures)} pictures, but effects of {len(effects)}")
    if effects.photometric is not None and effects.keys is not None:
        active = np.flatnonzero(_looped(effects.photometric) | (effects.photometric[:, _DEAD] > 0))
        for rows, planes in _alike(effects, active, pictures.shape[1]):
            for some in _groups(rows, planes * pictures.shape[2] * pictures.shape[3]):
                _change(pictures, effects, some, planes, bounds, clip=clip)
    if effects.holes is not None:
        _paint(pictures, effects, bounds)


def _looped(table: Table) -> NDArray[np.bool_]:
    """Which frames have every pixel computed: those with more than dead pixels."""
    return np.asarray((table[:, : _ROW + 1] > 0).any(axis=1) | _toned(table))


def _toned(table: Table) -> NDArray[np.bool_]:
    neutral = np.array([1, 0, 1, 0], np.float32)
    return np.asarray((table[:, _GAIN:] != neutral).any(axis=1))


def _alike(effects: Effects, rows: Places, channels: int) -> Iterator[tuple[Places, int]]:
    """Frames with one picture in all channels, then those with one in each."""
    gray = np.zeros(len(effects), bool) if effects.gray is None else effects.gray
    yield rows[gray[rows]], 1
    yield rows[~gray[rows]], channels


def _groups(rows: Places, values: int) -> Iterator[Places]:
    step = max(1, _VALUES // max(1, values))
    return (rows[at : at + step] for at in range(0, len(rows), step))


def _change(
    pictures: torch.Tensor, effects: Effects, rows: Places, planes: int,
    bounds: tuple[float, float], *, clip: bool,
) -> None:  # fmt: skip
    assert effects.photometric is not None
    assert effects.keys is not None
    table, keys = effects.photometric[rows], effects.keys[rows]
    low, span = np.float32(bounds[0]), np.float32(bounds[1]) - np.float32(bounds[0])
    where = to_device(rows, pictures.device)
    values = pictures[where, :planes]
    computed = _looped(table)
    if computed.any():
        shares = (values - float(low)) * float(np.float32(1) / span)
        _blur(shares, table[:, _BLUR])
        _add_noise(shares, table, keys)
        shares = _tone(shares, table, clip=clip)
        every = shares * float(span) + float(low)
        kept = to_device(computed, pictures.device)[:, None, None, None]
        values = every if computed.all() else torch.where(kept, every, values)
    ends = torch.arange(2, dtype=torch.float32, device=pictures.device).expand(len(rows), 1, 1, 2)
    ends = _tone(ends, table, clip=clip) * float(span) + float(low)
    values = _kill(values, ends[:, 0, 0], table, keys)
    pictures[where] = values.expand(-1, pictures.shape[1], -1, -1)


def _column(values: NDArray[np.float32], device: torch.device) -> torch.Tensor:
    """One number for each frame, to go with (n, c, h, w)."""
    return to_device(values, device)[:, None, None, None]


def _blur(x: torch.Tensor, sigma: Table) -> None:
    """Gaussians cut off beyond three sigma, across and then down; frames of one reach together."""
    reach = np.where(sigma > 0, np.ceil(np.float32(3) * sigma), 0).astype(np.int64)
    for radius in np.unique(reach[reach > 0]).tolist():
        rows = np.flatnonzero(reach == radius)
        taps = to_device(_taps(sigma[rows], radius), x.device)
        where = to_device(rows, x.device)
        x[where] = _along(_along(x[where], taps, radius, 3), taps, radius, 2)


def _taps(sigma: Table, radius: int) -> Table:
    """Weights (n, radius + 1) of the middle and of each pair around it."""
    distance = np.arange(radius + 1, dtype=np.float64)
    weight = np.exp(-0.5 * distance**2 / sigma.astype(np.float64)[:, None] ** 2)
    total = weight[:, :1] + 2 * weight[:, 1:].sum(axis=1, keepdims=True)
    return np.asarray(weight / total, np.float32)


def _along(x: torch.Tensor, taps: torch.Tensor, radius: int, axis: int) -> torch.Tensor:
    """One pass over an axis, continued by mirroring at the outermost pixels."""
    n = x.shape[axis]
    period = max(1, 2 * (n - 1))
    places = torch.arange(-radius, n + radius, device=x.device).abs() % period
    padded = x.index_select(axis, torch.where(places < n, places, period - places))
    weights = taps[:, None, None, None]
    total = padded.narrow(axis, radius, n) * weights[..., 0]
    for k in range(1, radius + 1):
        pair = padded.narrow(axis, radius - k, n) + padded.narrow(axis, radius + k, n)
        total += pair.mul_(weights[..., k])
    return total


def _add_noise(x: torch.Tensor, table: Table, keys: NDArray[np.uint64]) -> None:
    """Shot and Gaussian noise, then the pattern of columns and rows."""
    _, channels, height, width = x.shape
    device = x.device
    rows = np.flatnonzero((table[:, _NOISE] > 0) | (table[:, _SHOT] > 0))
    if len(rows):
        where = to_device(rows, device)
        own = x[where]
        constant = _column(table[rows, _NOISE] ** 2, device)
        variance = own.clamp_min(0) * _column(table[rows, _SHOT] ** 2, device) + constant
        x[where] = own + normals(keys[rows], channels, PIXELS, (height, width), device).mul_(
            variance.sqrt_()
        )
    rows = np.flatnonzero((table[:, _COLUMN] > 0) | (table[:, _ROW] > 0))
    if len(rows):
        where = to_device(rows, device)
        across = normals(keys[rows], channels, COLUMNS, (1, width), device)
        down = normals(keys[rows], channels, ROWS, (1, height), device)
        across = across * _column(table[rows, _COLUMN], device)
        down = (down * _column(table[rows, _ROW], device)).transpose(2, 3)
        x[where] = x[where] + (across + down)


def _tone(x: torch.Tensor, table: Table, *, clip: bool) -> torch.Tensor:
    """Gain and offset, gamma, polarity."""
    device = x.device
    value = x * _column(table[:, _GAIN], device) + _column(table[:, _OFFSET], device)
    rows = np.flatnonzero(table[:, _GAMMA] != 1)
    if len(rows):
        where = to_device(rows, device)
        share = value[where].clamp_(0, 1)
        power = share.pow(_column(table[rows, _GAMMA], device))
        value[where] = torch.where(share < _LEAST, torch.zeros_like(power), power)
    turned = table[:, _INVERT] != 0
    if turned.any():
        scale = np.where(turned, -1, 1).astype(np.float32)
        value = value * _column(scale, device) + _column(turned.astype(np.float32), device)
    return value.clamp_(0, 1) if clip else value


def _kill(
    values: torch.Tensor, ends: torch.Tensor, table: Table, keys: NDArray[np.uint64]
) -> torch.Tensor:
    """Dead pixels: so many places drawn with repetition, each at one of two values (n, 2).

    Where a place is drawn more than once the last one counts.
    """
    n, channels, height, width = values.shape
    pixels, device = height * width, values.device
    first, second = key_halves(keys, channels, DEAD)
    share = hash_bits(first, second, np.zeros_like(first)) * 2.0**-32
    wanted = table[:, _DEAD].astype(np.float64)[:, None] * pixels
    counts = np.where(table[:, _DEAD, None] > 0, wanted + share, 0).astype(np.int64).reshape(-1)
    total = int(counts.sum())
    if not total:
        return values
    before = to_device(np.cumsum(counts) - counts, device)
    plane = torch.repeat_interleave(
        torch.arange(n * channels, device=device), to_device(counts, device), output_size=total
    )
    number = 2 * (torch.arange(total, device=device) - before[plane])
    low, high = (to_device(half.reshape(-1), device)[plane] for half in (first, second))
    drawn = hash_bits(low, high, number + 1)
    # bits * pixels >> 32, of which the product has up to 64 bits
    place = ((drawn >> 16) * pixels + (((drawn & 0xFFFF) * pixels) >> 16)) >> 16
    end = hash_bits(low, high, number + 2) >> 31
    latest = torch.full((n * channels * pixels,), -1, dtype=torch.int64, device=device)
    latest.scatter_reduce_(0, plane * pixels + place, number + end, "amax")
    latest = latest.view(values.shape)
    stuck = torch.where(
        (latest & 1) != 0, ends[:, 1, None, None, None], ends[:, 0, None, None, None]
    )
    return torch.where(latest >= 0, stuck, values)


def _paint(pictures: torch.Tensor, effects: Effects, bounds: tuple[float, float]) -> None:
    """Rectangles in their order: the first of every frame, then the second ..."""
    assert effects.holes is not None
    assert effects.hole_fill is not None
    assert effects.hole_offsets is not None
    offsets = effects.hole_offsets.astype(np.int64)
    counts = np.diff(offsets)
    low, high = np.float32(bounds[0]), np.float32(bounds[1])
    fill = effects.hole_fill.astype(np.float32) * (high - low) + low
    device = pictures.device
    y = torch.arange(pictures.shape[2], device=device)[None, None, :, None]
    x = torch.arange(pictures.shape[3], device=device)[None, None, None, :]
    for place in range(int(counts.max(initial=0))):
        for rows in _groups(np.flatnonzero(counts > place), pictures[0].numel()):
            holes = offsets[rows] + place
            sides = to_device(effects.holes[holes].astype(np.int64), device)
            top, left, bottom, right = sides[:, :, None, None, None].unbind(1)
            inside = (y >= top) & (y < bottom) & (x >= left) & (x < right)
            where = to_device(rows, device)
            pictures[where] = torch.where(inside, _column(fill[holes], device), pictures[where])
