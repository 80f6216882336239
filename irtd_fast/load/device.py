"""Batches on a device: copied while the one before is used, normalised and changed there.

Sending counts or levels (uint8 or uint16, one channel) and making float pictures of them on the
device moves a twelfth of the bytes that float32 pictures of three channels are. The same code runs
on the CPU, where it is tested; on CUDA copies go through page-locked memory on a stream of their
own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch

from irtd_fast.errors import UnsupportedError
from irtd_fast.geometry.ledger import Ledger
from irtd_fast.geometry.resampling import check_choice
from irtd_fast.load.device_normalize import TYPES, DeviceLevels, DeviceNormalize
from irtd_fast.load.device_sides import ResultType, Stage
from irtd_fast.load.loader import Loader
from irtd_fast.load.position import Position
from irtd_fast.load.torch import TorchBatch, to_torch
from irtd_fast.radiometry import Recipe

__all__ = ["DeviceLevels", "DeviceLoader", "DeviceNormalize"]

Where = Literal["device", "loader"]

_AHEAD = 2  # batches on their way while one is used: a double buffer


def _stream_of(device: torch.device) -> torch.cuda.Stream | None:
    if device.type != "cuda":
        return None
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class _Place:
    """Where a loader is."""

    position: Position
    boxes: Ledger
    points: Ledger


@dataclass(frozen=True)
class _Sent:
    """A batch on its way, and where the loader was when it had made it."""

    batch: TorchBatch
    place: _Place
    pinned: TorchBatch | None = None  # memory that lives until the copy is over
    done: torch.cuda.Event | None = None


class DeviceLoader:
    """Epochs of a loader on a device.

    With ``normalize`` the pictures, and visible partners by their own recipe, come as small
    integers and leave as floats. Recipes that are a function of each count are a table on the
    device (``DeviceNormalize``); of others, of those that look at a whole picture or are drawn, the
    loader sends results as levels of 8 or 16 bits (``DeviceLevels``). Either way results are the
    loader's own up to what half a count or level is worth: below 1/255 of the range. What is steep
    magnifies it: a large ``gain``, and at the bottom a ``gamma`` below 1 and shot noise. For those
    there are 16 bits.

    Effects on the device are made of the same numbers as in the loader: equal noise in equal
    places, up to the rounding of float32.

    Args:
        loader: What to load. What is sent is ``self.loader``, a copy of it that starts where it is;
            with ``normalize`` its own ``normalize``, ``dtype`` and ``channels`` are replaced.
        device: ``cuda``, ``cuda:1``, ``cpu`` ...
        normalize: Recipe to apply on the device; ``None``: the loader's own, before the copy.
        channels: Of the infrared pictures on the device, with ``normalize``; a gray picture is
            repeated without a copy: clone it before changing it in place.
        bits: Of the counts or levels sent, with ``normalize``: 8 or 16.
        photometric: Where the effects of the loader's ``Augment`` (photometric and cutout) are
            applied: on the ``device`` or in the ``loader``, before the copy. By default on the
            device if that normalises, since they act on normalised pictures.
        dtype: Of the pictures on the device, effects or not: float32, float16 or bfloat16. ``None``
            is float32 with ``normalize``, otherwise what the loader gives.

    Raises:
        UnsupportedError: Neither counts nor levels can be sent for the recipe; bits that are
            neither; a ``dtype`` for integers of the loader.
        ValueError: Another argument; effects on results without a range; statistics that are not
            stored.
    """

    def __init__(
        self, loader: Loader, device: Any, *, normalize: Recipe | None = None, channels: int = 1,
        bits: int = 8, photometric: Where | None = None, dtype: ResultType | None = None,
    ) -> None:  # fmt: skip
        if bits not in TYPES:
            raise UnsupportedError(f"bits must be 8 or 16, found {bits}")
        if channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, found {channels}")
        if photometric is not None:
            check_choice("photometric", photometric, Where)
        if dtype is not None:
            check_choice("dtype", dtype, ResultType)
        self.device = torch.device(device)
        here = photometric == "device" or (photometric is None and normalize is not None)
        stage = Stage(self.device, here, dtype, channels, bits)
        if normalize is None:
            self.loader, self._sides = stage.sends_own(loader)
        else:
            self.loader, self._sides = stage.sends_counts(loader, normalize)
        self.loader.course.position = loader.course.position
        self._effects = here
        self._stream = _stream_of(self.device)
        self._ahead = 0 if self._stream is None else _AHEAD

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[TorchBatch]:
        """One epoch. Copies of the next batches run while the present one is used.

        What is on its way has not been seen: until it is, ``loader.state_dict()`` and the loader's
        ledgers are those of the batch that was given last.
        """
        waiting: deque[_Sent] = deque()
        bfloat16 = self.loader.dtype == "bfloat16"
        for batch in self.loader:
            newest = self._place()
            waiting.append(self._send(to_torch(batch, bfloat16=bfloat16), newest))
            if len(waiting) > self._ahead:
                yield self._arrived(waiting.popleft())
                self._go_to(newest)
        end = self._place()
        while waiting:
            yield self._arrived(waiting.popleft())
        self._go_to(end)

    def _place(self) -> _Place:
        return _Place(self.loader.course.position, self.loader.box_ledger, self.loader.point_ledger)

    def _go_to(self, place: _Place) -> None:
        self.loader.course.position = place.position
        self.loader.box_ledger, self.loader.point_ledger = place.boxes, place.points

    def _send(self, batch: TorchBatch, place: _Place) -> _Sent:
        if self._stream is None:
            return _Sent(self._normalized(batch.to(self.device)), place)
        pinned = batch.pin_memory()
        with torch.cuda.stream(self._stream):
            sent = self._normalized(pinned.to(self.device, non_blocking=True))
            done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record(self._stream)
        return _Sent(sent, place, pinned, done)

    def _arrived(self, sent: _Sent) -> TorchBatch:
        if sent.done is not None:
            current = torch.cuda.current_stream(self.device)
            current.wait_event(sent.done)
            for value in sent.batch.fields.values():
                if isinstance(value, torch.Tensor):
                    value.record_stream(current)
            sent.done.synchronize()
        self._go_to(sent.place)
        return sent.batch

    def _normalized(self, batch: TorchBatch) -> TorchBatch:
        fields = dict(batch.fields)
        for name, side in self._sides.items():
            waiting = "effects" if name == "images" else "visible_effects"
            effects = fields.pop(waiting, None) if self._effects else None
            fields[name] = side(fields[name], batch.index, effects)
        if "grids" in fields and "images" in self._sides:
            fields["grids"] = self._sides["images"].grids(fields["grids"])
        return TorchBatch(fields)
