"""Re-identification grids: eight numbered crops in one picture, composed while they are needed."""

from __future__ import annotations

from irtd_fast.grids.compose import Composer, compose_grid, compose_grids
from irtd_fast.grids.record import COLUMNS, ROWS, TILES, Grid

__all__ = ["COLUMNS", "ROWS", "TILES", "Composer", "Grid", "compose_grid", "compose_grids"]
