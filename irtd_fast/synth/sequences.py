"""Base of the writers whose samples are frames of sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import ClassVar

import numpy as np

from irtd_fast.synth.base import SourceWriter
from irtd_fast.synth.scene import generator
from irtd_fast.synth.shots import Camera, Shot, Walk, tracked_shot
from irtd_fast.synth.street import IDENTITY
from irtd_fast.synth.truth import Matrix, TrueObject, TruePicture, TrueSample
from irtd_fast.types import Box


class SequenceWriter(SourceWriter):
    """Deals samples to sequences of equal length; the last one ends where the dump ends.

    Attributes:
        length: Frames of a sequence.
        first: The publisher's number of a sequence's first frame.
        targets: Name of a sequence, shape, and the publisher's word, in turns.
    """

    length: ClassVar[int] = 7
    first: ClassVar[int] = 1
    targets: ClassVar[tuple[tuple[str, str, str], ...]]

    def place(self, index: int) -> tuple[str, int]:
        """Give the sequence's name and how many frames precede sample ``index`` in it."""
        number, frame = divmod(index, self.length)
        turn, place = divmod(number, len(self.targets))
        name = self.targets[place][0]
        return self.sequence_name(name, turn), frame

    def sequence_name(self, name: str, turn: int) -> str:
        """Name the sequence that shows a target for the ``turn``-th time."""
        return name if turn == 0 else f"{name}{turn + 1}"

    def target(self, index: int) -> tuple[str, str]:
        """Give shape and publisher's word of what sample ``index`` follows."""
        _, shape, word = self.targets[index // self.length % len(self.targets)]
        return shape, word

    def shoot(
        self,
        index: int,
        *,
        matrix: Matrix | None = None,
        camera: Camera | None = None,
        absent: bool = False,
    ) -> Shot:
        """Draw the scene of one frame.

        Args:
            index: Sample.
            matrix: Infrared to visible pixels; no visible picture without it.
            camera: The same, with a size.
            absent: Whether the target is out of sight.
        """
        still = generator(self.seed, f"{self.key} sequence", index // self.length)
        shape, word = self.target(index)
        walk = Walk(shape, word, index % self.length, absent)
        seen = camera or (Camera(None, matrix) if matrix is not None else None)
        size = self.size or self.default_size
        return tracked_shot((still, self.rng(index)), size, walk, camera=seen)


def in_sequences(samples: Sequence[TrueSample]) -> Iterator[tuple[str, list[TrueSample]]]:
    """Group samples by sequence, in the order of the dump."""
    for name, group in groupby(samples, key=lambda sample: sample.sequence):
        yield name, list(group)


def jpeg(path: str, mode: str, size: tuple[int, int]) -> TruePicture:
    """Describe a JPEG file."""
    return TruePicture(path, "jpeg", mode, *size)


def seen_objects(shot: Shot) -> list[TrueObject]:
    """Objects as labelled on the visible side: whole pixels, inside the picture."""
    if shot.visible is None or shot.matrix is None:
        return []
    height, width = shot.visible.shape[:2]
    (scale_x, _, shift_x), (_, scale_y, shift_y) = shot.matrix
    found = []
    for obj in shot.objects:
        x = np.clip(np.rint(np.array(obj.box[::2]) * scale_x + shift_x), 0, width)
        y = np.clip(np.rint(np.array(obj.box[1::2]) * scale_y + shift_y), 0, height)
        box = (float(x[0]), float(y[0]), float(x[1]), float(y[1]))
        if box[0] < box[2] and box[1] < box[3]:
            found.append(TrueObject(obj.category, box, obj.category_id))
    return found


def shifted(rng: np.random.Generator, reach: float) -> Matrix:
    """Make the residual shift of a nearly registered pair, up to ``reach`` pixels."""
    if reach == 0:
        return IDENTITY
    x, y = (round(float(value)) for value in rng.uniform(-reach, reach, 2))
    return ((1.0, 0.0, float(x)), (0.0, 1.0, float(y)))


def xywh(objects: Sequence[TrueObject], base: int = 0) -> tuple[int, int, int, int]:
    """Give the only object as x, y, width, height, or zeros if there is none."""
    if not objects:
        return 0, 0, 0, 0
    x0, y0, x1, y1 = _whole(objects[0].box)
    return x0 + base, y0 + base, x1 - x0, y1 - y0


def corners(objects: Sequence[TrueObject]) -> tuple[int, int, int, int]:
    """Give the only object as x1, y1, x2, y2, or zeros if there is none."""
    return _whole(objects[0].box) if objects else (0, 0, 0, 0)


def _whole(box: Box) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (int(value) for value in box)
    return x0, y0, x1, y1


def rows(
    values: Sequence[tuple[int, ...]],
    comma: str,
    *,
    end: str = "\n",
    tail: int = 0,
    closed: bool = True,
) -> bytes:
    """Write a ground truth file.

    Args:
        values: One tuple a line.
        comma: Between the numbers.
        end: Of a line.
        tail: Blank lines at the end.
        closed: Whether the last line ends.
    """
    text = end.join(comma.join(map(str, row)) for row in values)
    return (text + end * (closed or tail > 0) + end * tail).encode()
