"""Official texts of a store against the publisher's own JSON, by rules written a second time."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from irtd_fast import ingest
from irtd_fast.store.dataset import open_store
from irtd_fast.store.texts import read_texts
from irtd_fast.synth import write_dump
from irtd_fast.tasks.base import Options
from irtd_fast.tasks.build import build_texts

# Names in annotation files -> published words.
WORDS = {"person": "person", "bike": "bike", "bicycle": "bike", "car": "car"}
Rows = list[tuple[str, list[int]]]  # word and x, y, width, height


def annotations(path: Path) -> dict[str, Rows]:
    """Stem of a picture -> its annotations in their order."""
    data = json.loads(path.read_text())
    names = {c["id"]: c["name"].lower() for c in data["categories"]}
    files = {i["id"]: i.get("file_name") or i["filename"] for i in data["images"]}
    out: dict[str, Rows] = {Path(name).stem: [] for name in files.values()}
    for row in data.get("annotations") or data["annotation"]:
        word = WORDS.get(names[row["category_id"]])
        if word:
            out[Path(files[row["image_id"]]).stem].append((word, row["bbox"]))
    return out


def half_even(value: Fraction) -> int:
    """Python's rounding of the exact number, without any float."""
    whole, rest = divmod(value, 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1)
    return int(whole) + up


def location(rows: Rows, height: int, width: int) -> list[str]:
    points: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for word, (x, y, w, h) in rows:
        point = (half_even(Fraction(2 * x + w, 2 * width) * 1000),
                 half_even(Fraction(2 * y + h, 2 * height) * 1000))  # fmt: skip
        points[word].append(point)
    return [f"<ref>{word}</ref> at <pos>{sorted(found)}</pos>" for word, found in points.items()]


def grounding(rows: Rows, height: int, width: int) -> set[tuple[str, str]]:
    """All questions and answers that may come, the random side both ways; D1 as published."""
    if not 1 <= len(rows) <= 5:
        return set()

    def answer(row: tuple[str, list[int]]) -> str:
        x, y, w, h = row[1]
        return f"The target bounding box is <box>[[{x}, {y}, {x + w}, {y + h}]]</box>."

    def place(row: tuple[str, list[int]]) -> str:
        x, y, w, h = row[1]
        across, down = Fraction(2 * x + w, 2 * width), Fraction(2 * y + h, 2 * height)
        thirds = Fraction(1, 3), Fraction(2, 3)
        column = "left" if across < thirds[0] else "right" if across > thirds[1] else "center"
        row_ = "top " if down < thirds[0] else "bottom " if down > thirds[1] else ""
        return row_ + column

    ordered = sorted(rows, key=lambda row: row[1][0])
    detect = "Detect the bounding box of the"
    if len(rows) == 2:
        (left, a), (right, b) = ordered
        if a[0] + a[2] < b[0]:
            texts = (f"{detect} {left} located to the left of the {right}.",
                     f"{detect} {right} located to the right of the {left}.")  # fmt: skip
            return {(text, answer(ordered[1])) for text in texts}
    groups = [[row for row in ordered if row[0] == word] for word in ("person", "bike", "car")]
    for group in groups if len(rows) > 2 else ():
        areas = [row[1][2] * row[1][3] for row in group]
        if len(group) > 1 and max(areas) > 2 * min(areas):
            row = group[areas.index(max(areas))]
            return {(f"{detect} nearest {row[0]} located at the {place(row)}.", answer(row))}
    row = next(group[0] for group in groups if group)
    return {(f"{detect} {row[0]} located at the {place(row)} of the image.", answer(row))}


def check(store: Path, truth: dict[str, Rows], size: tuple[int, int]) -> dict[str, int]:
    """Compare every text of the store; give how many of each task there were."""
    build_texts(store, options=Options(mode="official", defects=True), name="texts")
    (source,) = open_store(store).sources
    texts = read_texts(source, "texts")
    counts: dict[str, int] = defaultdict(int)
    for row, name in enumerate(source.names()):
        rows = truth[name.rpartition("/")[2]]
        found: dict[str, list[Any]] = defaultdict(list)
        for text in texts.of(row):
            found[text.task].append(text)
            counts[text.task] += 1
        assert [t.answer for t in found["location"]] == location(rows, *size)
        wanted = grounding(rows, *size)
        assert len(found["grounding"]) == min(len(wanted), 1)
        assert {(t.question, t.answer) for t in found["grounding"]} <= wanted
        present = {word for word, _ in rows}
        for text in found["security"]:
            options = re.findall(r"\(([A-D])\) (.+?)(?= \(|$)", text.question)
            absent = [f"({letter}) {word}" for letter, word in options if word not in present]
            assert text.answer == " ".join(absent)
    return counts


def test_synthetic_flir_annotations(scratch: Path) -> None:
    write_dump(scratch / "dump", source="flir-v1", count=80, size=(512, 640), seed=4)
    ingest(scratch / "dump", scratch / "s.zarr", source="flir-v1")
    truth: dict[str, Rows] = {}
    for path in (scratch / "dump").rglob("thermal_annotations.json"):
        truth |= annotations(path)
    counts = check(scratch / "s.zarr", truth, (512, 640))
    assert counts["location"] > 120
    assert counts["grounding"] > 40
    assert counts["security"] > 70


@pytest.mark.dumps
def test_real_hit_uav_annotations(dumps: Path, scratch: Path) -> None:
    root = dumps / "hit-uav"
    if not root.is_dir():
        pytest.skip("no hit-uav among the real dumps")
    ingest(root, scratch / "s.zarr", source="hit-uav", variant="normal_json")
    truth: dict[str, Rows] = {}
    for path in (root / "normal_json" / "annotations").glob("*.json"):
        truth |= annotations(path)
    counts = check(scratch / "s.zarr", truth, (512, 640))
    assert counts["location"] > 60
    assert counts["grounding"] > 5
