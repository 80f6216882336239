"""Texts beside the pictures of a batch: chosen by weights, true of the window that the batch shows.

A text that was built here is built again of what is in the window; one whose object has left it is
another one or none. An imported text, of which nobody knows how it was made, stays where the window
is the whole picture, its coordinates moved; of other windows only what names the scene stays.
Pictures of re-identification grids are composed at the batch's size.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.grids import Grid
from irtd_fast.load.random import uniform
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source
from irtd_fast.store.texts import StoredTexts, only_name, text_builds
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.gather import Teller
from irtd_fast.tasks.retell import Window, grid_of, retell

NO_GRID = -1


class BatchText(NamedTuple):
    """A question about a picture of a batch.

    Attributes:
        task: Name of the task.
        question: Without a leading ``<image>``.
        answer: What is right.
        kind: Which template made it.
        grid: Number of its picture in ``Batch.grids``, -1 where it is about the sample's own.
    """

    task: str
    question: str
    answer: str
    kind: str = ""
    grid: int = NO_GRID


@dataclass(frozen=True)
class TextOptions:
    """Which texts come with a batch.

    Attributes:
        name: Of the stored texts; ``None`` takes the only ones there are.
        tasks: Only these; empty: all.
        weights: How often each task is drawn; one text a sample is given then. ``None`` gives all
            of a sample's texts.
    """

    name: str | None = None
    tasks: tuple[str, ...] = ()
    weights: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        """Check the weights."""
        for task, weight in (self.weights or {}).items():
            if not 0 <= weight < float("inf"):
                raise ValueError(f"the weight of {task} must be 0 or more, found {weight}")

    def weight(self, task: str) -> float:
        """Of a task; 0 where it is not wanted."""
        if self.tasks and task not in self.tasks:
            return 0.0
        return 1.0 if self.weights is None else float(self.weights.get(task, 0.0))


@dataclass
class PlannedTexts:
    """Texts of a batch and the grids that they need.

    Attributes:
        texts: Of each sample.
        grids: To be composed, in the order of ``BatchText.grid``.
        dropped: Texts that are not true of the windows and could not be made so.
    """

    texts: list[list[BatchText]] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    dropped: int = 0


class TextTargets:
    """Texts of a dataset's samples.

    Args:
        dataset: The samples.
        options: Which texts.
        seed: Of the choice.
        boxes: What becomes of boxes that a window cuts.

    Raises:
        ValueError: No such texts or tasks; those that there are are listed.
    """

    def __init__(
        self, dataset: Dataset, options: TextOptions, *, seed: int, boxes: BoxOptions
    ) -> None:
        self.dataset, self.options, self.seed, self.boxes = dataset, options, seed, boxes
        present = np.unique(dataset.source_codes).tolist()
        name = options.name or only_name(dataset.sources[code] for code in present)
        self._stored = {
            code: _Stored(dataset.sources[code], name, options)
            for code in present
            if name in text_builds(dataset.sources[code])
        }
        if not self._stored:
            there = {n for code in present for n in text_builds(dataset.sources[code])}
            found = f"there are {', '.join(sorted(there))}" if there else "there are none"
            raise ValueError(f"no texts {name!r}: {found}; `irtd tasks build STORE` makes some")
        self._check_tasks()

    def _check_tasks(self) -> None:
        known = sorted(self.tasks())
        for task in (*self.options.tasks, *(self.options.weights or ())):
            if task not in known:
                near = difflib.get_close_matches(task, known, n=1, cutoff=0.5)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"no texts of task {task!r}{hint} There are {', '.join(known)}")

    def tasks(self) -> set[str]:
        """Tasks of which there are texts."""
        return {
            task for stored in self._stored.values() for task in stored.texts.attributes["tasks"]
        }

    def samples(self) -> NDArray[np.int64]:
        """Dataset numbers of the samples that have a wanted text."""
        has = np.zeros(len(self.dataset), bool)
        for code, stored in self._stored.items():
            here = self.dataset.source_codes == code
            has[here] = stored.counts[self.dataset.rows[here]] > 0
        return np.flatnonzero(has)

    def plan(
        self,
        index: NDArray[np.int64],
        epoch: int,
        matrix: NDArray[np.float64],
        size: tuple[int, int],
    ) -> PlannedTexts:
        """Choose the texts of a batch and make them true of its windows.

        Args:
            index: (b,) dataset numbers.
            epoch: Whose draws these are.
            matrix: (b, 2, 3) from each sample's pixels to those of the batch.
            size: (height, width) of the batch.
        """
        planned = PlannedTexts()
        told: dict[int, Facts] = {}
        self._tell(index, told)
        for place, number in enumerate(index.tolist()):
            window = Window(matrix[place], size, self.boxes)
            planned.texts.append(self._of_sample(number, epoch, window, told.get(place), planned))
        return planned

    def _tell(self, index: NDArray[np.int64], told: dict[int, Facts]) -> None:
        """Facts of all samples of a batch, source by source."""
        codes, rows = self.dataset.source_codes[index], self.dataset.rows[index]
        for code in np.unique(codes).tolist():
            if code in self._stored:
                here = np.flatnonzero(codes == code)
                facts = self._stored[code].teller.facts(rows[here])
                told.update(zip(here.tolist(), facts, strict=True))

    def _of_sample(
        self, number: int, epoch: int, window: Window, facts: Facts | None, planned: PlannedTexts
    ) -> list[BatchText]:
        stored = self._stored.get(int(self.dataset.source_codes[number]))
        if stored is None or facts is None:
            return []
        wanted = stored.wanted(int(self.dataset.rows[number]))
        one = self.options.weights is not None
        out: list[BatchText] = []
        for text in self._in_order(wanted, number, epoch, stored) if one else wanted:
            record = stored.texts.record(text)
            grid = grid_of(record, stored.source.name)
            made = record if grid is not None else retell(record, facts, window)
            if made is None:
                planned.dropped += 1
                continue
            place = NO_GRID
            if grid is not None:
                place = len(planned.grids)
                planned.grids.append(grid)
            out.append(BatchText(made.task, made.question, made.answer, made.kind, place))
            if one:
                break
        return out

    def _in_order(
        self, texts: Sequence[int], number: int, epoch: int, stored: _Stored
    ) -> list[int]:
        """Texts of a sample in the order in which they are tried, drawn by weight.

        A task's weight is shared by its texts. The order is a weighted one without replacement:
        the largest ``log(u) / weight`` first (Efraimidis and Spirakis, 2006).
        """
        tasks = [stored.task_of(text) for text in texts]
        shares = [self.options.weight(task) / tasks.count(task) for task in tasks]
        # A counter of its own for every text of every sample: 2^16 texts.
        counters = (np.int64(number) << 16) + np.arange(len(texts))
        draws = uniform(self.seed, epoch, counters, "text", 1)[:, 0]
        keys = np.log(np.maximum(draws, 2.0**-60)) / np.array(shares)
        return [texts[i] for i in np.argsort(-keys, kind="stable").tolist()]


class _Stored:
    """The wanted texts of one source."""

    def __init__(self, source: Source, name: str, options: TextOptions) -> None:
        self.source = source
        self.texts = StoredTexts(source, name)
        self.teller = Teller(source)
        words, self._codes = self.texts.words("task")
        self._words = list(words)
        keep = np.array([options.weight(word) > 0 for word in self._words] or [False], bool)
        self._keep = keep[self._codes] if len(self._codes) else np.zeros(0, bool)
        running = np.concatenate([[0], np.cumsum(self._keep)])
        self.counts = running[self.texts.offsets[1:]] - running[self.texts.offsets[:-1]]

    def wanted(self, row: int) -> list[int]:
        """Numbers of the wanted texts of a sample."""
        first, last = int(self.texts.offsets[row]), int(self.texts.offsets[row + 1])
        return (first + np.flatnonzero(self._keep[first:last])).tolist()

    def task_of(self, text: int) -> str:
        """Task of a text."""
        return self._words[int(self._codes[text])]
