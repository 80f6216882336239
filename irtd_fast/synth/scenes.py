"""Pairs without boxes: scenes in folders, fusion sets, classes of road surface.

rgbnir     nirscene1/<scene>/0000_{nir,rgb}.tiff
roadscene  infrared/*.png  cropinfrared/*.jpg  crop_LR_visible/*.jpg  crop_HR_visible/*.jpg
tno        {ir,vi}/01.png
msrs       {train,test}/{ir,vi,Segmentation_labels}/00001D.png
wrd        {ir,rgb}/<class>/<moment>.png
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth import layouts, street
from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.scene import U8, add_noise, gain_control, grid_shape, resample
from irtd_fast.synth.shots import Camera, Shot, street_shot
from irtd_fast.synth.truth import TruePicture, TrueSample

_SCENES = (
    "country", "field", "forest", "indoor", "mountain", "oldbuilding", "street", "urban", "water",
)  # fmt: skip
_WORDS = {"person": ("person", 0.5), "car": ("car", 0.5)}


def _visible(shot: Shot) -> U8:
    if shot.visible is None:
        msg = "the scene was drawn without its visible side"
        raise ValueError(msg)
    return shot.visible


class RgbNir(SourceWriter):
    """Writes nirscene1: the scene is the folder; near infrared has one channel."""

    key = "rgbnir"
    variants = ("official",)
    categories = ()
    default_size = (768, 1024)

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair."""
        rng = self.rng(index)
        size = self.size or self.default_size
        number, place = divmod(index, len(_SCENES))
        scene = _SCENES[place]
        shot = street_shot(rng, size, _WORDS, objects=1, camera=Camera())
        stem = f"nirscene1/{scene}/{number:04d}"
        pictures = {
            "infrared": TruePicture(f"{stem}_nir.tiff", "tiff", "L", *size),
            "visible": TruePicture(f"{stem}_rgb.tiff", "tiff", "RGB", *size),
        }
        sample = TrueSample(
            f"{scene}/{number:04d}_nir", index, "", pictures, partner_matrix=shot.matrix,
            attributes={"scene": scene},
        )  # fmt: skip
        return Drawn(sample, {"infrared": shot.grey(), "visible": _visible(shot)})


class Roadscene(SourceWriter):
    """Writes RoadScene: the cropped pair is registered, the whole frame and HR are not."""

    key = "roadscene"
    variants = ("official",)
    covers = dict.fromkeys(("crop", "full"), "official")
    categories = ()
    default_size = (512, 640)

    def draw(self, index: int) -> Drawn:
        """Draw four files of one moment; crops differ in size."""
        rng = self.rng(index)
        size = self.size or self.default_size
        shot = street_shot(rng, size, _WORDS, objects=5, camera=Camera())
        top, left = (int(side * rng.uniform(0.02, 0.1)) for side in size)
        height, width = (int(side * rng.uniform(0.6, 0.8)) for side in size)
        window = np.s_[top : top + height, left : left + width]
        low = np.ascontiguousarray(_visible(shot)[window])
        high = np.repeat(np.repeat(low, 2, axis=0), 2, axis=1)
        name = f"FLIR_{6 + 7 * index:05d}"
        grey = shot.grey()
        pictures = {
            "infrared": TruePicture(f"cropinfrared/{name}.jpg", "jpeg", "L", height, width),
            "visible": TruePicture(f"crop_LR_visible/{name}.jpg", "jpeg", "RGB", height, width),
            "whole": TruePicture(f"infrared/{name}.png", "png", "L", *size),
            "high": TruePicture(
                f"crop_HR_visible/{name}.jpg", "jpeg", "RGB", 2 * height, 2 * width
            ),
        }
        sample = TrueSample(name, index, "", pictures, partner_matrix=street.IDENTITY)
        arrays: dict[str, NDArray[np.generic]] = {
            "infrared": np.ascontiguousarray(grey[window]),
            "visible": low,
            "whole": grey,
            "high": high,
        }
        return Drawn(sample, arrays)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the read-me that lies beside the pictures."""
        yield "README.md", f"# {len(samples)} synthetic scenes\n".encode()


class Tno(SourceWriter):
    """Writes TNO as fusion codes pass it around: three equal channels on both sides."""

    key = "tno"
    variants = ("repack",)
    categories = ()
    default_size = (576, 768)

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair."""
        rng = self.rng(index)
        size = self.size or self.default_size
        shot = street_shot(rng, size, _WORDS, objects=3, camera=Camera())
        name = f"{index + 1:02d}"
        pictures = {
            "infrared": TruePicture(f"ir/{name}.png", "png", "RGB", *size),
            "visible": TruePicture(f"vi/{name}.png", "png", "RGB", *size),
        }
        sample = TrueSample(name, index, "", pictures, partner_matrix=shot.matrix)
        grey = np.ascontiguousarray(_visible(shot)[..., 1])
        arrays = {"infrared": three_channels(shot.grey()), "visible": three_channels(grey)}
        return Drawn(sample, dict(arrays))


class Msrs(SourceWriter):
    """Writes MSRS: MFNet's moments as pairs, with class masks."""

    key = "msrs"
    variants = ("official",)
    categories = ("car", "person", "bike")
    default_size = (480, 640)

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair and its classes."""
        rng = self.rng(index)
        size = self.size or self.default_size
        night = index % 2 == 1
        words = {"person": ("person", 0.5), "car": ("car", 0.4), "bike": ("bike", 0.1)}
        shot = street_shot(rng, size, words, objects=4, night=night, camera=Camera())
        ids = {word: number for number, word in enumerate(self.categories, start=1)}
        numbers = np.array([0, *(ids[obj.category] for obj in shot.objects)], dtype=np.uint8)
        for obj in shot.objects:
            obj.category_id = ids[obj.category]
        split = split_of(index, ("train", "train", "train", "test"))[0]
        name = f"{index + 1:05d}{'N' if night else 'D'}"
        pictures = {
            "infrared": TruePicture(f"{split}/ir/{name}.png", "png", "L", *size),
            "visible": TruePicture(f"{split}/vi/{name}.png", "png", "RGB", *size),
            "mask": TruePicture(f"{split}/Segmentation_labels/{name}.png", "png", "L", *size),
        }
        sample = TrueSample(
            name, index, split, pictures, shot.objects, partner_matrix=shot.matrix,
            attributes={"scene": "night" if night else "day"},
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {
            "infrared": shot.grey(),
            "visible": _visible(shot),
            "mask": numbers[shot.owner],
        }
        return Drawn(sample, arrays)


_SURFACES = (
    "di_asphalt", "dry_asphalt", "dry_concrete", "dry_sand_gravel", "ice", "snow", "wet_asphalt",
    "wet_concrete",
)  # fmt: skip


class Wrd(SourceWriter):
    """Writes WRD: patches of road, the surface is the folder."""

    key = "wrd"
    variants = ("demo",)
    categories = _SURFACES
    default_size = (360, 240)

    def draw(self, index: int) -> Drawn:
        """Draw one pair of patches."""
        rng = self.rng(index)
        size = self.size or self.default_size
        number, place = divmod(index, len(_SURFACES))
        surface = _SURFACES[place]
        counts = resample(layouts.aerial(rng, grid_shape(size)).counts, size)
        counts -= 60.0 * place
        add_noise(rng, counts, 6.0)
        grey = gain_control(counts)
        name = f"2025_12_{1 + place:02d}_11_{620 + number:06d}_07"
        pictures = {
            "infrared": TruePicture(f"ir/{surface}/{name}.png", "png", "RGB", *size),
            "visible": TruePicture(f"rgb/{surface}/{name}.png", "png", "RGB", *size),
        }
        sample = TrueSample(
            name, index, "", pictures, partner_matrix=street.IDENTITY,
            attributes={"class": surface},
        )  # fmt: skip
        colour = np.dstack((grey // 2 + 60, grey // 2 + 55, grey // 2 + 45))
        return Drawn(sample, {"infrared": three_channels(grey), "visible": colour})


WRITERS: tuple[type[SourceWriter], ...] = (RgbNir, Roadscene, Tno, Msrs, Wrd)
