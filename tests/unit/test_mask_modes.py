"""Masks of categories, of instances and in colours."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from irtd_fast.errors import AnnotationError, SourceError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile
from irtd_fast.images import decode_image
from irtd_fast.types import ObjectFlag

READER = READERS["masks"]


def read(tmp_path, mask, *, name="m.png", jpeg=False, **table):
    data = imagecodecs.jpeg_encode(mask, level=60) if jpeg else imagecodecs.png_encode(mask)
    (tmp_path / name).write_bytes(data)
    problems = []
    file = LabelFile(tmp_path, name, {"stem": "m"})
    (labels,) = READER.read(file, READER.parse_options(table, "test"), problems.append)
    return labels, problems


def shown(labels):
    return [(item.category, item.box) for item in labels.objects]


def test_lossy_binary_masks_by_their_threshold(tmp_path):
    mask = np.zeros((64, 64), np.uint8)
    mask[19:37, 11:45] = 255
    labels, problems = read(tmp_path, mask, jpeg=True)
    decoded = decode_image(imagecodecs.jpeg_encode(mask, level=60))
    assert len(np.unique(decoded)) > 2  # lossy indeed
    assert shown(labels) == [("target", (11, 19, 45, 37))]
    assert not problems


def test_class_numbers_with_stuff(tmp_path):
    mask = np.zeros((10, 12), np.uint8)
    mask[:4] = 5
    mask[6:8, 1:3] = mask[6:8, 7:9] = 1
    mask[9, 9] = 2
    mask[9, 0] = 77
    table = {"mode": "class", "stuff": ["sky"], "categories": {"1": "car", "2": "man", "5": "sky",
             "6": "bus"}}  # fmt: skip
    labels, problems = read(tmp_path, mask, **table)
    assert shown(labels) == [
        ("car", (1, 6, 3, 8)), ("car", (7, 6, 9, 8)), ("man", (9, 9, 10, 10)),
    ]  # fmt: skip
    assert labels.attributes == {"classes": "car,man,sky"}
    assert {item.flags for item in labels.objects} == {int(ObjectFlag.DERIVED)}
    assert [(p.code, p.message) for p in problems] == [
        ("unknown-class", "1 pixels of value 77, which is not in categories")
    ]


def test_instances_need_not_hang_together(tmp_path):
    mask = np.zeros((10, 12), np.uint16)
    mask[0, 0] = mask[5, 5] = 300
    mask[8:, 8:] = 2
    labels, problems = read(tmp_path, mask, mode="instance", category="ship")
    assert shown(labels) == [("ship", (8, 8, 12, 10)), ("ship", (0, 0, 6, 6))]
    assert labels.objects[1].point == (3, 3)
    assert labels.objects[1].where == "instance 300"
    assert not problems


def test_instances_with_the_classes_of_another_file(tmp_path):
    instances = np.zeros((6, 8), np.uint8)
    instances[:2, :3], instances[3:, 4:], instances[5, 0] = 1, 2, 3
    classes = np.zeros((6, 8), np.uint8)
    classes[:2, :2], classes[0, 2], classes[3:, 4:], classes[5, 0] = 7, 8, 9, 4
    (tmp_path / "class").mkdir()
    (tmp_path / "inst").mkdir()
    (tmp_path / "class/inst.png").write_bytes(imagecodecs.png_encode(classes))
    table = {"mode": "instance", "class_mask": ["inst/", "class/"], "stuff": "sea",
             "categories": {"7": "car", "8": "bus", "9": "sea"}}  # fmt: skip
    labels, problems = read(tmp_path, instances, name="inst/inst.png", **table)
    assert shown(labels) == [("car", (0, 0, 3, 2)), ("id 4", (0, 5, 1, 6))]
    assert [(p.code, p.where) for p in problems] == [("unknown-class", "instance 3")]
    with pytest.raises(AnnotationError, match=r"expected the size of class/inst\.png"):
        read(tmp_path, instances[:4], name="inst/inst.png", **table)
    with pytest.raises(AnnotationError, match=r"class/none\.png: cannot be read"):
        read(tmp_path, instances, name="inst/none.png", **table)


def test_colours_with_tolerance(tmp_path):
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[1:3, 1:3] = (216, 82, 24)
    mask[5:7, 5:7] = (214, 84, 25)
    mask[0, 7] = (9, 9, 200)
    table = {"mode": "colour", "categories": {"#d85218": "ship"}}
    labels, problems = read(tmp_path, mask, **table)
    assert shown(labels) == [("ship", (1, 1, 3, 3))]
    assert problems[0].message.startswith("5 pixels of no category's colour")
    labels, problems = read(tmp_path, mask, **table, colour_tolerance=2)
    assert shown(labels) == [("ship", (1, 1, 3, 3)), ("ship", (5, 5, 7, 7))]
    assert problems[0].message.startswith("1 pixels of no")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"mode": "class"}, "categories: needed"),
        ({"categories": {"1": "a"}}, "categories: needed"),
        ({"mode": "class", "categories": {"a": "b"}}, "expected a whole number"),
        ({"mode": "colour", "categories": {"red": "b"}}, "expected #rrggbb"),
        ({"mode": "class", "categories": {"1": "b"}, "stuff": "c"}, "stuff: 'c'"),
        ({"class_mask": ["a", "b"], "categories": {"1": "b"}}, "with mode instance"),
    ],
)
def test_wrong_options(table, message):
    with pytest.raises(SourceError, match=message):
        READER.parse_options(table, "here")


@pytest.mark.dumps
def test_colour_coded_masks_of_massmind(dumps):
    paths = sorted((dumps / "massmind").rglob("*_semantic_colored.png"))
    if not paths:
        pytest.skip("no massmind among the real dumps")
    assert len(paths) == 5
    for path in paths:
        pixels = decode_image(path, channels="opaque").reshape(-1, 3)
        colours, counts = np.unique(pixels, axis=0, return_counts=True)
        names = {f"#{r:02x}{g:02x}{b:02x}": f"c{r}-{g}-{b}" for r, g, b in colours.tolist()}
        options = READER.parse_options(
            {"mode": "colour", "categories": names, "stuff": list(names.values())}, "test"
        )
        file = LabelFile(path.parent, path.name, {"stem": path.stem})
        problems = []
        (labels,) = READER.read(file, options, problems.append)
        assert not problems
        assert labels.objects == []
        assert set(labels.attributes["classes"].split(",")) == set(names.values())
        # Without one of the colours its pixels, and no others, are reported.
        last = f"#{''.join(f'{v:02x}' for v in colours[-1].tolist())}"
        fewer = {colour: name for colour, name in names.items() if colour != last}
        options = READER.parse_options({"mode": "colour", "categories": fewer}, "test")
        READER.read(file, options, problems.append)
        found = [p for p in problems if p.code == "unknown-class"]
        assert [p.message.split()[0] for p in found] == [str(counts[-1])]
