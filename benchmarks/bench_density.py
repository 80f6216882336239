"""Density maps of 300 heads in 640 x 480, beside one blur of the dot map and beside the script.

The script is what counting repositories share (CSRNet's ``make_dataset``): for every head one
``gaussian_filter`` of an empty picture with one dot. It takes seconds a map, so it has one turn a
session. A unit is a map. Heads keep away from the borders, where the others lose mass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core
from irtd_fast.density import Adaptive, Density, density_maps

from .conftest import Contest
from .race import OURS, Contender, replayed_clock, timed

HEIGHT, WIDTH, SIGMA = 480, 640, 4.0
BATCH = 16
_KERNEL = 2 * int(4 * SIGMA) + 1
LIKE_THE_SCRIPT = Adaptive(neighbours=3, beta=0.3, minimum=0, maximum=1e6)


def heads(count: int) -> Any:
    """Pixels with a head, all different."""
    rng = np.random.default_rng(8)
    places = rng.choice((HEIGHT - 160) * (WIDTH - 160), count, replace=False)
    return np.stack([places % (WIDTH - 160) + 80, places // (WIDTH - 160) + 80], axis=1)


def dot_map(pixels: Any) -> Any:
    dots = np.zeros((HEIGHT, WIDTH), np.float32)
    dots[pixels[:, 1], pixels[:, 0]] = 1
    return dots


def script(pixels: Any, *, adaptive: bool) -> Any:
    """The script: one filter of a whole picture for every head."""
    from scipy.ndimage import gaussian_filter
    from scipy.spatial import KDTree

    density = np.zeros((HEIGHT, WIDTH), np.float32)
    if adaptive:
        distances, _ = KDTree(pixels.copy(), leafsize=2048).query(pixels, k=4)
    for i, (x, y) in enumerate(pixels):
        dot = np.zeros((HEIGHT, WIDTH), np.float32)
        dot[y, x] = 1.0
        sigma = distances[i, 1:].sum() * 0.1 if adaptive else SIGMA
        density += gaussian_filter(dot, sigma, mode="constant")
    return density


def our_turn(pixels: Any, sigma: float | Adaptive, maps: int, threads: int) -> Any:
    points = np.tile(pixels + 0.5, (maps, 1))
    offsets = np.arange(maps + 1) * len(pixels)
    out = np.zeros((maps, HEIGHT, WIDTH), np.float32)
    options = Density(sigma)

    def turn(_: int, count: int) -> float:
        def work() -> Any:
            for _ in range(count // maps):
                density_maps(points, offsets, (HEIGHT, WIDTH), options, threads=threads, out=out)

        seconds, _ = timed(work)
        assert abs(float(out[-1].sum(dtype=np.float64)) - len(pixels)) < 1e-4 * len(pixels)
        return seconds

    return turn


def blur_turn(blur: Callable[[Any, Any], Any], pixels: Any, threads: int) -> Any:
    import cv2

    dots, out = dot_map(pixels), np.zeros((HEIGHT, WIDTH), np.float32)
    truth = density_maps(pixels + 0.5, [0, len(pixels)], (HEIGHT, WIDTH))[0]

    def turn(_: int, count: int) -> float:
        before = cv2.getNumThreads()
        cv2.setNumThreads(threads)

        def work() -> Any:
            for _ in range(count):
                blur(dots, out)

        seconds, _ = timed(work)
        cv2.setNumThreads(before)
        np.testing.assert_allclose(out, truth, atol=1e-5)
        return seconds

    return turn


def script_turn(pixels: Any, *, adaptive: bool) -> Any:
    sigma = LIKE_THE_SCRIPT if adaptive else SIGMA
    truth = density_maps(pixels + 0.5, [0, len(pixels)], (HEIGHT, WIDTH), Density(sigma))[0]

    def turn(_: int, count: int) -> float:
        assert count == 1
        seconds, density = timed(lambda: script(pixels, adaptive=adaptive))
        np.testing.assert_allclose(density, truth, atol=1e-4)
        return seconds

    return turn


def _facts(contest: Contest, threads: int) -> dict[str, Any]:
    return {"heads": 300, **contest.moving(HEIGHT * WIDTH * 4, threads)}


@pytest.mark.parametrize("impl", [OURS, "cv2.GaussianBlur", "scipy one filter"])
@pytest.mark.parametrize("cores", ["one-thread", "all-cores"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_fixed_sigma(contest: Contest, benchmark: Any, cores: str, impl: str) -> None:
    cv2 = pytest.importorskip("cv2")
    from scipy.ndimage import gaussian_filter

    threads = 1 if cores == "one-thread" else _core.available_threads()
    maps = 1 if cores == "one-thread" else BATCH

    def opencv(dots: Any, out: Any) -> None:
        size = (_KERNEL, _KERNEL)
        cv2.GaussianBlur(dots, size, SIGMA, dst=out, borderType=cv2.BORDER_CONSTANT)

    def scipy(dots: Any, out: Any) -> None:
        gaussian_filter(dots, SIGMA, output=out, mode="constant")

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        pixels = heads(300)
        contenders = [
            Contender(OURS, our_turn(pixels, SIGMA, maps, threads), step=maps),
            Contender("cv2.GaussianBlur", blur_turn(opencv, pixels, threads), step=maps),
            Contender("scipy one filter", blur_turn(scipy, pixels, threads), step=1),
        ]
        return contenders, {"rounds": 15, "most_units": 512, "facts": _facts(contest, threads)}

    contest.enter(benchmark, f"density-fixed-300-{cores}", impl, prepare)


@pytest.mark.parametrize("impl", [OURS, "script"])
@pytest.mark.parametrize("kind", ["fixed", "adaptive"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_the_script(contest: Contest, benchmark: Any, kind: str, impl: str) -> None:
    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        pixels = heads(300 if contest.enabled else 12)
        adaptive = kind == "adaptive"
        ours = our_turn(pixels, LIKE_THE_SCRIPT if adaptive else SIGMA, 1, 1)
        ours(0, 1)  # compiled or loaded before the clock starts
        theirs = script_turn(pixels, adaptive=adaptive)
        contenders = [Contender(OURS, ours, units=100), Contender("script", theirs, units=1)]
        return contenders, {"rounds": 1, "most_units": 100, "facts": _facts(contest, 1)}

    contest.enter(benchmark, f"density-{kind}-300-script", impl, prepare)
