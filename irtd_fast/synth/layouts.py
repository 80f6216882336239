"""What a camera looks at: a street, the ground from above, the sky. Coarse grids, no pixels yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from irtd_fast.synth.scene import F32, octaves


@dataclass(slots=True)
class Layout:
    """A scene without its objects.

    Attributes:
        counts: (h, w) float32 sensor counts.
        colour: Three (h, w) float32 planes, 0..255, of the same places in visible light.
        horizon: Row of the horizon as a fraction of the height.
        ground: Typical counts of the ground, what objects are warmer than.
    """

    counts: F32
    colour: list[F32]
    horizon: float
    ground: float


def street(rng: np.random.Generator, shape: tuple[int, int], *, night: bool) -> Layout:
    """Lay out a street: cold sky, a skyline, trees, warm ground, a road to the vanishing point.

    Args:
        rng: Random numbers.
        shape: (h, w) of the grid.
        night: Dark visible side with street lamps.
    """
    height, width = shape
    horizon = float(rng.uniform(0.28, 0.42))
    ground = float(rng.uniform(6900, 7500))
    y = _middles(height)[:, None]
    x = _middles(width)[None, :]
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1).astype(np.float32)
    rough, fine = octaves(rng, shape), octaves(rng, shape, coarse=16, levels=4)

    sky = ground - 1350 + 500 * (y / horizon) + 60 * rough
    soil = ground - 120 + 220 * depth + 55 * rough + 22 * fine
    counts = np.where(y < horizon, sky, soil).astype(np.float32)
    tint = (0.62, 0.72, 0.86), (0.45, 0.42, 0.36)
    shade = [
        np.where(y < horizon, 215 * s + 12 * rough, 190 * g + 14 * fine)
        for s, g in zip(*tint, strict=True)
    ]
    colour = [plane.astype(np.float32) for plane in shade]

    _road(rng, counts, colour, x - float(rng.uniform(0.35, 0.65)), depth)
    _skyline(rng, counts, colour, y, horizon, ground)
    above = np.maximum((horizon - y) / 0.2, 0)
    trees = (rough + 0.6 * fine > 0.3 + 1.2 * above * above) & (y < horizon + 0.04)
    _replace(counts, colour, trees, ground - 210 + 45 * fine, (38, 66, 34), 9 * fine)
    _poles(rng, counts, colour, horizon, ground)
    if night:
        _darken(rng, colour, x, y, horizon)
    return Layout(counts, colour, horizon, ground)


def _middles(count: int) -> F32:
    return ((np.arange(count) + 0.5) / count).astype(np.float32)


def _replace(
    counts: F32,
    colour: list[F32],
    where: np.ndarray,
    heat: F32,
    rgb: tuple[int, int, int],
    grain: F32,
) -> None:
    np.copyto(counts, heat, where=where, casting="same_kind")
    for plane, value in zip(colour, rgb, strict=True):
        np.copyto(plane, value + grain, where=where, casting="same_kind")


def _road(rng: np.random.Generator, counts: F32, colour: list[F32], x: F32, depth: F32) -> None:
    half = 0.02 + float(rng.uniform(0.3, 0.5)) * depth
    road = (np.abs(x) < half) & (depth > 0)
    counts += np.where(road, np.float32(130), np.float32(0))
    for plane in colour:
        np.copyto(plane, np.float32(78) + 26 * depth, where=road)
    # Dashes that shorten with distance: equal steps of 1 / depth.
    dashes = (np.abs(x) < 0.012 * depth) & (np.sin(14 / np.maximum(depth, 0.04)) > 0)
    for plane in colour:
        np.copyto(plane, np.float32(205), where=dashes & (depth > 0.03))
    counts -= np.where(dashes & road, np.float32(35), np.float32(0))


def _skyline(
    rng: np.random.Generator, counts: F32, colour: list[F32], y: F32, horizon: float, ground: float
) -> None:
    height, width = counts.shape
    foot = min(height, int((horizon + 0.02) * height) + 1)
    for _ in range(int(rng.integers(4, 8))):
        left = int(rng.uniform(-0.1, 0.95) * width)
        right = min(width, left + int(rng.uniform(0.06, 0.2) * width) + 1)
        top = max(0, int((horizon - rng.uniform(0.04, 0.3)) * height))
        if right <= max(left, 0) or top >= foot:
            continue
        cut = np.s_[top:foot, max(left, 0) : right]
        wall = ground + float(rng.uniform(-320, 120))
        rows, columns = counts[cut].shape
        windows = (
            ((np.arange(rows) // 3 % 3 == 1)[:, None])
            & ((np.arange(columns) // 3 % 2 == 1)[None, :])
        )
        counts[cut] = (
            wall + 50 * (y[top:foot] - horizon) + np.where(windows, np.float32(70), np.float32(0))
        )
        paint = rng.uniform(90, 170, 3)
        for plane, value in zip(colour, paint, strict=True):
            plane[cut] = value - np.where(windows, np.float32(55), np.float32(0))


def _poles(
    rng: np.random.Generator, counts: F32, colour: list[F32], horizon: float, ground: float
) -> None:
    height, width = counts.shape
    for _ in range(int(rng.integers(1, 5))):
        depth = float(rng.uniform(0.08, 0.5))
        foot = int((horizon + depth * (1 - horizon)) * height)
        top = max(0, int(foot - (0.12 + 1.1 * depth) * height))
        left = int(rng.integers(0, width))
        cut = np.s_[top:foot, left : left + max(1, int(0.012 * depth * width) + 1)]
        counts[cut] = ground - 60
        for plane in colour:
            plane[cut] = 92


def _darken(rng: np.random.Generator, colour: list[F32], x: F32, y: F32, horizon: float) -> None:
    light = np.full(np.broadcast_shapes(x.shape, y.shape), 0.17, dtype=np.float32)
    for _ in range(int(rng.integers(2, 5))):
        at_x, at_y = float(rng.uniform(0, 1)), float(rng.uniform(0.2, 0.8)) * horizon
        spread = float(rng.uniform(0.01, 0.04))
        distance = (x - at_x) ** 2 * 1.6 + (y - at_y) ** 2
        light += spread * 0.35 / (distance + spread * 0.45)
        light += np.where(distance < 0.0002, np.float32(3.0), np.float32(0.0))
    for plane, warmth in zip(colour, (1.0, 0.84, 0.58), strict=True):
        np.multiply(plane, light * np.float32(warmth), out=plane)


def aerial(rng: np.random.Generator, shape: tuple[int, int]) -> Layout:
    """Lay out the ground seen from a drone: fields, a road or two, tree crowns, roofs."""
    height, width = shape
    ground = float(rng.uniform(6800, 7600))
    rough, fine = octaves(rng, shape), octaves(rng, shape, coarse=24, levels=3)
    counts = (ground - 60 + 42 * rough + 20 * fine).astype(np.float32)
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :] * np.float32(width / height)
    for _ in range(int(rng.integers(1, 3))):
        angle, offset = float(rng.uniform(0, np.pi)), float(rng.uniform(-0.3, 0.3))
        half = float(rng.uniform(0.05, 0.12))
        across = np.abs(x * np.cos(angle) + y * np.sin(angle) - np.float32(offset))
        np.copyto(counts, ground + 95 + 12 * fine, where=across < half)
        counts -= np.where(np.abs(across - half) < 0.008, np.float32(90), np.float32(0))
    crowns = octaves(rng, shape, coarse=8, levels=3) + 0.25 * fine > 0.95
    np.copyto(counts, ground - 190 + 40 * fine, where=crowns)
    for _ in range(int(rng.integers(0, 3))):
        angle = float(rng.uniform(0, np.pi))
        at_x, at_y = rng.uniform(-0.5, 0.5, 2)
        along = (x - at_x) * np.cos(angle) + (y - at_y) * np.sin(angle)
        across = (y - at_y) * np.cos(angle) - (x - at_x) * np.sin(angle)
        roof = (np.abs(along) < rng.uniform(0.06, 0.14)) & (np.abs(across) < rng.uniform(0.04, 0.1))
        np.copyto(counts, ground + float(rng.uniform(-420, 60)) + 12 * fine, where=roof)
    return Layout(counts, [], 0.0, ground)


def clouds(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Lay out a sky for small targets in 8-bit levels: gradient, clouds, sometimes a coast line.

    Returns:
        (h, w) float32, about 15..190.
    """
    height = shape[0]
    y = _middles(height)[:, None]
    field = octaves(rng, shape, coarse=3, levels=6)
    base, slope = float(rng.uniform(35, 90)), float(rng.uniform(-25, 55))
    sky = base + slope * y + np.zeros(shape, dtype=np.float32)
    cover = float(rng.uniform(-0.4, 1.2))
    bank = np.clip(field - cover, 0, 2.0)
    sky += bank * np.float32(rng.uniform(20, 48)) + 3.0 * field
    if rng.random() < 0.35:
        knots = rng.uniform(0.76, 0.92, 7)
        ridge = np.interp(np.linspace(0, 6, shape[1]), np.arange(7), knots)[None, :]
        fine = octaves(rng, shape, coarse=20, levels=4)
        np.copyto(sky, np.float32(base + 45) + 14 * fine, where=y > ridge)
    levels: F32 = np.clip(sky, 12, 190).astype(np.float32)
    return levels
