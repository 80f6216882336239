"""Which native recipe each sample of a dataset gets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.load.augment.draws import Draws
from irtd_fast.load.augment.photometric import Photometric
from irtd_fast.radiometry import (
    BadPixels,
    Chain,
    Counts,
    Destripe,
    Planck,
    TLinear,
    TwoPointNuc,
    ZScore,
)
from irtd_fast.radiometry.base import TOP, OutputType, Recipe
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.statistics import read_statistics

_GIVES_NUMBERS = (BadPixels, Counts, Destripe, Planck, TLinear, TwoPointNuc, ZScore)


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


class SideRecipes:
    """Recipes and photometric effects of one side of a batch, infrared or visible.

    Args:
        recipe: The loader's own.
        photometric: What is done to frames, and which recipes are drawn in place of that one.
        dataset: Samples.
        dtype: Of the results.
        shares: Whether anything else is given as shares of the output's range.
        effects: Whether frames are changed, by ``photometric`` or otherwise.
        deferred: Whether that happens elsewhere, to whatever type.

    Attributes:
        native: All native recipes.
        photometric: As given.
        range: The output values that are the bottom and the top of shares.
        clips: Whether results stay within them.

    Raises:
        ValueError: Shares are asked for of an output that has no range, or of half precision.
    """

    def __init__(
        self, recipe: Recipe, photometric: Photometric | None, dataset: Dataset,
        dtype: OutputType, *, shares: bool = False, effects: bool = False,
        deferred: bool = False,
    ) -> None:  # fmt: skip
        self.photometric = photometric
        self._choice = photometric.recipe if photometric is not None else None
        recipes = (recipe, *(self._choice.recipes if self._choice is not None else ()))
        self._each = [SampleRecipes(one, dataset, dtype) for one in recipes]
        self.native = [native for one in self._each for native in one.native]
        self._first = np.cumsum([0, *(len(one.native) for one in self._each)])
        ranges = {output_range(one, dtype) for one in recipes}
        stated = photometric.range if photometric is not None else None
        known = ranges.pop() if len(ranges) == 1 else None
        found = stated or known
        self.clips = known is not None and found == known
        effects = effects or (photometric is not None and photometric.changes_frames)
        if effects and not deferred and dtype in ("float16", "bfloat16"):
            raise ValueError(f"effects and cutout need float32, uint8 or uint16, found {dtype}")
        if (shares or effects) and found is None:
            raise ValueError(
                f"{recipe.name} gives numbers without a bottom and a top as {dtype}, of which "
                "effects, cutout and fill are shares; state Photometric(range=(low, high))"
            )
        self.range = found or (0.0, TOP[dtype])

    def codes(
        self, members: NDArray[np.int64], draws: Draws, what: str
    ) -> NDArray[np.int32] | None:
        """Numbers (t,) of these samples' recipes in ``native``; ``None``: the first for all."""
        if self._choice is None:
            return self._each[0].codes(members)
        chosen = self._choice.draw(draws, what)
        codes = np.zeros(len(members), np.int32)
        for number, one in enumerate(self._each):
            here = np.flatnonzero(chosen == number)
            own = one.codes(members[here])
            codes[here] = self._first[number] + (0 if own is None else own)
        return codes


def output_range(recipe: Recipe, dtype: OutputType) -> tuple[float, float] | None:
    """Bottom and top of a recipe's outputs; ``None`` where it gives numbers as they are."""
    last = recipe.recipes[-1] if isinstance(recipe, Chain) else recipe
    if dtype in ("float32", "float16", "bfloat16") and isinstance(last, _GIVES_NUMBERS):
        return None
    return 0.0, TOP[dtype]
