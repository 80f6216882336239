"""Radiometric recipes: how sensor counts become network input."""

from __future__ import annotations

from irtd_fast.radiometry.base import (
    OutputType,
    Recipe,
    UnsupportedRecipeError,
    recipe_from_dict,
    recipe_names,
    register,
)
from irtd_fast.radiometry.cast import from_bfloat16, to_bfloat16
from irtd_fast.radiometry.chain import Chain
from irtd_fast.radiometry.clahe import Clahe
from irtd_fast.radiometry.corrections import BadPixels, Destripe, TwoPointNuc
from irtd_fast.radiometry.detail import DetailEnhance
from irtd_fast.radiometry.equalize import HistogramMatch, PlateauEqualization
from irtd_fast.radiometry.look_up import LookUp
from irtd_fast.radiometry.polarity import Polarity, detect_polarity, polarity_of_source
from irtd_fast.radiometry.statistics import Statistics
from irtd_fast.radiometry.stretch import (
    Counts,
    Invert,
    MinMax,
    Percentile,
    Sigma,
    Window,
    ZScore,
)
from irtd_fast.radiometry.thermometry import Atmosphere, Planck, TLinear

__all__ = [
    "Atmosphere", "BadPixels", "Chain", "Clahe", "Counts", "Destripe", "DetailEnhance",
    "HistogramMatch", "Invert", "LookUp", "MinMax", "OutputType", "Percentile", "Planck",
    "PlateauEqualization", "Polarity", "Recipe", "Sigma", "Statistics", "TLinear", "TwoPointNuc",
    "UnsupportedRecipeError", "Window", "ZScore", "detect_polarity", "from_bfloat16",
    "polarity_of_source", "recipe_from_dict", "recipe_names", "register", "to_bfloat16",
]  # fmt: skip
