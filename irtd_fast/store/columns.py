"""Tables of a source as plain 1-D Zarr arrays.

Ragged columns are ``values`` and ``offsets`` (N+1); strings are UTF-8 bytes and offsets.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import CorruptStoreError, StoreFormatError
from irtd_fast.store.spec import ArraySpec, Codec, group_json, load_array, make_chain

_CHUNK_ROWS = 1 << 20
_MAX_CHUNK_BYTES = 1 << 30  # what one chunk of a column may claim before any is read
COLUMN_CODECS: tuple[Codec, ...] = (("zstd", {"level": 3, "checksum": False}), ("crc32c", {}))

Array = NDArray[Any]


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a ``zarr.json`` into a staged folder; ``publish`` makes the whole tree durable."""
    path.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, allow_nan=False)
    (path / "zarr.json").write_text(text, encoding="utf-8")


def write_group(path: Path, attributes: Mapping[str, Any] | None = None) -> None:
    """Make a Zarr group."""
    write_document(path, group_json(attributes or {}))


def write_column(path: Path, values: Array, dimension: str = "row") -> None:
    """Write one column: zstd, then crc32c.

    Args:
        path: Folder of the new array.
        values: 1-D or 2-D numbers.
        dimension: Name of the first axis.
    """
    rows = max(1, min(len(values), _CHUNK_ROWS))
    shape = tuple(int(n) for n in values.shape)
    names = (dimension, "component")[: values.ndim]
    spec = ArraySpec(
        shape, str(values.dtype), (rows, *shape[1:]), codecs=COLUMN_CODECS, dimension_names=names
    )
    write_document(path, spec.to_json())
    chain = make_chain(spec.codecs, spec.itemsize)
    for number, first in enumerate(range(0, len(values), rows)):
        chunk = np.zeros(spec.chunk_shape, values.dtype)  # a short last chunk is padded
        chunk[: len(values) - first] = values[first : first + rows]
        file = path / spec.chunk_key(number, *[0] * (values.ndim - 1))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(chain.encode(chunk))


def write_strings(path: Path, texts: Sequence[str], dimension: str = "row") -> None:
    """Write a column of strings as a group of ``values`` (UTF-8 bytes) and ``offsets``."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.uint64)
    np.cumsum([len(e) for e in encoded], out=offsets[1:])
    write_group(path)
    write_column(path / "values", np.frombuffer(b"".join(encoded), np.uint8), "byte")
    write_column(path / "offsets", offsets, dimension)


def write_table(path: Path, columns: Mapping[str, Array | Sequence[str]], dimension: str) -> None:
    """Write a group of equally long columns; lists are strings."""
    write_group(path)
    for name, values in columns.items():
        if isinstance(values, np.ndarray):
            write_column(path / name, values, dimension)
        else:
            write_strings(path / name, values, dimension)


def column_shape(path: Path) -> tuple[int, ...]:
    """Shape of a plain array, from its metadata and the presence of its last chunk.

    Raises:
        CorruptStoreError: The metadata or that chunk is missing.
        StoreFormatError: The metadata is not what it should be.
    """
    spec = _load_column(path)
    chunks = -(-spec.shape[0] // spec.chunk_shape[0]) if math.prod(spec.shape) else 0
    if chunks:
        _require(_chunk_file(path, spec, chunks - 1))
    return spec.shape


def _load_column(path: Path) -> ArraySpec:
    """Metadata of a column, sane enough to take memory for one chunk."""
    spec = load_array(path)
    if spec.sharding is not None:
        raise StoreFormatError(f"{path}: $.codecs[0]: a column is not sharded", path=str(path))
    grid = [-(-n // c) for n, c in zip(spec.shape, spec.chunk_shape, strict=True)]
    if any(n != 1 for n in grid[1:]) and 0 not in spec.shape:
        raise StoreFormatError(
            f"{path}: $.chunk_grid: chunks must span a column's width", path=str(path)
        )
    if math.prod(spec.chunk_shape) * spec.itemsize > _MAX_CHUNK_BYTES:
        raise StoreFormatError(f"{path}: $.chunk_grid: chunks of more than 1 GiB", path=str(path))
    return spec


def read_column(path: Path) -> Array:
    """Read a whole plain array.

    Raises:
        CorruptStoreError: A chunk is missing or damaged; ``path`` names its file.
        StoreFormatError: Its metadata is not what it should be.
    """
    spec = _load_column(path)
    chunks = -(-spec.shape[0] // spec.chunk_shape[0]) if math.prod(spec.shape) else 0
    if chunks:  # before the memory that the metadata asks for is taken
        _require(_chunk_file(path, spec, chunks - 1))
    out = np.empty(spec.shape, spec.numpy_dtype)
    for number in range(chunks):
        first = number * spec.chunk_shape[0]
        chunk = _read_chunk(path, spec, number)
        out[first : first + spec.chunk_shape[0]] = chunk[: spec.shape[0] - first]
    return out


def _chunk_file(path: Path, spec: ArraySpec, number: int) -> Path:
    return path / spec.chunk_key(number, *[0] * (len(spec.shape) - 1))


def _require(file: Path) -> None:
    if not file.is_file():
        raise CorruptStoreError(f"{file}: chunk file is missing", path=str(file))


def _read_chunk(path: Path, spec: ArraySpec, number: int) -> Array:
    file = _chunk_file(path, spec, number)
    count = math.prod(spec.chunk_shape)
    _require(file)
    data = file.read_bytes()
    chain = make_chain(spec.codecs, spec.itemsize, big_endian=spec.big_endian)
    try:
        raw = chain.decode(data, count * spec.itemsize)
    except CorruptStoreError as error:
        raise CorruptStoreError(f"{file}: {error}", path=str(file)) from error
    return raw.view(spec.numpy_dtype).reshape(spec.chunk_shape)


class Strings(Sequence[str]):
    """A column of strings that decodes one at a time."""

    def __init__(self, values: Array, offsets: Array, path: Path) -> None:
        steps_back = len(offsets) > 1 and bool((offsets[1:] < offsets[:-1]).any())
        if not len(offsets) or offsets[0] != 0 or steps_back or offsets[-1] != len(values):
            raise CorruptStoreError(f"{path}: offsets do not fit the values", path=str(path))
        self._values = values.tobytes()
        self._offsets = offsets

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: Any) -> Any:
        """One string, or a list for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        first, last = int(self._offsets[index]), int(self._offsets[index + 1])
        return self._values[first:last].decode("utf-8", "surrogatepass")


def read_strings(path: Path) -> Strings:
    """Read a column of strings."""
    return Strings(read_column(path / "values"), read_column(path / "offsets"), path)


def csr_offsets(lengths: Iterable[int], count: int) -> NDArray[np.uint64]:
    """Offsets (count + 1) of a ragged column from its row lengths."""
    offsets = np.zeros(count + 1, np.uint64)
    np.cumsum(np.fromiter(lengths, np.uint64, count), out=offsets[1:])
    return offsets
