"""Arrays and pictures of a store as other libraries see them, without any code of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorstore as ts
import zarr
from numpy.typing import NDArray

Array = NDArray[Any]


def read_zarr(path: Path) -> Array:
    """Read a whole array with zarr-python."""
    return np.asarray(zarr.open_array(path, mode="r")[...])


def read_zarrs(path: Path) -> Array:
    """Read a whole array with the zarrs pipeline, set for this read only."""
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        return read_zarr(path)


def open_tensorstore(path: Path, **more: Any) -> Any:
    """Open an array with tensorstore, or create it."""
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}, **more}
    return ts.open(spec).result()


def read_tensorstore(path: Path) -> Array:
    """Read a whole array with tensorstore."""
    return np.asarray(open_tensorstore(path).read().result())


READERS = {"zarr": read_zarr, "zarrs": read_zarrs, "tensorstore": read_tensorstore}


class Pictures:
    """Pictures of one array of a source by row, through one of ``READERS``.

    Args:
        folder: The source's group.
        info: The array's entry in its attributes.
        reader: Key of ``READERS``.
    """

    def __init__(self, folder: Path, info: Any, reader: str) -> None:
        read, path = READERS[reader], folder / info.path
        self.info = info
        if info.kind == "bucket":
            self.values = read(path)
            return
        columns = ("values", "offsets", "lengths", "shape")
        self.values, self.offsets, self.lengths, self.shape = (read(path / c) for c in columns)

    def __getitem__(self, row: int) -> Array:
        if self.info.kind == "bucket":
            return self.values[row]
        first = int(self.offsets[row])
        stored = self.values[first : first + int(self.lengths[row])]
        height, width, channels = self.shape[row].tolist()
        if self.info.encoding == "jpeg":
            flag = cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR_RGB
            return np.asarray(cv2.imdecode(stored, flag))
        return stored.reshape((height, width) if channels == 1 else (height, width, channels))
