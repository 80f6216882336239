"""Sequences with one text file: rows become labels of the pictures that are there."""

from __future__ import annotations

import numpy as np
import pytest
from dump_trees import JPEG, codes, tree

from irtd_fast import catalog
from irtd_fast.catalog import Sampling
from irtd_fast.catalog.parse import parse_record
from irtd_fast.scan import scan
from irtd_fast.synth import write_dump


def record(pattern, options, **annotation):
    return parse_record(
        {
            "key": "mine", "title": "t", "homepage": "h", "citation": "c", "licence": "l",
            "terms": "t", "band": "LWIR", "bit_depth": 8, "registration": "unpaired",
            "tasks": ["recognition"],
            "variants": [{
                "name": "v", "title": "t", "images": [{"infrared": pattern}],
                "name_template": "{sequence}-{frame}",
                "annotations": [{
                    "format": "text_rows", "files": r"(?P<sequence>\w+)/ir\.txt",
                    "options": {"scope": "per_sequence", "columns": ["x", "y", "w", "h"],
                                **options},
                    **annotation,
                }],
            }],
        },
        "test",
    )  # fmt: skip


PATTERN = r"(?P<sequence>\w+)/ir/(?P<frame>\d+)\.jpg"


def dump(root, frames, rows, sequence="walk"):
    files = {f"{sequence}/ir/{frame:04d}.jpg": JPEG for frame in frames}
    files[f"{sequence}/ir.txt"] = "".join(f"{k % 20},2,3,4\n" for k in range(rows)).encode()
    tree(root, files)


def first_x(manifest):
    return {s.name: s.objects[0].box[0] if s.objects else None for s in manifest.samples}


def test_rows_join_by_frame_number(tmp_path):
    dump(tmp_path, range(1, 5), 4)
    manifest = scan(tmp_path, record(PATTERN, {}))
    assert manifest.problems == []
    assert first_x(manifest) == {f"walk-000{k + 1}": k for k in range(4)}


def test_rows_join_by_rank_where_numbers_have_gaps(tmp_path):
    dump(tmp_path, (7, 9, 100, 1000), 4)
    manifest = scan(tmp_path, record(PATTERN, {"frames": "rank", "first": 0}))
    assert manifest.problems == []
    assert list(first_x(manifest).values()) == [0, 1, 2, 3]


def test_every_tenth_picture_has_a_row(tmp_path):
    dump(tmp_path, range(101), 11)
    options = {"first": 0, "stride": 10}
    manifest = scan(tmp_path, record(PATTERN, options, sparse=True))
    assert manifest.problems == []
    found = {name: x for name, x in first_x(manifest).items() if x is not None}
    assert found == {f"walk-{10 * k:04d}": k for k in range(11)}
    derived = scan(tmp_path, record(PATTERN, {**options, "stride": 0}, sparse=True))
    assert first_x(derived) == first_x(manifest)
    assert derived.problems == []


def test_a_stride_that_counts_do_not_give_is_refused(tmp_path):
    dump(tmp_path, range(20), 3)
    manifest = scan(tmp_path, record(PATTERN, {"first": 0, "stride": 0}, sparse=True))
    assert codes(manifest) == ["unclear-stride"]
    assert manifest.problems[0].message == "3 rows for 20 pictures do not give one stride"
    assert not any(sample.objects for sample in manifest.samples)


def test_long_sequences_of_vtuav_by_their_counts(tmp_path):
    """Rows of every tenth frame, of every frame, and of a sequence that was cut short."""
    truth = write_dump(tmp_path, source="vtuav", variant="long", count=69, size=(64, 80))
    every = tmp_path / "test_LT_001/elebike_003/ir.txt"
    every.write_text("".join(f"{k},2,3,4\n" for k in range(23)))
    for frame in range(15, 23):
        for side in ("ir", "rgb"):
            (tmp_path / f"test_LT_001/pedestrian_002/{side}/{frame:06d}.jpg").unlink()
    manifest = scan(tmp_path, catalog.get("vtuav"), sampling=Sampling())
    assert manifest.variant == "long"
    refused = [p for p in manifest.problems if p.code == "unclear-stride"]
    assert [p.path for p in refused] == [
        f"test_LT_001/pedestrian_002/{name}.txt" for name in ("ir", "rgb")
    ]
    assert refused[0].message == "3 rows for 15 pictures do not give one stride"
    infrared = {
        s.name: s.objects[0].box for s in manifest.samples
        if s.objects and s.objects[0].modality == "infrared"
    }  # fmt: skip
    bus = {s.name: s.objects[0].box for s in truth if s.sequence == "bus_001" and s.objects}
    assert {name: box for name, box in infrared.items() if name.startswith("bus")} == bus
    assert len(bus) == 2  # the target is away in one of three
    rest = {name: box for name, box in infrared.items() if not name.startswith("bus")}
    assert rest == {f"elebike_003/{k:06d}": (k, 2, k + 3, 6) for k in range(23)}


def test_rows_without_pictures_are_one_problem_and_pictures_without_rows_many(tmp_path):
    dump(tmp_path, range(3, 7), 5)
    manifest = scan(tmp_path, record(PATTERN, {}))
    assert codes(manifest) == ["image-without-label", "label-without-image"]
    problem = next(p for p in manifest.problems if p.code == "label-without-image")
    assert problem.path == "walk/ir.txt"
    assert problem.where == "line 1"
    assert problem.message == "2 rows without a picture, the first is of frame 1"


def test_sampling_takes_the_rows_of_the_pictures_taken(tmp_path):
    dump(tmp_path, range(1, 101), 100)
    manifest = scan(tmp_path, record(PATTERN, {}), sampling=Sampling(every=25))
    assert manifest.problems == []
    assert first_x(manifest) == {f"walk-{k + 1:04d}": k % 20 for k in (0, 25, 50, 75)}


def test_absent_targets_are_attributes_and_no_problem(tmp_path):
    dump(tmp_path, range(1, 4), 0)
    (tmp_path / "walk/ir.txt").write_bytes(b"1,2,3,4\r\n0,0,0,0\r\n1,1,1,1")
    manifest = scan(tmp_path, record(PATTERN, {"absent": "zeros"}))
    assert manifest.problems == []
    assert [s.attributes for s in manifest.samples] == [{}, {"infrared_target": "absent"}, {}]
    assert [len(s.objects) for s in manifest.samples] == [1, 0, 1]


def test_pictures_without_a_group_frame_cannot_be_joined_by_frame(tmp_path):
    from irtd_fast.errors import SourceError

    tree(tmp_path, {"walk/ir/0001.jpg": JPEG, "walk/ir.txt": b"1,2,3,4\n"})
    mine = record(r"(?P<sequence>\w+)/ir/(?P<frame>\d+)\.jpg", {})
    pattern = mine.to_dict()
    pattern["variants"][0]["images"][0]["infrared"] = r"(?P<sequence>\w+)/ir/(?P<stem>\d+)\.jpg"
    pattern["variants"][0]["name_template"] = "{stem}"
    with pytest.raises(SourceError, match="no group frame"):
        scan(tmp_path, parse_record(pattern, "test"))


def test_normalised_boxes_are_scaled_to_the_picture(tmp_path):
    from dump_trees import HEIGHT, WIDTH

    dump(tmp_path, [1], 0)
    (tmp_path / "walk/ir.txt").write_text("0.25 0.5 0.5 0.25\n")
    manifest = scan(tmp_path, record(PATTERN, {"normalised": True}))
    expected = np.array([0.25, 0.5, 0.75, 0.75]) * (WIDTH, HEIGHT, WIDTH, HEIGHT)
    assert manifest.problems == []
    np.testing.assert_allclose(manifest.samples[0].objects[0].box, expected)
