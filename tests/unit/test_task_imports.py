"""Published texts attached to samples, taken out again byte for byte; what is missing is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from irtd_fast import ingest
from irtd_fast.errors import AnnotationError, StoreExistsError
from irtd_fast.official.container import Entry
from irtd_fast.official.writer import write_official
from irtd_fast.store.dataset import open_store
from irtd_fast.store.text_columns import TextColumns, TextRecord
from irtd_fast.store.texts import read_texts, write_texts
from irtd_fast.synth import official_paths, official_tree
from irtd_fast.tasks.imports import NOT_IN_STORE, import_texts, published_texts
from irtd_fast.tasks.scoring.labels import read_labels
from irtd_fast.tasks.scoring.relabel import left_boxes

PREFIX = "/some/where/Data4MLLM/"
FLIR = "63-FLIR_ADAS/training/PreviewData/FLIR_0000{}.jpeg"
PICTURES = {
    "Location": [FLIR.format(n) for n in (1, 1, 2, 3)],
    "Detection": [FLIR.format(n) for n in (2, 3)],
    "ReID": ["53-LLCM/train/0001.jpg", "53-LLCM/valid/0001.jpg", "54-RegDB/train/0001.jpg"],
    "AerialCounting": ["4-VEDAI/train/trainimgr/00015.jpg"],
}


def entries_of(name: str, images: list[str]) -> list[Entry]:
    blank = " " if name == "Location" else ""
    return [
        Entry(name, str(n), PREFIX + image, f"<image>\n{blank}Question {n}?", f"answer {n}")
        for n, image in enumerate(images)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Texts, dumps and a store of them; not to be changed."""
    folder = tmp_path_factory.mktemp("import")
    write_official({n: entries_of(n, images) for n, images in PICTURES.items()}, folder / "texts")
    official_tree(official_paths(folder / "texts"), folder / "dumps")
    report = ingest(folder / "dumps", folder / "a.zarr", source="image-folder", name="all")
    assert report.problems == []
    return folder / "texts", folder / "dumps", folder / "a.zarr"


@pytest.fixture
def copied(made: tuple[Path, Path, Path], tmp_path: Path) -> tuple[Path, Path, Path]:
    shutil.copytree(made[2], tmp_path / "a.zarr")
    return made[0], made[1], tmp_path / "a.zarr"


def test_import_and_export_give_the_files_byte_for_byte(
    copied: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    texts, dumps, store = copied
    report = import_texts(texts, dumps, store)
    assert (report.texts, report.attached, report.written) == (10, 10, {"all": 10})
    back = published_texts(store)
    assert back.incomplete() == {}
    for name, path in write_official(back.files, tmp_path / "out").items():
        assert path.read_bytes() == (texts / f"{name}.json").read_bytes()


def test_every_text_is_with_its_own_picture(copied: tuple[Path, Path, Path]) -> None:
    """All pictures below a folder have the same bytes here, so names must tell them apart."""
    texts, dumps, store = copied
    import_texts(texts, dumps, store, subset="benchmark")
    source = open_store(store).sources[0]
    stored = read_texts(source, "official")
    names = source.names()
    seen = 0
    for row in range(len(source)):
        for text in stored.of(row):
            image = json.loads(text.provenance)["image"].split("Data4MLLM/")[1]
            assert names[row].endswith(image.rpartition(".")[0])
            assert (text.kind, text.subset) == ("published", "benchmark")
            assert text.question.startswith("Question")
            seen += 1
    assert seen == 10
    assert {text.task for text in stored} == {"location", "grounding", "re-id", "aerial-counting"}
    labels = read_labels(store)
    assert sorted(map(len, labels.tasks.values())) == [1, 2, 3, 4]
    files = read_labels(texts)  # the same keys and labels, in the order of the samples
    assert {task: sorted(p.key for p in found) for task, found in labels.tasks.items()} == {
        task: sorted(p.key for p in found) for task, found in files.tasks.items()
    }
    assert labels.ids["location"]["3"].label == files.ids["location"]["3"].label
    assert all(pair.image.startswith(PREFIX) for pair in labels.tasks["location"])


def test_what_is_missing_is_counted_with_its_reason(
    copied: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    texts, dumps, store = copied
    own = tmp_path / "dumps"
    shutil.copytree(dumps, own)
    root = own / "Data4MLLM"
    shutil.rmtree(root / "54-RegDB")
    (root / FLIR.format(1)).unlink()
    (root / FLIR.format(1)).write_bytes(b"another picture")
    report = import_texts(texts, own, store)
    rows = {(row["file"], row["source"]): row for row in report.rows}
    assert rows["Location", "flir-v1"]["missing"] == 2
    assert rows["Location", "flir-v1"]["why"] == {NOT_IN_STORE: 2}
    (why,) = rows["ReID", "regdb"]["why"]
    assert "composed" in why
    assert rows["ReID", "llcm"]["attached"] == 2
    assert report.attached == 7
    back = published_texts(store)
    assert back.incomplete() == {"Location": 2, "ReID": 1}
    assert [entry.id for entry in back.files["Location"]] == ["2", "3"]
    json.dumps(report.to_dict(), allow_nan=False)


def test_texts_are_not_replaced_unasked(copied: tuple[Path, Path, Path]) -> None:
    texts, dumps, store = copied
    dry = import_texts(texts, dumps, store, dry_run=True)
    assert dry.attached == 10
    with pytest.raises(ValueError, match="tasks import"):
        published_texts(store)
    import_texts(texts, dumps, store)
    with pytest.raises(StoreExistsError, match="--replace"):
        import_texts(texts, dumps, store)
    import_texts(texts, dumps, store, replace=True)
    import_texts(texts / "ReID.json", dumps, store, name="grids")
    with pytest.raises(ValueError, match="there are grids, official"):
        read_labels(store)
    assert list(read_labels(store, name="grids").tasks) == ["re-id"]


def test_files_named_after_no_task_are_refused(
    made: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    path = write_official({"Mine": entries_of("Mine", ["a.jpg"])}, tmp_path)["Mine"]
    with pytest.raises(AnnotationError, match=r"Mine\.json is named after no task"):
        import_texts(path, made[1], made[2], dry_run=True)


def test_commands(copied: tuple[Path, Path, Path], tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from irtd_fast.cli.main import app

    def run(*arguments: Any) -> tuple[int, Any]:
        done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        return done.exit_code, json.loads(done.stdout)

    texts, dumps, store = copied
    code, document = run("tasks", "import", texts, store, "--root", dumps)
    assert (code, document["attached"], document["missing"]) == (0, 10, 0)
    code, document = run("tasks", "export", store, tmp_path / "out")
    assert code == 0
    assert {row["file"]: row["entries"] for row in document["files"]} == {
        name: len(images) for name, images in PICTURES.items()
    }
    assert run("tasks", "export", texts, tmp_path / "out")[0] == 4  # files are there
    assert run("tasks", "export", texts, tmp_path / "out", "--replace")[0] == 0
    torn = tmp_path / "Location.json"
    torn.write_bytes((texts / "Location.json").read_bytes()[:-60])
    assert run("tasks", "export", torn, tmp_path / "torn")[0] == 2
    code, document = run("tasks", "export", torn, tmp_path / "torn", "--recover")
    assert (code, document["files"][0]["entries"]) == (1, 3)
    (dumps_left := tmp_path / "none").mkdir()
    code, document = run("tasks", "import", texts, store, "--root", dumps_left, "--replace")
    assert (code, document["attached"], document["missing"]) == (1, 0, 10)


def test_left_objects_come_from_the_boxes_of_the_store(mixed_store: Path, tmp_path: Path) -> None:
    """Two boxes side by side give the left one; anything else gives no box at all."""
    store = tmp_path / "m.zarr"
    shutil.copytree(mixed_store, store)
    source = next(s for s in open_store(store).sources if s.name == "llvip")
    offsets, boxes = source.offsets("objects"), source.column("objects", "box")
    infrared = source.column("objects", "modality") == 0
    columns, expected = TextColumns(), {}
    for row in range(len(source)):
        span = slice(offsets[row], offsets[row + 1])
        own = sorted(map(tuple, boxes[span][infrared[span]].tolist()))
        if len(own) == 2 and own[0][2] < own[1][0]:
            expected[f"grounding/{row}"] = own[0]
        facts = json.dumps({"file": "Detection", "id": str(row), "image": "x"})
        question = "Detect the bounding box of the person located to the left of the person."
        columns.add([TextRecord("grounding", question, "[]", "published", facts)])
    write_texts(store, "llvip", "official", columns, attributes={})
    assert expected, "no sample with two boxes side by side"
    assert left_boxes(store) == expected
    with pytest.raises(ValueError, match="tasks import"):
        left_boxes(mixed_store)
