"""Order and division of epochs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irtd_fast.load.sampler import Sampler


@given(st.integers(1, 500), st.integers(1, 40), st.integers(1, 9), st.booleans())
def test_ranks_are_equally_long_and_cover_everything(count, batch, world, drop):
    samplers = [
        Sampler(count, batch, seed=3, rank=rank, world_size=world, drop_last=drop)
        for rank in range(world)
    ]
    orders = [sampler.epoch_order(2) for sampler in samplers]
    assert len({len(order) for order in orders}) == 1
    assert len({len(sampler) for sampler in samplers}) == 1
    assert len(samplers[0]) == -(-len(orders[0]) // batch)
    seen = np.concatenate(orders)
    if drop:
        assert len(set(seen.tolist())) == len(seen)
        assert len(orders[0]) % batch == 0
        assert count - len(seen) < world * batch
    else:
        assert set(seen.tolist()) == set(range(count))
        assert len(seen) - count < world


def test_sequential_is_in_order():
    np.testing.assert_array_equal(Sampler(5, 2, order="sequential").epoch_order(9), range(5))


@pytest.mark.parametrize(
    "arguments",
    [{"batch_size": 0}, {"rank": 2, "world_size": 2}, {"order": "backwards"}],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="found"):
        Sampler(**{"count": 10, "batch_size": 2, **arguments})
