"""Real dumps, ingested: every pixel equal to an independent decode, through every reader."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

import irtd_fast
from irtd_fast import catalog, ingest
from irtd_fast.scan import scan
from irtd_fast.store.plan import IngestOptions

pytestmark = pytest.mark.dumps


def gray_of(path: Path):
    """What OpenCV makes of an infrared file: counts as they are, colour to gray by BT.601."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, path
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels[..., :3], cv2.COLOR_BGR2GRAY)


def luma_of(path: Path):
    """What OpenCV gives for a JPEG asked for in gray: its Y plane."""
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


# folder and source -> independent decoder, samples, visible partners, variants
DUMPS = {
    "hit-uav": (luma_of, 60, 0, ("normal_json", "normal_xml", "rotate_json", "rotate_xml")),
    "sirst-v2": (gray_of, 102, 0, (None,)),
    "llvip": (luma_of, 46, 46, (None,)),
    "flir-v1-16bit": (tifffile.imread, 50, 0, (None,)),
}
CASES = [(key, variant) for key, (*_, variants) in DUMPS.items() for variant in variants]
OPTIONS = {
    "default": IngestOptions(),
    "packed": IngestOptions(few=1000, visible="fast"),
    "zstd": IngestOptions(codec="zstd", few=1, shard_bytes=1 << 20, visible="none"),
    "lz4": IngestOptions(codec="lz4", few=2, visible="none"),
    "compact": IngestOptions("compact"),
}


def root_of(dumps, key):
    root = dumps / key
    if not root.is_dir():
        pytest.skip(f"no {key} among the real dumps")
    return root


def compare(store, root, key, variant, *, visible):
    """Compare every sample with its file; return how many there are."""
    decode = DUMPS[key][0]
    manifest = scan(root, catalog.get(key), variant=variant)
    ds = irtd_fast.open(store)
    assert [sample.name for sample in ds] == [record.name for record in manifest.samples]
    for sample, record in zip(ds, manifest.samples, strict=True):
        expected = decode(root / record.infrared.path)
        assert sample.infrared.dtype == expected.dtype
        assert np.array_equal(sample.infrared, expected), record.infrared.path
        assert (sample.visible is not None) == (visible and record.visible is not None)
        if sample.visible is not None:
            colour = cv2.imread(str(root / record.visible.path), cv2.IMREAD_COLOR_RGB)
            assert np.array_equal(sample.visible, colour), record.visible.path
    return len(ds)


@pytest.mark.parametrize(("key", "variant"), CASES, ids=str)
def test_every_pixel_is_the_files(dumps, scratch, key, variant):
    root, store = root_of(dumps, key), scratch / "s.zarr"
    report = ingest(root, store, source=key, variant=variant)
    _, samples, partners, _ = DUMPS[key]
    assert (report.counts["samples"], report.counts["visible"]) == (samples, partners)
    assert compare(store, root, key, variant, visible=True) == samples
    verified = irtd_fast.verify(store)
    assert verified.ok, verified.damage


@pytest.mark.parametrize("options", list(OPTIONS)[1:])
@pytest.mark.parametrize("key", DUMPS)
def test_every_pixel_with_other_options(dumps, scratch, key, options):
    root, store = root_of(dumps, key), scratch / "s.zarr"
    chosen = OPTIONS[options]
    ingest(root, store, source=key, options=chosen)
    visible = chosen.visible != "none"
    assert compare(store, root, key, None, visible=visible) == DUMPS[key][1]


@pytest.mark.parametrize("reader", ["zarr", "zarrs", "tensorstore"])
@pytest.mark.parametrize("key", DUMPS)
def test_every_pixel_through_other_readers(dumps, scratch, key, reader, outside):
    root, store = root_of(dumps, key), scratch / "s.zarr"
    ingest(root, store, source=key)
    ds = irtd_fast.open(store)
    (source,) = ds.sources
    arrays = [outside.Pictures(source.path, info, reader) for info in source.arrays]
    records = {r.name: r for r in scan(root, catalog.get(key)).samples}
    for number, sample in enumerate(ds):
        code, row = (source.column("samples", f"infrared_{w}")[number] for w in ("array", "row"))
        expected = DUMPS[key][0](root / records[sample.name].infrared.path)
        assert np.array_equal(arrays[code][row], expected), sample.name
        code, row = (source.column("samples", f"visible_{w}")[number] for w in ("array", "row"))
        if code >= 0:
            partner = root / records[sample.name].visible.path
            colour = cv2.imread(str(partner), cv2.IMREAD_COLOR_RGB)
            assert np.array_equal(arrays[code][row], colour), sample.name
