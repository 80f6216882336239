"""Small dumps, one store, and a way to run commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from irtd_fast.cli.main import app
from irtd_fast.synth import Truth, write_dump

SIZE = (64, 80)
Irtd = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def llvip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """A clean dump of six pairs with boxes, and what is in it."""
    root = tmp_path_factory.mktemp("dumps") / "llvip"
    return root, write_dump(root, source="llvip", count=6, seed=1, size=SIZE)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, llvip: tuple[Path, Truth]) -> Path:
    """A store of that dump and of four 16-bit frames; tests do not write to it."""
    path = tmp_path_factory.mktemp("stores") / "a.zarr"
    counts = tmp_path_factory.mktemp("dumps") / "counts"
    write_dump(counts, source="flir-v1-16bit", variant="tree", count=4, seed=2, size=SIZE)
    for root, key in ((llvip[0], "llvip"), (counts, "flir-v1-16bit")):
        done = CliRunner().invoke(app, ["ingest", str(root), str(path), "--source", key])
        assert done.exit_code == 0, done.output
    return path


@pytest.fixture
def irtd() -> Irtd:
    """Run a command in this process."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def irtd_json(irtd: Irtd) -> Callable[..., tuple[int, Any]]:
    """Run a command with ``--json``: exit code, and stdout, which must be one document."""

    def run(*arguments: object) -> tuple[int, Any]:
        done = irtd(*arguments, "--json")
        return done.exit_code, json.loads(done.stdout)

    return run


@pytest.fixture
def process() -> Process:
    """Run ``python -m irtd_fast`` as a process of its own."""

    def run(
        *arguments: object, env: dict[str, str] | None = None, code: str = ""
    ) -> subprocess.CompletedProcess[str]:
        start = ["-c", code] if code else ["-m", "irtd_fast"]
        return subprocess.run(
            [sys.executable, *start, *map(str, arguments)],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run
