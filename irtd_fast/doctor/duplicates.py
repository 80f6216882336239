"""Are pictures in a dump twice, and on both sides of a split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from irtd_fast import _core
from irtd_fast.doctor.findings import Finding, findings_of, some
from irtd_fast.manifest import Manifest
from irtd_fast.redundancy import Leak, RedundancyReport, find_duplicates, fingerprint_manifest
from irtd_fast.types import SampleRecord

Progress = Callable[[str, int, int], None]

_WORDS = {"exact": "the same file as", "pixels": "the same pixels as", "near": "looks like"}


def check_duplicates(
    manifest: Manifest, *, tolerance: int, threads: int, progress: Progress, seen: set[str]
) -> Iterator[Finding]:
    """Compare all infrared pictures with one another.

    Args:
        manifest: The samples.
        tolerance: Largest difference between channels of a gray picture.
        threads: Threads that read and decode.
        progress: Called with ("hash", done, total).
        seen: Names of samples that were decoded before: what is wrong with them is told already.
    """
    prints = fingerprint_manifest(manifest, tolerance=tolerance, threads=threads, progress=progress)
    report = find_duplicates(prints)
    samples = {sample.name: sample for sample in manifest.samples}
    yield from findings_of([p for p in report.problems if p.sample not in seen])
    yield from _groups(report, samples)
    yield from _leaks(report.leaks, samples)
    yield from _shared_partners(manifest, threads)


def _shared_partners(manifest: Manifest, threads: int) -> Iterator[Finding]:
    """Find visible files with the same bytes beside different infrared ones."""
    paired = [(s.visible, s.infrared) for s in manifest.samples if s.visible is not None]
    paths = [visible.path for visible, infrared in paired if visible.path != infrared.path]
    if not paths:
        return
    digests, _, _ = _core.hash_files([f"{manifest.root}/{p}" for p in paths], threads=threads)
    first: dict[int, str] = {}
    texts = [
        f"{path}: {_WORDS['exact']} {first[digest]}"
        for path, digest in zip(paths, digests.tolist(), strict=True)
        if digest and first.setdefault(digest, path) != path
    ]
    if texts:
        yield Finding(
            "duplicate-visible", "warning", texts[0], len(texts), some(texts),
            "infrared pictures share a partner: is the visible side shifted by a frame?",
        )  # fmt: skip


def _groups(report: RedundancyReport, samples: Mapping[str, SampleRecord]) -> Iterator[Finding]:
    same: list[str] = []
    near: list[tuple[bool, int, str]] = []
    for group in report.groups:
        first = samples[group.members[0].name]
        for member in group.members[1:]:
            sample = samples[member.name]
            text = f"{sample.infrared.path}: {_WORDS[member.kind]} {first.infrared.path}"
            if member.kind == "near":
                together = bool(sample.sequence) and sample.sequence == first.sequence
                text += f" ({member.distance} of 128 bits differ)"
                near.append((together, member.distance, text))
            else:
                same.append(text)
    if same:
        yield Finding(
            "duplicate-exact", "warning", same[0], len(same), some(same),
            "`irtd ingest --drop-duplicates exact` keeps the first of each",
        )  # fmt: skip
    if near:
        neighbours = sum(together for together, _, _ in near)
        message = f"{len(near)} pictures look like an earlier one"
        message += f", {neighbours} of them in the same sequence" if neighbours else ""
        near.sort(key=lambda item: item[:2])  # neighbours in a sequence are no news
        yield Finding(
            "duplicate-near", "info", message, len(near), some([text for _, _, text in near]),
            "`irtd ingest --drop-duplicates near` keeps the first of each",
        )  # fmt: skip


def _leaks(leaks: list[Leak], samples: Mapping[str, SampleRecord]) -> Iterator[Finding]:
    """Equal pictures in two splits spoil a benchmark; alike ones are worth a look."""
    if not leaks:
        return
    ordered = sorted(leaks, key=lambda leak: leak.distance + 256 * (leak.kind == "near"))
    texts = [
        f"{samples[leak.first.name].infrared.path} ({leak.first.split}): {_WORDS[leak.kind]} "
        f"{samples[leak.second.name].infrared.path} ({leak.second.split})"
        for leak in ordered
    ]
    equal = sum(leak.kind != "near" for leak in leaks)
    message = f"{len(leaks)} pictures have a counterpart in another split, {equal} an equal one"
    yield Finding(
        "split-leak", "warning" if equal else "info", message, len(leaks), some(texts),
        "leave them out of one of the splits before comparing results",
    )  # fmt: skip
