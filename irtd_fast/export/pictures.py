"""Pictures of samples as files: rendered by a recipe, copied, or linked to a dump."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import CorruptStoreError, SourceLayoutError
from irtd_fast.export.base import ExportJob, refuse_existing, write_whole
from irtd_fast.grids import Composer, Grid
from irtd_fast.radiometry import Percentile, Recipe
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import ArrayInfo, Source

FOLDER = "images"
_GRIDS = 16  # composed at a time
_DEFAULT_U16 = Percentile(1.0, 99.0)
_UNSAFE = re.compile(r'[\x00-\x1f\\:*?"<>|]')
_SUFFIX = {"jpeg": ".jpg", "png": ".png", "copy": ".jpg", "link": ""}


def recipe_words(recipe: Recipe | None) -> str:
    """How counts become 8 bits, for the report."""
    if recipe is not None:
        return str(recipe)
    return f"8-bit counts as they are, 16-bit counts by {_DEFAULT_U16}"


def to_8_bit(counts: NDArray[Any], recipe: Recipe | None) -> NDArray[np.uint8]:
    """Counts for a file of 8 bits.

    Args:
        counts: (h, w) or (h, w, 3), uint8 or uint16.
        recipe: ``None`` keeps uint8 and stretches uint16 by percentiles.

    Returns:
        uint8 of the same shape.
    """
    if recipe is None:
        if counts.dtype == np.uint8:
            return np.ascontiguousarray(counts)
        recipe = _DEFAULT_U16
    done: NDArray[np.uint8] = recipe.apply(counts, dtype="uint8")
    return np.ascontiguousarray(done)


def encode(pixels: NDArray[np.uint8], form: str, quality: int = 95) -> bytes:
    """Bytes of a JPEG or PNG file of these pixels."""
    if form == "png":
        from imagecodecs import png_encode

        return bytes(png_encode(pixels))
    return _core.encode_jpeg(pixels, quality=quality)


def safe_name(name: str) -> str:
    """A sample's name as a relative path that every file system takes and that leads nowhere else.

    >>> safe_name("train/FLIR_00001"), safe_name("../a:b")
    ('train/FLIR_00001', '_/a_b')
    """
    parts = [_UNSAFE.sub("_", part) for part in name.split("/")]
    kept = ["_" if part.strip(". ") == "" else part for part in parts]
    return "/".join(kept)


class Pictures:
    """Files of the infrared pictures of samples.

    Args:
        job: What is exported.
    """

    def __init__(self, job: ExportJob) -> None:
        self.job = job
        self.dataset: Dataset = job.dataset
        self._owners: dict[str, int] = {}
        self._linked: dict[int, dict[str, str]] = {}

    def relative(self, number: int) -> str:
        """Path of a sample's picture below ``out``, POSIX."""
        sample = self.dataset[number]
        suffix = _SUFFIX.get(self.job.pictures, ".jpg")
        if self.job.pictures == "link":
            suffix = Path(self._target(number)).suffix
        elif self.job.pictures == "copy" and self._own_jpeg(number) is None:
            suffix = ".png"
        path = f"{FOLDER}/{sample.source}/{safe_name(sample.name)}{suffix}"
        if self._owners.setdefault(path.casefold(), number) != number:
            return f"{path.removesuffix(suffix)}.{number}{suffix}"
        return path

    def write(
        self, numbers: Sequence[int], paths: Sequence[str], grids: Mapping[str, Grid] | None = None
    ) -> int:
        """Write the pictures of these samples.

        Args:
            numbers: Of the samples.
            paths: Where each goes, below ``out``.
            grids: Composed pictures by where each goes.

        Returns:
            How many were written.

        Raises:
            StoreExistsError: One is there and ``replace`` is not set; none is written.
            CorruptStoreError: One cannot be read; its sample is named.
        """
        if self.job.pictures == "none":
            return 0
        grids = grids or {}
        files = [self.job.out / path for path in paths]
        refuse_existing(self.job, [*files, *(self.job.out / path for path in grids)])
        if not self.job.dry_run:
            self.run([(self._writer(n), file) for n, file in zip(numbers, files, strict=True)])
            self._write_grids(grids)
        return len(files) + len(grids)

    def _write_grids(self, grids: Mapping[str, Grid]) -> None:
        composer = Composer(self.dataset, self.job.grid, recipe=self.job.recipe)
        items, done = iter(grids.items()), 0
        while block := list(islice(items, _GRIDS)):
            for (path, _), pixels in zip(block, composer([g for _, g in block]), strict=True):
                form = "jpeg" if path.endswith(".jpg") else "png"
                write_whole(self.job.out / path, encode(pixels, form, self.job.quality))
            done += len(block)
            self.job.progress("grids", done, len(grids))

    def run(self, work: Sequence[tuple[Callable[[Path], None], Path]]) -> None:
        """Write files on all threads; the first failure ends it."""
        total = len(work)
        with ThreadPoolExecutor(self.job.threads or os.cpu_count() or 1, "irtd-export") as pool:
            futures = [pool.submit(write, file) for write, file in work]
            try:
                for done, future in enumerate(as_completed(futures), 1):
                    future.result()
                    self.job.progress("pictures", done, total)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _writer(self, number: int) -> Callable[[Path], None]:
        if self.job.pictures == "link":
            return lambda file: self._link(number, file)
        return lambda file: write_whole(file, self.encoded(number))

    def encoded(self, number: int) -> bytes:
        """Bytes of the file of one sample's picture."""
        if self.job.pictures == "copy":
            own = self._own_jpeg(number)
            if own is not None:
                return own()
        pixels = to_8_bit(self.dataset[number].infrared, self.job.recipe)
        return encode(pixels, "jpeg" if self.job.pictures == "jpeg" else "png", self.job.quality)

    def _own_jpeg(self, number: int) -> Callable[[], bytes] | None:
        """Reads the source's own JPEG file where the store keeps it."""
        source, row = self.dataset[number].place
        code = int(source.column("samples", "infrared_array")[row])
        info: ArrayInfo = source.arrays[code]
        reader = source.reader(code)
        if info.encoding != "jpeg" or not isinstance(reader, _core.PackedReader):
            return None
        place = int(source.column("samples", "infrared_row")[row])
        return lambda: bytes(reader.read(place))

    def _target(self, number: int) -> str:
        """The dump's file of a sample's picture."""
        code = int(self.dataset.source_codes[number])
        source = self.dataset.sources[code]
        if code not in self._linked:
            self._linked[code] = _dump_files(source, self.job)
        name = self.dataset[number].name
        try:
            return self._linked[code][name]
        except KeyError:
            root = self.job.roots[source.name]
            raise SourceLayoutError(
                f"{root}: has no picture of sample {source.name}/{name}", path=str(root)
            ) from None

    def _link(self, number: int, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            part.symlink_to(self._target(number))
            part.replace(file)
        except FileExistsError as error:
            raise CorruptStoreError(f"{part}: is in the way", path=str(part)) from error
        finally:
            part.unlink(missing_ok=True)


def _dump_files(source: Source, job: ExportJob) -> dict[str, str]:
    """Name of each sample of a dump -> its picture file."""
    from irtd_fast import catalog
    from irtd_fast.scan import scan_pictures

    name = source.name
    if name not in job.roots:
        raise ValueError(f"no dump of {name} to link to: --root {name}=FOLDER names it")
    root = Path(job.roots[name]).absolute()
    variant = source.attributes.get("variant") or None
    found = scan_pictures(root, catalog.get(source.key), variant=variant)
    return {s.name: str(root / s.infrared.path) for s in found.manifest.samples}
