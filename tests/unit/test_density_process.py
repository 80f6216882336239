"""What importing and first calling the density maps costs, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import irtd_fast
from irtd_fast import _core

# What makes an editable install importable would find the package before any path is looked at.
WITHOUT_EDITABLE = """
import sys
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in type(f).__module__]
"""
CODE = """
import json, sys
import irtd_fast.density as density
imported = "numba" in sys.modules
options = density.Density(density.Adaptive())
maps = density.density_maps([[3.2, 4.1], [9, 1]], [0, 2], (12, 16), options)
from irtd_fast.density.kernel import compiled
stats = [getattr(compiled(name), "stats", None) for name in ("stamp", "near")]
hits = [sum(s.cache_hits.values()) for s in stats if s is not None]
misses = [sum(s.cache_misses.values()) for s in stats if s is not None]
print(json.dumps({"numba": imported, "sum": float(maps.sum()), "hits": hits, "misses": misses,
                  "maps": maps.tolist(), "where": density.__file__}))
"""


def run(cwd: Path, code: str = CODE, **environment: str):
    env = {**os.environ, "PYTHONWARNINGS": "error", **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_import_is_free_and_a_second_process_compiles_nothing(tmp_path):
    cache = str(tmp_path / "cache")
    first, _ = run(tmp_path, NUMBA_CACHE_DIR=cache)
    second, _ = run(tmp_path, NUMBA_CACHE_DIR=cache)
    assert first["numba"] is second["numba"] is False
    assert first["misses"] == [1, 1]
    assert second["misses"] == [0, 0]
    assert second["hits"] == [1, 1]
    assert second["maps"] == first["maps"]


def test_without_a_compiler_the_answer_is_the_same(tmp_path):
    plain, _ = run(tmp_path, NUMBA_DISABLE_JIT="1")
    fast, _ = run(tmp_path)
    assert plain["hits"] == plain["misses"] == []
    assert plain["maps"] == [
        [[pytest.approx(v, abs=1e-7) for v in row] for row in rows] for rows in fast["maps"]
    ]


def test_where_nothing_can_be_written_it_still_works(tmp_path):
    package = tmp_path / "site" / "irtd_fast"
    shutil.copytree(
        Path(irtd_fast.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    core = Path(_core.__file__)
    if not (package / core.name).exists():  # an editable install keeps it elsewhere
        shutil.copy(core, package)
    # A file where the cache folder would be: neither the package nor the user has a place.
    (package / "density" / "__pycache__").write_text("in the way")
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    found, log = run(
        tmp_path, WITHOUT_EDITABLE + CODE, PYTHONPATH=str(package.parent),
        PYTHONDONTWRITEBYTECODE="1", HOME=str(nowhere), XDG_CACHE_HOME=str(nowhere),
        IPYTHONDIR=str(nowhere),
    )  # fmt: skip
    assert found["where"].startswith(str(package))
    assert found["sum"] == pytest.approx(2)
    assert "compiled anew" in log
