"""Opening, indexing, filtering, joining and shipping datasets, against what was drawn."""

from __future__ import annotations

import json
import pickle
import shutil

import cv2
import numpy as np
import pytest
import tifffile

import irtd_fast
from irtd_fast.errors import CorruptStoreError, StoreFormatError
from irtd_fast.store.dataset import Dataset
from irtd_fast.types import SampleFlag

from_file = {"jpg": lambda p: cv2.imread(str(p), cv2.IMREAD_GRAYSCALE), "tiff": tifffile.imread}


@pytest.fixture(scope="module")
def ds(mixed_store):
    return irtd_fast.open(mixed_store)


def test_all_sources_in_order(ds):
    assert [source.name for source in ds.sources] == [
        "compact", "counts", "llvip", "packed", "targets",
    ]  # fmt: skip
    assert len(ds) == 60
    assert repr(ds) == "Dataset(60 samples of compact, counts, llvip, packed, targets)"
    assert [sample.id for sample in ds][:2] == [f"compact/{ds[0].name}", f"compact/{ds[1].name}"]
    assert len({sample.id for sample in ds}) == 60


@pytest.mark.parametrize("source", ["llvip", "compact"])
def test_samples_are_what_the_dump_has(ds, small_dumps, source):
    root = small_dumps("llvip")
    part = ds.filter(source=source)
    for sample in part:
        (path,) = root.glob(f"infrared/*/{sample.name}.jpg")
        assert sample.split == path.parent.name
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(sample.infrared, gray)
        assert (sample.height, sample.width) == gray.shape
        colour = cv2.imread(str(root / "visible" / sample.split / path.name))[..., ::-1]
        assert np.array_equal(sample.visible, colour)
        assert sample.mask is None
        assert sample.flags == SampleFlag(0)
        assert (sample.frame, sample.identity, sample.camera) == (-1, -1, -1)
        assert sample.boxes.shape == (len(sample.names), 4)
        assert sample.boxes.dtype == np.float32
        assert set(sample.names) <= {"person"}
        assert sample.corners is None
        lengths = {len(sample.tracks), len(sample.object_flags), len(sample.object_modality)}
        assert lengths == {len(sample.boxes)}
    assert sum(len(sample.boxes) for sample in part) > 0


@pytest.mark.parametrize("source", ["counts", "packed"])
def test_sixteen_bits_stay_sixteen(ds, small_dumps, source):
    root = small_dumps("flir-v1-16bit", variant="tree")
    files = {path.stem: path for path in root.rglob("*.tiff")}
    for sample in ds.filter(source=source):
        assert sample.infrared.dtype == np.uint16
        stem = sample.name.rpartition("/")[2]
        assert np.array_equal(sample.infrared, tifffile.imread(files[stem]))


def test_masks_and_points(ds, small_dumps):
    root = small_dumps("sirst-v2")
    for sample in ds.filter(source="targets"):
        mask = root / f"annotations/masks/{sample.name}_pixels0.png"
        assert np.array_equal(sample.mask, cv2.imread(str(mask), cv2.IMREAD_UNCHANGED))
        assert sample.points.shape == (len(sample.points), 2)
    assert any(len(sample.points) for sample in ds.filter(source="targets"))


def test_indexing(ds):
    assert ds[-1].id == ds[59].id
    assert isinstance(ds[3:5], Dataset)
    assert [s.id for s in ds[[5, 2, 5]]] == [ds[5].id, ds[2].id, ds[5].id]
    assert len(ds[np.zeros(60, bool)]) == 0
    assert [s.id for s in ds[::-30]] == [ds[59].id, ds[29].id]
    for number in (60, -61, 10**12):
        with pytest.raises(IndexError, match="of 60"):
            ds[number]


def test_samples_by_source_and_row(ds):
    some = ds.filter(source="llvip")
    found = some.at([2, 0, 2], [3, 11, 3])
    assert [s.id for s in found] == [
        ds.filter(source="llvip")[3].id, ds.filter(source="compact")[11].id,
        ds.filter(source="llvip")[3].id,
    ]  # fmt: skip
    for codes, rows in (([5], [0]), ([-1], [0]), ([2], [12]), ([2], [-1])):
        with pytest.raises(ValueError, match=f"no row {rows[0]} of source number {codes[0]}"):
            ds.at(codes, rows)
    with pytest.raises(ValueError, match="expected pairs"):
        ds.at([1, 2], [0])


def test_filters(ds):
    assert len(ds.filter(source="llvip")) == 12
    assert len(ds.filter(source=["llvip", "counts"])) == 24
    train = ds.filter(split="train", source=("llvip", "compact"))
    assert {sample.split for sample in train} == {"train"}
    assert len(train) + len(ds.filter(split="test", source=("llvip", "compact"))) == 24
    people = ds.filter(category="person")
    assert [s.id for s in people] == [s.id for s in ds if "person" in s.names]
    assert 0 < len(people) < 60
    assert len(people.filter(category="target")) == 0
    assert len(ds.filter()) == 60


@pytest.mark.parametrize("what", ["source", "split", "category"])
def test_unknown_words_are_refused(ds, what):
    with pytest.raises(ValueError, match=rf"no {what} \['nowhere'\]; there are"):
        ds.filter(**{what: "nowhere"})


def test_categories_are_one_vocabulary(ds):
    assert ds.categories == sorted(ds.categories)
    assert {"person", "target"} <= set(ds.categories)
    for sample in ds:
        assert [ds.categories[code] for code in sample.categories] == sample.names


def test_joining(ds, mixed_store, scratch):
    same = ds[:2] + ds[10:11]
    assert [s.id for s in same] == [ds[0].id, ds[1].id, ds[10].id]
    assert same.sources is ds.sources
    other_path = shutil.copytree(mixed_store, scratch / "b.zarr")
    other = irtd_fast.open(other_path)
    both = ds.filter(source="targets") + other.filter(source="llvip")
    assert [s.name for s in both] == [s.name for s in ds.filter(source="targets")] + [
        s.name for s in ds.filter(source="llvip")
    ]
    for joined, original in zip(both, ds[48:60] + ds[24:36], strict=True):
        assert np.array_equal(joined.infrared, original.infrared)
        assert joined.names == original.names
    again = irtd_fast.open(mixed_store) + ds[:1]
    assert len(again.sources) == 5
    assert again[60].id == ds[0].id


def test_pickles_are_small_and_open_again(ds):
    part = ds.filter(source="llvip")[2:7]
    part[0].infrared  # noqa: B018  (the pipeline is open by now)
    data = pickle.dumps(part)
    assert len(data) < 4000
    back = pickle.loads(data)
    assert [s.id for s in back] == [s.id for s in part]
    assert np.array_equal(back[3].infrared, part[3].infrared)


def test_columns_and_places(ds):
    numbers = np.array([59, 0, 30])
    heights = ds.column("height", numbers)
    assert heights.tolist() == [64, 64, 64]
    assert ds.column("height").shape == (60,)
    assert ds[:0].column("height").shape == (0,)
    arrays, rows = ds.locate(numbers)
    assert len(set(arrays.tolist())) == 3
    for number, array, row in zip(numbers, arrays, rows, strict=True):
        assert np.array_equal(ds.pipeline.fetch(array, row), ds[int(number)].infrared)
    arrays, _ = ds.locate(numbers, "masks")
    assert (arrays >= 0).tolist() == [True, False, False]


def test_objects_of_many(ds):
    numbers = np.arange(len(ds))[::-1].copy()
    objects = ds.objects(numbers, ("box", "flags"))
    assert objects.offsets[-1] == sum(len(sample.boxes) for sample in ds)
    for place, number in enumerate(numbers):
        mine = slice(objects.offsets[place], objects.offsets[place + 1])
        assert np.array_equal(objects["box"][mine], ds[int(number)].boxes)
        assert np.array_equal(objects.category[mine], ds[int(number)].categories)
    points = ds.points(numbers)
    assert points.offsets[-1] == sum(len(sample.points) for sample in ds)


def test_a_store_without_sources(scratch):
    store = scratch / "s.zarr"
    store.mkdir()
    document = {"zarr_format": 3, "node_type": "group", "attributes": {"irtd": {"format": 1}}}
    (store / "zarr.json").write_text(json.dumps(document))
    (store / "notes").mkdir()
    ds = irtd_fast.open(store)
    assert (len(ds), ds.categories, list(ds)) == (0, [], [])
    assert len(ds.filter()) == 0


def test_what_is_no_store(scratch, mixed_store):
    for path in (scratch / "nothing", scratch, mixed_store / "zarr.json"):
        with pytest.raises(CorruptStoreError):
            irtd_fast.open(path)
    (scratch / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    with pytest.raises(StoreFormatError, match="irtd"):
        irtd_fast.open(scratch)


def test_a_source_does_not_vanish_with_its_metadata(mixed_store, scratch):
    store = shutil.copytree(mixed_store, scratch / "s.zarr")
    (store / "llvip/zarr.json").unlink()
    with pytest.raises(CorruptStoreError, match=r"llvip/zarr\.json: metadata file is missing"):
        irtd_fast.open(store)
    report = irtd_fast.verify(store)
    assert [(d.source, d.path) for d in report.damage] == [("llvip", "llvip/zarr.json")]


def test_a_store_behind_a_link(mixed_store, scratch):
    link = scratch / "link.zarr"
    link.symlink_to(mixed_store)
    ds = irtd_fast.open(link)
    assert len(ds) == 60
    assert ds[0].infrared.shape == (64, 80)
    assert irtd_fast.verify(link).ok
