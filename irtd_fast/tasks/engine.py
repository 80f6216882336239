"""Builds the texts of a source: tasks over blocks of samples, in one process or several.

A text depends on the seed, the task and the sample alone, so neither the blocks nor the processes
that made them show in the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from irtd_fast.store.source import Source
from irtd_fast.store.text_columns import TextColumns, TextRecord
from irtd_fast.tasks.base import Options, Text
from irtd_fast.tasks.builders import Builder, build_texts_of, builder_named, needs_pool, record_of
from irtd_fast.tasks.gather import Teller
from irtd_fast.tasks.pool import IdentityPool

_BLOCK = 2048  # samples that a process builds at a time
_PAYS = 30_000  # samples from which further processes save more than they take to begin
_MOST_WORKERS = 8

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Recipe:
    """What is built of a source; travels to the processes that do it.

    Attributes:
        path: Folder of the source's group.
        tasks: Names of the tasks.
        options: How.
    """

    path: Path
    tasks: tuple[str, ...]
    options: Options


class TextBuilder:
    """Builds texts of one source's samples.

    Args:
        recipe: What, and how.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.options = recipe.options
        self.teller = Teller(Source(recipe.path))
        self.builders: list[Builder] = [builder_named(name) for name in recipe.tasks]
        self._composing = [needs_pool(builder) for builder in self.builders]
        self._pool: IdentityPool | None = None

    @property
    def pool(self) -> IdentityPool:
        """All samples of the source, for texts that are made of several."""
        if self._pool is None:
            self._pool = IdentityPool.of_source(self.teller.source)
        return self._pool

    def block(self, first: int, last: int) -> TextColumns:
        """Texts of the samples in these rows of the source, sample by sample."""
        columns = TextColumns()
        asked = [
            (builder, self.pool if composing else None)
            for builder, composing in zip(self.builders, self._composing, strict=True)
        ]
        for facts in self.teller.facts(np.arange(first, last)):
            texts: list[Text] = []
            for builder, pool in asked:
                texts += build_texts_of(builder, facts, self.options, pool)
            columns.add([record_of(text) for text in texts])
        return columns

    def within(
        self, rows: NDArray[np.int64], pool_rows: NDArray[np.int64]
    ) -> list[list[TextRecord]]:
        """Texts of these samples that are made of other samples, of those in ``pool_rows`` only."""
        pool = IdentityPool.of_source(self.teller.source, pool_rows)
        builders = [builder for builder in self.builders if needs_pool(builder)]
        return [
            [
                record_of(text)
                for builder in builders
                for text in build_texts_of(builder, facts, self.options, pool)
            ]
            for facts in self.teller.facts(rows)
        ]


@lru_cache(maxsize=1)
def _builder(recipe: Recipe) -> TextBuilder:
    """The builder of this process."""
    return TextBuilder(recipe)


def _build_block(recipe: Recipe, first: int, last: int) -> TextColumns:
    return _builder(recipe).block(first, last)


class Team:
    """Processes that build texts, for as long as the ``with`` lasts.

    Args:
        samples: How many samples they will build texts of, over all sources.
        workers: How many; 0 takes one a core where there are samples enough to pay for them.

    Raises:
        ValueError: A negative number.
    """

    def __init__(self, samples: int, workers: int = 0) -> None:
        processes = min(_workers(workers, samples), max(1, -(-samples // _BLOCK)))
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1:
            # Spawned: the parent has threads, and a fork would copy their locks as they are.
            self._pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def blocks(self, recipe: Recipe, count: int) -> Iterator[TextColumns]:
        """Texts of all samples of a source, block after block."""
        bounds = [(first, min(first + _BLOCK, count)) for first in range(0, count, _BLOCK)]
        if self._pool is None:
            builder = TextBuilder(recipe)
            return (builder.block(first, last) for first, last in bounds)
        work = [(recipe, first, last) for first, last in bounds]
        return self._pool.map(_build_block, *zip(*work, strict=True)) if work else iter(())


def build_columns(
    source: Source,
    tasks: Sequence[str],
    options: Options,
    *,
    team: Team | None = None,
    progress: Progress = lambda *_: None,
) -> TextColumns:
    """Texts of all samples of a source.

    Args:
        source: The source.
        tasks: Names of the tasks.
        options: How.
        team: Who does it; ``None``: this process.
        progress: Called with (phase, samples done, samples in all).

    Raises:
        UnknownTaskError: No such task.
        CorruptStoreError: The source's tables are damaged.
    """
    for name in tasks:
        builder_named(name)
    recipe = Recipe(source.path, tuple(tasks), options)
    columns = TextColumns()
    for part in (team or Team(0)).blocks(recipe, len(source)):
        columns.extend(part)
        progress(f"texts {source.name}", columns.samples, len(source))
    return columns


def _workers(workers: int, samples: int) -> int:
    if workers < 0:
        raise ValueError(f"workers must not be negative, found {workers}")
    if workers:
        return workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, _MOST_WORKERS) if samples >= _PAYS else 1
