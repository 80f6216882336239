"""A picture for every published path, in IR-TD's layout and in the publishers'."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from irtd_fast.synth import native_path, official_paths, official_tree

PATHS = [
    "23-RGBTCrowdCounting/train/1162_Grey.jpg",
    "4-VEDAI/train/trainimgr/00015.jpg",
    "53-LLCM/valid/0001.jpg",
    "6-LSOTB-TIR/Training_Dataset/TrainingData/TIR_training_001/fox_001/00000001.jpg",
    "63-FLIR_ADAS/training/PreviewData/FLIR_00001.jpeg",
]


def archive(folder: Path, paths: list[str]) -> Path:
    entries = [{"id": str(n), "image": [f"/a/b/Data4MLLM/{p}"]} for n, p in enumerate(paths)]
    written = folder / "json_sft.zip"
    with zipfile.ZipFile(written, "w") as opened:
        # Detection.json is no JSON: entries in a row, commas between and behind them.
        opened.writestr("json_sft/Detection.json", ",\n".join(map(json.dumps, entries)) + ",\n")
        opened.writestr("json_sft/Other.json", json.dumps(entries[:2]))
        opened.writestr("json_sft/note.txt", '"Data4MLLM/none.jpg"')
    return written


def test_paths_are_found_in_whatever_container(tmp_path):
    found = archive(tmp_path, PATHS)
    assert official_paths(found) == PATHS
    with zipfile.ZipFile(found) as opened:
        opened.extractall(tmp_path / "folder")
    assert official_paths(tmp_path / "folder") == PATHS
    assert official_paths(tmp_path / "folder/json_sft/Other.json") == PATHS[:2]


def test_paths_out_of_the_tree_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a path below Data4MLLM/"):
        official_paths(archive(tmp_path, ["../../etc/passwd"]))
    with pytest.raises(ValueError, match="expected a path below Data4MLLM/"):
        official_tree(["/etc/passwd"], tmp_path / "out")


def test_native_places():
    assert [native_path(path) for path in PATHS] == [
        "RGBT-CC/train/1162_T.jpg",
        "DroneVehicle/train/trainimgr/00015.jpg",
        "53-LLCM/valid/0001.jpg",
        "LSOTB-TIR/Training_Dataset/TrainingData/TIR_training_001/fox_001/00000001.jpg",
        "FLIR_ADAS/training/PreviewData/FLIR_00001.jpeg",
    ]
    assert native_path(PATHS[4], flir="v1.3") == "FLIR_ADAS_1_3/train/thermal_8_bit/FLIR_00001.jpeg"
    assert native_path(PATHS[4], flir="aligned") == "align/JPEGImages/FLIR_00001_PreviewData.jpeg"


@pytest.mark.parametrize("layout", ["ir-td", "native"])
def test_every_path_has_a_picture(tmp_path, layout):
    placed = official_tree(PATHS, tmp_path, layout=layout)
    assert list(placed) == PATHS
    for path, place in placed.items():
        assert (place == f"Data4MLLM/{path}") == (layout == "ir-td")
        with Image.open(tmp_path / place) as opened:
            opened.load()
            coloured = place.endswith("_T.jpg")
            assert opened.mode == ("RGB" if coloured else "L")


def test_never_mixed_with_other_files(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        official_tree(PATHS, tmp_path)
    with pytest.raises(ValueError, match="layout must be one of"):
        official_tree(PATHS, tmp_path / "new", layout="mine")


@pytest.mark.dumps
def test_all_published_paths(tmp_path, dumps):
    published = dumps.parent / "spec/json_sft.zip"
    if not published.exists():
        pytest.skip(f"no published files at {published}")
    paths = official_paths(published)
    assert len(paths) == 17_227
    for name, options in (("a", {}), ("b", {"layout": "native"})):
        placed = official_tree(paths, tmp_path / name, **options)
        assert len(set(placed.values())) == 17_227
        assert all((tmp_path / name / place).is_file() for place in placed.values())
