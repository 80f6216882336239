"""What sensors and displays do to pixels, drawn for each sample; the core applies it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.augment.draws import Draws
from irtd_fast.load.augment.recipes import RandomRecipe

Bounds = tuple[float, float]
Table = NDArray[np.float32]

# Columns of the native table; the last one is polarity.
COLUMNS = ("blur", "noise", "shot", "column", "row", "dead", "gain", "offset", "gamma")
_LEAST = {"gain": -math.inf, "offset": -math.inf, "gamma": 1e-3}
_MOST = {"blur": 32.0, "dead": 1.0, "gamma": 1e3}
_NOTHING = {"gain": 1.0, "gamma": 1.0}


@dataclass(frozen=True)
class Photometric:
    """Effects on the finished frame, each drawn from its bounds, in this order.

    Blur (optics); shot and Gaussian noise, column and row pattern, dead pixels (detector); gain and
    offset, gamma, polarity (display). They act on the normalised output and not on counts: 63
    sensors have 63 scales of counts but one range of outputs, so that one set of numbers means the
    same for all of them; and at the frame's resolution, so that resizing does not average noise
    away. All values are shares of the output's range: 0 is its bottom, 1 its top. A mosaic is one
    frame. A gray picture stays gray in three channels; colours have noise of their own.

    Results do not depend on threads, processor, batch or layout: a pixel's noise is a function of
    seed, epoch, sample, effect, channel and place.

    Attributes:
        gain: Bounds of the factor about ``pivot``.
        offset: Bounds of what is added.
        gamma: Bounds of the exponent, drawn log-uniformly; values are clipped to 0..1 before.
        polarity: Probability of black-hot for white-hot and the other way round (``1 - v``).
        noise: Bounds of the standard deviation of Gaussian noise.
        shot: Bounds of the standard deviation of shot noise at the top; it falls with the square
            root of the value (Foi et al., IEEE TIP 2008, with normal in place of Poisson numbers).
        column: Bounds of the standard deviation of what every column has added to it.
        row: The same of rows.
        blur: Bounds of the sigma of a Gaussian in pixels, at most 32, cut off beyond three sigma;
            mirrored at the edges. Below 0.1 nothing is done.
        dead: Bounds of the share of pixels that are stuck at the bottom or the top.
        recipe: Recipes from which each sample's normalisation is drawn, ``None``: the loader's.
        chance: Probability of each effect, apart; one for all or by name (others: 1).
        pivot: The value that ``gain`` leaves as it is.
        range: The output values that are 0 and 1 here, where the loader's recipe does not say
            (temperatures, z-scores).
    """

    gain: Bounds = (1.0, 1.0)
    offset: Bounds = (0.0, 0.0)
    gamma: Bounds = (1.0, 1.0)
    polarity: float = 0.0
    noise: Bounds = (0.0, 0.0)
    shot: Bounds = (0.0, 0.0)
    column: Bounds = (0.0, 0.0)
    row: Bounds = (0.0, 0.0)
    blur: Bounds = (0.0, 0.0)
    dead: Bounds = (0.0, 0.0)
    recipe: RandomRecipe | None = None
    chance: float | Mapping[str, float] = field(default=1.0, hash=False)
    pivot: float = 0.0
    range: Bounds | None = None

    def __post_init__(self) -> None:
        """Check the bounds."""
        for name in COLUMNS:
            low, high = getattr(self, name)
            least, most = _LEAST.get(name, 0.0), _MOST.get(name, math.inf)
            if not (least <= low <= high <= most and math.isfinite(low) and math.isfinite(high)):
                raise ValueError(
                    f"{name} must satisfy {least:g} <= low <= high <= {most:g}, found {low, high}"
                )
        chances = self.chance.items() if isinstance(self.chance, Mapping) else [("", self.chance)]
        for name, value in (("polarity", self.polarity), *chances):
            if not 0 <= value <= 1:
                raise ValueError(f"{name or 'chance'} must be a probability, found {value}")
        if isinstance(self.chance, Mapping) and not self.chance.keys() <= set(COLUMNS):
            raise ValueError(f"chance names {', '.join(COLUMNS)}, found {sorted(self.chance)}")
        if not math.isfinite(self.pivot):
            raise ValueError(f"pivot must be a number, found {self.pivot}")
        if self.range is not None and not -math.inf < self.range[0] < self.range[1] < math.inf:
            raise ValueError(f"range must satisfy low < high, found {self.range}")

    def chance_of(self, name: str) -> float:
        """Probability of an effect."""
        if isinstance(self.chance, Mapping):
            return self.chance.get(name, 1.0)
        return self.chance

    @property
    def changes_frames(self) -> bool:
        """Whether any effect other than the recipe can ever happen."""
        neutral = Photometric()
        return any(
            getattr(self, f.name) != getattr(neutral, f.name)
            for f in fields(self)
            if f.name in (*COLUMNS, "polarity")
        )


def draw_photometric(options: Photometric, draws: Draws, what: str) -> Table:
    """Parameters (n, 10) float32 of the frames, as ``_core.FrameEffects`` takes them.

    Args:
        options: What to draw.
        draws: Random numbers of the samples.
        what: ``infrared`` or ``visible``, whose draws are independent.
    """
    table = np.zeros((len(draws), len(COLUMNS) + 1))
    for place, name in enumerate(COLUMNS):
        neutral = _NOTHING.get(name, 0.0)
        table[:, place] = neutral
        bounds = getattr(options, name)
        if bounds == (neutral, neutral):
            continue
        low, high = np.log(bounds) if name == "gamma" else bounds
        drawn = draws.between(f"{what}/{name}", (float(low), float(high)))
        happens = draws.happens(f"{what}/{name}_any", options.chance_of(name))
        table[happens, place] = (np.exp(drawn) if name == "gamma" else drawn)[happens]
    table[:, 0] = np.where(table[:, 0] < 0.1, 0.0, table[:, 0])
    gain, offset = COLUMNS.index("gain"), COLUMNS.index("offset")
    table[:, offset] += options.pivot * (1 - table[:, gain])
    table[:, -1] = draws.happens(f"{what}/polarity", options.polarity)
    return table.astype(np.float32)


def frame_keys(draws: Draws, what: str) -> NDArray[Any]:
    """Keys (n,) of the frames' pixel noise."""
    return draws.keys(f"{what}/pixels")
