"""Datasets across fork, spawn, pickles and the end of the interpreter."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import time

import pytest

import irtd_fast


def digest_of(ds, number):
    sample = ds[number]
    visible = sample.visible
    return sample.id, sample.infrared.tobytes(), None if visible is None else visible.tobytes()


def in_child(work):
    """Run in a forked child; give its exit status (0: it was as it should be)."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    pytest.fail("the child hangs")


SCRIPTS = {
    # used before and after a fork, by threads of the core, many times over
    "fork": """
        import os, sys
        import numpy as np
        import irtd_fast
        ds = irtd_fast.open(sys.argv[1])
        reader = ds.filter(source="llvip").sources[2].reader(0)
        rows = np.arange(12)
        before = reader.read_batch(rows, threads=4)
        right = [sample.infrared.tobytes() for sample in ds]
        for round in range(20):
            pid = os.fork()
            if pid == 0:
                same = [sample.infrared.tobytes() for sample in ds] == right
                same &= bool((reader.read_batch(rows, threads=4) == before).all())
                os._exit(0 if same else 3)
            assert [sample.infrared.tobytes() for sample in ds] == right
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        print("fine")
    """,
    # ends while other threads still read
    "exit": """
        import sys, threading
        import numpy as np
        import irtd_fast
        ds = irtd_fast.open(sys.argv[1])
        started = threading.Barrier(4)
        def work(seed):
            rng = np.random.default_rng(seed)
            started.wait()
            while True:
                ds[int(rng.integers(len(ds)))].infrared
        for seed in range(3):
            threading.Thread(target=work, args=(seed,), daemon=True).start()
        started.wait()
        print("fine")
    """,
    # ends while an ingest is at work in another thread
    "exit while ingesting": """
        import sys, threading, time
        from irtd_fast import ingest
        from irtd_fast.store.plan import IngestOptions
        seen = threading.Event()
        def watch(*step):
            if step[0] == "write":
                seen.set()
        threading.Thread(target=ingest, args=sys.argv[2:4], daemon=True, kwargs={
            "source": "llvip", "progress": watch, "options": IngestOptions(few=1),
        }).start()
        assert seen.wait(20)
        print("fine")
    """,
    # an error with the pipeline open, nothing closed
    "error": """
        import sys
        import irtd_fast
        ds = irtd_fast.open(sys.argv[1])
        pixels = [sample.infrared for sample in ds]
        sys.exit(print("fine"))
    """,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_processes_end_well(mixed_store, small_dumps, scratch, name):
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPTS[name]), str(mixed_store),
         str(small_dumps("llvip")), str(scratch / "s.zarr")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr
    assert time.monotonic() - start < 20


def test_a_child_reads_what_its_parent_opened(mixed_store):
    ds = irtd_fast.open(mixed_store)
    right = [digest_of(ds, number) for number in range(0, 60, 7)]
    for _ in range(5):
        again = in_child(lambda: [digest_of(ds, n) for n in range(0, 60, 7)] == right)
        assert again == 0
    assert [digest_of(ds, number) for number in range(0, 60, 7)] == right


def test_a_child_reads_what_its_parent_never_used(mixed_store):
    ds = irtd_fast.open(mixed_store)
    right = [digest_of(irtd_fast.open(mixed_store), number) for number in range(0, 60, 7)]
    assert in_child(lambda: [digest_of(ds, n) for n in range(0, 60, 7)] == right) == 0


def test_children_of_children(mixed_store):
    ds = irtd_fast.open(mixed_store)
    right = digest_of(ds, 30)

    def child():
        same = digest_of(ds, 30) == right
        return same and in_child(lambda: digest_of(ds, 30) == right) == 0

    assert in_child(child) == 0


def test_a_child_that_fails_says_so(mixed_store):
    """So that the tests above can fail."""
    ds = irtd_fast.open(mixed_store)
    assert in_child(lambda: digest_of(ds, 0) == digest_of(ds, 1)) == 2


CROSSING = """
    import multiprocessing, sys
    import irtd_fast

    def work(ds, number):
        sample = ds[number]
        return sample.id, sample.names, sample.infrared

    if __name__ == "__main__":
        ds = irtd_fast.open(sys.argv[1])[5:50:9]
        right = [(s.id, s.names, s.infrared) for s in ds]
        with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
            found = pool.starmap(work, [(ds, number) for number in range(len(ds))])
        for one, two in zip(found, right, strict=True):
            assert one[:2] == two[:2] and (one[2] == two[2]).all()
        print("fine")
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_datasets_cross_to_other_processes(mixed_store, scratch, method):
    script = scratch / "crossing.py"  # a file: spawned children import it
    script.write_text(textwrap.dedent(CROSSING))
    done = subprocess.run(
        [sys.executable, str(script), str(mixed_store), method],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


def test_errors_cross_to_other_processes(one_source):
    store = one_source("llvip")
    (store / "llvip/infrared/h64w80u8/c/0/0/0").write_bytes(b"")
    ds = irtd_fast.open(store)
    with pytest.raises(irtd_fast.IrtdError) as caught:
        ds[0].infrared  # noqa: B018
    back = pickle.loads(pickle.dumps(caught.value))
    assert (type(back), str(back)) == (type(caught.value), str(caught.value))
    assert back.sample == ds[0].id
    assert back.path == caught.value.path
