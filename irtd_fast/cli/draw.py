"""Lines and letters on an RGB picture; all coordinates are (x, y) pixels, clipped to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.cli.font import ADVANCE, LINE_HEIGHT, render, spell

Colour = tuple[int, int, int]
Rgb = NDArray[np.uint8]

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
_LARGEST = 1 << 20  # coordinates beyond it are drawn as if they were there


def draw_box(
    image: Rgb, box: Sequence[float], colour: Colour, *, scale: float = 1.0, thickness: int = 1
) -> None:
    """Draw a box around its pixels: the line lies outside of them, so small targets stay visible.

    Args:
        image: (height, width, 3) uint8, drawn into.
        box: xyxy edges in pixels of the unscaled picture.
        colour: Of the line.
        scale: Image pixels per box pixel.
        thickness: Of the line.
    """
    x0, y0, x1, y1 = _whole(box, scale)
    for step in range(1, thickness + 1):
        left, top, right, bottom = x0 - step, y0 - step, x1 + step - 1, y1 + step - 1
        _fill(image, left, top, right + 1, top + 1, colour)
        _fill(image, left, bottom, right + 1, bottom + 1, colour)
        _fill(image, left, top, left + 1, bottom + 1, colour)
        _fill(image, right, top, right + 1, bottom + 1, colour)


def draw_polygon(
    image: Rgb, points: Sequence[float], colour: Colour, *, scale: float = 1.0, thickness: int = 1
) -> None:
    """Draw a closed polygon.

    Args:
        image: Drawn into.
        points: x0, y0, x1, y1 … edges in pixels of the unscaled picture.
        colour: Of the line.
        scale: Image pixels per point pixel.
        thickness: Of the line.
    """
    corners = list(zip(points[::2], points[1::2], strict=True))
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        _line(image, _whole((ax, ay, bx, by), scale), colour, thickness)


def draw_cross(
    image: Rgb, x: float, y: float, colour: Colour, *, scale: float = 1.0, thickness: int = 1
) -> None:
    """Draw a cross with an open centre, so that what it marks stays visible."""
    column, row = _whole((x, y), scale)
    gap, arm = 3 + thickness, 9 + 2 * thickness
    low, high = thickness // 2, thickness - thickness // 2
    for sign in (-1, 1):
        first, last = sorted((sign * gap, sign * arm))
        _fill(image, column + first, row - low, column + last, row + high, colour)
        _fill(image, column - low, row + first, column + high, row + last, colour)


def text_size(text: str, scale: int) -> tuple[int, int]:
    """(height, width) of a line of text."""
    return LINE_HEIGHT * scale, ADVANCE * scale * len(spell(text))


def draw_text(
    image: Rgb, x: int, y: int, text: str, colour: Colour, *, scale: int, ground: bool = True
) -> None:
    """Write one line with its top left corner at (x, y), by default on black ground."""
    ink = np.kron(render(text), np.ones((scale, scale), bool))
    height, width = text_size(text, scale)
    if ground:
        _fill(image, x - scale, y, x + width, y + height, BLACK)
    top, left = y + scale // 2, x
    rows = slice(max(top, 0), min(top + ink.shape[0], image.shape[0]))
    columns = slice(max(left, 0), min(left + ink.shape[1], image.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = ink[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    image[rows, columns][part] = colour


def wrap(text: str, letters: int) -> list[str]:
    """Fold text to lines of at most so many letters, at blanks where there are any."""
    lines = [""]
    for word in spell(text).split(" "):
        joined = f"{lines[-1]} {word}".strip(" ")
        if len(joined) <= letters:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        while len(word) > letters:
            lines[-1:] = [word[:letters], ""]
            word = word[letters:]  # noqa: PLW2901 - what is left of it
        lines[-1] = word
    return lines


def _whole(values: Sequence[float], scale: float) -> list[int]:
    scaled = np.asarray(values, np.float64) * scale
    return [int(v) for v in np.rint(np.clip(np.nan_to_num(scaled), -_LARGEST, _LARGEST))]


def _fill(image: Rgb, x0: int, y0: int, x1: int, y1: int, colour: Colour) -> None:
    image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = colour


def _line(image: Rgb, ends: Sequence[int], colour: Colour, thickness: int) -> None:
    ax, ay, bx, by = ends
    count = max(abs(bx - ax), abs(by - ay)) + 1
    columns = np.rint(np.linspace(ax, bx, count)).astype(np.int64)
    rows = np.rint(np.linspace(ay, by, count)).astype(np.int64)
    for dy in range(thickness):
        for dx in range(thickness):
            y, x = rows + dy - thickness // 2, columns + dx - thickness // 2
            inside = (y >= 0) & (y < image.shape[0]) & (x >= 0) & (x < image.shape[1])
            image[y[inside], x[inside]] = colour
