"""Groups that are computed from a committed source and stored with it: alignment, texts ...

A committed source is never written into. A second tree of hard links to the same data files gets
the new group, new attributes and a new table of files, and takes the source's place in one rename:
at any moment the source is whole, with the group or without it, and ``verify`` covers it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from irtd_fast import _core
from irtd_fast.errors import CorruptStoreError, StoreError
from irtd_fast.store.columns import read_column, read_strings, write_group
from irtd_fast.store.commit import (
    FILE_PLAIN,
    files_digest,
    publish,
    table_digests,
    write_file_list,
)
from irtd_fast.store.source import Source
from irtd_fast.store.spec import attributes_digest, group_attributes
from irtd_fast.store.staging import Staging

DERIVED = ("alignment", "statistics", "texts/NAME")


def attach_group(
    store: str | Path,
    source: str,
    group: str,
    write: Callable[[Path], None],
    *,
    attributes: Mapping[str, Any],
    check: Callable[[Source], None] = lambda _: None,
) -> None:
    """Add a derived group to a committed source, or replace it.

    Args:
        store: The store.
        source: Name of the source.
        group: One of ``DERIVED``; of ``texts`` there may be several, each with a name.
        write: Called with the folder of the new group; writes its columns and its ``zarr.json``.
        attributes: JSON-able facts about how it was made; kept in the source's attributes under
            ``derived`` and the group's name.
        check: Called with the source as it is, while no other process can change it; what it
            raises ends the matter.

    Raises:
        ValueError: No such kind of derived group.
        StoreError: An interrupted ingest of the source is staged.
        StoreBusyError: Another process writes the source.
        CorruptStoreError: The source's table of files is not as it was written.
    """
    if group not in DERIVED and not re.fullmatch(r"texts/[a-z0-9][a-z0-9_-]*", group):
        raise ValueError(f"a derived group is one of {', '.join(DERIVED)}, found {group!r}")
    staging = Staging(Path(store).absolute(), source)
    with staging:
        target = staging.store / source
        staging.recover(group_attributes(target) if target.exists() else None)
        committed = Source(target)
        if staging.exists():
            raise StoreError(
                f"{staging.folder}: an interrupted ingest of {source} is staged; finish it with "
                "--resume or start it over with --replace",
                path=str(staging.folder),
            )
        check(committed)
        staging.begin()
        try:
            digest = _build(committed, staging.tree, group, write, attributes)
            publish(staging, digest, replace=True)
        except BaseException:
            staging.discard()
            raise


def _build(
    source: Source,
    tree: Path,
    group: str,
    write: Callable[[Path], None],
    attributes: Mapping[str, Any],
) -> int:
    """Make the second tree; gives the digest of its attributes."""
    kept = _listed(source)
    paths = [path for path in kept if not path.startswith(f"{group}/")]
    folders = {tree / Path(path).parent for path in paths}
    for folder in sorted(folders):
        folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        _link(source.path / path, tree / path)
    top = tree / Path(group).parts[0]
    if tree / group != top and not (top / "zarr.json").exists():
        write_group(top)
    write(tree / group)
    rows = {path: kept[path] for path in paths}
    for file in sorted(p for p in top.rglob("*") if p.is_file()):
        name = file.relative_to(tree).as_posix()
        if name not in rows:
            rows[name] = file.stat().st_size, _core.xxh64(file.read_bytes()), FILE_PLAIN
    ordered = sorted(rows)
    table = [rows[path] for path in ordered]
    sizes, digests, kinds = (
        np.array([row[i] for row in table], dtype)
        for i, dtype in enumerate((np.uint64, np.uint64, np.uint8))
    )
    irtd = dict(source.attributes)
    irtd["derived"] = {**irtd.get("derived", {}), group: dict(attributes)}
    irtd["files_digest"] = write_file_list(tree, ordered, sizes, digests, kinds)
    irtd["files_table"] = table_digests(tree)
    irtd["digest"] = attributes_digest(irtd)
    write_group(tree, {"irtd": irtd})
    digest: int = irtd["digest"]
    return digest


def _listed(source: Source) -> dict[str, tuple[int, int, int]]:
    """The source's table of files: path -> size, digest, kind."""
    table = source.path / "files"
    paths = list(read_strings(table / "path"))
    sizes, digests, kinds = (read_column(table / n) for n in ("bytes", "digest", "kind"))
    if files_digest(paths, sizes, digests, kinds) != source.attributes.get("files_digest"):
        message = f"{table}: the table of files does not match its digest"
        raise CorruptStoreError(message, path=str(table))
    rows = zip(sizes.tolist(), digests.tolist(), kinds.tolist(), strict=True)
    return dict(zip(paths, rows, strict=True))


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)
