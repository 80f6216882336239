"""What README shows works as it is written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Use\n", 1)[1]
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run(command: list[str], folder: Path) -> str:
    """Run with the environment's own commands first on the path, as after activating it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_commands_then_block(tmp_path: Path):
    (commands,) = blocks("sh")
    run(["bash", "-euo", "pipefail", "-c", commands], tmp_path)
    # The blocks go on from each other.
    printed = run([sys.executable, "-W", "error", "-c", "".join(blocks("python"))], tmp_path)
    assert re.search(r"^\(64, \d, 448, 448\) float32 \d+ boxes$", printed, re.MULTILINE), printed
