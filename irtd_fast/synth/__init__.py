"""Synthetic dumps in the authentic layouts, for tests, the demo and benchmarks.

>>> from pathlib import Path
>>> from irtd_fast.synth import write_dump
>>> truth = write_dump(Path("dump"), source="llvip", count=4, size=(64, 80))  # doctest: +SKIP
"""

from __future__ import annotations

from irtd_fast.synth.defects import DEFECTS, add_defects
from irtd_fast.synth.dump import write_dump
from irtd_fast.synth.faults import FAULTS, Fault, plant_faults
from irtd_fast.synth.official import native_path, official_paths, official_tree
from irtd_fast.synth.registry import SOURCES
from irtd_fast.synth.truth import TrueObject, TruePicture, TruePoint, TrueSample, Truth

__all__ = [
    "DEFECTS",
    "FAULTS",
    "SOURCES",
    "Fault",
    "TrueObject",
    "TruePicture",
    "TruePoint",
    "TrueSample",
    "Truth",
    "add_defects",
    "native_path",
    "official_paths",
    "official_tree",
    "plant_faults",
    "write_dump",
]
