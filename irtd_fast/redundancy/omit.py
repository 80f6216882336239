"""Which samples an ingest leaves out when it is asked to drop duplicates."""

from __future__ import annotations

from collections.abc import Callable

from irtd_fast.manifest import Manifest
from irtd_fast.redundancy.duplicates import SAME_LOOKS, find_duplicates
from irtd_fast.redundancy.fingerprints import RADIUS, fingerprint_manifest
from irtd_fast.types import Problem

DROPS = ("none", "exact", "near")

_CODES = {"exact": "duplicate", "pixels": "duplicate", "near": "near-duplicate"}
_WORDS = {
    "exact": "the same file as", "pixels": "the same pixels as", "near": "looks like",
}  # fmt: skip
_ACTION = "sample left out"


def duplicates_to_omit(
    manifest: Manifest,
    drop: str,
    *,
    tolerance: int = 0,
    radius: int = RADIUS,
    threads: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Problem]:
    """Find samples of a scanned dump that repeat an earlier one.

    Args:
        manifest: The samples; the first of each group, in their order, is kept.
        drop: ``exact``: the same file or the same pixels; ``near``: also what looks alike.
        tolerance: Largest channel difference of a gray picture, as for ingest.
        radius: Bits of 128 within which pictures count as near.
        threads: 0 takes one a core.
        progress: Called with ("hash", done, total).

    Returns:
        Name of each redundant sample -> the problem that says why it is left out.

    Raises:
        ValueError: ``drop`` is none of ``DROPS``.
    """
    if drop not in DROPS:
        raise ValueError(f"drop must be one of {', '.join(DROPS)}, found {drop!r}")
    if drop == "none":
        return {}
    prints = fingerprint_manifest(
        manifest, tolerance=tolerance, looks=True, threads=threads, progress=progress
    )
    report = find_duplicates(prints, radius=radius if drop == "near" else SAME_LOOKS)
    paths = {sample.name: sample.infrared.path for sample in manifest.samples}
    omitted = {}
    for group in report.groups:
        first = group.members[0].name
        for member in group.members[1:]:
            if member.kind == "near" and drop != "near":
                continue
            far = f" ({member.distance} of 128 bits differ)" if member.kind == "near" else ""
            message = f"{_WORDS[member.kind]} {first}{far}"
            path = paths[member.name]
            omitted[member.name] = Problem(
                _CODES[member.kind], path, "", message, _ACTION, member.name
            )
    return omitted
