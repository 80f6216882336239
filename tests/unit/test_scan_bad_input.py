"""Bad pictures, partners and labels: each is reported, nothing is silently changed."""

from __future__ import annotations

import json
import math

import imagecodecs
import numpy as np
import pytest
from dump_trees import (
    HAS_PROBLEMS,
    HEIGHT,
    JPEG,
    UNLABELLED,
    WIDTH,
    codes,
    flir,
    hit_uav,
    llvip,
    tree,
    voc,
)  # fmt: skip

from irtd_fast import catalog
from irtd_fast.scan import scan
from irtd_fast.scan.boxes import judge_box, judge_point
from irtd_fast.types import ObjectFlag


@pytest.fixture
def record():
    return catalog.get("llvip")


def test_bad_pictures_are_left_out_and_the_run_goes_on(tmp_path, record):
    llvip(tmp_path, stems=[f"0100{i:02d}" for i in range(1, 8)])
    folder = tmp_path / "LLVIP/infrared/train"
    (folder / "010001.jpg").write_bytes(b"")
    (folder / "010002.jpg").write_bytes(JPEG[:40])
    (folder / "010003.jpg").write_bytes(imagecodecs.png_encode(np.zeros((HEIGHT, WIDTH), "u1")))
    (folder / "010004.jpg").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid x\n")
    (folder / "010005.jpg").write_bytes(
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03" + b"\0" * 9
    )
    (folder / "010006.jpg").write_bytes(b"what is this doing here, it is no picture")
    manifest = scan(tmp_path, record)
    assert [s.name for s in manifest.samples] == ["010003", "010007"]
    by_sample = {problem.sample: problem for problem in manifest.problems}
    assert {name: problem.code for name, problem in by_sample.items()} == {
        "010001": "empty-file",
        "010002": "truncated-image",
        "010003": "mislabelled-image",
        "010004": "lfs-pointer",
        "010005": "huge-image",
        "010006": "not-an-image",
    }
    assert by_sample["010001"].action == "sample left out"
    assert by_sample["010003"].action == "kept, read by its content"
    assert manifest.samples[0].infrared.encoding == "png"
    assert [s.flags for s in manifest.samples] == [HAS_PROBLEMS, 0]


def test_partners(tmp_path, record):
    llvip(tmp_path, stems=("010001", "010002", "010003"))
    folder = tmp_path / "LLVIP/visible/train"
    (folder / "010001.jpg").unlink()
    (folder / "010002.jpg").write_bytes(b"")
    (folder / "010009.jpg").write_bytes(JPEG)
    manifest = scan(tmp_path, record)
    assert codes(manifest) == ["empty-file", "missing-partner", "partner-without-image"]
    assert [s.visible is None for s in manifest.samples] == [True, True, False]
    assert [s.flags for s in manifest.samples] == [HAS_PROBLEMS, HAS_PROBLEMS, 0]
    actions = {problem.code: problem.action for problem in manifest.problems}
    assert actions["missing-partner"] == "kept without visible picture"
    assert actions["empty-file"] == "kept without visible picture"


def test_no_partner_at_all_is_a_note(tmp_path, record):
    tree(tmp_path, {"infrared/train/010001.jpg": JPEG})
    manifest = scan(tmp_path, record)
    assert manifest.problems == []
    assert manifest.notes[0] == "no visible pictures found"
    assert manifest.notes[1].startswith("no label files found")
    assert manifest.samples[0].flags == UNLABELLED


def test_second_partner_is_reported(tmp_path):
    flir(tmp_path, names=("FLIR_00001",))
    tree(tmp_path, {"FLIR_ADAS/train/RGB/FLIR_00001.jpeg": JPEG})
    manifest = scan(tmp_path, catalog.get("flir-v1"))
    assert codes(manifest) == ["ambiguous-partner"]
    assert manifest.samples[0].visible.path.endswith("RGB/FLIR_00001.jpeg")


def test_labels_without_image_and_image_without_labels(tmp_path, record):
    llvip(tmp_path)
    folder = tmp_path / "LLVIP/Annotations"
    (folder / "010002.xml").rename(folder / "019999.xml")
    manifest = scan(tmp_path, record)
    found = [(p.code, p.path, p.sample) for p in manifest.problems]
    assert found == [
        ("label-without-image", "LLVIP/Annotations/019999.xml", ""),
        ("image-without-label", "LLVIP/infrared/train/010002.jpg", "010002"),
    ]
    assert [s.flags for s in manifest.samples] == [0, UNLABELLED | HAS_PROBLEMS]


def test_coco_records_without_image(tmp_path):
    flir(tmp_path)
    (tmp_path / "FLIR_ADAS/train/thermal_8_bit/FLIR_00002.jpeg").unlink()
    manifest = scan(tmp_path, catalog.get("flir-v1"))
    problem = next(p for p in manifest.problems if p.code == "label-without-image")
    assert (problem.path, problem.where) == (
        "FLIR_ADAS/train/thermal_annotations.json", "images[1]",
    )  # fmt: skip
    assert "split train, stem FLIR_00002" in problem.message


def test_unreadable_labels_name_the_line_and_mark_the_sample(tmp_path, record):
    llvip(tmp_path)
    path = tmp_path / "LLVIP/Annotations/010001.xml"
    path.write_text('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<annotation/>')
    manifest = scan(tmp_path, record)
    problem = manifest.problems[0]
    assert (problem.code, problem.where, problem.sample) == (
        "unreadable-labels", "line 1", "010001",
    )  # fmt: skip
    assert problem.message.startswith("a DOCTYPE is refused")
    assert manifest.samples[0].flags == HAS_PROBLEMS | UNLABELLED
    assert codes(manifest) == ["image-without-label", "unreadable-labels"]


def test_broken_json_leaves_the_pictures(tmp_path):
    flir(tmp_path)
    (tmp_path / "FLIR_ADAS/train/thermal_annotations.json").write_text('{"images": [\n,]}')
    manifest = scan(tmp_path, catalog.get("flir-v1"))
    assert len(manifest.samples) == 3
    problem = next(p for p in manifest.problems if p.code == "unreadable-labels")
    assert problem.where == "line 2"
    assert codes(manifest).count("image-without-label") == 3


def test_two_records_for_one_picture(tmp_path):
    flir(tmp_path)
    path = tmp_path / "FLIR_ADAS/train/thermal_annotations.json"
    data = json.loads(path.read_text())
    data["images"].append(data["images"][0] | {"id": 50})
    data["annotations"].append(data["annotations"][0] | {"image_id": 50})
    path.write_text(json.dumps(data))
    manifest = scan(tmp_path, catalog.get("flir-v1"))
    problem = next(p for p in manifest.problems if p.code == "duplicate-labels")
    assert problem.where == "images[3]"
    assert len(manifest.samples[0].objects) == 1


def test_unknown_category_and_size_mismatch_are_kept_and_marked(tmp_path, record):
    llvip(tmp_path)
    folder = tmp_path / "LLVIP/Annotations"
    (folder / "010001.xml").write_text(voc((1, 2, 3, 4), (5, 6, 7, 8), name="dog"))
    (folder / "010002.xml").write_text(voc((1, 2, 3, 4), width=640, height=512))
    manifest = scan(tmp_path, record)
    assert codes(manifest) == ["size-mismatch", "unknown-category"]
    assert [o.category for o in manifest.samples[0].objects] == ["dog", "dog"]
    assert len(manifest.samples[1].objects) == 1
    assert [s.flags for s in manifest.samples] == [HAS_PROBLEMS, HAS_PROBLEMS]
    message = next(p.message for p in manifest.problems if p.code == "size-mismatch")
    assert "labels are for (512, 640), the picture is (24, 32)" in message


def test_ignored_category_is_kept_with_a_flag(tmp_path):
    hit_uav(tmp_path, "normal_xml")
    path = next((tmp_path / "normal_xml/Annotations").iterdir())
    path.write_text(voc((1, 2, 3, 4), name="DontCare"))
    manifest = scan(tmp_path, catalog.get("hit-uav"))
    (item,) = manifest.samples[0].objects
    assert (item.category, item.flags) == ("dont care", int(ObjectFlag.IGNORE))


NAN, INF = math.nan, math.inf
BOXES = [
    ((1, 2, 3, 4), "", True, 0),
    ((0, 0, 32, 24), "", True, 0),
    ((NAN, 2, 3, 4), "not-finite-box", False, 0),
    ((1, 2, INF, 4), "not-finite-box", False, 0),
    ((5, 2, 3, 4), "inverted-box", False, 0),
    ((1, 8, 3, 4), "inverted-box", False, 0),
    ((3, 2, 3, 4), "empty-box", False, 0),
    ((1, 4, 3, 4), "empty-box", False, 0),
    ((40, 2, 50, 4), "outside-box", False, 0),
    ((-9, 2, 0, 4), "outside-box", False, 0),
    ((1, 24, 3, 30), "outside-box", False, 0),
    ((-1, 2, 3, 4), "out-of-frame-box", True, 32),
    ((1, 2, 33.5, 4), "out-of-frame-box", True, 32),
]


def test_bad_boxes_are_reported_with_their_lines_and_good_ones_stay(tmp_path, record):
    llvip(tmp_path, stems=("010001",))
    path = tmp_path / "LLVIP/Annotations/010001.xml"
    path.write_text(voc(*[box for box, *_ in BOXES]))
    manifest = scan(tmp_path, record)
    assert [p.code for p in manifest.problems] == [code for _, code, *_ in BOXES if code]
    assert [p.where for p in manifest.problems] == [f"line {n}" for n in range(4, 15)]
    sample = manifest.samples[0]
    assert [o.box for o in sample.objects] == [box for box, _, keep, _ in BOXES if keep]
    assert [o.flags for o in sample.objects] == [flags for *_, keep, flags in BOXES if keep]
    assert sample.flags == HAS_PROBLEMS
    assert {p.sample for p in manifest.problems} == {"010001"}


@pytest.mark.parametrize(("box", "code", "keep", "flags"), BOXES)
def test_box_policy(box, code, keep, flags):
    verdict = judge_box(box, HEIGHT, WIDTH)
    assert (verdict.code, verdict.keep, verdict.flags) == (code, keep, flags)
    assert bool(verdict.message) == bool(code)


def test_box_tolerance_and_turned_boxes():
    assert judge_box((-1, 2, 3, 4), HEIGHT, WIDTH, tolerance=1).flags == 0
    assert judge_box((-1.5, 2, 3, 4), HEIGHT, WIDTH, tolerance=1).code == "out-of-frame-box"
    verdict = judge_box((-1, 2, 3, 4), HEIGHT, WIDTH, oriented=True)
    assert (verdict.code, verdict.keep, verdict.flags) == ("", True, 32)
    verdict = judge_box((-9, 2, 3, 4), HEIGHT, WIDTH, oriented=True)
    assert (verdict.code, verdict.keep, verdict.flags) == ("out-of-frame-box", True, 32)


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ((0, 0), ""),
        ((32, 24), ""),
        ((NAN, 1), "not-finite-point"),
        ((33, 1), "outside-point"),
        ((1, -0.5), "outside-point"),
    ],
)
def test_point_policy(point, code):
    verdict = judge_point(*point, HEIGHT, WIDTH)
    assert (verdict.code, verdict.keep) == (code, not code)
    assert judge_point(33, 1, HEIGHT, WIDTH, tolerance=1).keep


def test_missing_partner_is_a_problem_where_every_picture_should_have_one(tmp_path):
    files = {f"LLVIP/infrared/train/01000{i}.jpg": JPEG for i in (1, 2)}
    files["LLVIP/visible/train/010001.jpg"] = JPEG
    manifest = scan(tree(tmp_path, files), catalog.get("llvip"))
    assert codes(manifest) == ["missing-partner"]
    assert manifest.samples[1].visible is None
    assert manifest.samples[1].flags & HAS_PROBLEMS
