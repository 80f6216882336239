"""Boxes, points and polygons, the affines that move them, the windows that cut them."""

from __future__ import annotations
