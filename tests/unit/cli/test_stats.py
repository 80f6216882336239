"""``irtd stats``: the numbers of the pixels, as a document and as a table."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from irtd_fast.store.dataset import open_store
from irtd_fast.store.verify import verify_store


def test_statistics_are_printed_and_stored(store: Path, tmp_path: Path, irtd, irtd_json) -> None:
    copy = tmp_path / "a.zarr"
    shutil.copytree(store, copy)
    code, document = irtd_json("stats", copy, "--source", "flir-v1-16bit")
    dataset = open_store(copy).filter(source="flir-v1-16bit")
    values = np.concatenate([sample.infrared.ravel() for sample in dataset])
    [source] = document["sources"]
    row = source["groups"][0]
    assert (code, source["written"], row["dtype"], row["sequence"]) == (0, True, "uint16", None)
    assert (row["low"], row["high"]) == (values.min(), values.max())
    assert row["p50"] == np.percentile(values, 50)
    assert verify_store(copy).ok
    shown = irtd("stats", copy, "--dry-run", "--sequences")
    assert shown.exit_code == 0
    assert "llvip" in shown.stdout
    assert "stored in" not in shown.stdout
    assert irtd("stats", copy, "--source", "llvop").exit_code == 2
