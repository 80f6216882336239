"""The recipes in plain NumPy and double precision: the definitions the kernels are held to."""

from __future__ import annotations

from typing import Any

import numpy as np

TOP = {"float32": 1.0, "float16": 1.0, "bfloat16": 1.0, "uint8": 255.0, "uint16": 65535.0}


def usable(image: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """Pixels that count, in the picture's shape."""
    keep = np.isfinite(image)
    if valid is not None:
        keep = keep & (valid if image.ndim == 2 else valid[..., None])
    return keep


def stretch(
    image: np.ndarray, low: float, high: float, dtype: str, valid: np.ndarray | None
) -> np.ndarray:
    """Clipped share of low..high times the top of the output; invalid pixels are 0."""
    share = np.zeros(image.shape)
    if high > low:
        with np.errstate(invalid="ignore"):
            share = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    keep = np.ones(image.shape, bool) if valid is None else usable(np.zeros(image.shape), valid)
    return np.where(keep & ~np.isnan(image), share, 0) * TOP[dtype]


def percentile_bounds(
    image: np.ndarray, valid: Any, low: float, high: float
) -> tuple[float, float]:
    values = image[usable(image, valid)].astype(np.float64)
    if not values.size:
        return 0.0, 0.0
    first, last = np.percentile(values, (low, high))
    return float(first), float(last)


def plateau_shares(
    histogram: np.ndarray, plateau: float, max_gain: float, linear: float, tail: float,
    midpoint: float, extension: int = -1,
) -> np.ndarray:  # fmt: skip
    """Shares of the output for every count of a histogram."""
    edges = np.concatenate([[0], np.cumsum(histogram.astype(np.float64))])
    total = edges[-1]
    inside = np.diff(np.clip(edges, tail * total, total - tail * total))
    used = np.flatnonzero(inside > 0)
    if len(used) < 2:
        return np.zeros(len(histogram))
    first, last = used[0], used[-1]
    weight = np.minimum(inside, plateau)
    weight[: first + 1] = 0
    step = np.zeros(len(histogram))
    between = slice(first + 1, last + 1)
    # Lepton's artificial population: one for each bin with pixels, and some empty ones after it.
    artificial = np.zeros(len(histogram))
    for v in used:
        artificial[v : len(histogram) if extension < 0 else v + extension + 1] = 1
    line = artificial[between] / artificial[between].sum()
    step[between] = (1 - linear) * weight[between] / weight[between].sum() + linear * line
    if max_gain > 0:
        step = np.minimum(step, max_gain / 255)
    level = np.cumsum(step)
    return np.clip(level + midpoint - level[-1] / 2, 0, 1)


def match_shares(histogram: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Quantile of the reference at the middle rank of each count, as a share of its range."""
    counts = histogram.astype(np.float64)
    ranks = (np.cumsum(counts) - counts / 2) / counts.sum()
    span = reference[-1] - reference[0]
    shares = (reference - reference[0]) / span if span > 0 else np.zeros(len(reference))
    return np.interp(ranks, np.linspace(0, 1, len(reference)), shares)
