"""A pair before and after alignment: both frames with their common window, then the cut pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.cli.draw import WHITE, Colour, Rgb, draw_box, draw_text, text_size, wrap
from irtd_fast.cli.font import ADVANCE
from irtd_fast.cli.picture import rgb_of, to_8_bit
from irtd_fast.engines.align import GROUP, VERDICTS
from irtd_fast.errors import StoreError
from irtd_fast.geometry.matrix import apply, compose, crop, invert
from irtd_fast.geometry.resampling import resample
from irtd_fast.store.columns import read_column, read_strings
from irtd_fast.store.sample import Sample
from irtd_fast.store.source import Source

_PANEL_WIDTH = 640
_MARGIN = 8
_INFRARED: Colour = (255, 120, 60)
_VISIBLE: Colour = (80, 200, 255)
_SCALE = 2


def draw_alignment(sample: Sample, source: Source, row: int) -> tuple[Rgb, list[str]]:
    """Draw what ``irtd align`` found for a sample.

    Args:
        sample: The sample.
        source: Its source, aligned.
        row: The sample's row in the source.

    Returns:
        The sheet, and the lines written on it. Orange boxes are infrared labels, blue ones
        visible labels, both on every panel of the cut pair; white is the common window.

    Raises:
        StoreError: The source was not aligned, or the sample has no partner.
    """
    folder = source.path / GROUP
    if not folder.exists():
        raise StoreError(f"{source.name}: not aligned yet; `irtd align` does it")
    visible = sample.visible
    if visible is None:
        raise StoreError(f"{sample.id}: no visible partner")
    matrix = read_column(folder / "matrix")[row].reshape(2, 3)
    windows = [read_column(folder / f"{m}_window")[row] for m in ("infrared", "visible")]
    verdict = VERDICTS[int(read_column(folder / "verdict")[row])]
    reason = read_strings(folder / "reason")[row]
    lines = [f"{sample.id}: {verdict}, {reason}"]
    pictures = [rgb_of(to_8_bit(picture)[0]) for picture in (sample.infrared, visible)]
    boxes = [sample.boxes[sample.object_modality == code].astype(np.float64) for code in (0, 1)]
    rows = [[
        _frame(pictures[0], windows[0], boxes[0], _INFRARED),
        _frame(pictures[1], windows[1], boxes[1], _VISIBLE),
    ]]  # fmt: skip
    if np.isfinite(matrix).all() and (windows[0][2:] > windows[0][:2]).all():
        rows.append(_cut(pictures, windows[0], matrix, boxes))
        numbers = [read_column(folder / name)[row] for name in ("residual", "overlap", "matches")]
        lines.append(
            f"residual {numbers[0]:.2f} px, overlap {numbers[1]:.1%}, {numbers[2]} matches; below: "
            "infrared cut, visible cut, both mixed; infrared labels orange, visible ones blue"
        )
    return _sheet(rows, lines), lines


def _frame(picture: Rgb, window: NDArray[np.float64], boxes: NDArray[Any], colour: Colour) -> Rgb:
    """One whole frame at the panel's width."""
    scale = _PANEL_WIDTH / picture.shape[1]
    size = max(1, round(picture.shape[0] * scale)), _PANEL_WIDTH
    whole = (0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))
    panel = np.ascontiguousarray(resample(picture, whole, size, layout="hwc"))
    for box in boxes.tolist():
        draw_box(panel, box, colour, scale=scale, thickness=_SCALE)
    draw_box(panel, window.tolist(), WHITE, scale=scale, thickness=_SCALE)
    return panel


def _cut(
    pictures: list[Rgb], window: NDArray[np.float64], matrix: NDArray[np.float64],
    boxes: list[NDArray[np.float64]],
) -> list[Rgb]:  # fmt: skip
    """The pair cut to its window, and both mixed, three panels as wide as the two above."""
    width = (2 * _PANEL_WIDTH + _MARGIN - 2 * _MARGIN) // 3
    sides = window[2:] - window[:2]
    size = max(1, round(width * sides[1] / sides[0])), width
    here = crop(window, size)
    there = compose(invert(matrix), here)
    panels = [
        np.ascontiguousarray(resample(picture, m, size, layout="hwc"))
        for picture, m in zip(pictures, (here, there), strict=True)
    ]
    warm, cold = panels[0].astype(np.uint16), panels[1].astype(np.uint16)
    panels.append(((warm + cold) // 2).astype(np.uint8))
    for panel in panels:
        for items, m, colour in zip(boxes, (here, there), (_INFRARED, _VISIBLE), strict=True):
            for box in items:
                corners = apply(m, box.reshape(2, 2)).reshape(-1)
                draw_box(panel, corners.tolist(), colour)
    return panels


def _sheet(rows: list[list[Rgb]], lines: list[str]) -> Rgb:
    width = 2 * _PANEL_WIDTH + _MARGIN
    letters = (width - 2 * _MARGIN) // (ADVANCE * _SCALE)
    folded = [part for line in lines for part in wrap(line, letters)]
    step = text_size("", _SCALE)[0] + _SCALE
    heights = [max(panel.shape[0] for panel in row) + _MARGIN for row in rows]
    canvas = np.zeros((sum(heights) + _MARGIN + step * len(folded), width, 3), np.uint8)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for panel in row:
            canvas[top : top + panel.shape[0], left : left + panel.shape[1]] = panel
            left += panel.shape[1] + _MARGIN
        top += height
    for number, line in enumerate(folded):
        draw_text(canvas, _MARGIN, top + number * step, line, WHITE, scale=_SCALE, ground=False)
    return canvas
