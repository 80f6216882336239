"""Effects by torch operations against those of the core, on the same pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast import _core
from irtd_fast.load.augment.cutout import Cutout, draw_holes
from irtd_fast.load.augment.draws import Draws
from irtd_fast.load.augment.effects import Effects, draw_effects
from irtd_fast.load.augment.photometric import COLUMNS, Photometric
from irtd_fast.load.random import keys, stream_keys

torch = pytest.importorskip("torch")

from irtd_fast.load import device_effects  # noqa: E402
from irtd_fast.load.device_effects import apply_effects  # noqa: E402
from irtd_fast.load.device_noise import hash_bits, key_halves, normals  # noqa: E402
from irtd_fast.load.device_normalize import DeviceLevels  # noqa: E402

NAMES = (*COLUMNS, "invert")
LEVEL = 1 / 255  # what the device may differ by, as a share of the range
ALONE = {
    "blur": {"blur": 1.3}, "noise": {"noise": 0.05}, "shot": {"shot": 0.05},
    "column": {"column": 0.03}, "row": {"row": 0.03}, "dead": {"dead": 0.02},
    "gain": {"gain": 1.3}, "offset": {"offset": -0.2}, "gamma": {"gamma": 0.6},
    "polarity": {"invert": 1.0},
}  # fmt: skip
TOGETHER = {
    "blur": 0.8, "noise": 0.03, "shot": 0.04, "column": 0.02, "row": 0.03, "dead": 0.01,
    "gain": 1.2, "offset": -0.1, "gamma": 1.6, "invert": 1.0,
}  # fmt: skip
FRAMES = [(1, True), (3, True), (3, False)]  # channels, gray


def table_of(*frames):
    neutral = dict.fromkeys(NAMES, 0.0) | {"gain": 1.0, "gamma": 1.0}
    return np.array([list((neutral | frame).values()) for frame in frames], np.float32)


def effects_of(*frames, gray=True, seed=0, **more):
    table = table_of(*frames)
    own = keys(seed, 0, np.arange(len(table)), "pixels")
    return Effects(table, own, gray=np.full(len(table), gray), **more)


def pictures_of(rng, count, channels, size, *, gray):
    """Shares, some of them beyond the range."""
    made = rng.random((count, 1 if gray else channels, *size), dtype=np.float32) * 1.2 - 0.1
    return np.array(np.broadcast_to(made, (count, channels, *size)), order="C")


def both(pictures, effects, bounds=(0.0, 1.0), *, clip=True, device="cpu"):
    """What the core and the device make of the same pictures."""
    gray = effects.gray is not None and bool(effects.gray.all())
    core = pictures.copy()
    effects.native(bounds, clip=clip).apply(core, same_channels=gray)
    there = torch.from_numpy(pictures.copy()).to(device)
    apply_effects(there, effects, bounds, clip=clip)
    return core, there.cpu().numpy()


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize(("channels", "gray"), FRAMES)
def test_every_effect_alone_is_the_cores(rng, name, channels, gray):
    for count, size in ((1, (30, 40)), (3, (17, 31)), (5, (1, 7)), (2, (9, 1))):
        pictures = pictures_of(rng, count, channels, size, gray=gray)
        core, device = both(pictures, effects_of(*[ALONE[name]] * count, gray=gray, seed=count))
        np.testing.assert_allclose(device, core, atol=3e-6, rtol=0)
        if size[0] > 1 and size[1] > 1:
            assert (core != pictures).any()


@pytest.mark.parametrize(("channels", "gray"), FRAMES)
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-2.0, 6.0)])
@pytest.mark.parametrize("clip", [True, False])
def test_all_effects_together_are_the_cores(rng, channels, gray, bounds, clip):
    for count, size in ((1, (64, 80)), (4, (33, 47)), (9, (24, 25))):
        holes = draw_holes(Cutout(0.8, (1, 6), fill="random"), Draws(4, 0, np.arange(count)), size)
        more = {"holes": holes.boxes.astype(np.int32), "hole_fill": holes.fill,
                "hole_offsets": holes.offsets.astype(np.uint64)}  # fmt: skip
        effects = effects_of(*[TOGETHER] * count, gray=gray, seed=7, **more)
        span = bounds[1] - bounds[0]
        pictures = pictures_of(rng, count, channels, size, gray=gray) * span + bounds[0]
        core, device = both(pictures.astype(np.float32), effects, bounds, clip=clip)
        assert np.abs(device - core).max() <= 1e-5 * span
        assert np.abs(core - pictures).max() > 0.5 * span


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({}, optional={
            "blur": st.floats(0.1, 32), "noise": st.floats(0, 0.3),
            "shot": st.floats(0, 0.3), "column": st.floats(0, 0.1),
            "row": st.floats(0, 0.1), "dead": st.floats(0, 1),
            "gain": st.floats(-2, 2), "offset": st.floats(-1, 1),
            "gamma": st.floats(0.5, 3), "invert": st.sampled_from([0.0, 1.0]),
        }),
        min_size=1, max_size=5,
    ),
    st.sampled_from(FRAMES), st.tuples(st.integers(1, 40), st.integers(1, 40)), st.booleans(),
    st.integers(0, 2**31),
)  # fmt: skip
def test_any_mixture_of_frames_is_the_cores(frames, form, size, clip, seed):
    channels, gray = form
    pictures = pictures_of(np.random.default_rng(seed), len(frames), channels, size, gray=gray)
    core, device = both(pictures, effects_of(*frames, gray=gray, seed=seed), clip=clip)
    difference = np.abs(device - core)
    assert difference.max() <= LEVEL
    assert np.median(difference) <= 1e-6


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_levels_that_were_sent_are_changed_as_the_core_changes_them(rng, bits, channels):
    frames = [*ALONE.values(), TOGETHER]
    for size in ((21, 35), (16, 48)):
        sent = rng.integers(0, 1 << bits, (len(frames), 1, *size))
        sent = sent.astype(np.uint8 if bits == 8 else np.uint16)
        effects = effects_of(*frames)
        core = np.repeat((sent / np.float32((1 << bits) - 1)).astype(np.float32), channels, axis=1)
        effects.native((0.0, 1.0), clip=True).apply(core, same_channels=True)
        made = DeviceLevels(bits=bits)(torch.from_numpy(sent), torch.arange(len(frames)))
        apply_effects(made, effects, (0.0, 1.0), clip=True)
        found = made.expand(-1, channels, -1, -1).numpy()
        assert np.abs(found - core).max() <= 1e-5
        assert (np.abs(core - sent / ((1 << bits) - 1)).max(axis=(1, 2, 3)) > LEVEL).all()


def test_a_nan_stays_one_and_reaches_no_further_than_in_the_core(rng):
    pictures = pictures_of(rng, 3, 1, (40, 50), gray=True)
    pictures[:, 0, 20, 25] = np.nan
    frames = ({"blur": 0.5}, TOGETHER | {"blur": 3.0}, TOGETHER | {"blur": 0.0, "gamma": 1.0})
    core, device = both(pictures, effects_of(*frames), clip=False)
    np.testing.assert_array_equal(np.isnan(device), np.isnan(core))
    assert np.isnan(core).sum(axis=(1, 2, 3)).tolist()[::2] == [5 * 5, 1]
    np.testing.assert_allclose(device, core, atol=1e-5)


def test_a_frame_without_effects_keeps_its_bits(rng):
    pictures = pictures_of(rng, 4, 1, (20, 30), gray=True) * 3 - 1
    pictures[1, 0, 0] = np.inf
    for others in ((), (TOGETHER,)):
        frames = ({}, {}, ALONE["dead"], *others)
        given = pictures[: len(frames)]
        _, device = both(given, effects_of(*frames))
        np.testing.assert_array_equal(device[:2], given[:2])
        assert 1 <= (device[2] != given[2]).sum() <= 0.02 * 600 + 1


def test_frames_are_changed_in_groups_of_any_size(rng, monkeypatch):
    pictures = pictures_of(rng, 7, 3, (20, 31), gray=False)
    frames = [TOGETHER, {}, ALONE["dead"], ALONE["blur"], TOGETHER, ALONE["row"], {"blur": 2.0}]
    holes = draw_holes(Cutout(1.0, (1, 4)), Draws(1, 0, np.arange(7)), (20, 31))
    gray = np.array([True, False, True, False, False, True, False])
    own = keys(3, 0, np.arange(7), "x")
    more = Effects(table_of(*frames), own, holes.boxes.astype(np.int32), holes.fill,
                   holes.offsets.astype(np.uint64), gray)  # fmt: skip
    pictures[gray, 1:] = pictures[gray, :1]
    made = []
    for values in (1, 2 * 20 * 31 * 3, 1 << 22):
        monkeypatch.setattr(device_effects, "_VALUES", values)
        made.append(torch.from_numpy(pictures.copy()))
        apply_effects(made[-1], more, (0.0, 1.0), clip=True)
    for other in made[1:]:
        np.testing.assert_array_equal(other.numpy(), made[0].numpy())
    for i in range(7):
        alone = pictures[i : i + 1].copy()
        here = slice(holes.offsets[i], holes.offsets[i + 1])
        ends = np.array([0, here.stop - here.start], np.uint64)
        one = Effects(more.photometric[i : i + 1], own[i : i + 1], more.holes[here],
                      more.hole_fill[here], ends)  # fmt: skip
        one.native((0.0, 1.0), clip=True).apply(alone, same_channels=bool(gray[i]))
        np.testing.assert_allclose(made[0][i].numpy(), alone[0], atol=1e-5)


def test_random_bits_are_those_of_splitmix_and_of_the_published_hash():
    some = np.array([0, 1, 2**63 + 5, 2**64 - 1], np.uint64)
    for number in (0, 1, 3):
        expected = [_core.stream_key(int(key), number) for key in some]
        assert stream_keys(some, number).tolist() == expected
    first, second = key_halves(some, 3, 2)
    expected = [[_core.stream_key(_core.stream_key(int(key), c), 2) for c in range(3)]
                for key in some]  # fmt: skip
    assert (first + (second.astype(object) * 2**32)).tolist() == expected

    def mixed(x):  # in Python's own numbers, which have no end
        x = ((x ^ (x >> 16)) * 0x21F0AAAD) % 2**32
        x = ((x ^ (x >> 15)) * 0xD35A2D97) % 2**32
        return x ^ (x >> 15)

    top = 2**32 - 1
    for low, high, counter in ((0, 0, 0), (top, top, top), (1, top, 65536), (top, 3, 0x8000)):
        expected = mixed((mixed((counter * 0x9E3779B9 + low) % 2**32) + high) % 2**32)
        for make in (np.array, torch.tensor):
            assert int(hash_bits(*(make([v]) for v in (low, high, counter)))[0]) == expected


def test_normal_numbers_have_their_moments():
    found = normals(keys(0, 0, np.arange(4), "x"), 2, 0, (128, 255), "cpu").double()
    assert found.shape == (4, 2, 128, 255)
    count = found.numel()
    assert abs(float(found.mean())) < 5 / count**0.5
    assert abs(float(found.var()) - 1) < 5 * (2 / count) ** 0.5
    assert abs(float((found**4).mean()) - 3) < 5 * (96 / count) ** 0.5
    planes = found.reshape(8, -1)
    assert float((torch.corrcoef(planes) - torch.eye(8)).abs().max()) < 5 / planes.shape[1] ** 0.5


def test_what_is_never_drawn_is_no_effect():
    draws = Draws(0, 0, np.arange(5))
    assert draw_effects(None, None, draws, "infrared") is None
    assert draw_effects(Photometric(), None, draws, "infrared") is None
    holes = draw_holes(Cutout(1.0), draws, (20, 20))
    only = draw_effects(None, holes, draws, "infrared")
    assert (only.photometric, only.keys, len(only), len(only.holes)) == (None, None, 5, 5)
    noise = draw_effects(Photometric(noise=(0.1, 0.1)), holes, draws, "infrared")
    assert noise.photometric.shape == (5, 10)
    assert len(noise.holes) == 5


def test_pictures_that_do_not_fit_are_refused():
    effects = effects_of(ALONE["noise"], ALONE["noise"])
    with pytest.raises(ValueError, match=r"must be \(b, c, h, w\) float32, found torch.float64"):
        apply_effects(torch.zeros((2, 1, 4, 4), dtype=torch.float64), effects, (0, 1), clip=True)
    with pytest.raises(ValueError, match="3 pictures, but effects of 2"):
        apply_effects(torch.zeros((3, 1, 4, 4)), effects, (0, 1), clip=True)


@pytest.mark.cuda
@pytest.mark.parametrize("name", [*ALONE, "together"])
def test_on_cuda_effects_are_the_cores(rng, name):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    frame = TOGETHER if name == "together" else ALONE[name]
    for channels, gray in FRAMES:
        pictures = pictures_of(rng, 5, channels, (65, 97), gray=gray)
        core, device = both(pictures, effects_of(*[frame] * 5, gray=gray), device="cuda")
        assert np.abs(device - core).max() <= 1e-4
