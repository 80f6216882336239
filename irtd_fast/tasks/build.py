"""Build texts for all sources of one or several stores, and store them beside the samples."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from irtd_fast.store.dataset import Dataset, open_store
from irtd_fast.store.source import Source
from irtd_fast.store.text_columns import TextColumns
from irtd_fast.store.texts import check_absent, check_name, text_builds, write_texts
from irtd_fast.tasks.base import TASKS, Options
from irtd_fast.tasks.builders import builder_named, tasks_of_source
from irtd_fast.tasks.engine import Progress, Team, build_columns
from irtd_fast.tasks.quotas import SubsetQuota, read_quotas
from irtd_fast.tasks.report import BuildReport, SourceTexts, Tally
from irtd_fast.tasks.subsets import grid_rows, select, share_out


def build_texts(
    stores: str | Path | Sequence[str | Path],
    *,
    tasks: Iterable[str] | None = None,
    options: Options | None = None,
    subsets: Iterable[str] = (),
    quotas: Mapping[str, SubsetQuota] | None = None,
    name: str | None = None,
    sources: Iterable[str] = (),
    all_tasks: bool = False,
    replace: bool = False,
    dry_run: bool = False,
    workers: int = 0,
    progress: Progress = lambda *_: None,
) -> BuildReport:
    """Build texts and store them as ``texts/NAME`` of each source.

    Args:
        stores: One store or several; subsets are shared out over all of their samples.
        tasks: Names; by default the nine tasks, or those of the quotas.
        options: Mode, units, phrasings, seed.
        subsets: Which subsets to build; none: everything, without quotas.
        quotas: Of all subsets; by default the paper's.
        name: Of the texts; by default that of the subset, or ``built-clean`` and
            ``built-official`` without subsets. With a name, several subsets are stored together.
        sources: Only these sources of the stores; empty: all.
        all_tasks: Ask a source about tasks that its catalogue record does not list, too.
        replace: Take the place of texts of the same name.
        dry_run: Store nothing.
        workers: Processes; 0 takes one a core where it pays.
        progress: Called with (phase, done, total).

    Raises:
        UnknownTaskError: No such task.
        ValueError: No such subset or source, or no name.
        StoreExistsError: A source has texts of the name and ``replace`` is not set; then nothing
            is built.
        StoreBusyError: Another process writes a source.
    """
    started = time.perf_counter()
    build = _Build(
        _open(stores, sources), options or Options(), tasks, all_tasks=all_tasks, replace=replace,
        dry_run=dry_run, workers=workers, progress=progress,
    )  # fmt: skip
    wanted = list(dict.fromkeys(subsets))
    if wanted:
        report = build.subsets(wanted, quotas or read_quotas(), name)
    else:
        report = build.all(name or f"built-{build.options.mode}")
    report.written = not dry_run
    report.seconds = time.perf_counter() - started
    return report


def _open(stores: str | Path | Sequence[str | Path], sources: Iterable[str]) -> Dataset:
    """All samples of all sources, source by source."""
    paths = [stores] if isinstance(stores, str | Path) else list(stores)
    if not paths:
        raise ValueError("expected a store, found none")
    datasets = [open_store(path) for path in dict.fromkeys(Path(p).absolute() for p in paths)]
    whole = datasets[0]
    for other in datasets[1:]:
        whole = whole + other
    return whole.filter(source=list(sources)) if sources else whole


class _Build:
    """One call of ``build_texts``."""

    def __init__(
        self,
        dataset: Dataset,
        options: Options,
        tasks: Iterable[str] | None,
        *,
        all_tasks: bool,
        replace: bool,
        dry_run: bool,
        workers: int,
        progress: Progress,
    ) -> None:
        self.dataset, self.options = dataset, options
        self.tasks = None if tasks is None else list(dict.fromkeys(tasks))
        self.all_tasks, self.replace, self.dry_run = all_tasks, replace, dry_run
        self.workers, self.progress = workers, progress
        present = set(dataset.source_codes.tolist())
        self.sources = [(c, s) for c, s in enumerate(dataset.sources) if c in present]
        for task in self.tasks or ():
            builder_named(task)

    def _team(self) -> Team:
        return Team(len(self.dataset), self.workers)

    def _columns(self, source: Source, tasks: Iterable[str], team: Team) -> TextColumns:
        names = list(tasks) if self.all_tasks else tasks_of_source(source, tasks)
        return build_columns(source, names, self.options, team=team, progress=self.progress)

    def _check(self, names: Iterable[str]) -> None:
        """Refuse before anything is built."""
        for name in names:
            check_name(name)
            for _, source in self.sources if not (self.replace or self.dry_run) else ():
                check_absent(source, name)

    def _stale(self, source: Source, name: str) -> bool:
        """True if earlier texts would be left of a source that has none any more."""
        return self.replace and name in text_builds(source)

    def _facts(self, **more: Any) -> dict[str, Any]:
        return {**asdict(self.options), "built": True, **more}

    def _store(self, source: Source, name: str, columns: TextColumns, **facts: Any) -> SourceTexts:
        store = source.path.parent
        found = SourceTexts(str(store), source.name, name, len(columns))
        found.samples = sum(1 for length in columns.lengths if length)
        found.tasks = columns.strings["task"].counts()
        found.subsets = {w: n for w, n in columns.strings["subset"].counts().items() if w}
        if not self.dry_run:
            attributes = self._facts(**facts)
            write_texts(
                store, source.name, name, columns, attributes=attributes, replace=self.replace
            )
        return found

    def all(self, name: str) -> BuildReport:
        """Every text of every sample."""
        self._check([name])
        report = BuildReport(options=asdict(self.options))
        with self._team() as team:
            for _, source in self.sources:
                columns = self._columns(source, self.tasks or TASKS, team)
                if len(columns) or self._stale(source, name):
                    report.sources.append(self._store(source, name, columns))
                else:
                    report.notes.append(f"{source.name}: no task has anything to ask about it")
        return report

    def subsets(
        self, wanted: list[str], quotas: Mapping[str, SubsetQuota], name: str | None
    ) -> BuildReport:
        """The texts of subsets, no picture in two of them."""
        quotas = self._restricted(wanted, quotas)
        builds = {name: wanted} if name else {subset: [subset] for subset in wanted}
        self._check(builds)
        tasks = dict.fromkeys(task for quota in quotas.values() for task in quota.tasks)
        with self._team() as team:
            columns = [self._columns(source, tasks, team) for _, source in self.sources]
        shared = share_out(
            self.dataset,
            columns,
            quotas,
            seed=self.options.seed,
            ignore=builds if self.replace else (),
        )
        tally = Tally(shared, quotas)
        chosen: dict[tuple[int, str], TextColumns] = {}
        for number, (code, source) in enumerate(self.sources):
            for subset in wanted:
                part = select(shared, code, source, columns[number], [subset], self.options)
                tally.add(code, subset, part, grid_rows(part.strings["provenance"].words))
                chosen[number, subset] = part
            columns[number] = TextColumns()
        manifest = {**self._facts(), **tally.manifest(wanted)}
        report = BuildReport(options=asdict(self.options), manifest=manifest)
        report.notes = _notes(manifest)
        for number, (_, source) in enumerate(self.sources):
            for build, members in builds.items():
                part = _merged([chosen[number, subset] for subset in members])
                if len(part) or self._stale(source, build):
                    found = self._store(source, build, part, subsets_built=members,
                                        manifest=manifest)  # fmt: skip
                    report.sources.append(found)
        return report

    def _restricted(
        self, wanted: list[str], quotas: Mapping[str, SubsetQuota]
    ) -> dict[str, SubsetQuota]:
        for subset in wanted:
            if subset not in quotas:
                raise ValueError(f"no subset {subset!r}; there are {', '.join(quotas)}")
        for task in {task for quota in quotas.values() for task in quota.tasks}:
            builder_named(task)
        if self.tasks is None:
            return dict(quotas)
        out = {}
        for key, quota in quotas.items():
            kept = {task: q for task, q in quota.tasks.items() if task in self.tasks}
            out[key] = SubsetQuota(quota.name, kept, quota.prefer, quota.splits, quota.paper)
        if not any(out[subset].tasks for subset in wanted):
            raise ValueError(f"no quota of {', '.join(wanted)} is about {', '.join(self.tasks)}")
        return out


def _merged(parts: Sequence[TextColumns]) -> TextColumns:
    """Texts of the same samples, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    out = TextColumns()
    for texts in zip(*(part.by_sample() for part in parts), strict=True):
        out.add([text for mine in texts for text in mine])
    return out


def _notes(manifest: Mapping[str, Any]) -> list[str]:
    """What a reader of the manifest should not overlook."""
    notes = []
    for name, subset in manifest["subsets"].items():
        short = [f"{task} {count:,}" for task, count in subset["short"].items()]
        if short:
            notes.append(f"{name}: samples missing to the quotas: {', '.join(short)}")
    if manifest["torn_groups"]:
        notes.append(
            f"{manifest['torn_groups']} groups of samples are in two subsets by earlier texts; "
            "they are in none of these"
        )
    return notes
