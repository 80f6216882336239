"""torchdata's StatefulDataLoader goes on exactly, with and without workers."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("torchdata", reason="torchdata is not installed")

# In a process of its own: torchdata warns of itself, and workers are forked.
SCRIPT = """
    import io, json, sys, warnings
    warnings.simplefilter("ignore")
    import torch
    from torchdata.stateful_dataloader import StatefulDataLoader
    import irtd_fast
    from irtd_fast.load import Loader
    from irtd_fast.load.torch import Batches

    torch.set_num_threads(1)

    def make(workers):
        loader = Loader(irtd_fast.open(sys.argv[1]), 4, (32, 40), seed=4, threads=1, rank=0,
                        world_size=1)
        return StatefulDataLoader(Batches(loader), batch_size=None, num_workers=workers)

    def look(batches):
        return [[batch.index.tolist(), float(batch.images.double().sum())] for batch in batches]

    workers, found = int(sys.argv[2]), []
    for taken in (1, 4, 7):
        first = make(workers)
        batches = iter(first)
        begun = look(next(batches) for _ in range(taken))
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        del batches
        file.seek(0)
        second = make(workers)
        second.load_state_dict(torch.load(file, weights_only=False))
        found.append([begun + look(second), look(second)])
    print(json.dumps([look(make(0)), found]))
"""


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_it_goes_on_exactly(mixed_store, workers):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(mixed_store), str(workers)],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    whole, found = json.loads(done.stdout)
    assert len(whole) == 15
    for resumed, following in found:
        assert resumed == whole
        assert following != whole  # the next epoch
        assert sorted(n for index, _ in following for n in index) == list(range(60))
