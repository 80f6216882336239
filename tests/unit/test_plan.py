"""Where samples go: buckets, packed arrays, shards, and that it is the same every time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from irtd_fast.manifest import Manifest
from irtd_fast.store.plan import (
    ArrayPlan,
    IngestOptions,
    codecs_for,
    fingerprint,
    make_plan,
    picture_of,
)
from irtd_fast.types import ImageInfo, SampleRecord


def image(name, height=64, width=80, channels=1, dtype="uint8", encoding="png", size=999):
    return ImageInfo(name, encoding, height, width, channels, channels, dtype, size, 5)


def manifest_of(*pictures, visible=None, masks=None):
    manifest = Manifest("s", "v", "root")
    for number, picture in enumerate(pictures):
        sample = SampleRecord(f"n{number}", picture)
        sample.visible = visible[number] if visible else None
        sample.mask = masks[number] if masks else None
        manifest.samples.append(sample)
    return manifest


def test_pictures_of_one_shape_and_dtype_share_a_bucket():
    shapes = [(64, 80, "uint8"), (32, 80, "uint8"), (64, 80, "uint16")] * 3
    plan = make_plan(
        manifest_of(*(image(str(i), h, w, dtype=d) for i, (h, w, d) in enumerate(shapes))),
        IngestOptions(few=3),
    )
    paths = [array.path for array in plan.arrays]
    assert paths == ["infrared/h64w80u8", "infrared/h32w80u8", "infrared/h64w80u16"]
    assert plan.codes["infrared"].tolist() == [0, 1, 2] * 3
    assert plan.rows["infrared"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [array.members.tolist() for array in plan.arrays] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert plan.codes["visible"].tolist() == [-1] * 9
    assert plan.rows["masks"].tolist() == [-1] * 9


def test_colour_buckets_are_named_by_their_channels():
    plan = make_plan(manifest_of(*[image("a", channels=3)] * 4), IngestOptions(few=2))
    assert plan.arrays[0].path == "infrared/h64w80c3u8"
    assert plan.arrays[0].sample_bytes == 64 * 80 * 3


@pytest.mark.parametrize(("rows", "kind"), [(31, "packed"), (32, "bucket")])
def test_few_of_a_shape_are_packed(rows, kind):
    plan = make_plan(manifest_of(*[image("a")] * rows), IngestOptions())
    assert [array.kind for array in plan.arrays] == [kind]


def test_few_is_counted_for_each_modality():
    masks = [image("m") if i < 3 else None for i in range(6)]
    plan = make_plan(manifest_of(*[image("a")] * 6, masks=masks), IngestOptions(few=4))
    assert [(a.path, a.rows) for a in plan.arrays] == [
        ("infrared/h64w80u8", 6), ("masks/packed_u8", 3),
    ]  # fmt: skip
    assert plan.rows["masks"].tolist() == [0, 1, 2, -1, -1, -1]


def test_packed_samples_never_cross_a_file():
    sizes = [(64, 80), (10, 10), (64, 81), (100, 100), (1, 1), (64, 80)]
    pictures = [image(str(i), *size, dtype="uint16") for i, size in enumerate(sizes)]
    (array,) = make_plan(manifest_of(*pictures), IngestOptions(shard_bytes=1 << 14)).arrays
    assert array.path == "infrared/packed_u16"
    assert array.lengths.tolist() == [h * w * 2 for h, w in sizes]
    assert array.chunk_bytes % 2 == 0
    first, last = array.offsets, array.offsets + array.lengths - 1
    assert np.array_equal(first // array.chunk_bytes, last // array.chunk_bytes)
    assert (first[1:] >= last[:-1] + 1).all()
    rows = [row for number in range(array.files) for row in array.rows_of_file(number)]
    assert rows == list(range(6))
    for number in range(array.files):
        used = array.lengths[list(array.rows_of_file(number))].sum()
        assert len(array.rows_of_file(number)) == 1 or used <= 1 << 14


def test_shards_have_about_the_size_asked_for():
    options = IngestOptions(shard_bytes=1 << 15, few=1)
    (array,) = make_plan(manifest_of(*[image("a")] * 20), options).arrays
    assert array.rows_per_shard == (1 << 15) // (64 * 80 + 4) == 6
    assert [list(array.rows_of_file(n)) for n in range(array.files)] == [
        list(range(6)), list(range(6, 12)), list(range(12, 18)), [18, 19],
    ]  # fmt: skip
    large = image("a", 1000, 1000)
    (array,) = make_plan(manifest_of(large, large), IngestOptions(shard_bytes=4096, few=1)).arrays
    assert array.rows_per_shard == 1
    (array,) = make_plan(manifest_of(large, large), IngestOptions(few=1)).arrays
    assert array.rows_per_shard == 2  # no more than there are


def test_compact_keeps_jpeg_files_and_packs_nothing_else_as_such():
    pictures = [image("a.jpg", encoding="jpeg", size=1234), image("b.png")]
    plan = make_plan(manifest_of(*pictures), IngestOptions("compact", few=1))
    assert [(a.path, a.encoding) for a in plan.arrays] == [
        ("infrared/packed_jpeg", "jpeg"), ("infrared/h64w80u8", "raw"),
    ]  # fmt: skip
    assert plan.arrays[0].lengths.tolist() == [1234]


@pytest.mark.parametrize(
    ("visible", "paths"),
    [
        ("none", []),
        ("compact", ["visible/packed_jpeg"]),
        ("fast", ["visible/h64w80c3u8"]),
    ],
)
def test_visible_partners(visible, paths):
    partners = [image("v.jpg", channels=3, encoding="jpeg")] * 3
    manifest = manifest_of(*[image("a")] * 3, visible=partners)
    plan = make_plan(manifest, IngestOptions(visible=visible, few=1))
    assert [array.path for array in plan.arrays[1:]] == paths


def test_planned_bytes_bound_what_is_needed():
    options = IngestOptions(few=3, shard_bytes=1 << 15)
    pictures = [image("a")] * 4 + [image("b", 10, 10)]
    bucket, packed = make_plan(manifest_of(*pictures), options).arrays
    plan = make_plan(manifest_of(*pictures), options)
    assert plan.planned_bytes == 4 * (64 * 80 + 4) + packed.chunk_bytes + 4
    assert bucket.rows + packed.rows == 5


def test_nothing_to_plan():
    plan = make_plan(manifest_of(), IngestOptions())
    assert (plan.arrays, plan.planned_bytes, plan.describe()) == ([], 0, [])


def test_descriptions_are_json_without_members():
    plan = make_plan(manifest_of(*[image("a")] * 3), IngestOptions(few=4))
    (entry,) = json.loads(json.dumps(plan.describe()))
    assert entry["path"] == "infrared/packed_u8"
    assert not {"members", "offsets", "lengths"} & set(entry)


def test_fingerprints_tell_plans_apart():
    one, other = manifest_of(image("a")), manifest_of(image("b"))
    prints = {
        fingerprint(one.fingerprint(), IngestOptions()),
        fingerprint(other.fingerprint(), IngestOptions()),
        fingerprint(one.fingerprint(), IngestOptions(few=5)),
        fingerprint(manifest_of(image("a", size=1000)).fingerprint(), IngestOptions()),
    }
    assert len(prints) == 4
    again = manifest_of(image("a")).fingerprint()
    assert fingerprint(again, IngestOptions()) in prints
    assert make_plan(one, IngestOptions()).fingerprint == fingerprint(again, IngestOptions())


def test_too_large_to_pack():
    huge = image("a", 40000, 30000)
    with pytest.raises(ValueError, match="cannot be packed"):
        make_plan(manifest_of(huge), IngestOptions())


@pytest.mark.parametrize("options", [{"shard_bytes": 4095}, {"shard_bytes": 2**31}, {"few": -1}])
def test_options_are_checked(options):
    with pytest.raises(ValueError, match="must"):
        IngestOptions(**options)


def test_codecs_all_end_in_crc32c():
    assert [name for name, _ in codecs_for("raw", 1)] == ["crc32c"]
    assert [name for name, _ in codecs_for("zstd", 1)] == ["zstd", "crc32c"]
    ((name, blosc), crc) = codecs_for("lz4", 2)
    assert (name, blosc["typesize"], blosc["shuffle"], crc[0]) == (
        "blosc", 2, "bitshuffle", "crc32c",
    )  # fmt: skip
    with pytest.raises(ValueError, match="codec must be"):
        codecs_for("jpeg", 1)


def test_picture_of_each_modality():
    sample = SampleRecord("n", image("i"), visible=image("v"), mask=image("m"))
    found = [picture_of(sample, modality).path for modality in ("infrared", "visible", "masks")]
    assert found == ["i", "v", "m"]


def test_a_million_rows_are_found_quickly():
    rows = 1_000_000
    array = ArrayPlan("infrared/packed_u8", "infrared", "packed", "raw", "uint8", rows=rows)
    array.lengths = np.full(rows, 1000)
    array.chunk_bytes = 1_000_000
    array.offsets = np.arange(rows) * 1000
    assert array.files == 1000
    assert sum(len(array.rows_of_file(number)) for number in range(array.files)) == rows
    assert array.members.nbytes + array.offsets.nbytes + array.lengths.nbytes <= 24 * rows
