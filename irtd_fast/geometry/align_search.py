"""Which boxes of two frames show the same objects: hypotheses from few matches, then consensus.

Locally optimised random sampling (Chum, Matas, Kittler, Locally Optimized RANSAC, DAGM 2003):
one match or two give a scale and a shift; each hypothesis is judged by how many boxes it explains
(truncated quadratic, Torr and Zisserman, MLESAC, CVIU 2000); the best are refitted with a
one-to-one assignment (SciPy's Hungarian method) until nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from irtd_fast.geometry.align_model import (
    LEAST_MATCHES,
    Fit,
    Float,
    ModelName,
    fit_model,
    map_boxes,
)

Bool = NDArray[np.bool_]
Index = NDArray[np.int64]

_KEPT = 12  # hypotheses that are refined
_ROUNDS = 10
_CHUNK = 1 << 17  # residuals computed at once: they stay in the caches
_DISTINCT = 0.7  # IoU of the mapped frames below which two solutions are different ones


@dataclass(frozen=True)
class Candidate:
    """One consistent reading of the two label sets.

    Attributes:
        fit: The model.
        matches: (k, 2) indices into the infrared and the visible boxes, ascending.
        score: Sum over the matches of 1 - (residual / tolerance)^2.
    """

    fit: Fit
    matches: Index
    score: float


def search(
    infrared: Float, visible: Float, compatible: Bool, *, model: ModelName, noise: float,
    scale_range: tuple[float, float], hypotheses: int, rng: np.random.Generator,
    prior: Float | None = None,
) -> list[Candidate]:  # fmt: skip
    """Find the candidates, best first.

    Args:
        infrared: (n, 4) boxes.
        visible: (m, 4) boxes.
        compatible: (n, m) true where two boxes may show one object.
        model: Of the refinement; hypotheses are always scale and shift.
        noise: Standard deviation of a label's edge in pixels, in either frame.
        scale_range: Scales beyond it are not tried.
        hypotheses: At most so many, drawn at random where there are more.
        rng: For that draw.
        prior: (2, 3) a matrix to try besides.
    """
    pairs = np.argwhere(compatible)
    if len(pairs) == 0:
        return []
    matrices = _hypotheses(infrared, visible, pairs, hypotheses, rng)
    scale = matrices[:, 0, 0]
    matrices = matrices[(scale >= scale_range[0]) & (scale <= scale_range[1])]
    if prior is not None:
        matrices = np.concatenate([prior[None], matrices])
    if len(matrices) == 0:
        return []
    scores = _scores(matrices, infrared, visible, compatible, noise)
    order = np.argsort(-scores, kind="stable")[:_KEPT]
    if prior is not None and 0 not in order:
        order = np.append(order, 0)
    found: dict[bytes, Candidate] = {}
    for matrix in matrices[order]:
        candidate = _refine(matrix, infrared, visible, compatible, model, noise)
        if candidate is not None and _in_range(candidate.fit, scale_range):
            found.setdefault(candidate.matches.tobytes(), candidate)
    return sorted(found.values(), key=lambda c: (-c.score, -len(c.matches)))


def _in_range(fit: Fit, scale_range: tuple[float, float]) -> bool:
    return scale_range[0] <= fit.scale <= scale_range[1]


def _hypotheses(
    infrared: Float, visible: Float, pairs: Index, most: int, rng: np.random.Generator
) -> Float:
    """Matrices (h, 2, 3) of scale and shift from single matches and from pairs of matches."""
    single = pairs if len(pairs) <= most // 2 else rng.choice(pairs, most // 2, replace=False)
    one = _scale_shift(infrared[single[:, :1]], visible[single[:, 1:]])
    count = len(pairs)
    if count * (count - 1) // 2 <= most:
        first, second = np.triu_indices(count, 1)
    else:
        first, second = rng.integers(0, count, (2, most))
    a, b = pairs[first], pairs[second]
    distinct = (a[:, 0] != b[:, 0]) & (a[:, 1] != b[:, 1])
    both = np.stack([a[distinct], b[distinct]], axis=1)
    two = _scale_shift(infrared[both[..., 0]], visible[both[..., 1]])
    return np.concatenate([one, two])


def _scale_shift(infrared: Float, visible: Float) -> Float:
    """Least-squares scale and shift of (h, k, 4) boxes: (h, 2, 3)."""
    count = len(infrared)
    corners = 2 * infrared.shape[1]
    a = infrared.reshape(count, corners, 2)
    b = visible.reshape(count, corners, 2)
    mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
    from_a, from_b = a - mean_a[:, None], b - mean_b[:, None]
    spread = (from_a**2).sum(axis=(1, 2))
    scale = (from_a * from_b).sum(axis=(1, 2)) / np.maximum(spread, 1e-12)
    matrices = np.zeros((count, 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    matrices[:, :, 2] = mean_b - scale[:, None] * mean_a
    return matrices


def tolerances(scale: Float, noise: float) -> Float:
    """Largest residual of an edge, in visible pixels, that label noise explains (3 sigma)."""
    result: Float = 3.0 * noise * np.sqrt(1.0 + np.asarray(scale, np.float64) ** 2)
    return result


def residuals(matrices: Float, infrared: Float, visible: Float, noise: float) -> Float:
    """Largest edge residual over its tolerance, (h, n, m), for matrices (h, 2, 3)."""
    mapped = map_boxes(matrices[:, None], infrared[None])
    scale = np.sqrt(np.abs(np.linalg.det(matrices[:, :, :2])))
    # Edge by edge: one array of (h, n, m, 4) would leave the caches.
    worst = np.abs(mapped[:, :, None, 0] - visible[:, 0])
    for edge in range(1, 4):
        apart = mapped[:, :, None, edge] - visible[:, edge]
        np.maximum(worst, np.abs(apart, out=apart), out=worst)
    worst /= tolerances(scale, noise)[:, None, None]
    return worst


def _scores(
    matrices: Float, infrared: Float, visible: Float, compatible: Bool, noise: float
) -> Float:
    step = max(1, _CHUNK // compatible.size)
    parts = []
    for first in range(0, len(matrices), step):
        worst = residuals(matrices[first : first + step], infrared, visible, noise)
        np.subtract(1.0, np.square(worst, out=worst), out=worst)
        gain = np.maximum(worst, 0.0, out=worst)
        gain *= compatible
        # A box explains one box only: the sum over the better side counts some of them twice.
        parts.append(np.minimum(gain.max(axis=1).sum(axis=1), gain.max(axis=2).sum(axis=1)))
    return np.concatenate(parts)


def assign(
    matrix: Float, infrared: Float, visible: Float, compatible: Bool, noise: float
) -> tuple[Index, Float]:
    """Best one-to-one matches under a matrix: (k, 2) indices and (k,) residuals over tolerance."""
    worst = residuals(matrix[None], infrared, visible, noise)[0]
    cost = np.where(compatible & (worst < 1.0), worst**2 - 1.0, 0.0)
    rows, columns = linear_sum_assignment(cost)
    used = cost[rows, columns] < 0
    matches = np.stack([rows[used], columns[used]], axis=1).astype(np.int64)
    return matches, worst[rows[used], columns[used]]


def _refine(
    matrix: Float, infrared: Float, visible: Float, compatible: Bool, model: ModelName,
    noise: float,
) -> Candidate | None:  # fmt: skip
    best: Candidate | None = None
    for _ in range(_ROUNDS):
        matches, worst = assign(matrix, infrared, visible, compatible, noise)
        score = float((1.0 - worst**2).sum())
        if best is not None and score <= best.score + 1e-9:
            break
        fit = _fit(model, infrared[matches[:, 0]], visible[matches[:, 1]])
        if fit is None:
            break
        matches, worst = assign(fit.matrix, infrared, visible, compatible, noise)
        if len(matches) == 0:
            break
        best = Candidate(fit, matches, float((1.0 - worst**2).sum()))
        matrix = fit.matrix
    return best


def _fit(model: ModelName, infrared: Float, visible: Float) -> Fit | None:
    """Fit the model, or scale and shift where the matches are too few or too regular for it."""
    fit = fit_model(model, infrared, visible) if len(infrared) >= LEAST_MATCHES[model] else None
    return (
        fit if fit is not None or model == "translation" else fit_model("scale", infrared, visible)
    )


def rivals(candidates: list[Candidate], frame: tuple[int, int]) -> float:
    """Score of the best candidate that says something else, over the best score; 0 without one.

    Args:
        candidates: As ``search`` gives them.
        frame: (height, width) of the infrared picture.
    """
    if len(candidates) < 2:
        return 0.0
    box = np.array([0.0, 0.0, frame[1], frame[0]])
    first = map_boxes(candidates[0].fit.matrix, box)
    for other in candidates[1:]:
        if box_iou(first, map_boxes(other.fit.matrix, box)) < _DISTINCT:
            return other.score / candidates[0].score
    return 0.0


def box_iou(a: Float, b: Float) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inner = max(width, 0.0) * max(height, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner
    return float(inner / union) if union > 0 else 0.0
