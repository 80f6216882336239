"""Resampling against OpenCV, torch and Pillow; pictures, boxes and masks against each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from irtd_fast import _core
from irtd_fast.geometry import matrix as affine
from irtd_fast.geometry import resample

BORDERS = ["replicate", "constant", "reflect", "reflect101"]
CV_BORDERS = [cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT, cv2.BORDER_REFLECT, cv2.BORDER_REFLECT_101]

sides = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)
whole_types = st.sampled_from([np.uint8, np.uint16])


def picture(seed, shape, dtype):
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, high, shape, dtype, endpoint=True)


@st.composite
def integer_windows(draw):
    height, width = draw(sides), draw(sides)
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    return (height, width), (x0, y0, x1, y1)


@settings(deadline=None, max_examples=150)
@given(integer_windows(), sides, sides, seeds, whole_types, st.booleans())
def test_bilinear_is_opencv_inter_linear(case, h, w, seed, dtype, flip):
    shape, (x0, y0, x1, y1) = case
    image = picture(seed, shape, dtype)
    matrix = affine.crop((x0, y0, x1, y1), (h, w))
    if flip:
        matrix = affine.compose(matrix, affine.flip_horizontal(w))
    ours = resample(image, matrix, (h, w), filter="bilinear", layout="hw")
    cut = np.ascontiguousarray(image[y0:y1, x0:x1])
    peer = cv2.resize(cut, (w, h), interpolation=cv2.INTER_LINEAR)
    peer = peer[:, ::-1] if flip else peer
    assert np.abs(ours.astype(int) - peer.astype(int)).max() <= 1


@settings(deadline=None, max_examples=100)
@given(sides, sides, sides, sides, seeds, whole_types)
def test_area_is_opencv_inter_area(height, width, h, w, seed, dtype):
    h, w = min(h, height), min(w, width)  # INTER_AREA is the mean where both axes reduce
    image = picture(seed, (height, width), dtype)
    ours = resample(image, (0, 0, width, height), (h, w), filter="area", layout="hw")
    peer = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
    assert np.abs(ours.astype(int) - peer.astype(int)).max() <= 1


@settings(deadline=None, max_examples=100)
@given(sides, sides, sides, sides, seeds)
def test_antialias_is_pillow_and_torch(height, width, h, w, seed):
    import torch

    image = picture(seed, (height, width), np.uint8)
    ours = resample(image, (0, 0, width, height), (h, w), layout="hw")
    pillow = np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BILINEAR))
    assert np.abs(ours.astype(int) - pillow).max() <= 1
    if width == 1 or w == 1:  # torch 2.13 repeats the first row of one-column pictures
        return
    exact = torch.nn.functional.interpolate(
        torch.from_numpy(image.astype(np.float32))[None][None], (h, w), mode="bilinear",
        antialias=True,
    )[0, 0].numpy()  # fmt: skip
    floats = resample(image, (0, 0, width, height), (h, w), dtype="float32", layout="hw")
    np.testing.assert_allclose(floats, exact, atol=2e-3)
    assert np.abs(ours.astype(int) - exact).max() <= 0.51


@settings(deadline=None, max_examples=100)
@given(sides, sides, sides, sides, seeds)
def test_nearest_is_the_pixel_at_the_centre(height, width, h, w, seed):
    import torch

    labels = np.random.default_rng(seed).integers(-(2**31), 2**31, (height, width), dtype=np.int32)
    ours = resample(labels, (0, 0, width, height), (h, w), filter="nearest", layout="hw")
    # In whole numbers: floor((2 i + 1) n / (2 out)).
    rows = (2 * np.arange(h) + 1) * height // (2 * h)
    cols = (2 * np.arange(w) + 1) * width // (2 * w)
    tie_rows = (2 * np.arange(h) + 1) * height % (2 * h) == 0
    tie_cols = (2 * np.arange(w) + 1) * width % (2 * w) == 0
    np.testing.assert_array_equal(ours, labels[np.ix_(rows, cols)])
    # Peers compute the position in floats or fixed point: centres on an edge may differ.
    peer = torch.nn.functional.interpolate(
        torch.from_numpy(np.arange(labels.size).reshape(1, 1, height, width).astype(np.float64)),
        (h, w), mode="nearest-exact",
    )[0, 0].numpy().astype(int)  # fmt: skip
    index = np.arange(labels.size).reshape(height, width)
    clear = ~(tie_rows[:, None] | tie_cols[None])
    np.testing.assert_array_equal(peer[clear], index[np.ix_(rows, cols)][clear])
    exact = cv2.resize(index.astype(np.uint16), (w, h), interpolation=cv2.INTER_NEAREST_EXACT)
    np.testing.assert_array_equal(exact[clear], index[np.ix_(rows, cols)][clear])


@pytest.mark.parametrize("number", range(4))
def test_warp_affine_at_exact_positions(rng, number):
    """Opencv rounds positions to 1/32: by so much of the local slope may it differ."""
    image = cv2.GaussianBlur(rng.integers(0, 256, (120, 160), np.uint8), (0, 0), 3)
    angle = [0.2, -1.1, 2.5, 0.7][number]
    centre = affine.rotation(angle, (80, 60), [0.8, 1.3, 1.0, 0.5][number])
    ours = resample(
        image, centre, (110, 150), filter="bilinear", border=BORDERS[number], layout="hw",
    )  # fmt: skip
    # The same matrix between pixel centres, as OpenCV has it.
    half = affine.translation(0.5, 0.5)
    theirs = affine.compose(half, centre, affine.translation(-0.5, -0.5))
    peer = cv2.warpAffine(
        image, theirs, (150, 110), flags=cv2.INTER_LINEAR, borderMode=CV_BORDERS[number]
    )
    assert np.abs(ours.astype(int) - peer.astype(int)).max() <= 1 + (number == 1) * 8
    assert np.abs(ours.astype(int) - peer.astype(int)).mean() < 0.3


@settings(deadline=None, max_examples=60)
@given(
    seeds, st.floats(-3.1, 3.1), st.floats(0.4, 2.5), st.booleans(), st.integers(0, 3),
    st.sampled_from(["nearest", "bilinear", "antialias"]),
)  # fmt: skip
def test_a_point_in_picture_box_and_mask_lands_in_one_place(
    seed, turn, scale, flip, quarters, kind
):
    rng = np.random.default_rng(seed)
    height, width = 60, 80
    x, y = rng.uniform(25, 55), rng.uniform(20, 40)
    ys, xs = np.mgrid[:height, :width] + 0.5
    blob = (1000 * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * 3.0**2))).astype(np.float32)
    mask = ((np.abs(xs - x) < 6) & (np.abs(ys - y) < 6)).astype(np.uint8)
    steps = [affine.rotation(turn, (40, 30), scale), affine.rotate90(quarters, (60, 80))]
    size = (60, 80) if quarters % 2 == 0 else (80, 60)
    if flip:
        steps.append(affine.flip_horizontal(size[1]))
    matrix = affine.compose(*steps)
    grown = (3 * size[0], 3 * size[1])
    matrix = affine.compose(matrix, affine.translation(size[1], size[0]))  # all of it stays inside
    expected = affine.apply(matrix, [[x, y]])[0]

    def centre(values):
        rows, cols = np.mgrid[: grown[0], : grown[1]] + 0.5
        weight = values.astype(np.float64)
        return np.array([(cols * weight).sum(), (rows * weight).sum()]) / weight.sum()

    moved = resample(blob, matrix, grown, filter=kind, border="constant", layout="hw")
    assert np.abs(centre(moved) - expected).max() <= 0.5
    shape = resample(mask, matrix, grown, filter="nearest", border="constant", layout="hw")
    assert set(np.unique(shape)) <= {0, 1}
    true_centre = affine.apply(
        matrix, [[(xs * mask).sum() / mask.sum(), (ys * mask).sum() / mask.sum()]]
    )[0]
    assert np.abs(centre(shape) - true_centre).max() <= 0.5 + 1e-9
    rows, cols = np.nonzero(mask)
    edges = np.array([[cols.min(), rows.min(), cols.max() + 1, rows.max() + 1]], np.float32)
    box = _core.remap_boxes(edges, np.array([0, 1], np.uint64), matrix[None], grown)[0][0]
    rows, cols = np.nonzero(shape)
    hull = np.array([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1])
    assert (hull[:2] >= box[:2] - 0.5).all()
    assert (hull[2:] <= box[2:] + 0.5).all()
