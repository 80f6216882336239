"""Synthetic dumps: the layouts are literal, the truth is what other readers find in the files."""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from irtd_fast.errors import UnknownSourceError
from irtd_fast.synth import SOURCES, Truth, write_dump
from irtd_fast.synth import street as streets
from irtd_fast.synth.dump import make_writer
from irtd_fast.synth.flir import _name
from irtd_fast.synth.scene import generator

SMALL = (96, 128)
VARIANTS = [
    pytest.param(key, variant, id=f"{key}-{variant}".rstrip("-"))
    for key, writer in SOURCES.items()
    for variant in writer.variants
]


# Sources, or variants, with few boxes or none.
SPARSE = {"tree", "vtuav", "vtuav-bus1", "code", "fusion", "sample", "images"}
OTHER_READERS = ("avi", "fff")  # their own tests read them


def tree(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def boxes_of(xml: Path) -> list[tuple[float, ...]]:
    return [
        tuple(float(box.findtext(tag)) for tag in ("xmin", "ymin", "xmax", "ymax"))
        for box in ET.parse(xml).getroot().iterfind("object/bndbox")
    ]


def true_boxes(sample) -> list[tuple[float, ...]]:
    return [obj.box for obj in sample.objects]


@pytest.mark.parametrize(("key", "variant"), VARIANTS)
def test_same_seed_same_bytes_whatever_threads_and_count(tmp_path, key, variant):
    options = {"source": key, "variant": variant, "seed": 5, "size": (64, 80)}
    truth = write_dump(tmp_path / "a", count=6, threads=1, **options)
    again = write_dump(tmp_path / "b", count=6, threads=3, **options)
    longer = write_dump(tmp_path / "c", count=9, **options)
    first, long = tree(tmp_path / "a"), tree(tmp_path / "c")
    assert first == tree(tmp_path / "b")
    assert truth == again
    assert longer.samples[:6] == truth.samples
    own = {p.path for s in truth for p in s.pictures.values()} | {
        f for s in truth for f in s.labels
    }
    assert all(long[path] == first[path] for path in own)
    write_dump(tmp_path / "d", count=6, **{**options, "seed": 6})
    seen = {first[sample.infrared.path] for sample in truth if sample.pictures}
    seen = seen or {first[path] for path in first if path.endswith("/infrared.txt")}  # labels alone
    assert seen
    assert not seen & set(tree(tmp_path / "d").values())


@pytest.mark.parametrize(("key", "variant"), VARIANTS)
def test_pictures_are_what_the_truth_says(tmp_path, key, variant):
    truth = write_dump(tmp_path, source=key, count=12, variant=variant, size=SMALL)
    for sample in truth:
        for kind, picture in sample.pictures.items():
            path, pixels = tmp_path / picture.path, truth.pixels(sample, kind)
            if picture.encoding in OTHER_READERS:
                continue
            with Image.open(path) as opened:
                assert opened.format.lower() == picture.encoding
                assert (opened.mode, opened.size) == (picture.mode, (picture.width, picture.height))
                found = np.array(opened.convert("L") if picture.mode == "P" else opened)
            assert found.shape == pixels.shape
            if picture.lossless:
                np.testing.assert_array_equal(found, pixels)
            else:
                # Halved chroma costs most where noise or a palette is coloured.
                assert np.abs(found.astype(int) - pixels).mean() < 9
            assert truth.by_path(picture.path) is sample


@pytest.mark.parametrize(("key", "variant"), VARIANTS)
def test_truth_survives_saving(tmp_path, key, variant):
    saved = tmp_path / "truth.json"
    truth = write_dump(
        tmp_path / "d", source=key, count=8, variant=variant, size=SMALL, truth_path=saved
    )
    loaded = Truth.load(saved)
    assert loaded == truth
    if truth.samples[3].pictures:
        np.testing.assert_array_equal(
            loaded.pixels(truth.samples[3].name), truth.pixels(truth.samples[3])
        )
    else:
        with pytest.raises(KeyError, match="no picture"):
            _ = loaded.samples[3].infrared
    assert len({sample.name for sample in truth}) == 8
    assert all(obj.category in truth.categories for sample in truth for obj in sample.objects)


@pytest.mark.parametrize(("key", "variant"), VARIANTS)
def test_boxes_lie_in_the_picture(key, variant):
    writer = make_writer(key, variant=variant, seed=2, size=(128, 160))
    seen = 0
    for index in range(15):
        sample = writer.draw(index).sample
        frame = sample.infrared if sample.pictures else None  # labels alone: what was drawn
        height, width = (frame.height, frame.width) if frame else writer.size
        for x0, y0, x1, y1 in true_boxes(sample):
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            seen += 1
        for x0, y0, x1, y1 in (obj.box for obj in sample.partner_objects):
            assert frame is None or sample.visible is not None or "border" in sample.attributes
            if sample.visible is not None:
                width, height = sample.visible.width, sample.visible.height
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            seen += 1
    first = writer.draw(0).sample
    unlabelled = not writer.categories or first.points or "class" in first.attributes
    assert seen >= 8 or unlabelled or key in SPARSE or variant in SPARSE


def test_llvip_pairs(tmp_path):
    truth = write_dump(tmp_path, source="llvip", count=5, size=(192, 240))
    for sample in truth:
        root = ET.parse(tmp_path / sample.labels[0]).getroot()
        assert root.findtext("filename") == f"{sample.name}.jpg"
        assert [root.findtext(f"size/{tag}") for tag in ("width", "height", "depth")] == [
            "240",
            "192",
            "3",
        ]
        assert boxes_of(tmp_path / sample.labels[0]) == true_boxes(sample)
        assert [o.findtext("name") for o in root.iterfind("object")] == ["person"] * len(
            sample.objects
        )
        with Image.open(tmp_path / sample.infrared.path) as opened:
            assert opened.layer == [(1, 2, 2, 0), (2, 1, 1, 1), (3, 1, 1, 1)]  # 4:2:0
            channels = np.array(opened)
        assert np.ptp(channels, axis=2).max() <= 2
        for x0, y0, x1, y1 in true_boxes(sample):
            inside = channels[int(y0) : int(y1), int(x0) : int(x1), 0]
            assert np.percentile(inside, 75) > channels[..., 0].mean()


def test_drawn_pixels_and_boxes_are_the_same_thing():
    seen = 0
    for index in range(6):
        scene = streets.compose(
            generator(1, "x", index),
            (256, 320),
            {"person": 1.0, "car": 1.0},
            objects=5,
            night=False,
        )
        actors = scene.actors
        for actor in actors:
            scene.actors = [actor]
            drawn = streets.infrared_counts(generator(1, "y", index), scene)
            scene.actors = []
            empty = streets.infrared_counts(generator(1, "y", index), scene)
            rows, columns = np.nonzero(drawn != empty)
            assert actor.patch.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            change = (drawn - empty)[rows, columns]
            assert change.mean() > 50  # warmer than what it hides, on the whole
            seen += 1
    assert seen > 15


def test_partner_matrix_maps_infrared_boxes_to_the_visible_picture():
    matrix = ((2.5, 0.0, 7.0), (0.0, 2.5, -11.0))
    scene = streets.compose(
        generator(3, "x", 0), (256, 320), {"person": 1.0}, objects=4, night=False, margin=(40, 28)
    )
    assert scene.actors
    actors = scene.actors
    for actor in actors:
        x0, y0, x1, y1 = actor.patch.box
        if not (x0 > 1 and x1 < 319 and y0 > 10 and y1 < 255):
            continue
        scene.actors = [actor]
        drawn = streets.visible(generator(4, "y", 0), scene, (640, 820), matrix, gain=1.0)
        scene.actors = []
        empty = streets.visible(generator(4, "y", 0), scene, (640, 820), matrix, gain=1.0)
        rows, columns = np.nonzero((drawn != empty).any(axis=2))
        found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        expected = (2.5 * x0 + 7, 2.5 * y0 - 11, 2.5 * x1 + 7, 2.5 * y1 - 11)
        np.testing.assert_allclose(found, expected, atol=3.5)  # 1.4 infrared pixels


def test_flir_tiff_is_like_the_publishers(tmp_path):
    truth = write_dump(tmp_path, source="flir-v1", count=3, size=(100, 128))
    for sample in truth:
        path = tmp_path / sample.pictures["counts"].path
        pixels = truth.pixels(sample, "counts")
        assert pixels.dtype == np.uint16
        assert 5000 < pixels.min() < pixels.max() < 12000
        np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), pixels)
        with tifffile.TiffFile(path) as opened:
            (page,) = opened.pages
            assert (page.compression, page.predictor, page.rowsperstrip) == (5, 2, 6)
            assert [tag.code for tag in page.tags] == [
                256,
                257,
                258,
                259,
                262,
                273,
                277,
                278,
                279,
                284,
                317,
            ]
            np.testing.assert_array_equal(page.asarray(), pixels)


@pytest.mark.parametrize(("key", "variant"), [("flir-v1", "v1.3"), ("flir-v1-16bit", "v1.3")])
def test_flir_coco_holds_the_truth(tmp_path, key, variant):
    truth = write_dump(tmp_path, source=key, variant=variant, count=14, size=SMALL)
    for split in ("train", "val", "video"):
        coco = json.loads((tmp_path / split / "thermal_annotations.json").read_bytes())
        words = {entry["id"]: entry["name"] for entry in coco["categories"]}
        assert words == {1: "person", 2: "bike", 3: "car", 17: "dog", 91: "other vehicle"}
        chosen = [sample for sample in truth if sample.split == split]
        assert [i["file_name"] for i in coco["images"]] == [
            f"thermal_8_bit/{s.name}.jpeg" for s in chosen
        ]
        for image, sample in zip(coco["images"], chosen, strict=True):
            assert (image["height"], image["width"]) == SMALL
            found = [a for a in coco["annotations"] if a["image_id"] == image["id"]]
            boxes = [(x, y, x + w, y + h) for x, y, w, h in (a["bbox"] for a in found)]
            assert boxes == true_boxes(sample)
            assert [words[a["category_id"]] for a in found] == [o.category for o in sample.objects]
        assert len({a["id"] for a in coco["annotations"]}) == len(coco["annotations"])


def test_flir_v1_0_has_one_json_per_image(tmp_path):
    truth = write_dump(tmp_path, source="flir-v1", variant="v1.0", count=18, size=(64, 80))
    kinds = set()
    for sample in truth:
        data = json.loads((tmp_path / sample.labels[0]).read_bytes())
        assert list(data) == ["annotation", "image"]
        assert data["image"]["file_name"] == sample.name
        boxes = [(x, y, x + w, y + h) for x, y, w, h in (a["bbox"] for a in data["annotation"])]
        assert boxes == true_boxes(sample)
        ids = [a["category_id"] for a in data["annotation"]]
        assert [int(number) for number in ids] == [obj.category_id for obj in sample.objects]
        kinds |= {type(number) for number in ids}
        assert (sample.visible is None) == (sample.index == 16)
        if sample.visible is not None:
            assert sample.partner_matrix is not None
            assert (sample.visible.height, sample.visible.width) != (64, 80)
    assert kinds == {int, str}


def test_flir_names_are_unique_beyond_the_real_counts():
    names = [_name(index) for index in range(40_000)]
    assert len({name for _, name in names}) == 40_000
    assert names[0] == ("train", "FLIR_00001")
    assert max(n for s, n in names if s == "val" and n < "FLIR_10229") == "FLIR_10228"


def test_hit_uav_forms_hold_the_same_objects(tmp_path):
    truth = write_dump(tmp_path, source="hit-uav", count=10, size=(256, 320))
    numbers: list[int] = []
    for split, first in (("train", 0), ("val", 2029), ("test", 2319)):
        normal = json.loads((tmp_path / f"normal_json/annotations/{split}.json").read_bytes())
        rotate = json.loads((tmp_path / f"rotate_json/annotations/{split}.json").read_bytes())
        assert list(normal) == ["info", "licenses", "images", "categories", "annotation"]
        assert list(rotate) == [
            "info",
            "licenses",
            "scenarios",
            "weather",
            "images",
            "categories",
            "annotations",
        ]
        chosen = [sample for sample in truth if sample.split == split]
        assert [i["id"] for i in normal["images"]] == list(range(first, first + len(chosen)))
        for sample, upright, turned in zip(chosen, normal["images"], rotate["images"], strict=True):
            assert upright["filename"] == turned["filename"] == f"{sample.name}.jpg"
            flat = [a for a in normal["annotation"] if a["image_id"] == upright["id"]]
            free = [a for a in rotate["annotations"] if a["image_id"] == turned["id"]]
            numbers += [a["id"] for a in flat]
            assert [a["id"] for a in flat] == [a["id"] for a in free]
            boxes = [(x, y, x + w, y + h) for x, y, w, h in (a["bbox"] for a in flat)]
            assert boxes == true_boxes(sample) == boxes_of(tmp_path / sample.labels[0])
            assert [tuple(a["bbox"]) for a in free] == [obj.oriented for obj in sample.objects]
            tags = ("cx", "cy", "w", "h", "angle")
            nodes = ET.parse(tmp_path / sample.labels[1]).getroot().findall("object/robndbox")
            assert [tuple(float(n.findtext(t)) for t in tags) for n in nodes] == [
                o.oriented for o in sample.objects
            ]
    assert numbers == list(range(len(numbers)))


def test_hit_uav_corners_enclose_the_drawn_box():
    writer = make_writer("hit-uav", seed=8)
    turned = 0
    for index in range(8):
        for obj in writer.draw(index).sample.objects:
            corners = np.array(obj.corners).reshape(4, 2)
            hull = (*corners.min(axis=0), *corners.max(axis=0))
            np.testing.assert_allclose(obj.box, hull, atol=1.6)
            cx, cy, w, h, angle = obj.oriented
            rectangle = cv2.boxPoints(((cx, cy), (w, h), np.degrees(angle)))
            nearest = np.abs(rectangle[:, None] - corners[None]).max(axis=2).min(axis=0)
            assert nearest.max() < 0.01
            turned += angle > 0
    assert turned > 10


def test_hit_uav_colour_only_in_rotate_xml(tmp_path):
    sample = write_dump(tmp_path, source="hit-uav", count=1, size=SMALL).samples[0]
    channels = {
        kind: cv2.imread(str(tmp_path / picture.path), cv2.IMREAD_UNCHANGED).ndim
        for kind, picture in sample.pictures.items()
    }
    assert channels == {"normal_json": 2, "normal_xml": 2, "rotate_json": 2, "rotate_xml": 3}


def test_progress_counts_every_sample(tmp_path):
    calls: list[tuple[int, int]] = []
    write_dump(
        tmp_path, source="irstd-1k", count=7, size=(32, 32), progress=lambda *c: calls.append(c)
    )
    assert calls == [(n, 7) for n in range(1, 8)]


def test_unknown_source_names_the_nearest(tmp_path):
    with pytest.raises(UnknownSourceError, match=r"'flir1'.*flir-v1") as caught:
        write_dump(tmp_path, source="flir1", count=1)
    assert caught.value.source == "flir1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be at least 1"),
        ({"size": (16, 64)}, "size must be"),
        ({"variant": "v9"}, r"llvip has no variant 'v9'"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_arguments_out_of_range(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write_dump(tmp_path, **{"source": "llvip", "count": 1, **options})
    assert not list(tmp_path.iterdir())


def test_never_mixed_with_other_files(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        write_dump(tmp_path, source="llvip", count=1, size=SMALL)
    with pytest.raises(ValueError, match="inside the dump"):
        write_dump(
            tmp_path / "d", source="llvip", count=1, truth_path=tmp_path / "d" / "truth.json"
        )
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
