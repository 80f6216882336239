"""``irtd tasks build``: what it says, stores and refuses; and exports of what it stored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from irtd_fast.store.verify import verify_store

QUOTAS = """
[learn.tasks.location]
samples = 3
paper = 7
[judge]
prefer = ["test"]
[judge.tasks.location]
samples = 2
[judge.tasks.security]
samples = 99
"""


@pytest.fixture
def own(store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(store, tmp_path / "own.zarr"))


def test_texts_are_stored_listed_and_exported(own: Path, tmp_path: Path, irtd, irtd_json) -> None:
    code, dry = irtd_json("tasks", "build", own, "--task", "location", "--dry-run")
    assert (code, dry["written"]) == (0, False)
    assert irtd_json("info", own)[1]["sources"][1]["texts"] == {}
    code, report = irtd_json("tasks", "build", own, "--task", "location", "--seed", "3")
    assert (code, report["written"], report["texts"]) == (0, True, dry["texts"])
    (found,) = [s for s in report["sources"] if s["source"] == "llvip"]
    texts = {s["name"]: s["texts"] for s in irtd_json("info", own)[1]["sources"]}
    facts = texts["llvip"]["built-clean"]
    assert (facts["seed"], facts["mode"], facts["tasks"]) == (3, "clean", found["tasks"])
    assert "texts built-clean: " in irtd("info", own).stdout
    assert verify_store(own).ok
    again = irtd("tasks", "build", own, "--task", "location")
    assert again.exit_code == 4
    assert "--replace builds them anew" in again.stderr
    code, exported = irtd_json("export", own, tmp_path / "out", "--format", "official")
    assert (code, exported["files"]) == (0, {"Location.json": found["texts"]})
    entries = json.loads((tmp_path / "out" / "Location.json").read_bytes())
    assert all((tmp_path / "out" / entry["image"][0]).is_file() for entry in entries)


def test_subsets_have_a_table_and_a_manifest(own: Path, tmp_path: Path, irtd) -> None:
    quotas, manifest = tmp_path / "q.toml", tmp_path / "m.json"
    quotas.write_text(QUOTAS)
    options = ("--subset", "all", "--quotas", quotas, "--manifest", manifest)
    shown = irtd("tasks", "build", own, *options)
    assert shown.exit_code == 0
    counted = json.loads(manifest.read_text())["subsets"]
    learn = counted["learn"]["tasks"]["location"]
    assert (learn["quota"], learn["paper"]) == (3, 7)
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["learn", "location", str(learn["samples"]), "3", "7"] in [row[:5] for row in rows]
    assert "judge: samples missing to the quotas: " in shown.stderr
    refused = irtd("tasks", "build", own, *options)
    assert refused.exit_code == 2
    assert "'--manifest'" in refused.stderr
    assert irtd("tasks", "build", own, *options, "--replace").exit_code == 0


def test_what_there_is_not_is_said_with_what_there_is(own: Path, tmp_path: Path, irtd) -> None:
    def said(*arguments: object) -> str:
        result = irtd("tasks", "build", own, *arguments)
        assert result.exit_code in (2, 4)
        return result.stderr

    assert "did you mean location" in said("--task", "locaton")
    assert "no subset 'test'; there are pretrain, instruction, benchmark" in said(
        "--subset", "test"
    )
    assert "no source ['flir']" in said("--source", "flir")
    assert "they need mode='official'" in said("--defects")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[a.tasks.scene]\nsamples = 'x'\n")
    assert "a.tasks.scene.samples: expected a number" in said("--subset", "a", "--quotas", wrong)
