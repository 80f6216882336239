"""One data file of a plan: decode its samples, write it, give a receipt.

A task writes a whole shard or packed chunk file and nothing else; nobody ever rewrites part of one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from irtd_fast import _core
from irtd_fast.errors import DecodeError
from irtd_fast.manifest import Manifest
from irtd_fast.store.findings import RADIOMETRIC, Found, decode_raw, look_at
from irtd_fast.store.pictures import PictureFiles, Pixels, by_file, decode_for
from irtd_fast.store.plan import ArrayPlan, picture_of
from irtd_fast.store.spec import Codec, make_chain
from irtd_fast.store.staging import Receipt
from irtd_fast.types import ImageInfo

# (ok, digest of the source file, crc32c of the stored bytes, code, message) of one sample
_SLICE = 256  # pictures between two reports of progress
_CHANGED = "changed-since-plan"

_Outcome = tuple[bool, int, int, str, str]


@dataclass(frozen=True)
class Task:
    """One data file to write.

    Attributes:
        array: The array it belongs to.
        number: Number of the shard or packed chunk file.
        rows: Rows of the array in it.
    """

    array: ArrayPlan
    number: int
    rows: range

    @property
    def file(self) -> str:
        """Path relative to the source's group."""
        if self.array.kind == "packed":
            return f"{self.array.path}/values/c/{self.number}"
        zeros = "/0/0" if self.array.channels == 1 else "/0/0/0"
        return f"{self.array.path}/c/{self.number}{zeros}"


@dataclass
class Filled:
    """A file whose samples are all decoded; ``finish`` makes it durable."""

    task: Task
    writer: _core.ShardWriter | _core.PackedWriter
    outcomes: list[_Outcome]
    found: dict[int, Found] = field(default_factory=dict)

    def finish(self) -> Receipt:
        """Write what is left, sync, rename, and say what the file holds."""
        task, present = self.task, sum(ok for ok, *_ in self.outcomes)
        if isinstance(self.writer, _core.PackedWriter):
            size, digest, count = self.writer.finish(present)
        else:
            size, digest, count = self.writer.finish()
        packed = task.array.kind == "packed"
        both = list(zip(task.rows, self.outcomes, strict=True))
        failures = [(row, outcome[3], outcome[4]) for row, outcome in both if not outcome[0]]
        digests = [outcome[1] for outcome in self.outcomes]
        crcs = [outcome[2] for outcome in self.outcomes] if packed else []
        found = [(task.rows[i], *self.found[i]) for i in sorted(self.found)]
        rows = list(task.rows)
        return Receipt(task.file, size, digest, count, rows, digests, crcs, failures, found)


def make_tasks(arrays: Sequence[ArrayPlan]) -> list[Task]:
    """All data files of a plan, in order."""
    return [
        Task(array, number, array.rows_of_file(number))
        for array in arrays
        for number in range(array.files)
    ]


class TaskWriter:
    """Fills data files from the dump.

    Args:
        manifest: The samples.
        tree: Staged group folder.
        codecs: Inner codecs of each bucket, by array path.
        tolerance: Largest channel difference of a gray picture.
        threads: Threads inside one task.
        tick: Told how many more pictures are done, from any thread.
    """

    def __init__(
        self,
        manifest: Manifest,
        tree: Path,
        codecs: dict[str, tuple[Codec, ...]],
        *,
        tolerance: int,
        threads: int,
        tick: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.tick = tick
        self.manifest = manifest
        self.tree = tree
        self.codecs = codecs
        self.tolerance = tolerance
        self.threads = threads
        self._digests: dict[str, int] = {}  # of videos, which several data files may take from

    def fill(self, task: Task) -> Filled:
        """Decode and encode every sample of a data file.

        Raises:
            OSError: The store cannot be written; nothing about single pictures is raised.
        """
        path = self.tree / task.file
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures = [self._picture(task.array, row) for row in task.rows]
        if task.array.kind == "packed":
            return self._fill_packed(task, str(path), pictures)
        return self._fill_shard(task, str(path), pictures)

    def holds(self, task: Task, receipt: Receipt) -> bool:
        """True if a data file of an earlier run still has the content its receipt says.

        Every byte is read and checked: a disk that lost a write, or a hand that touched the
        staging folder, must not end in a committed store.
        """
        rows = list(task.rows)
        if receipt.rows != rows or len(receipt.digests) != len(rows):
            return False
        path = self.tree / task.file
        if task.array.kind == "packed":
            whole = len(receipt.crcs) == len(rows)
            return whole and _core.xxh64(path.read_bytes()) == receipt.digest
        reader = self._reader(task.array)
        size, digest, present, holes, damage = reader.verify_shard(
            task.number, threads=self.threads
        )
        lost = sorted(row for row, _, _ in receipt.failures)
        found = size, digest, present, sorted(holes), damage
        return found == (receipt.bytes, receipt.digest, receipt.present, lost, [])

    def _reader(self, array: ArrayPlan) -> _core.ShardReader:
        sample = (array.height, array.width, array.channels)[: 3 if array.channels > 1 else 2]
        return _core.ShardReader(
            prefix=f"{self.tree / array.path}/c/", suffix="/0" * len(sample), rows=array.rows,
            rows_per_shard=array.rows_per_shard, sample_shape=list(sample),
            dtype="<u2" if array.itemsize == 2 else "u1",
            chain=make_chain(self.codecs[array.path], array.itemsize),
        )  # fmt: skip

    def _picture(self, array: ArrayPlan, row: int) -> ImageInfo:
        picture = picture_of(self.manifest.samples[array.members[row]], array.modality)
        assert picture is not None  # the plan only lists samples that have one
        return picture

    def _absolute(self, picture: ImageInfo) -> str:
        return f"{self.manifest.root}/{picture.path}"

    def _fill_shard(self, task: Task, path: str, pictures: list[ImageInfo]) -> Filled:
        array = task.array
        chain = make_chain(self.codecs[array.path], array.itemsize)
        writer = _core.ShardWriter(
            path, array.rows_per_shard, len(pictures), array.sample_bytes, chain
        )
        outcomes: list[_Outcome] = [(False, 0, 0, "", "")] * len(pictures)
        jpeg = [i for i, p in enumerate(pictures) if p.encoding == "jpeg" and p.plain]
        for first in range(0, len(jpeg), _SLICE):
            part = jpeg[first : first + _SLICE]
            results = writer.put_jpeg_files(
                part, [self._absolute(pictures[i]) for i in part],
                height=array.height, width=array.width, channels=array.channels,
                chroma_tolerance=self.tolerance, threads=self.threads,
                planned=[(pictures[i].size, pictures[i].mtime_ns) for i in part],
            )  # fmt: skip
            for i, result in zip(part, results, strict=True):
                outcomes[i] = result
            self.tick(len(part))

        def put(i: int, pixels: Pixels) -> int:
            writer.put(i, pixels)
            return 0

        others = [i for i, p in enumerate(pictures) if p.encoding != "jpeg" or not p.plain]
        filled = Filled(task, writer, outcomes)
        self._decode_others(others, pictures, filled, put)
        for i in others:
            if not outcomes[i][0]:
                writer.skip(i)
        return filled

    def _fill_packed(self, task: Task, path: str, pictures: list[ImageInfo]) -> Filled:
        array = task.array
        writer = _core.PackedWriter(path, array.chunk_bytes)
        rows = slice(task.rows.start, task.rows.stop)
        inside = (array.offsets[rows] % array.chunk_bytes).tolist()
        if array.encoding == "jpeg":
            lengths = array.lengths[rows].tolist()
            outcomes = self._pack_jpeg(writer, inside, lengths, pictures)
            return Filled(task, writer, outcomes)
        filled = Filled(task, writer, [(False, 0, 0, "", "")] * len(pictures))

        def put(i: int, pixels: Pixels) -> int:
            return writer.put(inside[i], pixels)

        self._decode_others(range(len(pictures)), pictures, filled, put)
        return filled

    def _pack_jpeg(
        self,
        writer: _core.PackedWriter,
        offsets: list[int],
        lengths: list[int],
        pictures: list[ImageInfo],
    ) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        for first in range(0, len(pictures), _SLICE):
            part = slice(first, first + _SLICE)
            chosen = pictures[part]
            outcomes += writer.pack_jpeg_files(
                offsets[part], lengths[part], [self._absolute(p) for p in chosen],
                [(p.height, p.width, p.channels) for p in chosen],
                chroma_tolerance=self.tolerance, threads=self.threads,
                planned=[(p.size, p.mtime_ns) for p in chosen],
            )  # fmt: skip
            self.tick(len(chosen))
        return outcomes

    def _difference(self, picture: ImageInfo) -> str:
        try:
            found = os.stat(self._absolute(picture))  # noqa: PTH116  (once a picture)
        except OSError:
            return ""  # reading it says so again, and why
        if (found.st_size, found.st_mtime_ns) == (picture.size, picture.mtime_ns):
            return ""
        if found.st_size != picture.size:
            return f"expected {picture.size} bytes, found {found.st_size}"
        return "the file was written again after the plan was made"

    def _decode_others(
        self,
        numbers: Sequence[int],
        pictures: list[ImageInfo],
        filled: Filled,
        put: Callable[[int, Pixels], int],
    ) -> None:
        """Decode pictures that are not plain JPEG on Python threads (the decoders free the GIL)."""
        modality = filled.task.array.modality
        files = PictureFiles(self.manifest.root, self._digests)

        def some(members: list[int]) -> None:
            for i in members:
                picture = pictures[i]
                filled.outcomes[i], found = self._decode_one(files, picture, modality, put, i)
                if found is not None:
                    filled.found[i] = found
                self.tick(1)

        if len(numbers) == 0:
            return
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(some, by_file(numbers, pictures)))

    def _decode_one(
        self, files: PictureFiles, picture: ImageInfo, modality: str,
        put: Callable[[int, Pixels], int], number: int,
    ) -> tuple[_Outcome, Found | None]:  # fmt: skip
        digest, radiometric = 0, None
        difference = self._difference(picture)
        if difference:
            return (False, digest, 0, _CHANGED, difference), None
        try:
            data = files.read(picture)
            digest = files.digest(picture, data)
            whole = data if isinstance(data, bytes) else b""
            raw = picture.part == "raw" and picture.encoding in RADIOMETRIC
            if raw and not picture.border:
                pixels, radiometric = decode_raw(whole)
            else:
                pixels = decode_for(data, picture, modality, self.tolerance)
        except DecodeError as error:
            message = str(error.where.get("reason", error))
            return (False, digest, 0, "undecodable-image", message), None
        except OSError as error:
            return (False, digest, 0, "unreadable", str(error)), None
        message = _other_shape(picture, pixels)
        if message:
            return (False, digest, 0, _CHANGED, message), None
        pixels = cast("Pixels", np.ascontiguousarray(pixels))
        found = None
        if modality == "infrared":
            found = look_at(pixels, picture, whole, radiometric)
        return (True, digest, put(number, pixels), "", ""), found


def _other_shape(picture: ImageInfo, pixels: Pixels) -> str:
    """Say how a picture differs from what was planned; ``""`` if it does not."""
    expected = (picture.height, picture.width, picture.channels, picture.dtype)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    found = (*pixels.shape[:2], channels, str(pixels.dtype))
    if found == expected:
        return ""
    return f"expected {_shape_text(expected)}, found {_shape_text(found)}"


def _shape_text(shape: tuple[object, ...]) -> str:
    height, width, channels, dtype = shape
    return f"{height}x{width}, {channels} channel(s), {dtype}"
