"""Contrast limited adaptive histogram equalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from irtd_fast import _core
from irtd_fast.radiometry.base import OutputType, Recipe, register

_MOST_TILES = 256


@register
@dataclass(frozen=True, eq=False)
class Clahe(Recipe):
    """Equalise each tile of a picture by its own clipped histogram, blending between tiles.

    The levels are bit for bit those of ``cv2.createCLAHE(clip_limit, tiles[::-1]).apply`` of
    OpenCV 5, for uint8 and uint16 and any size: where the grid does not divide the picture,
    histograms see it continued by reflection. Method: K. Zuiderveld, "Contrast Limited Adaptive
    Histogram Equalization", Graphics Gems IV, 1994, pp. 474-485.

    Levels span the whole range of the picture's type and become 0..1 in float outputs. Pixels that
    are not valid enter no histogram and become 0. A constant picture maps to one level.

    Attributes:
        clip_limit: Of a histogram bin, in multiples of the mean bin; 0 means no limit. A uint16
            histogram has 65,536 bins, so that a small limit is one pixel and changes next to
            nothing: hundreds are usual, behind a stretch (``Chain((Percentile(), Clahe(200)))``).
        tiles: (rows, columns) of the grid.
    """

    clip_limit: float = 2.0
    tiles: tuple[int, int] = (8, 8)
    name: ClassVar[str] = "clahe"
    input_types: ClassVar[tuple[str, ...]] = ("uint8", "uint16")

    def __post_init__(self) -> None:
        """Check the grid and the limit."""
        if not (math.isfinite(self.clip_limit) and self.clip_limit >= 0):
            raise ValueError(f"clip_limit must be 0 or more, found {self.clip_limit}")
        tiles = tuple(int(side) for side in self.tiles)
        if len(tiles) != 2 or not all(1 <= side <= _MOST_TILES for side in tiles):
            expected = f"two numbers from 1 to {_MOST_TILES}"
            raise ValueError(f"tiles must be {expected}, found {self.tiles}")
        object.__setattr__(self, "tiles", tiles)

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        return _core.clahe_recipe(self.clip_limit, self.tiles)
