"""Statistics of a store: measured, stored, verified, and used by recipes in the loader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from irtd_fast.engines.statistics import measure_source
from irtd_fast.errors import CorruptStoreError
from irtd_fast.load import Loader
from irtd_fast.radiometry import (
    Chain,
    HistogramMatch,
    MinMax,
    Percentile,
    Statistics,
    TLinear,
    Window,
)
from irtd_fast.store.dataset import open_store
from irtd_fast.store.statistics import WHOLE, read_statistics
from irtd_fast.store.verify import verify_store


@pytest.fixture
def measured(mixed_store: Path, tmp_path: Path) -> Path:
    import shutil

    store = tmp_path / "my.zarr"
    shutil.copytree(mixed_store, store)
    for name in ("llvip", "counts"):
        assert measure_source(store, name).written
    return store


def pixels_of(dataset):
    return np.concatenate([sample.infrared.ravel() for sample in dataset])


@pytest.mark.parametrize("name", ["llvip", "counts"])
def test_stored_statistics_are_those_of_the_pixels(measured: Path, name: str) -> None:
    dataset = open_store(measured).filter(source=name)
    stored = read_statistics(dataset.sources[int(dataset.source_codes[0])])
    values = pixels_of(dataset)
    [whole] = [group.statistics for group in stored.groups if group.sequence == WHOLE]
    assert (whole.images, whole.pixels) == (len(dataset), values.size)
    np.testing.assert_array_equal(
        whole.histogram, np.bincount(values, minlength=len(whole.histogram))
    )
    parts = [group for group in stored.groups if group.sequence != WHOLE]
    assert sum(group.statistics.pixels for group in parts) == values.size
    for part in parts:
        words = dataset.sources[int(dataset.source_codes[0])].attributes["sequences"]
        own = [s.infrared.ravel() for s in dataset if s.sequence == words[part.sequence]]
        assert part.statistics.mean == pytest.approx(np.concatenate(own).mean())


def test_the_store_verifies_and_measuring_again_replaces(measured: Path) -> None:
    sources = {source.name: source.attributes for source in open_store(measured).sources}
    assert sources["llvip"]["derived"]["statistics"]["groups"] > 1
    assert "derived" not in sources["packed"]
    assert verify_store(measured).ok
    assert measure_source(measured, "llvip").written
    assert verify_store(measured).ok
    report = measure_source(measured, "packed", dry_run=True)
    assert (report.written, report.samples > 0) == (False, True)
    source = next(s for s in open_store(measured).sources if s.name == "packed")
    with pytest.raises(ValueError, match="irtd stats"):
        read_statistics(source)


def test_the_loader_goes_by_the_source(measured: Path) -> None:
    dataset = open_store(measured).filter(source=["llvip", "counts"])
    recipe = Percentile(5, 95, scope="source")
    loader = Loader(dataset, 16, (40, 48), augment=None, normalize=recipe, order="sequential")
    plain = {}
    for name in ("llvip", "counts"):
        low, high = np.percentile(pixels_of(dataset.filter(source=name)), (5, 95))
        plain[name] = Loader(
            dataset, 16, (40, 48), augment=None, order="sequential", normalize=Window(low, high)
        )
    batches = zip(loader, plain["llvip"], plain["counts"], strict=True)
    for found, llvip, counts in batches:
        for i, number in enumerate(found.index):
            wanted = {"llvip": llvip, "counts": counts}[dataset[int(number)].source]
            np.testing.assert_allclose(found.images[i], wanted.images[i], atol=1e-6)


def test_the_loader_goes_by_the_sequence(measured: Path) -> None:
    dataset = open_store(measured).filter(source="counts")
    loader = Loader(
        dataset, len(dataset), (32, 40), augment=None, order="sequential",
        normalize=MinMax(scope="sequence"),
    )  # fmt: skip
    for sequence in {sample.sequence for sample in dataset}:
        values = np.concatenate([s.infrared.ravel() for s in dataset if s.sequence == sequence])
        sample = next(s for s in dataset if s.sequence == sequence)
        batch = loader.make_batch(np.array([sample.index]), 0)
        share = (np.median(sample.infrared) - values.min()) / np.ptp(values)
        assert np.median(batch.images[0]) == pytest.approx(share, abs=0.02)


def test_a_recipe_of_wider_scope_needs_statistics() -> None:
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    for recipe in (Percentile(scope="source"), HistogramMatch(np.array([0.0, 1]), "sequence")):
        with pytest.raises(ValueError, match="needs the statistics of the"):
            recipe.apply(image)
    with pytest.raises(ValueError, match="scope must be one of picture, sequence, source"):
        MinMax(scope="store")
    chain = Chain((TLinear(), Percentile(scope="source")))
    with pytest.raises(ValueError, match="no statistics of temperatures"):
        chain.resolve(Statistics.of(image))


def test_a_damaged_sample_is_named_and_nothing_stored(measured: Path) -> None:
    source = next(s for s in open_store(measured).sources if s.name == "targets")
    shard = max((source.path / "infrared").rglob("c/**/*"), key=lambda p: p.stat().st_size)
    data = bytearray(shard.read_bytes())
    data[len(data) // 3] ^= 0xFF
    shard.write_bytes(bytes(data))
    with pytest.raises(CorruptStoreError, match="sample targets/"):
        measure_source(measured, "targets")
    assert (
        "derived"
        not in next(s for s in open_store(measured).sources if s.name == "targets").attributes
    )
