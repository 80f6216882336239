"""Picture files: what their headers say, and decoding to the counts that the sensor gave.

Encodings are told by content, never by name. Pixels are never scaled: 8-bit files give uint8,
16-bit files uint16. Infrared pictures are often stored as gray in three equal channels, with a
constant alpha, or with a gray palette; ``channels="gray"`` collapses these to one channel and
refuses everything else, so that no colour picture passes for counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import DecodeError
from irtd_fast.types import ImageInfo, Problem

if TYPE_CHECKING:
    from tifffile import TiffPage

Image = NDArray[np.uint8] | NDArray[np.uint16]
Channels = Literal["gray", "colour"]

MAX_PIXELS = 2**28

_SUFFIXES = {
    ".jpg": "jpeg", ".jpeg": "jpeg", ".jpe": "jpeg", ".png": "png", ".tif": "tiff",
    ".tiff": "tiff", ".bmp": "bmp",
}  # fmt: skip
_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"BM", "bmp"),
)
# BT.601 luma in 15-bit fixed point, as OpenCV's RGB to gray: exact for equal channels.
_LUMA = (9798, 19235, 3735)
_LUMA_SHIFT = 15


def probe_images(
    root: Path, relative_paths: Sequence[str], *, threads: int = 0
) -> list[ImageInfo | Problem]:
    """Read the headers of many pictures; no pixel is decoded.

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
        elif encoding == "tiff":
            add(_probe_tiff(root, path, item[5], item[6]))
        else:
            _, height, width, channels, bits, size, mtime = item
            if encoding == "jpeg" and (channels not in (1, 3) or bits > 8):
                add(_unsupported_jpeg(path, channels))
                continue
            dtype = "uint8" if bits <= 8 else "uint16"
            stored = 1 if channels <= 2 else 3
            add(ImageInfo(path, encoding, height, width, stored, channels, dtype, size, mtime))
    return results


def _unsupported_jpeg(path: str, components: int) -> Problem:
    message = f"expected a JPEG of 8 bits, 1 or 3 components, found {components} components"
    return Problem("unsupported-image", path, "", f"{message} or more bits")


def mislabelled(info: ImageInfo) -> Problem | None:
    """Report a picture whose extension names another encoding than its content has."""
    expected = _SUFFIXES.get("." + info.path.rpartition(".")[2].lower())
    if expected is None or expected == info.encoding:
        return None
    message = f"expected {expected} by its name, found {info.encoding}"
    return Problem("mislabelled-image", info.path, "", message, "kept, read by its content")


def decode_image(
    source: bytes | bytearray | memoryview | str | Path,
    *,
    channels: Channels = "gray",
    tolerance: int = 0,
) -> Image:
    """Decode one picture.

    Args:
        source: The file's bytes, or its path.
        channels: ``gray``: equal channels, a constant alpha and a gray palette collapse to one
            channel. ``colour``: a gray file stays gray, others give RGB; a constant alpha is
            dropped, and a palette must be gray.
        tolerance: Largest difference between channels (JPEG: of Cb or Cr from 128) that still
            counts as gray. The value taken is then the luma, 0.299 R + 0.587 G + 0.114 B.

    Returns:
        (height, width) or (height, width, 3), uint8 or uint16, as in the file.

    Raises:
        DecodeError: Not a picture, damaged, or not what ``channels`` allows; with ``path`` if
            one was given.
        OSError: The file cannot be read.
    """
    path = str(source) if isinstance(source, (str, Path)) else None
    data = Path(source).read_bytes() if isinstance(source, (str, Path)) else bytes(source)
    try:
        return _decoder(data)(data, channels, tolerance)
    except DecodeError as error:
        if path is None:
            raise
        raise DecodeError(f"{path}: {error}", path=path) from error


def _decode_jpeg(data: bytes, channels: Channels, tolerance: int) -> Image:
    components = _core.read_jpeg_header(data)[2]
    if channels == "colour":
        return _core.decode_jpeg(data, channels=components)
    deviation = _core.jpeg_chroma_deviation(data) if components == 3 else 0
    if deviation > tolerance:
        _fail_colour(deviation, tolerance)
    return _core.decode_jpeg(data, channels=1)


def _decode_png(data: bytes, channels: Channels, tolerance: int) -> Image:
    import imagecodecs

    if len(data) < 33 or data[12:16] != b"IHDR":
        raise DecodeError("PNG is cut off in its header")
    width, height, _, colour_type = struct.unpack(">IIBB", data[16:26])
    _check_size(height, width)
    image = _guard(lambda: imagecodecs.png_decode(data))
    return _collapse(image, channels, tolerance, palette=colour_type == 3)


def _decode_bmp(data: bytes, channels: Channels, tolerance: int) -> Image:
    import imagecodecs

    if len(data) < 30:
        raise DecodeError("BMP is cut off in its header")
    width, height, _, bits = struct.unpack("<iiHH", data[18:30])
    _check_size(abs(height), width)
    image = _guard(lambda: imagecodecs.bmp_decode(data))
    return _collapse(image, channels, tolerance, palette=bits <= 8)


def _decode_tiff(data: bytes, channels: Channels, tolerance: int) -> Image:
    from tifffile import TiffFile

    def read() -> NDArray[Any]:
        with TiffFile(BytesIO(data)) as tiff:
            reason = _tiff_defect(tiff, len(data))
            if reason:
                raise DecodeError(reason[1])
            page: TiffPage = tiff.pages.first
            array: NDArray[Any] = page.asarray()
            return array

    return _collapse(_guard(read), channels, tolerance)


_Decoder = Callable[[bytes, Channels, int], Image]
_DECODERS: dict[str, _Decoder] = {
    "jpeg": _decode_jpeg,
    "png": _decode_png,
    "bmp": _decode_bmp,
    "tiff": _decode_tiff,
}


def _decoder(data: bytes) -> _Decoder:
    for magic, encoding in _MAGIC:
        if data.startswith(magic):
            return _DECODERS[encoding]
    raise DecodeError(f"not a picture: begins with {data[:8]!r}")


def _guard(decode: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Run a foreign decoder: whatever it raises means that the bytes are bad."""
    try:
        return decode()
    except DecodeError:
        raise
    except IndexError:
        raise DecodeError("TIFF without a page inside the file") from None
    except Exception as error:
        raise DecodeError(f"damaged picture: {error}") from error


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise DecodeError(f"expected 1 to {MAX_PIXELS} pixels, found {height} x {width}")


def _collapse(
    image: NDArray[Any], channels: Channels, tolerance: int, *, palette: bool = False
) -> Image:
    """Apply the channel policy to an array as decoded, (h, w) or (h, w, 1..4)."""
    if image.dtype not in (np.uint8, np.uint16) or image.ndim not in (2, 3):
        raise DecodeError(f"expected 8 or 16 bits, found {image.dtype} of shape {image.shape}")
    if image.ndim == 2:
        return image
    count = image.shape[2]
    if count in (2, 4):
        alpha = image[..., -1]
        low, high = int(alpha.min()), int(alpha.max())
        if low != high:
            raise DecodeError(f"expected a constant alpha channel, found {low}..{high}")
        image = image[..., :-1]
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[..., 0])
    if channels == "colour" and not palette:
        return np.ascontiguousarray(image)
    return _luma(image, tolerance)


def _luma(image: NDArray[Any], tolerance: int) -> Image:
    """Turn (h, w, 3) that is gray within the tolerance into (h, w)."""
    red, green, blue = (image[..., i] for i in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.ascontiguousarray(red)
    deviation = int((image.max(axis=2) - image.min(axis=2)).max())
    if deviation > tolerance:
        _fail_colour(deviation, tolerance)
    total = image.astype(np.uint32) @ np.array(_LUMA, dtype=np.uint32)
    return ((total + (1 << (_LUMA_SHIFT - 1))) >> _LUMA_SHIFT).astype(image.dtype)


def _fail_colour(deviation: int, tolerance: int) -> NoReturn:
    message = f"expected a gray picture, found channels that differ by {deviation}"
    raise DecodeError(f"{message} (tolerance {tolerance})", deviation=deviation)


def _probe_tiff(root: Path, path: str, size: int, mtime_ns: int) -> ImageInfo | Problem:
    from tifffile import TiffFile, TiffFileError

    try:
        with TiffFile(root / path) as tiff:
            defect = _tiff_defect(tiff, size)
            if defect:
                return Problem(defect[0], path, "", defect[1])
            page: TiffPage = tiff.pages.first
            height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
            dtype = str(page.dtype)
    except (IndexError, struct.error, TiffFileError) as error:
        return Problem("truncated-image", path, "", f"TIFF cut off or damaged: {error}")
    except Exception as error:
        return Problem("not-an-image", path, "", f"TIFF that cannot be read: {error}")
    stored = 1 if samples <= 2 else 3
    return ImageInfo(path, "tiff", height, width, stored, samples, dtype, size, mtime_ns)


def _tiff_defect(tiff: Any, size: int) -> tuple[str, str] | None:
    """Say (code, message) why a TIFF is none of ours, if it is not."""
    if len(tiff.pages) != 1:
        return "unsupported-image", f"expected a TIFF of 1 page, found {len(tiff.pages)}"
    page: TiffPage = tiff.pages.first
    if page.dtype not in (np.uint8, np.uint16):
        return "unsupported-image", f"expected uint8 or uint16, found {page.dtype}"
    if page.imagelength * page.imagewidth > MAX_PIXELS:
        return "huge-image", f"{page.imagelength} x {page.imagewidth} is over {MAX_PIXELS} pixels"
    if int(page.photometric) not in (1, 2) or int(page.planarconfig) != 1:
        kind = f"{page.photometric!s}, {page.planarconfig!s}"
        return "unsupported-image", f"expected gray or RGB, interleaved, found {kind}"
    ends = (at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=False))
    end = max(ends, default=0)
    if end > size:
        return "truncated-image", f"expected {end} bytes, found {size}"
    return None
