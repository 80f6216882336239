"""The loader for PyTorch: tensors without copies, datasets for ``DataLoader``, detection targets.

Needs ``pip install irtd_fast[torch]``. A ``Loader`` is fast by itself, since its threads are
native: ``tensors(loader)`` is all that a training script needs. ``Batches`` and ``Samples`` are for
programs that insist on a ``DataLoader``.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import UnsupportedError
from irtd_fast.load.batch import Batch
from irtd_fast.load.loader import Loader
from irtd_fast.load.position import Position

try:
    import torch
    from torch.utils.data import Dataset, IterableDataset, get_worker_info
except ImportError as error:  # pragma: no cover - the extra is not installed
    raise ImportError(
        "irtd_fast.load.torch needs PyTorch; install it with: pip install irtd_fast[torch]"
    ) from error


def tensor(array: NDArray[Any], *, bfloat16: bool = False) -> torch.Tensor:
    """A tensor that shares the array's memory.

    Args:
        array: Any numeric array; uint16 becomes ``torch.uint16``.
        bfloat16: uint16 are the bits of bfloat16.
    """
    if array.dtype == np.uint16:
        shared = torch.from_numpy(array.view(np.int16))
        return shared.view(torch.bfloat16 if bfloat16 else torch.uint16)
    return torch.from_numpy(array)


@dataclass(frozen=True)
class TorchBatch:
    """A ``Batch`` whose arrays are tensors over the same memory.

    ``fields`` has a tensor (or whatever else it was) for every field of ``Batch`` that is not
    ``None``; they are attributes as well: ``batch.images``, ``batch.boxes``, ``batch.offsets``.
    """

    fields: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        """A field of the batch."""
        if name == "fields" or name.startswith("__"):
            raise AttributeError(name)
        if name not in self.fields:
            raise AttributeError(f"the batch has no {name}; it has {', '.join(self.fields)}")
        return self.fields[name]

    def __len__(self) -> int:
        return len(self.fields["index"])

    def __reduce__(self) -> tuple[Any, ...]:
        return TorchBatch, (dict(self.fields),)

    def _each(self, change: Any) -> TorchBatch:
        return TorchBatch({
            name: change(value) if isinstance(value, torch.Tensor) else value
            for name, value in self.fields.items()
        })  # fmt: skip

    def pin_memory(self) -> TorchBatch:
        """A copy in page-locked memory; what ``DataLoader(pin_memory=True)`` calls."""
        return self._each(lambda value: value.pin_memory())

    def to(self, device: Any, *, non_blocking: bool = False) -> TorchBatch:
        """The batch on a device."""
        return self._each(lambda value: value.to(device, non_blocking=non_blocking))

    def targets(self, *, tv_tensors: bool = False) -> list[dict[str, Any]]:
        """One dictionary a sample, as torchvision's detection models take them.

        Args:
            tv_tensors: Boxes as ``torchvision.tv_tensors.BoundingBoxes`` (needs torchvision).

        Returns:
            ``boxes`` (k, 4) float32 xyxy, ``labels`` (k,) int64 codes of ``Dataset.categories``
            plus 1 (0 is the background), ``image_id``, ``area`` (k,), ``iscrowd`` (k,).
        """
        offsets = self.offsets.tolist()
        size = tuple(self.images.shape[-2:])
        return [
            self._target(i, slice(offsets[i], offsets[i + 1]), size if tv_tensors else None)
            for i in range(len(self))
        ]

    def _target(self, i: int, here: slice, size: tuple[int, ...] | None) -> dict[str, Any]:
        boxes = self.boxes[here]
        sides = boxes[:, 2:] - boxes[:, :2]
        found: dict[str, Any] = {
            "boxes": boxes, "labels": self.categories[here].long() + 1,
            "image_id": self.index[i], "area": sides[:, 0] * sides[:, 1],
            "iscrowd": torch.zeros(len(boxes), dtype=torch.int64),
        }  # fmt: skip
        if size is not None:
            found["boxes"] = _bounding_boxes(boxes, size)
        return found


def _bounding_boxes(boxes: torch.Tensor, size: tuple[int, ...]) -> Any:
    try:
        from torchvision.tv_tensors import BoundingBoxes
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            "tv_tensors need a torchvision that fits the installed torch: pip install torchvision"
        ) from error
    return BoundingBoxes(boxes, format="XYXY", canvas_size=size)


def to_torch(batch: Batch, *, bfloat16: bool = False) -> TorchBatch:
    """A batch as tensors over its memory, which is recycled when both are gone.

    Only flags (uint16) are copied, to int32.

    Args:
        batch: From a loader.
        bfloat16: The loader's ``dtype`` is bfloat16.
    """
    found: dict[str, Any] = {}
    for entry in fields(batch):
        value = getattr(batch, entry.name)
        if isinstance(value, np.ndarray):
            pictures = entry.name in ("images", "visible")
            if value.dtype == np.uint16 and not pictures:
                value = value.astype(np.int32)  # flags: torch can do little with its own uint16
            found[entry.name] = tensor(value, bfloat16=bfloat16 and pictures)
        elif value is not None:
            found[entry.name] = value
    return TorchBatch(found)


def tensors(loader: Loader) -> Iterator[TorchBatch]:
    """One epoch of a loader as tensors."""
    bfloat16 = loader.dtype == "bfloat16"
    for batch in loader:
        yield to_torch(batch, bfloat16=bfloat16)


def _shared(numbers: list[int]) -> torch.Tensor:
    """Numbers that worker processes see change."""
    shared: torch.Tensor = torch.tensor(numbers).share_memory_()  # type: ignore[no-untyped-call]
    return shared


_SET, _SET_TO, _DONE = range(3)  # of Batches' shared numbers: how often set, to which epoch, next
_alive: weakref.WeakSet[Batches] = weakref.WeakSet()


def _note_epochs() -> None:
    """Before a fork: workers must all see the epoch of the moment in which they were started."""
    for batches in list(_alive):
        batches.note_epoch()


os.register_at_fork(before=_note_epochs)


class Batches(IterableDataset[TorchBatch]):
    """Whole batches for ``DataLoader(Batches(loader), batch_size=None, num_workers=W)``.

    Worker w of W makes batches w, w + W, ...; ``DataLoader`` takes them in turn, so the batches are
    those of the loader alone, in its order. Every iteration is the next epoch, with persistent
    workers or without (with ``num_workers=0`` one that was broken off goes on, as a loader does);
    ``set_epoch`` reaches all workers. With torchdata's ``StatefulDataLoader`` every worker's
    position is part of its state.

    Args:
        loader: Its ``threads`` are those of each worker: give fewer than cores where there are
            many workers.
    """

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        epoch = loader.course.position.epoch
        self._shared = _shared([0, epoch, epoch])
        self._began: tuple[int, int] | None = None  # how often set, and epoch, of this process
        self._resumed = False
        self.note_epoch()
        _alive.add(self)

    def note_epoch(self) -> None:
        """Keep the next epoch for the workers that are started now."""
        if self._began is None:
            self._start = int(self._shared[_SET]), int(self._shared[_DONE])

    def __getstate__(self) -> dict[str, Any]:
        self.note_epoch()
        return dict(vars(self))

    def __len__(self) -> int:
        return len(self.loader)

    def set_epoch(self, epoch: int) -> None:
        """Start the next iteration, of whatever workers, at the beginning of an epoch."""
        self._shared[_SET_TO] = self._shared[_DONE] = epoch
        self._shared[_SET] += 1
        self.loader.set_epoch(epoch)

    def __iter__(self) -> Iterator[TorchBatch]:
        info = get_worker_info()
        course = self.loader.course
        if info is None:
            yield from tensors(self.loader)
            self._shared[_DONE] = course.position.epoch
            return
        epoch = self._next_epoch()
        if course.position.epoch != epoch:
            course.position = Position(epoch)
        # A worker that goes on from its own state has just made the batch before its turn.
        first = info.num_workers - 1 if self._resumed else info.id
        self._resumed = False
        with self.loader.turns(first, info.num_workers):
            yield from tensors(self.loader)
        self._shared[_DONE] = max(int(self._shared[_DONE]), epoch + 1)

    def _next_epoch(self) -> int:
        """The epoch of this worker's iteration."""
        times = int(self._shared[_SET])
        if self._began is None:
            self._began = self._start
        elif times != self._began[0]:
            self._began = times, int(self._shared[_SET_TO])
        else:
            self._began = times, self._began[1] + 1
        return self._began[1]

    def state_dict(self) -> dict[str, Any]:
        """Position of this process's loader."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a position; in a worker from its own one."""
        self.loader.load_state_dict(state)
        position = self.loader.course.position
        self._shared[_SET_TO] = self._shared[_DONE] = position.epoch
        self._resumed = get_worker_info() is not None and position.samples > 0
        self._start = int(self._shared[_SET]), position.epoch


class Samples(Dataset[dict[str, Any]]):
    """Single samples by number, for samplers and collate functions of one's own.

    Each is drawn by (seed, epoch, number), whatever batch it is in. ``DataLoader`` asks for all
    samples of a batch at once (``__getitems__``), which is one native call.

    Args:
        loader: Says what becomes of a sample; its order and batch size do not matter.
    """

    def __init__(self, loader: Loader) -> None:
        if loader.augment is not None and getattr(loader.augment, "mosaic", None):
            raise UnsupportedError("a mosaic is made of several samples: use Batches")
        if loader.defer_effects:
            raise UnsupportedError("effects that are deferred go with batches: use Batches")
        self.loader = loader
        self._epoch = _shared([loader.course.position.epoch])

    def __len__(self) -> int:
        return len(self.loader.dataset)

    def set_epoch(self, epoch: int) -> None:
        """Draw as in this epoch from now on, in all workers."""
        self._epoch[0] = epoch

    def __getitem__(self, number: int) -> dict[str, Any]:
        """``image`` and a detection ``target`` of one sample."""
        return self.__getitems__([number])[0]

    def __getitems__(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """The same for many at once."""
        index = np.asarray(numbers, np.int64)
        if len(index) and not (-len(self) <= index.min() and index.max() < len(self)):
            raise IndexError(f"samples {index.min()} to {index.max()} of {len(self)}")
        made = self.loader.make_batch(index % len(self), int(self._epoch))
        batch = to_torch(made, bfloat16=self.loader.dtype == "bfloat16")
        return [
            {"image": image, "target": target}
            for image, target in zip(batch.images, batch.targets(), strict=True)
        ]


def collate(samples: Sequence[Mapping[str, Any]]) -> tuple[torch.Tensor, list[dict[str, Any]]]:
    """Samples of ``Samples`` as pictures (b, c, h, w) and a list of targets."""
    return (
        torch.stack([sample["image"] for sample in samples]),
        [sample["target"] for sample in samples],
    )
