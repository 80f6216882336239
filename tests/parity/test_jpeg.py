"""JPEG in and out against OpenCV and Pillow."""

from __future__ import annotations

import contextlib
import io
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from irtd_fast import _core
from irtd_fast.errors import DecodeError

SAMPLINGS = {"444": 0x111111, "422": 0x211111, "420": 0x221111, "440": 0x121111, "411": 0x411111}


def picture(height, width, channels=3, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.5)
    return smooth if channels == 1 else smooth.reshape(height, width, channels)


def by_opencv(image, sampling="420", *, progressive=False):
    flags = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling]]
    flags += [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    ok, data = cv2.imencode(".jpg", image, flags)
    assert ok
    return data.tobytes()


def opencv_decode(data, flag):
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)


def assert_like_the_peers(data, image_shape):
    """The Y plane equals OpenCV's; RGB is within a level of OpenCV's and Pillow's."""
    gray = _core.decode_jpeg(data)
    assert gray.shape == image_shape[:2]
    np.testing.assert_array_equal(gray, opencv_decode(data, cv2.IMREAD_GRAYSCALE))
    rgb = _core.decode_jpeg(data, channels=3).astype(int)
    assert np.abs(rgb - opencv_decode(data, cv2.IMREAD_COLOR)[..., ::-1]).max() <= 1
    with Image.open(io.BytesIO(data)) as peer:
        assert np.abs(rgb - np.asarray(peer.convert("RGB"))).max() <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from([1, 3]),
    st.sampled_from(sorted(SAMPLINGS)),
    st.booleans(),
    st.integers(0, 1000),
)
def test_decoding_is_that_of_the_peers(height, width, channels, sampling, progressive, seed):
    image = picture(height, width, channels, seed)
    data = by_opencv(image, sampling, progressive=progressive)
    assert _core.read_jpeg_header(data) == (height, width, channels, progressive)
    assert_like_the_peers(data, image.shape)


@pytest.mark.parametrize("num", [1, 2, 4, 8])
def test_scaled_decoding_is_that_of_pillow(num):
    image = picture(120, 160, 1)
    data = by_opencv(image)
    ours = _core.decode_jpeg(data, scale=(num, 8))
    with Image.open(io.BytesIO(data)) as peer:
        peer.draft("L", (160 * num // 8, 120 * num // 8))
        expected = np.asarray(peer)
    assert ours.shape == (120 * num // 8, 160 * num // 8)
    assert np.abs(ours.astype(int) - expected).max() <= 1


def test_scale_must_be_one_of_the_transform():
    data = by_opencv(picture(16, 16, 1))
    assert _core.decode_jpeg(data, scale=(1, 2)).shape == (8, 8)
    with pytest.raises(ValueError, match="scale"):
        _core.decode_jpeg(data, scale=(1, 3))
    with pytest.raises(ValueError, match="channels"):
        _core.decode_jpeg(data, channels=2)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(("subsampling", "code"), [("444", 0), ("422", 1), ("420", 2)])
def test_what_we_encode_others_read(subsampling, code, progressive):
    image = picture(61, 83)
    data = _core.encode_jpeg(image, quality=95, subsampling=subsampling, progressive=progressive)
    with Image.open(io.BytesIO(data)) as peer:
        assert JpegImagePlugin.get_sampling(peer) == code
        assert bool(peer.info.get("progressive")) == progressive
        assert np.abs(np.asarray(peer).astype(int) - image).mean() < 4
    assert_like_the_peers(data, image.shape)


def test_gray_and_strided_pictures_are_encoded():
    image = picture(40, 60, 1)
    data = _core.encode_jpeg(image[4:36, 10:50], quality=98)
    back = opencv_decode(data, cv2.IMREAD_UNCHANGED)
    assert back.ndim == 2
    assert np.abs(back.astype(int) - image[4:36, 10:50]).max() <= 6
    for wrong in ({"quality": 0}, {"quality": 101}, {"subsampling": "411"}):
        with pytest.raises(ValueError, match=r"quality|subsampling"):
            _core.encode_jpeg(image, **wrong)
    with pytest.raises(ValueError, match="uint8"):
        _core.encode_jpeg(image.astype(np.uint16))


def test_a_baseline_file_after_a_progressive_one_is_whole():
    image = picture(48, 48)
    before = _core.encode_jpeg(image)
    _core.encode_jpeg(picture(48, 48, 3, 9), progressive=True)
    assert _core.encode_jpeg(image) == before


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_truncated_file_is_an_error(channels, progressive):
    data = by_opencv(picture(64, 64, channels), progressive=progressive)
    for keep in (0, 1, 3, 30, len(data) // 4, len(data) // 2, len(data) - 40, len(data) - 3):
        with pytest.raises(DecodeError):
            _core.decode_jpeg(data[:keep])
        with pytest.raises(DecodeError):
            _core.decode_jpeg(data[:keep], channels=3)
        if channels == 3:
            with pytest.raises(DecodeError):
                _core.jpeg_chroma_deviation(data[:keep])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6))
def test_damaged_files_never_do_worse_than_an_error(seed, count):
    whole = by_opencv(picture(40, 40, 3, 1), progressive=seed % 2 == 0)
    data = bytearray(whole)
    places = np.random.default_rng(seed)
    for _ in range(count):
        data[places.integers(2, len(data))] = places.integers(0, 256)
    for decode in (_core.decode_jpeg, _core.jpeg_chroma_deviation):
        with contextlib.suppress(DecodeError):
            _core.read_jpeg_header(data, max_pixels=1 << 16)  # no large claims: that costs time
            decode(data)
    np.testing.assert_array_equal(_core.decode_jpeg(whole), opencv_decode(whole, 0))


def test_a_scan_bomb_is_refused_at_once():
    data = by_opencv(picture(64, 64), progressive=True)
    last = data.rindex(b"\xff\xda")
    bomb = data[:-2] + data[last:-2] * 10_000 + b"\xff\xd9"
    start = time.perf_counter()
    with pytest.raises(DecodeError, match="500 scans"):
        _core.decode_jpeg(bomb)
    with pytest.raises(DecodeError, match="500 scans"):
        _core.read_jpeg_header(bomb)
    assert time.perf_counter() - start < 0.5
    with pytest.raises(DecodeError, match="2 scans"):
        _core.decode_jpeg(data, max_scans=2)
    assert _core.decode_jpeg(by_opencv(picture(64, 64)), max_scans=1).shape == (64, 64)


def test_large_claims_are_refused_before_memory_is_taken():
    data = bytearray(by_opencv(picture(16, 16, 1)))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\xdc\xff\xdc"  # 65500 x 65500
    with pytest.raises(DecodeError, match="limit"):
        _core.decode_jpeg(data)
    with pytest.raises(DecodeError, match="limit"):
        _core.decode_jpeg(by_opencv(picture(16, 16, 1)), max_pixels=255)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_chroma_deviation_is_that_of_the_stored_planes(height, width, seed):
    data = by_opencv(picture(height, width, 3, seed), "444")
    with Image.open(io.BytesIO(data)) as peer:
        peer.draft("YCbCr", None)
        chroma = np.asarray(peer)[..., 1:].astype(int)
    assert _core.jpeg_chroma_deviation(data) == np.abs(chroma - 128).max()


@pytest.mark.parametrize("sampling", sorted(SAMPLINGS))
def test_gray_saved_as_colour_is_told_from_colour(sampling):
    gray = np.repeat(picture(50, 70, 1)[..., None], 3, axis=2)
    assert _core.jpeg_chroma_deviation(by_opencv(gray, sampling)) <= 1
    assert _core.jpeg_chroma_deviation(by_opencv(picture(50, 70), sampling)) > 10
    assert _core.jpeg_chroma_deviation(by_opencv(gray[..., 0])) == 0


def test_a_file_coded_as_rgb():
    image = picture(33, 47)
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=95, keep_rgb=True)
    assert_like_the_peers(stream.getvalue(), image.shape)
    blue, red = image[..., 2].astype(int), image[..., 0].astype(int)
    luma = image @ np.array([0.299, 0.587, 0.114])
    expected = max(np.abs(0.564 * (blue - luma)).max(), np.abs(0.713 * (red - luma)).max())
    assert abs(_core.jpeg_chroma_deviation(stream.getvalue()) - expected) <= 8
    gray = np.repeat(image[..., :1], 3, axis=2)
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, "JPEG", quality=95, keep_rgb=True)
    assert _core.jpeg_chroma_deviation(stream.getvalue()) == 0


def test_other_files_are_refused():
    stream = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 4), np.uint8), "CMYK").save(stream, "JPEG")
    with pytest.raises(DecodeError, match="4 components"):
        _core.decode_jpeg(stream.getvalue())
    for other in (b"", b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xff\xd8\xff\xd9", bytes(100)):
        with pytest.raises(DecodeError):
            _core.read_jpeg_header(other)
        with pytest.raises(DecodeError):
            _core.decode_jpeg(other)
    with pytest.raises(TypeError):
        _core.decode_jpeg("a path")


def test_decoding_into_a_given_array():
    data = by_opencv(picture(24, 32))
    expected = _core.decode_jpeg(data)
    out = np.zeros((24, 32), np.uint8)
    assert _core.decode_jpeg(data, out=out) is out
    np.testing.assert_array_equal(out, expected)
    wide = np.full((24, 50), 7, np.uint8)
    _core.decode_jpeg(data, out=wide[:, 3:35])
    np.testing.assert_array_equal(wide[:, 3:35], expected)
    assert np.all(wide[:, :3] == 7)
    assert np.all(wide[:, 35:] == 7)
    read_only = np.zeros((24, 32), np.uint8)
    read_only.setflags(write=False)
    for wrong in (
        out[:20],
        np.zeros((24, 32), np.uint16),
        np.zeros((24, 32, 3), np.uint8),
        np.zeros((24, 64), np.uint8)[:, ::2],
        read_only,
    ):
        with pytest.raises(ValueError, match=r"out|adjacent"):
            _core.decode_jpeg(data, out=wrong)


def test_threads_do_not_disturb_each_other():
    files = [by_opencv(picture(40 + i, 50, 3, i), progressive=i % 2 == 0) for i in range(12)]
    expected = [_core.decode_jpeg(data, channels=3) for data in files]
    with ThreadPoolExecutor(4) as pool:
        decoded = list(pool.map(lambda d: _core.decode_jpeg(d, channels=3), files * 8))
    for i, got in enumerate(decoded):
        np.testing.assert_array_equal(got, expected[i % len(files)])


@pytest.mark.dumps
@pytest.mark.parametrize("source", ["hit-uav", "llvip", "roadscene"])
def test_real_files_are_those_of_opencv(dumps, source):
    paths = sorted(p for p in (dumps / source).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    if not paths:
        pytest.skip(f"no JPEG files in {dumps / source}")
    for path in paths[:: max(1, len(paths) // 12)]:
        data = path.read_bytes()
        peer = opencv_decode(data, cv2.IMREAD_GRAYSCALE)
        np.testing.assert_array_equal(_core.decode_jpeg(data), peer)
        assert _core.read_jpeg_header(data)[:2] == peer.shape


@pytest.mark.dumps
def test_a_real_truncated_file_is_an_error(dumps):
    path = dumps / "rjpeg" / "DJI_XTS.jpg"
    if not path.exists():
        pytest.skip(f"no {path}")
    with pytest.raises(DecodeError, match="Premature end"):
        _core.decode_jpeg(path.read_bytes())
