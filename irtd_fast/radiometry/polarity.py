"""White-hot or black-hot: whether larger counts are warmer.

Two methods. With the boxes of objects that are warmer than what surrounds them (people, vehicles,
point targets) the contrast of each against its surround; without, statistics of the picture. Both
are odd: the inverted picture gives the opposite answer with the same confidence.

Measured share of wrong answers on real pictures (inverting them changes nothing of it). Without
boxes, with weights fitted to the other nine sources each time (25 % of 40 pictures of HIT-UAV;
with the weights below 33 % of all 60): HIT-UAV 33 %, SIRST v2 13 %, IST-A
27 %, FLIR ADAS v1 (16 bit) 8 %, KAIST 0 of 8, LLVIP 9 %, RoadScene 5 %, TNO 16 %, VTUAV 0 of 10,
close-ups of road surface 44 %: 16 % on average. One picture is thus a hint; a source is decided by
all of its pictures together (``polarity_of_source``), right for all ten. With boxes: people of
HIT-UAV 9 %, KAIST 0 of 8; point targets of IST-A 0 %, SIRST v2 2 %. Only warm objects tell: by the
cars of HIT-UAV, cooler than the ground at night, most answers are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from irtd_fast.radiometry.base import Pixels, Valid, check_image, check_valid

_SIDE = 192  # pictures are averaged down to it: noise goes, things stay
_SIGMA = 4.0  # of the high-pass, in pixels of the small picture
_SPOTS, _GROUND, _CONTRAST = 2.2, 0.93, 2.0  # logistic weights; see the module's text
_TINY = 1e-9
_RING = 0.5  # the surround of a box is it, grown by this share of its sides (2 pixels at least)
_MOST_LOGIT = 30.0


@dataclass(frozen=True)
class Polarity:
    """An answer.

    Attributes:
        kind: "unknown" where nothing speaks for either (a constant picture, no pixels).
        confidence: Probability that ``kind`` is right by the logistic model, 0.5..1.
        logit: Above 0 for white-hot; logits of pictures of one camera may be averaged.
        evidence: "objects" or "picture".
    """

    kind: Literal["white-hot", "black-hot", "unknown"]
    confidence: float
    logit: float
    evidence: Literal["objects", "picture"]

    @classmethod
    def of_logit(cls, logit: float, evidence: Literal["objects", "picture"]) -> Polarity:
        """The answer that a logit means."""
        logit = float(np.clip(logit, -_MOST_LOGIT, _MOST_LOGIT))
        if logit == 0:
            return cls("unknown", 0.5, 0.0, evidence)
        kind: Literal["white-hot", "black-hot"] = "white-hot" if logit > 0 else "black-hot"
        return cls(kind, 1 / (1 + math.exp(-abs(logit))), logit, evidence)


def detect_polarity(
    image: Pixels, *, boxes: NDArray[Any] | None = None, valid: Valid = None
) -> Polarity:
    """Whether larger counts of a picture are warmer.

    Args:
        image: (height, width), uint8 or uint16 counts, or float32.
        boxes: (n, 4) xyxy pixel edges of objects that are warmer than their surround; without
            any, or where none has contrast, the picture itself decides.
        valid: (height, width) bool; False pixels do not count.

    Raises:
        ValueError: Another shape or type; expected and found are named.
    """
    check_image(image)
    check_valid(image, valid)
    if image.ndim != 2:
        raise ValueError(f"image must be (height, width), found shape {image.shape}")
    values = np.where(valid, image, np.nan) if valid is not None else image
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    if boxes is not None:
        answer = Polarity.of_logit(_object_logit(values, _checked(boxes)), "objects")
        if answer.kind != "unknown":
            return answer
    return Polarity.of_logit(_picture_logit(values), "picture")


def polarity_of_source(answers: Iterable[Polarity]) -> Polarity:
    """One answer of many pictures of one camera: the mean logit times the root of their number.

    Pictures of one camera are not independent, hence the root; answers by objects count if there
    are any, else those by picture.
    """
    found = [answer for answer in answers if answer.kind != "unknown"]
    by_objects = [answer for answer in found if answer.evidence == "objects"]
    chosen = by_objects or found
    if not chosen:
        return Polarity.of_logit(0.0, "picture")
    logits = [answer.logit for answer in chosen]
    return Polarity.of_logit(float(np.mean(logits)) * math.sqrt(len(logits)), chosen[0].evidence)


def _checked(boxes: NDArray[Any]) -> NDArray[np.float64]:
    array = np.asarray(boxes, np.float64)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"boxes must be (n, 4), found shape {array.shape}")
    return array


def _picture_logit(values: NDArray[np.float64]) -> float:
    """Warm things are small and stand out from what is around them; the sky is cold and above.

    The skewness of a high-pass, and lower less upper third against the standard deviation.
    """
    if not np.isfinite(values).any():
        return 0.0
    small = _averaged(np.where(np.isnan(values), np.nanmean(values), values))
    spread = float(small.std())
    if spread <= _TINY * (1 + float(np.abs(small).max())):
        return 0.0
    small = (small - small.mean()) / spread
    detail = small - ndimage.gaussian_filter(small, _SIGMA, mode="nearest")
    skewness = float((detail**3).mean() / ((detail**2).mean() ** 1.5 + _TINY))
    third = max(len(small) // 3, 1)
    slope = float(small[-third:].mean() - small[:third].mean())
    return _SPOTS * math.tanh(skewness / 2) + _GROUND * math.tanh(slope)


def _averaged(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of square blocks: the longer side becomes ``_SIDE`` at most; what is over is cut."""
    block = math.ceil(max(values.shape) / _SIDE)
    rows, columns = (max(side // block, 1) for side in values.shape)
    cut = values[: rows * block, : columns * block]
    if min(values.shape) < block:
        return cut
    means: NDArray[np.float64] = cut.reshape(rows, block, columns, block).mean((1, 3))
    return means


def _object_logit(values: NDArray[np.float64], boxes: NDArray[np.float64]) -> float:
    """Contrast of each object in standard deviations of its surround, bounded, averaged.

    A box without a whole pixel, or a surround, does not count.
    """
    contrasts = [c for c in (_contrast(values, box) for box in boxes) if c is not None]
    if not contrasts:
        return 0.0
    return _CONTRAST * float(np.mean(np.tanh(contrasts))) * math.sqrt(len(contrasts))


def _contrast(values: NDArray[np.float64], box: NDArray[np.float64]) -> float | None:
    height, width = values.shape
    if not np.isfinite(box).all():
        return None
    x0, y0, x1, y1 = box
    left, right = (int(np.clip(v, 0, width)) for v in (math.floor(x0), math.ceil(x1)))
    top, bottom = (int(np.clip(v, 0, height)) for v in (math.floor(y0), math.ceil(y1)))
    if left >= right or top >= bottom:
        return None
    across, down = (max(2, round(_RING * side)) for side in (right - left, bottom - top))
    first_row, first_column = max(top - down, 0), max(left - across, 0)
    around = values[first_row : bottom + down, first_column : right + across].copy()
    rows = slice(top - first_row, bottom - first_row)
    columns = slice(left - first_column, right - first_column)
    inside = around[rows, columns].copy()
    around[rows, columns] = np.nan
    inside, surround = inside[~np.isnan(inside)], around[~np.isnan(around)]
    if not inside.size or not surround.size:
        return None
    difference = _strongest(inside, float(np.median(surround)))
    return (
        difference / (float(surround.std()) + _TINY * (1 + abs(difference))) if difference else 0.0
    )


def _strongest(inside: NDArray[np.float64], ground: float) -> float:
    """How far the outer tenths of an object's pixels lie from the ground, above less below.

    Boxes are larger than what they hold, so a mean would be diluted by the ground.
    """
    rise, fall = np.percentile(inside, 90) - ground, ground - np.percentile(inside, 10)
    return float(rise - fall)
