"""Shared fixtures: real dumps when they are there, seeds, the repository's root."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from irtd_fast import ingest
from irtd_fast.store.plan import IngestOptions
from irtd_fast.synth import write_dump

ROOT = Path(__file__).resolve().parent.parent
SMALL = (64, 80)  # height, width of synthetic pictures
_ROOM = 1 << 28


@pytest.fixture(scope="session")
def dumps() -> Path:
    """Folder of real infrared images in their original layouts; skips when it is absent."""
    path = Path(os.environ.get("IRTD_DUMPS", ROOT.parent / "shared" / "dumps"))
    if not path.is_dir():
        pytest.skip(f"no real dumps at {path} (set IRTD_DUMPS to the folder that holds them)")
    return path


@pytest.fixture(scope="session")
def published(dumps: Path) -> Path:
    """The eight published text files in their archive; skips when it is absent."""
    path = dumps.parent / "spec" / "json_sft.zip"
    if not path.is_file():
        pytest.skip(f"no published texts at {path}")
    return path


@pytest.fixture(scope="session")
def outside() -> ModuleType:
    """Module outside: stores as other libraries see them."""
    path = Path(__file__).with_name("outside.py")
    spec = importlib.util.spec_from_file_location("outside", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20251)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """An empty folder, in memory where the system has room there: waiting for a disk costs time."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    with tempfile.TemporaryDirectory(prefix="irtd-", dir=memory if roomy else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def small_dumps(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give a small synthetic dump; the same arguments give the same folder, not to be changed."""
    made: dict[str, Path] = {}

    def dump(source: str, count: int = 12, **options: Any) -> Path:
        key = f"{source} {count} {sorted(options.items())}"
        if key not in made:
            root = tmp_path_factory.mktemp("dump") / source
            write_dump(root, source=source, count=count, **{"size": SMALL, "seed": 7, **options})
            made[key] = root
        return made[key]

    return dump


@pytest.fixture(scope="session")
def mixed_store(tmp_path_factory: pytest.TempPathFactory, small_dumps: Callable[..., Path]) -> Path:
    """A store with every kind of array; not to be changed, copy it.

    ``llvip``: raw u8 bucket, JPEG files; ``counts``: u16 bucket in blosc; ``packed``: packed u16;
    ``targets``: zstd buckets and masks; ``compact``: infrared kept as JPEG files.
    """
    store = tmp_path_factory.mktemp("store") / "mixed.zarr"
    llvip, counts = small_dumps("llvip"), small_dumps("flir-v1-16bit", variant="tree")
    for name, root, source, options in (
        ("llvip", llvip, "llvip", IngestOptions(codec="raw", few=4, shard_bytes=1 << 15)),
        ("counts", counts, "flir-v1-16bit", IngestOptions(codec="lz4", few=4, shard_bytes=1 << 16)),
        ("packed", counts, "flir-v1-16bit", IngestOptions(few=99, shard_bytes=1 << 15)),
        ("targets", small_dumps("sirst-v2"), "sirst-v2", IngestOptions(codec="zstd", few=4)),
        ("compact", llvip, "llvip", IngestOptions("compact", visible="fast", few=4)),
    ):
        report = ingest(root, store, source=source, name=name, options=options)
        assert report.problems == []
    return store
