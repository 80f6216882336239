"""One picture under every recipe, as a sheet for people."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.cli.draw import WHITE, Colour, Rgb, draw_text, text_size, wrap
from irtd_fast.cli.font import ADVANCE
from irtd_fast.radiometry import (
    BadPixels,
    Chain,
    Clahe,
    Counts,
    Destripe,
    DetailEnhance,
    HistogramMatch,
    Invert,
    MinMax,
    OutputType,
    Percentile,
    Planck,
    PlateauEqualization,
    Recipe,
    Sigma,
    Statistics,
    TLinear,
    Window,
    ZScore,
    recipe_names,
)

_WIDTH = 480  # of a panel; larger pictures are resampled, smaller ones enlarged by a whole factor
_GAP = 12
_COLUMNS = 4
_LETTERS = 2  # size of the letters
_LINES = 4  # of the parameters of a recipe
_DIM: Colour = (150, 170, 190)
_PERCENTS = (1.0, 99.0)
_SIGMAS = 3.0  # of a z-score that the screen shows
_KELVIN = 273.15


@dataclass(frozen=True)
class Panel:
    """One recipe of the sheet.

    Attributes:
        recipe: What was applied.
        note: How its result is shown, where a screen cannot show it as it is.
        pixels: (height, width) uint8.
    """

    recipe: Recipe
    note: str
    pixels: NDArray[np.uint8]


def recipe_panels(image: NDArray[Any], *, planck: Planck | None = None) -> list[Panel]:
    """Every recipe that a picture alone can be put under.

    Recipes with numbers of their own get the picture's: ``Window`` its 1st and 99th percentile,
    ``ZScore`` its moments, ``HistogramMatch`` an even distribution, ``Clahe`` of uint16 a stretch
    before it (of raw counts it is next to black). Those that need maps, tables or
    camera constants are left out, except ``Planck`` where the constants are given.

    Args:
        image: (height, width) uint8 or uint16.
        planck: Of the camera, for the counts of its radiometric file.
    """
    low, high = (float(v) for v in np.percentile(image, _PERCENTS))
    window = Window(low, high if high > low else low + 1)
    mean, std = float(image.mean()), float(image.std()) or 1.0
    even = np.arange(np.iinfo(image.dtype).max + 1, dtype=image.dtype)[None]
    recipes: list[Recipe] = [
        Counts(), MinMax(), Percentile(), Sigma(), window, ZScore(mean, std), Invert(),
        PlateauEqualization(), HistogramMatch.to(Statistics.of(even), quantiles=2),
        Clahe(stretch=Percentile(*_PERCENTS) if image.dtype == np.uint16 else None),
        DetailEnhance(), Destripe(), BadPixels(),
        Chain((BadPixels(), Destripe(), DetailEnhance())),
    ]  # fmt: skip
    if image.dtype == np.uint16:
        recipes.insert(-1, TLinear())
    if planck is not None:
        recipes.insert(-1, planck)
    return [_panel(recipe, image, window) for recipe in recipes]


def left_out(panels: list[Panel]) -> list[str]:
    """Names of the recipes that are on no panel."""
    shown = {panel.recipe.name for panel in panels}
    return [name for name in recipe_names() if name not in shown]


def _panel(recipe: Recipe, image: NDArray[Any], window: Window) -> Panel:
    """Apply a recipe and bring its result to a screen's levels."""
    own: OutputType = "uint8" if image.dtype == np.uint8 else "uint16"
    if isinstance(recipe, ZScore):
        values = recipe.apply(image)
        share = np.clip(values / (2 * _SIGMAS) + 0.5, 0, 1)
        return Panel(recipe, f"shown: -{_SIGMAS:g}..{_SIGMAS:g}", _levels(share))
    if isinstance(recipe, Planck | TLinear):
        return _thermal_panel(recipe, image)
    if isinstance(recipe, Invert):
        inverted = recipe.apply(image, dtype=own)
        note = "shown: then percentile 1..99"
        return Panel(recipe, note, Percentile(*_PERCENTS).apply(inverted, dtype="uint8"))
    if isinstance(recipe, Counts | Destripe | BadPixels):
        counts = recipe.apply(image, dtype=own)
        note = f"shown: counts {window.low:.0f}..{window.high:.0f}"
        changed = np.count_nonzero(counts != image)
        if changed:
            note += f"; {changed} pixels changed, by {_most_change(counts, image)} at most"
        return Panel(recipe, note, window.apply(counts, dtype="uint8"))
    return Panel(recipe, "", recipe.apply(image, dtype="uint8"))


def _most_change(counts: NDArray[Any], image: NDArray[Any]) -> int:
    return int(np.abs(counts.astype(np.int64) - image.astype(np.int64)).max())


def _thermal_panel(recipe: Planck | TLinear, image: NDArray[Any]) -> Panel:
    """Temperatures from their 1st to their 99th percentile; the scale in degrees Celsius."""
    kelvin = recipe.apply(image)
    found = kelvin[np.isfinite(kelvin)]
    low, high = (float(v) for v in np.percentile(found, _PERCENTS)) if found.size else (0.0, 1.0)
    shown = Window(low, max(high, low + 1e-3)).apply(kelvin, dtype="uint8")
    return Panel(recipe, f"shown: {low - _KELVIN:.1f}..{high - _KELVIN:.1f} C", shown)


def _levels(share: NDArray[Any]) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(share * 255).astype(np.uint8)
    return levels


def parameters(recipe: Recipe) -> str:
    """The parameters of a recipe as a line of text, without those that are not set."""
    if isinstance(recipe, Chain):
        steps = ((step.name, parameters(step)) for step in recipe.recipes)
        return " > ".join(f"{name} ({told})" if told else name for name, told in steps)
    values = [(f.name, getattr(recipe, f.name)) for f in fields(recipe)]
    told = [f"{name} {_text(value)}" for name, value in values if not _unset(value)]
    return ", ".join(told)


def _unset(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value == "picture")


def _text(value: Any) -> str:
    if isinstance(value, Recipe):
        return f"{value.name} ({parameters(value)})"
    if isinstance(value, np.ndarray):
        return "x".join(map(str, value.shape)) + " numbers"
    if isinstance(value, tuple):
        return " x ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return type(value).__name__ if hasattr(value, "__dataclass_fields__") else str(value)


def draw_sheet(panels: list[Panel], title: str) -> Rgb:
    """The panels in rows, each with its name, parameters and how it is shown.

    Args:
        panels: At least one, all of one size.
        title: First line of the sheet.

    Returns:
        (height, width, 3) uint8.
    """
    pictures = [_fitted(panel.pixels) for panel in panels]
    high, wide = pictures[0].shape
    wide = max(wide, _WIDTH)
    line = text_size("", _LETTERS)[0] + _LETTERS
    letters = (wide - _GAP) // (ADVANCE * _LETTERS)
    texts = [_lines(panel, letters) for panel in panels]
    step = high + line * max(map(len, texts)) + 2 * _GAP
    columns = min(_COLUMNS, len(panels))
    across = columns * (wide + _GAP) + _GAP
    heading = wrap(title, (across - 2 * _GAP) // (ADVANCE * _LETTERS))
    top = 2 * _GAP + line * len(heading)
    rows = math.ceil(len(panels) / columns)
    canvas = np.zeros((top + rows * step, across, 3), np.uint8)
    for number, text in enumerate(heading):
        draw_text(canvas, _GAP, _GAP + number * line, text, WHITE, scale=_LETTERS)
    for number, (picture, lines) in enumerate(zip(pictures, texts, strict=True)):
        row, column = divmod(number, columns)
        y, x = top + row * step, _GAP + column * (wide + _GAP)
        canvas[y : y + high, x : x + picture.shape[1]] = picture[..., None]
        for place, text in enumerate(lines):
            colour = WHITE if place == 0 else _DIM
            draw_text(canvas, x, y + high + _LETTERS + place * line, text, colour, scale=_LETTERS)
    return canvas


def _lines(panel: Panel, letters: int) -> list[str]:
    """Name, parameters (cut where they are too long), and how it is shown."""
    told = wrap(parameters(panel.recipe), letters) if parameters(panel.recipe) else []
    if len(told) > _LINES:
        told = [*told[: _LINES - 1], told[_LINES - 1][: letters - 3] + "..."]
    return [panel.recipe.name, *told, *(wrap(panel.note, letters) if panel.note else [])]


def _fitted(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A panel's pixels at its width, or below it by less than the picture's own width."""
    from irtd_fast.geometry import resample

    height, width = pixels.shape
    if width <= _WIDTH:
        factor = max(_WIDTH // width, 1)
        return np.repeat(np.repeat(pixels, factor, 0), factor, 1)
    size = (max(round(height * _WIDTH / width), 1), _WIDTH)
    whole = (0.0, 0.0, float(width), float(height))
    smaller: NDArray[np.uint8] = resample(pixels, whole, size, layout="hw")
    return smaller
