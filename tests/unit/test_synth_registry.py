"""Every source of the catalogue with a known layout can be written, in each of its variants."""

from __future__ import annotations

import pytest

from irtd_fast import catalog
from irtd_fast.synth import SOURCES, write_dump

# tracking-gt is what is left of tracking sources without their pictures: nothing to draw.
WITHOUT_PICTURES = {"tracking-gt"}
KNOWN = [
    key for key in catalog.names() if catalog.get(key).layout_known and key not in WITHOUT_PICTURES
]
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
    assert all((tmp_path / sample.infrared.path).is_file() for sample in truth)


def test_what_a_writer_covers_is_no_layout_of_its_own():
    for key, writer in SOURCES.items():
        assert not set(writer.covers) & set(writer.variants), key
        assert set(writer.covers.values()) <= set(writer.variants), key
