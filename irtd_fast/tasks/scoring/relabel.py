"""Labels of "to the left of" questions mended: the published box is that of the other object.

Defect D1: all 211 published questions for the object on the left have the box of the object on
the right. The box they mean is in the labels of the picture, which a store has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from irtd_fast.store.dataset import open_store
from irtd_fast.store.texts import read_texts, text_builds
from irtd_fast.tasks.scoring.grounding import Box

_LEFT = "located to the left of the"
_FILE = "Detection"


def is_left_question(question: str) -> bool:
    """True if a question asks for the left one of two objects."""
    return _LEFT in question


def left_box(boxes: Sequence[Box]) -> Box | None:
    """Give the left one of two boxes; None if there are not two, side by side."""
    if len(boxes) != 2:
        return None
    left, right = sorted(boxes)
    return left if left[2] < right[0] else None


def left_boxes(store: str | Path) -> dict[str, Box]:
    """Key of each published "to the left of" question -> box of the left object, in pixels.

    Args:
        store: Into which the published texts were imported (``irtd tasks import``).

    Raises:
        ValueError: It has none of these questions.
    """
    dataset = open_store(store)
    found: dict[str, Box] = {}
    for source in dataset.sources:
        for name in text_builds(source):
            texts = read_texts(source, name)
            offsets = source.offsets("objects")
            boxes = source.column("objects", "box") if offsets[-1] else []
            modality = source.column("objects", "modality") if offsets[-1] else []
            for row in range(len(source)):
                for text in texts.of(row):
                    key = _published_key(text.provenance)
                    if key is None or not is_left_question(text.question):
                        continue
                    span = range(int(offsets[row]), int(offsets[row + 1]))
                    own = [tuple(map(float, boxes[i])) for i in span if modality[i] == 0]
                    box = left_box(own)  # type: ignore[arg-type]
                    if box is not None:
                        found[key] = box
    if not found:
        raise ValueError(
            f"{store}: no published questions with 'to the left of' about samples with two boxes; "
            "`irtd tasks import json_sft.zip --root DUMPS STORE` brings them in"
        )
    return found


def _published_key(provenance: str) -> str | None:
    try:
        facts = json.loads(provenance) if provenance else {}
    except ValueError:
        return None
    if not isinstance(facts, dict) or facts.get("file") != _FILE:
        return None
    return f"grounding/{facts.get('id')}"
