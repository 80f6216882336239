"""Polarity: stated bounds of its error on real pictures, exact symmetry, synthetic scenes."""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
import pytest

from irtd_fast.images import decode_image
from irtd_fast.radiometry import Polarity, detect_polarity, polarity_of_source


def inverted(image):
    return np.iinfo(image.dtype).max - image


def counts(path):
    picture = decode_image(path.read_bytes(), channels="colour")
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., 0])


def error(answers):
    return np.mean([answer.kind != "white-hot" for answer in answers])


# Share of wrong answers that is accepted: what the module's text says, and a little more.
REAL = {
    "hit-uav/normal_json/*/*.jpg": 0.40,
    "sirst-v2/images/targets/*.png": 0.20,
    "ist-a/Dataset/test/*.png": 0.40,
    "flir-v1-16bit/thermal_16_bit/*.tiff": 0.12,
    "llvip/**/*_ir/*.jpg": 0.15,
    "roadscene/infrared/*.png": 0.10,
    "tno/ir/*.png": 0.25,
    "vtuav-bus1/bus1_sample/ir_gray/*0.jpg": 0.10,
}


@pytest.mark.dumps
@pytest.mark.parametrize(("pattern", "bound"), REAL.items())
def test_error_on_real_pictures_without_labels(dumps, pattern, bound):
    paths = sorted(dumps.glob(pattern))
    assert len(paths) >= 10
    images = [counts(path) for path in paths[:: max(len(paths) // 40, 1)]]
    answers = [detect_polarity(image) for image in images]
    assert error(answers) <= bound
    assert polarity_of_source(answers).kind == "white-hot"
    for answer, image in zip(answers, images, strict=True):
        assert detect_polarity(inverted(image)).logit == pytest.approx(-answer.logit, abs=1e-6)


@pytest.mark.dumps
def test_error_on_people_of_hit_uav(dumps):
    """People are warm; cars, cooler than the ground at night, would mislead."""
    folder = dumps / "hit-uav" / "normal_json"
    files = {path.name: path for path in folder.glob("*/*.jpg")}
    boxes = defaultdict(list)
    for path in folder.glob("annotations/*.json"):
        data = json.loads(path.read_text())
        people = {c["id"] for c in data["categories"] if c["name"] == "Person"}
        names = {i["id"]: i["filename"] for i in data["images"]}
        for label in data["annotation"]:
            x, y, w, h = label["bbox"]
            if label["category_id"] in people:
                boxes[names[label["image_id"]]].append((x, y, x + w, y + h))
    shown = [name for name in boxes if name in files]
    assert len(shown) >= 20
    answers = [detect_polarity(counts(files[n]), boxes=np.array(boxes[n])) for n in shown]
    assert all(answer.evidence == "objects" for answer in answers)
    assert error(answers) <= 0.15
    upside_down = [
        detect_polarity(inverted(counts(files[n])), boxes=np.array(boxes[n])) for n in shown
    ]
    assert polarity_of_source(answers).kind == "white-hot"
    assert polarity_of_source(upside_down).kind == "black-hot"


@pytest.mark.dumps
def test_error_on_point_targets_of_ist_a(dumps):
    answers = []
    for rows in sorted((dumps / "ist-a").glob("Dataset/**/*.txt")):
        picture = rows.with_suffix(".png")
        if not picture.exists() or not rows.read_text().strip():
            continue
        image = counts(picture)
        values = np.array([line.split()[1:5] for line in rows.read_text().splitlines()], float)
        centre, half = values[:, :2], values[:, 2:] / 2
        boxes = np.hstack([centre - half, centre + half]) * np.tile(image.shape[::-1], 2)
        answers.append(detect_polarity(image, boxes=boxes))
    assert len(answers) >= 50
    assert error(answers) <= 0.03


def scene(seed, shape=(240, 320)):
    """A smooth ground with warm things on it, and where they are."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = 3000 + 150 * np.sin(x / rng.uniform(20, 60) + seed) * np.cos(y / rng.uniform(20, 60))
    boxes = []
    for _ in range(int(rng.integers(3, 9))):
        w, h = rng.integers(6, 20, 2)
        left, top = rng.integers(0, shape[1] - w), rng.integers(0, shape[0] - h)
        image[top : top + h, left : left + w] += rng.uniform(120, 400)
        boxes.append((left, top, left + w, top + h))
    return (image + rng.normal(0, 6, shape)).astype(np.uint16), np.array(boxes, float)


def test_error_on_synthetic_scenes():
    bare, labelled = [], []
    for seed in range(60):
        image, boxes = scene(seed)
        bare.append(detect_polarity(image))
        labelled.append(detect_polarity(image, boxes=boxes))
        other = detect_polarity(inverted(image), boxes=boxes)
        assert other.logit == pytest.approx(-labelled[-1].logit, abs=1e-6)
    assert error(labelled) == 0
    assert error(bare) <= 0.05
    assert min(answer.confidence for answer in labelled) > 0.9


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (1, 1), (9, 7), (1, 500)])
def test_nothing_is_said_of_pictures_without_contrast(shape):
    flat = np.full(shape, 777, np.uint16)
    unknown = Polarity("unknown", 0.5, 0.0, "picture")
    assert detect_polarity(flat) == unknown
    assert detect_polarity(flat, boxes=np.array([[0, 0, 2, 2]])) == unknown
    assert detect_polarity(flat, valid=np.zeros(shape, bool)) == unknown
    assert polarity_of_source([unknown]) == unknown
    assert polarity_of_source([]) == unknown


def test_pixels_that_are_not_valid_say_nothing():
    image, boxes = scene(1)
    valid = np.ones(image.shape, bool)
    valid[:40, :50] = False
    spoilt = image.copy()
    spoilt[:40, :50] = 0
    for given in (None, boxes):
        expected = detect_polarity(image, boxes=given, valid=valid)
        assert detect_polarity(spoilt, boxes=given, valid=valid) == expected
    warm = image.astype(np.float32)
    warm[:40, :50] = np.nan
    assert detect_polarity(warm, boxes=boxes) == detect_polarity(image, boxes=boxes, valid=valid)


def test_boxes_outside_or_without_area_do_not_count():
    image, boxes = scene(2)
    odd = np.array([[-9, -9, -2, -2], [5, 5, 5, 9], [np.nan, 0, 3, 3], [900, 0, 950, 9]])
    assert detect_polarity(image, boxes=odd) == detect_polarity(image)
    both = detect_polarity(image, boxes=np.concatenate([odd, boxes]))
    assert both == detect_polarity(image, boxes=boxes)
    assert detect_polarity(image, boxes=np.zeros((0, 4))) == detect_polarity(image)


def test_wrong_arguments_are_refused():
    image, _ = scene(3)
    with pytest.raises(ValueError, match=r"boxes must be \(n, 4\), found shape \(1, 5\)"):
        detect_polarity(image, boxes=np.zeros((1, 5)))
    with pytest.raises(ValueError, match=r"image must be \(height, width\)"):
        detect_polarity(np.zeros((3, 3, 3), np.uint8))
    with pytest.raises(ValueError, match="found <i4"):
        detect_polarity(image.astype(np.int32))
