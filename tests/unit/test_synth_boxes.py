"""Label files of synthetic dumps, read by independent readers, say what the truth says."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from irtd_fast.synth import write_dump

SIZE = (128, 160)
EDGES = ("xmin", "ymin", "xmax", "ymax")


def boxes(objects) -> list[tuple[float, ...]]:
    return [obj.box for obj in objects]


def xml_boxes(path: Path) -> list[tuple[str, tuple[float, ...]]]:
    found = []
    for node in ET.parse(path).getroot().iter("object"):
        box = node.find("bndbox")
        if box is None:
            continue
        if box.find("x") is not None:
            x, y, w, h = (float(box.findtext(tag)) for tag in ("x", "y", "w", "h"))
            edges = (x, y, x + w, y + h)
        else:
            edges = tuple(float(box.findtext(tag)) for tag in EDGES)
        found.append((node.findtext("name"), edges))
    return found


VOC_LIKE = [
    ("m3fd", "official"),
    ("kaist", "xml"),
    ("lsotb-tir", "train"),
    ("ptb-tir", "xml"),
    ("isdd", None),
    ("flir-aligned", None),
    ("pvel-ad", None),
]


@pytest.mark.parametrize(("key", "variant"), VOC_LIKE)
def test_one_xml_a_picture(tmp_path, key, variant):
    truth = write_dump(tmp_path, source=key, variant=variant, count=14, size=SIZE)
    seen = 0
    for sample in truth:
        for path in sample.labels:
            expected = [(obj.category, obj.box) for obj in sample.objects]
            assert xml_boxes(tmp_path / path) == expected
            seen += len(expected)
        assert sample.labels or not sample.objects
    assert seen >= 10


def test_voc_counts_from_one_and_includes_the_last_pixel(tmp_path):
    truth = write_dump(tmp_path, source="voc", count=4, size=SIZE)
    for sample in truth:
        written = [box for _, box in xml_boxes(tmp_path / sample.labels[0])]
        assert [(x0 - 1, y0 - 1, x1, y1) for x0, y0, x1, y1 in written] == boxes(sample.objects)


def test_kaist_spells_boxes_by_corner_and_extent(tmp_path):
    truth = write_dump(tmp_path, source="kaist", count=3, size=SIZE)
    node = next(ET.parse(tmp_path / truth.samples[0].labels[0]).getroot().iter("bndbox"))
    assert [child.tag for child in node] == ["x", "y", "w", "h"]
    assert (tmp_path / "kaist-cvpr15/images/set00/V000/lwir/._I00001.jpg").exists()


@pytest.mark.parametrize("variant", ["bbgt", "paired"])
def test_kaist_bbgt(tmp_path, variant):
    truth = write_dump(tmp_path, source="kaist", variant=variant, count=9, size=SIZE)
    differ = 0
    for sample in truth:
        for path in sample.labels:
            header, *lines = (tmp_path / path).read_text().splitlines()
            assert header == "% bbGt version=3"
            found = []
            for line in lines:
                word, x, y, w, h, *rest = line.split(" ")
                assert rest == ["0"] * 7
                found.append((word, (int(x), int(y), int(x) + int(w), int(y) + int(h))))
            seen = "/visible/" in path
            objects = sample.partner_objects if seen else sample.objects
            assert found == [(obj.category, obj.box) for obj in objects]
        differ += boxes(sample.objects) != boxes(sample.partner_objects)
    assert differ >= (5 if variant == "paired" else 9)


@pytest.mark.parametrize("variant", ["json", "demo"])
def test_kaist_json_has_names_without_an_extension(tmp_path, variant):
    truth = write_dump(tmp_path, source="kaist", variant=variant, count=6, size=SIZE)
    data = json.loads((tmp_path / "kaist_annotations_test20.json").read_bytes())
    assert [image["im_name"] for image in data["images"]] == [s.name for s in truth]
    assert data["images"][0]["im_name"] == "set06/V000/I00019"
    words = {c["id"]: c["name"] for c in data["categories"]}
    for image, sample in zip(data["images"], truth, strict=True):
        found = [
            (words[a["category_id"]], (x, y, x + w, y + h))
            for a in data["annotations"]
            if a["image_id"] == image["id"]
            for x, y, w, h in [a["bbox"]]
        ]
        assert found == [(obj.category, obj.box) for obj in sample.objects]


@pytest.mark.dumps
def test_kaist_json_is_like_the_real_one(tmp_path, dumps):
    write_dump(tmp_path, source="kaist", variant="demo", count=6, size=SIZE)
    ours = json.loads((tmp_path / "kaist_annotations_test20.json").read_bytes())
    real = json.loads((dumps / "kaist-demo/kaist_annotations_test20.json").read_bytes())
    assert ours["categories"] == real["categories"]
    for word in ("images", "annotations"):
        assert list(ours[word][0]) == list(real[word][0])
    names = {path.name.split("_")[0] for path in (dumps / "kaist-demo/demo").iterdir()}
    assert {path.name[:5] for path in (tmp_path / "demo").iterdir()} <= names | {"set07", "set06"}


@pytest.mark.parametrize(
    ("key", "variant", "comma", "first"),
    [
        ("m3fd", "tardal", " ", 0),
        ("ist-a", None, "\t", 1),
        ("yolo", "split", " ", 0),
        ("yolo", "roboflow", " ", 0),
        ("yolo", "flat", " ", 0),
    ],
)
def test_yolo_rows(tmp_path, key, variant, comma, first):
    truth = write_dump(tmp_path, source=key, variant=variant, count=12, size=SIZE)
    numbers, without = set(), 0
    for sample in truth:
        without += not sample.labels
        for path in sample.labels:
            lines = (tmp_path / path).read_text().splitlines()
            assert len(lines) == len(sample.objects)
            for line, obj in zip(lines, sample.objects, strict=True):
                number, *rest = line.split(comma)
                numbers.add(int(number))
                x, y, w, h = (float(v) * side for v, side in zip(rest, (160, 128) * 2, strict=True))
                found = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
                assert found == pytest.approx(obj.box, abs=0.01)
    assert min(numbers) == first
    assert (without > 0) == (key == "ist-a")


def test_tardal_lists_hold_file_names(tmp_path):
    write_dump(tmp_path, source="m3fd", variant="tardal", count=6, size=SIZE)
    assert (tmp_path / "m3fd/meta/val.txt").read_text() == "00002.png\n00005.png\n"
    write_dump(tmp_path / "s", source="m3fd", variant="sample", count=3, size=SIZE)
    listed = (tmp_path / "s/s1/meta/pred.txt").read_text().split()
    assert listed == ["M3FD_00000.png", "ROAD_001.jpg", "TNO_002.bmp"]
    assert all(
        (tmp_path / "s/s1" / side / name).exists() for side in ("ir", "vi") for name in listed
    )


def polygons(path: Path) -> list[tuple[str, tuple[float, ...]]]:
    found = []
    for node in ET.parse(path).getroot().iter("object"):
        shape = node.find("polygon")
        if shape is not None:
            found.append((node.findtext("name") or "", tuple(float(c.text) for c in shape)))
    return found


def test_drone_vehicle(tmp_path):
    truth = write_dump(tmp_path, source="drone-vehicle", count=40, size=SIZE)
    words, alone, bare = set(), 0, 0
    for sample in truth:
        assert (sample.infrared.height, sample.infrared.width) == (128 + 200, 160 + 200)
        sides = (sample.objects, sample.partner_objects)
        alone += sample.visible is None
        for path, objects in zip(sample.labels, sides, strict=False):
            expected = [(o.category, o.corners) for o in objects if o.corners]
            assert polygons(tmp_path / path) == expected
            upright = [o.box for o in objects if not o.corners]
            assert [box for _, box in xml_boxes(tmp_path / path)] == upright
            for obj in (o for o in objects if o.corners):
                xs, ys = obj.corners[::2], obj.corners[1::2]
                assert obj.box == (min(xs), min(ys), max(xs), max(ys))
            nodes = ET.parse(tmp_path / path).getroot().findall("object")
            bare += len(nodes) - len(objects)
        words |= {obj.category for obj in sample.objects}
    assert {"car", "feright_car", "feright car", "truvk", "*", ""} <= words
    assert alone == 3
    assert bare == 5
    assert len([s for s in truth if len(s.labels) == 1]) == 3
    night = [s for s in truth if s.attributes["scene"] == "night"]
    assert any(len(s.partner_objects) < len(s.objects) for s in night)


def test_drone_vehicle_border_is_white(tmp_path):
    image = pytest.importorskip("PIL.Image")
    np = pytest.importorskip("numpy")
    truth = write_dump(tmp_path, source="drone-vehicle", count=2, size=SIZE)
    with image.open(tmp_path / truth.samples[0].infrared.path) as opened:
        pixels = np.array(opened)
    border = np.ones(pixels.shape[:2], dtype=bool)
    border[92:-92, 92:-92] = False  # a JPEG block of safety
    assert pixels[border].min() >= 250
    assert pixels[100:-100, 100:-100].mean() < 200


@pytest.mark.parametrize("variant", ["512", "1024"])
def test_vedai_table(tmp_path, variant):
    truth = write_dump(tmp_path, source="vedai", variant=variant, count=12, size=(256, 256))
    folder = tmp_path / f"Annotations{variant}"
    table: dict[str, list] = {}
    for line in (folder / f"annotation{variant}.txt").read_text().splitlines():
        words = line.split(" ")
        assert len(words) == 15
        table.setdefault(words[0].zfill(8), []).append(words)
    outside = 0
    for sample in truth:
        rows = table.get(sample.name, [])
        assert [row[12] for row in rows] == [obj.category for obj in sample.objects]
        for row, obj in zip(rows, sample.objects, strict=True):
            xs, ys = [float(v) for v in row[4:8]], [float(v) for v in row[8:12]]
            assert (tuple(xs), tuple(ys)) == (obj.corners[::2], obj.corners[1::2])
            assert float(row[1]) == pytest.approx(sum(xs) / 4)
            outside += max(xs) > 256
    assert outside >= 1
    folds = [(folder / f"fold{n:02d}test.txt").read_text().split() for n in range(1, 11)]
    assert sorted(name for fold in folds for name in fold) == [sample.name for sample in truth]


def test_lsotb_evaluation_counts_from_one(tmp_path):
    truth = write_dump(tmp_path, source="lsotb-tir", variant="eval", count=14, size=SIZE)
    for name in ("person_H_001", "car_H_001"):
        frames = [s for s in truth if s.sequence == name]
        rows = (tmp_path / f"anno/{name}.txt").read_text().splitlines()
        for row, sample in zip(rows, frames, strict=True):
            x, y, w, h = (float(word) for word in row.split(","))
            assert (x - 1, y - 1, x - 1 + w, y - 1 + h) == sample.objects[0].box
        flags = (tmp_path / f"anno/att/{name}.txt").read_text()
        assert len(flags.split(",")) == 16
        assert not flags.endswith("\n")


def test_lsotb_label_may_differ_from_the_folder(tmp_path):
    truth = write_dump(tmp_path, source="lsotb-tir", count=28, size=SIZE)
    odd = [s for s in truth if s.sequence.startswith("motocycle")]
    assert {obj.category for s in odd for obj in s.objects} == {"motobike"}
    assert odd[0].infrared.path.endswith("TIR_training_004/motocycle_001/00000001.jpg")


def test_ptb_otb_rows(tmp_path):
    truth = write_dump(tmp_path, source="ptb-tir", variant="otb", count=7, size=SIZE)
    rows = (tmp_path / "tirsequences/campus1/groundtruth_rect.txt").read_text().splitlines()
    first = [float(word) for word in rows[0].split(",")]
    x0, y0, x1, y1 = truth.samples[0].objects[0].box
    assert first == [x0 + 1, y0 + 1, x1 - x0, y1 - y0]


def test_bu_tiv_one_xml_a_sequence(tmp_path):
    truth = write_dump(tmp_path, source="bu-tiv", count=10, size=SIZE)
    for name in ("marathon_3", "davis-sq_1"):
        frames = {s.frame: s for s in truth if s.sequence == name}
        root = ET.parse(tmp_path / f"{name}_2d.xml").getroot()
        assert [int(node.get("number")) for node in root.iter("frame")] == list(frames)
        for node in root.iter("frame"):
            found = [
                (
                    int(o.get("id")),
                    o.get("category"),
                    *(float(o.get(k)) for k in ("x1", "y1", "x2", "y2")),
                )
                for o in node.iter("object")
            ]
            objects = frames[int(node.get("number"))].objects
            assert found == [(o.track, o.category, *o.box) for o in objects]
    tracks = [{o.track for o in s.objects} for s in truth if s.sequence == "marathon_3"]
    assert len(tracks[0] & tracks[-1]) >= 1


COCO = [
    ("pop", "POP/{0}/Annotations/{0}.json", ("train", "val"), "POP/{}/JPEGImages/"),
    ("dmist", "DMIST/{1}.json", ("train", "test60", "test100"), "DMIST/"),
    ("itsdt", "annotations/instances_{}.json", ("train", "test"), "images/"),
    ("flir-v2", "images_thermal_{}/coco.json", ("train", "val"), "images_thermal_{}/"),
    ("coco", "annotations/instances_{}.json", ("train", "val"), "images/{}/"),
]
DMIST = {"train": "coco_train", "test60": "60_coco_val", "test100": "100_coco_val"}


@pytest.mark.parametrize(("key", "pattern", "splits", "folder"), COCO)
def test_coco_files(tmp_path, key, pattern, splits, folder):
    truth = write_dump(tmp_path, source=key, count=12, size=SIZE)
    for split in splits:
        data = json.loads((tmp_path / pattern.format(split, DMIST.get(split, split))).read_bytes())
        words = {c["id"]: c["name"] for c in data["categories"]}
        chosen = {s.infrared.path: s for s in truth if s.split == split}
        assert chosen
        paths = {f"{folder.format(split)}{i['file_name']}": i["id"] for i in data["images"]}
        assert set(paths) == set(chosen)
        for path, number in paths.items():
            found = [
                (words[a["category_id"]], (x, y, x + w, y + h))
                for a in data["annotations"]
                if a["image_id"] == number
                for x, y, w, h in [a["bbox"]]
            ]
            assert found == [(o.category, o.box) for o in chosen[path].objects]


def test_pop_quirks(tmp_path):
    truth = write_dump(tmp_path, source="pop", count=4, size=SIZE)
    data = json.loads((tmp_path / "POP/train/Annotations/train.json").read_bytes())
    assert data["image_nums"] == len(data["images"])
    assert {a["area"] for a in data["annotations"]} == {1.1}
    assert {a["segmentation"] for a in data["annotations"]} == {None}
    assert all(s.infrared.path.endswith(".JPG") and s.name.count(".") == 1 for s in truth)


def test_flir_v2_quirks(tmp_path):
    truth = write_dump(tmp_path, source="flir-v2", count=12, size=SIZE)
    data = json.loads((tmp_path / "images_thermal_train/coco.json").read_bytes())
    assert [c["id"] for c in data["categories"]] == list(range(1, 81))
    index = json.loads((tmp_path / "images_thermal_train/index.json").read_bytes())
    train = [s for s in truth if s.split == "train"]
    assert [len(f["annotations"]) for f in index["frames"]] == [len(s.objects) for s in train]
    pairs = json.loads((tmp_path / "rgb_to_thermal_vid_map.json").read_bytes())
    video = [s for s in truth if s.split == "video"]
    assert len(pairs) == len(video) == 3
    for rgb, thermal in pairs.items():
        assert (tmp_path / "video_rgb_test/data" / rgb).exists()
        assert (tmp_path / "video_thermal_test/data" / thermal).exists()
    assert all(s.visible is None for s in train)
    narrow = [s for s in truth if s.attributes["8-in-16"] == "1"]
    assert narrow
    assert all(truth.pixels(s, "counts").max() < 256 for s in narrow)
