"""The examination: scan, counts, sequences, pixels, fit of labels, known defects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from irtd_fast import _core
from irtd_fast.catalog import Sampling, SourceRecord
from irtd_fast.doctor.counts import check_counts, check_sequences
from irtd_fast.doctor.duplicates import check_duplicates
from irtd_fast.doctor.findings import DoctorReport, Finding, findings_of, some, sort_findings
from irtd_fast.doctor.fit import SUSPECT, Float, find_owners, find_shift, misfit, stands_out
from irtd_fast.doctor.known import match_known
from irtd_fast.doctor.pictures import Look, look_at_pictures
from irtd_fast.scan import scan
from irtd_fast.types import SampleRecord

Progress = Callable[[str, int, int], None]

_MANY_SUSPECTS = 0.2  # of the pictures: then objects are faint, not labels wrong
_RUN = 24  # consecutive frames of a sequence that are looked at for a shift


@dataclass(frozen=True)
class ExamineOptions:
    """How much is looked at.

    Attributes:
        pictures: Pictures decoded, evenly spaced and in runs; 0 decodes all.
        duplicates: Look for equal and nearly equal pictures, which reads every one.
        seed: Of the places that labels are tried at.
    """

    pictures: int = 256
    duplicates: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.pictures < 0 or self.seed < 0:
            raise ValueError("pictures and seed must not be negative")


def examine(
    root: str | Path,
    record: SourceRecord,
    *,
    variant: str | None = None,
    options: ExamineOptions | None = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> DoctorReport:
    """Check a dump against its record and against what is known of the source.

    Nothing is written. Every picture's header is read and every label; pixels of some, or of all
    where duplicates are looked for.

    Args:
        root: The dump, or a folder above it.
        record: What it should be.
        variant: Layout to take; by default the record's first that fits.
        options: How much is looked at.
        threads: Threads that read and decode; 0 takes one a core.
        progress: Called with (phase, done, total).

    Raises:
        SourceLayoutError: No such folder, or none of the record's layouts.
    """
    options = options or ExamineOptions()
    threads = threads or _core.available_threads()
    say = progress or _silent
    root = Path(root)
    manifest = scan(
        root, record, variant=variant, sampling=Sampling(), threads=threads, progress=say
    )
    report = DoctorReport(
        str(root), record.key, manifest.variant, len(manifest.samples),
        sum(len(s.objects) for s in manifest.samples),
        sum(len(s.points) for s in manifest.samples), notes=list(manifest.notes),
    )  # fmt: skip
    findings = findings_of(manifest.problems)
    findings += [*check_counts(manifest, record), *check_sequences(manifest)]
    numbers = choose(manifest.samples, options.pictures)
    looks = look_at_pictures(
        root, manifest, record, numbers, threads=threads,
        tick=lambda done: say("pictures", done, len(numbers)),
    )  # fmt: skip
    report.decoded = len(looks.looks)
    findings += looks.findings
    findings += list(check_fit(looks.looks, options.seed))
    if options.duplicates:
        findings += check_duplicates(
            manifest, tolerance=record.variant(manifest.variant).chroma_tolerance,
            threads=threads, progress=say, seen={look.sample.name for look in looks.looks},
        )  # fmt: skip
    findings += list(match_known(record.key, findings, manifest.samples))
    report.findings = sort_findings(findings)
    return report


def _silent(phase: str, done: int, total: int) -> None:
    """Report nothing."""


def choose(samples: Sequence[SampleRecord], most: int) -> list[int]:
    """Choose samples to decode: all, or half of them evenly spaced and half in runs of frames.

    Args:
        samples: In order.
        most: How many; 0 for all.

    Returns:
        Ascending numbers.
    """
    count = len(samples)
    if not most or count <= most:
        return list(range(count))
    spread = np.linspace(0, count - 1, max(1, most // 2)).astype(int)
    runs = max(1, most // 2 // _RUN)
    starts = np.linspace(0, max(0, count - _RUN), runs).astype(int)
    near = (starts[:, None] + np.arange(_RUN)).ravel()
    chosen = set(spread.tolist()) | {int(n) for n in near if n < count}
    return sorted(chosen)


def check_fit(looks: Sequence[Look], seed: int) -> Iterator[Finding]:
    """Find pictures whose labels belong to another, and sequences whose labels are shifted."""
    shown = [look for look in looks if look.contrast is not None]
    labels = [boxes_of(look.sample) for look in shown]
    yield from _shifted(shown, labels)
    rng = np.random.default_rng(seed)
    contrasts = [look.contrast for look in shown if look.contrast is not None]
    values = np.array([misfit(c, b, rng) for c, b in zip(contrasts, labels, strict=True)])
    if not stands_out(values):
        return
    suspects = np.flatnonzero(values > SUSPECT).tolist()
    if not suspects:
        return
    if len(suspects) > _MANY_SUSPECTS * len(shown):
        message = f"{len(suspects)} of {len(shown)} pictures have labels that do not stand out"
        yield Finding("faint-objects", "info", message, len(suspects))
        return
    owners = find_owners(suspects, contrasts, labels, rng)
    texts = []
    for number in sorted(suspects, key=lambda n: -values[n]):
        path = shown[number].sample.infrared.path
        owner = owners.get(number)
        other = f"; those of {shown[owner].sample.name} fit it" if owner is not None else ""
        texts.append(f"{path}: its boxes do not stand out (p = {values[number]:.2f}){other}")
    yield Finding(
        "labels-do-not-fit", "warning", texts[0], len(texts), some(texts),
        f"look at them (`irtd show`): labels of another picture, or faint objects; about "
        f"{SUSPECT:.0%} of wrong ones are not found",
    )  # fmt: skip


def boxes_of(sample: SampleRecord) -> Float:
    """Infrared boxes of a sample, (n, 4) float64."""
    boxes = [item.box for item in sample.objects if item.modality == "infrared"]
    return np.array(boxes, np.float64).reshape(-1, 4)


def _shifted(looks: Sequence[Look], labels: Sequence[Float]) -> Iterator[Finding]:
    texts = []
    for first, last in _runs([look.sample for look in looks]):
        tables = [look.contrast for look in looks[first:last] if look.contrast is not None]
        shift = find_shift(tables, labels[first:last])
        if shift is not None:
            sample = looks[first].sample
            texts.append(
                f"{sample.sequence}: labels of frame i fit frame i {shift.frames:+d} better "
                f"(contrast {shift.gain:+.2f} ± {shift.error:.2f})"
            )
    if texts:
        yield Finding(
            "labels-shifted", "error", texts[0], len(texts), some(texts),
            "the rows of the label file do not belong to the frames they are filed under",
        )  # fmt: skip


def _runs(samples: Sequence[SampleRecord]) -> Iterator[tuple[int, int]]:
    """Stretches of consecutive frames of one sequence."""
    first = 0
    for number in range(1, len(samples) + 1):
        ended = number == len(samples)
        if not ended:
            before, now = samples[number - 1], samples[number]
            ended = (
                not now.sequence
                or now.sequence != before.sequence
                or (now.frame != before.frame + 1)
            )
        if ended:
            if number - first > 1:
                yield first, number
            first = number
