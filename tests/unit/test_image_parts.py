"""What is taken of a file: alpha, colours, counts from pseudo-colour, border, upright pictures."""

from __future__ import annotations

from io import BytesIO

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from irtd_fast import _core
from irtd_fast.errors import DecodeError
from irtd_fast.images import decode_image, invert_palette, load_palette, palette_names, probe_images
from irtd_fast.types import ImageInfo, Problem


def saved(image, kind, **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def rgba(rng):
    return rng.integers(0, 256, (11, 17, 4), dtype=np.uint8)


def test_alpha_and_colours_of_one_file(rgba):
    data = imagecodecs.png_encode(rgba)
    np.testing.assert_array_equal(decode_image(data, channels="alpha"), rgba[..., 3])
    np.testing.assert_array_equal(decode_image(data, channels="opaque"), rgba[..., :3])
    with pytest.raises(DecodeError, match="constant alpha"):
        decode_image(data, channels="colour")


def test_no_alpha_where_one_is_expected(rgba):
    for image in (rgba[..., 0], rgba[..., :3]):
        data = imagecodecs.png_encode(np.ascontiguousarray(image))
        with pytest.raises(DecodeError, match="expected an alpha channel, found"):
            decode_image(data, channels="alpha")
    jpeg = bytes(_core.encode_jpeg(np.ascontiguousarray(rgba[..., 0])))
    with pytest.raises(DecodeError, match="a JPEG, which has none"):
        decode_image(jpeg, channels="alpha")


@pytest.mark.parametrize("name", palette_names())
def test_a_palette_is_inverted_to_the_same_levels(name):
    palette = load_palette(name)
    assert palette.shape == (256, 3)
    colours, first = np.unique(palette, axis=0, return_index=True)
    assert len(colours) > 200
    levels = np.sort(first).astype(np.uint8).reshape(1, -1)
    data = imagecodecs.png_encode(palette[levels])
    found = decode_image(data, channels="pseudo", palette=name)
    np.testing.assert_array_equal(palette[found], palette[levels])


def test_inversion_survives_a_jpeg(rng):
    smooth = np.add.outer(np.linspace(10, 120, 96), np.linspace(0, 110, 128)).astype(np.uint8)
    data = bytes(_core.encode_jpeg(load_palette("iron")[smooth], quality=95))
    found = decode_image(data, channels="pseudo", palette="iron")
    assert np.abs(found.astype(int) - smooth).mean() < 3
    assert decode_image(data, channels="pseudo").shape == smooth.shape


def test_another_palette_is_refused(rng):
    image = load_palette("jet")[rng.integers(0, 256, (40, 50))]
    with pytest.raises(DecodeError, match="colours of the palette iron") as caught:
        decode_image(imagecodecs.png_encode(image), channels="pseudo", palette="iron")
    assert caught.value.where["distance"] > 40
    with pytest.raises(DecodeError, match="R-JPEG with its palette"):
        decode_image(imagecodecs.png_encode(image), channels="pseudo", palette="embedded")


def test_a_palette_of_ones_own(tmp_path, rng):
    own = rng.permutation(256 * 3)[: 40 * 3].reshape(40, 3).astype(np.uint8)
    np.save(tmp_path / "own.npy", own)
    text = "\n".join(", ".join(map(str, row)) for row in own.tolist())
    (tmp_path / "own.csv").write_text(text + "\n")
    levels = rng.integers(0, 40, (6, 7))
    for name in ("own.npy", "own.csv"):
        np.testing.assert_array_equal(load_palette(str(tmp_path / name)), own)
        found = invert_palette(own[levels], str(tmp_path / name))
        np.testing.assert_array_equal(own[np.rint(found / 255 * 39).astype(int)], own[levels])


@pytest.mark.parametrize("text", ["1 2\n3 4\n", "a b c\n", "1 2 300\n1 2 3\n", "1 2 3\n"])
def test_files_that_are_no_palette(tmp_path, text):
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(ValueError, match=r"p\.txt: expected"):
        load_palette(str(tmp_path / "p.txt"))


def test_palettes_of_libraries_and_unknown_ones():
    import cv2

    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)
    np.testing.assert_array_equal(load_palette("opencv:inferno"), ramp[:, 0, ::-1])
    with pytest.raises(ValueError, match="OpenCV has no colour map"):
        load_palette("opencv:nothing")
    with pytest.raises(ValueError, match="palette must be one of"):
        load_palette("irno")


@pytest.mark.parametrize("name", ["jet", "cool", "bone"])
def test_formulas_are_those_of_opencv(name):
    import cv2

    code = getattr(cv2, f"COLORMAP_{name.upper()}")
    expected = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], code)[:, 0, ::-1]
    # OpenCV interpolates nodes of its own: a few levels apart.
    assert np.abs(load_palette(name).astype(int) - expected).max() <= 6


def test_border(rng):
    image = rng.integers(0, 256, (11, 17), dtype=np.uint8)
    data = imagecodecs.png_encode(image)
    np.testing.assert_array_equal(decode_image(data, border=3), image[3:-3, 3:-3])
    for border in (6, 99, -1):
        with pytest.raises(DecodeError, match=f"more than a border of {border}"):
            decode_image(data, border=border)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_as_pillow_does(tmp_path, rng, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(rng.integers(0, 256, (24, 40), dtype=np.uint8))
    jpeg = saved(image, "JPEG", exif=exif)
    with Image.open(BytesIO(jpeg)) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
        stored = np.asarray(opened)
    found = decode_image(jpeg)
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, upright, atol=1)  # two IDCTs may round apart
    np.testing.assert_allclose(decode_image(jpeg, upright=False), stored, atol=1)
    buffer = BytesIO()
    tifffile.imwrite(buffer, np.asarray(image), extratags=[(274, 3, 1, orientation, True)])
    names = {"a.jpg": jpeg, "a.tif": buffer.getvalue()}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
        (info,) = probe_images(tmp_path, [name])
        assert (info.height, info.width) == upright.shape == decode_image(data).shape
        assert info.orientation == orientation
        assert info.plain == (orientation == 1)


def test_only_the_first_frame_of_web_pictures(tmp_path, rng):
    frames = [Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)) for _ in range(3)]
    webp = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(decode_image(webp, channels="colour"), np.asarray(frames[0]))
    gray = [frame.convert("L") for frame in frames]
    gif = saved(gray[0], "GIF", save_all=True, append_images=gray[1:])
    np.testing.assert_array_equal(decode_image(gif), np.asarray(gray[0]))
    for name, data in (("a.webp", webp), ("a.gif", gif)):
        (tmp_path / name).write_bytes(data)
        (info,) = probe_images(tmp_path, [name])
        assert isinstance(info, ImageInfo)
        assert (info.height, info.width, info.encoding) == (9, 7, name[2:])
        for size in (3, 12, 20, 29):
            with pytest.raises(DecodeError):
                decode_image(data[:size], channels="colour")


def test_a_tiff_with_a_thumbnail_is_one_picture_and_one_with_pages_is_refused(tmp_path, rng):
    image = rng.integers(0, 256, (11, 17), dtype=np.uint8)
    for name, kind in (("thumb.tif", 1), ("pages.tif", 0)):
        with tifffile.TiffWriter(tmp_path / name) as writer:
            writer.write(image, metadata=None)
            writer.write(image[::2, ::2], subfiletype=kind, metadata=None)
    thumb, pages = probe_images(tmp_path, ["thumb.tif", "pages.tif"])
    assert (thumb.height, thumb.width) == (11, 17)
    np.testing.assert_array_equal(decode_image(tmp_path / "thumb.tif"), image)
    assert isinstance(pages, Problem)
    assert "expected a TIFF of 1 page, found 2" in pages.message


def test_a_tiff_whose_directories_are_a_loop_is_refused(tmp_path):
    buffer = BytesIO()
    tifffile.imwrite(buffer, np.zeros((5, 6), np.uint8), metadata=None)
    data = bytearray(buffer.getvalue())
    first = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[first : first + 2], "little")
    at = first + 2 + 12 * count
    data[at : at + 4] = data[4:8]  # the next directory is this one
    (tmp_path / "loop.tif").write_bytes(data)
    (found,) = probe_images(tmp_path, ["loop.tif"])
    with pytest.raises(DecodeError):
        decode_image(bytes(data))
    assert isinstance(found, Problem)
