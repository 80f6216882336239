"""From drafts and probed pictures to samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from irtd_fast.catalog import SourceRecord
from irtd_fast.formats.base import KEPT_MARKED
from irtd_fast.images import as_radiometric, mislabelled
from irtd_fast.scan.drafts import Draft
from irtd_fast.scan.labels import set_attribute
from irtd_fast.scan.layout import Layout, PictureSet
from irtd_fast.scan.partners import Partners
from irtd_fast.types import ImageInfo, Problem, SampleFlag, SampleRecord

_LOST = "sample left out"


class SampleBuilder:
    """Makes samples; what is wrong with a picture is reported and leaves out no more than it must.

    Args:
        root: The dump's root.
        record: The source.
        layout: The layout.
        probed: What each file is.
        problems: Defects are added.
    """

    def __init__(
        self, root: Path, record: SourceRecord, layout: Layout,
        probed: dict[str, ImageInfo | Problem], problems: list[Problem],
    ) -> None:  # fmt: skip
        self._record = record
        self._root = root
        self._variant = layout.variant
        self._border = layout.variant.border
        self._probed = probed
        self._problems = problems
        self._unregistered = record.registration_of(layout.variant) == "unregistered"
        self._without: Counter[str] = Counter()

    @property
    def notes(self) -> list[str]:
        """Partners that are missing as published."""
        words = {"visible": "visible partner", "mask": "mask"}
        return [
            f"{count} samples have no {words[role]}, as published"
            for role, count in sorted(self._without.items())
        ]

    def build(
        self, draft: Draft, partners: Partners, visible: str | None, mask: str | None
    ) -> SampleRecord | None:
        """Make the sample of a picture, or ``None`` if the picture cannot be used."""
        infrared = self._infrared(draft)
        if infrared is None:
            return None
        sample = SampleRecord(draft.name, infrared)
        patterns = partners.pictures.patterns
        if "visible" in partners.roles:
            sample.visible = self._partner("visible", visible, draft, patterns.visible_optional)
        if "mask" in partners.roles:
            sample.mask = self._partner("mask", mask, draft, patterns.mask_optional)
            if sample.mask is not None and patterns.mask_channels == "gray":
                sample.mask.channels = 1
        if self._unregistered and sample.visible is not None:
            sample.flags |= int(SampleFlag.UNREGISTERED)
        self._name_parts(sample, partners.pictures, draft)
        return sample

    def _infrared(self, draft: Draft) -> ImageInfo | None:
        """Say which part of the file is the infrared picture."""
        found = self._picture(draft.path, draft, _LOST)
        wanted, palette = self._variant.channels, self._variant.palette
        if found is None or wanted == "colour":
            return found
        if wanted == "raw":
            counts = as_radiometric(self._root, found)
            if isinstance(counts, Problem):
                self._problems.append(replace(counts, action=_LOST, sample=draft.name))
                return None
            found = counts
        elif wanted == "alpha":
            if found.file_channels not in (2, 4):
                channels = f"expected an alpha channel, found {found.file_channels} channels"
                problem = Problem("no-alpha", *draft.place, channels, _LOST, draft.name)
                self._problems.append(problem)
                return None
            return replace(found, channels=1, part="alpha")  # the colours are the partner
        elif wanted == "pseudo":
            found.part = f"pseudo:{palette}" if palette else "pseudo"
        found.channels = 1
        return found

    def _partner(
        self,
        role: str,
        path: str | None,
        draft: Draft,
        optional: bool,  # noqa: FBT001
    ) -> ImageInfo | None:
        if path is None and optional:
            self._without[role] += 1
            return None
        if path is None:
            message = f"expected a {role} partner, found none"
            action = f"kept without {role} picture"
            self._problems.append(
                Problem("missing-partner", *draft.place, message, action, draft.name)
            )
            return None
        found = self._picture(path, draft, f"kept without {role} picture")
        return found if path != draft.path else _visible_part(found)

    def _picture(self, path: str, draft: Draft, action: str) -> ImageInfo | None:
        found = self._probed[path]
        if isinstance(found, Problem):
            self._problems.append(replace(found, action=action, sample=draft.name))
            return None
        if not self._cut_border(found):
            size = f"{found.height} x {found.width}"
            message = f"expected more than a border of {self._border}, found {size}"
            self._problems.append(
                Problem("only-border", found.path, "", message, action, draft.name)
            )
            return None
        renamed = mislabelled(found)
        if renamed is not None:
            renamed.sample = draft.name
            self._problems.append(renamed)
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
                    Problem("bad-attribute", *draft.place, message, KEPT_MARKED, draft.name)
                )


_PARTS = frozenset(("split", "scene", "sequence", "frame", "identity", "camera"))


def _visible_part(picture: ImageInfo | None) -> ImageInfo | None:
    """Give the colours of a file whose alpha is the infrared picture."""
    return None if picture is None else replace(picture, channels=3, part="opaque")
