"""The same training batches the usual way, for ``irtd bench --compare``: DataLoader and OpenCV.

A map-style dataset that takes each picture from the store in a worker process, crops, resizes and
flips it with OpenCV, stretches it, remaps its boxes with NumPy, and leaves stacking to torch: what
people write, as well as they write it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from irtd_fast import _core
from irtd_fast.errors import UnsupportedError
from irtd_fast.store.dataset import Dataset

_LEAST_VISIBLE = 0.1


def dataloader_rate(
    dataset: Dataset, *, batch_size: int, size: tuple[int, int], seconds: float
) -> float:
    """Images a second of ``torch.utils.data.DataLoader`` with one worker a core.

    Args:
        dataset: Whose samples.
        batch_size: Samples of a batch.
        size: (height, width) of the pictures.
        seconds: How long to measure, after the first batch.

    Raises:
        UnsupportedError: torch or OpenCV is not installed.
    """
    try:
        import cv2  # noqa: F401
        from torch.utils.data import DataLoader
    except ImportError as error:
        raise UnsupportedError(
            "--compare needs PyTorch and OpenCV: pip install torch opencv-python-headless"
        ) from error
    samples: Any = _Samples(dataset, size)
    loader: Any = DataLoader(
        samples, batch_size, shuffle=True, num_workers=_core.available_threads(),
        collate_fn=_collate, persistent_workers=True, multiprocessing_context="spawn",
    )  # fmt: skip
    images, started, end = 0, 0.0, math.inf
    while time.perf_counter() < end:
        for pictures, _ in loader:
            if not started:  # workers are up
                started = time.perf_counter()
                end = started + seconds
                continue
            images += len(pictures)
            if time.perf_counter() >= end:
                break
        if images == 0 and len(dataset) <= batch_size:
            images += len(dataset)
    return images / (time.perf_counter() - started)


class _Samples:
    """One sample a picture, transformed in a worker."""

    def __init__(self, dataset: Dataset, size: tuple[int, int]) -> None:
        self.dataset, self.size = dataset, size

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        import cv2

        cv2.setNumThreads(0)
        sample = self.dataset[index]
        picture, rng = sample.infrared, np.random.default_rng()
        x, y, w, h = _window(rng, *picture.shape[:2])
        height, width = self.size
        view = cv2.resize(picture[y : y + h, x : x + w], (width, height))
        flip = rng.random() < 0.5
        if flip:
            view = cv2.flip(view, 1)
        low, high = float(picture.min()), float(picture.max())
        image = (view.astype(np.float32) - low) / max(1.0, high - low)
        boxes = (sample.boxes - [x, y, x, y]) * ([width / w, height / h] * 2)
        if flip:
            boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
        return image[None] if image.ndim == 2 else image.transpose(2, 0, 1), _kept(boxes, self.size)


def _window(rng: np.random.Generator, height: int, width: int) -> tuple[int, int, int, int]:
    """A random resized crop: x, y, w, h."""
    for _ in range(10):
        area = height * width * rng.uniform(0.25, 1)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h
    return 0, 0, width, height


def _kept(boxes: Any, size: tuple[int, int]) -> Any:
    """Boxes clipped to the picture, those that stay visible."""
    clipped = boxes.clip(0, [size[1], size[0]] * 2)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    left = np.prod(clipped[:, 2:] - clipped[:, :2], axis=1)
    return clipped[left >= _LEAST_VISIBLE * np.maximum(area, 1e-9)].astype(np.float32)


def _collate(items: Sequence[tuple[Any, Any]]) -> tuple[Any, list[Any]]:
    import torch

    pictures = torch.from_numpy(np.stack([image for image, _ in items]))
    return pictures, [torch.from_numpy(boxes) for _, boxes in items]
