"""Application segments of a JPEG: where cameras put what is not the picture."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from irtd_fast.errors import DecodeError

_SOI = b"\xff\xd8"
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_SOS, _EOI = 0xDA, 0xD9

APP1, APP2, APP3, APP4 = 0xE1, 0xE2, 0xE3, 0xE4


def segments(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """Walk the segments before the first scan (ITU-T T.81, annex B).

    Args:
        data: A JPEG file.

    Yields:
        (second byte of the marker, payload without its length field).

    Raises:
        DecodeError: No JPEG, or its segments run out of the file.
    """
    view = memoryview(data)
    if data[:2] != _SOI:
        raise DecodeError(f"not a JPEG: begins with {data[:2]!r}")
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise DecodeError(f"JPEG without a marker at byte {at}")
        marker = data[at + 1]
        if marker in (_SOS, _EOI):
            return
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise DecodeError(f"JPEG segment at byte {at} runs out of the file")
        yield marker, view[at + 4 : end]
        at = end


def joined(data: bytes, marker: int) -> bytes:
    """All payloads of one kind of segment, one after the other."""
    return b"".join(payload for found, payload in segments(data) if found == marker)
