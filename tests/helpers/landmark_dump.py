"""A dump whose pixels tell where they come from, with labels of every kind around landmarks."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np

from irtd_fast.catalog import SourceRecord, parse_record

SIZE = (160, 208)  # of infrared pictures; visible ones are twice as large
BLOCK = 16  # pixels of a mask that share a label
BEYOND = 65535  # no pixel holds this

RECORD = {
    "key": "landmarks", "title": "Landmarks", "homepage": "-", "citation": "-", "licence": "-",
    "terms": "-", "band": "LWIR", "bit_depth": 16, "registration": "registered",
    "tasks": ["grounding"], "categories": {"upright": "upright", "turned": "turned",
    "person": "person"},
    "variants": [{
        "name": "only", "title": "all labels", "images": [{
            "infrared": r"ir/(?P<stem>\d+)\.png", "visible": r"vi/(?P<stem>\d+)\.png",
            "mask": r"mask/(?P<stem>\d+)\.png", "mask_optional": True}],
        "annotations": [
            {"format": "xml_objects", "files": r"ir_xml/(?P<stem>\d+)\.xml",
             "options": {"geometry": ["robndbox", "bndbox"]}},
            {"format": "xml_objects", "files": r"vi_xml/(?P<stem>\d+)\.xml",
             "options": {"geometry": ["bndbox"], "modality": "visible"}},
            {"format": "points_json", "files": r"points/(?P<stem>\d+)\.json", "provides": "points"},
        ],
    }],
}  # fmt: skip


def write_landmarks(root: Path, count: int = 12, seed: int = 5) -> SourceRecord:
    """Write ``count`` pictures; the last one has no mask.

    Infrared counts are ``y * width + x``, visible levels ``x % 256, y % 256, 2 * (x > 255) + (y >
    255)``, mask labels number blocks. Upright and turned boxes lie around the landmarks, which the
    points are.
    """
    rng = np.random.default_rng(seed)
    for folder in ("ir", "vi", "mask", "ir_xml", "vi_xml", "points"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    v, u = np.mgrid[: 2 * SIZE[0], : 2 * SIZE[1]]
    visible = np.stack([u % 256, v % 256, 2 * (u > 255) + (v > 255)], axis=2)
    labels = y // BLOCK * (SIZE[1] // BLOCK) + x // BLOCK + 1
    for number in range(count):
        cv2.imwrite(str(root / f"ir/{number}.png"), (y * SIZE[1] + x).astype(np.uint16))
        cv2.imwrite(str(root / f"vi/{number}.png"), visible[..., ::-1].astype(np.uint8))
        if number < count - 1:
            cv2.imwrite(str(root / f"mask/{number}.png"), labels.astype(np.uint8))
        landmarks = rng.uniform(12, [SIZE[1] - 12, SIZE[0] - 12], (8, 2)).round(1)
        _write_boxes(root / f"ir_xml/{number}.xml", landmarks, 1, turned=True)
        _write_boxes(root / f"vi_xml/{number}.xml", landmarks, 2, turned=False)
        points = json.dumps({"points": landmarks.tolist()})
        (root / f"points/{number}.json").write_text(points, encoding="utf-8")
    return parse_record(RECORD, "landmark_dump")


def _write_boxes(path: Path, landmarks: np.ndarray, scale: int, *, turned: bool) -> None:
    tree = ET.Element("annotation")
    for number, (x, y) in enumerate((landmarks * scale).tolist()):
        item = ET.SubElement(tree, "object")
        oriented = turned and number % 2 == 1
        ET.SubElement(item, "name").text = "turned" if oriented else "upright"
        half = 6 * scale
        values = {"xmin": x - half, "ymin": y - half, "xmax": x + half, "ymax": y + half}
        if oriented:
            values = {"cx": x, "cy": y, "w": 12.0, "h": 6.0, "angle": 0.3 + number / 4}
        shape = ET.SubElement(item, "robndbox" if oriented else "bndbox")
        for tag, value in values.items():
            ET.SubElement(shape, tag).text = f"{value:.2f}"
    ET.ElementTree(tree).write(path)


def infrared_places(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Native pixel centres (..., 2: x, y) of counts, and which are of the picture."""
    x, y = counts % SIZE[1], counts // SIZE[1]
    return np.stack([x, y], axis=-1) + 0.5, counts != BEYOND


def visible_places(levels: np.ndarray) -> np.ndarray:
    """Native pixel centres (..., 2: x, y) of levels (..., 3)."""
    level = levels.astype(np.int64)
    x = level[..., 0] + 256 * (level[..., 2] // 2)
    y = level[..., 1] + 256 * (level[..., 2] % 2)
    return np.stack([x, y], axis=-1) + 0.5
