"""Box remapping against the definition, one box at a time."""

from __future__ import annotations

import numpy as np
import pytest
import reference_kernels as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast import _core
from irtd_fast.geometry.ledger import Fate

SIZE = (120, 160)
edges = st.one_of(
    st.floats(-300, 300, width=32),
    st.sampled_from([0.0, 120.0, 160.0, -0.0005, 160.0005, float("nan"), float("inf")]),
)
numbers = st.floats(-2, 2)
shifts = st.floats(-100, 100)


@st.composite
def batches(draw):
    counts = draw(st.lists(st.integers(0, 5), min_size=0, max_size=4))
    boxes = np.array(
        [[draw(edges) for _ in range(4)] for _ in range(sum(counts))], np.float32
    ).reshape(-1, 4)
    if draw(st.booleans()):  # mostly boxes, not mostly inverted ones
        low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
        boxes = np.ascontiguousarray(np.hstack([low, high]), np.float32)
    matrices = np.array(
        [
            [[draw(numbers), draw(numbers), draw(shifts)] for _ in range(2)]
            if draw(st.booleans())
            else [[1, 0, draw(shifts)], [0, 1, draw(shifts)]]
            for _ in counts
        ],
        np.float64,
    ).reshape(-1, 2, 3)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    return boxes, offsets, matrices


def run(batch, **options):
    return _core.remap_boxes(*batch, SIZE, **options)


def near_a_threshold(batch, reference, options, index):
    """Whether rounding alone may decide about a box."""
    boxes, offsets, matrices = batch
    sample = int(np.searchsorted(offsets, index, side="right")) - 1
    hull = reference.remap_box(boxes[index].tolist(), matrices[sample])
    if hull is None:
        return False
    wiggled = [
        reference.keep_box(tuple(v + d for v in hull), SIZE, **options) for d in (-1e-6, 0.0, 1e-6)
    ]
    return len({found is None for found in wiggled}) > 1


@settings(deadline=None)
@given(
    batches(),
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    st.sampled_from([0.0, 1.0, 30.0]),
    st.sampled_from(["clip", "keep", "drop"]),
)
def test_every_policy_follows_the_definition(batch, min_visible, min_size, policy):
    options = {"min_visible": min_visible, "min_size": min_size, "policy": policy}
    boxes, kept, offsets, visible, fates = run(batch, **options)
    truth = reference.remap_boxes(*batch, SIZE, **options)
    differ = set(kept.tolist()) ^ set(truth[1].tolist())
    assert all(near_a_threshold(batch, reference, options, i) for i in differ)
    if differ:
        return
    np.testing.assert_array_equal(np.flatnonzero(fates <= 1), kept)
    np.testing.assert_array_equal(kept, truth[1])
    np.testing.assert_array_equal(offsets, truth[2])
    np.testing.assert_allclose(boxes, truth[0], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(visible, truth[3], rtol=1e-4, atol=1e-5)


@settings(deadline=None)
@given(batches())
def test_nothing_that_stays_is_out_of_order_or_outside(batch):
    boxes, kept, offsets, visible, fates = run(batch, policy="clip")
    assert (boxes.dtype, kept.dtype) == (np.float32, np.int64)
    assert (offsets.dtype, visible.dtype) == (np.uint64, np.float32)
    assert np.all(np.diff(kept) > 0)
    assert offsets[0] == 0
    assert offsets[-1] == len(boxes) == len(kept) == len(visible)
    assert np.all(boxes >= 0)
    assert np.all(boxes[:, 0::2] <= SIZE[1])
    assert np.all(boxes[:, 1::2] <= SIZE[0])
    assert np.all(boxes[:, :2] <= boxes[:, 2:])
    assert np.all((visible > 0) & (visible <= 1))
    assert fates.shape == (len(batch[0]),)
    assert set(fates.tolist()) <= {fate.value for fate in Fate}
    sample_of = np.searchsorted(batch[1], kept, side="right") - 1
    np.testing.assert_array_equal(
        np.bincount(sample_of, minlength=len(offsets) - 1) if len(offsets) > 1 else [],
        np.diff(offsets.astype(int)),
    )


def test_a_flip_and_a_crop_by_hand():
    boxes = np.array([[10, 12, 30, 20], [-10, 0, 10, 10]], np.float32)
    offsets = np.array([0, 1, 2], np.uint64)
    flip = [[-1, 0, 160], [0, 1, 0]]
    matrices = np.array([flip, [[1, 0, 0], [0, 1, 0]]], np.float64)
    out, kept, ends, visible, fates = _core.remap_boxes(boxes, offsets, matrices, SIZE)
    assert out.tolist() == [[130, 12, 150, 20], [0, 0, 10, 10]]
    assert (kept.tolist(), ends.tolist(), visible.tolist()) == ([0, 1], [0, 1, 2], [1, 0.5])
    assert fates.tolist() == [Fate.KEPT, Fate.CLIPPED]


def test_wrong_arguments_are_refused():
    boxes = np.zeros((2, 4), np.float32)
    offsets = np.array([0, 2], np.uint64)
    matrices = np.zeros((1, 2, 3), np.float64)
    good = {"boxes": boxes, "offsets": offsets, "matrices": matrices, "sizes": SIZE}
    bad = (
        ({"boxes": np.zeros((2, 5), np.float32)}, "boxes"),
        ({"offsets": np.array([0, 1], np.uint64)}, "offsets"),
        ({"offsets": np.array([1, 2], np.uint64)}, "offsets"),
        ({"offsets": np.array([], np.uint64)}, "offsets"),
        ({"offsets": np.array([0, 3, 2], np.uint64), "matrices": np.zeros((2, 2, 3))}, "offsets"),
        ({"matrices": np.zeros((2, 2, 3))}, "matrices"),
        ({"sizes": (0, 5)}, "frame"),
        ({"policy": "cut"}, "policy"),
        ({"min_visible": 1.5}, "min_visible"),
        ({"min_size": -1.0}, "min_size"),
    )
    for change, message in bad:
        with pytest.raises(ValueError, match=message):
            _core.remap_boxes(**(good | change))
    for change in ({"boxes": boxes.astype(float)}, {"offsets": offsets.astype(np.int64)}):
        with pytest.raises(TypeError):
            _core.remap_boxes(**(good | change))
