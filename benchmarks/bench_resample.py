"""Resampling beside OpenCV, Pillow, torch, albumentations and NumPy on 640 x 512 pictures.

A unit is a picture of 8 bits. One thread against one thread, then all cores: ours by
``resample_batch``, peers by a pool that takes a picture each. Outputs exist beforehand wherever a
library can write into them, four in turn, which stay in the last cache (a longer batch is written
to memory, by everybody at the same rate). ``unit_bytes`` are those read and written once, the
least that any implementation moves; the first line of a table is the rate at which a copy would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.geometry import Normalize, resample_batch
from irtd_fast.geometry import matrix as affine

from .conftest import Contest
from .race import OURS, Contender, timed

HEIGHT, WIDTH, SIDE, BATCH = 512, 640, 448, 4
SIZE = (SIDE, SIDE)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESIZE = affine.crop((0.0, 0.0, WIDTH, HEIGHT), SIZE)
MIRRORED = affine.compose(RESIZE, affine.flip_horizontal(SIDE))
TURNED = affine.compose(affine.rotation(0.25, (WIDTH / 2, HEIGHT / 2), 0.8),
                        affine.translation(-96, -32))  # fmt: skip
NATIVE = affine.translation(-64, -32)  # a plain cut of 448 x 448
TABLES = [np.float32((np.arange(256) / 255 - m) / s) for m, s in zip(MEAN, STD, strict=True)]
Picture = NDArray[np.uint8]
Work = Callable[[Picture, Any], Any]  # a picture, and its place in the output


def pictures() -> list[Picture]:
    """Smooth fields with sensor noise."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    smooth = 120 + 60 * np.sin(x / 31) * np.cos(y / 23)
    return [
        np.clip(smooth + rng.normal(0, 3, smooth.shape) + 2 * i, 0, 255).astype(np.uint8)
        for i in range(BATCH)
    ]


def opencv_train(image: Picture, out: Any) -> None:
    small = cv2.flip(cv2.resize(image, SIZE, interpolation=cv2.INTER_LINEAR), 1)
    for table, plane in zip(TABLES, out, strict=True):
        cv2.LUT(small, table, dst=plane)


def torch_train(image: Picture, out: Any) -> None:
    import torch

    plane = torch.from_numpy(image)[None, None].float()
    small = torch.nn.functional.interpolate(plane, SIZE, mode="bilinear").flip(3)[0]
    mean = torch.tensor(MEAN)[:, None, None] * 255
    std = torch.tensor(STD)[:, None, None] * 255
    torch.from_numpy(out).copy_((small - mean) / std)


def albumentations_train() -> Work:
    import albumentations

    chain = albumentations.Compose(
        [
            albumentations.Resize(SIDE, SIDE),
            albumentations.HorizontalFlip(p=1),
            albumentations.ToRGB(),
            albumentations.Normalize(MEAN, STD),
        ]
    )

    def work(image: Picture, out: Any) -> None:
        out[:] = chain(image=image)["image"].transpose(2, 0, 1)

    return work


def pillow_resize(box: bool, image: Picture, out: Any) -> None:
    from PIL import Image

    kind = Image.Resampling.BOX if box else Image.Resampling.BILINEAR
    out[0] = Image.fromarray(image).resize(SIZE, kind)


def torch_resize(options: dict[str, Any], image: Picture, out: Any) -> None:
    import torch

    small = torch.nn.functional.interpolate(torch.from_numpy(image)[None, None], SIZE, **options)
    torch.from_numpy(out).copy_(small[0])


def opencv_resize(flag: int, image: Picture, out: Any) -> None:
    cv2.resize(image, SIZE, dst=out[0], interpolation=flag)


def opencv_warp(flag: int, image: Picture, out: Any) -> None:
    # OpenCV's matrices lie between centres of pixels.
    half = affine.translation(0.5, 0.5)
    matrix = affine.compose(half, TURNED, affine.translation(-0.5, -0.5))
    cv2.warpAffine(image, matrix, SIZE, dst=out[0], flags=flag, borderMode=cv2.BORDER_CONSTANT)


def torch_warp(image: Picture, out: Any) -> None:
    import torch

    # grid_sample wants the source in -1..1 for the output in -1..1.
    to_source = affine.invert(TURNED)
    unit = affine.compose(
        affine.scaling(SIDE / 2, SIDE / 2), affine.translation(SIDE / 2, SIDE / 2), to_source,
        affine.scaling(2 / WIDTH, 2 / HEIGHT), affine.translation(-1, -1),
    )  # fmt: skip
    grid = torch.nn.functional.affine_grid(
        torch.from_numpy(unit).float()[None], [1, 1, SIDE, SIDE], align_corners=False
    )
    plane = torch.from_numpy(image)[None, None].float()
    moved = torch.nn.functional.grid_sample(plane, grid, align_corners=False)
    torch.from_numpy(out).copy_(moved[0].round())


def numpy_cut(image: Picture, out: Any) -> None:
    out[0] = image[32 : 32 + SIDE, 64 : 64 + SIDE]


TORCH_AA = {"mode": "bilinear", "antialias": True}
# task: our options, dtype, channels, peers by name, tolerance in levels, share that may exceed it
TASKS: dict[str, tuple[dict[str, Any], str, int, dict[str, Any], float, float]] = {
    "train448-f32": (
        {"where": MIRRORED, "filter": "bilinear", "normalize": Normalize.mean_std(MEAN, STD)},
        "float32", 3,
        {"opencv": lambda: opencv_train, "torch": lambda: torch_train,
         "albumentations": albumentations_train},
        1.01 / 255 / min(STD), 0.0,
    ),
    "antialias448-u8": (
        {"where": RESIZE, "filter": "antialias"}, "uint8", 1,
        {"opencv-area": lambda: partial(opencv_resize, cv2.INTER_AREA),
         "pillow": lambda: partial(pillow_resize, False),
         "torch": lambda: partial(torch_resize, TORCH_AA)},
        8, 0.0,  # INTER_AREA is another filter; the others are within 1, as tests/parity says
    ),
    "area448-u8": (
        {"where": RESIZE, "filter": "area"}, "uint8", 1,
        {"opencv": lambda: partial(opencv_resize, cv2.INTER_AREA),
         "pillow-box": lambda: partial(pillow_resize, True)},
        12, 0.0,  # Pillow's box takes whole pixels
    ),
    "bilinear448-u8": (
        {"where": RESIZE, "filter": "bilinear"}, "uint8", 1,
        {"opencv": lambda: partial(opencv_resize, cv2.INTER_LINEAR)}, 1, 0.0,
    ),
    "warp448-u8": (
        {"where": TURNED, "filter": "bilinear", "border": "constant"}, "uint8", 1,
        {"opencv": lambda: partial(opencv_warp, cv2.INTER_LINEAR), "torch": lambda: torch_warp},
        3, 0.001,  # OpenCV rounds positions to 1/32 of a pixel
    ),
    "warp-nearest448-u8": (
        {"where": TURNED, "filter": "nearest", "border": "constant"}, "uint8", 1,
        {"opencv": lambda: partial(opencv_warp, cv2.INTER_NEAREST)}, 0, 0.1,
    ),
    "nearest448-u8": (
        {"where": RESIZE, "filter": "nearest"}, "uint8", 1,
        {"opencv": lambda: partial(opencv_resize, cv2.INTER_NEAREST_EXACT),
         "torch": lambda: partial(torch_resize, {"mode": "nearest-exact"})},
        0, 0.15,  # in every seventh row and column a centre lies on an edge: either pixel is right
    ),
    "cut448-u8": (
        {"where": NATIVE, "filter": "antialias"}, "uint8", 1, {"numpy": lambda: numpy_cut}, 0, 0.0,
    ),
}  # fmt: skip


@contextmanager
def peer_threads(count: int) -> Iterator[None]:
    """OpenCV and torch within a call; a pool of ours gives the other cores something to do."""
    import torch

    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(count)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


class Arena:
    """Pictures, outputs and the answer of a task."""

    def __init__(self, task: str, threads: int) -> None:
        options, dtype, channels, self.peers, self.tolerance, self.share = TASKS[task]
        self.threads = threads
        self.images = pictures()
        self.out = np.zeros((BATCH, channels, *SIZE), dtype)
        where = np.repeat(options["where"][None], BATCH, 0)
        rest = {key: value for key, value in options.items() if key != "where"}
        self.ours = partial(
            resample_batch, self.images, where, SIZE, dtype=dtype, channels=channels,
            threads=threads, **rest,
        )  # fmt: skip
        self.expected = self.ours()
        self.bytes = HEIGHT * WIDTH + self.out[0].nbytes
        if task == "cut448-u8":
            self.bytes = 2 * self.out[0].nbytes

    def check(self) -> None:
        """All answers of the last batch against each other's."""
        off = np.abs(self.out.astype(np.float64) - self.expected) > self.tolerance
        assert off.mean() <= self.share

    def our_turn(self, _: int, units: int) -> float:
        self.out[:] = 0

        def work() -> None:
            for _ in range(0, units, BATCH):
                self.ours(out=self.out)

        seconds, _ = timed(work)
        self.check()
        return seconds

    def peer_turn(self, name: str) -> Callable[[int, int], float]:
        one = self.peers[name]()
        pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None

        def turn(_: int, units: int) -> float:
            self.out[:] = 0

            def work() -> None:
                for _ in range(0, units, BATCH):
                    if pool is not None:
                        list(pool.map(one, self.images, self.out))
                        continue
                    for image, place in zip(self.images, self.out, strict=True):
                        one(image, place)

            with peer_threads(1):
                seconds, _ = timed(work)
            self.check()
            return seconds

        return turn


CASES = [
    (task, cores, name)
    for cores in ("one-thread", "all-cores")
    for task in TASKS
    for name in (OURS, *TASKS[task][3])
]


@pytest.mark.parametrize(("task", "cores", "impl"), CASES)
def test_resample(benchmark: Any, contest: Contest, task: str, cores: str, impl: str) -> None:
    """One picture after another."""
    threads = 1 if cores == "one-thread" else _core.available_threads()

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        arena = Arena(task, threads)
        contenders = [Contender(OURS, arena.our_turn, step=BATCH)]
        names = arena.peers if contest.enabled else [name for name in arena.peers if name == impl]
        contenders += [Contender(name, arena.peer_turn(name), step=BATCH) for name in names]
        facts = contest.moving(arena.bytes, threads)
        return contenders, {"rounds": 9, "most_units": 64 * BATCH, "facts": facts}

    contest.enter(benchmark, f"resample-{task}-{cores}", impl, prepare)
