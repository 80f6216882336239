"""XML labels: every geometry, every flag, and files that are refused."""

from __future__ import annotations

import math

import pytest

from irtd_fast.errors import AnnotationError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile, corner_hull, rotated_corners, stem_of
from irtd_fast.types import ObjectFlag

READER = READERS["xml_objects"]


def read(tmp_path, text, **table):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "a.xml").write_bytes(data)
    problems = []
    file = LabelFile(tmp_path, "a.xml", {"stem": "a"})
    labels = READER.read(file, READER.parse_options(table, "test"), problems.append)
    assert len(labels) == 1
    assert labels[0].path == "a.xml"
    assert labels[0].key == {"stem": "a"}
    return labels[0], problems


def annotation(*objects, size="<size><width>64</width><height>48</height></size>"):
    body = "\n".join(f"<object>{item}</object>" for item in objects)
    return f"<annotation>\n{size}\n{body}\n</annotation>\n"


def bndbox(*values, tags=("xmin", "ymin", "xmax", "ymax"), name="car", extra=""):
    inner = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(tags, values, strict=True))
    return f"<name>{name}</name>{extra}<bndbox>{inner}</bndbox>"


def test_bndbox_conventions(tmp_path):
    text = annotation(bndbox(3, 4, 10, 12))
    for base, inclusive, expected in [
        (0, False, (3, 4, 10, 12)),
        (0, True, (3, 4, 11, 13)),
        (1, False, (2, 3, 9, 11)),
        (1, True, (2, 3, 10, 12)),
    ]:
        labels, problems = read(tmp_path, text, base=base, inclusive=inclusive)
        assert labels.objects[0].box == expected
        assert not problems
    assert labels.size == (48, 64)
    assert labels.objects[0].category == "car"


def test_bndbox_spelt_x_y_w_h(tmp_path):
    labels, _ = read(tmp_path, annotation(bndbox(467, 199, 20, 39, tags="xywh")))
    assert labels.objects[0].box == (467, 199, 487, 238)
    labels, _ = read(tmp_path, annotation(bndbox(467, 199, 20, 39, tags="xywh")), base=1)
    assert labels.objects[0].box == (466, 198, 486, 237)


def test_polygon(tmp_path):
    values = (1, 2, 9, 3, 8, 7, 2, 6)
    tags = [f"{axis}{i}" for i in range(1, 5) for axis in "xy"]
    inner = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(tags, values, strict=True))
    labels, _ = read(
        tmp_path, annotation(f"<name>bus</name><polygon>{inner}</polygon>"), geometry=["polygon"]
    )
    assert labels.objects[0].corners == values
    assert labels.objects[0].box == (1, 2, 9, 7)


def test_robndbox_gives_corners_and_hull(tmp_path):
    turned = "<cx>20</cx><cy>10</cy><w>8</w><h>4</h><angle>1.5707963267948966</angle>"
    text = annotation(f"<name>car</name><robndbox>{turned}</robndbox>")
    labels, _ = read(tmp_path, text, geometry="robndbox")
    assert labels.objects[0].box == pytest.approx((18, 6, 22, 14))
    # Clockwise on the screen: the top-left corner goes to the top right.
    assert labels.objects[0].corners == pytest.approx((22, 6, 22, 14, 18, 14, 18, 6))


def test_negative_robndbox_is_not_hidden_by_its_hull(tmp_path):
    turned = "<cx>20</cx><cy>10</cy><w>-8</w><h>4</h><angle>0</angle>"
    text = annotation(f"<name>car</name><robndbox>{turned}</robndbox>")
    labels, _ = read(tmp_path, text, geometry="robndbox")
    x0, _, x1, _ = labels.objects[0].box
    assert x1 < x0


def test_points(tmp_path):
    text = annotation("<name>head</name><point><x>3</x><y>4</y></point>")
    labels, _ = read(tmp_path, text, geometry=["point"])
    assert (labels.objects[0].point, labels.objects[0].box) == ((3, 4), None)
    text = annotation("<name>t</name><centroid><yc>4.5</yc><xc>3</xc></centroid>")
    labels, _ = read(tmp_path, text, geometry=["centroid"], base=1, points="index")
    assert labels.objects[0].point == (2.5, 4.0)


def test_first_listed_geometry_wins(tmp_path):
    both = bndbox(1, 2, 3, 4) + "<point><x>9</x><y>9</y></point>"
    labels, _ = read(tmp_path, annotation(both), geometry=["point", "bndbox"])
    assert labels.objects[0].point == (9, 9)


def test_flags_and_track(tmp_path):
    extra = (
        "<truncated>1</truncated><difficult>0</difficult><occluded>2</occluded><trackid>7</trackid>"
    )
    labels, problems = read(tmp_path, annotation(bndbox(1, 2, 3, 4, extra=extra)))
    assert labels.objects[0].flags == ObjectFlag.TRUNCATED | ObjectFlag.OCCLUDED
    assert labels.objects[0].track == 7
    assert not problems


def test_unreadable_flag_and_track_are_reported_and_the_object_kept(tmp_path):
    extra = "<difficult>maybe</difficult><trackid>x</trackid>"
    labels, problems = read(tmp_path, annotation(bndbox(1, 2, 3, 4, extra=extra)))
    assert len(labels.objects) == 1
    assert labels.objects[0].track == -1
    assert sorted(problem.code for problem in problems) == ["bad-flag", "bad-number"]


def test_bad_number_names_the_line_and_reading_goes_on(tmp_path):
    text = annotation(bndbox(1, "two", 3, 4), bndbox(5, 6, 7, 8))
    labels, problems = read(tmp_path, text)
    assert [item.box for item in labels.objects] == [(5, 6, 7, 8)]
    assert [(p.code, p.path, p.where, p.action) for p in problems] == [
        ("bad-number", "a.xml", "line 3", "object left out")
    ]
    assert "'two'" in problems[0].message


def test_nan_passes_to_the_box_policy(tmp_path):
    labels, problems = read(tmp_path, annotation(bndbox(1, "nan", 3, 4)))
    assert math.isnan(labels.objects[0].box[1])
    assert not problems


def test_object_without_geometry(tmp_path):
    text = annotation("<name>Target</name><pixels><id>0</id></pixels>")
    labels, problems = read(tmp_path, text)
    assert not labels.objects
    assert [problem.code for problem in problems] == ["object-without-geometry"]
    labels, problems = read(tmp_path, text, placeholder="pixels/id")
    assert not labels.objects
    assert not problems


def test_size_zero_or_absent_is_unknown(tmp_path):
    labels, _ = read(tmp_path, annotation(size="<size><width>0</width><height>0</height></size>"))
    assert labels.size is None
    labels, _ = read(tmp_path, annotation(size=""))
    assert labels.size is None


BOMB = """<?xml version="1.0"?>
<!DOCTYPE annotation [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<annotation><object><name>&b;</name></object></annotation>"""
REFUSED = [
    (BOMB, "line 2: a DOCTYPE is refused"),
    (BOMB.replace("DOCTYPE", "doctype"), "a DOCTYPE is refused"),
    (BOMB.encode("utf-16"), "a DOCTYPE is refused"),
    (b"\xef\xbb\xbf" + BOMB.encode(), "a DOCTYPE is refused"),
    (BOMB.encode("utf-16-le"), "expected XML in UTF-8"),
    (BOMB.encode("cp037"), "expected XML in UTF-8"),
    ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><annotation/>', "a DOCTYPE is refused"),
    ("<annotation>\n<object>\n</annotation>", "line 3: not well-formed XML"),
    ("", "line 1: expected XML"),
    ("<html></html>", "expected <annotation>, found <html>"),
    ("version https://git-lfs.github.com/spec/v1\n", "line 1: expected XML"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused_files_name_path_and_line(tmp_path, text, message):
    with pytest.raises(AnnotationError, match=message) as caught:
        read(tmp_path, text)
    assert caught.value.where["path"] == "a.xml"
    assert caught.value.where["line"] >= 1


def test_doctype_in_an_encoding_that_hides_it_is_refused(tmp_path):
    head = b'<?xml version="1.0" encoding="UTF-7"?>'
    text = head + b'+ADw-!DOCTYPE annotation +AFs-+ADw-!ENTITY a "b"+AD4-+AF0-+AD4-<annotation/>'
    with pytest.raises(AnnotationError, match=r"DOCTYPE|not well-formed"):
        read(tmp_path, text)


def test_unreadable_file(tmp_path):
    file = LabelFile(tmp_path, "absent.xml", {})
    with pytest.raises(AnnotationError, match=r"absent\.xml: cannot be read: No such file"):
        READER.read(file, READER.options(), [].append)


@pytest.mark.parametrize("angle", [0.0, 0.3, -1.2, 3.0])
def test_rotated_corners_match_a_rotation_matrix(angle):
    cos, sin = math.cos(angle), math.sin(angle)
    local = [(-3, -1), (3, -1), (3, 1), (-3, 1)]
    expected = [v for u, w in local for v in (5 + u * cos - w * sin, 7 + u * sin + w * cos)]
    corners = rotated_corners(5, 7, 6, 2, angle)
    assert corners == pytest.approx(expected)
    x0, y0, x1, y1 = corner_hull(corners)
    assert x1 - x0 == pytest.approx(abs(6 * cos) + abs(2 * sin))
    assert y1 - y0 == pytest.approx(abs(6 * sin) + abs(2 * cos))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a/b.jpg", "b"),
        ("F13_0000_70.095.JPG", "F13_0000_70.095"),
        ("set06/V001/I00459", "I00459"),
        ("thermal_8_bit/FLIR_00001.jpeg", "FLIR_00001"),
        ("C:\\x\\y.png", "y"),
        ("v1.5", "v1.5"),
    ],
)
def test_stem_of(name, stem):
    assert stem_of(name) == stem
