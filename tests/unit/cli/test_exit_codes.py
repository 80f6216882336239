"""What goes wrong becomes one message and the right exit code, never a traceback."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from irtd_fast.cli.guard import DEBUG, describe, exit_code
from irtd_fast.cli.output import ExitCode
from irtd_fast.errors import (
    AnnotationError,
    CorruptStoreError,
    DecodeError,
    IrtdError,
    LoaderError,
    SourceError,
    SourceLayoutError,
    StoreBusyError,
    StoreError,
    StoreExistsError,
    StoreFormatError,
    UnknownSourceError,
    UnsupportedError,
)
from irtd_fast.store.dataset import open_store
from irtd_fast.store.staging import Staging
from irtd_fast.synth import Truth

Irtd = Callable[..., Result]


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    """A store of one's own to break."""
    return Path(shutil.copytree(store, tmp_path / "copy.zarr"))


def refuses(done: Result, code: int, *words: str) -> None:
    assert done.exit_code == code, done.output
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (SourceError, 2),
        (UnknownSourceError, 2),
        (SourceLayoutError, 2),
        (AnnotationError, 2),
        (ValueError, 2),
        (FileNotFoundError, 2),
        (NotADirectoryError, 2),
        (CorruptStoreError, 3),
        (StoreFormatError, 3),
        (DecodeError, 3),
        (LoaderError, 3),
        (IrtdError, 4),
        (StoreError, 4),
        (StoreExistsError, 4),
        (StoreBusyError, 4),
        (UnsupportedError, 4),
        (FileExistsError, 4),
        (PermissionError, 4),
        (OSError, 4),
        (MemoryError, 4),
        (ZeroDivisionError, 70),
        (KeyError, 70),
    ],
)
def test_code_of_each_error(kind: type[Exception], code: int):
    assert exit_code(kind("x")) == code


def test_a_value_error_of_a_library_is_not_about_an_argument():
    assert exit_code(json.JSONDecodeError("x", "", 0)) is ExitCode.BUG


def test_texts_cannot_forge_a_line_or_move_the_cursor():
    shown = describe(OSError(errno.EIO, "Input/output error", "a\nirtd: all is well\x1b[2J"))
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert "a\\nirtd: all is well\\x1b[2J" in shown


# ---- 2 usage ----------------------------------------------------------------------------------


def test_unknown_source_names_the_nearest(irtd: Irtd, tmp_path: Path):
    done = irtd("ingest", tmp_path, tmp_path / "s.zarr", "--source", "hituav")
    refuses(done, 2, "hituav", "hit-uav")
    refuses(irtd("sources", "show", "lvip"), 2, "llvip")
    done = irtd("synth", tmp_path / "dump", "--source", "lvip", "--count", 1)
    refuses(done, 2, "llvip")
    done = irtd("demo", "--data", tmp_path, "--source", "lvip", "--out", tmp_path / "out")
    refuses(done, 2, "llvip")
    assert list(tmp_path.iterdir()) == []


def test_unknown_layout_says_what_was_looked_for(irtd: Irtd, tmp_path: Path):
    root = tmp_path / "other"
    root.mkdir()
    (root / "readme.txt").write_text("x")
    done = irtd("ingest", root, tmp_path / "s.zarr", "--source", "llvip")
    refuses(done, 2, "variant official", "variant code", "infrared/", "1 x *.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_unknown_variant_lists_those_there_are(irtd: Irtd, tmp_path: Path):
    done = irtd("ingest", tmp_path, tmp_path / "s", "--source", "llvip", "--variant", "v9")
    refuses(done, 2, "v9", "official", "code")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["ingest"],
        ["ingest", "no/such/folder", "s.zarr", "--source", "llvip"],
        ["ingest", ".", "s.zarr"],
        ["ingest", ".", "s.zarr", "--source", "llvip", "--codec", "lzma"],
        ["ingest", ".", "s.zarr", "--source", "llvip", "--limit", "0"],
        ["ingest", ".", "s.zarr", "--source", "llvip", "--name", "../up"],
        ["ingest", ".", "s.zarr", "--catalog", "no-such.toml"],
        ["info", "no-such.zarr"],
        ["verify", "no-such.zarr"],
        ["bench", "no-such.zarr"],
        ["show", "no-such.zarr", "0", "-o", "x.png"],
        ["synth", "out", "--source", "llvip", "--count", "0"],
        ["synth", "out", "--source", "llvip", "--count", "1", "--variant", "v9"],
        ["synth", "out", "--source", "llvip"],
        ["synth", "out", "--source", "llvip", "--count", "1", "--size", "96"],
        ["synth", "out", "--source", "ir-td"],
        ["demo", "--data", "."],
        ["demo", "--source", "llvip"],
    ],
)
def test_usage(irtd: Irtd, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    refuses(irtd(*arguments), 2)
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_is_none(irtd: Irtd, tmp_path: Path):
    record = tmp_path / "mine.toml"
    record.write_text('key = "x"\n')
    done = irtd("ingest", tmp_path, tmp_path / "s.zarr", "--catalog", record)
    refuses(done, 2, "mine.toml", "title")


def test_wrong_id_names_the_nearest(irtd: Irtd, store: Path, tmp_path: Path):
    picture = tmp_path / "x.png"
    refuses(irtd("show", store, "llvip/01001", "-o", picture), 2, "did you mean", "llvip/010001")
    refuses(irtd("show", store, "010001", "-o", picture), 2, "did you mean", "llvip/010001")
    refuses(irtd("show", store, "010001.jpg", "-o", picture), 2, "did you mean llvip/010001?")
    refuses(irtd("show", store, "10", "-o", picture), 2, "a number below 10")
    refuses(irtd("show", store, "-", "-o", picture), 2, "source/name")
    refuses(irtd("show", store, "0", "-o", tmp_path / "x.jpg"), 2, ".png")
    refuses(irtd("show", store, "0", "-o", tmp_path / "no" / "x.png"), 2, "No such file")
    assert list(tmp_path.iterdir()) == []


# ---- 3 damaged --------------------------------------------------------------------------------


def test_a_flipped_bit_is_found_and_named(irtd: Irtd, copy: Path, tmp_path: Path):
    (shard,) = (copy / "llvip/infrared/packed_u8/values/c").iterdir()
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    hit = open_store(copy).filter(source="llvip")[0]  # samples are packed in their order
    done = irtd("verify", copy)
    refuses(done, 3, "llvip/infrared/packed_u8/values/c", f"sample {hit.name}", "--replace")
    done = irtd("verify", copy, "--json")
    assert done.exit_code == 3
    document = json.loads(done.stdout)
    assert document["ok"] is False
    assert {damage["source"] for damage in document["damage"]} == {"llvip"}
    done = irtd("show", copy, hit.id, "-o", tmp_path / "x.png")
    refuses(done, 3, hit.id)
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("command", ["info", "verify", "bench"])
@pytest.mark.parametrize("text", [None, "{", '{"zarr_format": 2}'])
def test_a_root_that_is_no_store(irtd: Irtd, copy: Path, command: str, text: str | None):
    root = copy / "zarr.json"
    root.unlink() if text is None else root.write_text(text)
    refuses(irtd(command, copy), 3, "copy.zarr")


def test_json_of_a_failure_is_one_document(irtd: Irtd, copy: Path):
    (copy / "zarr.json").write_text("{")
    done = irtd("info", copy, "--json")
    assert done.exit_code == 3
    document = json.loads(done.stdout)
    assert document["exit_code"] == 3
    assert document["error"]["type"] == "StoreFormatError"
    assert document["error"]["message"] in done.stderr


# ---- 4 refused --------------------------------------------------------------------------------


def test_a_source_that_is_there_already(irtd: Irtd, copy: Path, llvip: tuple[Path, Truth]):
    refuses(irtd("ingest", llvip[0], copy, "--source", "llvip"), 4, "--replace")


def test_a_folder_of_other_things_is_left_alone(
    irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path
):
    (tmp_path / "thesis.tex").write_text("x")
    refuses(irtd("ingest", llvip[0], tmp_path, "--source", "llvip"), 4, "not a store")
    done = irtd("synth", tmp_path, "--source", "llvip", "--count", 1)
    refuses(done, 4, "not empty")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_writers(irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path):
    store = tmp_path / "s.zarr"
    store.mkdir()
    with Staging(store, "llvip"):
        done = irtd("ingest", llvip[0], store, "--source", "llvip")
    refuses(done, 4, "being written by process")


def test_a_disk_without_room(
    irtd: Irtd, llvip: tuple[Path, Truth], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    total, used, _ = shutil.disk_usage(tmp_path)
    usage = type(shutil.disk_usage(tmp_path))(total, used, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    refuses(irtd("ingest", llvip[0], tmp_path / "s.zarr", "--source", "llvip"), 4, "GB are free")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, ("No space left", "--resume")),
        (errno.EACCES, ("Permission denied",)),
        (errno.EROFS, ("Read-only file system",)),
    ],
)
def test_errors_of_the_system(
    irtd: Irtd,
    llvip: tuple[Path, Truth],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    words: tuple[str, ...],
):
    import os

    from irtd_fast.engines import ingest as engine

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number), "some/file")

    monkeypatch.setattr(engine, "run_tasks", fail)
    monkeypatch.delenv(DEBUG, raising=False)
    done = irtd("ingest", llvip[0], tmp_path / "s.zarr", "--source", "llvip")
    refuses(done, 4, "some/file: ", *words)
    assert len([line for line in done.stderr.splitlines() if line.startswith("irtd:")]) == 1
    monkeypatch.setenv(DEBUG, "1")
    done = irtd("ingest", llvip[0], tmp_path / "s.zarr", "--source", "llvip", "--resume")
    assert done.exit_code == 4
    assert "Traceback" in done.stderr


def test_a_bug_says_so(irtd: Irtd, store: Path, monkeypatch: pytest.MonkeyPatch):
    from irtd_fast.store import verify

    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(verify, "verify_store", fail)
    refuses(irtd("verify", store), 70, "oops", "IRTD_DEBUG=1")
