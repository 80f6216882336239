"""COCO and its dialects."""

from __future__ import annotations

import json
import math

import pytest

from irtd_fast.errors import AnnotationError, SourceError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile
from irtd_fast.types import ObjectFlag

READER = READERS["coco_json"]


def read(tmp_path, data, groups=None, **table):
    text = data if isinstance(data, (str, bytes)) else json.dumps(data)
    (tmp_path / "a.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = []
    file = LabelFile(tmp_path, "a.json", groups if groups is not None else {"split": "train"})
    labels = READER.read(file, READER.parse_options(table, "test"), problems.append)
    return labels, problems


def coco(**changes):
    data = {
        "images": [{"id": 1, "file_name": "thermal_8_bit/a.jpeg", "height": 48, "width": 64}],
        "annotations": [{"id": 5, "image_id": 1, "category_id": 3, "bbox": [3, 4, 7, 8]}],
        "categories": [{"id": 3, "name": "car"}],
    }
    return data | changes


def test_plain_coco(tmp_path):
    (labels,), problems = read(tmp_path, coco())
    assert labels.key == {"split": "train", "stem": "a"}
    assert labels.size == (48, 64)
    assert labels.objects[0].box == (3, 4, 10, 12)
    assert labels.objects[0].category == "car"
    assert (labels.where, labels.objects[0].where) == ("images[0]", "annotations[0]")
    assert not problems


@pytest.mark.parametrize("name", ["file_name", "filename", "im_name"])
@pytest.mark.parametrize("key", ["annotations", "annotation"])
def test_dialect_of_names_and_string_ids(tmp_path, name, key):
    data = {
        "images": [{"id": "7", name: "set06/V001/I00459", "height": "48", "width": "64"}],
        key: [{"image_id": 7, "category_id": "3", "bbox": ["3", "4", "7", "8"]}],
        "categories": [{"id": 3, "name": "car"}],
    }
    (labels,), problems = read(tmp_path, data)
    assert labels.key["stem"] == "I00459"
    assert labels.size == (48, 64)
    assert labels.objects[0].box == (3, 4, 10, 12)
    assert not problems


def test_one_json_a_picture(tmp_path):
    data = {
        "image": {"id": "x", "file_name": "FLIR_02410", "width": 640, "height": 512},
        "annotation": [{"category_id": "1", "bbox": [1, 2, 3, 4]}],
    }
    (labels,), problems = read(
        tmp_path, data, {"stem": "FLIR_02410", "split": "training"}, categories={"1": "person"}
    )
    assert labels.key == {"stem": "FLIR_02410", "split": "training"}
    assert labels.objects[0].category == "person"
    assert not problems


def test_five_numbers_are_a_turned_box(tmp_path):
    data = coco(annotations=[{"image_id": 1, "category_id": 3, "bbox": [20, 10, 8, 4, 0.0]}])
    (labels,), _ = read(tmp_path, data)
    assert labels.objects[0].box == (16, 8, 24, 12)
    assert labels.objects[0].corners == (16, 8, 24, 8, 24, 12, 16, 12)


def test_box_options(tmp_path):
    (labels,), _ = read(tmp_path, coco(), kind="xyxy", base=1, inclusive=True)
    assert labels.objects[0].box == (2, 3, 7, 8)
    (labels,), _ = read(tmp_path, coco(), base=1)
    assert labels.objects[0].box == (2, 3, 9, 11)
    assert labels.objects[0].modality == "infrared"


def test_attributes_are_looked_up(tmp_path):
    image = {"id": 1, "filename": "a.jpg", "scenario": "1", "weather": "0", "altitude": "70"}
    data = coco(
        images=[image],
        scenarios=[{"id": 0, "name": "day"}, {"id": 1, "name": "night"}],
        weather=[{"id": 0, "name": "sunny"}],
    )
    (labels,), _ = read(tmp_path, data, scene="scenario")
    assert labels.attributes == {
        "scenario": "night", "weather": "sunny", "altitude": "70", "scene": "night",
    }  # fmt: skip


def test_flags_and_track(tmp_path):
    item = {"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "track_id": "9"}
    item |= {"iscrowd": 1, "difficult": False, "occlusion": "0", "ignore": "1"}
    (labels,), _ = read(tmp_path, coco(annotations=[item]))
    assert labels.objects[0].flags == ObjectFlag.CROWD | ObjectFlag.IGNORE
    assert labels.objects[0].track == 9


def test_picture_without_objects_is_labelled_empty(tmp_path):
    (labels,), problems = read(tmp_path, coco(annotations=[]))
    assert labels.objects == []
    assert not problems


def test_file_name_pattern(tmp_path):
    image = {"id": 1, "file_name": "images/train/data5/0.bmp"}
    pattern = r"images/(?P<split>\w+)/(?P<sequence>\w+)/(?P<stem>\d+)\.bmp"
    (labels,), _ = read(tmp_path, coco(images=[image]), {}, file_name=pattern)
    assert labels.key == {"split": "train", "sequence": "data5", "stem": "0"}
    labels, problems = read(tmp_path, coco(), {}, file_name=pattern)
    assert labels == []
    assert [(p.code, p.where) for p in problems] == [("image-record-without-name", "images[0]")]


def test_records_that_cannot_be_used_are_reported_and_the_rest_is_read(tmp_path):
    good = {"image_id": 1, "category_id": 3, "bbox": [1, 1, 2, 2]}
    data = coco(
        images=[{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}, {"id": 2}],
        annotations=[
            good | {"bbox": None},
            good | {"bbox": [1, 2, 3]},
            good | {"bbox": [1, 2, 3, "x"]},
            good | {"image_id": 99},
            good | {"category_id": 4},
            good,
        ],
    )
    (labels,), problems = read(tmp_path, data)
    assert [(p.code, p.where) for p in problems] == [
        ("duplicate-image-record", "images[1]"),
        ("image-record-without-name", "images[2]"),
        ("bad-number", "annotations[0]"),
        ("bad-number", "annotations[1]"),
        ("bad-number", "annotations[2]"),
        ("annotation-without-image-record", "annotations[3]"),
        ("unknown-category-id", "annotations[4]"),
    ]
    assert [item.category for item in labels.objects] == ["id 4", "car"]


def test_nan_is_reported_with_its_line_and_passes_to_the_box_policy(tmp_path):
    text = json.dumps(coco(), indent=0).replace("\n3,", "\nNaN,", 1)
    line = text.split("\n").index("NaN,") + 1
    (labels,), problems = read(tmp_path, text)
    assert math.isnan(labels.objects[0].box[0])
    assert [(p.code, p.where) for p in problems] == [("not-json-number", f"line {line}")]


def test_frames_of_conservator(tmp_path):
    box = {"x": 3, "y": 4, "w": 7, "h": 8}
    video = {"videoId": "v1", "frameIndex": 42, "frameId": "abc"}
    facts = {"occluded": "no_(fully_visible)", "truncated": "yes"}
    frames = [
        {"height": 512, "width": 640, "videoMetadata": video, "annotations": [
            {"boundingBox": box, "labels": ["car"], "attributes": facts},
            {"boundingBox": box, "labels": ["bike", "car"]},
            {"boundingBox": {"x": 1}, "labels": ["car"]},
        ]},
        {"file_name": "data/b.jpg", "annotations": []},
        {"annotations": []},
        7,
    ]  # fmt: skip
    labels, problems = read(tmp_path, {"frames": frames}, {})
    assert [found.key["stem"] for found in labels] == ["video-v1-frame-000042-abc", "b"]
    assert labels[0].size == (512, 640)
    assert [item.box for item in labels[0].objects] == [(3, 4, 10, 12)] * 2
    assert [item.category for item in labels[0].objects] == ["car", "bike"]
    assert labels[0].objects[0].flags == ObjectFlag.TRUNCATED
    assert [(p.code, p.where) for p in problems] == [
        ("several-categories", "frames[0].annotations[1]"),
        ("bad-number", "frames[0].annotations[2]"),
        ("image-record-without-name", "frames[2]"),
        ("bad-record", "frames[3]"),
    ]


def test_ids_as_text_and_as_numbers_meet(tmp_path):
    item = {"id": 0, "bbox": [1, 2, 3, 4]}
    data = coco(
        images=[{"id": 0, "file_name": "a.jpg"}, {"id": "7", "file_name": "b.jpg"}],
        annotations=[
            item | {"image_id": "0", "category_id": "3"}, item | {"image_id": 7, "category_id": 3},
        ],
    )  # fmt: skip
    labels, problems = read(tmp_path, data, {})
    assert not problems
    assert [len(found.objects) for found in labels] == [1, 1]
    assert {item.category for found in labels for item in found.objects} == {"car"}


def test_byte_order_mark(tmp_path):
    (labels,), _ = read(tmp_path, b"\xef\xbb\xbf" + json.dumps(coco()).encode())
    assert len(labels.objects) == 1


BROKEN = [
    ('{\n"images": [\n}', "line 3: not JSON"),
    ("", "line 1: not JSON"),
    ("[]", "expected a JSON object with members, found none"),
    (b"\xff\xfe{\0}\0", "line 1: expected UTF-8 text, found UTF-16"),
    (b'{"images":\n["\xff"]}', "line 2: not JSON: expected UTF-8"),
    ("[" * 100_000, "not JSON"),
    ('{"images": []}', "expected annotations or annotation, found images"),
    ('{"annotations": []}', "images: expected a list of JSON objects"),
    ('{"images": 1, "annotations": []}', "images: expected a list of JSON objects"),
    ('{"images": [], "annotations": {}}', "annotations: expected a list of JSON objects"),
    ('{"image": [], "annotation": []}', "image: expected a JSON object"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=[case[1][:30] for case in BROKEN])
def test_broken_file(tmp_path, text, message):
    with pytest.raises(AnnotationError, match=message) as caught:
        read(tmp_path, text)
    assert caught.value.where["path"] == "a.json"


def test_unknown_option():
    with pytest.raises(SourceError, match="unknown key"):
        READER.parse_options({"knd": "xyxy"}, "test")
