"""Encoders for pictures, XML and JSON, spelled the way the publishers' files are."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

# A list of (tag, text) or (tag, children): tags repeat and their order matters.
XmlNode: TypeAlias = "tuple[str, str | int | float | list[XmlNode]]"

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(image: NDArray[np.generic], encoding: str, mode: str) -> bytes:
    """Encode one picture.

    Args:
        image: uint8 (h, w) for ``L`` and ``P``, (h, w, 3) ``RGB``, (h, w, 4) ``RGBA``; uint16
            (h, w) for ``I;16``.
        encoding: ``jpeg`` (quality 95, colour 4:2:0), ``png``, ``bmp`` or ``tiff``.
        mode: Pillow's word for the file's layout.

    Raises:
        ValueError: If the encoding cannot hold the mode.
    """
    if encoding == "jpeg" and mode in ("L", "RGB"):
        return encode_jpeg(image)
    if encoding == "tiff" and mode == "I;16":
        return encode_tiff(image)
    if encoding == "png" and mode == "P":
        return encode_palette_png(image)
    if encoding == "png" and mode in ("L", "RGB", "RGBA", "I;16"):
        return encode_png(image)
    if encoding == "bmp" and mode in ("L", "RGB"):
        return encode_bmp(image)
    if encoding == "tiff" and mode in ("L", "RGB"):
        return encode_plain_tiff(image)
    msg = f"{encoding} cannot hold a picture of mode {mode}"
    raise ValueError(msg)


def encode_jpeg(image: NDArray[np.generic]) -> bytes:
    """Encode grey as one component, colour as three with halved chroma, quality 95."""
    from irtd_fast import _core

    subsampling = "444" if image.ndim == 2 else "420"
    return bytes(_core.encode_jpeg(image, quality=95, subsampling=subsampling))


def encode_png(image: NDArray[np.generic]) -> bytes:
    """Encode grey, RGB or RGBA, 8 or 16 bit, at the fastest level."""
    import imagecodecs

    return bytes(imagecodecs.png_encode(image, level=1))


def encode_bmp(image: NDArray[np.generic]) -> bytes:
    """Encode uint8 grey (with a grey palette) or RGB as an uncompressed Windows bitmap.

    Rows from the bottom, padded to four bytes; BITMAPINFOHEADER as in [MS-WMF] 2.2.2.3.
    """
    height, width = image.shape[:2]
    depth = 8 if image.ndim == 2 else 24
    stride = (width * depth // 8 + 3) & ~3
    rows = np.zeros((height, stride), dtype=np.uint8)
    flat = image if image.ndim == 2 else image[..., ::-1].reshape(height, width * 3)
    rows[:, : flat.shape[1]] = flat[::-1]
    palette = np.zeros((256, 4), dtype=np.uint8)
    palette[:, :3] = np.arange(256, dtype=np.uint8)[:, None]
    table = palette.tobytes() if depth == 8 else b""
    start = 54 + len(table)
    head = struct.pack("<2sIHHI", b"BM", start + rows.size, 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, 0, rows.size, 2835, 2835, 0, 0)
    return b"".join((head, info, table, rows.tobytes()))


def encode_plain_tiff(image: NDArray[np.generic]) -> bytes:
    """Encode uint8 grey or RGB as one uncompressed strip, after the TIFF 6.0 specification."""
    height, width = image.shape[:2]
    channels = 1 if image.ndim == 2 else 3
    body = np.ascontiguousarray(image).tobytes()
    body += b"\0" * (len(body) % 2)
    bits_at = 8 + len(body)
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, channels, 8 if channels == 1 else bits_at),
        (259, 3, 1, 1),  # not compressed
        (262, 3, 1, 1 if channels == 1 else 2),
        (273, 4, 1, 8),
        (277, 3, 1, channels),
        (278, 3, 1, height),
        (279, 4, 1, height * width * channels),
    ]
    ifd = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    header = struct.pack("<2sHI", b"II", 42, bits_at + 8)
    bits = struct.pack("<4H", 8, 8, 8, 0)
    return b"".join((header, body, bits, ifd, b"\0\0\0\0"))


def encode_palette_png(image: NDArray[np.generic]) -> bytes:
    """Encode grey levels as a palette picture whose indices are not the levels.

    The palette lists the occurring levels in a scrambled order, as image editors do; a reader
    that forgets the palette gets another picture.

    Args:
        image: uint8 (h, w).
    """
    levels = np.unique(image)
    order = np.argsort(levels * np.uint32(2654435761) % 4093, kind="stable")
    palette = levels[order]
    index = np.zeros(256, dtype=np.uint8)
    index[palette] = np.arange(palette.size, dtype=np.uint8)
    height, width = image.shape
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # filter byte 0: none
    rows[:, 1:] = index[image]
    return b"".join(
        (
            PNG_SIGNATURE,
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            png_chunk(b"PLTE", np.repeat(palette, 3).astype(np.uint8).tobytes()),
            png_chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)),
            png_chunk(b"IEND", b""),
        )
    )


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Frame one PNG chunk: length, type, data, CRC-32 of type and data."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encode_tiff(image: NDArray[np.generic]) -> bytes:
    """Encode 16-bit counts as FLIR's converter does: one page, LZW, predictor 2, 6-row strips.

    Written by hand because the publisher's files hold exactly these eleven tags; layout after
    the TIFF 6.0 specification.

    Args:
        image: uint16 (h, w).
    """
    import imagecodecs

    height, width = image.shape
    little = np.ascontiguousarray(image, dtype="<u2")
    delta = np.diff(little, axis=1, prepend=np.zeros((height, 1), dtype="<u2"))
    strips = [
        bytes(imagecodecs.lzw_encode(delta[row : row + 6].tobytes())) for row in range(0, height, 6)
    ]
    sizes = [len(strip) for strip in strips]
    starts = (8 + np.cumsum([0, *sizes])[:-1]).tolist()
    body = b"".join(strips)
    body += b"\0" * (len(body) % 2)
    offsets, counts = (
        struct.pack(f"<{len(starts)}I", *starts),
        struct.pack(f"<{len(sizes)}I", *sizes),
    )
    arrays_at = 8 + len(body)
    ifd_at = arrays_at + len(offsets) + len(counts)
    many = len(strips)
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, 5),  # LZW
        (262, 3, 1, 1),  # black is zero
        (273, 4, many, arrays_at if many > 1 else starts[0]),
        (277, 3, 1, 1),
        (278, 3, 1, 6),
        (279, 4, many, arrays_at + len(offsets) if many > 1 else sizes[0]),
        (284, 3, 1, 1),
        (317, 3, 1, 2),  # horizontal differencing
    ]
    ifd = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    header = struct.pack("<2sHI", b"II", 42, ifd_at)
    return b"".join((header, body, offsets, counts, ifd, b"\0\0\0\0"))


def encode_xml(
    root: str,
    children: Sequence[XmlNode],
    *,
    indent: str = "  ",
    attributes: Mapping[str, str] | None = None,
    newline_at_end: bool = True,
) -> bytes:
    """Write an indented XML document without a declaration, UTF-8, LF.

    Args:
        root: Tag of the root element.
        children: Its content in order.
        indent: One level of it.
        attributes: Of the root element.
        newline_at_end: Whether the last line ends.
    """
    start = "".join(f' {key}="{escape(value)}"' for key, value in (attributes or {}).items())
    lines = [f"<{root}{start}>"]
    _xml_lines(children, indent, indent, lines)
    lines.append(f"</{root}>")
    return ("\n".join(lines) + "\n" * newline_at_end).encode()


def _xml_lines(children: Sequence[XmlNode], margin: str, indent: str, lines: list[str]) -> None:
    for tag, content in children:
        if isinstance(content, list):
            lines.append(f"{margin}<{tag}>")
            _xml_lines(content, margin + indent, indent, lines)
            lines.append(f"{margin}</{tag}>")
        else:
            lines.append(f"{margin}<{tag}>{escape(str(content))}</{tag}>")


def encode_json(value: object, *, indent: int | None = None) -> bytes:
    """Write JSON with the standard separators, no newline at the end."""
    return json.dumps(value, indent=indent, ensure_ascii=False).encode()


def encode_lines(lines: Sequence[str], *, end: str = "\n") -> bytes:
    """Write a list file: one entry a line, the last line ended too."""
    return "".join(f"{line}{end}" for line in lines).encode()
