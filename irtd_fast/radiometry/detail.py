"""Detail enhancement: base and detail apart, the base compressed, the detail amplified."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from irtd_fast import _core
from irtd_fast.radiometry.base import OutputType, Recipe, Scope, check_scope, register
from irtd_fast.radiometry.statistics import Statistics
from irtd_fast.radiometry.stretch import Window, window_over

_MOST_RADIUS = 255


@register
@dataclass(frozen=True, eq=False)
class DetailEnhance(Recipe):
    """Show small contrasts beside large ones, as thermal cameras do for their display.

    With ``x = (count - low) / (high - low)``, low and high two percentiles of the picture::

        base   = guided filter of x by itself, square window of side 2 * radius + 1
        detail = sign(x - base) * max(|x - base| - noise, 0)
        out    = 0.5 + base_share * (clip(base, 0, 1) - 0.5) + gain * detail,  clipped to 0..1

    The filter is that of K. He, J. Sun, X. Tang, "Guided Image Filtering", IEEE TPAMI 35(6), 2013
    (eq. 5, 6, 8), by box sums; its windows end at the border. The gate is soft thresholding
    (D. Donoho, IEEE Trans. Inf. Theory 41(3), 1995), the scheme that of C. Zuo et al., "Display and
    detail enhancement for high-dynamic-range infrared images", Opt. Eng. 50(12), 2011, with a
    guided in place of a bilateral filter (no gradient reversal) and a linear base.

    Pixels that are not valid enter no window and become 0. A flat picture maps to 0.

    Attributes:
        radius: Of the filter's window in pixels, 1 to 255.
        epsilon: Contrast, as a share of high - low, from which on an edge stays in the base.
        gain: Of the detail.
        noise: Detail up to this share of high - low is taken for noise.
        base_share: Share of the output's range that the base may use; the rest is for detail.
        low: Percentile that is 0 of the base.
        high: Percentile that is 1 of the base.
        window: Counts in place of the two percentiles.
        scope: Whose percentiles: of each picture, its sequence or its source.
    """

    radius: int = 8
    epsilon: float = 0.1
    gain: float = 3.0
    noise: float = 0.005
    base_share: float = 0.7
    low: float = 1.0
    high: float = 99.0
    window: tuple[float, float] | None = None
    scope: Scope = "picture"
    name: ClassVar[str] = "detail_enhance"
    input_types: ClassVar[tuple[str, ...]] = ("uint8", "uint16")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_scope(self.scope)
        numbers = (self.epsilon, self.gain, self.noise, self.base_share)
        if not all(map(math.isfinite, numbers)) or self.epsilon <= 0 or min(numbers) < 0:
            raise ValueError(
                "need epsilon > 0, gain, noise and base_share >= 0, found "
                f"{self.epsilon}, {self.gain}, {self.noise}, {self.base_share}"
            )
        if not (1 <= self.radius <= _MOST_RADIUS and self.base_share <= 1):
            raise ValueError(
                f"need radius in 1..{_MOST_RADIUS} and base_share <= 1, found {self.radius}, "
                f"{self.base_share}"
            )
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"need 0 <= low < high <= 100, found {self.low}, {self.high}")
        if self.window is not None:
            bounds = Window(*self.window)  # checks them
            object.__setattr__(self, "window", (float(bounds.low), float(bounds.high)))

    def resolve(self, statistics: Statistics) -> Recipe:
        """The same with the percentiles of all pictures as its window."""
        bounds = window_over(*statistics.percentiles((self.low, self.high)))
        return replace(self, window=(bounds.low, bounds.high), scope="picture")

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        low, high = self.window or (self.low, self.high)
        return _core.detail_recipe(
            low=low, high=high, by_percentile=self.window is None, radius=self.radius,
            epsilon=self.epsilon, gain=self.gain, noise=self.noise, base_share=self.base_share,
        )  # fmt: skip
