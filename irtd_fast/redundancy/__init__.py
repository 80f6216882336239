"""Redundancy: the same picture twice, nearly the same one, and both sides of a split.

The paper keeps no duplicates; dumps overlap (a source re-packs another, a video stands still, a
test picture is a crop of a training one). Pictures are compared by the XXH64 of their files, by
the XXH64 of their pixels, and by a perceptual hash for which 16-bit counts and their 8-bit
renderings look alike. Everything is reported; nothing is dropped unless it is asked for.
"""

from irtd_fast.redundancy.duplicates import Group, Leak, Member, RedundancyReport, find_duplicates
from irtd_fast.redundancy.fingerprints import (
    RADIUS,
    Fingerprints,
    fingerprint_folder,
    fingerprint_manifest,
    fingerprint_store,
)
from irtd_fast.redundancy.omit import DROPS, duplicates_to_omit

__all__ = [
    "DROPS", "RADIUS", "Fingerprints", "Group", "Leak", "Member", "RedundancyReport",
    "duplicates_to_omit", "find_duplicates", "fingerprint_folder", "fingerprint_manifest",
    "fingerprint_store",
]  # fmt: skip
