"""Frames of video containers as infrared pictures: counted, not decoded, before any is taken."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from irtd_fast import _core
from irtd_fast.errors import DecodeError
from irtd_fast.scan.failures import FailureLimit
from irtd_fast.scan.layout import Layout, PictureSet
from irtd_fast.scan.paths import Match
from irtd_fast.types import ImageInfo, Problem

_FRAME = "\0"  # between a container and the number of a frame; no file has it in its name
_LOST = "video left out"

# What the frames are, how many are there, how many the header claims (0: it does not say).
Opened = tuple[ImageInfo, int, int] | Problem


def expand_videos(
    root: Path, layout: Layout, problems: list[Problem], failures: FailureLimit, threads: int
) -> None:
    """Put the frames in the places of the containers, and give the patterns a group ``frame``.

    Every container is read through once, to count the frames that are really there; one frame is
    decoded to see what they are like. ``Layout.videos`` is filled.

    Args:
        root: The dump's root.
        layout: A layout of videos.
        problems: Containers that cannot be used, or are cut short, are added.
        failures: Stops the scan if too many are.
        threads: Threads that open containers; 0 takes one a core.

    Raises:
        UnsupportedError: PyAV is not installed.
        FailureRateError: Too large a part of the containers cannot be used.
    """
    lost, total = 0, 0
    for pictures in layout.pictures:
        with ThreadPoolExecutor(threads or _core.available_threads()) as pool:
            paths = [path for path, _ in pictures.infrared]
            opened = list(pool.map(lambda path: _open(root, path), paths))
        problems += _problems(paths, opened)
        lost, total = lost + sum(isinstance(item, Problem) for item in opened), total + len(paths)
        _expand(pictures, opened, layout)
    failures.check("videos", lost, total, problems)
    layout.pictures = [pictures for pictures in layout.pictures if pictures.infrared]


def file_of(path: str) -> str:
    """Give the file of a picture's path, which for a frame is the container."""
    return path.partition(_FRAME)[0]


def where_of(path: str) -> str:
    """Say which frame of the file a picture's path means; ``""`` for a whole file."""
    number = path.partition(_FRAME)[2]
    return f"frame {int(number)}" if number else ""


def frame_info(layout: Layout, path: str) -> ImageInfo:
    """Say what one frame is."""
    file, _, number = path.partition(_FRAME)
    return replace(layout.videos[file], frame=int(number))


def _open(root: Path, path: str) -> Opened:
    from irtd_fast.images.video import VideoFile

    file = root / path
    try:
        status = file.stat()
        found = VideoFile(file).info()
    except DecodeError as error:
        where = f"frame {error.where['frame']}" if "frame" in error.where else ""
        return Problem("undecodable-video", path, where, error.where["reason"], _LOST)
    except OSError as error:
        return Problem("unreadable", path, "", error.strerror or str(error), _LOST)
    stored = 1 if found.channels <= 2 else 3
    info = ImageInfo(
        path, "video", found.height, found.width, stored, found.channels, found.dtype,
        status.st_size, status.st_mtime_ns, frame=0,
    )  # fmt: skip
    return info, found.frames, found.claimed


def _problems(paths: Sequence[str], opened: Sequence[Opened]) -> list[Problem]:
    problems = []
    for path, item in zip(paths, opened, strict=True):
        if isinstance(item, Problem):
            problems.append(item)
        elif item[2] > item[1]:
            message = f"expected {item[2]} frames by its header, found {item[1]}"
            action = "the frames that are there are taken"
            problems.append(Problem("video-cut-short", path, "", message, action))
    return problems


def _expand(pictures: PictureSet, opened: Sequence[Opened], layout: Layout) -> None:
    names = tuple(sorted((*pictures.names, "frame")))
    at = names.index("frame")
    rows: list[Match] = []
    for (path, values), item in zip(pictures.infrared, opened, strict=True):
        if isinstance(item, Problem):
            continue
        info, frames, _ = item
        layout.videos[path] = info
        head, tail = values[:at], values[at:]
        rows += [(f"{path}{_FRAME}{n}", (*head, str(n), *tail)) for n in range(frames)]
    pictures.names, pictures.infrared = names, rows
