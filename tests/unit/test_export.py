"""Exports: what other programs read, checked against the store and by other readers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import irtd_fast
from irtd_fast import ingest
from irtd_fast.errors import (
    SourceLayoutError,
    StoreExistsError,
    UnknownFormatError,
    UnsupportedError,
)
from irtd_fast.export import export_store
from irtd_fast.export.pictures import safe_name
from irtd_fast.grids import Grid, compose_grid
from irtd_fast.official.container import read_container
from irtd_fast.official.published import published_path
from irtd_fast.radiometry import MinMax
from irtd_fast.store.plan import IngestOptions
from irtd_fast.store.text_columns import TextColumns, TextRecord
from irtd_fast.store.texts import read_texts, write_texts
from irtd_fast.tasks.build import build_texts
from irtd_fast.types import ObjectFlag


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, small_dumps: Any) -> Path:
    """FLIR with texts, DroneVehicle with turned boxes, LLVIP as JPEG files, 16 bits."""
    path = tmp_path_factory.mktemp("export") / "store.zarr"
    for name, source, options in (
        ("flir-v1", "flir-v1", IngestOptions()),
        ("drone-vehicle", "drone-vehicle", IngestOptions()),
        ("compact", "llvip", IngestOptions("compact")),
        ("deep", "flir-v1-16bit", IngestOptions()),
    ):  # fmt: skip
        dump = {"variant": "tree"} if source == "flir-v1-16bit" else {}
        ingest(small_dumps(source, **dump), path, source=source, name=name, options=options)
    columns = TextColumns()
    for row in range(len(irtd_fast.open(path).source_named("flir-v1"))):
        columns.add(
            [
                TextRecord("location", "Locate all car from left to right.", f"<pos>{row}</pos>"),
                TextRecord("location", "Locate all person from left to right.", "a"),
                TextRecord("security", "What is not there?", "(A) é", subset="benchmark"),
            ][: row % 4]
        )
    write_texts(path, "flir-v1", "mine", columns, attributes={"units": "permille"})
    return path


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def pixels(path: Path) -> Any:
    with Image.open(path) as picture:
        return np.asarray(picture)


def coco_documents(out: Path) -> list[Any]:
    return [read(path) for path in sorted((out / "annotations").glob("*.json"))]


def test_coco_has_every_picture_and_every_box_of_the_infrared_ground_truth(
    store: Path, tmp_path: Path
) -> None:
    dataset = irtd_fast.open(store)
    report = export_store(dataset, tmp_path / "out", "coco")
    documents = coco_documents(tmp_path / "out")
    images = [image for document in documents for image in document["images"]]
    boxes = [box for document in documents for box in document["annotations"]]
    assert len(images) == len(dataset) == report.pictures
    assert [len({row["id"] for row in rows}) for rows in (images, boxes)] == [
        len(images), len(boxes),
    ]  # fmt: skip
    words = {c["id"]: c["name"] for c in documents[0]["categories"]}
    for image in images:
        name = image["file_name"].removeprefix("images/").rsplit(".", 1)[0]
        sample = next(s for s in dataset if s.id == name)
        assert (image["height"], image["width"]) == (sample.height, sample.width)
        mine = [box for box in boxes if box["image_id"] == image["id"]]
        here = sample.object_modality == 0
        xyxy = [[x, y, x + w, y + h] for x, y, w, h in (box["bbox"] for box in mine)]
        np.testing.assert_array_equal(np.array(xyxy).reshape(-1, 4), sample.boxes[here])
        assert [words[box["category_id"]] for box in mine] == [
            n for n, m in zip(sample.names, here, strict=True) if m
        ]
        crowd = (sample.object_flags[here] & ObjectFlag.CROWD) > 0
        assert [box["iscrowd"] for box in mine] == crowd.astype(int).tolist()


def test_coco_areas_are_those_of_boxes_or_of_their_polygons(store: Path, tmp_path: Path) -> None:
    export_store(irtd_fast.open(store), tmp_path / "out", "coco", pictures="none")
    boxes = [box for d in coco_documents(tmp_path / "out") for box in d["annotations"]]
    turned = [box for box in boxes if box["segmentation"]]
    assert turned
    assert len(turned) < len(boxes)
    for box in boxes:
        _, _, w, h = box["bbox"]
        if not box["segmentation"]:
            assert box["area"] == w * h
            continue
        points = np.array(box["segmentation"][0], np.float32).reshape(4, 2)
        assert box["area"] == pytest.approx(cv2.contourArea(points), rel=1e-5)


def test_coco_knows_no_other_units(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="in pixels, not permille"):
        export_store(irtd_fast.open(store), tmp_path, "coco", units="permille")
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_the_counts_under_the_recipe(store: Path, tmp_path: Path) -> None:
    dataset = irtd_fast.open(store)
    export_store(dataset, tmp_path / "png", "coco", pictures="png")
    export_store(dataset, tmp_path / "minmax", "coco", pictures="png", recipe=MinMax())
    for sample in dataset:
        plain = pixels(tmp_path / f"png/images/{sample.id}.png")
        assert plain.dtype == np.uint8
        assert plain.shape == sample.infrared.shape
        if sample.infrared.dtype == np.uint8:
            np.testing.assert_array_equal(plain, sample.infrared)
        stretched = pixels(tmp_path / f"minmax/images/{sample.id}.png")
        np.testing.assert_array_equal(stretched, MinMax().apply(sample.infrared, dtype="uint8"))


def test_own_jpeg_files_are_copied_byte_for_byte_and_others_rendered(
    store: Path, tmp_path: Path, small_dumps: Any
) -> None:
    dataset = irtd_fast.open(store).filter(source=["compact", "deep"])
    export_store(dataset, tmp_path, "coco", pictures="copy")
    originals = {p.stem: p.read_bytes() for p in small_dumps("llvip").rglob("infrared/**/*.jpg")}
    for sample in dataset.filter(source="compact"):
        copied = (tmp_path / "images" / f"{sample.id}.jpg").read_bytes()
        assert copied == originals[sample.name.rsplit("/", 1)[-1]]
    for sample in dataset.filter(source="deep"):
        shape = pixels(tmp_path / "images" / f"{sample.id}.png").shape
        assert shape == (sample.height, sample.width)


def test_links_lead_to_the_dump(store: Path, tmp_path: Path, small_dumps: Any) -> None:
    dataset = irtd_fast.open(store).filter(source="flir-v1")
    root = small_dumps("flir-v1")
    export_store(dataset, tmp_path / "a", "coco", pictures="link", roots={"flir-v1": root})
    for image in (i for d in coco_documents(tmp_path / "a") for i in d["images"]):
        link = tmp_path / "a" / image["file_name"]
        assert link.is_symlink()
        assert link.resolve().is_relative_to(root.resolve())
    with pytest.raises(ValueError, match=r"--root flir-v1=FOLDER"):
        export_store(dataset, tmp_path / "b", "coco", pictures="link")
    less = small_dumps("flir-v1", count=4)
    with pytest.raises(SourceLayoutError, match="has no picture of sample flir-v1/"):
        export_store(dataset, tmp_path / "c", "coco", pictures="link", roots={"flir-v1": less})


@pytest.mark.parametrize("format", ["coco", "llava", "official"])
def test_nothing_is_written_over_unless_asked(store: Path, tmp_path: Path, format: str) -> None:
    dataset = irtd_fast.open(store).filter(source="flir-v1")
    dry = export_store(dataset, tmp_path / "out", format, dry_run=True)
    assert (dry.written, (tmp_path / "out").exists()) == (False, False)
    report = export_store(dataset, tmp_path / "out", format)
    assert (report.files, report.pictures) == (dry.files, dry.pictures)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*") if p.is_file()}
    with pytest.raises(StoreExistsError, match="--replace writes over it"):
        export_store(dataset, tmp_path / "out", format)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    export_store(dataset, tmp_path / "out", format, replace=True)
    assert {p for p in (tmp_path / "out").rglob("*") if p.is_file()} == set(before)


def test_llava_has_string_paths_and_one_mark(store: Path, tmp_path: Path) -> None:
    dataset = irtd_fast.open(store)
    report = export_store(dataset, tmp_path, "llava")
    entries = read(tmp_path / "texts.json")
    flir = dataset.filter(source="flir-v1")
    assert (
        len(entries)
        == sum(min(row % 4, 3) for row in range(len(flir)))
        == (report.files["texts.json"])
    )
    assert len({entry["id"] for entry in entries}) == len(entries)
    for entry in entries:
        human, model = entry["conversations"]
        assert isinstance(entry["image"], str)
        assert pixels(tmp_path / entry["image"]).shape == (64, 80)
        assert (human["from"], model["from"]) == ("human", "gpt")
        assert human["value"].startswith("<image>\n")
        assert human["value"].count("<image>") == 1
        assert "<image>" not in model["value"]
    assert report.pictures == len({entry["image"] for entry in entries})


def test_official_files_are_read_by_the_reader_of_published_ones(
    store: Path, tmp_path: Path
) -> None:
    dataset = irtd_fast.open(store).filter(source="flir-v1")
    for form in ("array", "official"):
        export_store(dataset, tmp_path / form, "official", container=form, paths="published")
        found = {
            path.stem: read_container(path.read_bytes(), path.name)
            for path in (tmp_path / form).glob("*.json")
        }
        assert sorted(found) == ["Location", "Security"]
        assert [entry.id for entry in found["Location"]] == [
            str(i) for i in range(len(found["Location"]))
        ]
        for entry in found["Location"]:
            assert (tmp_path / form / entry.image).is_file()
    named = {published_path("flir-v1", sample.name, sample.split) for sample in dataset}
    assert {e.image for e in found["Location"] if e.image.startswith("Data4MLLM/")} <= named
    assert any(e.image.startswith("Data4MLLM/63-FLIR_ADAS/") for e in found["Location"])
    assert read(tmp_path / "array" / "Location.json")


def test_tasks_and_subsets_are_filtered(store: Path, tmp_path: Path) -> None:
    dataset = irtd_fast.open(store)
    report = export_store(dataset, tmp_path / "a", "official", tasks=("security",))
    assert list(report.files) == ["Security.json"]
    report = export_store(dataset, tmp_path / "b", "llava", subsets=("benchmark",))
    assert {e["conversations"][1]["value"] for e in read(tmp_path / "b/texts.json")} == {"(A) é"}
    with pytest.raises(ValueError, match="did you mean 'location'"):
        export_store(dataset, tmp_path / "c", "llava", tasks=("locaton",))
    with pytest.raises(ValueError, match="no texts 'other': there are mine"):
        export_store(dataset, tmp_path / "c", "llava", texts="other")
    with pytest.raises(ValueError, match="irtd tasks build"):
        export_store(dataset.filter(source="deep"), tmp_path / "c", "llava")
    with pytest.raises(UnknownFormatError, match="did you mean 'coco'"):
        export_store(dataset, tmp_path / "c", "cocoo")


@pytest.mark.parametrize(
    ("name", "safe"),
    [("train/a_1", "train/a_1"), ("../x", "_/x"), ("a//b", "a/_/b"), ("a:b\n", "a_b_"), ("é", "é")],
)
def test_names_of_samples_lead_nowhere_else(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, small_dumps: Any) -> Path:
    """Texts about grids and about coordinates."""
    path = tmp_path_factory.mktemp("people") / "store.zarr"
    ingest(small_dumps("llcm", 120), path, source="llcm")
    ingest(small_dumps("flir-v1"), path, source="flir-v1")
    build_texts(path, name="mine", tasks=["re-id", "location", "grounding"])
    return path


def test_grids_are_composed_as_pictures_of_their_own(people: Path, tmp_path: Path) -> None:
    dataset = irtd_fast.open(people)
    report = export_store(
        dataset, tmp_path, "llava", tasks=("re-id",), pictures="png", grid=(128, 192)
    )
    entries = read(tmp_path / "texts.json")
    stored = read_texts(dataset.source_named("llcm"), "mine")
    assert len(entries) == report.pictures == stored.attributes["tasks"]["re-id"] > 0
    for entry, record in zip(entries, stored, strict=True):
        grid = Grid.from_json("llcm", json.loads(record.provenance)["grid"])
        expected = compose_grid(dataset, grid, (128, 192))
        np.testing.assert_array_equal(pixels(tmp_path / entry["image"]), expected)
        assert entry["conversations"][1]["value"] == str(grid.positive)
    with pytest.raises(StoreExistsError):
        export_store(dataset, tmp_path, "official", tasks=("re-id",), pictures="png")
    assert not (tmp_path / "ReID.json").exists()


def numbers_of(entry: Any) -> list[float]:
    inside = entry["conversations"][1]["value"].split("<box>")[1].split("</box>")[0]
    return [float(number) for number in re.findall(r"[\d.]+", inside)]


def test_coordinates_are_told_in_the_units_asked_for(people: Path, tmp_path: Path) -> None:
    dataset = irtd_fast.open(people)
    for units in ("pixel", "permille", "unit"):
        export_store(dataset, tmp_path / units, "llava", tasks=("grounding",), units=units,
                     pictures="none")  # fmt: skip
    found = {
        units: [numbers_of(e) for e in read(tmp_path / units / "texts.json")]
        for units in ("pixel", "permille", "unit")
    }
    boxes = {units: np.array(numbers)[:, :4] for units, numbers in found.items()}
    sides = np.array([80, 64, 80, 64])
    np.testing.assert_allclose(boxes["permille"] / 1000 * sides, boxes["pixel"], atol=0.6)
    np.testing.assert_allclose(boxes["unit"] * sides, boxes["pixel"], atol=0.51)
    with pytest.raises(ValueError, match="units must be one of pixel, unit, permille"):
        export_store(dataset, tmp_path / "x", "llava", units="inch")
