"""Aligned pairs cut and written as a new source: pixels, labels and registration follow."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from align_truth import iou
from paired_dump import INFRARED, MATRIX, write_pairs
from typer.testing import CliRunner

import irtd_fast
from irtd_fast import ingest
from irtd_fast.cli.main import app
from irtd_fast.engines.align import align_source
from irtd_fast.engines.materialise import materialise_pairs
from irtd_fast.errors import StoreError, StoreExistsError
from irtd_fast.store.verify import verify_store


@pytest.fixture
def store(tmp_path: Path, rng: np.random.Generator) -> Path:
    record = write_pairs(tmp_path / "dump", rng, depth=16, strangers=1)
    path = tmp_path / "pairs.zarr"
    ingest(tmp_path / "dump", path, source=record)
    return path


def position_in(whole: np.ndarray, part: np.ndarray) -> tuple[int, int]:
    """Where a cut lies in its picture, (x, y), by template matching."""
    apart = cv2.matchTemplate(whole.astype(np.float32), part.astype(np.float32), cv2.TM_SQDIFF)
    _, _, place, _ = cv2.minMaxLoc(apart)
    return place


def test_only_an_aligned_source_can_be_cut(store: Path) -> None:
    with pytest.raises(StoreError, match="not aligned yet"):
        materialise_pairs(store, "two-cameras", "cut")


def test_cut_pairs_show_the_same_and_counts_stay(store: Path) -> None:
    align_source(store, "two-cameras")
    report = materialise_pairs(store, "two-cameras", "cut")
    assert report.left_out >= 1
    assert report.objects.total == report.objects.kept + report.objects.clipped + (
        report.objects.dropped
    )
    assert verify_store(store).damage == []
    assert not list(store.glob(".staging*"))
    dataset = irtd_fast.open(store)
    before, after = dataset.filter(source="two-cameras"), dataset.filter(source="cut")
    assert len(after) == report.pairs
    assert after.sources[0].attributes["source"]["registration"] == "registered"
    names = [sample.name for sample in before]
    for sample in after:
        original = before[names.index(sample.name)]
        x0, y0 = position_in(original.infrared, sample.infrared)
        height, width = sample.infrared.shape
        whole = original.infrared[y0 : y0 + height, x0 : x0 + width]
        np.testing.assert_array_equal(sample.infrared, whole)  # the same counts, cut out
        assert sample.infrared.dtype == np.uint16
        assert sample.visible.shape[:2] == sample.infrared.shape
        infrared = sample.boxes[sample.object_modality == 0]
        visible = sample.boxes[sample.object_modality == 1]
        assert len(infrared) >= 3
        best = [max(iou(a, b) for b in visible) for a in infrared]
        assert np.median(best) > 0.85  # labels of both now lie on each other


def test_visible_pixels_are_where_the_matrix_says(store: Path) -> None:
    align_source(store, "two-cameras")
    materialise_pairs(store, "two-cameras", "cut")
    dataset = irtd_fast.open(store)
    before, after = dataset.filter(source="two-cameras"), dataset.filter(source="cut")
    names = [sample.name for sample in before]
    for sample in list(after)[:3]:
        original = before[names.index(sample.name)]
        height, width = sample.infrared.shape
        assert (height, width) <= INFRARED
        # Where a pixel of the cut comes from, with the true matrix: its centre, in both frames.
        x0, y0 = position_in(original.infrared, sample.infrared)
        ys, xs = np.mgrid[20 : height - 20 : 37, 20 : width - 20 : 41]
        u = MATRIX[0, 0] * (xs + 0.5 + x0) + MATRIX[0, 2] - 0.5
        v = MATRIX[1, 1] * (ys + 0.5 + y0) + MATRIX[1, 2] - 0.5
        expected = cv2.remap(
            original.visible, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR
        )
        # The pictures are ramps: a pixel off is a few levels.
        apart = np.abs(expected.astype(int) - sample.visible[ys, xs].astype(int))
        assert np.percentile(apart, 95) <= 4


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced(store: Path) -> None:
    align_source(store, "two-cameras")
    materialise_pairs(store, "two-cameras", "cut")
    with pytest.raises(StoreExistsError):
        materialise_pairs(store, "two-cameras", "cut")
    again = materialise_pairs(store, "two-cameras", "cut", replace_source=True)
    assert again.pairs == len(irtd_fast.open(store).filter(source="cut"))


def test_the_commands_cut_and_show(store: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["align", str(store), "--materialise", "cut", "--json"])
    assert done.exit_code in (0, 1), done.output
    document = json.loads(done.stdout)
    assert document["materialised"]["pairs"] == document["sources"][0]["counts"]["good"]
    sheet = tmp_path / "pair.png"
    done = runner.invoke(app, ["show", str(store), "two-cameras/0", "--aligned", "-o", str(sheet)])
    assert done.exit_code == 0, done.output
    picture = cv2.imread(str(sheet))
    assert picture.shape[1] == 1288
    assert "residual" in done.stdout
    done = runner.invoke(app, ["show", str(store), "cut/0", "--aligned", "-o", str(sheet)])
    assert done.exit_code == 4
    assert "not aligned yet" in done.output
