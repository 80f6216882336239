"""Whole pictures for the families of writers: a scene, its objects and which pixel is whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth import layouts, street
from irtd_fast.synth.scene import F32, U8, add_noise, gain_control, grid_shape, resample
from irtd_fast.synth.shapes import (
    SHAPES,
    Patch,
    draw_oriented,
    draw_shape,
    overlaps,
    paint_colour,
    paint_heat,
)
from irtd_fast.synth.truth import Matrix, TrueObject, TruePoint
from irtd_fast.types import Box, Corners

Size = tuple[int, int]
Oriented = tuple[float, float, float, float, float]


@dataclass(slots=True)
class Shot:
    """One moment, seen by one or two cameras.

    Attributes:
        counts: float32 (h, w) counts of the infrared camera, unrounded.
        owner: uint8 (h, w): one plus the number of the object a pixel belongs to, 0 elsewhere.
        objects: With tight boxes.
        visible: uint8 (h, w, 3) of the visible camera, if asked for.
        matrix: Infrared to visible pixels.
        points: Heads, where the scene is a crowd.
    """

    counts: F32
    owner: U8
    objects: list[TrueObject]
    visible: U8 | None = None
    matrix: Matrix | None = None
    points: list[TruePoint] = field(default_factory=list)

    @property
    def size(self) -> Size:
        """``(height, width)`` of the infrared picture."""
        return self.counts.shape[0], self.counts.shape[1]

    def grey(self, low: float = 0.5, high: float = 99.8) -> U8:
        """What an 8-bit camera makes of the counts."""
        return gain_control(self.counts, low, high)

    def counts16(self) -> NDArray[np.uint16]:
        """What a 14-bit camera stores."""
        return np.clip(np.rint(self.counts), 0, 16383).astype(np.uint16)

    def mask(self) -> U8:
        """255 on every object, else 0."""
        return np.where(self.owner > 0, np.uint8(255), np.uint8(0))


@dataclass(frozen=True, slots=True)
class Camera:
    """The visible camera beside the infrared one.

    Attributes:
        size: ``(height, width)`` of its pictures; the infrared camera's by default.
        matrix: Infrared to visible pixels.
    """

    size: Size | None = None
    matrix: Matrix = street.IDENTITY


def street_shot(
    rng: np.random.Generator,
    size: Size,
    words: Mapping[str, tuple[str, float]],
    *,
    objects: int,
    night: bool = False,
    camera: Camera | None = None,
) -> Shot:
    """Draw a street.

    Args:
        rng: Random numbers.
        size: ``(height, width)``.
        words: Publisher's word -> shape and share.
        objects: How many to try to place.
        night: Whether the visible side is dark.
        camera: The visible camera, if there is one.
    """
    shapes = dict(words.values())
    scene = street.compose(rng, size, shapes, objects=objects, night=night)
    by_shape = {shape: word for word, (shape, _) in words.items()}
    return finish_street(rng, scene, by_shape, camera=camera, night=night)


def finish_street(
    rng: np.random.Generator,
    scene: street.Street,
    words: Mapping[str, str],
    *,
    camera: Camera | None,
    night: bool,
) -> Shot:
    """Render a composed street; ``words`` are shape -> publisher's word."""
    counts = street.infrared_counts(rng, scene)
    owner = np.zeros(scene.size, dtype=np.uint8)
    for number, actor in enumerate(scene.actors, start=1):
        _own(owner, actor.patch, number)
    objects = [TrueObject(words[actor.kind], actor.patch.box) for actor in scene.actors]
    shot = Shot(counts, owner, objects)
    if camera is not None:
        gain = float(rng.uniform(0.3, 0.6)) if night else 1.0
        size = camera.size or scene.size
        shot.visible = street.visible(rng, scene, size, camera.matrix, gain=gain)
        shot.matrix = camera.matrix
    return shot


def _own(owner: U8, patch: Patch, number: int) -> None:
    height, width = patch.alpha.shape
    region = owner[patch.top : patch.top + height, patch.left : patch.left + width]
    region[patch.alpha > 0] = number


@dataclass(frozen=True, slots=True)
class Walk:
    """A target that moves through a fixed scene.

    Attributes:
        kind: Its shape.
        word: The publisher's word.
        frame: How far it has walked.
        absent: Whether it is out of sight.
    """

    kind: str
    word: str
    frame: int
    absent: bool = False


def tracked_shot(
    seeds: tuple[np.random.Generator, np.random.Generator],
    size: Size,
    walk: Walk,
    *,
    camera: Camera | None = None,
) -> Shot:
    """Draw one frame of a sequence: the same street, one labelled target moved on.

    Args:
        seeds: Random numbers of the sequence and of the frame.
        size: ``(height, width)``.
        walk: The target.
        camera: The visible camera, if there is one.
    """
    still, frame = seeds
    night = bool(still.random() < 0.4)
    scene = street.compose(still, size, {"person": 1.0, "car": 0.5}, objects=2, night=night)
    others = len(scene.actors)
    box = _walked(still, size, walk)
    patch = None if walk.absent else draw_shape(SHAPES[walk.kind], box, size)
    clothes = np.tile(still.uniform(30, 225, 3), (len(SHAPES[walk.kind].parts), 1))
    if patch is not None:
        actor = street.Actor(walk.kind, box, patch, 640.0, clothes.astype(np.float32))
        scene.actors.append(actor)
    words = {"person": "", "car": "", walk.kind: walk.word}
    shot = finish_street(frame, scene, words, camera=camera, night=night)
    shot.objects = shot.objects[others:]
    return shot


def _walked(still: np.random.Generator, size: Size, walk: Walk) -> Box:
    height = size[0] * float(still.uniform(0.18, 0.34))
    width = max(4.0, height * SHAPES[walk.kind].aspect)
    room_x, room_y = max(1.0, size[1] - width - 2), max(1.0, size[0] - height - 2)
    x = _bounce(float(still.uniform(0, room_x)), float(still.uniform(-3, 3)), walk.frame, room_x)
    y = _bounce(float(still.uniform(0, room_y)), float(still.uniform(-1, 1)), walk.frame, room_y)
    return 1 + x, 1 + y, 1 + x + width, 1 + y + height


def _bounce(start: float, step: float, frame: int, room: float) -> float:
    place = (start + step * frame) % (2 * room)
    return place if place <= room else 2 * room - place


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Something seen from above: width and length as fractions of the picture's height."""

    width: float
    length: float
    shape: str
    share: float


def aerial_shot(
    rng: np.random.Generator,
    size: Size,
    vehicles: Mapping[str, Vehicle],
    *,
    objects: int,
    visible: bool = False,
    turned: bool = True,
) -> Shot:
    """Draw the ground from above with turned (or upright) things on it.

    Args:
        rng: Random numbers.
        size: ``(height, width)``.
        vehicles: Publisher's word -> what it looks like.
        objects: How many to try to place.
        visible: Whether a registered visible picture is wanted.
        turned: Whether things lie at any angle.
    """
    layout = layouts.aerial(rng, grid_shape(size))
    counts = resample(layout.counts, size)
    planes = [(counts - layout.ground) * k + c for k, c in ((0.28, 120), (0.22, 112), (0.18, 92))]
    shot = Shot(counts, np.zeros(size, dtype=np.uint8), [])
    names = list(vehicles)
    shares = np.array([vehicles[name].share for name in names])
    for _ in range(objects):
        word = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        oriented = _lay(rng, size, vehicles[word], turned=turned)
        patch = draw_oriented(SHAPES[vehicles[word].shape], oriented, size)
        if patch is None or overlaps(patch.box, [obj.box for obj in shot.objects]):
            continue
        contrast = float(rng.uniform(300, 520))
        paint_heat(counts, patch, ground=layout.ground, contrast=contrast)
        parts = len(SHAPES[vehicles[word].shape].parts)
        paint_colour(planes, patch, rng.uniform(20, 240, (parts, 3)).astype(np.float32))
        corners = corners_of(oriented)
        shot.objects.append(TrueObject(word, patch.box, corners=corners, oriented=oriented))
        _own(shot.owner, patch, len(shot.objects))
    add_noise(rng, counts, 6.0)
    if visible:
        shot.visible = np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)
        shot.matrix = street.IDENTITY
    return shot


def _lay(rng: np.random.Generator, size: Size, vehicle: Vehicle, *, turned: bool) -> Oriented:
    zoom = float(rng.uniform(0.85, 1.15)) * size[0]
    width, length = max(4.0, vehicle.width * zoom), max(6.0, vehicle.length * zoom)
    angle = round(float(rng.uniform(0, np.pi)), 6) if turned else 0.0
    reach = (width * abs(np.cos(angle)) + length * abs(np.sin(angle))) / 2 + 2
    rise = (width * abs(np.sin(angle)) + length * abs(np.cos(angle))) / 2 + 2
    x = float(rng.uniform(min(reach, size[1] / 2), max(size[1] - reach, size[1] / 2)))
    y = float(rng.uniform(min(rise, size[0] / 2), max(size[0] - rise, size[0] / 2)))
    return round(x, 4), round(y, 4), round(width, 4), round(length, 4), angle


def corners_of(oriented: Oriented) -> Corners:
    """Corners of a turned box; before turning: top-left and on, clockwise."""
    cx, cy, w, h, angle = oriented
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    signs = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    points = [(cx + a * w * cos - b * h * sin, cy + a * w * sin + b * h * cos) for a, b in signs]
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points
    return (x0, y0, x1, y1, x2, y2, x3, y3)


def crowd_shot(rng: np.random.Generator, size: Size, people: int, *, above: bool) -> Shot:
    """Draw a crowd, registered in both cameras, a point on each head.

    Args:
        rng: Random numbers.
        size: ``(height, width)``.
        people: How many to try to place.
        above: Seen from a drone instead of from a mast.
    """
    layout = layouts.aerial(rng, grid_shape(size))
    counts = resample(layout.counts, size)
    planes = [(counts - layout.ground) * k + c for k, c in ((0.28, 120), (0.22, 112), (0.18, 92))]
    shot = Shot(counts, np.zeros(size, dtype=np.uint8), [], matrix=street.IDENTITY)
    boxes: list[Box] = []
    for _ in range(people):
        height = max(6.0, size[0] * float(rng.uniform(0.05, 0.09)) * (0.6 if above else 1.0))
        width = height * (0.9 if above else 0.45)
        x, y = float(rng.uniform(1, size[1] - width)), float(rng.uniform(1, size[0] - height))
        patch = draw_shape(SHAPES["person"], (x, y, x + width, y + height), size)
        if patch is None or overlaps(patch.box, boxes):
            continue
        boxes.append(patch.box)
        paint_heat(counts, patch, ground=layout.ground, contrast=float(rng.uniform(350, 520)))
        paint_colour(planes, patch, rng.uniform(20, 240, (4, 3)).astype(np.float32))
        head = y + height * (0.5 if above else 0.105)
        shot.points.append(TruePoint("person", round(x + width / 2, 2), round(head, 2)))
        _own(shot.owner, patch, 1 + (len(boxes) - 1) % 255)
    add_noise(rng, counts, 6.0)
    shot.visible = np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)
    return shot


def visible_owner(shot: Shot) -> NDArray[np.int_]:
    """Carry the numbers of the objects' pixels over to the visible picture, nearest neighbours.

    Returns:
        Signed integers (h, w) of the visible picture: 0 the ground, n the n-th object.

    Raises:
        ValueError: The scene was drawn without its visible side.
    """
    if shot.visible is None or shot.matrix is None:
        msg = "the scene was drawn without its visible side"
        raise ValueError(msg)
    height, width = shot.visible.shape[:2]
    (scale_x, _, shift_x), (_, scale_y, shift_y) = shot.matrix
    rows = np.floor((np.arange(height) + 0.5 - shift_y) / scale_y).astype(np.intp)
    columns = np.floor((np.arange(width) + 0.5 - shift_x) / scale_x).astype(np.intp)
    inside = ((rows >= 0) & (rows < shot.size[0]))[:, None] & (
        (columns >= 0) & (columns < shot.size[1])
    )[None, :]
    rows, columns = rows.clip(0, shot.size[0] - 1), columns.clip(0, shot.size[1] - 1)
    return np.where(inside, shot.owner[rows[:, None], columns[None, :]].astype(np.int_), 0)
