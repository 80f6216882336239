"""Work in progress of one source: a lock, the saved plan, receipts of finished data files.

Everything lies under ``<store>/.staging/<name>/`` and is never read by ``open``. The lock is an
``flock`` on ``<store>/.staging/<name>.lock``: the kernel drops it when its owner dies, however
that happens, so there are no stale locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from irtd_fast import _core
from irtd_fast.errors import StoreBusyError, StoreError, StoreFormatError
from irtd_fast.store.spec import read_json

STAGING = ".staging"


@dataclass
class Receipt:
    """Proof that one data file is complete.

    Attributes:
        file: Path relative to the source's group.
        bytes: Size of the file.
        digest: Shards: as ``shard_digest``; packed chunk files: XXH64 of the file.
        present: Samples in the file.
        rows: Row of each sample of the file in its array.
        digests: XXH64 of each sample's source file.
        crcs: crc32c of each sample's stored bytes (packed arrays), else empty.
        failures: ``[row, code, message]`` of samples that could not be used.
        found: ``[row, bits, flags, radiometry]`` of infrared pictures that are not plain 8-bit.
    """

    file: str
    bytes: int
    digest: int
    present: int
    rows: list[int]
    digests: list[int]
    crcs: list[int] = field(default_factory=list)
    failures: list[tuple[int, str, str]] = field(default_factory=list)
    found: list[tuple[int, int, int, dict[str, Any] | None]] = field(default_factory=list)


class Staging:
    """The staging folder of one source in one store."""

    def __init__(self, store: Path, name: str) -> None:
        self.store = store
        self.name = name
        self.folder = store / STAGING / name
        self.tree = self.folder / "tree"
        self.manifest_path = self.folder / "manifest.jsonl"
        self.plan_path = self.folder / "plan.json"
        self.commit_path = self.folder / "commit.json"
        self.old = self.folder / "old"
        self.receipts = self.folder / "receipts"
        self._lock: int | None = None

    # ---- lock ---------------------------------------------------------------------------------

    def acquire(self) -> None:
        """Become the one writer of this source.

        Raises:
            StoreBusyError: Another writer is at work; the message names it.
        """
        path = self.store / STAGING / f"{self.name}.lock"
        while self._lock is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except FileNotFoundError:
                continue  # another run has just removed the empty staging folder
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.read(descriptor, 4096).decode(errors="replace").strip()
                os.close(descriptor)
                raise StoreBusyError(
                    f"{self.store}: source '{self.name}' is being written by "
                    f"{owner or 'another run'}",
                    path=str(self.store),
                ) from None
            if _same_file(descriptor, path):
                self._lock = descriptor
            else:  # its owner removed the file between our open and our lock
                os.close(descriptor)
        try:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        except OSError:  # a full disk
            self.release()
            raise

    def release(self) -> None:
        """Give the lock back and remove its file."""
        if self._lock is None:
            return
        with contextlib.suppress(OSError):
            (self.store / STAGING / f"{self.name}.lock").unlink()
        os.close(self._lock)
        self._lock = None
        with contextlib.suppress(OSError):
            (self.store / STAGING).rmdir()  # only when no other source is being written

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    # ---- plan ---------------------------------------------------------------------------------

    def exists(self) -> bool:
        """True if an interrupted run left a saved plan here."""
        return self.plan_path.is_file()

    def recover(self, committed: dict[str, Any] | None) -> None:
        """Finish what a run that died inside its commit left undone.

        Args:
            committed: Attributes of the source that stands in the store, if there is one.
        """
        target = self.store / self.name
        if committed is None and self.old.is_dir() and not target.exists():
            # Killed between two renames, where the file system cannot exchange: undo the first.
            _core.rename_durably(str(self.old), str(target))
        elif self.exists() and committed is not None and self._is_committed(committed):
            self.discard()  # died between its commit and its clean-up
        if not self.exists():
            self.discard()  # died while cleaning up, or before its plan was whole

    def mark_commit(self, digest: int) -> None:
        """Note what is about to be renamed into place."""
        write_json(self.commit_path, {"digest": digest})

    def _is_committed(self, committed: dict[str, Any]) -> bool:
        try:
            marked = read_json(self.commit_path).get("digest")
        except StoreError:
            return False
        return marked is not None and marked == committed.get("digest")

    def begin(self) -> None:
        """Start from an empty folder."""
        self.discard()
        self.tree.mkdir(parents=True)
        self.receipts.mkdir()

    def clean_tree(self, files: set[str], tables: tuple[str, ...] = ()) -> None:
        """Remove everything from the tree but these finished data files and tables."""
        for path in self.tree.rglob("*"):
            name = path.relative_to(self.tree).as_posix()
            if path.is_file() and name not in files and name.split("/")[0] not in tables:
                path.unlink()

    def discard(self) -> None:
        """Remove everything staged, the plan first: without it the rest is only waste."""
        if self.folder.exists():
            self.plan_path.unlink(missing_ok=True)
            shutil.rmtree(self.folder)

    def save_plan(self, header: dict[str, Any]) -> None:
        """Save the plan's header; written last, so that its presence means the plan is whole."""
        with self.manifest_path.open("rb") as file:
            os.fsync(file.fileno())
        write_json(self.plan_path, header)

    def load_plan(self) -> dict[str, Any]:
        """The saved header.

        Raises:
            StoreFormatError: If it is damaged.
        """
        header = read_json(self.plan_path)
        if "fingerprint" not in header or "options" not in header:
            path = str(self.plan_path)
            raise StoreFormatError(f"{path}: $: not a saved plan", path=path)
        return header

    # ---- receipts -----------------------------------------------------------------------------

    def _receipt_path(self, file: str) -> Path:
        return self.receipts / (file.replace("/", "!") + ".json")

    def save_receipt(self, receipt: Receipt) -> None:
        """Record a finished data file.

        Atomic but not synced: a receipt lost to a power failure only means that its file, which
        is synced, gets written again, and each sync here would stall the writing of the next one.
        """
        path = self._receipt_path(receipt.file)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(asdict(receipt)), encoding="utf-8")
        partial.replace(path)

    def load_receipt(self, file: str) -> Receipt | None:
        """The receipt of a data file, if it is there with a file of the size it says.

        The content is another matter: see ``tasks.TaskWriter.holds``.

        Args:
            file: Path relative to the source's group.

        Returns:
            The receipt, or ``None`` if the file must be written (again).
        """
        path = self._receipt_path(file)
        try:
            receipt = Receipt(**json.loads(path.read_bytes()))
            receipt.failures = [(int(r), str(c), str(m)) for r, c, m in receipt.failures]
            receipt.found = [(int(r), int(b), int(f), info) for r, b, f, info in receipt.found]
            size = (self.tree / file).stat().st_size
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return receipt if (receipt.file, receipt.bytes) == (file, size) else None


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def write_json(path: Path, document: dict[str, Any], partial: Path | None = None) -> None:
    """Write a JSON document so that either the old or the new one is there after a crash.

    Args:
        path: Where it goes.
        document: JSON-able.
        partial: Where it is put together, on the same file system; beside ``path`` by default.
    """
    partial = partial or path.with_name(path.name + ".partial")
    data = json.dumps(document, indent=1, allow_nan=False).encode()
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _core.rename_durably(str(partial), str(path))
