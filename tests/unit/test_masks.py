"""Boxes and points derived from masks."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from irtd_fast.errors import AnnotationError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile
from irtd_fast.types import ObjectFlag

READER = READERS["masks"]


def read(tmp_path, mask, **table):
    data = mask if isinstance(mask, bytes) else imagecodecs.png_encode(mask)
    (tmp_path / "m.png").write_bytes(data)
    problems = []
    file = LabelFile(tmp_path, "m.png", {"stem": "m"})
    (labels,) = READER.read(file, READER.parse_options(table, "test"), problems.append)
    return labels, problems


def test_components_become_boxes_and_centroids(tmp_path):
    mask = np.zeros((20, 30), np.uint8)
    mask[0, 0] = 255
    mask[5:8, 10:14] = 255
    mask[19, 29] = 255
    labels, problems = read(tmp_path, mask)
    assert labels.size == (20, 30)
    assert [item.box for item in labels.objects] == [
        (0, 0, 1, 1), (10, 5, 14, 8), (29, 19, 30, 20),
    ]  # fmt: skip
    assert [item.point for item in labels.objects] == [(0.5, 0.5), (12, 6.5), (29.5, 19.5)]
    assert {item.flags for item in labels.objects} == {int(ObjectFlag.DERIVED)}
    assert {item.category for item in labels.objects} == {"target"}
    assert not problems


def test_interlocked_components_keep_to_their_own_pixels(tmp_path):
    mask = np.zeros((9, 9), np.uint8)
    mask[0, :5] = mask[:5, 0] = 255  # an L whose box holds the other one
    mask[3, 3] = 255
    labels, _ = read(tmp_path, mask)
    assert labels.objects[1].point == (3.5, 3.5)
    assert labels.objects[0].point == pytest.approx((14.5 / 9, 14.5 / 9))


def test_connectivity_and_threshold(tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    mask[2, 2] = mask[3, 3] = 200
    mask[6, 6] = 127
    assert len(read(tmp_path, mask)[0].objects) == 1
    assert len(read(tmp_path, mask, connectivity=4)[0].objects) == 2
    assert len(read(tmp_path, mask, threshold=127)[0].objects) == 2


def test_small_components_are_reported(tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    mask[1, 1] = mask[4:6, 4:6] = 255
    labels, problems = read(tmp_path, mask, min_area=2)
    assert [item.box for item in labels.objects] == [(4, 4, 6, 6)]
    assert [problem.code for problem in problems] == ["small-component"]


def test_noise_is_not_taken_for_objects(tmp_path):
    mask = np.zeros((20, 20), np.uint8)
    mask[::2, ::2] = 255
    labels, problems = read(tmp_path, mask, max_objects=50)
    assert not labels.objects
    assert [problem.code for problem in problems] == ["too-many-components"]
    assert "found 100" in problems[0].message


def test_empty_mask_is_labelled_empty(tmp_path):
    labels, problems = read(tmp_path, np.zeros((8, 8), np.uint8))
    assert labels.objects == []
    assert not problems


def test_one_bit_png(tmp_path):
    from io import BytesIO

    from PIL import Image

    mask = np.zeros((8, 8), bool)
    mask[2:4, 2:4] = True
    buffer = BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    labels, _ = read(tmp_path, buffer.getvalue())
    assert [item.box for item in labels.objects] == [(2, 2, 4, 4)]


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_not_a_picture(tmp_path, data):
    with pytest.raises(AnnotationError, match=r"m\.png: "):
        read(tmp_path, data)


def test_coloured_mask_is_refused(tmp_path):
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[2, 2] = (255, 0, 0)
    with pytest.raises(AnnotationError, match="expected a gray picture"):
        read(tmp_path, mask)
