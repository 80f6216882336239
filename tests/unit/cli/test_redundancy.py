"""``irtd redundancy``: what it prints, as a table and as JSON, and how it ends."""

from __future__ import annotations

import json
import shutil

import imagecodecs
import numpy as np
import pytest
from typer.testing import CliRunner

from irtd_fast.cli.main import app
from irtd_fast.cli.output import ExitCode


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(app, ["redundancy", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path, rng):
    root = tmp_path / "pictures"
    for split in ("train", "test"):
        (root / split).mkdir(parents=True)
        for i in range(3):
            image = np.kron(rng.integers(0, 255, (8, 8)), np.ones((8, 8))).astype(np.uint8)
            (root / split / f"{i}.png").write_bytes(imagecodecs.png_encode(image))
    return root


def test_nothing_redundant(run, folder):
    result = run(folder)
    assert result.exit_code == ExitCode.OK
    assert result.stdout.splitlines()[1].split() == ["pictures", "6", "0", "0", "0"]
    assert "0 groups, 0 across sources; near: within 22 of 128 bits" in result.stdout


def test_a_leak_is_exit_code_1(run, folder):
    shutil.copy(folder / "train/1.png", folder / "test/copy.png")
    result = run(folder, "--json", "--exact")
    assert result.exit_code == ExitCode.PROBLEMS
    found = json.loads(result.stdout)
    assert found["redundant"] == {"pictures": {"exact": 1, "pixels": 0, "near": 0}}
    assert found["leaked"] == [["pictures", "test", "pictures", "train", "exact", 1]]
    assert found["radius"] == -1
    assert "test/copy.png" in run(folder).stdout


def test_stores_dumps_and_folders_together(run, mixed_store, small_dumps, folder):
    result = run(mixed_store, f"llvip={small_dumps('llvip')}", folder, "--json")
    found = json.loads(result.stdout)
    assert {"llvip", "llvip#2", "pictures", "counts"} <= set(found["pictures"])
    shared = {
        member["source"]
        for group in found["groups"]
        for member in group["members"]
        if len({m["source"] for m in group["members"]}) > 1
    }
    assert {"llvip", "llvip#2", "compact"} <= shared
    assert "pictures" not in shared


def test_wrong_paths_are_named(run, tmp_path):
    result = run(tmp_path / "absent")
    assert result.exit_code == ExitCode.USAGE
    assert "neither a store nor a folder" in result.stderr
    unknown = run("lvip=nowhere")
    assert unknown.exit_code == ExitCode.USAGE
    assert "llvip" in unknown.stderr
