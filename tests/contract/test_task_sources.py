"""What the catalogue says a source is good for, its facts really feed."""

from __future__ import annotations

import pytest

import irtd_fast
from irtd_fast import catalog, ingest
from irtd_fast.tasks.base import Draws, Options, task_named
from irtd_fast.tasks.gather import Teller
from irtd_fast.tasks.pool import IdentityPool

SMALL_TARGETS = (
    "dmist", "irstd-1k", "isdd", "ist-a", "itsdt", "sirst-aug", "sirst-v1", "sirst-v2",
    "wide-irstd",
)  # fmt: skip
FED = {
    "aerial-counting": ("drone-vehicle", "hit-uav", "vedai"),
    "pedestrian-counting": ("drone-rgbt", "flir-v2", "kaist", "llvip", "m3fd", "pop", "rgbt-cc"),
    "scene": ("cdfag", "kaist", "mfnet", "msrs", "rgbnir", "wrd"),
    "re-id": ("llcm", "regdb", "sysu-mm01", "thermal-world"),
    "recognition": ("elpv", "kaist", "llvip", "lsotb-tir", "pop", "ptb-tir", "vtuav-bus1"),
}
CATALOGUE_NAME = {"re-id": "re-identification"}


@pytest.fixture
def teller(scratch, small_dumps):
    def make(source, count=16):
        ingest(small_dumps(source, count), scratch / "s.zarr", source=source)
        return Teller(irtd_fast.open(scratch / "s.zarr").source_named(source))

    return make


@pytest.mark.parametrize("source", SMALL_TARGETS)
def test_small_targets_have_places(teller, source):
    """Grounding needs boxes, location a place for each: of masks too, and inside the picture."""
    record = catalog.get(source)
    assert {"location", "grounding"} & set(record.tasks)
    facts = [one for block in teller(source).blocks() for one in block]
    assert sum(len(one.boxes) for one in facts) >= len(facts) // 2
    for one in facts:
        assert set(one.categories) | set(one.point_categories) <= set(one.vocabulary)
        for x0, y0, x1, y1 in one.boxes:
            assert 0 <= x0 < x1 <= one.width
            assert 0 <= y0 < y1 <= one.height
        for x, y in one.points:  # centroids of masks: each inside the box of its component
            assert any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in one.boxes)


@pytest.mark.parametrize(("task", "source"), [(t, s) for t, names in FED.items() for s in names])
def test_sources_feed_what_their_records_list(teller, task, source):
    assert CATALOGUE_NAME.get(task, task) in catalog.get(source).tasks
    teller = teller(source, 90 if task == "re-id" else 16)
    pool = IdentityPool.of_source(teller.source)
    facts = [one for block in teller.blocks() for one in block]
    builder = task_named(task)
    texts = [
        text
        for one in facts
        for text in builder.build(one, Draws(0, task, one.key), Options(), pool)
    ]
    assert texts
    assert {text.task for text in texts} == {task}
    assert any(builder.applies(one) for one in facts)
    assert all(builder.parse(text.answer) is not None for text in texts)
