"""Stores with labels and no pictures: what building texts reads, in the shape of real sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from irtd_fast import catalog
from irtd_fast.store.columns import write_group, write_table
from irtd_fast.store.commit import attributes_digest
from irtd_fast.store.spec import FORMAT_VERSION

HEIGHT, WIDTH = 512, 640


@dataclass(frozen=True)
class Shape:
    """What the samples of a source have.

    Attributes:
        share: Of all samples.
        boxes: Mean number of boxes.
        points: Mean number of points.
        words: Category words in the order of their frequency.
        scenes: Scene words.
        sequence: Frames of a sequence, 0: none.
        identity: Pictures of an identity, 0: none.
    """

    share: float
    boxes: float = 0
    points: float = 0
    words: tuple[str, ...] = ("person",)
    scenes: tuple[str, ...] = ("",)
    sequence: int = 0
    identity: int = 0


SHAPES: Mapping[str, Shape] = {
    "flir-v1": Shape(0.4, 8, words=("car", "person", "bicycle", "dog", "other vehicle")),
    "kaist": Shape(0.2, 2, words=("person", "cyclist"), scenes=("day", "night"), sequence=500),
    "drone-vehicle": Shape(0.1, 14, words=("car", "truck", "bus", "van", "freight car")),
    "lsotb-tir": Shape(0.1, 1, words=("person", "fox", "deer", "car", "dog"), sequence=40),
    "rgbt-cc": Shape(0.05, 0, 60),
    "llcm": Shape(0.1, identity=40),
    "rgbnir": Shape(0.05, scenes=("country", "field", "forest", "mountain", "water")),
}


def write_text_store(store: Path, samples: int, seed: int = 0) -> int:
    """Write a store of all ``SHAPES``; gives the number of its samples."""
    write_group(store, {"irtd": {"format": FORMAT_VERSION}})
    total = 0
    for number, (key, shape) in enumerate(SHAPES.items()):
        count = round(samples * shape.share)
        _write_source(store / key, key, shape, count, np.random.default_rng([seed, number]))
        total += count
    return total


def _write_source(tree: Path, key: str, shape: Shape, count: int, rng: np.random.Generator) -> None:
    rows = np.arange(count)
    splits, words = ["", "test", "train"], sorted(shape.words)
    every = shape.sequence or count + 1
    sequences = [
        "",
        *(f"{shape.words[n % len(shape.words)]}_{n:03d}" for n in range(count // every + 1)),
    ]
    samples: dict[str, Any] = {
        "name": [f"train/{n:07d}" for n in range(count)],
        "split": rng.choice([1, 2], count, p=[0.2, 0.8]).astype(np.int32),
        "scene": rng.integers(0, len(shape.scenes), count, np.int32),
        "sequence": (rows // every + 1 if shape.sequence else rows * 0).astype(np.int32),
        "frame": rows % every,
        "identity": rows // shape.identity if shape.identity else rows * 0 - 1,
        "camera": rng.integers(0, 3, count, np.int32),
        "flags": np.zeros(count, np.uint32),
        "height": np.full(count, HEIGHT, np.int32),
        "width": np.full(count, WIDTH, np.int32),
    }
    if shape.identity:  # an identity is in one split
        samples["split"] = (samples["identity"] % 5 != 0).astype(np.int32) + 1
    for modality in ("infrared", "visible", "masks"):
        here = modality == "infrared"
        samples[f"{modality}_array"] = np.full(count, 0 if here else -1, np.int16)
        samples[f"{modality}_row"] = rows if here else np.full(count, -1, np.int64)
        samples[f"{modality}_digest"] = rng.integers(1, 1 << 63, count).astype(np.uint64)
    write_table(tree / "samples", samples, "sample")
    counts = rng.poisson(shape.boxes, count) if shape.sequence != 40 else np.ones(count, np.int64)
    write_table(tree / "objects", _objects(counts, shape, words, rng), "object")
    write_table(tree / "points", _points(rng.poisson(shape.points, count), rng), "point")
    infrared = {"path": f"infrared/h{HEIGHT}w{WIDTH}u8", "modality": "infrared", "kind": "bucket",
                "encoding": "raw", "dtype": "uint8", "rows": count, "height": HEIGHT,
                "width": WIDTH, "channels": 1}  # fmt: skip
    irtd: dict[str, Any] = {
        "format": FORMAT_VERSION, "source": catalog.get(key).to_dict(), "arrays": [infrared],
        "splits": splits, "scenes": list(shape.scenes), "sequences": sequences,
        "categories": words, "counts": {"samples": count},
    }  # fmt: skip
    irtd["digest"] = attributes_digest(irtd)
    write_group(tree, {"irtd": irtd})


def _objects(
    counts: np.ndarray, shape: Shape, words: list[str], rng: np.random.Generator
) -> dict[str, Any]:
    total = int(counts.sum())
    size = rng.integers(8, 120, (total, 2))
    corner = (rng.random((total, 2)) * (np.array([WIDTH, HEIGHT]) - size)).astype(np.int64)
    frequency = 1 / np.arange(1, len(shape.words) + 1)
    drawn = rng.choice(len(shape.words), total, p=frequency / frequency.sum())
    codes = np.array([words.index(word) for word in shape.words])
    return {
        "offsets": np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64),
        "box": np.concatenate([corner, corner + size], axis=1).astype(np.float32),
        "category": codes[drawn].astype(np.int32),
        "track": np.full(total, -1, np.int64),
        "modality": np.zeros(total, np.uint8),
        "flags": np.zeros(total, np.uint16),
    }


def _points(counts: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    total = int(counts.sum())
    return {
        "offsets": np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64),
        "xy": (rng.random((total, 2)) * [WIDTH, HEIGHT]).astype(np.float32),
        "category": np.zeros(total, np.int32),
        "modality": np.zeros(total, np.uint8),
    }
