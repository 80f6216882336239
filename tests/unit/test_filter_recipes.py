"""Filter recipes: JSON, output types, invalid pixels, odd pictures, and what they are for."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.load import Loader
from irtd_fast.radiometry import (
    BadPixels,
    Chain,
    Clahe,
    Counts,
    Destripe,
    DetailEnhance,
    MinMax,
    Percentile,
    Sigma,
    Statistics,
    TwoPointNuc,
    Window,
    from_bfloat16,
    recipe_from_dict,
)

SHAPE = (24, 31)
TYPES = ("float32", "float16", "bfloat16", "uint8", "uint16")
_RNG = np.random.default_rng(3)
NUC = TwoPointNuc(
    _RNG.uniform(0.8, 1.2, SHAPE).astype(np.float32), _RNG.uniform(-9, 9, SHAPE).astype(np.float32)
)
BAD = np.zeros(SHAPE, bool)
BAD[3, 4] = BAD[9, 9] = True
LEVELS = [
    Clahe(),
    Clahe(0, (3, 5)),
    Clahe(stretch=Percentile()),
    DetailEnhance(),
    DetailEnhance(2, 0.3, 1, 0, 1, 0, 100),
]
CORRECTIONS = [
    Destripe(), Destripe("both", 3, 0.5, 4.0), Destripe("rows"), BadPixels(), BadPixels(BAD), NUC,
]  # fmt: skip
EVERY = [*LEVELS, *CORRECTIONS]
by_name = {"ids": lambda recipe: recipe.name}


@pytest.fixture
def scene(rng):
    """A smooth uint16 scene with a little noise, 1000..3000 counts."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    smooth = 2000 + 700 * np.sin(x / 9) * np.cos(y / 7)
    return (smooth + rng.normal(0, 2, SHAPE)).astype(np.uint16)


@pytest.mark.parametrize("recipe", EVERY, **by_name)
def test_json_round_trip(recipe):
    assert recipe_from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert hash(recipe_from_dict(recipe.to_dict())) == hash(recipe)


@pytest.mark.parametrize("recipe", EVERY, **by_name)
@pytest.mark.parametrize("dtype", TYPES)
def test_every_output_type_says_the_same(recipe, dtype, scene):
    """float32 is the measure: levels are shares of the range, corrections are counts."""
    image = (scene // 16).astype(np.uint8)
    exact = recipe.apply(image).astype(np.float64)
    out = recipe.apply(image, dtype=dtype)
    assert out.shape == SHAPE
    assert out.dtype == (np.uint16 if dtype == "bfloat16" else np.dtype(dtype))
    values = from_bfloat16(out) if dtype == "bfloat16" else out.astype(np.float64)
    if dtype.startswith("u"):
        top = float(np.iinfo(dtype).max)
        wanted = exact * top if recipe in LEVELS else np.clip(exact, 0, top)
        # A correction rounds in the end; 'both' rounds in between too.
        assert np.abs(values - wanted).max() <= 1.01
    else:
        np.testing.assert_allclose(values, exact, rtol=2**-8, atol=1e-3)


@pytest.mark.parametrize("recipe", EVERY, **by_name)
@pytest.mark.parametrize("dtype", TYPES)
def test_odd_pictures(recipe, dtype):
    shapes = [(0, 0), (0, 5), (3, 0), (0, 4, 3), (1, 1), (1, 9), (7, 1), (5, 6, 3)]
    fixed = isinstance(recipe, TwoPointNuc) or getattr(recipe, "map", None) is not None
    for shape in [SHAPE] if fixed else shapes:
        flat = np.full(shape, 700, np.uint16)
        out = recipe.apply(flat, dtype=dtype)
        assert out.shape == shape
        if isinstance(recipe, DetailEnhance):
            assert not out.any()
        elif isinstance(recipe, Destripe | BadPixels) and dtype in ("float32", "uint16"):
            np.testing.assert_array_equal(out, flat)
        nothing = np.zeros(shape[:2], bool)
        assert not recipe.apply(flat, dtype=dtype, valid=nothing).any()


@pytest.mark.parametrize("recipe", EVERY, **by_name)
def test_strided_and_colour_pictures(recipe, scene):
    wide = np.zeros((SHAPE[0] * 2, SHAPE[1] * 3), np.uint16)
    view = wide[::-2, ::3]
    view[...] = scene
    expected = recipe.apply(scene)
    np.testing.assert_array_equal(recipe.apply(view), expected)
    if isinstance(recipe, DetailEnhance) or getattr(recipe, "stretch", None):
        return  # percentiles are of all channels
    turned = scene[::-1, ::-1]
    colour = np.stack([scene, turned, scene], axis=-1)
    out = recipe.apply(colour)
    np.testing.assert_array_equal(out[..., 2], expected)
    np.testing.assert_array_equal(out[..., 1], recipe.apply(turned))


@pytest.mark.parametrize("recipe", EVERY, **by_name)
def test_batches_give_what_single_pictures_give(recipe, scene):
    """Over threads, in every output type, alone and behind a correction."""
    images = np.stack([scene, scene[::-1], scene // 2])
    for whole in (recipe, Chain((Destripe(), recipe))):
        for dtype in TYPES:
            out = whole.apply_batch(images, dtype=dtype, threads=2)
            for image, found in zip(images, out, strict=True):
                np.testing.assert_array_equal(found, whole.apply(image, dtype=dtype))


def test_the_loader_runs_filters(tmp_path, small_dumps):
    """The whole picture at its own size: what ``apply`` gives."""
    ingest(
        small_dumps("flir-v1-16bit", variant="tree"), tmp_path / "s.zarr", source="flir-v1-16bit"
    )
    dataset = irtd_fast.open(tmp_path / "s.zarr")
    size = dataset[0].infrared.shape
    chain = Chain((Destripe(), BadPixels(), Clahe(2.0, (4, 4))))
    loader = Loader(
        dataset, batch_size=4, size=size, augment=None, normalize=chain, dtype="uint8", threads=2
    )
    seen = 0
    for batch in loader:
        for image, index in zip(batch.images, batch.index, strict=True):
            expected = chain.apply(dataset[int(index)].infrared, dtype="uint8")
            assert np.abs(image[0].astype(int) - expected.astype(int)).max() <= 1
            seen += 1
    assert seen >= 8


@pytest.mark.parametrize("recipe", [r for r in EVERY if r is not NUC], **by_name)
def test_invalid_pixels_change_nothing_but_themselves(recipe, scene, rng):
    valid = rng.random(SHAPE) > 0.2
    noise = np.where(valid, scene, rng.integers(0, 65536, SHAPE)).astype(np.uint16)
    out, other = (recipe.apply(image, valid=valid) for image in (scene, noise))
    assert not out[~valid].any()
    np.testing.assert_array_equal(out, other)


def test_corrections_of_float_pictures_keep_nan(scene):
    warm = (scene / 10).astype(np.float32)
    warm[2, 2] = np.nan
    valid = np.ones(SHAPE, bool)
    valid[5, 5] = False
    for recipe in (Destripe(), NUC):
        out = recipe.apply(warm, valid=valid)
        assert np.isnan(out[[2, 5], [2, 5]]).all()
        assert np.isfinite(out).sum() == warm.size - 2
        assert recipe.apply(warm, dtype="uint16", valid=valid)[[2, 5], [2, 5]].tolist() == [0, 0]
    assert np.isfinite(BadPixels().apply(warm)).all()  # a NaN is a bad pixel


@pytest.mark.parametrize("recipe", EVERY, **by_name)
def test_what_is_no_picture_is_refused(recipe, scene):
    for wrong in (scene.astype(">u2"), scene.astype(np.int32), scene[0]):
        with pytest.raises(ValueError, match="image must be"):
            recipe.apply(wrong)
    with pytest.raises(ValueError, match="valid must be bool"):
        recipe.apply(scene, valid=np.ones((2, 2), bool))
    if recipe in LEVELS:
        with pytest.raises(ValueError, match="uint8 or uint16"):
            recipe.apply(scene.astype(np.float32))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Clahe(-1), "clip_limit must be 0 or more"),
        (lambda: Clahe(float("nan")), "clip_limit"),
        (lambda: Clahe(2, (0, 8)), "tiles must be two numbers from 1 to 256"),
        (lambda: Clahe(2, (8, 8, 8)), "tiles"),
        (lambda: Clahe(stretch=Counts()), "stretch must be None or MinMax, .*found Counts"),
        (
            lambda: Clahe(stretch=Percentile(scope="source")).apply(np.zeros((2, 2), np.uint8)),
            "needs the statistics of the source",
        ),
        (lambda: DetailEnhance(0), "radius in 1..255"),
        (lambda: DetailEnhance(epsilon=0), "epsilon > 0"),
        (lambda: DetailEnhance(base_share=1.1), "base_share <= 1"),
        (lambda: DetailEnhance(low=50, high=50), "low < high"),
        (lambda: DetailEnhance(window=(5, 5)), "low < high"),
        (lambda: Destripe("diagonal"), "columns, rows or both"),
        (lambda: Destripe(window=0), "window >= 1"),
        (lambda: Destripe(limit=0), "limit must be above 0"),
        (lambda: BadPixels(threshold=-1), "0 or more"),
        (lambda: BadPixels(np.zeros(4, bool)), r"map must be \(height, width\)"),
        (lambda: BadPixels.from_frames([]), "need frames of one shape"),
        (lambda: BadPixels(BAD).apply(np.zeros((3, 3), np.uint8)), r"map of \(24, 31\)"),
        (lambda: TwoPointNuc(np.ones((2, 2)), np.ones((2, 3))), "one shape"),
        (lambda: TwoPointNuc(np.zeros((2, 2)), np.ones((2, 2))), "gain must be above 0"),
        (lambda: TwoPointNuc(np.ones((2, 2)), np.full((2, 2), np.nan)), "finite"),
        (lambda: NUC.apply(np.zeros((3, 3), np.uint8)), r"shape \(3, 3\), found \(24, 31\)"),
    ],
)
def test_impossible_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_clahe_is_that_of_opencv(scene):
    expected = cv2.createCLAHE(3.0, (5, 4)).apply(scene)
    np.testing.assert_array_equal(Clahe(3.0, (4, 5)).apply(scene, dtype="uint16"), expected)
    np.testing.assert_allclose(Clahe(3.0, (4, 5)).apply(scene), expected / 65535, rtol=1e-6)


@pytest.mark.parametrize(
    "stretch", [Percentile(), Percentile(5, 80), MinMax(), Sigma(2), Window(1200, 2500)]
)
def test_clahe_behind_a_stretch_is_that_of_its_levels(scene, stretch):
    levels = stretch.apply(scene, dtype="uint8")
    expected = cv2.createCLAHE(3.0, (5, 4)).apply(levels)
    recipe = Clahe(3.0, (4, 5), stretch)
    np.testing.assert_array_equal(recipe.apply(scene, dtype="uint8"), expected)
    np.testing.assert_allclose(recipe.apply(scene), expected / 255, rtol=1e-6)
    valid = np.ones(SHAPE, bool)
    valid[:9, 3:20] = False
    levels = stretch.apply(scene, dtype="uint8", valid=valid)
    expected = Clahe(3.0, (4, 5)).apply(levels, dtype="uint8", valid=valid)
    np.testing.assert_array_equal(recipe.apply(scene, dtype="uint8", valid=valid), expected)
    # Beside others in a chain, twice too: each step has its own memory.
    for chain in (Chain((Destripe(), recipe, Percentile())), Chain((recipe, recipe))):
        one_by_one = scene
        for step in chain.recipes:
            one_by_one = step.apply(one_by_one, dtype="uint16")
        np.testing.assert_array_equal(chain.apply(scene, dtype="uint16"), one_by_one)
        batch = chain.apply_batch(np.stack([scene, scene[::-1]]), dtype="uint16", threads=2)
        np.testing.assert_array_equal(batch[0], one_by_one)
        np.testing.assert_array_equal(batch[1], chain.apply(scene[::-1], dtype="uint16"))


def test_a_stretch_of_raw_counts_makes_clahe_a_picture(rng):
    """Without it a scene of 14 bits in 16 stays dark; with it all of the range is in use."""
    y, x = np.mgrid[:512, :640]
    frame = 7000 + 90 * np.sin(x / 80) * np.cos(y / 60) + rng.normal(0, 2, (512, 640))
    frame = frame.astype(np.uint16)
    raw, seen = (r.apply(frame) for r in (Clahe(), Clahe(stretch=Percentile())))
    assert np.percentile(raw, 99) < 0.2
    assert np.percentile(seen, 99) - np.percentile(seen, 1) > 0.8


def test_statistics_fix_the_stretch_of_clahe(scene):
    total = Statistics.of(scene) + Statistics.of(scene // 2)
    recipe = Clahe(stretch=Percentile(scope="source"))
    assert recipe.needs() == "source"
    window = Percentile().resolve(total)
    np.testing.assert_array_equal(
        recipe.apply(scene, statistics=total), Clahe(stretch=window).apply(scene)
    )
    assert Clahe().needs() == "picture"
    assert Clahe().resolve(total) == Clahe()


def test_statistics_of_a_source_fix_the_window_of_detail_enhancement(scene):
    other = scene // 2
    total = Statistics.of(scene) + Statistics.of(other)
    low, high = np.percentile(np.stack([scene, other]), (1, 99))
    expected = DetailEnhance(window=(low, high)).apply(scene)
    np.testing.assert_array_equal(DetailEnhance().apply(scene, statistics=total), expected)
    assert not np.array_equal(expected, DetailEnhance().apply(scene))


def test_detail_enhancement_shows_a_faint_pattern_beside_a_strong_step(rng):
    """The pattern's contrast grows by the gain against what a plain stretch shows."""
    y, x = np.mgrid[:120, :160]
    step = np.where(x < 80, 2000.0, 8000.0)
    pattern = 60 * np.sin(x * 2) * np.sin(y * 2)
    image = (step + pattern).astype(np.uint16)
    stretched, enhanced = Percentile(0, 100).apply(image), DetailEnhance(noise=0).apply(image)
    inside = np.s_[20:100, 20:60]
    assert enhanced[inside].std() > 2.5 * stretched[inside].std()
    # The edge stays in the base: a split by a plain box mean has a halo ten times as high.
    share = (image - float(image.min())) / float(np.ptp(image))
    base = cv2.blur(share, (17, 17))
    plain = 0.15 + 0.7 * base + 3 * (share - base)  # not clipped, to show all of it
    halo, plain_halo = (
        np.abs(out[20:100, 60:79].mean(0) - out[inside].mean()).max() for out in (enhanced, plain)
    )
    assert halo < plain_halo / 10


def test_destripe_takes_known_stripes_off_and_spares_the_scene(rng):
    y, x = np.mgrid[:200, :160]
    smooth = 7000 + 400 * np.sin(x / 30) * np.cos(y / 25) + 5 * x
    clean = smooth + 300 * ((x - 80) ** 2 + (y - 90) ** 2 < 400)
    clean = clean + rng.normal(0, 2, clean.shape)
    stripes = rng.normal(0, 12, 160)
    for axis, turned in (("columns", False), ("rows", True)):
        image = np.rint(clean + stripes).astype(np.uint16)
        out = Destripe(axis).apply(image.T if turned else image)
        out = out.T if turned else out
        before = (np.rint(clean + stripes) - clean).mean(0)
        after = (out - clean).mean(0)
        # What is left is the mean over 17 columns, which a high-pass cannot see.
        assert after.std() < 0.35 * before.std()
        assert np.diff(after).std() < 0.15 * np.diff(before).std()
    half = Destripe(strength=0.5).apply(image)
    np.testing.assert_allclose(half, (image + Destripe().apply(image)) / 2, atol=0.01)
    assert np.abs(Destripe(limit=3).apply(image) - image).max() <= 3


def test_planted_bad_pixels_are_found_and_healed(rng):
    _, x = np.mgrid[:80, :90]
    clean = np.rint(3000 + 200 * np.sin(x / 12) + rng.normal(0, 3, (80, 90))).astype(np.uint16)
    target = clean.copy()
    target[40:42, 50:52] += 400  # a point target, spread by the optics: no bad pixel
    image, planted = target.copy(), np.zeros(clean.shape, bool)
    for row, column in ((5, 7), (0, 0), (79, 33), (41, 20), (60, 89)):
        planted[row, column] = True
        image[row, column] = 0 if row % 2 else 16383
    np.testing.assert_array_equal(BadPixels().find(image), planted)
    healed = BadPixels().apply(image, dtype="uint16")
    assert np.abs(healed[planted].astype(int) - clean[planted]).max() <= 12
    np.testing.assert_array_equal(healed[~planted], target[~planted])


def test_bad_pixels_of_a_sequence_are_those_that_stay(rng):
    base = rng.normal(1000, 2, (6, 20, 20))
    base[:, 4, 4] = 0
    for number in range(6):
        base[number, 10, 3 + number] = 1200  # a point that moves
    frames = base.astype(np.uint16)
    found = BadPixels.from_frames(list(frames))
    assert np.argwhere(found.map).tolist() == [[4, 4]]


def test_flat_fields_give_maps_that_make_other_temperatures_flat(rng):
    gain, offset = rng.uniform(0.8, 1.2, SHAPE), rng.uniform(-200, 200, SHAPE)

    def sensor(level, frames):
        return np.rint(gain * level + offset + rng.normal(0, 3, (frames, *SHAPE))).astype(np.uint16)

    cold, hot = sensor(4000, 40), sensor(9000, 40)
    for stack in (cold, hot):
        stack[:, 6, 7] = 4000  # does not respond
    nuc, dead = TwoPointNuc.from_flat_fields(cold, hot)
    assert np.argwhere(dead).tolist() == [[6, 7]]
    raw = sensor(6500, 1)[0]
    flat = Chain((nuc, BadPixels(dead))).apply(raw)
    assert flat.std() < 5  # the noise of the sensor; without the correction:
    assert raw.std() > 400
    np.testing.assert_allclose(nuc.inverse(nuc.apply(raw)), raw, atol=0.01)
    with pytest.raises(ValueError, match="must respond"):
        TwoPointNuc.from_flat_fields(hot, cold)
    with pytest.raises(ValueError, match="of one size"):
        TwoPointNuc.from_flat_fields(hot, cold[:, 1:])
