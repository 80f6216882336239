"""What a loader sends to a device, and what the device makes of each side of a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from irtd_fast.errors import UnsupportedError
from irtd_fast.load.augment import Augment, Photometric
from irtd_fast.load.augment.effects import Effects
from irtd_fast.load.device_effects import apply_effects
from irtd_fast.load.device_normalize import (
    DeviceLevels,
    DeviceNormalize,
    scaled_bounds,
    whole_numbers,
    why_no_table,
)
from irtd_fast.load.loader import Loader
from irtd_fast.load.pairs import visible_options
from irtd_fast.load.recipes import SideRecipes, output_range
from irtd_fast.radiometry import Counts, Recipe
from irtd_fast.radiometry.base import OutputType

ResultType = Literal["float32", "float16", "bfloat16"]

_FLOATS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_NUMBERS = {**_FLOATS, "uint8": torch.uint8, "uint16": torch.uint16}
_WHITE = 255  # of grids, whatever type they are sent in
_SIDES: tuple[tuple[str, Literal["infrared", "visible"]], ...] = (
    ("images", "infrared"), ("visible", "visible"),
)  # fmt: skip


@dataclass(frozen=True)
class DeviceSide:
    """What the device does to the pictures of one side of a batch.

    Attributes:
        normalize: Makes floats of what was sent, ``None``: these are the loader's results.
        channels: A gray picture is repeated to so many; 0: it is left as it is.
        dtype: Of the result.
        bounds: The recipe's results that are the shares 0 and 1 of effects.
        clip: Whether effects stay within them.
        hwc: Whether channels come last.
    """

    normalize: DeviceNormalize | DeviceLevels | None
    channels: int
    dtype: torch.dtype
    bounds: tuple[float, float]
    clip: bool
    hwc: bool

    def __call__(
        self, images: torch.Tensor, index: torch.Tensor, effects: Effects | None
    ) -> torch.Tensor:
        """Pictures as they were sent, normalised and changed."""
        if self.normalize is None and effects is None and images.dtype == self.dtype:
            return images
        planes = images.movedim(-1, 1) if self.hwc else images
        if self.normalize is not None:
            found = self.normalize(planes, index)
        elif planes.is_floating_point():
            found = planes.to(torch.float32, copy=True)  # the loader's memory stays as it is
        else:
            found = whole_numbers(planes).to(torch.float32)
        if effects is not None:
            apply_effects(found, effects, self.bounds, clip=self.clip)
        return self._shaped(_typed(found, self.dtype))

    def grids(self, grids: torch.Tensor) -> torch.Tensor:
        """Composed grids, which no recipe is for, alike."""
        if self.normalize is None:
            return grids.to(self.dtype) if grids.is_floating_point() else grids
        planes = grids.movedim(-1, 1) if self.hwc else grids
        return self._shaped((whole_numbers(planes).to(torch.float32) / _WHITE).to(self.dtype))

    def _shaped(self, planes: torch.Tensor) -> torch.Tensor:
        if planes.shape[1] == 1 and self.channels > 1:
            planes = planes.expand(-1, self.channels, -1, -1)
        return planes.movedim(1, -1) if self.hwc else planes


def _typed(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Floats as a type; whole numbers half to even and saturated, as in the core."""
    if dtype.is_floating_point:
        return values.to(dtype)
    whole = values.round().clamp_(0, 255 if dtype == torch.uint8 else 65535).to(torch.int32)
    return whole.to(torch.uint8) if dtype == torch.uint8 else whole.to(torch.int16).view(dtype)


@dataclass(frozen=True)
class Stage:
    """What the device is to do.

    Attributes:
        device: Which.
        effects: Whether it applies the effects.
        dtype: Of the results, ``None``: floats of 32 bits, or the loader's own.
        channels: Of normalised infrared pictures.
        bits: Of what is sent to be normalised.
    """

    device: torch.device
    effects: bool
    dtype: ResultType | None
    channels: int
    bits: int

    def sends_own(self, loader: Loader) -> tuple[Loader, dict[str, DeviceSide]]:
        """The loader's own pictures are sent; effects may wait for the device."""
        if self.dtype is not None and loader.dtype not in _FLOATS:
            raise UnsupportedError(
                f"dtype={self.dtype!r} is for floats, and the loader gives {loader.dtype}: "
                "pass normalize, or leave dtype out"
            )
        if not self.effects and self.dtype is None:
            return loader, {}
        sides = {}
        for field, what in _SIDES:
            recipe, photometric = _of_side(loader, what)
            if recipe is None:
                continue
            own = _side_recipes(loader, recipe, photometric, loader.dtype)
            sides[field] = DeviceSide(
                None, 0, _NUMBERS[self.dtype or loader.dtype], own.range,
                own.clips or loader.dtype not in _FLOATS, loader.layout == "hwc",
            )  # fmt: skip
        return replace(loader, defer_effects=self.effects or loader.defer_effects), sides

    def sends_counts(self, loader: Loader, recipe: Recipe) -> tuple[Loader, dict[str, DeviceSide]]:
        """Counts or levels are sent, and made floats of by the device."""
        augment = loader.augment
        side, sent, photometric = self._side(loader, "infrared", recipe)
        sides = {"images": side}
        changes: dict[str, Any] = {"normalize": sent, "channels": 1}
        if self.channels > 1 and (loader.dataset.channels() > 1).any():
            changes["channels"] = self.channels
        if augment is not None:
            changes["augment"] = augment = replace(augment, photometric=photometric)
        visible = visible_options(asked=loader.visible)
        if visible is not None:
            sides["visible"], sent, photometric = self._side(loader, "visible", visible.normalize)
            changes["visible"] = replace(visible, normalize=sent)
            if augment is not None:
                changes["augment"] = replace(augment, visible_photometric=photometric)
        dtype: OutputType = "uint8" if self.bits == 8 else "uint16"
        defer = self.effects or loader.defer_effects
        return replace(loader, dtype=dtype, defer_effects=defer, **changes), sides

    def _side(
        self, loader: Loader, what: Literal["infrared", "visible"], recipe: Recipe
    ) -> tuple[DeviceSide, Recipe, Photometric | None]:
        """What becomes of one side, and the recipe and the effects with which it is sent."""
        _, photometric = _of_side(loader, what)
        floats = _side_recipes(loader, recipe, photometric, "float32")
        normalize: DeviceNormalize | DeviceLevels
        why = self._why_no_counts(loader, what, recipe, photometric)
        sent: Recipe = Counts()
        if not why:
            normalize = DeviceNormalize(recipe, loader.dataset, self.device, bits=self.bits)
        else:
            _check_bounded(recipe, photometric, why)
            normalize, sent = DeviceLevels(bits=self.bits), recipe
            if photometric is not None and photometric.range is not None:
                stated = scaled_bounds(photometric.range, self.bits)
                photometric = replace(photometric, range=stated)
        channels = self.channels if what == "infrared" else 0
        side = DeviceSide(
            normalize, channels, _FLOATS[self.dtype or "float32"], floats.range, floats.clips,
            loader.layout == "hwc",
        )  # fmt: skip
        return side, sent, photometric

    def _why_no_counts(
        self, loader: Loader, what: str, recipe: Recipe, photometric: Photometric | None
    ) -> str:
        """Why the recipe has to be applied before pictures are sent; empty: it has not."""
        augment = loader.augment or Augment()
        if photometric is not None and photometric.recipe is not None:
            return "recipes are drawn for each sample"
        if augment.fill is not None:
            return "fill is a share of the recipe's range and no count"
        if augment.mosaic is not None and recipe.needs() != "picture":
            return "samples in a mosaic go by statistics of their own"
        changes = photometric is not None and photometric.changes_frames
        if not self.effects and (augment.cutout is not None or changes):
            return "effects of the loader are about the recipe's results"
        return why_no_table(recipe, loader.dataset, what, self.bits)


def _check_bounded(recipe: Recipe, photometric: Photometric | None, why: str) -> None:
    """Make sure that all that recipes give has a bottom and a top, between which levels are."""
    choice = photometric.recipe if photometric is not None else None
    for one in (recipe, *(choice.recipes if choice is not None else ())):
        if output_range(one, "float32") is None:
            raise UnsupportedError(
                f"{one.name} gives numbers without a bottom and a top, so no levels of it can be "
                f"sent to a device, nor can counts be looked up there: {why}; let the loader "
                "normalise (normalize=None; photometric='device' works with that too)"
            )


def _of_side(
    loader: Loader, what: Literal["infrared", "visible"]
) -> tuple[Recipe | None, Photometric | None]:
    """The loader's recipe (``None``: the side is not asked for) and effects of one side."""
    augment, visible = loader.augment or Augment(), visible_options(asked=loader.visible)
    if what == "infrared":
        return loader.normalize, augment.photometric
    return (None if visible is None else visible.normalize), augment.visible_photometric


def _side_recipes(
    loader: Loader, recipe: Recipe, photometric: Photometric | None, dtype: OutputType
) -> SideRecipes:
    """The range of a side's results as a type; refuses effects on results that have none."""
    augment = loader.augment or Augment()
    return SideRecipes(
        recipe, photometric, loader.dataset, dtype, shares=augment.fill is not None,
        effects=augment.cutout is not None, deferred=True,
    )  # fmt: skip
