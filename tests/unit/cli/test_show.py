"""Pictures of samples: what is drawn where, and what the caption says."""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from irtd_fast.cli.draw import draw_box, draw_cross, draw_polygon, draw_text, text_size, wrap
from irtd_fast.cli.font import ADVANCE, GLYPH_HEIGHT, render, spell
from irtd_fast.cli.picture import colour_of, draw_sample
from irtd_fast.cli.show import near
from irtd_fast.store.dataset import open_store

Irtd = Callable[..., Result]
RED = (255, 0, 0)


def blank(height: int = 20, width: int = 30) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def lit(image: np.ndarray) -> set[tuple[int, int]]:
    """(x, y) of every pixel that is not black."""
    rows, columns = np.nonzero(image.any(2))
    return set(zip(columns.tolist(), rows.tolist(), strict=True))


# ---- drawing ----------------------------------------------------------------------------------


def test_a_box_lies_around_its_pixels():
    image = blank()
    draw_box(image, (5, 6, 8, 9), RED)
    ring = set(itertools.product(range(4, 9), range(5, 10)))
    assert lit(image) == ring - set(itertools.product(range(5, 8), range(6, 9)))


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_thickness_grows_outwards(thickness: int):
    image = blank()
    draw_box(image, (3, 3, 5, 5), RED, scale=2.0, thickness=thickness)
    outer = range(6 - thickness, 10 + thickness)
    inner = set(itertools.product(range(6, 10), range(6, 10)))
    assert lit(image) == set(itertools.product(outer, outer)) - inner


@pytest.mark.parametrize(
    "box",
    [(-50, -50, 500, 500), (-1e30, 0, 1e30, 5), (float("nan"), 0, 5, 5), (28, 18, 40, 40)],
)
def test_what_lies_outside_is_cut_off(box: tuple[float, ...]):
    image = blank()
    draw_box(image, box, RED)
    draw_polygon(image, (box[0], box[1], box[2], box[1], box[2], box[3]), RED)
    draw_cross(image, box[0], box[1], RED)
    draw_text(image, -7, 15, "cut", RED, scale=2)
    assert image.shape == (20, 30, 3)
    assert lit(image)


def test_a_polygon_passes_through_its_corners_and_is_closed():
    image = blank()
    draw_polygon(image, (15, 2, 25, 10, 15, 18, 5, 10), RED)
    pixels = lit(image)
    assert {(15, 2), (25, 10), (15, 18), (5, 10)} <= pixels
    outside = np.zeros((22, 32), np.uint8)
    barrier = np.pad(image.any(2), 1).astype(np.uint8)
    padded = np.zeros((24, 34), np.uint8)
    padded[1:-1, 1:-1] = barrier
    cv2.floodFill(outside, padded, (0, 0), 1)
    assert outside[11, 16] == 0  # a flood from the corner does not reach the middle


def test_a_cross_leaves_its_centre_open():
    image = blank(41, 41)
    draw_cross(image, 20, 20, RED)
    pixels = lit(image)
    assert not {(x, y) for x, y in pixels if abs(x - 20) <= 2 and abs(y - 20) <= 2}
    assert all(x == 20 or y == 20 for x, y in pixels)
    assert {(20, 12), (20, 28), (12, 20), (28, 20)} <= pixels


def test_every_letter_has_a_shape_of_its_own():
    letters = [chr(code) for code in range(33, 127)]
    shapes = {render(letter).tobytes() for letter in letters}
    assert len(shapes) == len(letters) == len(string.printable.strip())
    assert not render(" ").any()
    assert all(not render(letter)[:, -1].any() for letter in letters)  # letters do not touch


def test_other_letters_are_spelled_out():
    assert spell("naïve 热\n") == "na\\xefve \\u70ed\\x0a"
    assert render("热").shape == (GLYPH_HEIGHT, ADVANCE * len("\\u70ed"))
    assert text_size("ab", 2) == (20, 24)


def test_wrap():
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefghij k", 4) == ["abcd", "efgh", "ij k"]
    assert wrap("", 4) == [""]


# ---- samples ----------------------------------------------------------------------------------


def test_boxes_are_drawn_in_the_enlarged_picture(store: Path):
    dataset = open_store(store)
    sample = next(s for s in dataset.filter(source="llvip") if len(s.boxes))
    shown = draw_sample(sample)
    counts = sample.infrared
    factor = 8
    assert "enlarged 8 x" in " ".join(shown.caption)
    assert shown.boxes == len(sample.boxes)
    height, width = counts.shape[0] * factor, counts.shape[1] * factor
    panel = shown.pixels[:height, :width]
    for box, code in zip(sample.boxes, sample.categories, strict=True):
        x0, _, _, y1 = np.rint(box * factor).astype(int)
        row, column = min(y1, height - 1), max(x0 - 1, 0)
        assert (panel[row, max(x0, 0) + 1] == colour_of(int(code))).all() or y1 >= height
        assert (panel[min(y1, height) - 1, column] == colour_of(int(code))).all() or x0 == 0
    untouched = (panel[..., 0] == panel[..., 1]) & (panel[..., 1] == panel[..., 2])
    nearest = np.repeat(np.repeat(counts, factor, 0), factor, 1)
    gray = panel[..., 0]
    drawn_black = untouched & (gray == 0)
    assert ((gray == nearest) | ~untouched | drawn_black).all()
    assert (untouched & (gray == nearest)).mean() > 0.5


def test_a_registered_partner_shows_the_boxes_too(store: Path):
    dataset = open_store(store)
    sample = next(s for s in dataset.filter(source="llvip") if len(s.boxes))
    alone, both = draw_sample(sample), draw_sample(sample, visible=True)
    assert both.pixels.shape[1] > 2 * alone.pixels.shape[1]
    assert both.boxes == len(sample.boxes)
    assert any(line.startswith("visible 64 x 80") for line in both.caption)
    colour = np.array(colour_of(int(sample.categories[0])))
    partner = both.pixels[: 64 * 8, -80 * 8 :]
    assert (partner == colour).all(2).sum() >= 50


def test_counts_are_shown_by_a_stated_window(store: Path):
    sample = open_store(store).filter(source="flir-v1-16bit")[0]
    counts = sample.infrared
    assert counts.dtype == np.uint16
    low, high = np.percentile(counts, (1, 99))
    shown = draw_sample(sample)
    caption = " ".join(shown.caption)
    assert f"window {low:.0f}..{high:.0f} (1-99 percentile)" in caption
    assert f"of counts {counts.min()}..{counts.max()}" in caption
    expected = np.rint(np.clip((counts.astype(np.float64) - low) / (high - low), 0, 1) * 255)
    gray = shown.pixels[: 64 * 8 : 8, : 80 * 8 : 8, 0].astype(int)
    assert np.abs(gray - expected).max() <= 1


def test_the_file_holds_the_picture(irtd: Irtd, store: Path, tmp_path: Path):
    path = tmp_path / "x.png"
    done = irtd("show", store, "llvip/010001", "-o", path, "--visible")
    assert done.exit_code == 0, done.stderr
    sample = next(s for s in open_store(store) if s.id == "llvip/010001")
    shown = draw_sample(sample, visible=True)
    written = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(written, shown.pixels)
    assert "llvip/010001" in done.stdout
    by_number = tmp_path / "y.png"
    assert irtd("show", store, sample.index, "-o", by_number, "--visible").exit_code == 0
    assert by_number.read_bytes() == path.read_bytes()


def test_without_partner_a_note_and_a_picture(irtd: Irtd, store: Path, tmp_path: Path):
    done = irtd("show", store, "0", "-o", tmp_path / "x.png", "--visible")
    assert done.exit_code == 0
    assert "no visible partner" in done.stderr
    assert (tmp_path / "x.png").exists()


def test_suggestions_are_quick_and_near():
    names = [f"set{n % 12:02d}/V{n % 9:03d}/I{n:05d}" for n in range(100_000)]
    assert "set03/V003/I04971" in near("set03/V003/I4971", names)
    assert near("I00012", names) == ["set00/V003/I00012"]
    assert near("zzzz", names) == []
    assert near("I0001x", names, loose=False) == []
