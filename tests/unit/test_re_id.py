"""Re-identification texts: who stands in a grid, checked against the columns of the store."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from task_facts import facts_of

import irtd_fast
from irtd_fast import ingest
from irtd_fast.grids import Grid, compose_grid
from irtd_fast.tasks.base import Draws, Options, Task, task_named
from irtd_fast.tasks.gather import Teller
from irtd_fast.tasks.pool import ANY_SPLIT, IdentityPool

TASK = task_named("re-id")
CLEAN, OFFICIAL = Options(phrasings=3), Options(mode="official")
DEFECTS = Options(mode="official", defects=True)
SOURCES = ("llcm", "regdb", "sysu-mm01", "thermal-world")


@pytest.fixture(scope="module")
def store(tmp_path_factory, small_dumps):
    store = tmp_path_factory.mktemp("store") / "people.zarr"
    for source in SOURCES:
        ingest(small_dumps(source, 90), store, source=source)
    return irtd_fast.open(store)


def built(pool, facts, options):
    return TASK.build(facts, Draws(options.seed, TASK.name, facts.key), options, pool)


def everything(store, source, options):
    """Facts and grid of every text of a source."""
    group = store.source_named(source)
    facts = next(Teller(group).blocks())
    pool = IdentityPool.of_source(group)
    out = []
    for one in facts:
        texts = built(pool, one, options)
        out += [(one, Grid.from_json(source, text.provenance["grid"]), text) for text in texts]
    return facts, out


def test_a_task():
    assert isinstance(TASK, Task)
    assert TASK.needs_pool
    assert TASK.parse("7") == 7
    assert TASK.score([("7", "7"), ("2", "3")]).values()["accuracy"] == 0.5
    with pytest.raises(ValueError, match="re-id needs a pool"):
        TASK.build(facts_of(identity=3), Draws(0, "re-id", "k"), CLEAN)
    assert TASK.build(facts_of(), Draws(0, "re-id", "k"), CLEAN) == []


@pytest.mark.parametrize("options", [CLEAN, OFFICIAL])
@pytest.mark.parametrize("source", SOURCES)
def test_who_stands_in_a_grid(store, source, options):
    group = store.source_named(source)
    identity, camera, split = (
        group.column("samples", name) for name in ("identity", "camera", "split")
    )
    _, texts = everything(store, source, options)
    assert texts
    for facts, grid, text in texts:
        people = [int(identity[row]) for row in grid.rows]
        assert grid.query == facts.index
        assert text.answer == str(grid.positive)
        assert people.count(facts.identity) == 2
        assert people[grid.positive - 1] == people[0]
        assert len(set(people)) == 7
        assert len({int(split[row]) for row in grid.rows}) == 1  # D10
        positive = grid.rows[grid.positive - 1]
        mates = np.flatnonzero((identity == people[0]) & (split == split[facts.index]))
        elsewhere = [row for row in mates if camera[row] != facts.camera]
        told = text.provenance["positive_camera"]
        if facts.camera < 0:
            assert told == "unknown"
        elif elsewhere:
            assert told == "other"
            assert camera[positive] != camera[facts.index]
        else:
            assert told == "same"


def test_strangers_do_not_share_the_query_camera_where_they_need_not(store):
    """Else whoever was seen by another camera would be the answer."""
    group = store.source_named("sysu-mm01")
    identity, camera = (group.column("samples", name) for name in ("identity", "camera"))
    _, texts = everything(store, "sysu-mm01", CLEAN)
    for facts, grid, _ in texts:
        for row in grid.rows[1:]:
            if camera[row] == facts.camera:
                assert not ((identity == identity[row]) & (camera != facts.camera)).any()


def test_how_many_grids(store):
    """Official: one an identity, for SYSU one for each of its cameras; clean: one a picture."""
    for source in SOURCES:
        facts, texts = everything(store, source, OFFICIAL)
        keys = {(f.identity, f.camera if source == "sysu-mm01" else 0) for f in facts}
        with_mates = Counter(f.identity for f in facts)
        keys = {key for key in keys if with_mates[key[0]] > 1}
        found = [(f.identity, f.camera if source == "sysu-mm01" else 0) for f, _, _ in texts]
        assert sorted(found) == sorted(keys)
        _, clean = everything(store, source, CLEAN)
        assert len(clean) == len(facts)


def test_llcm_twice_and_mixed_is_a_defect(store):
    facts, texts = everything(store, "llcm", DEFECTS)
    assert Counter(f.identity for f, _, _ in texts) == {f.identity: 2 for f in facts}
    split = store.source_named("llcm").column("samples", "split")
    assert any(len({int(split[row]) for row in grid.rows}) > 1 for _, grid, _ in texts)
    _, others = everything(store, "regdb", DEFECTS)
    assert len(others) == 30


def test_places_and_strangers_are_even(store):
    group = store.source_named("regdb")
    pool = IdentityPool.of_source(group)
    query = next(Teller(group).blocks())[0]
    places, others, mates = Counter(), Counter(), Counter()
    identity = group.column("samples", "identity")
    for seed in range(3000):
        (text,) = built(pool, query, Options(seed=seed))
        grid = Grid.from_json("regdb", text.provenance["grid"])
        places[grid.positive] += 1
        mates[grid.rows[grid.positive - 1]] += 1
        others.update(int(identity[row]) for row in grid.rows[1:])
    del others[query.identity]
    assert set(places) == set(range(2, 9))
    assert max(places.values()) < 1.25 * min(places.values())
    assert len(mates) == 2
    assert max(mates.values()) < 1.15 * min(mates.values())
    assert len(others) == 14
    assert max(others.values()) < 1.15 * min(others.values())


def test_the_order_of_building_changes_nothing(store):
    group = store.source_named("llcm")
    facts = next(Teller(group).blocks())
    pool = IdentityPool.of_source(group)
    forward = [built(pool, one, CLEAN) for one in facts]
    backward = [built(IdentityPool.of_source(group), one, CLEAN) for one in facts[::-1]]
    assert forward == backward[::-1]


def test_a_pool_of_some_rows_shows_no_others(store):
    group = store.source_named("regdb")
    identity, split = (group.column("samples", name) for name in ("identity", "split"))
    rows = np.flatnonzero((split == split[0]) & (identity < 2 * np.median(identity)))
    pool = IdentityPool.of_source(group, rows)
    facts = {one.index: one for one in next(Teller(group).blocks())}
    for row in rows.tolist():
        for text in built(pool, facts[row], CLEAN):
            assert set(text.provenance["grid"]["rows"]) <= set(rows.tolist())


def test_too_few_people():
    people = [facts_of(index=i, identity=i // 2, source="llcm") for i in range(12)]
    assert built(IdentityPool(people), people[0], CLEAN) == []
    more = [*people, facts_of(index=12, identity=6, source="llcm")]
    (text,) = built(IdentityPool(more), people[0], CLEAN)
    assert sorted(text.provenance["grid"]["rows"])[:2] == [0, 1]
    assert built(IdentityPool(more), more[12], CLEAN) == []  # nobody has seen it twice
    assert built(IdentityPool(more), facts_of(index=99, identity=88), OFFICIAL) == []


def test_the_pool(store):
    group = store.source_named("llcm")
    pool = IdentityPool.of_source(group)
    identity, split = (group.column("samples", name) for name in ("identity", "split"))
    assert pool.identities("llcm", ANY_SPLIT) == sorted(set(identity.tolist()))
    for code, word in enumerate(group.splits):
        mine = sorted(set(identity[split == code].tolist()))
        assert list(pool.identities("llcm", word)) == mine
        for who in mine:
            rows = np.flatnonzero((identity == who) & (split == code)).tolist()
            assert [one.index for one in pool.of_identity("llcm", word, who)] == rows
    assert pool.identities("llcm", "nowhere") == []
    assert pool.of_identity("llcm", "train", 10**6) == []


def test_wordings(store):
    _, texts = everything(store, "llcm", CLEAN)
    questions = {text.question for _, _, text in texts}
    assert len(questions) == 3
    assert all("1234\n5678" in question for question in questions)
    _, (official, *_) = everything(store, "llcm", OFFICIAL)
    assert official[2].question == (
        "Which person has the same identity with the person in the upper left corner? "
        "Answer the ordinal numbers and the order will be\n1234\n5678"
    )


def test_a_text_becomes_a_picture(store):
    """What was planned is what is composed: query and positive are the same person's crops."""
    _, ((facts, grid, _), *_) = everything(store, "regdb", CLEAN)
    image = compose_grid(store, grid, (256, 256))
    place = grid.positive - 1
    y, x = place // 4 * 128, place % 4 * 64
    mate = store.filter(source="regdb")[grid.rows[place]].infrared
    assert mate.shape == (64, 80) or mate.ndim == 2
    alone = compose_grid(
        store,
        Grid(
            "regdb",
            (grid.rows[place], *[row for row in range(90) if row not in (grid.rows[place],)][:7]),
            2,
        ),
        (256, 256),
    )
    # away from the digits both tiles show the same crop
    assert np.array_equal(image[y + 40 : y + 128, x : x + 64], alone[40:128, :64])
    assert facts.index == grid.rows[0]
