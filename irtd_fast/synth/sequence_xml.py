"""Infrared sequences with XML labels: LSOTB-TIR, PTB-TIR, BU-TIV.

lsotb-tir  train  Training_Dataset/TrainingData/TIR_training_001/person_001/00000001.jpg
Training_Dataset/Annotations/… .xml, one file a frame
eval   sequences/person_H_001/img/0001.jpg  anno/person_H_001.txt (from 1)
anno/att/person_H_001.txt, sixteen flags, no newline
ptb-tir    xml    tirsequences/<seq>/img/0001.jpg  tirsequences/<seq>/anno/0001.xml, fractions
otb    … and tirsequences/<seq>/groundtruth_rect.txt instead
bu-tiv            marathon_3/000001.png, 16 bit  marathon_3_2d.xml, one file a sequence
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth import street
from irtd_fast.synth.base import Drawn, SourceWriter, three_channels
from irtd_fast.synth.labels import bndbox, size_node
from irtd_fast.synth.scene import generator
from irtd_fast.synth.sequences import SequenceWriter, in_sequences, jpeg, rows, xywh
from irtd_fast.synth.shapes import SHAPES, draw_shape, overlaps
from irtd_fast.synth.shots import finish_street
from irtd_fast.synth.truth import TrueObject, TruePicture, TrueSample
from irtd_fast.synth.writers import XmlNode, encode_xml
from irtd_fast.types import Box

_FLAGS = 16


class LsotbTir(SequenceWriter):
    """Writes both parts of LSOTB-TIR."""

    key = "lsotb-tir"
    variants = ("train", "eval")
    categories = ("person", "car", "fox", "motobike", "badger")
    default_size = (480, 640)
    targets = (
        ("person", "person", "person"),
        ("car", "car", "car"),
        ("fox", "dog", "fox"),
        ("motocycle", "bike", "motobike"),  # the folder and the label differ
        ("badger", "dog", "badger"),
    )

    def sequence_name(self, name: str, turn: int) -> str:
        """Number sequences by class; evaluation has the letter of the platform."""
        letter = f"_{'HDSV'[turn % 4]}" if self.variant == "eval" else ""
        return f"{name}{letter}_{turn + 1:03d}"

    def draw(self, index: int) -> Drawn:
        """Draw one frame."""
        shot = self.shoot(index)
        sequence, frame = self.place(index)
        labels = []
        if self.variant == "train":
            part = f"TIR_training_00{1 + index // self.length % 4}"
            stem = f"{part}/{sequence}/{frame + 1:08d}"
            path = f"Training_Dataset/TrainingData/{stem}.jpg"
            labels = [f"Training_Dataset/Annotations/{stem}.xml"]
            name = stem
        else:
            path = f"sequences/{sequence}/img/{frame + 1:04d}.jpg"
            name = f"{sequence}/{frame + 1:04d}"
        for obj in shot.objects:
            obj.track = 0 if self.variant == "train" else -1
        sample = TrueSample(
            name, index, "train" if labels else "test",
            {"infrared": jpeg(path, "RGB", shot.size)}, shot.objects, labels=labels,
            sequence=sequence, frame=frame + 1,
        )  # fmt: skip
        return Drawn(sample, {"infrared": three_channels(shot.grey())})

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the XML of one training frame."""
        for path in sample.labels:
            nodes: list[XmlNode] = [
                ("folder", path.split("/")[2]),
                ("filename", f"{sample.frame:08d}"),
                ("source", [("database", "TIR")]),
                size_node(sample.infrared),
            ]
            for obj in sample.objects:
                facts: list[XmlNode] = [("trackid", obj.track), ("name", obj.category)]
                nodes.append(("object", [*facts, bndbox(obj), ("occluded", 0)]))
            yield path, encode_xml("annotation", nodes, indent="\t")

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield boxes, counted from one, and flags of the evaluation part."""
        if self.variant != "eval":
            return
        for number, (sequence, frames) in enumerate(in_sequences(samples)):
            yield f"anno/{sequence}.txt", rows([xywh(s.objects, 1) for s in frames], ",")
            rng = generator(self.seed, f"{self.key} attributes", number)
            flags = tuple(int(value) for value in rng.integers(0, 2, _FLAGS))
            yield f"anno/att/{sequence}.txt", rows([flags], ",", closed=False)


class PtbTir(SequenceWriter):
    """Writes PTB-TIR: people only."""

    key = "ptb-tir"
    variants = ("xml", "otb")
    categories = ("person",)
    default_size = (480, 640)
    targets = (
        ("campus1", "person", "person"),
        ("crowd2", "person", "person"),
        ("street3", "person", "person"),
    )

    def draw(self, index: int) -> Drawn:
        """Draw one frame."""
        shot = self.shoot(index)
        sequence, frame = self.place(index)
        stem = f"{frame + 1:04d}"
        folder = f"tirsequences/{sequence}"
        labels = [f"{folder}/anno/{stem}.xml"] if self.variant == "xml" else []
        sample = TrueSample(
            f"{sequence}/{stem}", index, "",
            {"infrared": jpeg(f"{folder}/img/{stem}.jpg", "RGB", shot.size)}, shot.objects,
            labels=labels, sequence=sequence, frame=frame + 1,
        )  # fmt: skip
        return Drawn(sample, {"infrared": three_channels(shot.grey())})

    def labels(self, sample: TrueSample) -> Iterator[tuple[str, bytes]]:
        """Yield the XML of one frame; edges are written as fractions."""
        for path in sample.labels:
            nodes: list[XmlNode] = [("filename", f"{sample.frame:04d}.jpg")]
            nodes.append(size_node(sample.infrared))
            for obj in sample.objects:
                edges: list[XmlNode] = [
                    (tag, f"{value:.4f}")
                    for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), obj.box, strict=True)
                ]
                hidden = int(sample.frame % 5 == 0)
                facts: list[XmlNode] = [("name", "person"), ("bndbox", edges)]
                nodes.append(("object", [*facts, ("occluded", hidden)]))
            yield path, encode_xml("annotation", nodes)

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the toolkit's boxes."""
        if self.variant == "otb":
            for sequence, frames in in_sequences(samples):
                path = f"tirsequences/{sequence}/groundtruth_rect.txt"
                yield path, rows([xywh(s.objects, 1) for s in frames], ",")


_TIV = {"person": "people", "bike": "cyclist", "car": "car"}


class BuTiv(SequenceWriter):
    """Writes BU-TIV: many tracks, 14-bit counts, one XML a sequence."""

    key = "bu-tiv"
    variants = ("official",)
    categories = ("people", "cyclist", "car")
    default_size = (512, 1024)
    targets = (("marathon_3", "", ""), ("davis-sq_1", "", ""), ("lab1_test_2", "", ""))

    def draw(self, index: int) -> Drawn:
        """Draw one frame of a scene in which everything moves."""
        sequence, frame = self.place(index)
        scene, tracks = self._moved(index)
        shot = finish_street(self.rng(index), scene, _TIV, camera=None, night=False)
        for obj, track in zip(shot.objects, tracks, strict=True):
            obj.track = track
        path = f"{sequence}/{frame + 1:06d}.png"
        sample = TrueSample(
            f"{sequence}/{frame + 1:06d}", index, "",
            {"infrared": TruePicture(path, "png", "I;16", *shot.size)}, shot.objects,
            sequence=sequence, frame=frame + 1,
        )  # fmt: skip
        arrays: dict[str, NDArray[np.generic]] = {"infrared": shot.counts16()}
        return Drawn(sample, arrays)

    def _moved(self, index: int) -> tuple[street.Street, list[int]]:
        still = generator(self.seed, f"{self.key} sequence", index // self.length)
        kinds = {"person": 0.6, "bike": 0.2, "car": 0.2}
        size = self.size or self.default_size
        scene = street.compose(still, size, kinds, objects=6, night=False)
        actors, tracks, taken = [], [], list[Box]()
        for number, actor in enumerate(scene.actors):
            step = float(still.uniform(-4, 4)) * (index % self.length)
            x0, y0, x1, y1 = actor.box
            actor.box = (x0 + step, y0, x1 + step, y1)
            patch = draw_shape(SHAPES[actor.kind], actor.box, size)
            if patch is None or overlaps(patch.box, taken):
                continue
            actor.patch = patch
            taken.append(patch.box)
            actors.append(actor)
            tracks.append(number + 1)
        scene.actors = actors
        return scene, tracks

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the XML of each sequence."""
        for sequence, frames in in_sequences(samples):
            lines = ['<?xml version="1.0" encoding="utf-8"?>', f'<dataset name="{sequence}">']
            for sample in frames:
                lines += [f'  <frame number="{sample.frame}">', "    <objectlist>"]
                lines += [f"      {_tag(obj)}" for obj in sample.objects]
                lines += ["    </objectlist>", "  </frame>"]
            text = "\n".join((*lines, "</dataset>", ""))
            yield f"{sequence}_2d.xml", text.encode()


def _tag(obj: TrueObject) -> str:
    x0, y0, x1, y1 = (int(value) for value in obj.box)
    return (
        f'<object id="{obj.track}" category="{obj.category}" '
        f'x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>'
    )


WRITERS: tuple[type[SourceWriter], ...] = (LsotbTir, PtbTir, BuTiv)
