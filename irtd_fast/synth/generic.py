"""Layouts that no publisher owns: what the generic readers serve.

image-folder   any/depth/of/folders/*.{jpg,png,bmp}, no labels; clutter between the pictures
class-folders  <class>/<name>.jpg
coco           images/*.jpg  annotations/instances_{train,val}.json
voc            JPEGImages  Annotations  ImageSets/Main/{train,val}.txt
yolo           images/{train,val}/*.jpg  labels/{train,val}/*.txt  classes.txt
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.labels import CocoDialect, coco, voc, voc_thing, yolo_rows
from irtd_fast.synth.shots import Shot, street_shot
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import encode_lines

_WORDS = {"person": ("person", 0.5), "car": ("car", 0.35), "bicycle": ("bike", 0.15)}
_IDS = {word: number for number, word in enumerate(_WORDS)}
_FORMS = (("jpg", "jpeg", "L"), ("png", "png", "RGB"), ("bmp", "bmp", "L"))


class _Street(SourceWriter):
    """Streets with three kinds of objects."""

    variants = ("official",)
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
    categories = ()

    def draw(self, index: int) -> Drawn:
        """Draw one picture."""
        grey = self.shoot(index).grey()
        suffix, encoding, mode = _FORMS[index % 3]
        folder = ("", "2021/", "2021/harbour at night/")[index // 3 % 3]
        name = f"{folder}IMG_{index + 1}"
        size = (grey.shape[0], grey.shape[1])
        path = f"{name}.{suffix.upper() if index % 6 == 3 else suffix}"
        picture = TruePicture(path, encoding, mode, *size)
        image: NDArray[np.generic] = three_channels(grey) if mode == "RGB" else grey
        return Drawn(TrueSample(name, index, "", {"infrared": picture}), {"infrared": image})

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield what operating systems leave behind."""
        yield ".DS_Store", b"\x00\x00\x00\x01Bud1"
        yield "Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        yield "._IMG_1.jpg", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


class ClassFolders(_Street):
    """Writes one folder a class; a name may occur in several."""

    key = "class-folders"
    categories = ("person", "car", "bicycle")

    def draw(self, index: int) -> Drawn:
        """Draw one picture."""
        grey = self.shoot(index, 2).grey()
        number, place = divmod(index, len(self.categories))
        word = self.categories[place]
        name = f"{word}/{number + 1:04d}"
        picture = TruePicture(f"{name}.jpg", "jpeg", "L", grey.shape[0], grey.shape[1])
        sample = TrueSample(name, index, "", {"infrared": picture}, attributes={"class": word})
        return Drawn(sample, {"infrared": grey})


class _Labelled(_Street):
    """Train and val by turns, grey JPEG files."""

    def pack(self, index: int, path: str, split: str, labels: list[str]) -> Drawn:
        """Draw one picture under a path."""
        shot = self.shoot(index)
        picture = TruePicture(path, "jpeg", "L", *shot.size)
        name = path.rsplit("/", 1)[1].removesuffix(".jpg")
        sample = TrueSample(name, index, split, {"infrared": picture}, shot.objects, labels=labels)
        return Drawn(sample, {"infrared": shot.grey()})

    def split(self, index: int) -> str:
        """Deal three of four to ``train``."""
        return split_of(index, ("train", "train", "train", "val"))[0]


class Coco(_Labelled):
    """Writes the standard COCO layout."""

    key = "coco"

    def draw(self, index: int) -> Drawn:
        """Draw one picture."""
        return self.pack(index, f"images/{index + 1:012d}.jpg", self.split(index), [])

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield one file a split."""
        for split in ("train", "val"):
            named = [(f"{s.name}.jpg", s) for s in samples if s.split == split]
            dialect = CocoDialect(_IDS, first_image=1, first_object=1, segmentation=True)
            yield f"annotations/instances_{split}.json", coco(named, dialect)


class Voc(_Labelled):
    """Writes the standard VOC layout."""

    key = "voc"

    def draw(self, index: int) -> Drawn:
        """Draw one picture."""
        name = f"{index + 1:06d}"
        labels = [f"Annotations/{name}.xml"]
        return self.pack(index, f"JPEGImages/{name}.jpg", self.split(index), labels)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the VOC file."""
        things = [voc_thing(obj) for obj in sample.objects]
        yield sample.labels[0], voc(f"{sample.name}.jpg", sample.infrared, things, folder="VOC")

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the list files."""
        for split in ("train", "val"):
            names = [s.name for s in samples if s.split == split]
            yield f"ImageSets/Main/{split}.txt", encode_lines(names)


class Yolo(_Labelled):
    """Writes the usual YOLO layout."""

    key = "yolo"

    def draw(self, index: int) -> Drawn:
        """Draw one picture."""
        split, name = self.split(index), f"{index + 1:06d}"
        labels = [f"labels/{split}/{name}.txt"]
        return self.pack(index, f"images/{split}/{name}.jpg", split, labels)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the rows."""
        yield sample.labels[0], yolo_rows(sample.infrared, sample.objects, _IDS)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the names of the classes."""
        yield "classes.txt", encode_lines(list(_IDS))


WRITERS: tuple[type[SourceWriter], ...] = (ImageFolder, ClassFolders, Coco, Voc, Yolo)
