"""Boxes of a batch through its crops, resizes and flips: 64 pictures with 20 boxes each.

A unit is a batch. NumPy makes one pass over the ragged batch, as an expert writes it;
albumentations remaps sample by sample (composed beforehand, its crop and flip of a gray picture
included: it does not remap boxes without one). Everybody clips to the frame and keeps what is a
tenth visible.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core

from .conftest import Contest
from .race import OURS, Contender, replayed_clock, timed

SAMPLES, EACH = 64, 20
HEIGHT, WIDTH = 512, 640
SIZE = (448, 448)
MIN_VISIBLE = 0.1
_BYTES = SAMPLES * EACH * (4 * 4 + 4 * 4 + 8 + 4 + 1)  # boxes in and out, index, share, fate
Answer = tuple[Any, Any]


class Task:
    """Boxes, windows and flips of a batch, and the matrices they come to."""

    def __init__(self) -> None:
        rng = np.random.default_rng(4)
        count = SAMPLES * EACH
        corner = rng.uniform(0, [WIDTH - 20, HEIGHT - 20], (count, 2))
        far = np.minimum(corner + rng.uniform(8, 120, (count, 2)), [WIDTH, HEIGHT])
        self.boxes = np.concatenate([corner, far], axis=1).astype(np.float32)
        self.offsets = np.arange(SAMPLES + 1, dtype=np.uint64) * EACH
        sides = rng.integers([300, 250], [WIDTH, HEIGHT], (SAMPLES, 2))
        begin = (rng.uniform(0, 1, (SAMPLES, 2)) * ([WIDTH, HEIGHT] - sides)).astype(int)
        self.windows = np.concatenate([begin, begin + sides], axis=1)
        self.flips = rng.uniform(size=SAMPLES) < 0.5
        scale = np.array([SIZE[1], SIZE[0]]) / sides
        self.matrices = np.zeros((SAMPLES, 2, 3))
        sign = np.where(self.flips, -1, 1)
        self.matrices[:, 0, 0] = sign * scale[:, 0]
        shift = -begin * scale
        self.matrices[:, 0, 2] = np.where(self.flips, SIZE[1] - shift[:, 0], shift[:, 0])
        self.matrices[:, 1, 1], self.matrices[:, 1, 2] = scale[:, 1], shift[:, 1]

    def ours(self) -> Answer:
        boxes, kept, *_ = _core.remap_boxes(
            self.boxes, self.offsets, self.matrices, SIZE, min_visible=MIN_VISIBLE
        )
        return boxes, kept

    def numpy(self) -> Answer:
        flat = self.matrices.reshape(SAMPLES, 6)
        scale = np.repeat(flat[:, [0, 4, 0, 4]], EACH, axis=0)
        hull = self.boxes * scale + np.repeat(flat[:, [2, 5, 2, 5]], EACH, axis=0)
        low, high = np.minimum(hull[:, :2], hull[:, 2:]), np.maximum(hull[:, :2], hull[:, 2:])
        side = high - low
        np.maximum(low, 0, out=low)
        np.minimum(high, (SIZE[1], SIZE[0]), out=high)
        seen = np.maximum(high - low, 0)
        share = (seen[:, 0] * seen[:, 1]) / (side[:, 0] * side[:, 1])
        kept = np.flatnonzero(share >= MIN_VISIBLE)
        boxes = np.concatenate([low[kept], high[kept]], axis=1).astype(np.float32)
        return boxes, kept, np.searchsorted(kept, self.offsets), share[kept]  # type: ignore[return-value]

    def albumentations(self) -> Callable[[], Answer]:
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
        import albumentations as A  # noqa: N812

        picture = np.zeros((HEIGHT, WIDTH), np.uint8)
        params = A.BboxParams("pascal_voc", label_fields=["number"], min_visibility=MIN_VISIBLE)
        steps = [
            A.Compose([A.Crop(*window, p=1), *([A.HorizontalFlip(p=1)] if flip else [])],
                      bbox_params=params)
            for window, flip in zip(self.windows.tolist(), self.flips, strict=True)
        ]  # fmt: skip
        parts = self.boxes.reshape(SAMPLES, EACH, 4)
        numbers = np.arange(SAMPLES * EACH).reshape(SAMPLES, EACH)

        def work() -> Answer:
            done = [
                step(image=picture, bboxes=box, number=number)
                for step, box, number in zip(steps, parts, numbers, strict=True)
            ]
            sides = self.windows[:, 2:] - self.windows[:, :2]
            scaled = [
                np.asarray(out["bboxes"]).reshape(-1, 4) * np.tile([SIZE[1], SIZE[0]] / side, 2)
                for out, side in zip(done, sides, strict=True)
            ]
            return np.concatenate(scaled), np.concatenate([out["number"] for out in done])

        return work


def turn(work: Callable[[], Any], truth: Answer) -> Callable[[int, int], float]:
    def one(_: int, count: int) -> float:
        def batches() -> Any:
            for _ in range(count):
                last = work()
            return last

        seconds, (boxes, kept, *_) = timed(batches)
        assert np.array_equal(kept, truth[1])
        np.testing.assert_allclose(boxes, truth[0], atol=2e-2)
        return seconds

    return one


@pytest.mark.parametrize("impl", [OURS, "numpy", "albumentations"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_remap_boxes(contest: Contest, benchmark: Any, impl: str) -> None:
    if impl == "albumentations":
        pytest.importorskip("albumentations")

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        task = Task()
        truth = task.numpy()[:2]
        contenders = [Contender(OURS, turn(task.ours, truth)),
                      Contender("numpy", turn(task.numpy, truth))]  # fmt: skip
        if contest.enabled or impl == "albumentations":
            work = turn(task.albumentations(), truth)
            contenders.append(Contender("albumentations", work, units=1))
        facts = {"boxes": SAMPLES * EACH, **contest.moving(_BYTES, 1)}
        return contenders, {"rounds": 15, "most_units": 4096, "seconds_a_turn": 0.03,
                            "facts": facts}  # fmt: skip

    contest.enter(benchmark, "remap-boxes-64x20", impl, prepare)
