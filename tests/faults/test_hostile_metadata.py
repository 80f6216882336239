"""Metadata that somebody made up: typed errors, in little time and memory, never a crash."""

from __future__ import annotations

import contextlib
import copy
import json
import resource
import time

import numpy as np
import pytest
import zarr

import irtd_fast
from irtd_fast.errors import IrtdError, StoreFormatError
from irtd_fast.store.columns import write_column
from irtd_fast.store.source import open_array
from irtd_fast.store.spec import attributes_digest

SECONDS = 10.0  # far less than what a document that is believed would take
MEGABYTES = 400  # of address space beyond what is used already


@pytest.fixture(autouse=True)
def bounded():
    """Fail allocations beyond a budget, and tests that take long."""
    with open("/proc/self/statm") as file:  # noqa: PTH123
        used = int(file.read().split()[0]) * resource.getpagesize()
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (MEGABYTES << 20), old[1]))
    start = time.perf_counter()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)
    assert time.perf_counter() - start < SECONDS


@pytest.fixture
def array(tmp_path):
    """A small sharded array, and its document to be spoiled."""
    theirs = zarr.create_array(tmp_path / "a", shape=(6, 4, 4), dtype="u2", chunks=(1, 4, 4),
                               shards=(3, 4, 4))  # fmt: skip
    theirs[:] = np.arange(96).reshape(6, 4, 4)
    path = tmp_path / "a"
    return path, json.loads((path / "zarr.json").read_text())


def put(document, place, value):
    changed = copy.deepcopy(document)
    *parents, last = place
    target = changed
    for step in parents:
        target = target[step]
    target[last] = value
    return changed


INNER = ("codecs", 0, "configuration")
GRID = ("chunk_grid", "configuration", "chunk_shape")
HUGE = 2**62
SPOILED = {
    "shape 2^62": (("shape",), [HUGE, 4, 4]),
    "shape of 2^62 pixels": (("shape",), [6, HUGE, HUGE]),
    "negative shape": (("shape",), [-6, 4, 4]),
    "10^300 rows": (("shape",), [10**300, 4, 4]),
    "fractions": (("shape",), [6.5, 4, 4]),
    "nothing": (("shape",), None),
    "no axes": (("shape",), []),
    "10^5 axes": (("shape",), [1] * 100_000),
    "shard of 2^40 rows": (GRID, [2**40, 4, 4]),
    "zero rows a shard": (GRID, [0, 4, 4]),
    "unknown codec": ((*INNER, "codecs", 1, "name"), "../../bin/sh"),
    "10^5 codecs": ((*INNER, "codecs"), [{"name": "crc32c"}] * 100_000),
    "10^5 zstd": (
        (*INNER, "codecs"),
        [{"name": "bytes", "configuration": {"endian": "little"}}]
        + [{"name": "zstd", "configuration": {"level": 1, "checksum": False}}] * 100_000,
    ),
    "codec that is a number": ((*INNER, "codecs", 1), 7),
    "level 10^9": ((*INNER, "codecs", 1, "configuration", "level"), 10**9),
    "dtype of 10^6 letters": (("data_type",), "u" * 10**6),
    "dtype that is a list": (("data_type",), ["uint16"]),
    "chunk of 8 TiB": (("shape",), [6, 2**21, 2**21]),
}


def refuse(path, *allowed):
    with pytest.raises(allowed or IrtdError) as caught:
        open_array(path).read_batch(np.arange(6))
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("name", SPOILED)
def test_array_documents(array, name):
    path, document = array
    changed = put(document, *SPOILED[name])
    (path / "zarr.json").write_text(json.dumps(changed))
    refuse(path)


@pytest.mark.parametrize("side", [2**16, 2**20, 2**24])
def test_chunks_of_terabytes(array, side):
    """Consistent from end to end, and still nothing that anybody can hold."""
    path, document = array
    document["shape"][1:] = document["chunk_grid"]["configuration"]["chunk_shape"][1:] = [side] * 2
    document["codecs"][0]["configuration"]["chunk_shape"] = [1, side, side]
    (path / "zarr.json").write_text(json.dumps(document))
    refuse(path)


@pytest.mark.parametrize("rows", [10**4, 2**24, 2**24 + 1, 2**40])
def test_an_index_beyond_its_file(array, rows):
    path, document = array
    document["chunk_grid"]["configuration"]["chunk_shape"][0] = rows
    document["shape"][0] = rows
    (path / "zarr.json").write_text(json.dumps(document))
    refuse(path)


@pytest.mark.parametrize("extent", [(0, 2**63), (2**63, 36), (2**64 - 2, 36), (0, 2**40)])
def test_index_entries_that_point_anywhere(array, extent):
    from irtd_fast import _core

    path, _ = array
    shard = path / "c/0/0/0"
    data = bytearray(shard.read_bytes())
    index = np.frombuffer(bytes(data[-52:-4]), "<u8").copy()
    index[:2] = extent
    body = index.tobytes()
    shard.write_bytes(bytes(data[:-52]) + body + _core.crc32c(body).to_bytes(4, "little"))
    refuse(path)


@pytest.mark.parametrize("depth", [50, 200, 900, 990, 1500, 10**5])
@pytest.mark.parametrize("kind", ["list", "object"])
def test_deep_nesting(array, depth, kind):
    path, document = array
    opening, closing = ("[", "]") if kind == "list" else ('{"a":', "}")
    deep = opening * depth + ("1" if kind == "object" else "") + closing * depth
    text = json.dumps(document)
    for key in ("shape", "codecs", "attributes", "data_type"):
        spoiled = text.replace(json.dumps({key: document[key]})[1:-1], f'"{key}": {deep}')
        assert spoiled != text
        (path / "zarr.json").write_text(spoiled)
        if key != "attributes" or kind == "list" or depth > 1000:
            refuse(path, StoreFormatError)
        elif depth < 500:
            assert open_array(path).read(0)[0, 1] == 1  # attributes may be anything
        else:  # as deep as the stack of this test leaves room for
            with contextlib.suppress(StoreFormatError):
                assert open_array(path).read(0)[0, 1] == 1


def test_documents_of_many_megabytes(array):
    path, _ = array
    for text in ("[" + "[]," * 10**6 + "1]", '"' + "x" * (20 << 20) + '"', " " * (17 << 20)):
        (path / "zarr.json").write_text(text)
        refuse(path, StoreFormatError)


# ---- attributes of a source ------------------------------------------------------------------


def spoil(store, change):
    """Change attributes, and sign them again as an attacker would."""
    path = store / "llvip/zarr.json"
    document = json.loads(path.read_text())
    irtd = document["attributes"]["irtd"]
    change(irtd)
    irtd["digest"] = attributes_digest(irtd)
    path.write_text(json.dumps(document))


def entry(**changes):
    def change(irtd):
        irtd["arrays"][0].update(changes)

    return change


def whole(name, value):
    def change(irtd):
        irtd[name] = value

    return change


ATTRIBUTES = {
    "2^62 samples": whole("counts", {"samples": HUGE}),
    "2^35 samples": whole("counts", {"samples": 2**35}),
    "samples by name": whole("counts", {"samples": "many"}),
    "negative samples": whole("counts", {"samples": -1}),
    "no counts": whole("counts", []),
    "no arrays": whole("arrays", None),
    "arrays that are numbers": whole("arrays", [1, 2]),
    "absolute path": entry(path="/etc"),
    "path upwards": entry(path="infrared/../../../etc"),
    "path to itself": entry(path="."),
    "empty path": entry(path=""),
    "path with NUL": entry(path="infrared/a\0b"),
    "path that is a list": entry(path=["a"]),
    "path that is long": entry(path="a/" * 10_000 + "b"),
    "2^62 rows": entry(rows=HUGE),
    "negative rows": entry(rows=-3),
    "2^35 rows": entry(rows=2**35),
    "2^39 high": entry(height=2**39),
    "no width": entry(width=0),
    "300 channels": entry(channels=300),
    "another dtype": entry(dtype="uint16"),
    "no dtype": entry(dtype="object"),
    "another kind": entry(kind="packed"),
    "another encoding": entry(encoding="jpeg"),
    "categories that are lists": whole("categories", [[1], [2]]),
    "categories that are a word": whole("categories", "person"),
    "no categories": whole("categories", []),
    "splits that are numbers": whole("splits", [1, 2]),
    "no splits": whole("splits", []),
    "no scenes": whole("scenes", []),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_of_a_source(one_source, name, answers, look_at):
    """Refused when opened or when used; what is read all the same is right."""
    store = one_source("llvip")
    spoil(store, ATTRIBUTES[name])
    assert irtd_fast.verify(store).damage
    refused = 0
    try:
        samples = list(irtd_fast.open(store))
    except IrtdError:
        return
    for sample in samples:
        try:
            seen = look_at(sample)
        except IrtdError:
            refused += 1
        else:
            assert seen == answers["llvip"][sample.name]
    assert refused


@pytest.mark.parametrize("depth", [500, 900, 980, 2000])
def test_deep_attributes(one_source, depth):
    store = one_source("llvip")
    path = store / "llvip/zarr.json"
    text = path.read_text()
    path.write_text(
        text.replace('"irtd": {', '"irtd": {"deep": ' + "[" * depth + "]" * depth + ",")
    )
    with pytest.raises(IrtdError):
        irtd_fast.open(store)
    assert irtd_fast.verify(store).damage


# ---- columns ---------------------------------------------------------------------------------

COLUMNS = {
    "samples/infrared_row": np.arange(12) + 2**40,
    "samples/infrared_array": np.full(12, 30_000, np.int16),
    "samples/split": np.full(12, 99, np.int32),
    "samples/scene": np.full(12, -7, np.int32),
    "objects/category": None,
    "objects/offsets": np.arange(13, dtype=np.uint64)[::-1].copy(),
    "objects/box": np.zeros((1, 4), np.float32),
    "samples/name/offsets": np.full(13, 2**63, np.uint64),
    "visible/packed_jpeg/offsets": np.full(12, 2**63, np.uint64),
    "visible/packed_jpeg/lengths": np.full(12, 2**62, np.uint64),
    "visible/packed_jpeg/shape": np.full((12, 3), 2**30, np.int32),
    "visible/packed_jpeg/crc32c": np.zeros(11, np.uint32),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_with_valid_checksums(one_source, name, look_at):
    """A column rewritten with its checksums in order is still checked for sense."""
    store = one_source("llvip")
    path = store / "llvip" / name
    values = COLUMNS[name]
    if values is None:
        count = len(zarr.open_array(path, mode="r")[:])
        values = np.full(count, 5, np.int32)
    for file in path.rglob("*"):
        if file.is_file():
            file.unlink()
    write_column(path, values)
    assert irtd_fast.verify(store).damage
    with pytest.raises(IrtdError):
        list(map(look_at, irtd_fast.open(store)))
