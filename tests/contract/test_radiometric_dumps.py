"""Real R-JPEG and FFF files against ExifTool's listings beside them and another reader."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from irtd_fast.errors import DecodeError
from irtd_fast.images import decode_image, find_depth, probe_images, read_radiometric
from irtd_fast.images.probe import as_radiometric

pytestmark = pytest.mark.dumps

# Payload sizes that the publishers' software and ExifTool report: (height, width).
DJI = {
    "DJI_H20T.jpg": (512, 640), "DJI_XTS.jpg": (512, 640), "H20N/DJI_0001_R.JPG": (512, 640),
    "H30T/DJI_0002_R.JPG": (1024, 1280), "M2EA/DJI_0001_R.JPG": (512, 640),
    "M30T/DJI_0001_R.JPG": (512, 640), "M30T/DJI_0003_R.JPG": (512, 640),
    "M3T/DJI_0001_R.JPG": (512, 640), "M4T/DJI_0002_R.JPG": (512, 640),
}  # fmt: skip
FLIR = [
    "FLIR.jpg", "FLIR_AX8.jpg", "FLIR_B60.jpg", "FLIR_E40.jpg", "FLIR_T640.jpg", "DJI_XT2.jpg",
    "DJI_XTR.jpg", "flirpy/test/test_data/frame_000000.fff",
]  # fmt: skip
TAGS = {
    "Emissivity": ("emissivity", 0.005), "Object Distance": ("distance_m", 0.005),
    "Reflected Apparent Temperature": ("reflected_c", 0.051),
    "Atmospheric Temperature": ("atmospheric_c", 0.051),
    "IR Window Temperature": ("window_c", 0.051),
    "IR Window Transmission": ("window_transmission", 0.005),
    "Planck R1": ("planck_r1", 5e-4), "Planck R2": ("planck_r2", 5e-9),
    "Planck B": ("planck_b", 5e-4), "Planck F": ("planck_f", 5e-4), "Planck O": ("planck_o", 0),
    "Atmospheric Trans Alpha 1": ("alpha1", 5e-7), "Atmospheric Trans Alpha 2": ("alpha2", 5e-7),
    "Atmospheric Trans Beta 1": ("beta1", 5e-7), "Atmospheric Trans Beta 2": ("beta2", 5e-7),
    "Atmospheric Trans X": ("x", 5e-7), "Raw Thermal Image Width": ("width", 0),
    "Raw Thermal Image Height": ("height", 0),
}  # fmt: skip


def listed(path: Path) -> dict[str, str]:
    """ExifTool's tags beside a file; the last of a name wins."""
    text = path.with_suffix(".txt").read_bytes()
    plain = text.decode("utf-16") if text[:2] == b"\xff\xfe" else text.decode()
    pairs = (line.partition(":") for line in plain.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def rjpeg(dumps: Path, name: str) -> Path:
    path = dumps / "rjpeg" / name
    if not path.is_file():
        pytest.skip(f"no rjpeg/{name} among the real dumps")
    return path


@pytest.mark.parametrize("name", FLIR)
def test_flir_constants_are_those_exiftool_lists(dumps, name):
    path = rjpeg(dumps, name)
    counts, info = read_radiometric(path.read_bytes())
    tags = listed(path)
    for tag, (field, within) in TAGS.items():
        expected = float(tags[tag].split()[0])
        assert getattr(info, field) == pytest.approx(expected, abs=within, rel=1e-7), tag
    expected = float(tags["Relative Humidity"].split()[0])
    assert info.humidity * 100 == pytest.approx(expected, abs=0.05)
    camera, serial = (tags[f"Camera {part}"] for part in ("Model", "Serial Number"))
    assert (info.camera or "", info.serial or "") == (camera.strip("* "), serial.strip("* "))
    assert (info.palette or "") == tags.get("Palette Name", "")
    assert info.payload == {"PNG": "png", "TIFF": "raw"}[tags["Raw Thermal Image Type"]]
    assert counts.shape == (info.height, info.width)
    date = re.sub(r"^(\d+):(\d+):(\d+) ", r"\1-\2-\3T", exif_date(path))
    assert info.date == date
    median = int(tags.get("Raw Value Median", 0))
    if median and info.container == "flir-fff":
        assert abs(np.median(counts) - median) <= int(tags["Raw Value Range"])


def exif_date(path: Path) -> str:
    """The first "Date/Time Original" with an offset: the camera record's, not EXIF's."""
    text = path.with_suffix(".txt").read_bytes()
    plain = text.decode("utf-16") if text[:2] == b"\xff\xfe" else text.decode()
    return re.search(r"Date/Time Original\s*: (\S+ \S+[+-]\d\d:\d\d)", plain)[1]


@pytest.mark.parametrize("name", [n for n in FLIR if n.startswith("FLIR")])
def test_flir_counts_are_those_of_flyr(dumps, name):
    flyr = pytest.importorskip("flyr")
    path = rjpeg(dumps, name)
    counts, info = read_radiometric(path.read_bytes())
    thermogram = flyr.unpack(str(path))
    kelvin = thermogram.kelvin
    assert kelvin.shape == counts.shape
    # Planck's law without the atmosphere, in its published form, ranks pixels as counts do, and
    # flyr's temperatures must be a function of our counts: equal counts, equal temperatures.
    order = np.argsort(counts, axis=None, kind="stable")
    sorted_kelvin = kelvin.ravel()[order]
    assert (np.diff(sorted_kelvin) >= -1e-6).all()
    same = np.diff(counts.ravel()[order].astype(int)) == 0
    assert np.abs(np.diff(sorted_kelvin)[same]).max(initial=0) < 1e-6
    levels = np.unique(counts)
    assert len(np.unique(sorted_kelvin)) == len(levels)
    assert info.planck_b > 0


@pytest.mark.parametrize("name", DJI)
def test_dji_counts_are_little_endian_and_smooth(dumps, name):
    path = rjpeg(dumps, name)
    counts, info = read_radiometric(path.read_bytes())
    assert counts.dtype == np.uint16
    assert counts.shape == DJI[name] == (info.height, info.width)
    assert (info.container, info.byte_order) == ("dji-rjpeg", "little")
    finding = find_depth(counts)
    assert not finding.swapped
    assert not finding.eight_in_sixteen
    assert find_depth(counts.byteswap()).swapped
    tags = listed(path)
    camera = tags.get("Camera Model Name") or tags.get("Model")
    assert camera is None or info.camera == camera


def test_dji_parameters_are_those_exiftool_lists(dumps):
    path = rjpeg(dumps, "DJI_H20T.jpg")
    _, info = read_radiometric(path.read_bytes())
    tags = listed(path)
    assert info.distance_m == float(tags["Object Distance"])
    assert info.humidity * 100 == pytest.approx(float(tags["Relative Humidity"]))
    assert info.emissivity * 100 == pytest.approx(float(tags["Emissivity"]))


def test_a_jpeg_without_counts_is_no_radiometric_picture(dumps):
    path = rjpeg(dumps, "flirpy/examples/baboons.jpg")
    with pytest.raises(DecodeError, match="expected a radiometric payload"):
        read_radiometric(path.read_bytes())


def test_the_picture_of_the_xts_lacks_its_end_and_is_refused_but_not_its_counts(dumps):
    """Its JPEG ends without an EOI marker: libjpeg would warn and make up the rest."""
    path = rjpeg(dumps, "DJI_XTS.jpg")
    with pytest.raises(DecodeError, match="Premature end of JPEG file"):
        decode_image(path, channels="colour")
    assert decode_image(path, channels="raw").shape == (512, 640)


def test_every_radiometric_file_is_probed_as_its_counts(dumps):
    root = dumps / "rjpeg"
    names = [*DJI, *FLIR, "flirpy/test/test_data/frame_000000_le.fff"]
    for name, info in zip(names, probe_images(root, names), strict=True):
        found = as_radiometric(root, info)
        counts = decode_image(root / name, channels="raw")
        assert (found.height, found.width) == counts.shape
        assert (found.dtype, found.channels, found.part) == ("uint16", 1, "raw")


@pytest.mark.parametrize("name", ["FLIR_T640.jpg", "FLIR_E40.jpg", "DJI_XT2.jpg", "DJI_H20T.jpg"])
def test_damaged_radiometric_files_are_refused_and_nothing_else(dumps, rng, name):
    data = rjpeg(dumps, name).read_bytes()
    for size in rng.integers(0, len(data), 60):
        _read_or_refuse(data[:size])
    for _ in range(200):
        damaged = bytearray(data)
        for at in rng.integers(0, min(len(data), 3000), 4):
            damaged[at] = rng.integers(0, 256)
        _read_or_refuse(bytes(damaged))


def _read_or_refuse(data: bytes) -> None:
    try:
        counts, _ = read_radiometric(data)
    except DecodeError:
        return
    assert counts.dtype == np.uint16
    assert counts.ndim == 2
