"""Peers as contenders of a race: a process each, asked for so many pictures a turn."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# More than any peer makes ahead: after so many it is as fast as it can go on.
WARM_UP = 512
ENVIRONMENTS = Path(__file__).parents[2] / "build" / "peers"


@dataclass(frozen=True)
class Peer:
    """A script and where it runs.

    Attributes:
        name: In tables and floors.
        script: In this folder.
        environment: Name under ``build/peers``, or empty for the one the benchmarks run in.
        arguments: Of the script, after the data folder.
        packaged: A loader that one installs, as against a script that one writes.
        carries_boxes: Does the whole task.
    """

    name: str
    script: str
    environment: str = ""
    arguments: tuple[str, ...] = ()
    packaged: bool = True
    carries_boxes: bool = True

    def python(self) -> Path | None:
        """The interpreter, if it is there."""
        if not self.environment:
            return Path(sys.executable)
        found = ENVIRONMENTS / self.environment / "bin" / "python"
        return found if found.exists() else None


PEERS = (
    Peer("torch+albumentations", "torch_loader.py", "", ("albumentations",), packaged=False),
    Peer("torch tuned", "torch_loader.py", "", ("tuned",), packaged=False),
    Peer("grain", "grain_loader.py", "threads"),
    Peer("spdl", "spdl_loader.py", "threads"),
    Peer("webdataset", "webdataset_loader.py", "torch"),
    Peer("litdata", "litdata_loader.py", "torch"),
    Peer("streaming", "streaming_loader.py", "streaming"),
    Peer("dali", "dali_loader.py", "dali"),
    Peer("ffcv", "ffcv_loader.py", "ffcv", carries_boxes=False),
)


class PeerProcess:
    """A running peer; ``turn`` is what a race calls.

    Between its turns the peer and its workers stand still: they would fill their queues while
    others have theirs, which slows these and gives the peer pictures that it did not work for.

    Raises:
        RuntimeError: It did not start; with what it printed.
    """

    def __init__(self, peer: Peer, folder: Path, log: Path, *, warm_up: int = WARM_UP) -> None:
        python = peer.python()
        if python is None:
            raise RuntimeError(f"{peer.name} is not installed; `make bench-peers` does it")
        self.peer = peer
        self._log, self._warm_up = log, warm_up
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        errors = log.open("w")
        self._process = subprocess.Popen(
            [python, FOLDER / peer.script, folder, *peer.arguments], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            start_new_session=True,
        )  # fmt: skip
        errors.close()
        try:
            self.ready = self._answer()
        except RuntimeError:
            self.close()
            raise
        self._send(signal.SIGSTOP)

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _ask(self, count: int) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"images": count}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # some print a banner first
                answer: dict[str, Any] = json.loads(line)
                return answer
        end = self._log.read_text()[-2000:]
        raise RuntimeError(f"{self.peer.name} ended with {self._process.wait()}: {end}")

    def turn(self, number: int, count: int) -> float:
        """Seconds for ``count`` pictures, others made before them; the answer is checked."""
        self._send(signal.SIGCONT)
        if self._warm_up:
            self._ask(self._warm_up)
        answer = self._ask(count)
        self._send(signal.SIGSTOP)
        assert answer["images"] >= count
        assert answer["shape"][1:] == [3, 448, 448], answer
        assert answer["dtype"] == "float32", answer
        assert -3 < answer["mean"] < 3, answer
        assert 0.01 < answer["std"] < 3, answer
        if self.peer.carries_boxes:
            assert answer["boxes"] > 0, answer
        return float(answer["seconds"]) * count / answer["images"]

    def close(self) -> None:
        """End it, its workers included."""
        self._send(signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()


def clean(folder: Path) -> None:
    """Remove what peers packed beside the dump."""
    for name in ("litdata", "mds"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in (*folder.glob("wds-*.tar"), *folder.glob("*.beton")):
        path.unlink()
