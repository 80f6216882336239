"""What an examination found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from irtd_fast.types import Problem

Severity = Literal["error", "warning", "info"]

EXAMPLES = 5
# Codes of a scan that leave the data usable as they are.
_MILD = frozenset(
    ("mislabelled-image", "out-of-frame-box", "image-without-label", "partner-without-image")
)


@dataclass(frozen=True)
class Finding:
    """One kind of thing that is wrong (or worth knowing), and how often.

    Attributes:
        code: Short stable word.
        severity: ``error``: data are lost or wrong; ``warning``: look at it; ``info``: a fact.
        message: What was expected and what was found.
        count: How many pictures, labels or sequences.
        examples: The first places, with line or record where there is one.
        advice: What to do about it.
    """

    code: str
    severity: Severity
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()
    advice: str = ""


@dataclass
class DoctorReport:
    """An examination of one dump.

    Attributes:
        root: Folder that was examined.
        source: Key of the record.
        variant: Layout that was found.
        samples: Samples found.
        objects: Labelled objects found.
        points: Labelled points found.
        decoded: Pictures that were decoded.
        findings: Worst first.
        notes: What the scan says about the layout.
    """

    root: str
    source: str
    variant: str
    samples: int
    objects: int
    points: int
    decoded: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """No error and no warning."""
        return all(finding.severity == "info" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {**asdict(self), "healthy": self.healthy}


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Errors before warnings before facts, then by how many they concern."""
    order = ("error", "warning", "info")
    return sorted(findings, key=lambda f: (order.index(f.severity), -f.count, f.code))


def findings_of(problems: Sequence[Problem]) -> list[Finding]:
    """Group the problems of a scan by their codes."""
    groups: dict[str, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(problem.code, []).append(problem)
    return [
        Finding(
            code,
            "warning" if code in _MILD else "error",
            items[0].message,
            len(items),
            tuple(_place(item) for item in items[:EXAMPLES]),
            f"an ingest does this: {items[0].action}" if items[0].action else "",
        )
        for code, items in groups.items()
    ]


def _place(problem: Problem) -> str:
    where = f"{problem.path}, {problem.where}" if problem.where else problem.path
    return f"{where}: {problem.message}"


def some(names: Sequence[str]) -> tuple[str, ...]:
    """The first few names."""
    return tuple(names[:EXAMPLES])
