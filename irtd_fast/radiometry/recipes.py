"""Recipes as frozen dataclasses over the native kernels.

A stretching recipe maps a range of counts to the output's full range, 0..1 for float32 and 0..255
for uint8, by ``(v - lo) / (hi - lo)`` and clips what lies outside; a flat picture maps to 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core

OutputType = Literal["float32", "uint8", "uint16"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]
# mode, low, high, out_low, out_high, clip_low, clip_high; what the batch pipeline takes
NormalizeSpec = tuple[str, float, float, float, float, float, float]

_TOP = {"float32": 1.0, "uint8": 255.0, "uint16": 65535.0}
_FLOAT_MAX = 3.0e38


@dataclass(frozen=True)
class Recipe:
    """Base of all recipes."""

    name: ClassVar[str] = ""

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        raise UnsupportedRecipeError(type(self).__name__)

    def bounds(self, image: Pixels) -> tuple[float, float]:
        """Counts that map to the bottom and the top of the output for this picture."""
        mode, low, high, *_ = self.native("float32")
        if mode == "min_max":
            first, last = _core.image_min_max(image)
            return float(first), float(last)
        if mode == "percentile":
            found = _core.image_percentiles(image, (low, high))
            return float(found[0]), float(found[1])
        return low, high

    def apply(self, image: Pixels, *, dtype: OutputType = "float32") -> NDArray[Any]:
        """Apply to one picture.

        Args:
            image: (height, width) or (height, width, 3), uint8 or uint16.
            dtype: Of the result, which has the picture's shape.
        """
        _, _, _, out_low, out_high, clip_low, clip_high = self.native(dtype)
        low, high = self.bounds(image)
        scale = (out_high - out_low) / (high - low) if high > low else 0.0
        values = image.astype(np.float64) * scale + (out_low - low * scale)
        values = np.clip(values, clip_low, clip_high)
        return (np.rint(values) if dtype != "float32" else values).astype(dtype)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data; ``recipe_from_dict`` brings it back."""
        return {"name": self.name, **asdict(self)}


class UnsupportedRecipeError(TypeError):
    """A recipe class without a native form."""


@dataclass(frozen=True)
class Counts(Recipe):
    """Counts as the sensor gave them; integer outputs saturate."""

    name: ClassVar[str] = "counts"

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        top = _FLOAT_MAX if dtype == "float32" else _TOP[dtype]
        return ("fixed", 0.0, 1.0, 0.0, 1.0, 0.0, top)


@dataclass(frozen=True)
class MinMax(Recipe):
    """Stretch each picture from its smallest to its largest count."""

    name: ClassVar[str] = "min_max"

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        return ("min_max", 0.0, 0.0, 0.0, _TOP[dtype], 0.0, _TOP[dtype])


@dataclass(frozen=True)
class Percentile(Recipe):
    """Stretch each picture between two percentiles (NumPy's ``linear`` definition).

    Attributes:
        low: Percentile that maps to the bottom.
        high: Percentile that maps to the top.
    """

    low: float = 1.0
    high: float = 99.0
    name: ClassVar[str] = "percentile"

    def __post_init__(self) -> None:
        """Check the percentiles."""
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"need 0 <= low < high <= 100, found {self.low}, {self.high}")

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        return ("percentile", self.low, self.high, 0.0, _TOP[dtype], 0.0, _TOP[dtype])


@dataclass(frozen=True)
class Window(Recipe):
    """Stretch a fixed range of counts.

    Attributes:
        low: Count that maps to the bottom.
        high: Count that maps to the top.
    """

    low: float
    high: float
    name: ClassVar[str] = "window"

    def __post_init__(self) -> None:
        """Check the range."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"need low < high, both finite, found {self.low}, {self.high}")

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it."""
        return ("fixed", self.low, self.high, 0.0, _TOP[dtype], 0.0, _TOP[dtype])


@dataclass(frozen=True)
class ZScore(Recipe):
    """``(v - mean) / std`` with fixed statistics; float32 only, nothing is clipped.

    Attributes:
        mean: In counts.
        std: In counts.
    """

    mean: float
    std: float
    name: ClassVar[str] = "z_score"

    def __post_init__(self) -> None:
        """Check the statistics."""
        if not (math.isfinite(self.mean) and math.isfinite(self.std) and self.std > 0):
            raise ValueError(f"need finite mean and std > 0, found {self.mean}, {self.std}")

    def native(self, dtype: OutputType) -> NormalizeSpec:
        """The recipe as the batch pipeline takes it.

        Raises:
            ValueError: For an integer output.
        """
        if dtype != "float32":
            raise ValueError(f"ZScore gives negative values; dtype must be float32, not {dtype}")
        mean, std = self.mean, self.std
        return ("fixed", mean, mean + std, 0.0, 1.0, -_FLOAT_MAX, _FLOAT_MAX)


_RECIPES = {cls.name: cls for cls in (Counts, MinMax, Percentile, Window, ZScore)}


def recipe_from_dict(data: Mapping[str, Any]) -> Recipe:
    """Bring back what ``to_dict`` gave.

    Raises:
        ValueError: No recipe of that name; the names are listed.
    """
    fields = dict(data)
    name = fields.pop("name", None)
    if name not in _RECIPES:
        raise ValueError(f"no recipe {name!r}; there are {', '.join(_RECIPES)}")
    recipe: Recipe = _RECIPES[name](**fields)
    return recipe
