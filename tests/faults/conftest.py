"""What the fault tests share: stores of one source, what they should give, trees of bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import irtd_fast

Answers = dict[str, dict[str, Any]]


def look(sample: Any) -> dict[str, Any]:
    """Everything a sample gives, in a form that compares with ==."""
    arrays = ("infrared", "visible", "mask", "boxes", "tracks", "points", "corners",
              "object_flags", "object_modality")  # fmt: skip
    seen: dict[str, Any] = {}
    for name in arrays:
        value = getattr(sample, name)
        seen[name] = None if value is None else (str(value.dtype), value.shape, value.tobytes())
    words = ("id", "names", "split", "scene", "sequence", "frame", "identity", "camera", "flags")
    seen |= {name: getattr(sample, name) for name in (*words, "height", "width")}
    return seen


@pytest.fixture(scope="session")
def look_at() -> Callable[[Any], dict[str, Any]]:
    """Give everything a sample gives, in a form that compares with ==."""
    return look


@pytest.fixture(scope="session")
def answers(mixed_store: Path) -> dict[str, Answers]:
    """What every sample of the mixed store gives, by source and name."""
    found: dict[str, Answers] = {}
    for sample in irtd_fast.open(mixed_store):
        found.setdefault(sample.source, {})[sample.name] = look(sample)
    return found


@pytest.fixture
def one_source(mixed_store: Path, scratch: Path) -> Callable[[str], Path]:
    """Make a store of one source of the mixed store, to be damaged."""

    def make(source: str) -> Path:
        store = scratch / "one.zarr"
        store.mkdir()
        shutil.copy(mixed_store / "zarr.json", store)
        shutil.copytree(mixed_store / source, store / source)
        return store

    return make


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Give all files of a folder and their bytes.

    Partial files are left out: they belong to writers that remove them when they are let go of.
    """

    def read(folder: Path) -> dict[str, bytes]:
        found = (path for path in folder.rglob("*") if path.suffix != ".partial")
        files = sorted(path for path in found if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read
