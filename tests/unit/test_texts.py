"""Texts beside their samples: what is stored comes back, side by side, replaced only on request."""

from __future__ import annotations

import itertools
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

import irtd_fast
from irtd_fast.errors import CorruptStoreError, StoreExistsError
from irtd_fast.store.columns import write_column
from irtd_fast.store.text_columns import STRING_COLUMNS, TextColumns, TextRecord
from irtd_fast.store.texts import read_texts, text_builds, write_texts
from irtd_fast.store.verify import verify_store


@pytest.fixture
def store(mixed_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mixed_store, tmp_path / "store.zarr"))


def source_of(store: Path, name: str = "llvip"):
    return irtd_fast.open(store).source_named(name)


def some_texts(samples: int) -> list[list[TextRecord]]:
    """0, 1 or 2 texts a sample; questions repeat, answers do not."""
    return [
        [
            TextRecord(
                ("location", "scene")[k], "Locate all person from left to right.",
                f"answer {row}.{k} — é", "T1", json.dumps({"row": row % 2}), "benchmark", (row, k),
            )
            for k in range(row % 3)
        ]
        for row in range(samples)
    ]  # fmt: skip


def columns_of(texts: list[list[TextRecord]]) -> TextColumns:
    columns = TextColumns()
    for records in texts:
        columns.add(records)
    return columns


def test_what_is_stored_comes_back_and_is_verified(store: Path) -> None:
    texts = some_texts(len(source_of(store)))
    facts = write_texts(store, "llvip", "mine", columns_of(texts), attributes={"seed": 3})
    flat = [record for records in texts for record in records]
    assert facts["texts"] == len(flat)
    assert facts["samples"] == sum(bool(records) for records in texts)
    assert facts["tasks"] == {
        task: sum(r.task == task for r in flat) for task in ("location", "scene")
    }
    source = source_of(store)
    assert text_builds(source) == {"mine": {**facts, "seed": 3}}
    stored = read_texts(source, "mine")
    assert [stored.of(row) for row in range(len(source))] == texts
    assert list(stored) == flat
    assert len(stored) == len(flat)
    assert verify_store(store).damage == []


def test_strings_that_repeat_are_kept_once(store: Path) -> None:
    write_texts(
        store, "llvip", "mine", columns_of(some_texts(len(source_of(store)))), attributes={}
    )
    folder = store / "llvip" / "texts" / "mine"
    assert (folder / "question" / "codes").exists()
    assert not (folder / "answer" / "codes").exists()


def test_zarr_python_reads_the_same(store: Path) -> None:
    texts = some_texts(len(source_of(store)))
    write_texts(store, "llvip", "mine", columns_of(texts), attributes={})
    group = zarr.open_group(store, mode="r")["llvip/texts/mine"]
    offsets = group["offsets"][:]
    assert np.diff(offsets).tolist() == [len(records) for records in texts]

    def rows(name: str) -> list[str]:
        column = group[name]
        edges, data = column["offsets"][:], column["values"][:].tobytes()
        words = [data[a:b].decode() for a, b in itertools.pairwise(edges)]
        return [words[code] for code in column["codes"][:]] if "codes" in column else words

    flat = [record for records in texts for record in records]
    for number, name in enumerate(STRING_COLUMNS):
        assert rows(name) == [record[number] for record in flat]
    edges, index = group["objects/offsets"][:], group["objects/index"][:].tolist()
    found = [tuple(index[a:b]) for a, b in itertools.pairwise(edges)]
    assert found == [record.objects for record in flat]


RECORD = st.builds(
    TextRecord,
    st.sampled_from(["location", "scene"]),
    st.text(max_size=8),
    st.text(max_size=8),
    st.sampled_from(["", "T1"]),
    st.just(""),
    st.sampled_from(["", "benchmark"]),
    st.lists(st.integers(0, 99), max_size=3).map(tuple),
)


@given(st.lists(st.lists(RECORD, max_size=3), max_size=9), st.data())
def test_blocks_joined_equal_one_block(texts: list[list[TextRecord]], data: st.DataObject) -> None:
    whole = columns_of(texts)
    cut = data.draw(st.integers(0, len(texts)))
    first, second = columns_of(texts[:cut]), columns_of(texts[cut:])
    first.extend(pickle.loads(pickle.dumps(second)))
    assert first.__getstate__()[0] == whole.lengths
    for name in STRING_COLUMNS:
        assert first.strings[name].codes == whole.strings[name].codes
        assert list(first.strings[name].words) == list(whole.strings[name].words)
    assert (first.objects, first.object_lengths) == (whole.objects, whole.object_lengths)
    flat = [record for records in texts for record in records]
    assert list(whole.by_sample()) == texts
    assert whole.strings["answer"].rows() == [record.answer for record in flat]


def test_texts_live_side_by_side_and_are_replaced_on_request_only(store: Path) -> None:
    count = len(source_of(store))
    one, none = columns_of(some_texts(count)), columns_of([[]] * count)
    write_texts(store, "llvip", "benchmark", one, attributes={"seed": 1})
    write_texts(store, "llvip", "trial-2", none, attributes={"seed": 2})
    with pytest.raises(StoreExistsError, match="--replace builds them anew"):
        write_texts(store, "llvip", "benchmark", none, attributes={"seed": 3})
    builds = text_builds(source_of(store))
    assert {name: facts["seed"] for name, facts in builds.items()} == {"benchmark": 1, "trial-2": 2}
    write_texts(store, "llvip", "benchmark", none, attributes={"seed": 3}, replace=True)
    assert len(read_texts(source_of(store), "benchmark")) == 0
    assert text_builds(source_of(store))["benchmark"]["seed"] == 3
    assert verify_store(store).damage == []


def test_wrong_names_and_counts_are_refused(store: Path) -> None:
    for name in ("", "../x", "A", "a" * 65, "a/b", ".x"):
        with pytest.raises(ValueError, match="a name of texts is"):
            write_texts(store, "llvip", name, TextColumns(), attributes={})
    count = len(source_of(store))
    with pytest.raises(ValueError, match=f"texts of 1 samples for llvip, which has {count}"):
        write_texts(store, "llvip", "mine", columns_of([[]]), attributes={})
    with pytest.raises(ValueError, match=r"llvip has no texts 'mine': it has none"):
        read_texts(source_of(store), "mine")
    assert "texts" not in {p.name for p in (store / "llvip").iterdir()}


@pytest.mark.parametrize("column", ["offsets", "question/codes", "answer/values", "objects/index"])
def test_a_flipped_bit_is_found(store: Path, column: str) -> None:
    texts = some_texts(len(source_of(store)))
    write_texts(store, "llvip", "mine", columns_of(texts), attributes={})
    chunk = store / "llvip" / "texts" / "mine" / column / "c" / "0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 4
    chunk.write_bytes(data)
    assert any(f"texts/mine/{column}" in d.path for d in verify_store(store).damage)
    with pytest.raises(CorruptStoreError, match="mine"):
        list(read_texts(source_of(store), "mine"))


def test_columns_that_do_not_fit_each_other_are_refused(store: Path) -> None:
    texts = some_texts(len(source_of(store)))
    write_texts(store, "llvip", "mine", columns_of(texts), attributes={})
    write_texts(store, "llvip", "other", columns_of([[]] * len(texts)), attributes={})
    folder = store / "llvip" / "texts"
    shutil.rmtree(folder / "mine" / "kind")
    shutil.copytree(folder / "other" / "kind", folder / "mine" / "kind")
    with pytest.raises(CorruptStoreError, match=r"kind: expected \d+ texts, found 0"):
        read_texts(source_of(store), "mine").check()


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("offsets", np.zeros((13, 2), np.uint64), "a column of whole numbers, found 2-D uint64"),
        ("offsets", np.zeros(13, np.float32), "a column of whole numbers, found 1-D float32"),
        ("offsets", np.zeros(5, np.uint64), "13 rows, found 5"),
        ("offsets", np.arange(13, dtype=np.uint64)[::-1].copy(), "offsets that never go back"),
        ("question/codes", np.full(12, 9, np.uint8), "codes below 1, found 9"),
        ("question/codes", np.full(12, -1, np.int32), "codes below 1"),
        ("objects/index", np.zeros(3, np.int32), "12 rows, found 3"),
    ],
)
def test_columns_of_a_wrong_kind_are_named(
    store: Path, name: str, values: np.ndarray, said: str
) -> None:
    texts = [[TextRecord("scene", "Which?", f"{row}", objects=(row,))] for row in range(12)]
    write_texts(store, "llvip", "mine", columns_of(texts), attributes={})
    folder = store / "llvip" / "texts" / "mine" / name
    shutil.rmtree(folder)
    write_column(folder, values)
    with pytest.raises(CorruptStoreError, match=f"mine/{name}: expected .*{said}"):
        read_texts(source_of(store), "mine").check()
