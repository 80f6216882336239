"""Join labels to samples, and check them against the pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from irtd_fast.catalog import AnnotationSpec, SourceRecord
from irtd_fast.errors import AnnotationError, SourceError
from irtd_fast.formats import READERS, BoxOptions, LabelFile
from irtd_fast.formats.base import KEPT_MARKED, OBJECT_LEFT_OUT
from irtd_fast.scan.boxes import (
    Verdict,
    judge_box,
    judge_centre,
    judge_point,
    scale,
    without_border,
)
from irtd_fast.scan.drafts import Draft, Group
from irtd_fast.scan.layout import Layout, PictureSet
from irtd_fast.scan.paths import Key
from irtd_fast.types import (
    ImageInfo,
    ObjectFlag,
    ObjectRecord,
    PointRecord,
    Problem,
    RawLabels,
    RawObject,
    SampleFlag,
    SampleRecord,
)

_NUMBERS = frozenset(("frame", "identity", "camera"))
_COUNTED = frozenset(("frame", "rank"))


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


class Joiner:
    """Finds the drafts that a label's named parts belong to; indexes are built when needed.

    Parts are compared as text, but ``frame`` as a number; ``rank`` is a draft's place in its
    sequence, counted over all pictures of the dump, also over those that were not taken.
    """

    def __init__(self, groups: list[Group]) -> None:
        self._groups = groups
        self._indexes: dict[tuple[int, Key], dict[_Parts, list[Draft]]] = {}

    def find(self, key: Mapping[str, str], path: str) -> list[Draft]:
        """Give the drafts that agree with all named parts which both sides have.

        Raises:
            SourceError: The record lets label and pictures share no part.
        """
        found: list[Draft] = []
        joined = False
        for number, (pictures, drafts) in enumerate(self._groups):
            names = tuple(n for n in (*pictures.names, "rank") if n in key)
            if not names:
                continue
            joined = True
            index = self._indexes.get((number, names))
            if index is None:
                index = self._indexes[number, names] = _index(pictures, drafts, names)
            found += index.get(_parts(names, [key[name] for name in names]), ())
        if not joined:
            message = f"{path}: shares no named part with the pictures, only {sorted(key)}"
            raise SourceError(message, path=path)
        return found


_Parts = tuple[str | int, ...]


def _parts(names: Key, values: Sequence[str]) -> _Parts:
    """What is compared: frame and rank as numbers, everything else as text."""
    if not _COUNTED & set(names):
        return tuple(values)
    pairs = zip(names, values, strict=True)
    return tuple([int(v) if n in _COUNTED and v.isdecimal() else v for n, v in pairs])


def _index(pictures: PictureSet, drafts: list[Draft], names: Key) -> dict[_Parts, list[Draft]]:
    own = tuple(name for name in names if name != "rank")
    positions = [pictures.names.index(name) for name in own]
    index: dict[_Parts, list[Draft]] = {}
    for draft in drafts:
        key = _parts(own, [draft.values[i] for i in positions])
        index.setdefault(key if own == names else (*key, draft.rank), []).append(draft)
    return index


class Labeller:
    """Reads all label files of a layout into the samples."""

    def __init__(
        self, root: Path, record: SourceRecord, groups: list[Group], problems: list[Problem]
    ) -> None:
        self._root = root
        self._record = record
        self._joiner = Joiner(groups)
        self._complete = True
        self._problems = problems
        self._ignored = frozenset(record.ignore)
        self._dropped = frozenset(record.drop)
        self._drops: Counter[str] = Counter()

    def read_all(self, layout: Layout) -> None:
        """Read every label file; defects become problems."""
        self._complete = layout.complete
        for number, (spec, files) in enumerate(layout.labels):
            where = f"{self._record.key}: {layout.variant.name}.annotations[{number}]"
            if spec.format not in READERS:
                message = f"{where}.format: there is no reader of {spec.format} yet"
                raise SourceError(message, source=self._record.key)
            options = READERS[spec.format].parse_options(spec.options, where)
            for path, groups in files:
                self._read(number, spec, options, LabelFile(self._root, path, groups))
        for category, count in sorted(self._drops.items()):
            layout.notes.append(f"{count} objects of category {category!r} left out, as recorded")

    def _read(
        self, number: int, spec: AnnotationSpec, options: BoxOptions, file: LabelFile
    ) -> None:
        about_one = "stem" in file.groups
        if about_one:
            drafts = self._joiner.find(file.groups, file.path)
            if not drafts:
                self._orphan(file.path, "", file.groups)
            if not any(draft.sample for draft in drafts):
                return  # its picture was left out (or lies beyond the limit): nothing to read for
        found: list[Problem] = []
        try:
            records = READERS[spec.format].read(file, options, found.append)
        except AnnotationError as error:
            line = error.where.get("line")
            where = f"line {line}" if line else ""
            message = str(error).removeprefix(file.path).removeprefix(f", {where}").lstrip(": ")
            action = "labels left out"
            problem = Problem("unreadable-labels", file.path, where, message, action)
            self._report(problem, self._joiner.find(file.groups, file.path) if about_one else [])
            return
        self._add_reported(found, records)
        for labels in records:
            self._attach(number, spec, options, labels)

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

    def _attach(
        self, number: int, spec: AnnotationSpec, options: BoxOptions, labels: RawLabels
    ) -> None:
        drafts = self._joiner.find(labels.key, labels.path)
        if not drafts:
            self._orphan(labels.path, labels.where, labels.key)
        for draft in drafts:
            sample = draft.sample
            if sample is None:
                continue
            place = f"{labels.path} {labels.where}".rstrip()
            before = draft.sources.setdefault(number, place)
            if before != place:
                message = f"labels of this picture were already read from {before}"
                self._problem("duplicate-labels", labels, labels.where, message, sample, "left out")
                continue
            draft.labelled = True
            self._describe(labels, sample)
            self._fill(spec, options, labels, sample)

    def _describe(self, labels: RawLabels, sample: SampleRecord) -> None:
        """Take over what the labels say about the picture as a whole."""
        for name, value in labels.attributes.items():
            if name == "scene":
                sample.scene = sample.scene or self._record.scenes.get(value, value)
                continue
            message = set_attribute(self._record, sample, name, value)
            if message:
                self._problem("bad-attribute", labels, labels.where, message, sample, KEPT_MARKED)

    def _fill(
        self, spec: AnnotationSpec, options: BoxOptions, labels: RawLabels, sample: SampleRecord
    ) -> None:
        picture = sample.visible if options.modality == "visible" else sample.infrared
        if picture is None:
            picture = sample.infrared
        edge = picture.border
        actual = (picture.height + 2 * edge, picture.width + 2 * edge)
        if labels.size is not None and labels.size not in (actual, options.reference):
            message = f"labels are for {labels.size}, the picture is {actual} (height, width)"
            code = "size-mismatch"
            self._problem(code, labels, labels.where, message, sample, KEPT_MARKED)
        _scale_all(labels, options, actual)
        unknown: set[str] = set()
        for raw in labels.objects:
            if raw.category in self._dropped:
                self._drops[raw.category] += 1
                continue
            if edge:
                without_border(raw, edge)
            category = self._record.categories.get(raw.category)
            if category is None:
                category = raw.category
                if self._record.categories and category not in unknown:
                    unknown.add(category)
                    message = f"category {category!r} is not in the record's [categories]"
                    action = "kept under its raw name"
                    self._problem("unknown-category", labels, raw.where, message, sample, action)
            if "objects" in spec.provides:
                self._add_object(raw, category, picture, options, labels, sample)
            if "points" in spec.provides:
                self._add_point(raw, category, picture, options, labels, sample)

    def _add_object(
        self, raw: RawObject, category: str, picture: ImageInfo, options: BoxOptions,
        labels: RawLabels, sample: SampleRecord,
    ) -> None:  # fmt: skip
        if raw.box is None:
            message = "expected a box, found none"
            self._problem(
                "object-without-geometry", labels, raw.where, message, sample, OBJECT_LEFT_OUT
            )
            return
        size = picture.height, picture.width
        oriented = raw.corners is not None
        verdict = judge_box(raw.box, *size, tolerance=options.tolerance, oriented=oriented)
        if picture.border and verdict.keep:
            inside = judge_centre(raw.box, *size)
            verdict = verdict if inside.keep else inside
        if not self._passes(verdict, labels, raw, sample):
            return
        flags = raw.flags | verdict.flags
        if category in self._ignored:
            flags |= ObjectFlag.IGNORE
        sample.objects.append(
            ObjectRecord(category, raw.box, raw.corners, raw.track, raw.modality, int(flags))
        )

    def _add_point(
        self, raw: RawObject, category: str, picture: ImageInfo, options: BoxOptions,
        labels: RawLabels, sample: SampleRecord,
    ) -> None:  # fmt: skip
        point = raw.point
        if point is None and raw.box is not None:
            point = ((raw.box[0] + raw.box[2]) / 2, (raw.box[1] + raw.box[3]) / 2)
        if point is None:
            return
        x, y = point
        size = picture.height, picture.width
        verdict = judge_point(x, y, *size, tolerance=options.tolerance)
        if self._passes(verdict, labels, raw, sample):
            sample.points.append(PointRecord(category, x, y, raw.modality))

    def _passes(
        self, verdict: Verdict, labels: RawLabels, raw: RawObject, sample: SampleRecord
    ) -> bool:
        if verdict.code:
            action = KEPT_MARKED if verdict.keep else OBJECT_LEFT_OUT
            self._problem(verdict.code, labels, raw.where, verdict.message, sample, action)
        return verdict.keep

    def _problem(
        self, code: str, labels: RawLabels, where: str, message: str, sample: SampleRecord,
        action: str,
    ) -> None:  # fmt: skip
        self._problems.append(Problem(code, labels.path, where, message, action, sample.name))


def _scale_all(labels: RawLabels, options: BoxOptions, actual: tuple[int, int]) -> None:
    """Bring labels that refer to a frame of another size to the picture's."""
    height, width = labels.reference or options.reference or actual
    if (height, width) != actual:
        for raw in labels.objects:
            scale(raw, actual[1] / width, actual[0] / height)


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
                    Problem("image-without-label", draft.path, "", message, KEPT_MARKED, draft.name)
                )
    if passed:
        layout.notes.append(f"{passed} pictures have no labels, as published")
