"""What decoding found out about infrared pictures, beside their pixels.

Headers say how a picture is stored; what its values really hold shows only once it is decoded.
Pictures that go through the native JPEG path are 8-bit and need no look. Findings travel in
receipts, so that a resumed run writes the same columns.
"""

from __future__ import annotations

import enum
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.images import Image, RadiometricInfo, find_depth, read_radiometric
from irtd_fast.types import ImageInfo, SampleRecord

ENCODINGS = ("jpeg", "png", "tiff", "bmp", "webp", "gif", "fff", "video")  # codes
RADIOMETRIC = ("jpeg", "fff")  # encodings whose ``raw`` part has a description of its own
_PLAIN_BITS = 8

# bits, flags, what the file says about its counts
Found = tuple[int, int, dict[str, Any] | None]


class PictureFlag(enum.IntFlag):
    """What was found in an infrared picture (stored as uint8)."""

    EIGHT_IN_SIXTEEN = 1  # 8-bit content in a 16-bit file
    LOOKS_SWAPPED = 2  # far smoother with the two bytes of each value exchanged; kept as stored
    BIG_ENDIAN = 4  # the file stores the high byte first; decoded to native order
    PSEUDO_COLOUR = 8  # counts taken from pseudo-colour, by luma or a palette
    RADIOMETRIC = 16  # counts are the payload of a radiometric file


def decode_raw(data: bytes) -> tuple[Image, RadiometricInfo]:
    """Counts of a radiometric file, and what it says about them.

    Raises:
        DecodeError: The file holds no radiometric payload, or a damaged one.
    """
    return read_radiometric(data)


def look_at(
    pixels: Image, picture: ImageInfo, data: bytes, radiometric: RadiometricInfo | None
) -> Found | None:
    """Look at a decoded infrared picture; ``None`` if it is as plain as a gray JPEG.

    Args:
        pixels: As the store will hold them.
        picture: What the header said.
        data: The file; empty for a frame of a video.
        radiometric: What a radiometric file says about its counts.
    """
    bits, flags = _PLAIN_BITS, PictureFlag(0)
    if pixels.dtype == np.uint16:
        depth = find_depth(pixels)
        bits = depth.bits
        flags |= PictureFlag.EIGHT_IN_SIXTEEN if depth.eight_in_sixteen else 0
        flags |= PictureFlag.LOOKS_SWAPPED if depth.swapped else 0
        flags |= PictureFlag.BIG_ENDIAN if _is_big_endian(picture, data, radiometric) else 0
    if picture.part.startswith("pseudo"):
        flags |= PictureFlag.PSEUDO_COLOUR
    if radiometric is not None:
        flags |= PictureFlag.RADIOMETRIC
    if bits == _PLAIN_BITS and not flags:
        return None
    return bits, int(flags), None if radiometric is None else radiometric.to_dict()


def _is_big_endian(picture: ImageInfo, data: bytes, radiometric: RadiometricInfo | None) -> bool:
    if radiometric is not None:
        return radiometric.byte_order == "big"
    return picture.encoding == "png" or (picture.encoding == "tiff" and data[:2] == b"MM")


def finding_columns(
    samples: Sequence[SampleRecord], numbers: Iterable[int], found: Mapping[int, Found]
) -> dict[str, Any]:
    """Columns of the samples table about how pictures are stored and what they hold.

    Args:
        samples: The samples that are kept.
        numbers: Their numbers in the plan.
        found: Findings by number in the plan.
    """
    count = len(samples)
    codes = {name: code for code, name in enumerate(ENCODINGS)}
    plain: Found = (_PLAIN_BITS, 0, None)
    rows = [found.get(number, plain) for number in numbers]
    pictures = [sample.infrared for sample in samples]
    columns: dict[str, Any] = {
        "infrared_encoding": _bytes((codes[p.encoding] for p in pictures), count),
        "infrared_channels": _bytes((p.file_channels for p in pictures), count),
        "infrared_orientation": _bytes((p.orientation for p in pictures), count),
        "infrared_bits": _bytes((row[0] for row in rows), count),
        "infrared_found": _bytes((row[1] for row in rows), count),
    }
    if any(row[2] is not None for row in rows):
        columns["radiometry"] = [_json(row[2]) for row in rows]
    return columns


def _bytes(values: Iterable[int], count: int) -> NDArray[np.uint8]:
    return np.fromiter(values, np.uint8, count)


def _json(value: dict[str, Any] | None) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":")) if value else ""


def finding_notes(found: Iterable[Found]) -> list[str]:
    """What should be known about a source's pictures, in sentences."""
    counts = Counter(flag for _, flags, _ in found for flag in PictureFlag(flags))
    texts = {
        PictureFlag.EIGHT_IN_SIXTEEN: "16-bit pictures hold 8-bit content",
        PictureFlag.LOOKS_SWAPPED: "16-bit pictures look byte-swapped; kept as they are stored",
        PictureFlag.PSEUDO_COLOUR: "pictures were turned from pseudo-colour into gray",
    }
    return [f"{counts[flag]} {text}" for flag, text in texts.items() if counts[flag]]
