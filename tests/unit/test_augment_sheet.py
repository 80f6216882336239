"""``irtd show --augment``: a sample as epochs of a loader show it."""

from __future__ import annotations

import cv2
import pytest
from landmark_dump import write_landmarks
from typer.testing import CliRunner

import irtd_fast
from irtd_fast.cli.main import app
from irtd_fast.store.plan import IngestOptions


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("sheet")
    record = write_landmarks(root / "dump", count=6)
    for kind in ("fast", "none"):
        options = IngestOptions(visible=kind)
        irtd_fast.ingest(root / "dump", root / f"{kind}.zarr", source=record, options=options)
    return root


def show(*arguments):
    return CliRunner().invoke(app, ["show", *map(str, arguments)])


def test_views_are_drawn_side_by_side(store, tmp_path):
    sheet = tmp_path / "x.png"
    done = show(store / "none.zarr", "landmarks/3", "--augment", "-o", sheet)
    assert done.exit_code == 0, done.output
    assert "12 draws, 246 x 320" in done.stdout
    alone = cv2.imread(str(sheet))
    assert alone.shape[1] == 4 * (320 + 6)
    assert alone.shape[0] > 3 * 246
    again = show(store / "none.zarr", 3, "--augment", "--views", 5, "-o", sheet)
    assert again.exit_code == 0, again.output
    few = cv2.imread(str(sheet))
    assert (few[:246, :1300] == alone[:246, :1300]).all()  # the first row, drawn alike
    assert few.shape[0] < alone.shape[0]


def test_partners_lie_below(store, tmp_path):
    sheet = tmp_path / "x.png"
    arguments = ("3", "--augment", "--visible", "--views", "2", "-o", sheet)
    done = show(store / "fast.zarr", *arguments)
    assert done.exit_code == 0, done.output
    assert cv2.imread(str(sheet)).shape[0] > 2 * 246
    done = show(store / "none.zarr", *arguments)
    assert done.exit_code != 0
    assert "landmarks/3 has no visible partner" in done.output


def test_sheets_are_one_at_a_time(store, tmp_path):
    done = show(store / "none.zarr", "3", "--augment", "--recipes", "-o", tmp_path / "x.png")
    assert done.exit_code == 2
    assert not (tmp_path / "x.png").exists()
