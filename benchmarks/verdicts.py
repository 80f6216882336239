"""Floors and limits from floors.toml, applied to the races of a session; the printed tables."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from irtd_fast import _core

from .race import OURS, Result

_HEAD = (
    f"{'implementation':<22}{'median/s':>10}{'slowest':>10}{'fastest':>10}{'GB/s':>8}{'we are':>10}"
)


@dataclass(frozen=True)
class Floor:
    """Smallest accepted speed-up against a peer or a ceiling.

    Attributes:
        groups: Pattern of group names.
        against: The peer.
        at_least: The speed-up.
        optional: The peer needs an environment of its own, and may be absent.
        times_cores: ``at_least`` is meant for each core.
    """

    groups: str
    against: str
    at_least: float
    optional: bool = False
    times_cores: bool = False


@dataclass(frozen=True)
class Limit:
    """Largest accepted amount of something."""

    group: str
    quantity: str
    at_most: float


@dataclass(frozen=True)
class Verdict:
    """One floor or limit and what was found; ``passed`` is ``None`` if it was not measured."""

    text: str
    passed: bool | None


def load_floors(path: Path) -> tuple[list[Floor], list[Limit]]:
    """Read floors.toml; an unknown key is an error."""
    document = tomllib.loads(path.read_text())
    unknown = set(document) - {"floor", "limit"}
    if unknown:
        raise ValueError(f"{path}: unknown tables {sorted(unknown)}")
    floors = [Floor(**entry) for entry in document.get("floor", [])]
    return floors, [Limit(**entry) for entry in document.get("limit", [])]


def judge_floors(floors: Iterable[Floor], results: Mapping[str, Result]) -> Iterator[Verdict]:
    """Compare every floor with every race it is about.

    A race without the peer that a floor names has failed it: a gate must not vanish because a
    peer could not be imported.
    """
    for floor in floors:
        groups = [name for name in results if fnmatchcase(name, floor.groups)]
        if not groups:
            yield Verdict(f"{floor.groups}: not raced in this session", None)
        for name in groups:
            result = results[name]
            least = floor.at_least * (_core.available_threads() if floor.times_cores else 1)
            wanted = f"{name}: {{}} {floor.against}, floor {least:.2f}x"
            if floor.against not in result.seconds and floor.optional:
                yield Verdict(wanted.format("no") + " (not installed)", None)
                continue
            if floor.against not in result.seconds:
                yield Verdict(wanted.format("no") + " (peer is missing)", passed=False)
                continue
            found = result.speedup(floor.against)
            yield Verdict(wanted.format(f"{found:.2f}x"), found >= least)


def judge_limits(
    limits: Iterable[Limit], measured: Mapping[tuple[str, str], float]
) -> Iterator[Verdict]:
    """Compare every limit with what was measured."""
    for limit in limits:
        found = measured.get((limit.group, limit.quantity))
        what = f"{limit.group}: {limit.quantity}"
        if found is None:
            yield Verdict(f"{what} not measured in this session", None)
        else:
            text = f"{what} {found:.3g}, limit {limit.at_most:g}"
            yield Verdict(text, found <= limit.at_most)


def table(result: Result) -> Iterator[str]:
    """Lines of a race's table, fastest first."""
    facts = ", ".join(
        f"{key} {value}"
        for key, value in result.facts.items()
        if isinstance(value, str | int | float) and key not in ("unit_bytes", "limit_per_s")
    )
    yield f"{result.group}   ({facts})"
    yield "  " + _HEAD
    size = result.facts.get("unit_bytes", 0)
    limit = result.facts.get("limit_per_s")
    if limit:
        ours = f"{result.rate(OURS) / limit:>9.2f}x" if OURS in result.seconds else ""
        volume = f"{limit * size / 1e9:>8.2f}"
        yield f"  {'(bytes / bandwidth)':<22}{limit:>10.4g}{'':>20}{volume}{ours}"
    for name in sorted(result.seconds, key=result.rate, reverse=True):
        seconds = result.seconds[name]
        rates = result.rate(name), 1 / max(seconds), 1 / min(seconds)
        shown = "".join(f"{rate:>10.4g}" for rate in rates)
        volume = f"{rates[0] * size / 1e9:>8.2f}" if size else f"{'':>8}"
        ratio = f"{result.speedup(name):>9.2f}x" if name != OURS and OURS in result.seconds else ""
        yield f"  {name:<22}{shown}{volume}{ratio}"
