"""Radiometric files as cameras write them: a tree without labels.

    rjpeg  FLIR_0001.jpg   JPEG with FFF records in APP1 segments, raw counts
           FLIR_0002.jpg   likewise, the counts as PNG with swapped bytes, of another size
           0003.fff        the FFF container alone
           DJI_0004_R.JPG  JPEG with the counts in APP3 segments
           0005.tiff       16 bit

After ExifTool's tables FLIR::FFF and FLIR::CameraInfo and the files in circulation: a header of 64
bytes, entries of 32 bytes (type, subtype, version, id, place, length, big endian), records that
begin with the number 2 in their own byte order, their width and their height.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter
from irtd_fast.synth.shots import street_shot
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import encode, encode_jpeg, encode_png

U16 = NDArray[np.uint16]

PLANCK: Mapping[str, float] = {
    "R1": 17837.531, "B": 1450.4, "F": 1.0, "O": -1143.0, "R2": 0.012332781, "emissivity": 0.95,
}  # fmt: skip
_RAW, _CAMERA = 1, 32
_CHUNK = 65_524  # bytes of FFF in one APP1 segment
_DJI_CHUNK = 65_532
_DJI_SMALL, _DJI_FULL = (120, 160), (512, 640)


def encode_fff(counts: U16, *, png: bool = False) -> bytes:
    """Write an FFF container with raw counts and the camera's constants.

    Args:
        counts: uint16 (h, w).
        png: Counts as a PNG whose samples have swapped bytes, instead of plain little endian.
    """
    height, width = counts.shape
    head = struct.pack("<HHH", 2, width, height) + b"\0" * 26
    body = encode_png(counts.byteswap()) if png else counts.astype("<u2").tobytes()
    raw, camera = head + body, _camera_record(width, height)
    start = 64 + 32 * 4
    header = b"FFF\0FLIR\0" + b"\0" * 11 + struct.pack(">III", 100, 64, 4)
    entries = struct.pack(">HHIIII", _RAW, 3 if png else 2, 101, 1, start, len(raw))
    entries = entries.ljust(32, b"\0")
    entries += struct.pack(">HHIIII", _CAMERA, 1, 107, 2, start + len(raw), len(camera))
    return header.ljust(64, b"\0") + entries.ljust(128, b"\0") + raw + camera


def _camera_record(width: int, height: int) -> bytes:
    record = bytearray(2476)
    struct.pack_into("<HHH", record, 0, 2, width, height)
    floats = {
        0x20: PLANCK["emissivity"], 0x24: 1.0, 0x28: 293.15, 0x2C: 293.15, 0x30: 293.15,
        0x34: 1.0, 0x3C: 0.5, 0x58: PLANCK["R1"], 0x5C: PLANCK["B"], 0x60: PLANCK["F"],
        0x30C: PLANCK["R2"],
    }  # fmt: skip
    for place, value in floats.items():
        struct.pack_into("<f", record, place, value)
    struct.pack_into("<i", record, 0x308, int(PLANCK["O"]))
    record[0xD4:0xE1] = b"SYNTHETIC CAM"
    return bytes(record)


def add_segments(jpeg: bytes, marker: int, parts: list[bytes]) -> bytes:
    """Put application segments behind the first marker of a JPEG file."""
    added = b"".join(struct.pack(">BBH", 0xFF, marker, len(p) + 2) + p for p in parts)
    return jpeg[:2] + added + jpeg[2:]


def flir_jpeg(picture: NDArray[np.generic], fff: bytes) -> bytes:
    """Write a FLIR R-JPEG: the container cut into numbered APP1 segments."""
    chunks = [fff[at : at + _CHUNK] for at in range(0, len(fff), _CHUNK)]
    last = len(chunks) - 1
    parts = [b"FLIR\0\x01" + bytes((number, last)) + chunk for number, chunk in enumerate(chunks)]
    return add_segments(encode_jpeg(picture), 0xE1, parts)


def dji_jpeg(picture: NDArray[np.generic], counts: U16) -> bytes:
    """Write a DJI R-JPEG: plain little-endian counts cut into APP3 segments."""
    raw = counts.astype("<u2").tobytes()
    parts = [raw[at : at + _DJI_CHUNK] for at in range(0, len(raw), _DJI_CHUNK)]
    return add_segments(encode_jpeg(picture), 0xE3, parts)


_FORMS = ("raw", "png", "fff", "dji", "tiff")


class Rjpeg(SourceWriter):
    """Writes five kinds of radiometric files by turns.

    ``counts`` of a sample's arrays are what the sensor gave, whatever the picture shows; the
    attribute ``form`` names the kind, ``raw_height`` and ``raw_width`` the size of the counts.
    """

    key = "rjpeg"
    variants = ("tree",)
    categories = ()
    default_size = (240, 320)

    def draw(self, index: int) -> Drawn:
        """Draw one scene; a DJI file has one of the sensor's own sizes."""
        form = _FORMS[index % len(_FORMS)]
        size = self.size or self.default_size
        if form == "dji":
            size = _DJI_SMALL if self.size else _DJI_FULL
        shot = street_shot(self.rng(index), size, {"x": ("person", 1.0)}, objects=3)
        counts, grey = shot.counts16(), shot.grey()
        path, encoding, mode = self._file(index, form)
        shown: NDArray[np.generic] = grey
        if form in ("fff", "tiff"):
            shown = counts
        elif form == "png":  # the picture is larger than what the sensor saw
            shown = np.repeat(np.repeat(grey, 2, axis=0), 2, axis=1)
        picture = TruePicture(path, encoding, mode, shown.shape[0], shown.shape[1])
        facts = {"form": form, "raw_height": str(size[0]), "raw_width": str(size[1])}
        name = path.rsplit(".", 1)[0]
        sample = TrueSample(name, index, "", {"infrared": picture}, attributes=facts)
        return Drawn(sample, {"infrared": shown, "counts": counts})

    @staticmethod
    def _file(index: int, form: str) -> tuple[str, str, str]:
        number = f"{index + 1:04d}"
        return {
            "raw": (f"FLIR_{number}.jpg", "jpeg", "L"),
            "png": (f"FLIR_{number}.jpg", "jpeg", "L"),
            "fff": (f"flight/{number}.fff", "fff", "I;16"),
            "dji": (f"flight/DJI_{number}_R.JPG", "jpeg", "L"),
            "tiff": (f"flight/{number}.tiff", "tiff", "I;16"),
        }[form]

    def files(self, drawn: Drawn) -> Iterator[tuple[str, bytes]]:
        """Yield the one file of a sample."""
        picture, form = drawn.sample.infrared, drawn.sample.attributes["form"]
        shown = drawn.arrays["infrared"]
        counts = np.asarray(drawn.arrays["counts"], dtype=np.uint16)
        if form in ("raw", "png"):
            yield picture.path, flir_jpeg(shown, encode_fff(counts, png=form == "png"))
        elif form == "dji":
            yield picture.path, dji_jpeg(shown, counts)
        elif form == "fff":
            yield picture.path, encode_fff(counts)
        else:
            yield picture.path, encode(shown, "tiff", "I;16")


WRITERS: tuple[type[SourceWriter], ...] = (Rjpeg,)
