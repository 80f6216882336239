"""What a record can ask of a scan: borders, attributes, dropped categories, frames and ranks."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from dump_trees import HEIGHT, JPEG, WIDTH, tree

import irtd_fast
from irtd_fast import catalog
from irtd_fast.engines.ingest import ingest
from irtd_fast.scan import scan
from irtd_fast.scan.drafts import Draft
from irtd_fast.scan.labels import Joiner
from irtd_fast.scan.layout import PictureSet
from irtd_fast.synth import write_dump
from irtd_fast.types import ObjectFlag, SampleFlag

HEAD = """
key = "mine"
title = "Mine"
homepage = "https://example.org"
citation = "none"
licence = "none"
terms = "none"
band = "LWIR"
bit_depth = 8
registration = "near"
tasks = ["location"]
"""


def record(tmp_path, body, head=""):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + head + body, encoding="utf-8")
    return catalog.load_file(path)


def write_png(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(image))


def voc(path, boxes, size):
    height, width = size
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin>"
        f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for name, x0, y0, x1, y1 in boxes
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    text = f"<size><width>{width}</width><height>{height}</height></size>{objects}"
    path.write_text(f"<annotation>{text}</annotation>", encoding="utf-8")


BORDERED = """
[[variants]]
name = "only"
title = "a painted border"
border = 10
images = [{ infrared = 'ir/(?P<stem>[^/]+)\\.(?:jpg|png)', visible = 'rgb/(?P<stem>[^/]+)\\.jpg' }]

[[variants.annotations]]
format = "xml_objects"
files = 'ir/(?P<stem>[^/]+)\\.xml'
"""


@pytest.fixture
def bordered(tmp_path):
    """Two pairs with a white border of 10 pixels; a gradient inside."""
    root = tmp_path / "dump"
    inside = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60) % 200
    framed = np.full((60, 80), 255, np.uint8)
    framed[10:-10, 10:-10] = inside
    write_png(root / "ir" / "1.png", framed)
    for name in ("ir/2.jpg", "rgb/1.jpg", "rgb/2.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(imagecodecs.jpeg_encode(framed, level=100))
    boxes = [
        ("car", 20, 15, 30, 25),  # inside
        ("car", 5, 20, 17, 30),  # sticks out to the left, centre 1 pixel inside
        ("car", 2, 20, 16, 30),  # centre in the border
        ("car", 0, 0, 8, 8),  # wholly in the border
    ]
    voc(root / "ir" / "1.xml", boxes, (60, 80))
    voc(root / "ir" / "2.xml", boxes[:1], (60, 80))
    return root, framed


def test_border_is_cut_off_and_boxes_are_shifted(tmp_path, bordered):
    root, _ = bordered
    manifest = scan(root, record(tmp_path, BORDERED))
    first, second = manifest.samples
    for sample in (first, second):
        for picture in (sample.infrared, sample.visible):
            assert (picture.height, picture.width, picture.border) == (40, 60, 10)
    assert [item.box for item in first.objects] == [(10, 5, 20, 15), (-5, 10, 7, 20)]
    flags = [item.flags for item in first.objects]
    assert flags == [0, int(ObjectFlag.OUT_OF_FRAME)]
    codes = sorted(problem.code for problem in manifest.problems)
    assert codes == ["out-of-frame-box", "outside-box", "outside-box"]  # and no size-mismatch


@pytest.mark.parametrize("profile", ["fast", "compact"])
def test_border_is_not_in_the_store(tmp_path, bordered, profile):
    from irtd_fast.store.plan import IngestOptions

    root, framed = bordered
    store = tmp_path / "s.zarr"
    ingest(root, store, source=record(tmp_path, BORDERED), options=IngestOptions(profile))
    inside = framed[10:-10, 10:-10]
    data = irtd_fast.open(store)
    np.testing.assert_array_equal(data[0].infrared, inside)
    jpeg = imagecodecs.jpeg_decode((root / "ir" / "2.jpg").read_bytes())
    np.testing.assert_array_equal(data[1].infrared, jpeg[10:-10, 10:-10])
    assert data[0].visible.shape[:2] == inside.shape


def test_picture_that_is_only_border_is_left_out(tmp_path, bordered):
    root, _ = bordered
    write_png(root / "ir" / "3.png", np.zeros((20, 90), np.uint8))
    manifest = scan(root, record(tmp_path, BORDERED))
    assert len(manifest.samples) == 2
    (problem,) = [p for p in manifest.problems if p.code == "only-border"]
    assert problem.path == "ir/3.png"
    assert "20 x 90" in problem.message


CLASSED = """
[[variants]]
name = "only"
title = "class folders"
name_template = "{kind}/{stem}"
images = [{ infrared = '(?P<kind>[^/]+)/(?P<depth>\\d+)m_(?P<stem>[^/]+)\\.png' }]
[[variants.annotations]]
format = "xml_objects"
files = '(?P<stem>[^/]+)\\.xml'
"""
RANGES = """
drop = ["*"]
[categories]
car = "car"
[attributes]
kind = { values = ["ice", "snow"] }
depth = { low = 1, high = 50 }
"""


def test_attributes_and_dropped_categories(tmp_path):
    root = tmp_path / "dump"
    for name in ("ice/5m_a.png", "mud/70m_b.png"):
        write_png(root / name, np.zeros((20, 20), np.uint8))
    voc(root / "a.xml", [("car", 1, 1, 5, 5), ("*", 1, 1, 5, 5)], (20, 20))
    mine = record(tmp_path, CLASSED, RANGES)
    manifest = scan(root, mine)
    assert [s.attributes for s in manifest.samples] == [
        {"kind": "ice", "depth": "5"},
        {"kind": "mud", "depth": "70"},
    ]
    assert [len(s.objects) for s in manifest.samples] == [1, 0]
    assert "1 objects of category '*' left out, as recorded" in manifest.notes
    bad = [(p.path, p.message) for p in manifest.problems if p.code == "bad-attribute"]
    assert bad == [
        ("mud/70m_b.png", "depth: expected a number from 1.0 to 50.0, found '70'"),
        ("mud/70m_b.png", "kind: expected one of ice, snow, found 'mud'"),
    ]
    store = tmp_path / "s.zarr"
    ingest(root, store, source=mine)
    data = irtd_fast.open(store)
    assert data[0].attributes == {"kind": "ice", "depth": "5"}


def test_store_of_a_source_without_attributes_has_none(tmp_path, bordered):
    ingest(bordered[0], tmp_path / "s.zarr", source=record(tmp_path, BORDERED))
    assert not (tmp_path / "s.zarr" / "mine" / "samples" / "attributes").exists()
    data = irtd_fast.open(tmp_path / "s.zarr")
    assert data[0].attributes == {}


def test_frames_are_compared_as_numbers_and_ranks_are_places():
    pictures = PictureSet(None, ("frame", "sequence"), [])
    drafts = [
        Draft(f"{sequence}/{frame}", f"{sequence}/{frame}.png", (frame, sequence), rank)
        for sequence, frames in (("a", ("0005", "0007", "10")), ("b", ("0001", "0002")))
        for rank, frame in enumerate(frames)
    ]
    joiner = Joiner([(pictures, drafts)])

    def found(**key):
        return [draft.name for draft in joiner.find(key, "x.txt")]

    assert found(sequence="a", frame="7") == ["a/0007"]
    assert found(sequence="a", frame="00010") == ["a/10"]
    assert found(sequence="a", frame="6") == []
    assert [found(sequence="a", rank=str(k)) for k in range(4)] == [
        ["a/0005"], ["a/0007"], ["a/10"], [],
    ]  # fmt: skip
    assert found(sequence="b", rank="1") == ["b/0002"]


def test_massmind_takes_both_published_forms_of_names_and_reads_numbers(tmp_path):
    classes = np.zeros((HEIGHT, WIDTH), np.uint8)  # sky
    classes[10:] = 1  # water
    classes[12:15, 3:7] = 3  # obstacle
    classes[16:18, 20:25] = 4  # living obstacle
    files = {}
    for stem in ("a00068686", "a1571161484_881385"):
        for folder, array in (("data", np.full_like(classes, 90)), ("mask", classes)):
            files[f"{folder}/{stem}.png"] = bytes(imagecodecs.png_encode(array))
    manifest = scan(tree(tmp_path, files), catalog.get("massmind"))
    assert (manifest.variant, manifest.problems) == ("official", [])
    assert [s.name for s in manifest.samples] == ["a00068686", "a1571161484_881385"]
    for sample in manifest.samples:
        assert [(o.category, o.box) for o in sample.objects] == [
            ("obstacle", (3, 12, 7, 15)), ("living obstacle", (20, 16, 25, 18)),
        ]  # fmt: skip
        assert sample.attributes["classes"] == "sky,water,obstacle,living obstacle"


def test_attributes_do_not_make_up_for_boxes(tmp_path):
    """Twelve files of RGBT234 tell of each picture; without its boxes it is unlabelled."""
    truth = write_dump(tmp_path, source="rgbt234", count=14, size=(64, 80))
    dump = catalog.get("rgbt234")
    assert scan(tmp_path, dump).problems == []
    (tmp_path / "car10/infrared.txt").unlink()
    (tmp_path / "car10/visible.txt").unlink()
    column = tmp_path / "attr_txt/FM.txt"
    other = tmp_path / "attr_txt/XX.txt"
    other.write_bytes(column.read_bytes() + b"1\r\n")
    manifest = scan(tmp_path, dump)
    lost = {s.name for s in truth if s.sequence == "car10"}
    assert {s.name for s in manifest.samples if s.flags & SampleFlag.UNLABELLED} == lost
    codes = {problem.code for problem in manifest.problems}
    assert codes == {"image-without-label", "unreadable-labels"}
    (refused,) = [p for p in manifest.problems if p.code == "unreadable-labels"]
    assert refused.path == "attr_txt/XX.txt"
    assert "has names, 2, found 3" in refused.message
    assert all(len(sample.attributes) == 12 for sample in manifest.samples)


def test_attributes_that_contradict_the_path_are_told(tmp_path):
    body = """
[[variants]]
name = "v"
title = "t"
images = [{ infrared = '(?P<kind>[a-z]+)/(?P<stem>[a-z]+)\\.jpg' }]
[[variants.annotations]]
format = "path_labels"
files = 'list\\.txt'
provides = "attributes"
options = { kind = "list", columns = ["image", "+kind"] }
"""
    tree(tmp_path / "d", {"ice/a.jpg": JPEG, "ice/b.jpg": JPEG, "list.txt": "a.jpg ice\nb.jpg wet"})
    head = '[attributes]\nkind = { values = ["ice", "wet"] }\n'
    manifest = scan(tmp_path / "d", record(tmp_path, body, head))
    (problem,) = manifest.problems
    assert (problem.code, problem.where, problem.sample) == ("attribute-conflict", "line 2", "b")
    assert problem.message == "kind: 'ice' was given before, found 'wet'"
    assert [s.attributes for s in manifest.samples] == [{"kind": "ice"}] * 2
    assert not any(s.flags & SampleFlag.UNLABELLED for s in manifest.samples)
