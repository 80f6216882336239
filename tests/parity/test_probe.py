"""Header probing against what Pillow and OpenCV find in the same files."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest
from PIL import Image

from irtd_fast import _core


def facts(path):
    return _core.probe_images([str(path)])[0]


@pytest.mark.parametrize(
    ("mode", "channels", "bits"),
    [
        ("1", 1, 8),
        ("L", 1, 8),
        ("LA", 2, 8),
        ("P", 1, 8),
        ("RGB", 3, 8),
        ("RGBA", 4, 8),
        ("I;16", 1, 16),
    ],
)
def test_png(tmp_path, mode, channels, bits):
    path = tmp_path / "a.jpg"  # content decides, not the name
    Image.new(mode, (31, 17)).save(path, "PNG")
    stat = path.stat()
    expected = ("png", 17, 31, channels, bits, stat.st_size, stat.st_mtime_ns, 1)
    assert facts(path) == expected


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("P", 1), ("RGB", 3), ("RGBA", 4)])
def test_bmp(tmp_path, mode, channels):
    path = tmp_path / "a"
    Image.new(mode, (31, 17)).save(path, "BMP")
    assert facts(path)[:5] == ("bmp", 17, 31, channels, 8)


@pytest.mark.parametrize("shape", [(17, 31), (17, 31, 3)])
def test_jpeg(tmp_path, shape):
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.zeros(shape, np.uint8))
    assert facts(path)[:5] == ("jpeg", 17, 31, 1 if len(shape) == 2 else 3, 8)


def test_a_jpeg_with_a_megabyte_before_its_header(tmp_path):
    path = tmp_path / "a.jpg"
    segment = b"\xff\xe1\xff\xff" + bytes(65533)
    data = _core.encode_jpeg(np.zeros((17, 31), np.uint8))
    path.write_bytes(data[:2] + segment * 16 + data[2:])
    assert facts(path)[:5] == ("jpeg", 17, 31, 1, 8)


TIFFS = {
    "u8": {},
    "u16": {"dtype": np.uint16},
    "big-endian": {"dtype": np.uint16, "byteorder": ">"},
    "bigtiff": {"dtype": np.uint16, "bigtiff": True},
    "big-endian-bigtiff": {"dtype": np.uint16, "bigtiff": True, "byteorder": ">"},
    "lzw": {"dtype": np.uint16, "compression": "lzw", "predictor": True},
    "strips": {"rowsperstrip": 1},
    "tiles": {"tile": (16, 16)},
    "rgb": {"channels": 3, "photometric": "rgb"},
    "rgba": {"channels": 4, "photometric": "rgb", "extrasamples": ["unassalpha"]},
    "turned": {"extratags": [(274, 3, 1, 6, True)]},
}


@pytest.mark.parametrize("name", TIFFS)
def test_plain_tiff_is_probed_natively_as_tifffile_reads_it(tmp_path, rng, name):
    tifffile = pytest.importorskip("tifffile")
    options = dict(TIFFS[name])
    dtype, channels = options.pop("dtype", np.uint8), options.pop("channels", 1)
    shape = (37, 53) if channels == 1 else (37, 53, channels)
    options.setdefault("photometric", "minisblack")
    path = tmp_path / "a.png"
    tifffile.imwrite(path, rng.integers(0, 200, shape).astype(dtype), **options)
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        expected = (
            "tiff", page.imagelength, page.imagewidth, page.samplesperpixel,
            8 * page.dtype.itemsize,
        )  # fmt: skip
    assert facts(path)[:5] == expected
    assert facts(path)[7] == (6 if name == "turned" else 1)


@pytest.mark.parametrize(
    "options",
    [
        {"shape": (2, 5, 6), "photometric": "minisblack"},
        {"dtype": np.float32},
        {"dtype": np.int16},
        {"photometric": "miniswhite"},
        {"shape": (3, 5, 6), "photometric": "rgb", "planarconfig": "separate"},
    ],
)
def test_other_tiffs_are_left_to_a_tiff_reader(tmp_path, options):
    tifffile = pytest.importorskip("tifffile")
    options = {"shape": (5, 6), "dtype": np.uint8, **options}
    image = np.zeros(options.pop("shape"), options.pop("dtype"))
    tifffile.imwrite(tmp_path / "a.tif", image, **options)
    assert facts(tmp_path / "a.tif")[:5] == ("tiff", 0, 0, 0, 0)


def test_every_truncation_and_flip_of_a_tiff_is_survived(rng):
    tifffile = pytest.importorskip("tifffile")
    from io import BytesIO

    for options in ({}, {"bigtiff": True}, {"byteorder": ">"}, {"rowsperstrip": 1}):
        buffer = BytesIO()
        tifffile.imwrite(buffer, rng.integers(0, 99, (12, 15), dtype=np.uint16), **options)
        data = buffer.getvalue()
        for size in range(len(data)):
            found = _core.probe_bytes(data[:size])
            assert found[0] is None or found[4] == 0, size  # its last strip is cut off
        for _ in range(2000):
            damaged = bytearray(data)
            damaged[rng.integers(4, 300)] = rng.integers(0, 256)
            found = _core.probe_bytes(bytes(damaged))
            assert found[0] in (None, "tiff")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
def test_webp(tmp_path, mode, lossless):
    path = tmp_path / "a"
    image = Image.fromarray(np.arange(17 * 31, dtype=np.uint8).reshape(17, 31)).convert(mode)
    if mode == "RGBA":
        image.putpixel((3, 4), (1, 2, 3, 9))
    image.save(path, "WEBP", lossless=lossless)
    assert facts(path)[:5] == ("webp", 17, 31, 4 if mode == "RGBA" else 3, 8)


def test_gif(tmp_path):
    path = tmp_path / "a"
    Image.new("P", (31, 17)).save(path, "GIF")
    assert facts(path)[:5] == ("gif", 17, 31, 3, 8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("endian", ["<", ">"])
def test_orientation_of_a_jpeg_is_that_of_pillow(tmp_path, orientation, endian):
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif.endian = endian
    exif[0x0112], exif[0x010F] = orientation, "maker"
    Image.new("L", (31, 17)).save(path, exif=exif)
    with Image.open(path) as image:
        assert image.getexif()[0x0112] == orientation
    assert facts(path)[1:3] == (17, 31)
    assert facts(path)[7] == orientation


def test_failures_have_a_code_and_a_message(tmp_path):
    files = {
        "empty": b"",
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "text": b"<html></html>",
        "cut": b"\x89PNG\r\n\x1a\n\0\0\0",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    Image.new("1", (1 << 15, 1 << 14)).save(tmp_path / "huge", "PNG")
    names = ["empty", "pointer", "text", "cut", "huge", "missing", "."]
    found = _core.probe_images([str(tmp_path / name) for name in names], threads=2)
    codes = ["empty-file", "lfs-pointer", "not-an-image", "truncated-image", "huge-image"]
    assert [code for _, code, _ in found] == [*codes, "unreadable", "unreadable"]
    assert all(encoding is None and message for encoding, _, message in found)


def test_any_name_the_file_system_has(tmp_path):
    for name in ("Wärme ☀.png", os.fsdecode(b"not utf-8 \xff\xfe.png")):
        path = tmp_path / name
        try:
            Image.new("L", (4, 3)).save(path, "PNG")
        except OSError:
            pytest.skip("this file system refuses such names")
        assert facts(path)[:3] == ("png", 3, 4)
    assert _core.probe_images(["a\0b"])[0][1] == "unreadable"
    with pytest.raises(TypeError):
        _core.probe_images([b"bytes"])


def test_order_is_kept_over_threads(tmp_path):
    paths = []
    for i in range(1, 40):
        path = tmp_path / f"{i}.png"
        Image.new("L", (i, 2 * i)).save(path)
        paths.append(str(path))
    for threads in (0, 1, 3):
        found = _core.probe_images(paths, threads=threads)
        assert [f[1:3] for f in found] == [(2 * i, i) for i in range(1, 40)]
    assert _core.probe_images([]) == []


@pytest.mark.dumps
def test_real_files_are_as_opencv_reads_them(dumps):
    found = 0
    for source in ("sirst-v2", "sirst-bmp", "roadscene", "mfnet-sample"):
        paths = [p for p in sorted((dumps / source).rglob("*")) if p.is_file()]
        paths = paths[:: max(1, len(paths) // 25)]
        for path, probe in zip(paths, _core.probe_images([str(p) for p in paths]), strict=True):
            if probe[0] not in ("png", "bmp", "jpeg"):
                continue
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            assert probe[1:3] == image.shape[:2]
            assert probe[4] == image.dtype.itemsize * 8
            found += 1
    if not found:
        pytest.skip("none of the sources has pictures here")
