"""Look into the pictures: what only their pixels tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from irtd_fast.catalog import SourceRecord
from irtd_fast.doctor.findings import Finding, some
from irtd_fast.doctor.fit import Contrast
from irtd_fast.errors import DecodeError
from irtd_fast.images import Image, find_colour, find_depth
from irtd_fast.manifest import Manifest
from irtd_fast.store.pictures import PictureFiles, by_file, decode_for
from irtd_fast.types import ImageInfo, SampleRecord

_WHITE = 250  # of the border that DroneVehicle's publisher painted; JPEG lets it drop a little
_WHITE_SHARE = 0.98


@dataclass
class Look:
    """What one picture's pixels say.

    Attributes:
        sample: Its sample.
        code: Finding about it, ``""`` for none.
        message: What was expected and found.
        contrast: For the fit of its labels, if it has any.
        eight_in_sixteen: 8-bit content in 16 bits.
    """

    sample: SampleRecord
    code: str = ""
    message: str = ""
    contrast: Contrast | None = None
    eight_in_sixteen: bool = False


@dataclass
class Looks:
    """The pictures that were decoded, and what was found.

    Attributes:
        looks: One a picture.
        findings: Codes with their places.
    """

    looks: list[Look] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def look_at_pictures(
    root: Path,
    manifest: Manifest,
    record: SourceRecord,
    numbers: Sequence[int],
    *,
    threads: int,
    tick: Callable[[int], None],
) -> Looks:
    """Decode infrared pictures and what belongs to them.

    Args:
        root: The dump.
        manifest: Its samples.
        record: What they should be.
        numbers: Samples to look at.
        threads: Decoding threads.
        tick: Told how many are done.
    """
    looker = _Looker(root, manifest, record)
    result = Looks()
    groups = by_file(numbers, [sample.infrared for sample in manifest.samples])
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for looks in pool.map(looker.look_at_some, groups):
            result.looks += looks
            tick(len(result.looks))
    result.findings += _grouped(result.looks)
    result.findings += _depth_findings(result.looks)
    return result


class _Looker:
    def __init__(self, root: Path, manifest: Manifest, record: SourceRecord) -> None:
        self._manifest, self._files = manifest, PictureFiles(root)
        self._bits = record.bit_depth_of(record.variant(manifest.variant))
        self._tolerance = record.variant(manifest.variant).chroma_tolerance

    def look_at_some(self, numbers: list[int]) -> list[Look]:
        return [self.look(number) for number in numbers]

    def look(self, number: int) -> Look:
        sample = self._manifest.samples[number]
        look = Look(sample)
        try:
            pixels = self._decode(sample.infrared, "infrared")
        except (DecodeError, OSError) as error:
            look.code, look.message = self._undecodable(sample.infrared, error)
            return look
        look.code, look.message = self._judge(pixels, sample.infrared)
        if pixels.dtype == np.uint16:
            look.eight_in_sixteen = find_depth(pixels).eight_in_sixteen
        if any(item.modality == "infrared" for item in sample.objects):
            look.contrast = Contrast(pixels)
        if not look.code and sample.visible is not None:
            try:
                self._decode(sample.visible, "visible")
            except (DecodeError, OSError) as error:
                look.code, look.message = self._undecodable(sample.visible, error)
        return look

    def _decode(self, picture: ImageInfo, modality: str) -> Image:
        return decode_for(self._files.read(picture), picture, modality, self._tolerance)

    def _undecodable(self, picture: ImageInfo, error: Exception) -> tuple[str, str]:
        """A picture that is whole but in colour is another finding than a damaged one."""
        message = f"{picture.path}: {error}"
        if not isinstance(error, DecodeError) or "deviation" not in error.where:
            return "damaged-image", message
        try:
            colours = self._colours(picture, self._tolerance)
        except (DecodeError, OSError):
            return "damaged-image", message
        found = find_colour(colours)
        if found.kind == "pseudo":
            return "pseudo-colour", f"{picture.path}: expected gray, found a colour map"
        return "not-gray", message

    def _judge(self, pixels: Image, picture: ImageInfo) -> tuple[str, str]:
        low, high = int(pixels.min()), int(pixels.max())
        if low == high:
            return "constant-image", f"{picture.path}: every pixel is {low}"
        if 8 * pixels.dtype.itemsize != self._bits:
            found = f"expected {self._bits} bit a pixel, found {8 * pixels.dtype.itemsize}"
            return "other-bit-depth", f"{picture.path}: {found}"
        if picture.border:
            share = self._white_share(picture)
            if share < _WHITE_SHARE:
                message = f"expected a white border of {picture.border} pixels"
                return "border-not-white", f"{picture.path}: {message}, {share:.0%} is white"
        return "", ""

    def _colours(self, picture: ImageInfo, tolerance: int) -> Image:
        """The whole picture as it is stored, border and colours included."""
        stored = replace(picture, channels=3, part="", border=0)
        return decode_for(self._files.read(picture), stored, "infrared", tolerance)

    def _white_share(self, picture: ImageInfo) -> float:
        whole = self._colours(picture, tolerance=255)
        edge = np.ones(whole.shape[:2], bool)
        n = picture.border
        edge[n:-n, n:-n] = False
        return float((whole[edge] >= _WHITE).mean())


_TEXTS = {
    "damaged-image": ("error", "download it again, or leave it out; an ingest leaves it out"),
    "pseudo-colour": (
        "warning",
        (
            "the record says gray: use a record with channels for pseudo-colour (luminance or a "
            "palette), the counts are lost"
        ),
    ),
    "not-gray": ("error", "an ingest leaves it out; is it the visible picture?"),
    "constant-image": ("warning", "a blind frame; leave it out of training"),
    "other-bit-depth": ("warning", "counts and their 8-bit rendering are not the same picture"),
    "border-not-white": ("warning", "it was cut off already, or is another picture"),
}


def _grouped(looks: Sequence[Look]) -> Iterator[Finding]:
    for code, (severity, advice) in _TEXTS.items():
        texts = [look.message for look in looks if look.code == code]
        if texts:
            yield Finding(
                code, "error" if severity == "error" else "warning", texts[0], len(texts),
                some(texts), advice,
            )  # fmt: skip


def _depth_findings(looks: Sequence[Look]) -> Iterator[Finding]:
    deep = [look for look in looks if look.sample.infrared.dtype == "uint16"]
    shallow = [look.sample.infrared.path for look in deep if look.eight_in_sixteen]
    if shallow:
        yield Finding(
            "eight-in-sixteen", "warning",
            f"expected 16-bit counts, found 8-bit content in {len(shallow)} of {len(deep)}",
            len(shallow), some(shallow),
            "these are display pictures, not counts: keep them out of radiometric training",
        )  # fmt: skip
