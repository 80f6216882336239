"""Paths under which the published texts name pictures, from the samples of a store."""

from __future__ import annotations

import re
from dataclasses import dataclass

from irtd_fast.official.layouts import ROOT


@dataclass(frozen=True)
class _Form:
    """How the samples of a source are called in the published files.

    Attributes:
        name: Pattern of the samples' names that were published.
        path: Path behind ``Data4MLLM/``, with the groups of ``name``.
        split: Only samples of this split were; empty: the name says it.
    """

    name: re.Pattern[str]
    path: str
    split: str = ""


_FORMS = {
    "flir-v1": _Form(
        re.compile(r"train/(?P<id>FLIR_\d{5})"), "63-FLIR_ADAS/training/PreviewData/{id}.jpeg"
    ),
    "drone-vehicle": _Form(re.compile(r"train/(?P<id>\d{5})"), "4-VEDAI/train/trainimgr/{id}.jpg"),
    "rgbt-cc": _Form(
        re.compile(r"(?P<id>\d+)"), "23-RGBTCrowdCounting/train/{id}_Grey.jpg", "train"
    ),
    "lsotb-tir": _Form(
        re.compile(r"(?P<part>TIR_training_\d{3})/(?P<seq>[^/]+)/(?P<id>\d+)"),
        "6-LSOTB-TIR/Training_Dataset/TrainingData/{part}/{seq}/{id}.jpg",
    ),
}


def published_path(source: str, name: str, split: str) -> str | None:
    """Path of a sample's picture in the published layout.

    Args:
        source: Catalogue key of the source.
        name: Of the sample.
        split: Of the sample.

    Returns:
        The path from ``Data4MLLM/`` on; ``None`` for samples that the published files do not name.

    >>> published_path("flir-v1", "train/FLIR_00001", "train")
    'Data4MLLM/63-FLIR_ADAS/training/PreviewData/FLIR_00001.jpeg'
    """
    form = _FORMS.get(source)
    found = form.name.fullmatch(name) if form else None
    if form is None or found is None or (form.split and form.split != split):
        return None
    return ROOT + form.path.format(**found.groupdict())
