"""What the loader does for texts: which samples have some, texts of a plan, grids as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import IrtdError, LoaderError
from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.grids import Composer, Grid
from irtd_fast.load.augment import Augment
from irtd_fast.load.plan import BatchPlan
from irtd_fast.load.texts import TextOptions, TextTargets
from irtd_fast.radiometry import to_bfloat16
from irtd_fast.radiometry.base import OutputType
from irtd_fast.store.dataset import Dataset

_GRID_TASK = "re-id"


@dataclass(frozen=True)
class Frame:
    """How the pictures of a batch are: grids are made alike.

    Attributes:
        size: (height, width).
        channels: 1 or 3.
        dtype: Of the numbers.
        layout: ``chw`` or ``hwc``.
    """

    size: tuple[int, int]
    channels: int
    dtype: OutputType
    layout: Literal["chw", "hwc"]


class TextFeed:
    """Texts for the batches of a loader.

    Args:
        dataset: All samples that the loader was given.
        options: Which texts.
        frame: How its pictures are.
        augment: What it draws for each sample.
        boxes: What becomes of boxes that a window cuts.
        seed: Of the choice of texts.
        threads: Native threads.

    Attributes:
        dataset: The samples that have a wanted text.

    Raises:
        ValueError: No such texts or tasks, or an augmentation that texts cannot follow.
    """

    def __init__(
        self,
        dataset: Dataset,
        options: TextOptions,
        frame: Frame,
        augment: Augment | None,
        boxes: BoxOptions,
        *,
        seed: int,
        threads: int,
    ) -> None:
        if augment is not None and (augment.mosaic is not None or augment.cutout is not None):
            raise ValueError(
                "texts are about one whole picture or a window of it: leave mosaic and cutout out"
            )
        every = TextTargets(dataset, options, seed=seed, boxes=boxes)
        kept = every.samples()
        self.dataset: Dataset = dataset if len(kept) == len(dataset) else dataset[kept]
        self._targets = TextTargets(self.dataset, options, seed=seed, boxes=boxes)
        self._frame = frame
        self._composer = Composer(self.dataset, frame.size, frame.channels, threads=threads)
        self.has_grids = options.weight(_GRID_TASK) > 0 and _GRID_TASK in every.tasks()

    def add(self, plan: BatchPlan) -> BatchPlan:
        """The plan with its texts: ``targets`` get ``texts`` and ``texts_dropped``."""
        found = self._targets.plan(plan.index, plan.epoch, plan.infrared.matrix, self._frame.size)
        plan.targets["texts"], plan.targets["texts_dropped"] = found.texts, found.dropped
        return replace(plan, grids=tuple(found.grids))

    def compose(self, plan: BatchPlan) -> NDArray[Any]:
        """Grids of a plan as pictures like those of the batch; floats are shares of white.

        Raises:
            LoaderError: A crop that cannot be read; ``sample`` is the one whose text needs it.
        """
        grids: Sequence[Grid] = plan.grids
        try:
            pixels = self._composer(grids)
        except (IrtdError, OSError) as error:
            raise self._named(error, plan) from error
        if self._frame.layout == "chw":
            pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        return _as_type(pixels, self._frame.dtype)

    def _named(self, error: Exception, plan: BatchPlan) -> LoaderError:
        """Which sample's grid it is: composed one by one, the first that fails."""
        owners = {
            text.grid: int(plan.index[place])
            for place, texts in enumerate(plan.targets["texts"])
            for text in texts
        }
        for number, grid in enumerate(plan.grids):
            try:
                self._composer([grid])
            except (IrtdError, OSError) as single:
                owner = owners[number]
                who = f"grid of sample {owner} ({self.dataset[owner].id})"
                return LoaderError(f"{who}: {single}", sample=owner)
        return LoaderError(str(error))


def _as_type(pixels: NDArray[np.uint8], dtype: OutputType) -> NDArray[Any]:
    """Bytes as numbers of a batch: integers stay, floats are 0..1."""
    if dtype == "uint8":
        return pixels
    if dtype == "uint16":
        return pixels.astype(np.uint16)
    shares = pixels.astype(np.float32) / np.float32(255)
    return to_bfloat16(shares) if dtype == "bfloat16" else shares.astype(dtype)


def text_options(
    name: str | None, tasks: Sequence[str], weights: Mapping[str, float] | None, *, wanted: bool
) -> TextOptions | None:
    """Options of a loader's texts, ``None`` if it gives none.

    Args:
        name: Of the stored texts.
        tasks: Only these.
        weights: How often each is drawn.
        wanted: True if texts are among the loader's targets.

    Raises:
        ValueError: Something is said about texts that are not among the targets.
    """
    if wanted:
        return TextOptions(name, tuple(tasks), weights)
    if name is not None or tasks or weights is not None:
        raise ValueError("texts, tasks and task_weights need targets that name 'texts'")
    return None
