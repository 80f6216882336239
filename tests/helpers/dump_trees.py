"""Small dumps written by hand, for tests of scanning."""

from __future__ import annotations

import json

import numpy as np

from irtd_fast import _core
from irtd_fast.types import SampleFlag

HEIGHT, WIDTH = 24, 32
JPEG = bytes(_core.encode_jpeg(np.full((HEIGHT, WIDTH), 90, np.uint8)))
JPEG_RGB = bytes(_core.encode_jpeg(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)))
HAS_PROBLEMS, UNLABELLED = int(SampleFlag.HAS_PROBLEMS), int(SampleFlag.UNLABELLED)


def tree(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def voc(*boxes, width=WIDTH, height=HEIGHT, name="person"):
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    items = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
        f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>\n"
        for a, b, c, d in boxes
    )
    return f"<annotation>{size}\n{items}</annotation>"


def llvip(root, stems=("010001", "010002"), split="train", labels=True):
    files = {}
    for stem in stems:
        files[f"LLVIP/infrared/{split}/{stem}.jpg"] = JPEG_RGB
        files[f"LLVIP/visible/{split}/{stem}.jpg"] = JPEG_RGB
        if labels:
            files[f"LLVIP/Annotations/{stem}.xml"] = voc((1, 2, 11, 12))
    return tree(root, files)


def codes(manifest):
    return sorted(problem.code for problem in manifest.problems)


def hit_uav(root, folder, count=1):
    names = [f"{i % 2}_60_30_0_{i:05d}" for i in range(count)]
    if folder.endswith("json"):
        box = [16, 12, 8, 4] + ([0.0] if folder.startswith("rotate") else [])
        data = {
            "images": [{"id": i, "filename": f"{n}.jpg"} for i, n in enumerate(names)],
            "annotation": [{"image_id": i, "category_id": 1, "bbox": box} for i in range(count)],
            "categories": [{"id": 1, "name": "Car"}],
        }
        files = {f"{folder}/train/{name}.jpg": JPEG for name in names}
        files[f"{folder}/annotations/train.json"] = json.dumps(data)
    else:
        files = {f"{folder}/JPEGImages/{name}.jpg": JPEG for name in names}
        files |= {f"{folder}/Annotations/{n}.xml": voc((1, 2, 5, 6), name="Car") for n in names}
        files[f"{folder}/ImageSets/Main/train.txt"] = "\n".join(names)
    return tree(root, files)


def flir(root, *, old=False, names=("FLIR_00001", "FLIR_00002", "FLIR_00010")):
    folders = ("training", "PreviewData") if old else ("train", "thermal_8_bit")
    base = "FLIR_ADAS/" + folders[0]
    files = {f"{base}/{folders[1]}/{name}.jpeg": JPEG for name in names}
    files[f"{base}/RGB/{names[0]}.jpg"] = bytes(
        _core.encode_jpeg(np.full((60, 80, 3), 90, np.uint8))
    )
    item = {"category_id": "3", "bbox": [1, 2, 5, 6]}
    if old:
        for name in names:
            image = {"id": 1, "file_name": name, "width": WIDTH, "height": HEIGHT}
            files[f"{base}/Annotations/{name}.json"] = json.dumps(
                {"image": image, "annotation": [item]}
            )
    else:
        images = [
            {"id": i, "file_name": f"thermal_8_bit/{name}.jpeg", "width": WIDTH, "height": HEIGHT}
            for i, name in enumerate(names)
        ]
        data = {
            "images": images,
            "annotations": [item | {"image_id": i} for i in range(len(names))],
            "categories": [{"id": 3, "name": "car"}],
        }
        files[f"{base}/thermal_annotations.json"] = json.dumps(data)
    return tree(root, files)
