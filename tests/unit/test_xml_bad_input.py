"""XML from strangers: refused with file and line, in little memory, and the rest is still read."""

from __future__ import annotations

import tracemalloc

import pytest
from dump_trees import codes, llvip

from irtd_fast import catalog
from irtd_fast.errors import AnnotationError
from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile
from irtd_fast.scan import scan

READER = READERS["xml_objects"]
LAUGHS = "<!DOCTYPE lolz [\n" + "\n".join(
    f'<!ENTITY lol{i} "{f"&lol{i - 1};" * 10}">' for i in range(1, 10)
)
LONG = f'<!DOCTYPE a [<!ENTITY b "{"x" * 100_000}">]>'
QUADRATIC = f"{LONG}<annotation>{'&b;' * 100_000}</annotation>"
EXTERNAL = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotation><object><name>&x;</name></object></annotation>"""
BAD = {
    "billion laughs": (LAUGHS + "]>\n<annotation>&lol9;</annotation>", "line 1: a DOCTYPE"),
    "quadratic": (QUADRATIC, "line 1: a DOCTYPE"),
    "external": (EXTERNAL, "line 2: a DOCTYPE"),
    "parameter entity": ('\n\n<!ENTITY % p "x"><annotation/>', "line 3: a DOCTYPE"),
    "utf-16": ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>'.encode("utf-16"), "a DOCTYPE"),
    "undeclared entity": ("<annotation>\n&x;</annotation>", "line 2: not well-formed"),
    "deep": ("<annotation>" + "<a>" * 64 + "</a>" * 64 + "</annotation>", "at most 64 levels"),
    "very deep": ("<annotation>" + "<a>" * 100_000, "not well-formed"),
    "not utf-8": (b"<annotation>\n<object>\xff</object></annotation>", "line 2: not well-formed"),
    "binary": (bytes(range(256)), "expected XML"),
    "another root": ("<html>\n</html>", "expected <annotation>, found <html>"),
    "empty": ("", "expected XML"),
    "cut": ("<annotation>\n<object>", "line 2: not well-formed"),
}


def read(tmp_path, text, **table):
    (tmp_path / "a.xml").write_bytes(text if isinstance(text, bytes) else text.encode())
    file = LabelFile(tmp_path, "a.xml", {"stem": "a"})
    options = READER.parse_options(table, "test")
    assert list(READER.read_many([file], options)) == [None]
    return READER.read(file, options, lambda problem: None)


@pytest.mark.parametrize("scope", ["per_image", "per_sequence"])
@pytest.mark.parametrize("case", BAD)
def test_refused_with_file_and_line(tmp_path, case, scope):
    text, message = BAD[case]
    if scope == "per_sequence" and case == "another root":
        pytest.skip("a sequence may have any root")
    with pytest.raises(AnnotationError, match=message) as caught:
        read(tmp_path, text, scope=scope)
    assert caught.value.where["path"] == "a.xml"
    assert caught.value.where["line"] >= 1


def test_a_large_file_is_refused_unread(tmp_path):
    with (tmp_path / "a.xml").open("wb") as stream:
        stream.truncate(1_000_000_000)  # takes no room on the disk
    file = LabelFile(tmp_path, "a.xml", {"stem": "a"})
    options = READER.parse_options({}, "test")
    tracemalloc.start()
    try:
        assert list(READER.read_many([file], options)) == [None]
        with pytest.raises(AnnotationError, match=r"expected at most 16 MB .*found 1000"):
            READER.read(file, options, None)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_sixty_four_levels_are_read(tmp_path):
    text = "<annotation>" + "<a>" * 63 + "</a>" * 63 + "</annotation>"
    (tmp_path / "a.xml").write_text(text)
    file = LabelFile(tmp_path, "a.xml", {"stem": "a"})
    (labels,) = READER.read(file, READER.parse_options({}, "test"), None)
    assert labels.objects == []


def test_the_rest_of_the_dump_is_still_read(tmp_path):
    stems = [f"0100{i:02d}" for i in range(len(BAD) + 2)]
    llvip(tmp_path, stems=stems)
    for stem, (text, _) in zip(stems, BAD.values(), strict=False):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / f"LLVIP/Annotations/{stem}.xml").write_bytes(data)
    manifest = scan(tmp_path, catalog.get("llvip"))
    assert len(manifest.samples) == len(stems)
    assert codes(manifest).count("unreadable-labels") == len(BAD)
    bad = [p for p in manifest.problems if p.code == "unreadable-labels"]
    assert all(p.where.startswith("line ") for p in bad)
    assert {p.sample for p in bad} == set(stems[: len(BAD)])
    assert all(sample.objects for sample in manifest.samples[len(BAD) :])
