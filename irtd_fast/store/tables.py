"""Samples, objects, points and problems of a source as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.store.columns import csr_offsets
from irtd_fast.store.plan import MODALITIES, Plan
from irtd_fast.types import ObjectRecord, Problem, SampleRecord

Columns = dict[str, Any]
_MODALITY_CODE = {"infrared": 0, "visible": 1}


class Vocabulary:
    """Strings numbered in sorted order; ``""`` is always code 0."""

    def __init__(self, words: Iterable[str], *, blank: bool = True) -> None:
        self.words = ([""] if blank else []) + sorted(set(words) - ({""} if blank else set()))
        self._codes = {word: code for code, word in enumerate(self.words)}

    def codes(self, words: Iterable[str], count: int) -> NDArray[np.int32]:
        """Codes of many words (int32)."""
        return np.fromiter((self._codes[word] for word in words), np.int32, count)


@dataclass(frozen=True)
class LabelTables:
    """What labels alone decide; they are known long before the last picture is decoded.

    Attributes:
        objects: Columns of ``objects``.
        points: Columns of ``points``.
        categories: Vocabulary of both.
    """

    objects: Columns
    points: Columns
    categories: list[str]


@dataclass
class SourceTables:
    """All columns of a source and the vocabularies that its codes refer to."""

    samples: Columns
    objects: Columns
    points: Columns
    problems: Columns
    splits: list[str]
    scenes: list[str]
    sequences: list[str]
    categories: list[str]


def build_labels(samples: Sequence[SampleRecord]) -> LabelTables:
    """Turn the labels of all these samples into columns."""
    words = {item.category for s in samples for item in s.objects}
    words |= {item.category for s in samples for item in s.points}
    categories = Vocabulary(words, blank=False)
    return LabelTables(
        _objects(samples, categories), _points(samples, categories), categories.words
    )


def build_tables(
    samples: Sequence[SampleRecord],
    problems: Sequence[Problem],
    plan: Plan,
    keep: NDArray[np.int64],
    digests: dict[str, NDArray[np.uint64]],
    labels: LabelTables | None = None,
) -> SourceTables:
    """Turn records into columns.

    Args:
        samples: All planned samples.
        problems: Everything that was reported.
        plan: Where pictures went.
        keep: Numbers of the samples that are in the store, ascending.
        digests: Per modality: XXH64 of each planned sample's source file.
        labels: Of the samples that are kept, if they were built before.
    """
    kept = [samples[i] for i in keep]
    splits = Vocabulary(s.split for s in kept)
    scenes = Vocabulary(s.scene for s in kept)
    sequences = Vocabulary(s.sequence for s in kept)
    labels = labels or build_labels(kept)
    count = len(kept)
    table: Columns = {
        "name": [s.name for s in kept],
        "split": splits.codes((s.split for s in kept), count),
        "scene": scenes.codes((s.scene for s in kept), count),
        "sequence": sequences.codes((s.sequence for s in kept), count),
        "frame": np.fromiter((s.frame for s in kept), np.int64, count),
        "identity": np.fromiter((s.identity for s in kept), np.int64, count),
        "camera": np.fromiter((s.camera for s in kept), np.int32, count),
        "flags": np.fromiter((s.flags for s in kept), np.uint32, count),
        "height": np.fromiter((s.infrared.height for s in kept), np.int32, count),
        "width": np.fromiter((s.infrared.width for s in kept), np.int32, count),
    }
    if any(s.attributes for s in kept):
        table["attributes"] = [_json(s.attributes) for s in kept]
    for modality in MODALITIES:
        table[f"{modality}_array"] = plan.codes[modality][keep]
        table[f"{modality}_row"] = plan.rows[modality][keep]
        table[f"{modality}_digest"] = digests[modality][keep]
    return SourceTables(
        table, labels.objects, labels.points, _problems(problems),
        splits.words, scenes.words, sequences.words, labels.categories,
    )  # fmt: skip


def _json(attributes: dict[str, str]) -> str:
    return json.dumps(attributes, sort_keys=True, separators=(",", ":")) if attributes else ""


def _objects(kept: Sequence[SampleRecord], categories: Vocabulary) -> Columns:
    flat = [item for sample in kept for item in sample.objects]
    count = len(flat)
    boxes = np.array([o.box for o in flat], np.float32).reshape(count, 4)
    columns: Columns = {
        "offsets": csr_offsets((len(s.objects) for s in kept), len(kept)),
        "box": boxes,
        "category": categories.codes((o.category for o in flat), count),
        "track": np.fromiter((o.track for o in flat), np.int64, count),
        "modality": np.fromiter((_MODALITY_CODE[o.modality] for o in flat), np.uint8, count),
        "flags": np.fromiter((o.flags for o in flat), np.uint16, count),
    }
    if any(o.corners is not None for o in flat):
        columns["corners"] = _corners(flat)
    return columns


def _corners(flat: Sequence[ObjectRecord]) -> NDArray[np.float32]:
    """Corners (M, 8); NaN where an object has none."""
    corners = np.full((len(flat), 8), np.nan, np.float32)
    for i, item in enumerate(flat):
        if item.corners is not None:
            corners[i] = item.corners
    return corners


def _points(kept: Sequence[SampleRecord], categories: Vocabulary) -> Columns:
    flat = [item for sample in kept for item in sample.points]
    count = len(flat)
    return {
        "offsets": csr_offsets((len(s.points) for s in kept), len(kept)),
        "xy": np.array([(p.x, p.y) for p in flat], np.float32).reshape(count, 2),
        "category": categories.codes((p.category for p in flat), count),
        "modality": np.fromiter((_MODALITY_CODE[p.modality] for p in flat), np.uint8, count),
    }


def _problems(problems: Sequence[Problem]) -> Columns:
    names = ("code", "path", "where", "message", "action", "sample")
    return {name: [getattr(problem, name) for problem in problems] for name in names}
