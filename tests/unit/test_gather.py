"""Facts are what the store says, sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.tasks.gather import Teller, tellers
from irtd_fast.types import ObjectFlag, SampleFlag

SOURCES = ("flir-v1", "drone-vehicle", "kaist", "rgbt-cc", "llcm", "rgbnir", "sirst-v2")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, small_dumps: Any) -> Path:
    path = tmp_path_factory.mktemp("gather") / "store.zarr"
    for source in SOURCES:
        ingest(small_dumps(source), path, source=source)
    return path


@pytest.mark.parametrize("name", SOURCES)
def test_facts_are_what_the_sample_says(store: Path, name: str) -> None:
    dataset = irtd_fast.open(store).filter(source=name)
    teller = Teller(dataset.source_named(name))
    facts = [fact for block in teller.blocks(5) for fact in block]
    assert len(facts) == len(dataset) == len(teller)
    for row, (sample, fact) in enumerate(zip(dataset, facts, strict=True)):
        assert (fact.index, fact.key, fact.source) == (row, f"{name}/{sample.name}", name)
        for word in (
            "name", "height", "width", "split", "sequence", "frame", "scene", "identity", "camera",
            "attributes",
        ):  # fmt: skip
            assert getattr(fact, word) == getattr(sample, word)
        told = (sample.object_modality == 0) & ((sample.object_flags & ObjectFlag.IGNORE) == 0)
        assert fact.boxes == tuple(map(tuple, sample.boxes[told].astype(float).tolist()))
        assert fact.categories == tuple(w for w, t in zip(sample.names, told, strict=True) if t)
        mine = sample.point_modality == 0
        assert fact.points == tuple(map(tuple, sample.points[mine].astype(float).tolist()))
        assert len(fact.point_categories) == len(fact.points)
        assert fact.labelled == (not sample.flags & SampleFlag.UNLABELLED)
        ignored = (sample.object_modality == 0) & ((sample.object_flags & ObjectFlag.IGNORE) > 0)
        assert fact.ignored == ignored.sum()
        assert fact.has_visible == (sample.visible is not None)
        ignored = (sample.object_modality == 0) & ((sample.object_flags & ObjectFlag.IGNORE) != 0)
        assert fact.ignored == ignored.sum()
        assert fact.labelled == (SampleFlag.UNLABELLED not in sample.flags)
        assert set(fact.present()) <= set(fact.vocabulary)
        if sample.corners is not None and np.isfinite(sample.corners[told]).all() and told.any():
            assert fact.corners == tuple(map(tuple, sample.corners[told].astype(float).tolist()))
        else:
            assert fact.corners == ()


def test_any_rows_in_any_order(store: Path) -> None:
    teller = Teller(irtd_fast.open(store).source_named("flir-v1"))
    whole = next(teller.blocks())
    rows = np.array([7, 0, 7, 3])
    assert teller.facts(rows) == [whole[row] for row in rows]
    assert teller.facts(rows[:0]) == []


def test_vocabulary_is_the_records_and_words_are_canonical(store: Path) -> None:
    flir = next(Teller(irtd_fast.open(store).source_named("flir-v1")).blocks())[0]
    assert flir.vocabulary == ("person", "bicycle", "car", "dog", "other vehicle")
    assert flir.band == "LWIR"


def test_only_sources_with_samples_are_told(store: Path) -> None:
    dataset = irtd_fast.open(store).filter(source=["kaist", "llcm"])
    assert [teller.key for teller in tellers(dataset)] == ["kaist", "llcm"]
