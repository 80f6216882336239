"""Training batches from a store."""

from __future__ import annotations

from irtd_fast.load.augment import (
    Affine,
    Augment,
    Cutout,
    Mosaic,
    Photometric,
    RandomRecipe,
    ScaleJitter,
    variations,
)
from irtd_fast.load.batch import Batch
from irtd_fast.load.loader import Loader
from irtd_fast.load.pairs import Visible

__all__ = [
    "Affine",
    "Augment",
    "Batch",
    "Cutout",
    "Loader",
    "Mosaic",
    "Photometric",
    "RandomRecipe",
    "ScaleJitter",
    "Visible",
    "variations",
]
