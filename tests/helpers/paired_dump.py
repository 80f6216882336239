"""A dump of two cameras that differ by a known scale and shift, both labelled in VOC files."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
from align_truth import scene

from irtd_fast.catalog import SourceRecord, parse_record

INFRARED, VISIBLE = (512, 640), (600, 900)
MATRIX = np.array([[1.25, 0, 40.0], [0, 1.25, -20.0]])

RECORD = {
    "key": "two-cameras", "title": "Two cameras", "homepage": "-", "citation": "-",
    "licence": "-", "terms": "-", "band": "LWIR", "bit_depth": 8, "registration": "unregistered",
    "tasks": ["grounding"], "categories": {"person": "person"},
    "variants": [{
        "name": "only", "title": "both labelled", "images": [
            {"infrared": r"ir/(?P<stem>\d+)\.png", "visible": r"vi/(?P<stem>\d+)\.png"}],
        "annotations": [
            {"format": "xml_objects", "files": rf"{name}_xml/(?P<stem>\d+)\.xml",
             "options": {"geometry": ["bndbox"], "modality": modality}}
            for name, modality in (("ir", "infrared"), ("vi", "visible"))],
    }],
}  # fmt: skip


def write_pairs(
    root: Path, rng: np.random.Generator, *, pairs: int = 7, singles: int = 0, strangers: int = 0,
    depth: int = 8,
) -> SourceRecord:  # fmt: skip
    """Write pairs of one rig, then pairs of a single person, then pairs of different streets.

    Visible pictures are ramps, so that their pixels tell where they come from.
    """
    for number in range(pairs + singles + strangers):
        people = inside(scene(rng, 12), INFRARED)
        others = people
        if number >= pairs + singles:
            others = inside(scene(rng, 12), INFRARED)
        elif number >= pairs:
            people = others = np.array([[300.0, 200, 350, 330]])
        seen = others * 1.25 + np.tile(MATRIX[:, 2], 2) + rng.uniform(-1, 1, others.shape)
        _write(root, "ir", number, INFRARED, people, depth, rng)
        _write(root, "vi", number, VISIBLE, inside(seen, VISIBLE), 24, rng)
    return parse_record({**RECORD, "bit_depth": depth}, "paired_dump")


def inside(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    low, high = (boxes[:, :2] > 0).all(axis=1), (boxes[:, 2:] < (size[1], size[0])).all(axis=1)
    return boxes[low & high]


def _write(
    root: Path, name: str, number: int, size: tuple[int, int], boxes: np.ndarray, depth: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    for folder in (name, f"{name}_xml"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[: size[0], : size[1]]
    if depth == 24:
        ramps = [x * 255 // size[1], y * 255 // size[0], (x + y) % 256 * 0 + 10 * number % 256]
        picture = np.stack(ramps, axis=2).astype(np.uint8)
    else:
        picture = rng.integers(0, 1 << depth, size).astype(np.uint16 if depth > 8 else np.uint8)
    cv2.imwrite(str(root / name / f"{number}.png"), picture)
    tree = ET.Element("annotation")
    for box in boxes:
        item = ET.SubElement(tree, "object")
        ET.SubElement(item, "name").text = "person"
        corners = ET.SubElement(item, "bndbox")
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            ET.SubElement(corners, tag).text = f"{value:.2f}"
    ET.ElementTree(tree).write(root / f"{name}_xml" / f"{number}.xml")
