"""Planted defects are really those defects, and nothing else in the dump is touched."""

from __future__ import annotations

import json
import math
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from irtd_fast.errors import SourceLayoutError, UnknownSourceError
from irtd_fast.synth import DEFECTS, add_defects, write_dump

SMALL = (96, 128)
PICTURE_CODES = [
    "empty-file",
    "truncated-image",
    "mislabelled-image",
    "lfs-pointer",
    "huge-image",
    "symlink-outside",
]
BOX_CODES = ["inverted-box", "nan-box", "out-of-frame-box"]
ORPHAN_CODES = ["label-without-image", "image-without-label"]
EXPECTED = {
    ("llvip", "official"): ["xml-doctype", *BOX_CODES, *ORPHAN_CODES, *PICTURE_CODES],
    ("sirst-v2", "official"): ["xml-doctype", *BOX_CODES, *ORPHAN_CODES, *PICTURE_CODES],
    ("flir-v1", "v1.3"): [*BOX_CODES, *ORPHAN_CODES, *PICTURE_CODES],
    ("flir-v1", "v1.0"): [*BOX_CODES, *ORPHAN_CODES, *PICTURE_CODES],
    ("flir-v1-16bit", "v1.3"): [*BOX_CODES, *ORPHAN_CODES, *PICTURE_CODES],
    ("flir-v1-16bit", "tree"): PICTURE_CODES,
    ("irstd-1k", "official"): [*ORPHAN_CODES, *PICTURE_CODES],
    ("hit-uav", "all"): [
        *("xml-doctype", *BOX_CODES, *ORPHAN_CODES, *BOX_CODES, *ORPHAN_CODES),
        *(code for code in PICTURE_CODES for _ in range(4)),
    ],
}


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.fixture(params=EXPECTED, ids="-".join)
def damaged(request, tmp_path):
    source, variant = request.param
    root = tmp_path / "dump"
    truth = write_dump(root, source=source, variant=variant, count=44, size=SMALL, seed=4)
    before = contents(root)
    planted = add_defects(root, source, seed=1)
    return request.param, root, truth, before, planted


def test_each_kind_is_planted_once_and_reported(damaged):
    key, root, truth, before, planted = damaged
    assert [code for _, code in planted] == EXPECTED[key]
    assert {code for _, code in planted} <= set(DEFECTS)
    after = contents(root)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    linked = {path for path, code in planted if code == "symlink-outside"}
    orphans = {path for path, code in planted if code == "image-without-label"}
    gone = {label for path in orphans for label in truth.by_path(path).labels}
    gone |= {p.path for path in orphans for p in truth.by_path(path).pictures.values()}
    listed = {path for path, _ in planted}
    assert listed - linked - orphans <= changed
    coco = {p for p in before if p.endswith("thermal_annotations.json")}
    coco |= {p for p in before if p.startswith("normal_json/annotations/")}
    assert changed - listed - gone <= coco


def decode(path: Path) -> None:
    if path.suffix == ".tiff":
        with tifffile.TiffFile(path) as opened:
            if not len(opened.pages):
                raise OSError("no page")
    with Image.open(path) as opened:
        opened.load()


def test_damaged_pictures_are_damaged(damaged):
    _, root, truth, before, planted = damaged
    for path, code in planted:
        file = root / path
        if code == "empty-file":
            assert file.stat().st_size == 0
        elif code == "truncated-image":
            content = file.read_bytes()
            assert before[path].startswith(content)
            assert len(content) < len(before[path])
            with pytest.raises((OSError, SyntaxError)):
                decode(file)
        elif code == "lfs-pointer":
            first, second, third = file.read_text().splitlines()
            assert first == "version https://git-lfs.github.com/spec/v1"
            assert (second[:11], third) == ("oid sha256:", f"size {len(before[path])}")
        elif code == "mislabelled-image":
            picture = next(p for p in truth.by_path(path).pictures.values() if p.path == path)
            with Image.open(file) as opened:
                assert opened.format == ("JPEG" if picture.encoding == "png" else "PNG")
                assert opened.size == (picture.width, picture.height)
        elif code == "symlink-outside":
            assert file.is_symlink()
            assert file.exists()
            assert not file.resolve().is_relative_to(root.resolve())
            assert file.read_bytes() == before[path]


def test_huge_headers_are_readable_and_huge(damaged):
    _, root, _, _, planted = damaged
    for path in (path for path, code in planted if code == "huge-image"):
        if path.endswith(".tiff"):
            with tifffile.TiffFile(root / path) as opened:
                tags = opened.pages[0].tags
                size = (tags["ImageWidth"].value, tags["ImageLength"].value)
        else:
            with pytest.raises(Image.DecompressionBombError, match="4290250000 pixels"):
                Image.open(root / path)
            continue
        assert size == (65_500, 65_500)


def label_boxes(path: Path) -> list[list[float]]:
    """Boxes as xyxy, whatever they are worth."""
    if path.suffix == ".xml":
        tags = ("xmin", "ymin", "xmax", "ymax")
        nodes = ET.parse(path).getroot().iterfind("object/bndbox")
        return [[float(node.findtext(tag)) for tag in tags] for node in nodes]
    data = json.loads(path.read_bytes())
    records = data.get("annotations", data.get("annotation"))
    return [[x, y, x + w, y + h] for x, y, w, h in (record["bbox"] for record in records)]


def test_damaged_boxes_are_damaged(damaged):
    _, root, _, _, planted = damaged
    for path, code in planted:
        if code not in BOX_CODES:
            continue
        boxes = np.array(label_boxes(root / path))
        with np.errstate(invalid="ignore"):
            found = {
                "inverted-box": (boxes[:, 2] < boxes[:, 0]).sum(),
                "nan-box": np.isnan(boxes[:, 0]).sum(),
                "out-of-frame-box": (boxes[:, 2] == SMALL[1] + 37).sum(),
            }
        assert found[code] == 1


def test_doctype_is_well_formed_and_there(damaged):
    _, root, _, _, planted = damaged
    for path in (path for path, code in planted if code == "xml-doctype"):
        assert (root / path).read_bytes().startswith(b"<!DOCTYPE annotation [<!ENTITY ")
        assert ET.parse(root / path).getroot().find("object") is not None


def names_in(root: Path) -> set[str]:
    stems = {path.stem for path in root.rglob("*.json") if path.parent.name == "Annotations"}
    for path in [*root.glob("*/thermal_annotations.json"), *root.glob("normal_json/*/*.json")]:
        images = json.loads(path.read_bytes())["images"]
        stems |= {Path(i.get("file_name", i.get("filename"))).stem for i in images}
    return stems


def test_orphans(damaged):
    (_, variant), root, truth, _, planted = damaged
    alone = [path for path, code in planted if code == "image-without-label"]
    ghosts = [path for path, code in planted if code == "label-without-image"]
    names = names_in(root)
    for path in alone:
        assert (root / path).exists()
        sample = truth.by_path(path)
        missing = [f for f in sample.labels if not (root / f).exists()]
        missing += [p.path for p in sample.pictures.values() if not (root / p.path).exists()]
        assert len(missing) == 1 or sample.name not in names
    for path in ghosts:
        assert (root / path).exists()
        if path.endswith((".xml", ".png")) or variant == "v1.0":
            assert "987654" in Path(path).stem
        else:
            assert any("987654" in name for name in names)
    assert not any("987654" in p.path for s in truth for p in s.pictures.values())
    assert bool(ghosts) == (variant != "tree")


def test_same_seed_same_defects(tmp_path):
    write_dump(tmp_path / "a", source="llvip", count=30, size=(64, 80))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    first = add_defects(tmp_path / "a", "llvip", seed=3)
    assert add_defects(tmp_path / "b", "llvip", seed=3) == first
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_too_small_a_dump_is_refused(tmp_path):
    write_dump(tmp_path / "a", source="llvip", count=3, size=(64, 80))
    with pytest.raises(SourceLayoutError, match="write a larger dump"):
        add_defects(tmp_path / "a", "llvip")


def test_unknown_source(tmp_path):
    with pytest.raises(UnknownSourceError, match="no defects known for source 'kaist'"):
        add_defects(tmp_path, "kaist")


def test_nan_is_spelled_so_that_python_reads_it(tmp_path):
    write_dump(tmp_path / "a", source="flir-v1", count=30, size=(64, 80))
    (path,) = (path for path, code in add_defects(tmp_path / "a", "flir-v1") if code == "nan-box")
    coco = json.loads((tmp_path / "a" / path).read_bytes())
    assert sum(math.isnan(record["bbox"][0]) for record in coco["annotations"]) == 1
