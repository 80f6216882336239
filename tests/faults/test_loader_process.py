"""Loaders across fork, forkserver, spawn, Ctrl-C and the end of the interpreter.

Everything runs in processes of its own under a watchdog: what hangs, fails.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

_PATIENCE = 90  # seconds; a machine with much else to do takes a while to start an interpreter

COMMON = """
    import hashlib, os, signal, sys, threading, time
    import numpy as np
    import irtd_fast
    from irtd_fast.errors import LoaderError
    from irtd_fast.load import Loader

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have it ignored

    def make(**options):
        options = {"seed": 4, "rank": 0, "world_size": 1, **options}
        return Loader(irtd_fast.open(sys.argv[1]), 4, (64, 64), **options)

    def digest(loader):
        found = hashlib.sha256()
        for batch in loader:
            found.update(batch.index.tobytes() + batch.images.tobytes() + batch.boxes.tobytes())
        return found.hexdigest()

    def child(work):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = 0 if work() else 3
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

SCRIPTS = {
    "fork of a loader that was used": """
        loader = make()
        right = digest(loader)
        for turn in range(10):
            loader.set_epoch(0)
            assert child(lambda: digest(loader) == right) == 0
            loader.set_epoch(0)
            assert digest(loader) == right
        print("fine")
    """,
    "fork in the middle of an iteration": """
        right = digest(make())
        loader = make(prefetch=4)
        batches = iter(loader)
        next(batches)
        def inside():
            try:
                next(batches)
            except LoaderError as error:
                ok = "before a fork" in str(error)
            else:
                ok = False
            loader.set_epoch(0)
            return ok and digest(loader) == right
        for turn in range(10):
            assert child(inside) == 0
        assert len(list(batches)) == len(loader) - 1
        print("fine")
    """,
    "a child that only lets go of an iteration": """
        batches = iter(make(prefetch=4))
        next(batches)
        def inside():
            global batches
            del batches
            return True
        for turn in range(20):
            assert child(inside) == 0
        print("fine")
    """,
    "exit with batches in flight": """
        batches = iter(make(prefetch=4))
        next(batches)
        print("fine")
    """,
    "exit with batches in flight and the loader in a global cycle": """
        loader = make(prefetch=3)
        loader.me = loader
        kept = [iter(loader), iter(make(prefetch=2))]
        for batches in kept:
            next(batches)
        kept.append(kept)
        print("fine")
    """,
    "exit by an error in the loop": """
        try:
            for batch in make(prefetch=4):
                raise KeyError("of the consumer")
        except KeyError:
            time.sleep(0.3)
            assert [t.name for t in threading.enumerate()] == ["MainThread"]
            print("fine")
    """,
    "sys.exit in the loop": """
        for batch in make(prefetch=4):
            print("fine")
            sys.exit(0)
    """,
    "iterations in several threads": """
        right = digest(make())
        found = []
        threads = [threading.Thread(target=lambda: found.append(digest(make(threads=2))))
                   for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert found == [right] * 4
        print("fine")
    """,
    "an iteration that is never finished in a thread that is": """
        kept = []
        def begin():
            batches = iter(make(prefetch=4))
            next(batches)
            kept.append(batches)
        thread = threading.Thread(target=begin)
        thread.start()
        thread.join()
        print("fine")
    """,
}


def start(script: str, store: Path, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    file = folder / "script.py"
    file.write_text(textwrap.dedent(COMMON) + textwrap.dedent(script))
    own = folder / "tmp"
    own.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(file), str(store), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(own)},
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail("the process hangs")
    return process.returncode, out, err


def in_shared_memory(process: subprocess.Popen[str]) -> list[str]:
    """What a running process has mapped or open there."""
    folder = Path("/proc") / str(process.pid)
    mapped = [line for line in (folder / "maps").read_text().splitlines() if "/dev/shm" in line]
    opened = [str(fd.readlink()) for fd in (folder / "fd").iterdir() if fd.exists()]
    return mapped + [name for name in opened if "/dev/shm" in name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_processes_end_well(mixed_store, tmp_path, name):
    code, out, err = finish(start(SCRIPTS[name], mixed_store, tmp_path))
    assert (code, out, err) == (0, "fine\n", "")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_watchdog_bites(mixed_store, tmp_path, monkeypatch):
    """So that the tests above can fail."""
    monkeypatch.setitem(globals(), "_PATIENCE", 0.5)
    with pytest.raises(pytest.fail.Exception, match="the process hangs"):
        finish(start("time.sleep(60)", mixed_store, tmp_path))


CROSSING = """
    import multiprocessing

    def work(loader):
        return digest(loader), loader.state_dict()

    if __name__ == "__main__":
        right = digest(make())
        loaders = []
        for threads in (1, 2):
            loader = make(threads=threads)
            next(iter(loader))  # used, and in the middle of an epoch
            loader.set_epoch(0)
            loaders.append(loader)
        with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
            for found, state in pool.map(work, loaders):
                assert found == right
                assert state["epoch"] == 1
        print("fine")
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_loaders_cross_to_other_processes(mixed_store, tmp_path, method):
    code, out, err = finish(start(CROSSING, mixed_store, tmp_path, method))
    assert (code, out, err) == (0, "fine\n", "")


INTERRUPTED = {
    # the consumer waits for a batch that takes for ever
    "while it waits": """
        loader = make(prefetch=2)
        slow = loader.render
        def render(plan):
            print("begun", flush=True)
            time.sleep(2)
            return slow(plan)
        loader.render = render
        work = lambda: [batch for batch in loader]
    """,
    # native work all the time, in this thread
    "during native work": """
        loader = make(prefetch=0, threads=2)
        def work():
            print("begun", flush=True)
            while True:
                for batch in loader:
                    pass
    """,
    "during native work ahead": """
        loader = make(prefetch=3, threads=2)
        def work():
            print("begun", flush=True)
            while True:
                for batch in loader:
                    pass
    """,
    "while the consumer computes": """
        loader = make(prefetch=3)
        def work():
            for batch in loader:
                print("begun", flush=True)
                time.sleep(60)
    """,
}

CATCH = """
    try:
        work()
    except KeyboardInterrupt:
        loader.__dict__.pop("render", None)
        loader.set_epoch(0)
        assert digest(loader) == digest(make())  # it still works
        assert threading.active_count() == 1
        print("fine")
"""


@pytest.mark.parametrize("name", INTERRUPTED)
@pytest.mark.parametrize("caught", [True, False])
def test_interrupts(mixed_store, tmp_path, name, caught):
    ending = CATCH if caught else "\n    work()\n"
    script = textwrap.dedent(INTERRUPTED[name]) + textwrap.dedent(ending)
    process = start(script, mixed_store, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    code, out, err = finish(process)
    if caught:
        assert code == 0, err
        assert out.splitlines()[-1] == "fine"
    else:
        assert code == -signal.SIGINT, err
        assert err.rstrip().endswith("KeyboardInterrupt")
        assert time.monotonic() - begun < 30
    assert list((tmp_path / "tmp").iterdir()) == []


def test_terminated_processes_leave_nothing(mixed_store, tmp_path):
    """A hundred restarts of the field's other loaders fail on what the first one left."""
    script = textwrap.dedent(INTERRUPTED["during native work ahead"]) + "\nwork()\n"
    for number in (signal.SIGTERM, signal.SIGKILL):
        process = start(script, mixed_store, tmp_path)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.2)
        assert in_shared_memory(process) == []  # so nothing can stay there
        process.send_signal(number)
        assert finish(process)[0] == -number
        assert list((tmp_path / "tmp").iterdir()) == []
