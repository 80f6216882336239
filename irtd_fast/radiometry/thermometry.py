"""Camera models: counts to temperatures and back.

The radiometric chain of FLIR cameras, as published by Minkina and Dudzik (*Infrared
Thermography: Errors and Uncertainties*, Wiley 2009) and in use in Thermimage, ThermImageJ and flyr:
what a camera counts is the object's radiance through air, a window and air, plus what those and the
surroundings radiate themselves; each part is a count by the same calibrated Planck curve

    counts(T) = R1 / (R2 (exp(B / T) - F)) - O          T in kelvin.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import OutputType, Pixels, Recipe, part, register
from irtd_fast.radiometry.stretch import FLOAT_MAX

Unit = Literal["kelvin", "celsius"]
ZERO_CELSIUS = 273.15
_FLOATS = ("float32", "float16", "bfloat16")


@part
@dataclass(frozen=True)
class Atmosphere:
    """Air and window between object and camera.

    Attributes:
        distance: Of the object, metres.
        humidity: Relative, 0..1.
        air: Temperature of the air, kelvin.
        window: Temperature of the window, kelvin.
        window_transmission: Of the window, above 0 and at most 1 (none).
        alpha1: Coefficients of the two-term transmission model of the camera; FLIR's usual ones.
        alpha2: See ``alpha1``.
        beta1: See ``alpha1``.
        beta2: See ``alpha1``.
        x: Weight of the first term.
    """

    distance: float = 1.0
    humidity: float = 0.5
    air: float = 293.15
    window: float = 293.15
    window_transmission: float = 1.0
    alpha1: float = 0.006569
    alpha2: float = 0.01262
    beta1: float = -0.002276
    beta2: float = -0.00667
    x: float = 1.9

    def __post_init__(self) -> None:
        """Check the ranges."""
        fits = self.distance >= 0 and 0 <= self.humidity <= 1 and self.air > 0 and self.window > 0
        if not (
            fits and 0 < self.window_transmission <= 1 and all(map(math.isfinite, astuple(self)))
        ):
            raise ValueError(
                "need distance >= 0, humidity in 0..1, temperatures in kelvin above 0, "
                f"window_transmission in (0, 1], all finite, found {self}"
            )
        try:
            through = self.transmission()
        except OverflowError:
            through = math.inf
        if not 0 < through < math.inf:
            raise ValueError(f"no transmission above 0 through this air: {through:.3g}, of {self}")

    def transmission(self) -> float:
        """Of the air on one side of the window (half the distance), 0..1.

        ``X exp(-sqrt(d / 2) (a1 + b1 sqrt(w))) + (1 - X) exp(-sqrt(d / 2) (a2 + b2 sqrt(w)))`` with
        ``w`` the water in the air by humidity and temperature.
        """
        t = self.air - ZERO_CELSIUS
        water = self.humidity * math.exp(
            1.5587 + 0.06939 * t - 0.00027816 * t**2 + 0.00000068455 * t**3
        )
        path, moist = math.sqrt(self.distance / 2), math.sqrt(water)
        first = math.exp(-path * (self.alpha1 + self.beta1 * moist))
        second = math.exp(-path * (self.alpha2 + self.beta2 * moist))
        return self.x * first + (1 - self.x) * second


class _Thermometer(Recipe):
    """What camera models share: float outputs only, and temperatures for the next of a chain."""

    invertible: ClassVar[bool] = True
    numeric: ClassVar[bool] = True
    input_types: ClassVar[tuple[str, ...]] = ("uint8", "uint16")

    def hands_on(self, image: Pixels) -> OutputType:
        """Temperatures are float32."""
        del image
        return "float32"


def _check_float(recipe: Recipe, dtype: OutputType) -> None:
    if dtype not in _FLOATS:
        name = type(recipe).__name__
        raise ValueError(f"{name} gives temperatures; dtype must be {', '.join(_FLOATS)}, "
                         f"not {dtype}: chain a Window behind it")  # fmt: skip


@register
@dataclass(frozen=True, eq=False)
class Planck(_Thermometer):
    """Counts to temperatures by the calibration that a radiometric file carries.

    Float outputs only. Counts below what any temperature gives, and invalid pixels, are NaN.
    float16 resolves 0.25 K and bfloat16 2 K at room temperature: take float32, or chain a
    ``Window`` behind it.

    Attributes:
        r1: Planck constants of the file.
        r2: See ``r1``.
        b: See ``r1``.
        f: See ``r1``.
        o: See ``r1``.
        emissivity: Of the object, above 0 and at most 1.
        reflected: Reflected apparent temperature, kelvin.
        atmosphere: Air and window in between.
        unit: Of the result.
    """

    r1: float
    r2: float
    b: float
    f: float
    o: float
    emissivity: float = 0.95
    reflected: float = 293.15
    atmosphere: Atmosphere = field(default_factory=Atmosphere)
    unit: Unit = "kelvin"
    name: ClassVar[str] = "planck"

    def __post_init__(self) -> None:
        """Check the ranges."""
        warm = 0 < self.reflected < math.inf and self.unit in ("kelvin", "celsius")
        if not (0 < self.emissivity <= 1 and warm):
            raise ValueError(
                "need emissivity in (0, 1], reflected in kelvin above 0, unit kelvin or celsius, "
                f"found {self.emissivity}, {self.reflected}, {self.unit!r}"
            )
        if not (self.r1 > 0 and self.r2 > 0 and self.b > 0):
            raise ValueError(f"need r1, r2 and b above 0, found {self.r1}, {self.r2}, {self.b}")
        if not all(map(math.isfinite, (self.r1, self.r2, self.b, self.f, self.o, *self._line()))):
            raise ValueError(f"need numbers of which counts and radiances are finite, found {self}")

    def _counts(self, kelvin: Any) -> Any:
        """Counts of a black body before the lens."""
        with np.errstate(all="ignore"):  # at 0 K the counts are those of no radiance
            return self.r1 / (self.r2 * (np.exp(self.b / np.float64(kelvin)) - self.f)) - self.o

    def _line(self) -> tuple[float, float]:
        """(gain, offset): counts of the object alone = gain * counts - offset."""
        air = self.atmosphere
        tau, window, e = air.transmission(), air.window_transmission, self.emissivity
        reflected, warm = self._counts(self.reflected), self._counts(air.air)
        with np.errstate(all="ignore"):  # what is not finite is refused on making
            offset = (
                (1 - e) / e * reflected
                + (1 - tau) / (e * tau) * warm
                + (1 - window) / (e * tau * window) * self._counts(air.window)
                + (1 - tau) / (e * tau * window * tau) * warm
            )
        return 1 / (e * tau * window * tau), float(offset)

    def temperatures(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """Temperatures of counts in float64, NaN where there is none; the reference of the kernel.

        Args:
            counts: Of any shape and number type.
        """
        gain, offset = self._line()
        radiance = self.r2 * (gain * np.asarray(counts, np.float64) - offset + self.o)
        with np.errstate(divide="ignore", invalid="ignore"):
            kelvin = self.b / np.log(self.r1 / radiance + self.f)
        kelvin = np.where((radiance > 0) & (kelvin > 0), kelvin, np.nan)
        return kelvin - ZERO_CELSIUS if self.unit == "celsius" else kelvin

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Counts that these temperatures (in ``unit``) would be.

        NaN stays NaN, and so does what no body has: below 0 K.
        """
        del bounds
        kelvin = np.asarray(values, np.float64)
        if self.unit == "celsius":
            kelvin = kelvin + ZERO_CELSIUS
        gain, offset = self._line()
        counts: NDArray[np.float64] = (self._counts(kelvin) + offset) / gain
        return np.where(kelvin >= 0, counts, np.nan)

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it: a table, made once and kept while it is in use."""
        _check_float(self, dtype)
        return _planck_native(self)


@lru_cache(maxsize=64)
def _planck_native(recipe: Planck) -> _core.NativeRecipe:
    table = recipe.temperatures(np.arange(65536)).astype(np.float32)
    return _core.table_recipe(of_u8=table[:256], of_u16=table, meaning="temperatures")


@register
@dataclass(frozen=True, eq=False)
class TLinear(_Thermometer):
    """Counts of a camera that linearises temperature itself: ``gain * counts + offset``.

    FLIR cores in T-Linear mode give 0.04 K (high resolution) or 0.4 K a count from 0 K; radiometric
    Leptons 0.01 K. Float outputs only; invalid pixels are NaN.

    Attributes:
        gain: Kelvin (or degrees) a count.
        offset: Temperature of count 0; -273.15 gives degrees Celsius.
    """

    gain: float = 0.04
    offset: float = 0.0
    name: ClassVar[str] = "t_linear"

    def __post_init__(self) -> None:
        """Check the parameters."""
        most = FLOAT_MAX
        fits = 1 / most <= self.gain <= most and abs(self.offset) <= most * min(1, self.gain)
        if not fits:
            found = f"{self.gain}, {self.offset}"
            raise ValueError(f"need gain > 0 and a finite offset in float32, found {found}")

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        _check_float(self, dtype)
        zero = -self.offset / self.gain  # the count of temperature 0
        return _core.stretch_recipe(
            "fixed", zero, zero + 1, out=(0.0, self.gain),
            clip=(-FLOAT_MAX, FLOAT_MAX), meaning="temperatures",
        )  # fmt: skip

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Counts of these temperatures."""
        del bounds
        counts: NDArray[np.float64] = (np.asarray(values, np.float64) - self.offset) / self.gain
        return counts
