"""Sharing samples out among subsets: nothing in two of them, quotas met or shared in proportion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irtd_fast.tasks.assign import Candidates, assign
from irtd_fast.tasks.groups import connected
from irtd_fast.tasks.quotas import SubsetQuota, TaskQuota, read_quotas

TASKS = ("location", "scene", "caption")


def candidates(
    count: int,
    groups: Any = None,
    serves: Any = None,
    splits: Any = None,
    sources: Any = None,
) -> Candidates:
    """Samples of a group each, of one source and split, that serve every task, unless said."""
    zeros = np.zeros(count, np.int64)
    return Candidates(
        keys=np.random.default_rng(5).integers(0, 2**63, count).astype(np.uint64),
        groups=np.arange(count) if groups is None else np.asarray(groups),
        sources=zeros if sources is None else np.asarray(sources),
        source_words=("a", "b"),
        splits=zeros if splits is None else np.asarray(splits),
        split_words=("train", "test"),
        serves=np.ones((count, 3), bool) if serves is None else np.asarray(serves),
        tasks=TASKS,
    )


def quotas(**subsets: dict[str, int]) -> dict[str, SubsetQuota]:
    return {
        name: SubsetQuota(name, {task: TaskQuota(n, {}) for task, n in tasks.items()})
        for name, tasks in subsets.items()
    }


def counts(found: Any, who: Candidates) -> dict[str, list[int]]:
    place = found.of_group[who.groups]
    return {
        name: found.chosen[place == number].sum(axis=0).tolist()
        for number, name in enumerate(found.subsets)
    }


def test_with_plenty_every_quota_is_met_exactly() -> None:
    who = candidates(1000)
    found = assign(who, quotas(x={"location": 70, "scene": 30}, y={"location": 50, "caption": 200}))
    assert counts(found, who) == {"x": [70, 30, 0], "y": [50, 0, 200]}


def test_with_too_few_all_subsets_get_the_same_share() -> None:
    who = candidates(400)
    found = assign(who, quotas(x={"location": 1000}, y={"location": 3000}))
    (x, _, _), (y, _, _) = counts(found, who).values()
    assert (x, y) == (100, 300)


def test_rare_samples_go_where_they_are_needed() -> None:
    serves = np.zeros((500, 3), bool)
    serves[:, 2] = True
    serves[:20, 1] = True
    who = candidates(500, serves=serves)
    found = assign(who, quotas(x={"caption": 10_000}, y={"scene": 20}))
    assert counts(found, who)["y"] == [0, 20, 0]


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=60),
    st.integers(0, 3),
    st.lists(st.integers(0, 40), min_size=3, max_size=3),
)
def test_groups_are_never_divided_and_quotas_never_exceeded(
    groups: list[int], seed: int, wanted: list[int]
) -> None:
    _, numbers = np.unique(groups, return_inverse=True)
    serves = np.random.default_rng(seed).random((len(groups), 3)) < 0.6
    who = candidates(len(groups), groups=numbers, serves=serves)
    asked = quotas(
        x=dict(zip(TASKS, wanted, strict=True)), y=dict(zip(TASKS, wanted[::-1], strict=True))
    )
    found = assign(who, asked, seed=seed)
    assert not (found.chosen & ~serves).any()
    assert found.of_group.shape == (numbers.max() + 1,)
    assert not found.chosen[found.of_group[numbers] < 0].any()
    for name, got in counts(found, who).items():
        assert all(n <= asked[name].tasks[t].samples for n, t in zip(got, TASKS, strict=True))


@given(st.integers(0, 5), st.randoms(use_true_random=False))
def test_the_order_in_which_samples_come_does_not_matter(seed: int, random: Any) -> None:
    who = candidates(60, groups=np.repeat(np.arange(20), 3))
    order = list(range(60))
    random.shuffle(order)
    shuffled = Candidates(
        who.keys[order], who.groups[order], who.sources[order], who.source_words,
        who.splits[order], who.split_words, who.serves[order], TASKS,
    )  # fmt: skip
    asked = quotas(x={"location": 13}, y={"location": 9, "scene": 8})
    one, two = assign(who, asked, seed=seed), assign(shuffled, asked, seed=seed)
    assert one.of_group.tolist() == two.of_group.tolist()
    np.testing.assert_array_equal(one.chosen[order], two.chosen)


def test_another_seed_chooses_others() -> None:
    who = candidates(500)
    asked = quotas(x={"location": 50})
    one, same, other = (assign(who, asked, seed=seed).chosen for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_named_sources_come_first_and_others_fill_what_they_cannot_give() -> None:
    who = candidates(100, sources=np.repeat([0, 1], [20, 80]))

    def of_a(quota: TaskQuota) -> tuple[int, int]:
        found = assign(who, {"x": SubsetQuota("x", {"location": quota})})
        per_source = [int(found.chosen[who.sources == code, 0].sum()) for code in (0, 1)]
        return per_source[0], per_source[1]

    assert of_a(TaskQuota(15, {"a": 15})) == (15, 0)
    assert of_a(TaskQuota(50, {"a": 50})) == (20, 30)
    assert of_a(TaskQuota(50, {"a": 50}, fill=False)) == (20, 0)
    assert of_a(TaskQuota(30, {"b": 30})) == (0, 30)


def test_preferred_splits_come_first_and_demanded_ones_alone() -> None:
    who = candidates(100, splits=np.repeat([0, 1], [60, 40]))

    def of_test(samples: int, **options: Any) -> list[int]:
        quota = SubsetQuota("x", {"location": TaskQuota(samples, {})}, **options)
        other = SubsetQuota("y", {"location": TaskQuota(50, {})}, prefer=("train",))
        found = assign(who, {"x": quota, "y": other})
        mine = found.of_group[who.groups] == 0
        chosen = found.chosen[:, 0] & mine
        return [int(chosen[who.splits == code].sum()) for code in (0, 1)]

    assert of_test(40, prefer=("test",)) == [0, 40]
    assert of_test(70, splits=("test",)) == [0, 40]


def test_what_is_placed_already_stays_and_what_is_torn_goes_nowhere() -> None:
    who = candidates(100)
    asked = quotas(x={"location": 50}, y={"location": 50})
    found = assign(who, asked, pinned=(np.array([1, 2, 3]), np.array([3, 4])))
    assert found.of_group[[1, 2, 4]].tolist() == [0, 0, 1]
    assert (found.of_group[3], found.torn) == (-1, [3])
    assert counts(found, who) == {"x": [50, 0, 0], "y": [49, 0, 0]}


@settings(deadline=None)
@given(
    st.integers(1, 30).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(-1, 6), min_size=n, max_size=n), min_size=1, max_size=3
        )
    )
)
def test_connected_groups_equal_those_of_a_plain_search(relations: list[list[int]]) -> None:
    count = len(relations[0])
    group = list(range(count))
    for _ in range(count):  # join until nothing changes
        for marks in relations:
            for i in range(count):
                for j in range(count):
                    if marks[i] == marks[j] >= 0:
                        group[i] = group[j] = min(group[i], group[j])
    found = connected(count, [np.array(marks) for marks in relations])
    same = found[:, None] == found[None, :]
    np.testing.assert_array_equal(same, np.array(group)[:, None] == np.array(group)[None, :])


def test_the_default_quotas_are_the_papers() -> None:
    found = read_quotas()
    assert list(found) == ["pretrain", "instruction", "benchmark"]
    assert {name: quota.samples for name, quota in found.items()} == {
        "pretrain": 190_000, "instruction": 33_080, "benchmark": 37_000,
    }  # fmt: skip
    assert len(found["benchmark"].tasks) == 9
    assert len(found["instruction"].tasks) == 8  # no scene was published
    published = found["instruction"].tasks
    assert all(quota.samples == quota.paper == sum(quota.sources.values())
               for quota in published.values())  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"\(top\): expected a subset at least"),
        ("x = 3", "x: expected a table, found 3"),
        ("[x]", "x.tasks: expected a task at least"),
        ("[x.tasks.scene]", "x.tasks.scene: expected 'samples'"),
        ("[x.tasks.scene]\nsamples = -1", "scene.samples: expected a number of samples, found -1"),
        ("[x.tasks.scene]\nsamples = true", "scene.samples: expected a number"),
        ("[x.tasks.scene]\nsamples = 1\nsource = 2", "expected no keys but samples, sources"),
        ("[x.tasks.scene]\nsamples = 1\nsources = {a = 2}", "sources: expected at most 1 in all"),
        ("[x.tasks.scene]\nsamples = 1\nfill = 1", "fill: expected true or false"),
        ("[x]\nprefer = 'a'\n[x.tasks.scene]\nsamples = 1", "prefer: expected a list of words"),
        ("[x", "not TOML"),
    ],
)
def test_files_of_quotas_are_checked(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_quotas(path)
