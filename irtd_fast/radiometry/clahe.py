"""Contrast limited adaptive histogram equalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from irtd_fast import _core
from irtd_fast.radiometry.base import OutputType, Recipe, Scope, register
from irtd_fast.radiometry.statistics import Statistics
from irtd_fast.radiometry.stretch import MinMax, Percentile, Sigma, Window

_MOST_TILES = 256
_STRETCHES = (MinMax, Percentile, Sigma, Window)


@register
@dataclass(frozen=True, eq=False)
class Clahe(Recipe):
    """Equalise each tile of a picture by its own clipped histogram, blending between tiles.

    The levels are bit for bit those of ``cv2.createCLAHE(clip_limit, tiles[::-1]).apply`` of
    OpenCV 5, for uint8 and uint16 and any size: where the grid does not divide the picture,
    histograms see it continued by reflection. Method: K. Zuiderveld, "Contrast Limited Adaptive
    Histogram Equalization", Graphics Gems IV, 1994, pp. 474-485.

    Counts of more than 8 bits should be stretched first: ``Clahe(stretch=Percentile())`` is what is
    usually done with thermal pictures, OpenCV's CLAHE of the 256 levels of a stretch. Without it a
    uint16 histogram has 65,536 bins, of which a scene fills a few hundred. A tile's mean bin is a
    fraction of a pixel, so that a small limit is one pixel: nearly all pixels of a count are cut
    off and spread over all bins, which changes next to nothing, and the result stays as dark as the
    counts are. (Limits there are in the hundreds, and go with the range of the scene.)

    Levels span the whole range of the picture's type (of uint8 with a stretch) and become 0..1 in
    float outputs. Pixels that are not valid enter no histogram and become 0. A constant picture
    maps to one level.

    Attributes:
        clip_limit: Of a histogram bin, in multiples of the mean bin; 0 means no limit.
        tiles: (rows, columns) of the grid.
        stretch: ``MinMax``, ``Percentile``, ``Sigma`` or ``Window``, of which the 256 levels are
            equalised; ``None`` for the counts themselves.
    """

    clip_limit: float = 2.0
    tiles: tuple[int, int] = (8, 8)
    stretch: Recipe | None = None
    name: ClassVar[str] = "clahe"
    input_types: ClassVar[tuple[str, ...]] = ("uint8", "uint16")

    def __post_init__(self) -> None:
        """Check the grid, the limit and the stretch."""
        if not (math.isfinite(self.clip_limit) and self.clip_limit >= 0):
            raise ValueError(f"clip_limit must be 0 or more, found {self.clip_limit}")
        tiles = tuple(int(side) for side in self.tiles)
        if len(tiles) != 2 or not all(1 <= side <= _MOST_TILES for side in tiles):
            expected = f"two numbers from 1 to {_MOST_TILES}"
            raise ValueError(f"tiles must be {expected}, found {self.tiles}")
        object.__setattr__(self, "tiles", tiles)
        if not (self.stretch is None or isinstance(self.stretch, _STRETCHES)):
            known = ", ".join(kind.__name__ for kind in _STRETCHES)
            raise ValueError(f"stretch must be None or {known}, found {self.stretch!r}")

    def needs(self) -> Scope:
        """That of the stretch; histograms are always those of the picture's tiles."""
        return "picture" if self.stretch is None else self.stretch.needs()

    def resolve(self, statistics: Statistics) -> Recipe:
        """The same with the stretch fixed by statistics of many pictures."""
        fixed = None if self.stretch is None else self.stretch.resolve(statistics)
        return replace(self, stretch=fixed)

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it."""
        del dtype
        levels = _core.clahe_recipe(self.clip_limit, self.tiles)
        if self.stretch is None:
            return levels
        return _core.byte_levels_recipe(self.stretch.native("uint8"), levels)
