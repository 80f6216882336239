"""What an export is, and the register of formats.

A format is a module with a function that takes an ``ExportJob`` and gives an ``ExportReport``,
entered in ``FORMATS``; it is imported when it is used. Files appear whole or not at all, and none
is written over without ``replace``.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from irtd_fast.errors import StoreExistsError, UnknownFormatError
from irtd_fast.store.dataset import Dataset
from irtd_fast.tasks.text import UNITS, Units

# Name on the command line -> module, and what it is.
FORMATS: dict[str, tuple[str, str]] = {
    "official": ("irtd_fast.export.official", "the published files: Location.json and others"),
    "llava": ("irtd_fast.export.llava", "LLaVA's JSON array of conversations"),
    "coco": ("irtd_fast.export.coco", "COCO instances: boxes and categories, a file a split"),
}

PictureForm = Literal["jpeg", "png", "copy", "link", "none"]
PICTURE_FORMS: tuple[PictureForm, ...] = ("jpeg", "png", "copy", "link", "none")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ExportJob:
    """What is exported, where to, and how.

    Attributes:
        dataset: The samples.
        out: Folder; made if missing.
        texts: Name of the texts; ``None`` takes the only ones there are.
        tasks: Of these tasks; empty: of all.
        subsets: Of these subsets; empty: of all.
        pictures: ``jpeg`` or ``png`` renders them, ``copy`` takes the source's own JPEG files where
            the store keeps them and renders the others, ``link`` links to the files of a dump,
            ``none`` writes none.
        roots: For ``link``: dump of each source, by its name in the store.
        grid: (height, width) of composed re-identification grids.
        recipe: Recipe by which counts become 8 bits; ``None``: 8-bit counts as they are, others by
            percentiles.
        quality: Of JPEG.
        paths: ``relative``: below ``out``; ``published``: as in the published files where a source
            has such paths.
        units: ``pixel``, ``unit`` or ``permille``; ``None`` leaves texts as they were built.
        container: ``array``, or ``official`` for the published files' bytes.
        replace: Write over files that are there.
        dry_run: Write nothing.
        threads: That render; 0 takes one a core.
        progress: Called with (phase, done, total).
    """

    dataset: Dataset
    out: Path
    texts: str | None = None
    tasks: tuple[str, ...] = ()
    subsets: tuple[str, ...] = ()
    pictures: PictureForm = "jpeg"
    roots: Mapping[str, Path] = field(default_factory=dict)
    grid: tuple[int, int] = (512, 512)
    recipe: Any = None
    quality: int = 95
    paths: Literal["relative", "published"] = "relative"
    units: Units | None = None
    container: Literal["array", "official"] = "array"
    replace: bool = False
    dry_run: bool = False
    threads: int = 0
    progress: Progress = lambda *_: None


@dataclass
class ExportReport:
    """What was written.

    Attributes:
        format: Name of the format.
        out: Folder.
        files: Label files and how many entries each has.
        pictures: Pictures written, linked or copied.
        recipe: How counts became 8 bits, in words.
        notes: Facts worth knowing.
        seconds: It took.
        written: False after a dry run.
    """

    format: str
    out: str
    files: dict[str, int] = field(default_factory=dict)
    pictures: int = 0
    recipe: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    written: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)


def format_named(name: str) -> Callable[[ExportJob], ExportReport]:
    """The function that writes a format.

    Raises:
        UnknownFormatError: There is none of this name; the nearest and all are listed.
    """
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        known = ", ".join(FORMATS)
        raise UnknownFormatError(f"no format {name!r}{hint} There are {known}", format=name)
    export: Callable[[ExportJob], ExportReport] = importlib.import_module(FORMATS[name][0]).export
    return export


def export_store(dataset: Dataset, out: str | Path, format: str, **options: Any) -> ExportReport:
    """Write samples of a store as what another program reads.

    Args:
        dataset: What ``irtd_fast.open`` gave, filtered or not.
        out: Folder; made if missing.
        format: One of ``FORMATS``.
        options: Further attributes of ``ExportJob``.

    Raises:
        UnknownFormatError: No such format.
        StoreExistsError: A file is there already and ``replace`` is not set; nothing is written.
    """
    started = time.perf_counter()
    write = format_named(format)
    job = ExportJob(dataset, Path(out).absolute(), **options)
    if job.pictures not in PICTURE_FORMS:
        raise ValueError(
            f"pictures must be one of {', '.join(PICTURE_FORMS)}, found {job.pictures!r}"
        )
    if job.units not in (None, *UNITS):
        raise ValueError(f"units must be one of {', '.join(UNITS)}, found {job.units!r}")
    report = replace(write(job), written=not job.dry_run)
    report.seconds = time.perf_counter() - started
    return report


def refuse_existing(job: ExportJob, paths: Iterable[Path]) -> None:
    """Refuse to write over files.

    Raises:
        StoreExistsError: Names the first that is there.
    """
    if job.replace:
        return
    for path in paths:
        if path.exists() or path.is_symlink():
            raise StoreExistsError(
                f"{path}: is there already; --replace writes over it", path=str(path)
            )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def json_bytes(document: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "backslashreplace"
    )
