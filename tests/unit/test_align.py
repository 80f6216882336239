"""Pair alignment against known truth: windows recovered, chance refused, nothing guessed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from align_truth import (
    INFRARED,
    VISIBLE,
    field_of_view,
    label_visible,
    recovered,
    scene,
    shuffle,
    zoom,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from irtd_fast.geometry.align import AlignOptions, PairAlignment, align_pair
from irtd_fast.geometry.align_model import MODELS, fit_model, map_boxes
from irtd_fast.geometry.align_windows import common_windows
from irtd_fast.geometry.matrix import invert
from irtd_fast.geometry.rig import find_rig

NOISE = 2.0  # pixels, either way, on every edge of both label sets


def align(infrared, visible, **options) -> PairAlignment:
    return align_pair(
        infrared, visible, infrared_size=INFRARED, visible_size=VISIBLE,
        options=AlignOptions(**options),
    )  # fmt: skip


def trials(rng, count: int, boxes: int, *, wrong: float = 0.0):
    for _ in range(count):
        matrix = field_of_view(rng)
        truth = scene(rng, boxes)
        noisy = truth + rng.uniform(-NOISE, NOISE, truth.shape)
        visible = label_visible(rng, truth, matrix, noise=NOISE, wrong=wrong)
        yield matrix, align(noisy, visible)


@pytest.mark.parametrize("boxes", [3, 5, 8])
def test_three_matches_or_more_find_the_window(rng: np.random.Generator, boxes: int) -> None:
    found = list(trials(rng, 40, boxes))
    usable = [(m, r) for m, r in found if len(r.matches) >= 3 and r.verdict != "refused"]
    assert len(usable) >= 38
    assert min(recovered(m, r) for m, r in usable) >= 0.95
    # Noise of both frames meets in the residual: visible pixels per visible pixel of noise.
    assert max(r.residual / np.hypot(1, zoom(m)) for m, r in usable) <= NOISE
    assert all(r.verdict == "good" for _, r in usable) or boxes == 3


def test_one_match_gives_a_window_and_calls_it_weak(rng: np.random.Generator) -> None:
    found = list(trials(rng, 60, 1))
    shown = [(m, r) for m, r in found if r.verdict != "refused"]
    assert len(shown) >= 50
    assert {r.verdict for _, r in shown} == {"weak"}
    assert min(recovered(m, r) for m, r in shown) >= 0.85


@pytest.mark.parametrize("boxes", [8, 14])
def test_a_third_of_the_labels_may_be_wrong(rng: np.random.Generator, boxes: int) -> None:
    found = [(m, r) for m, r in trials(rng, 40, boxes, wrong=0.3) if r.verdict != "refused"]
    assert len(found) >= 32
    assert min(recovered(m, r) for m, r in found) >= 0.9


@pytest.mark.parametrize("boxes", [2, 3, 4, 6, 10])
def test_shuffled_pairs_are_not_called_good(rng: np.random.Generator, boxes: int) -> None:
    verdicts = Counter()
    for _ in range(100):
        matrix = field_of_view(rng)
        other = label_visible(rng, scene(rng, boxes), matrix, noise=0.0)
        verdicts[align(scene(rng, boxes), other).verdict] += 1
    assert verdicts["good"] <= 1  # at most one in a hundred


def test_identities_match_only_each_other(rng: np.random.Generator) -> None:
    matrix, truth = field_of_view(rng), scene(rng, 6)
    order = rng.permutation(6)
    visible = map_boxes(matrix, truth)[order]
    found = align_pair(
        truth, visible, infrared_size=INFRARED, visible_size=VISIBLE,
        infrared_identities=list(range(6)), visible_identities=[int(i) for i in order],
    )  # fmt: skip
    assert found.verdict == "good"
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-6)
    assert all(order[v] == i for i, v in found.matches)
    wrong = align_pair(
        truth, visible, infrared_size=INFRARED, visible_size=VISIBLE,
        infrared_identities=list(range(6)), visible_identities=list(range(100, 106)),
    )  # fmt: skip
    assert wrong.verdict == "refused"
    assert "identity" in wrong.reason


def test_categories_keep_objects_apart(rng: np.random.Generator) -> None:
    truth = scene(rng, 5)
    matrix = field_of_view(rng)
    visible = map_boxes(matrix, truth)
    words = ["person", "car", "person", "bicycle", "car"]
    found = align_pair(
        truth, visible[::-1], infrared_size=INFRARED, visible_size=VISIBLE,
        infrared_categories=words, visible_categories=words[::-1],
    )  # fmt: skip
    assert found.verdict == "good"
    assert [(i, 4 - v) for i, v in found.matches] == [(i, i) for i in range(5)]
    none = align_pair(
        truth, visible, infrared_size=INFRARED, visible_size=VISIBLE,
        infrared_categories=["a"] * 5, visible_categories=["b"] * 5,
    )  # fmt: skip
    assert none.verdict == "refused"


@pytest.mark.parametrize("model", MODELS)
def test_every_model_recovers_its_own_matrix(rng: np.random.Generator, model: str) -> None:
    truth = scene(rng, 9)
    matrix = {
        "translation": np.array([[1.0, 0, 31.5], [0, 1, -12.25]]),
        "scale": np.array([[1.5, 0, 10], [0, 1.5, 20]]),
        "scale_xy": np.array([[1.5, 0, 10], [0, 1.4, 20]]),
        "similarity": np.array([[1.5, -0.03, 10], [0.03, 1.5, 20]]),
        "affine": np.array([[1.5, -0.02, 10], [0.03, 1.45, 20]]),
    }[model]
    corners = map_boxes(matrix, truth)
    fit = fit_model(model, truth, corners)
    assert fit is not None
    np.testing.assert_allclose(fit.matrix, matrix, atol=1e-6)
    found = align(truth, corners, model=model)
    assert found.verdict == "good"
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-6)


def test_predicted_errors_are_those_that_happen(rng: np.random.Generator) -> None:
    truth = scene(rng, 4)
    matrix = np.array([[1.3, 0, 40], [0, 1.3, 12.0]])
    corner = np.array([[0.0, 0.0], [640.0, 512.0]])
    seen = []
    for _ in range(2000):
        visible = map_boxes(matrix, truth) + rng.normal(0, 1.0, truth.shape)
        fit = fit_model("scale", truth, visible)
        assert fit is not None
        seen.append(np.hypot(*(corner @ (fit.matrix - matrix)[:, :2].T
                               + (fit.matrix - matrix)[:, 2]).T))  # fmt: skip
    happened = np.sqrt((np.array(seen) ** 2).mean(axis=0))
    np.testing.assert_allclose(fit.point_error(corner), happened, rtol=0.06)


def test_one_box_too_small_to_tell_the_scale_is_refused() -> None:
    found = align([[300, 200, 306, 212]], [[400, 300, 407, 311]])
    assert found.verdict == "refused"
    assert "uncertain" in found.reason


def test_two_readings_that_are_as_good_are_refused() -> None:
    row = [[x, 200, x + 40, 300] for x in (100, 200, 300, 400)]
    found = align(row[1:3], row)  # two alike persons in a row of four, evenly spaced
    assert found.verdict == "refused"
    assert "another solution" in found.reason


def test_a_prior_that_labels_agree_with_makes_one_match_enough(rng: np.random.Generator) -> None:
    matrix, truth = field_of_view(rng), scene(rng, 1)
    visible = label_visible(rng, truth, matrix, noise=1.0)
    sizes = {"infrared_size": INFRARED, "visible_size": VISIBLE}
    assert align_pair(truth, visible, **sizes).verdict == "weak"
    assert align_pair(truth, visible, prior=matrix, **sizes).verdict == "good"
    elsewhere = matrix + np.array([[0, 0, 300.0], [0, 0, 200.0]])
    assert align_pair(truth, visible, prior=elsewhere, **sizes).verdict == "weak"


def test_the_rig_is_what_good_pairs_share(rng: np.random.Generator) -> None:
    matrix = field_of_view(rng)
    found = []
    for _ in range(8):
        truth = scene(rng, 6)
        found.append(align(truth, label_visible(rng, truth, matrix, noise=1.0)))
    rig = find_rig(found, [INFRARED] * 8, [VISIBLE] * 8)
    assert rig is not None
    np.testing.assert_allclose(rig.matrix, matrix, atol=2.0)
    assert find_rig(found[:4], [INFRARED] * 4, [VISIBLE] * 4) is None
    mixed = [align(t := scene(rng, 6), map_boxes(field_of_view(rng), t)) for _ in range(8)]
    assert find_rig(mixed, [INFRARED] * 8, [VISIBLE] * 8) is None


@given(
    arrays(np.float64, st.tuples(st.integers(0, 6), st.just(4)), elements=st.floats(width=32)),
    arrays(np.float64, st.tuples(st.integers(0, 6), st.just(4)), elements=st.floats(width=32)),
)
@settings(max_examples=150, deadline=None)
def test_no_boxes_however_wild_make_it_fail(infrared, visible) -> None:
    found = align(infrared, visible)
    assert found.verdict in ("good", "weak", "refused")
    for window, (height, width) in (
        (found.infrared_window, INFRARED), (found.visible_window, VISIBLE),
    ):  # fmt: skip
        x0, y0, x1, y1 = window
        assert 0 <= x0 <= x1 <= width + 1e-6
        assert 0 <= y0 <= y1 <= height + 1e-6


def test_windows_show_the_same_and_lie_inside(rng: np.random.Generator) -> None:
    for _ in range(200):
        angle = rng.uniform(-0.2, 0.2)
        scale = rng.uniform(0.5, 2.5)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = np.concatenate([turn, rng.uniform(-200, 300, (2, 1))], axis=1)
        own, other = common_windows(matrix, INFRARED, VISIBLE)
        if own == (0.0,) * 4:
            continue
        image = map_boxes(matrix, np.array(own))
        np.testing.assert_allclose(image, other, atol=1e-3)
        assert map_boxes(invert(matrix), np.array(other))[2] > own[0]


def test_equal_input_gives_equal_output(rng: np.random.Generator) -> None:
    matrix, truth = field_of_view(rng), scene(rng, 40)
    visible = label_visible(rng, truth, matrix, noise=2.0, wrong=0.4)
    first, second = align(truth, visible, seed=5), align(truth, visible, seed=5)
    assert first.to_dict() == second.to_dict()
    shuffled, order = shuffle(rng, truth)
    other = align(shuffled, visible)
    assert recovered(matrix, other) > 0.95
    assert len(order) == 40


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"model": "homography"}, "model must be one of"),
        ({"scale_range": (2.0, 1.0)}, "scale_range"),
        ({"label_noise": 0.0}, "label_noise must be positive"),
        ({"min_agreement": 1.5}, "min_agreement"),
        ({"hypotheses": 0}, "at least 1"),
    ],
)
def test_options_are_checked(change, match) -> None:
    with pytest.raises(ValueError, match=match):
        AlignOptions(**change)


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match=r"infrared must have shape \(n, 4\)"):
        align([[1, 2, 3]], [])
    with pytest.raises(ValueError, match="visible_size"):
        align_pair([], [], infrared_size=(1, 1), visible_size=(0, 4))
    with pytest.raises(ValueError, match="categories must be given"):
        align_pair(
            [[0, 0, 1, 1]], [], infrared_size=INFRARED, visible_size=VISIBLE,
            infrared_categories=["person"],
        )  # fmt: skip
