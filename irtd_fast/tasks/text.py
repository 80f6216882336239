"""A question with its answer, and how it is to be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["official", "clean"]
Units = Literal["pixel", "unit", "permille"]
MODES: tuple[Mode, ...] = ("official", "clean")
UNITS: tuple[Units, ...] = ("pixel", "unit", "permille")


@dataclass(frozen=True, slots=True)
class Text:
    """One question and its answer.

    Attributes:
        task: Name of the task.
        question: Without the picture's placeholder; writers of files put it in front.
        answer: What a model should say.
        kind: Which template it is made of.
        objects: Numbers of the boxes (or points) it speaks of; empty: the picture as a whole.
        provenance: JSON-able: mode, template, hidden choices, options.
    """

    task: str
    question: str
    answer: str
    kind: str = ""
    objects: tuple[int, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """How texts are built.

    Attributes:
        mode: ``official``: wording and rules of the published files. ``clean``: the same tasks
            without their defects.
        defects: In official mode: the known defects of the published files as well.
        units: Of coordinates; ``None`` leaves it to the task (official: as published).
        phrasings: In clean mode: how many wordings of a task's question are drawn from.
        seed: Of all draws.
    """

    mode: Mode = "clean"
    defects: bool = False
    units: Units | None = None
    phrasings: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the options."""
        if self.mode not in MODES:
            raise ValueError(f"mode must be official or clean, found {self.mode!r}")
        if self.defects and self.mode != "official":
            raise ValueError("defects belong to the published files: they need mode='official'")
        if self.units is not None and self.units not in UNITS:
            raise ValueError(f"units must be one of {', '.join(UNITS)}, found {self.units!r}")
        if self.phrasings < 1:
            raise ValueError(f"phrasings must be positive, found {self.phrasings}")
