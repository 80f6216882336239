"""Scanning: LLVIP-like pairs with XML against loops over ElementTree, and planning of video frames.

A scan pairs, reads the headers of both pictures, reads and checks the labels. The loops that
people write do less: one parses XML and looks for the partner, the other opens both pictures too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from irtd_fast import _core, catalog
from irtd_fast.manifest import Manifest
from irtd_fast.scan import scan

from .conftest import Contest
from .race import OURS, Contender, replayed_clock, timed

_HEIGHT, _WIDTH = 64, 80
_PEOPLE = 3
_LABELLED = 10  # one frame in ten has boxes, as in VTUAV
_PEERS = {"ElementTree": False, "ElementTree + Pillow": True}


def _jpeg(channels: int) -> bytes:
    shape = (_HEIGHT, _WIDTH) if channels == 1 else (_HEIGHT, _WIDTH, channels)
    return bytes(_core.encode_jpeg(np.full(shape, 90, np.uint8)))


def _xml(stem: str, boxes: Any) -> str:
    objects = "".join(
        "\t<object>\n\t\t<name>person</name>\n\t\t<pose>Unspecified</pose>\n"
        "\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\t\t<bndbox>\n"
        f"\t\t\t<xmin>{x}</xmin>\n\t\t\t<ymin>{y}</ymin>\n"
        f"\t\t\t<xmax>{x + 9}</xmax>\n\t\t\t<ymax>{y + 20}</ymax>\n\t\t</bndbox>\n\t</object>\n"
        for x, y in boxes
    )
    size = f"<width>{_WIDTH}</width>\n\t\t<height>{_HEIGHT}</height>\n\t\t<depth>3</depth>"
    return (
        f"<annotation>\n\t<folder>LLVIP</folder>\n\t<filename>{stem}.jpg</filename>\n"
        f"\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n\t<size>\n\t\t{size}\n"
        f"\t</size>\n\t<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def write_pairs(root: Path, count: int) -> None:
    """Write LLVIP's layout with tiny pictures: three people a picture."""
    data = _jpeg(3)
    infrared, visible, labels = (root / "LLVIP" / p for p in (
        "infrared/train", "visible/train", "Annotations"
    ))  # fmt: skip
    for folder in (infrared, visible, labels):
        folder.mkdir(parents=True)
    boxes = np.random.default_rng(7).integers(1, 40, (count, _PEOPLE, 2)).tolist()
    for number in range(count):
        stem = f"{number // 1000 + 1:02d}{number % 10000:04d}"
        (infrared / f"{stem}.jpg").write_bytes(data)
        (visible / f"{stem}.jpg").write_bytes(data)
        (labels / f"{stem}.xml").write_text(_xml(stem, boxes[number]), encoding="utf-8")


Row = tuple[str, list[tuple[str, float, float, float, float]]]


def plain_loop(root: Path, *, headers: bool) -> Iterator[Row]:
    """The loop that people write; with ``headers`` it also asks Pillow for both sizes."""
    image = pytest.importorskip("PIL.Image") if headers else None
    for path in sorted((root / "LLVIP" / "infrared").rglob("*.jpg")):
        partner = root / "LLVIP" / "visible" / path.parent.name / path.name
        assert partner.exists()
        if image is not None:
            for file in (path, partner):
                with image.open(file) as opened:
                    assert opened.size == (_WIDTH, _HEIGHT)
        tree = ET.parse(root / "LLVIP" / "Annotations" / f"{path.stem}.xml")
        found = []
        for item in tree.getroot().findall("object"):
            box = item.find("bndbox")
            assert box is not None
            values = [float(box.findtext(t) or "") for t in ("xmin", "ymin", "xmax", "ymax")]
            found.append((item.findtext("name") or "", *values))
        yield path.stem, found  # type: ignore[misc]


def assert_same(manifest: Manifest, expected: list[Row]) -> None:
    """Compare a scan with what ElementTree found."""
    assert manifest.problems == []
    found = [(s.name, [(o.category, *o.box) for o in s.objects]) for s in manifest.samples]
    assert found == expected
    assert all(sample.visible is not None for sample in manifest.samples)


def our_turn(root: Path, expected: list[Row]) -> Callable[[int, int], float]:
    record = catalog.get("llvip")

    def turn(_: int, count: int) -> float:
        seconds, manifest = timed(lambda: scan(root, record))
        assert_same(manifest, expected)
        assert count == len(expected)
        return seconds

    return turn


def loop_turn(root: Path, expected: list[Row], *, headers: bool) -> Callable[[int, int], float]:
    def turn(_: int, count: int) -> float:
        seconds, rows = timed(lambda: list(islice(plain_loop(root, headers=headers), count)))
        assert rows == expected[:count]
        return seconds

    return turn


@pytest.mark.parametrize("impl", [OURS, *_PEERS])
@pytest.mark.benchmark(timer=replayed_clock)
def test_scan_pairs(contest: Contest, benchmark: Any, scratch: Path, impl: str) -> None:
    """Pairs with an XML file each; a scan of all of them is one turn."""
    count = 10_000 if contest.enabled else 30
    root = scratch / "pairs"
    if not root.exists():
        write_pairs(root, count)

    def prepare() -> Any:
        expected = list(plain_loop(root, headers=False))
        contenders = [Contender(OURS, our_turn(root, expected), units=count, step=count)]
        contenders += [
            Contender(name, loop_turn(root, expected, headers=headers), units=count, step=count)
            for name, headers in _PEERS.items()
        ]
        files = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        facts = {"pairs": count, "bytes": files, "cache": "warm"}
        return contenders, {"rounds": 6, "most_units": count, "facts": facts}

    contest.enter(benchmark, "scan-pairs-xml", impl, prepare)


def write_video(root: Path, sequences: int, frames: int) -> None:
    """Write VTUAV's layout: links to one picture, a row of boxes each ten frames."""
    data = _jpeg(3)
    rows = "".join(f"{k % 60} 1 5 6\n" for k in range(-(-frames // _LABELLED)))
    for sequence in range(sequences):
        folder = root / f"train_ST_{sequence % 4 + 1:03d}" / f"car_{sequence:03d}"
        for side in ("ir", "rgb"):
            (folder / side).mkdir(parents=True)
            (folder / f"{side}.txt").write_text(rows, encoding="utf-8")
            first = folder / side / "000000.jpg"
            first.write_bytes(data)
            for frame in range(1, frames):
                os.link(first, f"{folder}/{side}/{frame:06d}.jpg")


# Prints seconds of planning, those of the processor, peak growth of the memory in MB, samples, rows
# planned, and how many have wrong labels.
_PLANNING = """
import json, sys, time
from irtd_fast import catalog
from irtd_fast.scan import scan_pictures
from irtd_fast.store.plan import IngestOptions, make_plan
def memory(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) / 1024
record, before = catalog.get("vtuav"), memory("VmRSS:")
started, worked = time.perf_counter(), time.process_time()
pending = scan_pictures(sys.argv[1], record)
plan = make_plan(pending.manifest, IngestOptions(), sealed=False)
seconds, work = time.perf_counter() - started, time.process_time() - worked
megabytes = memory("VmHWM:") - before
manifest = pending.read_labels()
wrong = len(manifest.problems) + sum(
    sample.visible is None
    or {o.modality for o in sample.objects} != {"infrared", "visible"}
    or {o.box[0] for o in sample.objects} != {sample.frame // 10 % 60}
    for sample in manifest.samples
)
rows = sum(array.rows for array in plan.arrays if array.modality == "infrared")
print(json.dumps([seconds, work, megabytes, len(manifest.samples), rows, wrong]))
"""


@pytest.mark.slow
@pytest.mark.benchmark(timer=replayed_clock)
def test_plan_video(contest: Contest, benchmark: Any, scratch: Path) -> None:
    """As many pairs of frames as VTUAV has, planned in a fresh process; seconds are per pair.

    Each sequence is thinned to 1 % before a picture is opened.
    """
    sequences, frames = (500, 3400) if contest.enabled else (20, 100)
    pairs, group = sequences * frames, "plan-1700000-pairs"
    root = scratch / "video"
    if not root.exists():
        write_video(root, sequences, frames)

    def turn(number: int, count: int) -> float:
        command = [sys.executable, "-c", _PLANNING, str(root)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, work, megabytes, samples, rows, wrong = json.loads(done.stdout)
        assert wrong == 0
        assert samples == rows
        assert abs(samples - count // 100) <= sequences
        if number >= 0:
            contest.note(group, "core seconds", work)
            contest.note(group, "megabytes", megabytes)
        return float(seconds)

    facts = {"pairs": pairs, "taken": pairs // 100, "cache": "warm"}
    arguments = {"rounds": 2, "most_units": pairs, "facts": facts}
    contender = Contender(OURS, turn, units=pairs, step=pairs)
    contest.enter(benchmark, group, OURS, lambda: ([contender], arguments))
