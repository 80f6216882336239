"""Memory of a loader: flat over twenty epochs, and within its limit."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

GROWTH = """
    import gc, json, sys
    import irtd_fast
    from irtd_fast.load import Loader
    from irtd_fast.load.orders import ByShape, Curriculum, Weighted

    def resident():
        gc.collect()
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    ds = irtd_fast.open(sys.argv[1])
    loader = Loader(ds, 16, (48, 64), rank=0, world_size=1, **eval(sys.argv[2]))
    leaked, sizes = [], []
    for epoch in range(20):
        for batch in loader:
            if sys.argv[3] == "leak":
                leaked.append(batch.images)
        json.dumps(loader.state_dict())
        sizes.append(resident())
    print(json.dumps(sizes))
"""

OPTIONS = {
    "plain": "{}",
    "one thread, nothing ahead": "{'threads': 1, 'prefetch': 0}",
    "by weight": "{'order': Weighted({'llvip': 3.0})}",
    "by shape, padded": "{'order': ByShape(), 'remainder': 'pad'}",
    "a curriculum of half floats": "{'order': Curriculum('height', 3), 'dtype': 'float16'}",
}


def sizes_of(store, options, what=""):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(GROWTH), str(store), options, what],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_twenty_epochs_take_no_more_than_two(mixed_store, name):
    sizes = sizes_of(mixed_store, OPTIONS[name])
    assert max(sizes[2:]) < 1.05 * sizes[1], sizes


def test_growth_would_be_seen(mixed_store):
    """So that the test above can fail: a consumer that keeps its batches."""
    sizes = sizes_of(mixed_store, "{'threads': 1}", "leak")
    assert sizes[-1] > 1.1 * sizes[1]


LIMIT = """
    import json, sys, time
    import irtd_fast
    from irtd_fast.load import Loader

    def peak():
        with open("/proc/self/status") as file:
            return 1024 * next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))

    ds = irtd_fast.open(sys.argv[1])
    options = {"rank": 0, "world_size": 1, "channels": 3, "threads": 2, "prefetch": 6}
    small = Loader(ds, 4, (64, 64), **options)
    for batch in small:  # code, columns, threads and their stacks
        pass
    before = peak()
    loader = Loader(ds, 6, (640, 640), memory_limit=eval(sys.argv[2]), **options)
    for batch in loader:
        time.sleep(0.25)  # all that may be made ahead is
    print(json.dumps([peak() - before, loader.ahead, batch.images.nbytes]))
"""


@pytest.mark.parametrize(("limit", "ahead"), [(100_000_000, 1), (160_000_000, 3), (None, 6)])
def test_the_limit_holds(mixed_store, limit, ahead):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMIT), str(mixed_store), str(limit)],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    grown, found, batch_bytes = json.loads(done.stdout)
    assert batch_bytes == 6 * 3 * 640 * 640 * 4
    assert found == ahead
    if limit is None:
        assert grown > 165_000_000  # so the limits did something
    else:
        assert grown < limit
