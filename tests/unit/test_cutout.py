"""Cutout and mosaics: what is covered goes by the policy, what cannot be is refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landmark_dump import write_landmarks

import irtd_fast
from irtd_fast.errors import LoaderError
from irtd_fast.geometry.ledger import Fate
from irtd_fast.load import Loader
from irtd_fast.load.augment import (
    Affine,
    Augment,
    Cutout,
    Mosaic,
)
from irtd_fast.load.augment.cutout import (
    Holes,
    covered_boxes,
    covered_corners,
    covered_points,
    draw_holes,
)
from irtd_fast.load.augment.draws import Draws
from irtd_fast.store.plan import IngestOptions


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("photometric")
    record = write_landmarks(root / "dump", count=14)
    options = IngestOptions(visible="compact")
    irtd_fast.ingest(root / "dump", root / "store.zarr", source=record, options=options)
    return irtd_fast.open(root / "store.zarr")


def brute_cover(holes, frame, size):
    cover = np.zeros(size, bool)
    for top, left, bottom, right in holes.boxes[holes.offsets[frame] : holes.offsets[frame + 1]]:
        cover[top:bottom, left:right] = True
    return cover


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**60), st.integers(1, 8))
def test_covered_shares_are_counted_pixels(seed, most):
    size = (40, 60)
    rng = np.random.default_rng(seed)
    holes = draw_holes(Cutout(0.8, (1, most), (0.1, 0.6)), Draws(seed, 0, np.arange(6)), size)
    owner = np.sort(rng.integers(0, 6, 30))
    low = rng.integers(0, [55, 35], (30, 2))
    boxes = np.concatenate([low, low + rng.integers(1, 6, (30, 2))], axis=1).astype(np.float32)
    expected = []
    for box, frame in zip(boxes.astype(int), owner, strict=True):
        cover = brute_cover(holes, frame, size)
        expected.append(cover[box[1] : box[3], box[0] : box[2]].mean())
    np.testing.assert_allclose(covered_boxes(boxes, owner, holes), expected, atol=1e-6)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]]
    np.testing.assert_allclose(covered_corners(corners, owner, holes), expected, atol=1e-6)
    points = boxes[:, :2] + 0.5
    inside = [brute_cover(holes, f, size)[int(y), int(x)]
              for (x, y), f in zip(points, owner, strict=True)]  # fmt: skip
    np.testing.assert_array_equal(covered_points(points, owner, holes), inside)
    cells, frame_of = holes.without_overlap()
    for frame in range(6):
        area = (cells[:, 2] - cells[:, 0]) * (cells[:, 3] - cells[:, 1])
        assert area[frame_of == frame].sum() == brute_cover(holes, frame, size).sum()


def test_turned_boxes_are_covered_by_their_exact_area():
    holes = Holes(np.array([[0, 5, 10, 10]]), np.zeros(1, np.float32), np.array([0, 1]))
    diamond = np.array([[5, 0, 10, 5, 5, 10, 0, 5]], np.float32)
    np.testing.assert_allclose(covered_corners(diamond, np.array([0]), holes), [0.5])
    np.testing.assert_allclose(
        covered_boxes(np.array([[5, 5, 5, 15]], np.float32), np.array([0]), holes), [0.5]
    )


@pytest.mark.parametrize("max_covered", [None, 0.0, 0.5])
def test_labels_under_holes_go_by_the_policy_and_are_counted(dataset, max_covered):
    cut = Cutout(1.0, (2, 3), (0.2, 0.4), fill=0.75, max_covered=max_covered, mask_fill=200)
    arguments = {"batch_size": 4, "size": (96, 112), "seed": 5, "visible": True,
                 "targets": ("boxes", "points", "corners", "masks", "density")}  # fmt: skip
    gone = 0
    loaders = (Loader(dataset, augment=Augment(cutout=c), **arguments) for c in (cut, None))
    for batch, plain in zip(*loaders, strict=True):
        changed = batch.masks == 200
        assert changed.any()
        np.testing.assert_array_equal(batch.masks[~changed], plain.masks[~changed])
        np.testing.assert_array_equal(batch.images[:, 0][~changed], plain.images[:, 0][~changed])
        assert (batch.images[:, 0][changed] == 0.75).all()
        assert (batch.visible.transpose(0, 2, 3, 1)[changed] == 0.75).all()
        for ledger, was, values in (
            (batch.box_ledger, plain.box_ledger, batch.boxes),
            (batch.point_ledger, plain.point_ledger, batch.points),
            (batch.corner_ledger, plain.corner_ledger, batch.corners),
        ):
            assert ledger.total == was.total == ledger.kept + ledger.clipped + ledger.dropped
            assert len(values) == ledger.kept + ledger.clipped
            gone += ledger.counts[Fate.COVERED]
        for i in range(len(batch)):
            points = batch.points[batch.point_offsets[i] : batch.point_offsets[i + 1]].astype(int)
            if max_covered is not None:
                assert not changed[i][points[:, 1], points[:, 0]].any()
            np.testing.assert_allclose(batch.density[i].sum(), len(points), rtol=1e-4)
    assert (gone > 0) == (max_covered is not None)
    assert len(batch.visible_boxes) <= len(plain.visible_boxes)


def test_a_damaged_guest_is_named_and_its_mosaic_skipped(dataset, tmp_path):
    shutil.copytree(dataset.sources[0].path.parent, tmp_path / "store.zarr")
    values = tmp_path / "store.zarr/landmarks/infrared/packed_u16/values"
    shard = next(p for p in sorted(values.rglob("*")) if p.is_file() and p.name != "zarr.json")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 0xFF
    shard.write_bytes(data)
    damaged = irtd_fast.open(tmp_path / "store.zarr")
    bad = []
    for number in range(len(damaged)):
        try:
            _ = damaged[number].infrared
        except irtd_fast.errors.CorruptStoreError:
            bad.append(number)
    assert len(bad) == 1
    augment = Augment(mosaic=Mosaic(1.0))
    with pytest.raises(LoaderError, match=f"sample {bad[0]} ") as caught:
        list(Loader(damaged, 4, (48, 56), augment=augment))
    assert caught.value.sample == bad[0]
    loader = Loader(damaged, 4, (48, 56), augment=augment, on_error="skip")
    shown = [batch for batch in loader if len(batch)]
    assert all(bad[0] not in batch.tile_index for batch in shown)
    assert loader.skipped.count == len(damaged) - sum(len(batch) for batch in shown)
    assert loader.skipped.count >= 1


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Cutout(2), "probability"), (lambda: Cutout(holes=(1, 9)), "holes must"),
        (lambda: Cutout(size=(0, 1)), "size must"), (lambda: Cutout(fill="red"), "fill must"),
        (lambda: Cutout(max_covered=2), "max_covered must"),
        (lambda: Cutout(mask_fill=-1), "mask_fill must"),
        (lambda: Mosaic(2), "probability"), (lambda: Mosaic(centre=(0, 1)), "centre must"),
        (lambda: Mosaic(within=0), "within must"), (lambda: Affine(rotate=(3, 1)), "rotate must"),
        (lambda: Affine(shear=(0, 60)), "shear must"), (lambda: Affine(scale=(0, 1)), "scale must"),
        (lambda: Affine(translate=2), "translate must"),
        (lambda: Affine(probability=-1), "probability"),
        (lambda: Augment(crop="middle"), "crop must be"),
        (lambda: Augment(rotate90=-1), "rotate90 must"),
        (lambda: Augment(fill=np.inf), "fill must"),
    ],
)  # fmt: skip
def test_impossible_options_are_refused(make, match):
    with pytest.raises((ValueError, TypeError), match=match):
        make()
