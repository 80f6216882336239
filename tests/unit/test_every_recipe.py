"""Every registered recipe: JSON, inverse, and defined results for pictures that hardly are any."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, is_dataclass

import numpy as np
import pytest

from irtd_fast.radiometry import (
    Atmosphere,
    BadPixels,
    Chain,
    Clahe,
    Counts,
    Destripe,
    DetailEnhance,
    HistogramMatch,
    Invert,
    LookUp,
    MinMax,
    Percentile,
    Planck,
    PlateauEqualization,
    Recipe,
    Sigma,
    Statistics,
    TLinear,
    TwoPointNuc,
    Window,
    ZScore,
    from_bfloat16,
    recipe_from_dict,
    recipe_names,
)

RAMP = np.linspace(0, 1, 65536).astype(np.float32)
FLIR = {"r1": 21106.77, "r2": 0.012545258, "b": 1501.0, "f": 1.0, "o": -7340.0}
Shape = tuple[int, ...]
Make = Callable[[Shape], Recipe]

MAKE: dict[str, Make] = {
    "bad_pixels": lambda _: BadPixels(),
    "chain": lambda _: Chain((BadPixels(), Percentile(2, 98), Window(100.5, 60000))),
    "clahe": lambda _: Clahe(3.0, (2, 3)),
    "counts": lambda _: Counts(),
    "destripe": lambda _: Destripe("both", 3, 0.5, 4.0),
    "detail_enhance": lambda _: DetailEnhance(2),
    "histogram_match": lambda _: HistogramMatch(np.linspace(3, 90, 17)),
    "invert": lambda _: Invert(),
    "look_up": lambda _: LookUp(RAMP),
    "min_max": lambda _: MinMax("picture"),
    "percentile": lambda _: Percentile(2.5, 97),
    "planck": lambda _: Planck(**FLIR, atmosphere=Atmosphere(distance=3.0), unit="celsius"),
    "plateau_equalization": lambda _: PlateauEqualization(20, 0, 0.2, 0.01, 0.4),
    "sigma": lambda _: Sigma(2.5),
    "t_linear": lambda _: TLinear(0.04, -273.15),
    "two_point_nuc": lambda shape: TwoPointNuc(np.full(shape[:2], 1.25), np.full(shape[:2], -3.0)),
    "window": lambda _: Window(100, 1100.5),
    "z_score": lambda _: ZScore(600, 50),
}
INVERTIBLE = {"counts", "min_max", "percentile", "sigma", "window", "z_score", "invert", "planck",
              "t_linear", "two_point_nuc"}  # fmt: skip
FLOAT_ONLY = {"planck", "t_linear", "z_score"}
WARM = {"planck", "t_linear"}  # an invalid pixel is NaN
CORRECTIONS = {"bad_pixels", "destripe", "two_point_nuc"}  # NaN where float becomes float
SHARES = sorted(set(MAKE) - FLOAT_ONLY - CORRECTIONS - {"counts"})  # of 0..1
ODD = [(0, 0), (0, 5), (3, 0), (1, 1), (1, 9), (7, 1), (5, 6), (0, 4, 3), (1, 1, 3), (5, 6, 3)]
FLAT = 7300
# What a flat uint16 picture of that count becomes in float32.
CONSTANT = {
    "bad_pixels": FLAT, "chain": 0, "counts": FLAT, "destripe": FLAT, "detail_enhance": 0,
    "histogram_match": 0.5, "invert": 1 - FLAT / 65535, "look_up": RAMP[FLAT], "min_max": 0,
    "percentile": 0, "plateau_equalization": 0, "sigma": 0, "t_linear": FLAT * 0.04 - 273.15,
    "two_point_nuc": FLAT * 1.25 - 3, "window": 1, "z_score": (FLAT - 600) / 50,
}  # fmt: skip


@pytest.fixture(params=sorted(MAKE))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def types_of(name: str) -> list[str]:
    floats = ["float32", "float16", "bfloat16"]
    return floats if name in FLOAT_ONLY else [*floats, "uint8", "uint16"]


def inputs_of(name: str) -> list[str]:
    """Types of pictures: a table is for one, and steps of a chain may take fewer than it."""
    return ["uint16"] if name == "look_up" else list(MAKE[name]((2, 2)).input_types)


def numbers(out: np.ndarray, dtype: str) -> np.ndarray:
    return from_bfloat16(out) if dtype == "bfloat16" else out.astype(np.float64)


def scene(rng: np.random.Generator, shape: Shape, dtype: str) -> np.ndarray:
    top = 250 if dtype == "uint8" else 30000
    return rng.integers(7, top, shape).astype(dtype)


def test_no_recipe_is_left_out() -> None:
    """Those of the design among them: each is a frozen dataclass with these methods."""
    assert set(MAKE) == set(recipe_names())
    for name, make in MAKE.items():
        recipe = make((2, 3))
        assert recipe.name == name
        assert is_dataclass(recipe)
        if fields(recipe):
            with pytest.raises(FrozenInstanceError):
                setattr(recipe, fields(recipe)[0].name, None)
        assert recipe.invertible == (name in INVERTIBLE)


def test_json_brings_the_same_recipe_back(name: str, rng: np.random.Generator) -> None:
    recipe = MAKE[name]((5, 6))
    again = recipe_from_dict(json.loads(json.dumps(recipe.to_dict())))
    assert (again, hash(again), type(again)) == (recipe, hash(recipe), type(recipe))
    image = scene(rng, (5, 6), "uint16")
    np.testing.assert_array_equal(again.apply(image), recipe.apply(image))


def test_inverse_brings_counts_back_where_there_is_one(name: str, rng: np.random.Generator) -> None:
    recipe = MAKE[name]((40, 50))
    image = rng.integers(8000, 9000, (40, 50)).astype(np.uint16)
    if name == "window":
        image = rng.integers(101, 1100, (40, 50)).astype(np.uint16)
    out = recipe.apply(image, dtype="uint16" if name == "invert" else "float32")
    if name not in INVERTIBLE:
        with pytest.raises(ValueError, match="has no inverse"):
            recipe.inverse(out)
        return
    bounds = recipe.bounds(image) if name in ("min_max", "percentile", "sigma") else None
    back = recipe.inverse(out, bounds=bounds)
    assert back.dtype == np.float64
    # A clipped value comes back as the bound that it hit.
    expected = np.clip(image, *bounds) if bounds else image
    np.testing.assert_allclose(back, expected, atol=0.05)
    if name != "invert":
        assert np.isnan(recipe.inverse(np.full((40, 50), np.nan), bounds=bounds)).all()


@pytest.mark.parametrize("shape", ODD, ids=str)
def test_pictures_that_hardly_are_any(name: str, shape: Shape, rng: np.random.Generator) -> None:
    recipe = MAKE[name](shape)
    for kind in inputs_of(name):
        image = scene(rng, shape, kind)
        for dtype in types_of(name):
            out = recipe.apply(image, dtype=dtype)
            assert out.shape == shape
            assert out.dtype == np.dtype("uint16" if dtype == "bfloat16" else dtype)
            values = numbers(out, dtype)
            if name != "planck":  # which has no temperature of some counts
                assert np.isfinite(values).all()
            if name in SHARES and not dtype.startswith("u"):
                assert not values.size or (values.min() >= 0 and values.max() <= 1)


def test_a_chain_is_undone_step_by_step(rng: np.random.Generator) -> None:
    image = rng.integers(14000, 14200, (5, 6)).astype(np.uint16)
    planck, nuc = MAKE["planck"]((5, 6)), MAKE["two_point_nuc"]((5, 6))
    for steps, near in (
        ((TLinear(), Window(550, 580)), 0.01),
        ((planck, Window(-60, 200)), 0.2),
        ((nuc, Counts(), TLinear(0.01), Window(170, 180)), 0.6),  # the first one rounds
        ((Counts(), Invert()), 1e-9),
    ):
        chain = recipe_from_dict(Chain(steps).to_dict())
        assert chain.invertible
        out = chain.apply(image, dtype="uint16" if steps[-1].name == "invert" else "float32")
        np.testing.assert_allclose(chain.inverse(out), image, atol=near)
    for steps, message in (
        ((Percentile(), Window(0, 9)), "percentile hands on levels"),
        ((Invert(), MinMax()), "invert hands on levels"),
        ((Destripe(), Window(0, 9)), "destripe has none"),
        ((TLinear(), Chain((MinMax(), MinMax()))), "chain has none"),
    ):
        assert not Chain(steps).invertible
        with pytest.raises(ValueError, match=message):
            Chain(steps).inverse(np.zeros((5, 6), np.float32), bounds=(0, 1))


def test_constant_pictures_divide_by_nothing(name: str) -> None:
    image = np.full((5, 6), FLAT, np.uint16)
    recipe = MAKE[name]((5, 6))
    out = recipe.apply(image)
    expected = {
        **CONSTANT,
        "clahe": out[0, 0],  # one level for all, whichever
        "planck": recipe.temperatures(FLAT) if isinstance(recipe, Planck) else 0,
    }[name]
    np.testing.assert_allclose(out, np.full((5, 6), expected), rtol=1e-6, atol=1e-6)
    assert (np.isnan(out) == np.isnan(expected)).all()


def test_without_valid_pixels_all_is_zero_or_nan(name: str, rng: np.random.Generator) -> None:
    recipe = MAKE[name]((5, 6))
    nothing = np.zeros((5, 6), bool)
    for kind in inputs_of(name):
        for shape in ((5, 6), (5, 6, 3)):
            image = scene(rng, shape, kind)
            for dtype in types_of(name):
                values = numbers(recipe.apply(image, dtype=dtype, valid=nothing), dtype)
                kept = name in CORRECTIONS and kind == "float32" and not dtype.startswith("u")
                assert (np.isnan(values) if name in WARM or kept else values == 0).all()


def test_views_of_any_stride_are_what_their_copies_are(name: str, rng: np.random.Generator) -> None:
    shape = (8, 10)
    recipe = MAKE[name](shape)
    for kind in inputs_of(name):
        large = scene(rng, (24, 30, 3), kind)
        for view in (
            large[:8, 3:13, 1], large[::3, ::3, 0], large[15:7:-1, 20:10:-1, 2],
            large[:10, :8, 0].T, large[7::-1, 29:9:-2], large[2:10, 5:15],
        ):  # fmt: skip
            assert view.shape[:2] == shape
            expected = recipe.apply(np.ascontiguousarray(view))
            np.testing.assert_array_equal(recipe.apply(view), expected)
            np.testing.assert_array_equal(recipe.apply_batch(view[None])[0], expected)


def test_what_is_no_picture_is_refused(name: str) -> None:
    recipe = MAKE[name]((4, 5))
    right = np.zeros((4, 5), inputs_of(name)[0])
    wrong = [np.zeros((4, 5), kind) for kind in ("i4", "f8", "f2", "?", "c8", ">u2", "i1")]
    wrong += [np.zeros(shape, right.dtype) for shape in ((), (5,), (1, 4, 5, 3))]
    if "float32" not in recipe.input_types:
        wrong.append(np.zeros((4, 5), np.float32))
    for image in wrong:
        with pytest.raises(ValueError, match=r"must be .*found"):
            recipe.apply(image)
    for image in wrong[:7]:
        with pytest.raises(ValueError, match=r"must be .*found"):
            recipe.apply_batch(image[None])
    with pytest.raises(ValueError, match=r"must be .*found shape"):
        recipe.apply_batch(right)
    with pytest.raises(TypeError, match="found list"):
        recipe.apply(right.tolist())
    with pytest.raises(TypeError, match="valid must be a NumPy array, found list"):
        recipe.apply(right, valid=np.ones((4, 5), bool).tolist())
    for valid in (np.ones((5, 4), bool), np.ones((4, 5), np.uint8), np.ones((4, 5, 1), bool)):
        with pytest.raises(ValueError, match=r"valid must be bool of shape \(4, 5\), found"):
            recipe.apply(right, valid=valid)
        with pytest.raises(ValueError, match=r"valid must be .*found"):
            recipe.apply_batch(right[None], valid=valid[None])
    with pytest.raises(ValueError, match=r"dtype must be one of .*found 'int32'"):
        recipe.apply(right, dtype="int32")
    other = Statistics.of(np.zeros((1, 1), "uint16" if right.dtype == "uint8" else "uint8"))
    with pytest.raises(ValueError, match=r"statistics must be of .*found"):
        recipe.apply(right, statistics=other)


def test_integers_of_temperatures_are_refused() -> None:
    for name in sorted(FLOAT_ONLY):
        for dtype in ("uint8", "uint16"):
            with pytest.raises(ValueError, match=f"must be float32.*not {dtype}"):
                MAKE[name]((4, 5)).apply(np.zeros((4, 5), np.uint16), dtype=dtype)


FLOATS = sorted(n for n in MAKE if "float32" in MAKE[n]((2, 2)).input_types)


@pytest.mark.parametrize("name", FLOATS)
def test_nan_and_infinity_in_float_pictures(name: str) -> None:
    """NaN is invalid, infinite pixels are in no statistics; the others come out as without them."""
    recipe = MAKE[name]((4, 6))
    finite = np.linspace(290, 310, 24, dtype=np.float32).reshape(4, 6)
    image = finite.copy()
    image[0, 0], image[1, 1], image[2, 2] = np.nan, np.inf, -np.inf
    odd = np.zeros((4, 6), bool)
    odd[[0, 1, 2], [0, 1, 2]] = True
    out = recipe.apply(image)
    expected = recipe.apply(finite, valid=~odd)
    if name not in CORRECTIONS:
        np.testing.assert_array_equal(out[~odd], expected[~odd])
    if name in ("bad_pixels", "chain"):  # which begins with it: replaced
        assert np.isfinite(out).all()
        return
    low, high = {
        "destripe": (-3.4e38, 3.4e38), "two_point_nuc": (-3.4e38, 3.4e38),
        "counts": (-3e38, 3e38), "z_score": (-3e38, 3e38),
    }.get(name, (0, 1))  # fmt: skip
    assert np.isnan(out[0, 0]) if name in CORRECTIONS else out[0, 0] == 0
    np.testing.assert_allclose([out[1, 1], out[2, 2]], [high, low], rtol=0.01)
    nothing = recipe.apply(np.full((4, 6), np.nan, np.float32))
    assert np.isnan(nothing).all() if name in CORRECTIONS else not nothing.any()
    if name not in FLOAT_ONLY:
        assert recipe.apply(image, dtype="uint8")[[0, 1, 2], [0, 1, 2]].tolist() == [0, 255, 0]


@pytest.mark.parametrize("recipe", [MinMax(), Percentile(0, 100), Percentile(), Sigma()])
def test_contrasts_that_float32_cannot_hold(recipe: Recipe) -> None:
    """Below 1e-38 a picture is flat; beyond 3.4e38 the range ends there."""
    tiny = np.array([[0, 1e-45, 3e-45]], np.float32)
    assert not recipe.apply(tiny).any()
    huge = np.array([[-3.4e38, 3.4e38]], np.float32)
    out = recipe.apply(huge)
    assert ((out >= 0) & (out <= 1)).all()
    assert out[0, 0] < out[0, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Window(-1e308, 1e308), "finite in float32, found -1e"),
        (lambda: Window(0, 1e-300), "finite in float32, found 0, 1e-300"),
        (lambda: Window(float("nan"), 1), "found nan"),
        (lambda: ZScore(1e300, 1), "need mean and std"),
        (lambda: ZScore(0, 1e-300), "need mean and std"),
        (lambda: ZScore(float("nan"), 1), "need mean and std"),
        (lambda: Sigma(0), "need k > 0"),
        (lambda: Sigma(float("inf")), "need k > 0"),
        (lambda: TLinear(1e-300, 5), "need gain > 0"),
        (lambda: TLinear(0), "need gain > 0"),
        (lambda: TLinear(1, float("nan")), "need gain > 0"),
        (lambda: HistogramMatch(np.array([-1e308, 1e308])), "finite in float32"),
        (lambda: HistogramMatch(np.array([1.0])), "at least two quantiles"),
        (lambda: LookUp(np.zeros(3)), "256 or 65536"),
        (lambda: LookUp(np.full(256, 1.5)), "0..1"),
        (lambda: Destripe(window=1 << 25), "at most 16777216"),
        (lambda: PlateauEqualization(float("nan")), "need plateau > 0"),
        (lambda: Planck(**{**FLIR, "f": float("nan")}), "are finite"),
        (lambda: Planck(**{**FLIR, "o": float("inf")}), "are finite"),
        (lambda: Planck(**{**FLIR, "r1": 0}), "above 0"),
        (lambda: Planck(**FLIR, reflected=float("inf")), "reflected in kelvin"),
        (lambda: Planck(1, 1, 293.15, float(np.exp(1)), 0), "are finite"),
        (lambda: Atmosphere(distance=float("inf")), "all finite"),
        (lambda: Atmosphere(alpha1=float("nan")), "all finite"),
        (lambda: Atmosphere(distance=1e12, humidity=0), "no transmission"),
        (lambda: Atmosphere(air=1e6), "no transmission"),
        (lambda: MinMax().inverse(np.zeros(2, np.int32), bounds=(0, 9)), "found int32"),
        (lambda: MinMax().inverse(np.zeros(2), bounds=(0, float("nan"))), "two finite counts"),
        (lambda: Invert().inverse(np.zeros(2)), "found float64"),
        (lambda: MAKE["two_point_nuc"]((2, 2)).inverse(np.zeros((3, 2))), r"found shape \(3, 2\)"),
        (lambda: LookUp(RAMP).apply(np.zeros((2, 2), np.uint8)), "for uint16 .*found uint8"),
        (lambda: LookUp(RAMP[:256]).apply(np.zeros((2, 2), np.uint16)), "for uint8 .*found uint16"),
        (lambda: TwoPointNuc.from_flat_fields(np.full((1, 2, 2), np.nan), np.ones((1, 2, 2))),
         "found nan"),
        (lambda: from_bfloat16(np.zeros(2, np.float32)), "found float32"),
        (lambda: recipe_from_dict([1]), "found list"),
        (lambda: recipe_from_dict({"name": [1]}), r"no recipe \[1\]"),
        (lambda: recipe_from_dict({"name": "window", "low": 1}), "window: .*'high'"),
        (lambda: recipe_from_dict({"name": "percentile", "low": "a"}), "percentile: "),
    ],
)  # fmt: skip
def test_impossible_numbers_are_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_counts_that_no_body_radiates() -> None:
    planck = MAKE["planck"]((1, 1))
    assert np.isnan(planck.inverse(np.array([-300.0, np.nan]))).all()
    assert np.isfinite(planck.inverse(np.array([-273.15, 20.0]))).all()


def test_odd_planes_of_the_finders() -> None:
    """What destriping and bad pixels find is defined without pixels too."""
    for shape in ((0, 0), (0, 5), (3, 0)):
        assert not BadPixels().find(np.zeros(shape, np.uint8)).any()
        assert not Destripe().offsets(np.zeros(shape, np.uint8)).any()
    image = np.arange(20, dtype=np.uint16).reshape(4, 5)
    nothing = np.zeros((4, 5), bool)
    assert not BadPixels().find(image, valid=nothing).any()
    assert not Destripe().offsets(image, valid=nothing).any()
    for find in (BadPixels().find, Destripe().offsets):
        with pytest.raises(ValueError, match=r"found shape \(4, 5, 3\)"):
            find(np.zeros((4, 5, 3), np.uint8))
        with pytest.raises(ValueError, match=r"valid must be bool of shape \(4, 5\), found"):
            find(image, valid=np.ones((2, 2), bool))
        with pytest.raises(ValueError, match="found <i4"):
            find(image.astype(np.int32))


def test_statistics_of_pictures_that_hardly_are_any() -> None:
    for image, valid in (
        (np.zeros((0, 4), np.uint8), None),
        (np.full((2, 3), 9, np.uint8), np.zeros((2, 3), bool)),
    ):
        none = Statistics.of(image, valid=valid)
        assert (none.pixels, none.low, none.high, none.mean, none.std) == (0, 0, 0, 0, 0)
        assert none.percentiles([0, 50, 100]) == [0, 0, 0]
        assert not Percentile().apply(np.full((2, 2), 0, np.uint8), statistics=none).any()
    flat = Statistics.of(np.full((3, 3), 9, np.uint16))
    assert (flat.low, flat.high, flat.mean, flat.std) == (9, 9, 9, 0)
    assert flat.percentiles([1, 99]) == [9, 9]
    for call, message in (
        (lambda: Statistics.of(np.zeros((2, 2), np.float32)), "found <f4"),
        (lambda: Statistics.of(np.zeros(4, np.uint8)), r"found shape \(4,\)"),
        (lambda: flat.percentiles([np.nan]), "found .*nan"),
        (lambda: flat.percentiles([101]), "found .*101"),
        (lambda: Statistics("uint8", np.zeros(4, np.uint64)), r"256 counters, found uint64 \(4,\)"),
        (lambda: Statistics("int8", np.zeros(256, np.uint64)), "found 'int8'"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
