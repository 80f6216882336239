"""Columns and strings: round trips, other readers, damage."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from irtd_fast.errors import CorruptStoreError, StoreFormatError
from irtd_fast.store import columns
from irtd_fast.store.columns import (
    Strings,
    column_shape,
    csr_offsets,
    read_column,
    read_strings,
    write_column,
    write_group,
    write_strings,
    write_table,
)

VALUES = {
    "int64": np.arange(-5, 6),
    "uint64": np.array([0, 2**64 - 1], np.uint64),
    "float32": np.array([[1.5, np.nan, np.inf, -0.0]] * 3, np.float32),
    "bool": np.array([True, False]),
    "empty": np.empty(0, np.int16),
    "empty-wide": np.empty((0, 8), np.float32),
    "uint8": np.arange(256, dtype=np.uint8),
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("rows", [3, 1 << 20])
def test_columns_read_back_here_and_elsewhere(name, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "_CHUNK_ROWS", rows)
    values = VALUES[name]
    write_column(tmp_path / "a", values, "thing")
    back = read_column(tmp_path / "a")
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)
    assert column_shape(tmp_path / "a") == values.shape
    theirs = zarr.open_array(tmp_path / "a", mode="r")
    np.testing.assert_array_equal(theirs[:], values)
    assert theirs.metadata.dimension_names[0] == "thing"
    chunks = len(list((tmp_path / "a").rglob("c/*"))) if values.ndim == 1 else None
    assert chunks in (None, -(-len(values) // min(rows, max(1, len(values)))))


@given(st.lists(st.text(st.characters(), max_size=12), max_size=20))
def test_strings_read_back(texts):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        write_strings(Path(folder) / "s", texts)
        back = read_strings(Path(folder) / "s")
    assert list(back) == texts
    assert len(back) == len(texts)


def test_strings_index_like_a_list(tmp_path):
    texts = ["a", "", "Wärme", "名前", "\udcff odd bytes"]
    write_strings(tmp_path / "s", texts)
    back = read_strings(tmp_path / "s")
    assert back[-1] == texts[-1]
    assert back[1:4] == texts[1:4]
    assert "名前" in back
    for beyond in (5, -6):
        with pytest.raises(IndexError):
            back[beyond]


@pytest.mark.parametrize("offsets", [[], [1, 3], [0, 2], [0, 4], [0, 3, 1, 3]])
def test_offsets_must_fit_the_values(offsets, tmp_path):
    values = np.frombuffer(b"abc", np.uint8)
    with pytest.raises(CorruptStoreError, match="offsets"):
        Strings(values, np.array(offsets, np.uint64), tmp_path)


def test_tables_are_groups_of_columns(tmp_path):
    write_table(tmp_path / "t", {"n": np.arange(3), "name": ["a", "b", "c"]}, "sample")
    group = zarr.open_group(tmp_path / "t", mode="r")
    assert sorted(key for key, _ in group.members()) == ["n", "name"]
    assert group["n"][:].tolist() == [0, 1, 2]
    assert group["name/values"][:].tobytes() == b"abc"


def test_groups_carry_attributes(tmp_path):
    write_group(tmp_path / "g", {"a": [1]})
    assert zarr.open_group(tmp_path / "g", mode="r").attrs["a"] == [1]


def test_csr_offsets():
    assert csr_offsets([2, 0, 3], 3).tolist() == [0, 2, 2, 5]
    assert csr_offsets([], 0).tolist() == [0]


def test_every_flipped_bit_of_a_chunk_is_noticed(tmp_path):
    write_column(tmp_path / "a", np.arange(40))
    file = tmp_path / "a/c/0"
    good = file.read_bytes()
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        file.write_bytes(bad)
        with pytest.raises(CorruptStoreError) as caught:
            read_column(tmp_path / "a")
        assert caught.value.path == str(file)


@pytest.mark.parametrize("keep", [0, 3, 4, -1])
def test_truncated_chunks_are_noticed(keep, tmp_path):
    write_column(tmp_path / "a", np.arange(40))
    file = tmp_path / "a/c/0"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CorruptStoreError):
        read_column(tmp_path / "a")


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_missing_chunks_are_noticed(gone, tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "_CHUNK_ROWS", 10)
    write_column(tmp_path / "a", np.arange(25))
    (tmp_path / f"a/c/{gone}").unlink()
    with pytest.raises(CorruptStoreError, match="missing") as caught:
        read_column(tmp_path / "a")
    assert caught.value.path == str(tmp_path / f"a/c/{gone}")


def edit(path, **changes):
    document = json.loads((path / "zarr.json").read_text())
    document.update(changes)
    (path / "zarr.json").write_text(json.dumps(document))


def grid(*chunk):
    return {"name": "regular", "configuration": {"chunk_shape": list(chunk)}}


def test_a_shape_beyond_the_files_takes_no_memory(tmp_path):
    write_column(tmp_path / "a", np.arange(25))
    edit(tmp_path / "a", shape=[2**47])
    for read in (read_column, column_shape):
        with pytest.raises(CorruptStoreError, match="missing"):
            read(tmp_path / "a")


def test_chunks_beyond_a_gigabyte_are_refused(tmp_path):
    write_column(tmp_path / "a", np.arange(25))
    edit(tmp_path / "a", chunk_grid=grid(2**40))
    with pytest.raises(StoreFormatError, match="1 GiB"):
        read_column(tmp_path / "a")


def test_columns_are_chunked_along_rows_only(tmp_path):
    write_column(tmp_path / "a", np.zeros((4, 8), np.float32))
    edit(tmp_path / "a", chunk_grid=grid(4, 4))
    with pytest.raises(StoreFormatError, match="span a column's width") as caught:
        read_column(tmp_path / "a")
    assert caught.value.path == str(tmp_path / "a")


def test_a_bucket_is_no_column(mixed_store):
    with pytest.raises(StoreFormatError, match="not sharded"):
        read_column(mixed_store / "llvip/infrared/h64w80u8")
