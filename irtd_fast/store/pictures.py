"""Pictures of a dump by what the manifest says of them: whole files, and frames of videos."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.images import Channels, decode_frame, decode_image
from irtd_fast.types import ImageInfo

if TYPE_CHECKING:
    from irtd_fast.images.frames import YuvFrame
    from irtd_fast.images.video import VideoFile

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


class PictureFiles:
    """Reads pictures from any thread; each thread keeps the video open that it read from last.

    Args:
        root: The dump's root.
        digests: Digests of videos by path, to share between readers; found ones are added.
    """

    def __init__(self, root: str | Path, digests: dict[str, int] | None = None) -> None:
        self._root = root
        self._digests = {} if digests is None else digests
        self._own = threading.local()

    def read(self, picture: ImageInfo) -> bytes | YuvFrame | NDArray[Any]:
        """Give a file's bytes, or what ``decode_for`` takes for a frame of a video.

        Raises:
            DecodeError: The video, or this frame, is damaged.
            UnsupportedError: A video, and PyAV is not installed.
            OSError: The file cannot be read.
        """
        path = f"{self._root}/{picture.path}"
        if picture.frame < 0:
            return Path(path).read_bytes()
        video: VideoFile | None = getattr(self._own, "video", None)
        if video is None or video.path != path:
            from irtd_fast.images.video import VideoFile

            self._own.video = None  # closed before another is opened
            video = self._own.video = VideoFile(path)
        return video.frame(picture.frame)

    def digest(self, picture: ImageInfo, data: object = None) -> int:
        """XXH64 of a file; of a frame, that of its video's digest and the frame's number.

        Args:
            picture: The picture.
            data: What ``read`` gave for it, if it was read already.

        Raises:
            OSError: The file cannot be read.
        """
        if picture.frame < 0:
            whole_file = data if isinstance(data, bytes) else self.read(picture)
            assert isinstance(whole_file, bytes)  # what read gives for a file
            return _core.xxh64(whole_file)
        video = self._digests.get(picture.path)
        if video is None:
            path = f"{self._root}/{picture.path}"
            digests, _, failures = _core.hash_files([path], threads=1)
            if failures:
                raise OSError(failures[0][2])
            video = self._digests[picture.path] = int(digests[0])
        return _core.xxh64(b"%016x:%d" % (video, picture.frame))


def by_file(numbers: Iterable[int], pictures: Sequence[ImageInfo]) -> list[list[int]]:
    """Put frames of one video, which one thread should read in order, together.

    Args:
        numbers: Which pictures.
        pictures: All of them.

    Returns:
        Groups in order of their first members; a picture file is a group of its own.
    """
    groups: list[list[int]] = []
    videos: dict[str, list[int]] = {}
    for number in numbers:
        picture = pictures[number]
        if picture.frame < 0:
            groups.append([number])
            continue
        group = videos.get(picture.path)
        if group is None:
            group = videos[picture.path] = []
            groups.append(group)
        group.append(number)
    for group in videos.values():
        group.sort(key=lambda number: pictures[number].frame)
    return groups


def decode_for(data: Any, picture: ImageInfo, modality: str, tolerance: int) -> Pixels:
    """Decode a picture as the store holds it: gray counts, or RGB; upright, without its border.

    Args:
        data: What ``PictureFiles.read`` gave for it, or the file's bytes.
        picture: What the header said.
        modality: ``infrared``, ``visible`` or ``mask``.
        tolerance: Largest channel difference of a gray picture.

    Raises:
        DecodeError: Damaged, or not what the picture should be.
    """
    wanted, _, palette = picture.part.partition(":")
    default = "colour" if picture.channels == 3 else "gray"
    decode = decode_image if picture.frame < 0 else decode_frame
    pixels = decode(
        data, channels=cast("Channels", wanted or default), tolerance=tolerance,
        border=picture.border, palette=palette,
    )  # fmt: skip
    if picture.channels == 3 and pixels.ndim == 2 and modality == "visible":
        return cast("Pixels", np.stack([pixels] * 3, axis=2))
    return pixels
