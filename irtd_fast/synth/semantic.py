"""Semantic masks: MFNet (alpha is the thermal picture) and MassMIND (the sea).

    mfnet     official  images/00001D.png (RGBA)  labels/00001D.png  {train,val,test}.txt
              sample    image/00001N.png alone
    massmind  official  data/a00000001.png  mask/a00000001.png: class numbers
              colour    Images/a1571161484_881385.png
                        Images/…_label_ground-truth_{semantic,instance}_colored.png

MFNet's training list names flipped pictures that only a script of the publisher makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter
from irtd_fast.synth.scene import F32, U8, add_noise, gain_control, grid_shape, octaves, resample
from irtd_fast.synth.shots import Camera, street_shot
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import encode_lines

_MFNET = {
    "car": 1, "person": 2, "bike": 3, "curve": 4, "car_stop": 5, "guardrail": 6,
    "color_cone": 7, "bump": 8,
}  # fmt: skip


class Mfnet(SourceWriter):
    """Writes MFNet's layout."""

    key = "mfnet"
    variants = ("official", "sample")
    categories = tuple(_MFNET)
    default_size = (480, 640)

    def draw(self, index: int) -> Drawn:
        """Draw one picture of four channels and its classes."""
        rng = self.rng(index)
        size = self.size or self.default_size
        night = index % 2 == 1
        words = {"person": ("person", 0.4), "car": ("car", 0.4), "bike": ("bike", 0.2)}
        count = 2 + int(rng.poisson(2))
        shot = street_shot(rng, size, words, objects=count, night=night, camera=Camera())
        name = f"{index + 1:05d}{'N' if night else 'D'}"
        folder = "images" if self.variant == "official" else "image"
        numbers = np.array([0, *(_MFNET[obj.category] for obj in shot.objects)], dtype=np.uint8)
        for obj in shot.objects:
            obj.category_id = _MFNET[obj.category]
        pictures = {"infrared": TruePicture(f"{folder}/{name}.png", "png", "RGBA", *size)}
        colour = shot.visible if shot.visible is not None else np.zeros((*size, 3), np.uint8)
        arrays: dict[str, NDArray[np.generic]] = {"infrared": np.dstack((colour, shot.grey()))}
        split = ""
        if self.variant == "official":
            split = ("train", "train", "val", "test")[index // 2 % 4]
            pictures["mask"] = TruePicture(f"labels/{name}.png", "png", "L", *size)
            arrays["mask"] = numbers[shot.owner]
        sample = TrueSample(
            name, index, split, pictures,
            shot.objects if self.variant == "official" else [],
            partner_matrix=shot.matrix,
            attributes={"scene": "night" if night else "day", "visible": "red, green, blue"},
        )  # fmt: skip
        return Drawn(sample, arrays)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the three list files."""
        if self.variant == "sample":
            return
        for split in ("train", "val", "test"):
            names = [s.name for s in samples if s.split == split]
            flipped = [f"{name}_flip" for name in names] if split == "train" else []
            yield f"{split}.txt", encode_lines([*names, *flipped])


_SEA = ("Sky", "Water", "Bridge", "Obstacle", "Living Obstacle", "Background", "Self")
# The seven first colours of the plotting tool with which the samples were drawn.
_COLOURS = np.array(
    [
        (0, 113, 188), (216, 82, 24), (236, 176, 31), (125, 46, 141), (118, 171, 47),
        (76, 189, 237), (161, 19, 46),
    ],
    dtype=np.uint8,
)  # fmt: skip
_LEVELS = np.array((6200, 6900, 6800, 7300, 7700, 7050, 7200), dtype=np.float32)


class Massmind(SourceWriter):
    """Writes MassMIND: the sea from a boat, a class for every pixel."""

    key = "massmind"
    variants = ("official", "colour")
    categories = _SEA
    default_size = (512, 640)

    def draw(self, index: int) -> Drawn:
        """Draw one picture and its masks; boxes are those of single obstacles."""
        rng = self.rng(index)
        size = self.size or self.default_size
        classes, instances, objects = _sea(rng, size)
        rough = resample(octaves(rng, grid_shape(size), coarse=6), size)
        counts: F32 = _LEVELS[classes] + 35 * rough
        add_noise(rng, counts, 6.0)
        arrays: dict[str, NDArray[np.generic]] = {"infrared": gain_control(counts)}
        name = f"{'az'[index % 2]}{68686 + index:08d}"
        if self.variant == "colour":
            name = f"a15711{61484 + index}_{881385 + index}"
            stem = f"Images/{name}_label_ground-truth"
            pictures = {
                "infrared": TruePicture(f"Images/{name}.png", "png", "L", *size),
                "mask": TruePicture(f"{stem}_semantic_colored.png", "png", "RGB", *size),
                "instances": TruePicture(f"{stem}_instance_colored.png", "png", "RGB", *size),
            }
            arrays["mask"] = _COLOURS[classes]
            arrays["instances"] = _COLOURS[instances % len(_COLOURS)]
        else:
            pictures = {
                "infrared": TruePicture(f"data/{name}.png", "png", "L", *size),
                "mask": TruePicture(f"mask/{name}.png", "png", "L", *size),
            }
            arrays["mask"] = classes
        return Drawn(TrueSample(name, index, "", pictures, objects), arrays)


def _sea(rng: np.random.Generator, size: tuple[int, int]) -> tuple[U8, U8, list[TrueObject]]:
    """Lay out classes, and number what stands alone from the class count on."""
    height, width = size
    horizon = int(height * rng.uniform(0.35, 0.5))
    classes = np.zeros(size, dtype=np.uint8)
    classes[horizon:] = 1
    band = max(2, int(height * rng.uniform(0.04, 0.1)))
    classes[horizon - band : horizon] = 5
    if rng.random() < 0.3:
        classes[horizon - band - 2 : horizon - band] = 2
    bow = max(2, height // 14)
    classes[height - bow :, width // 3 : 2 * width // 3] = 6
    instances = classes.copy()
    for number in range(int(rng.integers(1, 4))):
        kind = 4 if rng.random() < 0.3 else 3
        room = width // 3
        tall, wide = max(3, height // 16), max(3, room // 5)
        top = int(rng.integers(horizon + 2, max(horizon + 3, height - bow - tall - 2)))
        left = number * room + int(rng.integers(1, room - wide - 1))
        classes[top : top + tall, left : left + wide] = kind
        instances[top : top + tall, left : left + wide] = len(_SEA) + number
    objects = []
    for number, word in enumerate(_SEA):
        found = classes == number
        alone = number in (3, 4)
        for part in np.unique(instances[found]) if alone else (number,) * bool(found.any()):
            y, x = np.nonzero(found & (instances == part))
            box = (float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1))
            objects.append(TrueObject(word, box, number))
    return classes, instances, objects


WRITERS: tuple[type[SourceWriter], ...] = (Mfnet, Massmind)
