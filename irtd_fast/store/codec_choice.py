"""``--codec auto``: look at a few samples of a bucket and pick its inner codecs."""

from __future__ import annotations

import numpy as np

from irtd_fast.errors import DecodeError
from irtd_fast.manifest import Manifest
from irtd_fast.store.pictures import PictureFiles, decode_for
from irtd_fast.store.plan import ArrayPlan, Plan, codecs_for, picture_of
from irtd_fast.store.spec import Codec, make_chain

_SAMPLES = 4
# Raw reads cost a copy; lz4 decodes at 1.3-3 GB/s a core and zstd at 0.7-1: compression only pays
# where it saves that much reading. On 8-bit sensor noise (1.1-1.4x) it does not; on 16-bit counts
# blosc-lz4-bitshuffle (2.1-2.6x) does.
_WORTH_LZ4 = 1.5
_WORTH_ZSTD = 2.0  # over lz4


def choose_codecs(
    manifest: Manifest, plan: Plan, codec: str, tolerance: int
) -> dict[str, tuple[Codec, ...]]:
    """Inner codecs of every bucket of a plan.

    Args:
        manifest: The samples.
        plan: Where they go.
        codec: ``auto``, ``raw``, ``lz4`` or ``zstd``.
        tolerance: Largest channel difference of a gray picture.

    Returns:
        Codecs by array path. ``auto`` depends on the pixels of the first, middle and last
        samples only, so the same dump always gets the same codecs.
    """
    chosen = {}
    for array in plan.arrays:
        if array.kind != "bucket":
            continue
        name = _measure(manifest, array, tolerance) if codec == "auto" else codec
        chosen[array.path] = codecs_for(name, array.itemsize)
    return chosen


def _measure(manifest: Manifest, array: ArrayPlan, tolerance: int) -> str:
    picks = np.linspace(0, array.rows - 1, min(_SAMPLES, array.rows)).astype(int)
    files = PictureFiles(manifest.root)
    sizes = dict.fromkeys(("raw", "lz4", "zstd"), 0)
    for row in sorted(set(picks.tolist())):
        picture = picture_of(manifest.samples[array.members[row]], array.modality)
        assert picture is not None  # the plan only lists samples that have one
        try:
            pixels = decode_for(files.read(picture), picture, array.modality, tolerance)
        except (DecodeError, OSError):
            continue  # the write step reports it
        for name in sizes:
            chain = make_chain(codecs_for(name, array.itemsize), array.itemsize)
            sizes[name] += len(chain.encode(np.ascontiguousarray(pixels)))
    if sizes["raw"] < _WORTH_LZ4 * sizes["lz4"] or sizes["raw"] == 0:
        return "raw"
    return "zstd" if sizes["lz4"] >= _WORTH_ZSTD * sizes["zstd"] else "lz4"
