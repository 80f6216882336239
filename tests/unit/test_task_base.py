"""Draws, options and the list of tasks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irtd_fast.errors import UnknownTaskError
from irtd_fast.tasks.base import TASKS, task_named
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.text import Options


def test_draws_depend_on_seed_task_and_sample_only():
    first = [Draws(1, "location", "llvip/a").bits() for _ in range(3)]
    assert len(set(first)) == 1
    others = {
        Draws(*key).bits()
        for key in [(1, "location", "llvip/a"), (2, "location", "llvip/a"),
                    (1, "grounding", "llvip/a"), (1, "location", "llvip/b"),
                    (1, "location", "llvip/ab"), (-1, "location", "llvip/a")]
    }  # fmt: skip
    assert len(others) == 6


def test_draws_are_uniform():
    draws = Draws(3, "t", "k")
    counts = np.bincount([draws.below(7) for _ in range(70_000)], minlength=7)
    assert np.abs(counts - 10_000).max() < 500
    values = np.array([Draws(0, "t", f"sample/{n}").uniform() for n in range(20_000)])
    assert abs(values.mean() - 0.5) < 0.01
    assert abs(values.var() - 1 / 12) < 0.003
    orders = Counter()
    for n in range(6000):
        items = [1, 2, 3]
        Draws(0, "t", str(n)).shuffle(items)
        orders[tuple(items)] += 1
    assert len(orders) == 6
    assert max(orders.values()) < 1150


@given(st.integers(0, 2**63), st.lists(st.integers(), max_size=30), st.data())
def test_samples_are_distinct_places_of_the_items(seed, items, data):
    count = data.draw(st.integers(0, len(items)))
    found = Draws(seed, "t", "k").sample(list(enumerate(items)), count)
    assert len({place for place, _ in found}) == count
    assert all(items[place] == item for place, item in found)


def test_draws_refuse_what_cannot_be():
    draws = Draws(0, "t", "k")
    with pytest.raises(ValueError, match="positive number of choices, found 0"):
        draws.below(0)
    with pytest.raises(ValueError, match="cannot draw 3 of 2 items"):
        draws.sample([1, 2], 3)
    assert draws.between(4, 4) == 4


def test_options_say_what_is_wrong():
    with pytest.raises(ValueError, match="official or clean, found 'fancy'"):
        Options(mode="fancy")
    with pytest.raises(ValueError, match="need mode='official'"):
        Options(defects=True)
    with pytest.raises(ValueError, match="units must be one of"):
        Options(units="inches")
    with pytest.raises(ValueError, match="phrasings must be positive"):
        Options(phrasings=0)


def test_categories_by_first_appearance():
    facts = Facts(0, "s/n", "s", "n", 8, 8, categories=("car", "person", "car"),
                  point_categories=("person", "dog"))  # fmt: skip
    assert facts.present() == ("car", "person", "dog")


def test_unknown_tasks_have_neighbours():
    assert len(TASKS) == 9
    with pytest.raises(UnknownTaskError, match=r"no task 'locaton'; did you mean location"):
        task_named("locaton")
