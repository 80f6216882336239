"""One sample of a dataset; pixels are read when they are asked for."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import CorruptStoreError
from irtd_fast.store.findings import PictureFlag
from irtd_fast.types import SampleFlag

if TYPE_CHECKING:
    from irtd_fast.store.dataset import Dataset
    from irtd_fast.store.source import Source

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


class Sample:
    """What a dataset knows about one sample.

    Attributes:
        index: Number in the dataset.
        source_name: Name of the source's group.
    """

    def __init__(self, dataset: Dataset, index: int) -> None:
        self._dataset = dataset
        self.index = index
        self._number = np.array([index], np.int64)
        self._source: Source = dataset.sources[int(dataset.source_codes[index])]
        self._row = int(dataset.rows[index])

    def __repr__(self) -> str:
        return f"Sample({self.source}/{self.name}, {self.height}x{self.width})"

    @property
    def source(self) -> str:
        """Name of the source."""
        return self._source.name

    @property
    def place(self) -> tuple[Source, int]:
        """The source, and the sample's row in its tables."""
        return self._source, self._row

    def _value(self, name: str) -> Any:
        return self._source.column("samples", name)[self._row]

    def _word(self, name: str, vocabulary: str) -> str:
        words: list[str] = self._source.attributes[vocabulary]
        return words[int(self._value(name))]

    @property
    def name(self) -> str:
        """Name, unique within the source."""
        name: str = self._source.names()[self._row]
        return name

    @property
    def id(self) -> str:
        """``source/name``, unique within the store."""
        return f"{self.source}/{self.name}"

    @property
    def split(self) -> str:
        """Canonical split, or ``""``."""
        return self._word("split", "splits")

    @property
    def scene(self) -> str:
        """Scene word, or ``""``."""
        return self._word("scene", "scenes")

    @property
    def sequence(self) -> str:
        """Sequence key, or ``""``."""
        return self._word("sequence", "sequences")

    @property
    def frame(self) -> int:
        """Frame number, -1 if none."""
        return int(self._value("frame"))

    @property
    def identity(self) -> int:
        """Identity for re-id, -1 if none."""
        return int(self._value("identity"))

    @property
    def camera(self) -> int:
        """Camera number, -1 if none."""
        return int(self._value("camera"))

    @property
    def flags(self) -> SampleFlag:
        """What is known about the sample as a whole."""
        return SampleFlag(int(self._value("flags")))

    @property
    def bits(self) -> int:
        """Bits that the counts really use: 8 for 8-bit content in a 16-bit picture."""
        has = self._source.has_column("samples", "infrared_bits")
        return int(self._value("infrared_bits")) if has else 8 * self.infrared.itemsize

    @property
    def found(self) -> PictureFlag:
        """What decoding found in the infrared picture."""
        has = self._source.has_column("samples", "infrared_found")
        return PictureFlag(int(self._value("infrared_found")) if has else 0)

    @cached_property
    def radiometry(self) -> dict[str, Any]:
        """Fields of ``images.RadiometricInfo`` that the file gives; empty if it is none.

        Raises:
            CorruptStoreError: The stored text is no table.
        """
        if not self._source.has_column("samples", "radiometry"):
            return {}
        text = self._value("radiometry")
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            message = f"sample {self.id}: expected radiometry as JSON, found {text[:80]!r}"
            raise CorruptStoreError(message, sample=self.id)
        return found

    @cached_property
    def attributes(self) -> dict[str, str]:
        """Further facts that the publisher gives about the picture; empty if none.

        Raises:
            CorruptStoreError: The stored text is no table of texts.
        """
        if not self._source.has_column("samples", "attributes"):
            return {}
        text = self._value("attributes")
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            message = f"sample {self.id}: expected attributes as JSON, found {text[:80]!r}"
            raise CorruptStoreError(message, sample=self.id)
        return found

    @property
    def height(self) -> int:
        """Rows of the infrared picture."""
        return int(self._value("height"))

    @property
    def width(self) -> int:
        """Columns of the infrared picture."""
        return int(self._value("width"))

    def _pixels(self, modality: str) -> Pixels | None:
        arrays, rows = self._dataset.locate(self._number, modality)
        if arrays[0] < 0:
            return None
        try:
            pixels: Pixels = self._dataset.pipeline.fetch(int(arrays[0]), int(rows[0]))
        except CorruptStoreError as error:
            where = {**error.where, "sample": self.id}
            raise CorruptStoreError(f"sample {self.id}: {error}", **where) from error
        return pixels

    @cached_property
    def infrared(self) -> Pixels:
        """Counts, (height, width) uint8 or uint16 ((height, width, 3) for false colour).

        Raises:
            CorruptStoreError: Stored bytes are damaged or missing; never zeros instead.
        """
        pixels = self._pixels("infrared")
        if pixels is None:
            raise CorruptStoreError(f"sample {self.id} has no infrared picture", sample=self.id)
        return pixels

    @cached_property
    def visible(self) -> Pixels | None:
        """The visible partner, (height, width, 3) or (height, width), or ``None``."""
        return self._pixels("visible")

    @cached_property
    def mask(self) -> Pixels | None:
        """The mask, (height, width), or ``None``."""
        return self._pixels("masks")

    @cached_property
    def _objects(self) -> Any:
        wanted = ("box", "track", "modality", "flags", "corners")
        return self._dataset.objects(self._number, wanted)

    @property
    def boxes(self) -> NDArray[np.float32]:
        """(n, 4) xyxy pixels of the picture they were labelled on (see ``object_modality``)."""
        boxes: NDArray[np.float32] = self._objects["box"]
        return boxes

    @property
    def corners(self) -> NDArray[np.float32] | None:
        """(n, 8) corners of oriented boxes (NaN where an object has none), or ``None``."""
        corners: NDArray[np.float32] = self._objects["corners"]
        return None if np.isnan(corners).all() else corners

    @property
    def categories(self) -> NDArray[np.int32]:
        """(n,) codes that index ``Dataset.categories``."""
        codes: NDArray[np.int32] = self._objects.category
        return codes

    @property
    def names(self) -> list[str]:
        """Category word of each object."""
        return [self._dataset.categories[code] for code in self.categories]

    @property
    def tracks(self) -> NDArray[np.int64]:
        """(n,) track numbers, -1 if none."""
        tracks: NDArray[np.int64] = self._objects["track"]
        return tracks

    @property
    def object_flags(self) -> NDArray[np.uint16]:
        """(n,) bits of ``types.ObjectFlag``."""
        flags: NDArray[np.uint16] = self._objects["flags"]
        return flags

    @property
    def object_modality(self) -> NDArray[np.uint8]:
        """(n,) which picture's ground truth: 0 infrared, 1 visible."""
        modality: NDArray[np.uint8] = self._objects["modality"]
        return modality

    @cached_property
    def _points(self) -> Any:
        return self._dataset.points(self._number, ("xy", "modality"))

    @property
    def points(self) -> NDArray[np.float32]:
        """(m, 2) labelled points, x then y."""
        points: NDArray[np.float32] = self._points["xy"]
        return points

    @property
    def point_names(self) -> list[str]:
        """Category word of each point."""
        return [self._dataset.categories[code] for code in self._points.category]

    @property
    def point_modality(self) -> NDArray[np.uint8]:
        """(m,) which picture's ground truth: 0 infrared, 1 visible."""
        modality: NDArray[np.uint8] = self._points["modality"]
        return modality
