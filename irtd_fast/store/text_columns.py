"""Texts as columns in the making: sample by sample, block by block, ready to be stored.

Strings are numbered as they come, since most texts repeat: a build of 260,000 samples asks a few
hundred different questions. Columns of two blocks joined equal those of one block, so that who
made which samples does not show in the store.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The string columns of a text, in the order of ``TextRecord``.
STRING_COLUMNS = ("task", "question", "answer", "kind", "provenance", "subset")


class TextRecord(NamedTuple):
    """One question and its answer about one sample.

    Attributes:
        task: Name of the task, e.g. ``location``.
        question: Without a leading ``<image>``.
        answer: What is right.
        kind: Which template or rule made it; ``""`` if unknown.
        provenance: How it was made, as JSON (``""``: nothing is known).
        subset: ``pretrain``, ``instruction``, ``benchmark`` or ``""``.
        objects: Numbers of the boxes (or points) it is about, as the task counts them; empty if it
            is about the whole picture.
    """

    task: str
    question: str
    answer: str
    kind: str = ""
    provenance: str = ""
    subset: str = ""
    objects: tuple[int, ...] = ()


class WordColumn:
    """A column of strings, each distinct one kept once.

    Attributes:
        codes: Number of each row's string.
        words: Distinct strings and their numbers, in order of first appearance.
    """

    __slots__ = ("codes", "words")

    def __init__(self) -> None:
        self.codes = array("i")
        self.words: dict[str, int] = {}

    def append(self, word: str) -> None:
        """Add a row."""
        self.codes.append(self.words.setdefault(word, len(self.words)))

    def extend(self, other: WordColumn) -> None:
        """Add all rows of another column."""
        words = self.words
        codes = np.array([words.setdefault(w, len(words)) for w in other.words], np.int32)
        if len(other.codes):
            self.codes.frombytes(codes[np.frombuffer(other.codes, np.int32)].tobytes())

    def numbers(self) -> NDArray[np.int32]:
        """Codes as an array."""
        return np.array(self.codes, np.int32)

    def rows(self) -> list[str]:
        """The string of every row."""
        words = list(self.words)
        return [words[code] for code in self.codes]

    def counts(self) -> dict[str, int]:
        """How many rows have each string."""
        tally = np.bincount(self.numbers(), minlength=len(self.words)).tolist()
        return dict(zip(self.words, tally, strict=True))


class TextColumns:
    """Texts of samples in the order of a source's rows.

    Attributes:
        lengths: Texts of each sample so far.
        strings: The string columns by name.
        objects: Object numbers of all texts, one after another.
        object_lengths: How many of them each text has.
    """

    __slots__ = ("lengths", "object_lengths", "objects", "strings")

    def __init__(self) -> None:
        self.lengths = array("i")
        self.strings = {name: WordColumn() for name in STRING_COLUMNS}
        self.objects = array("i")
        self.object_lengths = array("i")

    def __len__(self) -> int:
        return len(self.object_lengths)

    @property
    def samples(self) -> int:
        """Samples so far."""
        return len(self.lengths)

    def add(self, texts: Iterable[TextRecord]) -> None:
        """Add the texts of the next sample, which may have none."""
        before = len(self.object_lengths)
        columns = [(column.codes.append, column.words) for column in self.strings.values()]
        for record in texts:
            for (append, words), word in zip(columns, record, strict=False):  # objects come last
                append(words.setdefault(word, len(words)))  # type: ignore[arg-type]
            self.objects.extend(record.objects)
            self.object_lengths.append(len(record.objects))
        self.lengths.append(len(self.object_lengths) - before)

    def extend(self, other: TextColumns) -> None:
        """Add the samples of a later block."""
        for name, column in self.strings.items():
            column.extend(other.strings[name])
        self.lengths.extend(other.lengths)
        self.objects.extend(other.objects)
        self.object_lengths.extend(other.object_lengths)

    def by_sample(self) -> Iterator[list[TextRecord]]:
        """Texts of each sample, in order."""
        words = [list(column.words) for column in self.strings.values()]
        codes = zip(*(column.codes for column in self.strings.values()), strict=True)
        numbers, spans = iter(self.objects), iter(self.object_lengths)
        for length in self.lengths:
            texts = []
            for row, span in zip(islice(codes, length), islice(spans, length), strict=True):
                task, question, answer, kind, provenance, subset = (
                    word[code] for word, code in zip(words, row, strict=True)
                )
                objects = tuple(islice(numbers, span))
                texts.append(TextRecord(task, question, answer, kind, provenance, subset, objects))
            yield texts

    def offsets(self) -> NDArray[np.uint64]:
        """(samples + 1) where the texts of each sample begin."""
        return _offsets(self.lengths)

    def object_offsets(self) -> NDArray[np.uint64]:
        """(texts + 1) where the object numbers of each text begin."""
        return _offsets(self.object_lengths)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.lengths, self.strings, self.objects, self.object_lengths

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.lengths, self.strings, self.objects, self.object_lengths = state


def _offsets(lengths: Iterable[int]) -> NDArray[np.uint64]:
    counts = np.array(lengths, np.uint64)
    offsets = np.zeros(len(counts) + 1, np.uint64)
    np.cumsum(counts, out=offsets[1:])
    return offsets
