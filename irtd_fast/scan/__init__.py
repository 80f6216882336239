"""Scan a dump: from a folder and a record to a manifest. No pixel is decoded but of masks."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

from irtd_fast.catalog import SourceRecord
from irtd_fast.formats.base import KEPT_MARKED
from irtd_fast.images import mislabelled, probe_images
from irtd_fast.manifest import Manifest
from irtd_fast.scan.labels import Draft, Group, Labeller, mark_unlabelled, set_attribute
from irtd_fast.scan.layout import Layout, PictureSet, choose_layout
from irtd_fast.scan.splits import assign_splits
from irtd_fast.scan.walk import natural_key, walk
from irtd_fast.types import ImageInfo, Problem, SampleFlag, SampleRecord

__all__ = ["PictureScan", "scan", "scan_pictures"]

_log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


def scan(
    root: str | Path,
    record: SourceRecord,
    *,
    variant: str | None = None,
    limit: int | None = None,
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
        limit: Look only at the first so many infrared pictures in order.
        threads: Threads that read headers; 0 takes one a core.
        progress: Called with (stage, done, total) after each stage.

    Raises:
        SourceLayoutError: The folder is not there, or holds none of the record's layouts.
        SourceError: The record cannot be used: no such variant, wrong reader options.
        ValueError: ``limit`` is negative.
    """
    pending = scan_pictures(
        root, record, variant=variant, limit=limit, threads=threads, progress=progress
    )
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

    def read_labels(self) -> Manifest:
        """Add labels, splits and flags; no picture changes and no sample comes or goes.

        Raises:
            SourceError: The record's reader options are wrong.
        """
        manifest, layout, groups = self.manifest, self._layout, self._groups
        Labeller(self._root, self._record, groups, manifest.problems).read_all(layout)
        mark_unlabelled(layout, groups, manifest.problems)
        assign_splits(self._root, layout, groups, manifest.problems)
        _mark_problems(manifest)
        manifest.notes += layout.notes
        count = len(manifest.samples)
        self._say("labels", count, count)
        _log.info("%s: %d samples, %d problems", self._record.key, count, len(manifest.problems))
        return manifest


def scan_pictures(
    root: str | Path,
    record: SourceRecord,
    *,
    variant: str | None = None,
    limit: int | None = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> PictureScan:
    """Do the first half of ``scan``: find, name, pair and probe the pictures.

    Labels take as long again to read as pictures to find, and decoding does not need them: an
    ingest reads them while it decodes. Arguments and errors are those of ``scan``.
    """
    if limit is not None and limit < 0:
        raise ValueError(f"limit must not be negative, found {limit}")
    say = progress or _silent
    root = Path(root)
    tree = walk(root)
    say("walk", len(tree.files), len(tree.files))
    layout = choose_layout(record, tree.files, root, name=variant)
    manifest = Manifest(record.key, layout.variant.name, str(root), layout.base)
    manifest.problems += tree.problems
    groups = _drafts(record, layout)
    _make_samples(root, record, layout, groups, manifest.problems, limit=limit, threads=threads)
    kept = [draft for _, drafts in groups for draft in drafts if draft.sample is not None]
    if len(groups) > 1:  # each group is in order already
        kept.sort(key=lambda draft: natural_key(draft.path))
    manifest.samples = [draft.sample for draft in kept if draft.sample is not None]
    say("pictures", len(kept), sum(len(drafts) for _, drafts in groups))
    return PictureScan(manifest, root, record, layout, groups, say)


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def _drafts(record: SourceRecord, layout: Layout) -> list[Group]:
    """Name every infrared picture; names do not depend on ``limit`` or on bad pictures."""
    template = layout.variant.name_template
    splits = record.splits
    groups: list[Group] = []
    taken: set[str] = set()
    for pictures in layout.pictures:
        drafts = []
        for path, values in pictures.infrared:
            if path in taken:  # an earlier group of patterns has it already
                continue
            taken.add(path)
            parts = dict(zip(pictures.names, values, strict=True))
            if "split" in parts:
                parts["split"] = splits.get(parts["split"], parts["split"])
            drafts.append(Draft(template.format_map(parts), path, values))
        groups.append((pictures, drafts))
    _separate_names(layout, [draft for _, drafts in groups for draft in drafts])
    return groups


def _separate_names(layout: Layout, drafts: list[Draft]) -> None:
    """Give pictures whose names collide their path as a name, with the extension if it must be."""
    total = 0
    for with_extension in (False, True, True):
        names = Counter(draft.name for draft in drafts)
        colliding = [draft for draft in drafts if names[draft.name] > 1]
        if not colliding:
            break
        total = max(total, len(colliding))
        for draft in colliding:
            path = draft.path.removeprefix(layout.base)
            draft.name = path if with_extension else path.rpartition(".")[0] or path
    if total:
        layout.notes.append(f"{total} samples are named by their path, since their names collide")


def _make_samples(
    root: Path, record: SourceRecord, layout: Layout, groups: list[Group],
    problems: list[Problem], *, limit: int | None, threads: int,
) -> None:  # fmt: skip
    """Pair, probe all pictures in one call, and fill in ``Draft.sample``."""
    ordered = [(pictures, draft) for pictures, drafts in groups for draft in drafts]
    if limit is not None:
        ordered.sort(key=lambda item: natural_key(item[1].path))
        ordered = list(islice(ordered, limit))
    partners = [
        (draft.path, p.partner("visible", draft.values), p.partner("mask", draft.values))
        for p, draft in ordered
    ]
    paths = dict(zip((path for row in partners for path in row if path), count()))
    unique = list(paths)
    probed = dict(zip(unique, probe_images(root, unique, threads=threads), strict=True))
    builder = _SampleBuilder(record, layout, probed, problems)
    for (pictures, draft), (_, visible, mask) in zip(ordered, partners, strict=True):
        draft.sample = builder.build(pictures, draft, visible, mask)
    if builder.without_visible:
        layout.notes.append(
            f"{builder.without_visible} samples have no visible partner, as published"
        )
    if limit is None:
        _report_orphans(layout, {path for row in partners for path in row[1:] if path}, problems)


class _SampleBuilder:
    def __init__(
        self, record: SourceRecord, layout: Layout,
        probed: dict[str, ImageInfo | Problem], problems: list[Problem],
    ) -> None:  # fmt: skip
        self._record = record
        self._gray = layout.variant.channels == "gray"
        self._border = layout.variant.border
        self._probed = probed
        self._problems = problems
        self._unregistered = record.registration_of(layout.variant) == "unregistered"
        self.without_visible = 0

    def build(
        self, pictures: PictureSet, draft: Draft, visible: str | None, mask: str | None
    ) -> SampleRecord | None:
        infrared = self._picture(draft.path, draft, "sample left out")
        if infrared is None:
            return None
        if self._gray:
            infrared.channels = 1
        sample = SampleRecord(draft.name, infrared)
        if pictures.visible:
            optional = pictures.patterns.visible_optional
            if visible is None and optional:
                self.without_visible += 1
            else:
                sample.visible = self._partner("visible", visible, draft)
        if pictures.mask:
            sample.mask = self._partner("mask", mask, draft)
            if sample.mask is not None:
                sample.mask.channels = 1
        if self._unregistered and sample.visible is not None:
            sample.flags |= int(SampleFlag.UNREGISTERED)
        self._name_parts(sample, pictures, draft)
        return sample

    def _partner(self, role: str, path: str | None, draft: Draft) -> ImageInfo | None:
        if path is None:
            message = f"expected a {role} partner, found none"
            action = f"kept without {role} picture"
            self._problems.append(
                Problem("missing-partner", draft.path, "", message, action, draft.name)
            )
            return None
        return self._picture(path, draft, f"kept without {role} picture")

    def _picture(self, path: str, draft: Draft, action: str) -> ImageInfo | None:
        found = self._probed[path]
        if isinstance(found, Problem):
            self._problems.append(replace(found, action=action, sample=draft.name))
            return None
        if not self._cut_border(found):
            size = f"{found.height} x {found.width}"
            message = f"expected more than a border of {self._border}, found {size}"
            self._problems.append(Problem("only-border", path, "", message, action, draft.name))
            return None
        problem = mislabelled(found)
        if problem is not None:
            problem.sample = draft.name
            self._problems.append(problem)
        return found

    def _cut_border(self, picture: ImageInfo) -> bool:
        """Take the publisher's border off a picture's size; false if nothing is left."""
        edge = self._border
        if not edge or picture.border:
            return True
        if min(picture.height, picture.width) <= 2 * edge:
            return False
        picture.border = edge
        picture.height, picture.width = picture.height - 2 * edge, picture.width - 2 * edge
        return True

    def _name_parts(self, sample: SampleRecord, pictures: PictureSet, draft: Draft) -> None:
        record = self._record
        for name, value in zip(pictures.names, draft.values, strict=True):
            if not value or not (name in _PARTS or name in record.attributes):
                continue
            if name == "scene":
                sample.scene = record.scenes.get(value, value)
                continue
            message = set_attribute(record, sample, name, value)
            if message:
                self._problems.append(
                    Problem("bad-attribute", draft.path, "", message, KEPT_MARKED, draft.name)
                )


_PARTS = frozenset(("split", "scene", "sequence", "frame", "identity", "camera"))


def _report_orphans(layout: Layout, used: set[str], problems: list[Problem]) -> None:
    for pictures in layout.pictures:
        for role in ("visible", "mask"):
            partners: dict[tuple[str, ...], str] = getattr(pictures, role)
            if not partners and role in pictures.joins:
                layout.notes.append(f"no {role} pictures found")
            for path in partners.values():
                if path not in used:
                    message = f"a {role} picture without its infrared picture"
                    problems.append(Problem("partner-without-image", path, "", message, "left out"))
        for role, path, kept in pictures.doubles:
            message = f"a second {role} partner beside {kept}"
            problems.append(Problem("ambiguous-partner", path, "", message, "left out"))


def _mark_problems(manifest: Manifest) -> None:
    named = {problem.sample for problem in manifest.problems if problem.sample}
    for sample in manifest.samples:
        if sample.name in named:
            sample.flags |= int(SampleFlag.HAS_PROBLEMS)
