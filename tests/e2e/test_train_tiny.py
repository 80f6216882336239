"""The example's training: its targets, its matching, and a loss that falls."""

from __future__ import annotations

import numpy as np
import pytest

import irtd_fast
from irtd_fast import synth

torch = pytest.importorskip("torch")

from irtd_fast.examples import train_tiny  # noqa: E402
from irtd_fast.examples.train_tiny import STRIDE, Found, Targets, TinyDetector, train  # noqa: E402
from irtd_fast.load import Loader  # noqa: E402
from irtd_fast.load.torch import tensors  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Torch's threads wait by spinning: on a machine with much else to do one is faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("train")
    synth.write_dump(root / "dump", source="hit-uav", count=40, seed=2, size=(128, 160))
    irtd_fast.ingest(root / "dump", root / "s.zarr", source="hit-uav")
    return root / "s.zarr"


def test_targets_lie_at_the_centres(store):
    batch = next(tensors(Loader(irtd_fast.open(store), 8, (128, 160), rank=0, world_size=1)))
    targets = Targets.of(batch)
    assert targets.heat.shape == (8, 32, 40)
    assert len(targets.owner) == len(batch.boxes) > 8
    for owner, box, cell in zip(targets.owner, batch.boxes, targets.cell, strict=True):
        x, y = ((box[:2] + box[2:]) / 2 / STRIDE).tolist()
        assert (int(cell[0]), int(cell[1])) == (min(int(y), 31), min(int(x), 39))
        assert targets.heat[owner, cell[0], cell[1]] == 1
    assert int((targets.heat == 1).sum()) <= len(batch.boxes)
    assert 0 <= float(targets.heat.min()) <= float(targets.heat.max()) == 1


def test_matching_is_one_for_one():
    boxes = torch.tensor([[0.0, 0, 10, 10], [40, 40, 60, 60], [200, 200, 210, 210]])
    points = torch.tensor([[5.0, 5], [6, 6], [52, 49], [100, 100]])
    assert train_tiny._matches(points, boxes) == 2
    assert train_tiny._matches(points[:0], boxes) == 0
    found = Found(objects=3, hits=2, calls=4)
    assert (found.recall, found.precision) == (2 / 3, 0.5)


def test_the_network_is_tiny():
    assert 40_000 < sum(p.numel() for p in TinyDetector().parameters()) < 80_000


@pytest.mark.slow
def test_the_loss_falls_and_objects_are_found(store):
    report = train(store, steps=60, batch_size=6, size=(128, 160), seed=1)
    means = report.means(6)
    assert np.isfinite(report.losses).all()
    assert means[-1] < 0.6 * means[0], means
    assert report.after.objects == report.before.objects > 10
    assert report.after.recall > max(0.3, report.before.recall)


def test_runs_are_reproducible_and_printed(store, capsys):
    train_tiny.main([str(store), "--steps", "2", "--batch-size", "2", "--source", "hit-uav"])
    first = capsys.readouterr().out
    assert first.startswith("2 steps, 1 epochs\nloss  ")
    train_tiny.main([str(store), "--steps", "2", "--batch-size", "2"])
    assert capsys.readouterr().out == first


def test_stores_that_cannot_be_trained_on(tmp_path, store):
    with pytest.raises(ValueError, match="multiples of 8"):
        train(store, size=(100, 100))
    synth.write_dump(tmp_path / "d", source="flir-v1-16bit", count=4, size=(32, 40), seed=1,
                     variant="tree")  # fmt: skip
    irtd_fast.ingest(tmp_path / "d", tmp_path / "s.zarr", source="flir-v1-16bit")
    with pytest.raises(ValueError, match="no samples with boxes"):
        train(tmp_path / "s.zarr")
