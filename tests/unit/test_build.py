"""Texts built over stores: the same from any block, process and order; subsets share no picture."""

from __future__ import annotations

import json
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.errors import StoreExistsError, UnknownTaskError
from irtd_fast.store.text_columns import TextColumns
from irtd_fast.store.texts import StoredTexts, read_texts, text_builds, write_texts
from irtd_fast.store.verify import verify_store
from irtd_fast.tasks import engine
from irtd_fast.tasks.base import Options
from irtd_fast.tasks.build import build_texts
from irtd_fast.tasks.builders import tasks_of_source
from irtd_fast.tasks.engine import Team, build_columns
from irtd_fast.tasks.quotas import SubsetQuota, TaskQuota
from irtd_fast.tasks.subsets import spread

SOURCES = {"kaist": 60, "drone-vehicle": 40, "llcm": 240, "rgbnir": 30, "lsotb-tir": 40}
TASKS = ("recognition", "re-id", "aerial-counting", "pedestrian-counting", "scene", "caption")


def quota(name: str, prefer: tuple[str, ...] = (), **tasks: int) -> SubsetQuota:
    wanted = {task.replace("_", "-"): TaskQuota(n, {}) for task, n in tasks.items()}
    return SubsetQuota(name, wanted, prefer)


QUOTAS = {
    "pretrain": quota("pretrain", ("train",), caption=100),
    "instruction": quota("instruction", ("train",), recognition=20, re_id=12, scene=30),
    "benchmark": quota("benchmark", ("test", "val"), recognition=20, re_id=8, scene=10,
                       pedestrian_counting=15),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, small_dumps: Any) -> tuple[Path, Path]:
    """Two stores: one of four sources, one of the fifth."""
    folder = tmp_path_factory.mktemp("build")
    first, second = folder / "a.zarr", folder / "b.zarr"
    for source, count in SOURCES.items():
        store = second if source == "lsotb-tir" else first
        ingest(small_dumps(source, count), store, source=source)
    return first, second


@pytest.fixture
def stores(made: tuple[Path, Path], scratch: Path) -> tuple[Path, Path]:
    first, second = (Path(shutil.copytree(path, scratch / path.name)) for path in made)
    return first, second


def all_texts(stores: tuple[Path, ...], name: str) -> dict[str, StoredTexts]:
    sources = [source for store in stores for source in irtd_fast.open(store).sources]
    return {s.name: read_texts(s, name) for s in sources if name in text_builds(s)}


def test_every_task_builds_and_is_stored(stores: tuple[Path, Path]) -> None:
    report = build_texts(stores, tasks=TASKS, options=Options(seed=4))
    stored = all_texts(stores, "built-clean")
    assert {found.source: found.texts for found in report.sources} == {
        name: len(texts) for name, texts in stored.items()
    }
    assert {task for found in report.sources for task in found.tasks} == set(TASKS)
    for texts in stored.values():
        assert (texts.attributes["mode"], texts.attributes["seed"]) == ("clean", 4)
        for record in texts:
            assert record.question
            assert json.loads(record.provenance)["mode"] == "clean"
    assert all(verify_store(store).damage == [] for store in stores)


@pytest.mark.parametrize("mode", ["clean", "official"])
def test_neither_blocks_nor_processes_show(
    made: tuple[Path, Path], mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = irtd_fast.open(made[0]).source_named("kaist")
    tasks = ("recognition", "pedestrian-counting", "scene", "caption")
    options = Options(mode, phrasings=1 if mode == "official" else 3, seed=11)
    whole = list(build_columns(source, tasks, options).by_sample())
    monkeypatch.setattr(engine, "_BLOCK", 7)
    assert list(build_columns(source, tasks, options).by_sample()) == whole
    with Team(len(source), 2) as team:
        assert list(build_columns(source, tasks, options, team=team).by_sample()) == whole
    for row in (0, 17, 59):
        single = engine.TextBuilder(engine.Recipe(source.path, tasks, options)).block(row, row + 1)
        assert list(single.by_sample()) == [whole[row]]


def test_tasks_in_any_order_make_the_same_texts(made: tuple[Path, Path]) -> None:
    source = irtd_fast.open(made[0]).source_named("kaist")
    options = Options(seed=1)
    forth, back = (
        [sorted(texts) for texts in build_columns(source, tasks, options).by_sample()]
        for tasks in (("scene", "caption"), ("caption", "scene"))
    )
    assert forth == back


def test_a_source_is_asked_what_its_record_lists(made: tuple[Path, Path]) -> None:
    kaist, cars = (irtd_fast.open(made[0]).source_named(n) for n in ("kaist", "drone-vehicle"))
    assert "aerial-counting" not in tasks_of_source(kaist, TASKS)
    assert "aerial-counting" in tasks_of_source(cars, TASKS)
    assert "caption" in tasks_of_source(cars, TASKS)
    one = build_texts(made[0], tasks=["aerial-counting"], sources=["kaist"], dry_run=True)
    assert (one.sources, len(one.notes)) == ([], 1)
    other = build_texts(
        made[0], tasks=["aerial-counting"], sources=["kaist"], all_tasks=True, dry_run=True
    )
    assert other.texts > 0


def test_a_dry_run_stores_nothing_and_names_are_kept(stores: tuple[Path, Path]) -> None:
    dry = build_texts(stores, tasks=["scene"], dry_run=True)
    assert not dry.written
    assert all(text_builds(s) == {} for store in stores for s in irtd_fast.open(store).sources)
    report = build_texts(stores, tasks=["scene"])
    assert report.texts == dry.texts
    with pytest.raises(StoreExistsError, match="--replace"):
        build_texts(stores, tasks=["scene"])
    build_texts(stores, tasks=["scene"], name="mine", options=Options(seed=2))
    again = build_texts(stores, tasks=["scene"], options=Options(seed=2), replace=True)
    assert again.written
    for store in stores:
        for source in irtd_fast.open(store).sources:
            if "built-clean" in text_builds(source):
                assert list(read_texts(source, "built-clean")) == list(read_texts(source, "mine"))


def test_unknown_words_are_refused_before_anything_is_built(made: tuple[Path, Path]) -> None:
    with pytest.raises(UnknownTaskError, match="did you mean scene"):
        build_texts(made, tasks=["scenes"])
    with pytest.raises(ValueError, match="no subset 'bench'; there are pretrain, instruction"):
        build_texts(made, subsets=["bench"])
    with pytest.raises(ValueError, match="no source"):
        build_texts(made, sources=["flir"])
    with pytest.raises(ValueError, match="no quota of benchmark is about caption"):
        build_texts(made, subsets=["benchmark"], quotas=QUOTAS, tasks=["caption"])
    with pytest.raises(ValueError, match="a name of texts is"):
        build_texts(made, tasks=["scene"], name="No Good")


def shown_by(stores: tuple[Path, ...], subset: str) -> dict[str, set[Any]]:
    """Digests, sequences and identities of all pictures that a subset's texts show, grids too."""
    out: dict[str, set[Any]] = {"digest": set(), "sequence": set(), "identity": set()}
    for name, texts in all_texts(stores, subset).items():
        source = texts.source
        rows = [row for row in range(len(source)) if texts.of(row)]
        for record in texts:
            grid = json.loads(record.provenance).get("grid")
            rows += grid["rows"] if grid else []
        for row in rows:
            out["digest"].add(int(source.column("samples", "infrared_digest")[row]))
            sequence = source.attributes["sequences"][source.column("samples", "sequence")[row]]
            identity = int(source.column("samples", "identity")[row])
            if sequence:
                out["sequence"].add((name, sequence))
            if identity >= 0:
                out["identity"].add((name, identity))
    return out


def test_no_picture_sequence_or_identity_is_in_two_subsets(stores: tuple[Path, Path]) -> None:
    report = build_texts(stores, subsets=list(QUOTAS), quotas=QUOTAS, options=Options(seed=3))
    assert report.manifest["shared_by_two"] == {"digests": 0, "sequences": 0, "identities": 0}
    shown = {subset: shown_by(stores, subset) for subset in QUOTAS}
    for word in ("digest", "sequence", "identity"):
        assert all(shown[a][word].isdisjoint(shown[b][word]) for a, b in combinations(QUOTAS, 2))
    assert all(shown[subset]["digest"] for subset in QUOTAS)
    assert shown["benchmark"]["identity"]
    assert shown["instruction"]["identity"]


def test_the_manifest_counts_what_is_stored(stores: tuple[Path, Path]) -> None:
    report = build_texts(stores, subsets=list(QUOTAS), quotas=QUOTAS, options=Options(seed=3))
    for subset, counted in report.manifest["subsets"].items():
        stored = all_texts(stores, subset)
        for task, found in counted["tasks"].items():
            samples = {
                (name, row)
                for name, texts in stored.items()
                for row in range(len(texts.source))
                if any(record.task == task for record in texts.of(row))
            }
            assert found["samples"] == len(samples) <= found["quota"]
            assert found["short"] == found["quota"] - len(samples)
            per_source = {name: sum(s == name for s, _ in samples) for name in stored}
            assert {k: v["samples"] for k, v in found["sources"].items()} == {
                k: n for k, n in per_source.items() if n
            }
        texts = [record for found in stored.values() for record in found]
        assert counted["texts"] == len(texts)
        assert {record.subset for record in texts} == {subset}
        for found in stored.values():
            assert found.attributes["manifest"] == json.loads(json.dumps(report.manifest))


def test_subsets_built_one_by_one_are_those_built_together(stores: tuple[Path, Path]) -> None:
    options = Options(seed=3)
    build_texts(stores, subsets=list(QUOTAS), quotas=QUOTAS, options=options, name="together")
    together = {name: list(texts) for name, texts in all_texts(stores, "together").items()}
    for subset in QUOTAS:
        build_texts(
            stores, subsets=[subset], quotas=QUOTAS, options=options, name="together", replace=True
        )
        singly = all_texts(stores, "together")
        for name, records in together.items():
            assert list(singly[name]) == [r for r in records if r.subset == subset]


def test_a_later_subset_keeps_off_what_is_stored_already(stores: tuple[Path, Path]) -> None:
    build_texts(stores, subsets=["benchmark"], quotas=QUOTAS, options=Options(seed=1))
    greedy = {**QUOTAS, "instruction": quota("instruction", recognition=900, scene=900, re_id=900)}
    report = build_texts(stores, subsets=["instruction"], quotas=greedy, options=Options(seed=2))
    assert report.manifest["subsets"]["instruction"]["short"]
    shown = {subset: shown_by(stores, subset) for subset in ("benchmark", "instruction")}
    for word in ("digest", "sequence", "identity"):
        assert shown["benchmark"][word].isdisjoint(shown["instruction"][word])


def test_what_earlier_texts_tore_apart_is_in_no_subset(stores: tuple[Path, Path]) -> None:
    build_texts(stores, subsets=["benchmark"], quotas=QUOTAS)
    source = irtd_fast.open(stores[0]).source_named("kaist")
    columns = TextColumns()
    stored = read_texts(source, "benchmark")
    for row in range(len(source)):
        columns.add([record._replace(subset="pretrain") for record in stored.of(row)])
    write_texts(stores[0], "kaist", "copy", columns, attributes={})
    report = build_texts(stores, subsets=["instruction"], quotas=QUOTAS)
    assert report.manifest["torn_groups"] > 0
    assert any("two subsets by earlier texts" in note for note in report.notes)
    torn = {row for row in range(len(source)) if stored.of(row)}
    found = all_texts(stores, "instruction").get("kaist")
    assert found is None or not torn & {row for row in range(len(source)) if found.of(row)}


def test_grids_of_a_subset_show_its_own_people_only(stores: tuple[Path, Path]) -> None:
    build_texts(stores, subsets=["instruction", "benchmark"], quotas=QUOTAS)
    people = irtd_fast.open(stores[0]).source_named("llcm").column("samples", "identity")
    seen: dict[str, set[int]] = {}
    for subset in ("instruction", "benchmark"):
        grids = [
            json.loads(record.provenance)["grid"]["rows"]
            for record in all_texts(stores, subset)["llcm"]
        ]
        assert grids
        seen[subset] = set(np.unique(people[np.array(grids)]).tolist())
    assert seen["instruction"].isdisjoint(seen["benchmark"])


@pytest.mark.parametrize(("wanted", "each"), [(0, 1), (3, 1), (4, 2), (6, 2), (7, 3), (99, 9)])
def test_questions_are_spread_over_identities(wanted: int, each: int) -> None:
    identities = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, -1, 2])
    able = np.ones(len(identities), bool)
    able[10] = False
    found = spread(able, identities, np.arange(11, dtype=np.uint64)[::-1], wanted)
    counts = [int(found[identities == identity].sum()) for identity in (0, 1, 2, -1)]
    assert counts == [min(each, 4), min(each, 2), min(each, 3), 1]
    assert not found[10]
