"""KAIST: pairs behind one beam splitter, in the forms in which its labels are found.

    kaist-cvpr15/images/set00/V000/{visible,lwir}/I00001.jpg
    xml     kaist-cvpr15/annotations-xml-new/set00/V000/I00001.xml   bndbox{x,y,w,h}
            (``xml-sanitized`` and ``xml-15`` likewise; ``images`` has none)
    bbgt    kaist-cvpr15/annotations/set00/V000/I00001.txt           bbGt v3, twelve columns
    paired  annotations_paired/set00/V000/{visible,lwir}/I00001.txt  boxes of each side
    json    kaist_annotations_test20.json                            im_name without an extension
    demo    demo/set06_V001_I00459_{lwir,visible}.png with that JSON
    imageSets/{train-all-02,test-all-20}.txt                         set06/V000/I00019

The infrared files have three channels that differ by up to two levels. Sets 00 to 05 are for
training, 06 to 11 for testing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, three_channels
from irtd_fast.synth.labels import bndbox_xywh, voc, whole
from irtd_fast.synth.scene import U8
from irtd_fast.synth.sequences import seen_objects, shifted
from irtd_fast.synth.shots import Camera, street_shot
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import encode_json, encode_lines

_IDS = {"__ignore__": 0, "person": 1, "cyclist": 2, "people": 3, "person?": 4}
_WORDS = {"person": ("person", 0.8), "cyclist": ("bike", 0.2)}
_NIGHT = (3, 4, 5, 9, 10, 11)
_XML = {"xml": "new", "xml-sanitized": "new-sanitized", "xml-15": "15"}
_RUN = 3  # frames of a video before the next begins


class Kaist(SourceWriter):
    """Writes KAIST's layouts."""

    key = "kaist"
    variants = (
        "xml", "xml-sanitized", "xml-15", "bbgt", "paired", "json", "demo", "images",
    )  # fmt: skip
    categories = ("person", "cyclist", "people", "person?", "person?a")
    default_size = (512, 640)

    def draw(self, index: int) -> Drawn:
        """Draw one pair; the sides are up to two pixels apart."""
        rng = self.rng(index)
        size = self.size or self.default_size
        group, video, frame = self._place(index)
        matrix = shifted(rng, 2.0)
        night = group in _NIGHT
        camera = Camera(None, matrix)
        count = 1 + int(rng.poisson(2))
        shot = street_shot(rng, size, _WORDS, objects=count, night=night, camera=camera)
        doubt = ("person?",) if self.variant in ("json", "demo") else ("person?", "person?a")
        for number, obj in enumerate(shot.objects):
            if obj.category == "person" and rng.random() < 0.25:
                obj.category = ("people", *doubt)[number % (1 + len(doubt))]
            obj.category_id = _IDS.get(obj.category, -1)
        grey = three_channels(shot.grey()).astype(np.int16)
        grey += rng.integers(-1, 2, grey.shape, dtype=np.int16)
        arrays: dict[str, NDArray[np.generic]] = {
            "infrared": np.clip(grey, 0, 255).astype(np.uint8)
        }
        sample = self._sample(index, (group, video, frame), size)
        sample.objects = [] if self.variant == "images" else shot.objects
        sample.partner_matrix = matrix
        if self.variant == "paired":
            sample.partner_objects = seen_objects(shot)
        arrays["visible"] = _of(shot.visible)
        return Drawn(sample, arrays)

    def _place(self, index: int) -> tuple[int, int, int]:
        number, run = divmod(index, _RUN)
        only_test = self.variant in ("json", "demo")
        order = (6, 9, 7, 10, 8, 11) if only_test else (0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11)
        video, place = divmod(number, len(order))
        group = order[place]
        return group, video, 19 + 20 * run if group > 5 else 1 + 2 * run

    def _sample(self, index: int, place: tuple[int, int, int], size: tuple[int, int]) -> TrueSample:
        group, video, frame = place
        sequence, stem = f"set{group:02d}/V{video:03d}", f"I{frame:05d}"
        name = f"{sequence}/{stem}"
        folder = f"kaist-cvpr15/images/{sequence}"
        paths = {side: f"{folder}/{side}/{stem}.jpg" for side in ("lwir", "visible")}
        encoding = "jpeg"
        if self.variant == "demo":
            sequence = sequence.replace("/", "_")
            word = f"{sequence}_{stem}"
            paths = {side: f"demo/{word}_{side}.png" for side in paths}
            encoding = "png"
        label = {
            **{
                form: [f"kaist-cvpr15/annotations-xml-{folder}/{sequence}/{stem}.xml"]
                for form, folder in _XML.items()
            },
            "bbgt": [f"kaist-cvpr15/annotations/{sequence}/{stem}.txt"],
            "paired": [
                f"annotations_paired/{sequence}/{side}/{stem}.txt" for side in ("lwir", "visible")
            ],
        }
        return TrueSample(
            name,
            index,
            "test" if group > 5 else "train",
            {
                "infrared": TruePicture(paths["lwir"], encoding, "RGB", *size),
                "visible": TruePicture(paths["visible"], encoding, "RGB", *size),
            },
            labels=label.get(self.variant, []),
            attributes={"scene": "night" if group in _NIGHT else "day"},
            sequence=sequence,
            frame=frame,
        )

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the XML file, the bbGt file, or one of each side."""
        for path in sample.labels:
            if path.endswith(".xml"):
                things = [
                    [("name", o.category), bndbox_xywh(o), ("pose", "unknown"), ("truncated", 0),
                     ("difficult", 0), ("occlusion", 0)]
                    for o in sample.objects
                ]  # fmt: skip
                yield path, voc(sample.name, sample.infrared, things, depth=4)
            else:
                seen = "/visible/" in path
                yield path, _bbgt(sample.partner_objects if seen else sample.objects)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield list files, the JSON file, and what a Mac left behind."""
        for split, word in (("train", "train-all-02"), ("test", "test-all-20")):
            names = [sample.name for sample in samples if sample.split == split]
            if names:
                yield f"imageSets/{word}.txt", encode_lines(names)
        if self.variant in ("json", "demo"):
            yield "kaist_annotations_test20.json", _json(samples)
        if self.variant == "xml":
            path, name = samples[0].infrared.path.rsplit("/", 1)
            yield f"{path}/._{name}", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


def _of(picture: U8 | None) -> U8:
    if picture is None:
        msg = "the scene was drawn without its visible side"
        raise ValueError(msg)
    return picture


def _bbgt(objects: Sequence[TrueObject]) -> bytes:
    lines = ["% bbGt version=3"]
    for obj in objects:
        x0, y0, x1, y1 = whole(obj)
        lines.append(f"{obj.category} {x0} {y0} {x1 - x0} {y1 - y0} 0 0 0 0 0 0 0")
    return encode_lines(lines)


def _json(samples: Sequence[TrueSample]) -> bytes:
    images: list[dict[str, object]] = []
    records: list[dict[str, object]] = []
    for number, sample in enumerate(samples):
        picture = sample.infrared
        images.append(
            {
                "id": number,
                "im_name": sample.name,
                "height": picture.height,
                "width": picture.width,
            }
        )
        for obj in sample.objects:
            x0, y0, x1, y1 = whole(obj)
            record = {
                "id": len(records),
                "image_id": number,
                "category_id": obj.category_id,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "height": y1 - y0,
                "occlusion": 0,
                "ignore": int(obj.category != "person"),
            }
            records.append(record)
    categories = [{"id": number, "name": word} for word, number in _IDS.items()]
    info = {"dataset": "KAIST Multispectral Pedestrian Benchmark"}
    return encode_json(
        {"info": info, "images": images, "annotations": records, "categories": categories}
    )


WRITERS: tuple[type[SourceWriter], ...] = (Kaist,)
