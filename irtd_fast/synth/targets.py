"""Small targets of two to nine pixels on clouds, with their masks, boxes and weighted centroids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from irtd_fast.synth.layouts import clouds
from irtd_fast.synth.scene import F32, U8, add_noise, grid_shape, resample
from irtd_fast.synth.truth import TrueObject, TruePoint
from irtd_fast.types import Box


@dataclass(slots=True)
class SmallTargets:
    """A sky with targets.

    Attributes:
        image: uint8 (h, w).
        mask: uint8 (h, w), 255 where a target was drawn, else 0.
        objects: Tight boxes of the drawn pixels.
        points: Centroids weighted by the picture's own levels, in edge coordinates.
    """

    image: U8
    mask: U8
    objects: list[TrueObject]
    points: list[TruePoint]


def draw_targets(
    rng: np.random.Generator, size: tuple[int, int], count: int, category: str
) -> SmallTargets:
    """Draw a sky and up to ``count`` targets, each at least 6 pixels from the next.

    A target is a Gaussian point spread function at a sub-pixel place, cut to its two to nine
    strongest pixels, so that the mask is exactly what was drawn.

    Args:
        rng: Random numbers.
        size: ``(height, width)``.
        count: Targets to place.
        category: Their name.
    """
    sky = resample(clouds(rng, grid_shape(size)), size)
    add_noise(rng, sky, 1.1)
    spots = [spot for _ in range(count) if (spot := _place(rng, size)) is not None]
    kept: list[tuple[F32, int, int]] = []
    for spot in spots:
        if all(max(abs(spot[1] - o[1]), abs(spot[2] - o[2])) > 11 for o in kept):
            kept.append(spot)
    mask = np.zeros(size, dtype=np.uint8)
    for profile, top, left in kept:
        region = sky[top : top + 5, left : left + 5]
        room = 250.0 - float(region.max())
        region += profile * np.float32(min(room, float(rng.uniform(45, 120))))
        mask[top : top + 5, left : left + 5][profile > 0] = 255
    image = np.clip(sky, 0, 255).astype(np.uint8)
    objects, points = [], []
    for profile, top, left in kept:
        objects.append(TrueObject(category, _tight(profile, top, left)))
        points.append(_centroid(image, profile, top, left, category))
    return SmallTargets(image, mask, objects, points)


def _place(rng: np.random.Generator, size: tuple[int, int]) -> tuple[F32, int, int] | None:
    if min(size) < 8:
        return None
    top = int(rng.integers(1, size[0] - 6))
    left = int(rng.integers(1, size[1] - 6))
    centre = 2.5 + rng.uniform(-0.5, 0.5, 2)
    sigma = float(rng.uniform(0.5, 0.98))
    at = np.arange(5) + 0.5
    distance = (at[:, None] - centre[0]) ** 2 + (at[None, :] - centre[1]) ** 2
    order = np.sort(distance, axis=None)
    pixels = int(np.clip(np.count_nonzero(distance < 2.77 * sigma * sigma), 2, 9))
    profile = np.exp(-distance / (2 * sigma * sigma))
    profile = np.where(distance <= order[pixels - 1], np.maximum(profile, 0.2), 0.0)
    return (profile / profile.max()).astype(np.float32), top, left


def _tight(profile: F32, top: int, left: int) -> Box:
    rows, columns = np.nonzero(profile)
    return (
        float(left + columns.min()),
        float(top + rows.min()),
        float(left + columns.max() + 1),
        float(top + rows.max() + 1),
    )


def _centroid(image: U8, profile: F32, top: int, left: int, category: str) -> TruePoint:
    rows, columns = np.nonzero(profile)
    level = image[top + rows, left + columns].astype(np.float64)
    total = float(level.sum())
    x = float((level * (left + columns + 0.5)).sum()) / total
    y = float((level * (top + rows + 0.5)).sum()) / total
    return TruePoint(category, x, y)
