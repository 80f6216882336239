"""From a folder to samples: layouts, pairing, labels, splits, and every kind of bad input."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
from dump_trees import (
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
from irtd_fast.errors import SourceError, SourceLayoutError
from irtd_fast.scan import scan
from irtd_fast.scan.walk import natural_key
from irtd_fast.types import ObjectFlag, SampleFlag


@pytest.fixture
def record():
    return catalog.get("llvip")


def test_pairs_with_labels(tmp_path, record):
    manifest = scan(llvip(tmp_path), record)
    assert (manifest.source_key, manifest.variant, manifest.base) == ("llvip", "official", "LLVIP/")
    assert manifest.problems == []
    assert manifest.notes == []
    assert [sample.name for sample in manifest.samples] == ["010001", "010002"]
    sample = manifest.samples[0]
    assert sample.infrared.path == "LLVIP/infrared/train/010001.jpg"
    assert (sample.infrared.channels, sample.infrared.file_channels) == (1, 3)
    assert (sample.infrared.height, sample.infrared.width) == (HEIGHT, WIDTH)
    assert sample.visible.path == "LLVIP/visible/train/010001.jpg"
    assert sample.visible.channels == 3
    assert (sample.split, sample.scene, sample.flags) == ("train", "01", 0)
    assert [(item.category, item.box) for item in sample.objects] == [("person", (1, 2, 11, 12))]


def test_root_inside_the_layout(tmp_path, record):
    llvip(tmp_path)
    manifest = scan(tmp_path / "LLVIP", record)
    assert manifest.base == ""
    assert len(manifest.samples) == 2


def test_shallowest_base_is_taken_and_the_other_noted(tmp_path, record):
    llvip(tmp_path / "copy" / "old")
    llvip(tmp_path, stems=("010007",))
    manifest = scan(tmp_path, record)
    assert manifest.base == "LLVIP/"
    assert len(manifest.samples) == 1
    assert manifest.notes == [
        "variant official also fits below copy/old/LLVIP/ (2 pictures), unused"
    ]


def test_base_with_more_pictures_wins_on_one_level(tmp_path, record):
    llvip(tmp_path / "a", stems=("010001",))
    llvip(tmp_path / "b", stems=("010001", "010002"))
    assert scan(tmp_path, record).base == "b/LLVIP/"


def test_other_variants_are_noted(tmp_path, record):
    llvip(tmp_path)
    tree(tmp_path, {"FusionGAN/Train_LLVIP_ir/010001.jpg": JPEG})
    manifest = scan(tmp_path, record)
    assert manifest.variant == "official"
    assert manifest.notes == ["variant code also fits below ., unused"]
    assert scan(tmp_path, record, variant="code").samples[0].split == "train"


def test_no_layout_says_what_was_looked_for_and_seen(tmp_path, record):
    tree(tmp_path, {"pics/a.jpg": JPEG, "pics/b.jpg": JPEG, "readme.txt": "x"})
    with pytest.raises(SourceLayoutError) as caught:
        scan(tmp_path, record)
    message = str(caught.value)
    assert "infrared/(?P<split>train|test)/" in message
    assert "2 x pics/*.jpg" in message
    assert "1 x *.txt" in message
    assert isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize("name", ["absent", "file.txt"])
def test_root_must_be_a_folder(tmp_path, record, name):
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(SourceLayoutError, match="expected the folder of a dump"):
        scan(tmp_path / name, record)


def test_unknown_variant_and_negative_limit(tmp_path, record):
    llvip(tmp_path)
    with pytest.raises(SourceError, match="no variant 'best'; the record has official, code"):
        scan(tmp_path, record, variant="best")
    with pytest.raises(ValueError, match="limit must not be negative"):
        scan(tmp_path, record, limit=-1)


@pytest.mark.parametrize("folder", ["normal_json", "normal_xml", "rotate_json", "rotate_xml"])
def test_layouts_that_look_alike_are_told_by_the_folder(tmp_path, folder):
    record = catalog.get("hit-uav")
    hit_uav(tmp_path, folder)
    for root, base in ((tmp_path, f"{folder}/"), (tmp_path / folder, "")):
        manifest = scan(root, record)
        assert (manifest.variant, manifest.base) == (folder, base)
        assert manifest.samples[0].split == "train"
        assert manifest.samples[0].scene == "day"
        assert manifest.samples[0].objects[0].category == "car"
        assert (manifest.samples[0].objects[0].corners is not None) == (folder == "rotate_json")
    (tmp_path / folder).rename(tmp_path / "renamed")
    with pytest.raises(SourceLayoutError, match=f"in a folder named {folder}"):
        scan(tmp_path / "renamed", record)
    assert scan(tmp_path / "renamed", record, variant=folder).variant == folder


@pytest.mark.parametrize("old", [False, True])
def test_flir_both_versions(tmp_path, old):
    manifest = scan(flir(tmp_path, old=old), catalog.get("flir-v1"))
    assert manifest.variant == ("v1.0" if old else "v1.3")
    names = [sample.name for sample in manifest.samples]
    assert names == ["train/FLIR_00001", "train/FLIR_00002", "train/FLIR_00010"]
    assert [sample.objects[0].category for sample in manifest.samples] == ["car"] * 3
    first = manifest.samples[0]
    assert (first.visible.height, first.visible.width) == (60, 80)
    assert first.flags == int(SampleFlag.UNREGISTERED)
    assert codes(manifest) == []
    assert "2 samples have no visible partner, as published" in manifest.notes
    assert manifest.samples[1].visible is None
    assert manifest.samples[1].flags == 0


def test_sixteen_bit_tree_without_labels(tmp_path):
    import tifffile

    for folder in ("train/thermal_16_bit", "val/thermal_16_bit"):
        (tmp_path / folder).mkdir(parents=True)
        tifffile.imwrite(tmp_path / folder / "FLIR_00001.tiff", np.zeros((6, 8), np.uint16))
    manifest = scan(tmp_path, catalog.get("flir-v1-16bit"))
    assert manifest.variant == "tree"
    assert [s.name for s in manifest.samples] == ["train/FLIR_00001", "val/FLIR_00001"]
    assert {(s.infrared.dtype, s.flags) for s in manifest.samples} == {("uint16", UNLABELLED)}
    assert manifest.problems == []


def irstd(root):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[5:7, 8:11] = 255
    image = imagecodecs.png_encode(np.full((HEIGHT, WIDTH), 7, np.uint8))
    files = {f"IRSTD1k_Img/XDU{i}.png": image for i in (2, 10, 9)}
    files |= {f"IRSTD1k_Label/XDU{i}.png": imagecodecs.png_encode(mask) for i in (2, 10, 9)}
    files |= {"trainval.txt": "XDU2\r\nXDU10\r\n\r\n", "test.txt": "XDU9"}
    return tree(root, files)


def test_masks_become_boxes_and_points(tmp_path):
    manifest = scan(irstd(tmp_path), catalog.get("irstd-1k"))
    assert manifest.problems == []
    assert [(s.name, s.split) for s in manifest.samples] == [
        ("XDU2", "train"), ("XDU9", "test"), ("XDU10", "train"),
    ]  # fmt: skip
    for sample in manifest.samples:
        assert sample.mask.channels == 1
        assert (sample.mask.height, sample.mask.width) == (HEIGHT, WIDTH)
        assert [(o.box, o.flags) for o in sample.objects] == [
            ((8, 5, 11, 7), int(ObjectFlag.DERIVED))
        ]
        assert [(p.x, p.y) for p in sample.points] == [(9.5, 6)]


def test_split_lists_that_do_not_fit(tmp_path):
    irstd(tmp_path)
    (tmp_path / "test.txt").write_text("XDU9.png\nXDU2\nXDU77\nXDU78\n")
    (tmp_path / "trainval.txt").write_text("XDU2\n")
    manifest = scan(tmp_path, catalog.get("irstd-1k"))
    problems = {problem.code: problem for problem in manifest.problems}
    assert set(problems) == {"split-conflict", "split-without-image"}
    assert problems["split-conflict"].where == "line 2"
    assert problems["split-conflict"].sample == "XDU2"
    assert "2 names without a picture, the first is 'XDU77'" in str(problems["split-without-image"])
    assert [s.split for s in manifest.samples] == ["train", "test", ""]
    assert manifest.notes == ["1 samples are in no split list"]


def test_split_list_in_another_encoding(tmp_path):
    irstd(tmp_path)
    (tmp_path / "test.txt").write_bytes(b"\xff\xfeX")
    assert codes(scan(tmp_path, catalog.get("irstd-1k"))) == ["unreadable-split-list"]


def test_names_that_differ_in_case_alone_are_two(tmp_path):
    rows = {"XDU1": 3, "xdu1": 9}
    for stem, row in rows.items():
        mask = np.zeros((20, 20), np.uint8)
        mask[row, row] = 255
        for folder, array in (("Img", mask // 2), ("Label", mask)):
            data = bytes(imagecodecs.png_encode(array))
            tree(tmp_path, {f"IRSTD1k_{folder}/{stem}.png": data})
    tree(tmp_path, {"trainval.txt": "xdu1\n", "test.txt": "XDU1\n"})
    manifest = scan(tmp_path, catalog.get("irstd-1k"))
    assert manifest.problems == []
    assert {s.name: (s.split, s.objects[0].box) for s in manifest.samples} == {
        "XDU1": ("test", (3, 3, 4, 4)), "xdu1": ("train", (9, 9, 10, 10)),
    }  # fmt: skip


def test_colliding_names_fall_back_to_paths(tmp_path, record):
    tree(
        tmp_path,
        {
            "top/infrared/train/010001.jpg": JPEG,
            "top/infrared/test/010001.jpg": JPEG,
            "top/infrared/test/190001.jpg": JPEG,
        },
    )
    manifest = scan(tmp_path, record)
    names = [sample.name for sample in manifest.samples]
    assert names == ["infrared/test/010001", "190001", "infrared/train/010001"]
    assert manifest.notes[0] == "2 samples are named by their path, since their names collide"
    assert manifest.problems == []


def test_names_stay_distinct_when_only_the_extension_differs(tmp_path):
    flir(tmp_path, names=("FLIR_00001",))
    tree(tmp_path, {"FLIR_ADAS/train/thermal_8_bit/FLIR_00001.jpg": JPEG})
    manifest = scan(tmp_path, catalog.get("flir-v1"))
    assert [sample.name for sample in manifest.samples] == [
        "train/thermal_8_bit/FLIR_00001.jpeg", "train/thermal_8_bit/FLIR_00001.jpg",
    ]  # fmt: skip


def test_limit_takes_the_first_in_order_and_reports_nothing_about_the_rest(tmp_path, record):
    llvip(tmp_path, stems=[f"0100{i:02d}" for i in range(1, 9)])
    full = scan(tmp_path, record)
    part = scan(tmp_path, record, limit=3)
    assert part.problems == []
    assert part.samples == full.samples[:3]
    assert scan(tmp_path, record, limit=0).samples == []
    assert scan(tmp_path, record, limit=100).samples == full.samples


def test_result_does_not_depend_on_the_file_system_order(tmp_path, record, monkeypatch):
    llvip(tmp_path, stems=[f"0100{i:02d}" for i in range(1, 9)])
    (tmp_path / "LLVIP/infrared/train/010003.jpg").write_bytes(b"")
    (tmp_path / "LLVIP/Annotations/010004.xml").write_text("")
    expected = scan(tmp_path, record)
    real = os.scandir

    class Shuffled:
        def __init__(self, path):
            with real(path) as found:
                self.entries = list(found)
            random.Random(len(self.entries)).shuffle(self.entries)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(os, "scandir", Shuffled)
    again = scan(tmp_path, record)
    assert again == expected
    assert again.fingerprint() == expected.fingerprint()


def test_threads_do_not_change_the_result(tmp_path, record):
    llvip(tmp_path, stems=[f"0100{i:02d}" for i in range(1, 20)])
    results = [scan(tmp_path, record, threads=threads) for threads in (1, 2, 7)]
    assert results[0] == results[1] == results[2]


def test_natural_order():
    names = ["f10", "f9", "f09", "f1/2", "f1/10", "²x", "a"]
    assert sorted(names, key=natural_key) == ["a", "f1/2", "f1/10", "f09", "f9", "f10", "²x"]


def test_progress_is_told(tmp_path, record):
    seen = []
    scan(llvip(tmp_path), record, progress=lambda *event: seen.append(event))
    assert seen == [("walk", 6, 6), ("pictures", 2, 2), ("labels", 2, 2)]


CROPS = """
key = "mine"
title = "Mine"
homepage = "https://example.org"
citation = "none"
licence = "none"
terms = "none"
band = "NIR"
bit_depth = 8
registration = "unpaired"
tasks = ["re-identification"]
[[variants]]
name = "only"
title = "crops"
name_template = "{identity}/{stem}"
"""
CROP_PATTERN = (
    r"cam(?P<camera>\d)/(?P<identity>\d+)/(?P<stem>(?P<sequence>s\d)_(?P<frame>\d+))\.jpg"
)


def test_user_record_with_identity_camera_frame(tmp_path):
    (tmp_path / "mine.toml").write_text(f"{CROPS}images = [{{ infrared = '{CROP_PATTERN}' }}]")
    tree(tmp_path, {"d/cam3/0007/s2_0012.jpg": JPEG})
    (sample,) = scan(tmp_path, catalog.load_file(tmp_path / "mine.toml")).samples
    assert sample.name == "0007/s2_0012"
    found = (sample.camera, sample.identity, sample.frame, sample.sequence)
    assert found == (3, 7, 12, "s2")


def test_labels_that_share_no_part_with_the_pictures_are_a_fault_of_the_record(tmp_path):
    spec = "[[variants.annotations]]\nformat = 'xml_objects'\nfiles = '(?P<name>x)\\.xml'\n"
    (tmp_path / "mine.toml").write_text(
        f"{CROPS}images = [{{ infrared = '{CROP_PATTERN}' }}]\n{spec}"
    )
    tree(tmp_path, {"d/cam3/0007/s2_0012.jpg": JPEG, "d/x.xml": voc((1, 2, 3, 4))})
    with pytest.raises(SourceError, match=r"x\.xml: shares no named part with the pictures"):
        scan(tmp_path, catalog.load_file(tmp_path / "mine.toml"))


def test_heavy_modules_are_imported_only_where_used():
    code = (
        "import sys, irtd_fast.scan, irtd_fast.manifest, irtd_fast.catalog; "
        "print([m for m in ('lxml', 'scipy', 'tifffile', 'imagecodecs', 'numba', 'zarr') "
        "if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
