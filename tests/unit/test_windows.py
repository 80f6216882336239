"""Windows around objects: the promise holds or the fall-back is stated, for any boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import irtd_fast
from irtd_fast import synth
from irtd_fast.geometry.remap import BoxOptions, remap_boxes
from irtd_fast.geometry.windows import (
    LANES,
    TRIES,
    ObjectCrop,
    Outcome,
    Pictures,
    centred_windows,
    letterbox_windows,
    object_windows,
)
from irtd_fast.load import Augment, Loader
from irtd_fast.load.augment import window_matrices

PROMISED = (Outcome.OBJECTS, Outcome.TIGHT, Outcome.LETTERBOX)
anything = st.one_of(
    st.floats(-200, 900, width=32), st.floats(width=32), st.sampled_from([0.0, 640.0, 512.0])
)


def random_pictures(rng, samples=40, extreme=False):
    """Pictures of many shapes with boxes inside, across the border and far out."""
    heights = rng.integers(1, 700, samples) if extreme else rng.integers(200, 600, samples)
    widths = rng.integers(1, 700, samples) if extreme else rng.integers(200, 700, samples)
    counts = rng.integers(0, 7, samples)
    owner = np.repeat(np.arange(samples), counts)
    limit = np.stack([widths, heights], axis=1)[owner]
    centre = rng.uniform(-0.1, 1.1, (len(owner), 2)) * limit
    half = (
        rng.uniform(0.001, 0.3, (len(owner), 2))
        * limit
        * rng.choice([0.1, 0.5, 1], len(owner))[:, None]
    )
    boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return Pictures(boxes, offsets, heights, widths)


def visible(boxes, windows, pictures):
    """Share of each box that its window shows of the picture, in double precision."""
    owner = pictures.owner
    box = boxes.astype(np.float64)
    limit = np.stack([pictures.widths, pictures.heights], axis=1)[owner]
    low = np.maximum(np.maximum(box[:, :2], windows[owner, :2]), 0)
    high = np.minimum(np.minimum(box[:, 2:], windows[owner, 2:]), limit)
    with np.errstate(all="ignore"):
        return np.maximum(high - low, 0).prod(axis=1) / (box[:, 2:] - box[:, :2]).prod(axis=1)


def check(pictures, augment, drawn, size):
    rule, windows, outcomes = augment.object_crop, drawn.windows, drawn.outcomes
    samples = len(outcomes)
    shown = visible(pictures.boxes, windows, pictures)
    per_sample = np.bincount(pictures.owner[drawn.chosen], minlength=samples)
    assert ((per_sample > 0) | np.isin(outcomes, [Outcome.NO_OBJECTS, Outcome.CENTRE,
                                                  Outcome.LETTERBOX])).all()  # fmt: skip
    promised = drawn.chosen & np.isin(outcomes, PROMISED)[pictures.owner]
    # Boxes that leave the picture by up to 0.001 pixel count as inside: that share may be missing.
    least = (pictures.boxes[promised, 2:] - pictures.boxes[promised, :2]).min(
        axis=1, initial=np.inf
    )
    assert (shown[promised] >= rule.promise - 1e-4 - 4e-3 / np.maximum(least, 1e-9)).all()
    if rule.objects is not None:
        assert (per_sample <= rule.objects).all()
    sides = np.stack([pictures.widths, pictures.heights], axis=1)
    inside = outcomes != Outcome.LETTERBOX
    assert (windows[inside] == np.rint(windows[inside])).all()
    assert (windows[inside, :2] >= 0).all()
    assert (windows[inside, 2:] <= sides[inside]).all()
    shape = windows[:, 2:] - windows[:, :2]
    assert (shape > 0).all()
    boxed = ~inside
    np.testing.assert_allclose(shape[boxed, 0] / shape[boxed, 1], size[1] / size[0])
    assert (windows[boxed, :2] <= 1e-9).all()
    assert (windows[boxed, 2:] >= sides[boxed] - 1e-9).all()
    # Within the ratio bounds up to the rounding of sides to whole pixels.
    low, high = augment.ratio
    drawn_ones = np.isin(outcomes, [Outcome.OBJECTS, Outcome.TIGHT, Outcome.NO_OBJECTS])
    w, h = shape[drawn_ones].T
    assert ((w + 1) / h >= low * (1 - 1e-9)).all()
    assert (w / (h + 1) <= high * (1 + 1e-9)).all()


rules = st.builds(
    ObjectCrop,
    promise=st.sampled_from([0.2, 0.5, 0.75, 1.0]),
    objects=st.sampled_from([1, 2, None]),
    margin=st.sampled_from([(0.0, 0.0), (0.0, 0.5), (0.2, 2.0)]),
    fallback=st.sampled_from(["letterbox", "centre"]),
)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32 - 1), rules, st.booleans(), st.sampled_from([0.01, 0.25, 0.9]))
def test_every_chosen_object_is_as_visible_as_promised(seed, rule, extreme, least):
    pictures = random_pictures(np.random.default_rng(seed), extreme=extreme)
    augment = Augment(scale=(least, 1.0), crop=rule)
    samples = np.arange(len(pictures.heights))
    drawn, flips = augment.draw_around_objects(seed, 1, samples, pictures, (448, 320))
    check(pictures, augment, drawn, (448, 320))
    # What the loader's remapping then reports is the same promise.
    matrices = window_matrices(drawn.windows, flips, (448, 320))
    done = remap_boxes(
        pictures.boxes, pictures.offsets, matrices, (448, 320), BoxOptions("keep", 0, 0)
    )
    sure = drawn.chosen & np.isin(drawn.outcomes, PROMISED[:2])[pictures.owner]
    assert (done.visible[sure[done.kept]] >= rule.promise - 1e-3).all()


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(anything, anything, anything, anything), max_size=8),
    st.integers(1, 700), st.integers(1, 700), rules,
)  # fmt: skip
def test_no_box_raises(rows, height, width, rule):
    boxes = np.array(rows, np.float32).reshape(-1, 4)
    pictures = Pictures(boxes, np.array([0, 0, len(boxes)]), *np.array([[height] * 2, [width] * 2]))
    augment = Augment(crop=rule)
    drawn, _ = augment.draw_around_objects(3, 0, np.arange(2), pictures, (100, 100))
    check(pictures, augment, drawn, (100, 100))
    if not len(boxes):
        assert drawn.outcomes[0] in (Outcome.NO_OBJECTS, Outcome.LETTERBOX, Outcome.CENTRE)


def one(box, size=(512, 640)):
    return Pictures(
        np.array([box], np.float32), np.array([0, 1]), np.array([size[0]]), np.array([size[1]])
    )


def draws(pictures, augment, count=400, size=(448, 448)):
    many = Pictures(
        np.tile(pictures.boxes, (count, 1)), np.arange(count + 1),
        np.tile(pictures.heights, count), np.tile(pictures.widths, count),
    )  # fmt: skip
    return augment.draw_around_objects(5, 0, np.arange(count), many, size)[0]


def test_margin_and_place_are_what_was_asked_for():
    augment = Augment(scale=(0.001, 0.001), ratio=(0.5, 2), crop=ObjectCrop(margin=(0.5, 0.5)))
    drawn = draws(one([300, 200, 340, 240]), augment)
    assert (drawn.outcomes == Outcome.OBJECTS).all()
    # The object with half of its side to each side, and no more: the scale asks for less.
    np.testing.assert_array_equal(drawn.windows, [[280, 180, 360, 260]] * 400)
    wide = draws(one([300, 200, 340, 240]), Augment(scale=(0.2, 0.8), crop="semantic"))
    assert (wide.outcomes == Outcome.OBJECTS).all()
    assert wide.windows[:, 0].min() < 30  # anywhere that holds the object …
    assert wide.windows[:, 2].max() > 610
    area = (wide.windows[:, 2:] - wide.windows[:, :2]).prod(axis=1) / (512 * 640)
    assert 0.19 < area.min() < 0.25  # … and of any size that was asked for
    assert area.max() > 0.7


def test_half_a_promise_shows_half_an_object():
    rule = ObjectCrop(promise=0.5, margin=(0, 0))
    drawn = draws(one([200, 200, 300, 300]), Augment(scale=(0.01, 0.01), crop=rule))
    shown = visible(np.tile(one([200, 200, 300, 300]).boxes, (400, 1)), drawn.windows,
                    Pictures(np.zeros((400, 4)), np.arange(401), np.full(400, 512),
                             np.full(400, 640)))  # fmt: skip
    assert shown.min() >= 0.5
    assert shown.max() < 0.6


@pytest.mark.parametrize(
    ("box", "rule", "outcome", "window"),
    [
        ([0, 0, 640, 512], ObjectCrop(), Outcome.OBJECTS, [0, 0, 640, 512]),
        ([0, 10, 640, 40], ObjectCrop(fallback="centre"), Outcome.OBJECTS, None),
        ([-10, 0, 300, 300], ObjectCrop(), Outcome.NO_OBJECTS, None),
        ([-0.0005, 0, 640.0005, 512], ObjectCrop(), Outcome.OBJECTS, [0, 0, 640, 512]),
        ([5, 5, 5, 9], ObjectCrop(), Outcome.NO_OBJECTS, None),
        ([9, 5, 5, 9], ObjectCrop(), Outcome.NO_OBJECTS, None),
    ],
)
def test_outcomes_by_hand(box, rule, outcome, window):
    drawn = draws(one(box), Augment(crop=rule), count=20)
    assert set(drawn.outcomes.tolist()) == {outcome}
    if window is not None:
        assert drawn.windows.tolist() == [window] * 20


def test_without_objects_windows_are_anywhere():
    drawn = draws(one([np.nan, 0, 1, 1]), Augment(scale=(0.1, 0.2), crop="semantic"))
    assert (drawn.outcomes == Outcome.NO_OBJECTS).all()
    assert not drawn.chosen.any()
    corner, opposite = drawn.windows[:, :2], drawn.windows[:, 2:]
    assert corner.min() < 10
    assert opposite[:, 0].max() > 630
    assert opposite[:, 1].max() > 502
    area = (opposite - corner).prod(axis=1) / (512 * 640)
    assert 0.095 < area.min() < area.max() < 0.205


def test_what_fits_nowhere_falls_back_and_says_so():
    long_one = one([10, 10, 980, 12], (20, 1000))  # 50 : 1, and windows may be 2 : 1
    letterbox = draws(long_one, Augment(crop=ObjectCrop()), 5, (100, 200))
    assert (letterbox.outcomes == Outcome.LETTERBOX).all()
    assert letterbox.windows.tolist() == [[0, -240, 1000, 260]] * 5
    centre = draws(long_one, Augment(crop=ObjectCrop(fallback="centre"), ratio=(0.5, 2)), 5)
    assert (centre.outcomes == Outcome.CENTRE).all()
    assert centre.windows.tolist() == [[480, 0, 520, 20]] * 5
    tight = ObjectCrop(margin=(3, 3))
    drawn = draws(one([100, 250, 500, 280]), Augment(ratio=(0.9, 1.2), crop=tight))
    assert (drawn.outcomes == Outcome.TIGHT).all()


def test_every_object_is_chosen_as_often():
    boxes = np.tile(np.array([[10, 10, 40, 40], [100, 10, 140, 40], [200, 90, 240, 130]],
                             np.float32), (3000, 1))  # fmt: skip
    pictures = Pictures(boxes, np.arange(3001) * 3, np.full(3000, 200), np.full(3000, 300))
    drawn, _ = Augment(crop="semantic").draw_around_objects(
        1, 2, np.arange(3000), pictures, (64, 64)
    )
    share = drawn.chosen.reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(share, 1 / 3, atol=4 * math.sqrt(2 / 9 / 3000))


def test_draws_depend_on_the_sample_and_nothing_else(rng):
    pictures = random_pictures(rng)
    augment = Augment(crop=ObjectCrop(objects=2))
    numbers = np.arange(40) + 1000
    whole, flips = augment.draw_around_objects(9, 4, numbers, pictures, (64, 64))
    for i in (0, 17, 39):
        begin, end = pictures.offsets[i : i + 2]
        single = Pictures(pictures.boxes[begin:end], np.array([0, end - begin]),
                          pictures.heights[i : i + 1], pictures.widths[i : i + 1])  # fmt: skip
        alone, flip = augment.draw_around_objects(9, 4, numbers[i : i + 1], single, (64, 64))
        np.testing.assert_array_equal(alone.windows[0], whole.windows[i])
        np.testing.assert_array_equal(alone.chosen, whole.chosen[begin:end])
        assert flip[0] == flips[i]
    other, _ = augment.draw_around_objects(9, 5, numbers, pictures, (64, 64))
    assert (other.windows != whole.windows).any()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("windows")
    for source, size, count in (("hit-uav", (64, 80), 24), ("sirst-v2", None, 12)):
        synth.write_dump(root / source, source=source, count=count, seed=4, size=size)
        irtd_fast.ingest(root / source, root / "store.zarr", source=source)
    return irtd_fast.open(root / "store.zarr")


@pytest.mark.parametrize("crop", ["semantic", ObjectCrop(objects=None), ObjectCrop(0.6, 2)])
def test_the_loader_crops_around_objects_whatever_the_threads(dataset, crop):
    def batches(threads, prefetch):
        augment = Augment(scale=(0.05, 0.3), crop=crop)
        loader = Loader(dataset, 8, (48, 64), augment, seed=2, threads=threads, prefetch=prefetch,
                        boxes=BoxOptions("clip", 0.1, 0))  # fmt: skip
        return list(loader)

    first = batches(1, 0)
    for other in (batches(2, 2), batches(7, 1)):
        for a, b in zip(first, other, strict=True):
            assert a.images.tobytes() == b.images.tobytes()
            assert a.boxes.tobytes() == b.boxes.tobytes()
            assert a.crop_outcome.tobytes() == b.crop_outcome.tobytes()
    outcomes = np.concatenate([batch.crop_outcome for batch in first])
    assert np.isin(outcomes, [Outcome.OBJECTS, Outcome.TIGHT]).any()
    for batch in first:
        whole = np.isin(batch.crop_outcome, [Outcome.OBJECTS, Outcome.TIGHT])
        promise = crop.promise if isinstance(crop, ObjectCrop) else 1.0
        for i in np.flatnonzero(whole):
            mine = batch.visible_fraction[batch.offsets[i] : batch.offsets[i + 1]]
            assert mine.max() >= promise - 1e-3
    assert Loader(dataset, 8, (48, 64)).make_batch(np.arange(4), 0).crop_outcome is None


def test_the_loader_pads_a_letterbox_with_edge_pixels(dataset):
    augment = Augment(ratio=(5, 6), flip=0, crop=ObjectCrop(objects=None))
    batch = Loader(dataset.filter(source="hit-uav"), 4, (40, 160), augment).make_batch(
        np.arange(4), 0
    )
    boxed = np.flatnonzero(batch.crop_outcome == Outcome.LETTERBOX)
    assert len(boxed)
    for i in boxed:  # 64 x 80 in 40 x 160: 50 columns of picture in the middle
        picture = batch.images[i, 0]
        np.testing.assert_allclose(picture[:, :54], np.repeat(picture[:, :1], 54, 1), atol=1e-6)
        np.testing.assert_allclose(batch.matrix[i, 0, :], [0.625, 0, 55])


def test_letterbox_windows_have_the_frames_shape():
    windows = letterbox_windows(np.array([[200.0, 100], [50, 100]]), (100, 100))
    assert windows.tolist() == [[0, -50, 200, 150], [-25, 0, 75, 100]]
    assert letterbox_windows(np.zeros((0, 2)), (100, 100)).shape == (0, 4)


@pytest.mark.parametrize("rule", [ObjectCrop(), ObjectCrop(objects=None, fallback="centre")])
@pytest.mark.parametrize("height", [1, 2, 300])
@pytest.mark.parametrize("width", [1, 300])
def test_pictures_of_a_pixel_have_windows(rule, height, width):
    boxes = np.array([[0, 0, 1, 1], [np.nan] * 4, [0, 0, 0, 0]], np.float32)
    pictures = Pictures(boxes, np.array([0, 3]), np.array([height]), np.array([width]))
    numbers = np.full((1, TRIES * LANES), 0.5), np.full(3, 0.5)
    drawn = object_windows(pictures, rule, ((0.3, 1.0), (0.8, 1.25)), (64, 64), numbers)
    assert drawn.chosen.tolist() == [True, False, False]
    x0, y0, x1, y1 = drawn.windows[0]
    assert x1 - x0 >= 1
    assert y1 - y0 >= 1
    if drawn.outcomes[0] == Outcome.CENTRE:  # nothing is promised, but it lies in the picture
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
    else:
        assert x0 <= 0 < 1 <= x1
        assert y0 <= 0 < 1 <= y1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: letterbox_windows(np.array([[0.0, 5]]), (4, 4)), "positive, found 0.0"),
        (lambda: letterbox_windows(np.array([[np.nan, 5]]), (4, 4)), "positive, found nan"),
        (lambda: centred_windows(np.array([[5.0, 0]]), (1, 1)), "positive, found 0.0"),
        (lambda: centred_windows(np.zeros(2), (1, 1)), "found 0.0 among"),
        (lambda: Pictures(np.zeros((1, 3)), np.arange(2), *np.ones((2, 1), int)), r"\(1, 3\)"),
        (lambda: Pictures(np.zeros((1, 4)), np.arange(3), *np.ones((2, 1), int)), "2 offsets"),
        (lambda: Pictures(np.zeros((1, 4)), np.arange(2), *np.zeros((2, 1), int)), "without"),
    ],
)
def test_pictures_that_are_none_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "arguments",
    [{"promise": 0}, {"promise": 1.1}, {"objects": 0}, {"margin": (1, 0)}, {"margin": (-1, 0)},
     {"fallback": "zoom"}],
)  # fmt: skip
def test_impossible_rules_are_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        ObjectCrop(**arguments)
    with pytest.raises(ValueError, match="crop must"):
        Augment(crop="objects")
