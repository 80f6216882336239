"""Recipes: formulas, JSON round trip, equality of the reference and the native pipeline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from irtd_fast import _core
from irtd_fast.radiometry import (
    Chain,
    Counts,
    HistogramMatch,
    Invert,
    MinMax,
    Percentile,
    PlateauEqualization,
    Sigma,
    TLinear,
    Window,
    ZScore,
    recipe_from_dict,
)

RECIPES = [
    Counts(), MinMax(), Percentile(2, 98), Window(10, 200.5), ZScore(100, 12.5), Sigma(2),
    Invert(), PlateauEqualization(), HistogramMatch(np.linspace(3, 90, 17)), TLinear(0.5, -20),
    Chain((Invert(), Percentile())), Chain((TLinear(), Window(2, 9))),
    Chain((PlateauEqualization(), Sigma(1.5))),
    Chain((Invert(), Chain((PlateauEqualization(), Invert(), MinMax())), Percentile())),
]  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_json_round_trip(recipe):
    assert recipe_from_dict(recipe.to_dict()) == recipe


def test_unknown_recipe_lists_the_known_ones():
    with pytest.raises(ValueError, match="min_max"):
        recipe_from_dict({"name": "agc"})


def run_native(image, recipe, dtype, tmp_path):
    """One picture through the batch pipeline at its own size."""
    height, width = image.shape
    chain = _core.CodecChain([("crc32c", {})], image.itemsize)
    path = tmp_path / "c" / "0" / "0" / "0"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = _core.ShardWriter(str(path), 1, 1, image.nbytes, chain)
    writer.put(0, np.ascontiguousarray(image))
    writer.finish()
    reader = _core.ShardReader(
        prefix=f"{tmp_path}/c/", suffix="/0/0", rows=1, rows_per_shard=1,
        sample_shape=[height, width], dtype=image.dtype.str, chain=chain,
    )  # fmt: skip
    pipeline = _core.BatchPipeline([_core.bucket_source(reader, height, width, 1)])
    batch, _ = pipeline.run(
        np.zeros(1, np.int32), np.zeros(1, np.int64), np.eye(2, 3)[None],
        size=(height, width), dtype=dtype, normalize=[recipe.native(dtype)],
    )  # fmt: skip
    return batch[0, 0]


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        st.tuples(st.integers(1, 20), st.integers(1, 24)),
        elements=st.integers(0, 255),
    ),
    st.sampled_from(RECIPES),
    st.sampled_from(["float32", "uint8"]),
)
def test_pipeline_equals_the_formula(tmp_path_factory, image, recipe, dtype):
    if isinstance(recipe, ZScore | TLinear) and dtype == "uint8":
        with pytest.raises(ValueError, match="float32"):
            recipe.native(dtype)
        return
    expected = recipe.apply(image, dtype=dtype)
    found = run_native(image, recipe, dtype, tmp_path_factory.mktemp("array"))
    if dtype == "uint8":
        assert np.abs(expected.astype(int) - found.astype(int)).max() <= 1
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)


def test_stretch_reaches_both_ends_and_a_flat_picture_is_zero():
    image = np.arange(5000, 5100, dtype=np.uint16).reshape(10, 10)
    out = MinMax().apply(image)
    assert out.min() == 0
    assert out.max() == pytest.approx(1, abs=2**-22)
    assert not MinMax().apply(np.full((3, 3), 7, np.uint16)).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Percentile(50, 10),
        lambda: Percentile(-1, 99),
        lambda: Window(5, 5),
        lambda: Window(0, float("inf")),
        lambda: ZScore(0, 0),
    ],
)
def test_impossible_parameters(make):
    with pytest.raises(ValueError, match="need"):
        make()
