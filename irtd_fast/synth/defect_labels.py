"""Damage to labels: one small surgeon per kind of label file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

_BOX_CODES = ("inverted-box", "nan-box", "out-of-frame-box")
_ORPHAN_CODES = ("label-without-image", "image-without-label")
_BEYOND = 37
_DOCTYPE = b'<!DOCTYPE annotation [<!ENTITY more "Target Target Target">]>\n'
# A name that no writer gives to a picture.
_GHOST = "987654"


class LabelSurgeon(Protocol):
    """Knows one kind of labels and how to spoil them."""

    @property
    def codes(self) -> Sequence[str]:
        """Defects it can plant."""
        ...

    def has_objects(self, picture: str) -> bool:
        """Whether the picture has a label with at least one object."""
        ...

    def hurt(self, picture: str, code: str) -> str:
        """Plant one defect and return the path to report: label file, or picture left alone."""
        ...


def label_surgeons(root: Path, source: str) -> list[LabelSurgeon]:
    """Find the surgeons for the label files that a dump of this source has."""
    if source == "llvip":
        return [_Xml(root, "Annotations")]
    if source == "hit-uav":
        return [
            _Xml(root, "normal_xml/Annotations"),
            _Coco(root, "normal_json/annotations/{}.json"),
        ]
    if source == "sirst-v2":
        return [_Xml(root, "annotations/bboxes")]
    if source == "irstd-1k":
        return [_Masks(root, "IRSTD1k_Label")]
    if (root / "training").is_dir():
        return [_PerImage(root)]
    if any(root.glob("*/thermal_annotations.json")):
        return [_Coco(root, "{}/thermal_annotations.json")]
    return []


class _Xml:
    """One XML per picture with ``bndbox`` corners."""

    codes = ("xml-doctype", *_BOX_CODES, *_ORPHAN_CODES)

    def __init__(self, root: Path, folder: str) -> None:
        self.root = root
        self.folder = folder

    def _path(self, picture: str) -> str:
        return f"{self.folder}/{PurePosixPath(picture).stem}.xml"

    def has_objects(self, picture: str) -> bool:
        file = self.root / self._path(picture)
        return file.exists() and b"<xmax>" in file.read_bytes()

    def hurt(self, picture: str, code: str) -> str:
        path = self._path(picture)
        file = self.root / path
        content = file.read_bytes()
        if code == "image-without-label":
            file.unlink()
            return picture
        if code == "label-without-image":
            path = self._path(_GHOST)
            stem = PurePosixPath(picture).stem.encode()
            (self.root / path).write_bytes(content.replace(stem, _GHOST.encode()))
            return path
        file.write_bytes(_DOCTYPE + content if code == "xml-doctype" else _spoil_xml(content, code))
        return path


def _spoil_xml(content: bytes, code: str) -> bytes:
    low, high = _text(content, b"xmin"), _text(content, b"xmax")
    if code == "inverted-box":
        return _swap(_swap(content, b"xmin", high), b"xmax", low)
    if code == "nan-box":
        return _swap(content, b"xmin", b"nan")
    return _swap(content, b"xmax", str(int(_text(content, b"width")) + _BEYOND).encode())


def _text(content: bytes, tag: bytes) -> bytes:
    found = re.search(rb"<%b>([^<]*)<" % tag, content)
    if found is None:
        msg = f"no <{tag.decode()}> in the label file"
        raise ValueError(msg)
    return found.group(1)


def _swap(content: bytes, tag: bytes, text: bytes) -> bytes:
    return re.sub(rb"<%b>[^<]*<" % tag, b"<%b>%b<" % (tag, text), content, count=1)


def _spoil_box(box: list[Any], code: str, width: int) -> None:
    if code == "inverted-box":
        box[0], box[2] = box[0] + box[2], -box[2]
    elif code == "nan-box":
        box[0] = math.nan
    else:
        box[2] = width + _BEYOND - box[0]


class _Coco:
    """One COCO file per split; pictures lie in folders of the split's name."""

    codes = (*_BOX_CODES, *_ORPHAN_CODES)

    def __init__(self, root: Path, pattern: str) -> None:
        self.root = root
        self.pattern = pattern
        self.loaded: dict[str, dict[str, Any]] = {}

    def _path(self, picture: str) -> str:
        parts = PurePosixPath(picture).parts
        return self.pattern.format(parts[1] if self.pattern.startswith(parts[0]) else parts[0])

    def _load(self, path: str) -> dict[str, Any]:
        if path not in self.loaded:
            data: dict[str, Any] = json.loads((self.root / path).read_bytes())
            self.loaded[path] = data
        return self.loaded[path]

    def _records(self, picture: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        data = self._load(self._path(picture))
        stem = PurePosixPath(picture).stem
        image = next(i for i in data["images"] if PurePosixPath(_name(i)).stem == stem)
        return image, [a for a in _annotations(data) if a["image_id"] == image["id"]]

    def has_objects(self, picture: str) -> bool:
        return bool(self._records(picture)[1])

    def hurt(self, picture: str, code: str) -> str:
        path = self._path(picture)
        data = self._load(path)
        image, records = self._records(picture)
        if code == "image-without-label":
            data["images"].remove(image)
            for record in records:
                _annotations(data).remove(record)
        elif code == "label-without-image":
            key = "filename" if "filename" in image else "file_name"
            name = image[key].replace(PurePosixPath(picture).stem, _GHOST)
            number = max(entry["id"] for entry in data["images"]) + 1
            last = max(entry["id"] for entry in _annotations(data)) + 1
            data["images"].append({**image, key: name, "id": number})
            _annotations(data).append({**records[0], "image_id": number, "id": last})
        else:
            _spoil_box(records[0]["bbox"], code, image["width"])
        (self.root / path).write_text(json.dumps(data), encoding="utf-8")
        return picture if code == "image-without-label" else path


def _name(image: dict[str, Any]) -> str:
    return str(image["filename"] if "filename" in image else image["file_name"])


def _annotations(data: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data["annotations" if "annotations" in data else "annotation"]
    return found


class _PerImage:
    """FLIR v1.0: one JSON per picture in the sibling folder ``Annotations``."""

    codes = (*_BOX_CODES, *_ORPHAN_CODES)

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, picture: str, stem: str = "") -> str:
        place = PurePosixPath(picture)
        return f"{place.parts[0]}/Annotations/{stem or place.stem}.json"

    def has_objects(self, picture: str) -> bool:
        file = self.root / self._path(picture)
        return file.exists() and bool(json.loads(file.read_bytes())["annotation"])

    def hurt(self, picture: str, code: str) -> str:
        path = self._path(picture)
        file = self.root / path
        data = json.loads(file.read_bytes())
        if code == "image-without-label":
            file.unlink()
            return picture
        if code == "label-without-image":
            path = self._path(picture, f"FLIR_{_GHOST}")
            data["image"]["file_name"] = f"FLIR_{_GHOST}"
        else:
            _spoil_box(data["annotation"][0]["bbox"], code, data["image"]["width"])
        (self.root / path).write_text(json.dumps(data, indent=4), encoding="utf-8")
        return path


class _Masks:
    """One mask picture per picture, of the same name."""

    codes = _ORPHAN_CODES

    def __init__(self, root: Path, folder: str) -> None:
        self.root = root
        self.folder = folder

    def has_objects(self, picture: str) -> bool:
        return (self.root / self.folder / PurePosixPath(picture).name).exists()

    def hurt(self, picture: str, code: str) -> str:
        mask = self.root / self.folder / PurePosixPath(picture).name
        if code == "image-without-label":
            mask.unlink()
            return picture
        ghost = f"{self.folder}/XDU{_GHOST}.png"
        (self.root / ghost).write_bytes(mask.read_bytes())
        return ghost
