"""One XML file for a sequence, as BU-TIV has it."""

from __future__ import annotations

import tracemalloc

from irtd_fast.formats import READERS
from irtd_fast.formats.base import LabelFile
from irtd_fast.types import ObjectFlag

READER = READERS["xml_objects"]
TEXT = """<?xml version="1.0"?>
<dataset name="marathon">
 <frame number="1"><objectlist>
  <object id="3" category="people" x1="10" y1="20" x2="30.5" y2="40"/>
  <object id="4" category="car" x1="1" y1="2" x2="3" y2="4" occluded="1"/>
 </objectlist></frame>
 <!-- nothing here -->
 <frame number="2"><objectlist/></frame>
 <frame number="3"><objectlist><object category="cyclist" x="5" y="6"/></objectlist></frame>
 <frame number="x"><objectlist/></frame>
 <frame number="4"><objectlist>
  <object x1="1"/><object id="a" category="motorcyclist" x1="1" y1="2" x2="3" y2="4"/>
 </objectlist></frame>
</dataset>
"""


def read(tmp_path, text, **table):
    (tmp_path / "a.xml").write_bytes(text.encode())
    problems = []
    file = LabelFile(tmp_path, "a.xml", {"sequence": "marathon"})
    options = READER.parse_options({"scope": "per_sequence", **table}, "test")
    return READER.read(file, options, problems.append), problems


def test_frames_join_by_their_number(tmp_path):
    labels, problems = read(tmp_path, TEXT)
    assert [found.key for found in labels] == [
        {"sequence": "marathon", "frame": str(i)} for i in (1, 2, 3, 4)
    ]
    first = labels[0].objects
    assert [(o.category, o.track, o.box, o.where) for o in first] == [
        ("people", 3, (10, 20, 30.5, 40), "line 4"), ("car", 4, (1, 2, 3, 4), "line 5"),
    ]  # fmt: skip
    assert first[1].flags == ObjectFlag.OCCLUDED
    assert labels[1].objects == []
    assert labels[2].objects[0].point == (5, 6)
    assert [(p.code, p.where) for p in problems] == [
        ("bad-number", "line 10"), ("bad-number", "line 12"), ("bad-number", "line 12"),
    ]  # fmt: skip
    assert [o.category for o in labels[3].objects] == ["motorcyclist"]


def test_frame_numbers_are_shifted_and_never_negative(tmp_path):
    labels, problems = read(tmp_path, TEXT, frame_shift=-2)
    assert [found.key["frame"] for found in labels] == ["0", "1", "2"]
    assert "give no frame" in problems[0].message


def test_memory_does_not_grow_with_the_tree(tmp_path):
    frame = '<frame number="{}"><objectlist>' + "<object x1='1'/>" * 500 + "</objectlist></frame>\n"
    text = "<dataset>" + "".join(frame.format(i) for i in range(1000)) + "</dataset>"
    count = 0

    def forget(problem):
        nonlocal count
        count += 1

    (tmp_path / "a.xml").write_text(text)
    file = LabelFile(tmp_path, "a.xml", {"sequence": "s"})
    options = READER.parse_options({"scope": "per_sequence"}, "test")
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    labels = READER.read(file, options, forget)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(labels), count) == (1000, 500_000)
    # The tree of half a million elements would take more than 100 MB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    assert peak < 6 * len(text)
