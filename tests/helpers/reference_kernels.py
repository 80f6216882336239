"""Slow and obvious versions of the native kernels: the definitions, in plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Window = tuple[float, float, float, float]
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def axis_taps(
    begin: float, end: float, size: int, out: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Left source index and weight of its right neighbour for every output index of an axis.

    Half-pixel centres, clamped to the pixels that the window [begin, end) touches in the image.
    """
    first = min(max(math.floor(begin), 0), size - 1)
    last = min(max(math.ceil(end) - 1, first), size - 1)
    centre = begin + (np.arange(out) + 0.5) * (end - begin) / out - 0.5
    at = np.clip(centre, first, last)
    left = np.floor(at).astype(np.int64)
    return left, at - left


def resample(
    image: npt.NDArray[np.generic],
    window: Window,
    size: tuple[int, int],
    *,
    flip: bool = False,
    scale: float = 1.0,
    offset: float = 0.0,
) -> npt.NDArray[np.float64]:
    """Bilinear resampling of a window in double precision: (h, w) or (h, w, c) → same rank."""
    y, wy = axis_taps(window[1], window[3], image.shape[0], size[0])
    x, wx = axis_taps(window[0], window[2], image.shape[1], size[1])
    pixels = image.astype(np.float64)
    right = np.minimum(x + 1, image.shape[1] - 1)
    below = np.minimum(y + 1, image.shape[0] - 1)
    channels = (1,) * (image.ndim - 2)
    wx = wx.reshape(-1, *channels)
    wy = wy.reshape(-1, 1, *channels)
    across = pixels[:, x] * (1 - wx) + pixels[:, right] * wx
    result = across[y] * (1 - wy) + across[below] * wy
    if flip:
        result = result[:, ::-1]
    return result * scale + offset


def luma(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """BT.601 luma of (h, w, 3) RGB."""
    return image @ np.asarray(LUMA)


def as_integers(values: npt.NDArray[np.float64], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """Round half to even and saturate."""
    info = np.iinfo(np.dtype(dtype))
    return np.clip(np.rint(values), info.min, info.max).astype(dtype)


def remap_box(
    box: Sequence[float], matrix: npt.NDArray[np.float64]
) -> tuple[float, float, float, float] | None:
    """Axis-aligned hull of the mapped corners, None for what is no box."""
    x0, y0, x1, y1 = (float(v) for v in box)
    if not all(map(math.isfinite, (x0, y0, x1, y1))) or x1 < x0 or y1 < y0:
        return None
    corners = np.array([[x0, y0, 1], [x1, y0, 1], [x0, y1, 1], [x1, y1, 1]])
    mapped = corners @ matrix.T
    if not np.isfinite(mapped).all():
        return None
    low, high = mapped.min(axis=0), mapped.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _share(begin: float, end: float, size: float) -> float:
    if end > begin:
        return max(0.0, min(end, size) - max(begin, 0.0)) / (end - begin)
    return 1.0 if 0 <= begin <= size else 0.0


def keep_box(
    hull: tuple[float, float, float, float],
    size: tuple[int, int],
    *,
    min_visible: float,
    min_size: float,
    policy: str,
) -> tuple[tuple[float, float, float, float], float] | None:
    """The box after the policy and its visible fraction, or None where it goes."""
    height, width = size
    x0, y0, x1, y1 = hull
    near = 1e-3
    inside = x0 >= -near and y0 >= -near and x1 <= width + near and y1 <= height + near
    visible = 1.0 if inside else _share(x0, x1, width) * _share(y0, y1, height)
    cut = (
        min(max(x0, 0.0), width),
        min(max(y0, 0.0), height),
        min(max(x1, 0.0), width),
        min(max(y1, 0.0), height),
    )
    if visible < min_visible or min(cut[2] - cut[0], cut[3] - cut[1]) < min_size:
        return None
    if (policy == "drop" and not inside) or (policy == "clip" and np.float32(visible) <= 0):
        return None
    return (hull if policy == "keep" else cut), visible


def remap_boxes(
    boxes: npt.NDArray[np.float32],
    offsets: npt.NDArray[np.uint64],
    matrices: npt.NDArray[np.float64],
    size: tuple[int, int],
    *,
    min_visible: float = 0.0,
    min_size: float = 0.0,
    policy: str = "clip",
) -> tuple[
    npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.uint64], npt.NDArray[np.float64]
]:
    """One box at a time: (boxes, kept indices, offsets, visible fractions)."""
    out: list[tuple[float, float, float, float]] = []
    kept: list[int] = []
    visible: list[float] = []
    ends = [0]
    for sample in range(len(offsets) - 1):
        for i in range(int(offsets[sample]), int(offsets[sample + 1])):
            hull = remap_box(boxes[i].tolist(), matrices[sample])
            if hull is None:
                continue
            found = keep_box(hull, size, min_visible=min_visible, min_size=min_size, policy=policy)
            if found is not None:
                out.append(found[0])
                visible.append(found[1])
                kept.append(i)
        ends.append(len(kept))
    return (
        np.array(out, np.float64).reshape(-1, 4),
        np.array(kept, np.int64),
        np.array(ends, np.uint64),
        np.array(visible, np.float64),
    )
