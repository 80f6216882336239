"""Where a dataset's pictures are stored, for measurements that bypass the loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.store.columns import read_column
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source


@dataclass(frozen=True)
class Extents:
    """Stored bytes of some samples' infrared pictures, in the dataset's order.

    Attributes:
        paths: Data files.
        file: (n,) uint32 numbers of files.
        offset: (n,) uint64 bytes from the file's beginning.
        nbytes: (n,) uint64 stored bytes, checksums included.
    """

    paths: list[str]
    file: NDArray[np.uint32]
    offset: NDArray[np.uint64]
    nbytes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.file)

    @property
    def bytes(self) -> int:
        """Stored bytes of all of them."""
        return int(self.nbytes.sum())

    def pick(self, numbers: NDArray[np.int64]) -> Extents:
        """The extents of some of these samples."""
        return Extents(self.paths, self.file[numbers], self.offset[numbers], self.nbytes[numbers])

    def drop(self) -> None:
        """Drop the files from the page cache."""
        for path in self.paths:
            _core.drop_from_cache(path)

    def read(self, threads: int) -> float:
        """Seconds for reading all of them with bare preads, nothing checked or decoded."""
        no_chain: Any = None  # then the core reads and does nothing else
        return _core.read_ceiling(
            self.paths, self.file, self.offset, self.nbytes, no_chain,
            chunk_bytes=max(1, int(self.nbytes.max(initial=0))), slots=2 * threads,
            threads=threads,
        )  # fmt: skip


def extents_of(dataset: Dataset) -> Extents:
    """Find the infrared pictures of every sample of a dataset.

    Raises:
        CorruptStoreError: A shard or its index is missing or damaged.
    """
    codes, rows = dataset.locate()
    arrays = [
        (source, number) for source in dataset.sources for number in range(len(source.arrays))
    ]
    paths: list[str] = []
    file = np.zeros(len(codes), np.uint32)
    offset = np.zeros(len(codes), np.uint64)
    nbytes = np.zeros(len(codes), np.uint64)
    for code in np.unique(codes).tolist():
        here = codes == code
        source, number = arrays[code]
        files, file_of_row, offset[here], nbytes[here] = _array_extents(source, number, rows[here])
        file[here] = file_of_row + len(paths)
        paths += files
    return Extents(paths, file, offset, nbytes)


_Found = tuple[list[str], NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]


def _array_extents(source: Source, number: int, rows: NDArray[np.int64]) -> _Found:
    reader, spec = source.reader(number), source.spec(number)
    if isinstance(reader, _core.ShardReader):
        shard, offset, nbytes = reader.extents(rows)
        shards, index = np.unique(shard, return_inverse=True)
        return [reader.shard_path(n) for n in shards.tolist()], index, offset, nbytes
    folder = source.path / source.arrays[number].path
    item = np.uint64(spec.itemsize)
    begin = read_column(folder / "offsets")[rows] * item
    length = read_column(folder / "lengths")[rows] * item
    chunk_bytes = np.uint64(spec.chunk_shape[0] * spec.itemsize)
    chunks, first, index = np.unique(begin // chunk_bytes, return_index=True, return_inverse=True)
    files = [reader.file_path(int(rows[at])) for at in first.tolist()]
    assert len(files) == len(chunks)
    return files, index, begin % chunk_bytes, length
