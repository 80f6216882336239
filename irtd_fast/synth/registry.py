"""Which writer writes which source."""

from __future__ import annotations

from irtd_fast.synth import flir, hit_uav, irstd, llvip, sirst, trackers
from irtd_fast.synth.base import SourceWriter

_WRITERS: tuple[type[SourceWriter], ...] = (
    llvip.Llvip,
    flir.FlirV1,
    flir.FlirV1Counts,
    irstd.Irstd1k,
    sirst.SirstV2,
    hit_uav.HitUav,
    *trackers.WRITERS,
)

SOURCES: dict[str, type[SourceWriter]] = {writer.key: writer for writer in _WRITERS}
