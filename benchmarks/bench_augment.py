"""Photometric augmentation beside OpenCV and albumentations on 448 x 448 float32 and uint8 frames.

Everybody copies the frame first and changes the copy. Parameters are fixed, so that all draw the
same distributions: answers are compared by their formula where nothing is random, else by mean and
standard deviation of what was added. One thread; OpenCV draws by ``cv2.randn``, its fastest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.load.augment.photometric import COLUMNS

from .bench_filters import Work, contender
from .conftest import Contest
from .race import OURS, Contender

SIDE = 448
SIGMA, NOISE, COLUMN, GAIN, OFFSET, GAMMA = 1.2, 0.04, 0.02, 0.9, 0.03, 1.4
_NEUTRAL = dict.fromkeys(COLUMNS, 0.0) | {"gain": 1.0, "gamma": 1.0, "invert": 0.0}
_PARTS: dict[str, dict[str, float]] = {
    "noise": {"noise": NOISE},
    "blur": {"blur": SIGMA},
    "tone": {"gain": GAIN, "offset": OFFSET, "gamma": GAMMA, "invert": 1.0},
}
_CHAIN = _PARTS["blur"] | _PARTS["noise"] | {"column": COLUMN} | _PARTS["tone"]


def frame(dtype: str) -> NDArray[Any]:
    """A smooth scene away from the ends of the range, so that nothing is clipped."""
    y, x = np.mgrid[:SIDE, :SIDE]
    share = 0.5 + 0.2 * np.sin(x / 30) * np.cos(y / 23)
    return share.astype(np.float32) if dtype == "f32" else np.rint(share * 255).astype(np.uint8)


def ours(image: NDArray[Any], parameters: dict[str, float], top: float) -> Work:
    table = np.array([list((_NEUTRAL | parameters).values())], np.float32)
    key = np.array([7], np.uint64)
    effects = _core.FrameEffects(photometric=table, keys=key, range=(0.0, top))
    out = np.empty((1, 1, SIDE, SIDE), image.dtype)

    def work() -> NDArray[Any]:
        np.copyto(out[0, 0], image)
        effects.apply(out, threads=1)
        return out[0, 0]

    return work


class ByOpenCv:
    """The same steps by OpenCV, into kept buffers."""

    def __init__(self, image: NDArray[Any], top: float) -> None:
        self.image, self.top = image, top
        self.noise = np.empty(image.shape, np.float32)
        self.columns = np.empty((1, SIDE), np.float32)
        self.scene = np.empty(image.shape, np.float32)
        self.out = np.empty(image.shape, np.float32)
        levels = np.arange(256, dtype=np.float32) / 255
        toned = 1 - np.clip(levels * GAIN + OFFSET, 0, 1) ** GAMMA
        self.table = np.rint(toned * 255).astype(np.uint8)

    def finished(self, values: NDArray[Any]) -> NDArray[Any]:
        """Clipped, and rounded for bytes."""
        if self.image.dtype == np.uint8:
            return cv2.convertScaleAbs(values)
        return cv2.min(cv2.max(values, 0.0), 1.0)

    def add_noise(self, values: NDArray[Any]) -> NDArray[Any]:
        cv2.randn(self.noise, 0.0, NOISE * self.top)
        return cv2.add(values, self.noise, dst=self.out, dtype=cv2.CV_32F)

    def run_noise(self) -> NDArray[Any]:
        return self.finished(self.add_noise(self.image))

    def run_blur(self) -> NDArray[Any]:
        side = 2 * int(np.ceil(3 * SIGMA)) + 1
        return cv2.GaussianBlur(self.image, (side, side), SIGMA)

    def tone(self, values: NDArray[Any]) -> NDArray[Any]:
        scaled = cv2.multiply(values, GAIN / self.top, dst=self.scene, dtype=cv2.CV_32F)
        shares = cv2.min(cv2.max(cv2.add(scaled, OFFSET), 0.0), 1.0)
        return cv2.subtract(self.top, cv2.multiply(cv2.pow(shares, GAMMA), self.top))

    def run_tone(self) -> NDArray[Any]:
        if self.image.dtype == np.uint8:
            return cv2.LUT(self.image, self.table)
        return self.tone(self.image)

    def run_chain(self) -> NDArray[Any]:
        values = self.add_noise(self.run_blur())
        cv2.randn(self.columns, 0.0, COLUMN * self.top)
        values += self.columns
        return self.finished(self.tone(values))


def by_albumentations(task: str, image: NDArray[Any]) -> Work:
    """Its own transforms, composed beforehand; it has no column pattern."""
    import albumentations as A  # noqa: N812

    side = 2 * int(np.ceil(3 * SIGMA)) + 1
    blur = A.GaussianBlur((side, side), (SIGMA, SIGMA), p=1)
    noise = A.GaussNoise((NOISE, NOISE), p=1)
    tone = [
        A.RandomBrightnessContrast((OFFSET, OFFSET), (GAIN - 1, GAIN - 1), p=1),
        A.RandomGamma((100 * GAMMA, 100 * GAMMA), p=1),
        A.InvertImg(p=1),
    ]
    steps = {"noise": [noise], "blur": [blur], "tone": tone, "chain": [blur, noise, *tone]}[task]
    transform = A.Compose(steps)

    def work() -> NDArray[Any]:
        out: NDArray[Any] = transform(image=image.copy())["image"]
        return out

    return work


def expected(task: str, image: NDArray[Any], top: float) -> NDArray[Any]:
    """The mean of the answer, in shares."""
    share = image.astype(np.float64) / top
    if task in ("blur", "chain"):
        side = 2 * int(np.ceil(3 * SIGMA)) + 1
        share = cv2.GaussianBlur(share, (side, side), SIGMA)
    if task in ("tone", "chain"):
        share = 1 - np.clip(share * GAIN + OFFSET, 0, 1) ** GAMMA
    return np.asarray(share)


def check(mean: NDArray[Any], spread: tuple[float, float], tolerance: float, top: float,
          out: NDArray[Any]) -> None:  # fmt: skip
    """Within a tolerance of the mean answer on average, with the spread that noise gives it."""
    assert out.shape == (SIDE, SIDE)
    difference = out.astype(np.float64) / top - mean
    assert abs(difference.mean()) < tolerance
    assert spread[0] <= difference.std() <= spread[1]


SPREADS = {"noise": (0.038, 0.042), "blur": (0, 0.004), "tone": (0, 0.012), "chain": (0.035, 0.065)}
CASES = [
    (task, dtype, name)
    for task in ("noise", "blur", "tone", "chain")
    for dtype in ("f32", "u8")
    for name in (OURS, "opencv", "albumentations")
]


@pytest.mark.parametrize(("task", "dtype", "impl"), CASES)
def test_photometric(benchmark: Any, contest: Contest, task: str, dtype: str, impl: str) -> None:
    """One frame after another, one thread."""
    if impl == "albumentations":
        pytest.importorskip("albumentations")

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        image = frame(dtype)
        top = 1.0 if dtype == "f32" else 255.0
        peer = ByOpenCv(image, top)
        works: dict[str, Work] = {
            OURS: ours(image, _CHAIN if task == "chain" else _PARTS[task], top),
            "opencv": getattr(peer, f"run_{task}"),
        }
        if contest.enabled or impl == "albumentations":
            works["albumentations"] = by_albumentations(task, image)
        mean = expected(task, image, top)
        contenders = []
        for name, work in works.items():
            # Its brightness and contrast are of another formula, and it lacks the pattern.
            loose = name == "albumentations" and task in ("tone", "chain")
            judge: Callable[[Any], None] = partial(
                check, mean, (0, 0.1) if loose else SPREADS[task], 0.1 if loose else 0.004, top
            )
            contenders.append(contender(name, work, judge, 1))
        facts = contest.moving(2 * image.nbytes, 1)
        return contenders, {"rounds": 15, "most_units": 400, "facts": facts}

    contest.enter(benchmark, f"photometric-{task}-{dtype}-{SIDE}x{SIDE}", impl, prepare)
