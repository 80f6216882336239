"""Sources of small targets beside IRSTD-1k and SIRST-v2: masks, YOLO rows, COCO files, VOC.

    sirst-v1    images/Misc_1.png  masks/Misc_1_pixels0.png  idx_427/{trainval,test}.txt
    sirst-aug   sirst_aug/{trainval,test}/{images,masks}/000001.png
    wide-irstd  WideIRSTD/{images,masks}/00001.png  img_idx/{train,test}_WideIRSTD.txt
    ist-a       Dataset/{train,test}/000003.png, .txt: tabs, classes from 1, some without txt
    sirst-bmp   data/1.bmp
    isdd        JPEGImages/000001.jpg  Annotations/000001.xml  ImageSets/Main/*.txt, three bands
    dmist       DMIST/images/{train,test60,test100}/data5/0.bmp, 0.txt  DMIST/*.json
    itsdt       images/{train,test}/data1/0.bmp  annotations/instances_{train,test}.json

The bitmaps of sequences have no leading zeros in their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, three_channels
from irtd_fast.synth.labels import CocoDialect, coco, voc, voc_thing, yolo_rows
from irtd_fast.synth.scene import U8, generator
from irtd_fast.synth.shots import Vehicle, aerial_shot
from irtd_fast.synth.targets import SmallTargets, draw_targets
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import encode_lines


class _Masked(SourceWriter):
    """A picture and a binary mask."""

    categories: ClassVar[tuple[str, ...]] = ("target",)
    default_size: ClassVar[tuple[int, int]] = (256, 256)

    def place(self, index: int) -> tuple[str, str, str, str]:
        """Give name, split, and the paths of picture and mask."""
        raise NotImplementedError

    def picture_size(self, index: int) -> tuple[int, int]:
        """``(height, width)`` of one picture."""
        return self.size or self.default_size

    def draw(self, index: int) -> Drawn:
        """Draw one sky and its mask."""
        rng = self.rng(index)
        size = self.picture_size(index)
        scene = draw_targets(rng, size, 1 + int(rng.poisson(0.6)), "target")
        return self.pack(index, scene)

    def pack(self, index: int, scene: SmallTargets) -> Drawn:
        """Name the files."""
        name, split, picture, mask = self.place(index)
        size = (scene.image.shape[0], scene.image.shape[1])
        pictures = {
            "infrared": TruePicture(picture, "png", "L", *size),
            "mask": TruePicture(mask, "png", "L", *size),
        }
        sample = TrueSample(name, index, split, pictures, scene.objects, scene.points)
        return Drawn(sample, {"infrared": scene.image, "mask": scene.mask})


class SirstV1(_Masked):
    """Writes the first SIRST release."""

    key = "sirst-v1"
    variants = ("official",)
    default_size = (240, 320)

    def place(self, index: int) -> tuple[str, str, str, str]:
        """Misc_1 and on."""
        name = f"Misc_{index + 1}"
        split = "test" if index % 4 == 3 else "trainval"
        return name, split, f"images/{name}.png", f"masks/{name}_pixels0.png"

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the two list files."""
        for split in ("trainval", "test"):
            names = [s.name for s in samples if s.split == split]
            yield f"idx_427/{split}.txt", encode_lines(names)


class SirstAug(_Masked):
    """Writes SIRST-AUG."""

    key = "sirst-aug"
    variants = ("official",)

    def place(self, index: int) -> tuple[str, str, str, str]:
        """One folder a split; the mask has the picture's name."""
        split, name = "test" if index % 8 == 7 else "trainval", f"{index + 1:06d}"
        folder = f"sirst_aug/{split}"
        return name, split, f"{folder}/images/{name}.png", f"{folder}/masks/{name}.png"


class WideIrstd(_Masked):
    """Writes WideIRSTD: sizes of many sensors; ``weak`` has one pixel a target in its masks."""

    key = "wide-irstd"
    variants = ("full", "weak")
    covers: ClassVar[Mapping[str, str]] = {"official": "full"}
    _sides: ClassVar[tuple[int, ...]] = (256, 320, 512, 640, 1024, 3200)

    def picture_size(self, index: int) -> tuple[int, int]:
        """Sensors differ; a size given holds for all."""
        rng = generator(self.seed, f"{self.key} size", index)
        sides = self._sides[:5] if index % 40 else self._sides
        return self.size or (int(rng.choice(sides)), int(rng.choice(sides)))

    def place(self, index: int) -> tuple[str, str, str, str]:
        """Five digits."""
        split, name = "test" if index % 6 == 5 else "train", f"{index + 1:05d}"
        return name, split, f"WideIRSTD/images/{name}.png", f"WideIRSTD/masks/{name}.png"

    def pack(self, index: int, scene: SmallTargets) -> Drawn:
        """Reduce masks to coarse points in the weak form."""
        if self.variant == "weak":
            scene.mask = np.zeros_like(scene.mask)
            for number, point in enumerate(scene.points):
                x, y = int(point.x), int(point.y)
                scene.mask[y, x] = 255
                box = (float(x), float(y), x + 1.0, y + 1.0)
                scene.objects[number] = TrueObject("target", box)
                point.x, point.y = x + 0.5, y + 0.5
        return super().pack(index, scene)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the two list files."""
        for split in ("train", "test"):
            names = [s.name for s in samples if s.split == split]
            yield f"WideIRSTD/img_idx/{split}_WideIRSTD.txt", encode_lines(names)


class IstA(SourceWriter):
    """Writes IST-A: pictures without a target have no text file."""

    key = "ist-a"
    variants = ("official",)
    categories = ("1",)
    default_size = (288, 384)

    def draw(self, index: int) -> Drawn:
        """Draw one sky, two in five without a target."""
        rng = self.rng(index)
        size = self.size or self.default_size
        count = 0 if index % 5 in (1, 3) else 1 + int(rng.poisson(0.2))
        scene = draw_targets(rng, size, count, "1")
        for obj in scene.objects:
            obj.category_id = 1
        split, name = "test" if index % 3 == 2 else "train", f"{index + 3:06d}"
        stem = f"Dataset/{split}/{name}"
        pictures = {"infrared": TruePicture(f"{stem}.png", "png", "L", *size)}
        labels = [f"{stem}.txt"] if scene.objects else []
        sample = TrueSample(name, index, split, pictures, scene.objects, labels=labels)
        return Drawn(sample, {"infrared": scene.image})

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield rows between tabs, five significant digits."""
        for path in sample.labels:
            rows = yolo_rows(sample.infrared, sample.objects, {"1": 1}, comma="\t", digits=5)
            yield path, rows


class SirstBmp(SourceWriter):
    """Writes a folder of bitmaps without labels; every fifth has three equal channels."""

    key = "sirst-bmp"
    variants = ("official",)
    categories = ()
    default_size = (128, 160)

    def draw(self, index: int) -> Drawn:
        """Draw one sky."""
        size = self.size or self.default_size
        scene = draw_targets(self.rng(index), size, 1, "target")
        mode = "RGB" if index % 5 == 4 else "L"
        picture = TruePicture(f"data/{index + 1}.bmp", "bmp", mode, *size)
        sample = TrueSample(str(index + 1), index, "", {"infrared": picture})
        image: NDArray[np.generic] = three_channels(scene.image) if mode == "RGB" else scene.image
        return Drawn(sample, {"infrared": image})


class Isdd(SourceWriter):
    """Writes ISDD: ships in a composite of three bands that must stay three."""

    key = "isdd"
    variants = ("official",)
    categories = ("ship",)
    default_size = (500, 500)

    def draw(self, index: int) -> Drawn:
        """Draw one sea."""
        rng = self.rng(index)
        size = self.size or self.default_size
        ship = {"ship": Vehicle(0.03, 0.08, "truck", 1.0)}
        shot = aerial_shot(rng, size, ship, objects=1 + int(rng.poisson(1.4)), visible=True)
        for obj in shot.objects:
            obj.corners = obj.oriented = None
        split = ("train", "train", "val", "train", "test")[index % 5]
        name = f"{index + 1:06d}"
        picture = TruePicture(f"JPEGImages/{name}.jpg", "jpeg", "RGB", *size)
        labels = [f"Annotations/{name}.xml"]
        sample = TrueSample(name, index, split, {"infrared": picture}, shot.objects, labels=labels)
        return Drawn(sample, {"infrared": _bands(shot.grey(), shot.visible)})

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the VOC file."""
        things = [voc_thing(obj) for obj in sample.objects]
        name = f"{sample.name}.jpg"
        yield sample.labels[0], voc(name, sample.infrared, things, folder="JPEGImages")

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the list files."""
        for split in ("train", "val", "test"):
            names = [s.name for s in samples if s.split == split]
            yield f"ImageSets/Main/{split}.txt", encode_lines(names)


def _bands(grey: U8, colour: U8 | None) -> U8:
    """Compose bands 7, 5 and 4: thermal in red, reflected light in the others."""
    if colour is None:
        return three_channels(grey)
    return np.dstack((grey, colour[..., 1], 255 - colour[..., 2])).astype(np.uint8)


class _Panned(SourceWriter):
    """Bitmaps of sequences: the camera pans one column a frame over a fixed sky."""

    length: ClassVar[int] = 4
    splits: ClassVar[tuple[str, ...]]
    objects: ClassVar[int] = 3

    def scene(self, index: int) -> tuple[int, int, SmallTargets]:
        """Draw one frame: sequence, frame, what is in it."""
        number, frame = divmod(index, self.length)
        height, width = self.size or self.default_size
        rng = generator(self.seed, f"{self.key} sequence", number)
        wide = (height, width + self.length)
        scene = draw_targets(rng, wide, self.objects, self.categories[0])
        kept = []
        for obj in scene.objects:
            x0, y0, x1, y1 = obj.box
            if x0 >= frame and x1 <= frame + width:
                box = (x0 - frame, y0, x1 - frame, y1)
                kept.append(TrueObject(obj.category, box, 1))
        window = np.ascontiguousarray(scene.image[:, frame : frame + width])
        return number, frame, SmallTargets(window, scene.mask, kept, [])

    def frame_sample(self, index: int, path: str, split: str, scene: SmallTargets) -> Drawn:
        """Pack one frame."""
        frame = index % self.length
        size = (scene.image.shape[0], scene.image.shape[1])
        picture = TruePicture(f"{path}.bmp", "bmp", "L", *size)
        sequence = path.rsplit("/", 2)[1]
        name = f"{split}/{sequence}/{frame}"
        sample = TrueSample(
            name, index, split, {"infrared": picture}, scene.objects,
            sequence=sequence, frame=frame,
        )  # fmt: skip
        return Drawn(sample, {"infrared": scene.image})

    def chosen(
        self, samples: Sequence[TrueSample], split: str, strip: str
    ) -> list[tuple[str, TrueSample]]:
        """Give the samples of a split under their paths, less a prefix."""
        return [(s.infrared.path.removeprefix(strip), s) for s in samples if s.split == split]


class Dmist(_Panned):
    """Writes DMIST: two test sets, a text file beside every picture."""

    key = "dmist"
    variants = ("official",)
    categories = ("target",)
    default_size = (256, 256)
    splits = ("train", "test60", "test100")
    _files: ClassVar[dict[str, str]] = {
        "train": "coco_train", "test60": "60_coco_val", "test100": "100_coco_val"
    }  # fmt: skip

    def draw(self, index: int) -> Drawn:
        """Draw one frame."""
        number, frame, scene = self.scene(index)
        split = self.splits[number % 3]
        stem = f"DMIST/images/{split}/data{5 + number}/{frame}"
        drawn = self.frame_sample(index, stem, split, scene)
        drawn.sample.labels = [f"{stem}.txt"]
        return drawn

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield YOLO rows."""
        yield sample.labels[0], yolo_rows(sample.infrared, sample.objects, {"target": 0})

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield one COCO file a split."""
        for split, word in self._files.items():
            named = self.chosen(samples, split, "DMIST/")
            if named:
                yield f"DMIST/{word}.json", coco(named, CocoDialect({"target": 1}, first_object=1))


class Itsdt(_Panned):
    """Writes ITSDT as the community converted it."""

    key = "itsdt"
    variants = ("community",)
    categories = ("vehicle",)
    default_size = (512, 640)
    splits = ("train", "test")
    objects = 4

    def draw(self, index: int) -> Drawn:
        """Draw one frame."""
        number, frame, scene = self.scene(index)
        split = self.splits[number % 2]
        stem = f"images/{split}/data{number + 1}/{frame}"
        return self.frame_sample(index, stem, split, scene)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield one COCO file a split."""
        for split in self.splits:
            named = self.chosen(samples, split, "images/")
            if named:
                dialect = CocoDialect({"vehicle": 1}, first_image=1, first_object=1)
                yield f"annotations/instances_{split}.json", coco(named, dialect)


WRITERS: tuple[type[SourceWriter], ...] = (
    SirstV1, SirstAug, WideIrstd, IstA, SirstBmp, Isdd, Dmist, Itsdt,
)  # fmt: skip
