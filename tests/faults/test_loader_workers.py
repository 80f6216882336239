"""A loader inside torch's DataLoader: every start method, round after round, Ctrl-C, leftovers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

_PATIENCE = 240

COMMON = """
    import hashlib, signal, sys, time
    import torch
    import irtd_fast
    from irtd_fast.load import Loader
    from irtd_fast.load.torch import Batches, tensors
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have it ignored

    def make():
        ds = irtd_fast.open(sys.argv[1])
        return Loader(ds, 4, (32, 40), seed=4, rank=0, world_size=1, threads=2)

    def digest(batches):
        found = hashlib.sha256()
        for batch in batches:
            for name in ("index", "images", "boxes", "matrix"):
                found.update(batch.fields[name].numpy().tobytes())
        return found.hexdigest()

    def through(loader, workers, method):
        # file_descriptor (the default) or file_system, where names in /dev/shm could stay
        torch.multiprocessing.set_sharing_strategy(sys.argv[3])
        return DataLoader(Batches(loader), batch_size=None, num_workers=workers,
                          multiprocessing_context=method)
"""

ROUNDS = """
    if __name__ == "__main__":
        method, rounds = sys.argv[2], int(sys.argv[4])
        right = [digest(tensors(loader)) for loader in [make()] for _ in range(2)]
        assert right[0] != right[1]
        used = make()
        next(iter(used))  # decoded in the parent, with batches on their way
        kept = iter(used)
        next(kept)
        used.set_epoch(0)
        data = through(used, 4, method)
        for turn in range(rounds):
            data.dataset.set_epoch(turn % 2)
            assert digest(data) == right[turn % 2], turn
        print("fine")
"""

FOREVER = """
    if __name__ == "__main__":
        data = through(make(), 2, sys.argv[2])
        while True:
            for number, batch in enumerate(data):
                if number == 2:
                    print("begun", flush=True)
"""


def torch_names() -> set[str]:
    """What torch's workers keep in shared memory."""
    folder = Path("/dev/shm")
    return {path.name for path in folder.glob("torch_*")} if folder.is_dir() else set()


def of_process(names: set[str], pid: int) -> set[str]:
    """Those of one process and its children, whose names hold its number."""
    return {name for name in names if f"_{pid}_" in name}


def start(script: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    file = folder / "script.py"
    file.write_text(textwrap.dedent(COMMON) + textwrap.dedent(script))
    own = folder / "tmp"
    own.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, str(file), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "TMPDIR": str(own)}, start_new_session=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pytest.fail("the process hangs")
    return process.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "rounds"), [("fork", 25), ("forkserver", 4), ("spawn", 3)]
)  # fmt: skip
def test_every_start_method_gives_the_same_epochs(mixed_store, tmp_path, method, rounds):
    process = start(ROUNDS, tmp_path, str(mixed_store), method, "file_descriptor", str(rounds))
    code, out, err = finish(process)
    assert (code, out) == (0, "fine\n"), err
    assert of_process(torch_names(), process.pid) == set()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_an_interrupt_ends_the_workers_too(mixed_store, tmp_path, method):
    process = start(FOREVER, tmp_path, str(mixed_store), method, "file_descriptor")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everybody gets it
    code, _, err = finish(process)
    assert code in (-signal.SIGINT, 1), err
    assert "KeyboardInterrupt" in err
    deadline = time.monotonic() + 30
    while group_lives(process.pid):
        assert time.monotonic() < deadline, "a worker is still there"
        time.sleep(0.05)
    assert of_process(torch_names(), process.pid) == set()


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
