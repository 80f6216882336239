"""What pictures are compared by: digests of their files, and what they look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import CorruptStoreError, DecodeError
from irtd_fast.images import probe_images
from irtd_fast.manifest import Manifest
from irtd_fast.scan.walk import natural_key, walk
from irtd_fast.store.dataset import Dataset, open_store
from irtd_fast.store.pictures import PictureFiles, by_file, decode_for
from irtd_fast.types import ImageInfo, Problem, SampleRecord

Progress = Callable[[str, int, int], None]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]

RADIUS = 22  # of 128 bits; CONTRIBUTING.md has what it finds and what it mistakes
_SLICE = 512
_SPLITS = {
    "train": "train", "training": "train", "trainval": "train", "val": "val", "valid": "val",
    "validation": "val", "test": "test", "testing": "test",
}  # fmt: skip
_PICTURES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".fff")
)


@dataclass(eq=False)
class Fingerprints:
    """The infrared pictures of one source, and what they are compared by.

    Attributes:
        source: Name.
        names: Name of each sample.
        splits: Split of each sample, or ``""``.
        digests: XXH64 of each file, uint64; 0 for one that could not be read.
        looks: Perceptual hashes, uint64 (n, 2); 0 where there is none (not asked for, without
            contrast, not readable).
        problems: Pictures that could not be read.
        pixels: Decodes one sample, by its number.
    """

    source: str
    names: Sequence[str]
    splits: Sequence[str]
    digests: NDArray[np.uint64]
    looks: NDArray[np.uint64]
    pixels: Callable[[int], Pixels]
    problems: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)


def fingerprint_manifest(
    manifest: Manifest,
    *,
    tolerance: int = 0,
    looks: bool = True,
    threads: int = 0,
    progress: Progress | None = None,
) -> Fingerprints:
    """Hash the infrared pictures of a scanned dump.

    Args:
        manifest: The samples.
        tolerance: Largest channel difference of a gray picture, as for ingest.
        looks: Perceptual hashes too, which decodes every picture; otherwise files only.
        threads: 0 takes one a core.
        progress: Called with ("hash", done, total).
    """
    samples, root = manifest.samples, manifest.root
    files = PictureFiles(root)

    def decode(number: int) -> Pixels:
        picture = samples[number].infrared
        return decode_for(files.read(picture), picture, "infrared", tolerance)

    prints = Fingerprints(
        manifest.source_key, [s.name for s in samples], [s.split for s in samples],
        np.zeros(len(samples), np.uint64), np.zeros((len(samples), 2), np.uint64), decode,
    )  # fmt: skip
    work = _Work(prints, [s.infrared for s in samples], root, threads, progress)
    if not looks:
        work.digest(range(len(samples)))
        return prints
    native = [
        i for i, s in enumerate(samples) if s.infrared.encoding == "jpeg" and s.infrared.plain
    ]
    work.hash_jpeg(native)
    taken = set(native)
    work.decode_and_hash([i for i in range(len(samples)) if i not in taken])
    return prints


@dataclass
class _Work:
    prints: Fingerprints
    pictures: list[ImageInfo]
    root: str
    threads: int
    progress: Progress | None
    done: int = 0

    def _say(self, count: int) -> None:
        self.done += count
        if self.progress is not None:
            self.progress("hash", self.done, len(self.pictures))

    def _paths(self, numbers: Iterable[int]) -> list[str]:
        return [f"{self.root}/{self.pictures[i].path}" for i in numbers]

    def _fail(self, number: int, code: str, message: str) -> None:
        self.prints.digests[number] = 0
        path, name = self.pictures[number].path, self.prints.names[number]
        self.prints.problems.append(Problem(code, path, "", message, "not compared", name))

    def digest(self, numbers: Sequence[int]) -> None:
        self._digest_files([i for i in numbers if self.pictures[i].frame < 0])
        frames = [i for i in numbers if self.pictures[i].frame >= 0]
        files = PictureFiles(self.root)
        for number in frames:
            try:
                self.prints.digests[number] = files.digest(self.pictures[number])
            except OSError as error:
                self._fail(number, "unreadable", str(error))
        self._say(len(frames))

    def _digest_files(self, numbers: Sequence[int]) -> None:
        for first in range(0, len(numbers), _SLICE):
            part = numbers[first : first + _SLICE]
            digests, _, failures = _core.hash_files(self._paths(part), threads=self.threads)
            self.prints.digests[list(part)] = digests
            for at, code, message in failures:
                self._fail(part[at], code, message)
            self._say(len(part))

    def hash_jpeg(self, numbers: Sequence[int]) -> None:
        for first in range(0, len(numbers), _SLICE):
            part = numbers[first : first + _SLICE]
            found = _core.hash_jpeg_files(self._paths(part), threads=self.threads)
            self.prints.digests[list(part)] = found[0]
            self.prints.looks[list(part)] = found[2]
            for at, code, message in found[3]:
                self._fail(part[at], code, message)
            self._say(len(part))

    def decode_and_hash(self, numbers: Sequence[int]) -> None:
        files = PictureFiles(self.root)

        def one(number: int) -> None:
            try:
                self.prints.digests[number] = files.digest(self.pictures[number])
                self.prints.looks[number] = _core.perceptual_hash(self.prints.pixels(number))
            except DecodeError as error:
                self._fail(number, "undecodable-image", str(error))
            except OSError as error:
                self._fail(number, "unreadable", str(error))

        def some(members: list[int]) -> int:
            for number in members:
                one(number)
            return len(members)

        with ThreadPoolExecutor(self.threads or _core.available_threads()) as pool:
            for count in pool.map(some, by_file(numbers, self.pictures)):
                self._say(count)
        self.prints.problems.sort(key=lambda problem: natural_key(problem.path))


def fingerprint_folder(
    root: str | Path,
    *,
    looks: bool = True,
    threads: int = 0,
    progress: Progress | None = None,
) -> Fingerprints:
    """Hash every picture below a folder, whatever its layout; colour counts by its luma.

    The split is the innermost folder called ``train``, ``val``, ``test`` or alike.

    Args:
        root: The folder; also the name of the source.
        looks: Perceptual hashes too.
        threads: 0 takes one a core.
        progress: Called with ("hash", done, total).

    Raises:
        SourceLayoutError: The folder is not there.
    """
    root = Path(root)
    tree = walk(root)
    files = [f"{folder}{name}" for folder, names in tree.folders for name in names]
    paths = [p for p in files if PurePosixPath(p).suffix.lower() in _PICTURES]
    paths.sort(key=natural_key)
    manifest = Manifest(root.name or str(root), "", str(root))
    for path, found in zip(paths, probe_images(root, paths, threads=threads), strict=True):
        if isinstance(found, Problem):
            found.action, found.sample = "not compared", path
            manifest.problems.append(found)
            continue
        if not found.part and found.file_channels > 1 and found.encoding != "jpeg":
            found.part = "pseudo"
        found.channels = 1
        manifest.samples.append(SampleRecord(path, found, _split_of(path)))
    prints = fingerprint_manifest(
        manifest, tolerance=255, looks=looks, threads=threads, progress=progress
    )
    prints.problems[:0] = [*tree.problems, *manifest.problems]
    return prints


def _split_of(path: str) -> str:
    folders = [part.lower() for part in PurePosixPath(path).parts[:-1]]
    return next((_SPLITS[part] for part in reversed(folders) if part in _SPLITS), "")


def fingerprint_store(
    store: str | Path | Dataset,
    *,
    looks: bool = True,
    threads: int = 0,
    progress: Progress | None = None,
) -> list[Fingerprints]:
    """Hash the infrared pictures of a store's sources; digests of files are in the store.

    Args:
        store: Path, or a dataset whose samples are taken.
        looks: Perceptual hashes too, which reads every picture.
        threads: 0 takes one a core.
        progress: Called with ("hash", done, total).

    Raises:
        StoreError: The store cannot be opened.
    """
    dataset = store if isinstance(store, Dataset) else open_store(store)
    done = 0

    def say(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress("hash", done, len(dataset))

    result = []
    for code, source in enumerate(dataset.sources):
        part = dataset[np.flatnonzero(dataset.source_codes == code)]
        digests = source.column("samples", "infrared_digest")[part.rows].astype(np.uint64)
        words, names = source.attributes["splits"], source.names()
        splits = [words[c] for c in source.column("samples", "split")[part.rows].tolist()]
        prints = Fingerprints(
            source.name, [names[row] for row in part.rows.tolist()], splits, digests,
            np.zeros((len(part), 2), np.uint64), _reader(part),
        )  # fmt: skip
        if looks:
            _look_at_stored(prints, threads, say)
        result.append(prints)
    return result


def _reader(part: Dataset) -> Callable[[int], Pixels]:
    return lambda number: part[number].infrared


def _look_at_stored(prints: Fingerprints, threads: int, say: Callable[[int], None]) -> None:
    def one(number: int) -> None:
        try:
            prints.looks[number] = _core.perceptual_hash(prints.pixels(number))
        except (CorruptStoreError, DecodeError) as error:
            prints.digests[number] = 0
            name = prints.names[number]
            problem = Problem("unreadable", "", "", str(error), "not compared", name)
            prints.problems.append(problem)

    with ThreadPoolExecutor(threads or _core.available_threads()) as pool:
        for _ in pool.map(one, range(len(prints))):
            say(1)
