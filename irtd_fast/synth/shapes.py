"""Warm things: people, vehicles, animals, as soft unions of rounded blocks with exact boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.scene import F32
from irtd_fast.types import Box

# Below this opacity a pixel does not belong to the object and is left alone.
_SUPPORT = 0.2


@dataclass(frozen=True, slots=True)
class Shape:
    """Parts in a unit square: centre x, y, radius x, y, heat; higher powers are more square."""

    power: int
    parts: tuple[tuple[float, float, float, float, float], ...]
    aspect: float  # width / height
    relative_height: float  # to a person at the same distance


SHAPES = {
    "person": Shape(
        2,
        (
            (0.50, 0.105, 0.23, 0.11, 1.15),
            (0.50, 0.37, 0.44, 0.24, 0.85),
            (0.34, 0.76, 0.19, 0.27, 0.72),
            (0.66, 0.76, 0.19, 0.27, 0.72),
        ),
        0.40,
        1.0,
    ),
    "car": Shape(
        4,
        (
            (0.50, 0.62, 0.51, 0.27, 0.55),
            (0.50, 0.27, 0.33, 0.28, 0.35),
            (0.21, 0.86, 0.10, 0.16, 1.20),
            (0.79, 0.86, 0.10, 0.16, 1.20),
            (0.50, 0.60, 0.20, 0.12, 0.95),
        ),
        1.75,
        0.85,
    ),
    "bike": Shape(
        2,
        (
            (0.22, 0.68, 0.23, 0.34, 0.45),
            (0.78, 0.68, 0.23, 0.34, 0.45),
            (0.50, 0.45, 0.34, 0.16, 0.55),
            (0.70, 0.16, 0.12, 0.18, 0.50),
        ),
        1.30,
        0.60,
    ),
    "dog": Shape(
        2,
        (
            (0.50, 0.48, 0.36, 0.24, 0.90),
            (0.86, 0.22, 0.16, 0.23, 1.10),
            (0.24, 0.80, 0.09, 0.22, 0.80),
            (0.72, 0.80, 0.09, 0.22, 0.80),
            (0.09, 0.34, 0.10, 0.12, 0.60),
        ),
        1.40,
        0.38,
    ),
    "truck": Shape(
        6,
        (
            (0.36, 0.42, 0.37, 0.43, 0.40),
            (0.84, 0.58, 0.17, 0.28, 0.75),
            (0.20, 0.90, 0.08, 0.11, 1.10),
            (0.82, 0.90, 0.08, 0.11, 1.10),
        ),
        1.55,
        1.75,
    ),
}


@dataclass(slots=True)
class Patch:
    """A shape drawn on whole pixels.

    Attributes:
        top: First row in the picture.
        left: First column.
        alpha: (h, w) float32 opacity; zero outside the object.
        part: (h, w) index of the part that shows.
        heat: (h, w) float32, 1 is skin.
    """

    top: int
    left: int
    alpha: F32
    part: NDArray[np.intp]
    heat: F32

    @property
    def box(self) -> Box:
        """Tight edges of the pixels that belong to the object."""
        height, width = self.alpha.shape
        return (
            float(self.left),
            float(self.top),
            float(self.left + width),
            float(self.top + height),
        )

    def region(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """View of the pixels under the patch."""
        height, width = self.alpha.shape
        return image[self.top : self.top + height, self.left : self.left + width]


def draw_shape(shape: Shape, box: Box, size: tuple[int, int]) -> Patch | None:
    """Draw a shape into a box of a picture, cut at the picture's border.

    Args:
        shape: What to draw.
        box: Where, edges in pixels, any fractions; the tight box lies inside of it.
        size: ``(height, width)`` of the picture.

    Returns:
        The patch, trimmed to its support, or ``None`` if nothing shows.
    """
    x0, y0, x1, y1 = box
    top, bottom = max(0, int(np.floor(y0))), min(size[0], int(np.ceil(y1)))
    left, right = max(0, int(np.floor(x0))), min(size[1], int(np.ceil(x1)))
    if top >= bottom or left >= right:
        return None
    v = (np.arange(top, bottom, dtype=np.float32) + 0.5 - np.float32(y0)) / np.float32(y1 - y0)
    u = (np.arange(left, right, dtype=np.float32) + 0.5 - np.float32(x0)) / np.float32(x1 - x0)
    return _trim(top, left, *_evaluate(shape, u[None, :], v[:, None]))


def draw_oriented(
    shape: Shape, oriented: tuple[float, float, float, float, float], size: tuple[int, int]
) -> Patch | None:
    """Draw a filled turned rectangle whose heat is that of a shape.

    Args:
        shape: Gives the heat.
        oriented: ``(cx, cy, w, h, angle)``, edges in pixels, radians clockwise as seen.
        size: ``(height, width)`` of the picture.

    Returns:
        The patch of the pixels whose middle lies in the rectangle, or ``None``.
    """
    cx, cy, w, h, angle = oriented
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    half_w, half_h = (w * abs(cos) + h * abs(sin)) / 2, (w * abs(sin) + h * abs(cos)) / 2
    top, bottom = max(0, int(cy - half_h)), min(size[0], int(cy + half_h) + 1)
    left, right = max(0, int(cx - half_w)), min(size[1], int(cx + half_w) + 1)
    if top >= bottom or left >= right:
        return None
    dy = (np.arange(top, bottom, dtype=np.float64) + 0.5 - cy)[:, None]
    dx = (np.arange(left, right, dtype=np.float64) + 0.5 - cx)[None, :]
    u, v = (dx * cos + dy * sin) / w + 0.5, (dy * cos - dx * sin) / h + 0.5
    alpha, part, heat = _evaluate(shape, u.astype(np.float32), v.astype(np.float32))
    inside = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    alpha = np.where(inside, np.maximum(alpha, np.float32(0.6)), np.float32(0.0))
    heat = np.where(heat > 0, heat, np.float32(0.5))
    return _trim(top, left, alpha, part, heat)


def _evaluate(shape: Shape, u: F32, v: F32) -> tuple[F32, NDArray[np.intp], F32]:
    parts = np.array(shape.parts, dtype=np.float32)
    centre_x, centre_y, radius_x, radius_y, heats = parts.T[:, :, None, None]
    field = 1 - np.abs((u - centre_x) / radius_x) ** shape.power
    field = field - np.abs((v - centre_y) / radius_y) ** shape.power
    part = field.argmax(axis=0)
    alpha = np.clip(field.max(axis=0) * np.float32(2.5), 0.0, 1.0)
    # Later parts lie on top where they are inside, so that engines and wheels show.
    for index in range(1, len(shape.parts)):
        part[field[index] > 0] = index
    heat = heats[:, 0, 0][part]
    return alpha, part, heat


def _trim(top: int, left: int, alpha: F32, part: NDArray[np.intp], heat: F32) -> Patch | None:
    alpha = np.where(alpha >= _SUPPORT, alpha, np.float32(0.0)).astype(np.float32)
    rows = np.flatnonzero(alpha.any(axis=1))
    columns = np.flatnonzero(alpha.any(axis=0))
    if not rows.size:
        return None
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Patch(top + int(rows[0]), left + int(columns[0]), alpha[cut], part[cut], heat[cut])


def paint_heat(counts: F32, patch: Patch, *, ground: float, contrast: float) -> None:
    """Blend a warm object into counts, in place: ``ground + contrast * heat``."""
    region = patch.region(counts)
    region += patch.alpha * (np.float32(ground) + np.float32(contrast) * patch.heat - region)


def paint_colour(planes: list[F32], patch: Patch, colours: F32) -> None:
    """Blend an object into colour planes, in place.

    Args:
        planes: Three (h, w) float planes.
        patch: The object.
        colours: (parts, 3) colour of each part.
    """
    for channel, plane in enumerate(planes):
        region = patch.region(plane)
        region += patch.alpha * (colours[patch.part, channel] - region)


def overlaps(box: Box, others: list[Box], margin: float = 1.0) -> bool:
    """Whether a box comes closer than ``margin`` to any of the others."""
    x0, y0, x1, y1 = box
    return any(
        x0 < other[2] + margin
        and other[0] < x1 + margin
        and y0 < other[3] + margin
        and other[1] < y1 + margin
        for other in others
    )
