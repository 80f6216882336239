"""Ingest: a dump goes in, a complete source stands in the store.

scan -> plan -> write -> commit. The plan is saved; every data file leaves a receipt; a killed run
leaves the old store and a staging folder from which ``resume`` goes on to the same bytes.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from irtd_fast import _core, catalog
from irtd_fast.catalog import Sampling, SourceRecord
from irtd_fast.engines.local import run_tasks
from irtd_fast.errors import StoreError, StoreExistsError, StoreFormatError
from irtd_fast.manifest import Manifest
from irtd_fast.scan import DEFAULT_FAILURE_RATE, PictureScan, scan_pictures
from irtd_fast.scan.ready import ReadyScan
from irtd_fast.store.codec_choice import choose_codecs
from irtd_fast.store.commit import publish, write_labels, write_source
from irtd_fast.store.plan import IngestOptions, Plan, fingerprint, make_plan
from irtd_fast.store.spec import Codec, group_attributes
from irtd_fast.store.staging import STAGING, Staging
from irtd_fast.store.tables import LabelTables, build_labels
from irtd_fast.types import Problem

Progress = Callable[[str, int, int], None]
Scanned = PictureScan | ReadyScan


@dataclass
class IngestReport:
    """What an ingest did.

    Attributes:
        store: Path of the store.
        source: Name of the group.
        variant: Layout that was read.
        counts: Samples, objects, problems …, as in the store.
        arrays: The arrays and their shapes.
        codecs: Inner codecs of each bucket.
        problems: Everything that was reported.
        notes: Facts worth knowing that are no defects.
        seconds: Wall time per phase: scan, write, commit.
        images_per_s: Pictures read over the whole wall time.
        resumed: Data files taken over from an interrupted run.
        dry_run: Nothing was written.
    """

    store: str
    source: str
    variant: str
    counts: dict[str, Any]
    arrays: list[dict[str, Any]]
    codecs: dict[str, list[str]]
    problems: list[Problem]
    notes: list[str]
    seconds: dict[str, float] = field(default_factory=dict)
    images_per_s: float = 0.0
    resumed: int = 0
    dry_run: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)


@dataclass
class _Job:
    record: SourceRecord
    manifest: Manifest
    plan: Plan
    codecs: dict[str, tuple[Codec, ...]]
    tolerance: int
    labels: LabelTables | None = None


def ingest(
    root: str | Path,
    store: str | Path,
    *,
    source: str | SourceRecord,
    variant: str | None = None,
    name: str | None = None,
    options: IngestOptions | None = None,
    limit: int | None = None,
    sampling: Sampling | None = None,
    max_failure_rate: float = DEFAULT_FAILURE_RATE,
    workers: int = 0,
    resume: bool = False,
    replace: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    scanned: Scanned | None = None,
) -> IngestReport:
    """Turn a dump into a source of a store.

    Args:
        root: Folder of the dump.
        store: The store; made if it is not there.
        source: Catalogue key or a record of one's own.
        variant: Layout to read where the dump holds several.
        name: Name of the group in the store, by default the record's key.
        options: Profile, codec, visible partners, sizes.
        limit: Keep the first so many samples.
        sampling: Which pictures of a sequence to take; by default the record's.
        max_failure_rate: Largest part of the pictures or label files that may fail; see ``scan``.
        workers: Threads, by default one a core.
        resume: Go on from an interrupted run; otherwise one is not touched.
        replace: Replace the source, and forget an interrupted run.
        dry_run: Scan and plan, write nothing.
        progress: Called with (phase, done, total).
        scanned: The dump's pictures, found already; otherwise it is scanned.

    Raises:
        UnknownSourceError: No such catalogue key.
        SourceLayoutError: The dump does not look as the record says.
        FailureRateError: Too large a part of the dump cannot be used.
        StoreExistsError: The source is in the store, or an interrupted run is staged.
        StoreBusyError: Another process writes this source.
    """
    record = catalog.get(source) if isinstance(source, str) else source
    options = options or IngestOptions()
    threads = workers or _core.available_threads()
    staging = Staging(Path(store).absolute(), _group_name(name or record.key))
    request = _request(root, record, variant, options, limit, sampling, max_failure_rate)

    def scan() -> tuple[_Job, Scanned]:
        place = Path(root).absolute()
        return _scan_pictures(place, record, request, threads, progress, scanned)

    if dry_run:
        started = time.perf_counter()
        job, pending = scan()
        pending.read_labels()
        report = _report(staging, job, {"samples": len(job.manifest.samples)})
        report.seconds["scan"] = time.perf_counter() - started
        report.dry_run = True
        return report
    with _made_store(staging.store), staging, _paused_gc():
        done = _refuse_or_clear(staging, resume=resume, replace=replace)
        if done is not None:
            return done
        return _run(staging, request, record, scan, threads, replace, progress)


def _group_name(name: str) -> str:
    if not name or name.startswith((".", "_")) or "/" in name or name == "zarr.json":
        raise ValueError(f"{name!r} cannot be the name of a group")
    return name


@contextlib.contextmanager
def _made_store(store: Path) -> Iterator[None]:
    """Make a store where nothing is; leave another's Zarr or files alone, and no empty folder."""
    if (store / "zarr.json").exists():
        group_attributes(store)
    elif store.exists() and any(p.name != STAGING for p in store.iterdir()):
        raise StoreExistsError(f"{store}: not empty and not a store of ours", path=str(store))
    existed = store.exists()
    store.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if not existed:
            with contextlib.suppress(OSError):
                store.rmdir()  # only when nothing came of it


def _request(
    root: str | Path, record: SourceRecord, variant: str | None, options: IngestOptions,
    limit: int | None, sampling: Sampling | None, max_failure_rate: float,
) -> dict[str, Any]:  # fmt: skip
    """What makes two runs the same run."""
    return {
        "root": str(Path(root).absolute()), "record": record.digest(), "variant": variant,
        "limit": limit, "sampling": None if sampling is None else asdict(sampling),
        "options": asdict(options), "max_failure_rate": max_failure_rate,
    }  # fmt: skip


def _refuse_or_clear(staging: Staging, *, resume: bool, replace: bool) -> IngestReport | None:
    """Decide about what is already there; a report if nothing is left to do."""
    target = staging.store / staging.name
    # A damaged source can be replaced, but neither resumed nor taken for complete.
    staging.recover(_committed(target, tolerant=replace))
    committed = _committed(target, tolerant=replace)
    if staging.exists() and replace and not resume:
        staging.discard()
    if staging.exists() and not resume:
        raise StoreExistsError(
            f"{staging.folder}: an interrupted run is staged; --resume continues it, "
            "--replace starts over",
            path=str(staging.folder),
        )
    if committed is not None and not replace and not staging.exists():
        if resume:
            return _already_done(staging, committed)
        raise StoreExistsError(
            f"{target}: the source is already in the store; --replace writes it anew",
            path=str(target),
        )
    return None


def _committed(target: Path, *, tolerant: bool) -> dict[str, Any] | None:
    """Attributes of the source that stands in the store; empty ones of a damaged one."""
    if not target.exists():
        return None
    try:
        return group_attributes(target)
    except StoreError:
        if tolerant:
            return {}
        raise


def _already_done(staging: Staging, committed: dict[str, Any]) -> IngestReport:
    note = "already complete; nothing was left to resume"
    return IngestReport(
        str(staging.store), staging.name, committed["variant"], committed["counts"],
        committed["arrays"], {}, [], [note],
    )  # fmt: skip


def _run(
    staging: Staging,
    request: dict[str, Any],
    record: SourceRecord,
    scan: Callable[[], tuple[_Job, Scanned]],
    threads: int,
    replace: bool,  # noqa: FBT001
    progress: Progress | None,
) -> IngestReport:
    started = time.perf_counter()
    seal = None
    if staging.exists():
        job = _resume_job(staging, request, record)
        replace = replace or staging.load_plan().get("replace") is True
    else:
        job, pending = scan()
        staging.begin()
        seal = functools.partial(_seal, staging, job, pending, request, replace=replace)
    scanned = time.perf_counter()
    try:
        _check_space(staging, job.plan)
        receipts, resumed = run_tasks(
            staging, job.manifest, job.plan, job.codecs, tolerance=job.tolerance,
            threads=threads, progress=progress, beside=seal,
        )  # fmt: skip
    except BaseException:
        if not staging.exists():  # without its plan nothing of it can be resumed
            staging.discard()
        raise
    written = time.perf_counter()
    pictures = sum(array.rows for array in job.plan.arrays)
    kept = {file for group in receipts.values() for file in (r.file for r in group)}
    staging.clean_tree(kept, ("objects", "points") if job.labels is not None else ())
    attributes = _attributes(job, request["options"])
    irtd = write_source(
        staging, job.manifest, job.plan, job.codecs, receipts, attributes, job.labels
    )
    publish(staging, irtd["digest"], replace=replace)
    ended = time.perf_counter()
    report = _report(staging, job, irtd["counts"])
    report.seconds = {"scan": scanned - started, "write": written - scanned,
                      "commit": ended - written}  # fmt: skip
    report.images_per_s = pictures / (ended - started)
    report.resumed = resumed
    return report


@contextlib.contextmanager
def _paused_gc() -> Iterator[None]:
    """Keep the collector from walking millions of fresh records that are all still needed."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _scan_pictures(
    root: Path,
    record: SourceRecord,
    request: dict[str, Any],
    threads: int,
    progress: Progress | None,
    scanned: Scanned | None,
) -> tuple[_Job, Scanned]:
    """Everything that decoding waits for; the labels are still to be read."""
    if not root.is_dir():
        raise NotADirectoryError(20, "the dump is not a folder", str(root))
    sampling = None if request["sampling"] is None else Sampling(**request["sampling"])
    pending: Scanned = scanned or scan_pictures(
        root, record, variant=request["variant"], limit=request["limit"], sampling=sampling,
        max_failure_rate=request["max_failure_rate"], threads=threads, progress=progress,
    )  # fmt: skip
    manifest, options = pending.manifest, IngestOptions(**request["options"])
    tolerance = record.variant(manifest.variant).chroma_tolerance
    if options.drop_duplicates != "none":
        from irtd_fast.redundancy import duplicates_to_omit

        repeated = duplicates_to_omit(
            manifest, options.drop_duplicates, tolerance=tolerance, threads=threads,
            progress=progress,
        )  # fmt: skip
        pending.leave_out(repeated)
    plan = make_plan(manifest, options, sealed=False)
    codecs = choose_codecs(manifest, plan, options.codec, tolerance)
    return _Job(record, manifest, plan, codecs, tolerance), pending


def _seal(
    staging: Staging,
    job: _Job,
    pending: Scanned,
    request: dict[str, Any],
    *,
    replace: bool,
) -> None:
    """Read the labels and save the plan; from here on the run can be resumed.

    Their tables are written too, while pictures decode: at the end only one core would be busy.
    """
    pending.read_labels()
    digest = job.manifest.save(staging.manifest_path)
    job.plan.fingerprint = fingerprint(digest, IngestOptions(**request["options"]))
    header = {
        **request, "replace": replace, "fingerprint": job.plan.fingerprint,
        "arrays": job.plan.describe(),
        "codecs": {path: [list(c) for c in codecs] for path, codecs in job.codecs.items()},
    }  # fmt: skip
    staging.save_plan(header)
    job.labels = build_labels(job.manifest.samples)
    write_labels(staging.tree, job.labels.objects, job.labels.points)


def _resume_job(staging: Staging, request: dict[str, Any], record: SourceRecord) -> _Job:
    header = staging.load_plan()
    asked = request.keys() - {"max_failure_rate"}
    differing = sorted(key for key in asked if header.get(key) != request[key])
    if differing:
        raise StoreExistsError(
            f"{staging.folder}: the interrupted run was started with another "
            f"{', '.join(differing)}; use the same to resume, or --replace to start over",
            path=str(staging.folder),
        )
    manifest = Manifest.load(staging.manifest_path)
    plan = make_plan(manifest, IngestOptions(**header["options"]))
    if plan.fingerprint != header["fingerprint"]:
        raise StoreFormatError(
            f"{staging.plan_path}: $.fingerprint: does not belong to the saved manifest",
            path=str(staging.plan_path),
        )
    codecs = {p: tuple((n, o) for n, o in items) for p, items in header["codecs"].items()}
    tolerance = record.variant(manifest.variant).chroma_tolerance
    return _Job(record, manifest, plan, codecs, tolerance)


def _check_space(staging: Staging, plan: Plan) -> None:
    free = shutil.disk_usage(staging.store).free
    staged = sum(path.stat().st_size for path in staging.tree.rglob("*") if path.is_file())
    if plan.planned_bytes - staged > free:  # a resumed run has a part of it already
        need, have = (plan.planned_bytes - staged) / 1e9, free / 1e9
        raise StoreError(
            f"{staging.store}: the plan may need {need:.2f} GB and {have:.2f} GB are free; "
            "use --limit, --profile compact or another disk",
            path=str(staging.store),
        )


def _attributes(job: _Job, options: dict[str, Any]) -> dict[str, Any]:
    codecs = {path: [list(codec) for codec in items] for path, items in job.codecs.items()}
    return {
        "source": job.record.to_dict(), "record_digest": job.record.digest(),
        "variant": job.manifest.variant, "options": options, "codecs": codecs,
        "recipe": {"name": "counts"}, "licence": job.record.licence, "terms": job.record.terms,
        "notes": job.manifest.notes, "sampling": job.manifest.sampling,
    }  # fmt: skip


def _report(staging: Staging, job: _Job, counts: dict[str, Any]) -> IngestReport:
    codecs = {path: [name for name, _ in items] for path, items in job.codecs.items()}
    return IngestReport(
        str(staging.store), staging.name, job.manifest.variant, counts, job.plan.describe(),
        codecs, job.manifest.problems, job.manifest.notes,
    )  # fmt: skip
