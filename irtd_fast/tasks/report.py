"""What a build of texts has made: counts by source and task, and the manifest of subsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.store.text_columns import TextColumns
from irtd_fast.tasks.groups import digest_marks, identity_marks, sequence_marks
from irtd_fast.tasks.quotas import SubsetQuota
from irtd_fast.tasks.subsets import Shared, serves


@dataclass
class SourceTexts:
    """Texts of one source.

    Attributes:
        store: Path of the store.
        source: Name of the source in it.
        name: Of the texts.
        texts: How many.
        samples: Samples that have any.
        tasks: Texts of each task.
        subsets: Texts of each subset.
    """

    store: str
    source: str
    name: str
    texts: int = 0
    samples: int = 0
    tasks: dict[str, int] = field(default_factory=dict)
    subsets: dict[str, int] = field(default_factory=dict)


@dataclass
class BuildReport:
    """What ``build_texts`` did.

    Attributes:
        sources: Texts of each source and name.
        options: How they were built.
        manifest: Counts of subsets beside the paper's; empty without subsets.
        notes: Facts worth knowing.
        seconds: It took.
        written: False after a dry run.
    """

    sources: list[SourceTexts] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    written: bool = False

    @property
    def texts(self) -> int:
        """Texts of all sources."""
        return sum(source.texts for source in self.sources)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {**asdict(self), "texts": self.texts}


class Tally:
    """Counts the texts of subsets, source by source.

    Args:
        shared: Who is asked what.
        quotas: What was wanted.
    """

    def __init__(self, shared: Shared, quotas: Mapping[str, SubsetQuota]) -> None:
        self.shared, self.quotas = shared, quotas
        shape = len(shared.dataset), len(shared.candidates.tasks)
        self.asked = np.zeros(shape, bool)
        self.texts = np.zeros(shape[1], np.int64)
        self.shown: dict[str, NDArray[np.bool_]] = {
            name: np.zeros(shape[0], bool) for name in quotas
        }
        self._texts: dict[tuple[str, int], int] = {}

    def add(self, code: int, subset: str, columns: TextColumns, grids: Iterable[int]) -> None:
        """Count the texts of a subset of one source.

        Args:
            code: Of the source in the dataset.
            subset: Name.
            columns: Its texts.
            grids: Rows of further samples that their pictures show.
        """
        numbers = self.shared.of_source(code)
        tasks = self.shared.candidates.tasks
        served = serves(columns, tasks)
        self.asked[numbers] |= served
        self.shown[subset][numbers[served.any(axis=1)]] = True
        self.shown[subset][numbers[np.fromiter(grids, np.int64)]] = True
        counts = columns.strings["task"].counts()
        for number, task in enumerate(tasks):
            key = subset, number
            self._texts[key] = self._texts.get(key, 0) + counts.get(task, 0)

    def manifest(self, subsets: Iterable[str]) -> dict[str, Any]:
        """Counts of these subsets beside what was wanted and what the paper has."""
        names = self.shared.assignment.subsets
        places = self.shared.places(np.arange(len(self.shared.dataset)))
        torn = self.shared.assignment.torn
        wanted = list(subsets)
        return {
            "subsets": {
                name: self._subset(name, places == names.index(name)) for name in wanted
            },
            "samples": len(places),
            "in_no_subset": int((places < 0).sum()),
            "torn_groups": len(torn),
            "shared_by_two": self._overlaps(wanted),
        }  # fmt: skip

    def _subset(self, name: str, mine: NDArray[np.bool_]) -> dict[str, Any]:
        quota = self.quotas[name]
        tasks = {task: self._task(name, number, mine)
                 for number, task in enumerate(self.shared.candidates.tasks)
                 if task in quota.tasks}  # fmt: skip
        return {
            "paper": quota.paper,
            "quota": quota.samples,
            "samples": sum(task["samples"] for task in tasks.values()),
            "pictures": int(self.shown[name].sum()),
            "texts": sum(task["texts"] for task in tasks.values()),
            "groups": len(np.unique(self.shared.candidates.groups[self.shown[name]])),
            "tasks": tasks,
            "short": {t: task["short"] for t, task in tasks.items() if task["short"]},
        }

    def _task(self, name: str, number: int, mine: NDArray[np.bool_]) -> dict[str, Any]:
        candidates = self.shared.candidates
        task = candidates.tasks[number]
        quota = self.quotas[name].tasks[task]
        asked = self.asked[:, number] & mine
        counts = np.bincount(candidates.sources[asked], minlength=len(candidates.source_words))
        samples = int(asked.sum())
        found = dict(zip(candidates.source_words, counts.tolist(), strict=True))
        sources = {
            key: {"quota": quota.sources.get(key), "samples": found.get(key, 0)}
            for key in [*quota.sources, *(k for k in found if k not in quota.sources)]
            if key in quota.sources or found[key]
        }
        return {
            "paper": quota.paper, "quota": quota.samples, "samples": samples,
            "texts": self._texts.get((name, number), 0), "short": quota.samples - samples,
            "sources": sources,
        }  # fmt: skip

    def _overlaps(self, subsets: list[str]) -> dict[str, int]:
        """Pictures, sequences and identities that two subsets share; all 0, or it is a bug."""
        marks = {
            "digests": digest_marks(self.shared.dataset),
            "sequences": sequence_marks(self.shared.dataset),
            "identities": identity_marks(self.shared.dataset),
        }
        out = {}
        for word, mark in marks.items():
            seen = [np.unique(mark[self.shown[name] & (mark >= 0)]) for name in subsets]
            values, counts = np.unique(np.concatenate(seen or [mark[:0]]), return_counts=True)
            out[word] = int((counts[: len(values)] > 1).sum())
        return out
