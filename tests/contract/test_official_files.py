"""The published files themselves: counts as published, every path of a known form and found."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from irtd_fast.cli.main import app
from irtd_fast.official.archive import read_official
from irtd_fast.official.layouts import RULES, tail_of
from irtd_fast.official.resolve import resolve

# Entries of each file and distinct pictures of all, as published (data_json.md and the files).
ENTRIES = {
    "AerialCounting": 900, "Detection": 2789, "Location": 14979, "PedestrianCounting": 1030,
    "ReID": 3733, "Recognition": 3705, "Relationship": 5205, "Security": 7859,
}  # fmt: skip
PICTURES = 17227


@pytest.fixture(scope="module")
def published(dumps: Path) -> Path:
    path = Path(os.environ.get("IRTD_TEXTS", dumps.parent / "spec" / "json_sft.zip"))
    if not path.is_file():
        pytest.skip(f"no published texts at {path} (set IRTD_TEXTS to json_sft.zip)")
    return path


@pytest.fixture(scope="module")
def paths(published: Path) -> dict[str, list[str]]:
    return {name: [e.image for e in items] for name, items in read_official(published).items()}


pytestmark = pytest.mark.dumps


def test_all_eight_files_are_read(paths: dict[str, list[str]]) -> None:
    assert {name: len(items) for name, items in paths.items()} == ENTRIES
    assert len({path for items in paths.values() for path in items}) == PICTURES


def native(tail: str) -> str:
    """Where the publisher, not IR-TD, put the picture (composed grids exist only as IR-TD's)."""
    name = tail.rpartition("/")[2]
    if tail.startswith("63-"):
        return f"FLIR_ADAS_1_3/train/thermal_8_bit/{name}"
    if tail.startswith("4-"):
        return f"DroneVehicle/train/trainimgr/{name}"
    if tail.startswith("23-"):
        return f"RGBT-CC/train/{name.replace('_Grey', '_T')}"
    if tail.startswith("6-"):
        return f"LSOTB-TIR/{tail.partition('/')[2]}"
    return tail


@pytest.mark.parametrize("layout", ["IR-TD", "publishers"])
def test_every_published_path_is_found(
    published: Path, paths: dict[str, list[str]], scratch: Path, layout: str
) -> None:
    for items in paths.values():
        for path in dict.fromkeys(items):
            tail = tail_of(path)
            file = scratch / "dumps" / (tail if layout == "IR-TD" else native(tail))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    table = scratch / "map.json"
    done = CliRunner().invoke(
        app,
        ["resolve", str(published), "--root", str(scratch / "dumps"), "--out", str(table),
         "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["images"], report["found"]) == (PICTURES, PICTURES)
    assert not any(row["ambiguous"] for row in report["sources"])
    assert {row["source"] for row in report["sources"]} == {rule.source for rule in RULES}
    mapped = json.loads(table.read_text())
    assert len(set(mapped.values())) == PICTURES  # no two share a file
    assert all((scratch / "dumps" / path).is_file() for path in mapped.values())


def test_what_is_missing_is_told_with_the_reason(
    published: Path, paths: dict[str, list[str]], tmp_path: Path
) -> None:
    found = resolve(paths, tmp_path)
    assert found.found == 0
    whys = Counter(item.source for item in found.images.values() if not item.note)
    assert not whys
    done = CliRunner().invoke(app, ["resolve", str(published), "--root", str(tmp_path)])
    assert done.exit_code == 1
    assert f"0 of {PICTURES:,}" in done.stdout
