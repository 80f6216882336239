"""Shared fixtures: real dumps when they are there, seeds, the repository's root."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def dumps() -> Path:
    """Folder of real infrared images in their original layouts; skips when it is absent."""
    path = Path(os.environ.get("IRTD_DUMPS", ROOT.parent / "shared" / "dumps"))
    if not path.is_dir():
        pytest.skip(f"no real dumps at {path} (set IRTD_DUMPS to the folder that holds them)")
    return path


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20251)
