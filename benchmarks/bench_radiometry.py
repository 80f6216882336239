"""Point-wise recipes on 16-bit pictures of 512 x 640, beside OpenCV and NumPy at their best.

One thread against one thread; then every core: ours by ``apply_batch``, peers picture by picture,
by a pool where there are threads. Outputs exist beforehand wherever a library can write into them.
A unit is a picture; ``unit_bytes`` are those read and written once, the least that anybody moves.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core
from irtd_fast.radiometry import MinMax, Percentile, Planck, PlateauEqualization, Recipe

from .conftest import Contest
from .data import HEIGHT, WIDTH, pictures
from .race import OURS, Contender, replayed_clock, timed

BATCH, LOW, HIGH = 16, 2.0, 98.0
PLATEAU = 150
CAMERA = Planck(21106.77, 0.012545258, 1501.0, 1.0, -7340.0, unit="celsius")
Work = Callable[[Any, Any], None]


def opencv_percentile(image: Any, out: Any) -> None:
    """Histogram and line with OpenCV; the percentile is the count whose cumulated share is it."""
    import cv2

    histogram = cv2.calcHist([image], [0], None, [65536], [0, 65536]).ravel()
    running = np.cumsum(histogram)
    low, high = np.searchsorted(running, [LOW / 100 * running[-1], HIGH / 100 * running[-1]])
    scale = 255 / (high - low)
    cv2.convertScaleAbs(np.maximum(image, low), dst=out, alpha=scale, beta=-low * scale)


def numpy_percentile(image: Any, out: Any) -> None:
    low, high = np.percentile(image, (LOW, HIGH))
    share = np.clip((image.astype(np.float32) - low) / (high - low), 0, 1)
    np.copyto(out, np.rint(share * 255).astype(np.uint8))


def opencv_min_max(image: Any, out: Any) -> None:
    import cv2

    cv2.normalize(image, out, 0, 1, cv2.NORM_MINMAX, cv2.CV_32F)


def numpy_min_max(image: Any, out: Any) -> None:
    """As it is written."""
    low, high = image.min(), image.max()
    np.copyto(out, (image.astype(np.float32) - np.float32(low)) / np.float32(high - low))


def numpy_min_max_in_place(image: Any, out: Any) -> None:
    """As it is written by who minds the temporaries."""
    low, high = float(image.min()), float(image.max())
    np.subtract(image, low, out=out, dtype=np.float32)
    np.multiply(out, 1 / (high - low), out=out)


def numpy_plateau(image: Any, out: Any) -> None:
    """``bincount``, and a table."""
    histogram = np.bincount(image.ravel())
    used = np.flatnonzero(histogram)
    first, last = used[0], used[-1]
    weight = np.minimum(histogram[first : last + 1], PLATEAU).astype(np.float64)
    weight[0] = 0
    level = np.cumsum(np.minimum(weight / weight.sum(), 8 / 255))
    table = np.zeros(last + 1, np.uint8)
    table[first:] = np.rint(np.clip(level + 0.5 - level[-1] / 2, 0, 1) * 255)
    np.take(table, image, out=out, mode="clip")


def numpy_planck(image: Any, out: Any) -> None:
    """The formula in float32, in place."""
    gain, offset = CAMERA._line()  # noqa: SLF001 - the same constants for everybody
    np.multiply(image, np.float32(CAMERA.r2 * gain), out=out, dtype=np.float32)
    np.add(out, np.float32(CAMERA.r2 * (CAMERA.o - offset)), out=out)
    np.divide(np.float32(CAMERA.r1), out, out=out)
    np.add(out, np.float32(CAMERA.f), out=out)
    np.log(out, out=out)
    np.divide(np.float32(CAMERA.b), out, out=out)
    np.subtract(out, np.float32(273.15), out=out)


class TablePlanck:
    """NumPy's ``take`` from a table that is made beforehand."""

    def __init__(self) -> None:
        self.table = CAMERA.temperatures(np.arange(65536)).astype(np.float32)

    def __call__(self, image: Any, out: Any) -> None:
        np.take(self.table, image, out=out, mode="clip")


TASKS: dict[str, tuple[Recipe, str, dict[str, Work], float]] = {
    "percentile-u16-u8": (
        Percentile(LOW, HIGH), "uint8",
        {"opencv histogram": opencv_percentile, "numpy": numpy_percentile}, 1,
    ),
    "min-max-u16-f32": (
        MinMax(), "float32", {"cv2.normalize": opencv_min_max, "numpy": numpy_min_max,
         "numpy in place": numpy_min_max_in_place}, 1e-5,
    ),
    "plateau-u16-u8": (PlateauEqualization(PLATEAU), "uint8", {"numpy bincount": numpy_plateau}, 1),
    "planck-u16-f32": (
        CAMERA, "float32", {"numpy float32": numpy_planck, "numpy table": TablePlanck()}, 2e-3,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def frames() -> Any:
    """Counts above those that have no temperature."""
    return pictures("u16", BATCH) + np.uint16(10_000)


def check(found: Any, expected: Any, tolerance: float) -> None:
    worst = np.abs(found.astype(np.float64) - expected.astype(np.float64)).max()
    assert worst <= tolerance, worst


def our_turn(frames: Any, task: str, threads: int, expected: Any) -> Callable[[int, int], float]:
    recipe, dtype, _, tolerance = TASKS[task]
    native, out = recipe.native(dtype), np.zeros(frames.shape, dtype)

    def work() -> None:
        native.apply_batch(frames, dtype=dtype, out=out, threads=threads)

    def turn(_: int, count: int) -> float:
        seconds, _ = timed(lambda: [work() for _ in range(count // BATCH)])
        check(out, expected, tolerance)
        return seconds

    return turn


def peer_turn(
    frames: Any, task: str, peer: str, threads: int, expected: Any
) -> Callable[[int, int], float]:
    _, dtype, peers, tolerance = TASKS[task]
    work, out = peers[peer], np.zeros(frames.shape, dtype)
    pool = ThreadPoolExecutor(threads, "bench-peer")
    # OpenCV's way takes whole counts for percentiles: a level or two on a narrow range.
    allowed = tolerance + (1 if peer == "opencv histogram" else 0)

    def all_frames() -> None:
        if threads == 1:
            for image, place in zip(frames, out, strict=True):
                work(image, place)
        else:
            list(pool.map(work, frames, out))

    def turn(_: int, count: int) -> float:
        import cv2

        before = cv2.getNumThreads()
        cv2.setNumThreads(1)
        seconds, _ = timed(lambda: [all_frames() for _ in range(count // BATCH)])
        cv2.setNumThreads(before)
        check(out, expected, allowed)
        return seconds

    return turn


IMPLEMENTATIONS = [(task, impl) for task, value in TASKS.items() for impl in (OURS, *value[2])]


@pytest.mark.parametrize(("task", "impl"), IMPLEMENTATIONS)
@pytest.mark.parametrize("cores", ["one-thread", "all-cores"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_recipe(
    contest: Contest, benchmark: Any, frames: Any, cores: str, task: str, impl: str
) -> None:
    pytest.importorskip("cv2")
    threads = 1 if cores == "one-thread" else _core.available_threads()
    dtype, peers = TASKS[task][1], TASKS[task][2]

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        expected = np.zeros(frames.shape, dtype)
        plain = next(peer for name, peer in peers.items() if name.startswith("numpy"))
        for image, place in zip(frames, expected, strict=True):
            plain(image, place)
        contenders = [Contender(OURS, our_turn(frames, task, threads, expected), step=BATCH)]
        for name in peers if contest.enabled else [name for name in peers if name == impl]:
            turn = peer_turn(frames, task, name, threads, expected)
            contenders.append(Contender(name, turn, step=BATCH))
        size = HEIGHT * WIDTH * (2 + np.dtype(dtype).itemsize)
        facts = contest.moving(size, threads)
        return contenders, {"rounds": 9, "most_units": 64 * BATCH, "facts": facts}

    contest.enter(benchmark, f"{task}-{cores}", impl, prepare)
