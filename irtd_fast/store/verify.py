"""Verification: every byte of every committed source against the digests it was committed with.

Damage is collected, not raised, so one run lists all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import IrtdError
from irtd_fast.store.columns import read_column, read_strings
from irtd_fast.store.commit import FILE_SHARD, files_digest, table_digests
from irtd_fast.store.dataset import open_store
from irtd_fast.store.source import ArrayInfo, Source, iter_sources
from irtd_fast.store.spec import attributes_digest, group_attributes
from irtd_fast.store.staging import STAGING
from irtd_fast.store.texts import StoredTexts, text_builds

Progress = Callable[[str, int, int], None]


@dataclass
class Damage:
    """One thing that is wrong with a store.

    Attributes:
        source: Name of the source, ``""`` if the store itself is meant.
        path: File or folder, relative to the store.
        row: Row of the array, -1 if the file as a whole is meant.
        sample: Name of the sample concerned, if known.
        message: What was expected and what was found.
    """

    source: str
    path: str
    row: int
    sample: str
    message: str

    def __str__(self) -> str:
        who = f" (sample {self.sample})" if self.sample else ""
        return f"{self.path}{who}: {self.message}"


@dataclass
class VerifyReport:
    """What a verification saw.

    Attributes:
        store: Path of the store.
        sources: Names of the sources.
        files: Files read.
        bytes: Bytes read.
        samples: Samples in the store.
        seconds: Wall time.
        damage: Everything that is wrong.
        notes: Facts worth knowing that are no damage.
    """

    store: str
    sources: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    samples: int = 0
    seconds: float = 0.0
    damage: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.damage

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {**asdict(self), "ok": self.ok}


def verify_store(
    path: str | Path, *, threads: int = 0, progress: Progress | None = None
) -> VerifyReport:
    """Read and check everything in a store.

    Args:
        path: The store.
        threads: Threads that read and decode, by default one a core.
        progress: Called with ("verify", files done, files in all).

    Returns:
        The report; ``report.ok`` says whether the store is whole.

    Raises:
        CorruptStoreError: There is no store at ``path``.
        StoreFormatError: The root is not a store of ours.
    """
    store = Path(path).absolute()
    started = time.perf_counter()
    report = VerifyReport(str(store))
    group_attributes(store)
    if (store / STAGING).exists():
        report.notes.append(f"{STAGING}/ holds work in progress; it is not part of the store")
    folders = list(iter_sources(store))
    known = {"zarr.json", STAGING, *(folder.name for folder in folders)}
    others = sorted({entry.name for entry in store.iterdir()} - known)
    report.notes += [f"{name}: not part of the store" for name in others]
    for folder in folders:
        report.sources.append(folder.name)
        _SourceCheck(store, folder, report, threads, progress).run()
    if report.ok:
        # Everything is as written; opening it as users do must then work too.
        _guard(report, "", "", lambda: open_store(store))
    report.seconds = time.perf_counter() - started
    return report


def _guard(report: VerifyReport, source: str, path: str, action: Callable[[], Any]) -> Any:
    """Run an action; what it raises about the store becomes damage."""
    try:
        return action()
    except (IrtdError, OSError, ValueError, IndexError) as error:
        where = Path(getattr(error, "path", None) or path)
        if where.is_relative_to(report.store):
            where = where.relative_to(report.store)
        report.damage.append(Damage(source, str(where), -1, "", str(error)))
        return None


class _SourceCheck:
    """Checks one source."""

    def __init__(
        self,
        store: Path,
        folder: Path,
        report: VerifyReport,
        threads: int,
        progress: Progress | None,
    ) -> None:
        self.store, self.folder, self.report = store, folder, report
        self.threads = threads or _core.available_threads()
        self.progress = progress
        self.name = folder.name
        self._owners: dict[str, dict[int, str]] = {}

    def damage(self, path: str, message: str, row: int = -1, sample: str = "") -> None:
        full = f"{self.name}/{path}" if path else self.name
        self.report.damage.append(Damage(self.name, full, row, sample, message))

    def run(self) -> None:
        source: Source | None = _guard(
            self.report,
            self.name,
            f"{self.name}/zarr.json",
            lambda: Source(self.folder, checked=False),
        )
        if source is None:
            return
        self.report.samples += len(source)
        stored = source.attributes.get("digest")
        if stored != attributes_digest(source.attributes):
            self.damage("zarr.json", "the group's attributes do not match their digest")
        if table_digests(self.folder) != source.attributes.get("files_table"):
            self.damage("files", "the table of files does not match its digests")
        listed = self._listed_files(source)
        if listed is not None:
            self._check_files(source, *listed)
        self._check_tables(source)

    # ---- files --------------------------------------------------------------------------------

    def _listed_files(
        self, source: Source
    ) -> tuple[list[str], NDArray[Any], NDArray[Any], NDArray[Any]] | None:
        table = self.folder / "files"

        def read() -> Any:
            paths = list(read_strings(table / "path"))
            columns = [read_column(table / name) for name in ("bytes", "digest", "kind")]
            return (paths, *columns)

        listed = _guard(self.report, self.name, f"{self.name}/files", read)
        if listed is None:
            return None
        paths, sizes, digests, kinds = listed
        if not len(paths) == len(sizes) == len(digests) == len(kinds):
            self.damage("files", "columns of unequal length")
            return None
        if files_digest(paths, sizes, digests, kinds) != source.attributes.get("files_digest"):
            self.damage("files", "the table of files does not match its digest")
        return paths, sizes, digests, kinds

    def _check_files(
        self,
        source: Source,
        paths: list[str],
        sizes: NDArray[Any],
        digests: NDArray[Any],
        kinds: NDArray[Any],
    ) -> None:
        arrays = {info.path: number for number, info in enumerate(source.arrays)}
        for done, path in enumerate(paths):
            expected = int(sizes[done]), int(digests[done])
            if kinds[done] == FILE_SHARD:
                self._check_shard(source, arrays, path, *expected)
            else:
                self._check_plain(source, arrays, path, *expected)
            self.report.files += 1
            if self.progress is not None:
                self.progress(f"verify {self.name}", done + 1, len(paths))
        known = set(paths) | {"zarr.json"}
        for extra in sorted(self.folder.rglob("*")):
            relative = extra.relative_to(self.folder).as_posix()
            if extra.is_file() and relative not in known and not relative.startswith("files/"):
                self.damage(relative, "a file that the store does not list")

    def _check_plain(
        self, source: Source, arrays: dict[str, int], path: str, size: int, digest: int
    ) -> None:
        try:
            data = (self.folder / path).read_bytes()
        except OSError as error:
            self.damage(path, f"cannot be read: {error.strerror}")
            return
        self.report.bytes += len(data)
        if len(data) == size and _core.xxh64(data) == digest:
            return
        if len(data) != size:
            self.damage(path, f"expected {size} bytes, found {len(data)}")
        else:
            self.damage(path, "content does not match its digest")
        array, _, number = path.partition("/values/c/")
        if array in arrays and number.isdigit():
            self._name_packed_damage(source, arrays[array], path)

    def _check_shard(
        self, source: Source, arrays: dict[str, int], path: str, size: int, digest: int
    ) -> None:
        array, _, tail = path.partition("/c/")
        number = tail.split("/")[0]
        if array not in arrays or not number.isdigit():
            self.damage(path, "listed as a shard of an array that the group does not have")
            return
        label = f"{self.name}/{path}"
        reader = _guard(self.report, self.name, label, lambda: source.reader(arrays[array]))
        if reader is None:
            return
        got = _guard(
            self.report, self.name, label,
            lambda: reader.verify_shard(int(number), threads=self.threads),
        )  # fmt: skip
        if got is None:
            return
        found_size, found_digest, _, holes, damage = got
        self.report.bytes += found_size
        for row, message in damage:
            self.damage(path, message, row, self._owner(source, arrays[array], row))
        if found_size != size and not damage:
            self.damage(path, f"expected {size} bytes, found {found_size}")
        elif found_digest != digest and not damage:
            self.damage(path, "content does not match its digest")
        undeclared = set(holes) - set(self._declared_holes(source, arrays[array]))
        for row in sorted(undeclared):
            owner = self._owner(source, arrays[array], row)
            self.damage(path, "chunk is missing from its shard", row, owner)

    def _declared_holes(self, source: Source, number: int) -> list[int]:
        holes: list[int] = source.spec(number).attributes.get("irtd", {}).get("holes", [])
        return holes

    def _name_packed_damage(self, source: Source, number: int, path: str) -> None:
        """Say which samples of a damaged packed file are hit."""
        label = f"{self.name}/{path}"
        reader = _guard(self.report, self.name, label, lambda: source.reader(number))
        if not isinstance(reader, _core.PackedReader):
            return
        for row in range(len(reader)):
            if not reader.file_path(row).endswith(path):
                continue
            try:
                reader.read(row)
            except (IrtdError, OSError) as error:
                self.damage(path, str(error), row, self._owner(source, number, row))

    def _owner(self, source: Source, number: int, row: int) -> str:
        """Name of the sample whose picture is in a row."""
        info: ArrayInfo = source.arrays[number]
        if row < 0:
            return ""
        if info.path not in self._owners:
            try:
                arrays = source.column("samples", f"{info.modality}_array")
                rows = source.column("samples", f"{info.modality}_row")
                here = np.flatnonzero(arrays == number)
                names = source.names()
                self._owners[info.path] = {int(rows[i]): names[int(i)] for i in here}
            except (IrtdError, OSError):
                self._owners[info.path] = {}
        return self._owners[info.path].get(row, "")

    # ---- tables -------------------------------------------------------------------------------

    def _check_tables(self, source: Source) -> None:
        for table in ("objects", "points"):
            label = f"{self.name}/{table}"
            _guard(self.report, self.name, label, lambda t=table: source.offsets(t))  # type: ignore[misc]
        for table in ("samples", "objects", "points"):
            for folder in sorted((self.folder / table).iterdir()):
                if folder.is_dir():
                    label = f"{self.name}/{table}/{folder.name}"
                    args = table, folder.name
                    _guard(self.report, self.name, label, lambda a=args: source.column(*a))  # type: ignore[misc]
        _guard(self.report, self.name, f"{self.name}/samples", lambda: self._check_rows(source))
        for name in text_builds(source):
            label = f"{self.name}/texts/{name}"
            _guard(self.report, self.name, label, StoredTexts(source, name).check)

    def _check_rows(self, source: Source) -> None:
        """Every sample's picture must be a row that its array has, and no two may share one."""
        for modality in ("infrared", "visible", "masks"):
            arrays = source.column("samples", f"{modality}_array").astype(np.int64)
            rows = source.column("samples", f"{modality}_row").astype(np.int64)
            if modality == "infrared" and (arrays < 0).any():
                self.damage("samples", "a sample has no infrared picture")
            for number, info in enumerate(source.arrays):
                mine = rows[arrays == number]
                outside = info.modality != modality or (mine < 0).any() or (mine >= info.rows).any()
                if len(mine) and (outside or len(np.unique(mine)) != len(mine)):
                    self.damage("samples", f"rows do not fit {info.path}")
            if (arrays >= len(source.arrays)).any():
                self.damage("samples", f"{modality}: an array that the group does not list")
