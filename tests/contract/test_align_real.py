"""Alignment on real registered pairs whose field of view was changed by a known amount.

KAIST: the publisher's boxes. LLVIP and RoadScene publish none: boxes of warm blobs, by connected
components of the real infrared pictures, stand for labels. RoadScene: the full infrared picture
against ``crop_HR_visible``; where the crop lies in it is found by template matching.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from align_truth import label_visible, recovered

from irtd_fast.geometry.align import AlignOptions, align_pair

pytestmark = pytest.mark.dumps

NOISE = 2.0
Size = tuple[int, int]


def blobs(picture: np.ndarray, *, least: int = 24, most: int = 20) -> np.ndarray:
    """Boxes of the warmest connected regions, (n, 4), by size."""
    smooth = cv2.GaussianBlur(picture, (5, 5), 1.5)
    warm = (smooth > np.percentile(smooth, 92)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(warm)
    boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:] if min(w, h) >= least]
    boxes.sort(key=lambda b: (b[0] - b[2]) * (b[3] - b[1]))
    return np.array(boxes[:most], np.float64).reshape(-1, 4)


def kaist(dumps: Path) -> list[np.ndarray]:
    document = json.loads(
        next((dumps / "kaist-demo").rglob("kaist_annotations_test20.json")).read_text()
    )
    boxes = defaultdict(list)
    for item in document["annotations"]:
        x, y, w, h = item["bbox"]
        boxes[item["image_id"]].append((x, y, x + w, y + h))
    return [np.array(rows, np.float64) for _, rows in sorted(boxes.items())]


def llvip(dumps: Path) -> list[np.ndarray]:
    files = sorted((dumps / "llvip").rglob("*ir*/*.jpg")) or sorted(
        (dumps / "llvip").rglob("*_ir.jpg")
    )
    found = [blobs(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)) for file in files]
    return [boxes for boxes in found if len(boxes)]


def change_view(
    rng: np.random.Generator, boxes: np.ndarray, frame: Size, *, wrong: float = 0.0
) -> tuple[np.ndarray, Size, np.ndarray, np.ndarray]:
    """Cut a window out of the visible side and rescale it; label both sides with noise."""
    height, width = frame
    scale = rng.uniform(0.8, 1.6)
    x0, y0 = rng.uniform(-0.05, 0.2, 2) * (width, height)
    x1, y1 = rng.uniform(0.8, 1.05, 2) * (width, height)
    size = round((y1 - y0) * scale), round((x1 - x0) * scale)
    matrix = np.array([[scale, 0, -x0 * scale], [0, scale, -y0 * scale]])
    visible = label_visible(rng, boxes, matrix, noise=NOISE, wrong=wrong)
    inside = (visible[:, :2] > 0).all(axis=1) & (visible[:, 2:] < (size[1], size[0])).all(axis=1)
    return matrix, size, boxes + rng.uniform(-NOISE, NOISE, boxes.shape), visible[inside]


def trials(rng, scenes, frame: Size, *, least: int, most: int = 99, wrong=0.0, count=80):
    chosen = [boxes for boxes in scenes if least <= len(boxes) <= most]
    assert len(chosen) >= 5, "too few scenes with that many boxes"
    for number in range(count):
        boxes = chosen[number % len(chosen)]
        matrix, size, infrared, visible = change_view(rng, boxes, frame, wrong=wrong)
        found = align_pair(infrared, visible, infrared_size=frame, visible_size=size)
        yield recovered(matrix, found, infrared=frame, visible=size), found


SOURCES = {"kaist": (kaist, (512, 640)), "llvip": (llvip, (1024, 1280))}


@pytest.fixture(params=SOURCES)
def scenes(request: pytest.FixtureRequest, dumps: Path) -> tuple[list[np.ndarray], Size]:
    read, frame = SOURCES[request.param]
    return read(dumps), frame


def test_three_matches_recover_the_window(scenes, rng: np.random.Generator) -> None:
    found = list(trials(rng, *scenes, least=4))
    used = [(iou, r) for iou, r in found if r.verdict != "refused" and len(r.matches) >= 3]
    assert len(used) >= 40
    assert min(iou for iou, r in used if r.verdict == "good") >= 0.95
    assert np.percentile([iou for iou, _ in used], 3) >= 0.95
    assert np.median([r.residual for _, r in used]) <= 2.0


def test_one_match_recovers_most_of_the_window(scenes, rng: np.random.Generator) -> None:
    boxes, frame = scenes
    single = [rows[i : i + 1] for rows in boxes for i in range(len(rows))]
    found = list(trials(rng, single, frame, least=1, count=150))
    used = [(iou, r) for iou, r in found if r.verdict != "refused" and len(r.matches) == 1]
    assert len(used) >= 20
    assert np.percentile([iou for iou, _ in used], 3) >= 0.85
    assert all(r.verdict == "weak" for _, r in used)


def test_a_third_of_wrong_labels_is_survived(scenes, rng: np.random.Generator) -> None:
    found = list(trials(rng, *scenes, least=6, wrong=0.3))
    used = [(iou, r) for iou, r in found if r.verdict != "refused" and len(r.matches) >= 3]
    assert len(used) >= 30
    assert min(iou for iou, r in used if r.verdict == "good") >= 0.9
    assert np.percentile([iou for iou, _ in used], 3) >= 0.9


def test_shuffled_pairs_are_never_good_and_wrong(scenes, rng: np.random.Generator) -> None:
    boxes, frame = scenes
    chosen = [rows for rows in boxes if len(rows) >= 2]
    wrong = 0
    for _ in range(400):
        one, other = rng.choice(len(chosen), 2, replace=False)
        matrix, size, _, visible = change_view(rng, chosen[other], frame)
        found = align_pair(chosen[one], visible, infrared_size=frame, visible_size=size)
        # Frames of one street camera hold the same view: then the alignment is right after all.
        right = recovered(matrix, found, infrared=frame, visible=size) >= 0.9
        wrong += found.verdict == "good" and not right
    assert wrong <= 4  # one in a hundred


def test_roadscene_infrared_against_its_unregistered_visible(
    dumps: Path, rng: np.random.Generator
) -> None:
    """``crop_HR_visible`` is scaled otherwise in x and in y than ``crop_LR_visible``."""
    root, recovered_windows, tried = dumps / "roadscene", [], 0
    for file in sorted((root / "cropinfrared").glob("*.jpg")):
        picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        seen = cv2.imread(str(root / "crop_HR_visible" / file.name), cv2.IMREAD_GRAYSCALE)
        truth = blobs(picture, least=14)
        if len(truth) < 5:
            continue
        tried += 1
        x, y = seen.shape[1] / picture.shape[1], seen.shape[0] / picture.shape[0]
        cut = rng.uniform(0, 0.1, 2) * (seen.shape[1], seen.shape[0])  # known change of view
        matrix = np.array([[x, 0, -cut[0]], [0, y, -cut[1]]])
        size = round(seen.shape[0] - cut[1]), round(seen.shape[1] - cut[0])
        visible = np.stack([x * truth[:, 0], y * truth[:, 1], x * truth[:, 2], y * truth[:, 3]], 1)
        visible += rng.uniform(-NOISE, NOISE, visible.shape) - np.tile(cut, 2)
        visible = visible[rng.permutation(np.flatnonzero((visible[:, :2] > 0).all(axis=1)))]
        found = align_pair(
            truth + rng.uniform(-NOISE, NOISE, truth.shape), visible,
            infrared_size=picture.shape, visible_size=size,
            options=AlignOptions(model="scale_xy"),
        )  # fmt: skip
        if found.verdict != "refused" and len(found.matches) >= 3:
            recovered_windows.append(recovered(matrix, found, infrared=picture.shape, visible=size))
    assert tried >= 20, "too few RoadScene pictures with five warm blobs"
    assert len(recovered_windows) >= 0.8 * tried
    assert np.percentile(recovered_windows, 5) >= 0.95
