"""Label pictures of a batch: cut and resized like the pictures, but never mixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.plan import BatchPlan, Places
from irtd_fast.radiometry import Counts
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source

_COLOURS = 3


class MaskPictures:
    """Renders the masks of plans.

    Args:
        dataset: Samples, of which some may have no mask.
        size: (height, width) of the frames.
        fill: The label beyond pictures and where there is no mask.
        threads: Native threads.
        visible: Whether the visible partners are asked for.

    Raises:
        ValueError: No sample has a mask; masks that were drawn on visible pictures, which are not
            asked for; masks in colours beside masks of labels; a fill that no
            pixel can be.
    """

    def __init__(self, dataset: Dataset, size: tuple[int, int], fill: int, threads: int,
                 *, visible: bool) -> None:  # fmt: skip
        infos = [s.arrays[n] for s in dataset.sources for n in range(len(s.arrays))]
        codes, _ = dataset.locate(modality="masks")
        used = [infos[code] for code in np.unique(codes[codes >= 0]).tolist()]
        if not used:
            raise ValueError("no sample of the dataset has a mask, so none can be a target")
        drawn_there = [s.name for s in dataset.sources if masks_are_visible(s)]
        if drawn_there and not visible:
            raise ValueError(
                f"masks of {', '.join(drawn_there)} were drawn on the visible pictures; "
                "ask for these too: Loader(visible=True)"
            )
        channels = {c for code in np.unique(codes[codes >= 0]).tolist()
                    for c in _channels(dataset, code)}  # fmt: skip
        if len(channels) > 1:
            raise ValueError(
                "some masks are labels and some are colours; filter the dataset by source"
            )
        self._dataset = dataset
        self._size = size
        self._fill = fill
        self._threads = threads
        self._channels = channels.pop()
        self._dtype = "uint16" if any(info.dtype == "uint16" for info in used) else "uint8"
        if not 0 <= fill <= np.iinfo(self._dtype).max:
            raise ValueError(f"mask_fill must be a {self._dtype} label, found {fill}")
        self._recipe = Counts().native("uint16" if self._dtype == "uint16" else "uint8")

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel of a batch's masks."""
        return self._channels * (2 if self._dtype == "uint16" else 1)

    def present(self, plan: BatchPlan) -> NDArray[np.bool_]:
        """(b,) whether any sample of a frame has a mask."""
        here = self._places(plan).codes >= 0
        if plan.layout is None:
            return here
        running = np.concatenate([[0], np.cumsum(here)])
        return np.asarray(np.diff(running[plan.layout.offsets]) > 0)

    def render(self, plan: BatchPlan) -> tuple[NDArray[Any], Mapping[str, int]]:
        """Masks (b, height, width) or (b, height, width, 3), and the nanoseconds by stage.

        Raises:
            IrtdError: A mask that cannot be read, with the number among the plan's members.
        """
        places = self._places(plan)
        here = np.flatnonzero(places.codes >= 0)
        everywhere = len(here) == len(places.codes)
        arguments = dict(plan.tiling)
        shape = (len(plan), *self._size, self._channels)
        if not everywhere:
            # Frames of what there is, on ground that is filled before.
            ends = np.arange(len(plan) + 1) if plan.layout is None else plan.layout.offsets
            running = np.concatenate([[0], np.cumsum(places.codes >= 0)])
            arguments["frames"] = running[ends].astype(np.uint64)
            if "tiles" in arguments:
                arguments["tiles"] = np.ascontiguousarray(arguments["tiles"][here])
            arguments["out"] = np.full(shape, self._fill, self._dtype)
        try:
            masks, times = self._dataset.pipeline.run(
                places.codes[here], places.rows[here], places.matrix[here], size=self._size,
                channels=self._channels, dtype=self._dtype, layout="hwc", filter="nearest",
                border="constant", border_value=float(self._fill), normalize=[self._recipe],
                effects=places.effects, threads=self._threads, **arguments,
            )  # fmt: skip
        except Exception as error:
            row = getattr(error, "row", None)
            if row is not None and row < len(here):
                error.row = int(here[row])  # type: ignore[attr-defined]
            raise
        result: NDArray[Any] = masks if self._channels == _COLOURS else masks[..., 0]
        return result, times

    @staticmethod
    def _places(plan: BatchPlan) -> Places:
        assert plan.masks is not None
        return plan.masks


def _channels(dataset: Dataset, code: int) -> set[int]:
    """Channels of the masks of an array."""
    first = 0
    for source in dataset.sources:
        if code < first + len(source.arrays):
            return set(np.unique(source.shapes(code - first)[:, 2]).tolist())
        first += len(source.arrays)
    raise AssertionError(code)


def masks_are_visible(source: Source) -> bool:
    """Whether a source's masks were drawn on its visible pictures, by its record."""
    record, name = source.attributes["source"], source.attributes.get("variant")
    variants: list[dict[str, Any]] = record.get("variants", [])
    mine = next((one for one in variants if one.get("name") == name), {})
    modalities = {one.get("mask_modality") for one in mine.get("images", ()) if one.get("mask")}
    return "visible" in modalities
