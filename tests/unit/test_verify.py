"""Verification: a whole store is whole, and each kind of damage is one line that names it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import irtd_fast
from irtd_fast.errors import CorruptStoreError, StoreFormatError
from irtd_fast.store.verify import Damage

BUCKET = "llvip/infrared/h64w80u8"
PACKED = "packed/infrared/packed_u16"


@pytest.fixture
def store(mixed_store, scratch):
    return shutil.copytree(mixed_store, scratch / "s.zarr")


def flip(path, place, bit=0):
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def test_a_whole_store(mixed_store):
    steps = []
    report = irtd_fast.verify(mixed_store, progress=lambda *step: steps.append(step))
    assert report.ok
    assert report.sources == ["compact", "counts", "llvip", "packed", "targets"]
    assert report.samples == 60
    on_disk = [p for p in mixed_store.rglob("*") if p.is_file()]
    unlisted = [p for p in on_disk if p.parent == mixed_store or p.parent.parent == mixed_store]
    tables = [p for p in on_disk if p.relative_to(mixed_store).parts[1:2] == ("files",)]
    assert report.files == len(on_disk) - len(unlisted) - len(tables)
    assert report.bytes > 0.5 * sum(p.stat().st_size for p in on_disk)
    assert json.loads(json.dumps(report.to_dict()))["ok"] is True
    assert steps[-1][1] == steps[-1][2]
    assert {phase for phase, _, _ in steps} == {f"verify {name}" for name in report.sources}


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_do_not_change_the_answer(store, threads):
    flip(store / BUCKET / "c/0/0/0", 100)
    flip(store / BUCKET / "c/1/0/0", 9000)
    report = irtd_fast.verify(store, threads=threads)
    assert [(d.path, d.row) for d in report.damage] == [
        (f"{BUCKET}/c/0/0/0", 0), (f"{BUCKET}/c/1/0/0", 7),
    ]  # fmt: skip


def test_a_damaged_chunk_names_its_sample(store):
    names = [sample.name for sample in irtd_fast.open(store).filter(source="llvip")]
    flip(store / BUCKET / "c/0/0/0", 5124 * 4 + 17)
    (damage,) = irtd_fast.verify(store).damage
    assert (damage.source, damage.path, damage.row) == ("llvip", f"{BUCKET}/c/0/0/0", 4)
    assert damage.sample == names[4]
    assert "crc32c mismatch" in damage.message
    assert str(damage) == f"{damage.path} (sample {names[4]}): {damage.message}"


def test_a_damaged_index_names_its_shard(store):
    flip(store / BUCKET / "c/1/0/0", -10)
    (damage,) = irtd_fast.verify(store).damage
    assert (damage.path, damage.row, damage.sample) == (f"{BUCKET}/c/1/0/0", -1, "")


def test_a_damaged_packed_file_names_its_sample(store):
    names = [sample.name for sample in irtd_fast.open(store).filter(source="packed")]
    flip(store / PACKED / "values/c/1", 64 * 80 * 2 + 1)
    damage = irtd_fast.verify(store).damage
    assert [d.path for d in damage] == [f"{PACKED}/values/c/1"] * 2
    assert [d.sample for d in damage] == ["", names[damage[1].row]]


def test_a_shard_of_another_place(store):
    first, second = (store / BUCKET / f"c/{n}/0/0" for n in (0, 1))
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    damage = irtd_fast.verify(store).damage
    assert {d.path for d in damage} == {f"{BUCKET}/c/0/0/0", f"{BUCKET}/c/1/0/0"}
    assert {d.message for d in damage} == {"content does not match its digest"}


def test_more_and_fewer_files(store):
    (store / BUCKET / "c/1/0/0").unlink()
    (store / BUCKET / "c/2").mkdir()
    (store / BUCKET / "c/2/0").write_text("mine")
    (store / "llvip/files/bytes/c/7").write_text("mine")
    messages = {d.path: d.message for d in irtd_fast.verify(store).damage}
    assert (
        "cannot open" in messages[f"{BUCKET}/c/1/0/0"]
        or "missing" in (messages[f"{BUCKET}/c/1/0/0"])
    )
    assert messages[f"{BUCKET}/c/2/0"] == "a file that the store does not list"
    assert "table of files" in messages["llvip/files"]


def edit_attributes(store, source, change):
    path = store / source / "zarr.json"
    document = json.loads(path.read_text())
    change(document["attributes"]["irtd"])
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        lambda irtd: irtd["categories"].reverse() or irtd["categories"].append("more"),
        lambda irtd: irtd["counts"].update(samples=11),
        lambda irtd: irtd.update(licence="anything goes"),
        lambda irtd: irtd.update(digest=1),
        lambda irtd: irtd.pop("files_digest"),
    ],
)
def test_attributes_are_covered(store, change):
    edit_attributes(store, "llvip", change)
    damage = irtd_fast.verify(store).damage
    assert "llvip/zarr.json" in {d.path for d in damage}


def test_attributes_that_cannot_be_used(store):
    edit_attributes(store, "llvip", lambda irtd: irtd.pop("arrays"))
    (damage,) = irtd_fast.verify(store).damage
    assert (damage.source, damage.path) == ("llvip", "llvip/zarr.json")
    assert "arrays" in damage.message


def test_labels_that_do_not_fit(store):
    shutil.copytree(store / "counts/objects", store / "llvip/objects", dirs_exist_ok=True)
    damage = irtd_fast.verify(store).damage
    assert all(d.source == "llvip" for d in damage)
    assert any(d.path.startswith("llvip/objects/") for d in damage)


def test_the_root_must_be_ours(store, scratch):
    with pytest.raises(CorruptStoreError):
        irtd_fast.verify(scratch / "nothing")
    flip(store / "zarr.json", 0)
    with pytest.raises(StoreFormatError) as caught:
        irtd_fast.verify(store)
    assert caught.value.path == str(store / "zarr.json")


def test_what_lies_beside_is_noted(store):
    (store / ".staging").mkdir()
    (store / "plots").mkdir()
    (store / "README").write_text("mine")
    report = irtd_fast.verify(store)
    assert report.ok
    assert report.notes == [
        ".staging/ holds work in progress; it is not part of the store",
        "README: not part of the store",
        "plots: not part of the store",
    ]


def test_rows_that_two_samples_share(store, monkeypatch):
    from irtd_fast.store.source import Source

    read = Source.column

    def column(self, table, name):
        values = read(self, table, name)
        if name == "infrared_row" and self.name == "llvip":
            return np.zeros_like(values)
        return values

    monkeypatch.setattr(Source, "column", column)
    (damage,) = irtd_fast.verify(store).damage
    assert damage == Damage("llvip", "llvip/samples", -1, "", damage.message)
    assert "rows do not fit infrared/h64w80u8" in damage.message
