"""Batches on a device: copied while the one before is used, normalised there.

Sending counts (uint8 or uint16, one channel) and making float pictures of them on the device moves
a twelfth of the bytes that float32 pictures of three channels are. The same code runs on the CPU,
where it is tested; on CUDA copies go through page-locked memory on a stream of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from irtd_fast.errors import UnsupportedError
from irtd_fast.load.loader import Loader
from irtd_fast.load.torch import TorchBatch, to_torch
from irtd_fast.radiometry import Counts, Recipe
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.statistics import read_statistics

_AHEAD = 2  # batches on their way while one is used: a double buffer
_TYPES = {8: np.uint8, 16: np.uint16}


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
                f"{recipe.name} looks at each whole picture, and the device has a crop of it; run "
                "`irtd stats` and give the recipe scope='source' or 'sequence', or let the loader "
                "normalise"
            )
        tables = np.stack([_table(each, bits) for each in recipes])
        self._table = torch.from_numpy(tables).to(device)

    def __call__(self, images: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Pictures (b, 1 or 3, h, w) of counts, of the samples ``index`` (b,), as float32."""
        expected = torch.uint8 if self._bits == 8 else torch.uint16
        if images.dtype != expected:
            raise ValueError(f"counts must be {expected}, found {images.dtype}")
        counts = images.to(torch.int32)
        if self._codes is not None:
            counts = counts + (self._codes[index] << self._bits).view(-1, 1, 1, 1)
        found = self._table.reshape(-1)[counts]
        return found.expand(-1, self._channels, -1, -1) if found.shape[1] == 1 else found


def _table(recipe: Recipe, bits: int) -> np.ndarray[Any, Any]:
    """What the recipe makes of every count."""
    ramp = np.arange(1 << bits, dtype=np.uint32).astype(_TYPES[bits])[None]
    return np.ascontiguousarray(recipe.apply(ramp)[0], np.float32)


def is_pointwise(recipe: Recipe, bits: int) -> bool:
    """Whether a count becomes the same in every picture: tried with two that differ elsewhere."""
    top = (1 << bits) - 1
    row = np.linspace(top // 4, top // 2, 64).astype(_TYPES[bits])
    others = (np.full(64, top // 3), np.linspace(0, top, 64), np.zeros(64))
    results = [recipe.apply(np.stack([row, other.astype(row.dtype)] * 2))[0] for other in others]
    return all(np.array_equal(results[0], other, equal_nan=True) for other in results[1:])


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


def _stream_of(device: torch.device) -> torch.cuda.Stream | None:
    if device.type != "cuda":
        return None
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


class DeviceLoader:
    """Epochs of a loader on a device.

    Args:
        loader: What to load. With ``normalize`` its own ``normalize`` and ``dtype`` are replaced.
        device: ``cuda``, ``cuda:1``, ``cpu`` ...
        normalize: Recipe to apply on the device; ``None``: the loader's own, before the copy.
        channels: Of the pictures on the device, with ``normalize``.
        bits: Of the counts sent, with ``normalize``: 8 or 16.

    Raises:
        UnsupportedError: See ``DeviceNormalize``; or bits that are neither.
    """

    def __init__(
        self, loader: Loader, device: Any, *, normalize: Recipe | None = None, channels: int = 1,
        bits: int = 8,
    ) -> None:  # fmt: skip
        if bits not in _TYPES:
            raise UnsupportedError(f"bits must be 8 or 16, found {bits}")
        self.device = torch.device(device)
        self.loader = loader
        self._stage: DeviceNormalize | None = None
        if normalize is not None:
            self._stage = DeviceNormalize(
                normalize, loader.dataset, self.device, channels=channels, bits=bits
            )
            self.loader = replace(
                loader, normalize=Counts(), dtype="uint8" if bits == 8 else "uint16", channels=1
            )
            self.loader.course.position = loader.course.position
        self._stream = _stream_of(self.device)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[TorchBatch]:
        bfloat16 = self.loader.dtype == "bfloat16"
        batches = (to_torch(batch, bfloat16=bfloat16) for batch in self.loader)
        if self._stream is None:
            yield from (self._normalized(batch.to(self.device)) for batch in batches)
        else:
            yield from self._overlapped(batches, self._stream)

    def _overlapped(
        self, batches: Iterable[TorchBatch], stream: torch.cuda.Stream
    ) -> Iterator[TorchBatch]:
        """Copies of the next batches run while the present one is used."""
        waiting: deque[tuple[TorchBatch, TorchBatch, torch.cuda.Event]] = deque()
        for batch in batches:
            pinned = batch.pin_memory()
            with torch.cuda.stream(stream):
                sent = self._normalized(pinned.to(self.device, non_blocking=True))
                done = torch.cuda.Event()  # type: ignore[no-untyped-call]
                done.record(stream)
            waiting.append((sent, pinned, done))  # pinned memory lives until the copy is over
            if len(waiting) > _AHEAD:
                yield self._arrived(*waiting.popleft())
        while waiting:
            yield self._arrived(*waiting.popleft())

    def _arrived(self, batch: TorchBatch, pinned: TorchBatch, done: torch.cuda.Event) -> TorchBatch:
        current = torch.cuda.current_stream(self.device)
        current.wait_event(done)
        for value in batch.fields.values():
            if isinstance(value, torch.Tensor):
                value.record_stream(current)
        done.synchronize()
        del pinned
        return batch

    def _normalized(self, batch: TorchBatch) -> TorchBatch:
        if self._stage is None:
            return batch
        return TorchBatch({**batch.fields, "images": self._stage(batch.images, batch.index)})
