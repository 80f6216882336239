"""Which writer writes which source."""

from __future__ import annotations

from irtd_fast.synth import (
    aerial,
    coco_sources,
    counting,
    flir,
    generic,
    hit_uav,
    industry,
    irstd,
    kaist,
    llvip,
    pairs,
    radiometric,
    reid,
    salient,
    scenes,
    semantic,
    sequence_xml,
    sirst,
    small_targets,
    trackers,
    tracking_texts,
    video,
)
from irtd_fast.synth.base import SourceWriter

_WRITERS: tuple[type[SourceWriter], ...] = (
    llvip.Llvip,
    flir.FlirV1,
    flir.FlirV1Counts,
    irstd.Irstd1k,
    sirst.SirstV2,
    hit_uav.HitUav,
    *aerial.WRITERS,
    *coco_sources.WRITERS,
    *counting.WRITERS,
    *generic.WRITERS,
    *industry.WRITERS,
    *kaist.WRITERS,
    *pairs.WRITERS,
    *radiometric.WRITERS,
    *reid.WRITERS,
    *salient.WRITERS,
    *scenes.WRITERS,
    *semantic.WRITERS,
    *sequence_xml.WRITERS,
    *small_targets.WRITERS,
    *trackers.WRITERS,
    *tracking_texts.WRITERS,
    *video.WRITERS,
)

SOURCES: dict[str, type[SourceWriter]] = {writer.key: writer for writer in _WRITERS}
