"""Synthetic tracking dumps: literal layouts, row k is frame f(k), boxes as the truth says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from irtd_fast.synth import write_dump

SIZE = (96, 128)


def numbers(path: Path) -> list[list[float]]:
    text = path.read_text().replace(",", " ")
    return [[float(word) for word in line.split()] for line in text.splitlines() if line.strip()]


def xywh(objects) -> list[float]:
    if not objects:
        return [0, 0, 0, 0]
    x0, y0, x1, y1 = objects[0].box
    return [x0, y0, x1 - x0, y1 - y0]


def sequences(truth) -> dict[str, list]:
    found: dict[str, list] = {}
    for sample in truth:
        found.setdefault(sample.sequence, []).append(sample)
    return found


def test_rgbt234(tmp_path):
    truth = write_dump(tmp_path, source="rgbt234", count=30, size=SIZE)
    groups = sequences(truth)
    assert list(groups) == ["afterrain", "car10", "bicyclecity", "afterrain2", "car102"]
    endings, differ = set(), 0
    for name, frames in groups.items():
        for word in ("infrared", "visible", "init"):
            raw = (tmp_path / name / f"{word}.txt").read_bytes()
            assert raw.count(b"\n") == raw.count(b"\r\n") > 0
            endings.add((raw.endswith(b"\n"), raw.endswith(b"\r\n\r\n")))
            side = "objects" if word == "infrared" else "partner_objects"
            expected = [xywh(getattr(sample, side)) for sample in frames]
            assert numbers(tmp_path / name / f"{word}.txt") == expected
        differ += any(xywh(s.objects) != xywh(s.partner_objects) for s in frames)
    assert endings == {(True, True), (True, False), (False, False)}
    assert differ
    folder = tmp_path / "attr_txt"
    assert (folder / "SequencesName.txt").read_bytes() == b"".join(
        name.encode() + b"\r\n" for name in groups
    )
    words = ("NO", "PO", "HO", "LI", "LR", "TC", "DEF", "FM", "SC", "MB", "CM", "BC")
    assert {path.stem for path in folder.iterdir()} == {"SequencesName", *words}
    flags = [(folder / f"{word}.txt").read_bytes() for word in words]
    assert all(re.fullmatch(rb"([01]\r\n){5}", column) for column in flags)
    assert len(set(flags)) > 1
    late = groups["car10"][0]
    assert late.infrared.path == "car10/infrared/00001i.jpg"
    assert late.visible.path == "car10/visible/00006v.jpg"


def test_lasher(tmp_path):
    truth = write_dump(tmp_path, source="lasher", count=21, size=SIZE)
    groups = sequences(truth)
    absent = 0
    for name, frames in groups.items():
        found = numbers(tmp_path / name / "infrared.txt")
        assert found == [xywh(sample.objects) for sample in frames]
        absent += found.count([0, 0, 0, 0])
    assert absent == sum(not sample.objects for sample in truth) == 2
    assert groups["10crosswhite"][0].infrared.path == "10crosswhite/infrared/i000.jpg"
    assert groups["ab_girlrideintrees"][0].visible.path == "ab_girlrideintrees/visible/v0001.jpg"
    assert [s.frame for s in groups["ab_girlrideintrees"]] == [1, 2, 3, 4, 5, 6, 7]
    assert not (tmp_path / "bluemoto/init.txt").read_bytes().endswith(b"\n")
    lists = [(tmp_path / f"{w}ingsetList.txt").read_text().split() for w in ("train", "test")]
    assert lists == [["10crosswhite", "bluemoto"], ["ab_girlrideintrees"]]


def test_gtot_spells_boxes_in_two_ways(tmp_path):
    truth = write_dump(tmp_path, source="gtot", count=14, size=SIZE)
    for name, frames in sequences(truth).items():
        for letter, side in (("i", "objects"), ("v", "partner_objects")):
            expected = [list(getattr(sample, side)[0].box) for sample in frames]
            assert numbers(tmp_path / name / f"groundTruth_{letter}.txt") == expected
        init = tmp_path / name / "init.txt"
        assert numbers(init) == [xywh(sample.partner_objects) for sample in frames]
        assert b"\t" in init.read_bytes()
        assert init.read_bytes().endswith(b"\r\n")


@pytest.mark.parametrize("variant", ["official", "long"])
def test_vtuav_row_k_is_frame_10k(tmp_path, variant):
    truth = write_dump(tmp_path, source="vtuav", variant=variant, count=50, size=SIZE)
    folder = {"official": "train_ST_001/", "long": "test_LT_001/"}[variant]
    groups = sequences(truth)
    assert [len(frames) for frames in groups.values()] == [23, 23, 4]
    for name, frames in groups.items():
        text = (tmp_path / f"{folder}{name}/ir.txt").read_text()
        assert text.endswith("\n\n")
        if "NaN" in text:
            assert variant == "long"
            text = text.replace("NaN", "0")
        found = [[float(word) for word in line.split()] for line in text.split("\n") if line]
        assert found == [xywh(sample.objects) for sample in frames[::10]]
        assert all(not s.objects for s in frames if s.frame % 10)
        assert [s.frame for s in frames] == list(range(len(frames)))
    assert ("NaN" in (tmp_path / f"{folder}pedestrian_002/ir.txt").read_text()) == (
        variant == "long"
    )
    assert all(s.visible is not None for s in truth)


def test_vtuav_sample_lacks_partners(tmp_path):
    truth = write_dump(tmp_path, source="vtuav-bus1", count=24, size=SIZE)
    assert sum(s.visible is None for s in truth) == 16
    assert len(numbers(tmp_path / "bus1_sample/ir.txt")) == 3
    assert len(numbers(tmp_path / "bus1_sample/rgb.txt")) == 1
    assert truth.samples[0].infrared.path == "bus1_sample/ir_gray/000000.jpg"


def test_vtuav_masks(tmp_path):
    cv2 = pytest.importorskip("cv2")
    truth = write_dump(tmp_path, source="vtuav", variant="masks", count=50, size=SIZE)
    masked = [sample for sample in truth if sample.mask]
    assert [s.frame for s in masked] == [0, 0, 0]
    for sample in masked:
        assert sample.mask.path == f"{sample.sequence}/mask/ir/{sample.frame:06d}.png"
        mask = cv2.imread(str(tmp_path / sample.mask.path), cv2.IMREAD_UNCHANGED)
        assert set(mask.ravel().tolist()) == {0, 255}
        x, y, w, h = cv2.boundingRect(mask)
        assert sample.objects[0].box == (x, y, x + w, y + h)
