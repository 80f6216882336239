"""Grids as pixels: eight crops read, resized by the native pipeline, laid out and numbered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import CorruptStoreError
from irtd_fast.geometry.resampling import Filter, check_choice
from irtd_fast.grids.digits import digit_size, digit_stamp
from irtd_fast.grids.record import COLUMNS, ROWS, TILES, Grid
from irtd_fast.radiometry import Counts, MinMax, Recipe
from irtd_fast.store.dataset import Dataset

Fit = Literal["stretch", "contain"]
Image = NDArray[np.uint8]

_RED = (255, 0, 0)
_WHITE = (255,)
_SMALLEST = 8  # pixels a side of a tile: below it no digit can be read
_DIGIT_SHARE = 7  # a digit is this part of its tile's height
_AT_A_TIME = 4  # grids, so that their tiles are still in the cache when they are laid out
_ONE = 256  # what 1.0 is in the fixed-point weights of the digits


@dataclass(frozen=True)
class _Overlay:
    """The digits of a grid as fixed-point arithmetic: ``(pixel * keep + add + 128) >> 8``.

    ``keep`` and ``add`` are (2, 4, height, width, 1 or channels); no sum exceeds 16 bits.
    """

    rows: slice
    columns: slice
    keep: NDArray[np.uint16]
    add: NDArray[np.uint16]


@dataclass(frozen=True)
class _Crops:
    """Where the crops of a batch of grids are, and where each goes in its tile."""

    samples: Dataset
    codes: NDArray[np.int32]
    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    matrices: NDArray[np.float64]
    recipes: NDArray[np.int32] | None


@dataclass
class Composer:
    """Composes grids of a dataset's crops, batch after batch, in buffers that it keeps.

    Tiles lie in reading order. Each is numbered in its upper left corner: red as in the published
    grids, white where there is one channel, always with a black rim so that it can be read on any
    crop. Where the size does not divide by two rows and four columns, what is left over at the
    bottom and the right stays black.

    Args:
        dataset: Of which the crops are; it may hold any samples of their sources.
        size: (height, width) of a grid.
        channels: 3, or 1 (colour crops become their luma).
        fit: ``stretch`` each crop to its tile, or ``contain`` it in black, its shape kept.
        filter: How crops are resized, see ``geometry.resample``.
        recipe: From counts to bytes; by default 8-bit crops stay as they are and others are
            stretched, each from its smallest to its largest count.
        digits: Whether tiles are numbered.
        threads: Native threads, by default one a core.

    Raises:
        ValueError: An argument outside of the above.
    """

    dataset: Dataset
    size: tuple[int, int] = (512, 512)
    channels: int = 3
    fit: Fit = "stretch"
    filter: Filter = "antialias"
    recipe: Recipe | None = None
    digits: bool = True
    threads: int = 0
    _buffer: Image = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the arguments."""
        self.tile = self.size[0] // ROWS, self.size[1] // COLUMNS
        if min(self.tile) < _SMALLEST or max(self.size) > 1 << 16:
            least = _SMALLEST * ROWS, _SMALLEST * COLUMNS
            raise ValueError(f"size must be {least} to (65536, 65536), found {self.size}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, found {self.channels}")
        check_choice("fit", self.fit, Fit)
        check_choice("filter", self.filter, Filter)
        kinds = (self.recipe,) if self.recipe is not None else (Counts(), MinMax())
        self._native = [kind.native("uint8") for kind in kinds]
        self._buffer = np.empty((TILES * _AT_A_TIME, *self.tile, self.channels), np.uint8)

    def __call__(self, grids: Sequence[Grid], out: Image | None = None) -> Image:
        """Compose a batch.

        Args:
            grids: Of any of the dataset's sources.
            out: Where to write, (n, height, width, channels) uint8, C-contiguous.

        Returns:
            ``out``, or a new array.

        Raises:
            ValueError: A source that the dataset does not have, a row that its source does not
                have, or an ``out`` of another shape.
            CorruptStoreError: A crop that cannot be read, by name.
        """
        shape = (len(grids), *self.size, self.channels)
        if out is None:
            out = np.empty(shape, np.uint8)
        elif out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
            found = f"{out.dtype} {out.shape}"
            raise ValueError(f"out must be C-contiguous uint8 {shape}, found {found}")
        crops = self._crops(grids)
        for first in range(0, len(grids), _AT_A_TIME):
            part = out[first : first + _AT_A_TIME]
            tiles = self._tiles(crops, TILES * first, len(part))
            if self.digits:
                _number(tiles)
            _lay_out(tiles, part)
        return out

    def _crops(self, grids: Sequence[Grid]) -> _Crops:
        samples = crops_of(self.dataset, grids)
        codes, rows = samples.locate()
        sizes = samples.sizes()
        places = self._places(sizes)
        recipes = self._recipe_codes(samples)
        return _Crops(samples, codes, rows, places, _matrices(sizes, places), recipes)

    def _tiles(self, crops: _Crops, first: int, grids: int) -> Image:
        """Crops of some grids, (n, 2, 4, tile height, tile width, channels), in the buffer."""
        here = slice(first, first + TILES * grids)
        recipes = None if crops.recipes is None else crops.recipes[here]
        try:
            done, _ = self.dataset.pipeline.run(
                crops.codes[here], crops.rows[here], crops.matrices[here], size=self.tile,
                channels=self.channels, dtype="uint8", layout="hwc", filter=self.filter,
                border="replicate", normalize=self._native, recipe_codes=recipes,
                out=self._buffer[: TILES * grids], threads=self.threads,
            )  # fmt: skip
        except CorruptStoreError as error:
            raise _named(error, crops.samples[here]) from error
        if self.fit == "contain":
            _clear(done, crops.places[here])
        tiles: Image = done.reshape(grids, ROWS, COLUMNS, *self.tile, self.channels)
        return tiles

    def _places(self, sizes: NDArray[np.int32]) -> NDArray[np.int64]:
        """(n, 4) xyxy whole pixels of its tile that each crop fills."""
        height, width = self.tile
        whole = np.array([width, height], np.int64)
        if self.fit == "stretch":
            return np.tile(np.concatenate([np.zeros_like(whole), whole]), (len(sizes), 1))
        sides = sizes[:, ::-1].astype(np.float64)
        scale = (whole / sides).min(axis=1, keepdims=True)
        filled = np.clip(np.rint(sides * scale), 1, whole).astype(np.int64)
        first = (whole - filled) // 2
        return np.concatenate([first, first + filled], axis=1)

    def _recipe_codes(self, crops: Dataset) -> NDArray[np.int32] | None:
        """Which recipe each crop gets: the second one has more than eight bits."""
        if len(self._native) == 1:
            return None
        arrays = crops.column("infrared_array")
        out = np.zeros(len(crops), np.int32)
        for code in np.unique(crops.source_codes).tolist():
            wide = np.array([a.dtype != "uint8" for a in crops.sources[code].arrays], np.int32)
            here = crops.source_codes == code
            out[here] = wide[arrays[here]]
        return out


def compose_grids(
    dataset: Dataset,
    grids: Sequence[Grid],
    size: tuple[int, int] = (512, 512),
    *,
    channels: int = 3,
    fit: Fit = "stretch",
    out: Image | None = None,
) -> Image:
    """Compose grids once, (n, height, width, channels) uint8; arguments as ``Composer``'s.

    Whoever composes batch after batch makes a ``Composer`` and keeps it.
    """
    return Composer(dataset, size, channels, fit)(grids, out)


def compose_grid(
    dataset: Dataset,
    grid: Grid,
    size: tuple[int, int] = (512, 512),
    *,
    channels: int = 3,
    fit: Fit = "stretch",
) -> Image:
    """Compose one grid, (height, width, channels) uint8; arguments as ``Composer``'s."""
    image: Image = Composer(dataset, size, channels, fit)([grid])[0]
    return image


def crops_of(dataset: Dataset, grids: Sequence[Grid]) -> Dataset:
    """The crops of these grids as samples, eight a grid, in the order of their numbers.

    Raises:
        ValueError: A source that the dataset does not have, or a row that its source does not.
    """
    places = {source.name: code for code, source in enumerate(dataset.sources)}
    for grid in grids:
        if grid.source not in places:
            raise ValueError(f"no source {grid.source!r}; there are {sorted(places)}")
    codes = np.repeat([places[grid.source] for grid in grids], TILES)
    return dataset.at(codes, np.array([grid.rows for grid in grids], np.int64).reshape(-1))


def _matrices(sizes: NDArray[np.int32], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 2, 3) from each crop's pixels to where it lies in its tile."""
    out = np.zeros((len(sizes), 2, 3))
    out[:, 0, 0] = (places[:, 2] - places[:, 0]) / sizes[:, 1]
    out[:, 1, 1] = (places[:, 3] - places[:, 1]) / sizes[:, 0]
    out[:, :, 2] = places[:, :2]
    return out


def _clear(tiles: Image, places: NDArray[np.int64]) -> None:
    """Blacken what of its tile a crop does not fill."""
    for tile, (x0, y0, x1, y1) in zip(tiles, places.tolist(), strict=True):
        tile[:y0] = tile[y1:] = 0
        tile[y0:y1, :x0] = tile[y0:y1, x1:] = 0


def _lay_out(tiles: Image, out: Image) -> None:
    height, width = tiles.shape[3:5]
    for place in range(TILES):
        row, column = divmod(place, COLUMNS)
        y, x = row * height, column * width
        out[:, y : y + height, x : x + width] = tiles[:, row, column]
    out[:, ROWS * height :] = 0
    out[:, : ROWS * height, COLUMNS * width :] = 0


def _number(tiles: Image) -> None:
    overlay = _overlay((tiles.shape[3], tiles.shape[4]), tiles.shape[5])
    part = tiles[:, :, :, overlay.rows, overlay.columns]
    part[...] = (part * overlay.keep + overlay.add) >> 8


@lru_cache(maxsize=16)
def _overlay(tile: tuple[int, int], channels: int) -> _Overlay:
    """What the digits do to the pixels of tiles of this size."""
    colour = np.array(_RED if channels == len(_RED) else _WHITE, np.float64)
    height = digit_height(tile)
    inset = max(1, height // 6)
    rows, columns = (
        min(side, room - inset) for side, room in zip(digit_size(height), tile, strict=True)
    )
    stamps = [digit_stamp(digit, height) for digit in range(1, TILES + 1)]
    ink, rim = (
        np.stack([stamp[which][:rows, :columns] for stamp in stamps]).reshape(
            ROWS, COLUMNS, rows, columns, 1
        )
        for which in (0, 1)
    )
    # Ink lies within the rim, so that 255 * keep + add stays below 256 * 255 + 1.
    keep = np.floor(_ONE * (1 - rim)).astype(np.uint16)
    add = (np.floor(_ONE * colour * ink) + _ONE // 2).astype(np.uint16)
    return _Overlay(slice(inset, inset + rows), slice(inset, inset + columns), keep, add)


def digit_height(tile: tuple[int, int]) -> int:
    """Height in pixels of the digits on tiles of (height, width) pixels."""
    height = max(7, round(tile[0] / _DIGIT_SHARE))
    while height > 1 and digit_size(height)[1] > tile[1] // 2:
        height -= 1
    return height


def _named(error: CorruptStoreError, crops: Dataset) -> CorruptStoreError:
    """The error of a pipeline's run with the name of the crop; as it is where it gives none."""
    place = error.where.get("row")
    if place is None:
        return error
    sample = crops[int(place)].id
    return CorruptStoreError(f"sample {sample}: {error}", **{**error.where, "sample": sample})
