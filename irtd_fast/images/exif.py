"""EXIF of a JPEG: orientation, camera, date; and turning pixels upright.

Policy: an orientation other than 1 is applied when a picture is decoded, and recorded. Labelling
tools, browsers and OpenCV show and measure such pictures upright, so that is what boxes fit, and
a caption or a model needs upright pictures. The radiometric payload of an R-JPEG is never turned:
it has no EXIF of its own and stays as the sensor gave it.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError
from irtd_fast.images.segments import APP1, segments

_EXIF = b"Exif\0\0"
_ASCII, _SHORT = 2, 3
_MAX_ENTRIES = 512
MAKE, MODEL, ORIENTATION, DATE = 0x010F, 0x0110, 0x0112, 0x0132


def read_exif(data: bytes) -> dict[int, str | int]:
    """Text and 16-bit entries of the first directory of a JPEG's EXIF (CIPA DC-008, 4.6.4).

    Args:
        data: A JPEG file.

    Returns:
        Tag -> value; empty without EXIF. What cannot be read is left out.
    """
    try:
        for marker, payload in segments(data):
            if marker == APP1 and payload[:6] == _EXIF:
                return _directory(bytes(payload[6:]))
    except DecodeError:
        pass  # the decoder says what is wrong with the file
    return {}


def _directory(tiff: bytes) -> dict[int, str | int]:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return {}
    (at,) = struct.unpack_from(order + "I", tiff, 4)
    if at + 2 > len(tiff):
        return {}
    (count,) = struct.unpack_from(order + "H", tiff, at)
    found: dict[int, str | int] = {}
    for number in range(min(count, _MAX_ENTRIES)):
        entry = at + 2 + 12 * number
        if entry + 12 > len(tiff):
            break
        tag, kind, values, offset = struct.unpack_from(order + "HHII", tiff, entry)
        if kind == _SHORT:
            (found[tag],) = struct.unpack_from(order + "H", tiff, entry + 8)
        elif kind == _ASCII:
            start = entry + 8 if values <= 4 else offset
            found[tag] = tiff[start : start + values].split(b"\0")[0].decode("latin-1").strip()
    return found


def turn_upright(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation.

    Args:
        image: (height, width) or (height, width, channels) as stored.
        orientation: 1 to 8, as in the tag; anything else is taken for 1.

    Returns:
        The picture as it is meant to be seen; 5 to 8 swap height and width.
    """
    if orientation >= 5 and orientation <= 8:
        image = np.swapaxes(image, 0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)
