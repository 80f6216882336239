"""BMP: uncompressed pictures of 1, 4, 8, 24 and 32 bits, decoded here.

The layout is that of Microsoft's BITMAPFILEHEADER and BITMAPINFOHEADER. Every size is checked
before it is used: decoders written for well-formed files read past their end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError
from irtd_fast.images.limits import check_size

_FILE_HEADER = 14
_CORE, _INFO = 12, 40  # sizes of the info headers of OS/2 1.x and of Windows
_UNCOMPRESSED, _BITFIELDS = 0, 3
_MASKS = (0x00FF0000, 0x0000FF00, 0x000000FF)  # of red, green, blue in 32 bits
_INDEXED = (1, 4, 8)


@dataclass(frozen=True, slots=True)
class _Header:
    height: int
    width: int
    bits: int
    upside_down: bool
    data: int
    palette: int
    entry: int
    colours: int


def decode_bmp(data: bytes) -> NDArray[np.uint8]:
    """Decode a BMP.

    Returns:
        (height, width) for a gray palette or none, else (height, width, 3) RGB; the fourth byte of
        32 bits is not used by the format.

    Raises:
        DecodeError: Cut off, compressed, or not what its header says.
    """
    header = _read_header(data)
    stride = (header.width * header.bits + 31) // 32 * 4  # rows are padded to four bytes
    end = header.data + stride * header.height
    if header.data < _FILE_HEADER or end > len(data):
        raise DecodeError(f"expected a BMP of {end} bytes, found {len(data)}")
    size = stride * header.height
    rows = np.frombuffer(data, np.uint8, size, header.data).reshape(header.height, stride)
    if header.upside_down:
        rows = rows[::-1]
    if header.bits in _INDEXED:
        return _coloured(data, header, _indices(rows, header))
    step = header.bits // 8
    pixels = rows[:, : header.width * step].reshape(header.height, header.width, step)
    return np.ascontiguousarray(pixels[..., 2::-1])


def _read_header(data: bytes) -> _Header:
    if len(data) < _FILE_HEADER + _CORE:
        raise DecodeError("BMP is cut off in its header")
    offset, size = struct.unpack_from("<II", data, 10)
    compression = colours = 0
    if size == _CORE:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    elif size >= _INFO and len(data) >= _FILE_HEADER + _INFO:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        (colours,) = struct.unpack_from("<I", data, 46)
    else:
        raise DecodeError(f"BMP with a header of {size} bytes, of {len(data)} in all")
    check_size(abs(height), width)
    if bits not in (*_INDEXED, 24, 32):
        raise DecodeError(f"expected a BMP of 1, 4, 8, 24 or 32 bits, found {bits}")
    palette = _FILE_HEADER + size
    if compression == _BITFIELDS and bits == 32:
        at = _FILE_HEADER + _INFO
        if len(data) < at + 12 or struct.unpack_from("<3I", data, at) != _MASKS:
            raise DecodeError("expected a BMP of 8 bits a colour, found other masks")
    elif compression != _UNCOMPRESSED:
        raise DecodeError(f"expected an uncompressed BMP, found compression {compression}")
    entry = 3 if size == _CORE else 4
    return _Header(abs(height), width, bits, height > 0, offset, palette, entry, colours)


def _indices(rows: NDArray[np.uint8], header: _Header) -> NDArray[np.uint8]:
    if header.bits == 8:
        return rows[:, : header.width]
    if header.bits == 1:
        return np.unpackbits(rows, axis=1)[:, : header.width]
    return np.stack([rows >> 4, rows & 15], axis=2).reshape(len(rows), -1)[:, : header.width]


def _coloured(data: bytes, header: _Header, indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Look colours up; a palette that is gray gives one channel."""
    room = max(0, header.data - header.palette) // header.entry
    count = min(header.colours or 1 << header.bits, 1 << header.bits, room)
    if count == 0:
        return np.ascontiguousarray(indices)
    if int(indices.max()) >= count:
        raise DecodeError(f"expected indices below {count}, found {int(indices.max())}")
    table = np.frombuffer(data, np.uint8, count * header.entry, header.palette)
    rgb: NDArray[Any] = table.reshape(count, header.entry)[:, 2::-1]
    if (rgb == rgb[:, :1]).all():
        return np.ascontiguousarray(rgb[:, 0])[indices]
    return np.ascontiguousarray(rgb)[indices]
