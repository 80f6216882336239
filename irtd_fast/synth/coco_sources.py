"""POP, FLIR v2 and FLIR-aligned: COCO with quirks, Conservator's index, VOC.

pop           POP/{train,val}/JPEGImages/F13_0000_70.095.JPG: dots, upper-case suffix
POP/{train,val}/Annotations/{train,val}.json: dummy area, null segmentation
flir-v2       images_{thermal,rgb}_{train,val}/data/video-<vid>-frame-<%06d>-<hash>.jpg
video_{thermal,rgb}_test/data/…; coco.json, index.json, coco_annotation_counts.tsv
analyticsData/*.tiff, 16 bit; rgb_to_thermal_vid_map.json pairs the videos only
flir-aligned  JPEGImages/FLIR_00001_{PreviewData.jpeg,RGB.jpg}, Annotations/*.xml,
align_{train,validation}.txt; a stray dog beside the three classes
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.labels import CocoDialect, coco, voc, voc_thing, whole
from irtd_fast.synth.shots import Camera, Vehicle, aerial_shot, street_shot
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import encode_json, encode_lines


class Pop(SourceWriter):
    """Writes POP: partly hidden people from a drone."""

    key = "pop"
    variants = ("official",)
    categories = ("person",)
    default_size = (1024, 1280)

    def draw(self, index: int) -> Drawn:
        """Draw one frame; the name says scene, number and height in metres."""
        rng = self.rng(index)
        size = self.size or self.default_size
        person = {"person": Vehicle(0.035, 0.07, "person", 1.0)}
        count = 1 + int(rng.poisson(2))
        shot = aerial_shot(rng, size, person, objects=count, turned=False)
        for obj in shot.objects:
            obj.corners = obj.oriented = None
            obj.category_id = 1
        split = split_of(index, ("train", "train", "val"))[0]
        name = f"F{13 + index % 3}_{index:04d}_{rng.uniform(20, 90):.3f}"
        picture = TruePicture(f"POP/{split}/JPEGImages/{name}.JPG", "jpeg", "RGB", *size)
        sample = TrueSample(name, index, split, {"infrared": picture}, shot.objects)
        return Drawn(sample, {"infrared": three_channels(shot.grey())})

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield one COCO file a split."""
        for split in ("train", "val"):
            chosen = [s for s in samples if s.split == split]
            dialect = CocoDialect(
                {"person": 1}, first_image=1, first_object=1, area=1.1,
                top={"image_nums": len(chosen)},
            )  # fmt: skip
            named = [(f"{s.name}.JPG", s) for s in chosen]
            yield f"POP/{split}/Annotations/{split}.json", coco(named, dialect)


_V2 = {
    "person": 1, "bike": 2, "car": 3, "motor": 4, "bus": 6, "train": 7, "truck": 8, "light": 10,
    "hydrant": 11, "sign": 12, "dog": 17, "skateboard": 37, "stroller": 73, "scooter": 77,
    "other vehicle": 79,
}  # fmt: skip
_V2_DRAWN = {
    "person": ("person", 0.4), "bike": ("bike", 0.15), "car": ("car", 0.38),
    "truck": ("truck", 0.05), "dog": ("dog", 0.02),
}  # fmt: skip
_PARTS = {"train": "images_{}_train", "val": "images_{}_val", "video": "video_{}_test"}


class FlirV2(SourceWriter):
    """Writes FLIR ADAS v2: pairs exist in the videos only; the rest are strangers."""

    key = "flir-v2"
    variants = ("official",)
    covers: ClassVar[Mapping[str, str]] = {"counts": "official"}
    categories = tuple(_V2)
    default_size = (512, 640)
    _pattern: ClassVar[tuple[str, ...]] = ("train", "train", "val", "video")

    def draw(self, index: int) -> Drawn:
        """Draw one thermal frame, its counts and, in videos, its partner."""
        rng = self.rng(index)
        size = self.size or self.default_size
        split, number = split_of(index, self._pattern)
        count = 1 + int(rng.poisson(4))
        visible_size = (round(size[0] * 2.0), round(size[1] * 1.875))
        matrix = ((1.875, 0.0, 0.0), (0.0, 1.875, (visible_size[0] - 1.875 * size[0]) / 2))
        shot = street_shot(rng, size, _V2_DRAWN, objects=count, camera=Camera(visible_size, matrix))
        for obj in shot.objects:
            obj.category_id = _V2[obj.category]
        folder = _PARTS[split].format("thermal")
        name = _frame_name(self.seed, split, number, "thermal")
        pictures = {
            "infrared": TruePicture(f"{folder}/data/{name}.jpg", "jpeg", "L", *size),
            "counts": TruePicture(f"{folder}/analyticsData/{name}.tiff", "tiff", "I;16", *size),
        }
        counts = shot.counts16()
        narrow = index % 7 == 4  # about a thousand real files hold 8 bit in 16
        if narrow:
            counts = shot.grey().astype(np.uint16)
        arrays: dict[str, NDArray[np.generic]] = {"infrared": shot.grey(), "counts": counts}
        matrix_found = None
        if split == "video" and shot.visible is not None:
            partner = _frame_name(self.seed, split, number, "rgb")
            path = f"{_PARTS[split].format('rgb')}/data/{partner}.jpg"
            pictures["visible"] = TruePicture(path, "jpeg", "RGB", *visible_size)
            arrays["visible"], matrix_found = shot.visible, shot.matrix
        sample = TrueSample(
            name, index, split, pictures, shot.objects, partner_matrix=matrix_found,
            attributes={"8-in-16": str(int(narrow))}, sequence=name.split("-")[1], frame=number,
        )  # fmt: skip
        return Drawn(sample, arrays)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield COCO and Conservator files, counts of the categories, the map of the videos."""
        listed = {f"unused {number}": number for number in range(1, 81)}
        listed = {word: number for word, number in listed.items() if number not in _V2.values()}
        ordered = dict(sorted({**_V2, **listed}.items(), key=lambda item: item[1]))
        for split, pattern in _PARTS.items():
            chosen = [s for s in samples if s.split == split]
            if not chosen:
                continue
            folder = pattern.format("thermal")
            dialect = CocoDialect(_V2, listed=ordered, first_object=1, segmentation=True)
            yield f"{folder}/coco.json", coco([(f"data/{s.name}.jpg", s) for s in chosen], dialect)
            yield f"{folder}/index.json", _index(chosen)
            found = Counter(obj.category for s in chosen for obj in s.objects)
            lines = [f"{word}\t{found[word]}" for word in _V2 if found[word]]
            yield f"{folder}/coco_annotation_counts.tsv", encode_lines(lines)
        names = {
            s.pictures["visible"].path.rsplit("/", 1)[1]: f"{s.name}.jpg"
            for s in samples
            if "visible" in s.pictures
        }
        yield "rgb_to_thermal_vid_map.json", encode_json(names, indent=4)


def _frame_name(seed: int, split: str, number: int, side: str) -> str:
    word = hashlib.sha256(f"{seed} {split} {number} {side}".encode()).hexdigest()
    video = hashlib.sha256(f"{split} {number // 4} {side}".encode()).hexdigest()[:17]
    return f"video-{video}-frame-{number:06d}-{word[:17]}"


def _index(samples: Sequence[TrueSample]) -> bytes:
    frames = []
    for sample in samples:
        records = []
        for obj in sample.objects:
            x0, y0, x1, y1 = whole(obj)
            records.append(
                {
                    "labels": [obj.category],
                    "boundingBox": {"x": x0, "y": y0, "w": x1 - x0, "h": y1 - y0},
                    "attributes": {"occluded": "no_(fully_visible)", "truncated": "false"},
                }
            )
        video, number = sample.name.removeprefix("video-").split("-frame-")
        frames.append(
            {
                "datasetFrameId": number.split("-")[1],
                "videoMetadata": {"videoId": video, "frameIndex": int(number.split("-")[0])},
                "height": sample.infrared.height,
                "width": sample.infrared.width,
                "annotations": records,
            }
        )
    return encode_json({"frames": frames})


class FlirAligned(SourceWriter):
    """Writes the aligned subset of FLIR v1."""

    key = "flir-aligned"
    variants = ("official",)
    categories = ("person", "bicycle", "car", "dog")
    default_size = (512, 640)

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair."""
        rng = self.rng(index)
        size = self.size or self.default_size
        words = {"person": ("person", 0.4), "bicycle": ("bike", 0.2), "car": ("car", 0.4)}
        count = 1 + int(rng.poisson(4))
        shot = street_shot(rng, size, words, objects=count, camera=Camera())
        if index % 9 == 3 and shot.objects:
            shot.objects[0].category = "dog"
        split, number = split_of(index, ("train", "train", "train", "validation"))
        name = f"FLIR_{number + (1 if split == 'train' else 8863):05d}"
        pictures = {
            "infrared": TruePicture(f"JPEGImages/{name}_PreviewData.jpeg", "jpeg", "L", *size),
            "visible": TruePicture(f"JPEGImages/{name}_RGB.jpg", "jpeg", "RGB", *size),
        }
        sample = TrueSample(
            f"{name}_PreviewData", index, split, pictures, shot.objects,
            labels=[f"Annotations/{name}_PreviewData.xml"], partner_matrix=shot.matrix,
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {"infrared": shot.grey()}
        if shot.visible is not None:
            arrays["visible"] = shot.visible
        return Drawn(sample, arrays)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the VOC file."""
        things = [voc_thing(obj) for obj in sample.objects]
        yield sample.labels[0], voc(f"{sample.name}.jpeg", sample.infrared, things, depth=1)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the two list files."""
        for split in ("train", "validation"):
            names = [s.name for s in samples if s.split == split]
            yield f"align_{split}.txt", encode_lines(names)


WRITERS: tuple[type[SourceWriter], ...] = (Pop, FlirV2, FlirAligned)
