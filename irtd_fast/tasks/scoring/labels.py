"""Questions and labels by key, from the published files or from the texts of a store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from irtd_fast.official.archive import read_official
from irtd_fast.store.dataset import open_store
from irtd_fast.store.texts import read_texts, text_builds
from irtd_fast.tasks.provenance import options_of
from irtd_fast.tasks.scoring.pairs import Pair
from irtd_fast.tasks.scoring.scorers import task_in


@dataclass
class Labels:
    """Everything that can be answered.

    Attributes:
        tasks: Task -> its labels, in order; their answers are None.
        ids: Task -> id within the task's file -> label.
        spaces: What the numbers of its boxes mean: ``pixel``, ``norm1000``, ``norm1``.
    """

    tasks: dict[str, list[Pair]] = field(default_factory=dict)
    ids: dict[str, dict[str, Pair]] = field(default_factory=dict)
    spaces: set[str] = field(default_factory=set)

    def add(self, task: str, number: str, pair: Pair) -> None:
        """Add one label."""
        self.tasks.setdefault(task, []).append(pair)
        self.ids.setdefault(task, {}).setdefault(number, pair)

    @property
    def box_space(self) -> str:
        """What the numbers of all boxes mean; ``pixel`` where nothing says so.

        Raises:
            ValueError: Not the same for all.
        """
        if len(self.spaces) > 1:
            found = ", ".join(sorted(self.spaces))
            raise ValueError(
                f"boxes of the labels are in {found}: build the texts with one --units"
            )
        return next(iter(self.spaces), "pixel")


def read_labels(path: str | Path, *, name: str | None = None) -> Labels:
    """Read labels.

    Keys are ``<task>/<id>`` with the published id, also for published texts that were imported into
    a store, and ``<source>/<number of the text>`` for all other texts of a store.

    Args:
        path: ``json_sft.zip``, its folder, one of its files, or a store.
        name: Which texts of a store; needed if it has several.

    Raises:
        AnnotationError: Files that cannot be read.
        FileNotFoundError: Nothing is there.
        ValueError: A store without texts, or with several and no name.
    """
    path = Path(path)
    if (path / "zarr.json").is_file():
        return _of_store(path, name)
    labels = Labels()
    for file, entries in read_official(path).items():
        task = task_in(file)
        for entry in entries if task is not None else ():
            pair = Pair(f"{task}/{entry.id}", None, entry.answer, entry.question, entry.image)
            labels.add(str(task), entry.id, pair)
    if not labels.tasks:
        raise ValueError(f"{path}: no file is named after a task (Location.json ...)")
    return labels


def _of_store(path: Path, name: str | None) -> Labels:
    labels = Labels()
    sources = open_store(path).sources
    there = sorted({build for source in sources for build in text_builds(source)})
    if name is None and len(there) == 1:
        name = there[0]
    if name is None or name not in there:
        known = f"there are {', '.join(there)}" if there else "it has none"
        raise ValueError(f"{path}: --texts NAME says which texts are the labels; {known}")
    for source in sources:
        if name in text_builds(source):
            texts = read_texts(source, name)
            names = source.names()
            for row in range(len(source)):
                for number in range(int(texts.offsets[row]), int(texts.offsets[row + 1])):
                    text = texts.record(number)
                    provenance = _provenance(text.provenance)
                    image, published = _published(provenance)
                    if text.task == "grounding":
                        labels.spaces.add(_space(provenance))
                    key = f"{text.task}/{published}" if published else f"{source.name}/{number}"
                    image = image or f"{source.name}/{names[row]}"
                    pair = Pair(key, None, text.answer, text.question, image)
                    labels.add(text.task, published or key, pair)
    return labels


def _provenance(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _published(provenance: Mapping[str, Any]) -> tuple[str, str]:
    """Give the published path and id that an imported text remembers, or empty strings."""
    if "file" not in provenance:
        return "", ""
    return str(provenance.get("image", "")), str(provenance.get("id", ""))


def _space(provenance: Mapping[str, Any]) -> str:
    """What the numbers of a text's boxes mean; imported ones are pixels, as published."""
    options = options_of(provenance)
    if options is None:
        return "pixel"
    usual = "permille" if options.mode == "clean" else "pixel"
    return _SPACES[options.units or usual]


_SPACES = {"pixel": "pixel", "permille": "norm1000", "unit": "norm1"}
