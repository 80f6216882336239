"""Small dumps written by hand, for tests of scanning."""

from __future__ import annotations

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
