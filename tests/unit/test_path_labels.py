"""Labels of whole pictures: the publishers' own paths, lists and id files."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from irtd_fast.errors import AnnotationError, SourceError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile

READER = READERS["path_labels"]


def read(tmp_path, data, groups, name="list.txt", **table):
    (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    problems = []
    file = LabelFile(tmp_path, name, groups)
    labels = READER.read(file, READER.parse_options(table, "test"), problems.append)
    return labels, problems


def test_label_from_the_path_without_opening_the_file(tmp_path):
    file = LabelFile(tmp_path, "fight/v1/0001.jpg", {"label": "fight", "stem": "0001", "x": ""})
    options = READER.parse_options({"names": {"fight": "fighting"}}, "test")
    (labels,) = READER.read(file, options, None)
    assert labels.key == file.groups
    assert labels.attributes == {"label": "fighting", "stem": "0001"}


def test_regdb_list(tmp_path):
    text = "Visible/1/male_front_v_00007_1.bmp 0\nThermal/2/female_back_t_00012_2.bmp 1\n"
    pattern = r"(?P<modality>\w+)/(?P<identity>\d+)/(?P<stem>(?P<gender>\w+?)_\w+)\.bmp"
    labels, problems = read(
        tmp_path, text, {"trial": "1"}, kind="list", columns=["image", "+label"], file_name=pattern
    )
    assert not problems
    assert labels[0].key == {
        "trial": "1", "modality": "Visible", "identity": "1", "gender": "male",
        "stem": "male_front_v_00007_1",
    }  # fmt: skip
    assert [found.attributes for found in labels] == [{"label": "0"}, {"label": "1"}]


def test_llcm_list_by_stem(tmp_path):
    text = "nir/0001/0001_c01_s185535_f7010_nir.jpg 0\r\n\r\nbroken\r\n"
    labels, problems = read(tmp_path, text, {"split": "train"}, kind="list")
    assert [found.key["stem"] for found in labels] == ["0001_c01_s185535_f7010_nir"]
    assert [(p.code, p.where) for p in problems] == [("bad-row", "line 2"), ("bad-row", "line 3")]


def test_ids_on_one_line_with_commas(tmp_path):
    labels, problems = read(
        tmp_path, "6,10,17\n", {"split": "test"}, kind="ids", key="identity", zfill=4
    )
    assert not problems
    assert [found.key for found in labels] == [{"identity": i} for i in ("0006", "0010", "0017")]
    assert {found.attributes["split"] for found in labels} == {"test"}


def test_ids_of_a_mat_file(tmp_path):
    scipy.io.savemat(tmp_path / "x.mat", {"id": np.array([[3, 1, 2]], np.float64)})
    data = (tmp_path / "x.mat").read_bytes()
    labels, _ = read(tmp_path, data, {}, "test_id.mat", kind="ids", value="test")
    assert [found.key for found in labels] == [{"identity": i} for i in "312"]
    assert labels[0].where == "entry 1"


def test_doubled_ids_are_reported(tmp_path):
    labels, problems = read(tmp_path, "1,2\n1\n", {}, kind="ids", value="val")
    assert len(labels) == 2
    assert [(p.code, p.where) for p in problems] == [("duplicate-id", "line 2")]


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        ("1,2".encode("utf-16"), "found UTF-16", 1),
        (b"1\n2\n\xff\n", "expected UTF-8", 3),
        (b"1\n\x00", "zero byte", 2),
    ],
)
def test_other_encodings_are_refused_with_their_line(tmp_path, data, message, line):
    with pytest.raises(AnnotationError, match=message) as caught:
        read(tmp_path, data, {}, kind="ids", value="test")
    assert caught.value.where["line"] == line


def test_ids_need_a_value(tmp_path):
    with pytest.raises(AnnotationError, match="expected option value"):
        read(tmp_path, "1", {}, kind="ids")


ATTRIBUTES = {"kind": "values", "key": "sequence", "listed_in": "Names.txt"}


def test_values_in_the_order_of_another_list(tmp_path):
    (tmp_path / "Names.txt").write_bytes(b"car\r\nman 2\r\n\r\n")
    labels, problems = read(tmp_path, "1\r\n0\r\n", {"attribute": "FM"}, "FM.txt", **ATTRIBUTES)
    assert problems == []
    assert [(found.key, found.attributes, found.where) for found in labels] == [
        ({"sequence": "car"}, {"FM": "1"}, "line 1"),
        ({"sequence": "man 2"}, {"FM": "0"}, "line 2"),
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [("a\nb\n", "expected as many values as Names.txt has names, 2, found 1"),
     (None, "cannot be read"), ("a".encode("utf-16"), "UTF-16")],
)  # fmt: skip
def test_values_that_do_not_fit_the_list_are_refused(tmp_path, names, message):
    if names is not None:
        (tmp_path / "Names.txt").write_bytes(names if isinstance(names, bytes) else names.encode())
    with pytest.raises(AnnotationError, match=message):
        read(tmp_path, "1\n", {"attribute": "FM"}, "FM.txt", **ATTRIBUTES)


def test_a_list_outside_of_the_dump_is_not_read(tmp_path):
    (tmp_path / "secret.txt").write_text("a\n")
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump/Names.txt").symlink_to("../secret.txt")
    with pytest.raises(AnnotationError, match=r"Names\.txt: expected a file inside the dump"):
        read(tmp_path / "dump", "1\n", {"attribute": "FM"}, "FM.txt", **ATTRIBUTES)


@pytest.mark.parametrize(
    "table", [{"kind": "values"}, {"listed_in": "x"}, {"kind": "values", "listed_in": "../x"}]
)
def test_values_need_a_list_beside_them(table):
    with pytest.raises(SourceError, match="listed_in: the name of a file"):
        READER.parse_options(table, "here")
