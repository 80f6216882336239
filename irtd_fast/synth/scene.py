"""Fields and sensor effects that all synthetic scenes are made of.

Everything is built small and enlarged: a scene's layout lives on a grid of at most about 256 x 320
cells, whatever the picture's size, so that a megapixel costs a few passes over the pixels.
"""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

# Two 7-bit uniforms added: triangular, standard deviation sqrt(2 * (128**2 - 1) / 12).
_NOISE_STD = 52.25


def generator(seed: int, source: str, index: int) -> np.random.Generator:
    """Make the random numbers of one sample; they depend on nothing but the three arguments.

    Raises:
        ValueError: If ``seed`` or ``index`` is negative.
    """
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(source.encode()), index]))


def grid_shape(size: tuple[int, int]) -> tuple[int, int]:
    """Choose the layout grid for a picture: its own size divided by a whole number."""
    step = max(1, round(min(size) / 256))
    return -(-size[0] // step), -(-size[1] // step)


def resample(
    grid: F32, size: tuple[int, int], window: tuple[float, float, float, float] | None = None
) -> F32:
    """Enlarge (part of) a grid bilinearly; edges repeat outside of it.

    Args:
        grid: (h, w).
        size: ``(height, width)`` of the result.
        window: ``(x0, y0, x1, y1)`` edges in grid cells; the whole grid by default.

    Returns:
        float32 of that size.
    """
    height, width = grid.shape
    if window is None and size == (height, width):
        return grid.copy()
    x0, y0, x1, y1 = window or (0.0, 0.0, float(width), float(height))
    left, tx = _positions(x0, x1, size[1], width)
    top, ty = _positions(y0, y1, size[0], height)
    wide = grid[:, left]
    wide += (grid[:, np.minimum(left + 1, width - 1)] - wide) * tx
    weights = ty[:, None]
    if size[0] * size[1] < 4096 * min(height, size[0]):
        upper = wide[top]
        upper += (wide[np.minimum(top + 1, height - 1)] - upper) * weights
        return upper
    # Blocks worth a call: one per grid row, both factors stay in the cache.
    out = np.empty(size, dtype=np.float32)
    starts = [0, *(np.flatnonzero(np.diff(top)) + 1).tolist(), size[0]]
    for begin, end in pairwise(starts):
        row = int(top[begin])
        block = out[begin:end]
        below = wide[min(row + 1, height - 1)] - wide[row]
        np.multiply(weights[begin:end], below, out=block)
        block += wide[row]
    return out


def _positions(begin: float, end: float, count: int, cells: int) -> tuple[NDArray[np.intp], F32]:
    at = begin + (np.arange(count) + 0.5) * ((end - begin) / count) - 0.5
    at = np.clip(at, 0.0, cells - 1)
    first = np.minimum(at.astype(np.intp), max(cells - 2, 0))
    return first, (at - first).astype(np.float32)


def octaves(
    rng: np.random.Generator, shape: tuple[int, int], *, coarse: int = 4, levels: int = 4
) -> F32:
    """Sum value noise of doubling frequency and halving weight.

    Args:
        rng: Random numbers.
        shape: (h, w) of the field.
        coarse: Cells along the shorter side of the first octave.
        levels: Number of octaves.

    Returns:
        float32 with mean about 0 and standard deviation about 1.
    """
    total = np.zeros(shape, dtype=np.float32)
    weight, power = 1.0, 0.0
    for level in range(levels):
        cells = coarse << level
        if cells > min(shape):
            break
        columns = max(2, round(cells * shape[1] / shape[0])) if shape[0] <= shape[1] else cells
        rows = cells if shape[0] <= shape[1] else max(2, round(cells * shape[0] / shape[1]))
        values = rng.standard_normal((rows + 1, columns + 1), dtype=np.float32)
        total += resample(values, shape) * np.float32(weight)
        power += weight * weight
        weight *= 0.55
    # Linear interpolation between independent values keeps 4/9 of their variance.
    return total * np.float32(1.5 / np.sqrt(max(power, 1e-6)))


def add_noise(rng: np.random.Generator, image: F32, sigma: float) -> None:
    """Add white sensor noise and weak column noise to a float picture, in place.

    Args:
        rng: Random numbers.
        image: (h, w).
        sigma: Standard deviation of the white part; columns get a quarter of it.
    """
    height, width = image.shape
    white = centred_noise(rng, (height, width)) * np.float32(sigma / _NOISE_STD)
    white += rng.standard_normal(width, dtype=np.float32) * np.float32(sigma / 4)
    image += white


def centred_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Draw triangular noise in -127..127, cheap enough for megapixels."""
    count = int(np.prod(shape))
    raw = np.frombuffer(rng.bytes(2 * count), dtype=np.uint8).reshape(2, count)
    total = (raw[0] >> 1) + (raw[1] >> 1)
    noise: NDArray[np.int8] = (total ^ 0x80).view(np.int8).reshape(shape)
    return noise


def gain_control(counts: F32, low: float = 0.5, high: float = 99.8) -> U8:
    """Map counts to 8 bit by percentiles of a sparse sample, as simple cameras do.

    Args:
        counts: (h, w) float or uint16.
        low: Percentile that becomes black.
        high: Percentile that becomes white.

    Returns:
        uint8 of the same shape.
    """
    step = max(1, min(counts.shape) // 96)
    first, last = np.percentile(counts[::step, ::step], (low, high))
    scale = np.float32(255.0 / max(float(last - first), 1.0))
    out = (counts - np.float32(first)) * scale
    np.clip(out, 0.0, 255.0, out=out)
    return out.astype(np.uint8)
