"""Orders of epochs: what each promises, and that it is a function of seed and epoch alone."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

import irtd_fast
from irtd_fast import synth
from irtd_fast.load import Augment, Loader, Mosaic, Photometric
from irtd_fast.load.orders import (
    ByShape,
    Curriculum,
    Random,
    Sequential,
    ShardShuffled,
    Weighted,
    earlier_visits,
    order_named,
    shard_numbers,
)
from irtd_fast.store.plan import IngestOptions


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("orders")
    for source, size, count in (("hit-uav", (64, 80), 40), ("sirst-v2", None, 12),
                                ("irstd-1k", (48, 64), 36)):  # fmt: skip
        synth.write_dump(root / source, source=source, count=count, seed=4, size=size)
        options = IngestOptions(shard_bytes=41_000)
        irtd_fast.ingest(root / source, root / "s.zarr", source=source, options=options)
    return irtd_fast.open(root / "s.zarr")


ORDERS = [
    Sequential(),
    Random(),
    ShardShuffled(2),
    ByShape(),
    ByShape(8),
    Curriculum("height", tiers=3),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_every_sample_once_and_the_same_again(dataset, order):
    bound = order.bind(dataset)
    numbers, ends = bound.arrange(5, 2)
    assert sorted(numbers.tolist()) == list(range(len(dataset)))
    assert ends[-1] == len(dataset)
    assert (np.diff(ends) > 0).all()
    again, _ = order.bind(dataset).arrange(5, 2)
    np.testing.assert_array_equal(numbers, again)
    assert bound.key == order.bind(dataset).key
    assert bound.key != order.bind(dataset[:20]).key or isinstance(order, Sequential | Random)
    if not isinstance(order, Sequential):
        assert not np.array_equal(numbers, bound.arrange(5, 3)[0])
        assert not np.array_equal(numbers, bound.arrange(6, 2)[0])


def test_shards_are_read_a_window_at_a_time(dataset):
    shards = shard_numbers(dataset)
    assert len(np.unique(shards)) > 6
    codes, _ = dataset.locate()
    assert all(len(np.unique(codes[shards == s])) == 1 for s in np.unique(shards))
    for window in (1, 2, 5):
        numbers, _ = ShardShuffled(window).bind(dataset).arrange(1, 0)
        runs, seen = [], []
        for shard in shards[numbers].tolist():
            if not runs or (shard not in runs[-1] and len(runs[-1]) == window):
                runs.append(set())
            runs[-1].add(shard)
            seen.append(shard)
        assert sum(len(run) for run in runs) == len(np.unique(shards))  # none is come back to
        first, _ = ShardShuffled(window).bind(dataset).arrange(1, 1)
        assert shards[first].tolist() != seen
    mixed, _ = ShardShuffled(100).bind(dataset).arrange(1, 0)
    assert len(np.unique(shards[mixed][:20])) > 4


def test_groups_of_one_shape(dataset):
    numbers, ends = ByShape().bind(dataset).arrange(3, 0)
    sizes = dataset.sizes(numbers)
    begin = 0
    for end in ends.tolist():
        assert len(np.unique(sizes[begin:end], axis=0)) == 1
        begin = end
    native = dataset.filter(source=["hit-uav", "irstd-1k"])
    for batch in Loader(native, 8, (48, 64), order="shape", augment=None):
        assert len(np.unique(native.sizes(batch.index), axis=0)) == 1


def test_runs_of_shapes_are_mixed(dataset):
    numbers, ends = ByShape(run=4).bind(dataset).arrange(3, 0)
    assert sorted(numbers.tolist()) == list(range(len(dataset)))
    lengths = np.diff(ends, prepend=0)
    assert lengths.max() == 4
    shapes = [tuple(size) for size in dataset.sizes(numbers[ends - 1]).tolist()]
    whole = Counter(tuple(size) for size in dataset.sizes().tolist())
    for shape, count in whole.items():
        assert shapes.count(shape) == -(-count // 4)
    changes = sum(one != other for one, other in itertools.pairwise(shapes))
    assert changes > len(whole)  # more than one turn each
    with pytest.raises(ValueError, match="run must be a positive number of samples, found 0"):
        ByShape(run=0).bind(dataset)


def test_tiers_ascend_and_batches_do_not_cross_them(dataset):
    difficulty = np.random.default_rng(3).permutation(len(dataset))
    order = Curriculum(difficulty, tiers=5)
    numbers, ends = order.bind(dataset).arrange(2, 1)
    tiers = np.split(difficulty[numbers], ends[:-1])
    assert len(tiers) == 5
    for easier, harder in itertools.pairwise(tiers):
        assert easier.max() < harder.min()
    assert not np.array_equal(tiers[0], np.sort(tiers[0]))
    loader = Loader(dataset, 7, (16, 16), order=order, seed=2)
    limits = [tier.max() for tier in tiers]
    for batch in loader:
        assert len(np.unique(np.searchsorted(limits, difficulty[batch.index]))) == 1
    _, ends = Curriculum(difficulty, tiers=5, cross=True).bind(dataset).arrange(2, 1)
    assert ends.tolist() == [len(dataset)]


def test_weights_say_how_often(dataset):
    weights = np.zeros(len(dataset))
    weights[[3, 50]] = [1, 3]
    numbers, _ = Weighted(weights, samples=8000).bind(dataset).arrange(1, 0)
    counts = Counter(numbers.tolist())
    assert set(counts) == {3, 50}
    assert counts[50] / 8000 == pytest.approx(0.75, abs=0.02)
    once, _ = Weighted(weights, replacement=False).bind(dataset).arrange(1, 0)
    assert sorted(once.tolist()) == [3, 50]
    firsts = [
        Weighted(weights, replacement=False).bind(dataset).arrange(1, epoch)[0][0]
        for epoch in range(2000)
    ]
    assert np.mean(np.array(firsts) == 50) == pytest.approx(0.75, abs=0.04)


def test_weights_by_words(dataset):
    by_source = Weighted({"hit-uav": 0.0, "irstd-1k": 2.0}).bind(dataset)
    numbers, _ = by_source.arrange(1, 0)
    names = Counter(dataset.sources[c].name for c in dataset.source_codes[numbers])
    assert "hit-uav" not in names
    assert names["irstd-1k"] > 3 * names["sirst-v2"]
    hit = dataset.filter(source="hit-uav")
    word = hit[0].names[0]
    bound = Weighted({word: 50.0}, by="category").bind(hit)
    heavy = {n for n in range(len(hit)) if word in hit[n].names}
    assert {n for n in range(len(hit)) if bound.weights[n] == 50} == heavy
    with pytest.raises(ValueError, match=r"no source \['lvip'\]; there are"):
        Weighted({"lvip": 1.0}).bind(dataset)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: ShardShuffled(0), "positive number of shards"),
        (lambda d: Weighted(np.ones(3)).bind(d), r"weights must be \(88,\), found \(3,\)"),
        (lambda d: Weighted(np.full(len(d), np.nan)).bind(d), "finite"),
        (lambda d: Weighted(-np.ones(len(d))).bind(d), "not negative"),
        (lambda d: Weighted(np.zeros(len(d))).bind(d), "not all zero"),
        (lambda d: Weighted(np.ones(len(d)), samples=0).bind(d), "samples must be positive"),
        (lambda d: Curriculum("hardness").bind(d), "has no column 'hardness' of samples"),
        (lambda d: Curriculum(np.full(len(d), np.nan)).bind(d), "88 NaN"),
        (lambda d: Curriculum(np.ones(len(d)), tiers=0).bind(d), "tiers must be positive"),
        (lambda d: order_named("backwards"), "order must be one of sequential, random, shards"),
    ],
)
def test_what_cannot_be_ordered(dataset, make, message):
    with pytest.raises(ValueError, match=message):
        make(dataset)


def test_earlier_visits_count_up():
    order = np.array([3, 1, 3, 3, 0, 1])
    assert earlier_visits(order).tolist() == [0, 0, 1, 2, 0, 1]
    assert earlier_visits(np.empty(0, np.int64)).tolist() == []
    rng = np.random.default_rng(0)
    many = rng.integers(0, 20, 300)
    seen: dict[int, int] = {}
    for number, visits in zip(many.tolist(), earlier_visits(many).tolist(), strict=True):
        assert visits == seen.get(number, 0)
        seen[number] = visits + 1


@pytest.mark.parametrize("mosaic", [None, Mosaic(1.0)])
def test_a_sample_is_drawn_anew_whenever_it_comes(dataset, mosaic):
    """The same batches for any batch size, and what comes first is what it would be alone."""
    noisy = Augment(photometric=Photometric(noise=(0.1, 0.2)), mosaic=mosaic)
    some = dataset[:4]

    def epoch(batch_size, **options):
        options = {"rank": 0, "world_size": 1, **options}
        loader = Loader(some, batch_size, (24, 32), noisy, seed=3, **options)
        batches = list(loader)
        return {
            name: np.concatenate([getattr(batch, name) for batch in batches])
            for name in ("index", "images", "matrix")
        }

    drawn = epoch(5, order=Weighted(np.array([1.0, 0, 0, 2.0]), samples=12))
    again = epoch(3, order=Weighted(np.array([1.0, 0, 0, 2.0]), samples=12))
    assert all((drawn[name] == again[name]).all() for name in drawn)
    assert len({image.tobytes() for image in drawn["images"]}) == 12
    alone = epoch(4, order="sequential")
    for number in (0, 3):
        first = int(np.flatnonzero(drawn["index"] == number)[0])
        assert (drawn["images"][first] == alone["images"][number]).all()
    wrapped = epoch(3, order="sequential", rank=2, world_size=3)  # samples 2, and one once more
    assert len(set(wrapped["index"].tolist())) == len(wrapped["index"]) == 2
    repeated = wrapped["images"][1]
    assert (repeated != alone["images"][wrapped["index"][1]]).any()
