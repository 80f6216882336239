"""One committed source of a store, opened lazily: attributes first, columns and arrays on use."""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import (
    CorruptStoreError,
    StoreError,
    StoreFormatError,
    StoreReplacedError,
)
from irtd_fast.store.columns import Strings, column_shape, read_column, read_strings
from irtd_fast.store.spec import (
    ArraySpec,
    attributes_digest,
    group_attributes,
    load_array,
    make_chain,
)

Array = NDArray[Any]
_STRINGS = {
    "name",
    "path",
    "code",
    "where",
    "message",
    "action",
    "sample",
    "attributes",
    "radiometry",
}
_VOCABULARIES = {
    "split": "splits", "scene": "scenes", "sequence": "sequences", "category": "categories",
}  # fmt: skip
_FORMS = {
    ("bucket", "raw", "uint8"), ("bucket", "raw", "uint16"), ("packed", "raw", "uint8"),
    ("packed", "raw", "uint16"), ("packed", "jpeg", "uint8"),
}  # fmt: skip
_MAX_PATH = 200
_MAX_SAMPLES = 1 << 40
_MAX_PIXELS = 3 << 28  # 2^28 of them, three channels; the ingest takes no larger picture


@dataclass(frozen=True)
class ArrayInfo:
    """One array of a source as its group lists it."""

    path: str
    modality: str
    kind: str
    encoding: str
    dtype: str
    rows: int
    height: int
    width: int
    channels: int

    @classmethod
    def from_json(cls, entry: Any, where: str) -> ArrayInfo:
        """Check one entry of the attributes.

        Raises:
            StoreFormatError: A field is missing or impossible.
        """
        try:
            info = cls(**{name: entry[name] for name in cls.__dataclass_fields__})
            sizes = (info.rows, info.height, info.width, info.channels)
            sane = all(isinstance(n, int) and 0 <= n < 1 << 40 for n in sizes)
            form = info.kind, info.encoding, info.dtype
            inside = not {"", ".", ".."} & set(info.path.split("/")) and "\0" not in info.path
            inside = inside and len(info.path) < _MAX_PATH
        except (KeyError, TypeError, AttributeError) as error:
            brief = reprlib.repr(entry)
            raise StoreFormatError(f"{where}: not an array entry: {brief:.80}") from error
        if not (sane and form in _FORMS and inside):
            raise StoreFormatError(f"{where}: impossible array entry: {reprlib.repr(entry):.160}")
        return info


class Source:
    """A source's group.

    Args:
        path: Folder of the group.
        checked: Compare the attributes with their digest.

    Raises:
        CorruptStoreError: The attributes are not as they were written.
        StoreFormatError: The group's attributes are not ours or of a newer format.
    """

    def __init__(self, path: Path, *, checked: bool = True) -> None:
        self.path = path
        self.name = path.name
        self._seen = _stamp(path)
        self.attributes = group_attributes(path)
        document = str(path / "zarr.json")
        where = f"{document}: $.attributes.irtd"
        if checked and self.attributes.get("digest") != attributes_digest(self.attributes):
            message = f"{where}: not as written, the digest differs"
            raise CorruptStoreError(message, path=document)
        try:
            entries = enumerate(self.attributes["arrays"])
            self.arrays = [ArrayInfo.from_json(e, f"{where}.arrays[{i}]") for i, e in entries]
            self.count = self.attributes["counts"]["samples"]
        except (KeyError, TypeError, ValueError) as error:
            raise StoreFormatError(f"{where}: {error!r}", path=document) from error
        if type(self.count) is not int or not 0 <= self.count < _MAX_SAMPLES:
            raise StoreFormatError(f"{where}.counts.samples: impossible", path=document)
        self.categories = self._words("categories", where)
        self.splits = self._words("splits", where)
        self._columns: dict[str, Any] = {}
        self._pixels: dict[int, _core.PixelSource] = {}
        self._readers: dict[int, _core.ShardReader | _core.PackedReader] = {}

    def __len__(self) -> int:
        return int(self.count)

    @property
    def key(self) -> str:
        """Catalogue key of the source, whatever it is called in the store."""
        return str(self.attributes.get("source", {}).get("key", self.name))

    @cached_property
    def fingerprint(self) -> str:
        """Digest of what was ingested; groups derived from it later do not change it."""
        derived = {"derived", "digest", "files_digest", "files_table"}
        facts = {key: value for key, value in self.attributes.items() if key not in derived}
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def check_replaced(self) -> None:
        """Compare what lies at ``path`` now with what was opened; a look at one file's times.

        Raises:
            StoreReplacedError: Another ingest took its place, or it was removed.
        """
        try:
            stamp = _stamp(self.path)
            if stamp == self._seen != ():
                return
            now = Source(self.path).fingerprint
        except (OSError, StoreError) as error:
            message = f"source {self.name} is gone from {self.path}: {error}"
            raise StoreReplacedError(message, source=self.name, path=str(self.path)) from error
        if now != self.fingerprint:
            raise StoreReplacedError(
                f"source {self.name} was replaced since it was opened (fingerprint "
                f"{self.fingerprint}, now {now}); open the store anew",
                source=self.name, path=str(self.path),
            )  # fmt: skip
        self._seen = stamp

    def _words(self, name: str, where: str) -> list[str]:
        words = self.attributes.get(name)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            message = f"{where}.{name}: expected a list of words"
            raise StoreFormatError(message, path=str(self.path / "zarr.json"))
        return words

    def check_count(self) -> None:
        """Compare the number of samples with its table, before anything is allocated for it.

        Raises:
            CorruptStoreError: They differ, or the table is not there.
        """
        folder = self.path / "samples" / "infrared_row"
        shape = column_shape(folder)
        if shape != (self.count,):
            message = f"{folder}: {shape[0]} rows, expected {self.count}"
            raise CorruptStoreError(message, path=str(folder))

    def column(self, table: str, name: str) -> Any:
        """A whole column (an array, or ``Strings``), read on first use and kept.

        Raises:
            CorruptStoreError: Damaged, or not as long as its table.
        """
        key = f"{table}/{name}"
        if key not in self._columns:
            folder = self.path / table / name
            strings = name in _STRINGS and (folder / "values").exists()
            values = read_strings(folder) if strings else read_column(folder)
            self._check_column(table, name, values)
            self._columns[key] = values
        return self._columns[key]

    def _check_column(self, table: str, name: str, values: Any) -> None:
        folder = self.path / table / name
        expected = len(values)
        if table == "samples":
            expected = self.count
        elif table in ("objects", "points"):
            expected = self.count + 1 if name == "offsets" else int(self.offsets(table)[-1])
        if len(values) != expected:
            message = f"{folder}: {len(values)} rows, expected {expected}"
            raise CorruptStoreError(message, path=str(folder))
        if table == "problems" or not len(values):
            return
        low, high = 0, None
        if name in _VOCABULARIES:
            where = f"{self.path / 'zarr.json'}: $.attributes.irtd"
            high = len(self._words(_VOCABULARIES[name], where))
        elif name.endswith("_array"):
            low, high = -1, len(self.arrays)
        elif name.endswith("_row"):
            self._check_rows(name, values)
        if high is not None and not low <= int(values.min()) <= int(values.max()) < high:
            message = (
                f"{folder}: expected {low} to {high - 1}, found {values.min()}..{values.max()}"
            )
            raise CorruptStoreError(message, path=str(folder))

    def _check_rows(self, name: str, rows: Array) -> None:
        codes = self.column("samples", name.replace("_row", "_array"))
        counts = np.array([info.rows for info in self.arrays] or [0], np.int64)
        used = codes >= 0
        if (rows[used] < 0).any() or (rows[used] >= counts[codes[used]]).any():
            folder = self.path / "samples" / name
            message = f"{folder}: a row that its array does not have"
            raise CorruptStoreError(message, path=str(folder))

    def names(self) -> Strings:
        """Names of the samples."""
        names: Strings = self.column("samples", "name")
        return names

    def offsets(self, table: str) -> NDArray[np.int64]:
        """Offsets (count + 1) of ``objects`` or ``points``, checked once."""
        key = f"{table}/checked"
        if key not in self._columns:
            offsets = self.column(table, "offsets").astype(np.int64)
            if offsets[0] != 0 or bool((np.diff(offsets) < 0).any()):
                raise CorruptStoreError(
                    f"{self.path / table}: offsets do not fit", path=str(self.path)
                )
            self._columns[key] = offsets
        result: NDArray[np.int64] = self._columns[key]
        return result

    def has_column(self, table: str, name: str) -> bool:
        """True if an optional column is there, be it damaged."""
        return (self.path / table / name).exists()

    def zarr(self) -> Any:
        """The group as zarr-python sees it, read-only."""
        import zarr

        return zarr.open_group(self.path, mode="r")

    # ---- pixels -------------------------------------------------------------------------------

    def spec(self, number: int) -> ArraySpec:
        """Metadata of a bucket, or of a packed array's values."""
        info = self.arrays[number]
        folder = self.path / info.path
        return load_array(folder / "values" if info.kind == "packed" else folder)

    def reader(self, number: int) -> _core.ShardReader | _core.PackedReader:
        """The native reader of an array, opened on first use."""
        if number not in self._readers:
            info = self.arrays[number]
            opener = self._open_bucket if info.kind == "bucket" else self._open_packed
            self._readers[number] = opener(info, self.spec(number))
        return self._readers[number]

    def _open_bucket(self, info: ArrayInfo, spec: ArraySpec) -> _core.ShardReader:
        sample = (info.height, info.width) + ((info.channels,) if info.channels > 1 else ())
        expected = (info.rows, *sample), info.dtype
        if spec.sharding is None or (spec.shape, spec.dtype) != expected:
            raise StoreFormatError(
                f"{self.path / info.path}: expected a sharded array of {expected}, "
                f"found {(spec.shape, spec.dtype)}",
                path=str(self.path / info.path),
            )
        return open_sharded(self.path / info.path, spec)

    def _open_packed(self, info: ArrayInfo, spec: ArraySpec) -> _core.PackedReader:
        folder = self.path / info.path
        offsets, lengths, crcs = (
            read_column(folder / name) for name in ("offsets", "lengths", "crc32c")
        )
        if spec.sharding is not None or len(spec.shape) != 1 or spec.dtype != info.dtype:
            raise StoreFormatError(f"{folder}: values must be 1-D {info.dtype}", path=str(folder))
        if not len(offsets) == len(lengths) == len(crcs) == info.rows:
            raise CorruptStoreError(f"{folder}: columns of unequal length", path=str(folder))
        item = np.uint64(spec.itemsize)
        prefix = f"{folder}/values/c{spec.separator}"
        chunk_bytes = spec.chunk_shape[0] * spec.itemsize
        return _core.PackedReader(prefix, chunk_bytes, offsets * item, lengths * item, crcs)

    def pixels(self, number: int) -> _core.PixelSource:
        """What the batch pipeline fetches an array's samples from."""
        if number not in self._pixels:
            info, reader = self.arrays[number], self.reader(number)
            if isinstance(reader, _core.PackedReader):
                shapes = self.shapes(number)
                item = 2 if info.dtype == "uint16" else 1
                jpeg = info.encoding == "jpeg"
                self._pixels[number] = _core.packed_source(reader, shapes, itemsize=item, jpeg=jpeg)
            else:
                self._pixels[number] = _core.bucket_source(
                    reader, info.height, info.width, info.channels
                )
        return self._pixels[number]

    def shapes(self, number: int) -> Array:
        """Height, width and channels of every row of an array, (rows, 3) int32.

        Raises:
            CorruptStoreError: Shapes that no picture has.
        """
        info = self.arrays[number]
        if info.kind == "bucket":
            one = np.array([info.height, info.width, info.channels], np.int32)
            return np.broadcast_to(one, (info.rows, 3))
        folder = self.path / info.path / "shape"
        shapes = read_column(folder)
        fits = shapes.shape == (info.rows, 3)
        if not fits or (info.rows and shapes.astype(np.float64).prod(axis=1).max() > _MAX_PIXELS):
            message = f"{folder}: shapes that no picture has"
            raise CorruptStoreError(message, path=str(folder))
        return shapes


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when another group takes the place of this one; empty if there is none."""
    try:
        status = (path / "zarr.json").stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def open_sharded(path: Path, spec: ArraySpec) -> _core.ShardReader:
    """The native reader of any sharded array whose inner chunk is one sample.

    Args:
        path: Folder of the array.
        spec: Its metadata, with ``sharding``.
    """
    sharding = spec.sharding
    if sharding is None:
        raise StoreFormatError(f"{path}: $.codecs: not a sharded array", path=str(path))
    tail = (spec.separator + "0") * (len(spec.shape) - 1)
    make = partial(
        _core.ShardReader,
        prefix=f"{path}/c{spec.separator}", suffix=tail, rows=spec.shape[0],
        rows_per_shard=sharding.rows_per_shard, sample_shape=list(spec.shape[1:]),
        dtype=spec.numpy_dtype,
        chain=make_chain(sharding.codecs, spec.itemsize, big_endian=sharding.big_endian),
        index_at_end=sharding.index_at_end, index_crc32c=sharding.index_crc32c,
    )  # fmt: skip
    try:
        return make()
    except ValueError as error:  # numbers that fit Zarr but no memory
        raise StoreFormatError(f"{path / 'zarr.json'}: $: {error}", path=str(path)) from error


def open_array(path: str | Path) -> _core.ShardReader:
    """Open any sharded Zarr v3 array whose inner chunk is one sample, ours or not.

    Raises:
        StoreFormatError: Not a valid array.
        UnsupportedError: Valid, but its inner chunks are not whole samples.
    """
    folder = Path(path).absolute()
    return open_sharded(folder, load_array(folder))


def iter_sources(store: Path) -> Iterator[Path]:
    """Folders of the committed sources of a store, by name.

    A source that has lost the file that makes it a group is among them: it must not vanish
    silently. Opening it says what is missing.

    Raises:
        CorruptStoreError: There is no store.
    """
    group_attributes(store)
    for path in sorted(store.iterdir()):
        marks = ("zarr.json", "samples", "files")
        if not path.name.startswith(".") and any((path / mark).exists() for mark in marks):
            yield path
