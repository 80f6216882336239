"""Plant known defects into a written dump, to see that readers report each of them.

Every defect hits another sample, so one report never hides the next.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import SourceLayoutError, UnknownSourceError
from irtd_fast.synth.defect_labels import LabelSurgeon, label_surgeons
from irtd_fast.synth.scene import generator
from irtd_fast.synth.writers import PNG_SIGNATURE, encode_jpeg, encode_png, png_chunk

DEFECTS = {
    "empty-file": "a picture of 0 bytes",
    "truncated-image": "a picture whose second half is missing; the header is whole",
    "mislabelled-image": "a picture in another encoding than its name says",
    "lfs-pointer": "the text that git-LFS leaves when the picture was not fetched",
    "huge-image": "a header that claims 65,000 pixels and more on both sides",
    "symlink-outside": "a link to a picture outside of the dump",
    "xml-doctype": "an XML file with a document type and an entity",
    "inverted-box": "a box whose right edge lies left of its left edge",
    "nan-box": "a box with a coordinate that is not a number",
    "out-of-frame-box": "a box that reaches 37 pixels beyond the right border",
    "label-without-image": "a label file or record of a picture that is not there",
    "image-without-label": "a picture whose label file or record was taken away",
}

# Where the infrared pictures are. The first pattern names the samples; HIT-UAV has copies.
_PICTURES = {
    "llvip": ("infrared/*/*.jpg",),
    "flir-v1": ("*/thermal_8_bit/*.jpeg", "*/PreviewData/*.jpeg"),
    "flir-v1-16bit": ("*/thermal_16_bit/*.tiff", "thermal_16_bit/*.tiff"),
    "irstd-1k": ("IRSTD1k_Img/*.png",),
    "sirst-v2": ("images/targets/*.png",),
    "hit-uav": ("normal_json/*/*.jpg",),
}
_COPIES = ("normal_xml/JPEGImages", "rotate_json/{split}", "rotate_xml/JPEGImages")
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def add_defects(root: Path, source: str, seed: int = 0) -> list[tuple[str, str]]:
    """Plant each kind of defect that the source's layout allows, once.

    HIT-UAV gets damaged pictures in all four copies, XML defects in ``normal_xml`` and the other
    label defects in ``normal_xml`` and ``normal_json``. The target of ``symlink-outside`` is kept
    beside the dump, in ``<root>-outside``.

    Args:
        root: A dump that ``write_dump`` wrote.
        source: Its source.
        seed: Chooses the victims.

    Returns:
        ``(path, code)`` of every planted defect; paths relative to ``root``, POSIX; codes are the
        keys of ``DEFECTS``.

    Raises:
        UnknownSourceError: If no layout of that source is known.
        SourceLayoutError: If ``root`` has too few pictures or labels to spread the defects over.
    """
    if source not in _PICTURES:
        msg = f"no defects known for source {source!r}, only for: {', '.join(sorted(_PICTURES))}"
        raise UnknownSourceError(msg, source=source)
    pictures = [
        path.relative_to(root).as_posix()
        for pattern in _PICTURES[source]
        for path in sorted(root.glob(pattern))
        if not path.is_symlink()
    ]
    rng = generator(seed, f"{source} defects", 0)
    order = [pictures[int(place)] for place in rng.permutation(len(pictures))]
    planted: list[tuple[str, str]] = []
    for surgeon in label_surgeons(root, source):
        planted += _hurt_labels(surgeon, order, source)
    for code, damage in _DAMAGES.items():
        victim = _take(order, source)
        for path in _copies(root, victim, source):
            damage(root / path)
            planted.append((path, code))
    victim = _take(order, source)
    for path in _copies(root, victim, source):
        _move_outside(root / path, root)
        planted.append((path, "symlink-outside"))
    return planted


def _take(order: list[str], source: str, fits: Callable[[str], bool] = lambda _: True) -> str:
    for place, path in enumerate(order):
        if fits(path):
            return order.pop(place)
    msg = f"{source}: too few labelled pictures to spread the defects over; write a larger dump"
    raise SourceLayoutError(msg, source=source)


def _hurt_labels(surgeon: LabelSurgeon, order: list[str], source: str) -> list[tuple[str, str]]:
    planted = []
    for code in surgeon.codes:
        victim = _take(order, source, surgeon.has_objects)
        planted.append((surgeon.hurt(victim, code), code))
    return planted


def _copies(root: Path, picture: str, source: str) -> Sequence[str]:
    if source != "hit-uav":
        return (picture,)
    _, split, name = picture.split("/")
    others = (f"{folder.format(split=split)}/{name}" for folder in _COPIES)
    return (picture, *(path for path in others if (root / path).exists()))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    start = content.find(b"\xff\xda") + 14 if content.startswith(b"\xff\xd8") else 64
    path.write_bytes(content[: start + (len(content) - start) // 2])


def _mislabel(path: Path) -> None:
    pixels, encoding = _decode(path.read_bytes())
    grey = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., 0])
    path.write_bytes(encode_jpeg(grey) if encoding == "png" else encode_png(pixels))


def _decode(content: bytes) -> tuple[NDArray[np.generic], str]:
    import imagecodecs

    if content.startswith(PNG_SIGNATURE):
        return np.asarray(imagecodecs.png_decode(content)), "png"
    if content.startswith(b"\xff\xd8"):
        return np.asarray(imagecodecs.jpeg8_decode(content)), "jpeg"
    return np.asarray(imagecodecs.tiff_decode(content)), "tiff"


def _point(path: Path) -> None:
    content = path.read_bytes()
    text = _POINTER.format(hashlib.sha256(content).hexdigest(), len(content))
    path.write_text(text, encoding="ascii")


def _inflate(path: Path) -> None:
    content = bytearray(path.read_bytes())
    if content.startswith(PNG_SIGNATURE):
        header = struct.pack(">II", 65_500, 65_500) + bytes(content[24:29])
        content[8:33] = png_chunk(b"IHDR", header)
    elif content.startswith(b"\xff\xd8"):
        place = _frame_header(content)
        struct.pack_into(">HH", content, place + 5, 65_500, 65_500)
    else:
        _inflate_tiff(content)
    path.write_bytes(bytes(content))


def _frame_header(content: bytearray) -> int:
    place = 2
    while content[place + 1] not in _FRAME_HEADERS:
        place += 2 + int(struct.unpack_from(">H", content, place + 2)[0])
    return place


def _inflate_tiff(content: bytearray) -> None:
    (place,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, place)
    for entry in range(place + 2, place + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, entry)[0] in (256, 257):
            struct.pack_into("<I", content, entry + 8, 65_500)


def _move_outside(path: Path, root: Path) -> None:
    outside = root.resolve().with_name(f"{root.resolve().name}-outside")
    outside.mkdir(exist_ok=True)
    target = outside / "-".join(path.relative_to(root).parts)
    path.replace(target)
    path.symlink_to(os.path.relpath(target, path.parent.resolve()))


_DAMAGES: dict[str, Callable[[Path], None]] = {
    "empty-file": _empty,
    "truncated-image": _truncate,
    "mislabelled-image": _mislabel,
    "lfs-pointer": _point,
    "huge-image": _inflate,
}
