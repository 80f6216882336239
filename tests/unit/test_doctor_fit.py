"""Contrast of boxes, misfits, shifted frames: against plain NumPy and known truth."""

from __future__ import annotations

import numpy as np

from irtd_fast.doctor.fit import Contrast, find_shift, misfit


def test_frames_that_are_shifted_are_found(rng: np.random.Generator) -> None:
    pictures, boxes = [], []
    for frame in range(20):
        picture = rng.normal(100, 3, (120, 160))
        x, y = 10 + 6 * frame, 40 + 2 * (frame % 5)
        picture[y : y + 20, x : x + 9] += 60
        pictures.append(Contrast(picture))
        boxes.append(np.array([[x, y, x + 9.0, y + 20.0]]))
    assert find_shift(pictures, boxes) is None
    shift = find_shift(pictures[2:], boxes[:-2])  # labels are two frames late
    assert shift is not None
    assert shift.frames == -2
    shift = find_shift(pictures[:-1], boxes[1:])
    assert shift is not None
    assert shift.frames == 1


def test_contrast_is_that_of_the_pixels(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 60000, (64, 80)).astype(np.uint16)
    box = np.array([[20.0, 16.0, 40.0, 36.0]])
    inside = picture[16:36, 20:40].astype(float)
    whole = picture[9:43, 13:47].astype(float)
    ring = (whole.sum() - inside.sum()) / (whole.size - inside.size)
    expected = abs(inside.mean() - ring) / whole.std()
    np.testing.assert_allclose(Contrast(picture).of(box), [expected], rtol=1e-9)


def test_p_values_of_unrelated_boxes_are_uniform(rng: np.random.Generator) -> None:
    values = []
    for _ in range(300):
        contrast = Contrast(rng.normal(0, 1, (80, 100)))
        corner = rng.uniform(0, 60, (2, 2))
        values.append(misfit(contrast, np.concatenate([corner, corner + 12], axis=1), rng))
    values = np.array(values)
    for level in (0.1, 0.3, 0.5, 0.8):
        assert abs((values <= level).mean() - level) < 0.09
    outside = np.array([[500.0, 500, 510, 510]])
    assert np.isnan(misfit(Contrast(np.zeros((9, 9))), outside, rng))
