"""Headers and decoding of every encoding, the channel policy, and files that are no pictures."""

from __future__ import annotations

import struct
from io import BytesIO

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from irtd_fast import _core
from irtd_fast.errors import DecodeError
from irtd_fast.images import decode_image, mislabelled, probe_images
from irtd_fast.types import ImageInfo, Problem

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 12345\n"


def pillow(array, kind, **options):
    buffer = BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(array, **options):
    buffer = BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


@pytest.fixture
def gray(rng):
    return rng.integers(0, 256, (11, 17), dtype=np.uint8)


@pytest.fixture
def gray16(rng):
    return rng.integers(0, 65536, (11, 17), dtype=np.uint16)


def stack(gray, alpha=None):
    planes = [gray, gray, gray]
    if alpha is not None:
        planes.append(np.full_like(gray, alpha))
    return np.ascontiguousarray(np.stack(planes, axis=-1))


def palette_png(gray, colours=None):
    image = Image.frombytes("P", gray.shape[::-1], gray.tobytes())
    image.putpalette(colours or [value for level in range(256) for value in (level,) * 3])
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


ENCODERS = {
    "png": imagecodecs.png_encode,
    "png-rgb": lambda g: imagecodecs.png_encode(stack(g)),
    "png-rgba": lambda g: imagecodecs.png_encode(stack(g, 255)),
    "png-gray-alpha": lambda g: pillow(np.dstack([g, np.full_like(g, 9)]), "PNG"),
    "png-palette": palette_png,
    "bmp": lambda g: pillow(g, "BMP"),
    "bmp-rgb": lambda g: pillow(stack(g), "BMP"),
    "tiff": tiff,
    "tiff-rgb": lambda g: tiff(stack(g), photometric="rgb"),
    "tiff-lzw": lambda g: tiff(g, compression="lzw", predictor=True),
    "tiff-big-endian": lambda g: tiff(g, byteorder=">"),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_gray_in_any_wrapping_decodes_to_the_same_pixels(name, gray):
    image = decode_image(ENCODERS[name](gray))
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, gray)


@pytest.mark.parametrize("name", ["png", "png-rgb", "png-rgba", "tiff", "tiff-lzw", "tiff-rgb"])
def test_sixteen_bits_stay_sixteen_bits(name, gray16):
    encode = {**ENCODERS, "png-rgba": lambda g: imagecodecs.png_encode(stack(g, 65535))}[name]
    image = decode_image(encode(gray16))
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, gray16)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_gray_is_the_luma_plane(gray, channels):
    data = _core.encode_jpeg(gray if channels == 1 else stack(gray))
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(decode_image(bytes(data)), expected)


def test_jpeg_colour(rng):
    image = cv2.resize(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8), (32, 24))
    data = bytes(_core.encode_jpeg(image, subsampling="444"))
    decoded = decode_image(data, channels="colour")
    assert decoded.shape == (24, 32, 3)
    assert np.abs(decoded.astype(int) - image).mean() < 3
    with pytest.raises(DecodeError, match=r"channels that differ by \d+ \(tolerance 5\)"):
        decode_image(data, tolerance=5)


def test_colour_keeps_colour_and_gray_files_stay_gray(rng, gray):
    image = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    for data in (imagecodecs.png_encode(image), pillow(image, "BMP")):
        np.testing.assert_array_equal(decode_image(data, channels="colour"), image)
    with_alpha = np.dstack([image, np.full((5, 6), 255, np.uint8)])
    decoded = decode_image(imagecodecs.png_encode(with_alpha), channels="colour")
    np.testing.assert_array_equal(decoded, image)
    assert decode_image(imagecodecs.png_encode(gray), channels="colour").shape == gray.shape


def test_colour_is_refused_with_its_deviation(gray):
    image = stack(np.clip(gray, 10, 200))
    image[3, 4, 1] += 7
    data = imagecodecs.png_encode(image)
    with pytest.raises(DecodeError, match=r"differ by 7 \(tolerance 0\)") as caught:
        decode_image(data)
    assert caught.value.where["deviation"] == 7
    with pytest.raises(DecodeError, match=r"differ by 7 \(tolerance 6\)"):
        decode_image(data, tolerance=6)
    expected = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(decode_image(data, tolerance=7), expected)


def test_luma_of_sixteen_bits_does_not_overflow():
    image = np.full((2, 2, 3), 65535, np.uint16)
    image[0, 0, 2] = 65533
    decoded = decode_image(imagecodecs.png_encode(image), tolerance=2)
    assert decoded.tolist() == [[65535, 65535], [65535, 65535]]


def test_varying_alpha_is_refused(gray):
    image = stack(gray, 255)
    image[0, 0, 3] = 8
    for channels in ("gray", "colour"):
        with pytest.raises(DecodeError, match=r"constant alpha channel, found 8\.\.255"):
            decode_image(imagecodecs.png_encode(image), channels=channels)


def test_coloured_palette_is_refused(gray):
    colours = [value for level in range(256) for value in (level, 0, 255 - level)]
    for channels in ("gray", "colour"):
        with pytest.raises(DecodeError, match="expected a gray picture"):
            decode_image(palette_png(gray, colours), channels=channels)


def test_path_and_its_name_in_errors(tmp_path, gray):
    path = tmp_path / "ünïcode 名.png"
    path.write_bytes(imagecodecs.png_encode(gray))
    np.testing.assert_array_equal(decode_image(path), gray)
    np.testing.assert_array_equal(decode_image(str(path)), gray)
    path.write_bytes(b"junk")
    with pytest.raises(DecodeError, match=r"名\.png: not a picture") as caught:
        decode_image(path)
    assert caught.value.where["path"] == str(path)
    with pytest.raises(FileNotFoundError):
        decode_image(tmp_path / "absent.png")


@pytest.mark.parametrize("name", [*ENCODERS, "jpeg"])
def test_cut_off_pictures_are_errors(name, gray):
    big = np.tile(gray, (12, 12))
    data = bytes(_core.encode_jpeg(big)) if name == "jpeg" else ENCODERS[name](big)
    for size in (0, 1, 8, 20, len(data) // 3, len(data) // 2, len(data) * 9 // 10):
        with pytest.raises(DecodeError):
            decode_image(data[:size])


def png_header(width, height):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + b"\0\0\0\0"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (LFS, "not a picture: begins with b'version "),
        (png_header(60_000, 60_000), "expected 1 to 268435456 pixels, found 60000 x 60000"),
        (png_header(0, 10), "found 10 x 0"),
        (tiff(np.zeros((2, 4, 5), np.uint8), photometric="minisblack"), "TIFF of 1 page, found 2"),
        (tiff(np.zeros((4, 5), np.float32)), "expected uint8 or uint16, found float32"),
        (tiff(np.zeros((4, 5), np.int16)), "expected uint8 or uint16, found int16"),
        (tiff(np.zeros((4, 5), np.uint8), photometric="miniswhite"), "expected gray or RGB"),
    ],
)
def test_pictures_we_do_not_take(data, message):
    with pytest.raises(DecodeError, match=message):
        decode_image(data)


def write(tmp_path, files):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return probe_images(tmp_path, list(files), threads=2)


def test_probe_tells_size_channels_depth(tmp_path, gray, gray16):
    found = write(
        tmp_path,
        {
            "a.jpg": bytes(_core.encode_jpeg(gray)),
            "b.jpg": bytes(_core.encode_jpeg(stack(gray))),
            "c.png": imagecodecs.png_encode(gray16),
            "d.png": imagecodecs.png_encode(stack(gray, 255)),
            "e.png": palette_png(gray),
            "f.bmp": pillow(gray, "BMP"),
            "g.tiff": tiff(gray16, compression="lzw", predictor=True),
            "h.tiff": tiff(stack(gray), photometric="rgb"),
        },
    )
    assert all(isinstance(info, ImageInfo) for info in found), found
    assert {(info.height, info.width) for info in found} == {(11, 17)}
    assert [(i.encoding, i.file_channels, i.channels, i.dtype) for i in found] == [
        ("jpeg", 1, 1, "uint8"),
        ("jpeg", 3, 3, "uint8"),
        ("png", 1, 1, "uint16"),
        ("png", 4, 3, "uint8"),
        ("png", 1, 1, "uint8"),
        ("bmp", 1, 1, "uint8"),
        ("tiff", 1, 1, "uint16"),
        ("tiff", 3, 3, "uint8"),
    ]
    for info in found:
        status = (tmp_path / info.path).stat()
        assert (info.size, info.mtime_ns) == (status.st_size, status.st_mtime_ns)
        assert mislabelled(info) is None


def test_probe_reports_each_bad_file_and_goes_on(tmp_path, gray):
    good = imagecodecs.png_encode(gray)
    good_tiff = tiff(np.tile(gray, (9, 9)))
    found = write(
        tmp_path,
        {
            "empty.png": b"",
            "lfs.tif": LFS,
            "text.png": b"hello, this is not a picture at all",
            "cut.png": good[:20],
            "cut.jpg": bytes(_core.encode_jpeg(gray))[:30],
            "huge.png": png_header(100_000, 100_000),
            "cut.tiff": good_tiff[: len(good_tiff) // 2],
            "cut-early.tiff": good_tiff[:12],
            "float.tiff": tiff(np.zeros((4, 5), np.float32)),
            "pages.tiff": tiff(np.zeros((2, 4, 5), np.uint8), photometric="minisblack"),
            "good.png": good,
        },
    )
    assert isinstance(found[-1], ImageInfo)
    assert all(isinstance(item, Problem) for item in found[:-1])
    assert {item.path: item.code for item in found[:-1]} == {
        "empty.png": "empty-file",
        "lfs.tif": "lfs-pointer",
        "text.png": "not-an-image",
        "cut.png": "truncated-image",
        "cut.jpg": "truncated-image",
        "huge.png": "huge-image",
        "cut.tiff": "truncated-image",
        "cut-early.tiff": "truncated-image",
        "float.tiff": "unsupported-image",
        "pages.tiff": "unsupported-image",
    }
    assert all(item.message for item in found[:-1])


def test_probe_of_an_absent_file(tmp_path):
    (found,) = probe_images(tmp_path, ["absent.png"])
    assert isinstance(found, Problem)
    assert found.code == "unreadable"


def test_mislabelled_pictures_are_told_by_content(tmp_path, gray):
    jpeg = bytes(_core.encode_jpeg(gray))
    found = write(tmp_path, {"a.png": jpeg, "b.JPEG": jpeg, "c.dat": jpeg})
    assert [info.encoding for info in found] == ["jpeg"] * 3
    problems = [mislabelled(info) for info in found]
    assert problems[1:] == [None, None]
    assert problems[0] == Problem(
        "mislabelled-image", "a.png", "", "expected png by its name, found jpeg",
        "kept, read by its content",
    )  # fmt: skip


def test_jpeg_kinds_that_are_no_counts_are_refused_early(tmp_path, gray):
    buffer = BytesIO()
    Image.fromarray(np.dstack([gray] * 4), "CMYK").save(buffer, "JPEG")
    (found,) = write(tmp_path, {"cmyk.jpg": buffer.getvalue()})
    assert isinstance(found, Problem)
    assert found.code == "unsupported-image"
    assert "found 4 components" in found.message
    with pytest.raises(DecodeError, match="4 components"):
        decode_image(buffer.getvalue())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_are_taken(gray, kind):
    np.testing.assert_array_equal(decode_image(kind(imagecodecs.png_encode(gray))), gray)
