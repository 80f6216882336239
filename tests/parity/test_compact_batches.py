"""Batches of compact stores: leaving rows out changes nothing, shrinking little."""

from __future__ import annotations

import numpy as np
import pytest

import irtd_fast
from irtd_fast import _core, synth
from irtd_fast.geometry import matrix as affine
from irtd_fast.geometry.resampling import resample
from irtd_fast.radiometry import MinMax, Window, ZScore
from irtd_fast.store.plan import IngestOptions


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("compact")
    synth.write_dump(root / "dump", source="hit-uav", count=8, seed=4, size=(256, 320))
    options = IngestOptions(profile="compact")
    irtd_fast.ingest(root / "dump", root / "s.zarr", source="hit-uav", options=options)
    return irtd_fast.open(root / "s.zarr")


def run(dataset, matrices, size, recipe, **options):
    index = np.arange(len(matrices)) % len(dataset)
    codes, rows = dataset.locate(index)
    return dataset.pipeline.run(
        codes, rows, np.stack(matrices), size=size, normalize=[recipe.native("float32")], **options
    )[0]


def windows(rng, count, size, least, most):
    """Windows of 256 x 320 pictures as matrices to ``size``, some of them mirrored or turned."""
    made = []
    for _ in range(count):
        high, wide = rng.uniform(least, most), rng.uniform(least, most)
        y, x = rng.uniform(0, 256 - high), rng.uniform(0, 320 - wide)
        matrix = affine.crop((x, y, x + wide, y + high), size)
        if rng.random() < 0.5:
            matrix = affine.compose(matrix, affine.flip_horizontal(size[1]))
        if rng.random() < 0.3 and size[0] == size[1]:
            matrix = affine.compose(matrix, affine.rotate90(1, size))
        made.append(matrix)
    return made


@pytest.mark.parametrize("filter", ["nearest", "bilinear", "area", "antialias"])
@pytest.mark.parametrize("recipe", [ZScore(120, 30), Window(0, 255), MinMax()])
def test_leaving_rows_out_changes_nothing(dataset, rng, filter, recipe):
    matrices = windows(rng, 24, (96, 96), 20, 180)
    matrices[0] = affine.crop((-10, -20, 100, 90), (96, 96))  # beyond the border
    matrices[1] = affine.rotation(0.3, (100, 100))
    found = run(dataset, matrices, (96, 96), recipe, filter=filter)
    for i, matrix in enumerate(matrices):
        picture = dataset[i % len(dataset)].infrared
        expected = resample(recipe.apply(picture), matrix, (96, 96), dtype="float32", filter=filter)
        np.testing.assert_allclose(found[i], expected, atol=2e-5, err_msg=str(i))


@pytest.mark.parametrize("filter", ["area", "antialias"])
def test_shrunk_decoding_is_close_and_only_where_it_reduces(dataset, rng, filter):
    small = windows(rng, 16, (24, 24), 50, 200)  # reduced by 2 to 8
    plain = run(dataset, small, (24, 24), Window(0, 255), filter=filter) * 255
    shrunk = run(dataset, small, (24, 24), Window(0, 255), filter=filter, shrink_jpeg=True) * 255
    assert not np.array_equal(plain, shrunk)
    assert np.abs(plain - shrunk).mean() < 2  # the pictures have noise of several levels
    assert np.abs(plain - shrunk).max() < 30
    large = windows(rng, 16, (128, 128), 60, 250)
    for options in ({"filter": filter}, {"filter": "bilinear"}):
        matrices = large if options["filter"] == filter else small
        size = (128, 128) if matrices is large else (24, 24)
        both = [
            run(dataset, matrices, size, Window(0, 255), shrink_jpeg=on, **options)
            for on in (False, True)
        ]
        np.testing.assert_array_equal(*both)


def test_the_build_says_whether_rows_are_left_out():
    assert _core.build_info()["libjpeg"].startswith(("yes", "no"))
