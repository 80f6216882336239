"""M3FD: registered pairs of roads and campuses; infrared PNG with three equal channels.

official  M3FD_Detection/{Ir,Vis}/00000.png  M3FD_Detection/Annotation/00000.xml
fusion    M3FD_Fusion/{Ir,Vis}/00000.png, no labels
tardal    m3fd/{ir,vi}/00000.png  m3fd/labels/00000.txt (YOLO)  m3fd/meta/{train,val,pred}.txt
sample    s1/{ir,vi}/M3FD_00000.png, ROAD_001.jpg, TNO_002.bmp  s1/meta/pred.txt
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, three_channels
from irtd_fast.synth.labels import voc, voc_thing, yolo_rows
from irtd_fast.synth.shots import Camera, street_shot
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import encode_lines

_WORDS = {
    "People": ("person", 0.34),
    "Car": ("car", 0.42),
    "Bus": ("truck", 0.06),
    "Motorcycle": ("bike", 0.18),
}
# TarDAL's numbers; lamps and trucks are not drawn.
_NUMBERS = {"People": 0, "Car": 1, "Bus": 2, "Lamp": 3, "Motorcycle": 4, "Truck": 5}
_FOLDERS = {
    "official": ("M3FD_Detection", "Ir", "Vis"),
    "fusion": ("M3FD_Fusion", "Ir", "Vis"),
    "tardal": ("m3fd", "ir", "vi"),
    "sample": ("s1", "ir", "vi"),
}
_SAMPLES = (("M3FD_", 5, "png"), ("ROAD_", 3, "jpg"), ("TNO_", 3, "bmp"))


class M3fd(SourceWriter):
    """Writes M3FD's layouts."""

    key = "m3fd"
    variants = ("official", "fusion", "tardal", "sample")
    categories = tuple(_NUMBERS)
    default_size = (768, 1024)

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair."""
        rng = self.rng(index)
        size = self.size or self.default_size
        night = bool(rng.random() < 0.3)
        count = 1 + int(rng.poisson(4))
        shot = street_shot(rng, size, _WORDS, objects=count, night=night, camera=Camera())
        name, suffix = f"{index:05d}", "png"
        if self.variant == "sample":
            word, digits, suffix = _SAMPLES[index % 3]
            name = f"{word}{index:0{digits}d}"
        folder, infrared, visible = _FOLDERS[self.variant]
        encoding = {"png": "png", "jpg": "jpeg", "bmp": "bmp"}[suffix]
        mode = "L" if suffix == "jpg" else "RGB"
        pictures = {
            "infrared": TruePicture(f"{folder}/{infrared}/{name}.{suffix}", encoding, mode, *size),
            "visible": TruePicture(f"{folder}/{visible}/{name}.{suffix}", encoding, "RGB", *size),
        }
        labelled = self.variant in ("official", "tardal")
        grey = shot.grey()
        arrays: dict[str, NDArray[np.generic]] = {
            "infrared": grey if mode == "L" else three_channels(grey)
        }
        if shot.visible is not None:
            arrays["visible"] = shot.visible
        label = {
            "official": f"{folder}/Annotation/{name}.xml",
            "tardal": f"{folder}/labels/{name}.txt",
        }
        sample = TrueSample(
            name,
            index,
            {"tardal": ("train", "train", "val")[index % 3], "sample": "pred"}.get(
                self.variant, ""
            ),
            pictures,
            shot.objects if labelled else [],
            labels=[label[self.variant]] if labelled else [],
            partner_matrix=shot.matrix,
        )
        return Drawn(sample, arrays)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the XML or YOLO file."""
        for path in sample.labels:
            if path.endswith(".xml"):
                things = [voc_thing(obj) for obj in sample.objects]
                yield path, voc(f"{sample.name}.png", sample.infrared, things, folder="M3FD")
            else:
                yield path, yolo_rows(sample.infrared, sample.objects, _NUMBERS)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield lists of file names."""
        names = {s.name: s.infrared.path.rsplit("/", 1)[1] for s in samples}
        if self.variant == "sample":
            yield "s1/meta/pred.txt", encode_lines(list(names.values()))
        if self.variant == "tardal":
            for split in ("train", "val"):
                chosen = [names[s.name] for s in samples if s.split == split]
                yield f"m3fd/meta/{split}.txt", encode_lines(chosen)
            yield "m3fd/meta/pred.txt", encode_lines(list(names.values())[:3])


WRITERS: tuple[type[SourceWriter], ...] = (M3fd,)
