"""Synthetic dumps have literally the publishers' layouts: paths, keys, tags and their order."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import tifffile
from PIL import Image

from irtd_fast.synth import write_dump

SMALL = (96, 128)
SIRST = ("Misc_1", "Misc_2", "Misc_3", "Misc_4", "S20210422_S1_1", "20210725-S1-1")
SIRST_LISTS = (
    *(f"{word}_full" for word in ("train", "val", "test", "trainval", "trainvaltest")),
    *(f"{word}_v1" for word in ("train", "val", "test", "trainval", "trainvaltest")),
    *(f"{word}_v1fullv2target" for word in ("val", "test", "trainval", "trainvaltest")),
    "trainvaltest_v2target",
    "v2background",
    "mini-v2background",
    "mini_trainval",
    "mini_test",
)


def files_of(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


LAYOUTS = {
    ("llvip", "official"): (
        4,
        {
            *(f"infrared/train/0{n}0001.jpg" for n in (1, 2, 3)),
            *(f"visible/train/0{n}0001.jpg" for n in (1, 2, 3)),
            "infrared/test/190001.jpg",
            "visible/test/190001.jpg",
            *(f"Annotations/{name}.xml" for name in ("010001", "020001", "030001", "190001")),
        },
    ),
    ("flir-v1", "v1.3"): (
        7,
        {
            f"{split}/{path}"
            for split, name in (
                *(("train", f"FLIR_{n:05d}") for n in (1, 2, 3, 4, 5)),
                ("val", "FLIR_08863"),
                ("video", "FLIR_video_00001"),
            )
            for path in (
                f"thermal_8_bit/{name}.jpeg",
                f"thermal_16_bit/{name}.tiff",
                f"RGB/{name}.jpg",
                "thermal_annotations.json",
            )
        },
    ),
    ("flir-v1", "v1.0"): (
        4,
        {
            f"{split}/{folder}/{name}{suffix}"
            for split, name in (
                *(("training", f"FLIR_{n:05d}") for n in (1, 2, 3)),
                ("validation", "FLIR_08863"),
            )
            for folder, suffix in (
                ("PreviewData", ".jpeg"),
                ("Data", ".tiff"),
                ("RGB", ".jpg"),
                ("Annotations", ".json"),
            )
        },
    ),
    ("flir-v1-16bit", "v1.3"): (
        4,
        {
            "train/thermal_annotations.json",
            "val/thermal_annotations.json",
            *(f"train/thermal_16_bit/FLIR_0000{n}.tiff" for n in (1, 2, 3)),
            "val/thermal_16_bit/FLIR_08863.tiff",
        },
    ),
    ("flir-v1-16bit", "tree"): (3, {f"thermal_16_bit/FLIR_0000{n}.tiff" for n in (1, 2, 3)}),
    ("irstd-1k", "official"): (
        2,
        {
            *(f"IRSTD1k_Img/XDU{n}.png" for n in (0, 1)),
            *(f"IRSTD1k_Label/XDU{n}.png" for n in (0, 1)),
            "trainval.txt",
            "test.txt",
        },
    ),
    ("sirst-v2", "official"): (
        6,
        {
            *(f"images/targets/{name}.png" for name in SIRST[:5]),
            f"images/backgrounds/{SIRST[5]}.png",
            *(f"annotations/masks/{name}_pixels0.png" for name in SIRST),
            *(f"annotations/masks/{name}.xml" for name in SIRST),
            *(f"annotations/bboxes/{name}.xml" for name in SIRST),
            *(f"annotations/centroids/Misc_{n}.xml" for n in (1, 2, 3, 4)),
            *(f"splits/{name}.txt" for name in SIRST_LISTS),
        },
    ),
}


@pytest.mark.parametrize(("key", "variant"), LAYOUTS)
def test_layout_is_literal(tmp_path, key, variant):
    count, expected = LAYOUTS[key, variant]
    truth = write_dump(tmp_path, source=key, count=count, variant=variant, size=SMALL)
    assert files_of(tmp_path) == expected
    owned = {p.path for s in truth for p in s.pictures.values()} | {
        f for s in truth for f in s.labels
    }
    assert owned <= expected


def test_hit_uav_layout_is_literal(tmp_path):
    truth = write_dump(tmp_path, source="hit-uav", count=5, size=SMALL)
    expected = {
        f"{form}/annotations/{split}.json"
        for form in ("normal_json", "rotate_json")
        for split in ("train", "val", "test")
    }
    for form in ("normal_xml", "rotate_xml"):
        expected |= {f"{form}/ImageSets/Main/{w}.txt" for w in ("train", "val", "trainval", "test")}
    for sample, split in zip(truth, ("train", "train", "val", "train", "test"), strict=True):
        assert sample.split == split
        assert sample.name.endswith(f"_0000{sample.index + 1}")
        for form in ("normal_xml", "rotate_xml"):
            expected.add(f"{form}/JPEGImages/{sample.name}.jpg")
            expected.add(f"{form}/Annotations/{sample.name}.xml")
        for form in ("normal_json", "rotate_json"):
            expected.add(f"{form}/{split}/{sample.name}.jpg")
    assert files_of(tmp_path) == expected


def xml_shape(element: ET.Element) -> list:
    """Tags in order; of repeated objects only the first."""
    children, seen = [], set()
    for child in element:
        if child.tag == "object" and "object" in seen:
            continue
        seen.add(child.tag)
        children.append([child.tag, xml_shape(child)])
    return children


def json_shape(value: object) -> object:
    """Keys in order, kinds of values; of lists only the first entry."""
    if isinstance(value, dict):
        return [(key, json_shape(entry)) for key, entry in value.items()]
    if isinstance(value, list):
        return [json_shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.dumps
@pytest.mark.parametrize("form", ["normal_xml", "rotate_xml"])
def test_hit_uav_xml_is_like_the_real_one(tmp_path, dumps, form):
    sample = write_dump(tmp_path, source="hit-uav", count=1, size=SMALL).samples[0]
    path = next((dumps / "hit-uav" / form / "Annotations").glob("*.xml"))
    real, ours = (
        path.read_text(),
        (tmp_path / form / "Annotations" / f"{sample.name}.xml").read_text(),
    )
    assert xml_shape(ET.fromstring(ours)) == xml_shape(ET.fromstring(real))
    assert ours.split("\n")[0] == real.split("\n")[0]
    assert ours.split("\n")[1][:10] == real.split("\n")[1][:10]
    assert ours.endswith("</annotation>\n") == real.endswith("</annotation>\n")


@pytest.mark.dumps
@pytest.mark.parametrize("form", ["normal_json", "rotate_json"])
def test_hit_uav_json_is_like_the_real_one(tmp_path, dumps, form):
    write_dump(tmp_path, source="hit-uav", count=3, size=SMALL)
    real = json.loads((dumps / "hit-uav" / form / "annotations/train.json").read_bytes())
    ours = json.loads((tmp_path / form / "annotations/train.json").read_bytes())
    assert json_shape(ours) == json_shape(real)
    assert ours["categories"] == real["categories"]


@pytest.mark.dumps
@pytest.mark.parametrize("folder", ["bboxes", "centroids", "masks"])
@pytest.mark.parametrize("kind", ["Misc_1", "20210725-S2-101"])
def test_sirst_xml_is_like_the_real_one(tmp_path, dumps, folder, kind):
    real = dumps / "sirst-v2/annotations" / folder / f"{kind}.xml"
    write_dump(tmp_path, source="sirst-v2", count=6, size=SMALL)
    name = kind if kind == "Misc_1" else "20210725-S1-1"
    ours = tmp_path / "annotations" / folder / f"{name}.xml"
    assert ours.exists() == real.exists()
    if real.exists():
        shape, found = xml_shape(ET.parse(real).getroot()), ours.read_text()
        assert xml_shape(ET.fromstring(found)) == shape
        assert found.endswith("\n") == real.read_text().endswith("\n")
        assert found.split("\n")[1].index("<") == real.read_text().split("\n")[1].index("<")


@pytest.mark.dumps
def test_sirst_lists_have_the_real_names(dumps):
    assert {path.stem for path in (dumps / "sirst-v2/splits").glob("*.txt")} == set(SIRST_LISTS)


@pytest.mark.dumps
def test_flir_tiff_has_the_real_tags(tmp_path, dumps):
    real = next((dumps / "flir-v1-16bit/thermal_16_bit").glob("*.tiff"))
    truth = write_dump(tmp_path, source="flir-v1-16bit", variant="tree", count=1)
    tags = []
    for path in (real, tmp_path / truth.samples[0].infrared.path):
        with tifffile.TiffFile(path) as opened:
            many = ("StripOffsets", "StripByteCounts")
            tags.append(
                [
                    (t.code, t.dtype, t.count, t.name in many or t.value)
                    for t in opened.pages[0].tags
                ]
            )
    assert tags[0] == tags[1]


@pytest.mark.dumps
@pytest.mark.parametrize(
    ("source", "folder", "kind"),
    [
        ("llvip", "llvip/FusionGAN/Train_LLVIP_ir", "infrared"),
        ("llvip", "llvip/FusionGAN/Train_LLVIP_vi", "visible"),
        ("hit-uav", "hit-uav/normal_xml/JPEGImages", "normal_xml"),
        ("hit-uav", "hit-uav/rotate_xml/JPEGImages", "rotate_xml"),
    ],
)
def test_jpeg_files_are_built_like_the_real_ones(tmp_path, dumps, source, folder, kind):
    sample = write_dump(tmp_path, source=source, count=1).samples[0]
    found = []
    for path in (next((dumps / folder).glob("*.jpg")), tmp_path / sample.pictures[kind].path):
        with Image.open(path) as opened:
            found.append((opened.mode, opened.size, opened.layer))
    assert found[0] == found[1]
