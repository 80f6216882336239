"""A sample as a picture for people: pixels, labels drawn, a caption that says how it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.cli.draw import (
    WHITE,
    Colour,
    Rgb,
    draw_box,
    draw_cross,
    draw_polygon,
    draw_text,
    text_size,
    wrap,
)
from irtd_fast.cli.font import ADVANCE
from irtd_fast.geometry import resample
from irtd_fast.store.sample import Sample
from irtd_fast.types import SampleFlag

_TARGET_SIDE = 1280  # small pictures are enlarged by a whole factor up to it
_MAX_FACTOR = 8
_WINDOW = (1.0, 99.0)  # percentiles shown of 16-bit counts
_MARGIN = 8
_INFRARED, _VISIBLE = 0, 1
_COLOURS: tuple[Colour, ...] = (
    (255, 80, 80), (80, 220, 80), (90, 160, 255), (255, 200, 60), (230, 110, 255), (70, 220, 220),
    (255, 150, 90), (180, 255, 120), (190, 160, 255), (255, 150, 200),
)  # fmt: skip
_POINT: Colour = (255, 255, 80)


@dataclass(frozen=True)
class Shown:
    """A drawn sample.

    Attributes:
        pixels: (height, width, 3) uint8.
        caption: The lines below the picture.
        boxes: Objects drawn.
        points: Points drawn.
    """

    pixels: Rgb
    caption: list[str]
    boxes: int
    points: int


@dataclass
class _Panel:
    """One picture of the sample, enlarged, and how its pixels map to the original's."""

    pixels: Rgb
    scale: float
    note: str


def draw_sample(sample: Sample, *, visible: bool = False) -> Shown:
    """Draw a sample with its labels.

    Args:
        sample: The sample.
        visible: Put the visible partner beside it, if it has one.

    Returns:
        The picture. Boxes are drawn on the picture they were labelled on, and on the partner too
        where both show the same view at the same size.

    Raises:
        CorruptStoreError: Stored bytes are damaged.
    """
    infrared = _infrared_panel(sample)
    partner = sample.visible if visible else None
    panels = [infrared]
    if partner is not None:
        panels.append(_partner_panel(partner, infrared))
    thickness = 2 if max(infrared.pixels.shape[:2]) >= _TARGET_SIDE // 2 else 1
    drawn = _draw_objects(sample, infrared, (_INFRARED,), thickness)
    if len(panels) > 1:
        same = partner is not None and partner.shape[:2] == sample.infrared.shape[:2]
        registered = same and not sample.flags & SampleFlag.UNREGISTERED
        wanted = (_INFRARED, _VISIBLE) if registered else (_VISIBLE,)
        drawn |= _draw_objects(sample, panels[1], wanted, thickness)
    for x, y in sample.points.tolist():
        draw_cross(infrared.pixels, x, y, _POINT, scale=infrared.scale, thickness=thickness)
    lines = _caption(sample, panels, hidden=len(sample.boxes) - len(drawn))
    return Shown(_compose(panels, lines, sample), lines, len(drawn), len(sample.points))


def _infrared_panel(sample: Sample) -> _Panel:
    counts = sample.infrared
    factor = int(np.clip(_TARGET_SIDE // max(counts.shape[:2]), 1, _MAX_FACTOR))
    pixels, said = to_8_bit(counts)
    larger = np.repeat(np.repeat(rgb_of(pixels), factor, 0), factor, 1)
    if factor > 1:
        said += f", enlarged {factor} x"
    return _Panel(larger, float(factor), f"infrared {_size(counts)}, {said}")


def _partner_panel(partner: NDArray[Any], infrared: _Panel) -> _Panel:
    """The partner, as high as the infrared panel."""
    pixels, said = to_8_bit(partner)
    rgb = rgb_of(pixels)
    height = infrared.pixels.shape[0]
    scale = height / rgb.shape[0]
    width = max(1, round(rgb.shape[1] * scale))
    if scale >= 1 and scale == int(scale):
        larger = np.repeat(np.repeat(rgb, int(scale), 0), int(scale), 1)
    else:
        window = (0.0, 0.0, float(rgb.shape[1]), float(rgb.shape[0]))
        larger = resample(rgb, window, (height, width), layout="hwc")
    if scale != 1:
        said += f", shown at {scale:.3g} x"
    return _Panel(larger, scale, f"visible {_size(partner)}, {said}")


def to_8_bit(pixels: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    """Pixels for a screen, and what was done for it."""
    if pixels.dtype == np.uint8:
        return pixels, "8 bit as stored"
    low, high = _core.image_percentiles(pixels, _WINDOW)
    least, most = _core.image_min_max(pixels)
    span = max(float(high) - float(low), 1.0)
    share = np.clip((pixels.astype(np.float32) - np.float32(low)) / np.float32(span), 0, 1)
    said = (
        f"16 bit, window {low:.0f}..{high:.0f} ({_WINDOW[0]:.0f}-{_WINDOW[1]:.0f} percentile) "
        f"of counts {least}..{most}"
    )
    return np.rint(share * 255).astype(np.uint8), said


def rgb_of(pixels: NDArray[np.uint8]) -> Rgb:
    """The same picture in three channels."""
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2)


def _size(pixels: NDArray[Any]) -> str:
    return f"{pixels.shape[0]} x {pixels.shape[1]}"


def _draw_objects(
    sample: Sample, panel: _Panel, modalities: tuple[int, ...], thickness: int
) -> set[int]:
    """Draw boxes, then their names over them; give the numbers of the objects drawn."""
    corners = sample.corners
    chosen = np.flatnonzero(np.isin(sample.object_modality, modalities)).tolist()
    for number in chosen:
        colour = colour_of(int(sample.categories[number]))
        if corners is not None and np.isfinite(corners[number]).all():
            draw_polygon(panel.pixels, corners[number].tolist(), colour,
                         scale=panel.scale, thickness=thickness)  # fmt: skip
        else:
            draw_box(panel.pixels, sample.boxes[number].tolist(), colour,
                     scale=panel.scale, thickness=thickness)  # fmt: skip
    _write_names(sample, panel, chosen, thickness)
    return set(chosen)


def colour_of(category: int) -> Colour:
    """Colour of a category code."""
    return _COLOURS[category % len(_COLOURS)]


def _write_names(sample: Sample, panel: _Panel, chosen: list[int], thickness: int) -> None:
    """Write each name above its box, or below, where no other label or object would be hidden.

    The first object of a category is named even so; of the others the colour tells.
    """
    rows, columns = panel.pixels.shape[:2]
    boxes = np.rint(np.nan_to_num(sample.boxes) * panel.scale).astype(int).tolist()
    labels: list[tuple[int, ...]] = []
    named: set[str] = set()
    for number in chosen:
        name = sample.names[number]
        height, width = text_size(name, thickness)
        x0, y0, _, y1 = boxes[number]
        left = int(np.clip(x0, thickness, max(columns - width, thickness)))
        tops = (y0 - height - thickness - 1, y1 + thickness + 1)
        places = [(left, top, left + width, top + height) for top in tops]
        inside = [p for p in places if p[1] >= 0 and p[3] <= rows and not _hits(p, labels)]
        others = [box for other, box in enumerate(boxes) if other in chosen and other != number]
        free = [place for place in inside if not _hits(place, others)]
        for place in (free or ([] if name in named else inside))[:1]:
            colour = colour_of(int(sample.categories[number]))
            draw_text(panel.pixels, place[0], place[1], name, colour, scale=thickness)
            labels.append(place)
            named.add(name)


def _hits(place: Sequence[int], others: Iterable[Sequence[int]]) -> bool:
    return any(_overlap(place, other) for other in others)


def _overlap(a: Sequence[int], b: Sequence[int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _caption(sample: Sample, panels: list[_Panel], *, hidden: int) -> list[str]:
    facts = [sample.id]
    facts += [f"{key} {value}" for key, value in (
        ("split", sample.split), ("scene", sample.scene), ("sequence", sample.sequence),
    ) if value]  # fmt: skip
    if sample.flags:
        words = sample.flags.name or str(int(sample.flags))
        facts.append(words.replace("|", ", ").replace("_", " ").lower())
    lines = [", ".join(facts), *[panel.note for panel in panels]]
    labels = [f"{name} {count}" for name, count in sorted(Counter(sample.names).items())]
    if len(sample.points):
        labels.append(f"points {len(sample.points)}")
    if hidden > 0:
        labels.append(f"{hidden} labelled on the visible picture only (--visible shows them)")
    lines.append(", ".join(labels) or "no labels")
    return lines


def _compose(panels: list[_Panel], lines: list[str], sample: Sample) -> Rgb:
    """Panels side by side, the caption below, with a swatch of colour for each category."""
    width = sum(p.pixels.shape[1] for p in panels) + _MARGIN * (len(panels) - 1)
    height = panels[0].pixels.shape[0]
    scale = 1 + (width >= _TARGET_SIDE // 2) + (width >= 2 * _TARGET_SIDE)
    letters = max((width - 2 * _MARGIN) // (ADVANCE * scale), 8)
    folded = [part for line in lines for part in wrap(line, letters)]
    step = text_size("", scale)[0] + scale
    canvas = np.zeros((height + 2 * _MARGIN + step * len(folded), width, 3), np.uint8)
    left = 0
    for panel in panels:
        rows, columns = panel.pixels.shape[:2]
        canvas[:rows, left : left + columns] = panel.pixels
        left += columns + _MARGIN
    for number, line in enumerate(folded):
        top = height + _MARGIN + number * step
        draw_text(canvas, _MARGIN, top, line, WHITE, scale=scale, ground=False)
        if number == len(folded) - 1:
            _colour_words(canvas, top, line, scale, sample)
    return canvas


def _colour_words(canvas: Rgb, top: int, line: str, scale: int, sample: Sample) -> None:
    """Write the category names of the last line again, in their colours."""
    codes = dict(zip(sample.names, sample.categories.tolist(), strict=True))
    for name, code in codes.items():
        at = f", {line}".find(f", {name} ")
        if at >= 0:
            left = _MARGIN + at * ADVANCE * scale
            draw_text(canvas, left, top, name, colour_of(code), scale=scale, ground=False)
