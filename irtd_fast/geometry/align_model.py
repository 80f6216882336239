"""Linear models that take infrared pixels to visible pixels, fitted to matched boxes.

Every model is linear in its parameters, so that the least-squares fit and the uncertainty of what
it predicts are closed forms (Hartley and Zisserman, Multiple View Geometry, 2nd ed., 4.1 and 5).
Boxes give their four edges to models without rotation, their centres to the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
ModelName = Literal["translation", "scale", "scale_xy", "similarity", "affine"]

MODELS: tuple[ModelName, ...] = ("translation", "scale", "scale_xy", "similarity", "affine")
# Matches without which a model is not determined; boxes carry size, so one gives scale as well.
LEAST_MATCHES: dict[str, int] = {
    "translation": 1, "scale": 1, "scale_xy": 1, "similarity": 2, "affine": 3,
}  # fmt: skip
# Columns of the design matrix: which of a, b, c, d, e, f (x' = ax + by + c, y' = dx + ey + f)
# each parameter feeds, with its sign.
_FEEDS: dict[str, tuple[tuple[tuple[int, float], ...], ...]] = {
    "translation": (((2, 1.0),), ((5, 1.0),)),
    "scale": (((0, 1.0), (4, 1.0)), ((2, 1.0),), ((5, 1.0),)),
    "scale_xy": (((0, 1.0),), ((4, 1.0),), ((2, 1.0),), ((5, 1.0),)),
    "similarity": (((0, 1.0), (4, 1.0)), ((1, -1.0), (3, 1.0)), ((2, 1.0),), ((5, 1.0),)),
    "affine": tuple(((i, 1.0),) for i in range(6)),
}


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Attributes:
        matrix: (2, 3) float64, infrared to visible pixel edges.
        covariance: Of the six entries, for unit variance of a label's edge.
    """

    matrix: Float
    covariance: Float

    @property
    def scale(self) -> float:
        """Visible pixels for one infrared pixel (root of the area ratio)."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def point_error(self, points: Float) -> Float:
        """Standard error of mapped points, (n,), for unit standard deviation of an edge."""
        rows_x, rows_y = _rows(points)
        variance = np.einsum("ni,ij,nj->n", rows_x, self.covariance, rows_x)
        variance += np.einsum("ni,ij,nj->n", rows_y, self.covariance, rows_y)
        error: Float = np.sqrt(np.maximum(variance, 0.0))
        return error


def _rows(points: Float) -> tuple[Float, Float]:
    """Derivatives of x' and y' by the six entries, (n, 6) each."""
    one, zero = np.ones(len(points)), np.zeros((len(points), 3))
    half = np.stack([points[:, 0], points[:, 1], one], axis=1)
    return np.concatenate([half, zero], axis=1), np.concatenate([zero, half], axis=1)


def fit_model(model: ModelName, infrared: Float, visible: Float) -> Fit | None:
    """Fit a model to matched boxes by least squares.

    Args:
        model: Which.
        infrared: (n, 4) boxes, xyxy edges in infrared pixels.
        visible: (n, 4) their partners in visible pixels.

    Returns:
        ``None`` where the boxes do not determine the model (too few, or all on one line).
    """
    if len(infrared) < LEAST_MATCHES[model]:
        return None
    feeds = np.zeros((6, len(_FEEDS[model])))
    for parameter, entries in enumerate(_FEEDS[model]):
        for entry, sign in entries:
            feeds[entry, parameter] = sign
    design, seen, weight = _observations(model, infrared, visible)
    constant = np.array([1.0, 0, 0, 0, 1.0, 0]) if model == "translation" else np.zeros(6)
    normal = (design @ feeds).T @ (design @ feeds)
    if np.linalg.matrix_rank(normal, tol=1e-9 * max(1.0, float(np.trace(normal)))) < len(normal):
        return None
    inverse = np.linalg.inv(normal)
    parameters = inverse @ (design @ feeds).T @ (seen - design @ constant)
    covariance = feeds @ inverse @ feeds.T * weight
    return Fit((feeds @ parameters + constant).reshape(2, 3), covariance)


def _observations(model: str, infrared: Float, visible: Float) -> tuple[Float, Float, float]:
    """Design rows, what was seen, and an observation's variance in units of an edge's."""
    if model in ("similarity", "affine"):
        mid, seen = centres(infrared), centres(visible)
        rows_x, rows_y = _rows(mid)
        return np.concatenate([rows_x, rows_y]), np.concatenate([seen[:, 0], seen[:, 1]]), 0.5
    # x and y edges are independent observations: each corner pair gives both of its edges once.
    first_x, first_y = _rows(infrared[:, :2])
    last_x, last_y = _rows(infrared[:, 2:])
    design = np.concatenate([first_x, first_y, last_x, last_y])
    return design, visible.T.reshape(-1), 1.0


def centres(boxes: Float) -> Float:
    """Centres of boxes, (n, 2)."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def map_boxes(matrix: Float, boxes: Float) -> Float:
    """Upright hulls of mapped boxes, (…, 4), for matrices (…, 2, 3) that broadcast."""
    x = boxes[..., [0, 2, 2, 0]]
    y = boxes[..., [1, 1, 3, 3]]
    m = matrix[..., :, :, None]
    u = m[..., 0, 0, :] * x + m[..., 0, 1, :] * y + m[..., 0, 2, :]
    v = m[..., 1, 0, :] * x + m[..., 1, 1, :] * y + m[..., 1, 2, :]
    return np.stack([u.min(-1), v.min(-1), u.max(-1), v.max(-1)], axis=-1)
