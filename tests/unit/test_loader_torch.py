"""Tensors, DataLoader, targets and devices: the batches are the loader's own."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import irtd_fast
from irtd_fast import synth
from irtd_fast.engines.statistics import measure_source
from irtd_fast.errors import UnsupportedError
from irtd_fast.load import Loader
from irtd_fast.radiometry import Counts, MinMax, Percentile, Planck, Window, ZScore

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader  # noqa: E402

from irtd_fast.load.device import DeviceLoader, DeviceNormalize  # noqa: E402
from irtd_fast.load.torch import Batches, Samples, collate, tensors, to_torch  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("torch")
    synth.write_dump(root / "dump", source="hit-uav", count=44, seed=4, size=(64, 80))
    irtd_fast.ingest(root / "dump", root / "s.zarr", source="hit-uav")
    synth.write_dump(root / "deep", source="flir-v1-16bit", count=24, seed=4, size=(64, 80))
    irtd_fast.ingest(root / "deep", root / "s.zarr", source="flir-v1-16bit")
    measure_source(root / "s.zarr", "hit-uav")
    measure_source(root / "s.zarr", "flir-v1-16bit")
    return root / "s.zarr"


@pytest.fixture
def dataset(store):
    return irtd_fast.open(store).filter(source="hit-uav")


def loader_of(dataset, **options):
    return Loader(dataset, **{"batch_size": 8, "size": (24, 32), "seed": 3, **options})


def keys(batches):
    return [
        (np.asarray(b.images).tobytes(), np.asarray(b.boxes).tobytes(), b.index.tolist())
        for b in batches
    ]


def test_tensors_share_the_memory(dataset):
    batch = next(iter(loader_of(dataset)))
    made = to_torch(batch)
    assert made.images.data_ptr() == batch.images.ctypes.data
    assert made.images.dtype == torch.float32
    assert made.boxes.shape == (len(batch.boxes), 4)
    with pytest.raises(AttributeError, match="the batch has no pictures; it has images"):
        made.pictures  # noqa: B018
    again = pickle.loads(pickle.dumps(made))
    assert torch.equal(again.images, made.images)
    half = next(tensors(loader_of(dataset, dtype="bfloat16")))
    assert half.images.dtype == torch.bfloat16
    assert torch.allclose(half.images.float(), made.images, atol=1 / 128)


@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_an_epoch_is_the_same_for_any_number_of_workers(dataset, workers):
    loader = loader_of(dataset, threads=1)
    expected = [keys(loader), keys(loader)]
    batches = DataLoader(Batches(loader_of(dataset, threads=1)), batch_size=None,
                         num_workers=workers)  # fmt: skip
    assert [keys(batches), keys(batches)] == expected  # the second one is the next epoch


def test_persistent_workers_go_on_and_can_be_sent_back(dataset):
    loader = loader_of(dataset, threads=1)
    expected = [keys(loader), keys(loader)]
    mine = Batches(loader_of(dataset, threads=1))
    batches = DataLoader(mine, batch_size=None, num_workers=2, persistent_workers=True)
    assert [keys(batches), keys(batches)] == expected
    mine.set_epoch(0)
    assert keys(batches) == expected[0]
    del batches


def test_positions_of_the_main_process_reach_workers(dataset):
    whole = keys(loader_of(dataset))
    first = loader_of(dataset)
    for number, _ in enumerate(first, start=1):
        if number == 2:
            break
    state = json.loads(json.dumps(first.state_dict()))
    later = Batches(loader_of(dataset))
    later.load_state_dict(state)
    assert keys(DataLoader(later, batch_size=None, num_workers=2)) == whole[2:]


def test_a_worker_goes_on_from_its_own_position(dataset, monkeypatch):
    """What torchdata's StatefulDataLoader does in each worker."""
    from types import SimpleNamespace

    import irtd_fast.load.torch as module

    whole = keys(loader_of(dataset))
    for worker in range(2):
        info = SimpleNamespace(id=worker, num_workers=2)
        monkeypatch.setattr(module, "get_worker_info", lambda info=info: info)
        first = Batches(loader_of(dataset, prefetch=0))
        stream = iter(first)
        assert keys([next(stream)]) == whole[worker : worker + 1]
        later = Batches(loader_of(dataset, prefetch=0))
        later.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert keys(later) == whole[worker + 2 :: 2]


def test_targets_are_what_detection_models_take(dataset):
    batch = next(iter(loader_of(dataset)))
    targets = to_torch(batch).targets()
    assert len(targets) == 8
    for i, target in enumerate(targets):
        mine = batch.target(i)
        np.testing.assert_array_equal(target["boxes"], mine["boxes"])
        np.testing.assert_array_equal(target["labels"], mine["labels"] + 1)
        assert target["labels"].dtype == torch.int64
        assert int(target["image_id"]) == batch.index[i]
        sides = mine["boxes"][:, 2:] - mine["boxes"][:, :2]
        np.testing.assert_allclose(target["area"], sides.prod(axis=1), rtol=1e-6)
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        with pytest.raises(ImportError, match="pip install torchvision"):
            to_torch(batch).targets(tv_tensors=True)
    else:
        boxes = to_torch(batch).targets(tv_tensors=True)[0]["boxes"]
        assert tuple(boxes.canvas_size) == (24, 32)


def test_single_samples_are_drawn_by_their_number(dataset):
    loader = loader_of(dataset)
    samples = Samples(loader)
    assert len(samples) == 44
    batch = next(iter(loader_of(dataset)))
    for i, number in enumerate(batch.index.tolist()):
        one = samples[number]
        np.testing.assert_array_equal(one["image"], batch.images[i])
        np.testing.assert_array_equal(one["target"]["boxes"], batch.target(i)["boxes"])
    for workers in (0, 2):
        loaded = DataLoader(samples, 6, num_workers=workers, collate_fn=collate)
        images, targets = next(iter(loaded))
        assert images.shape == (6, 1, 24, 32)
        assert len(targets) == 6
        np.testing.assert_array_equal(images[3], samples[3]["image"])
    other = samples[0]["image"].clone()
    samples.set_epoch(1)
    assert not torch.equal(samples[0]["image"], other)
    with pytest.raises(IndexError, match="samples 44 to 44 of 44"):
        samples[44]


@pytest.mark.parametrize(
    "recipe", [Window(10, 240), ZScore(120, 40), MinMax(scope="source"),
               Percentile(2, 98, scope="source"), Counts()], ids=lambda r: r.name,
)  # fmt: skip
def test_the_device_stage_is_the_loaders_own_recipe(dataset, recipe):
    plain = loader_of(dataset, normalize=recipe, channels=3)
    fed = DeviceLoader(loader_of(dataset), "cpu", normalize=recipe, channels=3)
    assert len(fed) == len(plain)
    span = 255.0 if recipe.name == "counts" else 1.0
    for ours, theirs in zip(fed, plain, strict=True):
        assert ours.images.dtype == torch.float32
        assert ours.images.shape == theirs.images.shape
        assert ours.index.tolist() == theirs.index.tolist()
        scale = span if recipe.name != "z_score" else 255 / 40
        assert np.abs(ours.images.numpy() - theirs.images).max() <= scale / 255


def test_sixteen_bits_on_the_device(store):
    deep = irtd_fast.open(store).filter(source="flir-v1-16bit")
    for recipe in (Window(0, 16383), MinMax(scope="sequence"), MinMax(scope="source")):
        fed = DeviceLoader(loader_of(deep), "cpu", normalize=recipe, bits=16)
        for ours, theirs in zip(fed, loader_of(deep, normalize=recipe), strict=True):
            assert np.abs(ours.images.numpy() - theirs.images).max() <= 1 / 255
    kelvin = Planck(r1=16556, r2=0.046, b=1428, f=1, o=-7340)
    stage = DeviceNormalize(kelvin, deep, "cpu", bits=16)
    counts = torch.tensor([[[[12000, 14000]]]], dtype=torch.int32).to(torch.uint16)
    expected = kelvin.apply(np.array([[12000, 14000]], np.uint16))
    np.testing.assert_array_equal(stage(counts, torch.tensor([0]))[0, 0], expected)
    with pytest.raises(ValueError, match=r"counts must be torch.uint16, found torch.uint8"):
        stage(torch.zeros((1, 1, 2, 2), dtype=torch.uint8), torch.tensor([0]))


def test_a_table_of_what_needs_the_whole_picture_is_refused(dataset):
    with pytest.raises(UnsupportedError, match="min_max looks at each whole picture"):
        DeviceNormalize(MinMax(), dataset, "cpu")
    with pytest.raises(UnsupportedError, match="bits must be 8 or 16"):
        DeviceLoader(loader_of(dataset), "cpu", normalize=Window(0, 255), bits=12)


def test_without_a_stage_batches_only_travel(dataset):
    assert keys(DeviceLoader(loader_of(dataset), "cpu")) == keys(loader_of(dataset))


@pytest.mark.cuda
@pytest.mark.parametrize("recipe", [None, Window(10, 240), MinMax(scope="source")])
def test_on_cuda_it_is_the_same(dataset, recipe):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    plain = loader_of(dataset, **({} if recipe is None else {"normalize": recipe}))
    for ours, theirs in zip(
        DeviceLoader(loader_of(dataset), "cuda", normalize=recipe), plain, strict=True
    ):
        assert ours.images.is_cuda
        assert ours.boxes.is_cuda
        assert np.abs(ours.images.cpu().numpy() - theirs.images).max() <= 1 / 255
