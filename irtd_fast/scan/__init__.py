"""Scan a dump: from a folder and a record to a manifest. No pixel is decoded but of masks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from irtd_fast.catalog import Sampling, SourceRecord
from irtd_fast.images import probe_images
from irtd_fast.manifest import Manifest
from irtd_fast.scan.collector import collector_paused
from irtd_fast.scan.drafts import Group, make_drafts
from irtd_fast.scan.failures import DEFAULT_FAILURE_RATE, FailureLimit
from irtd_fast.scan.labels import Labeller, mark_unlabelled
from irtd_fast.scan.labels_only import LabelCounter
from irtd_fast.scan.layout import Layout, choose_layout
from irtd_fast.scan.partners import Partners
from irtd_fast.scan.paths import Paths
from irtd_fast.scan.samples import SampleBuilder
from irtd_fast.scan.splits import assign_splits
from irtd_fast.scan.videos import expand_videos, frame_info
from irtd_fast.scan.walk import natural_key, walk
from irtd_fast.types import ImageInfo, Problem, SampleFlag

__all__ = ["DEFAULT_FAILURE_RATE", "PictureScan", "scan", "scan_pictures"]

_log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


def scan(
    root: str | Path,
    record: SourceRecord,
    *,
    variant: str | None = None,
    limit: int | None = None,
    sampling: Sampling | None = None,
    max_failure_rate: float = DEFAULT_FAILURE_RATE,
    threads: int = 0,
    progress: Progress | None = None,
) -> Manifest:
    """Read a dump as a record describes it.

    Whatever is wrong with single files or labels is reported in ``Manifest.problems`` and the
    scan goes on. The result does not depend on the order in which the file system lists files.

    Args:
        root: The dump, or a folder above it.
        record: The source.
        variant: Layout to take; by default the record's first that fits.
        limit: Look only at the first so many infrared pictures in order, of those taken.
        sampling: Which pictures of a sequence to take, chosen before any is opened; by default
            the record's. A sampled scan does not report labels and partners without pictures.
        max_failure_rate: Stop when more than this part of the pictures, or of the label files of
            one kind, cannot be used, and at least 20 of them; 1 never stops.
        threads: Threads that read headers; 0 takes one a core.
        progress: Called with (stage, done, total) after each stage.

    Raises:
        FailureRateError: More than ``max_failure_rate`` failed; ``problems`` says what.
        SourceLayoutError: The folder is not there, or holds none of the record's layouts.
        SourceError: The record cannot be used: no such variant, wrong reader options.
        UnsupportedError: A layout of videos, and PyAV is not installed.
        ValueError: ``limit`` is negative, or ``max_failure_rate`` not from 0 to 1.
    """
    pending = scan_pictures(
        root, record, variant=variant, limit=limit, sampling=sampling,
        max_failure_rate=max_failure_rate, threads=threads, progress=progress,
    )  # fmt: skip
    return pending.read_labels()


@dataclass
class PictureScan:
    """A scan that knows its pictures but not yet their labels.

    Attributes:
        manifest: All samples, in order, with their pictures: enough to plan and to decode by.
            ``read_labels`` completes it in place.
    """

    manifest: Manifest
    _root: Path
    _record: SourceRecord
    _layout: Layout
    _groups: list[Group]
    _say: Progress
    _failures: FailureLimit

    def leave_out(self, problems: Mapping[str, Problem]) -> None:
        """Take samples out again, before their labels are read.

        Args:
            problems: Name of each sample -> why, which becomes one of the manifest's problems.
        """
        for _, drafts in self._groups:
            for draft in drafts:
                if draft.name in problems:
                    draft.sample = None
        kept = [sample for sample in self.manifest.samples if sample.name not in problems]
        self.manifest.samples = kept
        self.manifest.problems += problems.values()

    def read_labels(self) -> Manifest:
        """Add labels, splits and flags; no picture changes and no sample comes or goes.

        Raises:
            SourceError: The record's reader options are wrong.
            FailureRateError: Too large a part of the label files cannot be read.
        """
        manifest, layout, groups = self.manifest, self._layout, self._groups
        if layout.variant.labels_only:
            counter = LabelCounter(self._root, self._record, manifest.problems, self._failures)
            manifest.notes += [*counter.read_all(layout), *layout.notes]
            return manifest
        labeller = Labeller(self._root, self._record, groups, manifest.problems, self._failures)
        labeller.read_all(layout)
        mark_unlabelled(layout, groups, manifest.problems)
        assign_splits(self._root, layout, groups, manifest.problems)
        _mark_problems(manifest)
        manifest.notes += layout.notes
        count = len(manifest.samples)
        self._say("labels", count, count)
        _log.info("%s: %d samples, %d problems", self._record.key, count, len(manifest.problems))
        return manifest


@collector_paused()
def scan_pictures(
    root: str | Path,
    record: SourceRecord,
    *,
    variant: str | None = None,
    limit: int | None = None,
    sampling: Sampling | None = None,
    max_failure_rate: float = DEFAULT_FAILURE_RATE,
    threads: int = 0,
    progress: Progress | None = None,
) -> PictureScan:
    """Do the first half of ``scan``: find, name, pair and probe the pictures.

    Labels take as long again to read as pictures to find, and decoding does not need them: an
    ingest reads them while it decodes. Arguments and errors are those of ``scan``.
    """
    if limit is not None and limit < 0:
        raise ValueError(f"limit must not be negative, found {limit}")
    failures = FailureLimit(max_failure_rate, record.key)
    say = progress or _silent
    root = Path(root)
    tree = walk(root)
    paths = Paths(tree.folders)
    say("walk", len(paths), len(paths))
    layout = choose_layout(record, paths, root, name=variant)
    manifest = Manifest(record.key, layout.variant.name, str(root), layout.base)
    manifest.problems += tree.problems
    if layout.variant.video:
        expand_videos(root, layout, manifest.problems, failures, threads)
        say("videos", len(layout.videos), len(layout.videos))
    groups = make_drafts(record, layout, sampling, limit)
    rule = record.sampling if sampling is None else sampling
    manifest.sampling = {} if rule.takes_all else asdict(rule)
    _make_samples(root, record, layout, groups, paths, manifest.problems, threads)
    kept = [draft for _, drafts in groups for draft in drafts if draft.sample is not None]
    if len(groups) > 1:  # each group is in order already
        kept.sort(key=lambda draft: natural_key(draft.path))
    manifest.samples = [draft.sample for draft in kept if draft.sample is not None]
    drafted = sum(len(drafts) for _, drafts in groups)
    failures.check("pictures", drafted - len(kept), drafted, manifest.problems)
    say("pictures", len(kept), drafted)
    return PictureScan(manifest, root, record, layout, groups, say, failures)


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def _make_samples(
    root: Path, record: SourceRecord, layout: Layout, groups: list[Group], paths: Paths,
    problems: list[Problem], threads: int,
) -> None:  # fmt: skip
    """Pair, probe all pictures in one call, and fill in ``Draft.sample``."""
    sets = [(Partners(root, layout, group, paths, problems), group[1]) for group in groups]
    rows = [
        (draft, partners, partners.visible(draft), partners.mask(draft))
        for partners, drafts in sets
        for draft in drafts
    ]
    unique = list(
        dict.fromkeys(path for d, _, *others in rows for path in (d.path, *others) if path)
    )
    if layout.variant.video:
        probed: dict[str, ImageInfo | Problem] = {p: frame_info(layout, p) for p in unique}
    else:
        probed = dict(zip(unique, probe_images(root, unique, threads=threads), strict=True))
    builder = SampleBuilder(root, record, layout, probed, problems)
    for draft, partners, visible, mask in rows:
        draft.sample = builder.build(draft, partners, visible, mask)
    layout.notes += builder.notes


def _mark_problems(manifest: Manifest) -> None:
    named = {problem.sample for problem in manifest.problems if problem.sample}
    for sample in manifest.samples:
        if sample.name in named:
            sample.flags |= int(SampleFlag.HAS_PROBLEMS)
