"""Masks, points, identities, radiometric files and clips of synthetic dumps, read independently."""

from __future__ import annotations

import io
import json
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from irtd_fast.synth import write_dump
from irtd_fast.synth.radiometric import PLANCK

SIZE = (128, 160)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.array(opened)


def component_boxes(mask: np.ndarray) -> set[tuple[float, ...]]:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return {(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:].tolist()}


@pytest.mark.parametrize(
    ("key", "variant"),
    [("sirst-v1", None), ("sirst-aug", None), ("wide-irstd", "full"), ("wide-irstd", "weak"),
     ("irstd-1k", None)],
)  # fmt: skip
def test_binary_masks_hold_the_true_boxes(tmp_path, key, variant):
    truth = write_dump(tmp_path, source=key, variant=variant, count=10, size=SIZE)
    for sample in truth:
        mask = read(tmp_path / sample.mask.path)
        assert set(np.unique(mask)) <= {0, 255}
        assert component_boxes(mask) == {obj.box for obj in sample.objects}
        for obj, point in zip(sample.objects, sample.points, strict=True):
            assert obj.box[0] <= point.x <= obj.box[2]
            assert obj.box[1] <= point.y <= obj.box[3]
    if variant == "weak":
        assert all(o.box[2] - o.box[0] == 1 for s in truth for o in s.objects)


@pytest.mark.parametrize("key", ["vt5000", "vt1000", "vt821"])
def test_salient_masks_registered(tmp_path, key):
    truth = write_dump(tmp_path, source=key, count=10, size=SIZE)
    lossy = 0
    for sample in truth:
        mask = read(tmp_path / sample.mask.path)
        lossy += len(np.unique(mask)) > 2
        covered = np.zeros(SIZE, dtype=bool)
        for x0, y0, x1, y1 in (tuple(map(int, obj.box)) for obj in sample.objects):
            covered[y0:y1, x0:x1] = True
            assert (mask[y0:y1, x0:x1] >= 128).any()
        assert not (mask >= 128)[~covered].any()
        assert sample.objects
    assert (lossy > 0) == (key != "vt5000")


@pytest.mark.parametrize("key", ["uvt2000", "uvt20k", "uav-rgb-t-2400"])
def test_salient_masks_belong_to_the_visible_picture(tmp_path, key):
    truth = write_dump(tmp_path, source=key, count=8, size=SIZE)
    labelled = 0
    for sample in truth:
        mask, visible = read(tmp_path / sample.mask.path), read(tmp_path / sample.visible.path)
        assert mask.shape == visible.shape[:2] != SIZE
        assert not sample.objects
        assert sample.partner_matrix is None
        covered = np.zeros(mask.shape, dtype=bool)
        for x0, y0, x1, y1 in (tuple(map(int, obj.box)) for obj in sample.partner_objects):
            covered[y0:y1, x0:x1] = True
            labelled += 1
        assert not mask[~covered].any()
    assert labelled >= 6


def test_mfnet_alpha_is_the_thermal_picture(tmp_path):
    truth = write_dump(tmp_path, source="mfnet", count=10, size=SIZE)
    numbers = {"car": 1, "person": 2, "bike": 3}
    for sample in truth:
        with Image.open(tmp_path / sample.infrared.path) as opened:
            assert opened.mode == "RGBA"
            pixels = np.array(opened)
        assert pixels[..., 3].std() > 10
        classes = read(tmp_path / sample.mask.path)
        for obj in sample.objects:
            x0, y0, x1, y1 = map(int, obj.box)
            assert (classes[y0:y1, x0:x1] == numbers[obj.category]).any()
        present = set(np.unique(classes).tolist()) - {0}
        assert present == {numbers[obj.category] for obj in sample.objects}
    train = (tmp_path / "train.txt").read_text().split()
    assert any(name.endswith("_flip") for name in train)
    assert {s.name for s in truth if s.split == "train"} <= set(train)


def test_msrs_classes(tmp_path):
    for sample in write_dump(tmp_path, source="msrs", count=6, size=SIZE):
        classes = read(tmp_path / sample.mask.path)
        assert set(np.unique(classes)) - {0} == {obj.category_id for obj in sample.objects}


def test_massmind_boxes_are_components_of_single_classes(tmp_path):
    truth = write_dump(tmp_path, source="massmind", count=8, size=SIZE)
    for sample in truth:
        classes = read(tmp_path / sample.mask.path)
        for number in (3, 4):
            expected = {obj.box for obj in sample.objects if obj.category_id == number}
            assert component_boxes(classes == number) == expected
        for number in (0, 1, 2, 5, 6):
            rows, columns = np.nonzero(classes == number)
            whole = [obj.box for obj in sample.objects if obj.category_id == number]
            assert len(whole) == bool(rows.size)
            if whole:
                low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
                assert whole[0] == (*low, *high)


@pytest.mark.dumps
def test_massmind_colours_are_the_real_ones(tmp_path, dumps):
    truth = write_dump(tmp_path, source="massmind", variant="colour", count=6, size=SIZE)
    real = {
        tuple(colour)
        for path in (dumps / "massmind/Images").glob("*semantic_colored.png")
        for colour in np.unique(read(path).reshape(-1, 3), axis=0).tolist()
    }
    ours = [np.unique(read(tmp_path / s.mask.path).reshape(-1, 3), axis=0).tolist() for s in truth]
    assert {tuple(colour) for colours in ours for colour in colours} <= real


def test_rgbt_cc_points_and_pseudo_colour(tmp_path):
    truth = write_dump(tmp_path, source="rgbt-cc", count=6, size=SIZE)
    beyond = 0
    for sample in truth:
        points = json.loads((tmp_path / sample.labels[0]).read_bytes())["points"]
        assert points == [[p.x, p.y] for p in sample.points]
        beyond += sum(x > SIZE[1] for x, _ in points)
        thermal = read(tmp_path / sample.infrared.path).astype(int)
        assert np.ptp(thermal, axis=2).max() > 80
        assert sample.infrared.path.endswith("_T.jpg")
    assert beyond == 2
    grey = write_dump(tmp_path / "g", source="rgbt-cc", variant="grey", count=2, size=SIZE)
    assert grey.samples[0].infrared.path == "train/1162_Grey.jpg"
    assert read(tmp_path / "g/train/1162_Grey.jpg").ndim == 2


def test_drone_rgbt_points(tmp_path):
    truth = write_dump(tmp_path, source="drone-rgbt", count=4, size=SIZE)
    for sample in truth:
        root = ET.parse(tmp_path / sample.labels[0]).getroot()
        points = [(float(p.findtext("x")), float(p.findtext("y"))) for p in root.iter("point")]
        assert points == [(p.x, p.y) for p in sample.points]
    first = truth.samples[0]
    assert (first.infrared.path, first.visible.path, first.labels[0]) == (
        "Train/Infrared/1R.jpg", "Train/RGB/1.jpg", "Train/GT_/1R.xml",
    )  # fmt: skip


def test_heads_are_warm(tmp_path):
    truth = write_dump(tmp_path, source="drone-rgbt", count=4, size=SIZE)
    for sample in truth:
        picture = read(tmp_path / sample.infrared.path)[..., 0]
        warm = [picture[int(p.y), int(p.x)] for p in sample.points]
        assert np.median(warm) > np.median(picture) + 20


def test_reid_identities_and_cameras(tmp_path):
    for key, pattern in (("llcm", "_c"), ("sysu-mm01", "cam")):
        truth = write_dump(tmp_path / key, source=key, count=12, size=(64, 32))
        for sample in truth:
            digits = sample.infrared.path.split(pattern)[-1]
            assert int(digits[:2].strip("/")) == sample.camera
            assert f"/{sample.identity:04d}/" in f"/{sample.infrared.path}"
        assert len({sample.identity for sample in truth}) == 4
        assert 3 not in {s.camera for s in truth} or key != "llcm"
    listed = (tmp_path / "llcm/LLCM/idx/test_id.txt").read_text()
    assert "\n" not in listed
    assert listed == "3"
    line = (tmp_path / "llcm/LLCM/idx/train_nir.txt").read_text().splitlines()[0]
    assert (tmp_path / "llcm/LLCM" / line.split(" ")[0]).exists()
    assert (tmp_path / "sysu-mm01/exp/train_id.txt").read_text() == "1,4\n"


def test_regdb_lists(tmp_path):
    truth = write_dump(tmp_path, source="regdb", count=12, size=(64, 32))
    for trial in (1, 10):
        halves = []
        for split in ("train", "test"):
            lines = (tmp_path / f"idx/{split}_thermal_{trial}.txt").read_text().splitlines()
            paths = [line.split(" ")[0] for line in lines]
            assert all((tmp_path / path).exists() for path in paths)
            halves.append(paths)
        assert sorted(halves[0] + halves[1]) == sorted(s.infrared.path for s in truth)
    assert truth.samples[0].infrared.path == "Thermal/1/male_front_t_00007_1.bmp"
    assert (tmp_path / "Visible/1/male_front_v_00007_1.bmp").exists()


@pytest.mark.parametrize(
    ("key", "folders"),
    [("llcm", ("53-LLCM/train", "53-LLCM/valid")), ("regdb", ("54-RegDB/train",)),
     ("sysu-mm01", ("55-SYSU-MM01/train1", "55-SYSU-MM01/train2")),
     ("thermal-world", ("56-ThermalWorld/train",))],
)  # fmt: skip
def test_grids_repeat_the_first_person(tmp_path, key, folders):
    truth = write_dump(tmp_path, source=key, variant="grids", count=8)
    assert {s.infrared.path.rsplit("/", 1)[0] for s in truth} == set(folders)
    assert (tmp_path / folders[0] / "0001.jpg").exists()
    right = 0
    for sample in truth:
        grid = read(tmp_path / sample.infrared.path).astype(float)
        height, width = grid.shape[0] // 2, grid.shape[1] // 4
        tiles = [
            grid[r * height : (r + 1) * height, c * width : (c + 1) * width, 1]
            for r in range(2)
            for c in range(4)
        ]
        lower = [tile[height // 4 :].ravel() for tile in tiles]
        alike = [np.corrcoef(lower[0], other)[0, 1] for other in lower[1:]]
        right += 2 + int(np.argmax(alike)) == int(sample.attributes["answer"])
    assert right >= 6


def raw_counts(content: bytes, fff: bytes | None = None) -> np.ndarray:
    """Read counts as ExifTool's tables say, apart from our own reader."""
    fff = fff if fff is not None else content
    start, count = struct.unpack(">II", fff[24:32])
    for entry in range(start, start + 32 * count, 32):
        kind, _, _, _, at, length = struct.unpack(">HHIIII", fff[entry : entry + 20])
        if kind == 1:
            width, height = struct.unpack("<HH", fff[at + 2 : at + 6])
            body = fff[at + 32 : at + length]
            if body.startswith(b"\x89PNG"):
                with Image.open(io.BytesIO(body)) as opened:
                    return np.array(opened).astype(np.uint16).byteswap()
            return np.frombuffer(body, "<u2").reshape(height, width)
    raise AssertionError("no raw record")


def segments(content: bytes) -> list[tuple[int, bytes]]:
    at, found = 2, []
    while content[at + 1] != 0xDA:
        (length,) = struct.unpack(">H", content[at + 2 : at + 4])
        found.append((content[at + 1], content[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


@pytest.mark.parametrize("size", [None, SIZE])
def test_radiometric_files(tmp_path, size):
    truth = write_dump(tmp_path, source="rjpeg", count=5, size=size)
    for sample in truth:
        content = (tmp_path / sample.infrared.path).read_bytes()
        counts, form = truth.pixels(sample, "counts"), sample.attributes["form"]
        if form in ("raw", "png"):
            parts = [part for marker, part in segments(content) if marker == 0xE1]
            assert [part[6] for part in parts] == list(range(len(parts)))
            assert {part[7] for part in parts} == {len(parts) - 1}
            fff = b"".join(part[8:] for part in parts)
            found = raw_counts(content, fff)
            assert PLANCK["B"] == pytest.approx(planck_b(fff))
        elif form == "fff":
            found = raw_counts(content)
        elif form == "dji":
            joined = b"".join(part for marker, part in segments(content) if marker == 0xE3)
            found = np.frombuffer(joined, "<u2").reshape(counts.shape)
        else:
            found = cv2.imread(str(tmp_path / sample.infrared.path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found, counts)
        if form not in ("fff", "tiff"):
            with Image.open(tmp_path / sample.infrared.path) as opened:
                assert opened.size == (sample.infrared.width, sample.infrared.height)
                opened.load()
        assert (form == "png") == (counts.shape != (sample.infrared.height, sample.infrared.width))


def planck_b(fff: bytes) -> float:
    start, count = struct.unpack(">II", fff[24:32])
    for entry in range(start, start + 32 * count, 32):
        kind, _, _, _, at, _ = struct.unpack(">HHIIII", fff[entry : entry + 20])
        if kind == 32:
            return struct.unpack("<f", fff[at + 0x5C : at + 0x60])[0]
    raise AssertionError("no camera record")


def test_clips(tmp_path):
    av = pytest.importorskip("av")
    truth = write_dump(tmp_path, source="cdfag", variant="video", count=3, size=SIZE)
    assert [s.infrared.path for s in truth][:2] == [
        "InfAR/fight/fight_001.avi", "InfAR/handclapping/handclapping_001.avi",
    ]  # fmt: skip
    for sample in truth:
        with av.open(str(tmp_path / sample.infrared.path)) as container:
            frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        assert len(frames) == int(sample.attributes["frames"])
        assert frames[0].shape == (*SIZE, 3)
        assert np.abs(frames[0].astype(int) - truth.pixels(sample)).mean() < 8
    assert (tmp_path / "XD145/fight/fight_001.avi").exists()


def test_elpv_table(tmp_path):
    truth = write_dump(tmp_path, source="elpv", count=12, size=SIZE)
    lines = (tmp_path / "labels.csv").read_text().splitlines()
    for line, sample in zip(lines, truth, strict=True):
        path, probability, kind = line.split()
        facts = sample.attributes
        assert (path, probability, kind) == (
            sample.infrared.path, facts["probability"], facts["kind"],
        )  # fmt: skip
        assert min(abs(float(probability) - k / 3) for k in range(4)) < 1e-9


def test_roadscene_has_four_files_a_scene(tmp_path):
    truth = write_dump(tmp_path, source="roadscene", count=4, size=SIZE)
    sizes = set()
    for sample in truth:
        found = {kind: read(tmp_path / p.path).shape[:2] for kind, p in sample.pictures.items()}
        assert found["infrared"] == found["visible"] != found["high"]
        assert found["whole"] == SIZE
        sizes.add(found["infrared"])
    assert len(sizes) > 1


def test_image_folder_has_clutter(tmp_path):
    truth = write_dump(tmp_path, source="image-folder", count=12, size=SIZE)
    for name in (".DS_Store", "Thumbs.db", "._IMG_1.jpg"):
        assert (tmp_path / name).exists()
    assert {Path(s.infrared.path).suffix for s in truth} == {".jpg", ".JPG", ".png", ".bmp"}
    assert {len(Path(s.infrared.path).parts) for s in truth} == {1, 2, 3}
