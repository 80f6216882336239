"""Filters beside OpenCV, scikit-image, SciPy and NumPy on a 640 x 512 frame; one thread, all cores.

CLAHE is bit for bit OpenCV's, so its answer is asserted exactly; the others against their formula
in the peer's own functions. Bytes are those a filter cannot avoid: the picture once in, once out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from irtd_fast import _core

from .conftest import Contest
from .race import OURS, Contender, timed

HEIGHT, WIDTH = 512, 640
TILES, CLIP = (8, 8), 2.0
RADIUS, EPSILON, GAIN, BASE = 8, 0.1, 3.0, 0.7
WINDOW = 8
Work = Callable[[], NDArray[Any]]


def frame(dtype: str) -> NDArray[Any]:
    """A street as a 14-bit camera sees it, with stripes and bad pixels; or its 8 bits."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    counts = 7000 + 600 * np.sin(x / 70) * np.cos(y / 50) + 400 * (y > 200)
    for _ in range(40):
        top, left = rng.integers(0, HEIGHT - 40), rng.integers(0, WIDTH - 30)
        counts[top : top + 40, left : left + 30] += rng.uniform(-300, 600)
    counts += rng.normal(0, 3, counts.shape) + rng.normal(0, 4, WIDTH)
    counts[rng.integers(0, HEIGHT, 50), rng.integers(0, WIDTH, 50)] = 0
    if dtype == "u16":
        return counts.astype(np.uint16)
    low, high = np.percentile(counts, (1, 99))
    return (np.clip((counts - low) / (high - low), 0, 1) * 255).astype(np.uint8)


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def contender(name: str, work: Work, check: Callable[[Any], None], threads: int) -> Contender:
    """One unit is one picture; the last answer of a turn is checked."""

    def turn(_: int, units: int) -> float:
        def run() -> Any:
            out = None
            for _ in range(units):
                out = work()
            return out

        with opencv_threads(threads):
            seconds, out = timed(run)
        check(out)
        return seconds

    return Contender(name, turn)


def same(expected: NDArray[Any], tolerance: float, out: NDArray[Any]) -> None:
    """Within a tolerance of the expected answer."""
    assert np.abs(out.astype(np.float64) - expected).max() <= tolerance


def spread(out: NDArray[Any]) -> None:
    """Another algorithm of the same task: its answer differs, but must be equalised."""
    assert out.shape == (HEIGHT, WIDTH)
    assert out.std() > 0.05


def clahe_works(image: NDArray[Any], threads: int) -> dict[str, tuple[Work, Any]]:
    peer = cv2.createCLAHE(CLIP, TILES)
    exact = partial(same, peer.apply(image), 0)
    works: dict[str, tuple[Work, Any]] = {
        OURS: (lambda: _core.clahe(image, clip_limit=CLIP, tiles=TILES, threads=threads), exact),
        "opencv": (lambda: peer.apply(image), exact),
    }
    if threads == 1:
        from skimage.exposure import equalize_adapthist

        size = (HEIGHT // TILES[0], WIDTH // TILES[1])
        works["scikit-image"] = (lambda: equalize_adapthist(image, size), spread)
    return works


def detail_by(mean: Callable[[NDArray[Any]], NDArray[Any]], image: NDArray[Any], low: float,
              high: float) -> NDArray[Any]:  # fmt: skip
    """The formula of DetailEnhance with a peer's box mean."""
    x = (image.astype(np.float32) - np.float32(low)) * np.float32(1 / (high - low))
    m = mean(x)
    variance = mean(x * x) - m * m
    a = variance / (variance + np.float32(EPSILON**2))
    base = mean(a) * x + mean((1 - a) * m)
    out = 0.5 + BASE * (np.clip(base, 0, 1) - 0.5) + GAIN * (x - base)
    return np.clip(out, 0, 1)


def detail_works(image: NDArray[Any], threads: int) -> dict[str, tuple[Work, Any]]:
    low, high = 6000.0, 8200.0
    side = 2 * RADIUS + 1
    options = {"low": low, "high": high, "radius": RADIUS, "epsilon": EPSILON, "gain": GAIN,
               "noise": 0.0, "base_share": BASE}  # fmt: skip
    box = partial(cv2.blur, ksize=(side, side), borderType=cv2.BORDER_REFLECT_101)
    scipy_box = partial(ndimage.uniform_filter, size=side, mode="mirror")
    expected = detail_by(scipy_box, image.astype(np.float64), low, high)
    # Windows end at the border here and are mirrored there: the border is left out.
    inner = np.s_[2 * RADIUS : -2 * RADIUS, 2 * RADIUS : -2 * RADIUS]

    def check(out: NDArray[Any]) -> None:
        same(expected[inner], 2e-3, out[inner])

    works: dict[str, tuple[Work, Any]] = {
        OURS: (lambda: _core.detail_enhance(image, threads=threads, **options), check),
        "opencv": (lambda: detail_by(box, image, low, high), check),
    }
    if threads == 1:
        works["scipy"] = (lambda: detail_by(scipy_box, image, low, high), check)
    return works


def numpy_destripe(image: NDArray[Any]) -> NDArray[Any]:
    values = image.astype(np.float32)
    mean = ndimage.uniform_filter1d(values, 2 * WINDOW + 1, axis=1, mode="nearest")
    offsets = np.median(values - mean, axis=0)
    return np.clip(np.rint(values - offsets), 0, 65535).astype(np.uint16)


def destripe_works(image: NDArray[Any], threads: int) -> dict[str, tuple[Work, Any]]:
    inner = np.s_[:, WINDOW:-WINDOW]  # the border is extrapolated differently
    expected = numpy_destripe(image)

    def ours() -> NDArray[Any]:
        offsets = _core.column_offsets(image, window=WINDOW, threads=threads)
        return _core.subtract_columns(image, offsets)

    def check(out: NDArray[Any]) -> None:
        same(expected[inner], 1, out[inner])

    works: dict[str, tuple[Work, Any]] = {OURS: (ours, check)}
    if threads == 1:
        works["numpy"] = (lambda: numpy_destripe(image), check)
    return works


def numpy_bad_pixels(image: NDArray[Any]) -> NDArray[Any]:
    """The rule of BadPixels by SciPy's rank filters; the median of all neighbours, bad or not."""
    steps = np.abs(np.diff(image.astype(np.int32), axis=1))
    distance = max(6 * 1.4826 * np.median(steps) / np.sqrt(2), 2)
    ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
    high = ndimage.maximum_filter(image, footprint=ring, mode="mirror")
    low = ndimage.minimum_filter(image, footprint=ring, mode="mirror")
    values = image.astype(np.float32)
    bad = (values > high + distance) | (values < low - distance)
    return np.where(bad, cv2.medianBlur(image, 3), image)


def bad_pixel_works(image: NDArray[Any], threads: int) -> dict[str, tuple[Work, Any]]:
    dead = image == 0

    def ours() -> NDArray[Any]:
        bad = _core.find_bad_pixels(image, threshold=6, minimum=2, threads=threads)
        return _core.replace_pixels(image, bad, threads=threads)

    def check(out: NDArray[Any]) -> None:
        assert out[1:-1, 1:-1][dead[1:-1, 1:-1]].min() > 5000
        assert (out != image).mean() < 0.01

    works: dict[str, tuple[Work, Any]] = {OURS: (ours, check)}
    if threads == 1:
        works["numpy+scipy"] = (lambda: numpy_bad_pixels(image), check)
    return works


TASKS: dict[str, tuple[str, Callable[[NDArray[Any], int], dict[str, tuple[Work, Any]]], int]] = {
    "clahe-u8": ("u8", clahe_works, 2),
    "clahe-u16": ("u16", clahe_works, 4),
    "detail-u16-f32": ("u16", detail_works, 6),
    "destripe-u16": ("u16", destripe_works, 4),
    "bad-pixels-u16": ("u16", bad_pixel_works, 4),
}
CASES = [
    (task, "one-thread", name)
    for task, names in (
        ("clahe-u8", (OURS, "opencv", "scikit-image")),
        ("clahe-u16", (OURS, "opencv", "scikit-image")),
        ("detail-u16-f32", (OURS, "opencv", "scipy")),
        ("destripe-u16", (OURS, "numpy")),
        ("bad-pixels-u16", (OURS, "numpy+scipy")),
    )
    for name in names
] + [
    (task, "all-cores", name)
    for task in ("clahe-u8", "clahe-u16", "detail-u16-f32")
    for name in (OURS, "opencv")
]


@pytest.mark.parametrize(("task", "cores", "impl"), CASES)
def test_filter(benchmark: Any, contest: Contest, task: str, cores: str, impl: str) -> None:
    """One picture after another."""
    dtype, make, bytes_a_pixel = TASKS[task]
    threads = 1 if cores == "one-thread" else _core.available_threads()

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        works = make(frame(dtype), threads)
        contenders = [contender(name, *work, threads) for name, work in works.items()]
        moved = bytes_a_pixel * HEIGHT * WIDTH
        facts = contest.moving(moved, threads)
        return contenders, {"rounds": 15, "most_units": 200, "facts": facts}

    group = f"{task}-{HEIGHT}x{WIDTH}-{cores}"
    contest.enter(benchmark, group, impl, prepare)
    if group in contest.results:
        rate = contest.results[group].rate(OURS)
        contest.note(
            group, "GB/s of pictures in and out", rate * bytes_a_pixel * HEIGHT * WIDTH / 1e9
        )
