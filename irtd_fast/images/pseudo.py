"""Pseudo-colour: finding it, and getting back a scalar picture.

Cameras and publishers render counts through a colour map. Two ways back, both stated by the
record: luminance (BT.601), which keeps edges but not the order of counts, and inversion, which
gives each pixel the position of the nearest colour of a stated palette.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError
from irtd_fast.images.palettes import Palette, load_palette

Kind = Literal["gray", "near-gray", "pseudo", "colour"]

NEAR_GRAY = 12  # beyond what JPEG does to gray
_LOOKED_AT = 1 << 16  # pixels
_MOST = 95  # per cent
_SATURATED = 80  # median of max − min; 90 % of visible scenes stay below 60
_WORST_DISTANCE = 40.0  # RGB units, 95th percentile, beyond which the palette is another
_KEPT_OPEN = 8


@dataclass(frozen=True, slots=True)
class ColourFinding:
    """What the colours of a picture look like.

    Attributes:
        kind: ``gray`` (channels equal), ``near-gray`` (95 % of the pixels within ``NEAR_GRAY``),
            ``pseudo`` (half of the pixels are more saturated than scenes are), ``colour``.
        deviation: Largest difference between channels.
        saturation: Median difference between the largest and the smallest channel, 8-bit units.
    """

    kind: Kind
    deviation: int
    saturation: float


def find_colour(image: NDArray[Any]) -> ColourFinding:
    """Look at the colours of a picture.

    Args:
        image: (height, width) or (height, width, 3), uint8 or uint16.
    """
    if image.ndim == 2:
        return ColourFinding("gray", 0, 0.0)
    pixels = image.reshape(-1, 3)
    spread = pixels.max(axis=1) - pixels.min(axis=1)
    deviation = int(spread.max())
    spread = spread[:: max(1, len(spread) // _LOOKED_AT)]
    unit = 257 if image.dtype == np.uint16 else 1
    median, most = (float(v) / unit for v in np.percentile(spread, (50, _MOST)))
    kind: Kind = "pseudo" if median >= _SATURATED else "colour"
    if most <= NEAR_GRAY:
        kind = "near-gray" if deviation else "gray"
    return ColourFinding(kind, deviation, median)


@functools.lru_cache(maxsize=_KEPT_OPEN)
def _tree(name: str) -> tuple[Any, int]:
    from scipy.spatial import cKDTree

    palette = load_palette(name)
    return cKDTree(palette.astype(np.float64)), len(palette)


def invert_palette(image: NDArray[np.uint8], palette: str | Palette) -> NDArray[np.uint8]:
    """Give each pixel the position of the nearest colour of a palette.

    Args:
        image: (height, width, 3) RGB.
        palette: Name or file for ``load_palette``, or the colours, (n, 3).

    Returns:
        (height, width) uint8, 0 for the first colour, 255 for the last.

    Raises:
        DecodeError: 95 % of the colours lie further than 40 RGB units from the palette's: it is
            another palette, or no pseudo-colour picture.
    """
    if isinstance(palette, str):
        tree, size = _tree(palette)
    else:
        from scipy.spatial import cKDTree

        tree, size = cKDTree(palette.astype(np.float64)), len(palette)
    packed = image.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, where = np.unique(packed.ravel(), return_inverse=True)
    rgb = np.stack([colours >> 16, colours >> 8 & 0xFF, colours & 0xFF], axis=1)
    distances, nearest = tree.query(rgb.astype(np.float64))
    distance = float(np.percentile(distances[where], 95))
    if distance > _WORST_DISTANCE:
        name = palette if isinstance(palette, str) else f"{size} colours"
        raise DecodeError(
            f"expected colours of the palette {name}, found 5 % of the pixels more than "
            f"{distance:.0f} RGB units away from it",
            distance=distance,
        )
    levels = np.rint(nearest * (255.0 / max(size - 1, 1))).astype(np.uint8)
    result: NDArray[np.uint8] = levels[where].reshape(image.shape[:2])
    return result
