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
from irtd_fast.store.texts import StoredTexts, text_builds


@dataclass(frozen=True)
class Chosen:
    """Texts of one source that are wanted.

    Attributes:
        texts: As stored.
        samples: Dataset number of the sample of each text.
        numbers: Number of each text in ``texts``, in the order of the samples.
    """

    texts: StoredTexts
    samples: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def __iter__(self) -> Iterator[tuple[int, TextRecord]]:
        for sample, number in zip(self.samples.tolist(), self.numbers.tolist(), strict=True):
            yield sample, self.texts.record(number)


def choose_texts(job: ExportJob) -> list[Chosen]:
    """The texts that a job is about, source by source.

    Raises:
        ValueError: No texts of the name; several and no name; a task or subset that none of them
            has. Each time what there is is listed.
    """
    name = job.texts or only_name(job.dataset)
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


def only_name(dataset: Dataset) -> str:
    """Name of the texts of a dataset that has texts of one name only.

    Raises:
        ValueError: There are none, or of several names.
    """
    names = sorted({name for _, source in _sources(dataset) for name in text_builds(source)})
    if len(names) != 1:
        found = f"those of {', '.join(names)}: name one of them" if names else "none"
        hint = "" if names else "; `irtd tasks build STORE` makes some"
        raise ValueError(f"expected texts of one name, found {found}{hint}")
    return names[0]


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
    return Chosen(texts, np.repeat(samples, lengths)[keep], numbers[keep])


def _check(column: str, wanted: Sequence[str], texts: Sequence[StoredTexts]) -> None:
    known = sorted({word for t in texts for word in t.attributes[f"{column}s"] if word})
    for word in wanted:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"no texts of {column} {word!r}{hint} There are {', '.join(known)}")
