"""Known defects of published sources, and whether a dump has them."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from irtd_fast.doctor.findings import Finding, some
from irtd_fast.types import SampleRecord

_FILE = Path(__file__).with_name("known.toml")
ALWAYS, CATEGORY = "always", "category"


@dataclass(frozen=True)
class KnownDefect:
    """One reported defect.

    Attributes:
        source: Key of the source.
        title: What it is.
        check: Code of the finding that shows it; ``always``; or ``category``, where labels of the
            category ``pattern`` show it.
        pattern: Regular expression that a place of that finding must contain; empty for any.
        advice: What to do.
        where: Where it was reported.
    """

    source: str
    title: str
    check: str
    pattern: str
    advice: str
    where: str


@functools.cache
def known_defects() -> tuple[KnownDefect, ...]:
    """All of them, in the order of the file."""
    with _FILE.open("rb") as file:
        return tuple(KnownDefect(**item) for item in tomllib.load(file)["defect"])


def match_known(
    source: str, findings: Sequence[Finding], samples: Sequence[SampleRecord] = ()
) -> Iterator[Finding]:
    """Name the known defects of a source that a dump has.

    Args:
        source: Key of the source.
        findings: What was found in the dump.
        samples: Its samples.
    """
    for defect in known_defects():
        if defect.source != source:
            continue
        advice = f"{defect.advice} ({defect.where})"
        if defect.check == ALWAYS:
            yield Finding("known-defect", "info", defect.title, advice=advice)
            continue
        if defect.check == CATEGORY:
            labelled = [
                s.infrared.path for s in samples
                if any(item.category == defect.pattern for item in s.objects)
            ]  # fmt: skip
            if labelled:
                yield Finding(
                    "known-defect", "info", defect.title, len(labelled), some(labelled), advice
                )
            continue
        for finding in findings:
            places = [p for p in finding.examples if re.search(defect.pattern, p)]
            if finding.code == defect.check and (places or not defect.pattern):
                yield Finding(
                    "known-defect", "info", defect.title, finding.count, tuple(places), advice
                )
