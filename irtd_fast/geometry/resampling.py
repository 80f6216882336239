"""Pictures under one affine each: crop, resize, mirror, turn, normalise, cast and lay out at once.

One description serves pictures, boxes and points: a 2x3 matrix from the picture's pixel edges to
the result's (``geometry.matrix`` builds and composes them), or a window, which is short for the
matrix that cuts and resizes it. Matrices that keep the axes mean "cut the window, then resize", as
``cv2.resize`` and ``torch.nn.functional.interpolate`` do on the cut; all others sample the picture
at exact positions, where ``cv2.warpAffine`` has multiples of 1/32 of a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irtd_fast import _core
from irtd_fast.geometry.matrix import crop

Filter = Literal["nearest", "bilinear", "area", "antialias"]
Border = Literal["replicate", "constant", "reflect", "reflect101"]
PixelType = Literal["uint8", "uint16", "float16", "bfloat16", "float32", "int32"]
Layout = Literal["chw", "hwc", "hw"]
Picture = NDArray[Any]

_CHANNELS = 3


@dataclass(frozen=True)
class Normalize:
    """What happens to values once they are resampled: ``clip(v * scale + offset)``.

    Attributes:
        scale: One factor, or one for each of three channels.
        offset: What is added, likewise.
        low: Results below become this.
        high: Results above become this.
        tone: What takes each count's place before anything is mixed, as if the picture had gone
            through this table first: (256,) for uint8 pictures, (65536,) for uint16, float32.
    """

    scale: float | Sequence[float] = 1.0
    offset: float | Sequence[float] = 0.0
    low: float = -math.inf
    high: float = math.inf
    tone: NDArray[np.float32] | None = None

    @classmethod
    def mean_std(
        cls, mean: float | Sequence[float], std: float | Sequence[float], *, top: float = 255.0
    ) -> Normalize:
        """``(v / top - mean) / std``, by channel if there are three of each."""
        means, stds = _triple(mean), _triple(std)
        if not all(s > 0 for s in stds):
            raise ValueError(f"std must be positive, found {std}")
        return cls(
            tuple(1 / (top * s) for s in stds),
            tuple(-m / s for m, s in zip(means, stds, strict=True)),
        )


def resample(
    image: Picture,
    where: ArrayLike,
    size: tuple[int, int],
    *,
    filter: Filter = "antialias",
    border: Border = "replicate",
    border_value: float = 0.0,
    dtype: PixelType | None = None,
    channels: int | None = None,
    layout: Layout = "chw",
    normalize: Normalize | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Resample one picture.

    Args:
        image: (height, width) or (height, width, 3) of uint8, uint16, float32 or int32 (labels),
            with any strides; only pixels that are not adjacent within a row are copied first.
        where: A window (x0, y0, x1, y1) in pixel edges, which must overlap the picture, or a
            (2, 3) matrix from the picture's edges to the result's.
        size: (height, width) of the result.
        filter: ``antialias`` is bilinear where it enlarges and a triangle over two output pixels
            where it reduces (torchvision, Pillow); ``area`` the mean over the output pixel (cv2's
            INTER_AREA); ``bilinear`` cv2's INTER_LINEAR, whatever the reduction; ``nearest`` the
            pixel at the centre (cv2's INTER_NEAREST_EXACT), for masks and labels.
        border: What lies beyond the picture: ``replicate`` aaa|abcd|ddd, ``constant``, ``reflect``
            cba|abcd|dcb, ``reflect101`` dcb|abcd|cba.
        border_value: Of ``constant``, before ``normalize`` scales (after its tone).
        dtype: Of the result, by default the picture's; ``bfloat16`` gives its bits as uint16.
            Integers are rounded half to even and saturate; NaN becomes 0 in them.
        channels: 1 or 3, by default the picture's. Gray repeats; RGB becomes BT.601 luma.
        layout: ``chw``, ``hwc``, or ``hw`` for one channel without its axis.
        normalize: Affine, clip and tone.
        out: Where the result goes, of its shape and dtype, C-contiguous.

    Raises:
        ValueError: An argument outside of the above; a matrix that is singular or not finite.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image must be a NumPy array, found {type(image).__name__}")
    matrix = as_matrices(np.asarray(where, np.float64)[None], size)
    _check_windows([image], np.asarray(where, np.float64)[None])
    batch = None if out is None else out[None]
    done: NDArray[Any] = resample_batch(
        [image], matrix, size, filter=filter, border=border, border_value=border_value,
        dtype=dtype, channels=channels, layout=layout, normalize=normalize, out=batch, threads=1,
    )[0]  # fmt: skip
    return done


def resample_batch(
    images: Sequence[Picture],
    where: ArrayLike,
    size: tuple[int, int],
    *,
    filter: Filter = "antialias",
    border: Border = "replicate",
    border_value: float = 0.0,
    dtype: PixelType | None = None,
    channels: int | None = None,
    layout: Layout = "chw",
    normalize: Normalize | None = None,
    out: NDArray[Any] | None = None,
    threads: int = 0,
) -> NDArray[Any]:
    """Resample pictures of any sizes to one, over threads, each as ``resample`` does.

    Args:
        images: The pictures; their types may differ if ``dtype`` is given.
        where: (n, 4) windows or (n, 2, 3) matrices.
        size: (height, width) of the results.
        filter: See ``resample``.
        border: See ``resample``.
        border_value: See ``resample``.
        dtype: See ``resample``.
        channels: See ``resample``.
        layout: See ``resample``; the result has the pictures as its first axis.
        normalize: See ``resample``; the same for all.
        out: See ``resample``; must not share memory with a picture.
        threads: By default as many as there are cores.

    Raises:
        ValueError: An argument outside of the above, with the picture's number.
    """
    places = np.asarray(where, np.float64)
    matrices = as_matrices(places, size)
    if places.ndim == 2:
        _check_windows(images, places)
    if layout == "hw" and channels not in (None, 1):
        raise ValueError(f"layout hw has one channel, found channels={channels}")
    planes = channels or (1 if layout == "hw" else _one(images, _channels_of, "channels"))
    kind = dtype or _one(images, lambda image: image.dtype.name, "dtype")
    rule = normalize or Normalize()
    if out is not None and layout == "hw":
        out = out[:, None]
    tone = None if rule.tone is None else np.ascontiguousarray(rule.tone, np.float32)
    done: NDArray[Any] = _core.resample_batch(
        list(images), matrices, size, filter=filter, border=border, border_value=border_value,
        dtype=kind, channels=planes, layout="chw" if layout == "hw" else layout,
        scale=_triple(rule.scale), offset=_triple(rule.offset), clip=(rule.low, rule.high),
        tone=tone, out=out, threads=threads,
    )  # fmt: skip
    return done[:, 0] if layout == "hw" else done


def check_choice(name: str, value: str, choices: Any) -> None:
    """Refuse a word that is not among those of a ``Literal``.

    Raises:
        ValueError: The words are named.
    """
    words = get_args(choices)
    if value not in words:
        raise ValueError(f"{name} must be {', '.join(words)}, found {value!r}")


def as_matrices(where: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """(n, 2, 3) matrices from (n, 4) windows, or from such matrices themselves.

    Raises:
        ValueError: Another shape, or a window that is empty or not finite.
    """
    if where.ndim == 3 and where.shape[1:] == (2, 3):
        return np.ascontiguousarray(where)
    if where.ndim != 2 or where.shape[1] != 4:
        raise ValueError(
            f"expected windows (n, 4) or matrices (n, 2, 3) for n pictures, found {where.shape}"
        )
    if not np.isfinite(where).all():
        raise ValueError("a window is not finite")
    return crop(where, size)


def _check_windows(images: Sequence[Picture], places: NDArray[np.float64]) -> None:
    """A window that misses its picture is a mistake; a matrix may do so."""
    if places.ndim != 2 or len(images) != len(places):
        return
    for number, (image, (x0, y0, x1, y1)) in enumerate(zip(images, places, strict=True)):
        height, width = image.shape[:2] if image.ndim > 1 else (0, 0)
        if not (x0 < width and y0 < height and x1 > 0 and y1 > 0):
            raise ValueError(
                f"window {(x0, y0, x1, y1)} of picture {number} does not touch its "
                f"{height} x {width} pixels"
            )


def _channels_of(image: Picture) -> int:
    return image.shape[2] if image.ndim == 3 else 1


def _one(images: Sequence[Picture], what: Any, name: str) -> Any:
    found = {what(image) for image in images}
    if len(found) != 1:
        raise ValueError(f"{name} must be given: the pictures have {sorted(found) or 'none'}")
    return found.pop()


def _triple(value: float | Sequence[float]) -> tuple[float, float, float]:
    values = np.asarray(value, np.float64)
    if values.shape not in ((), (1,), (_CHANNELS,)):
        raise ValueError(f"expected one value or three, found shape {values.shape}")
    first, second, third = np.broadcast_to(values, (_CHANNELS,)).tolist()
    return first, second, third
