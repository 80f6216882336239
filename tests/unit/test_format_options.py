"""Options of the readers: what a record may say, and what is refused by its name."""

from __future__ import annotations

import pytest

from irtd_fast.errors import SourceError
from irtd_fast.formats.columns import parse_columns
from irtd_fast.formats.masks import MaskOptions
from irtd_fast.formats.options import parse_options
from irtd_fast.formats.path_labels import PathOptions
from irtd_fast.formats.points_json import PointOptions
from irtd_fast.formats.row_options import RowOptions
from irtd_fast.formats.xml_objects import XmlOptions

BBGT = ["category", "x", "y", "w", "h", "occluded", "-", "-", "-", "-", "ignore", "-"]
VEDAI = [
    "@stem",
    "-",
    "-",
    "-",
    "x1",
    "x2",
    "x3",
    "x4",
    "y1",
    "y2",
    "y3",
    "y4",
    "category",
    "-",
    "occluded",
]


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (RowOptions, {"names": ["car", "bus"], "class_base": 1, "normalised": True}),
        (RowOptions, {"columns": BBGT}),
        (RowOptions, {"scope": "per_dataset", "columns": VEDAI, "zfill": 8}),
        (RowOptions, {"scope": "per_sequence", "columns": ["x", "y", "w", "h"], "stride": 10}),
        (RowOptions, {"scope": "per_sequence", "columns": ["xmin", "ymin", "xmax", "ymax"]}),
        (RowOptions, {"columns": ["+label?"], "ranges": {"good": [0, 0.25]}}),
        (RowOptions, {"columns": ["category=class", "px=x", "py=y"], "header": True}),
        (PointOptions, {"key": "image_info.location", "order": "yx"}),
        (PathOptions, {"kind": "list", "columns": ["image", "+label"]}),
        (PathOptions, {"kind": "ids", "key": "identity", "value": "test", "zfill": 4}),
        (MaskOptions, {"mode": "class", "categories": {"0": "sky", "1": "car"}, "stuff": "sky"}),
        (XmlOptions, {"scope": "per_sequence", "frame_shift": -1, "reference": [512, 1024]}),
    ],
)
def test_tables_that_records_use(kind, table):
    options = parse_options(kind, table, "here")
    for name, value in table.items():
        found = getattr(options, name)
        if isinstance(found, tuple):
            assert found == (tuple(value) if isinstance(value, list) else (value,))
        elif isinstance(value, dict):
            assert {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()} == value
        else:
            assert found == value


@pytest.mark.parametrize(
    ("kind", "table", "named"),
    [
        (RowOptions, {"colums": ["x"]}, "colums: unknown key"),
        (RowOptions, {"columns": ["x", "y", "w"]}, "make no box"),
        (RowOptions, {"columns": ["x", "y", "w", "h", "x"]}, "given twice"),
        (RowOptions, {"columns": ["x", "y", "w", "h", "colour"]}, "unknown meaning 'colour'"),
        (RowOptions, {"columns": ["-"]}, "at least one column"),
        (RowOptions, {"scope": "per_dataset"}, "per_dataset"),
        (RowOptions, {"columns": ["image", "px", "py"]}, "per_dataset"),
        (RowOptions, {"scope": "per_sequence"}, "per_sequence takes"),
        (RowOptions, {"scope": "per_picture"}, "scope: expected one of per_image"),
        (RowOptions, {"stride": -1}, "negative"),
        (RowOptions, {"strides": [1, 10]}, "strides: go with stride 0"),
        (RowOptions, {"stride": 0, "strides": [0, 10]}, "strides: go with stride 0"),
        (RowOptions, {"stride": 1.5}, "stride: expected int"),
        (RowOptions, {"first": True}, "first: expected int"),
        (RowOptions, {"file_name": "("}, "file_name: not a regular expression"),
        (RowOptions, {"file_name": "abc"}, "file_name: expected named groups"),
        (RowOptions, {"ranges": {"good": [0, 1]}}, "ranges: no column"),
        (RowOptions, {"ranges": {"good": [0]}}, "ranges.good: expected 2 values"),
        (RowOptions, {"names": [1]}, "names: expected str"),
        (RowOptions, {"normalised": True, "reference": [1, 2]}, "normalised"),
        (RowOptions, {"categories": "car"}, "categories: expected a table"),
        (RowOptions, {"base": True}, "base: expected one of 0, 1"),
        (XmlOptions, {"reference": [0, 5]}, "reference: expected (height, width)"),
        (XmlOptions, {"geometry": ["circle"]}, "geometry: expected one of bndbox"),
        (PathOptions, {"columns": ["image", "x", "y", "w", "h"]}, "not for labels of whole"),
        (MaskOptions, {"limit_mb": -1}, "limit_mb"),
    ],
)
def test_wrong_tables_are_refused_by_name(kind, table, named):
    with pytest.raises(SourceError) as caught:
        parse_options(kind, table, "here")
    assert str(caught.value).startswith("here.options.")
    assert named in str(caught.value)


def test_columns_with_a_header_are_found_by_name():
    columns = parse_columns(("+kind=type", "category", "px=x", "py=y", "..."), header=True)
    assert columns.roles == ("+kind", "category", "px", "py")
    assert columns.names == ("type", "category", "x", "y")
    assert columns.open_end
    assert (columns.shape, columns.starting("+")) == ("point", {"kind": 0})
