"""Visible partners in batches: one draw for both frames, refused where they do not fit."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest
from paired_dump import MATRIX, write_pairs

import irtd_fast
from irtd_fast import synth
from irtd_fast.engines.align import align_source
from irtd_fast.errors import LoaderError, StoreError
from irtd_fast.geometry import matrix as affine
from irtd_fast.geometry.resampling import resample
from irtd_fast.load import Loader, Visible
from irtd_fast.radiometry import Counts, Window
from irtd_fast.store.plan import IngestOptions


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    root = tmp_path_factory.mktemp("pairs")
    synth.write_dump(root / "dump", source="llvip", count=12, seed=3, size=(96, 128))
    for kind in ("fast", "compact", "none"):
        options = IngestOptions(visible=kind)
        irtd_fast.ingest(root / "dump", root / f"{kind}.zarr", source="llvip", options=options)
    return root


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    root = tmp_path_factory.mktemp("rig")
    record = write_pairs(root / "dump", np.random.default_rng(8), singles=1)
    irtd_fast.ingest(root / "dump", root / "store.zarr", source=record)
    return root / "store.zarr"


def batches(store, **options):
    dataset = irtd_fast.open(store)
    loader = Loader(dataset, 4, (48, 64), seed=5, normalize=Counts(), dtype="uint8", **options)
    return dataset, list(loader)


@pytest.mark.parametrize("profile", ["fast", "compact"])
@pytest.mark.parametrize("channels", [1, 3])
def test_partners_are_cut_by_the_same_draw(registered, profile, channels):
    raw = Visible(channels=channels, normalize=Window(0, 255))
    dataset, found = batches(registered / f"{profile}.zarr", visible=raw)
    _, alone = batches(registered / f"{profile}.zarr")
    assert len(found) == 3
    for batch, single in zip(found, alone, strict=True):
        np.testing.assert_array_equal(batch.images, single.images)
        assert single.visible is None
        assert batch.visible.shape == (4, channels, 48, 64)
        for i, number in enumerate(batch.index):
            sample = dataset[int(number)]
            sides = [v / t for v, t in zip(sample.visible.shape[:2], sample.infrared.shape[:2],
                                           strict=True)]  # fmt: skip
            onto = affine.compose(affine.scaling(1 / sides[1], 1 / sides[0]), batch.matrix[i])
            np.testing.assert_allclose(batch.visible_matrix[i], onto, atol=1e-9)
            expected = resample(
                sample.visible, onto, (48, 64), channels=channels, dtype="uint8",
            )  # fmt: skip
            assert np.abs(batch.visible[i].astype(int) - expected.astype(int)).max() <= 1


def test_labels_of_the_visible_side_follow_the_found_matrix(rig):
    with pytest.raises(StoreError, match=r"two-cameras: its frames do not fit .*has not run"):
        Loader(irtd_fast.open(rig), 4, (48, 64), visible=True)
    forced = Loader(irtd_fast.open(rig), 4, (48, 64), visible=Visible(unregistered="scale"))
    assert next(iter(forced)).visible is not None
    align_source(rig, "two-cameras")
    dataset = irtd_fast.open(rig)
    with pytest.raises(StoreError, match="1 of 8 pairs are not proven"):
        Loader(dataset, 4, (48, 64), visible=True)
    good = dataset[np.arange(7)]
    for batch in Loader(good, 7, (96, 120), seed=2, visible=True):
        for i in range(len(batch)):
            onto = affine.compose(affine.invert(MATRIX), batch.matrix[i])
            corners = np.array([[100.0, 100], [700, 500]])
            ours, truth = (
                affine.apply(batch.visible_matrix[i], corners),
                affine.apply(onto, corners),
            )
            assert np.abs(ours - truth).max() < 2  # labels had a pixel of noise
            # Infrared and visible labels of the same people: nearly the same boxes in the batch.
            mine = batch.boxes[batch.offsets[i] : batch.offsets[i + 1]]
            seen = batch.visible_boxes[batch.visible_offsets[i] : batch.visible_offsets[i + 1]]
            assert len(seen)
            apart = np.abs(mine[:, None] - seen[None]).max(axis=2)
            assert np.median(apart.min(axis=0)) < 1.5
            # The visible picture is a ramp of blue along x: its pixels say where they come from.
            x, y = 60, 48
            back = affine.apply(affine.invert(batch.visible_matrix[i]), np.array([[x, y]]) + 0.5)
            if (np.array([20, 20]) < back[0]).all() and (back[0] < [880, 580]).all():
                blue = batch.visible[i, 2, y, x] * 255
                assert blue == pytest.approx((back[0, 0] - 0.5) * 255 / 900, abs=2)


def test_what_is_no_pair_is_refused_by_name(registered):
    dataset = irtd_fast.open(registered / "none.zarr")
    with pytest.raises(ValueError, match=r"12 of 12 samples have no visible partner \(llvip/"):
        Loader(dataset, 4, (48, 64), visible=True)
    assert len(dataset.filter(paired=True)) == 0
    assert len(dataset.filter(paired=False)) == 12
    both = irtd_fast.open(registered / "fast.zarr") + dataset
    assert len(both.filter(paired=True)) == 12
    with pytest.raises(ValueError, match="channels must be 1 or 3"):
        Visible(channels=2)
    with pytest.raises(ValueError, match="refuse or scale"):
        Visible(unregistered="guess")


def test_epochs_with_partners_do_not_depend_on_threads(registered):
    def digest(threads, prefetch):
        _, found = batches(registered / "fast.zarr", visible=True, threads=threads,
                           prefetch=prefetch)  # fmt: skip
        return [(b.images.tobytes(), b.visible.tobytes()) for b in found]

    plain = digest(1, 0)
    assert digest(2, 2) == digest(8, 1) == plain


def test_a_loader_with_partners_crosses_processes(registered):
    loader = Loader(irtd_fast.open(registered / "fast.zarr"), 4, (48, 64), seed=1, visible=True)
    again = pickle.loads(pickle.dumps(loader))
    for ours, theirs in zip(loader, again, strict=True):
        np.testing.assert_array_equal(ours.visible, theirs.visible)


def test_a_damaged_partner_is_named(registered, tmp_path):
    shutil.copytree(registered / "fast.zarr", tmp_path / "s.zarr")
    files = (p for p in (tmp_path / "s.zarr" / "llvip" / "visible").rglob("*") if p.is_file())
    largest = max(files, key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[1000] ^= 1
    largest.write_bytes(data)
    loader = Loader(irtd_fast.open(tmp_path / "s.zarr"), 4, (48, 64), visible=True)
    with pytest.raises(LoaderError, match=r"sample \d+ \(llvip/.*visible"):
        list(loader)
