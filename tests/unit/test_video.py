"""Video containers: frames as an independent decoder has them, or a typed error with its place."""

from __future__ import annotations

import builtins
import random
import struct
import tracemalloc
from fractions import Fraction

import cv2
import numpy as np
import pytest

from irtd_fast.errors import DecodeError, UnsupportedError
from irtd_fast.images import decode_frame
from irtd_fast.images.frames import YuvFrame
from irtd_fast.images.video import VideoFile, container_of
from irtd_fast.synth.video import encode_avi

av = pytest.importorskip("av")

SIZE = (62, 94)


def encode(path, frames, *, codec, stored, given, container=None, rate=25, **options):
    """Write arrays as a video; ``given`` is their form, ``stored`` the codec's."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = stored
        for number, array in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(array, format=given)
            frame = frame if given == stored else frame.reformat(format=stored)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def noise(rng, count=6, dtype=np.uint8, channels=()):
    top = np.iinfo(dtype).max + 1
    return [rng.integers(0, top, (*SIZE, *channels), dtype) for _ in range(count)]


def smooth(count=12):
    """Frames that differ, and survive a lossy codec."""
    ramp = np.linspace(30, 160, SIZE[1])[None, :].repeat(SIZE[0], 0)
    return [np.dstack([(ramp + 6 * n).astype(np.uint8)] * 3) for n in range(count)]


def frames_of(path, **policy):
    video = VideoFile(path)
    return [decode_frame(video.frame(n), **policy) for n in range(len(video))]


@pytest.mark.parametrize(
    ("codec", "stored", "name", "dtype"),
    [
        ("ffv1", "gray", "a.avi", np.uint8),
        ("ffv1", "gray16le", "a.mkv", np.uint16),
        ("rawvideo", "gray", "a.avi", np.uint8),
        ("png", "gray16be", "a.mov", np.uint16),
    ],
)
def test_lossless_gray_comes_back_bit_for_bit(tmp_path, rng, codec, stored, name, dtype):
    frames = noise(rng, dtype=dtype)
    given = "gray" if dtype == np.uint8 else "gray16le"
    path = encode(tmp_path / name, frames, codec=codec, stored=stored, given=given)
    info = VideoFile(path).info()
    found = (info.frames, info.height, info.width, info.channels, info.dtype)
    assert found == (len(frames), *SIZE, 1, np.dtype(dtype).name)
    for got, expected in zip(frames_of(path), frames, strict=True):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("codec", "stored"), [("rawvideo", "bgr24"), ("ffv1", "bgr0")])
def test_lossless_colour_comes_back_bit_for_bit(tmp_path, rng, codec, stored):
    frames = noise(rng, channels=(3,))
    path = encode(tmp_path / "a.avi", frames, codec=codec, stored=stored, given="rgb24")
    for got, expected in zip(frames_of(path, channels="colour"), frames, strict=True):
        np.testing.assert_array_equal(got, expected)
    with pytest.raises(DecodeError, match="gray"):
        frames_of(path)


@pytest.mark.parametrize(
    ("codec", "name", "options"),
    [("mpeg4", "a.avi", {"bf": "2", "g": "6"}), ("libx264", "a.mp4", {"bf": "2", "g": "6"})],
)
def test_frames_between_frames_are_in_order_of_display(tmp_path, codec, name, options):
    frames = smooth()
    path = encode(tmp_path / name, frames, codec=codec, stored="yuv420p", given="rgb24", **options)
    got = frames_of(path, tolerance=4)
    capture = cv2.VideoCapture(str(path))
    for number, (mine, drawn) in enumerate(zip(got, frames, strict=True)):
        read, shown = capture.read()
        assert read
        assert np.abs(mine.astype(int) - drawn[..., 0]).mean() < 3, number
        assert np.abs(mine.astype(int) - shown[..., 1]).mean() < 1.5, number


def test_any_order_gives_the_same_frames(tmp_path):
    options = {"bf": "2", "g": "5"}
    path = encode(
        tmp_path / "a.mp4", smooth(), codec="libx264", stored="yuv420p", given="rgb24", **options
    )
    expected = frames_of(path, tolerance=4)
    video = VideoFile(path)
    for number in (7, 7, 3, 11, 0, 4, 10, 9):
        got = decode_frame(video.frame(number), tolerance=4)
        np.testing.assert_array_equal(got, expected[number])


def test_motion_jpeg_is_decoded_as_pictures_are(tmp_path):
    path = tmp_path / "a.avi"
    path.write_bytes(encode_avi(smooth(5)))
    video = VideoFile(path)
    assert isinstance(video.frame(2), bytes)
    shown = cv2.imdecode(np.frombuffer(video.frame(2), np.uint8), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(decode_frame(video.frame(2)), shown)


def test_motion_jpeg_without_tables(tmp_path):
    """Cameras leave the Huffman tables out where they are the standard's."""
    whole = VideoFile(encode(
        tmp_path / "whole.avi", smooth(3), codec="mjpeg", stored="yuvj444p", given="rgb24",
        huffman="default",
    ))  # fmt: skip
    content = (tmp_path / "whole.avi").read_bytes()
    expected = [decode_frame(whole.frame(n)) for n in range(3)]
    spoiled, tables = bytearray(content), 0
    at = spoiled.find(b"\xff\xc4")
    while at >= 0:  # a comment of the same length in their place
        spoiled[at : at + 2] = b"\xff\xfe"
        tables, at = tables + 1, spoiled.find(b"\xff\xc4", at)
    assert tables
    bare = VideoFile(write(tmp_path / "bare.avi", spoiled))
    for number in range(3):
        np.testing.assert_array_equal(decode_frame(bare.frame(number)), expected[number])


def write(path, content):
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full", [True, False])
def test_planes_become_rgb_by_the_standards_formula(rng, matrix, full):
    y, u, v = (rng.integers(0, 256, SIZE, np.uint8) for _ in range(3))
    red, blue = (0.2126, 0.0722) if matrix == 1 else (0.299, 0.114)
    green = 1 - red - blue
    luma = y.astype(float) if full else (y - 16.0) * 255 / 219
    cb, cr = ((p - 128.0) * (1 if full else 255 / 224) for p in (u, v))
    expected = np.dstack([
        luma + 2 * (1 - red) * cr,
        luma - 2 * (1 - blue) * blue / green * cb - 2 * (1 - red) * red / green * cr,
        luma + 2 * (1 - blue) * cb,
    ])  # fmt: skip
    got = YuvFrame(y, u, v, full, matrix).rgb()
    assert np.abs(got - np.clip(expected, 0, 255)).max() <= 0.51


def test_luma_of_television_is_stretched():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    flat = np.full((8, 8), 128, np.uint8)
    expected = np.clip(np.round((values.astype(float) - 16) * 255 / 219), 0, 255)
    np.testing.assert_array_equal(YuvFrame(values, flat, flat, False, 5).gray(0), expected)
    np.testing.assert_array_equal(YuvFrame(values, flat, flat, True, 5).gray(0), values)


def test_colour_is_refused_where_gray_is_expected(rng):
    y = rng.integers(0, 256, SIZE, np.uint8)
    u, v = np.full((31, 47), 128, np.uint8), np.full((31, 47), 128, np.uint8)
    v[3, 4] = 133
    frame = YuvFrame(y, u, v, True, 5)
    with pytest.raises(DecodeError, match="differ by 5"):
        decode_frame(frame, tolerance=4)
    np.testing.assert_array_equal(decode_frame(frame, tolerance=5), y)
    np.testing.assert_array_equal(decode_frame(frame, channels="pseudo"), y)
    assert decode_frame(frame, channels="colour").shape == (*SIZE, 3)
    assert decode_frame(frame, channels="pseudo", border=10).shape == (42, 74)
    with pytest.raises(DecodeError, match="alpha"):
        decode_frame(frame, channels="alpha")


# ---- hostile and damaged -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"", b"RIFF", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"#EXTM3U\nhttp://example.org/a.ts\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n", b"RIFF\x10\0\0\0AVI LIST" + b"\0" * 8,
        b"\x1a\x45\xdf\xa3" + b"\xff" * 64, b"\0\0\0\x18ftypisom" + b"\0" * 12,
    ],
)  # fmt: skip
def test_what_is_no_video_is_refused(tmp_path, content):
    path = write(tmp_path / "a.avi", content)
    with pytest.raises(DecodeError) as caught:
        VideoFile(path).info()
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)


def test_a_truncated_video_has_fewer_frames_and_says_so(tmp_path, rng):
    content = encode_avi(noise(rng, 10, channels=(3,)))
    whole = VideoFile(write(tmp_path / "a.avi", content))
    cut = VideoFile(write(tmp_path / "b.avi", content[: len(content) // 2]))
    assert len(whole) == 10
    assert 0 < len(cut) < 10
    assert cut.claimed == 10
    for number in range(len(cut) - 1):
        assert cut.frame(number) == whole.frame(number)
    with pytest.raises(DecodeError, match="found"):
        cut.frame(len(cut))


def test_a_damaged_frame_is_named_and_shifts_nothing(tmp_path):
    content = bytearray(encode_avi(smooth(6)))
    whole = VideoFile(write(tmp_path / "a.avi", content))
    expected = [decode_frame(whole.frame(n)) for n in range(6)]
    at = bytes(content).index(whole.frame(3))
    content[at + 300 : at + len(whole.frame(3))] = b"\xff\xd9" * ((len(whole.frame(3)) - 300) // 2)
    content += b"\0" * (len(content) % 2)
    spoiled = VideoFile(write(tmp_path / "b.avi", content))
    with pytest.raises(DecodeError):
        decode_frame(spoiled.frame(3))
    for number in (0, 1, 2, 4, 5):
        np.testing.assert_array_equal(decode_frame(spoiled.frame(number)), expected[number])


def test_what_leans_on_a_damaged_frame_is_damaged_too(tmp_path):
    """A decoder goes on from what it has; those pictures are nobody's."""
    path = encode(
        tmp_path / "a.avi", smooth(12), codec="mpeg4", stored="yuv420p", given="rgb24",
        bf="0", g="6",
    )  # fmt: skip
    expected = frames_of(path, tolerance=4)
    with av.open(str(path)) as container:
        packets = [(p.size, bytes(p)) for p in container.demux(video=0) if p.size]
    content = bytearray(path.read_bytes())
    at = bytes(content).index(packets[2][1])
    content[at : at + packets[2][0]] = b"\xff" * packets[2][0]
    spoiled = VideoFile(write(tmp_path / "b.avi", content))
    for number in range(12):
        if 2 <= number < 6:  # until the next key frame
            with pytest.raises(DecodeError, match=f"frame {number}: damaged"):
                spoiled.frame(number)
        else:
            got = decode_frame(spoiled.frame(number), tolerance=4)
            np.testing.assert_array_equal(got, expected[number])


def test_a_huge_size_is_refused_before_memory_is_taken(tmp_path, rng):
    small = encode(tmp_path / "s.avi", noise(rng), codec="ffv1", stored="gray", given="gray")
    content = small.read_bytes()
    size = struct.pack("<ii", SIZE[1], SIZE[0])
    huge = struct.pack("<ii", 1 << 20, 1 << 20)
    assert size in content
    path = write(tmp_path / "a.avi", content.replace(size, huge))
    tracemalloc.start()
    with pytest.raises(DecodeError):
        VideoFile(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_random_damage_never_gives_another_error(tmp_path):
    rng = random.Random(5)
    originals = [
        encode_avi(smooth(4)),
        encode(
            tmp_path / "x.mp4", smooth(6), codec="libx264", stored="yuv420p", given="rgb24", bf="2"
        ).read_bytes(),
        encode(
            tmp_path / "x.mkv", [f[..., 0].copy() for f in smooth(4)], codec="ffv1", stored="gray",
            given="gray",
        ).read_bytes(),
    ]  # fmt: skip
    path = tmp_path / "damaged"
    refused = 0
    for turn in range(90):
        content = bytearray(originals[turn % 3])
        for _ in range(rng.randrange(1, 30)):
            content[rng.randrange(12, len(content))] = rng.randrange(256)
        if turn % 4 == 0:
            del content[rng.randrange(12, len(content)) :]
        path.write_bytes(bytes(content))
        try:
            video = VideoFile(path)
            video.info()
            for number in range(len(video)):
                decode_frame(video.frame(number), tolerance=255)
        except DecodeError:
            refused += 1
    assert refused > 20


def test_memory_does_not_grow_with_the_length(tmp_path):
    frames = [f[..., 0].copy() for f in smooth(10)]
    peaks = []
    for count in (10, 200):
        path = tmp_path / f"{count}.avi"
        encode(path, (frames * 20)[:count], codec="ffv1", stored="gray", given="gray")
        tracemalloc.start()
        video = VideoFile(path)
        for number in range(count):
            video.frame(number)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 10 * SIZE[0] * SIZE[1]  # 190 more frames would be 19 times that


def test_two_streams_are_not_chosen_from(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as output:
        for _ in range(2):
            stream = output.add_stream("ffv1", rate=25)
            stream.height, stream.width, stream.pix_fmt = *SIZE, "gray"
        frame = av.VideoFrame.from_ndarray(np.zeros(SIZE, np.uint8), format="gray")
        for stream in output.streams.video:
            output.mux(stream.encode(frame))
            output.mux(stream.encode())
    with pytest.raises(DecodeError, match="one video stream, found 2"):
        VideoFile(path)


def test_without_the_library_the_message_says_what_to_install(tmp_path, monkeypatch):
    path = write(tmp_path / "a.avi", encode_avi(smooth(1)))
    found = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "av":
            raise ImportError(name)
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnsupportedError, match=r"pip install 'irtd_fast\[video\]'"):
        VideoFile(path)


def test_containers_are_told_by_content():
    assert container_of(encode_avi(smooth(1))[:12]) == "avi"
    assert container_of(b"RIFF\0\0\0\0WEBP") == container_of(b"") == ""
