"""Oriented boxes, polygons and points against OpenCV and definitions in NumPy."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapes import (
    SIZE,
    affines,
    any_coordinate,
    convex_share,
    determinant,
    hull_area,
    ragged,
    shared_area,
)

from irtd_fast import _core
from irtd_fast.geometry import matrix
from irtd_fast.geometry.iou import box_iou, corners_iou, paired_iou
from irtd_fast.geometry.ledger import Fate, Ledger
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

KEEP_ALL = BoxOptions("keep", 0, 0)
options = st.builds(
    BoxOptions,
    st.sampled_from(["clip", "keep", "drop"]),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.sampled_from([0.0, 1.0, 20.0]),
)
rectangles = st.tuples(
    st.floats(-80, 240), st.floats(-80, 200), st.floats(2, 150), st.floats(2, 150),
    st.floats(-math.pi, math.pi),
)  # fmt: skip


def one(corners, m=None):
    m = matrix.identity() if m is None else m
    return np.asarray(corners, np.float32).reshape(1, 8), [0, 1], m[None]


@settings(deadline=None, max_examples=300)
@given(rectangles)
def test_visible_fraction_of_an_oriented_box_is_its_share_of_area(rectangle):
    corners = rotated_to_corners([rectangle])
    done = remap_corners(*one(corners), SIZE, KEEP_ALL)
    share = convex_share(corners.reshape(4, 2))
    assert done.visible[0] == pytest.approx(share, abs=1e-4)


@settings(deadline=None, max_examples=200)
@given(rectangles, affines(), options)
def test_a_clipped_oriented_box_holds_its_visible_part_and_keeps_its_directions(rect, m, option):
    corners = rotated_to_corners([rect])
    done = remap_corners(*one(corners, m), SIZE, option)
    mapped = matrix.apply(m, corners.reshape(1, 4, 2))[0]
    assume(abs(determinant(m)) > 1e-3)
    share = convex_share(mapped)
    assume(share is not None)
    if not len(done.values):
        fate = Fate(int(done.fates[0]))
        assert fate in (Fate.OUTSIDE, Fate.HIDDEN, Fate.SMALL, Fate.CUT)
        if fate is Fate.OUTSIDE:
            assert share < 1e-5
        return
    assert done.visible[0] == pytest.approx(share, abs=5e-3)
    got = done.values.reshape(4, 2).astype(np.float64)
    if done.fates[0] == Fate.KEPT:
        np.testing.assert_allclose(got, mapped, atol=2e-3, rtol=1e-5)
        return
    # What is visible of the new box is what was visible of the old one.
    was = hull_area(mapped) * share
    new = hull_area(got)
    assert new * (convex_share(got) or 0) == pytest.approx(was, rel=2e-2, abs=0.5)
    for edge, first in ((mapped[1] - mapped[0], got[1] - got[0]),
                        (mapped[3] - mapped[0], got[3] - got[0])):  # fmt: skip
        cross = edge[0] * first[1] - edge[1] * first[0]
        assert abs(cross) <= 1e-2 * np.hypot(*edge) + 1e-6


def raster_share(polygon, size=SIZE, fine=8):
    """Share of a polygon in the frame by counting: even-odd fill of a fine grid around it."""
    pad = 200
    canvas = np.zeros(((size[0] + 2 * pad) * fine, (size[1] + 2 * pad) * fine), np.uint8)
    cv2.fillPoly(canvas, [np.rint((polygon + pad) * fine).astype(np.int32)], 1)
    inside = canvas[pad * fine : (pad + size[0]) * fine, pad * fine : (pad + size[1]) * fine]
    return inside.sum() / canvas.sum()


@pytest.mark.parametrize("seed", range(6))
def test_visible_fraction_of_a_concave_polygon_is_that_of_its_pixels(seed):
    rng = np.random.default_rng(seed)
    # A star around its centre does not cross itself.
    angle = np.sort(rng.uniform(0, 2 * math.pi, 12))
    radius = rng.uniform(20, 110, 12)
    centre = rng.uniform([0, 0], [160, 120])
    star = centre + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    done = remap_polygons(star, [0, 12], [0, 1], matrix.identity()[None], SIZE, BoxOptions("clip"))
    assert done.visible[0] == pytest.approx(raster_share(star), abs=0.01)
    assert done.values.min() >= 0
    assert (done.values <= [SIZE[1], SIZE[0]]).all()
    area = cv2.contourArea(star.astype(np.float32))
    assert cv2.contourArea(done.values) == pytest.approx(done.visible[0] * area, rel=1e-3)


@settings(deadline=None, max_examples=200)
@given(ragged(4), options)
def test_upright_boxes_as_corners_see_the_same(batch, option):
    boxes, offsets, matrices = batch
    straight = matrices.copy()
    straight[:, 0, 1] = straight[:, 1, 0] = 0
    upright = remap_boxes(boxes, offsets, straight, SIZE, option)
    corners = remap_corners(boxes_to_corners(boxes), offsets, straight, SIZE, option)
    # Without area or with a rounding-sized one the two definitions of length differ.
    with np.errstate(all="ignore"):
        owner = np.repeat(np.arange(len(straight)), np.diff(offsets.astype(int)))
        sides = (boxes[:, 2:].astype(float) - boxes[:, :2]) * straight[owner][:, [0, 1], [0, 1]]
    usual = (np.abs(sides) > 1e-2).all(axis=1) & (np.abs(boxes) < 1e4).all(axis=1)
    usual &= upright.fates != Fate.MALFORMED
    near = {Fate.HIDDEN, Fate.SMALL}  # rounding may decide at a threshold
    for i in np.flatnonzero(usual):
        a, b = Fate(int(upright.fates[i])), Fate(int(corners.fates[i]))
        if a == b and a <= Fate.CLIPPED:
            at, to = np.flatnonzero(upright.kept == i), np.flatnonzero(corners.kept == i)
            np.testing.assert_allclose(upright.visible[at], corners.visible[to], atol=1e-4)
            np.testing.assert_allclose(
                corners_to_boxes(corners.values[to]), upright.values[at], atol=1e-2, rtol=1e-5
            )
        else:
            assert a == b or {a, b} & near or min(a, b) == Fate.CLIPPED


def check_ledger(done, count):
    ledger = done.ledger
    assert ledger.total == count == ledger.kept + ledger.clipped + ledger.dropped
    assert ledger.kept + ledger.clipped == len(done.kept) == len(done.visible)
    assert done.offsets[-1] == len(done.kept)
    assert ((done.visible >= 0) & (done.visible <= 1)).all()
    np.testing.assert_array_equal(np.flatnonzero(done.fates <= Fate.CLIPPED), done.kept)


@settings(deadline=None, max_examples=300)
@given(ragged(8), ragged(2), options)
def test_no_float_raises_and_every_input_has_a_fate(corners, points, option):
    done = remap_corners(*corners, SIZE, option)
    assert np.isfinite(done.values).all()
    check_ledger(done, len(corners[0]))
    boxes = np.ascontiguousarray(corners[0][:, 2:6])
    done = remap_boxes(boxes, *corners[1:], SIZE, option)
    assert np.isfinite(done.values).all()
    check_ledger(done, len(boxes))
    done = remap_points(*points, SIZE, option.policy)
    check_ledger(done, len(points[0]))
    if option.policy != "keep":
        assert ((done.values >= 0) & (done.values < [SIZE[1], SIZE[0]])).all()


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.tuples(any_coordinate, any_coordinate), max_size=7), max_size=6),
       affines(), options)  # fmt: skip
def test_no_polygon_raises(polygons, m, option):
    ends = np.concatenate([[0], np.cumsum([len(p) for p in polygons])])
    vertices = np.array([v for p in polygons for v in p], np.float32).reshape(-1, 2)
    done = remap_polygons(vertices, ends, [0, len(polygons)], m[None], SIZE, option)
    check_ledger(done, len(polygons))
    assert np.isfinite(done.values).all()
    assert done.polygons[-1] == len(done.values)
    if option.policy != "keep":
        assert ((done.values >= 0) & (done.values <= [SIZE[1], SIZE[0]])).all()


@settings(deadline=None, max_examples=200)
@given(ragged(8, st.floats(-1000, 1000, width=32)))
def test_there_and_back_is_identity_within_rounding(batch):
    values, offsets, matrices = batch
    matrices[np.abs(determinant(matrices)) < 0.05] = matrix.rotate90(1, SIZE)
    back = matrix.invert(matrices)
    owner = np.repeat(np.arange(len(matrices)), np.diff(offsets.astype(int)))
    grown = (np.abs(matrices).max(axis=(1, 2)) * np.abs(back[:, :, :2]).max(axis=(1, 2)))[owner]
    # float32 between the two maps: half an ulp of the coordinate there, as large as it comes back.
    bound = 2**-23 * (2 * 1000 * (1 + grown) + 200)
    for remap, columns in ((remap_corners, 8), (remap_points, 2)):
        rows = values[:, :columns]
        extra = ("keep",) if remap is remap_points else (KEEP_ALL,)
        there = remap(rows, offsets, matrices, SIZE, *extra)
        again = remap(there.values, there.offsets, back, SIZE, *extra)
        assert len(again.values) == len(rows)
        if len(rows):
            assert (np.abs(again.values - rows).max(axis=1) <= bound * 4).all()


def test_points_and_boxes_follow_the_definition(rng):
    points = rng.uniform(-50, 200, (90, 2)).astype(np.float32)
    offsets = np.array([0, 30, 30, 90])
    matrices = np.stack([matrix.rotation(0.3, (80, 60)), matrix.identity(),
                         matrix.letterbox((100, 100), SIZE)])  # fmt: skip
    done = remap_points(points, offsets, matrices, SIZE)
    owner = np.repeat([0, 1, 2], np.diff(offsets))
    moved = np.einsum("nij,nj->ni", matrices[owner][:, :, :2], points) + matrices[owner][:, :, 2]
    inside = ((moved >= 0) & (moved < [SIZE[1], SIZE[0]])).all(axis=1)
    np.testing.assert_array_equal(done.kept, np.flatnonzero(inside))
    np.testing.assert_allclose(done.values, moved[inside], rtol=1e-6, atol=1e-4)


@settings(deadline=None, max_examples=300)
@given(rectangles)
def test_corners_and_angles_are_two_forms_of_the_same(rectangle):
    row = np.array([rectangle])
    corners = rotated_to_corners(row)
    cx, cy, w, h, angle = rectangle
    expected = cv2.boxPoints(((cx, cy), (w, h), math.degrees(angle)))
    gap = np.linalg.norm(corners.reshape(4, 1, 2) - expected[None], axis=2).min(axis=1)
    assert gap.max() < 1e-2
    np.testing.assert_allclose(corners_to_rotated(corners)[0, :4], row[0, :4], atol=1e-9)
    turn = corners_to_rotated(corners)[0, 4] - angle
    assert abs(math.remainder(turn, 2 * math.pi)) < 1e-9
    long = long_edge_first(row)
    assert long[0, 2] >= long[0, 3]
    assert -math.pi / 2 <= long[0, 4] < math.pi / 2
    assert corners_iou(corners, rotated_to_corners(long))[0, 0] == pytest.approx(1, abs=1e-3)


def test_rotated_boxes_turn_with_the_picture():
    row = np.array([[30.0, 20, 40, 10, 0.25]])
    turned = matrix.rotation(0.5, (0, 0))
    done = remap_rotated(row, [0, 1], turned[None], (500, 500), KEEP_ALL)
    cx, cy = matrix.apply(turned, [[30.0, 20]])[0]
    np.testing.assert_allclose(done.values[0], [cx, cy, 40, 10, 0.75], rtol=1e-5)
    mirrored = remap_rotated(row, [0, 1], matrix.flip_horizontal(100)[None], SIZE, KEEP_ALL)
    expected = rotated_to_corners([[70.0, 20, 40, 10, -0.25]])
    assert corners_iou(rotated_to_corners(mirrored.values), expected) == pytest.approx(1, abs=1e-4)


@settings(deadline=None, max_examples=150)
@given(st.lists(rectangles, min_size=1, max_size=4), st.lists(rectangles, min_size=1, max_size=4))
def test_oriented_iou_is_the_ratio_of_areas(a, b):
    rows, columns = rotated_to_corners(np.array(a)), rotated_to_corners(np.array(b))
    found = corners_iou(rows, columns)
    for i, p in enumerate(rows.reshape(-1, 4, 2)):
        for j, q in enumerate(columns.reshape(-1, 4, 2)):
            shared = shared_area(p, q)
            union = hull_area(p) + hull_area(q) - shared
            assert found[i, j] == pytest.approx(shared / union, abs=1e-4)


def test_oriented_iou_is_opencvs_in_general_position(rng):
    low, high = [40, 40, 10, 10, -3], [80, 80, 60, 60, 3]
    for p, q in rng.uniform(low, high, (200, 2, 5)):
        kind, points = cv2.rotatedRectangleIntersection(
            (p[:2], p[2:4], math.degrees(p[4])), (q[:2], q[2:4], math.degrees(q[4]))
        )
        shared = 0.0 if points is None else cv2.contourArea(cv2.convexHull(points))
        union = p[2] * p[3] + q[2] * q[3] - shared
        found = paired_iou(rotated_to_corners(p[None]), rotated_to_corners(q[None]))
        assert found[0] == pytest.approx(shared / union, abs=1e-3), kind


@settings(deadline=None)
@given(ragged(4, samples=1), ragged(4, samples=1))
def test_iou_follows_the_definition_and_is_never_nan(one_set, other):
    a, b = one_set[0], other[0]
    found = box_iou(a, b)
    assert ((found >= 0) & (found <= 1)).all()
    for i, p in enumerate(a.astype(float)):
        for j, q in enumerate(b.astype(float)):
            expected = 0.0
            good = np.isfinite(p).all() and np.isfinite(q).all()
            if good and (p[2:] > p[:2]).all() and (q[2:] > q[:2]).all():
                sides = np.maximum(np.minimum(p[2:], q[2:]) - np.maximum(p[:2], q[:2]), 0)
                shared = sides.prod()
                union = (p[2:] - p[:2]).prod() + (q[2:] - q[:2]).prod() - shared
                expected = shared / union
            assert found[i, j] == pytest.approx(expected, rel=1e-12)
    n = min(len(a), len(b))
    np.testing.assert_allclose(paired_iou(a[:n], b[:n]), np.diag(found[:n, :n]), rtol=1e-12)
    corners = corners_iou(boxes_to_corners(a), boxes_to_corners(b))
    assert ((corners >= 0) & (corners <= 1)).all()


def test_epochs_add_up():
    one = Ledger.of(np.array([0, 0, 1, 4, 6], np.uint8))
    both = one + Ledger.of(np.array([2, 3, 5, 7], np.uint8))
    assert (both.total, both.kept, both.clipped, both.dropped) == (9, 2, 1, 6)
    assert str(one) == "5 in: 2 kept, 1 clipped, 2 dropped (1 outside, 1 small)"
    assert sum(both.reasons().values()) == 6
    assert both.to_json()["total"] == 9


def test_wrong_arguments_name_what_was_expected_and_found():
    m, zero = np.zeros((1, 2, 3)), np.zeros
    for call, message in (
        (lambda: remap_corners(zero((2, 7)), [0, 2], m, SIZE), r"corners is \(n, 8\), found"),
        (lambda: remap_points(zero((2, 3)), [0, 2], m, SIZE), r"points is \(n, 2\), found"),
        (lambda: remap_points(zero((2, 2)), [0, 3], m, SIZE), r"offsets .* 2; found shape \(2\)"),
        (lambda: remap_points(zero((2, 2)), [0, -1, 2], zero((2, 2, 3)), SIZE), "offsets"),
        (lambda: remap_points(zero((2, 2)), [0, 1, 2], m, SIZE), r"matrices .* found \(1, 2, 3"),
        (lambda: remap_points(zero((2, 2)), [0, 2], m, SIZE, "cut"), 'policy .* found "cut"'),
        (lambda: remap_polygons(zero((3, 2)), [0, 2], [0, 1], m, SIZE), "polygons"),
        (lambda: remap_polygons(zero((3, 2)), [0, 3], [0, 2], m, SIZE), "offsets"),
        (lambda: remap_boxes(zero((1, 4)), [0, 1], m, (0, 9)), "frame"),
        (lambda: box_iou(zero((1, 4)), zero((1, 5))), r"b is \(n, 4\), found \(1, 5\)"),
        (lambda: corners_iou(zero((1, 4)), zero((1, 8))), "a is"),
        (lambda: paired_iou(zero((1, 4)), zero((2, 4))), "found"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError):
        _core.remap_corners(zero((1, 8)), np.array([0, 1], np.uint64), m, SIZE)
