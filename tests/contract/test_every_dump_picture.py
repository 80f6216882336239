"""Every picture of the real dumps decodes, or is refused, as their listing says."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from irtd_fast.errors import DecodeError
from irtd_fast.images import decode_image, probe_images
from irtd_fast.types import ImageInfo, Problem

pytestmark = pytest.mark.dumps

ENCODINGS = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg", "TIFF": "tiff", "BMP": "bmp"}
CHANNELS = {"L": 1, "P": 1, "I;16": 1, "RGB": 3, "RGBA": 4}


@pytest.fixture(scope="module")
def listing(dumps):
    path = dumps / "MANIFEST.tsv"
    if not path.is_file():
        pytest.skip("the real dumps have no listing")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["format"]]
    return [row for row in rows if (dumps / row["path"]).is_file()]


def test_headers_are_as_listed(dumps, listing):
    """What Pillow found when the dumps were put together: format, mode, size."""
    found = probe_images(dumps, [row["path"] for row in listing])
    assert len(found) > 1000
    for row, info in zip(listing, found, strict=True):
        if row["format"] not in ENCODINGS:
            continue
        assert isinstance(info, ImageInfo), row["path"]
        assert f"{info.width}x{info.height}" == row["size"], row["path"]
        assert info.encoding == ENCODINGS[row["format"]], row["path"]
        assert info.file_channels == CHANNELS[row["mode"]], row["path"]
        assert info.dtype == row["dtype"], row["path"]
        assert info.plain


def test_pixels_have_the_listed_range(dumps, listing):
    """Lossless pictures exactly; JPEG decoders may differ by a few levels at the ends."""
    for row in listing:
        if row["format"] not in ENCODINGS:
            continue
        low, high = map(int, row["range"].split(".."))
        within = 4 if ENCODINGS[row["format"]] == "jpeg" else 0
        image = decode_image(dumps / row["path"], channels="opaque")
        if row["mode"] in ("P", "RGBA"):  # listed are the indices, or alpha too
            continue
        assert abs(int(image.min()) - low) <= within, row["path"]
        assert abs(int(image.max()) - high) <= within, row["path"]


def test_what_the_listing_calls_unreadable_is_refused(dumps, listing):
    bad = [row["path"] for row in listing if row["format"] not in ENCODINGS]
    assert "rjpeg/DJI_XTS.jpg" in bad
    for path in bad:
        with pytest.raises(DecodeError) as caught:
            decode_image(dumps / path, channels="opaque")
        assert caught.value.where["path"] == str(dumps / path)


def test_pointers_are_named_as_such(dumps):
    paths = sorted(p.relative_to(dumps).as_posix() for p in dumps.glob("lfs-pointer/**/*.tif"))
    if not paths:
        pytest.skip("no lfs-pointer among the real dumps")
    assert len(paths) == 6
    for found in probe_images(dumps, paths):
        assert isinstance(found, Problem)
        assert found.code == "lfs-pointer"


def test_mfnet_splits_into_colours_and_heat(dumps):
    from PIL import Image

    paths = sorted((dumps / "mfnet-sample").rglob("*.png"))
    if not paths:
        pytest.skip("no mfnet-sample among the real dumps")
    for path in paths:
        with Image.open(path) as image:
            expected = np.asarray(image)
        np.testing.assert_array_equal(decode_image(path, channels="alpha"), expected[..., 3])
        np.testing.assert_array_equal(decode_image(path, channels="opaque"), expected[..., :3])
