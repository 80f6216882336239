"""``irtd align`` on a source whose two cameras differ by a known scale and shift."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from align_truth import iou
from paired_dump import MATRIX, write_pairs

from irtd_fast import ingest
from irtd_fast.store.columns import read_column, read_strings
from irtd_fast.store.verify import verify_store

PAIRS = 9


@pytest.fixture
def paired(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Seven pairs of one rig, one pair of a single person, one of two different streets."""
    root = tmp_path / "dump"
    record = write_pairs(root, rng, singles=1, strangers=1)
    store = tmp_path / "pairs.zarr"
    assert ingest(root, store, source=record).counts["visible"] == PAIRS
    return store


def test_pairs_are_aligned_stored_and_reported(paired: Path, irtd_json, irtd) -> None:
    code, document = irtd_json("align", paired)
    (report,) = document["sources"]
    assert code == 1  # one pair was refused
    assert report["counts"] == {"good": 7, "weak": 1, "refused": 1, "unpaired": 0}
    assert sum(report["reasons"].values()) == 2
    assert report["residual"]["p90"] < 2.0
    folder = paired / "two-cameras" / "alignment"
    verdicts = read_column(folder / "verdict")
    assert verdicts.tolist() == [3] * 7 + [2, 1]
    windows = read_column(folder / "visible_window")[verdicts == 3]
    truth = (40.0, 0.0, 840.0, 600.0)
    assert min(iou(window, truth) for window in windows) > 0.97
    assert list(read_strings(folder / "reason"))[7].startswith("1 match")
    np.testing.assert_allclose(report["rig"]["matrix"], MATRIX, atol=2.0)
    assert verify_store(paired).damage == []
    again = irtd("align", paired, "--scope", "rig")
    assert "8 " in again.stdout  # the single person agrees with the rig
    assert read_column(folder / "verdict").tolist() == [3] * 8 + [1]
    assert "agree on a rig" in again.stdout


def test_dry_run_writes_nothing(paired: Path, irtd_json) -> None:
    _, document = irtd_json("align", paired, "--dry-run", "--source", "two-cameras")
    assert document["sources"][0]["written"] is False
    assert not (paired / "two-cameras" / "alignment").exists()


def test_sources_that_cannot_be_aligned_are_named(store: Path, paired: Path, irtd) -> None:
    done = irtd("align", store)
    assert done.exit_code == 2
    assert "llvip" in done.output
    done = irtd("align", store, "--source", "llvip")
    assert done.exit_code == 4
    assert "no boxes of visible pictures" in done.output
    assert "registered" in done.output
    done = irtd("align", paired, "--source", "two-camera")
    assert done.exit_code == 2
    assert "two-cameras" in done.output
    assert irtd("align", paired, "--model", "homography").exit_code == 2


def test_workers_do_not_change_the_result(paired: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from irtd_fast.engines import align

    alone = align.align_source(paired, "two-cameras", workers=1, dry_run=True)
    monkeypatch.setattr(align, "_LEAST_FOR_PROCESSES", 1)
    monkeypatch.setattr(align, "_PER_TASK", 4)
    many = align.align_source(paired, "two-cameras", workers=2, dry_run=True)
    assert [a and a.to_dict() for a in alone.alignments] == [
        b and b.to_dict() for b in many.alignments
    ]
