"""Turn what label files say into objects and points of samples, checked against the pictures."""

from __future__ import annotations

from collections import Counter

from irtd_fast.catalog import AnnotationSpec, SourceRecord
from irtd_fast.formats import BoxOptions
from irtd_fast.formats.base import KEPT_MARKED, OBJECT_LEFT_OUT
from irtd_fast.scan.boxes import Verdict, judge_box, judge_centre, judge_point, moved
from irtd_fast.types import (
    ImageInfo,
    ObjectFlag,
    ObjectRecord,
    PointRecord,
    Problem,
    RawLabels,
    RawObject,
    SampleRecord,
)


class Filler:
    """Fills samples with the labels of one annotation spec.

    Attributes:
        options: Options of the label reader.
        drops: Raw category -> objects left out because the record says so.
        facts: The spec gives attributes alone, of a picture perhaps in several files.
    """

    def __init__(
        self, record: SourceRecord, spec: AnnotationSpec, options: BoxOptions,
        problems: list[Problem], drops: Counter[str],
    ) -> None:  # fmt: skip
        self._categories = record.categories
        self._ignored = frozenset(record.ignore)
        self._dropped = frozenset(record.drop)
        self._objects = "objects" in spec.provides
        self._points = "points" in spec.provides
        self.facts = spec.provides == ("attributes",)
        self.options = options
        self._problems = problems
        self.drops = drops

    def fill(self, labels: RawLabels, sample: SampleRecord) -> None:
        """Add the labels to a sample; nothing of the labels is changed."""
        options = self.options
        picture = sample.visible if options.modality == "visible" else sample.infrared
        if picture is None:
            picture = sample.infrared
        edge = picture.border
        actual = (picture.height + 2 * edge, picture.width + 2 * edge)
        if labels.size is not None and labels.size not in (actual, options.reference):
            message = f"labels are for {labels.size}, the picture is {actual} (height, width)"
            self._problem("size-mismatch", labels, labels.where, message, sample, KEPT_MARKED)
        height, width = labels.reference or options.reference or actual
        factors = (actual[1] / width, actual[0] / height) if (height, width) != actual else None
        objects = labels.objects
        if edge or factors is not None:
            objects = [moved(raw, *(factors or (1.0, 1.0)), edge) for raw in objects]
        self._add(objects, picture, labels, sample)

    def _add(
        self, objects: list[RawObject], picture: ImageInfo, labels: RawLabels, sample: SampleRecord
    ) -> None:
        height, width = picture.height, picture.width
        plain = self._objects and not self._points
        categories, ignored, append = self._categories, self._ignored, sample.objects.append
        unknown: set[str] = set()
        for raw in objects:
            if raw.category in self._dropped:
                self.drops[raw.category] += 1
                continue
            category = categories.get(raw.category)
            if category is None:
                category = self._unlisted(raw, unknown, labels, sample)
            box = raw.box
            # A box inside its picture, as nearly all are, needs no judgement (NaN is not inside).
            inside = box and 0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height
            if box and inside and plain and category not in ignored:
                item = ObjectRecord(
                    category, box, raw.corners, raw.track, raw.modality, raw.flags
                )  # fmt: skip
                append(item)
                continue
            if self._objects:
                self._add_object(raw, category, picture, labels, sample)
            if self._points:
                self._add_point(raw, category, picture, labels, sample)

    def _unlisted(
        self, raw: RawObject, unknown: set[str], labels: RawLabels, sample: SampleRecord
    ) -> str:
        """Keep a raw category that the record does not list; say so once a picture."""
        category = raw.category
        if self._categories and category not in unknown:
            unknown.add(category)
            message = f"category {category!r} is not in the record's [categories]"
            action = "kept under its raw name"
            self._problem("unknown-category", labels, raw.where, message, sample, action)
        return category

    def _add_object(
        self, raw: RawObject, category: str, picture: ImageInfo, labels: RawLabels,
        sample: SampleRecord,
    ) -> None:  # fmt: skip
        box = raw.box
        if box is None:
            message = "expected a box, found none"
            self._problem(
                "object-without-geometry", labels, raw.where, message, sample, OBJECT_LEFT_OUT
            )
            return
        flags = raw.flags
        size = picture.height, picture.width
        oriented = raw.corners is not None
        verdict = judge_box(box, *size, tolerance=self.options.tolerance, oriented=oriented)
        if picture.border and verdict.keep:
            inside = judge_centre(box, *size)
            verdict = verdict if inside.keep else inside
        if not self._passes(verdict, labels, raw, sample):
            return
        flags |= verdict.flags
        if category in self._ignored:
            flags |= ObjectFlag.IGNORE
        sample.objects.append(
            ObjectRecord(category, box, raw.corners, raw.track, raw.modality, int(flags))
        )

    def _add_point(
        self, raw: RawObject, category: str, picture: ImageInfo, labels: RawLabels,
        sample: SampleRecord,
    ) -> None:  # fmt: skip
        point = raw.point
        if point is None and raw.box is not None:
            point = ((raw.box[0] + raw.box[2]) / 2, (raw.box[1] + raw.box[3]) / 2)
        if point is None:
            return
        x, y = point
        size = picture.height, picture.width
        verdict = judge_point(x, y, *size, tolerance=self.options.tolerance)
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
