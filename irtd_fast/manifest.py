"""The manifest: every sample of a dump as plain records, and what was wrong with it.

Saved as JSON lines: a header, then one line a sample, then one line a problem. Every later step
eats manifests; none of them walks the dump again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

from irtd_fast.errors import StoreFormatError
from irtd_fast.types import ImageInfo, ObjectRecord, PointRecord, Problem, SampleRecord

_VERSION = 1
_PICTURES = ("infrared", "visible", "mask")
_LISTS = ("objects", "points")
_SCALARS = tuple(f.name for f in fields(SampleRecord) if f.name not in _PICTURES + _LISTS)
_LAYOUT = {
    "sample": [*_SCALARS, *_PICTURES, *_LISTS],
    "image": [f.name for f in fields(ImageInfo) if f.name != "mtime_ns"],
    "object": [f.name for f in fields(ObjectRecord)],
    "point": [f.name for f in fields(PointRecord)],
    "problem": [f.name for f in fields(Problem)],
}
_scalars_of = attrgetter(*_SCALARS)
_image_of = attrgetter(*_LAYOUT["image"])
_TIME_AT = [f.name for f in fields(ImageInfo)].index("mtime_ns")  # its time stands apart
_object_of = attrgetter(*_LAYOUT["object"])
_point_of = attrgetter(*_LAYOUT["point"])
_problem_of = attrgetter(*_LAYOUT["problem"])


@dataclass(slots=True)
class Manifest:
    """What a dump holds.

    Attributes:
        source_key: Key of the catalogue record.
        variant: Layout that was found.
        root: The dump's root; all paths are relative to it.
        base: Folder below the root in which the layout was found, ``""`` or ending in ``/``.
        samples: In natural order of the infrared pictures' paths.
        problems: Defects, and what was done about each.
        sampling: Which pictures of a sequence were taken (``Sampling``); empty if all.
        notes: Facts worth knowing that are no defects.
    """

    source_key: str
    variant: str
    root: str
    base: str = ""
    samples: list[SampleRecord] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sampling: dict[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> str:
        """Write the manifest as JSON lines.

        Returns:
            The fingerprint, which costs next to nothing while the same text is at hand.

        Raises:
            OSError: The file cannot be written.
            ValueError: A number is not finite; ``scan`` leaves no such number in.
        """
        dumps = _encoder().encode
        header = {
            "irtd_manifest": _VERSION,
            "source": self.source_key,
            "variant": self.variant,
            "root": self.root,
            "base": self.base,
            "samples": len(self.samples),
            "problems": len(self.problems),
            "notes": self.notes,
            "sampling": self.sampling,
            "layout": _LAYOUT,
        }
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            file.write(dumps(header) + "\n")
            return self._digest(file.write)

    @classmethod
    def load(cls, path: str | Path) -> Manifest:
        """Read a saved manifest.

        Raises:
            StoreFormatError: Not a manifest of this version, damaged or cut off; path and line.
            OSError: The file cannot be read.
        """
        with Path(path).open("rb") as file:
            rows = _rows(file, str(path))
            header: Any = next(rows, None)
            if not isinstance(header, dict) or header.get("irtd_manifest") != _VERSION:
                _fail(path, 1, f"expected the header of a manifest, version {_VERSION}")
            if header.get("layout") != _LAYOUT:
                _fail(path, 1, f"expected the layout {_LAYOUT}, found {header.get('layout')}")
            values = list(rows)
        samples, problems = header["samples"], header["problems"]
        if len(values) != samples + problems:
            found = f"expected {samples} samples and {problems} problems, found {len(values)} lines"
            _fail(path, len(values) + 1, found)
        manifest = cls(header["source"], header["variant"], header["root"], header["base"])
        manifest.notes, manifest.sampling = header["notes"], header["sampling"]
        for number, value in enumerate(values):
            try:
                if number < samples:
                    manifest.samples.append(_unpack(value))
                else:
                    manifest.problems.append(Problem(*value))
            except (TypeError, ValueError, IndexError) as error:
                _fail(path, number + 2, str(error))
        return manifest

    def fingerprint(self) -> str:
        """Give the SHA-256 (hex) of what the manifest says about the data.

        The root and the files' times are left out, so a copied dump has the same fingerprint;
        the files' sizes are in it.
        """
        return self._digest(len)

    def _digest(self, write: Callable[[str], int]) -> str:
        """Pass on the line of every sample and problem, and hash all but the files' times."""
        encode = _encoder().encode
        digest = hashlib.sha256()
        for row in (_VERSION, self.source_key, self.variant, self.base):
            digest.update(encode(row).encode())
        for sample in self.samples:
            text = encode(_pack(sample))
            digest.update(text.encode())
            write(f"[{encode(_times(sample))},{text}]\n")
        for problem in self.problems:
            text = encode(_problem_of(problem))
            digest.update(text.encode())
            write(text + "\n")
        return digest.hexdigest()


def _encoder() -> json.JSONEncoder:
    # ASCII only: names with odd characters survive any editor and locale.
    return json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)


def _times(sample: SampleRecord) -> list[int | None]:
    pictures = (sample.infrared, sample.visible, sample.mask)
    return [None if picture is None else picture.mtime_ns for picture in pictures]


def _pack(sample: SampleRecord) -> list[Any]:
    pictures = [_pack_image(getattr(sample, name)) for name in _PICTURES]
    objects = [_object_of(item) for item in sample.objects]
    points = [_point_of(item) for item in sample.points]
    return [*_scalars_of(sample), *pictures, objects, points]


def _pack_image(image: ImageInfo | None) -> tuple[Any, ...] | None:
    if image is None:
        return None
    values: tuple[Any, ...] = _image_of(image)
    return values


def _unpack(row: list[Any]) -> SampleRecord:
    times, packed = row
    *scalars, infrared, visible, mask, objects, points = packed
    first, *partners = map(_unpack_image, (infrared, visible, mask), times)
    if first is None:
        raise ValueError("a sample without an infrared picture")
    sample = SampleRecord(infrared=first, **dict(zip(_SCALARS, scalars, strict=True)))
    sample.visible, sample.mask = partners
    for category, box, corners, *rest in objects:
        turned = None if corners is None else tuple(corners)
        sample.objects.append(ObjectRecord(category, tuple(box), turned, *rest))
    sample.points = [PointRecord(*point) for point in points]
    return sample


def _unpack_image(packed: list[Any] | None, time: int | None) -> ImageInfo | None:
    if packed is None:
        return None
    values: list[Any] = [*packed[:_TIME_AT], time, *packed[_TIME_AT:]]
    return ImageInfo(*values)


def _rows(lines: Iterable[bytes], path: str) -> Iterator[Any]:
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            _fail(path, number, str(error))


def _fail(path: str | Path, line: int, message: str) -> NoReturn:
    raise StoreFormatError(f"{path}, line {line}: {message}", path=str(path), line=line)
