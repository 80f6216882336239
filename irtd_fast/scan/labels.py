"""Join labels to samples, and check them against the pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from irtd_fast.catalog import SourceRecord
from irtd_fast.errors import AnnotationError, SourceError
from irtd_fast.formats import READERS, FormatReader, LabelFile, SequenceRows
from irtd_fast.formats.base import KEPT_MARKED
from irtd_fast.scan.collector import collector_paused
from irtd_fast.scan.drafts import Draft, Group
from irtd_fast.scan.failures import FailureLimit
from irtd_fast.scan.fill import Filler
from irtd_fast.scan.join import Joiner
from irtd_fast.scan.layout import LabelPath, Layout
from irtd_fast.types import Problem, RawLabels, SampleFlag, SampleRecord

_NUMBERS = frozenset(("frame", "identity", "camera"))
_ORPHANS_SHOWN = 20  # of one file, each by itself; more are said in one line


def set_attribute(record: SourceRecord, sample: SampleRecord, name: str, value: str) -> str:
    """Give a sample a fact about its picture; what is in place already stays.

    ``split``, ``sequence``, ``frame``, ``identity`` and ``camera`` fill the fields of that name,
    everything else ``attributes``.

    Returns:
        What is wrong with the value, or ``""``.
    """
    if name in _NUMBERS:
        if not value.isdecimal():
            return f"{name}: expected a whole number, found {value!r}"
        if getattr(sample, name) < 0:
            setattr(sample, name, int(value))
    elif name == "split":
        sample.split = sample.split or record.splits.get(value, value)
    elif name == "sequence":
        sample.sequence = sample.sequence or value
    else:
        sample.attributes.setdefault(name, value)
        allowed = record.attributes.get(name)
        if allowed is not None and not allowed.accepts(value):
            return f"{name}: expected {allowed}, found {value!r}"
    return ""


class Labeller:
    """Reads all label files of a layout into the samples."""

    def __init__(
        self, root: Path, record: SourceRecord, groups: list[Group], problems: list[Problem],
        failures: FailureLimit,
    ) -> None:  # fmt: skip
        self._failures = failures
        self._failed = 0
        self._root = root
        self._record = record
        self._joiner = Joiner(groups)
        self._complete = True
        self._facts_are_labels = False
        self._problems = problems
        self._drops: Counter[str] = Counter()

    def read_all(self, layout: Layout) -> None:
        """Read every label file; defects become problems."""
        self._complete = layout.complete
        # Flags of a sequence do not make up for the boxes of a picture.
        self._facts_are_labels = all(s.provides == ("attributes",) for s, _ in layout.labels)
        with collector_paused():
            self._read_specs(layout)
        for category, count in sorted(self._drops.items()):
            layout.notes.append(f"{count} objects of category {category!r} left out, as recorded")

    def _read_specs(self, layout: Layout) -> None:
        for number, (spec, files) in enumerate(layout.labels):
            where = f"{self._record.key}: {layout.variant.name}.annotations[{number}]"
            if spec.format not in READERS:
                message = f"{where}.format: there is no reader of {spec.format} yet"
                raise SourceError(message, source=self._record.key)
            options = READERS[spec.format].parse_options(spec.options, where)
            filler = Filler(self._record, spec, options, self._problems, self._drops)
            self._failed = 0
            for batch in _batches(self._root, files):
                self._read_batch(number, filler, batch, READERS[spec.format])
                self._failures.check("label files", self._failed, len(files), self._problems)

    def _read_batch(
        self, number: int, filler: Filler, batch: list[LabelFile], reader: FormatReader
    ) -> None:
        """Read files, together where the reader can and one by one where it must."""
        wanted = [(file, drafts) for file in batch if (drafts := self._wanted(file)) is not None]
        ahead: Iterator[list[RawLabels] | None] = repeat(None)
        if reader.read_many is not None:
            ahead = reader.read_many([file for file, _ in wanted], filler.options)
        for (file, drafts), records in zip(wanted, ahead, strict=False):
            if records is None:
                self._read(number, filler, file, reader, drafts)
                continue
            for draft in drafts:
                self._give(number, filler, records[0], draft)
            if not drafts:
                self._attach_all(number, filler, file.path, records)

    def _wanted(self, file: LabelFile) -> list[Draft] | None:
        """Give the drafts that a file about one picture is about; ``None``: not to be read."""
        if "stem" not in file.groups and "frame" not in file.groups:
            return []
        drafts = self._joiner.find(file.groups, file.path)
        if not drafts:
            self._orphan(file.path, "", file.groups)
        # Its picture was left out (or lies beyond the limit): nothing to read for.
        return drafts if any(draft.sample for draft in drafts) else None

    def _read(
        self, number: int, filler: Filler, file: LabelFile, reader: FormatReader,
        drafts: list[Draft],
    ) -> None:  # fmt: skip
        found: list[Problem] = []
        try:
            records = reader.read(file, filler.options, found.append)
        except AnnotationError as error:
            self._failed += 1
            self._report(unreadable(file.path, error), drafts)
            return
        if found:
            self._add_reported(found, records)
        if isinstance(records, SequenceRows):
            self._attach_rows(number, filler, records)
            return
        if drafts and len(records) == 1 and records[0].key is file.groups:
            for draft in drafts:  # they are found already
                self._give(number, filler, records[0], draft)
            return
        self._attach_all(number, filler, file.path, records)

    def _attach_all(
        self, number: int, filler: Filler, path: str, records: Sequence[RawLabels]
    ) -> None:
        orphans = [labels for labels in records if not self._attach(number, filler, labels)]
        if len(orphans) <= _ORPHANS_SHOWN:
            for labels in orphans:
                self._orphan(labels.path, labels.where, labels.key)
        elif self._complete:
            message = f"{len(orphans)} of {len(records)} labelled pictures are not in the dump"
            problem = Problem(
                "label-without-image", path, orphans[0].where, message, "labels left out"
            )
            self._problems.append(problem)

    def _add_reported(self, found: list[Problem], records: Sequence[RawLabels]) -> None:
        """Pass on a reader's problems; a file about one picture tells which sample they mean."""
        drafts = self._joiner.find(records[0].key, records[0].path) if len(records) == 1 else []
        for problem in found:
            self._report(problem, drafts)

    def _report(self, problem: Problem, drafts: list[Draft]) -> None:
        names = [draft.name for draft in drafts if draft.sample] or [""]
        self._problems.extend(replace(problem, sample=name) for name in names)

    def _orphan(self, path: str, where: str, key: Mapping[str, str]) -> None:
        if not self._complete:
            return  # its picture may be one of those that were not taken
        shown = ", ".join(f"{name} {value}" for name, value in sorted(key.items()))
        message = f"expected a picture with {shown}, found none"
        self._problems.append(
            Problem("label-without-image", path, where, message, "labels left out")
        )

    def _attach(self, number: int, filler: Filler, labels: RawLabels) -> bool:
        """Give labels to the samples they mean; false if there is no such picture."""
        drafts = self._joiner.find(labels.key, labels.path)
        for draft in drafts:
            self._give(number, filler, labels, draft)
        return bool(drafts)

    def _attach_rows(self, number: int, filler: Filler, rows: SequenceRows) -> None:
        """Make labels of the rows whose pictures are there; the others stay numbers."""
        if not rows.stride:
            pictures = self._joiner.count(rows.key)
            if not rows.settle(pictures):
                message = f"{rows.rows} rows for {pictures} pictures do not give one stride"
                self._problems.append(
                    Problem("unclear-stride", rows.path, "", message, "labels left out")
                )
                return
        places = self._joiner.places(rows.key, rows.part, rows.path)
        for draft, place in places:
            labels = rows.at(place) if draft.sample is not None else None
            if labels is not None:
                self._give(number, filler, labels, draft)
        if self._complete:
            self._report_idle(rows, {place for _, place in places})

    def _report_idle(self, rows: SequenceRows, there: set[int]) -> None:
        """Say which rows are about pictures that are not there."""
        idle = [i for i, place in enumerate(rows.numbers().tolist()) if place not in there]
        if idle:
            place = int(rows.numbers()[idle[0]])
            message = f"{len(idle)} rows without a picture, the first is of {rows.part} {place}"
            where = f"line {rows.line(idle[0])}"
            self._problems.append(
                Problem("label-without-image", rows.path, where, message, "labels left out")
            )

    def _give(self, number: int, filler: Filler, labels: RawLabels, draft: Draft) -> None:
        sample = draft.sample
        if sample is None:
            return
        if filler.facts:
            self._check_facts(labels, sample)
            draft.labelled |= self._facts_are_labels
        elif not self._first_place(number, labels, draft, sample):
            return
        else:
            draft.labelled = True
        if labels.attributes:
            self._describe(labels, sample)
        filler.fill(labels, sample)

    def _first_place(
        self, number: int, labels: RawLabels, draft: Draft, sample: SampleRecord
    ) -> bool:
        """Say whether nothing else of the same kind was about this picture; if so, report it."""
        place = f"{labels.path} {labels.where}".rstrip()
        before = draft.sources.setdefault(number, place)
        if before != place:
            message = f"labels of this picture were already read from {before}"
            self._problem("duplicate-labels", labels, labels.where, message, sample, "left out")
        return before == place

    def _check_facts(self, labels: RawLabels, sample: SampleRecord) -> None:
        """Report attributes that contradict what the sample has; that stays."""
        for name, value in labels.attributes.items():
            before = sample.attributes.get(name, value)
            if before != value:
                message = f"{name}: {before!r} was given before, found {value!r}"
                self._problem(
                    "attribute-conflict", labels, labels.where, message, sample, "first one kept"
                )

    def _describe(self, labels: RawLabels, sample: SampleRecord) -> None:
        """Take over what the labels say about the picture as a whole."""
        for name, value in labels.attributes.items():
            if name == "scene":
                sample.scene = sample.scene or self._record.scenes.get(value, value)
                continue
            message = set_attribute(self._record, sample, name, value)
            if message:
                self._problem("bad-attribute", labels, labels.where, message, sample, KEPT_MARKED)

    def _problem(
        self, code: str, labels: RawLabels, where: str, message: str, sample: SampleRecord,
        action: str,
    ) -> None:  # fmt: skip
        self._problems.append(Problem(code, labels.path, where, message, action, sample.name))


def unreadable(path: str, error: AnnotationError) -> Problem:
    """Report a label file that cannot be read at all."""
    line = error.where.get("line")
    where = f"line {line}" if line else ""
    message = str(error).removeprefix(path).removeprefix(f", {where}").lstrip(": ")
    return Problem("unreadable-labels", path, where, message, "labels left out")


_BATCH = 1024


def _batches(root: Path, files: Sequence[LabelPath]) -> Iterator[list[LabelFile]]:
    """Give label files in lists of so many that reading them together pays and stays small."""
    for first in range(0, len(files), _BATCH):
        yield [LabelFile(root, path, groups) for path, groups in files[first : first + _BATCH]]


def mark_unlabelled(layout: Layout, groups: list[Group], problems: list[Problem]) -> None:
    """Flag samples without any label; report them if the layout has label files at all."""
    has_files = any(files for _, files in layout.labels)
    if layout.labels and not has_files:
        patterns = ", ".join(spec.files for spec, _ in layout.labels)
        layout.notes.append(f"no label files found (looked for {patterns})")
    # Boxes are not made up for by a centroid: whoever lost them must hear of it.
    boxes = {n for n, (spec, files) in enumerate(layout.labels)
             if files and "objects" in spec.provides}  # fmt: skip
    sparse = any(spec.sparse for spec, files in layout.labels if files)
    passed = 0
    for _, drafts in groups:
        for draft in drafts:
            if draft.sample is None:
                continue
            if draft.labelled and (not boxes or boxes & draft.sources.keys()):
                continue
            if sparse and not draft.labelled:
                draft.sample.flags |= int(SampleFlag.UNLABELLED)
                passed += 1
                continue
            message = "expected labels, found none"
            if draft.labelled:
                message = "expected labels of objects, found only of points"
            else:
                draft.sample.flags |= int(SampleFlag.UNLABELLED)
            if has_files:
                problems.append(
                    Problem("image-without-label", *draft.place, message, KEPT_MARKED, draft.name)
                )
    if passed:
        layout.notes.append(f"{passed} pictures have no labels, as published")
