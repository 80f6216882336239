"""Re-identification grids of eight crops beside the loop that everybody writes with OpenCV.

A unit is a grid of 512 x 512 pixels in colour, of eight gray crops of about 160 x 80. Ours come
out of the store, read and checked. The loop reads the dump's JPEG files; a second one has its crops
decoded in memory from the start, which is what remains if reading cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irtd_fast
from irtd_fast import ingest
from irtd_fast.grids import Composer, Grid
from irtd_fast.store.plan import IngestOptions
from irtd_fast.synth import write_dump

from .conftest import Contest
from .race import OURS, Contender, replayed_clock, timed

BATCH, TILE, PEOPLE = 16, (256, 128), 40


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grids") / "dump"
    write_dump(folder, source="llcm", count=3 * PEOPLE, seed=9)
    return folder


@pytest.fixture(scope="module")
def people(dump: Path) -> Any:
    store = dump.with_name("s.zarr")
    ingest(dump, store, source="llcm", options=IngestOptions(codec="raw"))
    return irtd_fast.open(store)


@pytest.fixture(scope="module")
def grids() -> list[Grid]:
    rng = np.random.default_rng(4)
    rows = [rng.choice(3 * PEOPLE, 8, replace=False).tolist() for _ in range(BATCH)]
    return [Grid("llcm", tuple(row), int(rng.integers(2, 9))) for row in rows]


def our_turn(people: Any, grids: list[Grid], threads: int) -> Any:
    composer = Composer(people, (512, 512), threads=threads)
    out = np.empty((BATCH, 512, 512, 3), np.uint8)

    def turn(_: int, count: int) -> float:
        out[...] = 0
        seconds, _ = timed(lambda: [composer(grids, out) for _ in range(count // BATCH)])
        assert_shows(people, grids, out)
        return seconds

    return turn


def peer_turn(people: Any, grids: list[Grid], crop: Callable[[int], Any]) -> Any:
    import cv2

    out = np.empty((BATCH, 512, 512, 3), np.uint8)

    def compose(place: int) -> None:
        tiles = []
        for number, row in enumerate(grids[place].rows, start=1):
            tile = cv2.cvtColor(cv2.resize(crop(row), TILE[::-1]), cv2.COLOR_GRAY2RGB)
            cv2.putText(tile, str(number), (6, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 6)
            cv2.putText(tile, str(number), (6, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (255, 0, 0), 3)
            tiles.append(tile)
        out[place] = np.vstack([np.hstack(tiles[:4]), np.hstack(tiles[4:])])

    def turn(_: int, count: int) -> float:
        cv2.setNumThreads(1)
        out[...] = 0
        seconds, _ = timed(
            lambda: [compose(place) for _ in range(count // BATCH) for place in range(BATCH)]
        )
        assert_shows(people, grids, out)
        return seconds

    return turn


def assert_shows(people: Any, grids: list[Grid], out: Any) -> None:
    """Each tile of the first grid is its crop, away from the digit."""
    import cv2

    for place, row in enumerate(grids[0].rows):
        y, x = place // 4 * TILE[0], place % 4 * TILE[1]
        wanted = cv2.resize(people[row].infrared, TILE[::-1]).astype(int)
        found = out[0, y + 60 : y + TILE[0], x : x + TILE[1], 1].astype(int)
        assert np.abs(found - wanted[60:]).mean() < 2


@pytest.mark.parametrize("impl", [OURS, "cv2 from files", "cv2 from memory"])
@pytest.mark.benchmark(timer=replayed_clock)
def test_grids(
    contest: Contest, benchmark: Any, dump: Path, people: Any, grids: list[Grid], impl: str
) -> None:
    cv2 = pytest.importorskip("cv2")

    def prepare() -> tuple[list[Contender], dict[str, Any]]:
        files = {
            row: str(dump / "LLCM" / f"{sample.name}.jpg") for row, sample in enumerate(people)
        }
        memory = {row: sample.infrared for row, sample in enumerate(people)}
        loops = {
            "cv2 from files": lambda row: cv2.imread(files[row], cv2.IMREAD_GRAYSCALE),
            "cv2 from memory": memory.__getitem__,
        }
        contenders = [
            Contender(OURS, our_turn(people, grids, 1), step=BATCH),
            *(Contender(name, peer_turn(people, grids, crop), step=BATCH)
              for name, crop in loops.items()),
        ]  # fmt: skip
        facts = {"threads": 1, "crops": 8, "unit_bytes": 512 * 512 * 3}
        return contenders, {"rounds": 15, "most_units": 512, "facts": facts}

    contest.enter(benchmark, "grids-512-one-thread", impl, prepare)
