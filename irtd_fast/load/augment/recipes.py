"""Automatic gain control that changes from sample to sample: random recipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.augment.draws import Draws
from irtd_fast.radiometry.base import Recipe


@dataclass(frozen=True)
class RandomRecipe:
    """One of some recipes for each sample, so that a network does not learn one camera's AGC.

    Attributes:
        recipes: To choose from; see ``variations`` for one with changing parameters.
        weights: Relative probabilities, ``None``: all alike.
        probability: Of taking one of them; otherwise the loader's own recipe.
    """

    recipes: tuple[Recipe, ...]
    weights: tuple[float, ...] | None = None
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the choice."""
        if not self.recipes:
            raise ValueError("recipes must not be empty")
        weights = np.asarray(self.weights if self.weights is not None else [1.0])
        count = len(self.recipes) if self.weights is not None else 1
        if len(weights) != count or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise ValueError(f"weights must be {len(self.recipes)} shares, found {self.weights}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must be a probability, found {self.probability}")

    def draw(self, draws: Draws, what: str) -> NDArray[np.int64]:
        """(n,) number of each sample's recipe, 0 for the loader's own, else 1 and up."""
        weights = np.asarray(self.weights or [1.0] * len(self.recipes), np.float64)
        ends = np.cumsum(weights) / weights.sum()
        u = draws.uniform(f"{what}/recipe", 1)[:, 0]
        chosen = np.minimum(np.searchsorted(ends, u, "right"), len(weights) - 1)
        happens = draws.happens(f"{what}/recipe_any", self.probability)
        return np.asarray(np.where(happens, chosen + 1, 0))


def variations(
    recipe: Recipe, count: int = 16, **bounds: tuple[float, float]
) -> tuple[Recipe, ...]:
    """The same recipe with parameters spread evenly between bounds.

    Points of the R-sequence (Roberts 2018), which fills any number of dimensions without clumps:
    ``variations(Percentile(1, 99), low=(0, 3), high=(97, 100))`` is a jitter of both percentiles.

    Args:
        recipe: What to vary.
        count: How many variants, made once.
        bounds: Lowest and highest value by the name of the parameter.

    Raises:
        TypeError: A name that the recipe does not have.
        ValueError: Bounds that are none, or a value that the recipe refuses.
    """
    if count < 1:
        raise ValueError(f"count must be positive, found {count}")
    for name, (low, high) in bounds.items():
        if not low <= high:
            raise ValueError(f"{name} must satisfy low <= high, found {low, high}")
    steps = _steps(len(bounds))
    made = []
    for number in range(count):
        shares = [(0.5 + (number + 1) * step) % 1.0 for step in steps]
        pairs = zip(bounds.items(), shares, strict=True)
        made.append(replace(recipe, **{n: lo + u * (hi - lo) for (n, (lo, hi)), u in pairs}))
    return tuple(made)


def _steps(dimensions: int) -> Sequence[float]:
    """Inverse powers of the root of x^(d + 1) = x + 1."""
    root = 2.0
    for _ in range(64):
        root = (1 + root) ** (1 / (dimensions + 1))
    return [root ** -(k + 1) for k in range(dimensions)]
