"""2x3 affines between pixel-edge coordinates: built, composed, inverted, applied.

``x' = m[0, 0] x + m[0, 1] y + m[0, 2]``, ``y' = m[1, 0] x + m[1, 1] y + m[1, 2]``. Coordinates are
edges: pixel k covers [k, k + 1), a picture of width w reaches from 0 to w, so mirroring is
``w - x`` and resizing is a plain scale, without half pixels. Sizes are (height, width). Every
function takes and gives float64, one matrix (2, 3) or many (..., 2, 3). Numbers that are not finite
make matrices that are not: ``invert`` and resampling refuse those, remapping drops what they move.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]
Size = tuple[int, int]


def _make(a: float, b: float, c: float, d: float, e: float, f: float) -> Matrix:
    return np.array([[a, b, c], [d, e, f]], np.float64)


def _positive(name: str, size: Size) -> Size:
    if len(size) != 2 or not (size[0] > 0 and size[1] > 0):
        raise ValueError(f"{name} must be (height, width), both positive, found {size}")
    return size


def _matrices(values: ArrayLike) -> Matrix:
    m = np.asarray(values, np.float64)
    if m.shape[-2:] != (2, 3):
        raise ValueError(f"a matrix must be (..., 2, 3), found shape {m.shape}")
    return m


def identity() -> Matrix:
    """Leaves everything where it is."""
    return _make(1, 0, 0, 0, 1, 0)


def translation(dx: float, dy: float) -> Matrix:
    """Moves by (dx, dy)."""
    return _make(1, 0, dx, 0, 1, dy)


def scaling(sx: float, sy: float) -> Matrix:
    """Scales about the top left corner of the picture."""
    return _make(sx, 0, 0, 0, sy, 0)


def crop(window: ArrayLike, size: Size | None = None) -> Matrix:
    """Cuts windows out and resizes them.

    Args:
        window: (..., 4) xyxy in the picture's pixels.
        size: (height, width) that each window becomes, or ``None`` to keep its own.

    Raises:
        ValueError: Not (..., 4), or a size is asked of a window that has none.
    """
    box = np.asarray(window, np.float64)
    if box.shape[-1:] != (4,):
        raise ValueError(f"window must be (..., 4) xyxy, found shape {box.shape}")
    out = np.zeros((*box.shape[:-1], 2, 3))
    out[..., 0, 0] = out[..., 1, 1] = 1
    if size is not None:
        sides = box[..., 2:] - box[..., :2]
        if not (sides > 0).all():
            raise ValueError("a window that is resized must have positive sides")
        size = _positive("size", size)
        out[..., 0, 0] = size[1] / sides[..., 0]
        out[..., 1, 1] = size[0] / sides[..., 1]
    out[..., 0, 2] = -box[..., 0] * out[..., 0, 0]
    out[..., 1, 2] = -box[..., 1] * out[..., 1, 1]
    return out


def resize(old: Size, new: Size) -> Matrix:
    """Stretches a picture of size ``old`` to ``new``.

    Raises:
        ValueError: A side that is not positive.
    """
    old, new = _positive("old", old), _positive("new", new)
    return scaling(new[1] / old[1], new[0] / old[0])


def flip_horizontal(width: float) -> Matrix:
    """Mirrors left and right in a picture of this width."""
    return _make(-1, 0, width, 0, 1, 0)


def flip_vertical(height: float) -> Matrix:
    """Mirrors top and bottom in a picture of this height."""
    return _make(1, 0, 0, 0, -1, height)


def rotate90(quarters: int, size: Size) -> Matrix:
    """Turns a picture of this size counter-clockwise by quarters, as ``numpy.rot90`` does.

    An odd number of quarters swaps height and width.
    """
    height, width = size
    turns = (
        _make(1, 0, 0, 0, 1, 0),
        _make(0, 1, 0, -1, 0, width),
        _make(-1, 0, width, 0, -1, height),
        _make(0, -1, height, 1, 0, 0),
    )
    return turns[quarters % 4]


def rotation(radians: float, centre: tuple[float, float], scale: float = 1.0) -> Matrix:
    """Turns from x towards y (clockwise on a screen) about a centre (x, y), and scales."""
    cos, sin = scale * math.cos(radians), scale * math.sin(radians)
    x, y = centre
    return _make(cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y)


def letterbox(old: Size, new: Size) -> Matrix:
    """Scales a picture so that all of it fits into ``new``, centred, its aspect kept.

    Raises:
        ValueError: A side that is not positive.
    """
    old, new = _positive("old", old), _positive("new", new)
    scale = min(new[0] / old[0], new[1] / old[1])
    return _make(scale, 0, (new[1] - scale * old[1]) / 2, 0, scale, (new[0] - scale * old[0]) / 2)


def compose(*steps: Matrix) -> Matrix:
    """One matrix that does these steps in order, the first one first; none at all: identity.

    Raises:
        ValueError: A step is not (..., 2, 3).
    """
    out = identity()
    for step in map(_matrices, steps):
        linear = step[..., :, :2]
        out = linear @ out
        out[..., :, 2] += step[..., :, 2]
    return out


def invert(matrix: Matrix) -> Matrix:
    """The matrix that undoes this one.

    Raises:
        ValueError: There is none: it maps the plane onto a line or a point, or is not finite (or
            its inverse is not). Or it is not (..., 2, 3).
    """
    m = _matrices(matrix)
    a, b, c, d = m[..., 0, 0], m[..., 0, 1], m[..., 1, 0], m[..., 1, 1]
    with np.errstate(over="ignore", invalid="ignore"):
        determinant = a * d - b * c
        usable = np.isfinite(determinant) & (determinant != 0) & np.isfinite(m).all(axis=(-2, -1))
    if not usable.all():
        raise ValueError("no inverse: a matrix is singular or not finite")
    out = np.empty_like(m)
    with np.errstate(over="ignore", invalid="ignore"):
        out[..., 0, 0], out[..., 0, 1] = d / determinant, -b / determinant
        out[..., 1, 0], out[..., 1, 1] = -c / determinant, a / determinant
        out[..., :, 2] = -(out[..., :, :2] @ m[..., :, 2:])[..., 0]
    if not np.isfinite(out).all():
        raise ValueError("no inverse: a matrix is singular or not finite")
    return out


def apply(matrix: Matrix, points: ArrayLike) -> NDArray[np.float64]:
    """Map points (..., n, 2) in double precision by matrices (..., 2, 3).

    Raises:
        ValueError: Shapes other than these.
    """
    m, xy = _matrices(matrix), np.asarray(points, np.float64)
    if xy.shape[-1:] != (2,):
        raise ValueError(f"points must be (..., n, 2), found shape {xy.shape}")
    with np.errstate(all="ignore"):  # what is not finite stays so
        moved: NDArray[np.float64] = xy @ np.swapaxes(m[..., :, :2], -1, -2)
        return moved + m[..., None, :, 2]


def keeps_axes(matrix: Matrix) -> NDArray[np.bool_]:
    """Whether upright boxes stay upright; otherwise their hulls grow.

    Raises:
        ValueError: Not (..., 2, 3).
    """
    m = _matrices(matrix)
    straight = (m[..., 0, 1] == 0) & (m[..., 1, 0] == 0)
    turned = (m[..., 0, 0] == 0) & (m[..., 1, 1] == 0)
    return np.asarray(straight | turned)
