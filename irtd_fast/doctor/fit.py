"""Do labels fit the pictures they are filed under: labels of another picture, shifted frames.

Objects differ from what surrounds them. The contrast of a box is |mean inside - mean of a ring
around it| over the standard deviation of both together. A box on its object beats the same box at
random places nearby; a box of another picture does not. How many of the places do as well is the
p-value of a permutation test (Fisher, The Design of Experiments, 1935), uniform for boxes that have
nothing to do with the picture. Many right labels have faint objects, so a large p-value only makes
a picture suspect; it is reported where the labels of another suspect fit it instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Float = NDArray[np.float64]

_PLACES = 200  # random places a box is tried at
_MANY_PLACES = 2000  # where many label sets are compared
_REACH = (1.0, 4.0)  # how far away those are, in the longer side of the box
_RING = 0.35  # width of the ring, in sides of the box
_LEAST_RING = 2.0
SUSPECT = 0.1  # p-value above which labels do not fit; that many right ones would by definition
_FITTING_SOURCE = 0.03  # median p-value of a source whose objects stand out at all
_STRANGERS = 40  # label sets a suspect picture is compared with
_SIGNIFICANT = 0.05  # for the best of them, after Bonferroni
_SHIFTS = (-3, -2, -1, 1, 2, 3)
_SURE = 4.0  # standard errors


class Contrast:
    """Contrast of boxes in one picture, by summed-area tables (Crow, SIGGRAPH 1984)."""

    def __init__(self, picture: NDArray[np.generic]) -> None:
        values = picture.astype(np.float64)
        if values.ndim == 3:
            values = values.mean(axis=2)
        self.height, self.width = values.shape
        values -= values.mean()
        self._sum = np.zeros((self.height + 1, self.width + 1))
        self._square = np.zeros_like(self._sum)
        np.cumsum(np.cumsum(values, axis=0), axis=1, out=self._sum[1:, 1:])
        np.cumsum(np.cumsum(values**2, axis=0), axis=1, out=self._square[1:, 1:])

    def of(self, boxes: Float) -> Float:
        """Contrast of each box, (…,) for (…, 4) xyxy; NaN where nothing of it is inside."""
        inner = self._clip(boxes)
        ring = np.maximum(_RING * (boxes[..., 2:] - boxes[..., :2]), _LEAST_RING)
        outer = self._clip(np.concatenate([boxes[..., :2] - ring, boxes[..., 2:] + ring], axis=-1))
        area_in, sum_in, _ = self._totals(inner)
        area_all, sum_all, square_all = self._totals(outer)
        area_ring = area_all - area_in
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_in, mean_ring = sum_in / area_in, (sum_all - sum_in) / area_ring
            variance = square_all / area_all - (sum_all / area_all) ** 2
            result = np.abs(mean_in - mean_ring) / np.sqrt(np.maximum(variance, 1e-9))
        return np.where((area_in > 0) & (area_ring > 0), result, np.nan)

    def _clip(self, boxes: Float) -> NDArray[np.int64]:
        edges = np.rint(boxes)
        limits = np.array([self.width, self.height] * 2)
        return np.clip(edges, 0, limits).astype(np.int64)

    def _totals(self, boxes: NDArray[np.int64]) -> tuple[Float, Float, Float]:
        x0, y0, x1, y1 = np.moveaxis(boxes, -1, 0)
        area = np.maximum(x1 - x0, 0) * np.maximum(y1 - y0, 0)
        totals = [
            table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0]
            for table in (self._sum, self._square)
        ]
        return area.astype(np.float64), totals[0], totals[1]


def misfit(
    contrast: Contrast, boxes: Float, rng: np.random.Generator, places: int = _PLACES
) -> float:
    """p-value that boxes have nothing to do with a picture.

    Args:
        contrast: Of the picture.
        boxes: (n, 4) xyxy pixels.
        rng: Draws the other places.
        places: How many for each box.

    Returns:
        The p-values of the single boxes (share of places with as much contrast, the own one
        counted in), combined by Fisher's method; NaN without a box that the picture holds.
    """
    own = contrast.of(boxes)
    usable = np.isfinite(own)
    if not usable.any():
        return float("nan")
    chosen = boxes[usable]
    size = chosen[:, 2:] - chosen[:, :2]
    room = np.maximum(np.array([contrast.width, contrast.height]) - size, 0)
    angle = rng.uniform(0, 2 * np.pi, (places, len(chosen)))
    reach = rng.uniform(*_REACH, (places, len(chosen)))[..., None]
    step = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * reach * size.max(axis=1)[:, None]
    corner = np.clip(chosen[:, :2] + step, 0, room)
    elsewhere = contrast.of(np.concatenate([corner, corner + size], axis=-1))
    as_much = (elsewhere >= own[usable]) | ~np.isfinite(elsewhere)
    single = (1 + as_much.sum(axis=0)) / (1 + places)
    return float(chi2.sf(-2 * np.log(single).sum(), 2 * len(single)))


def stands_out(p_values: Float) -> bool:
    """Whether objects of a source differ from what surrounds them, so that misfits tell something.

    Args:
        p_values: Of ``misfit``, for many pictures; NaN is passed over.
    """
    known = p_values[np.isfinite(p_values)]
    return bool(len(known) >= 8 and np.median(known) <= _FITTING_SOURCE)


def find_owners(
    suspects: Sequence[int], contrasts: Sequence[Contrast], labels: Sequence[Float],
    rng: np.random.Generator,
) -> dict[int, int]:  # fmt: skip
    """Find, for suspect pictures, the suspect whose labels fit them.

    Args:
        suspects: Numbers of pictures with a p-value above ``SUSPECT``.
        contrasts: Of all pictures.
        labels: (n, 4) boxes of all pictures.
        rng: Draws the places.

    Returns:
        Picture -> picture whose labels fit it; only where that is significant at 5 % among all
        those compared (the 40 nearest suspects).
    """
    owners: dict[int, int] = {}
    for number in suspects:
        others = sorted((n for n in suspects if n != number), key=lambda n: (abs(n - number), n))
        others = others[:_STRANGERS]
        found = [misfit(contrasts[number], labels[n], rng, _MANY_PLACES) for n in others]
        scores = [(p, n) for p, n in zip(found, others, strict=True) if np.isfinite(p)]
        if scores and min(scores)[0] * len(scores) <= _SIGNIFICANT:
            owners[number] = min(scores)[1]
    return owners


@dataclass(frozen=True)
class Shift:
    """Labels of one sequence that fit other frames better.

    Attributes:
        frames: Labels of frame i belong to frame i + frames.
        gain: Mean gain of contrast.
        error: Its standard error.
    """

    frames: int
    gain: float
    error: float


def find_shift(tables: Sequence[Contrast], labels: Sequence[Float]) -> Shift | None:
    """Find out whether the labels of consecutive frames are some frames off.

    Args:
        tables: Contrast of consecutive frames.
        labels: (n, 4) boxes of each.

    Returns:
        The best shift of up to three frames either way, if over the frames its contrast is larger
        than that of the labels as they are by 4 standard errors.
    """
    best: Shift | None = None
    for frames in _SHIFTS:
        gains = []
        for number, boxes in enumerate(labels):
            if not len(boxes) or not 0 <= number + frames < len(tables):
                continue
            here, there = tables[number].of(boxes), tables[number + frames].of(boxes)
            both = np.isfinite(here) & np.isfinite(there)
            if both.any():
                gains.append(float((there[both] - here[both]).mean()))
        if len(gains) < 8:
            continue
        gain, error = float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
        if gain > _SURE * error and (best is None or gain > best.gain):
            best = Shift(frames, gain, error)
    return best
