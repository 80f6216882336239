"""Crowds with a point on each head: RGBT-CC and DroneRGBT.

    rgbt-cc     official  {train,val,test}/1162_{RGB,T}.jpg, 1162_GT.json; T is pseudo-coloured
                grey      {train,val,test}/1162_Grey.jpg with that JSON: IR-TD's derived pictures
                npy       {train,val,test}/1162_GT.npy instead of the JSON
    drone-rgbt            {Train,Test}/{RGB/1.jpg, Infrared/1R.jpg, GT_/1R.xml}

Some of RGBT-CC's points lie outside of the picture, as the publisher's loader expects.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.labels import size_node
from irtd_fast.synth.scene import U8
from irtd_fast.synth.shots import crowd_shot
from irtd_fast.synth.truth import TruePicture, TruePoint, TrueSample
from irtd_fast.synth.writers import XmlNode, encode_json, encode_xml

# Black, violet, red, orange, yellow, white: the usual hot palette of thermal cameras.
_KNOTS = (0, 48, 112, 168, 224, 255)
_IRON = (
    (0, 36, 150, 226, 255, 255),
    (0, 0, 12, 90, 200, 255),
    (12, 116, 140, 30, 40, 246),
)


def pseudo_colour(grey: U8) -> U8:
    """Colour a grey picture as thermal cameras do.

    Args:
        grey: uint8 (h, w).

    Returns:
        uint8 (h, w, 3).
    """
    levels = np.arange(256)
    table = np.stack([np.interp(levels, _KNOTS, row) for row in _IRON], axis=1)
    coloured: U8 = np.rint(table).astype(np.uint8)[grey]
    return coloured


class RgbtCc(SourceWriter):
    """Writes RGBT-CC's layout."""

    key = "rgbt-cc"
    variants = ("official", "grey", "npy")
    categories = ("person",)
    default_size = (480, 640)
    _pattern = ("train", "train", "val", "train", "test")

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair."""
        rng = self.rng(index)
        size = self.size or self.default_size
        shot = crowd_shot(rng, size, 10 + int(rng.poisson(25)), above=False)
        if index % 4 == 1:
            shot.points.append(TruePoint("person", float(size[1] + 3), 5.0))
        split = split_of(index, self._pattern)[0]
        name = str(1162 + index)
        grey = shot.grey()
        suffix = "npy" if self.variant == "npy" else "json"
        labels = [f"{split}/{name}_GT.{suffix}"]
        if self.variant == "grey":
            picture = TruePicture(f"{split}/{name}_Grey.jpg", "jpeg", "L", *size)
            sample = TrueSample(
                name, index, split, {"infrared": picture}, points=shot.points, labels=labels
            )
            return Drawn(sample, {"infrared": grey})
        pictures = {
            "infrared": TruePicture(f"{split}/{name}_T.jpg", "jpeg", "RGB", *size),
            "visible": TruePicture(f"{split}/{name}_RGB.jpg", "jpeg", "RGB", *size),
        }
        sample = TrueSample(
            name, index, split, pictures, points=shot.points, labels=labels,
            partner_matrix=shot.matrix,
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {"infrared": pseudo_colour(grey)}
        if shot.visible is not None:
            arrays["visible"] = shot.visible
        return Drawn(sample, arrays)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the points."""
        points = [[point.x, point.y] for point in sample.points]
        if self.variant == "npy":
            buffer = BytesIO()
            np.save(buffer, np.array(points, dtype=np.float64).reshape(-1, 2))
            yield sample.labels[0], buffer.getvalue()
            return
        yield sample.labels[0], encode_json({"points": points, "count": len(points)})


class DroneRgbt(SourceWriter):
    """Writes DroneRGBT's layout."""

    key = "drone-rgbt"
    variants = ("official",)
    categories = ("person",)
    default_size = (512, 640)

    def draw(self, index: int) -> Drawn:
        """Draw one registered pair from above."""
        rng = self.rng(index)
        size = self.size or self.default_size
        shot = crowd_shot(rng, size, 8 + int(rng.poisson(15)), above=True)
        for point in shot.points:
            point.x, point.y = float(int(point.x)), float(int(point.y))
        split, number = split_of(index, ("Train", "Test"))
        name = f"{number + 1}R"
        pictures = {
            "infrared": TruePicture(f"{split}/Infrared/{name}.jpg", "jpeg", "RGB", *size),
            "visible": TruePicture(f"{split}/RGB/{number + 1}.jpg", "jpeg", "RGB", *size),
        }
        sample = TrueSample(
            f"{split}/{name}", index, split, pictures, points=shot.points,
            labels=[f"{split}/GT_/{name}.xml"], partner_matrix=shot.matrix,
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {"infrared": three_channels(shot.grey())}
        if shot.visible is not None:
            arrays["visible"] = shot.visible
        return Drawn(sample, arrays)

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the XML of points."""
        nodes: list[XmlNode] = [("filename", f"{sample.name.split('/')[1]}.jpg")]
        nodes.append(size_node(sample.infrared))
        for point in sample.points:
            place: list[XmlNode] = [("x", int(point.x)), ("y", int(point.y))]
            nodes.append(("object", [("name", "person"), ("point", place)]))
        yield sample.labels[0], encode_xml("annotation", nodes, indent="\t")


WRITERS: tuple[type[SourceWriter], ...] = (RgbtCc, DroneRgbt)
