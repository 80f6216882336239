"""Write a whole synthetic dump: choose the writer, draw over threads, keep the answers."""

from __future__ import annotations

import difflib
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from irtd_fast.errors import UnknownSourceError
from irtd_fast.synth.base import SourceWriter
from irtd_fast.synth.registry import SOURCES
from irtd_fast.synth.truth import TrueSample, Truth

_SMALLEST, _LARGEST = 32, 8192
_SMALL_PICTURE = 160 * 192


def make_writer(
    source: str, *, seed: int = 0, variant: str | None = None, size: tuple[int, int] | None = None
) -> SourceWriter:
    """Make the writer of a source.

    Args:
        source: One of ``SOURCES``.
        seed: Not negative.
        variant: One of the source's layouts (the catalogue's names serve too); its first by
            default.
        size: ``(height, width)`` of the infrared pictures instead of the real ones.

    Raises:
        UnknownSourceError: If no writer has that key; the message lists the nearest.
        ValueError: If seed, variant or size is out of range.
    """
    if source not in SOURCES:
        near = difflib.get_close_matches(source, SOURCES, n=3, cutoff=0.3) or sorted(SOURCES)
        msg = f"no synthetic dump for source {source!r}; nearest: {', '.join(near)}"
        raise UnknownSourceError(msg, source=source)
    kind = SOURCES[source]
    chosen = kind.variants[0] if variant is None else kind.covers.get(variant, variant)
    if chosen not in kind.variants:
        msg = f"{source} has no variant {variant!r}, only: {', '.join(kind.variants) or 'none'}"
        raise ValueError(msg)
    if seed < 0:
        msg = f"seed must not be negative, got {seed}"
        raise ValueError(msg)
    if size is not None and not all(_SMALLEST <= side <= _LARGEST for side in size):
        msg = f"size must be (height, width) within {_SMALLEST}..{_LARGEST}, got {size}"
        raise ValueError(msg)
    return kind(seed=seed, variant=chosen, size=size)


def write_dump(
    out: Path,
    *,
    source: str,
    count: int,
    seed: int = 0,
    variant: str | None = None,
    size: tuple[int, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
    truth_path: Path | None = None,
    threads: int | None = None,
) -> Truth:
    """Write a dump in a source's own layout, with known content.

    The same arguments give the same bytes, for any number of threads; sample ``i`` is the same
    whatever ``count`` is.

    Args:
        out: Root of the dump; made if missing, must be empty.
        source: One of ``SOURCES``.
        count: Number of samples.
        seed: Not negative.
        variant: One of the source's layouts, e.g. ``v1.0`` of ``flir-v1``.
        size: ``(height, width)`` of the infrared pictures instead of the real ones; partners
            shrink with them.
        progress: Called with ``(done, count)`` after each sample, from the calling thread.
        truth_path: Where to save the truth as JSON too; never inside ``out``.
        threads: Drawing threads; as many as processors by default, at most 8, and one for small
            pictures, where the interpreter lock costs more than a second thread gives.

    Returns:
        What is in the dump.

    Raises:
        UnknownSourceError: If no writer has that key.
        ValueError: If an argument is out of range.
        FileExistsError: If ``out`` holds anything already.
    """
    writer = make_writer(source, seed=seed, variant=variant, size=size)
    _check(out, count, truth_path)
    truth = Truth(source, writer.variant, seed, size, writer.categories)
    folders = _Folders(out)
    rows, columns = size or writer.default_size
    workers = threads or (min(8, os.cpu_count() or 1) if rows * columns > _SMALL_PICTURE else 1)
    for sample in _draw_all(writer, folders, count, workers):
        truth.samples.append(sample)
        if progress is not None:
            progress(len(truth.samples), count)
    for path, content in writer.finish(truth.samples):
        folders.write(path, content)
    if truth_path is not None:
        truth.save(truth_path)
    return truth


def _check(out: Path, count: int, truth_path: Path | None) -> None:
    if count < 1:
        msg = f"count must be at least 1, got {count}"
        raise ValueError(msg)
    if truth_path is not None and truth_path.resolve().is_relative_to(out.resolve()):
        msg = f"truth_path {truth_path} lies inside the dump {out}"
        raise ValueError(msg)
    if out.exists() and any(out.iterdir()):
        msg = f"{out} is not empty; a synthetic dump is never mixed with other files"
        raise FileExistsError(msg)
    out.mkdir(parents=True, exist_ok=True)


class _Folders:
    """Writes files below a root and makes each folder once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: set[Path] = set()

    def write(self, path: str, content: bytes) -> None:
        target = self.root / path
        if target.parent not in self.made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self.made.add(target.parent)
        target.write_bytes(content)


def _draw_all(
    writer: SourceWriter, folders: _Folders, count: int, threads: int
) -> Iterator[TrueSample]:
    def one(index: int) -> TrueSample:
        drawn = writer.draw(index)
        for path, content in writer.files(drawn):
            folders.write(path, content)
        return drawn.sample

    with ThreadPoolExecutor(threads, thread_name_prefix="irtd-synth") as pool:
        waiting: deque[Future[TrueSample]] = deque()
        try:
            for index in range(count):
                waiting.append(pool.submit(one, index))
                if len(waiting) > 4 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
