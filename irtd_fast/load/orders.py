"""In which order the samples of a dataset are seen: pure functions of (seed, epoch).

An order is asked once an epoch and gives dataset numbers, and where batches may not go on: groups,
one after another, that no batch crosses.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from irtd_fast.load.random import permutation, uniform
from irtd_fast.store.columns import read_column
from irtd_fast.store.dataset import Dataset
from irtd_fast.store.source import Source

Numbers: TypeAlias = NDArray[np.int64]
# Dataset numbers, and the ends of groups within them (the last one is all of them).
Arranged: TypeAlias = tuple[Numbers, Numbers]


class Order(Protocol):
    """What a loader's ``order`` must do; all orders of this module do it."""

    def bind(self, dataset: Dataset) -> BoundOrder:
        """The order of a dataset's samples, what it needs of the store read once."""


class BoundOrder(Protocol):
    """An order that knows its dataset."""

    def arrange(self, seed: int, epoch: int) -> Arranged:
        """Order of an epoch."""

    @property
    def key(self) -> str:
        """Differs where the order of the same dataset would."""

    @property
    def repeats(self) -> bool:
        """Whether an epoch may have a sample more than once: it is drawn anew each time."""


class _Once:
    """Of orders that have every sample once."""

    repeats = False


def _one_group(numbers: Numbers) -> Arranged:
    return numbers, np.array([len(numbers)], np.int64)


def _in_groups(groups: list[Numbers]) -> Arranged:
    ends = np.cumsum([len(group) for group in groups], dtype=np.int64)
    return np.concatenate(groups), ends


def _shuffled(seed: int, epoch: int, numbers: Numbers, which: int = 0) -> Numbers:
    return numbers[permutation(seed + 0x9E3779B9 * which, epoch, len(numbers))]


def _digest(*arrays: NDArray[Any]) -> str:
    crc = 0
    for array in arrays:
        crc = zlib.crc32(np.ascontiguousarray(array).tobytes(), crc)
    return f"{crc:08x}"


def earlier_visits(order: Numbers) -> Numbers:
    """(n,) how often each entry of an order was there before."""
    ranked = np.argsort(order, kind="stable")
    new = np.diff(order[ranked], prepend=-1) != 0
    first = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    visits = np.empty(len(order), np.int64)
    visits[ranked] = np.arange(len(order)) - first
    return visits


# ---- plain orders -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sequential:
    """As the dataset has them."""

    def bind(self, dataset: Dataset) -> _Plain:
        """See ``Order``."""
        return _Plain(len(dataset), random=False)


@dataclass(frozen=True)
class Random:
    """A true permutation, another one every epoch."""

    def bind(self, dataset: Dataset) -> _Plain:
        """See ``Order``."""
        return _Plain(len(dataset), random=True)


@dataclass(frozen=True)
class _Plain(_Once):
    count: int
    random: bool

    @property
    def key(self) -> str:
        return "random" if self.random else "sequential"

    def arrange(self, seed: int, epoch: int) -> Arranged:
        numbers = np.arange(self.count, dtype=np.int64)
        return _one_group(_shuffled(seed, epoch, numbers) if self.random else numbers)


# ---- by place in the store ----------------------------------------------------------------------


@dataclass(frozen=True)
class ShardShuffled:
    """Shards in random order, samples shuffled within a window of shards.

    For disks on which far jumps are dear (network, spinning): reads stay within ``window`` shards
    at a time, and every one of them is read once an epoch.

    Attributes:
        window: Shards whose samples are mixed with each other.
    """

    window: int = 8

    def __post_init__(self) -> None:
        """Check the window."""
        if self.window < 1:
            raise ValueError(f"window must be a positive number of shards, found {self.window}")

    def bind(self, dataset: Dataset) -> _Shards:
        """See ``Order``."""
        return _Shards(shard_numbers(dataset), self.window)


@dataclass(frozen=True)
class _Shards(_Once):
    shard: Numbers
    window: int

    @property
    def key(self) -> str:
        return f"shards-{self.window}-{_digest(self.shard)}"

    def arrange(self, seed: int, epoch: int) -> Arranged:
        count = int(self.shard.max(initial=-1)) + 1
        place = np.empty(count, np.int64)
        place[_shuffled(seed, epoch, np.arange(count, dtype=np.int64))] = np.arange(count)
        window = place[self.shard] // self.window
        mixed = permutation(seed + 1, epoch, len(self.shard))
        # Stable: within a window the samples keep their random order.
        return _one_group(mixed[np.argsort(window[mixed], kind="stable")])


def shard_numbers(dataset: Dataset) -> Numbers:
    """(n,) number of the data file that holds each sample's infrared picture, from 0 on."""
    codes, rows = dataset.locate()
    arrays = [(source, n) for source in dataset.sources for n in range(len(source.arrays))]
    out = np.zeros(len(codes), np.int64)
    used = 0
    for code in np.unique(codes).tolist():
        here = np.flatnonzero(codes == code)
        source, number = arrays[code]
        files = _files(source, number, rows[here])
        _, index = np.unique(files, return_inverse=True)
        out[here] = used + index.reshape(-1)
        used += int(index.max(initial=-1)) + 1
    return out


def _files(source: Source, number: int, rows: Numbers) -> Numbers:
    """Number of the file of an array that holds each row."""
    spec = source.spec(number)
    if spec.sharding is not None:
        return rows // spec.sharding.rows_per_shard
    offsets = read_column(source.path / source.arrays[number].path / "offsets")
    found: Numbers = offsets[rows].astype(np.int64) // spec.chunk_shape[0]
    return found


@dataclass(frozen=True)
class ByShape:
    """Batches of pictures of one native shape, for training without resampling.

    Attributes:
        run: Samples of one shape in a row, before another one has its turn; batches do not cross
            from run to run. A multiple of what all ranks take at a time, or runs end with small
            batches (which ``remainder="drop"`` leaves out).
    """

    run: int = 512

    def bind(self, dataset: Dataset) -> _Shapes:
        """See ``Order``."""
        if self.run < 1:
            raise ValueError(f"run must be a positive number of samples, found {self.run}")
        sizes = dataset.sizes().astype(np.int64)
        _, which = np.unique(sizes[:, 0] << 32 | sizes[:, 1], return_inverse=True)
        return _Shapes(which.astype(np.int64), self.run)


@dataclass(frozen=True)
class _Shapes(_Once):
    shape: Numbers
    run: int

    @property
    def key(self) -> str:
        return f"shape-{self.run}-{_digest(self.shape)}"

    def arrange(self, seed: int, epoch: int) -> Arranged:
        mixed = permutation(seed, epoch, len(self.shape))
        mixed = mixed[np.argsort(self.shape[mixed], kind="stable")]
        counts = np.bincount(self.shape)
        ends = counts.cumsum()
        cuts = [np.arange(end - n, end, self.run) for n, end in zip(counts, ends, strict=True)]
        runs = np.split(mixed, np.concatenate(cuts)[1:])
        turns = permutation(seed + 1, epoch, len(runs)).tolist()
        return _in_groups([runs[turn] for turn in turns])


# ---- by what samples are worth ------------------------------------------------------------------


@dataclass(frozen=True)
class Weighted:
    """Samples drawn by weight.

    Attributes:
        weights: (n,) not negative; or words to weights, by source or category of a sample's objects
            (the largest of them; what is not named has weight 1, a sample without objects too).
        by: What the words are.
        replacement: Draw each anew. Without, an epoch is a random order in which heavy samples tend
            to come early (Efraimidis and Spirakis 2006), and those of weight 0 do not come.
        samples: Draws of an epoch, by default as many as there are samples.
    """

    weights: NDArray[np.float64] | Mapping[str, float]
    by: Literal["source", "category"] = "source"
    replacement: bool = True
    samples: int | None = None

    def bind(self, dataset: Dataset) -> _Weights:
        """See ``Order``.

        Raises:
            ValueError: Weights that cannot be, or words that the dataset does not know.
        """
        weights = self._of(dataset)
        if weights.shape != (len(dataset),):
            raise ValueError(f"weights must be ({len(dataset)},), found {weights.shape}")
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise ValueError("weights must be finite, not negative, and not all zero")
        possible = int((weights > 0).sum())
        count = self.samples if self.samples is not None else len(dataset)
        count = count if self.replacement else min(count, possible)
        if count < 1:
            raise ValueError(f"samples must be positive, found {self.samples}")
        return _Weights(weights, self.replacement, count)

    def _of(self, dataset: Dataset) -> NDArray[np.float64]:
        if not isinstance(self.weights, Mapping):
            return np.asarray(self.weights, np.float64)
        known = dataset.categories if self.by == "category" else [s.name for s in dataset.sources]
        unknown = sorted(set(self.weights) - set(known))
        if unknown:
            raise ValueError(f"no {self.by} {unknown}; there are {known}")
        table = np.array([float(self.weights.get(word, 1.0)) for word in known])
        if self.by == "source":
            return table[dataset.source_codes]
        objects = dataset.objects(np.arange(len(dataset), dtype=np.int64), ())
        out = np.ones(len(dataset))
        filled = np.flatnonzero(np.diff(objects.offsets))
        if len(filled):
            out[filled] = np.maximum.reduceat(table[objects.category], objects.offsets[filled])
        return out


@dataclass(frozen=True)
class _Weights:
    weights: NDArray[np.float64]
    replacement: bool
    samples: int

    @property
    def repeats(self) -> bool:
        return self.replacement

    @property
    def key(self) -> str:
        return f"weights-{self.replacement}-{self.samples}-{_digest(self.weights)}"

    def arrange(self, seed: int, epoch: int) -> Arranged:
        if self.replacement:
            draws = uniform(seed, epoch, np.arange(self.samples), "weighted", 1)[:, 0]
            running = np.cumsum(self.weights)
            rising = np.argsort(draws)  # looking them up in this order spares the caches
            found = np.empty(self.samples, np.int64)
            found[rising] = np.searchsorted(running, draws[rising] * running[-1], side="right")
            last = np.flatnonzero(self.weights)[-1]  # rounding must not lead beyond it
            return _one_group(np.minimum(found, last))
        numbers = np.flatnonzero(self.weights).astype(np.int64)
        draws = uniform(seed, epoch, numbers, "weighted", 1)[:, 0]
        keys = -np.log1p(-draws) / self.weights[numbers]
        return _one_group(numbers[np.argsort(keys, kind="stable")][: self.samples])


@dataclass(frozen=True)
class Curriculum:
    """Easy samples first: tiers of equal size by difficulty, ascending, random inside each.

    The ascending-stratified random order of IR-TD's authors (ICCV 2025, section 4.2).

    Attributes:
        difficulty: (n,) numbers, or the name of a numeric column of the samples table.
        tiers: How many.
        cross: Let a batch take samples of two neighbouring tiers.
    """

    difficulty: NDArray[Any] | str
    tiers: int = 10
    cross: bool = False

    def bind(self, dataset: Dataset) -> _Tiers:
        """See ``Order``.

        Raises:
            ValueError: No such column, a wrong length, NaN, or a number of tiers that cannot be.
        """
        if self.tiers < 1:
            raise ValueError(f"tiers must be positive, found {self.tiers}")
        values = self.difficulty
        if isinstance(values, str):
            for source in dataset.sources:
                if not source.has_column("samples", values):
                    raise ValueError(f"{source.name} has no column {values!r} of samples")
            values = dataset.column(values)
        numbers = np.asarray(values, np.float64)
        if numbers.shape != (len(dataset),) or np.isnan(numbers).any():
            raise ValueError(
                f"difficulty must be ({len(dataset)},) numbers without NaN, found {numbers.shape}"
                f" with {int(np.isnan(numbers).sum())} NaN"
            )
        ranked = np.argsort(numbers, kind="stable").astype(np.int64)
        return _Tiers(ranked, min(self.tiers, max(1, len(ranked))), self.cross)


@dataclass(frozen=True)
class _Tiers(_Once):
    ranked: Numbers
    tiers: int
    cross: bool

    @property
    def key(self) -> str:
        return f"tiers-{self.tiers}-{self.cross}-{_digest(self.ranked)}"

    def arrange(self, seed: int, epoch: int) -> Arranged:
        groups = [
            _shuffled(seed, epoch, tier, which)
            for which, tier in enumerate(np.array_split(self.ranked, self.tiers))
        ]
        numbers, ends = _in_groups(groups)
        return (numbers, ends[-1:]) if self.cross else (numbers, ends)


NAMED: dict[str, Order] = {
    "sequential": Sequential(),
    "random": Random(),
    "shards": ShardShuffled(),
    "shape": ByShape(),
}


def order_named(order: Order | str) -> Order:
    """The order of a name, or the one given.

    Raises:
        ValueError: No such name.
    """
    if not isinstance(order, str):
        return order
    if order not in NAMED:
        raise ValueError(f"order must be one of {', '.join(NAMED)}, or an Order, found {order!r}")
    return NAMED[order]
