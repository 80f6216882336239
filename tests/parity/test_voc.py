"""The native VOC reader against the lxml one: equal wherever it takes a file at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irtd_fast import _core
from irtd_fast.errors import AnnotationError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile

READER = READERS["xml_objects"]
PLAIN = """<?xml version="1.0" encoding="utf-8"?>
<annotation verified="yes">
\t<folder>LLVIP</folder><filename>010001.jpg</filename>
\t<size><width>1280</width><height>1024</height><depth>1</depth></size>
\t<object><name>person</name><truncated>0</truncated><difficult>1</difficult>
\t\t<bndbox><xmin>517</xmin><ymin> 398.5 </ymin><xmax>548</xmax><ymax>476</ymax></bndbox></object>
\t<object>
\t\t<name> feright car </name><trackid>17</trackid>
\t\t<bndbox><x>1</x><y>2</y><w>3e1</w><h>4</h></bndbox></object>
\t<object><name/><occluded>2</occluded><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax>
<ymax>4</ymax><xmin>9</xmin></bndbox><bndbox><xmin>7</xmin></bndbox></object>
</annotation>
"""


def both(folder, text, **table):
    (folder / "a.xml").write_bytes(text if isinstance(text, bytes) else text.encode())
    file = LabelFile(folder, "a.xml", {"stem": "a"})
    options = READER.parse_options(table, "test")
    (fast,) = READER.read_many([file], options)
    problems = []
    try:
        full = READER.read(file, options, problems.append)
    except AnnotationError:
        full = None
    return fast, full, problems


@pytest.mark.parametrize("table", [{}, {"base": 1}, {"inclusive": True}, {"modality": "visible"}])
def test_a_plain_file_is_read_natively_and_equal(tmp_path, table):
    fast, full, problems = both(tmp_path, PLAIN, **table)
    assert not problems
    assert fast == full
    assert fast[0].size == (1024, 1280)
    assert [item.where for item in fast[0].objects] == ["line 5", "line 7", "line 10"]
    assert [item.category for item in fast[0].objects] == ["person", "feright car", ""]
    assert fast[0].objects[1].track == 17


@pytest.mark.parametrize(
    ("tag", "inner"),
    [
        ("polygon", "".join(f"<{a}{i}>{i * 3}.25</{a}{i}>" for i in range(1, 5) for a in "xy")),
        ("robndbox", "<cx>20</cx><cy>10</cy><w>8</w><h>4</h><angle>1.5707963</angle>"),
        ("robndbox", "<cx>20</cx><cy>10</cy><w>-8</w><h>4</h><angle>0</angle>"),
        ("point", "<x>3</x><y>4</y>"),
        ("centroid", "<yc>103.9</yc><xc>140.2</xc>"),
    ],
)
def test_every_geometry(tmp_path, tag, inner):
    text = f"<annotation><object><name>a</name><{tag}>{inner}</{tag}></object></annotation>"
    for points in ("edge", "index"):
        fast, full, problems = both(tmp_path, text, geometry=["bndbox", tag], points=points, base=1)
        assert not problems
        assert fast is not None
        assert fast == full


PIECES = [
    "<", ">", "/", "&", "&amp;", "<!--c-->", "<![CDATA[x]]>", "]]>", "<object>", "</object>", "\r",
    "\n", "<name>x</name>", "</bndbox>", "<bndbox>", "<size>", "nan", "-", "1e999", "_", ".", "é",
    "<difficult>yes</difficult>", "<polygon>", 'a="1"', ' b="<"', "'", "=", "<?pi?>", "\x00", "0x1",
    "<trackid>-1</trackid>", "<pixels><id>0</id></pixels>", "<size/>", "inf", " ", "xmin", "x:y",
]  # fmt: skip


@settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_changed_files_are_equal_or_left_to_lxml(tmp_path, data):
    text = PLAIN
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.sampled_from([0, 0, 1, 2, 10, 40]))
        text = text[:at] + data.draw(st.sampled_from(PIECES)) + text[at + cut :]
    fast, full, problems = both(tmp_path, text.encode(), geometry=["bndbox", "polygon"])
    if fast is not None:
        assert fast == full
        assert not problems


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_do_harm(data):
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        fast, full, _ = both(Path(folder), b"<annotation>" + data + b"</annotation>")
        assert fast is None or fast == full


def test_every_cut_of_a_file_is_left_to_lxml(tmp_path):
    text = PLAIN.rstrip()
    for end in range(len(text)):
        fast, full, _ = both(tmp_path, text[:end])
        assert fast is None
        assert full is None


def test_unreadable_and_large_files_are_none(tmp_path):
    (tmp_path / "big.xml").write_text(PLAIN + " " * 2_000_000)
    found = _core.read_plain_voc(
        [str(tmp_path / "big.xml"), str(tmp_path / "none.xml"), str(tmp_path)], ["bndbox"],
        max_bytes=1_000_000,
    )  # fmt: skip
    assert found == [None, None, None]


def test_many_files_with_threads_are_in_order(tmp_path):
    paths = []
    for i in range(300):
        paths.append(str(tmp_path / f"{i}.xml"))
        with open(paths[-1], "w") as stream:  # noqa: PTH123
            stream.write(PLAIN.replace("517", str(i)) if i % 7 else "<broken")
    one = _core.read_plain_voc(paths, ["bndbox"], threads=1)
    four = _core.read_plain_voc(paths, ["bndbox"], threads=4)
    assert one == four
    firsts = np.array([-1 if item is None else item[2][0][5] for item in one])
    assert (firsts == np.where(np.arange(300) % 7, np.arange(300), -1)).all()
