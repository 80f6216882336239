"""The loader over a small synthetic store: pixels, boxes, determinism, resume, failures."""

from __future__ import annotations

import json
import pickle
import threading
import time

import cv2
import numpy as np
import pytest

import irtd_fast
from irtd_fast import synth
from irtd_fast.density import Adaptive, Density
from irtd_fast.errors import LoaderError
from irtd_fast.load import Augment, Loader
from irtd_fast.load.loader import BoxOptions
from irtd_fast.load.prefetch import Prefetcher
from irtd_fast.radiometry import Counts, MinMax, Percentile


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("loader")
    for source, size, count in (("hit-uav", (64, 80), 40), ("sirst-v2", None, 12)):
        synth.write_dump(root / source, source=source, count=count, seed=4, size=size)
        irtd_fast.ingest(root / source, root / "store.zarr", source=source)
    return root / "store.zarr"


@pytest.fixture(scope="module")
def dataset(store):
    return irtd_fast.open(store)


def digest(loader):
    return [
        (b.images.tobytes(), b.boxes.tobytes(), b.offsets.tobytes(), b.points.tobytes(),
         b.index.tobytes())
        for b in loader
    ]  # fmt: skip


def test_batches_equal_a_plain_reference(dataset):
    loader = Loader(
        dataset, batch_size=8, size=(48, 56), seed=9, normalize=Counts(), dtype="uint8", threads=2,
        filter="bilinear",
    )  # fmt: skip
    for batch in loader:
        for i, number in enumerate(batch.index):
            sample = dataset[int(number)]
            m = batch.matrix[i]
            flipped = m[0, 0] < 0
            x0 = (m[0, 2] - 56) / -m[0, 0] if flipped else -m[0, 2] / m[0, 0]
            y0, w, h = -m[1, 2] / m[1, 1], 56 / abs(m[0, 0]), 48 / m[1, 1]
            left, top, wide, high = (round(v) for v in (x0, y0, w, h))
            crop = sample.infrared[top : top + high, left : left + wide]
            expected = cv2.resize(crop, (56, 48), interpolation=cv2.INTER_LINEAR)
            if flipped:
                expected = expected[:, ::-1]
            difference = np.abs(expected.astype(int) - batch.images[i, 0].astype(int))
            assert difference.max() <= 1


def test_boxes_follow_the_matrix(dataset):
    loader = Loader(dataset, batch_size=16, size=(100, 120), seed=2, boxes=BoxOptions("keep", 0, 0))
    seen = 0
    for batch in loader:
        for i, number in enumerate(batch.index):
            sample = dataset[int(number)]
            mine = batch.boxes[batch.offsets[i] : batch.offsets[i + 1]]
            corners = sample.boxes.reshape(-1, 2, 2).astype(np.float64)
            mapped = corners @ batch.matrix[i][:, :2].T + batch.matrix[i][:, 2]
            hull = np.concatenate([mapped.min(axis=1), mapped.max(axis=1)], axis=1)
            overlap = (hull[:, :2] < [120, 100]).all(axis=1) & (hull[:, 2:] > 0).all(axis=1)
            for box in mine:
                assert np.abs(hull - box).max(axis=1).min() < 1e-2
            assert len(mine) >= overlap.sum()
            seen += len(mine)
    assert seen > 50


def test_clipped_boxes_are_inside_and_visible_enough(dataset):
    options = BoxOptions("clip", 0.3, 2.0)
    for batch in Loader(dataset, batch_size=16, size=(90, 90), seed=5, boxes=options):
        assert (batch.boxes >= 0).all()
        assert (batch.boxes <= 90).all()
        assert (batch.boxes[:, 2:] - batch.boxes[:, :2] >= 2.0 - 1e-3).all()
        assert (batch.visible_fraction >= 0.3 - 1e-6).all()
        assert len(batch.categories) == len(batch.boxes) == batch.offsets[-1]
        assert len(batch.target(0)["boxes"]) == batch.offsets[1]


def test_points_follow_the_matrix(dataset):
    targets = dataset.filter(source="sirst-v2")
    loader = Loader(targets, batch_size=4, size=(64, 64), augment=None)
    found = 0
    for batch in loader:
        for i, number in enumerate(batch.index):
            sample = targets[int(number)]
            mine = batch.points[batch.point_offsets[i] : batch.point_offsets[i + 1]]
            scale = np.array([64 / sample.width, 64 / sample.height])
            np.testing.assert_allclose(mine, sample.points * scale, rtol=1e-5, atol=1e-3)
            found += len(mine)
    assert found > 0


@pytest.mark.parametrize("threads", [2, 7])
@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_epochs_do_not_depend_on_threads_or_prefetch(dataset, threads, prefetch):
    plain = digest(Loader(dataset, batch_size=8, size=(40, 40), seed=1, threads=1, prefetch=0))
    other = Loader(dataset, batch_size=8, size=(40, 40), seed=1, threads=threads, prefetch=prefetch)
    assert digest(other) == plain
    assert digest(other) != plain  # the second epoch is another one


def test_ranks_see_the_same_samples_as_one(dataset):
    whole = np.concatenate([b.index for b in Loader(dataset, batch_size=8, size=(8, 8), seed=3)])
    parts = [
        np.concatenate(
            [b.index for b in Loader(dataset, 4, (8, 8), seed=3, rank=rank, world_size=2)]
        )
        for rank in (0, 1)
    ]
    assert set(whole) == set(np.concatenate(parts))
    assert len(parts[0]) == len(parts[1])


def test_resume_in_mid_epoch_is_exact(dataset):
    def make():
        return Loader(dataset, batch_size=8, size=(24, 24), seed=8)

    whole = digest(make())
    first = make()
    for number, _ in enumerate(first, start=1):
        if number == 3:
            state = json.loads(json.dumps(first.state_dict()))
            break
    second = make()
    second.load_state_dict(state)
    assert digest(second) == whole[3:]
    with pytest.raises(ValueError, match="state of another seed: found 8, this loader has 9"):
        Loader(dataset, seed=9).load_state_dict(state)


def test_three_channels_and_hwc(dataset):
    batch = next(iter(Loader(dataset, 4, (16, 20), channels=3, layout="hwc", augment=None)))
    assert batch.images.shape == (4, 16, 20, 3)
    assert (batch.images[..., 0] == batch.images[..., 2]).all()


def test_normalisation_is_per_sample(dataset):
    same_size = dataset.filter(source="hit-uav")
    for recipe in (MinMax(), Percentile(0, 100)):
        batch = next(iter(Loader(same_size, 8, (64, 80), augment=None, normalize=recipe)))
        assert batch.images.dtype == np.float32
        np.testing.assert_allclose(batch.images.min(axis=(1, 2, 3)), 0, atol=1e-6)
        np.testing.assert_allclose(batch.images.max(axis=(1, 2, 3)), 1, atol=1e-6)


def test_a_batch_stays_valid_while_it_is_held(dataset):
    held = [(b.images, b.images.copy()) for b in Loader(dataset, batch_size=4, size=(64, 64))]
    assert all((kept == copy).all() for kept, copy in held)


def test_damage_names_the_sample(store, tmp_path):
    import shutil

    shutil.copytree(store, tmp_path / "s.zarr")
    shard = next((tmp_path / "s.zarr" / "hit-uav" / "infrared").rglob("c/0/0/0"))
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    ds = irtd_fast.open(tmp_path / "s.zarr").filter(source="hit-uav")
    with pytest.raises(LoaderError, match=rf"sample 0 \({ds[0].id}\).*crc32c") as caught:
        list(Loader(ds, batch_size=8, size=(16, 16)))
    assert caught.value.sample == 0
    assert isinstance(caught.value.__cause__, irtd_fast.IrtdError)


def test_leaving_an_epoch_early_stops_its_thread(dataset):
    for _ in Loader(dataset, batch_size=4, size=(16, 16), prefetch=2):
        break
    deadline = time.monotonic() + 5
    while any(t.name == "irtd-prefetch" for t in threading.enumerate()):
        assert time.monotonic() < deadline, "the prefetch thread is still there"
        time.sleep(0.01)


def test_prefetcher_hands_exceptions_over_in_order():
    def items():
        yield 1
        raise KeyError("late")

    seen = []
    with pytest.raises(KeyError, match="late"):
        seen.extend(iter(Prefetcher(items(), 2)))
    iterator = iter(Prefetcher(items(), 2))
    assert next(iterator) == 1


def test_loader_pickles(dataset):
    loader = Loader(dataset, batch_size=8, size=(24, 24), seed=8)
    assert digest(pickle.loads(pickle.dumps(loader))) == digest(loader)


def test_augment_none_takes_the_whole_picture(dataset):
    batch = next(iter(Loader(dataset, 4, (32, 40), augment=None, order="sequential")))
    for i, number in enumerate(batch.index):
        sample = dataset[int(number)]
        assert batch.matrix[i, 0, 0] == pytest.approx(40 / sample.width)
        assert batch.matrix[i, 1, 1] == pytest.approx(32 / sample.height)
    assert Augment().flip == 0.5


@pytest.mark.parametrize(
    "arguments",
    [
        {"size": (0, 5)}, {"channels": 2}, {"dtype": "float64"}, {"layout": "nchw"},
        {"batch_size": 0}, {"order": "zigzag"},
    ],
)  # fmt: skip
def test_bad_arguments(dataset, arguments):
    with pytest.raises(ValueError, match="found"):
        Loader(dataset, **arguments)


def test_ledgers_of_batches_add_up_to_the_epochs(dataset):
    loader = Loader(dataset, batch_size=16, size=(60, 60), seed=5, boxes=BoxOptions("clip", 0.4, 4))
    boxes = points = 0
    for batch in loader:
        boxes += batch.box_ledger.total
        points += batch.point_ledger.total
        assert batch.box_ledger.kept + batch.box_ledger.clipped == len(batch.boxes)
        assert batch.point_ledger.kept == len(batch.points)
    assert loader.box_ledger.total == boxes == sum(len(sample.boxes) for sample in dataset)
    assert loader.point_ledger.total == points == sum(len(sample.points) for sample in dataset)
    assert loader.box_ledger.dropped > 0
    assert loader.box_ledger.clipped > 0
    first = loader.box_ledger
    assert sum(len(batch.boxes) for batch in loader) == (
        loader.box_ledger.kept + loader.box_ledger.clipped
    )
    assert loader.box_ledger != first  # another epoch, counted from its beginning


@pytest.mark.parametrize("sigma", [3.0, Adaptive()])
def test_density_maps_count_the_points_of_the_batch(dataset, sigma):
    targets = dataset.filter(source="sirst-v2")
    options = Density(sigma, stride=4)
    loader = Loader(targets, batch_size=5, size=(62, 90), seed=3, density=options, threads=2)
    seen = 0
    for batch in loader:
        assert batch.density.shape == (len(batch), 16, 23)
        counts = np.diff(batch.point_offsets)
        np.testing.assert_allclose(batch.density.sum(axis=(1, 2)), counts, rtol=1e-4)
        for x, y in batch.points:
            assert batch.density[:, int(y) // 4, int(x) // 4].max() > 0
        seen += counts.sum()
    assert seen > 0
    assert next(iter(Loader(targets, batch_size=5, size=(62, 90)))).density is None


def test_filters_and_borders_reach_the_pixels(dataset):
    sample = dataset[0].infrared
    height, width = sample.shape
    for name, flag in (("area", cv2.INTER_AREA), ("bilinear", cv2.INTER_LINEAR)):
        loader = Loader(
            dataset, 1, (height // 4, width // 4), augment=None, order="sequential", filter=name,
            normalize=Counts(), dtype="uint8",
        )  # fmt: skip
        images = next(iter(loader)).images
        expected = cv2.resize(sample, (width // 4, height // 4), interpolation=flag)
        assert np.abs(images[0, 0].astype(int) - expected).max() <= 1
    with pytest.raises(ValueError, match="filter must be nearest"):
        Loader(dataset, filter="cubic")
    with pytest.raises(ValueError, match="border must be replicate"):
        Loader(dataset, border="wrap")
