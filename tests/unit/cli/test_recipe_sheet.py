"""The sheet of recipes: what is on it, that it is what ``apply`` gives, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from imagecodecs import png_decode, png_encode

from irtd_fast.cli.recipe_sheet import draw_sheet, left_out, parameters, recipe_panels
from irtd_fast.radiometry import Chain, Clahe, Percentile, Window, ZScore, recipe_names


@pytest.fixture
def frame(rng):
    y, x = np.mgrid[:48, :64]
    counts = 7000 + 200 * np.sin(x / 9) + 100 * np.cos(y / 7) + rng.normal(0, 3, (48, 64))
    return counts.astype(np.uint16)


def test_every_recipe_is_shown_or_named(frame):
    panels = recipe_panels(frame)
    names = [panel.recipe.name for panel in panels]
    assert set(names) | set(left_out(panels)) == set(recipe_names())
    assert {"clahe", "detail_enhance", "plateau_equalization", "t_linear"} <= set(names)
    assert set(left_out(panels)) == {"look_up", "planck", "two_point_nuc"}


def test_panels_are_what_the_recipes_give(frame):
    panels = {panel.recipe.name: panel for panel in recipe_panels(frame)}
    for name in ("percentile", "clahe", "detail_enhance", "min_max"):
        expected = panels[name].recipe.apply(frame, dtype="uint8")
        np.testing.assert_array_equal(panels[name].pixels, expected)
    low, high = np.percentile(frame, (1, 99))
    assert panels["window"].recipe == Window(low, high)
    shown = np.clip((frame - low) / (high - low), 0, 1) * 255
    assert np.abs(panels["counts"].pixels - shown).max() <= 0.51
    z = (frame - frame.mean()) / frame.std()
    shown = np.clip(z / 6 + 0.5, 0, 1) * 255
    assert np.abs(panels["z_score"].pixels - shown).max() <= 0.51
    assert panels["t_linear"].note.endswith(" C")
    # Nothing on the sheet is nearly black: raw 16-bit counts are stretched before.
    assert panels["clahe"].recipe == Clahe(stretch=Percentile())
    assert all(np.ptp(panel.pixels) > 100 for panel in panels.values())
    assert recipe_panels((frame // 32).astype(np.uint8))[9].recipe == Clahe()


@pytest.mark.parametrize("shape", [(1, 1), (5, 900), (300, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_odd_pictures_have_a_sheet(shape, dtype):
    sheet = draw_sheet(recipe_panels(np.full(shape, 9, dtype)), "odd")
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3
    assert sheet.any()


def test_parameters_are_told():
    assert parameters(Percentile(2, 98)) == "low 2, high 98"
    assert parameters(Clahe(3.5, (4, 8))) == "clip_limit 3.5, tiles 4 x 8"
    told = "clip_limit 2, tiles 8 x 8, stretch percentile (low 1, high 99)"
    assert parameters(Clahe(stretch=Percentile())) == told
    assert parameters(ZScore(7066.984, 2.0)) == "mean 7066.98, std 2"
    assert parameters(Chain((Window(0, 1), Clahe(2.0, (1, 1))))) == (
        "window (low 0, high 1) > clahe (clip_limit 2, tiles 1 x 1)"
    )


def test_a_sample_and_a_file_have_sheets(irtd, mixed_store, tmp_path, frame):
    path = tmp_path / "sheet.png"
    done = irtd("show", mixed_store, "counts/" + first_of(mixed_store), "-o", path, "--recipes")
    assert done.exit_code == 0, done.output
    assert "plateau_equalization" in done.output
    assert png_decode(path.read_bytes()).shape[2] == 3
    picture = tmp_path / "frame.png"
    picture.write_bytes(png_encode(frame))
    done = irtd("show", picture, "-o", path, "--recipes")
    assert done.exit_code == 0, done.output
    assert "frame.png, 48 x 64 uint16" in done.output


def first_of(store):
    import irtd_fast

    source = next(s for s in irtd_fast.open(store).sources if s.name == "counts")
    return source.names()[0]


def test_wrong_requests_are_refused(irtd, mixed_store, tmp_path, frame):
    picture, path = tmp_path / "frame.png", tmp_path / "x.png"
    picture.write_bytes(png_encode(frame))
    for arguments in (
        (picture, "-o", path),
        (picture, "0", "-o", path, "--recipes"),
        (mixed_store, "-o", path, "--recipes"),
        (mixed_store, "0", "-o", path, "--recipes", "--visible"),
        (mixed_store, "0", "-o", tmp_path / "x.jpg", "--recipes"),
    ):
        assert irtd("show", *arguments).exit_code == 2
    colour = tmp_path / "colour.png"
    colour.write_bytes(png_encode(np.stack([frame, frame // 2, frame], -1).astype(np.uint8)))
    assert irtd("show", colour, "-o", path, "--recipes").exit_code == 3
    assert not path.exists()
