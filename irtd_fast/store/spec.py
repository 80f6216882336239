"""``zarr.json`` documents as dataclasses, read strictly and written exactly as Zarr v3 says.

Format: https://zarr-specs.readthedocs.io/en/latest/v3/core/ and its sharding_indexed, bytes, blosc,
zstd, gzip and crc32c codecs. Everything that comes from a file is checked here, with the JSON path
in the message, so that the native core only ever sees sane numbers.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from irtd_fast._core import CodecChain, xxh64
from irtd_fast.errors import CorruptStoreError, StoreFormatError, UnsupportedError

FORMAT_VERSION = 1
MAX_METADATA_BYTES = 64 << 20
_MAX_ARRAY_METADATA_BYTES = 16 << 20
_MAX_AXES = _MAX_CODECS = 8
_MAX_ELEMENTS = 1 << 48
_DTYPES = {
    "uint8": "u1", "int8": "i1", "uint16": "<u2", "int16": "<i2", "uint32": "<u4", "int32": "<i4",
    "uint64": "<u8", "int64": "<i8", "float32": "<f4", "float64": "<f8", "bool": "?",
}  # fmt: skip
_COMPRESSORS = ("blosc", "zstd", "gzip")

Codec = tuple[str, dict[str, Any]]

INDEX_CODECS: list[dict[str, Any]] = [
    {"name": "bytes", "configuration": {"endian": "little"}},
    {"name": "crc32c"},
]


@dataclass(frozen=True)
class Sharding:
    """The sharding_indexed codec of an array whose inner chunk is one sample."""

    rows_per_shard: int
    codecs: tuple[Codec, ...]
    big_endian: bool = False
    index_at_end: bool = True
    index_crc32c: bool = True


@dataclass(frozen=True)
class ArraySpec:
    """One Zarr v3 array.

    Attributes:
        shape: Full shape, samples first.
        dtype: Zarr data type name, e.g. ``uint16``.
        chunk_shape: Shape of the regular chunk grid (of the shards, if sharded).
        sharding: Inner layout, or ``None`` for a plain array.
        codecs: Bytes-to-bytes codecs of a plain array.
        big_endian: Byte order of a plain array's ``bytes`` codec.
        dimension_names: One per axis.
        attributes: User attributes.
        separator: Of chunk keys, ``/`` or ``.``.
    """

    shape: tuple[int, ...]
    dtype: str
    chunk_shape: tuple[int, ...]
    sharding: Sharding | None = None
    codecs: tuple[Codec, ...] = ()
    big_endian: bool = False
    dimension_names: tuple[str, ...] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    separator: str = "/"

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return int(_DTYPES[self.dtype][-1]) if self.dtype != "bool" else 1

    @property
    def numpy_dtype(self) -> str:
        """NumPy dtype string, little-endian."""
        return _DTYPES[self.dtype]

    def chunk_key(self, *indices: int) -> str:
        """Key of a chunk relative to the array (default chunk key encoding)."""
        return self.separator.join(["c", *map(str, indices)])

    def to_json(self) -> dict[str, Any]:
        """The ``zarr.json`` document."""
        bytes_codec = _bytes_codec(self.itemsize, big_endian=self.big_endian)
        if self.sharding is None:
            codecs = [bytes_codec, *map(_codec_json, self.codecs)]
        else:
            inner = [_bytes_codec(self.itemsize, big_endian=self.sharding.big_endian)]
            inner += map(_codec_json, self.sharding.codecs)
            configuration = {
                "chunk_shape": [1, *self.shape[1:]],
                "codecs": inner,
                "index_codecs": INDEX_CODECS,
                "index_location": "end",
            }
            codecs = [{"name": "sharding_indexed", "configuration": configuration}]
        document: dict[str, Any] = {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.dtype,
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": list(self.chunk_shape)},
            },
            "chunk_key_encoding": {
                "name": "default",
                "configuration": {"separator": self.separator},
            },
            "fill_value": 0,
            "codecs": codecs,
            "attributes": self.attributes,
            "storage_transformers": [],
        }
        if self.dimension_names is not None:
            document["dimension_names"] = list(self.dimension_names)
        return document


def group_json(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A group's ``zarr.json`` document."""
    return {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}


def attributes_digest(irtd: Mapping[str, Any]) -> int:
    """XXH64 over the canonical JSON of the group's attributes without the digest itself."""
    body = {key: value for key, value in irtd.items() if key != "digest"}
    return xxh64(json.dumps(body, sort_keys=True).encode())


def make_chain(codecs: Sequence[Codec], itemsize: int, *, big_endian: bool = False) -> CodecChain:
    """The native codec chain of these codecs."""
    return CodecChain([(name, dict(options)) for name, options in codecs], itemsize, big_endian)


def read_json(path: Path, most: int = MAX_METADATA_BYTES) -> dict[str, Any]:
    """Read a metadata document of at most so many bytes.

    Raises:
        CorruptStoreError: If the file is missing.
        StoreFormatError: If it is not a JSON object or absurdly long.
    """
    try:
        if path.stat().st_size > most:
            raise StoreFormatError(
                f"{path}: $: metadata of more than {most >> 20} MiB", path=str(path)
            )
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise CorruptStoreError(f"{path}: metadata file is missing", path=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise StoreFormatError(f"{path}: $: not valid JSON: {error}", path=str(path)) from error
    if not isinstance(document, dict):
        raise StoreFormatError(f"{path}: $: expected an object", path=str(path))
    return document


class _Reader:
    """Walks a document and names the JSON path of whatever does not fit."""

    def __init__(self, document: Any, path: str, where: str = "$") -> None:
        self.value, self.path, self.where = document, path, where

    def fail(self, expected: str) -> StoreFormatError:
        found = reprlib.repr(self.value)[:80]  # bounded in depth and length, unlike json.dumps
        return StoreFormatError(
            f"{self.path}: {self.where}: expected {expected}, found {found}", path=self.path
        )

    def get(self, key: str) -> _Reader:
        if not isinstance(self.value, dict) or key not in self.value:
            raise self.fail(f"an object with '{key}'")
        return _Reader(self.value[key], self.path, f"{self.where}.{key}")

    def optional(self, key: str, default: Any) -> _Reader:
        value = self.value.get(key, default) if isinstance(self.value, dict) else default
        return _Reader(value, self.path, f"{self.where}.{key}")

    def items(self, most: int) -> list[_Reader]:
        if not isinstance(self.value, list) or len(self.value) > most:
            raise self.fail(f"a list of at most {most} entries")
        return [_Reader(v, self.path, f"{self.where}[{i}]") for i, v in enumerate(self.value)]

    def integer(self, low: int, high: int = _MAX_ELEMENTS) -> int:
        if type(self.value) is not int or not low <= self.value <= high:
            raise self.fail(f"an integer in [{low}, {high}]")
        return self.value

    def text(self, *allowed: str) -> str:
        if not isinstance(self.value, str) or (allowed and self.value not in allowed):
            raise self.fail(f"one of {', '.join(allowed)}" if allowed else "a string")
        return self.value

    def mapping(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        return self.value

    def shape(self, low: int) -> tuple[int, ...]:
        dims = tuple(item.integer(low) for item in self.items(_MAX_AXES))
        if not dims or math.prod(dims) > _MAX_ELEMENTS:
            raise self.fail(f"1 to {_MAX_AXES} axes and at most 2^48 elements")
        return dims


def _bytes_codec(itemsize: int, *, big_endian: bool) -> dict[str, Any]:
    if itemsize == 1:
        return {"name": "bytes"}
    return {"name": "bytes", "configuration": {"endian": "big" if big_endian else "little"}}


def _codec_json(codec: Codec) -> dict[str, Any]:
    name, options = codec
    return {"name": name, "configuration": options} if options else {"name": name}


def _read_codecs(codecs_reader: _Reader, dtype: str) -> tuple[tuple[Codec, ...], bool]:
    """Codecs after ``bytes``, and whether the elements are big-endian."""
    items = codecs_reader.items(_MAX_CODECS)
    if not items or items[0].get("name").value != "bytes":
        raise codecs_reader.fail("the bytes codec first")
    configuration = items[0].optional("configuration", {})
    if _DTYPES[dtype][-1] in "1?":
        big_endian = False
    else:  # Zarr v3 has no default byte order
        big_endian = configuration.get("endian").text("little", "big") == "big"
    codecs: list[Codec] = []
    for item in items[1:]:
        name = item.get("name").text()
        if name not in (*_COMPRESSORS, "crc32c"):
            raise UnsupportedError(
                f"{item.path}: {item.where}: codec '{name}' is not blosc, zstd, gzip or crc32c",
                path=item.path,
            )
        codecs.append((name, _codec_options(name, item.optional("configuration", {}))))
    return tuple(codecs), big_endian


def _codec_options(name: str, item: _Reader) -> dict[str, Any]:
    if name == "crc32c":
        return {}
    if name == "gzip":
        return {"level": item.optional("level", 6).integer(0, 9)}
    if name == "zstd":
        checksum = bool(item.optional("checksum", 0).value)
        return {"level": item.optional("level", 0).integer(-131072, 22), "checksum": checksum}
    return {
        "cname": item.get("cname").text("lz4", "lz4hc", "blosclz", "snappy", "zlib", "zstd"),
        "clevel": item.get("clevel").integer(0, 9),
        "shuffle": item.get("shuffle").text("noshuffle", "shuffle", "bitshuffle"),
        "typesize": item.optional("typesize", 1).integer(1, 255),
        "blocksize": item.optional("blocksize", 0).integer(0, 1 << 31),
    }


def _read_sharding(
    item: _Reader, shape: tuple[int, ...], chunk: tuple[int, ...], dtype: str
) -> Sharding:
    configuration = item.get("configuration")
    inner_reader = configuration.get("chunk_shape")
    inner = inner_reader.shape(1)
    if inner != (1, *shape[1:]) or chunk[1:] != shape[1:]:
        raise UnsupportedError(
            f"{inner_reader.path}: {inner_reader.where}: inner chunk must be one whole sample "
            f"{[1, *shape[1:]]}, found {list(inner)}; read it with zarr-python instead",
            path=inner_reader.path,
        )
    codecs, big_endian = _read_codecs(configuration.get("codecs"), dtype)
    index_codecs = configuration.get("index_codecs").items(_MAX_CODECS)
    names = [codec.get("name").text("bytes", "crc32c") for codec in index_codecs]
    if names not in (["bytes"], ["bytes", "crc32c"]):
        raise configuration.get("index_codecs").fail("bytes, optionally followed by crc32c")
    endian = index_codecs[0].optional("configuration", {}).optional("endian", "little")
    endian.text("little")
    location = configuration.optional("index_location", "end").text("start", "end")
    return Sharding(chunk[0], codecs, big_endian, location == "end", names[-1] == "crc32c")


def parse_array(document: Mapping[str, Any], path: str) -> ArraySpec:
    """Check an array document and turn it into a spec.

    Raises:
        StoreFormatError: If it breaks Zarr v3; the message names the JSON path.
        UnsupportedError: If it is valid but beyond what we read natively.
    """
    root = _Reader(document, path)
    root.get("zarr_format").integer(3, 3)
    root.get("node_type").text("array")
    shape = root.get("shape").shape(0)
    dtype = root.get("data_type").text(*_DTYPES)
    grid = root.get("chunk_grid")
    grid.get("name").text("regular")
    chunk = grid.get("configuration").get("chunk_shape").shape(1)
    if len(chunk) != len(shape):
        raise grid.fail(f"{len(shape)} axes in chunk_shape")
    encoding = root.get("chunk_key_encoding")
    encoding.get("name").text("default")
    separator = encoding.optional("configuration", {}).optional("separator", "/").text("/", ".")
    codecs = root.get("codecs").items(_MAX_CODECS)
    names = root.optional("dimension_names", None).value
    common: dict[str, Any] = {
        "shape": shape, "dtype": dtype, "chunk_shape": chunk, "separator": separator,
        "attributes": root.optional("attributes", {}).mapping(),
        "dimension_names": tuple(map(str, names)) if isinstance(names, list) and names else None,
    }  # fmt: skip
    if codecs and codecs[0].get("name").value == "sharding_indexed":
        if len(codecs) != 1:
            raise root.get("codecs").fail("sharding_indexed alone")
        return ArraySpec(**common, sharding=_read_sharding(codecs[0], shape, chunk, dtype))
    plain, big_endian = _read_codecs(root.get("codecs"), dtype)
    return ArraySpec(**common, codecs=plain, big_endian=big_endian)


def load_array(directory: Path) -> ArraySpec:
    """Read and check the array in a directory."""
    path = directory / "zarr.json"
    return parse_array(read_json(path, _MAX_ARRAY_METADATA_BYTES), str(path))


def group_attributes(directory: Path) -> dict[str, Any]:
    """The ``irtd`` attributes of a group.

    Raises:
        StoreFormatError: If the document is not a group of ours of a format we know.
    """
    path = directory / "zarr.json"
    root = _Reader(read_json(path), str(path))
    root.get("zarr_format").integer(3, 3)
    root.get("node_type").text("group")
    irtd = root.get("attributes").get("irtd")
    irtd.get("format").integer(1, FORMAT_VERSION)
    value: dict[str, Any] = irtd.value
    return value
