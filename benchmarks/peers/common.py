"""What every peer's script shares: the samples, the expert's transform, the conversation.

Imports nothing of ours, so that it runs in the peer's own environment. The task: gray JPEG files
of 512 x 640 with boxes; random resized crop (scale 0.25-1, ratio 3/4-4/3), bilinear to 448 x 448;
flip; boxes follow, clipped, and are dropped under 10 % visible; float32, three channels, mean and
standard deviation; batches of 64.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

SIZE, BATCH, LEAST_VISIBLE = 448, 64, 0.1
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LEVELS = np.arange(256, dtype=np.float32) / 255
TABLES = [((_LEVELS - m) / s).astype(np.float32) for m, s in zip(MEAN, STD, strict=True)]


def samples(folder):
    """(path, boxes) of every sample: xyxy float32."""
    listed = json.loads(Path(folder, "samples.json").read_text())
    return [(path, np.asarray(boxes, np.float32).reshape(-1, 4)) for path, boxes in listed]


def cores():
    """Processors this process may use."""
    return len(os.sched_getaffinity(0))


def window(rng, height, width):
    """A random resized crop as torchvision draws it: x, y, w, h."""
    for _ in range(10):
        area = height * width * rng.uniform(0.25, 1)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h
    return 0, 0, width, height


def remap(boxes, x, y, w, h, flip):
    """Boxes of a window that is resized to SIZE, those that stay visible."""
    scale = np.array([SIZE / w, SIZE / h] * 2, np.float32)
    moved = (boxes - np.array([x, y, x, y], np.float32)) * scale
    if flip:
        moved[:, [0, 2]] = SIZE - moved[:, [2, 0]]
    clipped = moved.clip(0, SIZE)
    area = np.prod(moved[:, 2:] - moved[:, :2], axis=1)
    left = np.prod(clipped[:, 2:] - clipped[:, :2], axis=1)
    return clipped[left >= LEAST_VISIBLE * np.maximum(area, 1e-9)]


def transform(gray, boxes, rng, out=None):
    """What an expert writes with OpenCV: one channel as long as possible, tables at the end."""
    import cv2

    x, y, w, h = window(rng, *gray.shape)
    view = cv2.resize(gray[y : y + h, x : x + w], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    flip = rng.random() < 0.5
    if flip:
        view = cv2.flip(view, 1)
    if out is None:
        out = np.empty((3, SIZE, SIZE), np.float32)
    for plane, table in zip(out, TABLES, strict=True):
        cv2.LUT(view, table, dst=plane)
    return out, remap(boxes, x, y, w, h, flip)


def decode(data):
    """Gray pixels of a JPEG file's bytes."""
    import cv2

    cv2.setNumThreads(0)
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)


def read(path):
    """Gray pixels of a JPEG file."""
    return decode(Path(path).read_bytes())


def serve(epoch, *, boxes=True):
    """Answer requests for batches, one JSON line each, until the input ends.

    Args:
        epoch: Called with a number; yields (images, number of boxes) of batches of BATCH.
        boxes: The peer carries boxes; otherwise it does less than the others.

    Then the whole process group ends, workers included: some loaders' own ones stay otherwise, if
    who asked is gone.
    """
    stream = (batch for number in range(1 << 30) for batch in epoch(number))
    next(stream)  # workers are up, caches made
    print(json.dumps({"ready": True, "carries_boxes": boxes}), flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)["images"]
        seen = found = 0
        started = time.perf_counter()
        while seen < wanted:
            images, count = next(stream)
            seen, found = seen + len(images), found + int(count)
        seconds = time.perf_counter() - started
        last = np.asarray(images)
        print(json.dumps({
            "seconds": seconds, "images": seen, "boxes": found, "shape": list(last.shape),
            "dtype": str(last.dtype), "mean": float(last.mean()), "std": float(last.std()),
        }), flush=True)  # fmt: skip
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
