"""Small-target dumps: masks, boxes and centroids agree with the drawn pixels."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from irtd_fast.synth import write_dump

SMALL = (96, 128)


def boxes_of(xml: Path) -> list[tuple[float, ...]]:
    return [
        tuple(float(box.findtext(tag)) for tag in ("xmin", "ymin", "xmax", "ymax"))
        for box in ET.parse(xml).getroot().iterfind("object/bndbox")
    ]


def true_boxes(sample) -> list[tuple[float, ...]]:
    return [obj.box for obj in sample.objects]


def components(mask: np.ndarray) -> list[tuple[float, ...]]:
    assert set(np.unique(mask)) <= {0, 255}
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    assert all(2 <= area <= 9 for area in stats[1:count, 4])
    return sorted((x, y, x + w, y + h) for x, y, w, h, _ in stats[1:count].astype(float).tolist())


def test_irstd_masks_are_the_targets(tmp_path):
    truth = write_dump(tmp_path, source="irstd-1k", count=10, size=(128, 128))
    for sample in truth:
        mask = cv2.imread(str(tmp_path / sample.mask.path), cv2.IMREAD_UNCHANGED)
        assert components(mask) == sorted(true_boxes(sample))
        image = cv2.imread(str(tmp_path / sample.infrared.path), cv2.IMREAD_UNCHANGED).astype(int)
        for x0, y0, x1, y1 in true_boxes(sample):
            near = np.s_[max(0, int(y0) - 4) : int(y1) + 4, max(0, int(x0) - 4) : int(x1) + 4]
            assert image[near][mask[near] > 0].max() > np.median(image[near]) + 25
    lists = {name: (tmp_path / f"{name}.txt").read_text().split() for name in ("trainval", "test")}
    assert lists == {
        "trainval": [f"XDU{n}" for n in (0, 1, 2, 3, 5, 6, 7, 8)],
        "test": ["XDU4", "XDU9"],
    }


def test_sirst_modes_sizes_and_three_kinds_of_xml(tmp_path):
    truth = write_dump(tmp_path, source="sirst-v2", count=32)
    assert {sample.infrared.mode for sample in truth} == {"L", "RGB", "RGBA", "P"}
    assert len({(s.infrared.height, s.infrared.width) for s in truth}) > 10
    for sample in truth:
        mask = cv2.imread(str(tmp_path / sample.mask.path), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (sample.infrared.height, sample.infrared.width)
        assert components(mask) == sorted(true_boxes(sample))
        boxes = tmp_path / f"annotations/bboxes/{sample.name}.xml"
        assert boxes_of(boxes) == [tuple(v + 1 for v in box) for box in true_boxes(sample)]
        if sample.attributes["kind"] == "background":
            assert ET.parse(boxes).getroot().findtext("object/pixels/id") == "0"
            assert not mask.any()
            continue
        (outline,) = boxes_of(tmp_path / f"annotations/masks/{sample.name}.xml")
        rows, columns = np.nonzero(mask)
        assert outline == (columns.min() + 1, rows.min() + 1, columns.max() + 1, rows.max() + 1)


def test_sirst_centroids_are_weighted_and_count_from_one(tmp_path):
    truth = write_dump(tmp_path, source="sirst-v2", count=16, size=SMALL)
    seen = 0
    for sample in truth:
        path = tmp_path / f"annotations/centroids/{sample.name}.xml"
        assert path.exists() == sample.name.startswith("Misc_")
        if not path.exists() or sample.infrared.mode not in ("L", "P"):
            continue
        with Image.open(tmp_path / sample.infrared.path) as opened:
            grey = np.array(opened.convert("L")).astype(float)
        mask = cv2.imread(str(tmp_path / sample.mask.path), cv2.IMREAD_UNCHANGED)
        for (x0, y0, x1, y1), node in zip(
            true_boxes(sample), ET.parse(path).getroot().iterfind("object/centroid"), strict=True
        ):
            cut = np.s_[int(y0) : int(y1), int(x0) : int(x1)]
            weight = np.where(mask[cut] > 0, grey[cut], 0)
            rows, columns = np.mgrid[cut] + 1  # whole numbers, the first pixel is 1
            assert float(node.findtext("xc")) == pytest.approx(
                (weight * columns).sum() / weight.sum()
            )
            assert float(node.findtext("yc")) == pytest.approx((weight * rows).sum() / weight.sum())
            seen += 1
        xc = [float(n.text) for n in ET.parse(path).getroot().iterfind("object/centroid/xc")]
        assert [p.x + 0.5 for p in sample.points] == xc
    assert seen >= 3


def test_sirst_lists_agree_with_the_splits(tmp_path):
    truth = write_dump(tmp_path, source="sirst-v2", count=40, size=(64, 64))
    lists = {path.stem: path.read_text().split() for path in (tmp_path / "splits").glob("*.txt")}
    assert len(lists) == 19
    for split in ("train", "val", "test"):
        assert lists[f"{split}_full"] == [s.name for s in truth if s.split == split]
    assert lists["trainvaltest_full"] == [s.name for s in truth]
    assert lists["v2background"] == [s.name for s in truth if not s.objects]
    assert lists["trainval_v1"] == [n for n in lists["trainval_full"] if n.startswith("Misc")]
    assert lists["mini_test"] == lists["test_v1"][:3]


def test_palette_indices_are_not_the_levels(tmp_path):
    truth = write_dump(tmp_path, source="sirst-v2", count=12, size=SMALL)
    sample = truth.samples[11]
    with Image.open(tmp_path / sample.infrared.path) as opened:
        assert opened.mode == "P"
        assert (np.array(opened) != truth.pixels(sample)).mean() > 0.9
