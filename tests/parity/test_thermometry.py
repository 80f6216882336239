"""Planck and T-linear: published values, the independent package flyr on real R-JPEGs, inverses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from irtd_fast.radiometry import Atmosphere, Chain, Planck, TLinear, Window, recipe_from_dict

# Calibration of the FLIR SC660 in the examples of Thermimage 4.1 (Tattersall), raw2temp.R.
SC660 = {"r1": 21106.77, "r2": 0.012545258, "b": 1501.0, "f": 1.0, "o": -7340.0}
RJPEGS = ["FLIR.jpg", "FLIR_AX8.jpg", "FLIR_B60.jpg", "FLIR_E40.jpg", "FLIR_T640.jpg"]


def thermimage(raw, e, distance, reflected, air, window, transmission, humidity):
    """raw2temp of Thermimage, term by term, degrees Celsius throughout."""
    r1, r2, b, f, o = (SC660[name] for name in ("r1", "r2", "b", "f", "o"))
    h2o = (
        humidity
        / 100
        * np.exp(1.5587 + 0.06939 * air - 0.00027816 * air**2 + 0.00000068455 * air**3)
    )
    root = np.sqrt(h2o)
    near = np.exp(-np.sqrt(distance / 2) * (0.006569 - 0.002276 * root))
    far = np.exp(-np.sqrt(distance / 2) * (0.01262 - 0.00667 * root))
    tau = 1.9 * near + (1 - 1.9) * far

    def raw_of(celsius):
        return r1 / (r2 * (np.exp(b / (celsius + 273.15)) - f)) - o

    value = raw / e / tau / transmission / tau
    value -= (1 - tau) / e / tau * raw_of(air)
    value -= (1 - tau) / e / tau / transmission / tau * raw_of(air)
    value -= (1 - transmission) / e / tau / transmission * raw_of(window)
    value -= (1 - e) / e * raw_of(reflected)
    return b / np.log(r1 / (r2 * (value + o)) + f) - 273.15


@pytest.mark.parametrize(
    ("e", "distance", "reflected", "air", "window", "transmission", "humidity"),
    [(1, 0, 20, 20, 20, 1, 50), (0.95, 1, 20, 20, 20, 0.96, 50), (0.8, 30, 5, 31, 27, 0.9, 85)],
)
def test_planck_is_the_published_chain(e, distance, reflected, air, window, transmission, humidity):
    raw = np.arange(14000, 30000, 7, dtype=np.uint16).reshape(1, -1)
    recipe = Planck(
        **SC660, emissivity=e, reflected=reflected + 273.15, unit="celsius",
        atmosphere=Atmosphere(
            distance, humidity / 100, air + 273.15, window + 273.15, transmission
        ),
    )  # fmt: skip
    expected = thermimage(
        raw.astype(np.float64), e, distance, reflected, air, window, transmission, humidity
    )
    np.testing.assert_allclose(recipe.apply(raw), expected, atol=2e-5)
    assert np.abs(recipe.inverse(recipe.apply(raw)) - raw).max() < 1


# Counts of an SC660 frame, and what FLIR's own Thermacam Researcher Pro exported for them with a
# window of transmission 0.7 (emissivity 0.96, 1 m, 20 degrees all around, 50 % humidity), rounded
# to 0.1 degrees: gtatters/ThermimageCalibration, IguanaRawR&D.csv and Iguana_T0.7.csv, top left.
PUBLISHED_COUNTS = [
    19852, 19867, 19838, 19835, 19839, 19848, 19831, 19842, 19820, 19812, 19832, 19807, 19826,
    19824, 19815, 19824, 19799, 19813, 19802, 19805, 19796, 19800, 19775, 19800, 19792,
]  # fmt: skip
PUBLISHED_CELSIUS = [
    38.4, 38.5, 38.3, 38.2, 38.3, 38.3, 38.2, 38.3, 38.1, 38.1, 38.2, 38.1, 38.2,
    38.2, 38.1, 38.2, 38.0, 38.1, 38.0, 38.0, 38.0, 38.0, 37.8, 38.0, 37.9,
]  # fmt: skip


def test_planck_gives_the_temperatures_that_flirs_own_software_published():
    recipe = Planck(
        **SC660, emissivity=0.96, reflected=293.15, unit="celsius",
        atmosphere=Atmosphere(1, 0.5, 293.15, 293.15, 0.7),
    )  # fmt: skip
    found = recipe.apply(np.array([PUBLISHED_COUNTS], np.uint16))[0]
    apart = found - np.array(PUBLISHED_CELSIUS)
    # The mean over all pixels that is published for this formula is 0.044, one step of the camera
    # 0.04 and one of the rounding 0.1.
    assert abs(apart.mean()) < 0.08
    assert np.abs(apart).max() < 0.15


@pytest.mark.dumps
@pytest.mark.parametrize("name", RJPEGS)
def test_planck_is_what_flyr_says_of_real_files(dumps, name):
    flyr = pytest.importorskip("flyr")
    picture = flyr.unpack(str(dumps / "rjpeg" / name))
    facts = picture.metadata
    raw = picture._FlyrThermogram__thermal.astype(np.uint16)
    air = Atmosphere(
        facts["object_distance"], facts["relative_humidity"], facts["atmospheric_temperature"],
        facts["ir_window_temperature"], facts["ir_window_transmission"],
        facts["atmospheric_trans_alpha1"], facts["atmospheric_trans_alpha2"],
        facts["atmospheric_trans_beta1"], facts["atmospheric_trans_beta2"],
        facts["atmospheric_trans_x"],
    )  # fmt: skip
    recipe = Planck(
        facts["planck_r1"], facts["planck_r2"], facts["planck_b"], facts["planck_f"],
        facts["planck_o"], facts["emissivity"], facts["reflected_apparent_temperature"], air,
    )  # fmt: skip
    kelvin = recipe.apply(raw)
    # flyr takes 273.17 for 273.15 in one term of the water in the air: far below 1 mK here.
    np.testing.assert_allclose(kelvin, picture.kelvin, atol=2e-3)
    assert 200 < np.nanmin(kelvin) < np.nanmax(kelvin) < 1500
    assert np.nanmax(np.abs(recipe.inverse(kelvin) - raw)) < 1
    again = recipe_from_dict(json.loads(json.dumps(recipe.to_dict())))
    assert again == recipe


def test_counts_without_a_temperature_are_nan_and_so_are_invalid_pixels():
    recipe = Planck(**SC660)
    raw = np.array([[0, 7000, 18109, 18109]], np.uint16)
    valid = np.array([[True, True, True, False]])
    found = recipe.apply(raw, valid=valid)
    np.testing.assert_array_equal(np.isnan(found), [[True, True, False, True]])
    share = Chain((recipe, Window(280, 320))).apply(raw, valid=valid, dtype="uint8")
    assert share[0, 2] == np.rint((found[0, 2] - 280) / 40 * 255)
    np.testing.assert_array_equal(share[0, [0, 1, 3]], 0)


def test_t_linear():
    raw = np.array([[7500, 7501, 0]], np.uint16)
    np.testing.assert_allclose(TLinear().apply(raw), [[300, 300.04, 0]], atol=1e-4)
    celsius = TLinear(0.01, -273.15)
    values = celsius.apply(np.array([[29815]], np.uint16), valid=np.array([[True]]))
    assert values[0, 0] == pytest.approx(25.0, abs=1e-3)
    assert celsius.inverse(values)[0, 0] == pytest.approx(29815, abs=0.5)
    assert np.isnan(TLinear().apply(raw, valid=np.zeros((1, 3), bool))).all()
    np.testing.assert_allclose(
        Chain((TLinear(), Window(290, 310))).apply(raw), [[0.5, 0.502, 0]], atol=1e-5
    )


@pytest.mark.parametrize("recipe", [TLinear(), Planck(**SC660)])
def test_temperatures_need_a_float_output(recipe):
    with pytest.raises(ValueError, match="chain a Window"):
        recipe.apply(np.zeros((2, 2), np.uint16), dtype="uint8")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Planck(**SC660, emissivity=0),
        lambda: Planck(**{**SC660, "b": -1.0}),
        lambda: Planck(**SC660, unit="fahrenheit"),
        lambda: Atmosphere(humidity=50),
        lambda: Atmosphere(window_transmission=0),
        lambda: TLinear(0),
    ],
)
def test_impossible_cameras_are_refused(make):
    with pytest.raises(ValueError, match="need"):
        make()
