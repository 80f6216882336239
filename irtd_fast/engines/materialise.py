"""Write the aligned pairs of a source, cut to what both frames show, as a source of its own.

The infrared picture is cut to whole pixels, so its counts stay what they are; the visible one is
resampled to the same pixels. The new source is registered: one matrix, the identity, serves both.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.catalog import ImagePatterns, SourceRecord, Variant, parse_record
from irtd_fast.catalog.record import Expected, Sampling
from irtd_fast.engines.align import GROUP, VERDICTS
from irtd_fast.engines.ingest import IngestReport, ingest
from irtd_fast.errors import StoreError
from irtd_fast.geometry.ledger import Ledger
from irtd_fast.geometry.matrix import compose, invert, translation
from irtd_fast.geometry.remap import BoxOptions, remap_boxes, remap_corners, remap_points
from irtd_fast.geometry.resampling import resample
from irtd_fast.manifest import Manifest
from irtd_fast.scan.ready import ReadyScan
from irtd_fast.store.columns import read_column
from irtd_fast.store.dataset import Dataset, open_store
from irtd_fast.store.plan import IngestOptions
from irtd_fast.store.sample import Sample
from irtd_fast.store.source import Source
from irtd_fast.store.staging import STAGING
from irtd_fast.types import (
    Box,
    Corners,
    ImageInfo,
    Modality,
    ObjectRecord,
    PointRecord,
    SampleFlag,
    SampleRecord,
)

Progress = Callable[[str, int, int], None]
Float = NDArray[np.float64]

_VARIANT = "aligned"
_LEAST_SIDE = 16
_MODALITY = ("infrared", "visible")


@dataclass
class MaterialiseReport:
    """What was written.

    Attributes:
        ingest: The report of the new source.
        pairs: Pairs written.
        left_out: Pairs that were not good, or whose common window is too small.
        objects: What became of the boxes of both frames.
    """

    ingest: IngestReport
    pairs: int
    left_out: int
    objects: Ledger

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "source": self.ingest.source, "pairs": self.pairs, "left_out": self.left_out,
            "objects": self.objects.to_json(), "counts": self.ingest.counts,
        }  # fmt: skip


def materialise_pairs(
    store: str | Path,
    source: str,
    name: str,
    *,
    boxes: BoxOptions | None = None,
    replace_source: bool = False,
    workers: int = 0,
    progress: Progress | None = None,
) -> MaterialiseReport:
    """Cut the good pairs of an aligned source and write them as a new, registered source.

    Args:
        store: The store.
        source: Name of a source that ``align_source`` aligned.
        name: Name of the new source.
        boxes: What becomes of boxes that the windows cut.
        replace_source: Replace a source of that name.
        workers: Threads, by default one a core.
        progress: Called with (phase, done, total).

    Raises:
        StoreError: The source was not aligned, or none of its pairs is good.
        StoreExistsError: There is a source of that name.
    """
    dataset = open_store(store).filter(source=source)
    threads = workers or _core.available_threads()
    cuts = _cuts(dataset, source)
    say = progress or _silent
    staging = Path(store) / STAGING
    staging.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=staging) as folder:
        cutter = _Cutter(dataset, Path(folder), boxes or BoxOptions(min_visible=0.25))
        manifest = Manifest(source, _VARIANT, folder, "")
        ledger = Ledger()
        with ThreadPoolExecutor(threads) as pool:
            for done, (sample, fates) in enumerate(pool.map(cutter.cut, cuts), start=1):
                manifest.samples.append(sample)
                ledger += fates
                say("cut", done, len(cuts))
        manifest.notes.append(f"cut from the aligned pairs of {source}")
        record = _record(dataset.source_named(source), name)
        report = ingest(
            folder, store, source=record, name=name, variant=_VARIANT,
            options=IngestOptions(visible="fast"), workers=threads, replace=replace_source,
            progress=progress, scanned=ReadyScan(manifest),
        )  # fmt: skip
    with contextlib.suppress(OSError):
        staging.rmdir()  # only when nobody else is at work
    return MaterialiseReport(report, len(cuts), len(dataset) - len(cuts), ledger)


def _silent(phase: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class _Cut:
    number: int
    window: tuple[int, int, int, int]  # whole infrared pixels
    matrix: Float  # infrared to visible


def _cuts(dataset: Dataset, source: str) -> list[_Cut]:
    folder = dataset.source_named(source).path / GROUP
    if not folder.exists():
        raise StoreError(f"{source}: not aligned yet; `irtd align` does it", source=source)
    verdicts = read_column(folder / "verdict")
    windows = read_column(folder / "infrared_window")
    matrices = read_column(folder / "matrix").reshape(-1, 2, 3)
    cuts = []
    for number in np.flatnonzero(verdicts == VERDICTS.index("good")).tolist():
        x0, y0 = np.ceil(windows[number, :2] - 1e-6).astype(int).tolist()
        x1, y1 = np.floor(windows[number, 2:] + 1e-6).astype(int).tolist()
        if min(x1 - x0, y1 - y0) >= _LEAST_SIDE:
            cuts.append(_Cut(number, (x0, y0, x1, y1), matrices[number]))
    if not cuts:
        raise StoreError(f"{source}: none of its pairs is aligned well enough", source=source)
    return cuts


def _record(source: Source, name: str) -> SourceRecord:
    """The source's record, for the layout of the cut pictures."""
    original = parse_record(source.attributes["source"], "the store's record")
    key = re.sub(r"[^a-z0-9.]+", "-", name.casefold()).strip("-.") or "aligned"
    layout = Variant(
        _VARIANT, f"pairs of {original.key}, cut to what both frames show",
        (ImagePatterns(r"infrared/(?P<stem>\d+)\.tiff", r"visible/(?P<stem>\d+)\.tiff"),),
    )  # fmt: skip
    return replace(
        original, key=key, registration="registered", variants=(layout,), aliases=(), folders=(),
        expected=Expected(), sampling=Sampling(),
    )  # fmt: skip


class _Cutter:
    def __init__(self, dataset: Dataset, folder: Path, options: BoxOptions) -> None:
        self._dataset, self._folder, self._options = dataset, folder, options
        for modality in _MODALITY:
            (folder / modality).mkdir()

    def cut(self, cut: _Cut) -> tuple[SampleRecord, Ledger]:
        """Cut one pair and move its labels; what became of the boxes comes along."""
        sample: Sample = self._dataset[cut.number]
        x0, y0, x1, y1 = cut.window
        size = y1 - y0, x1 - x0
        here = translation(-x0, -y0)
        # Visible pixels go back to infrared ones, and those into the window.
        there = compose(invert(cut.matrix), here)
        record = SampleRecord(
            sample.name, self._write(cut.number, "infrared", sample.infrared[y0:y1, x0:x1]),
            sample.split, scene=sample.scene, sequence=sample.sequence, frame=sample.frame,
            identity=sample.identity, camera=sample.camera,
            flags=int(sample.flags) & ~int(SampleFlag.UNREGISTERED),
            attributes=dict(sample.attributes),
        )  # fmt: skip
        visible = sample.visible
        if visible is not None:
            pixels = resample(
                visible, there, size, filter="antialias", layout="hwc", border="replicate"
            )
            record.visible = self._write(cut.number, "visible", np.squeeze(pixels))
        ledger = Ledger()
        for code, matrix in enumerate((here, there)):
            objects, fates = self._objects(sample, code, matrix, size)
            record.objects += objects
            ledger += fates
            record.points += self._points(sample, code, matrix, size)
        return record, ledger

    def _objects(
        self, sample: Sample, code: int, matrix: Float, size: tuple[int, int]
    ) -> tuple[list[ObjectRecord], Ledger]:
        mine = np.flatnonzero(sample.object_modality == code)
        offsets = np.array([0, len(mine)])
        moved = remap_boxes(sample.boxes[mine], offsets, matrix[None], size, self._options)
        corners = self._corners(sample, mine, matrix, size)
        modality: Modality = "visible" if code else "infrared"
        objects = []
        for place, box in zip(moved.kept.tolist(), moved.values.tolist(), strict=True):
            number = int(mine[place])
            track, flags = int(sample.tracks[number]), int(sample.object_flags[number])
            objects.append(
                ObjectRecord(
                    sample.names[number], _box(box), corners.get(place), track, modality, flags
                )
            )
        return objects, moved.ledger

    def _corners(
        self, sample: Sample, mine: NDArray[np.int64], matrix: Float, size: tuple[int, int]
    ) -> dict[int, Corners]:
        if sample.corners is None:
            return {}
        keep = replace(self._options, policy="keep", min_visible=0.0, min_size=0.0)
        offsets = np.array([0, len(mine)])
        moved = remap_corners(sample.corners[mine], offsets, matrix[None], size, keep)
        rows = moved.values.tolist()
        return {k: _corners(row) for k, row in zip(moved.kept.tolist(), rows, strict=True)}

    def _points(
        self, sample: Sample, code: int, matrix: Float, size: tuple[int, int]
    ) -> Iterator[PointRecord]:
        mine = np.flatnonzero(sample.point_modality == code)
        offsets = np.array([0, len(mine)])
        moved = remap_points(sample.points[mine], offsets, matrix[None], size)
        for place, (x, y) in zip(moved.kept.tolist(), moved.values.tolist(), strict=True):
            category = sample.point_names[int(mine[place])]
            yield PointRecord(category, x, y, "visible" if code else "infrared")

    def _write(self, number: int, modality: str, pixels: NDArray[Any]) -> ImageInfo:
        import tifffile

        path = f"{modality}/{number:08d}.tiff"
        file = self._folder / path
        colour = pixels.ndim == 3
        photometric = "rgb" if colour else "minisblack"
        tifffile.imwrite(file, np.ascontiguousarray(pixels), photometric=photometric)
        status = os.stat(file)  # noqa: PTH116  (once a picture)
        channels = 3 if colour else 1
        height, width = pixels.shape[:2]
        return ImageInfo(
            path, "tiff", height, width, channels, channels, str(pixels.dtype),
            status.st_size, status.st_mtime_ns,
        )  # fmt: skip


def _box(values: Sequence[float]) -> Box:
    x0, y0, x1, y1 = values
    return x0, y0, x1, y1


def _corners(values: Sequence[float]) -> Corners:
    a, b, c, d, e, f, g, h = values
    return a, b, c, d, e, f, g, h
