"""Division of an order among ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irtd_fast.load.sampler import REMAINDERS, Sampler

ends_of = st.lists(st.integers(1, 60), min_size=1, max_size=4).map(np.cumsum)


def epoch(ends, batch, world, remainder, position=0):
    """Shares of every rank, step by step."""
    order = np.arange(int(ends[-1]), dtype=np.int64) * 7 + 3
    samplers = [Sampler(batch, rank, world, remainder) for rank in range(world)]
    steps = samplers[0].steps(ends, position)
    return order, [[sampler.share(order, step) for sampler in samplers] for step in steps]


@given(ends_of, st.integers(1, 12), st.integers(1, 7), st.sampled_from(REMAINDERS))
def test_ranks_are_equal_and_cover_the_order(ends, batch, world, remainder):
    order, steps = epoch(ends, batch, world, remainder)
    seen, padded = [], 0
    groups = np.searchsorted(ends, np.arange(len(order)), side="right")
    for shares in steps:
        assert len({len(share.index) for share in shares}) == 1
        assert len({share.position for share in shares}) == 1
        assert 1 <= len(shares[0].index) <= batch
        places = [(share.index - 3) // 7 for share in shares]
        assert len({int(g) for place in places for g in groups[place]}) == 1  # no group crossed
        seen += np.concatenate([share.index[~share.padding] for share in shares]).tolist()
        padded += sum(int(share.padding.sum()) for share in shares)
    if remainder == "drop":
        assert padded == 0
        assert len(set(seen)) == len(seen)
        assert all(len(share.index) == batch for shares in steps for share in shares)
        assert len(order) - len(seen) < len(ends) * batch * world
    elif remainder == "pad":
        assert sorted(seen) == order.tolist()  # each exactly once
        assert padded < len(ends) * world
    else:
        assert padded == 0
        assert set(seen) == set(order.tolist())
        assert len(seen) - len(order) < len(ends) * world


@given(ends_of, st.integers(1, 12), st.integers(1, 7), st.integers(1, 12), st.integers(1, 7),
       st.data())  # fmt: skip
def test_an_epoch_goes_on_with_another_world(ends, batch, world, other_batch, other_world, data):
    order, steps = epoch(ends, batch, world, "pad")
    stop = data.draw(st.integers(0, len(steps)))
    position = steps[stop - 1][0].position if stop else 0
    _, rest = epoch(ends, other_batch, other_world, "pad", position)
    seen = [
        number
        for shares in (*steps[:stop], *rest)
        for share in shares
        for number in share.index[~share.padding].tolist()
    ]
    assert sorted(seen) == order.tolist()


def test_steps_are_dealt_one_after_another():
    _, steps = epoch(np.array([10]), 2, 2, "wrap")
    numbers = [[((share.index - 3) // 7).tolist() for share in shares] for shares in steps]
    assert numbers == [[[0, 2], [1, 3]], [[4, 6], [5, 7]], [[8], [9]]]
    _, steps = epoch(np.array([5]), 2, 3, "pad")
    assert [((share.index - 3) // 7).tolist() for share in steps[0]] == [[0, 3], [1, 4], [2, 0]]
    assert [share.padding.tolist() for share in steps[0]] == [[False, False]] * 2 + [[False, True]]


@pytest.mark.parametrize(
    "arguments",
    [{"batch_size": 0}, {"rank": 2, "world_size": 2}, {"remainder": "guess"}],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="found"):
        Sampler(**{"batch_size": 2, **arguments})
