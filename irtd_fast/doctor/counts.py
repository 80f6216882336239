"""Is everything there: counts, splits, sequences."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from irtd_fast.catalog import SourceRecord
from irtd_fast.doctor.findings import Finding, some
from irtd_fast.manifest import Manifest
from irtd_fast.types import SampleRecord

_PART = 0.5  # of the release, below which a dump is taken for a part of it


def check_counts(manifest: Manifest, record: SourceRecord) -> Iterator[Finding]:
    """Compare the numbers of samples with the published ones."""
    expected, found = record.expected, len(manifest.samples)
    rows = [("samples", expected.samples, found)]
    splits = Counter(sample.split for sample in manifest.samples)
    rows += [(f"split {name}", count, splits[name]) for name, count in expected.splits.items()]
    wrong = [(what, want, have) for what, want, have in rows if want and want != have]
    if not wrong:
        return
    if expected.samples and found < _PART * expected.samples:
        message = f"expected {expected.samples:,} samples, found {found:,}: a part of the release"
        yield Finding("part-of-release", "info", message)
        return
    texts = [f"{what}: expected {want:,}, found {have:,}" for what, want, have in wrong]
    yield Finding(
        "count-differs", "warning", texts[0], len(wrong), some(texts),
        "compare with the publisher's checksums; archives that were cut off lose their last files",
    )  # fmt: skip


def check_sequences(manifest: Manifest) -> Iterator[Finding]:
    """Look for sequences with holes, and for such as end early.

    The step between frames is that of most frames of the sequence, or else the most frequent one
    of the source (KAIST's lists take every second frame of some sets and every twentieth of
    others). A sequence has a hole where a step is larger; it is cut short where labels name frames
    behind its last picture (the scan reports those as labels without a picture).
    """
    sequences: dict[str, list[SampleRecord]] = {}
    for sample in manifest.samples:
        if sample.sequence and sample.frame >= 0:
            sequences.setdefault(sample.sequence, []).append(sample)
    frames = {name: sorted({s.frame for s in items}) for name, items in sequences.items()}
    own = {name: _steps(numbers) for name, numbers in frames.items()}
    steps = sum(own.values(), Counter[int]())
    if not steps:
        return
    usual = steps.most_common(1)[0][0]
    holes = []
    for name, numbers in sorted(frames.items()):
        step, times = next(iter(own[name].most_common(1)), (usual, 0))
        step = step if 2 * times > own[name].total() else usual
        gaps = [(a, b) for a, b in itertools.pairwise(numbers) if b - a > step]
        if gaps:
            first, last = gaps[0]
            missing = sum((b - a) // step - 1 for a, b in gaps)
            holes.append(
                f"expected a frame every {step}, {name}: {missing} frames missing, first between "
                f"{first} and {last}"
            )
    if holes:
        yield Finding("sequence-with-holes", "warning", holes[0], len(holes), some(holes))
    yield from _cut_short(manifest, {name: numbers[-1] for name, numbers in frames.items()})


def _steps(numbers: list[int]) -> Counter[int]:
    return Counter(later - earlier for earlier, later in itertools.pairwise(numbers))


def _cut_short(manifest: Manifest, last: dict[str, int]) -> Iterator[Finding]:
    behind: Counter[str] = Counter()
    for problem in manifest.problems:
        if problem.code == "label-without-image":
            for name in last:
                if (name and f"/{name}/" in f"/{problem.path}/") or f"sequence {name}" in (
                    problem.message
                ):
                    behind[name] += 1
    if behind:
        rows = [
            f"{name}: labels of {count:,} frames that are not there, the last picture is frame "
            f"{last[name]}"
            for name, count in behind.most_common()
        ]
        yield Finding(
            "sequence-cut-short", "error", rows[0], len(rows), some(rows),
            "download that part of the archive again",
        )  # fmt: skip
