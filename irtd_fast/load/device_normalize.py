"""From what was sent to a device to what the recipe makes of it: by a table, or as levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from irtd_fast.errors import UnsupportedError
from irtd_fast.radiometry import Recipe
from irtd_fast.radiometry.base import TOP
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.statistics import read_statistics

TYPES = {8: np.uint8, 16: np.uint16}
_TENSORS = {8: torch.uint8, 16: torch.uint16}


def whole_numbers(images: torch.Tensor) -> torch.Tensor:
    """Integer pictures as int32; with what torch can do to uint16 on every device."""
    if images.dtype == torch.uint16:
        return images.view(torch.int16).to(torch.int32) & 0xFFFF
    return images.to(torch.int32)


class DeviceNormalize:
    """A recipe as a table on the device: one float for every count.

    What a recipe makes of a count is looked up, so every recipe that does not need the picture
    itself is possible, ``Planck`` and ``TLinear`` included, and with ``scope`` sequence or source
    also ``MinMax``, ``Percentile`` and the like, by the statistics that ``irtd stats`` stored. The
    loader must deliver counts (``normalize=Counts()``, ``dtype`` uint8 or uint16). Resampling
    rounds to counts before the look-up, where the loader alone would round after it: the two
    differ by what half a count is worth.

    Args:
        recipe: From counts to network input.
        dataset: Whose samples.
        device: Where.
        channels: The pictures are repeated to so many.
        bits: Of the counts: 8 or 16.

    Raises:
        UnsupportedError: The recipe needs each whole picture, which is not on the device.
        ValueError: Statistics that are not stored.
    """

    def __init__(
        self, recipe: Recipe, dataset: Dataset, device: Any, *, channels: int = 1, bits: int = 8
    ) -> None:
        self._channels, self._bits = channels, bits
        self._codes: torch.Tensor | None = None
        recipes = [recipe]
        if recipe.needs() != "picture":
            recipes, codes = _resolved(recipe, dataset)
            self._codes = torch.from_numpy(codes).to(device)
        elif not is_pointwise(recipe, bits):
            raise UnsupportedError(
                f"{recipe.name} looks at each whole picture, and the device has a crop of it; send "
                "levels that the loader made (DeviceLevels, what DeviceLoader does), or run `irtd "
                "stats` and give the recipe scope='source' or 'sequence'"
            )
        tables = np.stack([_table(each, bits) for each in recipes])
        self._table = torch.from_numpy(tables).to(device)

    def __call__(self, images: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Pictures (b, 1 or 3, h, w) of counts, of the samples ``index`` (b,), as float32."""
        _check(images, self._bits, "counts")
        counts = whole_numbers(images)
        if self._codes is not None:
            counts = counts + (self._codes[index] << self._bits).view(-1, 1, 1, 1)
        found = self._table.reshape(-1)[counts]
        return found.expand(-1, self._channels, -1, -1) if found.shape[1] == 1 else found


class DeviceLevels:
    """Levels that the loader's recipe made of whole pictures, as shares of its range.

    Any recipe from a bottom to a top is possible, since the loader has the picture. The loader
    must deliver its results as uint8 or uint16; they are half a level off at most for each time
    that the loader rounds (once where a recipe is a line of counts).

    Args:
        bits: Of the levels: 8 or 16.
    """

    def __init__(self, *, bits: int = 8) -> None:
        self._bits = bits

    def __call__(self, images: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Pictures (b, 1 or 3, h, w) of levels as float32 0..1; ``index`` does not matter."""
        del index
        _check(images, self._bits, "levels")
        return whole_numbers(images).to(torch.float32).div_((1 << self._bits) - 1)


def _check(images: torch.Tensor, bits: int, what: str) -> None:
    if images.dtype != _TENSORS[bits]:
        raise ValueError(f"{what} must be {_TENSORS[bits]}, found {images.dtype}")


def _table(recipe: Recipe, bits: int) -> np.ndarray[Any, Any]:
    """What the recipe makes of every count."""
    ramp = np.arange(1 << bits, dtype=np.uint32).astype(TYPES[bits])[None]
    return np.ascontiguousarray(recipe.apply(ramp)[0], np.float32)


def is_pointwise(recipe: Recipe, bits: int) -> bool:
    """Whether a count becomes the same in every picture: tried with some that differ elsewhere.

    A recipe for pictures of one size alone, such as a correction of each pixel, is not.
    """
    top = (1 << bits) - 1
    row = np.linspace(top // 4, top // 2, 64).astype(TYPES[bits])
    others = (np.full(64, top // 3), np.linspace(0, top, 64), np.zeros(64))
    try:
        results = [recipe.apply(np.stack([row, o.astype(row.dtype)] * 2))[0] for o in others]
    except ValueError:  # of another size
        return False
    return all(np.array_equal(results[0], other, equal_nan=True) for other in results[1:])


def why_no_table(recipe: Recipe, dataset: Dataset, modality: str, bits: int) -> str:
    """What keeps counts of ``bits`` from being looked up on a device; empty: nothing does."""
    stored = _stored_bits(dataset, modality)
    if max(stored, default=8) > bits:
        return f"counts of {max(stored)} bits do not fit {bits}"
    if recipe.needs() == "picture":
        if not is_pointwise(recipe, bits):
            return f"{recipe.name} looks at each whole picture, and the device has a crop of it"
        few = _table(recipe, 8) if min(stored, default=8) < bits else None
        if few is not None and not np.array_equal(few, _table(recipe, bits)[:256], equal_nan=True):
            return f"{recipe.name} makes something else of a byte than of the same count in 16 bits"
    return ""


def _stored_bits(dataset: Dataset, modality: str) -> set[int]:
    """Bits of the counts of these samples' pictures as they are stored."""
    arrays = dataset.column(f"{modality}_array")
    found: set[int] = set()
    for code in np.unique(dataset.source_codes).tolist():
        numbers = np.unique(arrays[dataset.source_codes == code]).tolist()
        infos = dataset.sources[code].arrays
        found |= {8 * np.dtype(infos[number].dtype).itemsize for number in numbers if number >= 0}
    return found


def scaled_bounds(bounds: tuple[float, float], bits: int) -> tuple[float, float]:
    """Bounds of the recipe's float results as levels."""
    top = TOP["uint8" if bits == 8 else "uint16"]
    return bounds[0] * top, bounds[1] * top


def _resolved(recipe: Recipe, dataset: Dataset) -> tuple[list[Recipe], np.ndarray[Any, Any]]:
    """One recipe for each group of samples, and the number of each sample's."""
    recipes: list[Recipe] = []
    codes = np.zeros(len(dataset), np.int32)
    for code, source in enumerate(dataset.sources):
        here = np.flatnonzero(dataset.source_codes == code)
        if not len(here):
            continue
        stored = read_statistics(source)
        groups = stored.groups_of(dataset.rows[here], by_sequence=recipe.needs() == "sequence")
        for group in np.unique(groups).tolist():
            codes[here[groups == group]] = len(recipes)
            recipes.append(recipe.resolve(stored.statistics(group)))
    return recipes, codes
