"""Decoded video frames: from the planes that a decoder gives to counts or RGB.

Nothing is resampled or converted by a library whose rounding depends on the machine: planes are
taken as they are stored, and the arithmetic is here, in integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError
from irtd_fast.images.channels import fail_colour

U8 = NDArray[np.uint8]

_NEUTRAL = 128  # of U and V: no colour
_BT709 = 1  # number of the matrix in a stream's header
_RED_BLUE = {False: (0.299, 0.114), True: (0.2126, 0.0722)}  # shares in luma, BT.601 and BT.709
_BITS = 16  # of the fractions in the arithmetic


@dataclass(frozen=True, slots=True)
class YuvFrame:
    """One frame as luma and two planes of colour, all uint8.

    Attributes:
        y: (height, width).
        u: Blue difference, (height, width) or a half or a quarter of it.
        v: Red difference, of the same shape.
        full: Luma spans 0..255; otherwise 16..235 as in television.
        matrix: Number of the colour matrix that the stream states (1 is BT.709).
    """

    y: U8
    u: U8
    v: U8
    full: bool
    matrix: int

    def gray(self, tolerance: int) -> U8:
        """The luma of a frame without colour.

        Args:
            tolerance: Largest distance of U or V from neutral that still counts as gray.

        Raises:
            DecodeError: The frame has colour.
        """
        edges = [int(value) for plane in (self.u, self.v) for value in (plane.min(), plane.max())]
        deviation = max(abs(value - _NEUTRAL) for value in edges)
        if deviation > tolerance:
            fail_colour(deviation, tolerance)
        return self.luma()

    def luma(self) -> U8:
        """Luma over 0..255; television's 16..235 is stretched, as players show it."""
        return self.y if self.full else _STRETCHED[self.y]

    def rgb(self) -> U8:
        """(height, width, 3); each value of U and V covers the pixels that share it."""
        shape = self.y.shape
        u, v = (_spread(plane, shape).astype(np.int32) - _NEUTRAL for plane in (self.u, self.v))
        floor, scale, weights = _weights(self.full, self.matrix)
        luma = (self.y.astype(np.int32) - floor) * scale + (1 << (_BITS - 1))
        out = np.empty((*shape, 3), np.uint8)
        for channel, (blue, red) in enumerate(weights):
            out[..., channel] = np.clip((luma + blue * u + red * v) >> _BITS, 0, 255)
        return out


def _weights(full: bool, matrix: int) -> tuple[int, int, list[tuple[int, int]]]:  # noqa: FBT001
    """Luma's floor and scale, and the weights of U and V in red, green and blue; fixed point."""
    red, blue = _RED_BLUE[matrix == _BT709]
    green = 1 - red - blue
    luma, colour = (1.0, 1.0) if full else (255 / 219, 255 / 224)
    rows = [
        (0.0, 2 * (1 - red)),
        (-2 * (1 - blue) * blue / green, -2 * (1 - red) * red / green),
        (2 * (1 - blue), 0.0),
    ]
    one = 1 << _BITS
    weights = [(round(u * colour * one), round(v * colour * one)) for u, v in rows]
    return 0 if full else 16, round(luma * one), weights


def _stretch() -> U8:
    values = np.arange(256, dtype=np.int32)
    return np.clip(((values - 16) * 510 + 219) // 438, 0, 255).astype(np.uint8)


_STRETCHED = _stretch()


def _spread(plane: U8, shape: tuple[int, ...]) -> U8:
    down, across = (-(-n // m) for n, m in zip(shape, plane.shape, strict=True))
    return plane.repeat(down, axis=0).repeat(across, axis=1)[: shape[0], : shape[1]]


# Formats whose values only change their places: what they are rearranged into.
_REARRANGED = {
    "bgr24": "rgb24", "rgb0": "rgb24", "bgr0": "rgb24", "0rgb": "rgb24", "0bgr": "rgb24",
    "gbrp": "rgb24", "pal8": "rgb24", "bgra": "rgba", "argb": "rgba", "abgr": "rgba",
    "gbrap": "rgba", "nv12": "yuv420p", "nv21": "yuv420p", "yuyv422": "yuv422p",
    "uyvy422": "yuv422p", "gray16be": "gray16le", "gray10be": "gray10le", "gray12be": "gray12le",
    "gray14be": "gray14le",
}  # fmt: skip
_ARRAYS = frozenset(
    ("gray", "gray10le", "gray12le", "gray14le", "gray16le", "rgb24", "rgba")
)  # fmt: skip
_YUV = frozenset(
    (
        "yuv410p", "yuv411p", "yuv420p", "yuv422p", "yuv440p", "yuv444p", "yuvj411p", "yuvj420p",
        "yuvj422p", "yuvj440p", "yuvj444p",
    )
)  # fmt: skip
_FULL_RANGE = 2


def content_of(frame: Any) -> YuvFrame | NDArray[Any]:
    """Copy what a decoded frame holds.

    Args:
        frame: A frame of PyAV.

    Returns:
        Planes, or an array (height, width) or (height, width, 3 or 4), uint8 or uint16.

    Raises:
        DecodeError: A pixel format that is none of ours, or a frame turned by its header.
    """
    if frame.rotation:
        raise DecodeError(f"expected upright frames, found frames turned by {frame.rotation}°")
    name = frame.format.name
    stored = _REARRANGED.get(name, name)
    if stored not in _ARRAYS and stored not in _YUV:
        raise DecodeError(f"expected gray, RGB or 8-bit YUV frames, found {name}")
    if stored != name:
        frame = frame.reformat(format=stored)
    if stored in _ARRAYS:
        array: NDArray[Any] = np.ascontiguousarray(frame.to_ndarray())
        return array
    y, u, v = (_plane(plane) for plane in frame.planes)
    full = stored.startswith("yuvj") or int(frame.color_range) == _FULL_RANGE
    return YuvFrame(y, u, v, full, int(frame.colorspace))


def _plane(plane: Any) -> U8:
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].copy()  # a row may be padded; the buffer is the decoder's
