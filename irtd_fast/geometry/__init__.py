"""Boxes, points and polygons, the affines that move them, the windows that cut them; pictures."""

from __future__ import annotations

from irtd_fast.geometry.resampling import Normalize, resample, resample_batch

__all__ = ["Normalize", "resample", "resample_batch"]
