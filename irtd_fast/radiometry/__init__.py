"""Radiometric recipes: how sensor counts become network input."""

from __future__ import annotations

from irtd_fast.radiometry.recipes import (
    Counts,
    MinMax,
    Percentile,
    Recipe,
    Window,
    ZScore,
    recipe_from_dict,
)

__all__ = ["Counts", "MinMax", "Percentile", "Recipe", "Window", "ZScore", "recipe_from_dict"]
