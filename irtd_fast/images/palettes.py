"""Colour maps of thermal cameras and plotting libraries, and one's own.

Those given by anchor colours or formulas here are approximations of what a family of cameras
shows; pictures that stray from them are refused by ``pseudo.invert_palette``, and a file with the
exact map can be given instead. FLIR R-JPEGs carry their own map.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Palette = NDArray[np.uint8]

_SIZE = 256
# Equidistant anchors from the lowest to the highest counts, RGB.
_ANCHORS: dict[str, tuple[str, ...]] = {
    "gray": ("000000", "ffffff"),
    "black-hot": ("ffffff", "000000"),
    "iron": (
        "000014", "20008c", "70009c", "b8009a", "dc3060", "f06820", "fc9c04", "ffcc30", "fff8d8",
    ),
    "rainbow": ("000080", "0000ff", "00ffff", "00ff00", "ffff00", "ff0000", "ffffff"),
    "arctic": ("000060", "0050d0", "00c8ff", "606060", "c08000", "ffc800", "ffffff"),
    "lava": ("000000", "00305a", "1e5a8c", "8c2846", "dc1e14", "ff9600", "fffab4"),
}  # fmt: skip
_FORMULAS: dict[str, Callable[[NDArray[np.float64]], list[NDArray[np.float64]]]] = {
    # MATLAB's definitions: clipped ramps.
    "jet": lambda t: [1.5 - abs(4 * t - 3), 1.5 - abs(4 * t - 2), 1.5 - abs(4 * t - 1)],
    "hot": lambda t: [t * 8 / 3, t * 8 / 3 - 1, t * 4 - 3],
    "cool": lambda t: [t, 1 - t, np.ones_like(t)],
    "bone": lambda t: [
        (7 * t + np.clip(t * 4 - 3, 0, 1)) / 8,
        (7 * t + np.clip(t * 8 / 3 - 1, 0, 1)) / 8,
        (7 * t + np.clip(t * 8 / 3, 0, 1)) / 8,
    ],
    # gnuplot's default (rgbformulae 7, 5, 15) and the one FLIR's iron resembles.
    "gnuplot": lambda t: [np.sqrt(t), t**3, np.sin(2 * np.pi * t)],
}


def palette_names() -> list[str]:
    """Names that ``load_palette`` knows without any file or library."""
    return sorted((*_ANCHORS, *_FORMULAS))


def load_palette(name: str) -> Palette:
    """Give a palette, (n, 3) RGB uint8, lowest counts first.

    Args:
        name: One of ``palette_names()``; ``matplotlib:NAME`` or ``opencv:NAME`` (``viridis``,
            ``inferno`` …), which need that library; or a file: ``.npy`` with (n, 3) uint8, or
            text with three numbers 0 to 255 a line.

    Raises:
        ValueError: Unknown name, or the file holds no palette.
        OSError: The file cannot be read.
        ImportError: The library is not installed.
    """
    if name in _ANCHORS:
        return _between([bytes.fromhex(colour) for colour in _ANCHORS[name]])
    if name in _FORMULAS:
        rgb = np.stack(_FORMULAS[name](np.linspace(0, 1, _SIZE)), axis=1)
        return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    library, colon, rest = name.partition(":")
    if colon and library == "matplotlib":
        return _matplotlib(rest)
    if colon and library == "opencv":
        return _opencv(rest)
    if name.endswith((".npy", ".csv", ".txt", ".lut")):
        return _file(Path(name))
    known = ", ".join(palette_names())
    raise ValueError(
        f"palette must be one of {known}, matplotlib:NAME, opencv:NAME or a file, found {name!r}"
    )


def ycc_to_rgb(colours: Palette) -> Palette:
    """Turn (n, 3) Y, Cr, Cb, as FLIR stores palettes, into RGB (full range BT.601, as in JFIF)."""
    y, cr, cb = (colours[:, i].astype(np.float64) for i in range(3))
    red, blue = y + 1.402 * (cr - 128), y + 1.772 * (cb - 128)
    green = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)
    return np.rint(np.clip(np.stack([red, green, blue], axis=1), 0, 255)).astype(np.uint8)


def _between(colours: list[bytes]) -> Palette:
    anchors = np.array([list(colour) for colour in colours], np.float64)
    at = np.linspace(0, len(anchors) - 1, _SIZE)
    planes = [np.interp(at, np.arange(len(anchors)), anchors[:, i]) for i in range(3)]
    return np.rint(np.stack(planes, axis=1)).astype(np.uint8)


def _matplotlib(name: str) -> Palette:
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise ImportError(f"palette matplotlib:{name} needs: pip install matplotlib") from error
    try:
        table: NDArray[np.float64] = np.asarray(mpl.colormaps[name](np.linspace(0, 1, _SIZE)))
    except KeyError:
        raise ValueError(f"matplotlib has no colour map {name!r}") from None
    return np.rint(table[:, :3] * 255).astype(np.uint8)


def _opencv(name: str) -> Palette:
    try:
        import cv2
    except ImportError as error:
        hint = "pip install opencv-python-headless"
        raise ImportError(f"palette opencv:{name} needs: {hint}") from error
    code = getattr(cv2, f"COLORMAP_{name.upper()}", None)
    if code is None:
        raise ValueError(f"OpenCV has no colour map {name!r}")
    ramp = np.arange(_SIZE, dtype=np.uint8)[:, None]
    return np.ascontiguousarray(cv2.applyColorMap(ramp, code)[:, 0, ::-1].astype(np.uint8))


def _file(path: Path) -> Palette:
    table: NDArray[Any]
    if path.suffix == ".npy":
        table = np.load(path, allow_pickle=False)
    else:
        text = path.read_text(encoding="utf-8").replace(",", " ").replace(";", " ")
        rows = [line.split() for line in text.splitlines() if line.strip()]
        try:
            table = np.array(rows, np.float64)
        except ValueError:
            raise ValueError(f"{path}: expected three numbers a line") from None
    shaped = table.ndim == 2 and table.shape[1] == 3 and 2 <= len(table) <= 1 << 16
    if not shaped or table.min() < 0 or table.max() > 255:
        raise ValueError(f"{path}: expected (n, 3) numbers 0 to 255, found shape {table.shape}")
    palette: Palette = np.rint(table).astype(np.uint8)
    return palette
