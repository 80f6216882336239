"""Pairing rules P0 to P6, list files by ids and paths, folds."""

from __future__ import annotations

import io
import json
import os
import re

import imagecodecs
import numpy as np
import pytest
import scipy.io
from dump_trees import JPEG, codes, tree

import irtd_fast
from irtd_fast import catalog
from irtd_fast.engines.ingest import ingest
from irtd_fast.errors import SourceError
from irtd_fast.scan import scan
from irtd_fast.types import SampleFlag

HEAD = """
key = "mine"
title = "Mine"
homepage = "https://example.org"
citation = "none"
licence = "none"
terms = "none"
band = "LWIR"
bit_depth = 8
registration = "unregistered"
tasks = ["location"]
[[variants]]
name = "only"
title = "for a test"
"""


def record(tmp_path, body):
    (tmp_path / "mine.toml").write_text(HEAD + body, encoding="utf-8")
    return catalog.load_file(tmp_path / "mine.toml")


def scanned(tmp_path, body, files):
    names = {name: (JPEG if data is None else data) for name, data in files.items()}
    return scan(tree(tmp_path / "dump", names), record(tmp_path, body))


def pairs(manifest):
    return {
        sample.infrared.path: sample.visible and sample.visible.path for sample in manifest.samples
    }


@pytest.mark.parametrize(
    ("infrared", "visible", "files"),
    [
        (r"ir/(?P<stem>\w+)\.jpg", r"rgb/(?P<stem>\w+)\.jpg", ("ir/a.jpg", "rgb/a.jpg")),
        (r"t/(?P<stem>\w+)\.jpeg", r"rgb/(?P<stem>\w+)\.jpg", ("t/a.jpeg", "rgb/a.jpg")),
        (r"(?P<stem>\d+)_ir\.jpg", r"(?P<stem>\d+)_co\.jpg", ("7_ir.jpg", "7_co.jpg")),
        (r"T/(?P<stem>\d+)R\.jpg", r"RGB/(?P<stem>\d+)\.jpg", ("T/1R.jpg", "RGB/1.jpg")),
    ],
)
def test_folders_extensions_and_stems(tmp_path, infrared, visible, files):
    body = f"images = [{{ infrared = '{infrared}', visible = '{visible}' }}]"
    manifest = scanned(tmp_path, body, dict.fromkeys(files))
    assert pairs(manifest) == {files[0]: files[1]}
    assert manifest.samples[0].flags & SampleFlag.UNREGISTERED
    assert manifest.problems == []


RANKED = r"""
pairing = "P6"
registration = "near"
name_template = "{sequence}/{frame}"
images = [{ infrared = '(?P<sequence>\w+)/i/(?P<frame>\d+)\.jpg', visible = '(?P<sequence>\w+)/v/\d+\.jpg' }]
"""  # noqa: E501


def test_rank_in_the_sequence(tmp_path):
    files = [f"a/i/{n}.jpg" for n in (8, 9, 10)] + [f"a/v/{n}.jpg" for n in (101, 99, 100)]
    files += ["b/i/1.jpg", "b/v/5.jpg", "b/v/6.jpg"]
    manifest = scanned(tmp_path, RANKED, dict.fromkeys(files))
    assert pairs(manifest) == {
        "a/i/8.jpg": "a/v/99.jpg", "a/i/9.jpg": "a/v/100.jpg", "a/i/10.jpg": "a/v/101.jpg",
        "b/i/1.jpg": "b/v/5.jpg",
    }  # fmt: skip
    assert not any(sample.flags & SampleFlag.UNREGISTERED for sample in manifest.samples)
    assert codes(manifest) == ["partner-without-image", "unequal-sequence"]
    (unequal,) = [p for p in manifest.problems if p.code == "unequal-sequence"]
    assert unequal.message == "1 infrared and 2 visible pictures in a sequence"


def test_ranks_do_not_depend_on_sampling(tmp_path):
    files = [f"a/i/{n}.jpg" for n in range(9)] + [f"a/v/{n}.jpg" for n in range(50, 59)]
    root = tree(tmp_path / "dump", dict.fromkeys(files, JPEG))
    manifest = scan(root, record(tmp_path, RANKED), sampling=catalog.Sampling(every=4))
    assert pairs(manifest) == {
        "a/i/0.jpg": "a/v/50.jpg", "a/i/4.jpg": "a/v/54.jpg", "a/i/8.jpg": "a/v/58.jpg",
    }  # fmt: skip
    assert manifest.problems == []


MAPPED = r"""
pairing = "P5"
pairing_file = 'map\.json'
images = [{ infrared = 't/(?P<stem>[^/]+)\.jpg', visible = 'rgb/(?P<stem>[^/]+)\.jpg', visible_optional = true }]
"""  # noqa: E501


def test_mapping_file(tmp_path):
    mapping = {"v1.jpg": "t9.jpg", "v2.jpg": "t8.jpg", "gone.jpg": "t7.jpg", "v3.jpg": "none.jpg"}
    files = dict.fromkeys(["t/t7.jpg", "t/t8.jpg", "t/t9.jpg", "rgb/v1.jpg", "rgb/v2.jpg"])
    manifest = scanned(tmp_path, MAPPED, {**files, "map.json": json.dumps(mapping)})
    assert pairs(manifest) == {
        "t/t7.jpg": None, "t/t8.jpg": "rgb/v2.jpg", "t/t9.jpg": "rgb/v1.jpg",
    }  # fmt: skip
    assert codes(manifest) == ["pair-without-image", "pair-without-image"]
    assert "1 samples have no visible partner, as published" in manifest.notes


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 1}', "[" * 100_000])
def test_mapping_file_that_is_none(tmp_path, text):
    files = {"t/a.jpg": None, "rgb/a.jpg": None, "map.json": text}
    manifest = scanned(tmp_path, MAPPED, files)
    assert pairs(manifest) == {"t/a.jpg": None}
    assert codes(manifest) == ["unreadable-pairing"]


def test_mapping_file_and_rule_belong_together(tmp_path):
    body = "pairing = \"P5\"\nimages = [{ infrared = '(?P<stem>.)', visible = '(?P<stem>.)' }]"
    with pytest.raises(SourceError, match="pairing_file: goes with pairing P5"):
        record(tmp_path, body)


ALPHA = r"""
pairing = "P4"
channels = "alpha"
registration = "registered"
images = [{ infrared = 'images/(?P<stem>\w+)\.png' }]
"""


def test_alpha_is_the_infrared_picture_and_the_colours_are_its_partner(tmp_path):
    rng = np.random.default_rng(5)
    rgba = rng.integers(0, 256, (20, 30, 4), np.uint8)
    files = {
        "images/1D.png": imagecodecs.png_encode(rgba),
        "images/2D.png": imagecodecs.png_encode(np.ascontiguousarray(rgba[..., :3])),
    }
    manifest = scanned(tmp_path, ALPHA, files)
    assert pairs(manifest) == {"images/1D.png": "images/1D.png"}
    assert codes(manifest) == ["no-alpha"]
    ingest(tmp_path / "dump", tmp_path / "s.zarr", source=record(tmp_path, ALPHA))
    sample = irtd_fast.open(tmp_path / "s.zarr")[0]
    np.testing.assert_array_equal(sample.infrared, rgba[..., 3])
    np.testing.assert_array_equal(sample.visible, rgba[..., :3])


IDS = r"""
split_by = "identity"
name_template = "{camera}/{identity}/{stem}"
images = [{ infrared = 'cam(?P<camera>\d)/(?P<identity>\d{4})/(?P<stem>\d{4})\.jpg' }]
[variants.split_files]
train = 'exp/train_id\.txt'
test = 'exp/test_id\.txt'
"""


def test_splits_by_identity_on_one_line(tmp_path):
    files = dict.fromkeys([f"cam{c}/{i:04d}/0001.jpg" for c in (3, 6) for i in (1, 20, 300)])
    lists = {"exp/train_id.txt": "1,300,444", "exp/test_id.txt": "\ufeff20\r\n"}
    manifest = scanned(tmp_path, IDS, {**files, **lists})
    found = {(s.camera, s.identity): s.split for s in manifest.samples}
    assert found == {
        (c, i): s for c in (3, 6) for i, s in ((1, "train"), (20, "test"), (300, "train"))
    }
    (problem,) = manifest.problems
    assert (problem.code, problem.where) == ("split-without-image", "line 1")
    assert "'444'" in problem.message


def test_splits_by_identity_of_a_mat_file(tmp_path):
    files = dict.fromkeys([f"cam{c}/{i:04d}/0001.jpg" for c in (3, 6) for i in (1, 20, 300)])
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"id": np.array([[1, 300, 444]], np.uint16)})
    lists = {"exp/train_id.mat": stream.getvalue(), "exp/test_id.txt": "20"}
    manifest = scanned(
        tmp_path, IDS.replace(r"train_id\.txt", r"train_id\.mat"), {**files, **lists}
    )
    assert {s.identity: s.split for s in manifest.samples} == {1: "train", 20: "test", 300: "train"}
    (problem,) = manifest.problems
    assert (problem.code, problem.path) == ("split-without-image", "exp/train_id.mat")
    assert problem.where == "entry 3"


@pytest.mark.parametrize(
    ("content", "where", "message"),
    [
        ("1\n2".encode("utf-16"), "line 1", "found UTF-16"),
        (b"1\n2\n\xff\n", "line 3", "expected UTF-8"),
        (b"1\n\x00", "line 2", "zero byte"),
        (b"MATLAB 5.0" + bytes(300), "", "not a MATLAB file|MATLAB"),
        (None, "", "at most 64 MB"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_and_the_rest_is_read(tmp_path, content, where, message):
    files = dict.fromkeys([f"cam3/{i:04d}/0001.jpg" for i in (1, 20)])
    lists = {"exp/train_id.txt": content or b"1", "exp/test_id.txt": "20"}
    manifest = scanned(tmp_path, IDS, {**files, **lists})
    if content is None:
        os.truncate(tmp_path / "dump/exp/train_id.txt", 10**12)  # a hole: nothing is written
        manifest = scan(tmp_path / "dump", record(tmp_path, IDS))
    assert {s.identity: s.split for s in manifest.samples} == {1: "", 20: "test"}
    (problem,) = manifest.problems
    assert (problem.code, problem.path) == ("unreadable-split-list", "exp/train_id.txt")
    assert problem.where == where
    assert re.search(message, problem.message)


PATHS = r"""
split_by = "frame_key"
name_template = "{frame_key}"
folds = 'idx/test_(?P<fold>\d+)\.txt'
images = [{ infrared = 'images/(?P<frame_key>(?P<sequence>set\d+/V\d+)/I\d+)\.jpg' }]
split_files = { test = 'imageSets/test\.txt' }
"""


def test_lists_of_paths_and_folds(tmp_path):
    files = dict.fromkeys([f"images/set0{s}/V000/I0000{i}.jpg" for s in (1, 2) for i in (1, 2)])
    lists = {
        "imageSets/test.txt": "set02/V000/I00001\nset02/V000/I00002\n",
        "idx/test_1.txt": "set01/V000/I00001.jpg 0\n",
        "idx/test_2.txt": "set01/V000/I00001.jpg 0\nset02/V000/I00002.jpg 1\n",
    }
    manifest = scanned(tmp_path, PATHS, {**files, **lists})
    assert manifest.problems == []
    assert {s.name: (s.split, s.attributes.get("folds")) for s in manifest.samples} == {
        "set01/V000/I00001": ("", "1 2"), "set01/V000/I00002": ("", None),
        "set02/V000/I00001": ("test", None), "set02/V000/I00002": ("test", "2"),
    }  # fmt: skip
    assert {s.sequence for s in manifest.samples} == {"set01/V000", "set02/V000"}
