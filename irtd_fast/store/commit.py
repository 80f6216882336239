"""The last step of an ingest: columns, metadata, the table of files, and one rename.

After commit a source is complete; before it, it is absent (or still the old one).
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core
from irtd_fast.errors import StoreError
from irtd_fast.manifest import Manifest
from irtd_fast.store.columns import write_column, write_document, write_group, write_table
from irtd_fast.store.findings import Found, finding_columns, finding_notes
from irtd_fast.store.plan import MODALITIES, RAW, ArrayPlan, Plan
from irtd_fast.store.spec import (
    FORMAT_VERSION,
    ArraySpec,
    Codec,
    Sharding,
    attributes_digest,
    group_json,
)
from irtd_fast.store.staging import Receipt, Staging, write_json
from irtd_fast.store.tables import LabelTables, SourceTables, build_tables
from irtd_fast.types import Problem, SampleFlag

FILE_PLAIN, FILE_SHARD = 0, 1

_SYNC_THREADS = 16
_LEFT_OUT = "sample left out"
_PARTNER_LEFT_OUT = {"visible": "kept without its visible partner", "masks": "kept without mask"}


@dataclass
class Outcome:
    """What the written files say about every planned sample.

    Attributes:
        keep: Numbers of the samples that are in the store.
        digests: Per modality: XXH64 of each planned sample's source file.
        crcs: Per packed array: crc32c of each row.
        holes: Per bucket: rows without a chunk.
        problems: What went wrong while writing.
        found: What decoding found out about infrared pictures, by sample.
    """

    keep: NDArray[np.int64]
    digests: dict[str, NDArray[np.uint64]]
    crcs: dict[str, NDArray[np.uint32]]
    holes: dict[str, list[int]]
    problems: list[Problem]
    found: dict[int, Found]


def gather(manifest: Manifest, plan: Plan, receipts: Mapping[str, list[Receipt]]) -> Outcome:
    """Sum up receipts; a sample without its infrared picture is left out, and said so.

    Args:
        manifest: The samples. Flags and partners of samples with problems are updated.
        plan: Where everything went; rows of lost partners become -1.
        receipts: Receipts of each array, by its path.
    """
    count = len(manifest.samples)
    lost = np.zeros(count, bool)
    digests = {m: np.zeros(count, np.uint64) for m in MODALITIES}
    crcs: dict[str, NDArray[np.uint32]] = {}
    holes: dict[str, list[int]] = {}
    problems: list[Problem] = []
    found: dict[int, Found] = {}
    for array in plan.arrays:
        members = array.members
        if array.kind == "packed":
            crcs[array.path] = np.zeros(array.rows, np.uint32)
        for receipt in receipts[array.path]:
            rows = np.asarray(receipt.rows, np.int64)
            digests[array.modality][members[rows]] = np.asarray(receipt.digests, np.uint64)
            if array.kind == "packed":
                crcs[array.path][rows] = np.asarray(receipt.crcs, np.uint32)
            for row, bits, flags, radiometry in receipt.found:
                found[int(members[row])] = bits, flags, radiometry
            for row, code, message in receipt.failures:
                holes.setdefault(array.path, []).append(row)
                problems.append(_lose(manifest, plan, array, row, code, message, lost))
    return Outcome(np.flatnonzero(~lost), digests, crcs, holes, problems, found)


def _lose(
    manifest: Manifest,
    plan: Plan,
    array: ArrayPlan,
    row: int,
    code: str,
    message: str,
    lost: NDArray[np.bool_],
) -> Problem:
    number = int(array.members[row])
    sample = manifest.samples[number]
    if array.modality == "infrared":
        lost[number] = True
        frame = sample.infrared.frame
        where = "" if frame < 0 else f"frame {frame}"
        return Problem(code, sample.infrared.path, where, message, _LEFT_OUT, sample.name)
    picture = sample.visible if array.modality == "visible" else sample.mask
    plan.codes[array.modality][number] = -1
    plan.rows[array.modality][number] = -1
    sample.flags |= SampleFlag.HAS_PROBLEMS
    path = picture.path if picture else ""
    return Problem(code, path, "", message, _PARTNER_LEFT_OUT[array.modality], sample.name)


def write_array_metadata(
    tree: Path, array: ArrayPlan, codecs: tuple[Codec, ...], holes: Sequence[int]
) -> None:
    """Write the ``zarr.json`` of a bucket or of a packed array's ``values``."""
    colour = array.channels > 1
    if array.kind == "bucket":
        sample = (array.height, array.width, array.channels)[: 3 if colour else 2]
        spec = ArraySpec(
            (array.rows, *sample), array.dtype, (array.rows_per_shard, *sample),
            Sharding(array.rows_per_shard, codecs),
            dimension_names=("sample", "y", "x", "channel")[: len(sample) + 1],
            attributes={"irtd": {"holes": sorted(holes)}},
        )  # fmt: skip
        write_document(tree / array.path, spec.to_json())
        return
    per_chunk = array.chunk_bytes // array.itemsize
    total = array.files * per_chunk
    spec = ArraySpec((total,), array.dtype, (per_chunk,), codecs=RAW, dimension_names=("value",))
    write_document(tree / array.path / "values", spec.to_json())


def write_packed_columns(
    tree: Path, array: ArrayPlan, manifest: Manifest, crcs: NDArray[np.uint32], holes: Sequence[int]
) -> None:
    """Write offsets, lengths (in elements), crc32c and shapes of a packed array."""
    folder = tree / array.path
    write_group(folder, {"irtd": {"encoding": array.encoding, "holes": sorted(holes)}})
    for name, values in (("offsets", array.offsets), ("lengths", array.lengths)):
        column = np.asarray(values, np.uint64) // np.uint64(array.itemsize)
        write_column(folder / name, column, "sample")
    write_column(folder / "crc32c", crcs, "sample")
    shapes = np.empty((array.rows, 3), np.int32)
    for row, number in enumerate(array.members):
        sample = manifest.samples[number]
        pictures = {"infrared": sample.infrared, "visible": sample.visible, "masks": sample.mask}
        picture = pictures[array.modality]
        assert picture is not None  # members were chosen by it
        shapes[row] = picture.height, picture.width, picture.channels
    write_column(folder / "shape", shapes, "sample")


def write_labels(tree: Path, objects: Mapping[str, Any], points: Mapping[str, Any]) -> None:
    """Write the tables of objects and points, in the place of any that are there."""
    for name, columns in (("object", objects), ("point", points)):
        folder = tree / f"{name}s"
        if folder.exists():
            shutil.rmtree(folder)
        write_table(folder, columns, name)


def write_source(
    staging: Staging,
    manifest: Manifest,
    plan: Plan,
    codecs: Mapping[str, tuple[Codec, ...]],
    receipts: Mapping[str, list[Receipt]],
    attributes: Mapping[str, Any],
    labels: LabelTables | None = None,
) -> dict[str, Any]:
    """Write everything but the data files into the staged tree.

    Args:
        staging: Where the tree is.
        manifest: The samples.
        plan: Where they went.
        codecs: Inner codecs of each bucket.
        receipts: Of all data files.
        attributes: What the group's attributes begin with.
        labels: Tables of all planned samples that are in the tree already; they are made again
            if a sample was lost.

    Returns:
        The group's ``irtd`` attributes.
    """
    tree = staging.tree
    outcome = gather(manifest, plan, receipts)
    manifest.problems.extend(outcome.problems)
    for modality in sorted({array.modality for array in plan.arrays}):
        write_group(tree / modality)
    for array in plan.arrays:
        holes = outcome.holes.get(array.path, [])
        write_array_metadata(tree, array, codecs.get(array.path, RAW), holes)
        if array.kind == "packed":
            write_packed_columns(tree, array, manifest, outcome.crcs[array.path], holes)
    if len(outcome.keep) != len(manifest.samples):
        labels = None
    tables = build_tables(
        manifest.samples, manifest.problems, plan, outcome.keep, outcome.digests, labels
    )
    kept = [manifest.samples[i] for i in outcome.keep]
    tables.samples |= finding_columns(kept, outcome.keep.tolist(), outcome.found)
    manifest.notes.extend(finding_notes(outcome.found.values()))
    write_table(tree / "samples", tables.samples, "sample")
    write_table(tree / "problems", tables.problems, "problem")
    if labels is None:
        write_labels(tree, tables.objects, tables.points)
    irtd = {
        "format": FORMAT_VERSION, **attributes, "notes": manifest.notes,
        "arrays": plan.describe(),
        "splits": tables.splits, "scenes": tables.scenes, "sequences": tables.sequences,
        "categories": tables.categories, "counts": _counts(manifest, outcome, tables),
        "plan": plan.fingerprint,
    }  # fmt: skip
    irtd["files_digest"] = write_files_table(tree, receipts)
    irtd["files_table"] = table_digests(tree)
    irtd["digest"] = attributes_digest(irtd)
    write_group(tree, {"irtd": irtd})
    return irtd


def _counts(manifest: Manifest, outcome: Outcome, tables: SourceTables) -> dict[str, Any]:
    kept = [manifest.samples[i] for i in outcome.keep]
    objects = Counter(item.category for sample in kept for item in sample.objects)
    return {
        "samples": len(kept),
        "left_out": sum(problem.action == _LEFT_OUT for problem in manifest.problems),
        "visible": int((tables.samples["visible_array"] >= 0).sum()),
        "masks": int((tables.samples["masks_array"] >= 0).sum()),
        "objects": len(tables.objects["box"]),
        "points": len(tables.points["xy"]),
        "problems": len(manifest.problems),
        "splits": dict(sorted(Counter(sample.split for sample in kept).items())),
        "categories": dict(sorted(objects.items())),
    }


def write_files_table(tree: Path, receipts: Mapping[str, list[Receipt]]) -> int:
    """List every file of the tree with its size and digest.

    Returns:
        Digest of the list itself, which the group's attributes keep.
    """
    known = {r.file: r for group in receipts.values() for r in group}
    paths = sorted(p.relative_to(tree).as_posix() for p in tree.rglob("*") if p.is_file())
    sizes, digests, kinds = [], [], []
    for path in paths:
        receipt = known.get(path)
        sizes.append(receipt.bytes if receipt else (tree / path).stat().st_size)
        digests.append(receipt.digest if receipt else _core.xxh64((tree / path).read_bytes()))
        shard = receipt is not None and "/values/c/" not in path
        kinds.append(FILE_SHARD if shard else FILE_PLAIN)
    return write_file_list(
        tree,
        paths,
        np.asarray(sizes, np.uint64),
        np.asarray(digests, np.uint64),
        np.asarray(kinds, np.uint8),
    )


def write_file_list(
    tree: Path,
    paths: Sequence[str],
    sizes: NDArray[np.uint64],
    digests: NDArray[np.uint64],
    kinds: NDArray[np.uint8],
) -> int:
    """Write the table of files; gives the digest of the list."""
    columns: dict[str, NDArray[Any] | Sequence[str]] = {
        "path": paths, "bytes": sizes, "digest": digests, "kind": kinds,
    }  # fmt: skip
    write_table(tree / "files", columns, "file")
    return files_digest(paths, sizes, digests, kinds)


def table_digests(tree: Path) -> dict[str, int]:
    """XXH64 of each file of the table of files itself, by path."""
    files = sorted(p for p in (tree / "files").rglob("*") if p.is_file())
    return {p.relative_to(tree).as_posix(): _core.xxh64(p.read_bytes()) for p in files}


def files_digest(
    paths: Sequence[str],
    sizes: NDArray[np.uint64],
    digests: NDArray[np.uint64],
    kinds: NDArray[np.uint8],
) -> int:
    """XXH64 over the list of files."""
    rows = zip(paths, sizes.tolist(), digests.tolist(), kinds.tolist(), strict=True)
    return _core.xxh64(json.dumps(list(rows)).encode())


def sync_tree(tree: Path) -> None:
    """Make every file and folder of the tree durable."""
    folders = [tree, *(p for p in tree.rglob("*") if p.is_dir())]
    files = [p for folder in folders for p in folder.iterdir() if p.is_file()]
    with ThreadPoolExecutor(_SYNC_THREADS) as pool:  # waiting for the disk, not computing
        list(pool.map(_sync_file, files))
        list(pool.map(_core.sync_directory, map(str, folders)))


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(staging: Staging, digest: int, *, replace: bool) -> None:
    """Rename the staged tree into place.

    Args:
        staging: With the finished tree.
        digest: Of the group's attributes, by which a run that died right after knows its work.
        replace: Take the place of a source that is there already.

    Raises:
        StoreError: The source is already there and ``replace`` is not set.
    """
    sync_tree(staging.tree)
    staging.mark_commit(digest)
    target = staging.store / staging.name
    root = staging.store / "zarr.json"
    if not root.exists():
        # Put together in this source's own folder: another source may be doing the same.
        document = group_json({"irtd": {"format": FORMAT_VERSION}})
        write_json(root, document, staging.folder / "root.json.partial")
    if not target.exists():
        _core.rename_durably(str(staging.tree), str(target))
    elif not replace:
        raise StoreError(f"{target}: the source is already in the store", path=str(target))
    elif not _core.exchange_paths(str(staging.tree), str(target)):
        _core.rename_durably(str(target), str(staging.old))
        _core.rename_durably(str(staging.tree), str(target))
    staging.discard()
