"""What a radiometric picture says about its counts, whatever its container."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError
from irtd_fast.images.dji import DjiParameters, dji_counts
from irtd_fast.images.exif import DATE, MODEL, read_exif
from irtd_fast.images.fff import FffFile, flir_stream

Counts = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class RadiometricInfo:
    """Constants that turn counts into temperatures, and what was found; ``None`` where unknown.

    Attributes:
        container: ``flir-fff``, ``flir-rjpeg`` or ``dji-rjpeg``.
        height: Rows of the counts.
        width: Columns of the counts.
        payload: ``raw`` or ``png``: how the counts lie in the file.
        byte_order: ``little``, ``big`` or ``swapped`` (PNG whose samples are byte-swapped).
        camera: Model.
        serial: Serial number.
        lens: Lens model.
        date: ISO 8601, with offset where the file has one.
        planck_r1: Planck constants: T[K] = B / ln(R1 / (R2 (counts + O)) + F).
        planck_r2: See ``planck_r1``.
        planck_b: See ``planck_r1``.
        planck_f: See ``planck_r1``.
        planck_o: See ``planck_r1``.
        emissivity: 0 to 1.
        distance_m: Distance of the object, metres.
        reflected_c: Reflected apparent temperature, degrees Celsius.
        atmospheric_c: Temperature of the air, degrees Celsius.
        window_c: Temperature of an infrared window, degrees Celsius.
        window_transmission: 0 to 1.
        humidity: Relative humidity, 0 to 1.
        alpha1: Atmospheric transmission constants of the camera.
        alpha2: See ``alpha1``.
        beta1: See ``alpha1``.
        beta2: See ``alpha1``.
        x: See ``alpha1``.
        palette: Name of the palette of the 8-bit rendering.
    """

    container: str
    height: int
    width: int
    payload: str
    byte_order: str
    camera: str | None = None
    serial: str | None = None
    lens: str | None = None
    date: str | None = None
    planck_r1: float | None = None
    planck_r2: float | None = None
    planck_b: float | None = None
    planck_f: float | None = None
    planck_o: int | None = None
    emissivity: float | None = None
    distance_m: float | None = None
    reflected_c: float | None = None
    atmospheric_c: float | None = None
    window_c: float | None = None
    window_transmission: float | None = None
    humidity: float | None = None
    alpha1: float | None = None
    alpha2: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    x: float | None = None
    palette: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data, without what is unknown."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def read_radiometric(data: bytes) -> tuple[Counts, RadiometricInfo]:
    """Take the counts out of an R-JPEG or an FFF file.

    Args:
        data: The file.

    Returns:
        ((height, width) uint16 in native byte order, what the file says about them).

    Raises:
        DecodeError: The file holds no radiometric payload, or a damaged one.
    """
    stream = data if data[:4] in (b"FFF\0", b"AFF\0") else flir_stream(data)
    if stream is not None:
        return _from_fff(FffFile(stream), "flir-fff" if stream is data else "flir-rjpeg")
    found = dji_counts(data)
    if found is None:
        raise DecodeError("expected a radiometric payload (FLIR APP1 or DJI APP3/APP4), found none")
    counts, parameters = found
    return counts, _from_dji(data, counts, parameters)


def _from_fff(file: FffFile, container: str) -> tuple[Counts, RadiometricInfo]:
    counts, payload, order = file.counts()
    height, width = counts.shape
    info = RadiometricInfo(
        container, height, width, payload, order, **file.camera(), palette=file.palette_name()
    )
    return counts, info


def _from_dji(data: bytes, counts: Counts, parameters: DjiParameters) -> RadiometricInfo:
    exif = read_exif(data)
    camera, date = exif.get(MODEL), str(exif.get(DATE, ""))
    day, _, time = date.partition(" ")
    height, width = counts.shape
    return RadiometricInfo(
        "dji-rjpeg", height, width, "raw", "little", camera=str(camera) if camera else None,
        date=f"{day.replace(':', '-')}T{time}" if time else None, **parameters,
    )  # fmt: skip
