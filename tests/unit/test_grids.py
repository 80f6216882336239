"""Grids: every pixel against the crops themselves, resampled by definition, numbered by hand."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import reference_resample as reference

import irtd_fast
from irtd_fast import ingest
from irtd_fast.errors import AnnotationError, CorruptStoreError
from irtd_fast.grids import Composer, Grid, compose_grid, compose_grids
from irtd_fast.grids.compose import digit_height
from irtd_fast.grids.digits import DIGITS, digit_size, digit_stamp
from irtd_fast.radiometry import Invert
from irtd_fast.store.plan import IngestOptions

PEOPLE = Grid("llcm", (0, 3, 6, 9, 1, 12, 15, 18), 5)
TARGETS = Grid("targets", (0, 1, 2, 3, 4, 5, 6, 7), 2)  # any eight pictures make a grid


@pytest.fixture(scope="module")
def store(tmp_path_factory, small_dumps):
    store = tmp_path_factory.mktemp("store") / "people.zarr"
    for source, options in (
        ("llcm", IngestOptions(few=99, shard_bytes=1 << 15)),
        ("thermal-world", IngestOptions(codec="raw", few=4)),
    ):
        ingest(small_dumps(source, 24), store, source=source, options=options)
    counts = small_dumps("flir-v1-16bit", variant="tree")
    ingest(counts, store, source="flir-v1-16bit", name="targets", options=IngestOptions(few=4))
    return store


@pytest.fixture(scope="module")
def ds(store):
    return irtd_fast.open(store)


def crop(ds, source, row):
    (sample,) = [s for s in ds.filter(source=source) if s.place[1] == row]
    return sample.infrared


def expected_tile(image, tile, *, channels, fit):
    """What a crop becomes in its tile, by the definition of the filter, in double precision."""
    height, width = image.shape[:2]
    low, high = (0, 255) if image.dtype == np.uint8 else (int(image.min()), int(image.max()))
    values = (image.astype(np.float64) - low) * (255 / (high - low))
    inner = tile
    if fit == "contain":
        scale = min(tile[1] / width, tile[0] / height)
        inner = max(1, round(height * scale)), max(1, round(width * scale))
    above, left = (tile[0] - inner[0]) // 2, (tile[1] - inner[1]) // 2
    # The tile's own window of the picture continued beyond its border, then what is not it black.
    down, across = height / inner[0], width / inner[1]
    window = (-left * across, -above * down, (tile[1] - left) * across, (tile[0] - above) * down)
    done = reference.cut_and_resize(values, window, tile, kind="antialias", border="replicate")
    inside = np.zeros(tile, bool)
    inside[above : above + inner[0], left : left + inner[1]] = True
    done[~inside] = 0
    if image.ndim == 3 and channels == 1:
        return (done @ [0.299, 0.587, 0.114])[..., None]
    return done if image.ndim == 3 else np.repeat(done[..., None], channels, axis=2)


def numbered(tile_pixels, digit, tile):
    """A digit of the stamp's ink over its black rim, as alpha blending is defined."""
    height = digit_height(tile)
    ink, rim = digit_stamp(digit, height)
    inset = max(1, height // 6)
    colour = [255, 0, 0] if tile_pixels.shape[2] == 3 else [255]
    for r in range(ink.shape[0]):
        for c in range(ink.shape[1]):
            under = tile_pixels[inset + r, inset + c]
            black = under * (1 - rim[r, c])
            tile_pixels[inset + r, inset + c] = black + np.array(colour) * ink[r, c]
    return tile_pixels


@pytest.mark.parametrize("fit", ["stretch", "contain"])
@pytest.mark.parametrize(("size", "channels"), [((64, 72), 3), ((71, 87), 1)])
@pytest.mark.parametrize("grid", [PEOPLE, TARGETS, Grid("thermal-world", tuple(range(8, 16)), 8)])
def test_every_pixel_is_the_crops_own(ds, grid, size, channels, fit):
    image = compose_grid(ds, grid, size, channels=channels, fit=fit)
    assert image.shape == (*size, channels)
    assert image.dtype == np.uint8
    th, tw = tile = size[0] // 2, size[1] // 4
    for place, row in enumerate(grid.rows):
        wanted = expected_tile(crop(ds, grid.source, row), tile, channels=channels, fit=fit)
        wanted = numbered(wanted, place + 1, tile)
        y, x = place // 4 * th, place % 4 * tw
        found = image[y : y + th, x : x + tw].astype(np.float64)
        # rounding of the resampled byte, then of the blend in 256ths
        assert np.abs(found - wanted).max() <= 1.75
    assert not image[2 * th :].any()
    assert not image[:, 4 * tw :].any()


def test_a_batch_equals_one_by_one_in_any_buffer(ds):
    grids = [PEOPLE, TARGETS, Grid("thermal-world", (7, 6, 5, 4, 3, 2, 1, 0), 3)]
    singly = [compose_grid(ds, g, (96, 96)) for g in grids]
    out = np.full((3, 96, 96, 3), 7, np.uint8)
    composer = Composer(ds, (96, 96), threads=2)
    assert composer(grids, out) is out
    assert np.array_equal(out, singly)
    assert np.array_equal(composer(grids[::-1]), singly[::-1])
    assert np.array_equal(composer(grids[:1]), singly[:1])
    assert np.array_equal(compose_grids(ds, grids, (96, 96)), singly)
    assert composer([]).shape == (0, 96, 96, 3)


def test_a_filtered_dataset_composes_the_same(ds):
    some = ds.filter(source=["llcm", "targets"])[::-1]
    assert np.array_equal(compose_grid(some, PEOPLE), compose_grid(ds, PEOPLE))


def test_a_recipe_of_ones_own(ds):
    plain = compose_grids(ds, [PEOPLE], (96, 96))[0].astype(int)
    bare = Composer(ds, (96, 96), digits=False)([PEOPLE])[0].astype(int)
    inverted = Composer(ds, (96, 96), digits=False, recipe=Invert())([PEOPLE])[0].astype(int)
    assert (plain != bare).any()
    assert np.corrcoef(bare.ravel(), inverted.ravel())[0, 1] < -0.9


def test_digits_can_be_told_apart_and_read():
    """Each digit is one connected figure, unlike all others, well above its rim."""
    for height in (9, 18, 36, 64):
        stamps = {d: digit_stamp(d, height) for d in DIGITS}
        for ink, rim in stamps.values():
            assert ink.shape == rim.shape == digit_size(height)
            assert (ink <= rim).all()
            assert ink.max() > 0.6
            assert ink[[0, -1]].max() <= 0.1 or height < 12
        for a in DIGITS:
            for b in DIGITS:
                if a < b:
                    change = np.abs(stamps[a][0] - stamps[b][0]).sum()
                    assert change > 0.25 * min(stamps[a][0].sum(), stamps[b][0].sum()), (a, b)


def test_digits_have_the_holes_of_their_figures():
    from scipy.ndimage import label

    holes = {}
    for digit in DIGITS:
        ink, _ = digit_stamp(digit, 96)
        _, figures = label(ink > 0.5, np.ones((3, 3)))
        assert figures == 1, digit
        _, grounds = label(np.pad(ink <= 0.5, 1, constant_values=True))
        holes[digit] = grounds - 1
    assert holes == {1: 0, 2: 0, 3: 0, 4: 1, 5: 0, 6: 1, 7: 0, 8: 2}


@pytest.mark.parametrize(
    ("rows", "positive", "message"),
    [
        ((0, 1, 2), 2, "eight different rows"),
        ((0, 1, 2, 3, 4, 5, 6, 6), 2, "eight different rows"),
        ((-1, 1, 2, 3, 4, 5, 6, 7), 2, "eight different rows"),
        (tuple(range(8)), 1, "positive must be 2 to 8"),
        (tuple(range(8)), 9, "positive must be 2 to 8"),
    ],
)
def test_what_is_no_grid(rows, positive, message):
    message = message.replace("eight", "8")
    with pytest.raises(ValueError, match=message):
        Grid("llcm", rows, positive)
    with pytest.raises(AnnotationError, match=message):
        Grid.from_json("llcm", {"rows": list(rows), "positive": positive})


@pytest.mark.parametrize(
    "entry",
    [None, 3, {}, {"rows": 5, "positive": 2}, {"rows": ["a"] * 8, "positive": 2},
     {"rows": list(range(8)), "positive": None}, {"rows": list(range(8)), "positive": True}],
)  # fmt: skip
def test_provenance_that_is_no_grid(entry):
    with pytest.raises(AnnotationError, match="expected a grid"):
        Grid.from_json("llcm", entry)


def test_provenance_comes_back():
    assert Grid.from_json("llcm", PEOPLE.to_json()) == PEOPLE
    assert PEOPLE.query == 0


@pytest.mark.parametrize(
    "options", [{"size": (8, 512)}, {"size": (512, 20)}, {"channels": 2}, {"fit": "cover"},
                {"filter": "cubic"}, {"size": (1 << 17, 512)}]
)  # fmt: skip
def test_arguments_that_make_no_grid(ds, options):
    with pytest.raises(ValueError, match="must be"):
        Composer(ds, **options)


def test_crops_that_are_not_there(ds):
    with pytest.raises(ValueError, match="no source 'regdb'"):
        compose_grid(ds, Grid("regdb", tuple(range(8)), 2))
    with pytest.raises(ValueError, match="no row 24 of source number 0"):
        compose_grid(ds, Grid("llcm", tuple(range(17, 25)), 2))
    with pytest.raises(ValueError, match="out must be"):
        Composer(ds, (96, 96))([PEOPLE], np.empty((1, 96, 95, 3), np.uint8))


def test_a_damaged_crop_is_named(store, scratch):
    copy = scratch / "people.zarr"
    shutil.copytree(store, copy)
    ds = irtd_fast.open(copy)
    source = ds.source_named("thermal-world")
    for file in (source.path / "infrared").rglob("values/c/*"):
        if file.is_file():
            data = bytearray(file.read_bytes())
            data[: len(data) // 2] = bytes(len(data) // 2)
            file.write_bytes(data)
    with pytest.raises(CorruptStoreError, match="sample thermal-world/"):
        compose_grid(irtd_fast.open(copy), Grid("thermal-world", tuple(range(8)), 2))
