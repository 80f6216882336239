"""Recipes by the histogram: plateau equalisation and matching to a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import OutputType, Recipe, Scope, check_scope, frozen_array, register
from irtd_fast.radiometry.look_up import LookUp
from irtd_fast.radiometry.statistics import Statistics
from irtd_fast.radiometry.stretch import FLOAT_MAX

_QUANTILES = 1025


@register
@dataclass(frozen=True, eq=False)
class PlateauEqualization(Recipe):
    """Histogram equalisation in which no count weighs more than a plateau (automatic gain control).

    With ``h(v)`` the pixels of a count without the tails, ``p(v) = min(h(v), plateau)``, and
    ``first`` and ``last`` the outermost counts with pixels, the output rises from count to count by

        s(v) = min((1 - linear) p(v) / sum(p(first + 1..last)) + linear a(v) / sum(a),
                   max_gain / 255)

    of its range, and the middle of the levels used goes to ``midpoint``; what then lies outside of
    0..1 is clipped. ``a(v)`` is 1 for counts with pixels and for up to ``extension`` empty ones
    after each of them, else 0. A picture of one count has no contrast and is 0. A large plateau is
    classic equalisation, ``plateau`` 1 nearly a straight line.

    After FLIR. *Camera Adjustments*, application note 102-PS242-100-01 rev. 110 (June 2014),
    section 2.3: plateau value (pixels a bin; figures with 150), maximum gain (the steepest slope of
    the transfer function; figures with 8 levels of 8 bits a count of 14), ITT midpoint, tail
    rejection. *Lepton Software Interface Description* 110-0144-04 rev. 303, "AGC HEQ Linear
    Percent": an artificial population is added to every bin with pixels and to a number of empty
    bins after it (*bin extension*), the same to each, such that all of it is the given percentage
    of the histogram's pixels; ``s`` without its limit is that histogram's share of a bin. Neither
    document says where in the sum the gain is limited; here it is each count's step, as a slope
    is, and what the limit takes away is not given to others, so bland scenes keep little contrast.

    Attributes:
        plateau: Pixels of one count above which more do not matter.
        max_gain: Levels of 255 that a count may rise at most; 0 for any.
        linear: Share of the output given to a straight line between first and last, 0..1
            (Lepton's default is 20 percent).
        tail: Share of the pixels left out at each end of the histogram, below 0.5.
        midpoint: Where the middle of the levels used goes, 0..1.
        scope: Whose histogram: of each picture, its sequence or its source.
        extension: Empty counts after each with pixels that take part in the straight line; -1
            for all between first and last, which makes it straight.
    """

    plateau: float = 150.0
    max_gain: float = 8.0
    linear: float = 0.0
    tail: float = 0.0
    midpoint: float = 0.5
    scope: Scope = "picture"
    extension: int = -1
    input_types: ClassVar[tuple[str, ...]] = ("uint8", "uint16")
    name: ClassVar[str] = "plateau_equalization"

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_scope(self.scope)
        fits = self.plateau > 0 and self.max_gain >= 0 and 0 <= self.linear <= 1
        fits = fits and -1 <= self.extension <= 65535
        if not (fits and 0 <= self.tail < 0.5 and 0 <= self.midpoint <= 1):
            raise ValueError(
                "need plateau > 0, max_gain >= 0, linear and midpoint in 0..1, tail in 0..0.5, "
                f"extension in -1..65535, found {self}"
            )

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        self.require_own()
        return _core.plateau_recipe(
            self.plateau, self.max_gain, self.linear, self.tail, self.midpoint, self.extension
        )

    def resolve(self, statistics: Statistics) -> Recipe:
        """A ``LookUp``; the plateau is that of one picture, so it grows with their number."""
        plateau = self.plateau * max(statistics.images, 1)
        shares = _core.plateau_shares(
            statistics.histogram, plateau, self.max_gain, self.linear, self.tail, self.midpoint,
            self.extension,
        )  # fmt: skip
        return LookUp(shares)


@register
@dataclass(frozen=True, eq=False)
class HistogramMatch(Recipe):
    """Give pictures the distribution of a reference, so that many sensors share one scale.

    A count at rank ``r`` among the picture's valid pixels (the middle of the ranks of its equals)
    becomes the reference's quantile at ``r``, linearly between the stored ones, as a share of the
    reference's range (Gonzalez and Woods, *Digital Image Processing*, "histogram specification").

    Attributes:
        reference: float64, at least two quantiles of the reference in counts, at equally spaced
            ranks from 0 (its smallest) to 1 (its largest), not falling.
        scope: Whose ranks: within each picture, its sequence or its source.
    """

    reference: NDArray[np.float64]
    scope: Scope = "picture"
    input_types: ClassVar[tuple[str, ...]] = ("uint8", "uint16")
    name: ClassVar[str] = "histogram_match"

    def __post_init__(self) -> None:
        """Check and freeze the quantiles."""
        check_scope(self.scope)
        values = np.asarray(self.reference, np.float64)
        if values.ndim != 1 or len(values) < 2:
            raise ValueError(f"need at least two quantiles, found shape {values.shape}")
        if not (np.abs(values) <= FLOAT_MAX).all() or (np.diff(values) < 0).any():
            raise ValueError("need quantiles that do not fall, finite in float32")
        object.__setattr__(self, "reference", frozen_array(values))

    @classmethod
    def to(
        cls, statistics: Statistics, *, quantiles: int = _QUANTILES, scope: Scope = "picture"
    ) -> HistogramMatch:
        """Match to the pixels of these statistics.

        Args:
            statistics: Of the reference: a picture, a sequence, or a whole source.
            quantiles: How many to keep.
            scope: See the class.
        """
        ranks = np.linspace(0, 100, quantiles).tolist()
        return cls(np.array(statistics.percentiles(ranks)), scope)

    def shares(self) -> NDArray[np.float64]:
        """The quantiles as shares of the reference's range; all 0 for a flat reference."""
        low, high = self.reference[0], self.reference[-1]
        if high <= low:
            return np.zeros(len(self.reference))
        shares: NDArray[np.float64] = np.clip((self.reference - low) / (high - low), 0, 1)
        return shares

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        self.require_own()
        return _core.match_recipe(self.shares())

    def resolve(self, statistics: Statistics) -> Recipe:
        """A ``LookUp`` that brings all these pictures together to the reference."""
        counts = statistics.histogram.astype(np.float64)
        total = max(counts.sum(), 1.0)
        ranks = (np.cumsum(counts) - counts / 2) / total
        shares = self.shares()
        return LookUp(np.interp(ranks, np.linspace(0, 1, len(shares)), shares).astype(np.float32))
