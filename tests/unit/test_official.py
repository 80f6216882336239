"""Published text files: read as they are, their paths found in any layout, bad ones refused."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from irtd_fast.errors import AnnotationError
from irtd_fast.official.archive import read_official
from irtd_fast.official.container import read_container
from irtd_fast.official.layouts import RULES, tail_of
from irtd_fast.official.resolve import UNKNOWN, resolve

PREFIX = "/some/where/Data4MLLM/"


def entry(number: int, image: str) -> dict:
    turns = [{"from": "human", "value": "<image>\nWhich?"}, {"from": "gpt", "value": "4"}]
    return {"id": str(number), "image": [image], "conversations": turns}


def text(entries: list[dict], before: str, after: str) -> bytes:
    body = ",\n".join(json.dumps(item, indent=4) for item in entries)
    return (before + body + after).encode()


@pytest.mark.parametrize(
    ("before", "after"), [("[", "]\n"), ("[\n", "\n]"), ("", ",\n"), ("", ""), ("[", "")]
)
def test_every_published_bracket_is_read(before: str, after: str) -> None:
    entries = [entry(n, f"{PREFIX}54-RegDB/train/{n:04}.jpg") for n in range(5)]
    read = read_container(text(entries, before, after), "x/ReID.json")
    assert [(e.file, e.id, e.image) for e in read] == [
        ("ReID", item["id"], item["image"][0]) for item in entries
    ]
    assert {(e.question, e.answer) for e in read} == {("<image>\nWhich?", "4")}


def test_an_image_may_be_a_plain_string() -> None:
    item = {**entry(0, "a"), "image": "b.jpg"}
    assert read_container(json.dumps([item]).encode(), "x.json")[0].image == "b.jpg"


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b'[{"id": "0",\n "image": ["a"', "line 2: not JSON"),
        (b'[\n\n"text"]', "line 3: expected an object, found str"),
        (b'[{"id": "0", "image": ["a", "b"], "conversations": []}]', "line 1: expected one image"),
        (b"[\n\xff]", "line 2: expected UTF-8, found byte 0xff"),
        (b'[{"id": NaN}]', "NaN is no JSON number"),
        (b'{"a": ' * 5000 + b"1" + b"}" * 5000, "not JSON|expected one image"),
    ],
)
def test_anything_else_is_refused_with_its_line(data: bytes, match: str) -> None:
    with pytest.raises(AnnotationError, match=match) as caught:
        read_container(data, "T.json")
    assert caught.value.where["path"] == "T.json"


def test_brackets_alone_hold_nothing() -> None:
    assert read_container(b"[" * 100000, "T.json") == []


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_archive_folder_and_single_file_give_the_same(tmp_path: Path) -> None:
    data = text([entry(0, "a.jpg")], "[", "]")
    (tmp_path / "t.zip").write_bytes(
        zip_of({"json_sft/ReID.json": data, "__MACOSX/._ReID.json": b"\0", "read.me": b"x"})
    )
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "ReID.json").write_bytes(data)
    assert (
        read_official(tmp_path / "t.zip")
        == read_official(tmp_path / "folder")
        == read_official(tmp_path / "folder" / "ReID.json")
    )


def test_evil_archives_are_refused_and_write_nothing(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(zip_of({"a.json": b" " * (50 << 20)}))
    with pytest.raises(AnnotationError, match="unpacks"):
        read_official(bomb)
    torn = tmp_path / "torn.zip"
    torn.write_bytes(zip_of({"a.json": b"[]"})[:-30])
    with pytest.raises(AnnotationError):
        read_official(torn)
    climber = tmp_path / "in" / "climb.zip"
    climber.parent.mkdir()
    climber.write_bytes(zip_of({"../../evil.json": text([entry(0, "a")], "[", "]")}))
    assert len(read_official(climber)["evil"]) == 1  # read in place, under no path at all
    assert sorted(p.name for p in tmp_path.rglob("*")) == [
        "bomb.zip", "climb.zip", "in", "torn.zip",
    ]  # fmt: skip
    with pytest.raises(FileNotFoundError):
        read_official(tmp_path / "in")


PUBLISHED = {
    "63-FLIR_ADAS/training/PreviewData/FLIR_02410.jpeg": [
        "63-FLIR_ADAS/training/PreviewData/FLIR_02410.jpeg",
        "FLIR_ADAS/training/PreviewData/FLIR_02410.jpeg",
        "flir/FLIR_ADAS_1_3/train/thermal_8_bit/FLIR_02410.jpeg",
        "align/JPEGImages/FLIR_02410_PreviewData.jpeg",
    ],
    "4-VEDAI/train/trainimgr/10682.jpg": [
        "4-VEDAI/train/trainimgr/10682.jpg",
        "14-DroneVehicle/train/trainimgr/10682.jpg",
        "drone/trainimgr/10682.jpg",
    ],
    "23-RGBTCrowdCounting/train/3358_Grey.jpg": [
        "23-RGBTCrowdCounting/train/3358_Grey.jpg",
        "crowd/train/3358_Grey.jpg",
        "RGBT-CC/train/3358_T.jpg",
    ],
    "6-LSOTB-TIR/Training_Dataset/TrainingData/TIR_training_001/person_039/00000063.jpg": [
        "6-LSOTB-TIR/Training_Dataset/TrainingData/TIR_training_001/person_039/00000063.jpg",
        "LSOTB/Training_Dataset/TrainingData/TIR_training_001/person_039/00000063.jpg",
        "TIR_training_001/person_039/00000063.jpg",
    ],
    "53-LLCM/valid/0001.jpg": ["53-LLCM/valid/0001.jpg", "reid/LLCM/valid/0001.jpg"],
    "54-RegDB/train/0001.jpg": ["54-RegDB/train/0001.jpg", "54_regdb-grids/train/0001.jpg"],
    "55-SYSU-MM01/train2/0001.jpg": ["SYSU_MM01/train2/0001.jpg"],
    "56-ThermalWorld/train/0001.jpg": ["56-ThermalWorld/train/0001.jpg"],
}
CASES = [(published, place) for published, places in PUBLISHED.items() for place in places]


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


@pytest.mark.parametrize(("published", "place"), CASES)
def test_every_layout_of_every_source_is_found(tmp_path: Path, published: str, place: str) -> None:
    decoys = ["Other/train/0001.jpg", "val/valimgr/10682.jpg", "TIR_training_002/a/00000063.jpg",
              "test/3358_T.jpg", "53-LLCM/train/0001.jpg.txt", "video/FLIR_02410.jpeg"]  # fmt: skip
    touch(tmp_path, place, *decoys)
    found = resolve({"f": [PREFIX + published]}, tmp_path).images[PREFIX + published]
    assert found.path == place
    assert found.others == ()
    assert found.source


def test_the_root_may_be_the_dump_itself(tmp_path: Path) -> None:
    touch(tmp_path, "54-RegDB/train/0007.jpg")
    published = PREFIX + "54-RegDB/train/0007.jpg"
    assert resolve({"f": [published]}, tmp_path / "54-RegDB").images[published].path


def test_reid_grids_of_one_source_never_serve_another(tmp_path: Path) -> None:
    touch(tmp_path, "53-LLCM/train/0001.jpg", "55-SYSU-MM01/train1/0001.jpg")
    published = PREFIX + "54-RegDB/train/0001.jpg"
    found = resolve({"ReID": [published]}, tmp_path).images[published]
    assert found.path == ""
    assert "composed" in found.note


def test_the_best_layout_wins_and_doubles_are_told(tmp_path: Path) -> None:
    touch(tmp_path, "b/train/trainimgr/00015.jpg", "a/train/trainimgr/00015.jpg",
          "4-VEDAI/trainimgr/00015.jpg")  # fmt: skip
    published = PREFIX + "4-VEDAI/train/trainimgr/00015.jpg"
    found = resolve({"f": [published] * 3, "g": [published]}, tmp_path)
    image = found.images[published]
    assert (image.path, image.others) == (
        "a/train/trainimgr/00015.jpg", ("b/train/trainimgr/00015.jpg",),
    )  # fmt: skip
    assert found.by_file() == [
        {"file": name, "images": 1, "found": 1, "missing": 0, "ambiguous": 1} for name in "fg"
    ]
    (row,) = found.by_source()
    assert (row["source"], row["layouts"]) == ("drone-vehicle", {"DroneVehicle": 1})


def test_unknown_paths_are_looked_for_as_they_are(tmp_path: Path) -> None:
    touch(tmp_path, "mine/1.jpg")
    found = resolve({"f": [PREFIX + "mine/1.jpg", PREFIX + "mine/2.jpg"]}, tmp_path)
    first, second = found.images.values()
    assert first.path == "mine/1.jpg"
    assert (second.path, second.note) == ("", UNKNOWN)


def test_windows_prefixes_are_dead_too() -> None:
    assert tail_of(r"D:\x\Data4MLLM\4-VEDAI\a.jpg") == "4-VEDAI/a.jpg"
    assert len({rule.source for rule in RULES}) == len(RULES)
