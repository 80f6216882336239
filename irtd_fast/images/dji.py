"""DJI's R-JPEG: counts in consecutive application segments, 16 bits, little endian.

The counts fill the APP3 segments (H20, M2EA, M3T, M30T, H30T, M4T) or, on the XT S, the APP4
segments, whose APP3 is a calibration block. They have no header: their size tells, see ``_SIZES``.
Parameters of the scene are in APP4; the two layouts are those of ExifTool's tables ThermalParams
and ThermalParams2 (https://exiftool.org/TagNames/DJI.html). How counts become temperatures is
known to the publisher's SDK only, so there are no Planck constants.
"""

from __future__ import annotations

import struct
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.images.segments import APP3, APP4, joined

# (height, width) of the sensors, by the bytes of their counts.
_SIZES = {2 * h * w: (h, w) for h, w in ((512, 640), (1024, 1280), (256, 336), (120, 160))}
_PARAMETERS = b"\xaa\x55\x12\x06"


class DjiParameters(TypedDict, total=False):
    """Fields of ``RadiometricInfo`` that a file may give."""

    emissivity: float
    distance_m: float
    humidity: float
    reflected_c: float
    atmospheric_c: float


def dji_counts(data: bytes) -> tuple[NDArray[np.uint16], DjiParameters] | None:
    """Counts (height, width) and parameters of a DJI R-JPEG; ``None`` for any other JPEG.

    A payload is taken for counts if its size is that of a DJI sensor and its shape has the
    proportions of the JPEG.

    Raises:
        DecodeError: No JPEG.
    """
    shown = _core.read_jpeg_header(data)[:2]
    for marker in (APP3, APP4):
        payload = joined(data, marker)
        height, width = _SIZES.get(len(payload), (0, 0))
        if height and height * shown[1] == width * shown[0]:
            counts = np.frombuffer(payload, "<u2").reshape(height, width).astype(np.uint16)
            parameters = _parameters(joined(data, APP4)) if marker == APP3 else DjiParameters()
            return counts, parameters
    return None


def _parameters(block: bytes) -> DjiParameters:
    if block.startswith(_PARAMETERS) and len(block) >= 0x4E:
        distance, humidity, emissivity, reflected, air = struct.unpack_from("<5H", block, 0x44)
        return DjiParameters(
            distance_m=float(distance), humidity=humidity / 100, emissivity=emissivity / 100,
            reflected_c=reflected / 10, atmospheric_c=air / 10,
        )  # fmt: skip
    if len(block) == 224:
        air, distance, emissivity, humidity, reflected = struct.unpack_from("<5f", block, 0)
        if 0 < emissivity <= 1 and 0 <= humidity <= 1:
            return DjiParameters(
                distance_m=distance, humidity=round(humidity, 6), emissivity=round(emissivity, 6),
                reflected_c=reflected, atmospheric_c=air,
            )  # fmt: skip
    return DjiParameters()
