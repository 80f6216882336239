"""Pictures made to do harm: typed refusals in bounded memory, and the rest still read."""

from __future__ import annotations

import resource
import struct
import zlib
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from irtd_fast import _core
from irtd_fast.errors import DecodeError
from irtd_fast.images import decode_image, probe_images
from irtd_fast.types import ImageInfo, Problem

ROOM = 64 << 10  # kB that a refusal may cost


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def refused(data: bytes, folder, name: str) -> None:
    """Probing must name a problem or a sane size; decoding must raise DecodeError, cheaply."""
    (folder / name).write_bytes(data)
    before = peak()
    (found,) = probe_images(folder, [name])
    assert isinstance(found, Problem) or found.height * found.width <= 1 << 28
    for channels in ("gray", "colour", "raw"):
        with pytest.raises(DecodeError):
            decode_image(data, channels=channels)
    assert peak() - before < ROOM


def chunk(kind: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def png(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """A little-endian TIFF of one directory with so many (tag, type, count, value) and no data."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    directory = struct.pack("<H", len(entries)) + body + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(64)


def plain_tags(width=8, height=8, offset=200, nbytes=64, compression=1):
    return [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression),
        (262, 3, 1, 1), (273, 4, 1, offset), (277, 3, 1, 1), (278, 4, 1, height),
        (279, 4, 1, nbytes),
    ]  # fmt: skip


HOSTILE = {
    "png-bomb-of-pixels.png": png(60_000, 60_000, b"\0" * 1000),
    "png-too-few-rows.png": png(4000, 4000, b"\0" * 1000),
    "bmp-bomb.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 10**6, 0, 54, 40, 1 << 30, 1 << 30, 1,
                                        24, 0, 0, 0, 0, 0, 0),
    "bmp-most-negative-height.bmp": b"BM" + struct.pack(
        "<IIIIiiHHIIiiII", 10**6, 0, 54, 40, 9, -(2**31), 1, 24, 0, 0, 0, 0, 0, 0),
    "tiff-directory-outside.tif": b"II*\0" + struct.pack("<I", 1 << 31) + bytes(64),
    "tiff-no-entries.tif": tiff([]),
    "tiff-data-outside.tif": tiff(plain_tags(offset=1 << 31)),
    "tiff-offset-overflow.tif": tiff(plain_tags(offset=0xFFFFFFFF, nbytes=0xFFFFFFFF)),
    "tiff-huge.tif": tiff(plain_tags(1 << 31, 1 << 31)),
    "tiff-loop.tif": tiff(plain_tags(), following=8),
    "tiff-lzw-of-nothing.tif": tiff(plain_tags(4000, 4000, 130, 40, compression=5)),
    "tiff-strips-without-end.tif": tiff(
        [*plain_tags()[:5], (273, 4, 0x3FFFFFFF, 8), (279, 4, 0x3FFFFFFF, 8)]),
    "bigtiff-of-many-entries.tif": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1 << 60) + bytes(64),
    "gif-bomb.gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(30),
    "webp-bomb.webp": b"RIFF\xff\xff\xff\x7fWEBPVP8X\n\0\0\0\0\0\0\0" + b"\xff" * 6 + bytes(40),
    "fff-directory-outside.fff": b"FFF\0" + bytes(16) + struct.pack("<III", 100, 1 << 31, 9)
                                 + bytes(64),
    "fff-many-records.fff": b"FFF\0" + bytes(16) + struct.pack("<III", 100, 64, 1 << 31)
                            + bytes(64),
    "lfs.tif": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    "html.jpg": b"<!doctype html><title>404</title>",
    "zeros.png": bytes(4096),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_bounded_memory(tmp_path, name):
    refused(HOSTILE[name], tmp_path, name)


def test_an_fff_that_claims_more_pixels_than_it_has_is_refused(tmp_path):
    record = struct.pack("<HHH", 2, 60_000, 60_000) + bytes(26)
    entry = struct.pack("<HHIIII", 1, 1, 0, 0, 96, len(record)) + bytes(12)
    header = b"FFF\0" + bytes(16) + struct.pack("<III", 100, 64, 1) + bytes(32)
    refused(header + entry + record, tmp_path, "big.fff")


def test_one_hostile_file_does_not_stop_the_others(tmp_path):
    good = imagecodecs.png_encode(np.arange(30, dtype=np.uint8).reshape(5, 6))
    names = []
    for number, data in enumerate(HOSTILE.values()):
        for name, content in ((f"{number}-bad", data), (f"{number}-good", good)):
            (tmp_path / name).write_bytes(content)
            names.append(name)
    found = probe_images(tmp_path, names, threads=2)
    for name, item in zip(names, found, strict=True):
        if name.endswith("good"):
            assert isinstance(item, ImageInfo)
            assert (item.height, item.width) == (5, 6)


def encoded(kind: str, rng) -> bytes:
    image = rng.integers(0, 256, (40, 56), dtype=np.uint8)
    if kind == "jpeg":
        return bytes(_core.encode_jpeg(image, quality=90))
    buffer = BytesIO()
    if kind.startswith("tiff"):
        lzw = {"compression": "lzw", "predictor": True} if kind == "tiff-lzw" else {}
        tifffile.imwrite(buffer, image.astype(np.uint16), rowsperstrip=8, **lzw)
    else:
        Image.fromarray(image).save(buffer, kind.upper(), lossless=True)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "tiff-lzw", "bmp"])
def test_no_truncation_passes_for_a_picture(kind, rng):
    """1,000 cuts at random places: none may decode, unless only what follows the pixels is gone."""
    data = encoded(kind, rng)
    whole = decode_image(data)
    for size in rng.integers(0, len(data), 1000):
        try:
            found = decode_image(data[:size])
        except DecodeError:
            continue
        assert kind in ("png", "tiff", "tiff-lzw"), size
        np.testing.assert_array_equal(found, whole)  # a PNG without its IEND, a TIFF without tail


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "tiff-lzw", "bmp", "gif", "webp"])
def test_damage_ends_in_a_picture_of_that_size_or_a_refusal(kind, rng):
    data = encoded(kind, rng)
    for _ in range(300):
        damaged = bytearray(data)
        for at in rng.integers(0, min(len(data), 400), rng.integers(1, 5)):
            damaged[at] = rng.integers(0, 256)
        _core.probe_bytes(bytes(damaged))
        try:
            image = decode_image(bytes(damaged), channels="colour")
        except DecodeError:
            continue
        assert image.dtype in (np.uint8, np.uint16)
        assert image.size <= 1 << 28


def test_a_polyglot_is_what_its_first_bytes_say(tmp_path, rng):
    image = rng.integers(0, 256, (9, 11), dtype=np.uint8)
    data = imagecodecs.png_encode(image) + b"PK\x03\x04 GIF89a <script>alert(1)</script> %PDF-1.4"
    (tmp_path / "a.gif").write_bytes(data)
    (found,) = probe_images(tmp_path, ["a.gif"])
    assert found.encoding == "png"
    np.testing.assert_array_equal(decode_image(data), image)
