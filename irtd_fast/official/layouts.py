"""What the image paths of the published texts really are, as data.

A published path is a dead prefix, ``Data4MLLM/``, an index and a name, and the rest. Some rests are
in the publishers' layouts, some in IR-TD's own: renamed, converted or composed pictures. Each rule
lists where the same picture can lie in a user's dumps, best first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "Data4MLLM/"


@dataclass(frozen=True)
class Place:
    """One layout in which a published picture can be found.

    Attributes:
        layout: Words for people.
        suffix: End of the path below the dump, with the groups of the rule's pattern.
        folder: What some folder on the way (or the root) must be called, any case, with or without
            a number before it; empty where the suffix is telling enough.
        note: How the file differs from the published picture, or ``""``.
    """

    layout: str
    suffix: str
    folder: str = ""
    note: str = ""


@dataclass(frozen=True)
class Rule:
    """How the paths of one published folder are found.

    Attributes:
        index: Number in the official list.
        source: Key of the source that the pictures really come from.
        pattern: Of the path behind ``Data4MLLM/``.
        places: Where to look, best first.
        why: What to say where a picture is not found.
    """

    index: int
    source: str
    pattern: re.Pattern[str]
    places: tuple[Place, ...]
    why: str


_COMPOSED = (
    "IR-TD composed it: 2 x 4 crops in one picture, published apart from the source; `irtd` can "
    "compose grids of its own, but not this one"
)


def _composed(index: int, name: str, source: str, folders: str) -> Rule:
    plain = name.replace("-", "[-_ ]?")
    return Rule(
        index, source, re.compile(rf"{index}-{name}/(?P<split>{folders})/(?P<id>\d+)\.jpg"),
        (
            Place("IR-TD", f"{index}-{name}/{{split}}/{{id}}.jpg"),
            Place("IR-TD, other folder name", "{split}/{id}.jpg", plain),
        ),
        _COMPOSED,
    )  # fmt: skip


_FLIR = r"63-FLIR_ADAS/training/PreviewData/(?P<id>FLIR_\d{5})\.jpeg"
_LSOTB = (
    r"6-LSOTB-TIR/Training_Dataset/TrainingData/(?P<part>TIR_training_\d{3})/(?P<seq>[^/]+)/"
    r"(?P<id>\d+)\.jpg"
)

RULES: tuple[Rule, ...] = (
    Rule(
        63, "flir-v1", re.compile(_FLIR),
        (
            Place("IR-TD", "63-FLIR_ADAS/training/PreviewData/{id}.jpeg"),
            Place("FLIR ADAS v1.0", "training/PreviewData/{id}.jpeg"),
            Place("FLIR ADAS v1.3", "train/thermal_8_bit/{id}.jpeg"),
            Place("FLIR aligned", "{id}_PreviewData.jpeg", note="FLIR aligned, the same frame"),
        ),
        "FLIR ADAS v1 (2018), training split; v2 numbers its frames otherwise",
    ),
    Rule(
        4, "drone-vehicle", re.compile(r"4-VEDAI/train/trainimgr/(?P<id>\d{5})\.jpg"),
        (
            Place("IR-TD", "4-VEDAI/train/trainimgr/{id}.jpg"),
            Place("DroneVehicle", "train/trainimgr/{id}.jpg"),
            Place("DroneVehicle, parts apart", "trainimgr/{id}.jpg"),
        ),
        "filed under VEDAI, but it is DroneVehicle's infrared training split",
    ),
    Rule(
        23, "rgbt-cc", re.compile(r"23-RGBTCrowdCounting/train/(?P<id>\d+)_Grey\.jpg"),
        (
            Place("IR-TD", "23-RGBTCrowdCounting/train/{id}_Grey.jpg"),
            Place("IR-TD, other folder name", "train/{id}_Grey.jpg"),
            Place("RGBT-CC", "train/{id}_T.jpg", note="pseudo-colour; IR-TD made it gray"),
        ),
        "RGBT-CC, training split; _Grey is IR-TD's gray copy of the publisher's _T",
    ),
    Rule(
        6, "lsotb-tir", re.compile(_LSOTB),
        (
            Place("IR-TD", "6-LSOTB-TIR/Training_Dataset/TrainingData/{part}/{seq}/{id}.jpg"),
            Place("LSOTB-TIR", "TrainingData/{part}/{seq}/{id}.jpg"),
            Place("LSOTB-TIR, parts apart", "{part}/{seq}/{id}.jpg"),
        ),
        "LSOTB-TIR, training sequences",
    ),
    _composed(53, "LLCM", "llcm", "train|valid"),
    _composed(54, "RegDB", "regdb", "train"),
    _composed(55, "SYSU-MM01", "sysu-mm01", "train1|train2"),
    _composed(56, "ThermalWorld", "thermal-world", "train"),
)  # fmt: skip


def tail_of(path: str) -> str:
    r"""Give a published path without its dead prefix.

    >>> tail_of("/mnt/x/Data4MLLM/4-VEDAI/train/trainimgr/00015.jpg")
    '4-VEDAI/train/trainimgr/00015.jpg'
    """
    plain = path.replace("\\", "/")
    _, found, tail = plain.rpartition(ROOT)
    return tail if found else plain.lstrip("/")
