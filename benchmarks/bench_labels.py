"""Reading labels: tracking rows, VOC XML and COCO JSON, beside the loops that people write.

Everybody reads the same files from the page cache and gives category and box of every object. Our
readers also check, keep the line or record of each, and report what is wrong.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast.formats import READERS, LabelFile
from irtd_fast.types import Problem, RawLabels

from .conftest import Contest
from .race import OURS, Contender, replayed_clock, timed

_SEQUENCES, _ROWS = 1224, 734_785  # LasHeR, counted
_PICTURES, _BOXES = 10_000, 7
_XYWH = ["x", "y", "w", "h"]

Turn = Callable[[int, int], float]


def turn_of(work: Callable[[], Any], check: Callable[[Any], None]) -> Turn:
    """Time the work on all files; its answer is checked each time."""

    def turn(_: int, count: int) -> float:
        assert count > 0
        seconds, answer = timed(work)
        check(answer)
        return seconds

    return turn


def fail(problem: Problem) -> None:
    """None of the files has a defect."""
    raise AssertionError(str(problem))


# ---- tracking rows ------------------------------------------------------------------------------


def write_rows(folder: Path, sequences: int, rows: int) -> list[Path]:
    """Write as many files and rows as LasHeR has; some rows say that the target is absent."""
    rng = np.random.default_rng(3)
    cuts = np.sort(rng.choice(np.arange(1, rows), sequences - 1, replace=False))
    lengths = np.diff([0, *cuts, rows])
    paths = []
    folder.mkdir()
    for number, length in enumerate(lengths):
        boxes = rng.integers(1, 900, (length, 4))
        boxes[rng.random(length) < 0.002] = 0
        paths.append(folder / f"{number:04d}.txt")
        paths[-1].write_text("".join(f"{x},{y},{w},{h}\n" for x, y, w, h in boxes.tolist()))
    return paths


def our_rows(paths: Sequence[Path], *, objects: bool) -> Any:
    """Read all files, and with ``objects`` make the labels of every row."""
    reader = READERS["text_rows"]
    options = reader.parse_options(
        {"scope": "per_sequence", "columns": _XYWH, "absent": "zeros"}, "bench"
    )
    total, absent = 0, 0
    for path in paths:
        rows = reader.read(
            LabelFile(path.parent, path.name, {"sequence": path.stem}), options, fail
        )
        total += len(rows)
        if objects:
            absent += sum(not labels.objects for labels in rows)
    return total, absent


def python_rows(paths: Sequence[Path]) -> Any:
    """Split and convert, a row at a time."""
    total, absent = 0, 0
    for path in paths:
        for line in path.read_text().splitlines():
            x, y, w, h = map(float, line.split(","))
            total += 1
            absent += not (x or y or w or h)
    return total, absent


def numpy_rows(paths: Sequence[Path]) -> Any:
    """The toolkits' way."""
    tables = [np.loadtxt(path, delimiter=",", ndmin=2) for path in paths]
    return sum(map(len, tables)), sum(int((~table.any(axis=1)).sum()) for table in tables)


@pytest.mark.parametrize("impl", [OURS, "our labels", "python", "numpy.loadtxt"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_lasher_rows(contest: Contest, benchmark: Any, scratch: Path, impl: str) -> None:
    """All rows of one modality of LasHeR; seconds are per row."""
    sequences, rows = (_SEQUENCES, _ROWS) if contest.enabled else (12, 700)
    folder = scratch / "rows"
    paths = sorted(folder.iterdir()) if folder.exists() else write_rows(folder, sequences, rows)
    group = "lasher-rows"

    def prepare() -> Any:
        absent = numpy_rows(paths)[1]
        work: dict[str, tuple[Callable[[], Any], int]] = {
            OURS: (lambda: our_rows(paths, objects=False), 0),
            "our labels": (lambda: our_rows(paths, objects=True), absent),
            "python": (lambda: python_rows(paths), absent),
            "numpy.loadtxt": (lambda: numpy_rows(paths), absent),
        }

        def checked(expected: int) -> Callable[[Any], None]:
            def check(answer: Any) -> None:
                assert answer == (rows, expected)

            return check

        contenders = [
            Contender(name, turn_of(run, checked(expected)), units=rows, step=rows)
            for name, (run, expected) in work.items()
        ]
        size = sum(path.stat().st_size for path in paths)
        facts = {"files": sequences, "rows": rows, "bytes": size, "cache": "warm"}
        return contenders, {"rounds": 5, "most_units": rows, "facts": facts}

    contest.enter(benchmark, group, impl, prepare)
    if group in contest.results:
        contest.measured[group, "seconds"] = rows / contest.results[group].rate("our labels")


# ---- VOC XML ------------------------------------------------------------------------------------

_OBJECT = (
    "\t<object>\n\t\t<name>person</name>\n\t\t<pose>Unspecified</pose>\n"
    "\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\t\t<bndbox>\n"
    "\t\t\t<xmin>{}</xmin>\n\t\t\t<ymin>{}</ymin>\n\t\t\t<xmax>{}</xmax>\n"
    "\t\t\t<ymax>{}</ymax>\n\t\t</bndbox>\n\t</object>\n"
)
_FILE = (
    "<annotation>\n\t<folder>LLVIP</folder>\n\t<filename>{}.jpg</filename>\n\t<size>\n"
    "\t\t<width>1280</width>\n\t\t<height>1024</height>\n\t\t<depth>3</depth>\n\t</size>\n"
    "\t<segmented>0</segmented>\n{}</annotation>\n"
)
_SIDES = ("xmin", "ymin", "xmax", "ymax")


def write_xml(folder: Path, count: int) -> list[LabelFile]:
    """Write VOC files of three people each."""
    folder.mkdir()
    corners = np.random.default_rng(5).integers(0, 900, (count, 3, 2)).tolist()
    for number, people in enumerate(corners):
        objects = "".join(_OBJECT.format(x, y, x + 40, y + 90) for x, y in people)
        (folder / f"{number:06d}.xml").write_text(_FILE.format(number, objects))
    return [LabelFile(folder, f"{n:06d}.xml", {"stem": f"{n:06d}"}) for n in range(count)]


def plain(labels: RawLabels) -> list[Any]:
    """Category and box of every object."""
    return [(item.category, *(item.box or ())) for item in labels.objects]


def tree_boxes(path: Path) -> list[Any]:
    """The loop of every tutorial."""
    found = []
    for item in ET.parse(path).getroot().findall("object"):
        box = item.find("bndbox")
        assert box is not None
        found.append((item.findtext("name"), *(float(box.findtext(s) or "") for s in _SIDES)))
    return found


@pytest.mark.parametrize("impl", [OURS, "ElementTree", "our lxml way"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_voc_xml(contest: Contest, benchmark: Any, scratch: Path, impl: str) -> None:
    """Files of plain VOC; seconds are per file."""
    folder, count = scratch / "xml", _PICTURES if contest.enabled else 20
    files = write_xml(folder, count) if not folder.exists() else [
        LabelFile(folder, p.name, {"stem": p.stem}) for p in sorted(folder.iterdir())
    ]  # fmt: skip
    reader = READERS["xml_objects"]
    options = reader.parse_options({}, "bench")
    many = reader.read_many
    assert many is not None

    def prepare() -> Any:
        expected = [tree_boxes(file.root / file.path) for file in files]

        def check(answer: Any) -> None:
            assert [item if isinstance(item, list) else plain(item) for item in answer] == expected

        work: dict[str, Callable[[], Any]] = {
            OURS: lambda: [found[0] for found in many(files, options) if found],
            "ElementTree": lambda: [tree_boxes(file.root / file.path) for file in files],
            "our lxml way": lambda: [reader.read(file, options, fail)[0] for file in files],
        }
        contenders = [
            Contender(name, turn_of(run, check), units=count, step=count)
            for name, run in work.items()
        ]
        size = sum((file.root / file.path).stat().st_size for file in files)
        facts = {"files": count, "objects": 3 * count, "bytes": size, "cache": "warm"}
        return contenders, {"rounds": 5, "most_units": count, "facts": facts}

    contest.enter(benchmark, "voc-xml", impl, prepare)


# ---- COCO JSON ----------------------------------------------------------------------------------


def write_coco(path: Path, count: int) -> None:
    """Write one file about so many pictures of seven boxes."""
    corners = np.random.default_rng(6).integers(0, 400, (count, _BOXES, 2)).tolist()
    images = [
        {"id": i, "file_name": f"data/{i:06d}.jpg", "width": 640, "height": 512}
        for i in range(count)
    ]
    annotations = [
        {"id": i * _BOXES + k, "image_id": i, "category_id": k % 3, "bbox": [x, y, 30.5, 40],
         "area": 1220.0, "iscrowd": 0, "segmentation": []}
        for i, people in enumerate(corners) for k, (x, y) in enumerate(people)
    ]  # fmt: skip
    categories = [{"id": k, "name": f"c{k}"} for k in range(3)]
    data = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(data))


def coco_loop(path: Path) -> list[Any]:
    """Load all, then sort the boxes by their picture."""
    data = json.loads(path.read_bytes())
    names = {item["id"]: item["name"] for item in data["categories"]}
    found: dict[int, list[Any]] = {image["id"]: [] for image in data["images"]}
    for item in data["annotations"]:
        x, y, w, h = map(float, item["bbox"])
        found[item["image_id"]].append((names[item["category_id"]], x, y, x + w, y + h))
    return list(found.values())


@pytest.mark.parametrize("impl", [OURS, "json + loop"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_coco_json(contest: Contest, benchmark: Any, scratch: Path, impl: str) -> None:
    """One file for all pictures; seconds are per picture."""
    path, count = scratch / "coco.json", _PICTURES if contest.enabled else 300
    if not path.exists():
        write_coco(path, count)
    reader = READERS["coco_json"]
    options = reader.parse_options({}, "bench")
    file = LabelFile(path.parent, path.name, {"split": "train"})

    def prepare() -> Any:
        expected = coco_loop(path)

        def check(answer: Any) -> None:
            assert [item if isinstance(item, list) else plain(item) for item in answer] == expected

        work: dict[str, Callable[[], Any]] = {
            OURS: lambda: reader.read(file, options, fail),
            "json + loop": lambda: coco_loop(path),
        }
        contenders = [
            Contender(name, turn_of(run, check), units=count, step=count)
            for name, run in work.items()
        ]
        facts = {"pictures": count, "objects": _BOXES * count, "bytes": path.stat().st_size,
                 "cache": "warm"}  # fmt: skip
        return contenders, {"rounds": 5, "most_units": count, "facts": facts}

    contest.enter(benchmark, "coco-json", impl, prepare)
