"""Headers of many pictures: what planning needs, without decoding a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from irtd_fast import _core
from irtd_fast.errors import DecodeError
from irtd_fast.images.radiometric import read_radiometric
from irtd_fast.images.tiff import probe_tiff
from irtd_fast.types import ImageInfo, Problem

_SUFFIXES = {
    "jpg": "jpeg", "jpeg": "jpeg", "jpe": "jpeg", "png": "png", "tif": "tiff",
    "tiff": "tiff", "bmp": "bmp", "webp": "webp", "gif": "gif", "fff": "fff",
}  # fmt: skip
_NO_DEPTH = 0  # a TIFF or FFF that the native probe leaves to us
_MAX_RADIOMETRIC_BYTES = 1 << 30


def probe_images(
    root: Path, relative_paths: Sequence[str], *, threads: int = 0
) -> list[ImageInfo | Problem]:
    """Read the headers of many pictures; no pixel is decoded (but of FFF files).

    Args:
        root: The dump's root.
        relative_paths: Paths below it, POSIX.
        threads: Threads of the native part; 0 takes one a core.

    Returns:
        One entry a path, in order. ``channels`` of an ``ImageInfo`` is what the file has, without
        alpha (1 or 3); who wants gray counts sets 1. A picture that cannot be used is a
        ``Problem`` whose ``action`` the caller fills in.
    """
    prefix = f"{root}/"
    found = _core.probe_images([prefix + path for path in relative_paths], threads=threads)
    results: list[ImageInfo | Problem] = []
    add = results.append
    for path, item in zip(relative_paths, found, strict=True):
        encoding = item[0]
        if encoding is None:
            add(Problem(item[1], path, "", item[2]))
            continue
        _, height, width, channels, bits, size, mtime, orientation = item
        if bits == _NO_DEPTH:
            add(_probe_here(root, path, encoding, size, mtime))
            continue
        if encoding == "jpeg" and (channels not in (1, 3) or bits > 8):
            add(_unsupported_jpeg(path, channels))
            continue
        dtype = "uint8" if bits <= 8 else "uint16"
        stored = 1 if channels <= 2 else 3
        info = ImageInfo(path, encoding, height, width, stored, channels, dtype, size, mtime)
        add(info if orientation == 1 else _turned(info, orientation))
    return results


def _turned(info: ImageInfo, orientation: int) -> ImageInfo:
    info.orientation = orientation
    if orientation >= 5:
        info.height, info.width = info.width, info.height
    return info


def _probe_here(root: Path, path: str, encoding: str, size: int, mtime: int) -> ImageInfo | Problem:
    if encoding == "fff":
        info = ImageInfo(path, encoding, 0, 0, 1, 1, "uint16", size, mtime)
        return as_radiometric(root, info)
    facts, defect = probe_tiff(root / path, size)
    if facts is None:
        return Problem(defect[0], path, "", defect[1])
    height, width, samples, dtype, orientation = facts
    stored = 1 if samples <= 2 else 3
    info = ImageInfo(path, encoding, height, width, stored, samples, dtype, size, mtime)
    return _turned(info, orientation)


def as_radiometric(root: Path, info: ImageInfo) -> ImageInfo | Problem:
    """Take the counts inside an R-JPEG or FFF for the picture.

    Args:
        root: The dump's root.
        info: The file as ``probe_images`` gives it.

    Returns:
        The same file with ``part`` ``raw`` and the counts' shape; TIFF, PNG and BMP as they are;
        a ``Problem`` for a file without counts, whose ``action`` the caller fills in.
    """
    if info.encoding not in ("jpeg", "fff"):
        return info
    if info.size > _MAX_RADIOMETRIC_BYTES:
        message = f"expected a file of less than 1 GiB, found {info.size} bytes"
        return Problem("not-radiometric", info.path, "", message)
    try:
        counts, _ = read_radiometric((root / info.path).read_bytes())
    except DecodeError as error:
        return Problem("not-radiometric", info.path, "", str(error))
    except OSError as error:
        return Problem("unreadable", info.path, "", str(error))
    height, width = counts.shape
    return replace(
        info, height=height, width=width, channels=1, dtype="uint16", part="raw", orientation=1
    )


def _unsupported_jpeg(path: str, components: int) -> Problem:
    message = f"expected a JPEG of 8 bits, 1 or 3 components, found {components} components"
    return Problem("unsupported-image", path, "", f"{message} or more bits")


def mislabelled(info: ImageInfo) -> Problem | None:
    """Report a picture whose extension names another encoding than its content has."""
    suffix = info.path.rpartition(".")[2]
    expected = _SUFFIXES.get(suffix) or _SUFFIXES.get(suffix.lower())
    if expected is None or expected == info.encoding:
        return None
    message = f"expected {expected} by its name, found {info.encoding}"
    return Problem("mislabelled-image", info.path, "", message, "kept, read by its content")
