"""The plain references that the native kernels are compared with."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """Module reference_kernels: slow, obvious NumPy versions of the kernels."""
    path = Path(__file__).with_name("reference_kernels.py")
    spec = importlib.util.spec_from_file_location("reference_kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
