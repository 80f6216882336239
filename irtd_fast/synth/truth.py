"""What a synthetic dump really holds: the answers that readers and stores are tested against.

Boxes are ``(x0, y0, x1, y1)`` edges in pixels of the infrared picture, corners are four points
``(x, y)`` in drawing order, points are edge coordinates too: the middle of the top-left pixel is
``(0.5, 0.5)``. Where a source writes another convention into its label files (SIRST-v2 counts from
one), the truth stays in edges and the module of that source says what it writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irtd_fast.types import Box, Corners

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(slots=True)
class TruePicture:
    """One picture file of a sample.

    Attributes:
        path: Relative to the dump's root, POSIX.
        encoding: ``jpeg``, ``png``, ``bmp``, ``tiff`` …, see ``writers.encode``.
        mode: ``L``, ``RGB``, ``RGBA``, ``P`` or ``I;16``, in Pillow's words.
        height: Rows.
        width: Columns.
    """

    path: str
    encoding: str
    mode: str
    height: int
    width: int

    @property
    def lossless(self) -> bool:
        """Whether the file gives back exactly the drawn pixels."""
        return self.encoding in ("png", "bmp", "tiff", "fff")


@dataclass(slots=True)
class TrueObject:
    """One drawn object: its tight box, and its corners where the source has oriented boxes.

    Attributes:
        category: The publisher's word.
        box: Tight edges of the drawn pixels.
        category_id: The publisher's number, -1 where there is none.
        corners: Of the oriented box.
        oriented: ``(cx, cy, w, h, angle)`` of the oriented box, radians clockwise as seen.
        difficult: Whether the label says so.
        track: The publisher's object number, -1 where there is none.
    """

    category: str
    box: Box
    category_id: int = -1
    corners: Corners | None = None
    oriented: tuple[float, float, float, float, float] | None = None
    difficult: bool = False
    track: int = -1


@dataclass(slots=True)
class TruePoint:
    """One labelled point in edge coordinates."""

    category: str
    x: float
    y: float


@dataclass(slots=True)
class TrueSample:
    """One sample of a dump.

    Attributes:
        name: Stem of the infrared file, unique in the dump.
        index: Its number; seed, source and index determine every pixel.
        split: The publisher's word (``train``, ``validation`` …) or ``""``.
        pictures: By kind, the infrared one first: ``infrared``, ``counts`` (16 bit beside 8 bit),
            ``visible``, ``mask``; HIT-UAV has one kind per annotation form; none in dumps of
            labels alone.
        objects: In the order of the label files.
        points: Centroids, in the order of the objects.
        labels: Label files about this sample alone.
        partner_matrix: Infrared to visible edge coordinates, 2x3; identity rows for registered
            pairs, ``None`` without a partner.
        attributes: Further facts (altitude, date, scene …).
        sequence: Its sequence, or ``""``.
        frame: The publisher's frame number in the sequence, -1 if none.
        identity: For re-identification, -1 if none.
        camera: Likewise.
        partner_objects: Labelled objects of the visible picture, in its own pixels, where a source
            labels both sides.
    """

    name: str
    index: int
    split: str
    pictures: dict[str, TruePicture]
    objects: list[TrueObject] = field(default_factory=list)
    points: list[TruePoint] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    partner_matrix: Matrix | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    sequence: str = ""
    frame: int = -1
    identity: int = -1
    camera: int = -1
    partner_objects: list[TrueObject] = field(default_factory=list)

    @property
    def infrared(self) -> TruePicture:
        """The infrared picture (the first kind).

        Raises:
            KeyError: If the dump has labels alone.
        """
        if not self.pictures:
            msg = f"sample {self.name!r} has no picture, labels alone"
            raise KeyError(msg)
        return next(iter(self.pictures.values()))

    @property
    def visible(self) -> TruePicture | None:
        """The visible partner, if there is one."""
        return self.pictures.get("visible")

    @property
    def mask(self) -> TruePicture | None:
        """The mask picture, if there is one."""
        return self.pictures.get("mask")


@dataclass(slots=True)
class Truth:
    """All samples of a written dump, in index order, and how to draw them again.

    Attributes:
        source: Key of the source.
        variant: Which of its layouts.
        seed: Seed of the dump.
        size: ``(height, width)`` asked for, or ``None`` for the source's own sizes.
        categories: The publisher's words that may occur.
        samples: In index order.
    """

    source: str
    variant: str
    seed: int
    size: tuple[int, int] | None
    categories: tuple[str, ...]
    samples: list[TrueSample] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[TrueSample]:
        return iter(self.samples)

    def __getitem__(self, name: str) -> TrueSample:
        for sample in self.samples:
            if sample.name == name:
                return sample
        msg = f"no sample {name!r} in this dump of {self.source}"
        raise KeyError(msg)

    def by_path(self, path: str) -> TrueSample:
        """Find the sample that owns a picture or label file.

        Raises:
            KeyError: If no sample does.
        """
        for sample in self.samples:
            if path in sample.labels or any(p.path == path for p in sample.pictures.values()):
                return sample
        msg = f"no sample of this dump owns {path!r}"
        raise KeyError(msg)

    def pixels(self, sample: TrueSample | str, kind: str | None = None) -> NDArray[np.generic]:
        """Draw one picture again: what a lossless file holds, or what was given to the JPEG coder.

        Args:
            sample: The sample or its name.
            kind: One of its ``pictures``; the infrared one by default.

        Returns:
            uint8 or uint16, (h, w) for modes ``L``, ``P`` (grey levels, not palette indices) and
            ``I;16``, else (h, w, 3) or (h, w, 4).

        Raises:
            KeyError: If there is no such sample or picture.
        """
        from irtd_fast.synth.dump import make_writer

        found = self[sample] if isinstance(sample, str) else sample
        writer = make_writer(self.source, seed=self.seed, variant=self.variant, size=self.size)
        drawn = writer.draw(found.index)
        return drawn.arrays[kind or next(iter(found.pictures), "infrared")]

    def save(self, path: Path) -> None:
        """Write everything but pixels as JSON (put it outside the dump)."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Truth:
        """Read what ``save`` wrote.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is not JSON.
        """
        data = json.loads(path.read_text(encoding="utf-8"))
        samples = [_sample(record) for record in data.pop("samples")]
        size = data.pop("size")
        categories = tuple(data.pop("categories"))
        return cls(
            **data, size=tuple(size) if size else None, categories=categories, samples=samples
        )


def _sample(record: dict[str, Any]) -> TrueSample:
    pictures = {kind: TruePicture(**value) for kind, value in record.pop("pictures").items()}
    objects = [TrueObject(**_tuples(value)) for value in record.pop("objects")]
    partner_objects = [TrueObject(**_tuples(v)) for v in record.pop("partner_objects")]
    points = [TruePoint(**value) for value in record.pop("points")]
    matrix = record.pop("partner_matrix")
    return TrueSample(
        **record,
        pictures=pictures,
        objects=objects,
        points=points,
        partner_objects=partner_objects,
        partner_matrix=(tuple(matrix[0]), tuple(matrix[1])) if matrix else None,
    )


def _tuples(record: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in record.items()}
