"""LLVIP: registered night streets, people only, one VOC file for both modalities.

    visible/{train,test}/010001.jpg  infrared/{train,test}/010001.jpg  Annotations/010001.xml

The publisher's code repository has sample pairs without labels (variant ``code``)::

    FusionGAN/{Train,Test}_LLVIP_{ir,vi}/010001.jpg
    imagefusion_densefuse/{datasets,test}/010001_{ir,vi}.jpg

``Annotations`` is flat. The infrared JPEG holds three equal channels. The first two digits of a
name are the scene: 01..18 train, 19..26 test.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from irtd_fast.synth import street
from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.scene import gain_control
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import XmlNode, encode_xml

_PATTERN = ("train", "train", "train", "test", "train")
_SCENES = {"train": (1, 18), "test": (19, 8)}


class Llvip(SourceWriter):
    """Writes LLVIP's layout."""

    key = "llvip"
    variants = ("official", "code")
    categories = ("person",)
    default_size = (1024, 1280)

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair."""
        rng = self.rng(index)
        size = self.size or self.default_size
        count = 1 + int(rng.poisson(1.8))
        scene = street.compose(rng, size, {"person": 1.0}, objects=count, night=True)
        grey = gain_control(street.infrared_counts(rng, scene), 30.0, 99.9)  # dark, people white
        colour = street.visible(
            rng, scene, size, street.IDENTITY, gain=float(rng.uniform(0.3, 0.6))
        )
        split, number = split_of(index, _PATTERN)
        first, scenes = _SCENES[split]
        name = f"{first + number % scenes:02d}{1 + number // scenes:04d}"
        official = self.variant == "official"
        paths = _official_paths(split, name) if official else _code_paths(split, name, index)
        pictures = {
            side: TruePicture(f"{path}.jpg", "jpeg", "RGB", *size)
            for side, path in zip(("infrared", "visible"), paths, strict=True)
        }
        sample = TrueSample(
            paths[0].rsplit("/", 1)[1],
            index,
            split,
            pictures,
            objects=[TrueObject("person", a.patch.box) for a in scene.actors] if official else [],
            labels=[f"Annotations/{name}.xml"] if official else [],
            partner_matrix=street.IDENTITY,
            attributes={"scene": name[:2]},
        )
        arrays: dict[str, np.ndarray] = {"infrared": three_channels(grey), "visible": colour}
        return Drawn(sample, arrays)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the VOC file."""
        if not sample.labels:
            return
        picture = sample.infrared
        nodes: list[XmlNode] = [
            ("folder", sample.split),
            ("filename", f"{sample.name}.jpg"),
            ("path", f"LLVIP/{picture.path}"),
            ("source", [("database", "Unknown")]),
            ("size", [("width", picture.width), ("height", picture.height), ("depth", 3)]),
            ("segmented", 0),
        ]
        nodes += [("object", _object(obj)) for obj in sample.objects]
        yield sample.labels[0], encode_xml("annotation", nodes, indent="\t")


def _official_paths(split: str, name: str) -> tuple[str, str]:
    return f"infrared/{split}/{name}", f"visible/{split}/{name}"


def _code_paths(split: str, name: str, index: int) -> tuple[str, str]:
    if index % 2:
        folder = {"train": "datasets", "test": "test"}[split]
        stem = f"imagefusion_densefuse/{folder}/{name}"
        return f"{stem}_ir", f"{stem}_vi"
    stem = f"FusionGAN/{split.title()}_LLVIP"
    return f"{stem}_ir/{name}", f"{stem}_vi/{name}"


def _object(obj: TrueObject) -> list[XmlNode]:
    edges: list[XmlNode] = [
        (tag, int(value))
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), obj.box, strict=True)
    ]
    return [
        ("name", obj.category),
        ("pose", "Unspecified"),
        ("truncated", 0),
        ("difficult", 0),
        ("bndbox", edges),
    ]
