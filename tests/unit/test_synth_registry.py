"""Every source of the catalogue with a known layout can be written, in each of its variants."""

from __future__ import annotations

import pytest

from irtd_fast import catalog
from irtd_fast.scan import scan
from irtd_fast.synth import SOURCES, write_dump

KNOWN = [key for key in catalog.names() if catalog.get(key).layout_known]
VARIANTS = [
    pytest.param(key, variant.name, id=f"{key}-{variant.name}")
    for key in KNOWN
    for variant in catalog.get(key).variants
]


def test_writers_are_found_by_their_own_keys():
    assert {key: writer.key for key, writer in SOURCES.items()} == {key: key for key in SOURCES}
    assert set(KNOWN) <= set(SOURCES)


@pytest.mark.parametrize(("key", "variant"), VARIANTS)
def test_each_variant_can_be_written(tmp_path, key, variant):
    truth = write_dump(tmp_path, source=key, variant=variant, count=4, size=(64, 80))
    assert len(truth) == 4
    labels_only = catalog.get(key).variant(variant).labels_only
    for sample in truth:
        assert bool(sample.pictures) != labels_only
        assert all((tmp_path / p.path).is_file() for p in sample.pictures.values())
    assert scan(tmp_path, catalog.get(key), variant=variant).variant == variant


def test_what_a_writer_covers_is_no_layout_of_its_own():
    for key, writer in SOURCES.items():
        assert not set(writer.covers) & set(writer.variants), key
        assert set(writer.covers.values()) <= set(writer.variants), key
