"""Derived groups: whole or absent, covered by verify, and nothing else changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import irtd_fast
from irtd_fast.errors import StoreBusyError, StoreError
from irtd_fast.store import derived
from irtd_fast.store.columns import read_column, write_table
from irtd_fast.store.derived import attach_group
from irtd_fast.store.staging import STAGING, Staging
from irtd_fast.store.verify import verify_store


@pytest.fixture
def store(mixed_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mixed_store, tmp_path / "store.zarr"))


def table(values: list[int]):
    column = np.array(values, np.int64)
    return lambda folder: write_table(folder, {"value": column}, "sample")


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_the_group_is_there_and_verified_and_the_rest_is_as_it_was(store: Path) -> None:
    before = files(store / "llvip")
    pixels = irtd_fast.open(store).filter(source="llvip")[3].infrared
    attach_group(store, "llvip", "alignment", table([1, 2, 3]), attributes={"model": "scale"})
    after = files(store / "llvip")
    changed = {p for p in before if after[p] != before[p] and not p.startswith("files/")}
    assert changed == {"zarr.json"}
    new = {p for p in after.keys() - before.keys() if not p.startswith("files/")}
    assert new
    assert all(p.startswith("alignment/") for p in new)
    assert read_column(store / "llvip" / "alignment" / "value").tolist() == [1, 2, 3]
    dataset = irtd_fast.open(store).filter(source="llvip")
    np.testing.assert_array_equal(dataset[3].infrared, pixels)
    source = next(s for s in dataset.sources if s.name == "llvip")
    assert source.attributes["derived"] == {"alignment": {"model": "scale"}}
    assert verify_store(store).damage == []
    assert not (store / STAGING).exists()


def test_a_second_time_replaces_only_its_own_group(store: Path) -> None:
    attach_group(store, "counts", "statistics", table([7]), attributes={"bins": 3})
    attach_group(store, "counts", "alignment", table([1, 2, 3]), attributes={"n": 1})
    attach_group(store, "counts", "alignment", table([9]), attributes={"n": 2})
    assert read_column(store / "counts" / "alignment" / "value").tolist() == [9]
    assert read_column(store / "counts" / "statistics" / "value").tolist() == [7]
    attributes = irtd_fast.open(store).sources
    derived_of = next(s for s in attributes if s.name == "counts").attributes["derived"]
    assert derived_of == {"statistics": {"bins": 3}, "alignment": {"n": 2}}
    assert verify_store(store).damage == []


def test_verify_sees_a_flipped_bit_in_a_derived_group(store: Path) -> None:
    attach_group(store, "llvip", "statistics", table([5, 6]), attributes={})
    chunk = store / "llvip" / "statistics" / "value" / "c" / "0"
    data = bytearray(chunk.read_bytes())
    data[-1] ^= 1
    chunk.write_bytes(data)
    assert any("statistics/value" in d.path for d in verify_store(store).damage)


def test_a_failing_writer_leaves_the_source_as_it_was(store: Path) -> None:
    before = files(store / "llvip")

    def broken(folder: Path) -> None:
        folder.mkdir()
        raise RuntimeError("no space in here")

    with pytest.raises(RuntimeError, match="no space"):
        attach_group(store, "llvip", "alignment", broken, attributes={})
    assert files(store / "llvip") == before
    assert not (store / STAGING).exists()


def test_another_writer_and_an_interrupted_ingest_are_respected(store: Path) -> None:
    with (
        Staging(store, "llvip"),
        pytest.raises(StoreBusyError, match="being written"),
    ):
        attach_group(store, "llvip", "alignment", table([1]), attributes={})
    staging = Staging(store, "llvip")
    staging.begin()
    staging.manifest_path.write_text("{}")
    staging.save_plan({"request": 1})
    with pytest.raises(StoreError, match="interrupted ingest"):
        attach_group(store, "llvip", "alignment", table([1]), attributes={})


def test_without_hard_links_files_are_copied(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr(derived.os, "link", refuse)
    attach_group(store, "llvip", "alignment", table([4]), attributes={})
    assert verify_store(store).damage == []


def test_unknown_groups_are_refused(store: Path) -> None:
    with pytest.raises(ValueError, match="alignment, statistics"):
        attach_group(store, "llvip", "samples", table([1]), attributes={})
