"""Answers of models in the forms in which they are found.

- ``official``: a JSON array of ``{"answer", "label"}``, one file a task, as the published scripts
  read them;
- ``jsonl``: one object a line with an id and an answer, the labels come from elsewhere;
- ``vlmevalkit``: its table of predictions (XLSX, TSV, CSV or JSON) with ``index``, ``question``,
  ``answer``, ``prediction`` and perhaps options ``A`` to ``D`` and ``category``;
- ``lmms-eval``: its ``..._samples_TASK.jsonl`` with ``doc_id``, ``target`` and ``filtered_resps``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from irtd_fast.errors import AnnotationError
from irtd_fast.tasks.scoring.labels import Labels
from irtd_fast.tasks.scoring.pairs import Absent, Pair
from irtd_fast.tasks.scoring.scorers import SCORERS, find_task, scorer_of, task_in
from irtd_fast.tasks.scoring.tables import (
    Row,
    read_json,
    read_lines,
    read_separated,
    read_workbook,
)

FORMATS = ("official", "jsonl", "vlmevalkit", "lmms-eval")
_TABLES = {".tsv": read_separated, ".csv": read_separated, ".xlsx": read_workbook}
_SUFFIXES = {".json", ".jsonl", *_TABLES}
_ANSWER_KEYS = ("answer", "prediction", "response", "output", "text")
_ID_KEYS = ("id", "key", "question_id", "index")
_LETTERS = "ABCD"


@dataclass
class Answers:
    """Answers of all tasks.

    Attributes:
        pairs: Task -> answers beside labels.
        unanswered: Task -> labels without an answer, of the tasks that were answered at all.
    """

    pairs: dict[str, list[Pair]] = field(default_factory=dict)
    unanswered: dict[str, list[Pair]] = field(default_factory=dict)


def read_answers(
    path: str | Path,
    *,
    form: str | None = None,
    task: str | None = None,
    labels: Labels | None = None,
) -> Answers:
    """Read answers from a file or from all files of a folder.

    Args:
        path: The file, or a folder of them.
        form: One of ``FORMATS``; recognised if None.
        task: Whose answers they are; else the file's name says it, or a column ``task``.
        labels: Questions and labels; needed for ``jsonl``, and completes the others.

    Raises:
        AnnotationError: Something that cannot be read, with file and line or record.
        UnknownTaskError: ``task`` is none.
        ValueError: An unknown form; nothing says which task it is; labels are missing.
        FileNotFoundError: No file of answers.
    """
    path = Path(path)
    if form is not None and form not in FORMATS:
        near = difflib.get_close_matches(form.casefold(), FORMATS, 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FORMATS)}"
        raise ValueError(f"no format {form!r} of answers: {hint}")
    known = scorer_of(task).task if task is not None else None
    answers = Answers()
    reader = _Reader(form, known, labels, answers)
    for file in _files(path):
        reader.read(file)
    if not answers.pairs:
        raise AnnotationError(f"{path}: no answers in it", path=str(path))
    if labels is not None:
        for name, pairs in answers.pairs.items():
            seen = {pair.key for pair in pairs}
            rest = [pair for pair in labels.tasks.get(name, ()) if pair.key not in seen]
            answers.unanswered[name] = rest
    return answers


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES and p.is_file())
    if not found:
        raise FileNotFoundError(2, "no JSON, JSONL, TSV, CSV or XLSX file of answers", str(path))
    return found


class _Reader:
    def __init__(
        self, form: str | None, task: str | None, labels: Labels | None, answers: Answers
    ) -> None:
        self.form = form
        self.task = task
        self.labels = labels
        self.answers = answers
        self.seen: dict[tuple[str, str], str] = {}

    def read(self, file: Path) -> None:
        rows, records = _rows(file)
        table = file.suffix.lower() in _TABLES
        form = self.form or ("vlmevalkit" if table else _recognise(rows))
        for index, (number, row) in enumerate(rows):
            where = f"record {number}" if records else f"line {number}"
            self._add(form, row, _Place(file, index, where))

    def _add(self, form: str, row: dict[str, Any], place: _Place) -> None:
        task = self._task_of(row, place)
        if form == "official":
            answer, label = (row.get(name, Absent.FIELD) for name in ("answer", "label"))
            found = self._label(task, str(place.number), place, needed=False)
            pair = _checked(Pair(f"{task}/{place.number}", answer, label), found, place)
        elif form == "jsonl":
            pair = self._by_id(task, row, place)
        elif form == "vlmevalkit":
            pair = self._from_table(task, row, place)
        else:
            pair = self._from_samples(task, row, place)
        where = self.seen.setdefault((task, pair.key), place.text)
        if where != place.text:
            raise place.error(f"{pair.key} is answered a second time, first at {where}")
        self.answers.pairs.setdefault(task, []).append(pair)

    def _task_of(self, row: dict[str, Any], place: _Place) -> str:
        for name in ("task", "category", "dataset"):
            task = find_task(row[name]) if isinstance(row.get(name), str) else None
            if task is not None and self.task in (None, task):
                return task
        if isinstance(row.get("task"), str) and self.task is None:
            scorer_of(row["task"])  # says which there are
        task = self.task or task_in(place.file.stem) or _task_of_id(row)
        if task is None:
            near = difflib.get_close_matches(place.file.stem.casefold(), SCORERS, 1, 0.4)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"{place.file}: neither its name nor a column `task` says which task it is; "
                f"--task does{hint}"
            )
        return task

    def _by_id(self, task: str, row: dict[str, Any], place: _Place) -> Pair:
        number = next((row[name] for name in _ID_KEYS if name in row), None)
        if number is None or isinstance(number, dict | list | bool):
            raise place.error(f"expected an id ({', '.join(_ID_KEYS)}), found {sorted(row)}")
        answer = next((row[name] for name in _ANSWER_KEYS if name in row), Absent.FIELD)
        if answer is Absent.FIELD:
            raise place.error(
                f"expected an answer ({', '.join(_ANSWER_KEYS)}), found {sorted(row)}"
            )
        if self.labels is None:
            raise ValueError(f"{place.file}: answers by id need --labels (json_sft.zip or a store)")
        found = self._label(task, str(number), place, needed=True)
        return Pair(found.key, answer, found.label, found.question, found.image)

    def _label(self, task: str, number: str, place: _Place, *, needed: bool) -> Any:
        ids = self.labels.ids.get(task, {}) if self.labels is not None else {}
        head, _, tail = number.partition("/")
        found = ids.get(number) or (ids.get(tail) if find_task(head) == task else None)
        if found is None and needed:
            near = difflib.get_close_matches(number, list(ids)[:20000], 1, 0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise place.error(f"{task} has no label with the id {number[:80]!r}{hint}")
        return found

    def _from_table(self, task: str, row: dict[str, Any], place: _Place) -> Pair:
        if "prediction" not in row:
            raise place.error(f"expected a column `prediction`, found {sorted(map(str, row))}")
        number = str(row.get("index", place.number))
        question, label = str(row.get("question") or ""), row.get("answer", Absent.FIELD)
        offered = {letter: row[letter] for letter in _LETTERS if row.get(letter) not in (None, "")}
        if offered:
            question += "\n" + " ".join(f"({key}) {word}" for key, word in offered.items())
            if label in offered:
                label = f"({label}) {offered[label]}"
        elif label is not None and label is not Absent.FIELD:
            label = _whole_number(label)
        found = self._label(task, number, place, needed=False)
        pair = Pair(f"{task}/{number}", _whole_number(row["prediction"]), label, question)
        return _checked(pair, found, place, compare=not offered)

    def _from_samples(self, task: str, row: dict[str, Any], place: _Place) -> Pair:
        if "target" not in row or not ("filtered_resps" in row or "resps" in row):
            raise place.error(f"expected `target` and `filtered_resps`, found {sorted(row)}")
        answer = row.get("filtered_resps", row.get("resps"))
        while isinstance(answer, list) and answer:
            answer = answer[0]
        number = str(row.get("doc_id", place.number))
        question = row.get("input")
        pair = Pair(
            f"{task}/{number}", answer, row["target"], question if isinstance(question, str) else ""
        )
        return _checked(pair, self._label(task, number, place, needed=False), place)


@dataclass(frozen=True)
class _Place:
    """Where a record stands."""

    file: Path
    number: int
    where: str

    @property
    def text(self) -> str:
        return f"{self.file.name}, {self.where}"

    def error(self, message: str) -> AnnotationError:
        return AnnotationError(
            f"{self.file}, {self.where}: {message}", path=str(self.file), record=self.where
        )


def _checked(pair: Pair, found: Pair | None, place: _Place, *, compare: bool = True) -> Pair:
    """Complete a pair from the labels, which must agree with it."""
    if found is None:
        return pair
    if compare and isinstance(pair.label, str) and pair.label.strip() != found.label.strip():
        raise place.error(
            f"its label is {pair.label[:60]!r}, that of {found.key} is {found.label[:60]!r}: "
            "answers of other questions, or in another order"
        )
    return Pair(found.key, pair.answer, pair.label, found.question, found.image)


def _rows(file: Path) -> tuple[list[Row], bool]:
    """Give the numbered records of a file, and whether the numbers count records, not lines."""
    suffix = file.suffix.lower()
    if suffix in _TABLES:
        return list(_TABLES[suffix](file)), False
    if suffix == ".jsonl":
        return list(read_lines(file)), False
    return list(_records(file)), True


def _records(file: Path) -> Iterator[Row]:
    values = read_json(file)
    if isinstance(values, dict) and values and all(isinstance(v, list) for v in values.values()):
        columns = list(values)  # VLMEvalKit's older JSON: a list a column
        cells = zip(*values.values(), strict=False)
        values = [dict(zip(columns, row, strict=True)) for row in cells]
    if not isinstance(values, list):
        raise AnnotationError(
            f"{file}: expected an array of answers, found {type(values).__name__}", path=str(file)
        )
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            message = f"expected an object, found {type(value).__name__}"
            raise _Place(file, number - 1, f"record {number}").error(message)
        yield number, value


def _recognise(rows: list[Row]) -> str:
    keys = set(rows[0][1]) if rows else set()
    if "prediction" in keys and ("index" in keys or "question" in keys):
        return "vlmevalkit"
    if "target" in keys and ({"filtered_resps", "resps"} & keys):
        return "lmms-eval"
    if keys & set(_ID_KEYS) and "label" not in keys:
        return "jsonl"
    return "official"


def _task_of_id(row: dict[str, Any]) -> str | None:
    number = next((row[name] for name in _ID_KEYS if isinstance(row.get(name), str)), "")
    return find_task(number.partition("/")[0])


def _whole_number(value: Any) -> Any:
    """Undo what a table makes of digits: ``7.0`` is ``7``."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
