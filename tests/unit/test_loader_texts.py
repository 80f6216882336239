"""Texts of batches: chosen by seed and weight, true of the window, with grids where they ask."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.errors import LoaderError, UnsupportedError
from irtd_fast.geometry.remap import BoxOptions
from irtd_fast.grids import Grid, compose_grid
from irtd_fast.load.augment import Augment, Mosaic
from irtd_fast.load.texts import TextOptions, TextTargets
from irtd_fast.store.text_columns import TextRecord
from irtd_fast.store.texts import read_texts
from irtd_fast.tasks.base import Options
from irtd_fast.tasks.build import build_texts
from irtd_fast.tasks.gather import Teller
from irtd_fast.tasks.retell import Window, in_units, retell

SIZE = (64, 80)
WHOLE = np.array([[1.0, 0, 0], [0, 1.0, 0]])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, small_dumps: Any) -> Path:
    path = tmp_path_factory.mktemp("texts") / "store.zarr"
    for source, count in (("flir-v1", 40), ("kaist", 30), ("llcm", 120)):
        ingest(small_dumps(source, count), path, source=source)
    build_texts(path, name="mine", options=Options(seed=5))
    build_texts(path, name="old", options=Options("official", seed=5))
    return path


def targets(store: Path, source: str | None = None, **options: Any) -> TextTargets:
    dataset = irtd_fast.open(store)
    if source is not None:
        dataset = dataset.filter(source=source)
    return TextTargets(
        dataset, TextOptions("mine", **options), seed=1, boxes=BoxOptions()
    )  # fmt: skip


def matrices(count: int, matrix: Any = WHOLE) -> Any:
    return np.repeat(np.asarray(matrix, np.float64)[None], count, 0)


def test_without_a_crop_all_stored_texts_come(store: Path) -> None:
    found = targets(store, "flir-v1")
    numbers = np.arange(len(found.dataset))
    planned = found.plan(numbers, 0, matrices(len(numbers)), SIZE)
    stored = read_texts(found.dataset.source_named("flir-v1"), "mine")
    for number, texts in zip(numbers.tolist(), planned.texts, strict=True):
        assert [(t.task, t.question, t.answer) for t in texts] == [
            record[:3] for record in stored.of(number)
        ]
    assert planned.dropped == 0


def test_tasks_are_filtered_with_the_samples_that_have_none(store: Path) -> None:
    found = targets(store, tasks=("security",))
    kept = found.samples()
    planned = found.plan(kept, 0, matrices(len(kept)), SIZE)
    assert 0 < len(kept) < len(found.dataset)
    assert all([t.task for t in texts] == ["security"] for texts in planned.texts)
    others = np.setdiff1d(np.arange(len(found.dataset)), kept)
    none = found.plan(others, 0, matrices(len(others)), SIZE)
    assert all(texts == [] for texts in none.texts)
    with pytest.raises(ValueError, match="did you mean 'security'"):
        targets(store, tasks=("securty",))
    with pytest.raises(ValueError, match="no texts of task 'caption'"):
        targets(store, weights={"caption": 1.0})
    with pytest.raises(ValueError, match="weight of scene must be 0 or more"):
        targets(store, weights={"scene": -1.0})
    with pytest.raises(ValueError, match="no texts 'other': there are mine, old"):
        TextTargets(irtd_fast.open(store), TextOptions("other"), seed=0, boxes=BoxOptions())
    with pytest.raises(ValueError, match="those of mine, old: name one"):
        TextTargets(irtd_fast.open(store), TextOptions(), seed=0, boxes=BoxOptions())


def test_weights_draw_one_text_a_sample_as_often_as_they_say(store: Path) -> None:
    weights = {"location": 3.0, "security": 1.0}
    found = targets(store, "flir-v1", weights=weights)
    stored = read_texts(found.dataset.source_named("flir-v1"), "mine")
    both = [
        n for n in found.samples().tolist()
        if set(weights) <= {record.task for record in stored.of(n)}
    ]  # fmt: skip
    assert len(both) > 5
    drawn = []
    for epoch in range(400):
        planned = found.plan(np.array(both), epoch, matrices(len(both)), SIZE)
        assert all(len(texts) == 1 for texts in planned.texts)
        drawn += [texts[0].task for texts in planned.texts]
    assert set(drawn) == set(weights)
    assert drawn.count("location") / len(drawn) == pytest.approx(0.75, abs=0.03)


def test_draws_depend_on_seed_epoch_and_sample_alone(store: Path) -> None:
    found = targets(store, "flir-v1", weights={"location": 1.0, "grounding": 1.0})
    numbers = found.samples()
    whole = found.plan(numbers, 3, matrices(len(numbers)), SIZE).texts
    back = found.plan(numbers[::-1], 3, matrices(len(numbers)), SIZE).texts
    assert back[::-1] == whole
    single = found.plan(numbers[4:5], 3, matrices(1), SIZE).texts
    assert single == whole[4:5]
    assert found.plan(numbers, 4, matrices(len(numbers)), SIZE).texts != whole


def truth(texts: list[Any], boxes: Any, words: list[str], size: tuple[int, int]) -> int:
    """Check every location text against the boxes of a batch; gives how many there were."""
    checked = 0
    for text in texts:
        if text.task != "location":
            continue
        points = np.array(re.findall(r"\((\d+), (\d+)\)", text.answer), np.float64)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / np.array(size[::-1]) * 1000
        (word,) = {w for w in words if re.search(rf"<ref>{w}", text.answer)} or {""}
        mine = np.array([w == word for w in words], bool)
        near = np.abs(points[:, None] - centres[None, mine]).max(axis=2) <= 1.0
        assert near.any(axis=1).all(), "a point where no object of the batch is"
        assert near.any(axis=0).all(), "an object of the batch that is not told of"
        checked += 1
    return checked


@pytest.mark.parametrize("flip", [False, True])
def test_texts_of_a_window_are_true_of_the_boxes_in_it(store: Path, flip: bool) -> None:
    dataset = irtd_fast.open(store).filter(source="flir-v1")
    loader = irtd_fast.Loader(
        dataset, batch_size=8, size=(96, 96), prefetch=0,
        augment=Augment(scale=(0.2, 0.6), flip=float(flip)),
    )  # fmt: skip
    found = TextTargets(dataset, TextOptions("mine"), seed=0, boxes=loader.boxes)
    checked = 0
    for batch in loader:
        planned = found.plan(batch.index, 0, batch.matrix, (96, 96))
        for i, texts in enumerate(planned.texts):
            here = batch.target(i)
            words = [dataset.categories[code] for code in here["labels"]]
            checked += truth(texts, here["boxes"], words, (96, 96))
    assert checked > 10


def imported(task: str, question: str, answer: str) -> TextRecord:
    return TextRecord(task, question, answer, "published", json.dumps({"file": "x", "id": "0"}))


def test_imported_texts_stay_only_where_they_are_true(store: Path) -> None:
    facts = next(Teller(irtd_fast.open(store).source_named("flir-v1")).blocks())[0]
    window = lambda matrix, size: Window(np.array(matrix, np.float64), size, BoxOptions())  # noqa: E731
    twice = window([[2, 0, 0], [0, 3, 0]], (3 * SIZE[0], 2 * SIZE[1]))
    cut = window([[1, 0, -4], [0, 1, 0]], SIZE)
    mirror = window([[-1, 0, SIZE[1]], [0, 1, 0]], SIZE)
    box = imported("grounding", "Detect it.", "The box is <box>[[10, 20, 30, 41]]</box>.")
    points = imported("location", "Locate it.", "<ref>car</ref> at <pos>[(250, 500)]</pos>")
    scene = imported("scene", "Which scene?", "(A) field")
    count = imported("aerial-counting", "How many?", "<num>3</num>")
    for record in (box, points, scene, count):
        assert retell(record, facts, window(WHOLE, SIZE)) == record
        for other in (cut, mirror):
            assert retell(record, facts, other) == (scene if record is scene else None)
    moved = retell(box, facts, twice)
    assert moved is not None
    assert moved.answer == "The box is <box>[[20, 60, 60, 123]]</box>."
    assert retell(points, facts, twice) == points
    assert retell(box._replace(answer="(1, 2)"), facts, twice) is None


@pytest.mark.parametrize("name", ["mine", "old"])
def test_coordinates_in_other_units_are_those_of_a_build_in_them(store: Path, name: str) -> None:
    source = irtd_fast.open(store).source_named("flir-v1")
    facts = next(Teller(source).blocks())
    stored = read_texts(source, name)
    mode = "clean" if name == "mine" else "official"
    build_texts(store, name=f"{name}-px", options=Options(mode, units="pixel", seed=5),
                tasks=["location", "grounding"], sources=["flir-v1"])  # fmt: skip
    again = read_texts(irtd_fast.open(store).source_named("flir-v1"), f"{name}-px")
    told = [
        in_units(record, facts[row], "pixel")
        for row in range(len(source))
        for record in stored.of(row)
        if record.task in ("location", "grounding")
    ]
    assert told == [r for row in range(len(source)) for r in sorted(
        again.of(row), key=lambda r: r.task != "grounding")]  # fmt: skip
    assert told
    with pytest.raises(UnsupportedError, match="was not built of its labels"):
        in_units(imported("location", "Locate it.", "x"), facts[0], "pixel")


def test_grids_keep_their_text_under_any_window(store: Path) -> None:
    found = targets(store, "llcm", tasks=("re-id",))
    numbers = found.samples()[:6]
    planned = found.plan(numbers, 0, matrices(6, [[-2, 0, 9], [0, 1, -3]]), SIZE)
    stored = read_texts(found.dataset.source_named("llcm"), "mine")
    assert len(planned.grids) == 6
    for place, (number, texts) in enumerate(zip(numbers.tolist(), planned.texts, strict=True)):
        (record,) = stored.of(number)
        assert texts == [(*record[:3], record.kind, place)]
        assert planned.grids[place].rows == tuple(json.loads(record.provenance)["grid"]["rows"])
        assert planned.grids[place].query == number


def loader(store: Path, **options: Any) -> irtd_fast.Loader:
    defaults: dict[str, Any] = {
        "batch_size": 4, "size": (96, 112), "targets": ("boxes", "texts"), "texts": "mine",
        "seed": 2, "prefetch": 0,
    }  # fmt: skip
    return irtd_fast.Loader(irtd_fast.open(store), **{**defaults, **options})


def test_a_loader_with_texts_sees_the_samples_that_have_some(store: Path) -> None:
    every = loader(store)
    some = loader(store, tasks=["security"])
    assert len(some.dataset) < len(every.dataset)
    for batch in some:
        assert batch.texts is not None
        assert len(batch.texts) == len(batch) == len(batch.images)
        assert batch.points.shape == (0, 2)
        assert {text.task for texts in batch.texts for text in texts} <= {"security"}
    plain = irtd_fast.Loader(irtd_fast.open(store), batch_size=4, size=(96, 112), prefetch=0)
    assert next(iter(plain)).texts is None


def test_texts_do_not_depend_on_threads_prefetch_or_where_one_goes_on(store: Path) -> None:
    weights = {"location": 2.0, "grounding": 1.0, "scene": 1.0}
    whole = [(b.index.tolist(), b.texts) for b in loader(store, task_weights=weights)]
    ahead = loader(store, task_weights=weights, prefetch=2, threads=1)
    assert [(b.index.tolist(), b.texts) for b in ahead] == whole
    first = loader(store, task_weights=weights)
    steps = iter(first)
    for _ in range(3):
        next(steps)
    second = loader(store, task_weights=weights)
    second.load_state_dict(first.state_dict())
    assert [(b.index.tolist(), b.texts) for b in second] == whole[3:]
    assert all(len(texts) <= 1 for _, batch in whole for texts in batch or [])
    assert [b.texts for b in loader(store, task_weights=weights, seed=3)] != [t for _, t in whole]


def test_a_pickled_loader_gives_the_same_texts(store: Path) -> None:
    one = loader(store, tasks=["security", "scene"])
    two = pickle.loads(pickle.dumps(one))
    assert [b.texts for b in two] == [b.texts for b in one]


@pytest.mark.parametrize(("layout", "dtype", "channels"), [
    ("hwc", "uint8", 3), ("chw", "float32", 3), ("chw", "float32", 1), ("hwc", "bfloat16", 1),
])  # fmt: skip
def test_grids_are_pictures_like_those_of_the_batch(
    store: Path, layout: Any, dtype: Any, channels: int
) -> None:
    made = loader(
        store, tasks=["re-id"], layout=layout, dtype=dtype, channels=channels, augment=None,
        normalize=irtd_fast.radiometry.MinMax(),
    )  # fmt: skip
    batch = next(iter(made))
    assert batch.grids is not None
    assert batch.texts is not None
    assert batch.grids.shape == batch.images.shape
    assert batch.grids.dtype == batch.images.dtype
    stored = read_texts(made.dataset.source_named("llcm"), "mine")
    for i, texts in enumerate(batch.texts):
        (text,) = texts
        row = int(made.dataset.rows[batch.index[i]])
        (record,) = stored.of(row)
        grid = Grid.from_json("llcm", json.loads(record.provenance)["grid"])
        pixels = compose_grid(made.dataset, grid, (96, 112), channels=channels)
        found = batch.picture(i, text)
        found = found.transpose(1, 2, 0) if layout == "chw" else found
        if dtype == "bfloat16":
            found = irtd_fast.radiometry.from_bfloat16(found)
            np.testing.assert_allclose(found * 255, pixels, atol=0.6)
        elif dtype == "float32":
            np.testing.assert_array_equal(np.rint(found * 255), pixels)
        else:
            np.testing.assert_array_equal(found, pixels)
        assert text.answer == str(grid.positive)


def test_what_texts_cannot_follow_is_refused(store: Path) -> None:
    with pytest.raises(ValueError, match="leave mosaic and cutout out"):
        loader(store, augment=Augment(mosaic=Mosaic()))
    with pytest.raises(ValueError, match="need targets that name 'texts'"):
        loader(store, targets=("boxes",))
    with pytest.raises(ValueError, match="did you mean 'scene'"):
        loader(store, tasks=["scen"])


def test_a_grid_whose_crop_is_damaged_names_its_sample(store: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(store, tmp_path / "copy.zarr"))
    source = irtd_fast.open(copy).source_named("llcm")
    for values in (source.path / "infrared").rglob("c/*"):
        if values.is_file():
            data = bytearray(values.read_bytes())
            data[::97] = bytes(255 - byte for byte in data[::97])
            values.write_bytes(data)
    made = loader(copy, tasks=["re-id"], texts="mine", augment=None)
    plan = made.plan_batch(np.arange(2), 0)
    feed = made._feed
    assert feed is not None
    with pytest.raises(LoaderError, match=r"grid of sample 0 \(llcm/") as caught:
        feed.compose(plan)
    assert caught.value.sample == 0
