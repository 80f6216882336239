"""Stores of ours read by other libraries, and arrays of theirs read by us: equal, every time.

Missing chunks are the one difference on purpose: others give the fill value, we raise.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, ZstdCodec

import irtd_fast
from irtd_fast import _core
from irtd_fast.errors import CorruptStoreError, UnsupportedError
from irtd_fast.store.columns import write_document
from irtd_fast.store.plan import codecs_for
from irtd_fast.store.source import open_array
from irtd_fast.store.spec import ArraySpec, Sharding, make_chain

DTYPES = ("uint8", "uint16")
SAMPLE = (12, 17)
ROWS = 10
# rows, rows in a shard, rows without a chunk
LAYOUTS = {
    "one whole shard": (ROWS, ROWS, ()),
    "short last shard": (ROWS, 4, ()),
    "one row a shard": (3, 1, ()),
    "holes": (ROWS, 4, (0, 5, 9)),
}


def pixels(rows, dtype, channels=()):
    rng = np.random.default_rng(rows)
    top = 255 if dtype == "uint8" else 40_000
    ramp = np.arange(np.prod(SAMPLE)).reshape(SAMPLE)
    noise = rng.integers(0, top // 2, (rows, *SAMPLE, *channels))
    return ((ramp.reshape(*SAMPLE, *([1] * len(channels))) * 5 + noise) % top).astype(dtype)


def write_ours(path, array, codecs, per_shard, holes=()):
    """Write an array as an ingest does."""
    rows, sample = len(array), array.shape[1:]
    spec = ArraySpec(array.shape, str(array.dtype), (per_shard, *sample),
                     Sharding(per_shard, codecs))  # fmt: skip
    write_document(path, spec.to_json())
    nbytes = array[0].nbytes
    for first in range(0, rows, per_shard):
        members = range(first, min(first + per_shard, rows))
        zeros = "/0" * len(sample)
        file = path / f"c/{first // per_shard}{zeros}"
        file.parent.mkdir(parents=True, exist_ok=True)
        chain = make_chain(codecs, array.itemsize)
        writer = _core.ShardWriter(str(file), per_shard, len(members), nbytes, chain)
        for row in members:
            if row in holes:
                writer.skip(row - first)
            else:
                writer.put(row - first, np.ascontiguousarray(array[row]))
        writer.finish()


READERS = ("zarr", "zarrs", "tensorstore")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("codec", ["raw", "lz4", "zstd"])
def test_ours_is_read_by_others(tmp_path, codec, dtype, layout, reader, outside):
    rows, per_shard, holes = LAYOUTS[layout]
    array = pixels(rows, dtype)
    write_ours(tmp_path / "a", array, codecs_for(codec, array.itemsize), per_shard, holes)
    expected = array.copy()
    expected[list(holes)] = 0
    found = outside.READERS[reader](tmp_path / "a")
    assert found.dtype == array.dtype
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("reader", READERS)
def test_ours_in_colour_is_read_by_others(tmp_path, reader, outside):
    array = pixels(5, "uint8", (3,))
    write_ours(tmp_path / "a", array, codecs_for("zstd", 1), 2)
    assert np.array_equal(outside.READERS[reader](tmp_path / "a"), array)


def test_the_setting_for_zarrs_does_not_leak(tmp_path, outside):
    array = pixels(2, "uint8")
    write_ours(tmp_path / "a", array, codecs_for("raw", 1), 2)
    before = zarr.config.get("codec_pipeline.path")
    outside.read_zarrs(tmp_path / "a")
    assert zarr.config.get("codec_pipeline.path") == before != "zarrs.ZarrsCodecPipeline"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("codec", ["raw", "lz4", "zstd"])
def test_ours_is_read_by_us_and_holes_are_errors(tmp_path, codec, dtype):
    rows, per_shard, holes = LAYOUTS["holes"]
    array = pixels(rows, dtype)
    write_ours(tmp_path / "a", array, codecs_for(codec, array.itemsize), per_shard, holes)
    reader = open_array(tmp_path / "a")
    for row in range(rows):
        if row in holes:
            with pytest.raises(CorruptStoreError, match="missing") as caught:
                reader.read(row)
            assert caught.value.row == row
        else:
            assert np.array_equal(reader.read(row), array[row])


# ---- theirs ------------------------------------------------------------------------------------

COMPRESSORS = {
    "raw": [],
    "zstd": [ZstdCodec(level=5, checksum=True)],
    "blosc-lz4": [BloscCodec(cname="lz4", shuffle="bitshuffle", clevel=5, typesize=2)],
    "blosc-zstd": [BloscCodec(cname="zstd", shuffle="shuffle", clevel=3, typesize=2)],
    "gzip": [GzipCodec(level=6)],
    "zstd twice": [ZstdCodec(level=1), GzipCodec(level=1)],
}


def check_theirs(path, array):
    reader = open_array(path)
    assert (len(reader), reader.sample_shape) == (len(array), array.shape[1:])
    rows = np.random.default_rng(0).permutation(len(array))
    assert np.array_equal(reader.read_batch(rows, threads=2), array[rows])
    for row in rows[:3]:
        assert np.array_equal(reader.read(int(row)), array[row])


@pytest.mark.parametrize("location", ["start", "end"])
@pytest.mark.parametrize("crc", [False, True], ids=["bare", "crc32c"])
@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_arrays_of_zarr_python(tmp_path, compressor, dtype, endian, crc, location):
    array = pixels(7, dtype)
    last = [Crc32cCodec()] if crc else []
    order = BytesCodec(endian=endian if dtype == "uint16" else None)
    index = [BytesCodec(), Crc32cCodec()] if crc else [BytesCodec()]
    sharding = ShardingCodec(
        chunk_shape=(1, *SAMPLE), codecs=[order, *COMPRESSORS[compressor], *last],
        index_codecs=index, index_location=location,
    )  # fmt: skip
    theirs = zarr.create_array(
        tmp_path / "a", shape=array.shape, dtype=dtype, chunks=(3, *SAMPLE), serializer=sharding,
        compressors=None, filters=None,
    )  # fmt: skip
    theirs[:] = array
    check_theirs(tmp_path / "a", array)


@pytest.mark.parametrize("location", ["start", "end"])
@pytest.mark.parametrize("crc", [False, True], ids=["bare", "crc32c"])
@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compressor", ["raw", "zstd", "blosc-lz4", "gzip"])
def test_arrays_of_tensorstore(tmp_path, compressor, dtype, endian, crc, location, outside):
    array = pixels(7, dtype)
    inner = [{"name": "bytes", "configuration": {"endian": endian}}]
    inner += [codec.to_dict() for codec in COMPRESSORS[compressor]]
    inner += [{"name": "crc32c"}] * crc
    index = [{"name": "bytes", "configuration": {"endian": "little"}}, *[{"name": "crc32c"}] * crc]
    sharding = {"chunk_shape": [1, *SAMPLE], "codecs": inner, "index_codecs": index,
                "index_location": location}  # fmt: skip
    metadata = {
        "shape": list(array.shape),
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [3, *SAMPLE]}},
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
    }
    theirs = outside.open_tensorstore(tmp_path / "a", metadata=metadata, create=True)
    theirs.write(array).result()
    check_theirs(tmp_path / "a", array)


def test_arrays_of_zarr_python_with_its_defaults(tmp_path):
    array = pixels(6, "uint16", (3,))
    theirs = zarr.create_array(tmp_path / "a", shape=array.shape, dtype=array.dtype,
                               chunks=(1, *SAMPLE, 3), shards=(4, *SAMPLE, 3))  # fmt: skip
    theirs[:] = array
    check_theirs(tmp_path / "a", array)


def test_other_chunk_keys(tmp_path):
    array = pixels(5, "uint8")
    theirs = zarr.create_array(
        tmp_path / "a", shape=array.shape, dtype=array.dtype, chunks=(1, *SAMPLE),
        shards=(2, *SAMPLE), chunk_key_encoding={"name": "default", "separator": "."},
    )  # fmt: skip
    theirs[:] = array
    assert (tmp_path / "a/c.2.0.0").is_file()
    check_theirs(tmp_path / "a", array)


def test_chunks_that_are_no_samples_are_refused(tmp_path):
    zarr.create_array(tmp_path / "a", shape=(4, 8, 8), dtype="u1", chunks=(2, 8, 8),
                      shards=(4, 8, 8))  # fmt: skip
    with pytest.raises(UnsupportedError, match="zarr-python"):
        open_array(tmp_path / "a")


# ---- whole stores ------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", READERS)
def test_every_picture_through_others(mixed_store, reader, outside):
    ds = irtd_fast.open(mixed_store)
    pictures = 0
    for source in ds.sources:
        arrays = [outside.Pictures(source.path, info, reader) for info in source.arrays]
        read, samples = outside.READERS[reader], source.path / "samples"
        for modality, name in (("infrared", "infrared"), ("visible", "visible"),
                               ("masks", "mask")):  # fmt: skip
            codes, rows = (read(samples / f"{modality}_{what}") for what in ("array", "row"))
            for sample, code, row in zip(ds.filter(source=source.name), codes, rows, strict=True):
                ours = getattr(sample, name)
                assert (code < 0) == (ours is None)
                if ours is not None:
                    assert np.array_equal(arrays[code][row], ours), (sample.id, modality)
                    pictures += 1
    assert pictures == 60 + 24 + 12


def test_every_table_through_zarr(mixed_store):
    ds = irtd_fast.open(mixed_store)
    root = zarr.open_group(mixed_store, mode="r")
    for source in ds.sources:
        group = root[source.name]
        part = ds.filter(source=source.name)
        names, offsets = group["samples/name/values"][:], group["samples/name/offsets"][:]
        starts = group["objects/offsets"][:]
        for number, sample in enumerate(part):
            first, last = int(offsets[number]), int(offsets[number + 1])
            assert names[first:last].tobytes().decode() == sample.name
            first, last = int(starts[number]), int(starts[number + 1])
            assert np.array_equal(group["objects/box"][first:last], sample.boxes)
            assert int(group["samples/height"][number]) == sample.height


def test_listing_members_warns_about_nothing(mixed_store):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        root = zarr.open_group(mixed_store, mode="r")
        members = dict(root.members(max_depth=None))
    assert caught == []
    arrays = {path for path, node in members.items() if isinstance(node, zarr.Array)}
    on_disk = {
        p.parent.relative_to(mixed_store).as_posix()
        for p in mixed_store.rglob("zarr.json")
        if p.parent != mixed_store
    }
    assert set(members) == on_disk
    assert "llvip/infrared/h64w80u8" in arrays


def test_every_array_through_tensorstore(mixed_store, outside):
    root = zarr.open_group(mixed_store, mode="r")
    for path, node in root.members(max_depth=None):
        if isinstance(node, zarr.Array) and node.size:
            theirs = outside.read_tensorstore(mixed_store / path)
            np.testing.assert_array_equal(theirs, node[...], err_msg=path)
