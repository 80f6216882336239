"""Text labels: the publishers' own lines (spec of the sources, section 2) read as they say."""

from __future__ import annotations

import numpy as np
import pytest

from irtd_fast.errors import AnnotationError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile
from irtd_fast.types import ObjectFlag

READER = READERS["text_rows"]
XYWH = ["x", "y", "w", "h"]
BBGT = ["category", "x", "y", "w", "h", "occluded", "-", "-", "-", "-", "ignore", "-"]
VEDAI = [
    "@stem", "-", "-", "-", "x1", "x2", "x3", "x4", "y1", "y2", "y3", "y4", "category", "-",
    "occluded",
]  # fmt: skip


def read(tmp_path, data, *, groups=None, **table):
    (tmp_path / "a.txt").write_bytes(data if isinstance(data, bytes) else data.encode())
    problems = []
    file = LabelFile(tmp_path, "a.txt", groups or {"stem": "a"})
    labels = READER.read(file, READER.parse_options(table, "test"), problems.append)
    return labels, problems


def boxes(labels):
    return [item.box for item in labels.objects]


def test_yolo_rows_separated_by_tabs_with_classes_from_one(tmp_path):
    labels, problems = read(
        tmp_path, "1\t0.25651\t0.42535\t0.020833\t0.034722\n", normalised=True, names=["target"],
        class_base=1,
    )  # fmt: skip
    (found,) = labels
    assert not problems
    assert found.reference == (1, 1)
    assert found.objects[0].category == "target"
    x0, y0, x1, y1 = found.objects[0].box
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((0.25651, 0.42535))
    assert (x1 - x0, y1 - y0) == pytest.approx((0.020833, 0.034722))


def test_yolo_class_out_of_range_is_marked(tmp_path):
    labels, problems = read(tmp_path, "7 .5 .5 .1 .1\n", normalised=True, names=["a", "b"])
    assert labels[0].objects[0].category == "id 7"
    assert [(p.code, p.where) for p in problems] == [("unknown-category-id", "line 1")]


def test_an_empty_file_is_a_picture_without_objects(tmp_path):
    for data in (b"", b"\n\n", b"\xef\xbb\xbf\r\n"):
        labels, problems = read(tmp_path, data)
        assert (len(labels), labels[0].objects, problems) == (1, [], [])


def test_bbgt_with_header_and_twelve_columns(tmp_path):
    text = (
        "% bbGt version=3\nperson 467 199 20 39 0 0 0 0 0 0 0\npeople 1 2 3 4 2 1 1 1 1 1 0\n"
        "person?a 5 6 7 8 0 0 0 0 0 0 0\n"
    )
    labels, problems = read(tmp_path, text, columns=BBGT)
    assert not problems
    assert boxes(labels[0]) == [(467, 199, 487, 238), (1, 2, 4, 6), (5, 6, 12, 14)]
    assert [item.category for item in labels[0].objects] == ["person", "people", "person?a"]
    assert [item.flags for item in labels[0].objects] == [
        0, ObjectFlag.OCCLUDED | ObjectFlag.IGNORE, 0,
    ]  # fmt: skip
    assert [item.where for item in labels[0].objects] == ["line 2", "line 3", "line 4"]


def test_vedai_table_has_the_xs_before_the_ys_and_ids_without_zeros(tmp_path):
    text = (
        "15 20 30 0.5 10 30 30 10 20 20 40 40 1 1 0\n15 5 5 0 1 9 9 1 2 2 8 8 23 1 1\n"
        "7 1 1 0 0 2 2 0 0 0 2 2 31 0 0\n"
    )
    labels, problems = read(
        tmp_path, text, groups={"size": "512"}, scope="per_dataset", columns=VEDAI, zfill=8,
        categories={"1": "car", "23": "boat", "31": "plane"},
    )  # fmt: skip
    assert not problems
    assert [found.key for found in labels] == [
        {"size": "512", "stem": "00000015"}, {"size": "512", "stem": "00000007"},
    ]  # fmt: skip
    assert boxes(labels[0]) == [(10, 20, 30, 40), (1, 2, 9, 8)]
    assert labels[0].objects[0].corners == (10, 20, 30, 20, 30, 40, 10, 40)
    assert [item.category for item in labels[0].objects] == ["car", "boat"]
    assert [item.flags for item in labels[0].objects] == [0, ObjectFlag.OCCLUDED]


def sequence(tmp_path, data, **table):
    table = {"scope": "per_sequence", "columns": XYWH, **table}
    return read(tmp_path, data, groups={"sequence": "s"}, **table)


def test_rgbt234_crlf_and_blank_tails(tmp_path):
    rows, problems = sequence(
        tmp_path, "147,53,24,45\r\n" * 3 + "\r\n" * 12, frames="rank", first=0
    )
    assert not problems
    assert [labels.key for labels in rows] == [
        {"sequence": "s", "rank": str(k)} for k in range(3)
    ]  # fmt: skip
    assert boxes(rows[2]) == [(147, 53, 171, 98)]
    assert rows[0].where == "line 1"


def test_matlab_base(tmp_path):
    rows, _ = sequence(tmp_path, "757,681,103,35", base=1)
    assert boxes(rows[0]) == [(756, 680, 859, 715)]
    assert rows[0].key["frame"] == "1"


def test_gtot_corners_and_lists_in_one_folder(tmp_path):
    rows, _ = sequence(tmp_path, "210 155 314 214\n", columns=["xmin", "ymin", "xmax", "ymax"])
    assert boxes(rows[0]) == [(210, 155, 314, 214)]
    rows, _ = sequence(tmp_path, "209\t155\t100\t63\r\n")
    assert boxes(rows[0]) == [(209, 155, 309, 218)]


def test_eight_corner_rows(tmp_path):
    columns = ["x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4"]
    rows, _ = sequence(
        tmp_path, "1,2,9,2,9,8,1,8\n0,0,0,0,0,0,0,0\n", columns=columns, absent="zeros"
    )
    assert rows[0].objects[0].corners == (1, 2, 9, 2, 9, 8, 1, 8)
    assert boxes(rows[0]) == [(1, 2, 9, 8)]
    assert rows[1].attributes == {"infrared_target": "absent"}


def test_vtuav_row_k_is_frame_ten_k(tmp_path):
    rows, problems = sequence(
        tmp_path, "582 88 67 80\n587 106 67 68\n593 107 62 75\n\n", first=0, stride=10
    )
    assert not problems
    assert rows.numbers().tolist() == [0, 10, 20]
    assert rows.at(10) == rows[1]
    assert rows.at(15) is None
    assert rows.at(30) is None
    assert rows.at(-10) is None
    assert boxes(rows[1]) == [(587, 106, 654, 174)]


@pytest.mark.parametrize(
    ("rows", "pictures", "settled"),
    [(11, 101, True), (5, 5, True), (2, 5, False), (1, 9, True), (4, 3, False), (10, 91, True),
     (1, 1, True), (100, 10_000, False), (3, 20, False), (7, 0, False)],
)  # fmt: skip
def test_stride_from_counts_or_refusal(tmp_path, rows, pictures, settled):
    found, _ = sequence(tmp_path, "1 2 3 4\n" * rows, first=0, stride=0, frames="rank")
    strides = range(1, pictures + 1)
    possible = {tuple(range(0, pictures, s)) for s in strides if len(range(0, pictures, s)) == rows}
    assert (len(possible) == 1) == settled
    assert found.settle(pictures) == settled
    if settled:
        assert tuple(found.numbers().tolist()) == possible.pop()


@pytest.mark.parametrize(
    ("rows", "pictures", "stride"),
    [(3, 23, 10), (23, 23, 1), (1, 7, 10), (1, 1, 10), (10, 91, 10), (10, 50, 0), (46, 23, 0),
     (12, 23, 0), (0, 5, 0)],
)  # fmt: skip
def test_stride_from_a_choice_of_two(tmp_path, rows, pictures, stride):
    """A sequence that was cut short fits 5, say; that is no stride of the publisher's."""
    options = {"first": 0, "stride": 0, "strides": [1, 10]}
    found, _ = sequence(tmp_path, "1 2 3 4\n" * rows, **options)
    assert found.settle(pictures) == (stride > 0)
    assert found.stride == stride


@pytest.mark.parametrize(
    ("absent", "expected"), [("none", "oooo?"), ("zeros", "oaooa"), ("empty", "oaaaa")]
)
def test_absent_targets_by_policy(tmp_path, absent, expected):
    text = "615,359,33,67\n0,0,0,0\n10,10,0,5\n3,4,5,-1\nnan,nan,nan,nan\n"
    rows, problems = sequence(tmp_path, text, absent=absent, modality="visible")
    by_frame = {labels.key["frame"]: labels for labels in rows}
    found = ""
    for frame in "12345":
        labels = by_frame.get(frame)
        if labels is None:
            found += "?"
        elif labels.objects:
            found += "o"
            assert not labels.attributes
        else:
            found += "a"
            assert labels.attributes == {"visible_target": "absent"}
    assert found == expected
    assert [p.where for p in problems] == (["line 5"] if absent == "none" else [])


@pytest.mark.parametrize("columns", [XYWH, ["xmin", "ymin", "xmax", "ymax"],
                                     ["y1", "x1", "x2", "y2", "x3", "y3", "y4", "x4"]])  # fmt: skip
@pytest.mark.parametrize("absent", ["none", "zeros", "empty"])
@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("inclusive", [False, True])
def test_labels_one_by_one_are_those_of_all(tmp_path, rng, columns, absent, base, inclusive):
    numbers = rng.integers(-3, 9, (60, len(columns))) + rng.choice([0, 0.1], (60, 1))
    numbers[5], numbers[7, 1:] = 0, np.nan
    text = "\n".join(",".join(map(str, row)) for row in numbers.tolist())
    rows, _ = sequence(
        tmp_path, text, columns=columns, absent=absent, base=base, inclusive=inclusive, first=3,
        stride=2,
    )  # fmt: skip
    every = list(rows)
    assert len(every) == len(rows) > 50
    assert every == [rows[i] for i in range(len(rows))] == rows[:]
    assert every == [rows.at(number) for number in rows.numbers().tolist()]


def test_a_bad_row_keeps_the_places_of_the_others(tmp_path):
    rows, problems = sequence(tmp_path, "1 1 1 1\nx 1 1 1\n\n1 1 1\n2 2 2 2\n")
    assert rows.numbers().tolist() == [1, 5]
    assert [(p.code, p.where) for p in problems] == [
        ("bad-row", "line 2"), ("bad-row", "line 3"), ("bad-row", "line 4"),
    ]  # fmt: skip
    assert "column 1: expected a number, found 'x'" in problems[0].message
    assert rows[-1].where == "line 5"
    assert len(rows[0:2]) == 2


def test_many_bad_rows_are_summed_up(tmp_path):
    _, problems = sequence(tmp_path, "a b c d\n" * 1000)
    assert len(problems) == 21
    assert problems[-1].message.startswith("980 further rows")
    assert problems[-1].where == "line 21"


def test_category_comes_from_the_path(tmp_path):
    (tmp_path / "a.txt").write_text("1 2 3 4\n")
    file = LabelFile(tmp_path, "a.txt", {"sequence": "airplane_H_001", "category": "airplane"})
    options = READER.parse_options(
        {"scope": "per_sequence", "columns": XYWH, "category": "thing"}, "test"
    )
    rows = READER.read(file, options, lambda problem: None)
    assert rows[0].objects[0].category == "airplane"


def test_sixteen_attributes_of_a_sequence_without_a_line_end(tmp_path):
    names = [f"+a{i:02d}" for i in range(16)]
    labels, problems = read(
        tmp_path, b"0,0,0,0,1,1,1,1,0,0,0,0,0,0,0,1", groups={"sequence": "s"}, columns=names
    )
    assert not problems
    assert labels[0].key == {"sequence": "s"}
    assert labels[0].objects == []
    assert "".join(labels[0].attributes[f"a{i:02d}"] for i in range(16)) == "0000111100000001"


def test_elpv_table_of_probabilities(tmp_path):
    text = (
        "images/cell0001.png  1.0                 mono\n"
        "images/cell0079.png  0.3333333333333333  poly\n"
    )
    labels, problems = read(
        tmp_path, text, groups={"set": "x"}, scope="per_dataset",
        columns=["image", "+label?", "+cell"],
        ranges={"functional": [0, 0.1], "unsure": [0.3, 0.7], "defective": [0.9, 1]},
    )  # fmt: skip
    assert not problems
    assert [(found.key["stem"], dict(found.attributes)) for found in labels] == [
        ("cell0001", {"label": "defective", "cell": "mono"}),
        ("cell0079", {"label": "unsure", "cell": "poly"}),
    ]


def test_mot_rows(tmp_path):
    text = (
        "1,3,10,20,30,40,1,-1,-1,-1\n1,4,11,21,30,40,1,-1,-1,-1\n2,3,12,22,30,40,1,-1,-1,-1\n"
        "2.5,3,0,0,1,1,1,1,1,1\n"
    )
    labels, problems = read(
        tmp_path, text, groups={"sequence": "s"}, scope="per_dataset",
        columns=["frame", "track", "x", "y", "w", "h", "..."],
    )  # fmt: skip
    assert [found.key for found in labels] == [
        {"sequence": "s", "frame": "1"}, {"sequence": "s", "frame": "2"},
    ]  # fmt: skip
    assert [[item.track for item in found.objects] for found in labels] == [[3, 4], [3]]
    assert [(p.where, p.message) for p in problems] == [
        ("line 4", "frame: expected a whole number, found 2.5")
    ]


def test_csv_with_header_and_quoted_cells(tmp_path):
    text = 'kind,file,x,y,note\n"big, car",a/b.v1.JPG,1.5,2,"say ""hi"""\n'
    labels, problems = read(
        tmp_path, text, groups={"split": "train"}, scope="per_dataset", header=True,
        delimiter="csv", columns=["image=file", "px=x", "py=y", "category=kind", "+note"],
    )  # fmt: skip
    assert not problems
    assert labels[0].key == {"split": "train", "stem": "b.v1"}
    assert labels[0].objects[0].category == "big, car"
    assert labels[0].objects[0].point == (1.5, 2)
    assert labels[0].attributes == {"note": 'say "hi"'}


def test_header_without_a_column_is_refused_with_its_line(tmp_path):
    with pytest.raises(AnnotationError, match="line 3: expected one column named 'y'") as caught:
        read(tmp_path, "# made by hand\n\nx z\n1 2\n", header=True, columns=["px=x", "py=y"])
    assert caught.value.where["line"] == 3


def test_conflicting_attributes_are_reported_and_the_first_is_kept(tmp_path):
    labels, problems = read(tmp_path, "day\nnight\n", columns=["+scene"])
    assert labels[0].attributes == {"scene": "day"}
    assert [(p.code, p.where) for p in problems] == [("attribute-conflict", "line 2")]


def test_names_that_do_not_fit_their_pattern(tmp_path):
    labels, problems = read(
        tmp_path, "set06/V000/I00019 day\nnonsense night\n", groups={"a": "b"},
        scope="per_dataset", columns=["image", "+scene"],
        file_name=r"(?P<set>set\d+)/(?P<sequence>V\d+)/(?P<stem>I\d+)",
    )  # fmt: skip
    assert [found.key for found in labels] == [
        {"a": "b", "set": "set06", "sequence": "V000", "stem": "I00019"}
    ]
    assert [(p.code, p.where) for p in problems] == [("bad-row", "line 2")]
