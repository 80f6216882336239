"""The plan of a source: every sample's array and row, every data file's content.

A pure function of the manifest and the options, so a resumed run makes the same plan and the same
bytes. Pictures of one shape and dtype share a bucket array; shapes with few pictures share a packed
array; JPEG files that are kept as they are (profile ``compact``) are packed as bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast.manifest import Manifest
from irtd_fast.store.spec import Codec
from irtd_fast.types import ImageInfo, SampleRecord

MODALITIES = ("infrared", "visible", "masks")
CRC_BYTES = 4
_PACK_LIMIT = 1 << 30  # one chunk file of a packed array is assembled in memory

Profile = Literal["fast", "compact"]
Visible = Literal["none", "compact", "fast"]
Drop = Literal["none", "exact", "near"]
CodecName = Literal["auto", "raw", "lz4", "zstd"]


@dataclass(frozen=True)
class IngestOptions:
    """What shapes a source's group in a store.

    Attributes:
        profile: ``fast`` stores pixels; ``compact`` keeps JPEG files byte for byte.
        codec: Of pixel buckets; ``auto`` measures a few samples.
        visible: What to do with visible partners: leave out, keep JPEG files, store pixels.
        shard_bytes: Target size of one shard or packed chunk file.
        few: Shapes with fewer pictures than this are packed.
        drop_duplicates: Samples that repeat an earlier one are left out, and reported: ``none``,
            ``exact`` (the same file or pixels) or ``near`` (also what looks alike).
    """

    profile: Profile = "fast"
    codec: CodecName = "auto"
    visible: Visible = "compact"
    shard_bytes: int = 64 << 20
    few: int = 32
    drop_duplicates: Drop = "none"

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 << 12 <= self.shard_bytes <= 1 << 30:
            raise ValueError(f"shard_bytes must be 4 KiB to 1 GiB, found {self.shard_bytes}")
        if self.few < 0:
            raise ValueError(f"few must not be negative, found {self.few}")


def _no_numbers() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(eq=False)
class ArrayPlan:
    """One array of the group.

    Attributes:
        path: Relative to the source's group, e.g. ``infrared/h512w640u8``.
        modality: ``infrared``, ``visible`` or ``masks``.
        kind: ``bucket`` (sharded, one sample a chunk) or ``packed`` (values, offsets, lengths).
        encoding: ``raw`` pixels or ``jpeg`` files.
        dtype: ``uint8`` or ``uint16``.
        height: Of every sample, 0 for packed arrays.
        width: Of every sample, 0 for packed arrays.
        channels: Of every sample, 0 for packed arrays.
        rows: Samples planned.
        rows_per_shard: Buckets: inner chunks of a shard.
        chunk_bytes: Packed: bytes of values in one chunk file.
        members: Sample number of each row (int64).
        offsets: Packed: byte offset of each row in values (int64).
        lengths: Packed: bytes of each row (int64).
    """

    path: str
    modality: str
    kind: str
    encoding: str
    dtype: str
    height: int = 0
    width: int = 0
    channels: int = 0
    rows: int = 0
    rows_per_shard: int = 0
    chunk_bytes: int = 0
    members: NDArray[np.int64] = field(default_factory=_no_numbers, repr=False)
    offsets: NDArray[np.int64] = field(default_factory=_no_numbers, repr=False)
    lengths: NDArray[np.int64] = field(default_factory=_no_numbers, repr=False)

    @property
    def itemsize(self) -> int:
        """Bytes of one pixel component."""
        return 2 if self.dtype == "uint16" else 1

    @property
    def sample_bytes(self) -> int:
        """Decoded bytes of one bucket sample."""
        return self.height * self.width * self.channels * self.itemsize

    @property
    def files(self) -> int:
        """Data files of the array."""
        if self.kind == "bucket":
            return -(-self.rows // self.rows_per_shard)
        return 1 + int(self.offsets[-1]) // self.chunk_bytes  # offsets ascend

    def rows_of_file(self, number: int) -> range:
        """Rows whose bytes lie in data file ``number``."""
        if self.kind == "bucket":
            first = number * self.rows_per_shard
            return range(first, min(first + self.rows_per_shard, self.rows))
        ends = [number * self.chunk_bytes, (number + 1) * self.chunk_bytes]
        first, last = np.searchsorted(self.offsets, ends)
        return range(int(first), int(last))


@dataclass
class Plan:
    """Where everything goes.

    Attributes:
        arrays: The arrays of the group.
        codes: Per modality: array of each sample, -1 for none (int16).
        rows: Per modality: row of each sample in its array (int64).
        fingerprint: Digest of the manifest and the options; equal plans give equal bytes.
    """

    arrays: list[ArrayPlan]
    codes: dict[str, NDArray[np.int16]]
    rows: dict[str, NDArray[np.int64]]
    fingerprint: str

    @property
    def planned_bytes(self) -> int:
        """Bytes of pixels and files before compression (what the disk may need)."""
        total = 0
        for array in self.arrays:
            if array.kind == "bucket":
                total += array.rows * (array.sample_bytes + CRC_BYTES)
            else:
                total += array.files * (array.chunk_bytes + CRC_BYTES)
        return total

    def describe(self) -> list[dict[str, Any]]:
        """The arrays without their members, for people and for the store's attributes."""
        hidden = ("members", "offsets", "lengths")
        names = [f.name for f in fields(ArrayPlan) if f.name not in hidden]
        return [{name: getattr(array, name) for name in names} for array in self.arrays]


def picture_of(sample: SampleRecord, modality: str) -> ImageInfo | None:
    """The picture a sample has in a modality."""
    if modality == "infrared":
        return sample.infrared
    return sample.visible if modality == "visible" else sample.mask


def make_plan(manifest: Manifest, options: IngestOptions, *, sealed: bool = True) -> Plan:
    """Fix every sample's array and row; only pictures matter for that, labels do not.

    Args:
        manifest: What was found in the dump.
        options: Profile, visible partners, sizes.
        sealed: The manifest is complete; otherwise the fingerprint stays empty for now.

    Returns:
        The plan; equal input gives an equal plan.
    """
    count = len(manifest.samples)
    arrays: list[ArrayPlan] = []
    codes = {m: np.full(count, -1, np.int16) for m in MODALITIES}
    rows = {m: np.full(count, -1, np.int64) for m in MODALITIES}
    for modality in MODALITIES:
        for key, members in _group(manifest.samples, modality, options).items():
            array = _plan_array(modality, key, members, manifest.samples, options)
            codes[modality][members] = len(arrays)
            rows[modality][members] = np.arange(len(members))
            arrays.append(array)
    if len(arrays) > np.iinfo(np.int16).max:
        raise ValueError(f"{len(arrays)} arrays in one source; raise 'few' to pack more shapes")
    return Plan(arrays, codes, rows, fingerprint(manifest.fingerprint(), options) if sealed else "")


def fingerprint(manifest_fingerprint: str, options: IngestOptions) -> str:
    """SHA-256 over the manifest's fingerprint and the options."""
    text = manifest_fingerprint + json.dumps(asdict(options), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


_Key = tuple[Any, ...]


def _group(
    samples: Sequence[SampleRecord], modality: str, options: IngestOptions
) -> dict[_Key, list[int]]:
    """Members of each array, in the order in which arrays first occur."""
    if modality == "visible" and options.visible == "none":
        return {}
    keep_jpeg = {
        "infrared": options.profile == "compact",
        "visible": options.visible == "compact",
        "masks": False,
    }[modality]
    pictures = [picture_of(sample, modality) for sample in samples]
    shapes = Counter(_shape(p) for p in pictures if p is not None)
    groups: dict[_Key, list[int]] = {}
    for number, picture in enumerate(pictures):
        if picture is None:
            continue
        if keep_jpeg and picture.encoding == "jpeg" and picture.plain:
            key: _Key = ("packed", "jpeg", "uint8")
        elif shapes[_shape(picture)] < options.few:
            key = ("packed", "raw", picture.dtype)
        else:
            key = ("bucket", *_shape(picture))
        groups.setdefault(key, []).append(number)
    return groups


def _shape(picture: ImageInfo) -> tuple[int, int, int, str]:
    return picture.height, picture.width, picture.channels, picture.dtype


def _plan_array(
    modality: str,
    key: _Key,
    members: list[int],
    samples: Sequence[SampleRecord],
    options: IngestOptions,
) -> ArrayPlan:
    if key[0] == "bucket":
        return _plan_bucket(modality, key, members, options)
    _, encoding, dtype = key
    short = {"uint8": "u8", "uint16": "u16"}[dtype]
    path = f"{modality}/packed_{'jpeg' if encoding == 'jpeg' else short}"
    array = ArrayPlan(path, modality, "packed", encoding, dtype, rows=len(members))
    array.members = np.asarray(members, np.int64)
    lengths: list[int] = []
    for number in members:
        picture = picture_of(samples[number], modality)
        assert picture is not None  # members were chosen by it
        pixels = picture.height * picture.width * picture.channels * array.itemsize
        lengths.append(picture.size if encoding == "jpeg" else pixels)
    _place_packed(array, lengths, options.shard_bytes)
    return array


def _plan_bucket(modality: str, key: _Key, members: list[int], options: IngestOptions) -> ArrayPlan:
    _, height, width, channels, dtype = key
    short = {"uint8": "u8", "uint16": "u16"}[dtype]
    colour = f"c{channels}" if channels > 1 else ""
    array = ArrayPlan(
        f"{modality}/h{height}w{width}{colour}{short}", modality, "bucket", "raw", dtype,
        height, width, channels, rows=len(members), members=np.asarray(members, np.int64),
    )  # fmt: skip
    per_shard = max(1, options.shard_bytes // (array.sample_bytes + CRC_BYTES))
    array.rows_per_shard = min(per_shard, len(members))
    return array


def _place_packed(array: ArrayPlan, lengths: list[int], target: int) -> None:
    """Fill chunk files in order; none is left with a sample across its end."""
    placed: list[tuple[int, int]] = []
    number, used, largest = 0, 0, 1
    for length in lengths:
        if length > _PACK_LIMIT:
            raise ValueError(f"{array.path}: a sample of {length} bytes cannot be packed")
        if used and used + length > target:
            number, used = number + 1, 0
        placed.append((number, used))
        used += length
        largest = max(largest, used)
    array.chunk_bytes = largest + (-largest) % array.itemsize
    files, inside = np.array(placed, np.int64).T
    array.offsets = files * array.chunk_bytes + inside
    array.lengths = np.asarray(lengths, np.int64)


RAW: tuple[Codec, ...] = (("crc32c", {}),)


def codecs_for(name: str, itemsize: int) -> tuple[Codec, ...]:
    """Inner codecs of a bucket; all end in crc32c.

    Args:
        name: ``raw``, ``lz4`` (blosc with bitshuffle) or ``zstd``.
        itemsize: Bytes of a pixel component, for the shuffle.
    """
    if name == "raw":
        return RAW
    if name == "zstd":
        return (("zstd", {"level": 3, "checksum": False}), *RAW)
    if name == "lz4":
        blosc = {
            "cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "typesize": itemsize,
            "blocksize": 0,
        }  # fmt: skip
        return (("blosc", blosc), *RAW)
    raise ValueError(f"codec must be raw, lz4 or zstd, found {name!r}")
