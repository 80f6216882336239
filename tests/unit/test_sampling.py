"""Which pictures of a sequence are taken, and that nothing else depends on it."""

from __future__ import annotations

import numpy as np
import pytest
from dump_trees import JPEG, tree
from hypothesis import given
from hypothesis import strategies as st

from irtd_fast import catalog, images
from irtd_fast.catalog import Sampling
from irtd_fast.engines.ingest import ingest
from irtd_fast.errors import StoreExistsError
from irtd_fast.scan import scan
from irtd_fast.scan.sampling import choose

RECORD = """
key = "mine"
title = "Mine"
homepage = "https://example.org"
citation = "none"
licence = "none"
terms = "none"
band = "LWIR"
bit_depth = 8
registration = "near"
tasks = ["location"]
[sampling]
fraction = 0.1
stride = 5

[[variants]]
name = "only"
title = "sequences"
name_template = "{sequence}/{frame}"
images = [{ infrared = '(?P<sequence>\\w+)/ir/(?P<frame>\\d+)\\.jpg', visible = '(?P<sequence>\\w+)/rgb/(?P<frame>\\d+)\\.jpg' }]
"""  # noqa: E501
LENGTHS = {"bus": 100, "car": 7, "person": 43}


@pytest.fixture
def record(tmp_path):
    (tmp_path / "mine.toml").write_text(RECORD, encoding="utf-8")
    return catalog.load_file(tmp_path / "mine.toml")


@pytest.fixture
def root(tmp_path):
    files = {
        f"{sequence}/{side}/{number:04d}.jpg": JPEG
        for sequence, count in LENGTHS.items()
        for side in ("ir", "rgb")
        for number in range(count)
    }
    return tree(tmp_path / "dump", files)


def per_sequence(manifest):
    counts = dict.fromkeys(LENGTHS, 0)
    for sample in manifest.samples:
        counts[sample.sequence] += 1
    return counts


@given(
    count=st.integers(0, 500), fraction=st.floats(0.001, 1), cap=st.integers(0, 50),
    every=st.integers(1, 20), stride=st.integers(1, 12), seed=st.integers(0, 9),
)  # fmt: skip
def test_choices_are_places_in_order_and_as_many_as_asked(
    count, fraction, cap, every, stride, seed
):
    rule = Sampling(every, fraction, cap, stride, seed)
    taken = choose(count, rule, ("a",))
    assert taken == sorted(set(taken))
    assert all(0 <= place < count and place % every == 0 for place in taken)
    available = len(range(0, count, every))
    labelled = [p for p in range(0, count, every) if p % stride == 0]
    pool = labelled if fraction < 1 and fraction * stride <= 1 else range(0, count, every)
    wanted = min(fraction * available, len(pool))
    if cap:
        assert len(taken) <= cap
        wanted = min(wanted, cap)
    assert abs(len(taken) - wanted) < 1.000001
    if fraction * stride <= 1 and fraction < 1:
        assert all(place % stride == 0 for place in taken)
    assert choose(count, rule, ("a",)) == taken


def test_spacing_is_even_and_seeds_shift_it():
    taken = choose(1000, Sampling(fraction=0.01), ("bus",))
    assert len(taken) == 10
    assert set(np.diff(taken)) == {100}
    starts = {choose(1000, Sampling(fraction=0.01, seed=s), ("bus",))[0] for s in range(20)}
    assert len(starts) > 10
    keys = {choose(1000, Sampling(fraction=0.01), (str(k),))[0] for k in range(20)}
    assert len(keys) > 10


def test_short_sequences_are_neither_all_kept_nor_all_lost():
    rule = Sampling(fraction=0.1)
    total = sum(len(choose(5, rule, (str(k),))) for k in range(2000))
    assert 900 < total < 1100


def test_default_of_the_record_is_stated(root, record):
    manifest = scan(root, record)
    counts = per_sequence(manifest)
    assert counts["bus"] == 10
    assert counts["person"] in (4, 5)
    assert all(sample.frame % 5 == 0 for sample in manifest.samples)
    (line,) = [note for note in manifest.notes if "taken" in note]
    assert line.startswith(f"{len(manifest.samples)} of 150 pictures taken: 0.1 of each sequence")
    assert "default" in line
    assert manifest.sampling["fraction"] == 0.1
    assert manifest.problems == []


def test_all_and_every_and_cap(root, record):
    everything = scan(root, record, sampling=Sampling())
    assert per_sequence(everything) == LENGTHS
    assert everything.sampling == {}
    thinned = scan(root, record, sampling=Sampling(every=10))
    assert per_sequence(thinned) == {"bus": 10, "car": 1, "person": 5}
    capped = scan(root, record, sampling=Sampling(per_sequence=9))
    assert per_sequence(capped) == {"bus": 9, "car": 7, "person": 9}
    names = {sample.name for sample in everything.samples}
    for manifest in (thinned, capped):
        assert {sample.name for sample in manifest.samples} < names
        assert all(s.visible.path == s.infrared.path.replace("/ir/", "/rgb/")
                   for s in manifest.samples)  # fmt: skip


def test_pictures_that_are_not_taken_are_not_opened(root, record, monkeypatch):
    from irtd_fast import scan as module

    opened = []

    def spy(folder, paths, **options):
        opened.extend(paths)
        return images.probe_images(folder, paths, **options)

    monkeypatch.setattr(module, "probe_images", spy)
    manifest = scan(root, record)
    assert len(opened) == 2 * len(manifest.samples) < 40


def test_store_records_what_was_taken_and_resume_needs_the_same(root, record, tmp_path):
    import irtd_fast

    report = ingest(root, tmp_path / "s.zarr", source=record, sampling=Sampling(every=50, seed=3))
    assert report.counts["samples"] == 4
    attributes = irtd_fast.open(tmp_path / "s.zarr").sources[0].attributes
    assert attributes["sampling"] == {
        "every": 50, "fraction": 1.0, "per_sequence": 0, "stride": 1, "seed": 3,
    }  # fmt: skip
    assert any("as asked for" in note for note in attributes["notes"])
    with pytest.raises(StoreExistsError):
        ingest(root, tmp_path / "s.zarr", source=record)


@pytest.mark.parametrize(
    "wrong", [{"every": 0}, {"fraction": 0.0}, {"fraction": 1.5}, {"per_sequence": -1}]
)
def test_wrong_numbers(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sampling(**wrong)
