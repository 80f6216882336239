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
    expected = ("png", 17, 31, channels, bits, stat.st_size, stat.st_mtime_ns)
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


@pytest.mark.parametrize("big", [False, True])
def test_tiff_is_left_to_a_tiff_reader(tmp_path, big):
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "a.png"
    tifffile.imwrite(path, np.zeros((5, 6), np.uint16), bigtiff=big)
    assert facts(path)[:5] == ("tiff", 0, 0, 0, 0)


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
