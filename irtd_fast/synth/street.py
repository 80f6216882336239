"""Street scenes with people and vehicles, seen by an infrared and a visible camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth import layouts
from irtd_fast.synth.scene import F32, U8, add_noise, centred_noise, grid_shape, resample
from irtd_fast.synth.shapes import SHAPES, Patch, draw_shape, overlaps, paint_colour, paint_heat
from irtd_fast.synth.truth import Matrix
from irtd_fast.types import Box


@dataclass(slots=True)
class Actor:
    """One object of a street.

    Attributes:
        kind: Name of its shape.
        box: Where it was meant to stand, infrared pixels (its tight box lies inside).
        patch: As the infrared camera draws it.
        contrast: Counts above the ground.
        colours: (parts, 3) float32 for the visible camera.
    """

    kind: str
    box: Box
    patch: Patch
    contrast: float
    colours: F32


@dataclass(slots=True)
class Street:
    """A laid out scene with its objects.

    Attributes:
        size: ``(height, width)`` of the infrared picture.
        layout: Background; it reaches ``margin`` beyond the infrared picture on each side.
        margin: ``(rows, columns)`` in infrared pixels.
        actors: Objects, far ones first.
    """

    size: tuple[int, int]
    layout: layouts.Layout
    margin: tuple[float, float]
    actors: list[Actor] = field(default_factory=list)

    def window(self, size: tuple[int, int], matrix: Matrix) -> tuple[float, float, float, float]:
        """Grid cells seen by a camera whose pixels are ``matrix`` of the infrared ones."""
        rows, columns = self.layout.counts.shape
        per_y = rows / (self.size[0] + 2 * self.margin[0])
        per_x = columns / (self.size[1] + 2 * self.margin[1])
        (scale_x, _, shift_x), (_, scale_y, shift_y) = matrix
        return (
            (-shift_x / scale_x + self.margin[1]) * per_x,
            (-shift_y / scale_y + self.margin[0]) * per_y,
            ((size[1] - shift_x) / scale_x + self.margin[1]) * per_x,
            ((size[0] - shift_y) / scale_y + self.margin[0]) * per_y,
        )


IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def compose(
    rng: np.random.Generator,
    size: tuple[int, int],
    kinds: Mapping[str, float],
    *,
    objects: int,
    night: bool,
    margin: tuple[float, float] = (0.0, 0.0),
) -> Street:
    """Lay out a street and place objects on its ground, nowhere overlapping.

    Args:
        rng: Random numbers.
        size: ``(height, width)`` of the infrared picture.
        kinds: Shapes and how often they occur.
        objects: How many to try to place; a crowded ground may hold fewer.
        night: Whether the visible side is dark.
        margin: How far the scene goes on beyond the infrared picture, ``(rows, columns)``.
    """
    world = (size[0] + 2 * margin[0], size[1] + 2 * margin[1])
    shape = grid_shape((round(world[0]), round(world[1])))
    street = Street(size, layouts.street(rng, shape, night=night), margin)
    horizon = street.layout.horizon * world[0] - margin[0]
    names, weights = list(kinds), np.array(list(kinds.values()))
    taken: list[Box] = []
    for _ in range(objects):
        kind = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        for _ in range(6):
            box = _stand(rng, kind, size, horizon)
            patch = draw_shape(SHAPES[kind], box, size)
            if patch is None or min(patch.alpha.shape) < 4 or overlaps(patch.box, taken):
                continue
            taken.append(patch.box)
            contrast = float(rng.uniform(330, 620))
            street.actors.append(Actor(kind, box, patch, contrast, _clothes(rng, kind)))
            break
    street.actors.sort(key=lambda actor: actor.box[3])
    return street


def _stand(rng: np.random.Generator, kind: str, size: tuple[int, int], horizon: float) -> Box:
    shape = SHAPES[kind]
    foot = horizon + float(rng.uniform(0.08, 0.98)) * (size[0] - horizon)
    person = max(10.0, 0.62 * (foot - horizon))
    height = person * shape.relative_height * float(rng.uniform(0.9, 1.1))
    width = height * shape.aspect * float(rng.uniform(0.85, 1.15))
    left = float(rng.uniform(-0.25 * width, size[1] - 0.75 * width))
    return left, foot - height, left + width, foot


def _clothes(rng: np.random.Generator, kind: str) -> F32:
    parts = len(SHAPES[kind].parts)
    colours = np.tile(rng.uniform(30, 225, 3), (parts, 1))
    if kind == "person":
        colours[0] = (196, 150, 122)
        colours[2:] = rng.uniform(25, 110, 3)
    elif kind in ("car", "truck"):
        colours[1] = colours[1] * 0.4 + 25
        colours[2:4] = 28
    return colours.astype(np.float32)


def infrared_counts(rng: np.random.Generator, street: Street, sigma: float = 5.0) -> F32:
    """Render the infrared side.

    Returns:
        float32 (height, width) counts, unrounded.
    """
    window = street.window(street.size, IDENTITY)
    counts = resample(street.layout.counts, street.size, window)
    road = street.layout.ground + 150  # what the coolest part of an object must still exceed
    for actor in street.actors:
        paint_heat(counts, actor.patch, ground=road, contrast=actor.contrast)
    add_noise(rng, counts, sigma)
    return counts


def visible(
    rng: np.random.Generator, street: Street, size: tuple[int, int], matrix: Matrix, *, gain: float
) -> U8:
    """Render the visible side for any camera.

    Args:
        rng: Random numbers.
        street: The scene.
        size: ``(height, width)`` of the visible picture.
        matrix: Infrared to visible pixels; scale and shift only.
        gain: Brightness of the objects, below 1 at night.

    Returns:
        uint8 (height, width, 3).
    """
    window = street.window(size, matrix)
    planes = [resample(plane, size, window) for plane in street.layout.colour]
    (scale_x, _, shift_x), (_, scale_y, shift_y) = matrix
    for actor in street.actors:
        x0, y0, x1, y1 = actor.box
        box = (
            x0 * scale_x + shift_x,
            y0 * scale_y + shift_y,
            x1 * scale_x + shift_x,
            y1 * scale_y + shift_y,
        )
        patch = draw_shape(SHAPES[actor.kind], box, size)
        if patch is not None:
            paint_colour(planes, patch, actor.colours * np.float32(gain))
    return _develop(rng, planes, size)


def _develop(rng: np.random.Generator, planes: Sequence[F32], size: tuple[int, int]) -> U8:
    # One noise plane for all channels: luminance noise is what survives JPEG anyway.
    grain = centred_noise(rng, size) * np.float32(0.055)
    out: NDArray[np.uint8] = np.empty((*size, 3), dtype=np.uint8)
    for channel, plane in enumerate(planes):
        out[..., channel] = np.clip(plane + grain, 0, 255)
    return out
