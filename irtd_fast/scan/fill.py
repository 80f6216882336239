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
        unknown: set[str] = set()
        for raw in labels.objects:
            if raw.category in self._dropped:
                self.drops[raw.category] += 1
                continue
            if edge or factors is not None:
                raw = moved(raw, *(factors or (1.0, 1.0)), edge)  # noqa: PLW2901
            category = self._categories.get(raw.category)
            if category is None:
                category = raw.category
                if self._categories and category not in unknown:
                    unknown.add(category)
                    self._unknown(raw, labels, sample)
            if self._objects:
                self._add_object(raw, category, picture, labels, sample)
            if self._points:
                self._add_point(raw, category, picture, labels, sample)

    def _unknown(self, raw: RawObject, labels: RawLabels, sample: SampleRecord) -> None:
        message = f"category {raw.category!r} is not in the record's [categories]"
        action = "kept under its raw name"
        self._problem("unknown-category", labels, raw.where, message, sample, action)

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
        x0, y0, x1, y1 = box
        height, width = picture.height, picture.width
        # A box inside its picture, as nearly all are, needs no judgement (NaN is not inside).
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            verdict = judge_box(
                box, height, width, tolerance=self.options.tolerance,
                oriented=raw.corners is not None,
            )  # fmt: skip
            if picture.border and verdict.keep:
                inside = judge_centre(box, height, width)
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
