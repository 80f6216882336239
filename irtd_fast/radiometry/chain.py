"""Recipes one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import SCOPES, OutputType, Pixels, Recipe, Scope, Valid, register
from irtd_fast.radiometry.statistics import Statistics


@register
@dataclass(frozen=True, eq=False)
class Chain(Recipe):
    """Recipes one after another: corrections first, then what makes the output.

    A step hands on a picture of the type it got (``Clahe`` of uint16 gives uint16), except that a
    step that makes temperatures hands on float32.

    It has an inverse (``invertible``) if every step has one and those before the last hand on
    numbers: ``Counts``, ``TwoPointNuc``, ``Planck`` and ``TLinear``. What a correction rounded in
    between comes back within half a count of it.

    Attributes:
        recipes: At least one; of the steps only the last sees the output's type.
    """

    recipes: tuple[Recipe, ...]
    name: ClassVar[str] = "chain"

    def __post_init__(self) -> None:
        """Check the steps."""
        steps = tuple(self.recipes)
        if not steps or not all(isinstance(step, Recipe) for step in steps):
            raise ValueError(f"need at least one recipe, and only recipes, found {steps!r}")
        object.__setattr__(self, "recipes", steps)
        able = all(step.invertible for step in steps) and all(step.numeric for step in steps[:-1])
        object.__setattr__(self, "invertible", able)

    def _apply(self, image: Pixels, dtype: OutputType, valid: Valid) -> NDArray[Any]:
        for step in self.recipes[:-1]:
            image = step.apply(image, dtype=step.hands_on(image), valid=valid)
        return self.recipes[-1].apply(image, dtype=dtype, valid=valid)

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """All steps in the core; every one needs a native form."""
        between: OutputType = "float32"  # a step in the middle may give what it likes
        steps = [step.native(between) for step in self.recipes[:-1]]
        return _core.chain_recipe([*steps, self.recipes[-1].native(dtype)])

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Counts before the first step.

        Args:
            values: What ``apply`` gave.
            bounds: Of the last step, for the picture that it got.

        Raises:
            ValueError: A step has no inverse, or hands on levels instead of numbers.
        """
        for place, step in enumerate(self.recipes):
            if not step.invertible:
                raise ValueError(f"Chain has no inverse: {step.name} has none")
            if not step.numeric and place + 1 < len(self.recipes):
                raise ValueError(f"Chain has no inverse: {step.name} hands on levels")
        counts = self.recipes[-1].inverse(values, bounds=bounds)
        for step in reversed(self.recipes[:-1]):
            counts = step.inverse(counts)
        return counts

    def needs(self) -> Scope:
        """The widest scope of the steps."""
        return max((step.needs() for step in self.recipes), key=SCOPES.index)

    def hands_on(self, image: Pixels) -> OutputType:
        """float32 if a step makes temperatures, else the picture's own type."""
        types = [step.hands_on(image) for step in self.recipes]
        return "float32" if "float32" in types else types[-1]

    def resolve(self, statistics: Statistics) -> Recipe:
        """Every step that goes by more than a picture, resolved.

        Raises:
            ValueError: Such a step comes after one that makes temperatures: the statistics are of
                counts before the first step.
        """
        warm = False
        steps = []
        for step in self.recipes:
            wide = step.needs() != "picture"
            if wide and warm:
                raise ValueError("a chain has no statistics of temperatures, only of counts")
            steps.append(step.resolve(statistics) if wide else step)
            warm = warm or step.hands_on(np.empty((0, 0), np.uint16)) == "float32"
        return Chain(tuple(steps))
