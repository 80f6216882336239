"""Photometric effects, cutout and random recipes: what they do, when, and the same everywhere."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landmark_dump import write_landmarks

import irtd_fast
from irtd_fast import _core
from irtd_fast.load import Loader, Visible
from irtd_fast.load.augment import (
    Affine,
    Augment,
    Cutout,
    Mosaic,
    Photometric,
    RandomRecipe,
    variations,
)
from irtd_fast.load.augment.draws import Draws
from irtd_fast.load.augment.photometric import COLUMNS, draw_photometric
from irtd_fast.load.random import keys
from irtd_fast.radiometry import MinMax, Percentile, PlateauEqualization, ZScore
from irtd_fast.store.plan import IngestOptions

EVERYTHING = Photometric(
    gain=(0.8, 1.2), offset=(-0.1, 0.1), gamma=(0.6, 1.7), polarity=0.5, noise=(0.01, 0.05),
    shot=(0.01, 0.05), column=(0, 0.03), row=(0, 0.03), blur=(0.2, 1.5), dead=(0, 0.002),
    recipe=RandomRecipe((Percentile(2, 98), PlateauEqualization()), probability=0.8), pivot=0.5,
)  # fmt: skip
ALL = Augment(
    flip_vertical=0.5, rotate90=0.5, affine=Affine((-10, 10), probability=0.5), mosaic=Mosaic(0.4),
    cutout=Cutout(0.6, (1, 4), fill="random", mask_fill=9), photometric=EVERYTHING, fill=0.5,
    visible_photometric=replace(EVERYTHING, recipe=None),
)  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("photometric")
    record = write_landmarks(root / "dump", count=14)
    options = IngestOptions(visible="compact")
    irtd_fast.ingest(root / "dump", root / "store.zarr", source=record, options=options)
    return irtd_fast.open(root / "store.zarr")


def frames(level, shape=(1, 1, 64, 80), dtype=np.float32):
    return np.full(shape, level, dtype)


def effects(parameters=None, *, key=1, top=1.0, clip=True, **more):
    row = dict.fromkeys(COLUMNS, 0.0) | {"gain": 1.0, "gamma": 1.0, "invert": 0.0}
    table = np.array([list((row | (parameters or {})).values())], np.float32)
    return _core.FrameEffects(
        photometric=table, keys=np.array([key], np.uint64), range=(0.0, top), clip=clip, **more
    )


def digest(loader):
    total = hashlib.sha256()
    for batch in loader:
        for name in ("images", "visible", "masks", "boxes", "corners", "points", "density",
                     "matrix", "tile_index", "visible_boxes", "index"):  # fmt: skip
            total.update(getattr(batch, name).tobytes())
    return total.hexdigest()


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_an_epoch_with_everything_is_the_same_for_any_number_of_threads(dataset, dtype):
    made = {}
    for threads, prefetch, layout in ((1, 0, "chw"), (2, 2, "chw"), (8, 1, "chw")):
        loader = Loader(
            dataset, 4, (72, 64), augment=ALL, dtype=dtype, channels=3, layout=layout, seed=8,
            threads=threads, prefetch=prefetch, visible=True,
            targets=("boxes", "points", "corners", "masks", "density"),
        )  # fmt: skip
        made[threads] = digest(loader), digest(loader)
    assert made[1] == made[2] == made[8]
    assert made[1][0] != made[1][1]  # the second epoch


def test_a_frame_depends_on_its_sample_and_not_on_its_batch(dataset):
    loader = Loader(dataset, 4, (48, 56), augment=ALL, seed=2, visible=Visible(1))
    many = loader.make_batch(np.array([3, 7, 1, 12]), epoch=5)
    again = pickle.loads(pickle.dumps(loader)).make_batch(np.array([12, 3]), epoch=5)
    for field in ("images", "visible"):
        np.testing.assert_array_equal(getattr(again, field), getattr(many, field)[[3, 0]])
    other = loader.make_batch(np.array([3]), epoch=6)
    assert (other.images != many.images[:1]).mean() > 0.5


def test_layouts_hold_the_same_values_and_gray_stays_gray(dataset):
    made = [
        Loader(dataset, 4, (48, 56), augment=ALL, channels=c, layout=layout)
        .make_batch(np.arange(4), 0)
        .images
        for c, layout in ((1, "chw"), (3, "chw"), (3, "hwc"))
    ]
    for channel in range(3):
        np.testing.assert_array_equal(made[1][:, channel], made[0][:, 0])
        np.testing.assert_array_equal(made[2][..., channel], made[0][:, 0])


def test_colours_have_noise_of_their_own(dataset):
    augment = Augment(visible_photometric=Photometric(noise=(0.1, 0.1)))
    noisy = next(iter(Loader(dataset, 4, (48, 56), augment=augment, visible=True, seed=1)))
    plain = next(iter(Loader(dataset, 4, (48, 56), augment=Augment(), visible=True, seed=1)))
    np.testing.assert_array_equal(noisy.images, plain.images)  # only the visible side
    inside = (plain.visible > 0.4) & (plain.visible < 0.6)
    both = inside[:, 0] & inside[:, 1]
    noise = noisy.visible - plain.visible
    assert 0.09 < noise[inside].std() < 0.11
    assert abs(np.corrcoef(noise[:, 0][both], noise[:, 1][both])[0, 1]) < 0.1


def test_effects_that_never_happen_leave_every_bit(dataset):
    never = replace(ALL, mosaic=None, affine=None, fill=None, photometric=replace(
        EVERYTHING, chance=0.0, polarity=0.0, recipe=replace(EVERYTHING.recipe, probability=0.0)),
        visible_photometric=None, cutout=Cutout(0.0))  # fmt: skip
    bare = Augment(flip_vertical=0.5, rotate90=0.5)
    arguments = {"batch_size": 4, "size": (48, 56), "seed": 4, "visible": True}
    for a, b in zip(Loader(dataset, augment=never, **arguments),
                    Loader(dataset, augment=bare, **arguments), strict=True):  # fmt: skip
        np.testing.assert_array_equal(a.images, b.images)
        np.testing.assert_array_equal(a.visible, b.visible)
        np.testing.assert_array_equal(a.boxes, b.boxes)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 0.2), st.floats(0.0, 0.2), st.floats(0.1, 0.9), st.integers(0, 2**62))
def test_noise_has_its_mean_and_variance(noise, shot, level, seed):
    batch = frames(level, (1, 1, 256, 256))
    key = int(keys(seed, 0, np.array([1]), "x")[0])
    effects({"noise": noise, "shot": shot}, key=key, clip=False).apply(batch)
    expected = noise**2 + shot**2 * level
    assert abs(batch.mean() - level) < 5.5 * np.sqrt(expected) / 256
    assert abs(batch.var() / expected - 1) < 5.5 * np.sqrt(2) / 256


def test_neighbours_and_samples_have_independent_noise():
    first, second = frames(0.5, (1, 1, 256, 256)), frames(0.5, (1, 1, 256, 256))
    a, b = keys(3, 1, np.array([10, 11]), "infrared/pixels").tolist()
    effects({"noise": 0.1}, key=a, clip=False).apply(first)
    effects({"noise": 0.1}, key=b, clip=False).apply(second)
    x = first[0, 0] - 0.5
    pairs = [(x[1:], x[:-1]), (x[:, 1:], x[:, :-1]), (x[:, 128:], x[:, :128]),
             (x, second[0, 0] - 0.5)]  # fmt: skip
    for one, other in pairs:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / 180


@pytest.mark.parametrize("sigma", [0.5, 1.3, 4.0])
def test_blur_is_that_of_opencv(rng, sigma):
    picture = rng.random((61, 83), np.float32)
    side = 2 * int(np.ceil(3 * sigma)) + 1
    expected = cv2.GaussianBlur(picture, (side, side), sigma, borderType=cv2.BORDER_REFLECT_101)
    batch = picture[None, None].copy()
    effects({"blur": sigma}, clip=False).apply(batch)
    np.testing.assert_allclose(batch[0, 0], expected, atol=2e-6)


def test_tone_is_gain_offset_gamma_polarity_in_this_order(rng):
    picture = rng.random((40, 50), np.float32)
    batch = picture[None, None].copy()
    effects({"gain": 1.2, "offset": -0.1, "gamma": 1.7, "invert": 1.0}).apply(batch)
    expected = 1 - np.clip(picture * np.float64(1.2) - 0.1, 0, 1) ** 1.7
    np.testing.assert_allclose(batch[0, 0], expected, atol=3e-6)


def test_chances_and_bounds_are_kept():
    options = Photometric(
        noise=(0.1, 0.3), gamma=(0.5, 2.0), gain=(0.5, 1.5), pivot=0.5, polarity=0.25,
        blur=(0, 0.2), chance={"noise": 0.3},
    )  # fmt: skip
    draws = Draws(1, 0, np.arange(20000))
    table = draw_photometric(options, draws, "infrared")
    noise, gain, offset, gamma, blur = (
        table[:, COLUMNS.index(n)] for n in ("noise", "gain", "offset", "gamma", "blur")
    )
    assert abs((noise > 0).mean() - 0.3) < 0.02
    assert abs(noise[noise > 0].mean() - 0.2) < 0.005
    assert noise[noise > 0].min() >= 0.1
    assert abs(np.log(gamma).mean()) < 0.02  # log-uniform
    np.testing.assert_allclose(gain * 0.5 + offset, 0.5, atol=1e-6)  # the pivot stays
    assert abs(table[:, -1].mean() - 0.25) < 0.02
    assert ((blur == 0) | (blur >= np.float32(0.1))).all()
    assert np.corrcoef(noise, gain)[0, 1] < 0.05
    other = draw_photometric(options, draws, "visible")
    assert abs(np.corrcoef(table[:, 6], other[:, 6])[0, 1]) < 0.05


def test_random_recipes_are_drawn_by_their_weights(dataset):
    recipes = variations(Percentile(1, 99), 4, low=(0, 5), high=(95, 100))
    assert len({(r.low, r.high) for r in recipes}) == 4
    assert all(0 <= r.low <= 5 and 95 <= r.high <= 100 for r in recipes)
    choice = RandomRecipe((*recipes, PlateauEqualization()), (1, 1, 1, 1, 4), 0.5)
    drawn = choice.draw(Draws(0, 0, np.arange(40000)), "infrared")
    shares = np.bincount(drawn, minlength=6) / len(drawn)
    np.testing.assert_allclose(shares, [0.5, *[0.0625] * 4, 0.25], atol=0.01)
    # The pictures are what those recipes give.
    augment = Augment(crop="whole", flip=0, photometric=Photometric(recipe=choice))
    size = dataset[0].infrared.shape
    loader = Loader(dataset, 4, size, augment=augment, normalize=MinMax(), seed=6)
    batch = loader.make_batch(np.arange(10), 3)
    numbers = choice.draw(Draws(6, 3, np.arange(10)), "infrared")
    assert len(set(numbers.tolist())) > 2
    for i, number in enumerate(numbers.tolist()):
        recipe = (MinMax(), *choice.recipes)[number]
        np.testing.assert_array_equal(batch.images[i, 0], recipe.apply(dataset[i].infrared))
    with pytest.raises(ValueError, match="weights must be"):
        RandomRecipe((MinMax(),), (1, 2))
    with pytest.raises(TypeError):
        variations(MinMax(), 2, width=(0, 1))


def test_letterbox_is_filled_with_a_share_of_the_output(dataset):
    for dtype, top in (("float32", 1.0), ("uint8", 255)):
        for fill in (0.0, 0.25, 1.0):
            augment = Augment(crop="letterbox", flip=0, fill=fill)
            batch = next(iter(Loader(dataset, 4, (80, 200), augment=augment, dtype=dtype)))
            edge = batch.images[:, 0, :, :10].astype(np.float64)
            np.testing.assert_allclose(edge, np.rint(fill * top) if top > 1 else fill, atol=1e-6)


def test_outputs_without_a_range_need_one(dataset):
    noisy = Augment(photometric=Photometric(noise=(0, 0.1)))
    zscore = ZScore(mean=16000, std=9000)
    for augment in (noisy, Augment(cutout=Cutout()), Augment(fill=0.0)):
        with pytest.raises(ValueError, match="state Photometric"):
            Loader(dataset, augment=augment, normalize=zscore)
    stated = Augment(photometric=Photometric(noise=(0.1, 0.1), range=(-2.0, 2.0)))
    arguments = {"batch_size": 8, "size": (96, 112), "normalize": zscore, "seed": 3}
    noise = (next(iter(Loader(dataset, augment=stated, **arguments))).images
             - next(iter(Loader(dataset, augment=Augment(), **arguments))).images)  # fmt: skip
    assert abs(noise.std() - 0.4) < 0.01  # a tenth of the range, and nothing is clipped
    with pytest.raises(ValueError, match="float32, uint8 or uint16, found float16"):
        Loader(dataset, augment=noisy, dtype="float16")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"noise": (-0.1, 0.1)}, "noise must satisfy"),
        ({"blur": (0, 33)}, "blur must satisfy"),
        ({"gamma": (0, 1)}, "gamma must satisfy"),
        ({"dead": (0, 2)}, "dead must satisfy"),
        ({"polarity": 2}, "polarity must be a probability"),
        ({"chance": 2}, "chance must be a probability"),
        ({"chance": {"nose": 1}}, "chance names blur"),
        ({"range": (1, 1)}, "range must satisfy"),
        ({"pivot": np.nan}, "pivot must be a number"),
    ],
)
def test_impossible_photometric_bounds_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        Photometric(**options)


@pytest.mark.parametrize(
    "arguments",
    [
        {"photometric": np.zeros((2, 9), np.float32), "keys": np.zeros(2, np.uint64)},
        {"photometric": np.zeros((2, 10), np.float32), "keys": np.zeros(1, np.uint64)},
        {"photometric": np.zeros((2, 10), np.float32)},
        {"holes": np.zeros((1, 4), np.int32)},
    ],
)
def test_the_core_refuses_tables_that_do_not_fit(arguments):
    with pytest.raises(ValueError, match=r"photometric|holes"):
        _core.FrameEffects(**arguments, range=(0.0, 1.0))
    with pytest.raises(ValueError, match="for each frame"):
        effects().apply(frames(0.5, (2, 1, 4, 4)))
