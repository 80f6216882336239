"""FLIR's FFF container, alone or in the APP1 segments of a JPEG.

Facts about the format are from the tag tables of ExifTool (https://exiftool.org/TagNames/FLIR.html),
which are public documentation of what cameras write; no code is taken from there.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError
from irtd_fast.images.limits import check_size
from irtd_fast.images.segments import APP1, segments

_HEADER, _ENTRY = 64, 32
_MAX_RECORDS = 1024
_RAW_DATA, _CAMERA, _PALETTE = 0x01, 0x20, 0x22
_RAW_OFFSET = 0x20
_PNG = b"\x89PNG\r\n\x1a\n"
_CAMERA_FLOATS = {
    "emissivity": 0x20, "distance_m": 0x24, "window_transmission": 0x34, "humidity": 0x3C,
    "planck_r1": 0x58, "planck_b": 0x5C, "planck_f": 0x60, "alpha1": 0x70, "alpha2": 0x74,
    "beta1": 0x78, "beta2": 0x7C, "x": 0x80, "planck_r2": 0x30C,
}  # fmt: skip
_CAMERA_KELVINS = {"reflected_c": 0x28, "atmospheric_c": 0x2C, "window_c": 0x30}
_CAMERA_TEXTS = {"camera": (0xD4, 32), "serial": (0x104, 16), "lens": (0x170, 32)}
_PLANCK_O, _DATE = 0x308, 0x384
_ZERO_CELSIUS = 273.15


def flir_stream(data: bytes) -> bytes | None:
    """Join the FFF container from the FLIR segments of a JPEG; ``None`` without any.

    A segment is ``FLIR``, a NUL, a byte 1, its number, and the number of the last one.

    Raises:
        DecodeError: No JPEG, or segments are missing.
    """
    parts: dict[int, bytes] = {}
    last = -1
    for marker, payload in segments(data):
        if marker != APP1 or bytes(payload[:5]) != b"FLIR\0" or len(payload) < 8:
            continue
        number, last = payload[6], payload[7]
        if number in parts:
            raise DecodeError(f"FLIR segment {number} occurs twice")
        parts[number] = bytes(payload[8:])
    if not parts:
        return None
    if sorted(parts) != list(range(last + 1)):
        raise DecodeError(f"expected FLIR segments 0 to {last}, found {sorted(parts)}")
    return b"".join(parts[number] for number in range(last + 1))


class FffFile:
    """The records of an FFF container.

    Raises:
        DecodeError: No FFF, or its directory runs out of the data.
    """

    def __init__(self, data: bytes) -> None:
        if data[:4] not in (b"FFF\0", b"AFF\0") or len(data) < _HEADER:
            raise DecodeError(f"not an FFF container: begins with {data[:4]!r}")
        self._data = data
        order = next(
            (o for o in "><" if 100 <= struct.unpack_from(o + "I", data, 0x14)[0] < 200), None
        )
        if order is None:
            raise DecodeError("FFF container of an unknown version")
        at, count = struct.unpack_from(order + "II", data, 0x18)
        if count > _MAX_RECORDS or at + count * _ENTRY > len(data):
            raise DecodeError(f"FFF directory of {count} records runs out of the data")
        self._records: dict[int, bytes] = {}
        for number in range(count):
            kind, start, length = self._entry(order, at + number * _ENTRY)
            if kind and kind not in self._records:  # 0 is a free slot
                self._records[kind] = data[start : start + length]

    def _entry(self, order: str, at: int) -> tuple[int, int, int]:
        (kind,) = struct.unpack_from(order + "H", self._data, at)
        start, length = struct.unpack_from(order + "II", self._data, at + 12)
        if kind and start + length > len(self._data):
            raise DecodeError(
                f"FFF record of type {kind} ends at byte {start + length} of {len(self._data)}"
            )
        return kind, start, length

    def counts(self) -> tuple[NDArray[np.uint16], str, str]:
        """Counts (height, width), ``raw`` or ``png``, and the byte order found.

        Raises:
            DecodeError: No raw record, or not what its header says.
        """
        record = self._records.get(_RAW_DATA)
        if record is None or len(record) < _RAW_OFFSET:
            raise DecodeError("FFF container without raw counts")
        order = _record_order(record)
        width, height = struct.unpack_from(order + "HH", record, 2)
        check_size(height, width)
        body = record[_RAW_OFFSET:]
        if body.startswith(_PNG):
            return _png_counts(body, height, width)
        if len(body) < 2 * height * width:
            raise DecodeError(f"expected {2 * height * width} bytes of counts, found {len(body)}")
        values = np.frombuffer(body, order + "u2", height * width).reshape(height, width)
        return values.astype(np.uint16), "raw", "little" if order == "<" else "big"

    def camera(self) -> dict[str, Any]:
        """Fields of ``RadiometricInfo`` that the camera record has."""
        record = self._records.get(_CAMERA, b"")
        if len(record) < 2:
            return {}
        order = _record_order(record)
        found: dict[str, Any] = {}
        for name, at in (_CAMERA_FLOATS | _CAMERA_KELVINS).items():
            value = _number(record, order + "f", at)
            if value is not None and math.isfinite(value):
                kelvin = name in _CAMERA_KELVINS
                found[name] = round(value - _ZERO_CELSIUS, 3) if kelvin else _shortest(value)
        if found.get("humidity", 0.0) > 2.0:  # some cameras write per cent
            found["humidity"] /= 100.0
        found["planck_o"] = _number(record, order + "i", _PLANCK_O)
        for name, (at, size) in _CAMERA_TEXTS.items():
            found[name] = _text(record[at : at + size])
        found["date"] = _date(record, order)
        return found

    def palette_name(self) -> str | None:
        """Name of the palette of the 8-bit rendering."""
        record = self._records.get(_PALETTE, b"")
        return _text(record[0x50:0x70])

    def palette(self) -> NDArray[np.uint8] | None:
        """The rendering's palette, (n, 3) as Y, Cr, Cb, lowest counts first."""
        record = self._records.get(_PALETTE, b"")
        size = record[0] if record else 0
        colours = record[0x70 : 0x70 + 3 * size]
        if not size or len(colours) < 3 * size:
            return None
        return np.frombuffer(colours, np.uint8).reshape(size, 3).copy()


def _record_order(record: bytes) -> str:
    """Each record begins with a small number that gives its byte order away."""
    return "<" if struct.unpack_from("<H", record)[0] < 0x100 else ">"


def _shortest(value: float) -> float:
    """The shortest decimal number that is the same single-precision one: 0.95, not 0.94999999."""
    return float(str(np.float32(value)))


def _text(field: bytes) -> str | None:
    """A text up to its NUL; cameras write ``*`` where it was removed."""
    return field.split(b"\0")[0].decode("latin-1").strip(" *") or None


def _number(record: bytes, code: str, at: int) -> Any:
    return struct.unpack_from(code, record, at)[0] if at + 4 <= len(record) else None


def _date(record: bytes, order: str) -> str | None:
    """Seconds since 1970, milliseconds, minutes west of Greenwich."""
    if len(record) < _DATE + 10:
        return None
    seconds, milliseconds, west = struct.unpack_from(order + "IIh", record, _DATE)
    if not seconds or abs(west) >= 24 * 60:
        return None
    zone = dt.timezone(dt.timedelta(minutes=-west))
    moment = dt.datetime.fromtimestamp(seconds, zone)
    return moment.replace(microsecond=(milliseconds & 0xFFFF) % 1000 * 1000).isoformat(
        timespec="milliseconds"
    )


def _png_counts(body: bytes, height: int, width: int) -> tuple[NDArray[np.uint16], str, str]:
    """Most cameras write the samples byte-swapped; the smoother reading is the right one."""
    import imagecodecs

    from irtd_fast.images.depth import bytes_look_swapped

    if len(body) < 24:
        raise DecodeError("PNG of counts is cut off in its header")
    found = struct.unpack_from(">II", body, 16)  # before anything is decoded
    if found != (width, height):
        expected = f"expected a PNG of {height} x {width} counts"
        raise DecodeError(f"{expected}, found {found[1]} x {found[0]}")
    try:
        image = imagecodecs.png_decode(body)
    except Exception as error:
        raise DecodeError(f"damaged PNG of counts: {error}") from error
    if image.dtype != np.uint16 or image.shape != (height, width):
        raise DecodeError(f"expected 16-bit gray counts, found {image.dtype} {image.shape}")
    if bytes_look_swapped(image):
        return image.byteswap(), "png", "swapped"
    return image, "png", "big"
