"""How much memory batches may take, and how far ahead that lets a loader work."""

from __future__ import annotations

import re
from pathlib import Path

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}
_SHARE = 2  # of what is free, a loader takes one part in so many unless told otherwise
# Beside those that wait: one in the making, one in the hands of the consumer.
_ALWAYS = 2


def available_memory(*, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes this process may still use without pushing anything out.

    The smaller of what the kernel reckons for the machine and what the control group has left
    (version 2: ``memory.max`` and ``memory.current`` of it and the ones above; version 1:
    ``memory.limit_in_bytes``), page cache that can be dropped counted as free.
    """
    free = _machine_memory(proc)
    for folder in _groups(proc, cgroup):
        left = _left_in(folder)
        if left is not None:
            free = min(free, left)
    return max(0, free)


def _machine_memory(proc: Path) -> int:
    for line in (proc / "meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{proc / 'meminfo'} has no line MemAvailable")


def _groups(proc: Path, cgroup: Path) -> list[Path]:
    """Folders of the control groups that bound the memory of this process, inner ones first."""
    folders = []
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory") and "memory" not in controllers.split(","):
            continue
        root = cgroup if controllers == "" else cgroup / "memory"
        inner = root / path.lstrip("/")
        folders += [inner, *(p for p in inner.parents if root in (p, *p.parents))]
    return folders or [cgroup, cgroup / "memory"]


def _left_in(folder: Path) -> int | None:
    """Bytes left in a control group; ``None`` if it sets no limit."""
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            limit = (folder / most).read_text(encoding="ascii").strip()
            current = int((folder / used).read_text(encoding="ascii"))
            stat = (folder / "memory.stat").read_text(encoding="ascii")
        except (OSError, ValueError):
            continue
        if limit == "max" or int(limit) >= 1 << 60:  # version 1 writes a huge number for none
            return None
        cache = re.search(r"^(?:total_)?inactive_file (\d+)$", stat, re.MULTILINE)
        return int(limit) - current + (int(cache[1]) if cache else 0)
    return None


def parse_bytes(size: int | str) -> int:
    """Bytes of ``2_000_000``, ``"2GB"``, ``"512 MiB"``.

    Raises:
        ValueError: Not a positive size.
    """
    if isinstance(size, int) and not isinstance(size, bool):
        found = size
    else:
        match = re.fullmatch(r"\s*([\d_]+(?:\.\d+)?)\s*([kmg]i?)?b?\s*", str(size), re.IGNORECASE)
        if match is None:
            raise ValueError(f"expected bytes such as 2_000_000, '2GB' or '512MiB', found {size!r}")
        found = int(float(match[1]) * _UNITS[(match[2] or "").lower()])
    if found <= 0:
        raise ValueError(f"expected a positive number of bytes, found {size!r}")
    return found


def affordable_prefetch(batch_bytes: int, wanted: int, limit: int | str | None) -> int:
    """How many batches may wait, at most ``wanted``, so that all of them fit the limit.

    Args:
        batch_bytes: Of one batch with everything in it.
        wanted: Batches that should wait.
        limit: Bytes of all batches alive: waiting, in the making, with the consumer. ``None`` is
            half of what is free now, and then nothing is refused.

    Raises:
        ValueError: Not even two batches fit a limit that was given.
    """
    most = available_memory() // _SHARE if limit is None else parse_bytes(limit)
    ahead = most // max(1, batch_bytes) - _ALWAYS
    if ahead < 0 and limit is not None:
        need = _ALWAYS * batch_bytes
        raise ValueError(
            f"memory_limit is {most:,} bytes, but a batch takes {batch_bytes:,} and two of them "
            f"({need:,}) are always alive; make batches smaller or allow more"
        )
    return max(0, min(wanted, ahead))
