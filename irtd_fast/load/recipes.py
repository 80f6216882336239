"""Which native recipe each sample of a dataset gets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import OutputType, Recipe
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.statistics import read_statistics


class SampleRecipes:
    """The native recipes of a dataset and the number of each sample's.

    A recipe that goes by each picture is one for all; one with ``scope`` sequence or source is
    resolved by the statistics that ``irtd stats`` stored.

    Args:
        recipe: What to apply.
        dataset: To which samples.
        dtype: Of the results.

    Raises:
        ValueError: A source has no stored statistics; or the recipe cannot give this type.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, dtype: OutputType) -> None:
        self.native: list[_core.NativeRecipe] = []
        self._codes: NDArray[np.int32] | None = None
        if recipe.needs() == "picture":
            self.native.append(recipe.native(dtype))
            return
        self._codes = np.zeros(len(dataset), np.int32)
        for code, source in enumerate(dataset.sources):
            here = np.flatnonzero(dataset.source_codes == code)
            if not len(here):
                continue
            stored = read_statistics(source)
            rows = dataset.rows[here]
            groups = stored.groups_of(rows, by_sequence=recipe.needs() == "sequence")
            for group in np.unique(groups).tolist():
                self._codes[here[groups == group]] = len(self.native)
                self.native.append(recipe.resolve(stored.statistics(group)).native(dtype))

    def codes(self, index: NDArray[np.int64]) -> NDArray[np.int32] | None:
        """Numbers of these samples' recipes in ``native``; ``None`` if there is one for all."""
        return None if self._codes is None else self._codes[index]
