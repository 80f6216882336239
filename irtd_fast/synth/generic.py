"""Layouts that no publisher owns: what the generic readers serve.

image-folder   any/depth/of/folders/*.{jpg,png,bmp}, no labels; clutter between the pictures;
grey (``tree``) or pseudo-coloured (``colour``)
class-folders  <class>/<name>.jpg, or {train,val}/<class>/<name>.jpg (``split``)
coco           images/{train,val}/*.jpg  annotations/instances_{train,val}.json,
or images/*.jpg  annotations/instances.json (``flat``)
voc            JPEGImages  Annotations  ImageSets/Main/{train,val}.txt; boxes count from one
and include their last pixel
yolo           images/{train,val}/*.jpg  labels/{train,val}/*.txt  classes.txt, or
{train,val}/{images,labels} (``roboflow``), or {images,labels} (``flat``)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.counting import pseudo_colour
from irtd_fast.synth.labels import EDGES, CocoDialect, coco, voc, voc_thing, whole, yolo_rows
from irtd_fast.synth.shots import Shot, street_shot
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import XmlNode, encode_lines

_WORDS = {"person": ("person", 0.5), "car": ("car", 0.35), "bicycle": ("bike", 0.15)}
_IDS = {word: number for number, word in enumerate(_WORDS)}
_FORMS = (("jpg", "jpeg", "L"), ("png", "png", "RGB"), ("bmp", "bmp", "L"))


class _Street(SourceWriter):
    """Streets with three kinds of objects."""

    categories = tuple(_WORDS)
    default_size = (480, 640)

    def shoot(self, index: int, objects: int = 4) -> Shot:
        """Draw the scene of a sample."""
        shot = street_shot(self.rng(index), self.size or self.default_size, _WORDS, objects=objects)
        for obj in shot.objects:
            obj.category_id = _IDS[obj.category]
        return shot


class ImageFolder(_Street):
    """Writes a plain tree: folders of different depth, mixed encodings, no labels."""

    key = "image-folder"
    variants = ("tree", "colour")
    categories = ()

    def draw(self, index: int) -> Drawn:
        """Draw one picture."""
        grey = self.shoot(index).grey()
        suffix, encoding, mode = _FORMS[index % 3]
        folder = ("", "2021/", "2021/harbour at night/")[index // 3 % 3]
        name = f"{folder}IMG_{index + 1}"
        size = (grey.shape[0], grey.shape[1])
        path = f"{name}.{suffix.upper() if index % 6 == 3 else suffix}"
        image: NDArray[np.generic] = three_channels(grey) if mode == "RGB" else grey
        if self.variant == "colour":
            mode, image = "RGB", pseudo_colour(grey)
        picture = TruePicture(path, encoding, mode, *size)
        return Drawn(TrueSample(name, index, "", {"infrared": picture}), {"infrared": image})

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield what operating systems leave behind."""
        yield ".DS_Store", b"\x00\x00\x00\x01Bud1"
        yield "Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        yield "._IMG_1.jpg", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


_DEALT = ("train", "train", "train", "val")


class ClassFolders(_Street):
    """Writes one folder a class; a name may occur in several."""

    key = "class-folders"
    variants = ("split", "flat")
    categories = ("person", "car", "bicycle")

    def draw(self, index: int) -> Drawn:
        """Draw one picture."""
        grey = self.shoot(index, 2).grey()
        number, place = divmod(index, len(self.categories))
        word = self.categories[place]
        split = split_of(number, _DEALT)[0] if self.variant == "split" else ""
        name = f"{split}/{word}/{number + 1:04d}".lstrip("/")
        picture = TruePicture(f"{name}.jpg", "jpeg", "L", grey.shape[0], grey.shape[1])
        sample = TrueSample(name, index, split, {"infrared": picture}, attributes={"class": word})
        return Drawn(sample, {"infrared": grey})


class _Labelled(_Street):
    """Train and val by turns, grey JPEG files.

    Attributes:
        places: Variant -> folder of pictures and path of the label file, ``""`` without one.
    """

    variants: ClassVar[tuple[str, ...]] = ("split", "flat")
    places: ClassVar[Mapping[str, tuple[str, str]]]

    def draw(self, index: int) -> Drawn:
        """Draw one picture."""
        shot = self.shoot(index)
        split = "" if self.variant == "flat" else split_of(index, _DEALT)[0]
        name = f"{index + 1:06d}"
        folder, label = (text.format(split=split, name=name) for text in self.places[self.variant])
        picture = TruePicture(f"{folder}/{name}.jpg", "jpeg", "L", *shot.size)
        sample = TrueSample(
            name, index, split, {"infrared": picture}, shot.objects, labels=[label] if label else []
        )
        return Drawn(sample, {"infrared": shot.grey()})


class Coco(_Labelled):
    """Writes the standard COCO layouts."""

    key = "coco"
    places: ClassVar[Mapping[str, tuple[str, str]]] = {
        "split": ("images/{split}", ""), "flat": ("images", "")
    }  # fmt: skip

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield one file a split."""
        for split in dict.fromkeys(sample.split for sample in samples):
            named = [(f"{s.name}.jpg", s) for s in samples if s.split == split]
            dialect = CocoDialect(_IDS, first_image=1, first_object=1, segmentation=True)
            name = f"instances_{split}" if split else "instances"
            yield f"annotations/{name}.json", coco(named, dialect)


class Voc(_Labelled):
    """Writes the standard VOC layout, whose boxes count from one and include the last pixel."""

    key = "voc"
    variants = ("voc",)
    places: ClassVar[Mapping[str, tuple[str, str]]] = {
        "voc": ("JPEGImages", "Annotations/{name}.xml")
    }

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the VOC file."""
        things = []
        for obj in sample.objects:
            x0, y0, x1, y1 = whole(obj)
            edges: list[XmlNode] = list(zip(EDGES, (x0 + 1, y0 + 1, x1, y1), strict=True))
            things.append(voc_thing(obj, ("bndbox", edges)))
        yield sample.labels[0], voc(f"{sample.name}.jpg", sample.infrared, things, folder="VOC")

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the list files."""
        for split in ("train", "val"):
            names = [s.name for s in samples if s.split == split]
            yield f"ImageSets/Main/{split}.txt", encode_lines(names)


class Yolo(_Labelled):
    """Writes the usual YOLO layouts."""

    key = "yolo"
    variants = ("split", "roboflow", "flat")
    places: ClassVar[Mapping[str, tuple[str, str]]] = {
        "split": ("images/{split}", "labels/{split}/{name}.txt"),
        "roboflow": ("{split}/images", "{split}/labels/{name}.txt"),
        "flat": ("images", "labels/{name}.txt"),
    }

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the rows."""
        yield sample.labels[0], yolo_rows(sample.infrared, sample.objects, _IDS)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the names of the classes."""
        yield "classes.txt", encode_lines(list(_IDS))


WRITERS: tuple[type[SourceWriter], ...] = (ImageFolder, ClassFolders, Coco, Voc, Yolo)
