"""Slow and obvious versions of the filters: the definitions, in plain NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]


def window_sums(values: Image, radius: int) -> NDArray[np.float64]:
    """Sums over square windows that end at the border, straight from the definition."""
    height, width = values.shape
    out = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            rows = slice(max(y - radius, 0), y + radius + 1)
            out[y, x] = values[rows, max(x - radius, 0) : x + radius + 1].sum()
    return out


def detail_enhance(
    image: Image, valid: Image, low: float, high: float, *, radius: int, epsilon: float,
    gain: float, noise: float, base_share: float,
) -> NDArray[np.float64]:  # fmt: skip
    """Guided filter in double precision, the formula of DetailEnhance after it."""
    if high <= low:
        return np.zeros(image.shape)
    x = (image.astype(np.float64) - low) / (high - low)
    weight = valid.astype(np.float64)
    pixels = np.maximum(window_sums(weight, radius), 1)
    mean = window_sums(x * weight, radius) / pixels
    variance = np.maximum(window_sums(x * x * weight, radius) / pixels - mean**2, 0)
    a = variance / (variance + epsilon**2)
    b = (1 - a) * mean
    base = window_sums(a * weight, radius) / pixels * x + window_sums(b * weight, radius) / pixels
    detail = np.sign(x - base) * np.maximum(np.abs(x - base) - noise, 0)
    out = 0.5 + base_share * (np.clip(base, 0, 1) - 0.5) + gain * detail
    return np.clip(out, 0, 1) * weight


def column_offsets(image: Image, valid: Image, window: int) -> NDArray[np.float64]:
    """Median over the rows of what is left of a local straight line."""
    values = np.where(valid & np.isfinite(image), image.astype(np.float64), np.nan)
    offsets = np.zeros(image.shape[1])
    for x in range(image.shape[1]):
        high_pass = []
        for row in values:
            columns = np.arange(max(x - window, 0), min(x + window + 1, len(row)))
            columns = columns[~np.isnan(row[columns])]
            if np.isnan(row[x]):
                continue
            design = np.stack([np.ones(len(columns)), columns - x], axis=1)
            line = np.linalg.lstsq(design, row[columns], rcond=None)[0]
            high_pass.append(row[x] - line[0])
        if high_pass:
            offsets[x] = np.median(high_pass)
    return offsets


def neighbours(values: Image, y: int, x: int, radius: int) -> NDArray[np.float64]:
    """Values of the window around a pixel that are not NaN, without the pixel."""
    cut = values.astype(np.float64).copy()
    cut[y, x] = np.nan
    window = cut[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
    return window[~np.isnan(window)]


def find_bad_pixels(image: Image, valid: Image, threshold: float, minimum: float) -> Image:
    """The rule of BadPixels, pixel by pixel."""
    values = np.where(valid & np.isfinite(image), image.astype(np.float64), np.nan)
    steps = np.abs(np.diff(values, axis=1))
    steps = steps[~np.isnan(steps)]
    sigma = 1.4826 * (np.median(steps) if steps.size else 0) / np.sqrt(2)
    distance = max(threshold * sigma, minimum)
    bad = valid & ~np.isfinite(image)
    for y, x in np.argwhere(~np.isnan(values)):
        near = neighbours(values, y, x, 1)
        if near.size:
            bad[y, x] = values[y, x] > near.max() + distance or values[y, x] < near.min() - distance
    return bad


def replace_pixels(image: Image, valid: Image, bad: Image) -> Image:
    """Medians of the good neighbours; whole numbers rounded half to even."""
    good = np.where(valid & ~bad & np.isfinite(image), image.astype(np.float64), np.nan)
    out = image.copy()
    for y, x in np.argwhere(bad):
        for radius in range(1, 8):
            near = neighbours(good, y, x, radius)
            if near.size:
                value = np.median(near)
                out[y, x] = value if image.dtype == np.float32 else np.rint(value)
                break
    return out
