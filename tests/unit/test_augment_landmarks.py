"""Pictures, partners, masks and labels of every kind land at the same place in the frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from landmark_dump import BLOCK, SIZE, infrared_places, visible_places, write_landmarks

import irtd_fast
from irtd_fast.density import Density
from irtd_fast.geometry.matrix import apply, invert
from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.geometry.windows import ObjectCrop
from irtd_fast.load import Loader, Visible
from irtd_fast.load.augment import Affine, Augment, Cutout, Mosaic, ScaleJitter
from irtd_fast.radiometry import Counts
from irtd_fast.store.plan import IngestOptions

FRAME = (96, 120)
LABELS = ("boxes", "points", "corners", "masks", "density")
KEEP = BoxOptions("keep", 0.0, 0.0)

GEOMETRY = {
    "random": Augment(flip_vertical=0.5),
    "semantic": Augment(crop="semantic"),
    "around all": Augment(crop=ObjectCrop(promise=0.5, objects=3), rotate90=0.5),
    "whole": Augment(crop="whole", flip=0.5),
    "letterbox": Augment(crop="letterbox", rotate90=1.0),
    "jitter": Augment(crop=ScaleJitter(0.4, 2.5), flip_vertical=0.3),
    "affine": Augment(crop="letterbox", affine=Affine((-30, 30), (-8, 8), (0.8, 1.25), 0.1)),
    "mosaic": Augment(mosaic=Mosaic(0.7), rotate90=0.5, flip_vertical=0.5),
    "affine mosaic": Augment(crop=ScaleJitter(0.6, 2), mosaic=Mosaic(1.0), affine=Affine((-9, 9))),
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("landmarks")
    record = write_landmarks(root / "dump")
    options = IngestOptions(visible="fast")
    irtd_fast.ingest(root / "dump", root / "store.zarr", source=record, options=options)
    return irtd_fast.open(root / "store.zarr")


def loader(dataset, augment, **options):
    if augment is not None:
        augment = replace(augment, fill=1.0)  # 65535, which is no place
    arguments = {
        "batch_size": 5, "size": FRAME, "normalize": Counts(), "dtype": "uint16", "seed": 3,
        "filter": "nearest", "targets": LABELS, "density": Density(1.0), "boxes": KEEP,
        "visible": Visible(3, Counts()), "mask_fill": 255,
    }  # fmt: skip
    return Loader(dataset, augment=augment, **{**arguments, **options})


def tiles_of(batch, i):
    """(sample, matrix, tile) of everything that frame i is made of."""
    if batch.tiles is None:
        yield int(batch.index[i]), batch.matrix[i], (0, 0, *FRAME)
        return
    for t in range(batch.tile_offsets[i], batch.tile_offsets[i + 1]):
        yield int(batch.tile_index[t]), batch.tile_matrix[t], tuple(batch.tiles[t].tolist())


def centres(tile):
    top, left, height, width = tile
    y, x = np.mgrid[top : top + height, left : left + width] + 0.5
    return np.stack([x, y], axis=-1)


@pytest.mark.parametrize("name", GEOMETRY)
def test_every_pixel_comes_from_where_the_matrix_says(dataset, name):
    beyond = 0
    for batch in loader(dataset, GEOMETRY[name]):
        for i in range(len(batch)):
            for number, matrix, (top, left, height, width) in tiles_of(batch, i):
                part = np.s_[top : top + height, left : left + width]
                native = apply(invert(matrix), centres((top, left, height, width)))
                place, inside = infrared_places(batch.images[i, 0][part].astype(np.int64))
                # A pixel holds the centre that is mapped there, to the rounding of the matrix.
                assert np.abs(place - native)[inside].max() < 0.5 + 1e-3
                margin = 1e-3
                within = ((native >= margin) & (native < np.array(SIZE[::-1]) - margin)).all(-1)
                assert inside[within].all()
                beyond += (~inside).sum()
                assert (
                    not ((native < -margin) | (native > np.array(SIZE[::-1]) + margin))
                    .any(-1)[inside]
                    .any()
                )
                seen = visible_places(batch.visible[i][:, *part].transpose(1, 2, 0))
                assert (np.abs(seen / 2 - native)[inside] < 0.25 + 1e-3).all()
                has_mask = number < len(dataset) - 1
                block = place.astype(np.int64) // BLOCK
                label = block[..., 1] * (SIZE[1] // BLOCK) + block[..., 0] + 1
                expected = np.where(inside & has_mask, label, 255)
                np.testing.assert_array_equal(batch.masks[i][part], expected)
    if name in ("letterbox", "jitter", "affine", "affine mosaic"):
        assert beyond > 0
    if name in ("random", "whole", "mosaic"):
        assert beyond == 0


@pytest.mark.parametrize("name", GEOMETRY)
def test_labels_of_every_kind_are_where_their_landmark_is(dataset, name):
    seen = 0
    for batch in loader(dataset, GEOMETRY[name]):
        for i in range(len(batch)):
            expected = []
            for number, matrix, (top, left, height, width) in tiles_of(batch, i):
                moved = apply(matrix, dataset[number].points)
                low, high = np.array([left, top]), np.array([left + width, top + height])
                expected.append((moved, low, high))
            moved = np.concatenate([part[0] for part in expected])
            points = batch.points[batch.point_offsets[i] : batch.point_offsets[i + 1]]
            inside = np.concatenate([((m >= lo) & (m < hi)).all(axis=1) for m, lo, hi in expected])
            np.testing.assert_allclose(points, moved[inside], atol=1e-3)
            corners = batch.corners[batch.corner_offsets[i] : batch.corner_offsets[i + 1]]
            np.testing.assert_allclose(corners.reshape(-1, 4, 2).mean(axis=1), moved, atol=1e-3)
            for boxes in (
                batch.boxes[batch.offsets[i] : batch.offsets[i + 1]],
                batch.visible_boxes[batch.visible_offsets[i] : batch.visible_offsets[i + 1]],
            ):
                middle = (boxes[:, :2] + boxes[:, 2:]) / 2
                np.testing.assert_allclose(middle, moved, atol=1e-3)
            np.testing.assert_allclose(batch.density[i].sum(), len(points), rtol=1e-4)
            for x, y in points[:3]:
                # The pixel under a point is the landmark's own.
                place, within = infrared_places(batch.images[i, 0, int(y), int(x)].astype(np.int64))
                if within:
                    native = np.concatenate([dataset[n].points for n, _, _ in tiles_of(batch, i)])
                    scale = min(np.linalg.svd(m[:, :2])[1].min() for _, m, _ in tiles_of(batch, i))
                    assert np.abs(native - place).max(axis=1).min() < 0.5 + 0.75 / scale
            seen += len(points)
    assert seen > 20


@pytest.mark.parametrize("name", ["random", "letterbox", "affine", "mosaic"])
def test_labels_are_cut_at_their_tile(dataset, name):
    for batch in loader(dataset, GEOMETRY[name], boxes=BoxOptions("clip", 0.2, 2.0)):
        ends = batch.offsets if batch.tiles is None else None
        for i in range(len(batch)):
            boxes = batch.boxes[batch.offsets[i] : batch.offsets[i + 1]]
            frames = [(t[1], t[0], t[1] + t[3], t[0] + t[2]) for _, _, t in tiles_of(batch, i)]
            for box in boxes:
                holds = [(box[:2] >= f[:2]).all() and (box[2:] <= f[2:]).all() for f in frames]
                assert any(holds)
                assert (box[2:] - box[:2] >= 2.0).all()
        assert ends is None or ends[-1] == len(batch.boxes)
        assert (batch.visible_fraction >= 0.2).all()
        ledger = batch.box_ledger
        assert ledger.total == ledger.kept + ledger.clipped + ledger.dropped
        assert ledger.kept + ledger.clipped == len(batch.boxes)


def test_density_has_its_mass_at_the_points(dataset):
    for batch in loader(dataset, GEOMETRY["affine"], density=Density(0.0)):
        for i in range(len(batch)):
            points = batch.points[batch.point_offsets[i] : batch.point_offsets[i + 1]]
            cells = np.zeros(FRAME, np.float32)
            np.add.at(cells, (points[:, 1].astype(int), points[:, 0].astype(int)), 1)
            np.testing.assert_array_equal(batch.density[i], cells)


def test_without_augmentation_everything_is_as_stored(dataset):
    plain = loader(dataset, None, size=SIZE, order="sequential")
    for batch in plain:
        for i, number in enumerate(batch.index.tolist()):
            sample = dataset[number]
            np.testing.assert_array_equal(batch.images[i, 0], sample.infrared)
            np.testing.assert_array_equal(batch.points[batch.point_offsets[i] :][:8], sample.points)
            assert batch.mask_present[i] == (sample.mask is not None)
            if sample.mask is not None:
                np.testing.assert_array_equal(batch.masks[i], sample.mask)
    nothing = Augment(crop="whole", flip=0, affine=Affine(), cutout=Cutout(probability=0))
    for a, b in zip(loader(dataset, None), loader(dataset, nothing), strict=True):
        for field in ("images", "visible", "masks", "boxes", "corners", "points", "density",
                      "matrix", "visible_boxes", "offsets"):  # fmt: skip
            np.testing.assert_array_equal(getattr(a, field), getattr(b, field))


def test_targets_that_are_not_asked_for_are_not_there(dataset):
    batch = next(iter(Loader(dataset, 4, FRAME, targets=())))
    assert len(batch.boxes) == len(batch.points) == 0
    assert batch.offsets.tolist() == [0] * 5
    assert batch.masks is batch.corners is batch.density is None
    assert next(iter(Loader(dataset, 4, FRAME, targets=("density",)))).density.shape == (4, *FRAME)
    with pytest.raises(ValueError, match="targets must be"):
        Loader(dataset, 4, FRAME, targets=("labels",))


def test_masks_that_cannot_be_are_refused(dataset):
    with pytest.raises(ValueError, match="no sample of the dataset has a mask"):
        Loader(dataset[[len(dataset) - 1]], 1, FRAME, targets=("masks",))
    with pytest.raises(ValueError, match="mask_fill must be a uint8 label, found 256"):
        Loader(dataset, 1, FRAME, targets=("masks",), mask_fill=256)


def test_guests_come_from_the_dataset_and_layouts_are_drawn(dataset):
    guests, meets, places = set(), set(), set()
    for epoch in range(4):
        made = loader(dataset, Augment(mosaic=Mosaic(1.0, (0.3, 0.7))))
        made.set_epoch(epoch)
        for batch in made:
            assert np.diff(batch.tile_offsets).tolist() == [4] * len(batch)
            assert batch.tiles[:, 2:].prod(axis=1).reshape(-1, 4).sum(axis=1).tolist() == [
                FRAME[0] * FRAME[1]
            ] * len(batch)
            np.testing.assert_array_equal(batch.tile_index[::4], batch.index)
            guests |= set(batch.tile_index.tolist())
            own = batch.tiles[::4]
            places |= set(((own[:, 0] > 0) * 2 + (own[:, 1] > 0)).tolist())
            meets |= {tuple(t) for t in batch.tiles[:, :2].tolist() if all(t)}
    assert guests == set(range(len(dataset)))
    assert places == {0, 1, 2, 3}
    assert len(meets) > 20
    assert min(m[0] for m in meets) >= 0.3 * FRAME[0] - 1
    assert max(m[1] for m in meets) <= 0.7 * FRAME[1] + 1
    near = loader(dataset, Augment(mosaic=Mosaic(1.0, within=2)))
    for batch in near:
        apart = batch.tile_index.reshape(-1, 4) - batch.index[:, None]
        assert np.abs(apart).max() <= 2
