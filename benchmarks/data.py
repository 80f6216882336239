"""Pictures and arrays that all implementations read: made once a session, from a seed.

A picture is a smooth field plus sensor noise, tuned so that codecs find in it what they find in
real thermal frames (8-bit decoded from JPEG, 16-bit radiometric): zstd-3 about 1.4 and 2.0,
blosc-lz4-bitshuffle about 1.35 and 2.2, at the same speed; a JPEG file of quality 95 about 70 kB.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.store.plan import codecs_for
from irtd_fast.store.spec import ArraySpec, Codec, Sharding, make_chain
from irtd_fast.store.staging import write_json

HEIGHT, WIDTH = 512, 640
_FIELDS, _CELL = 32, 64
# Mean, contrast and noise (standard deviations) in counts.
_LEVELS = {"u8": (118.0, 26.0, 2.1), "u16": (7600.0, 100.0, 3.8)}
_DTYPES = {"u8": np.uint8, "u16": np.uint16}
_NOISE_COUNT = 1 << 23

CODECS = {"raw-crc32c": "raw", "raw-nocrc": None, "zstd-crc32c": "zstd", "blosc-crc32c": "lz4"}


@lru_cache(maxsize=1)
def _fields() -> NDArray[np.float32]:
    from scipy.ndimage import zoom

    rng = np.random.default_rng(7)
    coarse = rng.standard_normal((_FIELDS, HEIGHT // _CELL + 1, WIDTH // _CELL + 1))
    return np.asarray(zoom(coarse, (1, _CELL, _CELL), order=1)[:, :HEIGHT, :WIDTH], np.float32)


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.float32]:
    return np.random.default_rng(11).standard_normal(_NOISE_COUNT, dtype=np.float32)


def picture(dtype: str, number: int) -> NDArray[Any]:
    """Picture ``number``, (512, 640) of ``u8`` or ``u16``; every number gives another one."""
    mean, contrast, noise = _LEVELS[dtype]
    rng = np.random.default_rng([3, number])
    start = int(rng.integers(_NOISE_COUNT - HEIGHT * WIDTH))
    grain = _noise()[start : start + HEIGHT * WIDTH].reshape(HEIGHT, WIDTH)
    field = np.roll(_fields()[number % _FIELDS], int(rng.integers(WIDTH)), axis=1)
    values = np.rint(mean + contrast * field + noise * grain)
    kind = _DTYPES[dtype]
    return values.clip(0, np.iinfo(kind).max).astype(kind)


def pictures(dtype: str, count: int) -> NDArray[Any]:
    """The first ``count`` pictures, (count, 512, 640)."""
    out = np.empty((count, HEIGHT, WIDTH), _DTYPES[dtype])

    def draw(number: int) -> None:
        out[number] = picture(dtype, number)

    with ThreadPoolExecutor(_core.available_threads()) as pool:
        for _ in pool.map(draw, range(count)):
            pass
    return out


@dataclass(frozen=True)
class ReadArray:
    """A sharded Zarr v3 array, one picture a chunk.

    Attributes:
        path: Its folder.
        codec: Key of ``CODECS``.
        dtype: ``u8`` or ``u16``.
        rows: Pictures.
        rows_per_shard: Pictures of a shard.
        digests: XXH64 of each picture's bytes: the truth.
    """

    path: Path
    codec: str
    dtype: str
    rows: int
    rows_per_shard: int
    digests: list[int]

    @property
    def sample_bytes(self) -> int:
        """Decoded bytes of a picture."""
        return HEIGHT * WIDTH * np.dtype(_DTYPES[self.dtype]).itemsize

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """Bytes-to-bytes codecs of a chunk."""
        name = CODECS[self.codec]
        return () if name is None else codecs_for(name, np.dtype(_DTYPES[self.dtype]).itemsize)

    def files(self) -> list[str]:
        """Its shard files."""
        shards = range(-(-self.rows // self.rows_per_shard))
        return [f"{self.path}/c/{number}/0/0" for number in shards]

    def stored_bytes(self) -> float:
        """Mean stored bytes of a picture."""
        return sum(Path(file).stat().st_size for file in self.files()) / self.rows

    def assert_pixels(self, rows: NDArray[np.int64], found: Iterator[Any] | Any) -> None:
        """Check that these are the pictures of these rows, bit for bit."""
        count = 0
        for row, pixels in zip(rows.tolist(), found, strict=True):
            digest = _core.xxh64(np.ascontiguousarray(pixels))
            assert digest == self.digests[row], f"{self.path.name}: wrong pixels in row {row}"
            count += 1
        assert count == len(rows)


def write_read_array(
    folder: Path, codec: str, dtype: str, content: NDArray[Any], rows_per_shard: int
) -> ReadArray:
    """Write pictures with irtd_fast; without crc with tensorstore, since we never write that."""
    digests = [_core.xxh64(pixels) for pixels in content]
    path = folder / f"{codec}-{dtype}.zarr"
    array = ReadArray(path, codec, dtype, len(content), rows_per_shard, digests)
    if CODECS[codec] is None:
        _write_with_tensorstore(array, content)
    else:
        _write_with_irtd_fast(array, content)
    return array


def _write_with_irtd_fast(array: ReadArray, content: NDArray[Any]) -> None:
    shape = content.shape
    name = str(content.dtype)
    spec = ArraySpec(shape, name, (array.rows_per_shard, *shape[1:]),
                     Sharding(array.rows_per_shard, array.codecs),
                     dimension_names=("sample", "y", "x"))  # fmt: skip
    array.path.mkdir(parents=True)
    write_json(array.path / "zarr.json", spec.to_json())
    chain = make_chain(array.codecs, content.dtype.itemsize)
    with ThreadPoolExecutor(_core.available_threads()) as pool:
        for number, file in enumerate(array.files()):
            part = content[number * array.rows_per_shard :][: array.rows_per_shard]
            Path(file).parent.mkdir(parents=True)
            writer = _core.ShardWriter(
                file, array.rows_per_shard, len(part), array.sample_bytes, chain
            )
            for _ in pool.map(writer.put, range(len(part)), part):
                pass
            writer.finish()


def _write_with_tensorstore(array: ReadArray, content: NDArray[Any]) -> None:
    import tensorstore

    inner = [{"name": "bytes", "configuration": {"endian": "little"}}]
    index = [*inner, {"name": "crc32c"}]
    sharding = {"chunk_shape": [1, HEIGHT, WIDTH], "codecs": inner, "index_codecs": index}
    metadata = {
        "shape": list(content.shape),
        "data_type": str(content.dtype),
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [array.rows_per_shard, HEIGHT, WIDTH]},
        },
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
    }
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(array.path)}}
    opened = tensorstore.open({**spec, "metadata": metadata}, create=True).result()
    opened.write(content).result()


# ---- JPEG dump ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class JpegDump:
    """A dump of gray JPEG files with boxes, in the layout of ``hit-uav``'s normal_json.

    Attributes:
        root: Its root.
        files: The pictures, in the order in which a store holds them.
        objects: Boxes in all.
        bytes: Of all pictures.
    """

    root: Path
    files: list[str]
    objects: int
    bytes: int


def annotations(count: int, boxes: int = 7) -> list[dict[str, Any]]:
    """COCO records of so many boxes a picture."""
    return [
        {
            "id": number * boxes + k, "image_id": number, "category_id": k % 4,
            "bbox": [20 + 80 * k, 30 + 60 * k, 40, 25], "area": 1000, "iscrowd": 0,
            "segmentation": [],
        }
        for number in range(count)
        for k in range(boxes)
    ]  # fmt: skip


def write_jpeg_dump(root: Path, count: int, distinct: int = 2000) -> JpegDump:
    """Write ``count`` pictures, quality 95, and 7 boxes a picture.

    Only ``distinct`` files are written; the others are further names of them, which changes
    neither what is read nor what is decoded.
    """
    import json
    import os

    folder = root / "normal_json" / "train"
    folder.mkdir(parents=True)

    def write(number: int) -> Path:
        path = folder / f"0_60_30_0_{number:05d}.jpg"
        if number >= distinct:
            os.link(folder / f"0_60_30_0_{number % distinct:05d}.jpg", path)
            return path
        path.write_bytes(_core.encode_jpeg(picture("u8", number), quality=95))
        return path

    with ThreadPoolExecutor(_core.available_threads()) as pool:
        files = list(pool.map(write, range(min(count, distinct))))
    files += map(write, range(len(files), count))
    annotation = annotations(count)
    names = ["Person", "Car", "Bicycle", "OtherVehicle"]
    document = {
        "images": [
            {"id": n, "file_name": path.name, "height": HEIGHT, "width": WIDTH}
            for n, path in enumerate(files)
        ],
        "annotation": annotation,
        "categories": [{"id": n, "name": name} for n, name in enumerate(names)],
    }
    labels = root / "normal_json" / "annotations" / "train.json"
    labels.parent.mkdir()
    labels.write_text(json.dumps(document))
    total = sum(path.stat().st_size for path in files)
    return JpegDump(root, [str(path) for path in files], len(annotation), total)
