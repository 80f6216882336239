"""A stored text told anew about a window of its picture, or about the picture resized."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import UnsupportedError
from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.grids.record import Grid
from irtd_fast.store.text_columns import TextRecord
from irtd_fast.tasks.builders import CAPTION, build_texts_of, builder_named, record_of
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.follow import follow, rebuild
from irtd_fast.tasks.provenance import options_of
from irtd_fast.tasks.text import Text, Units

COORDINATES = ("grounding", "location")  # tasks whose answers have some
_ANYWHERE = ("scene",)  # what these say of a picture holds of its parts
_BOX = re.compile(r"<box>\[\[(\d+), (\d+), (\d+), (\d+)\]\]</box>")


@dataclass(frozen=True)
class Window:
    """What is shown of a sample's picture.

    Attributes:
        matrix: (2, 3) from the sample's pixels to those shown.
        size: (height, width) shown.
        boxes: What becomes of boxes that it cuts.
    """

    matrix: NDArray[np.float64]
    size: tuple[int, int]
    boxes: BoxOptions

    def is_whole(self, facts: Facts) -> bool:
        """True if the whole picture is shown, not turned: only its size may differ."""
        height, width = self.size
        whole = [[width / facts.width, 0, 0], [0, height / facts.height, 0]]
        return bool(np.allclose(self.matrix, whole, rtol=1e-9, atol=1e-6))

    def shows_original(self, facts: Facts) -> bool:
        """True if the picture is shown as it is, pixel for pixel."""
        return self.size == (facts.height, facts.width) and self.is_whole(facts)


def retell(record: TextRecord, facts: Facts, window: Window) -> TextRecord | None:
    """A text that is true of a window.

    Args:
        record: As stored; about a sample's own picture, not about a grid.
        facts: Of the whole sample.
        window: What is shown of it.

    Returns:
        The same text where nothing changes it, one of the same task and kind, or ``None``.
    """
    if window.shows_original(facts):
        return record
    provenance = json.loads(record.provenance) if record.provenance else {}
    options = options_of(provenance)
    if options is None:
        return _imported(record, facts, window)
    there = follow(facts, window.matrix, window.size, window.boxes)
    if record.task == CAPTION:
        made = build_texts_of(builder_named(CAPTION), there, options)
        return record_of(made[0], record.subset) if made else None
    text = Text(
        record.task, record.question, record.answer, record.kind, record.objects, provenance
    )
    built = rebuild(text, there)
    return None if built is None else record_of(built, record.subset)


def grid_of(record: TextRecord, source: str) -> Grid | None:
    """The grid that a text is about, ``None`` if it is about its sample's own picture.

    Args:
        record: As stored.
        source: Name of its source in the store.

    Raises:
        AnnotationError: Its provenance speaks of a grid that is none.
    """
    if '"grid"' not in record.provenance:
        return None
    provenance: Any = json.loads(record.provenance)
    return Grid.from_json(source, provenance["grid"]) if "grid" in provenance else None


def _imported(record: TextRecord, facts: Facts, window: Window) -> TextRecord | None:
    """A text of which nobody knows how it was made, its coordinates moved where that is enough."""
    if record.task in _ANYWHERE:
        return record
    if not window.is_whole(facts):
        return None
    if record.task != "grounding":
        return record  # thousandths, counts and words do not know the size of a picture

    def moved(found: re.Match[str]) -> str:
        x0, y0, x1, y1 = map(int, found.groups())
        corners = np.array([[x0, y0], [x1, y1]]) @ window.matrix[:, :2].T + window.matrix[:, 2]
        numbers = ", ".join(str(round(value)) for value in corners.reshape(-1).tolist())
        return f"<box>[[{numbers}]]</box>"

    answer, count = _BOX.subn(moved, record.answer)
    return record._replace(answer=answer) if count else None


def in_units(record: TextRecord, facts: Facts, units: Units) -> TextRecord:
    """A text with its coordinates in other units.

    Args:
        record: As stored.
        facts: Of its sample.
        units: Wanted.

    Raises:
        UnsupportedError: It was not built here, or not of these labels: nobody can say what its
            coordinates are.
    """
    if record.task not in COORDINATES:
        return record
    options = options_of(json.loads(record.provenance) if record.provenance else {})
    if options is not None:
        builder = builder_named(record.task)
        before = build_texts_of(builder, facts, options)
        after = build_texts_of(builder, facts, replace(options, units=units))
        for old, new in zip(before, after, strict=True):
            if (old.question, old.answer) == (record.question, record.answer):
                return record_of(new, record.subset)
    raise UnsupportedError(
        f"sample {facts.key}: its text of {record.task} was not built of its labels, so that its "
        f"coordinates cannot be told in {units}; leave --units out"
    )
