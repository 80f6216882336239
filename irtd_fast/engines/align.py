"""Align the pairs of a stored source by their labels, and keep what was found with it."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import StoreError
from irtd_fast.geometry.align import AlignOptions, PairAlignment, align_pair
from irtd_fast.geometry.rig import Rig, find_rig
from irtd_fast.store.columns import write_table
from irtd_fast.store.dataset import Dataset, open_store
from irtd_fast.store.derived import attach_group

GROUP = "alignment"
VERDICTS = ("unpaired", "refused", "weak", "good")
Scope = Literal["pair", "rig"]
Progress = Callable[[str, int, int], None]

_PER_TASK = 32
_LEAST_FOR_PROCESSES = 128  # below it starting processes costs more than they give
_PERCENTILES = (50, 90, 99)


@dataclass
class AlignReport:
    """What an alignment of a source found.

    Attributes:
        store: Path of the store.
        source: Name of the source.
        options: Of the alignment, and its ``scope``.
        counts: Verdict -> pairs.
        reasons: Reason without its numbers -> pairs that are not good.
        residual: Percentiles of the good pairs' residual, visible pixels.
        corner_error: Percentiles of the good pairs' predicted corner error, visible pixels.
        overlap: Percentiles of the share of the infrared frame that good pairs keep.
        rig: The matrix that good pairs agree on, if they do.
        registration: What the record says about the source.
        written: The columns were stored.
        alignments: One a sample, in the source's order; ``None`` without a visible partner.
    """

    store: str
    source: str
    options: dict[str, Any]
    counts: dict[str, int]
    reasons: dict[str, int]
    residual: dict[str, float]
    corner_error: dict[str, float]
    overlap: dict[str, float]
    rig: dict[str, Any] | None
    registration: str
    written: bool = False
    alignments: list[PairAlignment | None] = field(default_factory=list, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data, without the single pairs."""
        data = asdict(replace(self, alignments=[]))
        del data["alignments"]
        return data


def align_source(
    store: str | Path,
    source: str,
    *,
    options: AlignOptions | None = None,
    scope: Scope = "pair",
    workers: int = 0,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> AlignReport:
    """Align every pair of a source from the boxes of both modalities.

    Boxes match within a category, and by track where both sides have tracks. Points and masks
    take no part.

    Args:
        store: The store.
        source: Name of the source.
        options: Model and thresholds.
        scope: ``pair``: each for itself. ``rig``: the camera rig is taken to be fixed: pairs that
            are not good alone are tried again with the matrix that good pairs agree on.
        workers: Processes, by default one a core.
        dry_run: Write nothing.
        progress: Called with (phase, pairs done, pairs in all).

    Raises:
        ValueError: No such source, or it has no visible partners.
        StoreError: The source has no boxes of visible pictures, so nothing can be matched.
    """
    options = options or AlignOptions()
    dataset = open_store(store).filter(source=source)
    pairs = list(_pairs(dataset))
    _check(dataset, source, pairs)
    say = progress or _silent
    found = _align_all(pairs, options, None, workers, say)
    rig = find_rig(found, [p.infrared_size for p in pairs], [p.visible_size for p in pairs])
    if scope == "rig" and rig is not None:
        again = [n for n, item in enumerate(found) if item.verdict != "good"]
        better = _align_all([pairs[n] for n in again], options, rig.matrix, workers, say)
        for n, item in zip(again, better, strict=True):
            found[n] = item
    alignments: list[PairAlignment | None] = [None] * len(dataset)
    for pair, item in zip(pairs, found, strict=True):
        alignments[pair.number] = item
    report = _report(str(store), source, options, scope, alignments, rig, dataset)
    if not dry_run:
        facts = {key: value for key, value in report.to_dict().items() if key != "store"}
        attach_group(
            store, source, GROUP, lambda folder: _write(folder, alignments), attributes=facts
        )
        report.written = True
    return report


def alignable(dataset: Dataset) -> list[str]:
    """Names of the sources that have visible partners and boxes of both modalities."""
    names = []
    for source in dataset.sources:
        paired = len(source) and bool((source.column("samples", "visible_array") >= 0).any())
        if paired and len(set(np.unique(source.column("objects", "modality")).tolist())) == 2:
            names.append(source.name)
    return names


@dataclass(frozen=True)
class _Pair:
    number: int
    infrared: NDArray[np.float64]
    visible: NDArray[np.float64]
    categories: tuple[list[int], list[int]]
    tracks: tuple[list[int], list[int]]
    infrared_size: tuple[int, int]
    visible_size: tuple[int, int]


def _silent(phase: str, done: int, total: int) -> None:
    """Report nothing."""


def _pairs(dataset: Dataset) -> Iterator[_Pair]:
    numbers = np.arange(len(dataset), dtype=np.int64)
    objects = dataset.objects(numbers, ("box", "track", "modality"))
    sizes = dataset.sizes(numbers), dataset.sizes(numbers, "visible")
    for number in range(len(dataset)):
        if not sizes[1][number].any():
            continue
        rows = slice(int(objects.offsets[number]), int(objects.offsets[number + 1]))
        boxes = objects["box"][rows].astype(np.float64)
        seen = objects["modality"][rows] == 1
        codes, tracks = objects.category[rows], objects["track"][rows]
        yield _Pair(
            number, boxes[~seen], boxes[seen],
            (codes[~seen].tolist(), codes[seen].tolist()),
            (tracks[~seen].tolist(), tracks[seen].tolist()),
            (int(sizes[0][number, 0]), int(sizes[0][number, 1])),
            (int(sizes[1][number, 0]), int(sizes[1][number, 1])),
        )  # fmt: skip


def _check(dataset: Dataset, source: str, pairs: Sequence[_Pair]) -> None:
    if not pairs:
        raise ValueError(f"{source}: no sample has a visible partner; nothing to align")
    if not any(len(pair.visible) for pair in pairs):
        registration = (
            dataset.source_named(source).attributes["source"].get("registration", "unknown")
        )
        raise StoreError(
            f"{source}: no boxes of visible pictures, so infrared and visible labels cannot be "
            f"matched (registration by its record: {registration})",
            source=source,
        )


def _align_one(pair: _Pair, options: AlignOptions, prior: Any) -> PairAlignment:
    return align_pair(
        pair.infrared, pair.visible,
        infrared_size=pair.infrared_size, visible_size=pair.visible_size,
        infrared_categories=pair.categories[0], visible_categories=pair.categories[1],
        infrared_identities=pair.tracks[0], visible_identities=pair.tracks[1],
        prior=prior, options=options,
    )  # fmt: skip


def _align_some(task: tuple[Sequence[_Pair], AlignOptions, Any]) -> list[PairAlignment]:
    pairs, options, prior = task
    return [_align_one(pair, options, prior) for pair in pairs]


def _align_all(
    pairs: Sequence[_Pair], options: AlignOptions, prior: Any, workers: int, say: Progress
) -> list[PairAlignment]:
    phase = "align" if prior is None else "align with the rig"
    found: list[PairAlignment] = []
    tasks = [
        (pairs[first : first + _PER_TASK], options, prior)
        for first in range(0, len(pairs), _PER_TASK)
    ]
    count = min(workers or _core.available_threads(), len(tasks))
    if count <= 1 or len(pairs) < _LEAST_FOR_PROCESSES:
        for task in tasks:
            found += _align_some(task)
            say(phase, len(found), len(pairs))
        return found
    # Fresh interpreters: the core's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        for part in pool.map(_align_some, tasks):
            found += part
            say(phase, len(found), len(pairs))
    return found


def _report(
    store: str, source: str, options: AlignOptions, scope: str,
    alignments: Sequence[PairAlignment | None], rig: Rig | None, dataset: Dataset,
) -> AlignReport:  # fmt: skip
    verdicts = Counter(item.verdict if item else "unpaired" for item in alignments)
    others = [item for item in alignments if item is not None and item.verdict != "good"]
    reasons = Counter(_without_numbers(item.reason) for item in others)
    good = [item for item in alignments if item is not None and item.verdict == "good"]
    record = dataset.source_named(source).attributes["source"]
    return AlignReport(
        store, source, {**asdict(options), "scope": scope},
        {name: verdicts.get(name, 0) for name in reversed(VERDICTS)},
        dict(reasons.most_common()),
        _percentiles([item.residual for item in good]),
        _percentiles([item.corner_error for item in good]),
        _percentiles([item.overlap for item in good]),
        rig.to_dict() if rig else None, str(record.get("registration", "unknown")),
    )  # fmt: skip


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    found = np.percentile(np.asarray(values, np.float64), _PERCENTILES)
    return {f"p{p}": float(v) for p, v in zip(_PERCENTILES, found, strict=True)}


def _without_numbers(reason: str) -> str:
    words = ["…" if any(c.isdigit() for c in word) else word for word in reason.split()]
    return " ".join(words)


def _write(folder: Path, alignments: Sequence[PairAlignment | None]) -> None:
    """Write one row a sample; samples without a partner have NaN and ``unpaired``."""
    none = PairAlignment("refused", "no visible partner")
    rows = [item or none for item in alignments]
    codes = [VERDICTS.index(item.verdict) if item else 0 for item in alignments]
    numbers = ("residual", "corner_error", "overlap", "agreement", "false_alarms")
    columns: dict[str, Any] = {
        "verdict": np.array(codes, np.uint8),
        "reason": [item.reason for item in rows],
        "matrix": np.array([item.matrix.reshape(-1) for item in rows], np.float64),
        "infrared_window": np.array([item.infrared_window for item in rows], np.float64),
        "visible_window": np.array([item.visible_window for item in rows], np.float64),
        "matches": np.array([len(item.matches) for item in rows], np.int32),
        **{name: np.array([getattr(i, name) for i in rows], np.float64) for name in numbers},
    }
    write_table(folder, columns, "sample")
