"""One place in a picture, its mask, boxes, corners, points, polygons and density after any chain.

Each kernel is compared with where the matrix sends the place, in double precision; so none can lie
more than twice the bound from another.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from irtd_fast.density import Density, density_maps
from irtd_fast.geometry import matrix
from irtd_fast.geometry.oriented import boxes_to_corners
from irtd_fast.geometry.remap import (
    BoxOptions,
    remap_boxes,
    remap_corners,
    remap_points,
    remap_polygons,
)
from irtd_fast.geometry.resampling import resample

SOURCE = (150, 190)
SIGMA = 4.0  # of the blob, source pixels
RADIUS = 9.0  # of the disk in the mask, and half a side of the box
NEAR = 0.25  # pixels; two of them are within 0.5 of each other
OPTIONS = BoxOptions(min_visible=0, min_size=0)


@st.composite
def steps(draw, size):
    """One step of a chain: its matrix, and the size that the picture then has."""
    height, width = size
    kind = draw(
        st.sampled_from(["crop", "cut", "resize", "mirror", "flip", "turn", "affine", "letterbox"])
    )
    share = st.floats(0, 1)
    new = (draw(st.integers(40, 240)), draw(st.integers(40, 240)))
    if kind in ("crop", "cut"):
        x0, y0 = 0.2 * width * draw(share), 0.2 * height * draw(share)
        x1, y1 = width * (0.8 + 0.3 * draw(share)), height * (0.8 + 0.3 * draw(share))
        if kind == "crop":
            return matrix.crop((x0, y0, x1, y1), new), new
        x0, y0, x1, y1 = map(round, (x0, y0, x1, y1))
        return matrix.crop((x0, y0, x1, y1)), (y1 - y0, x1 - x0)
    if kind == "resize":
        return matrix.resize(size, new), new
    if kind == "mirror":
        return matrix.flip_horizontal(width), size
    if kind == "flip":
        return matrix.flip_vertical(height), size
    if kind == "turn":
        quarters = draw(st.integers(1, 3))
        return matrix.rotate90(quarters, size), size[::-1] if quarters % 2 else size
    if kind == "letterbox":
        return matrix.letterbox(size, new), new
    turned = matrix.rotation(
        draw(st.floats(-3.1, 3.1)), (width / 2, height / 2), draw(st.floats(0.8, 1.25))
    )
    shear = np.array([[1, draw(st.floats(-0.3, 0.3)), 0], [draw(st.floats(-0.2, 0.2)), 1, 0]])
    return matrix.compose(turned, shear), size


@st.composite
def chains(draw):
    """(matrix, size, place in the source): the place is far enough from both pictures' borders."""
    size, done = SOURCE, []
    for _ in range(draw(st.integers(1, 5))):
        step, size = draw(steps(size))
        done.append(step)
    whole = matrix.compose(*done)
    largest, smallest = np.linalg.svd(whole[:, :2], compute_uv=False)
    assume(smallest > 0.4)
    assume(largest < 3)
    margin = 4.5 * SIGMA * largest + 2
    assume(min(size) > 2 * margin + 2)
    target = [
        draw(st.floats(margin, size[1] - margin)),
        draw(st.floats(margin, size[0] - margin)),
    ]
    place = matrix.apply(matrix.invert(whole), [target])[0]
    inset = 4.5 * SIGMA + 1
    assume((place > inset).all())
    assume((place < np.array(SOURCE[::-1]) - inset).all())
    return whole, size, place


def centre_of_mass(values: np.ndarray) -> np.ndarray:
    """x, y in pixel edges: pixel k has its centre at k + 0.5."""
    total = values.sum(dtype=np.float64)
    rows = (values.sum(axis=1, dtype=np.float64) * (np.arange(values.shape[0]) + 0.5)).sum()
    columns = (values.sum(axis=0, dtype=np.float64) * (np.arange(values.shape[1]) + 0.5)).sum()
    return np.array([columns, rows]) / total


def blob_and_disk(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[: SOURCE[0], : SOURCE[1]] + 0.5
    squared = (x - place[0]) ** 2 + (y - place[1]) ** 2
    blob = 40_000 * np.exp(-squared / (2 * SIGMA**2))
    return blob.astype(np.uint16), (squared <= RADIUS**2).astype(np.uint8)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(chains(), st.sampled_from(["bilinear", "antialias", "area"]))
def test_all_kernels_send_one_place_to_one_place(chain, filter):
    whole, size, place = chain
    expected = matrix.apply(whole, [place])[0]
    blob, disk = blob_and_disk(place)
    found = {}
    found["picture"] = centre_of_mass(
        resample(blob, whole, size, filter=filter, border="constant", layout="hw", dtype="float32")
    )
    found["mask"] = centre_of_mass(
        resample(disk, whole, size, filter="nearest", border="constant", layout="hw")
    )
    box = np.concatenate([place - RADIUS, place + RADIUS])[None]
    one, frame = [0, 1], (whole[None], size)
    low, high = remap_boxes(box, one, *frame, OPTIONS).values[0].reshape(2, 2)
    found["box"] = (low + high) / 2
    found["corners"] = (
        remap_corners(boxes_to_corners(box), one, *frame, OPTIONS)
        .values[0]
        .reshape(4, 2)
        .mean(axis=0)
    )
    found["point"] = remap_points(place[None], one, *frame).values[0]
    found["polygon"] = remap_polygons(
        boxes_to_corners(box).reshape(4, 2), [0, 4], one, *frame, OPTIONS
    ).values.mean(axis=0)
    found["density"] = centre_of_mass(
        density_maps(place[None], one, size, Density(3.0), matrices=whole[None])[0]
    )
    for what, where in found.items():
        # The centre of a disk of pixels is only as sharp as its edge of pixels.
        bound = 2 * NEAR if what == "mask" else NEAR
        assert np.abs(where - expected).max() <= bound, (what, where, expected)
    spread = np.ptp(np.stack(list(found.values())), axis=0).max()
    assert spread <= 0.5, found


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_a_density_of_cells_lies_where_the_picture_lies(stride):
    place = np.array([70.3, 51.8])
    whole = matrix.compose(matrix.flip_horizontal(190), matrix.resize(SOURCE, (300, 380)))
    cells = density_maps(
        place[None], [0, 1], (300, 380), Density(6.0, stride=stride), matrices=whole[None]
    )[0]
    expected = matrix.apply(whole, [place])[0]
    assert np.abs(centre_of_mass(cells) * stride - expected).max() < 0.5
