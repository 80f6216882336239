"""Write published text files: the eight containers byte for byte, or valid JSON arrays.

Every entry is what ``json.dumps(entry, indent=4)`` gives; what stands before, between and behind
the entries differs from file to file, and one published file is no JSON at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from pathlib import Path

from irtd_fast.official.container import Entry

CONTAINERS = ("official", "array")


@dataclass(frozen=True, slots=True)
class Container:
    """What surrounds the entries of a file.

    Attributes:
        before: First bytes of the file.
        after: Last bytes.
        indent: Blanks before every line of an entry.
    """

    before: str
    after: str
    indent: int = 0


ARRAY = Container("[\n", "\n]", 4)  # json.dumps(entries, indent=4)

PUBLISHED: dict[str, Container] = {
    "AerialCounting": Container("[", "]\n"),
    "Detection": Container("", ",\n"),
    "Location": Container("[\n", "\n]"),
    "PedestrianCounting": Container("[", "]"),
    "ReID": ARRAY,
    "Recognition": Container("[", "]\n"),
    "Relationship": Container("[\n", "\n]\n"),
    "Security": Container("[\n", "\n]"),
}


def container_of(name: str, form: str = "official") -> Container:
    """Give the container of a file.

    Args:
        name: Of the file, without extension.
        form: ``official``, where files that were never published are arrays; or ``array``.

    Raises:
        ValueError: Another form.
    """
    if form not in CONTAINERS:
        raise ValueError(f"container must be one of {', '.join(CONTAINERS)}, found {form!r}")
    return PUBLISHED.get(name, ARRAY) if form == "official" else ARRAY


def write_container(entries: Iterable[Entry], container: Container) -> bytes:
    """Give the bytes of a file.

    Args:
        entries: In their order.
        container: What surrounds them.

    Returns:
        ASCII, as the published files are; of no entries at all an empty array.
    """
    body = ",\n".join([_entry_text(entry, container.indent) for entry in entries])
    if not body:
        return b"[]\n"
    return f"{container.before}{body}{container.after}".encode("ascii")


def _entry_text(entry: Entry, indent: int) -> str:
    """One entry as ``json.dumps(..., indent=4)`` writes it; an order faster."""
    name, image, question, answer = map(
        encode_basestring_ascii, (entry.id, entry.image, entry.question, entry.answer)
    )
    text = (
        f'{{\n    "id": {name},\n    "image": [\n        {image}\n    ],\n'
        '    "conversations": [\n        {\n            "from": "human",\n'
        f'            "value": {question}\n        }},\n        {{\n'
        f'            "from": "gpt",\n            "value": {answer}\n        }}\n    ]\n}}'
    )
    blanks = " " * indent
    return blanks + text.replace("\n", f"\n{blanks}") if indent else text


def write_official(
    files: Mapping[str, Iterable[Entry]],
    out: str | Path,
    *,
    form: str = "official",
    replace: bool = False,
) -> dict[str, Path]:
    """Write text files into a folder, each whole or not at all.

    Args:
        files: Name without extension -> entries.
        out: Folder; made if missing.
        form: As for ``container_of``.
        replace: Write over files that are there.

    Returns:
        Name -> the file written.

    Raises:
        FileExistsError: A file is there already; then nothing is written.
        ValueError: An unknown form, or a name that is no file name.
    """
    folder = Path(out)
    contents = {}
    for name, entries in files.items():
        if not name or name in (".", "..") or "/" in name or "\0" in name:
            raise ValueError(f"expected the name of a file without extension, found {name!r}")
        contents[folder / f"{name}.json"] = write_container(entries, container_of(name, form))
    if not replace:
        for path in contents:
            if path.exists():
                raise FileExistsError(17, "is there already; --replace writes over it", str(path))
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return {path.stem: path for path in contents}
