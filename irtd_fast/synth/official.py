"""A picture for every path of IR-TD's published files, in its own layout or the publishers'.

The published texts name 17,227 pictures below ``Data4MLLM/``. What they really are: index 4 is
DroneVehicle's infrared training folder, index 23 holds grey copies of RGBT-CC's pseudo-coloured
pictures, index 63 is FLIR ADAS v1, which exists in three layouts, indices 53 to 56 are grids that
nobody but IR-TD has.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from irtd_fast.synth.counting import pseudo_colour
from irtd_fast.synth.scene import generator, octaves
from irtd_fast.synth.writers import encode_jpeg

FLIR_LAYOUTS = ("v1.0", "v1.3", "aligned")
LAYOUTS = ("ir-td", "native")
ROOT = "Data4MLLM/"
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_SIDE = 16


def official_paths(archive: Path) -> list[str]:
    """List the distinct pictures that published files name, below ``Data4MLLM/``, sorted.

    Args:
        archive: ``json_sft.zip``, one of its JSON files, or a folder of them.

    Raises:
        OSError: If it cannot be read.
        ValueError: If a path leads out of the tree.
    """
    found: set[str] = set()
    for content in _contents(archive):
        for match in _STRING.finditer(content):
            if ROOT.encode() in match.group():
                text: str = json.loads(match.group())
                found.add(text.split(ROOT, 1)[1])
    for path in found:
        _inside(path)
    return sorted(found)


def _contents(archive: Path) -> Iterable[bytes]:
    if archive.is_dir():
        for path in sorted(archive.rglob("*.json")):
            yield path.read_bytes()
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for name in sorted(opened.namelist()):
                if name.endswith(".json"):
                    yield opened.read(name)
    else:
        yield archive.read_bytes()


def _inside(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.name:
        msg = f"expected a path below {ROOT}, found {path!r}"
        raise ValueError(msg)


def official_tree(
    paths: Sequence[str],
    out: Path,
    *,
    layout: str = "ir-td",
    flir: str = "v1.0",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str]:
    """Write a tiny picture for every path.

    One picture per top folder is drawn; the others are hard links to it (copies where the file
    system has none).

    Args:
        paths: Below ``Data4MLLM/``, as ``official_paths`` gives them.
        out: Root; made if missing, must be empty.
        layout: ``ir-td`` writes ``Data4MLLM/<index>-<name>/…``; ``native`` what people have who
            fetched the sources from their publishers (grids stay as they are).
        flir: ``v1.0``, ``v1.3`` or ``aligned``, for the native layout.
        progress: Called with ``(done, count)`` now and then.

    Returns:
        Each path, and where its picture lies below ``out``.

    Raises:
        ValueError: If a path, the layout or FLIR's layout is none of these.
        FileExistsError: If ``out`` holds anything already.
    """
    if layout not in LAYOUTS or flir not in FLIR_LAYOUTS:
        msg = f"layout must be one of {LAYOUTS} and flir of {FLIR_LAYOUTS}: {layout!r}, {flir!r}"
        raise ValueError(msg)
    if out.exists() and any(out.iterdir()):
        msg = f"{out} is not empty; a synthetic tree is never mixed with other files"
        raise FileExistsError(msg)
    placed: dict[str, str] = {}
    drawn: dict[str, Path] = {}
    folders: set[Path] = set()
    for number, path in enumerate(paths, start=1):
        _inside(path)
        placed[path] = ROOT + path if layout == "ir-td" else native_path(path, flir=flir)
        target = out / placed[path]
        if target.parent not in folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            folders.add(target.parent)
        top = path.split("/", 1)[0]
        if top in drawn:
            _link(drawn[top], target)
        else:
            target.write_bytes(_tiny(top, coloured=layout == "native"))
            drawn[top] = target
        if progress is not None and (number % 512 == 0 or number == len(paths)):
            progress(number, len(paths))
    return placed


def native_path(path: str, *, flir: str = "v1.0") -> str:
    """Give the place of a published path in its publisher's own tree.

    Args:
        path: Below ``Data4MLLM/``.
        flir: Which of FLIR v1's layouts.
    """
    folder, _, rest = path.partition("/")
    if folder == "63-FLIR_ADAS":
        return _native_flir(PurePosixPath(rest).stem, flir)
    if folder == "4-VEDAI":
        return f"DroneVehicle/{rest}"
    if folder == "6-LSOTB-TIR":
        return f"LSOTB-TIR/{rest}"
    if folder == "23-RGBTCrowdCounting":
        return f"RGBT-CC/{re.sub(r'_Grey(?=[.][^./]+$)', '_T', rest)}"
    return path


def _native_flir(stem: str, flir: str) -> str:
    return {
        "v1.0": f"FLIR_ADAS/training/PreviewData/{stem}.jpeg",
        "v1.3": f"FLIR_ADAS_1_3/train/thermal_8_bit/{stem}.jpeg",
        "aligned": f"align/JPEGImages/{stem}_PreviewData.jpeg",
    }[flir]


def _tiny(top: str, *, coloured: bool) -> bytes:
    field = octaves(generator(0, f"official {top}", 0), (_SIDE, _SIDE), levels=2)
    grey = np.clip(128 + 40 * field, 0, 255).astype(np.uint8)
    native_crowd = coloured and top == "23-RGBTCrowdCounting"
    return encode_jpeg(pseudo_colour(grey) if native_crowd else grey)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or too many links
        target.write_bytes(source.read_bytes())
