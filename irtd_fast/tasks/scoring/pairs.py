"""What is scored: an answer beside its label."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Absent(Enum):
    """Stands where a record has no such field at all, which is not the same as ``null``."""

    FIELD = "no such field"


@dataclass(frozen=True, slots=True)
class Pair:
    """One answer of a model and what is right.

    Attributes:
        key: Name for people, unique: ``Location/12``.
        answer: Whatever the model's record holds: a text, or anything else that JSON can say.
        label: The right answer, as published.
        question: Without or with its ``<image>``; ``""`` if unknown. Options, categories and
            relations are taken from it.
        image: Path of the picture, ``""`` if unknown.
    """

    key: str
    answer: Any
    label: Any
    question: str = ""
    image: str = ""
