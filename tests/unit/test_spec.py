"""Array documents: what is written reads back, what is wrong is named by its JSON path."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from irtd_fast.errors import CorruptStoreError, StoreFormatError, UnsupportedError
from irtd_fast.store import spec
from irtd_fast.store.spec import ArraySpec, Sharding, group_attributes, make_chain, parse_array

CRC = ("crc32c", {})
ZSTD = ("zstd", {"level": 3, "checksum": False})
BLOSC = (
    "blosc",
    {"cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "typesize": 2, "blocksize": 0},
)
SPECS = {
    "sharded-raw": ArraySpec((7, 4, 5), "uint8", (3, 4, 5), Sharding(3, (CRC,))),
    "sharded-zstd": ArraySpec((7, 4, 5), "uint16", (7, 4, 5), Sharding(7, (ZSTD, CRC))),
    "sharded-blosc": ArraySpec((1, 4, 5, 3), "uint16", (1, 4, 5, 3), Sharding(1, (BLOSC, CRC))),
    "plain": ArraySpec((9,), "int64", (4,), codecs=(ZSTD, CRC), dimension_names=("row",)),
    "plain-big": ArraySpec((9, 2), "float32", (4, 2), codecs=(CRC,), big_endian=True),
    "empty": ArraySpec((0, 4), "float32", (1, 4), codecs=(CRC,)),
    "attributes": ArraySpec((2,), "bool", (2,), attributes={"irtd": {"holes": [1]}}, separator="."),
}


@pytest.fixture
def document():
    return SPECS["sharded-blosc"].to_json()


@pytest.mark.parametrize("name", SPECS)
def test_written_documents_read_back(name):
    text = json.dumps(SPECS[name].to_json())
    assert parse_array(json.loads(text), "a") == SPECS[name]


def test_index_at_the_start_and_without_checksum_is_understood(document):
    configuration = document["codecs"][0]["configuration"]
    configuration["index_location"] = "start"
    configuration["index_codecs"] = configuration["index_codecs"][:1]
    sharding = parse_array(document, "a").sharding
    assert sharding == replace(SPECS["sharded-blosc"].sharding, index_at_end=False,
                               index_crc32c=False)  # fmt: skip


def test_chunk_keys():
    assert SPECS["sharded-raw"].chunk_key(2, 0, 0) == "c/2/0/0"
    assert SPECS["attributes"].chunk_key(0) == "c.0"


def change(document, path, value):
    changed = copy.deepcopy(document)
    *parents, last = path
    place = changed
    for step in parents:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


INNER = ("codecs", 0, "configuration")
WRONG = [
    (("zarr_format",), 2, "$.zarr_format"),
    (("zarr_format",), True, "$.zarr_format"),
    (("node_type",), "group", "$.node_type"),
    (("shape",), ..., "'shape'"),
    (("shape",), "1", "$.shape"),
    (("shape",), [], "$.shape"),
    (("shape", 0), -1, r"$.shape[0]"),
    (("shape", 0), 1.0, r"$.shape[0]"),
    (("shape", 0), 2**62, r"$.shape[0]"),
    (("shape", 0), 2**45, "at most 2^48"),
    (("shape",), [1] * 9, "$.shape"),
    (("data_type",), "complex64", "$.data_type"),
    (("data_type",), {"name": "uint16"}, "$.data_type"),
    (("chunk_grid", "name"), "rectilinear", "$.chunk_grid.name"),
    (("chunk_grid", "configuration", "chunk_shape", 0), 0, "chunk_shape[0]"),
    (("chunk_grid", "configuration", "chunk_shape"), [1, 4], "4 axes"),
    (("chunk_key_encoding", "name"), "v2", "$.chunk_key_encoding.name"),
    (("chunk_key_encoding", "configuration", "separator"), "-", "separator"),
    (("codecs",), [], "$.codecs"),
    (("codecs",), {}, "$.codecs"),
    (("attributes",), [1], "$.attributes"),
    ((*INNER, "codecs", 0, "name"), "transpose", "the bytes codec first"),
    ((*INNER, "codecs", 0, "configuration"), ..., "endian"),
    ((*INNER, "codecs", 0, "configuration", "endian"), "middle", "endian"),
    ((*INNER, "codecs", 1, "configuration", "cname"), "lz5", "cname"),
    ((*INNER, "codecs", 1, "configuration", "clevel"), 10, "clevel"),
    ((*INNER, "codecs", 1, "configuration", "shuffle"), ..., "shuffle"),
    ((*INNER, "codecs", 1, "configuration", "typesize"), 0, "typesize"),
    ((*INNER, "codecs", 1, "configuration", "blocksize"), -1, "blocksize"),
    ((*INNER, "codecs"), [{"name": "bytes", "configuration": {"endian": "big"}}] * 9, "codecs"),
    ((*INNER, "index_location"), "middle", "index_location"),
    ((*INNER, "index_codecs"), [{"name": "crc32c"}], "index_codecs"),
    ((*INNER, "index_codecs", 0, "configuration", "endian"), "big", "endian"),
]


@pytest.mark.parametrize(("path", "value", "named"), WRONG, ids=lambda x: str(x)[:40])
def test_what_is_wrong_is_named(document, path, value, named):
    with pytest.raises(StoreFormatError) as caught:
        parse_array(change(document, path, value), "here/zarr.json")
    assert named in str(caught.value)
    assert caught.value.path == "here/zarr.json"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ((*INNER, "codecs", 1, "name"), "lzma", "codec 'lzma' is not"),
        ((*INNER, "chunk_shape"), [1, 2, 5, 3], "one whole sample"),
        ((*INNER, "chunk_shape"), [2, 4, 5, 3], "one whole sample"),
        (("chunk_grid", "configuration", "chunk_shape"), [1, 2, 5, 3], "one whole sample"),
    ],
)
def test_valid_but_beyond_us(document, path, value, named):
    with pytest.raises(UnsupportedError, match=named):
        parse_array(change(document, path, value), "a")


def test_sharding_stands_alone(document):
    document["codecs"].append({"name": "crc32c"})
    with pytest.raises(StoreFormatError, match="sharding_indexed alone"):
        parse_array(document, "a")


def test_files_that_are_no_documents(tmp_path):
    path = tmp_path / "zarr.json"
    with pytest.raises(CorruptStoreError, match="missing") as caught:
        spec.read_json(path)
    assert caught.value.path == str(path)
    for text in (b"", b"{", b"\xff\xfe", b'{"a": 1}x', b"9" * 5000):
        path.write_bytes(text)
        with pytest.raises(StoreFormatError, match="not valid JSON"):
            spec.read_json(path)
    path.write_text("[1]")
    with pytest.raises(StoreFormatError, match="expected an object"):
        spec.read_json(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CorruptStoreError, match="missing"):
        spec.read_json(path)


def test_documents_have_a_limit(tmp_path):
    path = tmp_path / "zarr.json"
    with path.open("wb") as file:
        file.truncate(spec.MAX_METADATA_BYTES + 1)
    with pytest.raises(StoreFormatError, match="more than 64 MiB"):
        spec.read_json(path)
    with path.open("wb") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(StoreFormatError, match="more than 16 MiB"):
        spec.load_array(tmp_path)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"zarr_format": 3, "node_type": "array"}, "$.node_type"),
        ({"zarr_format": 3, "node_type": "group"}, "'attributes'"),
        ({"zarr_format": 3, "node_type": "group", "attributes": {}}, "'irtd'"),
        (spec.group_json({"irtd": {}}), "'format'"),
        (spec.group_json({"irtd": {"format": 2}}), "$.attributes.irtd.format"),
        (spec.group_json({"irtd": [1]}), "'format'"),
    ],
)
def test_groups_that_are_not_ours(tmp_path, document, named):
    (tmp_path / "zarr.json").write_text(json.dumps(document))
    with pytest.raises(StoreFormatError) as caught:
        group_attributes(tmp_path)
    assert named in str(caught.value)


def test_groups_of_ours(tmp_path):
    (tmp_path / "zarr.json").write_text(
        json.dumps(spec.group_json({"irtd": {"format": 1, "a": 2}}))
    )
    assert group_attributes(tmp_path) == {"format": 1, "a": 2}


@pytest.mark.parametrize("codecs", [(CRC,), (ZSTD, CRC), (BLOSC, CRC), (("gzip", {"level": 6}),)])
@pytest.mark.parametrize("big_endian", [False, True])
def test_chains_give_back_what_they_got(codecs, big_endian, rng):
    values = rng.integers(0, 65535, 1000).astype("<u2")
    chain = make_chain(codecs, 2, big_endian=big_endian)
    encoded = chain.encode(values)
    assert np.array_equal(chain.decode(encoded, 2000).view("<u2"), values)
    with pytest.raises(CorruptStoreError):
        chain.decode(encoded[:-1], 2000)
    with pytest.raises(CorruptStoreError):
        chain.decode(encoded, 2002)
