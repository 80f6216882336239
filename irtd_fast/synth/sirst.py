"""SIRST-v2: small targets in many sizes and PNG modes, three kinds of XML beside the masks.

    images/{targets,backgrounds}/Misc_1.png
    annotations/masks/Misc_1_pixels0.png   0/255, all zero for backgrounds
    annotations/masks/Misc_1.xml           one box around all targets
    annotations/bboxes/Misc_1.xml          one box per target
    annotations/centroids/Misc_1.xml       one point per target, first release (Misc_*) only
    splits/*.txt                           nineteen lists of stems

As measured on the publisher's files: boxes in ``bboxes`` are edges plus one, so a target on pixel
columns 137..142 has xmin 138 and xmax 144; centroids count pixel middles from one (edge
coordinate plus one half) and are weighted by the picture's levels. The box of the mask XML counts
from one and includes its last pixel. Backgrounds have an object without any geometry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.scene import U8
from irtd_fast.synth.targets import draw_targets
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import XmlNode, encode_lines, encode_xml

# (height, width) as they occur in the real release.
_SIZES = (
    (174, 187), (159, 241), (220, 232), (271, 256), (268, 268), (180, 280), (200, 291), (187, 297),
    (202, 303), (305, 306), (210, 315), (240, 320), (238, 324), (236, 330), (265, 331), (221, 334),
    (270, 348), (319, 375), (388, 418), (512, 640), (512, 1120), (720, 1280), (1080, 1438),
)  # fmt: skip
_KINDS = ("v1", "v1", "v2", "v1", "v1", "background", "v1", "v2")
_SPLITS = ("train", "val", "train", "test", "train", "train", "test", "val")
_SETS = {
    "full": ("v1", "v2", "background"),
    "v1": ("v1",),
    "v1fullv2target": ("v1", "v2"),
}
_GROUPS = {
    "train": ("train",),
    "val": ("val",),
    "test": ("test",),
    "trainval": ("train", "val"),
    "trainvaltest": ("train", "val", "test"),
}


class SirstV2(SourceWriter):
    """Writes SIRST-v2's layout."""

    key = "sirst-v2"
    variants = ("official",)
    categories = ("Target",)
    default_size = (240, 320)

    def draw(self, index: int) -> Drawn:
        """Draw one picture in one of four PNG modes, with its mask."""
        rng = self.rng(index)
        size = self.size or _SIZES[int(rng.integers(len(_SIZES)))]
        kind, number = split_of(index, _KINDS)
        count = 0 if kind == "background" else 1 + int(rng.poisson(0.3))
        scene = draw_targets(rng, size, count, "Target")
        name = {
            "v1": f"Misc_{number + 1}",
            "v2": f"S20210422_S{1 + number // 300}_{1 + number % 300}",
            "background": f"20210725-S{1 + number % 4}-{1 + 100 * (number // 4)}",
        }[kind]
        folder = "backgrounds" if kind == "background" else "targets"
        mode = _mode(index)
        pictures = {
            "infrared": TruePicture(f"images/{folder}/{name}.png", "png", mode, *size),
            "mask": TruePicture(f"annotations/masks/{name}_pixels0.png", "png", "L", *size),
        }
        labels = [f"annotations/masks/{name}.xml", f"annotations/bboxes/{name}.xml"]
        labels += [f"annotations/centroids/{name}.xml"] * (kind == "v1")
        sample = TrueSample(
            name,
            index,
            _SPLITS[index % len(_SPLITS)],
            pictures,
            scene.objects,
            scene.points if kind == "v1" else [],
            labels,
            attributes={"kind": kind},
        )
        arrays = {"infrared": _in_mode(rng, scene.image, mode), "mask": scene.mask}
        return Drawn(sample, arrays)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield mask XML, box XML and, for the first release, point XML."""
        mask_xml = _outline_xml(sample)
        yield sample.labels[0], mask_xml
        background = sample.attributes["kind"] == "background"
        boxes: list[list[XmlNode]] = [_edges(obj, 1) for obj in sample.objects]
        yield sample.labels[1], mask_xml if background else _objects_xml(sample, "bndbox", boxes)
        if len(sample.labels) > 2:
            points: list[list[XmlNode]] = [
                [("yc", repr(point.y + 0.5)), ("xc", repr(point.x + 0.5))]
                for point in sample.points
            ]
            yield sample.labels[2], _objects_xml(sample, "centroid", points)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the nineteen split lists (there is no ``train_v1fullv2target``)."""
        for suffix, kinds in _SETS.items():
            for prefix, splits in _GROUPS.items():
                if (prefix, suffix) != ("train", "v1fullv2target"):
                    yield _list(f"{prefix}_{suffix}", samples, kinds, splits)
        everything = _GROUPS["trainvaltest"]
        yield _list("trainvaltest_v2target", samples, ("v2",), everything)
        yield _list("v2background", samples, ("background",), everything)
        yield _list("mini-v2background", samples, ("background",), everything, 3)
        yield _list("mini_trainval", samples, ("v1",), _GROUPS["trainval"], 3)
        yield _list("mini_test", samples, ("v1",), ("test",), 3)


def _mode(index: int) -> str:
    if index % 16 == 4:
        return "RGBA"
    if index % 16 == 11:
        return "P"
    return "L" if index % 3 == 0 else "RGB"


def _in_mode(rng: np.random.Generator, grey: U8, mode: str) -> NDArray[np.generic]:
    if mode in ("L", "P"):
        return grey
    colour = three_channels(grey)
    if rng.random() < 0.3:  # some real files went through colour JPEG: channels differ a little
        signed = colour.astype(np.int16) + rng.integers(-2, 3, colour.shape, dtype=np.int16)
        colour = np.clip(signed, 0, 255).astype(np.uint8)
    if mode == "RGB":
        return colour
    return np.concatenate([colour, np.full((*grey.shape, 1), 255, dtype=np.uint8)], axis=2)


def _edges(obj: TrueObject, offset: int) -> list[XmlNode]:
    tags = ("xmin", "ymin", "xmax", "ymax")
    return [(tag, int(value) + offset) for tag, value in zip(tags, obj.box, strict=True)]


def _objects_xml(sample: TrueSample, tag: str, geometry: Sequence[list[XmlNode]]) -> bytes:
    picture = sample.infrared
    nodes: list[XmlNode] = [
        ("filename", sample.name),
        ("size", [("width", picture.width), ("height", picture.height), ("depth", 1)]),
    ]
    nodes += [("object", [("name", "Target"), (tag, shape)]) for shape in geometry]
    return encode_xml("annotation", nodes)


def _outline_xml(sample: TrueSample) -> bytes:
    """Write the labelling tool's file: one object for the whole mask."""
    picture = sample.infrared
    folder = picture.path.split("/")[1]
    thing: list[XmlNode] = [
        ("name", "Target"),
        ("difficult", 0),
        ("pixels", [("id", 0)]),
    ]
    if sample.objects:
        boxes = np.array([obj.box for obj in sample.objects])
        low, high = boxes[:, :2].min(axis=0) + 1, boxes[:, 2:].max(axis=0)
        values = (*low.astype(int).tolist(), *high.astype(int).tolist())
        tags = ("xmin", "ymin", "xmax", "ymax")
        thing.append(("bndbox", list(zip(tags, values, strict=True))))
    nodes: list[XmlNode] = [
        ("folder", folder),
        ("filename", f"{sample.name}.png"),
        ("size", [("width", picture.width), ("height", picture.height), ("depth", 3)]),
        ("object", thing),
    ]
    return encode_xml("annotation", nodes, indent="    ", newline_at_end=False)


def _list(
    name: str,
    samples: Sequence[TrueSample],
    kinds: Sequence[str],
    splits: Sequence[str],
    limit: int | None = None,
) -> tuple[str, bytes]:
    names = [s.name for s in samples if s.attributes["kind"] in kinds and s.split in splits]
    return f"splits/{name}.txt", encode_lines(names[:limit])
