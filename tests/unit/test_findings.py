"""What decoding found, in the store: bits, byte order, encodings, radiometry, orientation."""

from __future__ import annotations

from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import tifffile

import irtd_fast
from irtd_fast import _core, catalog, ingest
from irtd_fast.images import find_depth
from irtd_fast.store.findings import ENCODINGS, PictureFlag
from irtd_fast.store.plan import IngestOptions


def counts(rng, shape=(48, 64)):
    """14-bit counts of a smooth scene with noise."""
    ramp = np.add.outer(np.linspace(0, 900, shape[0]), np.linspace(0, 1300, shape[1]))
    return (7000 + ramp + rng.normal(0, 20, shape)).astype(np.uint16)


@pytest.fixture
def record():
    """Any 16-bit or 8-bit pictures in a folder."""
    base = catalog.get("flir-v1-16bit")
    variant = base.variant("tree")
    images = replace(variant.images[0], infrared=r"(?P<stem>[^/]+)\.(?:tiff?|png|jpg|bmp)")
    plain = replace(variant, images=(images,), annotations=(), name_template="{stem}")
    return replace(base, variants=(plain,))


def test_bits_byte_order_and_encodings_are_columns(record, rng, tmp_path):
    root = tmp_path / "dump"
    root.mkdir()
    image = counts(rng)
    spread = np.linspace(0, 255, 64).astype(np.uint8)[None] * np.ones((48, 1), np.uint8)
    tifffile.imwrite(root / "a.tiff", image)
    tifffile.imwrite(root / "b.tiff", image, byteorder=">")
    (root / "c.png").write_bytes(imagecodecs.png_encode(image))
    tifffile.imwrite(root / "d.tiff", spread.astype(np.uint16) * 257)
    tifffile.imwrite(root / "e.tiff", image.byteswap())
    (root / "f.jpg").write_bytes(_core.encode_jpeg(spread))
    (root / "g.bmp").write_bytes(imagecodecs.bmp_encode(spread))
    tifffile.imwrite(root / "h.tiff", spread, extratags=[(274, 3, 1, 6, True)])
    report = ingest(root, tmp_path / "s.zarr", source=record, options=IngestOptions(few=0))
    assert report.problems == []
    dataset = irtd_fast.open(tmp_path / "s.zarr")
    samples = {sample.name: sample for sample in dataset}
    assert {name: s.bits for name, s in samples.items()} == {
        "a": 14, "b": 14, "c": 14, "d": 8, "e": 16, "f": 8, "g": 8, "h": 8,
    }  # fmt: skip
    flags = {name: s.found for name, s in samples.items() if s.found}
    assert flags == {
        "b": PictureFlag.BIG_ENDIAN, "c": PictureFlag.BIG_ENDIAN,
        "d": PictureFlag.EIGHT_IN_SIXTEEN, "e": PictureFlag.LOOKS_SWAPPED,
    }  # fmt: skip
    for name in "abc":
        np.testing.assert_array_equal(samples[name].infrared, image)
    source = dataset.sources[0]
    codes = source.column("samples", "infrared_encoding").tolist()
    assert [ENCODINGS[code] for code in codes] == [
        "tiff", "tiff", "png", "tiff", "tiff", "jpeg", "bmp", "tiff",
    ]  # fmt: skip
    assert source.column("samples", "infrared_orientation").tolist() == [1] * 7 + [6]
    assert samples["h"].infrared.shape == (64, 48)
    assert not source.has_column("samples", "radiometry")
    assert source.attributes["notes"] == report.notes
    assert any("1 16-bit pictures look byte-swapped" in note for note in report.notes)
    assert any("1 16-bit pictures hold 8-bit content" in note for note in report.notes)


@pytest.mark.parametrize("shift", [0, 8])
def test_detectors_on_synthetic_mixes(rng, shift):
    """At least 99 % of 8-in-16 and of byte-swapped pictures, and no false alarm on counts."""
    wrong = 0
    for _ in range(100):
        image = counts(rng)
        noisy = np.clip((image - 7000) / 9, 0, 255).astype(np.uint16)
        eight = find_depth((noisy << shift).astype(np.uint16))
        wrong += not eight.eight_in_sixteen or eight.swapped
        plain, swapped = find_depth(image), find_depth(image.byteswap())
        wrong += plain.eight_in_sixteen or plain.swapped or not swapped.swapped
    assert wrong <= 2


@pytest.mark.dumps
def test_a_radiometric_source_keeps_its_constants(dumps, tmp_path):
    root = dumps / "rjpeg"
    if not root.is_dir():
        pytest.skip("no rjpeg among the real dumps")
    if "rjpeg" not in catalog.names():
        pytest.skip("the catalogue has no record rjpeg")
    ingest(root, tmp_path / "s.zarr", source="rjpeg")
    names = {sample.name: sample for sample in irtd_fast.open(tmp_path / "s.zarr")}
    (flir,) = [sample for name, sample in names.items() if name.endswith("FLIR_T640")]
    assert flir.radiometry["planck_r1"] == pytest.approx(15848.854, abs=5e-4)
    assert flir.radiometry["camera"] == "FLIR T640"
    assert flir.found & PictureFlag.RADIOMETRIC
    assert flir.infrared.dtype == np.uint16
    assert flir.bits == 15
