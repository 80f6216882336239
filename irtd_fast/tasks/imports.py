"""Published texts brought to the samples of a store, and taken out again as they were.

A published path is resolved to a file of one's dumps, and the file's digest says which sample of
the store it became. Texts whose picture is in no store are counted with the reason, never lost in
silence; each text that is attached remembers its file, its number and its published path, so that
the files can be written again byte for byte.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from irtd_fast import _core
from irtd_fast.errors import AnnotationError
from irtd_fast.official.archive import read_official
from irtd_fast.official.container import Entry
from irtd_fast.official.resolve import Resolution, resolve
from irtd_fast.store.dataset import open_store
from irtd_fast.store.source import Source
from irtd_fast.store.text_columns import TextColumns, TextRecord
from irtd_fast.store.texts import check_absent, check_name, read_texts, text_builds, write_texts
from irtd_fast.tasks.scoring.scorers import find_task
from irtd_fast.types import Problem

NAME = "official"
KIND = "published"
_MARK = "<image>\n"
_LEAD = re.compile(r"(?:<image>\s*)?")
_HASHED = 512  # files between two reports of progress
NOT_IN_STORE = "found in the dumps, but no sample of the store was made of this file"
UNREADABLE = "found in the dumps, but not readable"

Report = Callable[[str, int, int], None]


@dataclass
class Attachment:
    """Which sample a published picture became, or why none.

    Attributes:
        source: Key of the catalogue's source that the path belongs to, ``""`` if unknown.
        place: (number of the store's source, row), or None.
        why: Why there is none.
    """

    source: str
    place: tuple[int, int] | None = None
    why: str = ""


@dataclass
class ImportReport:
    """What became of the published texts.

    Attributes:
        name: Of the texts in the store.
        written: Source of the store -> texts stored with it.
        rows: A row for each file and source: texts, attached, missing and why.
        problems: Entries cut off, folders that could not be read.
    """

    name: str
    written: dict[str, int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def texts(self) -> int:
        """All texts of the files."""
        return sum(row["texts"] for row in self.rows)

    @property
    def attached(self) -> int:
        """Texts that are with a sample now."""
        return sum(row["attached"] for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "name": self.name, "texts": self.texts, "attached": self.attached,
            "missing": self.texts - self.attached, "written": self.written, "rows": self.rows,
            "problems": [str(problem) for problem in self.problems],
        }  # fmt: skip


def import_texts(
    texts: str | Path,
    root: str | Path,
    store: str | Path,
    *,
    name: str = NAME,
    subset: str = "instruction",
    recover: bool = False,
    replace: bool = False,
    dry_run: bool = False,
    progress: Report | None = None,
) -> ImportReport:
    """Attach published texts to the samples of a store.

    Args:
        texts: ``json_sft.zip``, its folder, or one of its files.
        root: Folder of the dumps that the store was made of.
        store: The store; each source with attached texts gets a group ``texts/<name>``.
        name: Of the texts in the store.
        subset: Which of the paper's subsets they are; the published ones are its instruction data.
        recover: Keep what stands before an entry that is cut off.
        replace: Take the place of texts of the same name.
        dry_run: Only report.
        progress: Called with (phase, done, total).

    Raises:
        AnnotationError: Texts that cannot be read, or files that are named after no task.
        StoreExistsError: Texts of the name are there.
        SourceLayoutError: The root is no folder.
        ValueError: Not a name.
    """
    check_name(name)
    report = ImportReport(name)
    files = read_official(texts, report=report.problems.append if recover else None)
    tasks = {file: _task_of(file, texts) for file in files}
    sources = open_store(store).sources
    if not replace and not dry_run:
        for source in sources:
            check_absent(source, name)
    paths = {file: [entry.image for entry in entries] for file, entries in files.items()}
    found = resolve(paths, root)
    report.problems += found.problems
    places = _places(found, Path(root), sources, progress)
    records = _records(files, tasks, places, subset)
    report.rows = _coverage(files, places)
    facts = {
        "mode": KIND, "subset": subset, "texts_file": Path(texts).name,
        "files": {file: len(entries) for file, entries in files.items()},
    }  # fmt: skip
    for number, rows in sorted(records.items()):
        source = sources[number]
        columns = TextColumns()
        for row in range(len(source)):
            columns.add(rows.get(row, ()))
        report.written[source.name] = len(columns)
        if not dry_run:
            write_texts(store, source.name, name, columns, attributes=facts, replace=replace)
    return report


def _task_of(file: str, texts: str | Path) -> str:
    task = find_task(file)
    if task is None:
        message = f"{texts}: {file}.json is named after no task (Location.json, Security.json ...)"
        raise AnnotationError(message, path=str(texts))
    return task


def _places(
    found: Resolution, root: Path, sources: Sequence[Source], progress: Report | None
) -> dict[str, Attachment]:
    """Published path -> sample, by the digest of the file that was found."""
    images = list(found.images.values())
    places = {item.published: Attachment(item.source, why=item.note) for item in images}
    there = [item for item in images if item.path]
    index = _by_digest(sources)
    for start in range(0, len(there), _HASHED):
        part = there[start : start + _HASHED]
        digests, _, failures = _core.hash_files([str(root / item.path) for item in part], threads=0)
        failed = {number for number, *_ in failures}
        for number, (item, digest) in enumerate(zip(part, digests.tolist(), strict=True)):
            place = places[item.published]
            place.why = UNREADABLE if number in failed else NOT_IN_STORE
            candidates = index.get(digest) if number not in failed else None
            if candidates:
                place.place, place.why = _best(candidates, item.path), ""
        if progress is not None:
            progress("pictures", min(start + _HASHED, len(there)), len(there))
    return places


_Index = dict[int, dict[str, list[tuple[int, int, str]]]]


def _by_digest(sources: Sequence[Source]) -> _Index:
    """Digest -> last part of a name -> samples: equal files are told apart by their names."""
    index: _Index = defaultdict(lambda: defaultdict(list))
    for number, source in enumerate(sources):
        digests = source.column("samples", "infrared_digest").astype(np.uint64).tolist()
        for row, (digest, name) in enumerate(zip(digests, source.names(), strict=True)):
            if digest:
                folded = name.casefold()
                index[digest][folded.rpartition("/")[2]].append((number, row, folded))
    return index


def _best(candidates: Mapping[str, list[tuple[int, int, str]]], path: str) -> tuple[int, int]:
    """Of samples with the same bytes, the one whose name is most like the path's end."""
    whole = path.rpartition(".")[0].casefold()
    parts = whole.split("/")
    near = candidates.get(parts[-1]) or next(iter(candidates.values()))

    def alike(place: tuple[int, int, str]) -> tuple[int, int, int]:
        name = place[2].split("/")
        common = 0
        while common < min(len(name), len(parts)) and name[-1 - common] == parts[-1 - common]:
            common += 1
        return -common, place[0], place[1]

    number, row, _ = min(near, key=alike)
    return number, row


def _records(
    files: Mapping[str, Iterable[Entry]],
    tasks: Mapping[str, str],
    places: Mapping[str, Attachment],
    subset: str,
) -> dict[int, dict[int, list[TextRecord]]]:
    records: dict[int, dict[int, list[TextRecord]]] = defaultdict(lambda: defaultdict(list))
    for file, entries in files.items():
        for entry in entries:
            place = places[entry.image].place
            if place is not None:
                records[place[0]][place[1]].append(_record(entry, tasks[file], subset))
    return records


def _record(entry: Entry, task: str, subset: str) -> TextRecord:
    match = _LEAD.match(entry.question)
    lead = match.group() if match is not None else ""
    facts = {"file": entry.file, "id": entry.id, "image": entry.image}
    if lead != _MARK:
        facts["lead"] = lead
    provenance = json.dumps(facts, separators=(",", ":"))
    question = entry.question[len(lead) :]
    return TextRecord(task, question, entry.answer, KIND, provenance, subset)


def _coverage(
    files: Mapping[str, Iterable[Entry]], places: Mapping[str, Attachment]
) -> list[dict[str, Any]]:
    rows = []
    for file, entries in files.items():
        by_source: dict[str, list[Attachment]] = defaultdict(list)
        for entry in entries:
            place = places[entry.image]
            by_source[place.source].append(place)
        for source, items in sorted(by_source.items()):
            attached = sum(item.place is not None for item in items)
            why = Counter(item.why for item in items if item.place is None)
            rows.append(
                {"file": file, "source": source or "unknown", "texts": len(items),
                 "attached": attached, "missing": len(items) - attached, "why": dict(why)}
            )  # fmt: skip
    return rows


# ---- out again --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """Published files as far as a store has them.

    Attributes:
        files: Name -> entries, in the order of their numbers.
        expected: Name -> entries of the file that was imported.
    """

    files: dict[str, list[Entry]]
    expected: dict[str, int]

    def incomplete(self) -> dict[str, int]:
        """Files of which entries are missing -> how many."""
        gaps = {n: count - len(self.files.get(n, ())) for n, count in self.expected.items()}
        return {name: gap for name, gap in gaps.items() if gap}


def published_texts(store: str | Path, *, name: str = NAME) -> Published:
    """Give imported texts as the entries they were.

    Raises:
        ValueError: The store has no imported texts of this name.
    """
    numbered: dict[str, list[tuple[tuple[int, str], Entry]]] = defaultdict(list)
    expected: dict[str, int] = {}
    for source in open_store(store).sources:
        if name not in text_builds(source):
            continue
        stored = read_texts(source, name)
        if stored.attributes.get("mode") != KIND:
            continue
        expected |= stored.attributes.get("files", {})
        for text in stored:
            entry = _entry(text)
            order = (int(entry.id) if entry.id.isdecimal() else -1, entry.id)
            numbered[entry.file].append((order, entry))
    if not expected:
        raise ValueError(
            f"{store}: no published texts named {name!r}; `irtd tasks import TEXTS --root DUMPS "
            "STORE` brings them in"
        )
    files = {
        file: [entry for _, entry in sorted(numbered.get(file, ()), key=lambda item: item[0])]
        for file in expected
    }
    return Published(files, expected)


def _entry(text: TextRecord) -> Entry:
    facts = json.loads(text.provenance)
    question = facts.get("lead", _MARK) + text.question
    return Entry(facts["file"], facts["id"], facts["image"], question, text.answer)
