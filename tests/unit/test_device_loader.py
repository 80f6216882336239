"""Epochs on a device against the loader doing everything: what is sent, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from landmark_dump import RECORD, write_landmarks

import irtd_fast
from irtd_fast import synth
from irtd_fast.catalog import parse_record
from irtd_fast.engines.statistics import measure_source
from irtd_fast.errors import UnsupportedError
from irtd_fast.load import Loader, Visible
from irtd_fast.load.augment import Affine, Augment, Cutout, Mosaic, Photometric, RandomRecipe
from irtd_fast.radiometry import (
    Chain,
    Counts,
    Destripe,
    MinMax,
    Percentile,
    PlateauEqualization,
    Window,
    ZScore,
)
from irtd_fast.store.plan import IngestOptions

torch = pytest.importorskip("torch")

from irtd_fast.load.device import DeviceLevels, DeviceLoader, DeviceNormalize  # noqa: E402
from irtd_fast.load.torch import Samples, to_torch  # noqa: E402

LEVEL = 1 / 255 + 1e-6
# Noise that shrinks with the value and exponents below 1 are steep at the bottom: with 16 bits.
EVERYTHING = Photometric(
    gain=(0.8, 1.2), offset=(-0.1, 0.1), gamma=(0.7, 1.7), polarity=0.5, noise=(0.01, 0.05),
    shot=(0.01, 0.05), column=(0, 0.03), row=(0, 0.03), blur=(0.2, 1.5), dead=(0, 0.01), pivot=0.5,
)  # fmt: skip
GENTLE = replace(EVERYTHING, shot=(0, 0), gamma=(1, 1))
ALL = Augment(
    flip_vertical=0.5, rotate90=0.5, affine=Affine((-10, 10), probability=0.5), mosaic=Mosaic(0.4),
    cutout=Cutout(0.6, (1, 4), fill="random", mask_fill=9), photometric=EVERYTHING, fill=0.5,
    visible_photometric=replace(EVERYTHING, polarity=0.2),
)  # fmt: skip


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Infrared pictures of 16 bits with visible partners in colours."""
    root = tmp_path_factory.mktemp("device")
    record = write_landmarks(root / "dump", count=14)
    options = IngestOptions(visible="compact")
    irtd_fast.ingest(root / "dump", root / "store.zarr", source=record, options=options)
    return irtd_fast.open(root / "store.zarr")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("plain")
    for source in ("hit-uav", "flir-v1-16bit"):
        synth.write_dump(root / source, source=source, count=20, seed=4, size=(64, 80))
        irtd_fast.ingest(root / source, root / "s.zarr", source=source)
        measure_source(root / "s.zarr", source)
    return irtd_fast.open(root / "s.zarr")


@pytest.fixture
def plain(store):
    return store.filter(source="hit-uav")


def loader_of(dataset, **options):
    return Loader(dataset, **{"batch_size": 8, "size": (25, 33), "seed": 3, **options})


def furthest(ours, theirs, field="images"):
    """The largest difference of two epochs, which must have the same labels."""
    found, count = 0.0, 0
    for a, b in zip(ours, theirs, strict=True):
        assert a.index.tolist() == b.index.tolist()
        np.testing.assert_array_equal(a.boxes.cpu().numpy(), b.boxes)
        one, other = getattr(a, field).float().cpu().numpy(), getattr(b, field)
        assert one.shape == other.shape
        found = max(found, float(np.abs(one - other.astype(np.float32)).max()))
        count += len(b)
    assert count
    return found


def whats(fed, field="images"):
    return type(fed._sides[field].normalize)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "recipe",
    [MinMax(), Percentile(1, 99), PlateauEqualization(), Chain((Destripe(), MinMax()))],
    ids=lambda recipe: recipe.name,
)
@pytest.mark.parametrize("source", ["hit-uav", "flir-v1-16bit"])
def test_recipes_of_whole_pictures_are_sent_as_levels(store, source, recipe, bits):
    dataset = store.filter(source=source)
    fed = DeviceLoader(loader_of(dataset), "cpu", normalize=recipe, channels=3, bits=bits)
    assert whats(fed) is DeviceLevels
    assert (fed.loader.dtype, fed.loader.channels) == (f"uint{bits}", 1)
    away = furthest(fed, loader_of(dataset, normalize=recipe, channels=3))
    assert away <= LEVEL
    assert bits == 8 or away <= 2e-4


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("batch_size", "layout"), [(1, "chw"), (5, "hwc"), (14, "chw")])
def test_everything_on_the_device_is_everything_in_the_loader(pairs, channels, batch_size, layout):
    options = {"batch_size": batch_size, "visible": True, "augment": ALL, "layout": layout}
    options["targets"] = ("boxes", "points", "masks")
    whole = loader_of(pairs, channels=channels, normalize=MinMax(), **options)
    fed = DeviceLoader(
        loader_of(pairs, **options), "cpu", normalize=MinMax(), channels=channels, bits=16
    )
    assert furthest(fed, whole) <= LEVEL
    whole.set_epoch(0)
    fed.loader.set_epoch(0)
    assert furthest(fed, whole, "visible") <= LEVEL
    for a, b in zip(fed, whole, strict=True):
        np.testing.assert_array_equal(a.masks.numpy(), b.masks)
        assert not hasattr(a, "effects")


def test_counts_of_a_gentle_recipe_are_looked_up_and_changed(pairs):
    augment = replace(ALL, fill=None, mosaic=None, visible_photometric=None)
    recipe = Window(0, 40000)  # half a count is worth 1/80000 of the range
    whole = loader_of(pairs, augment=augment, normalize=recipe)
    fed = DeviceLoader(loader_of(pairs, augment=augment), "cpu", normalize=recipe, bits=16)
    assert whats(fed) is DeviceNormalize
    assert furthest(fed, whole) <= LEVEL


def test_a_byte_is_enough_where_nothing_is_steep(pairs):
    augment = replace(ALL, photometric=GENTLE, visible_photometric=None)
    whole = loader_of(pairs, augment=augment, normalize=Percentile(1, 99))
    fed = DeviceLoader(loader_of(pairs, augment=augment), "cpu", normalize=Percentile(1, 99))
    assert furthest(fed, whole) <= LEVEL


@pytest.mark.parametrize("dtype", ["float32", "uint8", "uint16"])
@pytest.mark.parametrize(("channels", "layout"), [(1, "chw"), (3, "chw"), (3, "hwc")])
def test_effects_alone_on_the_loaders_own_pictures(pairs, dtype, channels, layout):
    options = {"augment": replace(ALL, fill=None), "dtype": dtype, "channels": channels,
               "layout": layout, "visible": True}  # fmt: skip
    whole = loader_of(pairs, **options)
    fed = DeviceLoader(loader_of(pairs, **options), "cpu", photometric="device")
    for field in ("images", "visible"):
        whole.set_epoch(0)
        fed.loader.set_epoch(0)
        # One level where a value lies between two of them.
        assert furthest(fed, whole, field) <= (1e-5 if dtype == "float32" else 1)
    assert next(iter(fed)).images.dtype == getattr(torch, dtype)
    # The loader's own memory stays as it is.
    untouched = next(iter(replace(whole, defer_effects=True)))
    before = untouched.images.copy()
    fed._normalized(to_torch(untouched))
    np.testing.assert_array_equal(untouched.images, before)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_with_effects(pairs, dtype):
    options = {"augment": ALL, "visible": True}
    whole = list(loader_of(pairs, **options))
    with pytest.raises(ValueError, match=f"float32, uint8 or uint16, found {dtype}"):
        loader_of(pairs, dtype=dtype, **options)
    step = 2.0 ** (-11 if dtype == "float16" else -8)
    made = (
        DeviceLoader(loader_of(pairs, **options), "cpu", normalize=MinMax(), bits=16, dtype=dtype),
        DeviceLoader(loader_of(pairs, **options), "cpu", photometric="device", dtype=dtype),
    )
    for fed in made:
        for ours, theirs in zip(fed, whole, strict=True):
            for field in ("images", "visible"):
                assert getattr(ours, field).dtype == getattr(torch, dtype)
                away = np.abs(getattr(ours, field).float().numpy() - getattr(theirs, field)).max()
                assert away <= LEVEL + step
    travelled = next(iter(DeviceLoader(loader_of(pairs), "cpu", dtype=dtype))).images
    assert travelled.dtype == getattr(torch, dtype)
    halves = replace(whole_loader(pairs, dtype), defer_effects=True)
    assert next(iter(DeviceLoader(halves, "cpu", photometric="device"))).images.dtype == getattr(
        torch, dtype
    )


def whole_loader(dataset, dtype):
    return loader_of(dataset, dtype=dtype, augment=ALL, defer_effects=True)


def test_effects_in_the_loader_before_levels_are_sent(pairs):
    augment = replace(ALL, visible_photometric=None)
    fed = DeviceLoader(
        loader_of(pairs, augment=augment), "cpu", normalize=Window(0, 40000), bits=16,
        photometric="loader",
    )  # fmt: skip
    assert whats(fed) is DeviceLevels  # counts have another range than results
    whole = loader_of(pairs, augment=augment, normalize=Window(0, 40000))
    assert furthest(fed, whole) <= LEVEL


def test_recipes_drawn_for_each_sample(pairs):
    choice = RandomRecipe((Percentile(2, 98), Window(0, 40000)), probability=0.7)
    augment = Augment(photometric=replace(EVERYTHING, recipe=choice))
    whole = loader_of(pairs, augment=augment)
    fed = DeviceLoader(loader_of(pairs, augment=augment), "cpu", normalize=MinMax(), bits=16)
    assert furthest(fed, whole) <= LEVEL


def test_the_stated_range_is_that_of_the_results(pairs, store):
    noise = Photometric(noise=(0.05, 0.05), dead=(0.01, 0.01), range=(0.25, 0.75))
    augment = Augment(photometric=noise, cutout=Cutout(1.0, fill=1.0), crop="letterbox", fill=0.0)
    fed = DeviceLoader(loader_of(pairs, augment=augment), "cpu", normalize=MinMax(), bits=16)
    whole = loader_of(pairs, augment=augment)
    assert furthest(fed, whole) <= 1e-4
    # Numbers without a range of their own, by counts.
    augment = Augment(photometric=replace(noise, range=(-2.0, 2.0)))
    recipe = ZScore(mean=16000, std=9000)
    fed = DeviceLoader(loader_of(pairs, augment=augment), "cpu", normalize=recipe, bits=16)
    assert whats(fed) is DeviceNormalize
    assert furthest(fed, loader_of(pairs, augment=augment, normalize=recipe)) <= 4 / 255
    with pytest.raises(ValueError, match="state Photometric"):
        DeviceLoader(loader_of(pairs, augment=Augment(cutout=Cutout())), "cpu", normalize=recipe)


def test_statistics_of_each_tile_in_a_mosaic(store):
    augment = Augment(mosaic=Mosaic(1.0))
    recipe = MinMax(scope="source")  # of two sources
    fed = DeviceLoader(loader_of(store, augment=augment), "cpu", normalize=recipe, bits=16)
    assert whats(fed) is DeviceLevels
    assert furthest(fed, loader_of(store, augment=augment, normalize=recipe)) <= LEVEL
    alone = DeviceLoader(loader_of(store), "cpu", normalize=recipe, bits=16)
    assert whats(alone) is DeviceNormalize
    assert furthest(alone, loader_of(store, normalize=recipe)) <= LEVEL


def test_counts_that_do_not_fit_are_not_cut_off(store):
    deep = store.filter(source="flir-v1-16bit")
    fed = DeviceLoader(loader_of(deep), "cpu", normalize=Window(0, 16383))
    assert whats(fed) is DeviceLevels
    assert furthest(fed, loader_of(deep, normalize=Window(0, 16383))) <= LEVEL
    with pytest.raises(UnsupportedError, match="counts of 16 bits do not fit 8; let the loader"):
        DeviceLoader(loader_of(deep), "cpu", normalize=ZScore(8000, 2000))


def test_partners_have_recipes_of_their_own(pairs):
    for recipe, kind in ((Window(0, 255), DeviceNormalize), (MinMax(), DeviceLevels)):
        visible = Visible(1, recipe)
        fed = DeviceLoader(loader_of(pairs, visible=visible), "cpu", normalize=MinMax())
        assert whats(fed, "visible") is kind
        whole = loader_of(pairs, visible=visible)
        assert furthest(fed, whole, "visible") <= LEVEL


def test_infrared_in_colours_keeps_them(tmp_path):
    write_landmarks(tmp_path / "dump", count=6)
    variant = RECORD["variants"][0] | {
        "images": [{"infrared": r"vi/(?P<stem>\d+)\.png"}], "channels": "colour", "annotations": []
    }  # fmt: skip
    record = parse_record(RECORD | {"variants": [variant], "bit_depth": 8}, "colours")
    irtd_fast.ingest(tmp_path / "dump", tmp_path / "store.zarr", source=record)
    dataset = irtd_fast.open(tmp_path / "store.zarr")
    assert (dataset.channels() == 3).all()
    changed = replace(ALL, fill=None, visible_photometric=None)
    # Effects would magnify half a count of 255, so they go with levels.
    for recipe, augment in ((Window(0, 255), Augment()), (MinMax(), changed)):
        for channels in (1, 3):
            options = {"augment": augment, "batch_size": 3}
            fed = DeviceLoader(
                loader_of(dataset, **options), "cpu", normalize=recipe, channels=channels, bits=16
            )
            assert fed.loader.channels == channels
            whole = loader_of(dataset, normalize=recipe, channels=channels, **options)
            assert furthest(fed, whole) <= LEVEL


def test_what_no_levels_can_be_made_of_is_refused(store, plain):
    with pytest.raises(UnsupportedError, match="destripe gives numbers without a bottom and a top"):
        DeviceLoader(loader_of(plain), "cpu", normalize=Destripe())
    with pytest.raises(UnsupportedError, match="destripe looks at each whole picture"):
        DeviceNormalize(Destripe(), plain, "cpu")
    with pytest.raises(UnsupportedError, match="dtype='float16' is for floats, and the loader"):
        DeviceLoader(loader_of(plain, normalize=Counts(), dtype="uint8"), "cpu", dtype="float16")
    with pytest.raises(ValueError, match="photometric must be device, loader, found 'gpu'"):
        DeviceLoader(loader_of(plain), "cpu", photometric="gpu")
    with pytest.raises(ValueError, match="dtype must be float32, float16, bfloat16, found 'uint8'"):
        DeviceLoader(loader_of(plain), "cpu", dtype="uint8")
    with pytest.raises(ValueError, match="channels must be 1 or 3, found 2"):
        DeviceLoader(loader_of(plain), "cpu", channels=2)
    with pytest.raises(ValueError, match=r"levels must be torch.uint16, found torch.uint8"):
        DeviceLevels(bits=16)(torch.zeros((1, 1, 2, 2), dtype=torch.uint8), torch.tensor([0]))
    with pytest.raises(UnsupportedError, match="effects that are deferred go with batches"):
        Samples(loader_of(plain, defer_effects=True))


def test_a_loader_that_defers_gives_numbers_for_what_it_left_out(pairs):
    options = {"augment": ALL, "visible": True, "channels": 3}
    whole = loader_of(pairs, **options)
    bare = loader_of(pairs, defer_effects=True, **options)
    for theirs, ours in zip(whole, bare, strict=True):
        assert theirs.effects is None
        for field, effects in (("images", ours.effects), ("visible", ours.visible_effects)):
            assert len(effects) == len(ours)
            gray = field == "images"
            assert effects.gray.tolist() == [gray] * len(ours)
            frames = getattr(ours, field).copy()
            effects.native((0.0, 1.0), clip=True).apply(frames, same_channels=gray)
            np.testing.assert_array_equal(frames, getattr(theirs, field))


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_epoch_on_a_device_goes_on_where_it_was(pairs, ahead):
    def made():
        fed = DeviceLoader(
            loader_of(pairs, augment=ALL, batch_size=3), "cpu", normalize=MinMax(), bits=16
        )
        fed._ahead = ahead  # as on CUDA, where batches are on their way
        return fed

    plain = loader_of(pairs, augment=ALL, batch_size=3)
    first = made()
    whole, states = [], []
    for ours, theirs in zip(first, plain, strict=True):
        whole.append(ours.images)
        states.append(json.loads(json.dumps(first.loader.state_dict())))
        assert states[-1] == plain.state_dict()
        assert ours.index.tolist() == theirs.index.tolist()
        assert first.loader.box_ledger == plain.box_ledger
        assert first.loader.point_ledger == plain.point_ledger
    assert first.loader.state_dict() == plain.state_dict()  # of the next epoch
    for seen, state in enumerate(states, 1):
        again = made()
        again.loader.load_state_dict(state)
        rest = [batch.images for batch in again]
        assert len(rest) == len(whole) - seen
        assert all(torch.equal(a, b) for a, b in zip(rest, whole[seen:], strict=True))
    broken = made()
    next(iter(broken))
    assert torch.equal(next(iter(broken)).images, whole[1])


def test_composed_grids_are_floats_like_the_pictures(plain):
    fed = DeviceLoader(loader_of(plain), "cpu", normalize=MinMax(), channels=3, dtype="float16")
    batch = to_torch(next(iter(fed.loader)))
    grids = torch.tensor([[[[0, 51], [255, 102]]]], dtype=torch.uint8)
    found = fed._normalized(type(batch)({**batch.fields, "grids": grids})).grids
    assert (found.dtype, tuple(found.shape)) == (torch.float16, (1, 3, 2, 2))
    np.testing.assert_allclose(found[0, 2].numpy(), [[0, 0.2], [1, 0.4]], atol=1e-3)


@pytest.mark.cuda
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_cuda_everything_is_the_loaders(pairs, bits, dtype):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    effects = EVERYTHING if bits == 16 else GENTLE
    augment = replace(ALL, photometric=effects, visible_photometric=GENTLE)
    options = {"augment": augment, "visible": True, "batch_size": 5}
    fed = DeviceLoader(
        loader_of(pairs, **options), "cuda", normalize=MinMax(), bits=bits, channels=3, dtype=dtype
    )
    step = 2**-8 if dtype == "bfloat16" else 0
    for field in ("images", "visible"):
        fed.loader.set_epoch(0)
        whole = loader_of(pairs, channels=3, **options)
        assert furthest(fed, whole, field) <= LEVEL + step
    assert next(iter(fed)).images.is_cuda
