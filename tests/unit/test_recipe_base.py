"""What all recipes share: registry, JSON, equality, refusal of what is no picture."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from irtd_fast.radiometry import (
    Chain,
    Counts,
    Invert,
    MinMax,
    Percentile,
    PlateauEqualization,
    Recipe,
    Statistics,
    Window,
    ZScore,
    from_bfloat16,
    recipe_from_dict,
    recipe_names,
    register,
    to_bfloat16,
)
from irtd_fast.radiometry.base import frozen_array


@dataclass(frozen=True, eq=False)
class Gain(Recipe):
    """Multiplies by a field of numbers."""

    gain: np.ndarray
    name: ClassVar[str] = "test_gain"

    def _apply(self, image, dtype, valid):
        return np.clip(np.rint(image * self.gain), 0, 65535).astype(dtype)


@pytest.fixture
def gain(monkeypatch):
    from irtd_fast.radiometry import base

    monkeypatch.setitem(base._registry, "test_gain", Gain)
    return Gain(np.array([[1.5, 2.0]], np.float32))


def test_array_fields_survive_json_exactly(gain):
    again = recipe_from_dict(json.loads(json.dumps(gain.to_dict())))
    assert again == gain
    assert hash(again) == hash(gain)
    assert again.gain.dtype == np.float32
    assert not again.gain.flags.writeable
    assert again != Gain(np.array([[1.5, 2.5]], np.float32))


def test_a_chain_is_its_steps_one_after_another(gain):
    image = np.array([[10, 20], [30, 40]], np.uint16)
    chain = recipe_from_dict(json.loads(json.dumps(Chain((gain, Window(0, 80))).to_dict())))
    np.testing.assert_allclose(chain.apply(image), [[15 / 80, 0.5], [45 / 80, 1.0]])
    inner = Chain((Invert(), PlateauEqualization(), Invert()))
    flat = Chain((Invert(), *inner.recipes, Percentile()))
    nested = Chain((Invert(), inner, Percentile()))
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 3000, (3, 20, 30)).astype(np.uint16)
    np.testing.assert_array_equal(nested.apply_batch(pixels), flat.apply_batch(pixels))
    np.testing.assert_array_equal(nested.apply_batch(pixels)[1], nested.apply(pixels[1]))
    for wrong in ((), (MinMax(), "percentile")):
        with pytest.raises(ValueError, match="need at least one recipe"):
            Chain(wrong)


def test_damaged_json_is_refused(gain):
    form = gain.to_dict()
    form["gain"]["$array"]["shape"] = [1, 3]
    with pytest.raises(ValueError, match="expected 12 bytes, found 8"):
        recipe_from_dict(form)
    with pytest.raises(ValueError, match="expected fields high, low, scope, found hi"):
        recipe_from_dict({"name": "percentile", "low": 1, "hi": 2})


def test_names_are_unique():
    assert {"counts", "min_max", "percentile", "window", "z_score", "chain"} <= set(recipe_names())

    @dataclass(frozen=True, eq=False)
    class Other(Recipe):
        name: ClassVar[str] = "min_max"

    with pytest.raises(ValueError, match="a name of its own, found 'min_max'"):
        register(Other)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 2), np.int32), "found <i4"),
        (np.zeros((2, 2), ">u2"), "found >u2"),
        (np.zeros(4, np.uint8), r"found shape \(4,\)"),
    ],
)
def test_what_is_no_picture_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        MinMax().apply(image)
    with pytest.raises(TypeError, match="found list"):
        MinMax().apply(image.tolist())


def test_a_mask_must_fit():
    image = np.zeros((2, 3), np.uint8)
    for valid in (np.ones((3, 2), bool), np.ones((2, 3), np.uint8)):
        with pytest.raises(ValueError, match=r"valid must be bool of shape \(2, 3\)"):
            MinMax().apply(image, valid=valid)
    with pytest.raises(ValueError, match="found 'int8'"):
        MinMax().apply(image, dtype="int8")


@pytest.mark.parametrize("recipe", [Counts(), MinMax(), Percentile(), Window(1, 9), ZScore(5, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "uint8", "uint16"])
def test_empty_constant_and_invalid_pictures(recipe, dtype):
    if isinstance(recipe, ZScore) and dtype.startswith("u"):
        return
    for shape in ((0, 0), (0, 5), (3, 0), (0, 4, 3)):
        assert recipe.apply(np.zeros(shape, np.uint16), dtype=dtype).shape == shape
    flat = np.full((3, 4), 7, np.uint16)
    assert not recipe.apply(flat, dtype=dtype, valid=np.zeros((3, 4), bool)).any()
    if isinstance(recipe, MinMax | Percentile):
        assert not recipe.apply(flat, dtype=dtype).any()


def test_invalid_pixels_are_in_no_statistics_and_become_zero():
    image = np.array([[100, 200, 65535]], np.uint16)
    valid = np.array([[True, True, False]])
    np.testing.assert_allclose(MinMax().apply(image, valid=valid), [[0, 1, 0]], atol=2**-22)
    warm = np.array([[290.0, 300.0, np.nan, np.inf]], np.float32)
    np.testing.assert_allclose(MinMax().apply(warm), [[0, 1, 0, 1]], atol=2**-22)


def test_statistics_of_many_pictures_fix_the_range():
    rng = np.random.default_rng(5)
    images = rng.integers(500, 4000, (5, 9, 11)).astype(np.uint16)
    total = Statistics.of(images[0])
    for image in images[1:]:
        total = total + Statistics.of(image)
    assert (total.images, total.pixels) == (5, images.size)
    assert (total.low, total.high) == (images.min(), images.max())
    assert total.mean == pytest.approx(images.mean())
    assert total.std == pytest.approx(images.std())
    assert total.percentiles((3, 50, 97.5)) == np.percentile(images, (3, 50, 97.5)).tolist()
    low, high = np.percentile(images, (3, 97))
    expected = np.clip((images[0] - low) / (high - low), 0, 1)
    found = Percentile(3, 97).apply(images[0], statistics=total)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    with pytest.raises(ValueError, match="do not merge"):
        _ = total + Statistics.of(np.zeros((1, 1), np.uint8))


def test_bfloat16_is_rounded_half_to_even():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rng = np.random.default_rng(3)
    values = rng.integers(0, 2**32, 20000, np.uint64).astype(np.uint32).view(np.float32)
    values = np.concatenate([values, np.float32([0, -0.0, 1.00390625, 1.01171875, np.inf])])
    bits = to_bfloat16(values)
    with np.errstate(invalid="ignore"):  # signalling NaN
        expected = values.astype(ml_dtypes.bfloat16).view(np.uint16)
    number = ~np.isnan(values)
    np.testing.assert_array_equal(bits[number], expected[number])
    assert np.isnan(from_bfloat16(bits[~number])).all()
    np.testing.assert_array_equal(
        from_bfloat16(bits)[number], bits.view(ml_dtypes.bfloat16)[number].astype(np.float32)
    )


def test_inverse_brings_counts_back():
    image = np.arange(1000, 1500, dtype=np.uint16).reshape(20, 25)
    recipe = MinMax()
    out = recipe.apply(image, dtype="uint16")
    back = recipe.inverse(out, bounds=recipe.bounds(image))
    assert np.abs(back - image).max() <= 1
    with pytest.raises(ValueError, match="needs the bounds"):
        recipe.inverse(out)
    np.testing.assert_array_equal(Chain((recipe,)).inverse(out, bounds=recipe.bounds(image)), back)


def test_frozen_arrays_are_copies():
    values = np.arange(3)
    frozen = frozen_array(values)
    values[0] = 9
    assert frozen[0] == 0
