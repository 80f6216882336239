"""Scenes of boxes seen by two cameras whose fields of view are known."""

from __future__ import annotations

import numpy as np

INFRARED = (512, 640)
VISIBLE = (1080, 1920)


def scene(rng: np.random.Generator, count: int) -> np.ndarray:
    """People on a street: feet lower in the picture are nearer and larger. (count, 4) xyxy."""
    height = rng.uniform(60, 180, count)
    width = height * rng.uniform(0.35, 0.5, count)
    feet = 200 + 1.2 * height + rng.uniform(-30, 30, count)
    x = rng.uniform(30, 610, count)
    return np.stack([x - width / 2, feet - height, x + width / 2, feet], axis=1)


def field_of_view(rng: np.random.Generator) -> np.ndarray:
    """An infrared frame that lies wholly inside the visible one, (2, 3)."""
    scale = rng.uniform(1.1, 2.0)
    room = np.array([VISIBLE[1], VISIBLE[0]]) - scale * np.array([INFRARED[1], INFRARED[0]])
    shift = rng.uniform(0, 1, 2) * room
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def zoom(matrix: np.ndarray) -> float:
    """Visible pixels for an infrared one."""
    return float(matrix[0, 0])


def label_visible(
    rng: np.random.Generator, truth: np.ndarray, matrix: np.ndarray, *, noise: float,
    wrong: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Label the visible frame: edges off by up to ``noise``, some boxes on something else."""
    x, y = (
        matrix[0, 0] * truth[:, 0::2] + matrix[0, 2],
        matrix[1, 1] * truth[:, 1::2] + matrix[1, 2],
    )
    boxes = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)
    boxes += rng.uniform(-noise, noise, boxes.shape)
    for row in np.flatnonzero(rng.random(len(boxes)) < wrong):
        other = scene(rng, 1)[0]
        boxes[row] = other * zoom(matrix) + np.tile(matrix[:, 2], 2)
    return boxes[rng.permutation(len(boxes))]


def shuffle(rng: np.random.Generator, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The boxes in another order, and the order."""
    order = rng.permutation(len(boxes))
    return boxes[order], order


def iou(a, b) -> float:
    """Intersection over union, written out."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (total - width * height)


def true_window(
    matrix: np.ndarray, infrared: tuple[int, int] = INFRARED, visible: tuple[int, int] = VISIBLE
) -> tuple[float, float, float, float]:
    """What the infrared frame covers of the visible one, by arithmetic."""
    x0, y0 = matrix[0, 2], matrix[1, 2]
    x1, y1 = x0 + matrix[0, 0] * infrared[1], y0 + matrix[1, 1] * infrared[0]
    return max(x0, 0), max(y0, 0), min(x1, visible[1]), min(y1, visible[0])


def recovered(matrix: np.ndarray, found, **sizes) -> float:
    """IoU of the window found with the true one, in visible pixels."""
    return iou(found.visible_window, true_window(matrix, **sizes))
