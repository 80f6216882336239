"""Electroluminescence of solar cells: PVEL-AD and elpv.

pvel-ad  solar_cell_EL_image/PVELAD/EL2021/trainval/{JPEGImages,Annotations}
…/test/JPEGImages; test_annotation/test/*.xml apart; annotation_classes.txt
cells without a defect have no XML
elpv     images/cell0001.png  labels.csv: between blanks, path, probability, kind of cell
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from irtd_fast.synth.base import Drawn, SourceWriter
from irtd_fast.synth.labels import voc, voc_thing
from irtd_fast.synth.scene import F32, U8, centred_noise, grid_shape, octaves, resample
from irtd_fast.synth.shapes import overlaps
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import encode_lines

_CLASSES = (
    "finger", "crack", "black_core", "thick_line", "horizontal_dislocation", "short_circuit",
    "vertical_dislocation", "star_crack", "printing_error", "corner", "fragment", "scratch",
)  # fmt: skip
# A long tail, as in the real set.
_SHARES = 0.62 ** np.arange(len(_CLASSES))


def draw_cell(
    rng: np.random.Generator, size: tuple[int, int], defects: int
) -> tuple[U8, list[TrueObject]]:
    """Draw a glowing cell with bus bars and dark defects.

    Args:
        rng: Random numbers.
        size: ``(height, width)``.
        defects: How many to try to place.

    Returns:
        uint8 (h, w), and the defects with tight boxes.
    """
    height, width = size
    rough = resample(octaves(rng, grid_shape(size), coarse=6, levels=5), size)
    levels = 150 + 14 * rough
    levels += centred_noise(rng, size) * np.float32(0.05)
    for bar in (0.25, 0.5, 0.75):
        row = int(bar * height)
        levels[row : row + max(1, height // 80)] *= 0.35
    objects: list[TrueObject] = []
    shares = _SHARES / _SHARES.sum()
    for _ in range(defects):
        number = int(rng.choice(len(_CLASSES), p=shares))
        tall, wide = (max(4, int(side * rng.uniform(0.06, 0.22))) for side in size)
        if number in (0, 6):
            wide = max(2, width // 60)
        top, left = int(rng.integers(1, height - tall)), int(rng.integers(1, width - wide))
        box = (float(left), float(top), float(left + wide), float(top + tall))
        if overlaps(box, [obj.box for obj in objects]):
            continue
        region = levels[top : top + tall, left : left + wide]
        region -= 90 * _stroke(number, tall, wide)
        objects.append(TrueObject(_CLASSES[number], box, number + 1))
    return np.clip(levels, 0, 255).astype(np.uint8), objects


def _stroke(number: int, tall: int, wide: int) -> F32:
    """Shape a defect so that it touches all four sides of its box."""
    y = np.linspace(0, 1, tall, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, wide, dtype=np.float32)[None, :]
    if number in (0, 2, 5, 6, 9, 10):
        return np.ones((tall, wide), dtype=np.float32)
    line = np.abs(y - x) < max(0.12, 1.5 / min(tall, wide))
    if number == 7:
        line = line | (np.abs(y - 1 + x) < max(0.12, 1.5 / min(tall, wide)))
    stroke: F32 = line.astype(np.float32)
    return stroke


_ROOT = "solar_cell_EL_image/PVELAD/EL2021"


class PvelAd(SourceWriter):
    """Writes PVEL-AD's layout."""

    key = "pvel-ad"
    variants = ("official",)
    categories = _CLASSES
    default_size = (1024, 1024)

    def draw(self, index: int) -> Drawn:
        """Draw one cell, two in seven without defects."""
        rng = self.rng(index)
        size = self.size or self.default_size
        count = 0 if index % 7 in (2, 5) else 1 + int(rng.poisson(0.8))
        image, objects = draw_cell(rng, size, count)
        split = "test" if index % 3 == 2 else "trainval"
        name = f"img{index + 1:06d}"
        picture = TruePicture(f"{_ROOT}/{split}/JPEGImages/{name}.jpg", "jpeg", "L", *size)
        label = f"{_ROOT}/trainval/Annotations/{name}.xml"
        if split == "test":
            label = f"test_annotation/test/{name}.xml"
        sample = TrueSample(
            name, index, split, {"infrared": picture}, objects, labels=[label] if objects else []
        )
        return Drawn(sample, {"infrared": image})

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the VOC file."""
        for path in sample.labels:
            things = [voc_thing(obj) for obj in sample.objects]
            yield path, voc(f"{sample.name}.jpg", sample.infrared, things, folder="JPEGImages")

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the list of classes."""
        yield "solar_cell_EL_image/PVELAD/annotation_classes.txt", encode_lines(_CLASSES)


class Elpv(SourceWriter):
    """Writes elpv: a probability of a defect for every cell."""

    key = "elpv"
    variants = ("official",)
    categories = ()
    default_size = (300, 300)

    def draw(self, index: int) -> Drawn:
        """Draw one cell; the more probable, the more defects."""
        rng = self.rng(index)
        size = self.size or self.default_size
        third = int(rng.integers(0, 4))
        image, _ = draw_cell(rng, size, third)
        name = f"cell{index + 1:04d}"
        facts = {
            "probability": ("0.0", "0.3333333333333333", "0.6666666666666666", "1.0")[third],
            "kind": ("mono", "poly")[int(rng.integers(2))],
        }
        picture = TruePicture(f"images/{name}.png", "png", "L", *size)
        sample = TrueSample(name, index, "", {"infrared": picture}, attributes=facts)
        return Drawn(sample, {"infrared": image})

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the table, in columns of blanks."""
        lines = [
            f"{s.infrared.path}  {s.attributes['probability']:<18}  {s.attributes['kind']}"
            for s in samples
        ]
        yield "labels.csv", encode_lines(lines)


WRITERS: tuple[type[SourceWriter], ...] = (PvelAd, Elpv)
