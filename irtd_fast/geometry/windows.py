"""Windows chosen by what is in them: random crops that keep chosen objects in sight.

All of a batch at once, from random numbers that the caller draws: the result is a pure function of
them, whatever thread makes it.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TRIES = 10
_ROUNDING = 1e-3  # pixels; smaller differences come from the arithmetic of labels
LANES = 5  # random numbers of a try: area, ratio, margin, place across, place down

Floats = NDArray[np.float64]
Sizes = tuple[int, int] | NDArray[np.int64]


class Outcome(enum.IntEnum):
    """How a window came about (uint8 in arrays)."""

    OBJECTS = 0  # every chosen object is as visible as promised, with its margin of context
    TIGHT = 1  # as visible as promised, but the margin did not fit
    LETTERBOX = 2  # fall-back: the whole picture, bordered to the shape of the frame
    CENTRE = 3  # fall-back: the largest centred window; nothing is promised
    NO_OBJECTS = 4  # nothing to choose from: a random window


@dataclass(frozen=True)
class ObjectCrop:
    """Random windows that keep chosen objects whole, or visible to a promised fraction.

    An object can be chosen if its box is finite, is wider and higher than 0.001 pixel, and shows at
    least ``promise`` of itself in the picture. Window sizes are drawn from the bounds of scale and
    ratio and enlarged as far as the chosen objects with their margin need it, within the ratio
    bounds; ten draws are tried with margin, then without. Whatever fits first is placed at random
    so that it holds all chosen objects. Where nothing fits the fall-back is taken, and the outcome
    says so: ``letterbox`` shows the whole picture (so the promise holds there too), ``centre``
    promises nothing.

    Attributes:
        promise: Fraction of each chosen object's box (all of it, not what the picture shows) that
            its window shows at least; above 0, up to 1.
        objects: How many are chosen at random (all where there are fewer), ``None``: all.
        margin: Bounds of the context to each side, as a share of the chosen objects' extent.
        fallback: ``letterbox`` or ``centre``.
    """

    promise: float = 1.0
    objects: int | None = 1
    margin: tuple[float, float] = (0.0, 0.5)
    fallback: Literal["letterbox", "centre"] = "letterbox"

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 < self.promise <= 1:
            raise ValueError(f"promise must be above 0 and at most 1, found {self.promise}")
        if self.objects is not None and self.objects < 1:
            raise ValueError(f"objects must be positive or None, found {self.objects}")
        if not 0 <= self.margin[0] <= self.margin[1] < math.inf:
            raise ValueError(f"margin must satisfy 0 <= low <= high, found {self.margin}")
        if self.fallback not in ("letterbox", "centre"):
            raise ValueError(f"fallback must be letterbox or centre, found {self.fallback!r}")


@dataclass(frozen=True)
class Pictures:
    """Boxes and sizes of a batch's pictures.

    Attributes:
        boxes: (n, 4) xyxy in native pixels, whatever they hold.
        offsets: (samples + 1,); boxes of sample i are ``[offsets[i], offsets[i + 1])``.
        heights: (samples,) rows of each picture, at least 1.
        widths: (samples,) columns, at least 1.

    Raises:
        ValueError: Shapes that do not fit, or a picture without pixels.
    """

    boxes: NDArray[np.float32]
    offsets: NDArray[np.int64]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check shapes and sizes."""
        count = len(self.heights)
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4:
            raise ValueError(f"boxes must be (n, 4), found shape {self.boxes.shape}")
        if self.widths.shape != (count,) or self.offsets.shape != (count + 1,):
            found = f"{self.widths.shape} and {self.offsets.shape}"
            raise ValueError(f"need {count} widths and {count + 1} offsets, found {found}")
        if count and min(self.heights.min(), self.widths.min()) < 1:
            raise ValueError("pictures must have a row and a column, found one without")

    @property
    def owner(self) -> NDArray[np.int64]:
        """(n,) sample of each box."""
        return np.repeat(np.arange(len(self.heights)), np.diff(self.offsets))


@dataclass(frozen=True)
class ObjectWindows:
    """What was drawn.

    Attributes:
        windows: (samples, 4) xyxy in native pixels; a letterbox reaches beyond the picture.
        outcomes: (samples,) uint8 ``Outcome``.
        chosen: (n,) booleans: which boxes the windows are about.
    """

    windows: Floats
    outcomes: NDArray[np.uint8]
    chosen: NDArray[np.bool_]


def object_windows(
    pictures: Pictures,
    rule: ObjectCrop,
    bounds: tuple[tuple[float, float], tuple[float, float]],
    size: Sizes,
    draws: tuple[Floats, Floats],
) -> ObjectWindows:
    """Draw a window for each picture of a batch.

    Args:
        pictures: Boxes and sizes.
        rule: Which objects are kept in sight, and how.
        bounds: Of the window's share of the picture's area, and of its width over its height.
        size: (height, width) of the frame, for the shape of a letterbox; or (samples, 2).
        draws: Numbers in [0, 1): (samples, TRIES * LANES) for the windows, (n,) for the choice.

    Returns:
        Windows, how each came about, and the chosen objects.
    """
    sides = np.stack([pictures.widths, pictures.heights], axis=1).astype(np.float64)
    core, able = _cores(pictures, sides, rule.promise)
    chosen = _choose(pictures, able, draws[1], rule.objects)
    extent, some = _extents(pictures, core, chosen, sides)
    numbers = draws[0].reshape(len(sides), TRIES, LANES)
    windows = np.zeros((len(sides), 4))
    outcomes = np.full(len(sides), 255, np.uint8)
    for outcome, margin in ((Outcome.OBJECTS, rule.margin), (Outcome.TIGHT, (0.0, 0.0))):
        open_ = np.flatnonzero(outcomes == 255)
        found, fits = _place(extent[open_], sides[open_], bounds, margin, numbers[open_])
        windows[open_[fits]] = found[fits]
        outcomes[open_[fits]] = outcome
    missed = outcomes == 255
    if rule.fallback == "letterbox":
        frames = np.broadcast_to(np.asarray(size), (len(sides), 2))
        windows[missed] = letterbox_windows(sides[missed], frames[missed])
        outcomes[missed] = Outcome.LETTERBOX
    else:
        windows[missed] = centred_windows(sides[missed], bounds[1])
        outcomes[missed] = Outcome.CENTRE
    outcomes[~some & (outcomes < Outcome.LETTERBOX)] = Outcome.NO_OBJECTS
    return ObjectWindows(windows, outcomes, chosen)


def _cores(pictures: Pictures, sides: Floats, promise: float) -> tuple[Floats, NDArray[np.bool_]]:
    """The part (n, 4) of each box that has to be seen, and whether it can be.

    That is the part of the box in the picture, shrunk about its centre to the promised area.
    """
    box = pictures.boxes.astype(np.float64)
    limit = sides[pictures.owner]
    with np.errstate(all="ignore"):
        box = _settled(box, limit)
        low, high = np.clip(box[:, :2], 0, limit), np.clip(box[:, 2:], 0, limit)
        fraction = (high - low).prod(axis=1) / (box[:, 2:] - box[:, :2]).prod(axis=1)
        able = np.isfinite(box).all(axis=1) & (box[:, 2:] - box[:, :2] > _ROUNDING).all(axis=1)
        able &= (high > low).all(axis=1) & (fraction >= promise)
        shrink = np.sqrt(np.minimum(1.0, promise / fraction))[:, None]
        centre, half = (low + high) / 2, (high - low) / 2 * shrink
        core = np.concatenate([centre - half, centre + half], axis=1)
    # Where nothing is to be shrunk the edges stay what they are, to the bit.
    whole = able & (shrink[:, 0] == 1)
    core[whole] = np.concatenate([low, high], axis=1)[whole]
    return core, able


def _settled(box: Floats, limit: Floats) -> Floats:
    """Boxes that leave the picture by no more than rounding (0.001 pixel) moved into it."""
    inside = np.clip(box, 0, np.concatenate([limit, limit], axis=1))
    near = np.asarray((np.abs(box - inside) <= _ROUNDING).all(axis=1))
    return np.where(near[:, None], inside, box)


def _choose(
    pictures: Pictures, able: NDArray[np.bool_], draws: Floats, count: int | None
) -> NDArray[np.bool_]:
    """The ``count`` boxes of each sample with the smallest draws, of those that can be chosen."""
    if count is None:
        return able
    order = np.lexsort((draws, ~able, pictures.owner))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - pictures.offsets[:-1][pictures.owner[order]]
    return able & (rank < count)


def _extents(
    pictures: Pictures, core: Floats, chosen: NDArray[np.bool_], sides: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Hulls (samples, 4) of the chosen cores, and where there are any."""
    low = np.full(sides.shape, np.inf)
    high = np.full(sides.shape, -np.inf)
    np.minimum.at(low, pictures.owner[chosen], core[chosen, :2])
    np.maximum.at(high, pictures.owner[chosen], core[chosen, 2:])
    some = np.isfinite(low[:, 0])
    # Inside out, an extent holds any window back from nowhere.
    low[~some], high[~some] = sides[~some], 0
    return np.concatenate([low, high], axis=1), some


def _place(
    extent: Floats,
    sides: Floats,
    bounds: tuple[tuple[float, float], tuple[float, float]],
    margin: tuple[float, float],
    numbers: Floats,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Windows (n, 4) of whole pixels around extents, and whether one of the tries fitted."""
    (least, most), ratio = bounds
    share = least + numbers[..., 0] * (most - least)
    area = sides.prod(axis=1)[:, None] * share
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = np.exp(low + numbers[..., 1] * (high - low))
    context = margin[0] + numbers[..., 2] * (margin[1] - margin[0])
    grow = context[..., None] * (extent[:, None, 2:] - extent[:, None, :2])
    limit = sides[:, None]
    begin = np.floor(np.clip(extent[:, None, :2] - grow, 0, limit))
    end = np.ceil(np.clip(extent[:, None, 2:] + grow, 0, limit))
    wide = np.maximum(np.rint(np.sqrt(area * aspect)), end[..., 0] - begin[..., 0])
    tall = np.maximum(np.rint(np.sqrt(area / aspect)), end[..., 1] - begin[..., 1])
    # What an object stretched in one direction takes with it in the other.
    tall = np.maximum(tall, np.ceil(wide / ratio[1] - 0.5))
    wide = np.maximum(wide, np.ceil(tall * ratio[0] - 0.5))
    window = np.stack([np.maximum(wide, 1), np.maximum(tall, 1)], axis=2)
    fits = np.asarray((window <= limit).all(axis=2))
    each, pick = np.arange(len(sides)), np.argmax(fits, axis=1)
    size, first, last = window[each, pick], begin[each, pick], end[each, pick]
    least_corner = np.maximum(last - size, 0)
    room = np.minimum(first, sides - size) - least_corner
    free = numbers[each, pick, 3:5]
    corner = least_corner + np.floor(free * (room + 1))
    return np.concatenate([corner, corner + size], axis=1), np.asarray(fits.any(axis=1))


def _check_sides(sides: Floats) -> None:
    if sides.ndim != 2 or sides.shape[1] != 2 or not (sides > 0).all():
        found = f"shape {sides.shape}" if sides.size == 0 else f"{sides.min()} among {sides.shape}"
        raise ValueError(f"sides must be (n, 2) widths and heights, positive, found {found}")


def letterbox_windows(sides: Floats, size: Sizes) -> Floats:
    """Smallest windows (n, 4) of a frame's shape around whole pictures (n, 2: width, height).

    ``size`` is (height, width) of the frame, or (n, 2) of each picture's.

    Raises:
        ValueError: A side that is not positive.
    """
    _check_sides(sides)
    frame = np.asarray(size, np.float64)[..., ::-1]
    shape = frame * (sides / frame).max(axis=1, keepdims=True)
    corner = (sides - shape) / 2
    return np.concatenate([corner, corner + shape], axis=1)


def centred_windows(sides: Floats, ratio: tuple[float, float] | tuple[Floats, Floats]) -> Floats:
    """Largest centred windows (n, 4) of whole pixels within ratio bounds; sides as above.

    The bounds are numbers, or (n,) arrays.

    Raises:
        ValueError: A side that is not positive.
    """
    _check_sides(sides)
    widths, heights = sides[:, 0], sides[:, 1]
    aspect = np.clip(widths / heights, *ratio)
    wide = np.maximum(1, np.minimum(widths, np.rint(heights * aspect)))
    tall = np.maximum(1, np.minimum(heights, np.rint(widths / aspect)))
    x0, y0 = (widths - wide) // 2, (heights - tall) // 2
    return np.stack([x0, y0, x0 + wide, y0 + tall], axis=1)
