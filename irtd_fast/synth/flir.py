"""FLIR ADAS, first generation: thermal 8 bit, thermal 16 bit and visible of the same moments.

Version 1.3 (default)::

    {train,val,video}/thermal_8_bit/FLIR_00001.jpeg   grey JPEG, gain control applied
    {train,val,video}/thermal_16_bit/FLIR_00001.tiff  uint16, LZW + predictor 2
    {train,val,video}/RGB/FLIR_00001.jpg              another size and field of view
    {train,val,video}/thermal_annotations.json        COCO, xywh

Version 1.0 has ``{training,validation,video}/{PreviewData,Data,RGB,Annotations}`` and one JSON per
image with the keys ``annotation`` and ``image``. The publisher's copies with drawn boxes
(``Annotated_thermal_8_bit``, ``AnnotationsPreviewData``) are not written.

``flir-v1-16bit`` is the TIFF part alone: in the tree and with the JSON of ``v1.3`` (default) or
``v1.0``, or one flat ``thermal_16_bit`` folder without labels (``tree``).

Numbers: training 1..8862, validation 8863..10228, video ``FLIR_video_00001`` upwards. Every
seventeenth frame lacks its visible partner, as some do in the real set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth import street
from irtd_fast.synth.base import Drawn, SourceWriter, split_of
from irtd_fast.synth.scene import gain_control
from irtd_fast.synth.truth import Matrix, TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import encode_json

_PATTERN = ("train", "train", "train", "val", "train", "train", "video", "train", "val", "train")
_OLD_WORDS = {"train": "training", "val": "validation", "video": "video"}
_FOLDERS = {
    "v1.3": {"infrared": "thermal_8_bit", "counts": "thermal_16_bit", "visible": "RGB"},
    "v1.0": {"infrared": "PreviewData", "counts": "Data", "visible": "RGB"},
}
_WORDS = {"person": "person", "car": "car", "bike": "bike", "dog": "dog", "truck": "other vehicle"}
_KINDS = {"person": 0.42, "car": 0.40, "bike": 0.12, "dog": 0.02, "truck": 0.04}
_VISIBLE_SIZES = ((1600, 1800), (1024, 1280), (480, 720), (1536, 2048))
_PARALLAX = 6.0  # infrared pixels


class FlirV1(SourceWriter):
    """Writes both layouts of the first FLIR release."""

    key = "flir-v1"
    variants: ClassVar[tuple[str, ...]] = ("v1.3", "v1.0")
    categories = ("person", "bike", "car", "dog", "other vehicle")
    default_size = (512, 640)

    @property
    def ids(self) -> Mapping[str, int]:
        """The publisher's category numbers; the dog's differs between the versions."""
        dog = 18 if self.variant == "v1.0" else 17
        return {"person": 1, "bike": 2, "car": 3, "dog": dog, "other vehicle": 91}

    def draw(self, index: int) -> Drawn:
        """Draw one moment: 8 bit, 16 bit and, mostly, visible."""
        rng = self.rng(index)
        split, name = _name(index)
        night = bool(rng.random() < 0.4)
        counts, scene, sample = self._thermal(rng, index, night=night)
        height, width = counts.shape
        folder = _OLD_WORDS[split] if self.variant == "v1.0" else split
        kinds = _FOLDERS[self.variant]
        sample.pictures["infrared"] = TruePicture(
            f"{folder}/{kinds['infrared']}/{name}.jpeg", "jpeg", "L", height, width
        )
        sample.pictures["counts"] = TruePicture(
            f"{folder}/{kinds['counts']}/{name}.tiff", "tiff", "I;16", height, width
        )
        arrays: dict[str, NDArray[np.generic]] = {
            "infrared": gain_control(counts.astype(np.float32)),
            "counts": counts,
        }
        if self.variant == "v1.0":
            sample.labels.append(f"{folder}/Annotations/{name}.json")
        if index % 17 != 16:
            size, matrix = _visible_camera(rng, (height, width))
            sample.pictures["visible"] = TruePicture(
                f"{folder}/{kinds['visible']}/{name}.jpg", "jpeg", "RGB", *size
            )
            sample.partner_matrix = matrix
            gain = 0.35 if night else 1.0
            arrays["visible"] = street.visible(rng, scene, size, matrix, gain=gain)
        return Drawn(sample, arrays)

    def _thermal(
        self, rng: np.random.Generator, index: int, *, night: bool
    ) -> tuple[NDArray[np.uint16], street.Street, TrueSample]:
        size = self.size or self.default_size
        margin = (80.0 * size[0] / 512, 56.0 * size[1] / 640)
        objects = 0 if rng.random() < 0.04 else 1 + int(rng.poisson(4.5))
        scene = street.compose(rng, size, _KINDS, objects=objects, night=night, margin=margin)
        counts = street.infrared_counts(rng, scene)
        split, name = _name(index)
        found = [
            TrueObject(_WORDS[actor.kind], actor.patch.box, self.ids[_WORDS[actor.kind]])
            for actor in scene.actors
        ]
        sample = TrueSample(name, index, split, {}, found, attributes={"night": str(int(night))})
        return np.rint(counts).astype(np.uint16), scene, sample

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield v1.0's JSON; category ids are strings in every other file, as in the real set."""
        for path in sample.labels:
            records = [
                _annotation(obj, number, 0, text_id=sample.index % 2 == 0)
                for number, obj in enumerate(sample.objects, start=1)
            ]
            image = _image(sample, 0, sample.name)
            yield path, encode_json({"annotation": records, "image": image}, indent=4)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield v1.3's COCO file of each split."""
        if self.variant != "v1.0":
            yield from _coco_files(samples, self.ids)


class FlirV1Counts(FlirV1):
    """Writes the 16-bit TIFF part, with or without labels."""

    key = "flir-v1-16bit"
    variants: ClassVar[tuple[str, ...]] = ("v1.3", "v1.0", "tree")

    def draw(self, index: int) -> Drawn:
        """Draw one 16-bit frame."""
        rng = self.rng(index)
        counts, _, sample = self._thermal(rng, index, night=False)
        folder = f"{sample.split}/thermal_16_bit"
        if self.variant == "v1.0":
            folder = f"{_OLD_WORDS[sample.split]}/Data"
            sample.labels = [f"{_OLD_WORDS[sample.split]}/Annotations/{sample.name}.json"]
        if self.variant == "tree":
            sample.name, sample.split, folder = f"FLIR_{index + 1:05d}", "", "thermal_16_bit"
            sample.objects = []
        path = f"{folder}/{sample.name}.tiff"
        sample.pictures["infrared"] = TruePicture(path, "tiff", "I;16", *counts.shape)
        return Drawn(sample, {"infrared": counts})

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the COCO files, which name the 8-bit JPEG files as the publisher's do."""
        if self.variant == "v1.3":
            yield from _coco_files(samples, self.ids)


def _name(index: int) -> tuple[str, str]:
    split, number = split_of(index, _PATTERN)
    if split == "video":
        return split, f"FLIR_video_{number + 1:05d}"
    first, room = (1, 8862) if split == "train" else (8863, 1366)
    # More frames than the publisher has go on behind the last real number, odd and even.
    number = first + number if number < room else 10_229 + 2 * (number - room) + (split == "val")
    return split, f"FLIR_{number:05d}"


def _visible_camera(
    rng: np.random.Generator, size: tuple[int, int]
) -> tuple[tuple[int, int], Matrix]:
    real = _VISIBLE_SIZES[int(rng.choice(4, p=(0.85, 0.09, 0.04, 0.02)))]
    height, width = round(real[0] * size[0] / 512), round(real[1] * size[1] / 640)
    scale = real[1] / 720
    shift_x = (width - scale * size[1]) / 2 + scale * float(rng.uniform(-1, 1)) * _PARALLAX
    shift_y = (height - scale * size[0]) / 2 + scale * float(rng.uniform(-1, 1)) * _PARALLAX
    return (height, width), ((scale, 0.0, shift_x), (0.0, scale, shift_y))


def _annotation(obj: TrueObject, number: int, image: int, *, text_id: bool) -> dict[str, object]:
    x0, y0, x1, y1 = (int(value) for value in obj.box)
    return {
        "area": (x1 - x0) * (y1 - y0),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "category_id": str(obj.category_id) if text_id else obj.category_id,
        "extra_info": {"human_annotated": True},
        "id": number,
        "image_id": image,
        "iscrowd": 0,
        "segmentation": [[x0, y0, x0, y1, x1, y1, x1, y0]],
    }


def _image(sample: TrueSample, number: int, file_name: str) -> dict[str, object]:
    picture = sample.infrared
    return {
        "extra_info": {},
        "file_name": file_name,
        "height": picture.height,
        "id": number,
        "license": 1,
        "width": picture.width,
    }


def _coco_files(
    samples: Sequence[TrueSample], ids: Mapping[str, int]
) -> Iterator[tuple[str, bytes]]:
    for split in ("train", "val", "video"):
        chosen = [sample for sample in samples if sample.split == split]
        if not chosen:
            continue
        records = [(image, obj) for image, sample in enumerate(chosen) for obj in sample.objects]
        coco = {
            "annotations": [
                _annotation(obj, number, image, text_id=False)
                for number, (image, obj) in enumerate(records, start=1)
            ],
            "categories": [
                {"id": number, "name": word, "supercategory": "unknown"}
                for word, number in ids.items()
            ],
            "images": [
                _image(sample, number, f"thermal_8_bit/{sample.name}.jpeg")
                for number, sample in enumerate(chosen)
            ],
            "info": {"description": "synthetic", "version": "1.3"},
            "licenses": [{"id": 1, "name": "none", "url": ""}],
        }
        yield f"{split}/thermal_annotations.json", encode_json(coco)
