"""HIT-UAV: the ground from a drone, the same objects in four annotation forms.

    normal_xml/{JPEGImages,Annotations,ImageSets/Main}    VOC, upright boxes
    rotate_xml/{JPEGImages,Annotations,ImageSets/Main}    roLabelImg, turned boxes; RGB JPEG
    normal_json/{train,val,test,annotations}              COCO with the key ``annotation``
    rotate_json/{train,val,test,annotations}              five-number boxes, key ``annotations``

Every form has its own copies of the pictures: grey JPEG in three of them, three equal channels in
``rotate_xml``. Names are night, altitude, perspective, weather, number. Turned boxes are
``cx cy w h angle`` in radians, clockwise as seen, with four and six decimals. Image and annotation
numbers go on from split to split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from irtd_fast.synth import layouts
from irtd_fast.synth.base import Drawn, SourceWriter, split_of, three_channels
from irtd_fast.synth.scene import add_noise, gain_control, grid_shape, resample
from irtd_fast.synth.shapes import SHAPES, draw_oriented, overlaps, paint_heat
from irtd_fast.synth.shots import Oriented, corners_of
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import XmlNode, encode_json, encode_lines, encode_xml
from irtd_fast.types import Box

_PATTERN = ("train", "train", "val", "train", "test", "train", "train", "test", "train", "train")
_FIRST_ID = {"train": 0, "val": 2029, "test": 2319}
_SPLITS = ("train", "val", "test")
# Width and height at 60 m in a 512-row picture, shape that gives the heat, share.
_THINGS: dict[str, tuple[float, float, str, float]] = {
    "Person": (12.0, 24.0, "dog", 0.46),
    "Car": (38.0, 84.0, "car", 0.31),
    "Bicycle": (15.0, 36.0, "bike", 0.19),
    "OtherVehicle": (48.0, 120.0, "truck", 0.02),
    "DontCare": (22.0, 30.0, "bike", 0.02),
}
_INFO = {
    "year": "2020",
    "version": "1.0",
    "description": "synthetic",
    "contributor": "irtd_fast",
    "url": "xxxxxxxxxxxx",
    "data_created": "20201212",
}
_LICENSES = [{"url": "xxxx"}, {"name": "xxxxxx"}]


class HitUav(SourceWriter):
    """Writes HIT-UAV's four trees."""

    key = "hit-uav"
    variants = ("all",)
    covers = dict.fromkeys(("normal_json", "normal_xml", "rotate_json", "rotate_xml"), "all")
    categories = tuple(_THINGS)
    default_size = (512, 640)

    def draw(self, index: int) -> Drawn:
        """Draw one frame; four picture files share its pixels."""
        rng = self.rng(index)
        size = self.size or self.default_size
        facts = _facts(rng, index)
        layout = layouts.aerial(rng, grid_shape(size))
        counts = resample(layout.counts, size)
        objects: list[TrueObject] = []
        for _ in range(1 + int(rng.poisson(6.0))):
            category, oriented = _thing(rng, size, int(facts["altitude"]))
            patch = draw_oriented(SHAPES[_THINGS[category][2]], oriented, size)
            if patch is None or overlaps(patch.box, [obj.box for obj in objects]):
                continue
            contrast = float(rng.uniform(260, 520)) * (0.5 if category == "DontCare" else 1.0)
            paint_heat(counts, patch, ground=layout.ground, contrast=contrast)
            objects.append(_object(category, patch.box, oriented, hard=rng.random() < 0.02))
        add_noise(rng, counts, 6.0)
        grey = gain_control(counts)
        sample = _sample(index, facts, objects, size)
        colour = three_channels(grey)
        arrays = {kind: colour if kind == "rotate_xml" else grey for kind in sample.pictures}
        return Drawn(sample, dict(arrays))

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the two XML files."""
        yield sample.labels[0], _normal_xml(sample)
        yield sample.labels[1], _rotate_xml(sample)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield both COCO dialects of each split and the list files of the XML trees."""
        parts = {split: [s for s in samples if s.split == split] for split in _SPLITS}
        first_image = first_object = 0
        for split, chosen in parts.items():
            first_image = max(first_image, _FIRST_ID[split])
            yield (
                f"normal_json/annotations/{split}.json",
                _normal_json(chosen, first_image, first_object),
            )
            yield (
                f"rotate_json/annotations/{split}.json",
                _rotate_json(chosen, first_image, first_object),
            )
            first_image += len(chosen)
            first_object += sum(len(sample.objects) for sample in chosen)
        lists = {**parts, "trainval": [*parts["train"], *parts["val"]]}
        for form in ("normal_xml", "rotate_xml"):
            for word, chosen in lists.items():
                content = encode_lines([sample.name for sample in chosen])
                yield f"{form}/ImageSets/Main/{word}.txt", content


def _facts(rng: np.random.Generator, index: int) -> dict[str, str]:
    split, _ = split_of(index, _PATTERN)
    return {
        "split": split,
        "scenario": str(int(rng.integers(2))),
        "altitude": str(10 * int(rng.integers(6, 14))),
        "perspective": str(10 * int(rng.integers(3, 10))),
        "weather": "0",
        "date": f"202101{int(rng.integers(14, 24))}",
    }


def _thing(rng: np.random.Generator, size: tuple[int, int], altitude: int) -> tuple[str, Oriented]:
    names = list(_THINGS)
    category = names[int(rng.choice(len(names), p=[_THINGS[name][3] for name in names]))]
    width, height = _THINGS[category][:2]
    zoom = max(60 / altitude * size[0] / 512 * float(rng.uniform(0.85, 1.15)), 5.0 / width)
    width, height = round(width * zoom, 4), round(height * zoom, 4)
    turned = category != "Person" or rng.random() < 0.1
    angle = round(float(rng.uniform(0, np.pi)), 6) if turned else 0.0
    reach = (width * abs(np.cos(angle)) + height * abs(np.sin(angle))) / 2 + 1
    rise = (width * abs(np.sin(angle)) + height * abs(np.cos(angle))) / 2 + 1
    x = round(float(rng.uniform(min(reach, size[1] / 2), max(size[1] - reach, size[1] / 2))), 4)
    y = round(float(rng.uniform(min(rise, size[0] / 2), max(size[0] - rise, size[0] / 2))), 4)
    return category, (x, y, width, height, angle)


def _object(category: str, box: Box, oriented: Oriented, *, hard: bool) -> TrueObject:
    number = list(_THINGS).index(category)
    return TrueObject(category, box, number, corners_of(oriented), oriented, difficult=hard)


def _sample(
    index: int, facts: dict[str, str], objects: list[TrueObject], size: tuple[int, int]
) -> TrueSample:
    split = facts.pop("split")
    words = (facts["scenario"], facts["altitude"], facts["perspective"], facts["weather"])
    name = f"{'_'.join(words)}_{index + 1:05d}"
    pictures = {
        "normal_json": TruePicture(f"normal_json/{split}/{name}.jpg", "jpeg", "L", *size),
        "normal_xml": TruePicture(f"normal_xml/JPEGImages/{name}.jpg", "jpeg", "L", *size),
        "rotate_json": TruePicture(f"rotate_json/{split}/{name}.jpg", "jpeg", "L", *size),
        "rotate_xml": TruePicture(f"rotate_xml/JPEGImages/{name}.jpg", "jpeg", "RGB", *size),
    }
    labels = [f"normal_xml/Annotations/{name}.xml", f"rotate_xml/Annotations/{name}.xml"]
    return TrueSample(name, index, split, pictures, objects, labels=labels, attributes=facts)


def _size_node(sample: TrueSample) -> XmlNode:
    picture = sample.infrared
    return ("size", [("width", picture.width), ("height", picture.height), ("depth", 1)])


def _normal_xml(sample: TrueSample) -> bytes:
    nodes: list[XmlNode] = [
        ("folder", "./JPEGImages"),
        ("filename", f"{sample.name}.jpg"),
        ("source", [("database", "The pegasus Database"), ("annotation", "Pegasus 2021")]),
        _size_node(sample),
        ("segmented", 0),
    ]
    tags = ("xmin", "ymin", "xmax", "ymax")
    for obj in sample.objects:
        edges: list[XmlNode] = [(t, int(v)) for t, v in zip(tags, obj.box, strict=True)]
        thing: list[XmlNode] = [
            ("name", obj.category),
            ("pose", sample.attributes["perspective"]),
            ("truncated", 0),
            ("difficult", int(obj.difficult)),
            ("bndbox", edges),
        ]
        nodes.append(("object", thing))
    return encode_xml("annotation", nodes, newline_at_end=False)


def _rotate_xml(sample: TrueSample) -> bytes:
    facts = sample.attributes
    moment = "night" if facts["scenario"] == "1" else "day"
    folders = (moment, f"{facts['altitude']}m", f"-{facts['perspective']}", facts["date"])
    nodes: list[XmlNode] = [
        ("folder", facts["date"]),
        ("filename", sample.name),
        ("path", "\\".join(("D:", "images_data", *folders, f"{sample.name}.jpg"))),
        ("source", [("database", "Unknown")]),
        _size_node(sample),
        ("segmented", 0),
    ]
    tags = ("cx", "cy", "w", "h", "angle")
    for obj in sample.objects:
        thing: list[XmlNode] = [
            ("type", "robndbox"),
            ("name", obj.category),
            ("pose", "Unspecified"),
            ("truncated", 0),
            ("difficult", int(obj.difficult)),
            ("robndbox", list(zip(tags, obj.oriented or (), strict=True))),
        ]
        nodes.append(("object", thing))
    return encode_xml("annotation", nodes, attributes={"verified": "no"}, newline_at_end=False)


def _normal_json(samples: Sequence[TrueSample], first_image: int, first_object: int) -> bytes:
    images: list[dict[str, object]] = []
    records: list[dict[str, object]] = []
    for image, sample in enumerate(samples, start=first_image):
        picture = sample.infrared
        images.append(
            {
                "filename": f"{sample.name}.jpg",
                "height": picture.height,
                "width": picture.width,
                "id": image,
                "date_captured": sample.attributes["date"],
            }
        )
        for obj in sample.objects:
            x0, y0, x1, y1 = (int(value) for value in obj.box)
            record = {
                "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
                "area": (x1 - x0) * (y1 - y0),
                "image_id": image,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "category_id": obj.category_id,
                "id": first_object + len(records),
            }
            records.append(record)
    groups = ("Person", "Vehicle", "Vehicle", "Vehicle", "DontCare")
    categories = [
        {"supercategory": group, "id": number, "name": name}
        for number, (group, name) in enumerate(zip(groups, _THINGS, strict=True))
    ]
    head = {"info": _INFO, "licenses": _LICENSES, "images": images}
    return encode_json({**head, "categories": categories, "annotation": records})


def _rotate_json(samples: Sequence[TrueSample], first_image: int, first_object: int) -> bytes:
    images: list[dict[str, object]] = []
    records: list[dict[str, object]] = []
    for image, sample in enumerate(samples, start=first_image):
        facts, picture = sample.attributes, sample.infrared
        images.append(
            {
                "id": image,
                "width": picture.width,
                "height": picture.height,
                "depth": 1,
                "filename": f"{sample.name}.jpg",
                **{
                    key: facts[key]
                    for key in ("scenario", "weather", "perspective", "altitude", "date")
                },
            }
        )
        for obj in sample.objects:
            record = {
                "id": first_object + len(records),
                "image_id": image,
                "category_id": obj.category_id,
                "difficult": obj.difficult,
                "bbox": list(obj.oriented or ()),
            }
            records.append(record)
    words = {"scenarios": ("day", "night"), "weather": ("sunny", "rainy")}
    head = {"info": _INFO, "licenses": _LICENSES}
    lists = {k: [{"id": i, "name": w} for i, w in enumerate(v)] for k, v in words.items()}
    categories = [{"id": number, "name": name} for number, name in enumerate(_THINGS)]
    return encode_json(
        {**head, **lists, "images": images, "categories": categories, "annotations": records}
    )
