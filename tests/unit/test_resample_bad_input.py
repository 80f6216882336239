"""What resampling refuses, and what it makes of pictures that hardly are any."""

from __future__ import annotations

import numpy as np
import pytest

from irtd_fast.geometry import Normalize, resample, resample_batch

FILTERS = ["nearest", "bilinear", "area", "antialias"]
IMAGE = np.arange(72, dtype=np.uint8).reshape(8, 9)
BAD = (
    ({"where": (0, 0, 0, 8)}, "positive sides"),
    ({"where": (9, 0, 12, 8)}, "does not touch"),
    ({"where": (0, 0, np.inf, 8)}, "not finite"),
    ({"where": (0, 0, 9)}, "windows"),
    ({"where": np.full((2, 3), np.nan)}, "not finite"),
    ({"where": [[1, 2, 0], [2, 4, 0]]}, "singular"),
    ({"where": [[1e-6, 0, 0], [0, 1, 0]]}, r"2\*\*15"),
    ({"where": [[1, 0, 1e12], [0, 1, 0]]}, r"2\*\*30"),
    ({"size": (0, 4)}, "size"),
    ({"size": (4, 1 << 30)}, "size"),
    ({"channels": 2}, "channels"),
    ({"dtype": "float64"}, "dtype"),
    ({"dtype": "int32"}, "int32"),
    ({"layout": "nchw"}, "layout"),
    ({"layout": "hw", "channels": 3}, "layout hw"),
    ({"filter": "cubic"}, "filter"),
    ({"border": "wrap"}, "border"),
    ({"border_value": np.nan}, "border"),
    ({"normalize": Normalize(scale=np.nan)}, "scale"),
    ({"normalize": Normalize(scale=(1, 2))}, "one value or three"),
    ({"normalize": Normalize(low=2, high=1)}, "clip"),
    ({"normalize": Normalize(tone=np.zeros(255, np.float32))}, "tone"),
    ({"image": IMAGE.astype(np.float64), "dtype": "float32"}, "float64"),
    ({"image": IMAGE.astype(">u2"), "dtype": "uint8"}, "uint8, uint16"),
    ({"image": np.zeros((8, 9, 2), np.uint8), "channels": 1}, "channels|shape"),
    ({"image": np.zeros((0, 9), np.uint8)}, "does not touch|shape"),
    ({"image": np.zeros((0, 9), np.uint8), "where": np.eye(2, 3)}, "shape"),
    ({"image": np.zeros(9, np.uint8), "where": np.eye(2, 3)}, "shape"),
    ({"image": IMAGE.astype(np.int32), "filter": "bilinear"}, "nearest"),
    ({"out": np.zeros((1, 4, 5), np.uint8)}, "out"),
    ({"out": np.zeros((1, 4, 4), np.float32)}, "out"),
    ({"out": np.zeros((1, 4, 8), np.uint8)[:, :, ::2]}, "contiguous"),
)


def test_wrong_requests_are_refused():
    image = IMAGE
    good = {"image": image, "where": (0, 0, 9, 8), "size": (4, 4)}
    resample(**good)
    for change, message in BAD:
        with pytest.raises(ValueError, match=message):
            resample(**(good | change))
    with pytest.raises(TypeError, match="NumPy"):
        resample([[1, 2]], (0, 0, 2, 1), (1, 1))
    with pytest.raises(ValueError, match="row 1"):
        resample_batch([image, image], np.array([np.eye(2, 3), np.zeros((2, 3))]), (4, 4))
    big = np.zeros((1, 1, 8, 9), np.uint8)
    with pytest.raises(ValueError, match="share memory"):
        resample_batch([big[0, 0]], np.eye(2, 3)[None], (8, 9), out=big)


def test_degenerate_pictures_have_defined_results():
    for kind in FILTERS:
        one = resample(np.array([[200]], np.uint8), (0, 0, 1, 1), (3, 5), filter=kind, layout="hw")
        assert (one == 200).all()
        flat = np.full((30, 40), 77, np.uint16)
        assert (resample(flat, (3, 4, 39, 29), (11, 50), filter=kind) == 77).all()
    image = np.zeros((6, 6), np.float32)
    image[3, 3] = np.nan
    floats = resample(image, (0, 0, 6, 6), (6, 6))
    assert np.isnan(floats).sum() == 1
    whole = resample(image, (0, 0, 6, 6), (6, 6), dtype="uint8")
    assert (whole == 0).all()
    image[3, 3] = np.inf
    assert resample(image, (0, 0, 6, 6), (6, 6), dtype="uint8").max() == 255
