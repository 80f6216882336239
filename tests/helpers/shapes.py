"""Strategies and independent definitions for boxes, corners, polygons and points."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, QhullError

SIZE = (120, 160)  # height, width of the frame
any_float32 = st.floats(width=32, allow_nan=True, allow_infinity=True)
sane = st.floats(-300, 300, width=32)
any_coordinate = st.one_of(sane, any_float32, st.sampled_from([0.0, 120.0, 160.0, 160.0005]))


@st.composite
def ragged(draw, columns, coordinate=any_coordinate, samples=4, most=6):
    """Give values (n, columns), offsets and matrices of a batch."""
    counts = draw(st.lists(st.integers(0, most), max_size=samples))
    total = sum(counts)
    flat = draw(st.lists(coordinate, min_size=total * columns, max_size=total * columns))
    values = np.array(flat, np.float32).reshape(-1, columns)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    return values, offsets, np.array([draw(affines()) for _ in counts]).reshape(-1, 2, 3)


@st.composite
def affines(draw):
    """Give a 2x3 matrix: upright, turned by quarters, any, or no good at all."""
    a, b, c, d = (draw(st.floats(-2, 2)) for _ in range(4))
    kind = draw(st.sampled_from(["straight", "quarter", "any", "shift"]))
    linear = {"straight": (a, 0, 0, d), "quarter": (0, b, c, 0), "any": (a, b, c, d)}
    a, b, c, d = linear.get(kind, (1, 0, 0, 1))
    return np.array([[a, b, draw(st.floats(-99, 99))], [c, d, draw(st.floats(-99, 99))]])


def determinant(matrices):
    """Determinants of the linear parts (numpy.linalg.det divides by subnormal pivots)."""
    m = np.asarray(matrices)
    return m[..., 0, 0] * m[..., 1, 1] - m[..., 0, 1] * m[..., 1, 0]


def hull_area(points):
    """Area of the convex hull of points (n, 2), by Qhull."""
    xy = np.asarray(points, np.float64).reshape(-1, 2)
    try:
        return float(ConvexHull(xy, qhull_options="QJ").volume) if len(xy) > 2 else 0.0
    except QhullError:
        return 0.0


def _within(points, polygon):
    """Which points lie in a convex polygon of any direction, borders included."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    reach = points[:, None] - polygon[None]
    side = edges[None, :, 0] * reach[..., 1] - edges[None, :, 1] * reach[..., 0]
    near = 1e-9 * (1 + np.abs(polygon).max()) * np.hypot(*edges.T)
    return (side >= -near).all(axis=1) | (side <= near).all(axis=1)


def shared_area(p, q):
    """Area shared by two convex polygons (n, 2): hull of corners inside and edges crossing.

    (cv2.rotatedRectangleIntersection is wrong where edges lie on each other.)
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    found = [p[_within(p, q)], q[_within(q, p)]]
    for a, b in zip(p, np.roll(p, -1, axis=0), strict=True):
        for c, d in zip(q, np.roll(q, -1, axis=0), strict=True):
            u, v, w = b - a, d - c, c - a
            det = u[0] * v[1] - u[1] * v[0]
            if abs(det) <= 1e-9 * np.hypot(*u) * np.hypot(*v):
                continue
            s, t = (w[0] * v[1] - w[1] * v[0]) / det, (w[0] * u[1] - w[1] * u[0]) / det
            if 0 <= s <= 1 and 0 <= t <= 1:
                found.append((a + s * u)[None])
    return hull_area(np.concatenate(found))


def convex_share(points, size=SIZE):
    """Share of a convex quadrilateral (4, 2) inside the frame; None where it has no area."""
    height, width = size
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    area = hull_area(points)
    return min(1.0, shared_area(points, frame) / area) if area > 1e-6 else None
