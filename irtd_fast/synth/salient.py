"""RGB-T salient objects: a pair and a binary mask; IR-TD lists these sources as "tracking".

    vt5000          VT5000/{Train,Test}/{RGB,T}/1.jpg, GT/1.png
    vt1000, vt821   VT1000/{RGB,T}/1.jpg, GT/1.jpg: a lossy mask
    uvt2000         UVT2000/{RGB,T}/1.jpg, GT/1.png           not registered
    uvt20k          UVT20K/{Train,Test}/{RGB,T}/1.jpg, GT/1.png   not registered
    uav-rgb-t-2400  UAV_RGB-T_2400/{RGB,T}/1.jpg, GT/1.png    not registered

Where the pair is not registered the mask belongs to the visible picture, and the infrared one has
another size and field of view. Some of VT821's pictures are noisy on purpose.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, three_channels
from irtd_fast.synth.scene import U8
from irtd_fast.synth.shots import Camera, Shot, street_shot, visible_owner
from irtd_fast.synth.truth import Matrix, TrueObject, TruePicture, TrueSample

_WORD = "salient object"
_WORDS = {f"{_WORD} {n}": (s, 1.0) for n, s in enumerate(("person", "car", "bike", "dog"))}


class SalientWriter(SourceWriter):
    """One or two striking objects, a mask of them.

    Attributes:
        folder: Name of the dump's folder.
        split_folders: Whether Train and Test are folders.
        mask_suffix: Of the mask files.
        registered: Whether both sides show the same.
        noisy: Whether every fifth pair is noisy.
    """

    variants = ("official",)
    categories = (_WORD,)
    default_size = (480, 640)
    folder: ClassVar[str]
    split_folders: ClassVar[bool] = False
    mask_suffix: ClassVar[str] = "png"
    registered: ClassVar[bool] = True
    noisy: ClassVar[bool] = False

    def draw(self, index: int) -> Drawn:
        """Draw one pair and its mask."""
        rng = self.rng(index)
        size = self.size or self.default_size
        camera = Camera() if self.registered else _other_camera(rng, size)
        shot = _striking(rng, size, camera)
        for obj in shot.objects:
            obj.category = _WORD
        split = ("Train", "Test")[index % 2] if self.split_folders else ""
        number = index // 2 + 1 if split else index + 1
        stem = f"{self.folder}/{split}/" if split else f"{self.folder}/"
        mask, seen = (shot.mask(), []) if self.registered else _visible_mask(shot)
        encoding = {"png": "png", "jpg": "jpeg"}[self.mask_suffix]
        colour = shot.visible if shot.visible is not None else three_channels(shot.grey())
        pictures = {
            "infrared": TruePicture(f"{stem}T/{number}.jpg", "jpeg", "RGB", *size),
            "visible": TruePicture(f"{stem}RGB/{number}.jpg", "jpeg", "RGB", *_hw(colour)),
            "mask": TruePicture(f"{stem}GT/{number}.{self.mask_suffix}", encoding, "L", *_hw(mask)),
        }
        sample = TrueSample(
            f"{split}/{number}" if split else str(number), index, split, pictures,
            shot.objects if self.registered else [],
            partner_matrix=shot.matrix if self.registered else None,
            partner_objects=seen,
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {
            "infrared": three_channels(self._grain(rng, index, shot.grey())),
            "visible": self._grain(rng, index, colour),
            "mask": mask,
        }
        return Drawn(sample, arrays)

    def _grain(self, rng: np.random.Generator, index: int, image: U8) -> U8:
        if not self.noisy or index % 5 != 2:
            return image
        noise = rng.normal(0, 12, image.shape)
        return np.clip(image + noise, 0, 255).astype(np.uint8)


def _striking(rng: np.random.Generator, size: tuple[int, int], camera: Camera) -> Shot:
    """Draw until there is an object; a ground may be too crowded for the first try."""
    wanted = 1 + int(rng.random() < 0.3)
    shot = street_shot(rng, size, _WORDS, objects=wanted, camera=camera)
    while not shot.objects:
        shot = street_shot(rng, size, _WORDS, objects=wanted + 2, camera=camera)
    return shot


def _hw(image: U8) -> tuple[int, int]:
    return image.shape[0], image.shape[1]


def _other_camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """Make a visible camera of its own size, zoom and direction."""
    scale = float(rng.uniform(1.3, 1.8))
    zoom = scale * float(rng.uniform(0.8, 0.95))
    height, width = round(size[0] * scale), round(size[1] * scale)
    shift_x = (width - zoom * size[1]) * float(rng.uniform(0.2, 0.8))
    shift_y = (height - zoom * size[0]) * float(rng.uniform(0.2, 0.8))
    matrix: Matrix = ((zoom, 0.0, shift_x), (0.0, zoom, shift_y))
    return Camera((height, width), matrix)


def _visible_mask(shot: Shot) -> tuple[U8, list[TrueObject]]:
    """Carry the objects' pixels over to the visible picture."""
    owner = visible_owner(shot)
    seen = []
    for number, obj in enumerate(shot.objects, start=1):
        y, x = np.nonzero(owner == number)
        if y.size:
            box = (float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1))
            seen.append(TrueObject(obj.category, box))
    return np.where(owner > 0, np.uint8(255), np.uint8(0)), seen


class Vt5000(SalientWriter):
    """Writes VT5000."""

    key = "vt5000"
    folder = "VT5000"
    split_folders = True


class Vt1000(SalientWriter):
    """Writes VT1000."""

    key = "vt1000"
    folder = "VT1000"
    mask_suffix = "jpg"


class Vt821(SalientWriter):
    """Writes VT821."""

    key = "vt821"
    folder = "VT821"
    mask_suffix = "jpg"
    noisy = True


class Uvt2000(SalientWriter):
    """Writes UVT2000."""

    key = "uvt2000"
    folder = "UVT2000"
    registered = False


class Uvt20k(SalientWriter):
    """Writes UVT20K."""

    key = "uvt20k"
    folder = "UVT20K"
    split_folders = True
    registered = False


class UavRgbT2400(SalientWriter):
    """Writes UAV RGB-T 2400."""

    key = "uav-rgb-t-2400"
    folder = "UAV_RGB-T_2400"
    registered = False


WRITERS: tuple[type[SourceWriter], ...] = (Vt5000, Vt1000, Vt821, Uvt2000, Uvt20k, UavRgbT2400)
