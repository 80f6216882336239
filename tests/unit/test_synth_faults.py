"""Planted faults are really those faults, and other samples stay as they were."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from irtd_fast.errors import SourceLayoutError
from irtd_fast.synth import FAULTS, Fault, Truth, plant_faults, write_dump

SIZE = (96, 128)
CASES = {
    "llvip": ("pair-missing", "labels-swapped", "broken-label", "orphan-label", "extra-class",
              "pseudo-colour", "exact-duplicate", "near-duplicate", "damaged-frames"),
    "rgbt234": ("pair-missing", "pair-shifted", "pseudo-colour", "exact-duplicate",
                "near-duplicate", "short-sequence", "damaged-frames"),
    "bu-tiv": ("8-in-16", "exact-duplicate", "short-sequence", "damaged-frames"),
    "drone-vehicle": ("labels-swapped", "border-not-white"),
}  # fmt: skip


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.fixture(params=CASES)
def sick(request, tmp_path) -> tuple[Path, Truth, dict[str, bytes], dict[str, Fault]]:
    root = tmp_path / "dump"
    truth = write_dump(root, source=request.param, count=42, size=SIZE, seed=3)
    before = contents(root)
    planted = plant_faults(root, truth, seed=1)
    return root, truth, before, {fault.code: fault for fault in planted}


def test_what_fits_is_planted_once(sick):
    _, truth, _, faults = sick
    assert set(CASES[truth.source]) <= set(faults) <= set(FAULTS)
    hit = [name for fault in faults.values() for name in fault.samples]
    assert len(hit) == len(set(hit))


def test_only_the_files_named_are_touched(sick):
    root, _, before, faults = sick
    after = contents(root)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    named = {path for fault in faults.values() for path in (fault.path, *fault.others)}
    assert changed <= named
    for fault in faults.values():
        assert changed & {fault.path, *fault.others}, fault


def test_files_gone_are_gone(sick):
    root, _, _, faults = sick
    for code in ("pair-missing", "short-sequence"):
        if code in faults:
            assert not any((root / path).exists() for path in faults[code].others)


def test_pictures_are_what_the_codes_say(sick):
    root, _, before, faults = sick
    if fault := faults.get("8-in-16"):
        counts = cv2.imread(str(root / fault.path), cv2.IMREAD_UNCHANGED)
        assert counts.dtype == np.uint16
        assert counts.max() < 256
    if fault := faults.get("pseudo-colour"):
        with Image.open(root / fault.path) as opened:
            assert np.ptp(np.array(opened).astype(int), axis=2).max() > 80
    if fault := faults.get("exact-duplicate"):
        assert (root / fault.path).read_bytes() == (root / fault.others[0]).read_bytes()
    if fault := faults.get("near-duplicate"):
        one, other = (cv2.imread(str(root / p)).astype(int) for p in (fault.path, fault.others[0]))
        assert (root / fault.path).read_bytes() != (root / fault.others[0]).read_bytes()
        assert np.abs(one - other).mean() < 2.5
    if fault := faults.get("border-not-white"):
        with Image.open(root / fault.path) as opened:
            assert np.array(opened)[:90].max() < 20
    if fault := faults.get("damaged-frames"):
        for path in (fault.path, *fault.others):
            assert before[path].startswith((root / path).read_bytes())
            with pytest.raises((OSError, SyntaxError)), Image.open(root / path) as opened:
                opened.load()


def test_partners_are_one_frame_late(sick):
    root, _, before, faults = sick
    if fault := faults.get("pair-shifted"):
        first, second, third = fault.others
        assert (root / second).read_bytes() == before[first]
        assert (root / third).read_bytes() == before[second]
        assert (root / first).read_bytes() == before[first]


def test_labels_are_what_the_codes_say(sick):
    root, truth, before, faults = sick
    if fault := faults.get("labels-swapped"):
        one, other = (truth[name] for name in fault.samples)
        assert (root / one.labels[0]).read_bytes() == before[other.labels[0]]
        assert (root / other.labels[0]).read_bytes() == before[one.labels[0]]
        assert before[one.labels[0]] != before[other.labels[0]]
    if fault := faults.get("broken-label"):
        with pytest.raises(ET.ParseError):
            ET.parse(root / fault.path)
    if fault := faults.get("extra-class"):
        words = [node.text for node in ET.parse(root / fault.path).getroot().iter("name")]
        assert words.count("unicorn") == 1
    if fault := faults.get("orphan-label"):
        assert fault.path not in before
        assert (root / fault.path).read_bytes() == before[fault.others[0]]


def test_same_seed_same_faults(tmp_path):
    truth = write_dump(tmp_path / "a", source="llvip", count=30, size=SIZE)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    first = plant_faults(tmp_path / "a", truth, seed=5)
    assert plant_faults(tmp_path / "b", truth, seed=5) == first
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_what_does_not_fit_is_refused(tmp_path):
    truth = write_dump(tmp_path, source="irstd-1k", count=4, size=SIZE)
    with pytest.raises(SourceLayoutError, match="no room for pair-missing"):
        plant_faults(tmp_path, truth, codes=["pair-missing"])
    with pytest.raises(ValueError, match="no faults rot;"):
        plant_faults(tmp_path, truth, codes=["rot"])
