"""Vehicles from above, in both modalities: DroneVehicle and VEDAI.

    drone-vehicle  train/{trainimgr,trainimg}/00001.jpg  train/{trainlabelr,trainlabel}/00001.xml
                   840 x 712 with a white border of 100 pixels; polygon or bndbox per object
    vedai          Vehicules512/00000000_{ir,co}.png  Annotations512/annotation512.txt
                   Annotations512/{fold01,fold01test …}.txt; 1024 likewise

DroneVehicle's two sides have labels of their own; at night the visible ones are incomplete. Names
carry the publisher's misspellings, few objects have no geometry or no name, and now and then one
of the four files is missing. VEDAI writes x's before y's and ids without padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.labels import bndbox, polygon, rounded, voc
from irtd_fast.synth.scene import U8
from irtd_fast.synth.shots import Vehicle, aerial_shot
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import XmlNode, encode_lines

BORDER = 100
_DRONE = {
    "car": Vehicle(0.07, 0.15, "car", 0.6),
    "truck": Vehicle(0.09, 0.24, "truck", 0.12),
    "bus": Vehicle(0.09, 0.28, "truck", 0.08),
    "van": Vehicle(0.08, 0.18, "car", 0.08),
    "feright car": Vehicle(0.09, 0.2, "truck", 0.12),
}
_MISSPELT = {"feright car": ("feright_car", "feright car", "feright"), "truck": ("truvk", "truck")}
_DEALT = ("train", "train", "val", "train", "test", "test", "train")


class DroneVehicle(SourceWriter):
    """Writes DroneVehicle's layout."""

    key = "drone-vehicle"
    variants = ("official",)
    categories = (
        "car", "truck", "bus", "van", "feright car", "feright_car", "feright", "truvk", "*", "",
    )  # fmt: skip
    default_size = (512, 640)

    def draw(self, index: int) -> Drawn:
        """Draw one pair inside its white border."""
        rng = self.rng(index)
        size = self.size or self.default_size
        count = 2 + int(rng.poisson(5))
        shot = aerial_shot(rng, size, _DRONE, objects=count, visible=True)
        night = bool(rng.random() < 0.4)
        split, number = split_of(index, _DEALT)
        name = f"{number + 1:05d}"
        full = (size[0] + 2 * BORDER, size[1] + 2 * BORDER)
        sides = {"infrared": "r", "visible": ""}
        pictures = {
            kind: TruePicture(f"{split}/{split}img{end}/{name}.jpg", "jpeg", "RGB", *full)
            for kind, end in sides.items()
        }
        labels = [f"{split}/{split}label{end}/{name}.xml" for end in sides.values()]
        objects = [rounded(obj, full, BORDER) for obj in shot.objects]
        seen = [rounded(obj, full, BORDER) for obj in shot.objects]
        seen = seen[: len(seen) // 4] if night else seen
        self._misname(rng, index, objects)
        if index % 11 == 7:
            del pictures["visible"]
        if index % 13 == 9:
            labels, seen = labels[:1], []
        facts = {"scene": "night" if night else "day", "border": str(BORDER)}
        sample = TrueSample(
            f"{split}/{name}", index, split, pictures, objects, labels=labels,
            partner_matrix=shot.matrix if "visible" in pictures else None, attributes=facts,
            partner_objects=seen,
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {"infrared": _framed(three_channels(shot.grey()))}
        if shot.visible is not None and "visible" in pictures:
            arrays["visible"] = _framed(shot.visible if not night else shot.visible // 4)
        return Drawn(sample, arrays)

    @staticmethod
    def _misname(rng: np.random.Generator, index: int, objects: list[TrueObject]) -> None:
        for obj in objects:
            words = _MISSPELT.get(obj.category, (obj.category,))
            obj.category = words[int(rng.integers(len(words)))]
            if rng.random() < 0.2:  # an upright box instead of a polygon
                obj.corners = obj.oriented = None
        if index % 10 == 3 and objects:
            objects[0].category = "*" if index % 20 == 3 else ""

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the XML of each side; every eighth has an object without geometry."""
        sides = (sample.objects, sample.partner_objects)
        for path, objects in zip(sample.labels, sides, strict=False):
            things: list[list[XmlNode]] = [_thing(obj) for obj in objects]
            if sample.index % 8 == 2 and objects is sample.objects:
                things.append([("name", "car"), ("pose", "Unspecified"), ("difficult", 0)])
            name = f"{sample.name.split('/')[1]}.jpg"
            yield path, voc(name, sample.infrared, things, folder=path.split("/")[1])


def _thing(obj: TrueObject) -> list[XmlNode]:
    name: list[XmlNode] = [("name", obj.category)] if obj.category or obj.corners else []
    facts: list[XmlNode] = [("pose", "Unspecified"), ("truncated", 0), ("difficult", 0)]
    return [*name, *facts, polygon(obj.corners) if obj.corners else bndbox(obj)]


def _framed(picture: U8) -> U8:
    return np.pad(picture, ((BORDER, BORDER), (BORDER, BORDER), (0, 0)), constant_values=255)


_VEDAI = {
    "car": (1, Vehicle(0.035, 0.08, "car", 0.4)),
    "truck": (2, Vehicle(0.05, 0.14, "truck", 0.1)),
    "tractor": (4, Vehicle(0.04, 0.08, "truck", 0.06)),
    "camping car": (5, Vehicle(0.045, 0.11, "truck", 0.1)),
    "van": (9, Vehicle(0.04, 0.09, "car", 0.1)),
    "other": (10, Vehicle(0.05, 0.1, "bike", 0.05)),
    "pickup": (11, Vehicle(0.04, 0.09, "car", 0.1)),
    "boat": (23, Vehicle(0.04, 0.14, "car", 0.05)),
    "plane": (31, Vehicle(0.1, 0.14, "bike", 0.04)),
}


class Vedai(SourceWriter):
    """Writes VEDAI at one of its two sizes, or its pictures alone."""

    key = "vedai"
    variants = ("512", "1024", "images")
    categories = tuple(str(number) for number, _ in _VEDAI.values())
    default_size = (512, 512)

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair; near infrared in three equal channels."""
        rng = self.rng(index)
        side = 1024 if self.variant == "1024" else 512
        size = self.size or (side, side)
        vehicles = {str(number): vehicle for number, vehicle in _VEDAI.values()}
        shot = aerial_shot(rng, size, vehicles, objects=1 + int(rng.poisson(3)), visible=True)
        objects = [rounded(obj, size, 0) for obj in shot.objects]
        if index % 5 == 1 and objects:
            objects[0] = _outside(objects[0], size)
        for obj in objects:
            obj.category_id = int(obj.category)
        folder = "images/" if self.variant == "images" else f"Vehicules{side}/"
        stem = f"{folder}{index:08d}"
        pictures = {
            "infrared": TruePicture(f"{stem}_ir.png", "png", "RGB", *size),
            "visible": TruePicture(f"{stem}_co.png", "png", "RGB", *size),
        }
        labelled = self.variant != "images"
        label = f"Annotations{side}/{index:08d}.txt"
        sample = TrueSample(
            f"{index:08d}", index, "", pictures, objects if labelled else [],
            labels=[label] if labelled else [], partner_matrix=shot.matrix,
            attributes={"fold": f"{index % 10 + 1:02d}"},
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {"infrared": three_channels(shot.grey())}
        if shot.visible is not None:
            arrays["visible"] = shot.visible
        return Drawn(sample, arrays)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the picture's own table: the same columns without the id."""
        for path in sample.labels:
            yield path, encode_lines([_row(obj) for obj in sample.objects])

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the table of all objects, ids without padding, and the folds."""
        if self.variant == "images":
            return
        folder = f"Annotations{self.variant}"
        table = [f"{sample.index} {_row(obj)}" for sample in samples for obj in sample.objects]
        yield f"{folder}/annotation{self.variant}.txt", encode_lines(table)
        for fold in range(1, 11):
            parts: dict[bool, list[str]] = {True: [], False: []}
            for sample in samples:
                parts[int(sample.attributes["fold"]) == fold].append(sample.name)
            yield f"{folder}/fold{fold:02d}.txt", encode_lines(parts[False])
            yield f"{folder}/fold{fold:02d}test.txt", encode_lines(parts[True])


def _outside(obj: TrueObject, size: tuple[int, int]) -> TrueObject:
    """Push an object's corners beyond the right border, as labels of cut vehicles are."""
    corners = obj.corners or (0.0,) * 8
    shift = size[1] - (min(corners[::2]) + max(corners[::2])) / 2
    x0, y0, x1, y1, x2, y2, x3, y3 = corners
    moved = (x0 + shift, y0, x1 + shift, y1, x2 + shift, y2, x3 + shift, y3)
    return rounded(TrueObject(obj.category, obj.box, corners=moved), size)


def _row(obj: TrueObject) -> str:
    corners = obj.corners or (0.0,) * 8
    xs, ys = corners[::2], corners[1::2]
    angle = np.arctan2(ys[1] - ys[0], xs[1] - xs[0])
    middle = (sum(xs) / 4, sum(ys) / 4)
    words = [f"{middle[0]:.6f}", f"{middle[1]:.6f}", f"{angle:.6f}"]
    words += [str(int(value)) for value in (*xs, *ys)]
    inside = obj.oriented is not None
    return " ".join((*words, obj.category, str(int(inside)), "0"))


WRITERS: tuple[type[SourceWriter], ...] = (DroneVehicle, Vedai)
