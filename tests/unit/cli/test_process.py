"""As processes: signals, pipes, locales, terminals, read-only dumps."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from irtd_fast.cli import progress as progress_module
from irtd_fast.cli.progress import Progress
from irtd_fast.store.dataset import open_store
from irtd_fast.synth import Truth, write_dump

Process = Callable[..., "subprocess.CompletedProcess[str]"]

# Sends this process SIGINT as soon as the first data file has its receipt: in the middle.
INTERRUPT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have it ignored
from irtd_fast.store.staging import Staging
save = Staging.save_receipt
def interrupted(self, receipt):
    save(self, receipt)
    os.kill(os.getpid(), signal.SIGINT)
Staging.save_receipt = interrupted
from irtd_fast.cli.main import main
sys.exit(main())
"""


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_interrupt_then_resume_gives_the_same_bytes(
    process: Process, llvip: tuple[Path, Truth], tmp_path: Path
):
    def arguments(store: Path) -> list[object]:
        return ["ingest", llvip[0], store, "--source", "llvip", "--visible", "fast"]

    whole, store = tmp_path / "whole.zarr", tmp_path / "s.zarr"
    assert process(*arguments(whole)).returncode == 0
    done = process(*arguments(store), code=INTERRUPT)
    assert done.returncode == 130, done.stderr
    assert "--resume" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (store / "llvip").exists()
    for command in ("info", "verify"):  # not damaged, only not finished
        shown = process(command, store)
        assert shown.returncode == 4
        assert "the ingest of llvip was interrupted" in shown.stderr
    again = process(*arguments(store))
    assert again.returncode == 4
    assert "--resume continues it" in again.stderr
    resumed = process(*arguments(store), "--resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["resumed"] >= 1
    assert tree(store) == tree(whole)


def test_interrupt_of_the_other_commands(process: Process, store: Path):
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from irtd_fast.store import verify\n"
        "verify.verify_store = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)\n"
        "from irtd_fast.cli.main import main\n"
        "sys.exit(main())\n"
    )
    done = process("verify", store, code=code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "irtd: interrupted\n")


def test_a_reader_that_goes_away(store: Path):
    with subprocess.Popen(
        [sys.executable, "-m", "irtd_fast", "info", store, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 128 + signal.SIGPIPE


def test_json_alone_on_stdout(process: Process, llvip: tuple[Path, Truth], tmp_path: Path):
    done = process("ingest", llvip[0], tmp_path / "s.zarr", "--source", "llvip", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["samples"] == 6
    assert done.stdout.startswith("{")
    lines = done.stderr.splitlines()
    assert "write: 12 of 12 (100 %)" in lines
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_progress_in_a_log_is_a_line_every_two_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    with Progress() as progress:
        for done in range(101):
            now[0] += 0.1
            progress("write", done, 100)
        progress("write", 100, 100)
        progress("commit", 1, 1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == ["write: 100 of 100 (100 %)", "commit: 1 of 1 (100 %)"]
    assert 4 <= len(lines) - 2 <= 5
    assert lines[0] == "write: 20 of 100 (20 %)"


def test_progress_on_a_terminal_is_a_bar(llvip: tuple[Path, Truth], tmp_path: Path):
    ours, theirs = pty.openpty()
    arguments = ["ingest", llvip[0], tmp_path / "s.zarr", "--source", "llvip", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "irtd_fast", *map(str, arguments)],
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        assert running.stdout is not None
        drawn = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            drawn += part
        document = json.loads(running.stdout.read())
    os.close(ours)
    assert running.returncode == 0
    assert document["counts"]["samples"] == 6
    assert b"\x1b[" in drawn
    assert b"12/12" in drawn


@pytest.fixture
def odd_names(tmp_path: Path) -> Path:
    """A 16-bit dump with names in several scripts, one with a line break, in an odd folder."""
    root = tmp_path / "Wärme 热"
    write_dump(root, source="flir-v1-16bit", variant="tree", count=3, seed=1, size=(64, 80))
    names = ("naïve.tiff", "热像.tiff", "two\nlines.tiff")
    for path, name in zip(sorted(root.rglob("*.tiff")), names, strict=True):
        path.rename(path.with_name(name))
    return root


@pytest.mark.parametrize(
    "env",
    [{"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}],
    ids=["C", "UTF-8", "ascii streams"],
)
def test_names_in_any_locale(
    process: Process, odd_names: Path, tmp_path: Path, env: dict[str, str]
):
    store = tmp_path / "s.zarr"
    done = process("ingest", odd_names, store, "--source", "flir-v1-16bit", env=env)
    assert done.returncode == 0, done.stderr
    names = {sample.name for sample in open_store(store)}
    assert names == {"naïve", "热像", "two\nlines"}
    shown = process("show", store, "flir-v1-16bit/热像", "-o", tmp_path / "x.png", env=env)
    assert shown.returncode == 0, shown.stderr
    assert process("info", store, env=env).returncode == 0
    listed = process("ingest", odd_names, store, "--source", "flir-v1-16bit", "--json", env=env)
    assert listed.returncode == 4
    assert "s.zarr" in json.loads(listed.stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"PYTHONIOENCODING": "latin-1"}, "flir-v1-16bit/\\u70ed\\u50cf"),
        (
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            "flir-v1-16bit/热像",  # typer takes an ASCII stream for a mistake and writes UTF-8
        ),
    ],
    ids=["latin-1", "ASCII"],
)
def test_streams_that_cannot_spell_a_name(
    process: Process, odd_names: Path, tmp_path: Path, env: dict[str, str], shown: str
):
    store = tmp_path / "s.zarr"
    assert process("ingest", odd_names, store, "--source", "flir-v1-16bit").returncode == 0
    done = process("show", store, "2", "-o", tmp_path / "x.png", env=env)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


def test_a_dump_is_only_read(process: Process, llvip: tuple[Path, Truth], tmp_path: Path):
    root = tmp_path / "dump"
    shutil.copytree(llvip[0], root)
    before = {p: p.stat() for p in sorted(root.rglob("*"))}
    for path in (*before, root):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        done = process("ingest", root, tmp_path / "s.zarr", "--source", "llvip")
        assert done.returncode == 0, done.stderr
        after = {p: p.stat() for p in sorted(root.rglob("*"))}
    finally:
        for path in (root, *before):
            path.chmod(0o755)
    assert list(after) == list(before)
    assert [s.st_mtime_ns for s in after.values()] == [s.st_mtime_ns for s in before.values()]
    assert [s.st_size for s in after.values()] == [s.st_size for s in before.values()]
