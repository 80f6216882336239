"""Decoding: any picture file to the counts that the sensor gave.

Encodings are told by content, never by name. Pixels are never scaled: 8-bit files give uint8,
16-bit files uint16. Infrared pictures are often stored as gray in three equal channels, with a
constant alpha, or with a gray palette; ``channels="gray"`` collapses these to one channel and
refuses everything else, so that no colour picture passes for counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import DecodeError
from irtd_fast.images.bmp import decode_bmp
from irtd_fast.images.channels import alpha_of, collapse, fail_colour, luma, without_alpha
from irtd_fast.images.exif import ORIENTATION, read_exif, turn_upright
from irtd_fast.images.fff import FffFile, flir_stream
from irtd_fast.images.frames import YuvFrame
from irtd_fast.images.limits import check_size
from irtd_fast.images.palettes import ycc_to_rgb
from irtd_fast.images.pseudo import invert_palette
from irtd_fast.images.radiometric import read_radiometric
from irtd_fast.images.tiff import decode_tiff

Image = NDArray[np.uint8] | NDArray[np.uint16]
Channels = Literal["gray", "colour", "alpha", "opaque", "pseudo", "raw"]

_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
    (b"GIF8", "gif"),
    (b"FFF\0", "fff"),
    (b"AFF\0", "fff"),
)
EMBEDDED = "embedded"


def decode_image(
    source: bytes | bytearray | memoryview | str | Path,
    *,
    channels: Channels = "gray",
    tolerance: int = 0,
    border: int = 0,
    palette: str = "",
    upright: bool = True,
) -> Image:
    """Decode one picture (of an MPO or a GIF the first frame).

    Args:
        source: The file's bytes, or its path.
        channels: ``gray``: equal channels, a constant alpha and a gray palette collapse to one
            channel. ``colour``: a gray file stays gray, others give RGB; a constant alpha is
            dropped, and a palette must be gray. ``alpha``: the alpha channel (thermal in MFNet).
            ``opaque``: RGB of a file whose alpha means something else. ``pseudo``: one channel
            from pseudo-colour, by ``palette``. ``raw``: the counts that an R-JPEG or FFF carries.
        tolerance: Largest difference between channels (JPEG: of Cb or Cr from 128) that still
            counts as gray. The value taken is then the luma, 0.299 R + 0.587 G + 0.114 B.
        border: Pixels to cut off at each side.
        palette: For ``pseudo``: ``""`` takes the luma; a name or file for ``load_palette`` inverts
            that palette; ``embedded`` the one an R-JPEG carries.
        upright: Undo an EXIF or TIFF orientation (never of ``raw``).

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
        image = _decode(data, channels, tolerance, palette, upright=upright)
        return _without_border(image, border)
    except DecodeError as error:
        if path is None:
            raise
        raise DecodeError(f"{path}: {error}", **{**error.where, "path": path}) from error


def decode_frame(
    content: bytes | YuvFrame | NDArray[Any],
    *,
    channels: Channels = "gray",
    tolerance: int = 0,
    border: int = 0,
    palette: str = "",
) -> Image:
    """Decode a frame of a video (``VideoFile.frame``), by the same policy as a picture.

    Args:
        content: A picture file, planes, or an array.
        channels: As for ``decode_image``; a frame of planes has no alpha. ``raw`` is ``gray``.
        tolerance: As for ``decode_image``; of planes, of U and V from neutral.
        border: Pixels to cut off at each side.
        palette: As for ``decode_image``.

    Raises:
        DecodeError: Damaged, or not what ``channels`` allows.
    """
    if isinstance(content, bytes):
        return decode_image(
            content, channels=channels, tolerance=tolerance, border=border, palette=palette
        )
    if isinstance(content, YuvFrame):
        image = _apply_planes(content, channels, tolerance, palette)
    else:
        policy: Channels = "gray" if channels == "raw" else channels
        image = _apply(content, policy, tolerance, palette, indexed=False)
    return _without_border(image, border)


def _apply_planes(frame: YuvFrame, channels: Channels, tolerance: int, palette: str) -> Image:
    if channels == "alpha":
        raise DecodeError("expected an alpha channel, found a video of YUV, which has none")
    if channels in ("colour", "opaque"):
        return frame.rgb()
    if channels == "pseudo":
        return _invert(frame.rgb(), palette, b"") if palette else frame.luma()
    return frame.gray(tolerance)


def encoding_of(data: bytes) -> str:
    """Tell the encoding by the first bytes; ``""`` for none of ours."""
    for magic, encoding in _MAGIC:
        if data.startswith(magic):
            return encoding
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def _decode(
    data: bytes, channels: Channels, tolerance: int, palette: str, *, upright: bool
) -> Image:
    encoding = encoding_of(data)
    if not encoding:
        raise DecodeError(f"not a picture: begins with {data[:8]!r}")
    if channels == "raw":
        if encoding in ("jpeg", "fff"):
            return read_radiometric(data)[0]
        channels = "gray"  # a radiometric TIFF or PNG is its own payload
    if encoding == "fff":
        raise DecodeError('an FFF file holds counts only: decode it with channels="raw"')
    if encoding == "jpeg":
        flat = _decode_jpeg(data, channels, tolerance, palette)
        turned: Image = turn_upright(flat, _orientation(data)) if upright else flat
        return turned
    decoded = (
        decode_tiff(data, upright=upright) if encoding == "tiff" else _DECODERS[encoding](data)
    )
    return _apply(decoded, channels, tolerance, palette, indexed=_is_indexed(data, encoding))


def _orientation(data: bytes) -> int:
    value = read_exif(data).get(ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _without_border(image: NDArray[Any], border: int) -> Image:
    if not border:
        return image
    height, width = image.shape[:2]
    if border < 0 or 2 * border >= min(height, width):
        raise DecodeError(f"expected more than a border of {border}, found {height} x {width}")
    inside: Image = np.ascontiguousarray(image[border:-border, border:-border])
    return inside


def _decode_jpeg(data: bytes, channels: Channels, tolerance: int, palette: str) -> Image:
    if channels == "alpha":
        raise DecodeError("expected an alpha channel, found a JPEG, which has none")
    components = _core.read_jpeg_header(data)[2]
    if channels in ("colour", "opaque"):
        return _core.decode_jpeg(data, channels=components)
    if channels == "pseudo":
        if not palette:
            return _core.decode_jpeg(data, channels=1)
        return _invert(_core.decode_jpeg(data, channels=3), palette, data)
    deviation = _core.jpeg_chroma_deviation(data) if components == 3 else 0
    if deviation > tolerance:
        fail_colour(deviation, tolerance)
    return _core.decode_jpeg(data, channels=1)


def _invert(image: NDArray[Any], palette: str, data: bytes) -> Image:
    if image.dtype != np.uint8:
        raise DecodeError("expected pseudo-colour of 8 bits, found 16")
    if palette != EMBEDDED:
        return invert_palette(image, palette)
    stream = flir_stream(data) if encoding_of(data) == "jpeg" else None
    colours = FffFile(stream).palette() if stream is not None else None
    if colours is None:
        raise DecodeError("expected an R-JPEG with its palette, found none")
    return invert_palette(image, ycc_to_rgb(colours))


def _apply(
    image: NDArray[Any], channels: Channels, tolerance: int, palette: str, *, indexed: bool
) -> Image:
    """Apply the channel policy to an array as decoded."""
    if channels == "alpha":
        return alpha_of(image)
    if channels == "opaque":
        return without_alpha(image)
    if channels == "pseudo":
        rgb = without_alpha(image)
        if rgb.ndim == 2:
            return rgb
        return _invert(rgb, palette, b"") if palette else luma(rgb, 1 << 16)
    return collapse(image, tolerance, colour=channels == "colour" and not indexed)


def _is_indexed(data: bytes, encoding: str) -> bool:
    """Whether the colours are those of a palette, which then must be gray."""
    if encoding == "png":
        return data[25] == 3
    return (
        encoding == "bmp" and struct.unpack_from("<H", data, 24 if data[14] == 12 else 28)[0] <= 8
    )


def _decode_png(data: bytes) -> NDArray[Any]:
    import imagecodecs

    if len(data) < 33 or data[12:16] != b"IHDR":
        raise DecodeError("PNG is cut off in its header")
    width, height = struct.unpack_from(">II", data, 16)
    check_size(height, width)
    return _guard(lambda: imagecodecs.png_decode(data))


def _decode_webp(data: bytes) -> NDArray[Any]:
    import imagecodecs

    check_size(*_probed(data))
    image = _guard(lambda: imagecodecs.webp_decode(data))
    return image if image.ndim < 4 else image[0]


def _decode_gif(data: bytes) -> NDArray[Any]:
    import imagecodecs

    check_size(*_probed(data))
    image = _guard(lambda: imagecodecs.gif_decode(data, index=0))
    return image if image.ndim < 4 else image[0]


def _probed(data: bytes) -> tuple[int, int]:
    found = _core.probe_bytes(data)
    if found[0] is None:
        raise DecodeError(str(found[2]))
    return found[1], found[2]


_DECODERS: dict[str, Callable[[bytes], NDArray[Any]]] = {
    "png": _decode_png,
    "bmp": decode_bmp,
    "webp": _decode_webp,
    "gif": _decode_gif,
}


def _guard(decode: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Run a foreign decoder: whatever it raises means that the bytes are bad."""
    try:
        return decode()
    except Exception as error:
        raise DecodeError(f"damaged picture: {error}") from error
