"""Pairs of tracking sequences with one text file of boxes per modality.

    rgbt234  <seq>/infrared/00001i.jpg  <seq>/visible/00001v.jpg
             <seq>/{infrared,visible,init}.txt: comma, CRLF, blank tails; attr_txt/<attribute>.txt:
             a flag a sequence, in the order of attr_txt/SequencesName.txt
    lasher   <seq>/infrared/i000.jpg  <seq>/visible/v000.jpg
             <seq>/{infrared,visible,init}.txt: comma, absent 0,0,0,0; two list files
    gtot     <seq>/i/00001i.png  <seq>/v/00001v.png
             groundTruth_{i,v}.txt: x1 y1 x2 y2; init.txt: x y w h, tab, CRLF
    vtuav    train_ST_001/<seq>/{ir,rgb}/000000.jpg, {ir,rgb}.txt: x y w h; row k is frame 10 k
    vtuav-bus1  bus1_sample/{ir_gray,rgb}/000000.jpg, likewise, partners missing

Boxes differ between the modalities wherever the real ones do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from irtd_fast.synth.base import Drawn, SourceWriter, three_channels
from irtd_fast.synth.scene import generator
from irtd_fast.synth.sequences import (
    SequenceWriter,
    corners,
    in_sequences,
    rows,
    seen_objects,
    shifted,
    xywh,
)
from irtd_fast.synth.shots import Shot, visible_owner
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import encode_lines

_ATTRIBUTES = ("NO", "PO", "HO", "LI", "LR", "TC", "DEF", "FM", "SC", "MB", "CM", "BC")


class _PairedTracker(SequenceWriter):
    """Frames in two folders, one target, boxes of both sides."""

    reach: ClassVar[float] = 0.0

    def frame_names(self, index: int, sequence: str, frame: int) -> tuple[str, str]:
        """Paths of the infrared and the visible frame."""
        raise NotImplementedError

    def split(self, sequence: str) -> str:
        """The publisher's split of a sequence."""
        return ""

    def absent(self, index: int) -> bool:
        """Whether the target is out of sight."""
        return False

    def labelled(self, frame: int) -> bool:
        """Whether the publisher labels this frame."""
        return True

    def draw(self, index: int) -> Drawn:
        """Draw one pair of frames."""
        sequence, frame = self.place(index)
        pair = generator(self.seed, f"{self.key} pair", index // self.length)
        shot = self.shoot(index, matrix=shifted(pair, self.reach), absent=self.absent(index))
        return self.pack(index, sequence, frame, shot)

    def pack(self, index: int, sequence: str, frame: int, shot: Shot) -> Drawn:
        """Name the files of a drawn pair."""
        infrared, visible = self.frame_names(index, sequence, frame)
        encoding = "png" if infrared.endswith(".png") else "jpeg"
        stem = infrared.rsplit("/", 1)[1].rsplit(".", 1)[0]
        pictures = {
            "infrared": TruePicture(infrared, encoding, "RGB", *shot.size),
            "visible": TruePicture(visible, encoding, "RGB", *shot.size),
        }
        arrays: dict[str, NDArray[np.generic]] = {"infrared": three_channels(shot.grey())}
        if shot.visible is not None:
            arrays["visible"] = shot.visible
        known = self.labelled(frame)
        sample = TrueSample(
            f"{sequence}/{stem}",
            index,
            self.split(sequence),
            pictures,
            shot.objects if known else [],
            partner_matrix=shot.matrix,
            attributes={"labelled": str(int(known))},
            sequence=sequence,
            frame=self.first + frame,
            partner_objects=seen_objects(shot) if known else [],
        )
        return Drawn(sample, arrays)


class Rgbt234(_PairedTracker):
    """Writes RGBT234: other boxes and, in every second sequence, other frame numbers per side."""

    key = "rgbt234"
    variants = ("official",)
    categories = ("",)
    default_size = (460, 630)
    reach = 4.0
    targets = (
        ("afterrain", "person", ""),
        ("car10", "car", ""),
        ("bicyclecity", "bike", ""),
    )
    elsewhere: ClassVar[tuple[str, ...]] = ()
    """Sequences that the attributes list, but that have no folder in this copy."""

    def frame_names(self, index: int, sequence: str, frame: int) -> tuple[str, str]:
        """The visible side of odd sequences begins five numbers later."""
        late = 5 * (index // self.length % 2)
        infrared = f"{sequence}/infrared/{frame + 1:05d}i.jpg"
        return infrared, f"{sequence}/visible/{frame + 1 + late:05d}v.jpg"

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield three box files a sequence, and the attributes of all."""
        names: list[str] = []
        for number, (sequence, frames) in enumerate(in_sequences(samples)):
            names.append(sequence)
            infrared = [xywh(sample.objects) for sample in frames]
            visible = [xywh(sample.partner_objects) for sample in frames]
            tail = (0, 12, 1)[number % 3]
            closed = number % 4 != 3
            yield f"{sequence}/infrared.txt", rows(infrared, ",", end="\r\n", tail=tail)
            yield f"{sequence}/visible.txt", rows(visible, ",", end="\r\n", closed=closed)
            yield f"{sequence}/init.txt", rows(visible, ",", end="\r\n", tail=tail)
        names += self.elsewhere
        flags = generator(self.seed, f"{self.key} attributes", 0).integers(
            0, 2, (len(names), len(_ATTRIBUTES))
        )
        yield "attr_txt/SequencesName.txt", encode_lines(names, end="\r\n")
        for column, word in enumerate(_ATTRIBUTES):
            listed = [str(flag) for flag in flags[:, column].tolist()]
            yield f"attr_txt/{word}.txt", encode_lines(listed, end="\r\n")


class Lasher(_PairedTracker):
    """Writes LasHeR: registered, frame names of changing width, absent targets as zeros."""

    key = "lasher"
    variants = ("official",)
    categories = ("",)
    default_size = (480, 640)
    first = 0
    targets = (
        ("10crosswhite", "car", ""),
        ("ab_girlrideintrees", "person", ""),
        ("bluemoto", "bike", ""),
    )
    elsewhere: ClassVar[dict[str, tuple[str, ...]]] = {"train": (), "test": ()}
    """Sequences that the lists name, but that have no folder in this copy."""

    def frame_names(self, index: int, sequence: str, frame: int) -> tuple[str, str]:
        """Three or four digits, from 0 or from 1, by sequence."""
        number = index // self.length
        digits, first = (3, 0) if number % 2 == 0 else (4, 1)
        word = f"{frame + first:0{digits}d}"
        return f"{sequence}/infrared/i{word}.jpg", f"{sequence}/visible/v{word}.jpg"

    def pack(self, index: int, sequence: str, frame: int, shot: Shot) -> Drawn:
        """Number frames as the names do."""
        drawn = super().pack(index, sequence, frame, shot)
        drawn.sample.frame = frame + index // self.length % 2
        return drawn

    def split(self, sequence: str) -> str:
        """The lists split by sequence."""
        return "test" if sequence.startswith("ab_") else "train"

    def absent(self, index: int) -> bool:
        """One frame in nine is without its target."""
        return index % 9 == 5

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield three box files a sequence, every third without a final newline, and the lists."""
        lists: dict[str, list[str]] = {"train": [], "test": []}
        for number, (sequence, frames) in enumerate(in_sequences(samples)):
            closed = number % 3 != 2
            infrared = [xywh(sample.objects) for sample in frames]
            visible = [xywh(sample.partner_objects) for sample in frames]
            yield f"{sequence}/infrared.txt", rows(infrared, ",", closed=closed)
            yield f"{sequence}/visible.txt", rows(visible, ",", closed=closed)
            yield f"{sequence}/init.txt", rows(visible, ",", closed=closed)
            lists[self.split(sequence)].append(sequence)
        for split, path in (("train", "trainingsetList.txt"), ("test", "testingsetList.txt")):
            yield path, encode_lines([*lists[split], *self.elsewhere[split]], end="\r\n")


class Gtot(_PairedTracker):
    """Writes GTOT: corners per side, but x y w h in ``init.txt``."""

    key = "gtot"
    variants = ("official",)
    categories = ("",)
    default_size = (288, 384)
    reach = 2.0
    targets = (("BlackCar", "car", ""), ("Walking", "person", ""), ("occBike", "bike", ""))

    def frame_names(self, index: int, sequence: str, frame: int) -> tuple[str, str]:
        """Five digits and the letter of the side."""
        return f"{sequence}/i/{frame + 1:05d}i.png", f"{sequence}/v/{frame + 1:05d}v.png"

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield three box files a sequence in two spellings."""
        for sequence, frames in in_sequences(samples):
            infrared = [corners(sample.objects) for sample in frames]
            visible = [corners(sample.partner_objects) for sample in frames]
            first = [xywh(sample.partner_objects) for sample in frames]
            yield f"{sequence}/groundTruth_i.txt", rows(infrared, " ")
            yield f"{sequence}/groundTruth_v.txt", rows(visible, " ")
            yield f"{sequence}/init.txt", rows(first, "\t", end="\r\n")


class Vtuav(_PairedTracker):
    """Writes VTUAV: every tenth frame is labelled, and differently on both sides.

    ``official`` (short sequences) and ``long`` are the archives' trees, zeros or NaN where the
    target of a long sequence is away; ``masks`` is the segmentation part.
    """

    key = "vtuav"
    variants: ClassVar[tuple[str, ...]] = ("official", "long", "masks")
    categories = ("bus", "pedestrian", "elebike")
    default_size = (1080, 1920)
    length = 23
    first = 0
    reach = 8.0
    folder: ClassVar[str] = "ir"
    targets = (
        ("bus_001", "truck", "bus"),
        ("pedestrian_002", "person", "pedestrian"),
        ("elebike_003", "bike", "elebike"),
    )

    def sequence_name(self, name: str, turn: int) -> str:
        """Keep three digits."""
        word, number = name.split("_")
        return f"{word}_{int(number) + 3 * turn:03d}"

    def _folder(self) -> str:
        return {"official": "train_ST_001/", "long": "test_LT_001/"}.get(self.variant, "")

    def split(self, sequence: str) -> str:
        """The archive's name says it."""
        return {"official": "train", "long": "test"}.get(self.variant, "")

    def labelled(self, frame: int) -> bool:
        """Every tenth frame has a box, every thirtieth a mask (the first has both)."""
        return frame % (30 if self.variant == "masks" else 10) == 0

    def absent(self, index: int) -> bool:
        """Targets of long sequences go away."""
        return self.variant == "long" and index % self.length == 10

    def frame_names(self, index: int, sequence: str, frame: int) -> tuple[str, str]:
        """Six digits from 0."""
        stem = f"{self._folder()}{sequence}"
        return f"{stem}/{self.folder}/{frame:06d}.jpg", f"{stem}/rgb/{frame:06d}.jpg"

    def pack(self, index: int, sequence: str, frame: int, shot: Shot) -> Drawn:
        """Add masks."""
        drawn = super().pack(index, sequence, frame, shot)
        sample = drawn.sample
        if self.variant == "masks" and self.labelled(frame):
            stem = f"{sequence}/mask/{{}}/{frame:06d}.png"
            sample.pictures["mask"] = TruePicture(stem.format("ir"), "png", "L", *shot.size)
            sample.pictures["visible mask"] = TruePicture(
                stem.format("rgb"), "png", "L", *drawn.arrays["visible"].shape[:2]
            )
            # Only the target's pixels: it is drawn last and so has the highest number.
            last = int(shot.owner.max()) if shot.objects else 256
            for kind, owner in (("mask", shot.owner), ("visible mask", visible_owner(shot))):
                drawn.arrays[kind] = np.where(owner == last, np.uint8(255), np.uint8(0))
        return drawn

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield two box files a sequence; ``ir.txt`` ends in a blank line."""
        if self.variant == "masks":
            return
        for number, (sequence, frames) in enumerate(in_sequences(samples)):
            chosen = frames[::10]
            stem = f"{self._folder()}{sequence}"
            infrared = rows([xywh(s.objects) for s in chosen], " ", tail=1)
            if self.variant == "long" and number % 2:
                infrared = infrared.replace(b"0 0 0 0\n", b"NaN NaN NaN NaN\n")
            yield f"{stem}/ir.txt", infrared
            seen = [s for s in chosen if "visible" in s.pictures]
            yield f"{stem}/rgb.txt", rows([xywh(s.partner_objects) for s in seen], " ")


class VtuavBus1(Vtuav):
    """Writes VTUAV's sample as passed around: ``ir_gray``, and not every visible partner."""

    key = "vtuav-bus1"
    variants = ("sample",)
    folder = "ir_gray"
    targets = (
        ("bus1_sample", "truck", "bus"),
        ("pedestrian1_sample", "person", "pedestrian"),
        ("elebike1_sample", "bike", "elebike"),
    )

    def sequence_name(self, name: str, turn: int) -> str:
        """Number sequences of a class."""
        return name.replace("1_", f"{turn + 1}_")

    def pack(self, index: int, sequence: str, frame: int, shot: Shot) -> Drawn:
        """Take partners away."""
        drawn = super().pack(index, sequence, frame, shot)
        if frame > 6:
            for pictures in (drawn.sample.pictures, drawn.arrays):
                pictures.pop("visible", None)
            drawn.sample.partner_objects, drawn.sample.partner_matrix = [], None
        return drawn


WRITERS: tuple[type[SourceWriter], ...] = (Rgbt234, Lasher, Gtot, Vtuav, VtuavBus1)
