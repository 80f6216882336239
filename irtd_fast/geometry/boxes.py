"""Box formats and units, converted without surprises.

Formats: ``xyxy`` (edges), ``xywh`` (left, top, sides), ``cxcywh`` (centre, sides). Units:
``pixel``, ``unit`` (0..1 of width and height), ``mille`` (0..1000 of them). Everything is computed
in float64; data is never refused, whatever it holds: NaN stays NaN, infinity and a picture without
width or height give what the arithmetic of floats gives (infinity or NaN), without warnings.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

BoxFormat = Literal["xyxy", "xywh", "cxcywh"]
BoxUnit = Literal["pixel", "unit", "mille"]
Floats = NDArray[np.floating[Any]]

_FORMATS = ("xyxy", "xywh", "cxcywh")
_UNITS = {"pixel": None, "unit": 1.0, "mille": 1000.0}


def convert_boxes(
    boxes: ArrayLike,
    source: BoxFormat = "xyxy",
    target: BoxFormat = "xyxy",
    *,
    source_unit: BoxUnit = "pixel",
    target_unit: BoxUnit = "pixel",
    size: ArrayLike | None = None,
) -> Floats:
    """Convert boxes between formats and units.

    Args:
        boxes: (n, 4), any number type.
        source: Format they are in.
        target: Format wanted.
        source_unit: Unit they are in.
        target_unit: Unit wanted.
        size: (height, width) of the picture, or (n, 2) one for each box; needed as soon as a unit
            is not pixels.

    Returns:
        (n, 4), float32 if ``boxes`` are, else float64. ``mille`` is not rounded here; see
        ``per_mille``.

    Raises:
        ValueError: A shape, format or unit that is none of the above, or a size that is missing.
    """
    given = _rows(boxes, 4, "boxes")
    for word in (source, target):
        if word not in _FORMATS:
            raise ValueError(f"format must be {', '.join(_FORMATS)}, found {word!r}")
    with np.errstate(all="ignore"):
        values = _scaled(given.astype(np.float64), source_unit, size, multiply=False)
        values = _from_edges(_to_edges(values, source), target) if source != target else values
        out = _scaled(values, target_unit, size, multiply=True)
        return out.astype(given.dtype if given.dtype == np.float32 else np.float64)


def _rows(values: ArrayLike, columns: int, name: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.size == 0 and array.ndim < 2:
        array = array.reshape(0, columns)
    if array.ndim != 2 or array.shape[1] != columns:
        raise ValueError(f"{name} must be (n, {columns}), found shape {array.shape}")
    return array


def _scaled(
    values: NDArray[np.float64], unit: str, size: ArrayLike | None, *, multiply: bool
) -> NDArray[np.float64]:
    if unit not in _UNITS:
        raise ValueError(f"unit must be one of {', '.join(_UNITS)}, found {unit!r}")
    full = _UNITS[unit]
    if full is None:
        return values
    sides = _sides(size, len(values), values.shape[1])
    # Multiplied first, divided last: where the product is exact, so is the rounding of a tie.
    return values * full / sides if multiply else values * sides / full


def _sides(size: ArrayLike | None, count: int, columns: int) -> NDArray[np.float64]:
    if size is None:
        raise ValueError("size (height, width) is needed for units other than pixels")
    sides = np.asarray(size, np.float64)
    if sides.shape not in ((2,), (count, 2)):
        raise ValueError(f"size must be (height, width) or ({count}, 2), found {sides.shape}")
    return np.tile(sides[..., ::-1], columns // 2)


def _to_edges(values: NDArray[np.float64], source: str) -> NDArray[np.float64]:
    first, second = values[:, :2], values[:, 2:]
    if source == "xyxy":
        return values
    if source == "xywh":
        return np.concatenate([first, first + second], axis=1)
    return np.concatenate([first - second / 2, first + second / 2], axis=1)


def _from_edges(edges: NDArray[np.float64], target: str) -> NDArray[np.float64]:
    low, high = edges[:, :2], edges[:, 2:]
    if target == "xyxy":
        return edges
    if target == "xywh":
        return np.concatenate([low, high - low], axis=1)
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def per_mille(values: ArrayLike, size: ArrayLike) -> NDArray[np.int64]:
    """Pixels as whole thousandths of width and height, ties to even.

    ``round(x / width * 1000)`` with Python's rounding, computed as ``x * 1000 / width``: for
    coordinates that are multiples of 1/2 that is the exact ratio, so ties are ties. This is how the
    points of the published Location texts were made.

    Args:
        values: (n, 2) x, y or (n, 4) x, y, x, y in pixels.
        size: (height, width), or (n, 2) one for each row.

    Returns:
        int64, the same shape. What is not finite becomes -1; what lies outside is not clipped.

    Raises:
        ValueError: A shape that is none of these.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or array.shape[1] not in (2, 4):
        raise ValueError(f"values must be (n, 2) or (n, 4), found shape {array.shape}")
    with np.errstate(all="ignore"):
        scaled = np.rint(array * 1000 / _sides(size, len(array), array.shape[1]))
        usable = np.abs(scaled) < 1 << 62
    return np.where(usable, scaled, -1).astype(np.int64)


def per_mille_centres(boxes: ArrayLike, size: ArrayLike) -> NDArray[np.int64]:
    """Centres of xyxy boxes (n, 4) as whole thousandths, (n, 2); see ``per_mille``."""
    edges = _rows(boxes, 4, "boxes").astype(np.float64)
    with np.errstate(all="ignore"):
        centres = (edges[:, :2] + edges[:, 2:]) / 2
    return per_mille(centres, size)
