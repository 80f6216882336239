"""The texts that an export writes, with the samples they are about."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irtd_fast.export.base import ExportJob
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source
from irtd_fast.store.text_columns import TextRecord
from irtd_fast.store.texts import StoredTexts, only_name, text_builds
from irtd_fast.tasks.gather import Teller
from irtd_fast.tasks.retell import in_units
from irtd_fast.tasks.text import Units

_BLOCK = 4096  # texts told at a time


@dataclass(frozen=True)
class Chosen:
    """Texts of one source that are wanted.

    Attributes:
        texts: As stored.
        samples: Dataset number of the sample of each text.
        numbers: Number of each text in ``texts``, in the order of the samples.
        rows: Row of the sample of each text in its source.
        units: In which coordinates are wanted, ``None``: as they were built.
    """

    texts: StoredTexts
    samples: NDArray[np.int64]
    numbers: NDArray[np.int64]
    rows: NDArray[np.int64]
    units: Units | None = None

    def __iter__(self) -> Iterator[tuple[int, TextRecord]]:
        for first in range(0, len(self.numbers), _BLOCK):
            here = slice(first, first + _BLOCK)
            records = [self.texts.record(number) for number in self.numbers[here].tolist()]
            if self.units is not None:
                records = self._in_units(records, self.rows[here], self.units)
            yield from zip(self.samples[here].tolist(), records, strict=True)

    def _in_units(
        self, records: list[TextRecord], rows: NDArray[np.int64], units: Units
    ) -> list[TextRecord]:
        facts = Teller(self.texts.source).facts(rows)
        return [in_units(r, f, units) for r, f in zip(records, facts, strict=True)]


def choose_texts(job: ExportJob) -> list[Chosen]:
    """The texts that a job is about, source by source.

    Raises:
        ValueError: No texts of the name; several and no name; a task or subset that none of them
            has. Each time what there is is listed.
    """
    name = job.texts or only_name(source for _, source in _sources(job.dataset))
    chosen = [
        _of_source(job, name, code, source)
        for code, source in _sources(job.dataset)
        if name in text_builds(source)
    ]
    if not chosen:
        there = {n for _, source in _sources(job.dataset) for n in text_builds(source)}
        found = f"there are {', '.join(sorted(there))}" if there else "there are none"
        raise ValueError(f"no texts {name!r}: {found}; `irtd tasks build STORE` makes some")
    _check("task", job.tasks, [c.texts for c in chosen])
    _check("subset", job.subsets, [c.texts for c in chosen])
    return chosen


def _sources(dataset: Dataset) -> list[tuple[int, Source]]:
    """Codes and sources of which the dataset has samples."""
    return [(code, dataset.sources[code]) for code in np.unique(dataset.source_codes).tolist()]


def _of_source(job: ExportJob, name: str, code: int, source: Source) -> Chosen:
    texts = StoredTexts(source, name)
    samples = np.flatnonzero(job.dataset.source_codes == code)
    rows = job.dataset.rows[samples]
    first, lengths = texts.offsets[rows], texts.offsets[rows + 1] - texts.offsets[rows]
    ends = np.cumsum(lengths)
    numbers = np.repeat(first - (ends - lengths), lengths) + np.arange(lengths.sum())
    keep = np.ones(len(numbers), bool)
    for column, wanted in (("task", job.tasks), ("subset", job.subsets)):
        if wanted:
            words, codes = texts.words(column)
            there = [i for i, word in enumerate(words) if word in wanted]
            keep &= np.isin(codes[numbers], there)
    owner = np.repeat(np.arange(len(rows)), lengths)[keep]
    return Chosen(texts, samples[owner], numbers[keep], rows[owner], job.units)


def _check(column: str, wanted: Sequence[str], texts: Sequence[StoredTexts]) -> None:
    known = sorted({word for t in texts for word in t.attributes[f"{column}s"] if word})
    for word in wanted:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"no texts of {column} {word!r}{hint} There are {', '.join(known)}")
