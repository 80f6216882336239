"""Boxes, matrices, matchings and density maps of what hardly are any: defined, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from irtd_fast.density import (
    Adaptive,
    Density,
    adaptive_sigmas,
    density_map,
    density_maps,
    frame_sigmas,
)
from irtd_fast.density.counting import game, mae, point_counts, region_counts, rmse
from irtd_fast.geometry import matrix
from irtd_fast.geometry.boxes import convert_boxes, per_mille, per_mille_centres
from irtd_fast.geometry.iou import box_iou, corners_iou, paired_iou
from irtd_fast.geometry.ledger import Fate, Ledger
from irtd_fast.geometry.matching import match_best, match_greedy
from irtd_fast.geometry.oriented import (
    boxes_to_corners,
    corners_to_boxes,
    corners_to_rotated,
    long_edge_first,
    rotated_to_corners,
)
from irtd_fast.geometry.remap import (
    BoxOptions,
    remap_boxes,
    remap_corners,
    remap_points,
    remap_polygons,
    remap_rotated,
)
from irtd_fast.geometry.resampling import Normalize, resample, resample_batch
from irtd_fast.geometry.rig import find_rig

NAN, INF = np.nan, np.inf
EYE = np.eye(2, 3)[None]
FRAME = (10, 12)
# Not finite, infinite, inverted, a point, a line, outside, beyond float32, good.
BOXES = np.array([
    [NAN, 0, 1, 1], [0, 0, INF, 1], [5, 5, 2, 2], [3, 3, 3, 3], [3, 3, 3, 8], [20, 20, 30, 30],
    [0, 0, 1e300, 4], [1, 1, 5, 5],
])  # fmt: skip
FATES = [Fate.NOT_FINITE, Fate.NOT_FINITE, Fate.MALFORMED, Fate.SMALL, Fate.SMALL, Fate.OUTSIDE,
         Fate.NOT_FINITE, Fate.KEPT]  # fmt: skip


def test_every_odd_box_has_a_fate() -> None:
    ends = [0, len(BOXES)]
    done = remap_boxes(BOXES, ends, EYE, FRAME)
    assert done.fates.tolist() == FATES
    assert done.values.tolist() == [[1, 1, 5, 5]]
    assert done.ledger.total == len(BOXES)
    corners = remap_corners(boxes_to_corners(BOXES), ends, EYE, FRAME)
    # Corners have no inside out: those of an inverted box are the box turned by half.
    assert corners.fates.tolist() == [*FATES[:2], Fate.KEPT, *FATES[3:]]
    rotated = remap_rotated(
        [[0, 0, 0, 0, 0], [NAN] * 5, [1, 1, 1, 1, INF], [5, 5, 2, 3, 0.5]], [0, 4], EYE, FRAME
    )
    assert rotated.fates.tolist() == [6, 2, 2, 0]
    points = remap_points(
        [[NAN, 0], [INF, 1], [-5, 5], [12.5, 9], [0, 0], [1e300, 1]], [0, 6], EYE, FRAME
    )
    assert points.fates.tolist() == [2, 2, 4, 4, 0, 2]
    ragged = [0, 0, 1, 2, 4, 7]
    polygons = remap_polygons(
        [[0, 0], [1, 1], [NAN, 2], [2, 2], [1, 1], [5, 1], [5, 5]], ragged, [0, 5], EYE, FRAME
    )
    assert polygons.fates.tolist() == [3, 6, 6, 2, 0]


@pytest.mark.parametrize("policy", ["clip", "keep", "drop"])
@pytest.mark.parametrize(
    "affine", [np.full((1, 2, 3), NAN), np.full((1, 2, 3), INF), np.zeros((1, 2, 3)), EYE * 1e300]
)
def test_matrices_that_move_nothing_anywhere(policy: str, affine: np.ndarray) -> None:
    options = BoxOptions(policy, min_visible=0, min_size=0)
    for done in (
        remap_boxes(BOXES, [0, 8], affine, FRAME, options),
        remap_corners(np.tile(BOXES, 2), [0, 8], affine, FRAME, options),
        remap_points(BOXES[:, :2], [0, 8], affine, FRAME, policy),
    ):
        assert done.ledger.total == 8
        assert np.isfinite(done.values).all()
        assert len(done.values) == done.ledger.kept + done.ledger.clipped


def test_nothing_in_gives_nothing_out() -> None:
    none = np.zeros((0, 2, 3))
    assert remap_boxes([], [0], none, FRAME).values.shape == (0, 4)
    assert remap_boxes([], [0, 0], EYE, FRAME).values.shape == (0, 4)
    assert remap_points([], [0, 0], EYE, FRAME).values.shape == (0, 2)
    assert remap_polygons([], [0], [0, 0], EYE, FRAME).values.shape == (0, 2)
    assert convert_boxes([], "xywh").shape == (0, 4)
    assert per_mille(np.zeros((0, 2)), FRAME).shape == (0, 2)
    assert per_mille_centres([], FRAME).shape == (0, 2)
    assert box_iou([], BOXES).shape == (0, 8)
    assert corners_iou([], []).shape == (0, 0)
    assert paired_iou(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0,)
    for convert, columns in (
        (boxes_to_corners, 8), (corners_to_boxes, 4), (rotated_to_corners, 8),
        (corners_to_rotated, 5), (long_edge_first, 5),
    ):  # fmt: skip
        assert convert([]).shape == (0, columns)
    assert len(match_best(np.zeros((0, 3)))) == len(match_greedy(np.zeros((3, 0)))) == 0
    assert matrix.apply(EYE[0], np.zeros((0, 2))).shape == (0, 2)
    assert Ledger.of(np.zeros(0, np.uint8)).total == 0
    assert find_rig([], [], []) is None
    assert not density_map([], FRAME).any()
    assert density_maps([], [0], FRAME).shape == (0, *FRAME)
    assert adaptive_sigmas([], [0, 0]).shape == (0,)
    assert point_counts([], FRAME, (5, 6), 1).tolist() == [[0, 0], [0, 0]]
    batch = resample_batch([], np.zeros((0, 2, 3)), (2, 2), dtype="uint8", channels=1)
    assert batch.shape == (0, 1, 2, 2)


def test_overlaps_of_odd_boxes_are_nothing() -> None:
    usable = [[5, 5], [7, 7]]  # the box outside the frame is a box all the same
    for found in (box_iou(BOXES, BOXES), corners_iou(boxes_to_corners(BOXES)[:, :],
                                                     boxes_to_corners(BOXES))):  # fmt: skip
        assert np.isfinite(found).all()
        ours = found[[5, 7]][:, [5, 7]]
        np.testing.assert_allclose(ours, np.eye(2), atol=1e-12)
    found = box_iou(BOXES, BOXES)
    assert np.argwhere(found > 0).tolist() == usable
    assert np.flatnonzero(paired_iou(BOXES, BOXES)).tolist() == [5, 7]
    corners = boxes_to_corners(BOXES)
    assert np.flatnonzero(paired_iou(corners, corners)).tolist() == [2, 5, 7]  # see above


def test_formats_carry_what_is_not_finite() -> None:
    there = convert_boxes(BOXES, "xyxy", "cxcywh")
    assert np.isnan(there[0, [0, 2]]).all()
    assert there[1, 2] == INF
    assert there[2].tolist() == [3.5, 3.5, -3, -3]
    assert there[3].tolist() == [3, 3, 0, 0]
    back = convert_boxes(there, "cxcywh", "xyxy")
    np.testing.assert_allclose(back[2:6], BOXES[2:6])
    flat = convert_boxes([[0, 0, 1, 1]], target_unit="unit", size=(0, 0))
    assert np.isnan(flat[0, :2]).all()
    assert np.isinf(flat[0, 2:]).all()
    assert per_mille([[0, 1]], (0, 0)).tolist() == [[-1, -1]]
    assert per_mille(BOXES, FRAME)[0, 0] == per_mille(BOXES, FRAME)[1, 2] == -1
    assert per_mille_centres(BOXES[:1], FRAME)[0].tolist() == [-1, 50]
    assert np.isnan(corners_to_boxes(np.full((1, 8), NAN))).all()
    assert corners_to_rotated(np.full((1, 8), 3.0)).tolist() == [[3, 3, 0, 0, 0]]
    assert np.isnan(rotated_to_corners([[0, 0, 1, 1, INF]])).all()
    assert np.isnan(long_edge_first([[0, 0, 1, 2, NAN]])[0, 4])


def test_matches_of_odd_scores() -> None:
    for match in (match_best, match_greedy):
        assert len(match([[NAN, INF], [-INF, NAN]])) == 0
        assert len(match([[1.0]], at_least=NAN)) == 0
        huge = match([[-1e308, 1e308]], at_least=-INF)
        assert huge.columns.tolist() == [1]
        same = match(np.full((2, 3), 7.0))  # no differences to divide by
        assert same.rows.tolist() == [0, 1]


def test_density_of_odd_points_and_sigmas() -> None:
    assert density_map([[0.5, 0.5]], (1, 1)).tolist() == [[1]]
    for sigma in (0, 1e-300):
        assert density_map([[0.5, 0.5]], (2, 2), Density(sigma)).tolist() == [[1, 0], [0, 0]]
    for sigma in (INF, 1e300):
        even = density_maps([[0, 0]], [0, 1], (2, 2), sigmas=[sigma])
        assert even.tolist() == [[[0.25, 0.25], [0.25, 0.25]]]
    outside = [[NAN, 1], [INF, 0], [-1, 0], [0, 10], [12, 0], [1e300, 1]]
    assert not density_map(outside, FRAME).any()
    assert not density_maps([[0, 0]], [0, 1], FRAME, matrices=np.full((1, 2, 3), NAN)).any()
    assert adaptive_sigmas([[1, 1], [1, 1]], [0, 2]).tolist() == [1, 1]  # at one place
    assert adaptive_sigmas([[1, NAN], [1, 1]], [0, 2]).tolist() == [15, 15]  # alone
    assert adaptive_sigmas([[1e300, 0], [-1e300, 1]], [0, 2]).tolist() == [15, 15]
    assert frame_sigmas([[1, 1]], [0, 1], np.full((1, 2, 3), NAN), Adaptive()).tolist() == [0]
    assert np.isnan([mae([NAN], [1]), rmse([1], [NAN])]).all()
    assert np.isnan(region_counts([[NAN, 1]], 0)).all()
    assert point_counts([[NAN, 1], [9, 9], [3.9, 3.9]], (4, 4), (2, 2), 0).tolist() == [[1]]


def test_matrices_of_odd_numbers() -> None:
    assert np.isnan(matrix.rotation(NAN, (0, 0))).all()
    assert np.isnan(matrix.crop([NAN, 0, 1, 1])[0, 2])
    np.testing.assert_array_equal(matrix.rotate90(-1, (2, 3)), matrix.rotate90(3, (2, 3)))
    np.testing.assert_array_equal(matrix.compose(), matrix.identity())
    assert not matrix.keeps_axes(np.full((2, 3), NAN))
    moved = matrix.apply(matrix.identity(), [[NAN, 1], [INF, -INF]])
    assert not np.isfinite(moved[:, 0]).any()


OK = ([[0, 0, 5, 5]], [0, 1], EYE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: matrix.resize((0, 3), (2, 2)), r"old must be .* found \(0, 3\)"),
        (lambda: matrix.resize((2, 3), (0, 2)), r"new must be .* found \(0, 2\)"),
        (lambda: matrix.letterbox((3, -1), (2, 2)), r"old must be .* found \(3, -1\)"),
        (lambda: matrix.letterbox((3, 1), (2, 0)), r"new must be .* found \(2, 0\)"),
        (lambda: matrix.crop([0, 0, 1, 1], (0, 2)), r"size must be .* found \(0, 2\)"),
        (lambda: matrix.crop([0, 0, 0, 1], (2, 2)), "positive sides"),
        (lambda: matrix.crop([0, NAN, 1, 1], (2, 2)), "positive sides"),
        (lambda: matrix.crop([0, 0, 1]), r"found shape \(3,\)"),
        (lambda: matrix.compose(np.eye(3)), r"found shape \(3, 3\)"),
        (lambda: matrix.invert(np.eye(3)), r"found shape \(3, 3\)"),
        (lambda: matrix.invert(np.zeros(3)), r"found shape \(3,\)"),
        (lambda: matrix.invert(np.zeros((2, 3))), "singular or not finite"),
        (lambda: matrix.invert(np.full((2, 3), NAN)), "singular or not finite"),
        (lambda: matrix.invert([[1e-320, 0, 0], [0, 1e12, 0]]), "singular or not finite"),
        (lambda: matrix.apply(np.eye(3), [[1, 2]]), r"found shape \(3, 3\)"),
        (lambda: matrix.apply(np.eye(2, 3), np.zeros((3, 3))), r"found shape \(3, 3\)"),
        (lambda: matrix.keeps_axes(np.zeros(3)), r"found shape \(3,\)"),
        (lambda: convert_boxes([[0, 0, 1, 1]], "a", "a"), "format must be .* found 'a'"),
        (lambda: convert_boxes(np.zeros(4)), r"found shape \(4,\)"),
        (lambda: per_mille_centres([[1, 2]], FRAME), r"found shape \(1, 2\)"),
        (lambda: box_iou([[1, 2, 3]], []), r"found \(1, 3\)"),
        (lambda: corners_iou(BOXES, []), r"found \(8, 4\)"),
        (lambda: paired_iou(BOXES, BOXES[:2]), r"found \(8, 4\) and \(2, 4\)"),
        (lambda: boxes_to_corners([[1, 2]]), r"found shape \(1, 2\)"),
        (lambda: corners_to_boxes(BOXES), r"found shape \(8, 4\)"),
        (lambda: rotated_to_corners(BOXES), r"found shape \(8, 4\)"),
        (lambda: corners_to_rotated(BOXES), r"found shape \(8, 4\)"),
        (lambda: long_edge_first(BOXES), r"found shape \(8, 4\)"),
        (lambda: Ledger.of(np.array([99], np.uint8)), "found 99"),
        (lambda: find_rig([], [FRAME], []), r"found \(0, 1, 0\)"),
        (lambda: remap_boxes([[0, 0, 5]], *OK[1:], FRAME), r"found \(1, 3\)"),
        (lambda: remap_boxes(OK[0], [0, 2], EYE, FRAME), "offsets is .*rises from 0"),
        (lambda: remap_boxes(OK[0], [0, -1], EYE, FRAME), "offsets is .*rises from 0"),
        (lambda: remap_boxes(OK[0], [0, 1.5], EYE, FRAME), "whole numbers, found"),
        (lambda: remap_boxes(*OK, (0, 9)), "positive sides"),
        (lambda: remap_boxes(*OK, np.zeros((1, 2), int)), "positive sides"),
        (lambda: remap_boxes(*OK, FRAME, BoxOptions(min_visible=NAN)), "fraction from 0 to 1"),
        (lambda: remap_boxes(*OK, FRAME, BoxOptions("x")), 'found "x"'),
        (lambda: remap_polygons([[0, 0]], [0, 2], [0, 1], EYE, FRAME), "polygons is .*rises"),
        (lambda: remap_points([[1, 2, 3]], [0, 1], EYE, FRAME), r"found \(1, 3\)"),
        (lambda: density_map([], (2.5, 2)), r"whole and positive, found \(2.5, 2\)"),
        (lambda: density_map([], (NAN, 2)), "whole and positive"),
        (lambda: density_map([], (2, 0)), "whole and positive"),
        (lambda: density_map([1, 2], FRAME), r"found shape \(2,\)"),
        (lambda: density_maps([[0, 0]], [0, 1.5], FRAME), "whole numbers, found"),
        (lambda: density_maps([[0, 0]], [0, 1], FRAME, sigmas=[NAN]), "not negative"),
        (lambda: Density(INF), "found inf"),
        (lambda: frame_sigmas([[1, 1]], [0, 1], np.zeros((3, 3)), Adaptive()), r"\(3, 3\)"),
        (lambda: point_counts(np.zeros((2, 3)), FRAME, FRAME, 0), r"found shape \(2, 3\)"),
        (lambda: point_counts([[0, 1]], (0, 4), (2, 2), 0), r"found \(0, 4\)"),
        (lambda: point_counts([[0, 1]], (4, 4), (0, 2), 0), r"and \(0, 2\)"),
        (lambda: game(np.zeros((2, 2)), np.zeros((3, 3)), 0), r"found \(3, 3\)"),
        (lambda: Normalize.mean_std(0, 0), "found 0"),
        (lambda: resample(np.zeros((2, 2), bool), (0, 0, 2, 2), (1, 1)), "found 'bool'"),
        (lambda: resample(np.zeros((2, 2), np.uint8), (0, 0, 2, 2), (1, 1),
                          normalize=Normalize.mean_std(NAN, 1)), "finite"),
        (lambda: resample_batch([np.zeros((2, 2), np.uint8)], EYE[:0], (2, 2)), r"\(0, 2, 3\)"),
    ],
)  # fmt: skip
def test_what_fits_nothing_is_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_views_are_what_their_copies_are(rng: np.random.Generator) -> None:
    large = rng.uniform(0, 9, (16, 8))
    for view in (large[::-2, ::2], large[:8, :4], large.T[:8, ::4][:, ::-1]):
        copy = np.ascontiguousarray(view)
        for pair in (
            (remap_boxes(view, [0, 8], EYE, FRAME).values,
             remap_boxes(copy, [0, 8], EYE, FRAME).values),
            (box_iou(view, view), box_iou(copy, copy)),
            (convert_boxes(view, "xywh"), convert_boxes(copy, "xywh")),
            (density_map(view[:, :2], FRAME), density_map(copy[:, :2], FRAME)),
            (match_best(view).rows, match_best(copy).rows),
        ):  # fmt: skip
            np.testing.assert_array_equal(*pair)
