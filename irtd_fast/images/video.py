"""Video containers (AVI, MP4 and MOV, Matroska) through PyAV, the extra ``video``.

A container is data of a stranger: its kind is told by its first bytes, it is read through a file
of ours so that it cannot name another one, sizes are checked before memory is taken, and what the
decoder only patches over is an error. Frames are numbered from 0 in the order in which they are
shown, by their time stamps, so a damaged frame never shifts those behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import DecodeError, UnsupportedError
from irtd_fast.images.frames import YuvFrame, content_of
from irtd_fast.images.limits import MAX_PIXELS, check_size

MAX_FRAMES = 1 << 22  # of one container: 46 hours at 25 a second
MAX_PACKET_BYTES = 256 << 20
_HEAD_BYTES = 12
_BUFFER_BYTES = 1 << 18
_LOOKED_AT = 16  # frames from the first on, until one is whole, that say what all are like
_PICTURES = frozenset(("mjpeg", "png", "bmp"))  # codecs whose packets are picture files

# A packet that is a picture file, planes, or an array.
Content = bytes | YuvFrame | NDArray[Any]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a container holds, without decoding more than its first frame.

    Attributes:
        frames: Frames that are really there.
        claimed: Frames that the header states, 0 if it states none.
        height: Rows.
        width: Columns.
        channels: Channels of a frame, a palette counting as one.
        dtype: ``uint8`` or ``uint16``.
    """

    frames: int
    claimed: int
    height: int
    width: int
    channels: int
    dtype: str


def container_of(head: bytes) -> str:
    """Tell the container by a file's first 12 bytes; ``""`` for none of ours."""
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    return "matroska" if head[:4] == b"\x1a\x45\xdf\xa3" else ""


def require_av() -> ModuleType:
    """Import PyAV.

    Raises:
        UnsupportedError: It is not installed; the message says how to install it.
    """
    try:
        import av
    except ImportError as error:
        message = "video containers need PyAV: pip install 'irtd_fast[video]'"
        raise UnsupportedError(message) from error
    module: ModuleType = av
    return module


class VideoFile:
    """One video; frames by number, for one thread.

    Frames are decoded in order and the last one is kept; a frame further back starts over. Who
    asks in order pays for each frame once, and memory never holds more than one.

    Args:
        path: The container.

    Raises:
        DecodeError: Not a container of ours, damaged, or beyond a limit; with ``path``, ``reason``
            (the message without the path) and ``frame`` if it is about one.
        UnsupportedError: PyAV is not installed.
        OSError: The file cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._av = require_av()
        self._last: tuple[int, Content | str] = (-1, "")
        self._running: Iterator[tuple[int, Content | str]] | None = None
        self.claimed, self._stamps = self._index()

    def __len__(self) -> int:
        return len(self._stamps)

    def info(self) -> VideoInfo:
        """Say what the frames are, by the first one that is whole.

        Raises:
            DecodeError: There is none, or none of the first few can be decoded.
        """
        if not len(self):
            raise _error(self.path, "expected frames, found none")
        content = self._first_whole()
        if isinstance(content, bytes):
            _, height, width, channels, bits, *_ = _core.probe_bytes(content)
            dtype = "uint8" if bits <= 8 else "uint16"
        elif isinstance(content, YuvFrame):
            (height, width), channels, dtype = content.y.shape, 3, "uint8"
        else:
            height, width = content.shape[:2]
            channels = 1 if content.ndim == 2 else content.shape[2]
            dtype = str(content.dtype)
        return VideoInfo(len(self), self.claimed, height, width, channels, dtype)

    def _first_whole(self) -> Content:
        looked_at = min(len(self), _LOOKED_AT)
        for number in range(looked_at - 1):
            try:
                return self.frame(number)
            except DecodeError:
                continue
        return self.frame(looked_at - 1)

    def frame(self, number: int) -> Content:
        """Give one frame, not yet gray or RGB.

        Raises:
            DecodeError: There is no such frame, or it is damaged; with ``path``.
            OSError: The file cannot be read.
        """
        if not 0 <= number < len(self):
            raise _error(self.path, f"expected frame {number}, found {len(self)} frames")
        content = self._find(number)
        if isinstance(content, str):
            raise _error(self.path, content, frame=number)
        return content

    def _find(self, number: int) -> Content | str:
        if number == self._last[0]:
            return self._last[1]
        if self._running is None or number < self._last[0]:
            self._running = self._decode()
        for place, content in self._running:
            self._last = place, content
            if place == number:
                return content
            if place > number:
                break
        return "damaged: the decoder gives no picture for it"

    # ---- the container ------------------------------------------------------------------------

    def _index(self) -> tuple[int, dict[int, int]]:
        """Count the frames without decoding: place in order of display by time stamp."""
        with self._guard(), Path(self.path).open("rb") as file, self._open(file) as container:
            stream = self._stream(container)
            claimed, stamps = stream.frames, []
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:
                    continue
                stamp = packet.dts if packet.pts is None else packet.pts
                stamps.append(stamp)
                _check_packet(packet, len(stamps))
            if None in stamps or len(set(stamps)) != len(stamps):
                raise DecodeError("expected a time stamp of its own for every frame")
            return claimed, {stamp: place for place, stamp in enumerate(sorted(stamps))}

    def _decode(self) -> Iterator[tuple[int, Content | str]]:
        """Decode from the first frame on; a frame that cannot be decoded is told why."""
        with self._guard(), Path(self.path).open("rb") as file, self._open(file) as container:
            stream = self._stream(container)
            shape = stream.height, stream.width
            if stream.codec_context.name in _PICTURES:
                for packet in container.demux(stream):
                    place = self._stamps.get(packet.dts if packet.pts is None else packet.pts)
                    if packet.size and place is not None:
                        yield place, _picture(bytes(packet), shape)
                return
            broken = ""
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except self._av.error.FFmpegError as error:
                    broken = f"damaged: {error.strerror}"
                    continue
                for frame in frames:
                    broken = "" if frame.key_frame else broken
                    place = self._stamps.get(frame.pts)
                    if place is not None:
                        yield place, broken or _content(frame, shape)

    def _open(self, file: Any) -> Any:
        container = container_of(file.read(_HEAD_BYTES))
        if not container:
            raise DecodeError("not a video: expected AVI, MP4, MOV or Matroska")
        file.seek(0)
        # No protocol: a container that names another file gets none.
        options = {"protocol_whitelist": "none", "max_streams": "64"}
        return self._av.open(
            file, "r", format=container, options=options, buffer_size=_BUFFER_BYTES
        )

    def _stream(self, container: Any) -> Any:
        streams = container.streams.video
        if len(streams) != 1:
            raise DecodeError(f"expected one video stream, found {len(streams)}")
        stream = streams[0]
        if stream.codec_context is None:
            raise DecodeError("expected a codec that PyAV decodes, found an unknown one")
        check_size(stream.height, stream.width)
        stream.thread_type = "NONE"
        stream.codec_context.options = {"err_detect": "explode", "max_pixels": str(MAX_PIXELS)}
        return stream

    def _guard(self) -> _Guard:
        return _Guard(self.path, self._av.error.FFmpegError)


class _Guard:
    """Whatever the library says about a file's bytes is a ``DecodeError`` with its path."""

    def __init__(self, path: str, foreign: type[Exception]) -> None:
        self._path, self._foreign = path, foreign

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DecodeError):
            raise _error(self._path, str(error)) from error
        if isinstance(error, (self._foreign, ValueError, OverflowError)):
            text = getattr(error, "strerror", None) or str(error)
            raise _error(self._path, f"damaged video: {text}") from error


def _error(path: str, reason: str, *, frame: int | None = None) -> DecodeError:
    place = path if frame is None else f"{path}, frame {frame}"
    return DecodeError(f"{place}: {reason}", path=path, frame=frame, reason=reason)


def _check_packet(packet: Any, count: int) -> None:
    if count > MAX_FRAMES:
        raise DecodeError(f"expected at most {MAX_FRAMES} frames, found more")
    if packet.size > MAX_PACKET_BYTES:
        limit = f"expected a frame of at most {MAX_PACKET_BYTES} bytes"
        raise DecodeError(f"{limit}, found {packet.size}")


def _picture(data: bytes, shape: tuple[int, int]) -> Content | str:
    """Check a packet that is a picture file; two fields in one packet are not one picture."""
    encoding, *rest = _core.probe_bytes(data)
    if encoding is None:
        return f"damaged: {rest[1]}"
    found = (rest[0], rest[1])
    if found != shape:
        return f"expected {shape[0]} x {shape[1]} as the stream says, found {found[0]} x {found[1]}"
    return data


def _content(frame: Any, shape: tuple[int, int]) -> Content | str:
    if frame.is_corrupt:
        return "damaged: the decoder patched it"
    if (frame.height, frame.width) != shape:
        size = f"{frame.height} x {frame.width}"
        return f"expected {shape[0]} x {shape[1]} as the stream says, found {size}"
    try:
        return content_of(frame)
    except DecodeError as error:
        return str(error)
