"""Recipes that map a range of counts to the output's range by a straight line.

``(v - low) / (high - low)`` is clipped to 0..1 and scaled to the output: 0..1 for float types,
0..255 and 0..65535 for integers. A flat picture, and one without valid pixels, maps to 0. A float
picture may hold NaN: such a pixel is as invalid as one that ``valid`` leaves out. Infinite pixels
are in no statistics either and map to the end that they lie beyond; where nothing is clipped
(``Counts``, ``ZScore``) that is 3e38, or infinity in float16. Arithmetic is float32, so a result
may be one unit in the last place (one level) from that in higher precision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import (
    TOP,
    OutputType,
    Pixels,
    Recipe,
    Scope,
    Valid,
    check_scope,
    register,
)
from irtd_fast.radiometry.statistics import Statistics

FLOAT_MAX = 3.0e38
_ANY = (-FLOAT_MAX, FLOAT_MAX)
_UNIT = (0.0, 1.0)

Mode = Literal["fixed", "min_max", "percentile", "sigma"]


@dataclass(frozen=True, eq=False)
class Stretch(Recipe):
    """A recipe that is a line between two counts, clipped."""

    invertible: ClassVar[bool] = True

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """Counts that map to the bottom and the top of the output for this picture."""
        raise NotImplementedError

    def fixed_bounds(self) -> tuple[float, float] | None:
        """The bounds, if they do not depend on the picture."""
        return None

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Counts that a result came from; see ``Recipe.inverse``.

        Integer ``values`` are taken as levels of their type's whole range; uint16 are never taken
        as bfloat16 (``from_bfloat16`` reads those). NaN stays NaN.
        """
        kind = np.asarray(values).dtype
        if kind.kind != "f" and kind.name not in TOP:
            raise ValueError(f"values must be uint8, uint16 or float, found {kind}")
        if bounds is None:
            bounds = self.fixed_bounds()
        if bounds is None:
            raise ValueError(f"{type(self).__name__}.inverse needs the bounds of the picture")
        if not all(map(math.isfinite, bounds)):
            raise ValueError(f"bounds must be two finite counts, found {bounds}")
        share = np.asarray(values, np.float64) / TOP.get(kind.name, 1.0)
        return share * (bounds[1] - bounds[0]) + bounds[0]


def check_line(low: float, high: float) -> None:
    """Refuse a line between two counts that single precision does not hold.

    Raises:
        ValueError: One is not finite or beyond 3e38, they do not rise, or rise by next to nothing.
    """
    held = abs(low) <= FLOAT_MAX and abs(high) <= FLOAT_MAX and low < high
    if not (held and high - low >= 1 / FLOAT_MAX):
        raise ValueError(f"need low < high, both finite in float32, found {low}, {high}")


def _stretch(mode: Mode, low: float, high: float) -> _core.NativeRecipe:
    return _core.stretch_recipe(mode, low, high, out=_UNIT, clip=_UNIT, meaning="shares")


@register
@dataclass(frozen=True, eq=False)
class Counts(Stretch):
    """Counts as the sensor gave them; integer outputs saturate, float16 overflows to infinity."""

    name: ClassVar[str] = "counts"
    numeric: ClassVar[bool] = True

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """(0, 1): a count stays what it is."""
        del image, valid
        return 0.0, 1.0

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        return _core.stretch_recipe("fixed", 0, 1, out=_UNIT, clip=_ANY, meaning="numbers")

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """The values themselves."""
        del bounds
        return np.asarray(values, np.float64)


@register
@dataclass(frozen=True, eq=False)
class MinMax(Stretch):
    """Stretch each picture from its smallest to its largest count.

    Attributes:
        scope: Whose smallest and largest count: of each picture, its sequence or its source.
    """

    scope: Scope = "picture"
    name: ClassVar[str] = "min_max"

    def __post_init__(self) -> None:
        """Check the scope."""
        check_scope(self.scope)

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """Smallest and largest usable count; (0, 0) without any."""
        _, low, high, _, _ = _core.value_moments(image, valid=valid)
        return low, high

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        self.require_own()
        return _stretch("min_max", 0, 0)

    def resolve(self, statistics: Statistics) -> Recipe:
        """A ``Window`` over the range of all pictures."""
        return window_over(statistics.low, statistics.high)


@register
@dataclass(frozen=True, eq=False)
class Percentile(Stretch):
    """Stretch each picture between two percentiles (NumPy's ``linear`` definition).

    Attributes:
        low: Percentile that maps to the bottom.
        high: Percentile that maps to the top.
        scope: Whose statistics: of each picture, its sequence or its source.
    """

    low: float = 1.0
    high: float = 99.0
    scope: Scope = "picture"
    name: ClassVar[str] = "percentile"

    def __post_init__(self) -> None:
        """Check the percentiles."""
        check_scope(self.scope)
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"need 0 <= low < high <= 100, found {self.low}, {self.high}")

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """The two percentiles of the usable pixels; (0, 0) without any."""
        return value_percentiles(image, valid, (self.low, self.high))

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        self.require_own()
        return _stretch("percentile", self.low, self.high)

    def resolve(self, statistics: Statistics) -> Recipe:
        """A ``Window`` between the percentiles of all pictures."""
        return window_over(*statistics.percentiles((self.low, self.high)))


@register
@dataclass(frozen=True, eq=False)
class Sigma(Stretch):
    """Stretch each picture over ``mean - k std .. mean + k std`` of its counts.

    Attributes:
        k: Standard deviations (of the population) on either side.
        scope: Whose statistics: of each picture, its sequence or its source.
    """

    k: float = 3.0
    scope: Scope = "picture"
    name: ClassVar[str] = "sigma"

    def __post_init__(self) -> None:
        """Check the factor."""
        check_scope(self.scope)
        if not (math.isfinite(self.k) and self.k > 0):
            raise ValueError(f"need k > 0 and finite, found {self.k}")

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """The two counts; (0, 0) without usable pixels."""
        _, _, _, mean, std = _core.value_moments(image, valid=valid)
        return mean - self.k * std, mean + self.k * std

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        self.require_own()
        return _stretch("sigma", self.k, self.k)

    def resolve(self, statistics: Statistics) -> Recipe:
        """A ``Window`` by mean and standard deviation of all pictures."""
        reach = self.k * statistics.std
        return window_over(statistics.mean - reach, statistics.mean + reach)


@register
@dataclass(frozen=True, eq=False)
class Window(Stretch):
    """Stretch a fixed range: of counts, or of temperatures after ``Planck`` or ``TLinear``.

    Attributes:
        low: Count (or temperature, in the unit of the picture) that maps to the bottom.
        high: What maps to the top.
    """

    low: float
    high: float
    name: ClassVar[str] = "window"

    def __post_init__(self) -> None:
        """Check the range."""
        check_line(self.low, self.high)

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """The range itself."""
        del image, valid
        return self.low, self.high

    def fixed_bounds(self) -> tuple[float, float]:
        """The range itself."""
        return self.low, self.high

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        return _stretch("fixed", self.low, self.high)


@register
@dataclass(frozen=True, eq=False)
class ZScore(Stretch):
    """``(v - mean) / std`` with fixed statistics; float outputs only, nothing is clipped.

    Attributes:
        mean: In counts.
        std: In counts.
    """

    mean: float
    std: float
    name: ClassVar[str] = "z_score"

    def __post_init__(self) -> None:
        """Check the statistics."""
        if not (abs(self.mean) <= FLOAT_MAX and 1 / FLOAT_MAX <= self.std <= FLOAT_MAX):
            raise ValueError(
                f"need mean and std > 0, both finite in float32, found {self.mean}, {self.std}"
            )

    def bounds(self, image: Pixels, *, valid: Valid = None) -> tuple[float, float]:
        """Counts that map to 0 and to 1."""
        del image, valid
        return self.fixed_bounds()

    def fixed_bounds(self) -> tuple[float, float]:
        """Counts that map to 0 and to 1."""
        return self.mean, self.mean + self.std

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it.

        Raises:
            ValueError: For an integer output.
        """
        if dtype in ("uint8", "uint16"):
            message = "ZScore gives negative values; dtype must be float32, float16 or bfloat16"
            raise ValueError(f"{message}, not {dtype}")
        low, high = self.fixed_bounds()
        return _core.stretch_recipe("fixed", low, high, out=_UNIT, clip=_ANY, meaning="numbers")


@register
@dataclass(frozen=True, eq=False)
class Invert(Recipe):
    """Black-hot to white-hot: every count becomes its mirror image in the range of its type.

    ``255 - v`` and ``65535 - v``, as the share of the output: 0 is 1 and the largest count is 0.
    As a step of a chain (``Chain((Invert(), MinMax()))``) it leaves contrast to what follows.
    """

    invertible: ClassVar[bool] = True
    input_types: ClassVar[tuple[str, ...]] = ("uint8", "uint16")
    name: ClassVar[str] = "invert"

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        shares = (np.linspace(1, 0, n, dtype=np.float64).astype(np.float32) for n in (256, 65536))
        return _core.table_recipe(of_u8=next(shares), of_u16=next(shares), meaning="shares")

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Counts, for integer values: those of a float result need the picture's type."""
        del bounds
        kind = np.asarray(values).dtype
        if kind.name not in self.input_types:
            raise ValueError(f"Invert.inverse takes uint8 or uint16 values, found {kind}")
        return TOP[kind.name] - np.asarray(values, np.float64)


def value_percentiles(
    image: Pixels, valid: Valid, percents: tuple[float, float]
) -> tuple[float, float]:
    """Two percentiles of a picture's usable pixels; (0, 0) without any."""
    low, high = _core.value_percentiles(image, percents, valid=valid)
    return low, high


def window_over(low: float, high: float) -> Window:
    """A window that may be flat: then its one count maps to 0, what is above to the top."""
    return Window(low, high if high > low else low + 1)
