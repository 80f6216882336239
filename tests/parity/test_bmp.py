"""BMP decoding against OpenCV and Pillow."""

from __future__ import annotations

import struct
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from irtd_fast.errors import DecodeError
from irtd_fast.images import decode_image


def saved(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "BMP")
    return buffer.getvalue()


def opencv(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def as_rgb(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else np.dstack([image] * 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("width", [1, 7, 8, 9, 31, 32, 33])
def test_modes_and_paddings(rng, mode, width):
    image = Image.fromarray(rng.integers(0, 256, (13, width, 3), dtype=np.uint8))
    image = image.quantize(17) if mode == "P" else image.convert(mode)
    data = saved(image)
    found = decode_image(data, channels="opaque")
    np.testing.assert_array_equal(as_rgb(found), opencv(data))
    assert found.ndim == (2 if mode in ("1", "L") else 3)


def handmade(rng, bits, height, core, colours=16):
    """A 4- or 8-bit BMP that Pillow does not write: top-down, or with a header of OS/2."""
    width = 11
    stride = (width * bits + 31) // 32 * 4
    rows = rng.integers(0, 256, (abs(height), stride), dtype=np.uint8)
    if bits == 8:
        rows %= colours
    palette = rng.integers(0, 256, (colours, 3 if core else 4), dtype=np.uint8)
    if core:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
        palette = np.resize(palette, (1 << bits, 3))
    else:
        header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, colours, 0)
    at = 14 + len(header) + palette.size
    file = struct.pack("<2sIHHI", b"BM", at + rows.size, 0, 0, at)
    return file + header + palette.tobytes() + rows.tobytes()


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize(("height", "core"), [(9, False), (-9, False), (9, True)])
def test_indexed_pictures_of_other_writers(rng, bits, height, core):
    data = handmade(rng, bits, height, core)
    with Image.open(BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(as_rgb(decode_image(data, channels="opaque")), expected)


def test_what_is_not_taken_says_why(rng):
    data = bytearray(saved(Image.fromarray(rng.integers(0, 256, (9, 11), dtype=np.uint8))))
    for at, value, message in (
        (30, 1, "uncompressed BMP, found compression 1"), (28, 16, "24 or 32 bits, found 16"),
        (14, 39, "header of 39 bytes"), (11, 200, "expected a BMP of"), (18, 0, "found 9 x 0"),
    ):  # fmt: skip
        changed = bytearray(data)
        changed[at] = value
        with pytest.raises(DecodeError, match=message):
            decode_image(bytes(changed))
    few = handmade(rng, 8, 9, core=False, colours=4)
    changed = bytearray(few)
    changed[-1 - 1] = 200  # an index beyond the palette, in the last row
    with pytest.raises(DecodeError, match=r"indices below 4|found channels"):
        decode_image(bytes(changed))
