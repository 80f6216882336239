"""How many samples of each task and source a subset gets: ``quotas.toml``, or a file like it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DEFAULT = Path(__file__).with_name("quotas.toml")
_MOST = 1 << 40


@dataclass(frozen=True)
class TaskQuota:
    """Of one task in one subset.

    Attributes:
        samples: How many samples are asked about it.
        sources: Of which from these sources, by catalogue key.
        paper: How many the paper or its published files have, ``None`` where that is unknown.
        fill: Other sources give what the named ones cannot, and what no source is named for.
    """

    samples: int
    sources: Mapping[str, int]
    paper: int | None = None
    fill: bool = True


@dataclass(frozen=True)
class SubsetQuota:
    """Of one subset.

    Attributes:
        name: Of the subset.
        tasks: Quota of each task.
        prefer: Splits from which its samples come where there is a choice.
        splits: Splits from which they must come; empty: any.
        paper: How many samples the paper's subset has, ``None`` if it has none such.
    """

    name: str
    tasks: Mapping[str, TaskQuota]
    prefer: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    paper: int | None = None

    @property
    def samples(self) -> int:
        """Of all tasks."""
        return sum(quota.samples for quota in self.tasks.values())


class _Reader:
    """Says where in the file something is not as it should be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, where: str, expected: str, found: Any) -> ValueError:
        return ValueError(f"{self.path}: {where}: expected {expected}, found {found!r:.80}")

    def table(self, where: str, value: Any, known: tuple[str, ...] = ()) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fail(where, "a table", value)
        for key in value:
            if known and key not in known:
                raise self.fail(where, f"no keys but {', '.join(known)}", key)
        return value

    def count(self, where: str, value: Any) -> int:
        if type(value) is not int or not 0 <= value < _MOST:
            raise self.fail(where, "a number of samples", value)
        return value

    def words(self, where: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.fail(where, "a list of words", value)
        return tuple(value)

    def task(self, where: str, value: Any) -> TaskQuota:
        table = self.table(where, value, ("samples", "sources", "paper", "fill"))
        if "samples" not in table:
            raise self.fail(where, "'samples'", sorted(table))
        samples = self.count(f"{where}.samples", table["samples"])
        named = self.table(f"{where}.sources", table.get("sources", {}))
        sources = {key: self.count(f"{where}.sources.{key}", n) for key, n in named.items()}
        if sum(sources.values()) > samples:
            raise self.fail(f"{where}.sources", f"at most {samples} in all", sum(sources.values()))
        paper = self.count(f"{where}.paper", table["paper"]) if "paper" in table else None
        fill = table.get("fill", True)
        if not isinstance(fill, bool):
            raise self.fail(f"{where}.fill", "true or false", fill)
        return TaskQuota(samples, sources, paper, fill)

    def subset(self, name: str, value: Any) -> SubsetQuota:
        table = self.table(name, value, ("tasks", "prefer", "splits", "paper"))
        tasks = self.table(f"{name}.tasks", table.get("tasks", {}))
        if not tasks:
            raise self.fail(f"{name}.tasks", "a task at least", tasks)
        return SubsetQuota(
            name,
            {task: self.task(f"{name}.tasks.{task}", quota) for task, quota in tasks.items()},
            self.words(f"{name}.prefer", table.get("prefer", [])),
            self.words(f"{name}.splits", table.get("splits", [])),
            self.count(f"{name}.paper", table["paper"]) if "paper" in table else None,
        )


def read_quotas(path: str | Path | None = None) -> dict[str, SubsetQuota]:
    """Quotas of the subsets by name.

    Args:
        path: A TOML file like ``quotas.toml``; ``None``: that one, the paper's numbers.

    Raises:
        ValueError: Not such a file; file and key are named.
    """
    file = Path(path) if path is not None else _DEFAULT
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: not TOML: {error}") from error
    reader = _Reader(file)
    if not document:
        raise reader.fail("(top)", "a subset at least", document)
    return {name: reader.subset(name, value) for name, value in document.items()}
