"""A recipe that is a table: what a recipe by histogram becomes once its statistics are fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.radiometry.base import OutputType, Recipe, frozen_array, register


@register
@dataclass(frozen=True, eq=False)
class LookUp(Recipe):
    """A share of the output for every count.

    Attributes:
        shares: float32, 256 entries (for uint8 pictures) or 65536 (uint16), each in 0..1.
    """

    shares: NDArray[np.float32]
    input_types: ClassVar[tuple[str, ...]] = ("uint8", "uint16")
    name: ClassVar[str] = "look_up"

    def __post_init__(self) -> None:
        """Check and freeze the table."""
        table = np.asarray(self.shares)
        if table.shape not in ((256,), (65536,)):
            raise ValueError(f"need 256 or 65536 shares, found shape {table.shape}")
        if not (np.isfinite(table).all() and table.min() >= 0 and table.max() <= 1):
            raise ValueError("need shares in 0..1")
        object.__setattr__(self, "shares", frozen_array(table.astype(np.float32)))

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it; pictures of the other type are refused."""
        del dtype
        if len(self.shares) == 256:
            return _core.table_recipe(of_u8=self.shares, meaning="shares")
        return _core.table_recipe(of_u16=self.shares, meaning="shares")
