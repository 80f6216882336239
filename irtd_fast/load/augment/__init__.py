"""Augmentation: one geometric draw for all that a sample has, photometric draws for each sensor.

Draws are numbers and matrices made here for a whole batch at once; pixels are changed in the core.
"""

from __future__ import annotations

from irtd_fast.load.augment.cutout import Cutout
from irtd_fast.load.augment.matrices import window_matrices
from irtd_fast.load.augment.mosaic import Mosaic
from irtd_fast.load.augment.options import Affine, Augment
from irtd_fast.load.augment.photometric import Photometric
from irtd_fast.load.augment.recipes import RandomRecipe, variations
from irtd_fast.load.augment.windows import ScaleJitter, whole_windows

__all__ = [
    "Affine",
    "Augment",
    "Cutout",
    "Mosaic",
    "Photometric",
    "RandomRecipe",
    "ScaleJitter",
    "variations",
    "whole_windows",
    "window_matrices",
]
