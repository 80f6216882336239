"""``irtd export``: what it says, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path


def test_coco_of_one_source_is_written_once(store: Path, tmp_path: Path, irtd, irtd_json) -> None:
    out = tmp_path / "coco"
    options = ("--format", "coco", "--source", "llvip", "--recipe", "min-max")
    arguments = ("export", store, out, *options)
    code, dry = irtd_json(*arguments, "--dry-run")
    assert (code, dry["written"], out.exists()) == (0, False, False)
    code, report = irtd_json(*arguments)
    assert (code, report["written"], report["files"]) == (0, True, dry["files"])
    documents = [json.loads((out / name).read_bytes()) for name in report["files"]]
    assert sum(len(document["images"]) for document in documents) == report["pictures"]
    assert "MinMax" in report["recipe"]
    code, refused = irtd_json(*arguments)
    assert (code, refused["error"]["type"]) == (4, "StoreExistsError")
    shown = irtd(*arguments, "--replace")
    assert shown.exit_code == 0
    assert "pictures written" in shown.stdout
    assert "pixels: MinMax" in shown.stdout


def test_what_there_is_not_is_said_with_what_there_is(store: Path, tmp_path: Path, irtd) -> None:
    def said(*arguments: str) -> str:
        result = irtd("export", store, tmp_path / "x", *arguments)
        assert result.exit_code in (2, 4)
        return result.stderr

    assert "did you mean 'llava'" in said("--format", "lava")
    assert "irtd tasks build" in said("--format", "llava")
    assert "no recipe 'minmx'; there are" in said("--format", "coco", "--recipe", "minmx")
    assert "no source ['llvop']" in said("--format", "coco", "--source", "llvop")
    assert "NAME=FOLDER" in said("--format", "coco", "--root", "x")
    assert not (tmp_path / "x").exists()
