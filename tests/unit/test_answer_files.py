"""Answers in every form in which they are found, and what is refused, with its place."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from irtd_fast.cli.main import app
from irtd_fast.errors import AnnotationError, UnknownTaskError
from irtd_fast.official.container import Entry
from irtd_fast.official.writer import write_official
from irtd_fast.tasks.scoring.answer_files import read_answers
from irtd_fast.tasks.scoring.labels import Labels, read_labels
from irtd_fast.tasks.scoring.pairs import Absent

CHOICE = "What is the object in the picture?\n(A) car (B) person (C) bus (D) dog"
ROWS = [("(A) car", "(A) car"), ("It is a bus.\tI think", "(B) person"), ("", "(D) dog")]


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    """Labels of three choices and one count."""
    return read_labels(written_labels(tmp_path))


def written_labels(folder: Path) -> Path:
    recognition = [
        Entry("Recognition", str(n), f"{n}.jpg", f"<image>\n{CHOICE}", label)
        for n, (_, label) in enumerate(ROWS)
    ]
    count = [Entry("AerialCounting", "0", "a.jpg", "<image>\nHow many?", "<num>4</num>")]
    write_official({"Recognition": recognition, "AerialCounting": count}, folder / "labels")
    return folder / "labels"


def official(path: Path) -> Path:
    path = path / "model_Recognition.json"
    path.write_text(json.dumps([{"answer": a, "label": b} for a, b in ROWS]))
    return path


def by_id(path: Path) -> Path:
    path = path / "answers.jsonl"
    ids = ["recognition/0", "Recognition/1", "2"]
    rows = [{"id": i, "prediction": a, "task": "Rec"} for i, (a, _) in zip(ids, ROWS, strict=True)]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    return path


def kit_rows() -> list[dict[str, Any]]:
    options = {"A": "car", "B": "person", "C": "bus", "D": "dog"}
    return [
        {"index": n, "question": "What is the object?", **options, "answer": label[1],
         "category": "recognition", "prediction": answer}
        for n, (answer, label) in enumerate(ROWS)
    ]  # fmt: skip


def kit_table(path: Path, suffix: str) -> Path:
    path = path / f"model_IRTD.{suffix}"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(kit_rows()[0]), quoting=csv.QUOTE_ALL,
                               delimiter="\t" if suffix == "tsv" else ",")  # fmt: skip
        table.writeheader()
        table.writerows(kit_rows())
    return path


def kit_json(path: Path, *, columns: bool) -> Path:
    rows = kit_rows()
    value: Any = {key: [row[key] for row in rows] for key in rows[0]} if columns else rows
    (path / "kit.json").write_text(json.dumps(value))
    return path / "kit.json"


def kit_workbook(path: Path) -> Path:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra xlsx is not installed")
    book = openpyxl.Workbook()
    book.active.append(list(kit_rows()[0]))
    for row in kit_rows():
        book.active.append(list(row.values()))
    book.save(path / "model_IRTD.xlsx")
    return path / "model_IRTD.xlsx"


def lmms(path: Path) -> Path:
    path = path / "20260101_samples_irtd_recognition.jsonl"
    rows = [
        {"doc_id": n, "target": label, "filtered_resps": [answer], "resps": [[answer]],
         "doc_hash": "x", "input": CHOICE}
        for n, (answer, label) in enumerate(ROWS)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


FORMS: dict[str, Callable[[Path], Path]] = {
    "official": official,
    "jsonl": by_id,
    "kit tsv": lambda path: kit_table(path, "tsv"),
    "kit csv": lambda path: kit_table(path, "csv"),
    "kit xlsx": kit_workbook,
    "kit records": lambda path: kit_json(path, columns=False),
    "kit columns": lambda path: kit_json(path, columns=True),
    "lmms-eval": lmms,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_pairs(form: str, tmp_path: Path, labels: Labels) -> None:
    path = FORMS[form](tmp_path)
    found = read_answers(path, labels=labels)
    (pairs,) = found.pairs.values()
    assert [(pair.answer or "", pair.label) for pair in pairs] == ROWS
    assert [pair.key for pair in pairs] == [f"recognition/{n}" for n in range(3)]
    assert {pair.question for pair in pairs} == {f"<image>\n{CHOICE}"}
    assert found.unanswered == {"recognition": []}
    if form != "jsonl":
        (alone,) = read_answers(path).pairs.values()  # without labels from elsewhere
        assert [pair.label for pair in alone] == [label for _, label in ROWS]


def test_what_nobody_answered_is_known(tmp_path: Path, labels: Labels) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "recognition/1", "answer": null}')
    found = read_answers(path, labels=labels)
    assert found.pairs["recognition"][0].answer is None
    assert [p.key for p in found.unanswered["recognition"]] == ["recognition/0", "recognition/2"]
    assert "aerial-counting" not in found.unanswered  # no answer at all: the task is not scored


def test_a_field_that_is_not_there_is_not_null(tmp_path: Path) -> None:
    path = tmp_path / "Location.json"
    path.write_text('[{"label": "<pos>[]</pos>"}]')
    assert read_answers(path).pairs["location"][0].answer is Absent.FIELD


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("Location.json", "[1]", "record 1: expected an object, found int"),
        ("Location.json", '[{"answer"', "line 1: not JSON"),
        ("Location.json", "[" * 100_000, "not JSON|nested too deeply"),
        ("Location.json", "7", "expected an array"),
        ("Location.json", "[]", "no answers"),
        ("Location.json", "\xff", "expected UTF-8"),
        ("Location.jsonl", '{"id": "0", "answer": ""}\n{', "line 2: not JSON"),
        ("Location.jsonl", "[1]", "line 1: expected an object"),
        ("Recognition.jsonl", '{"id": "9", "answer": ""}', "no label with the id '9'"),
        ("Recognition.jsonl", '{"id": "1", "said": ""}', "line 1: expected an answer"),
        ("Recognition.jsonl", '{"id": {}, "answer": ""}', "line 1: expected an id"),
        ("Recognition.jsonl", '{"id": "1", "answer": ""}\n{"id": "1", "answer": ""}',
         "line 2: recognition/1 is answered a second time, first at Recognition.jsonl, line 1"),
        ("Recognition.json", '[{"answer": "", "label": "(C) bus"}]', "answers of other questions"),
        ("Recognition.tsv", "index\tanswer\n0\tA", "no answers|expected|prediction"),
        ("Recognition.tsv", "index\tprediction\n0\tA\tB", "line 2: more fields"),
        ("Recognition.tsv", 'index\tprediction\n0\t"A', "not a table"),
        ("Recognition.xlsx", "PK", "not a workbook"),
    ],
    ids=lambda value: value[:24],
)  # fmt: skip
def test_bad_files_are_refused_with_their_place(
    name: str, text: str, match: str, tmp_path: Path, labels: Labels
) -> None:
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl", reason="the extra xlsx is not installed")
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(AnnotationError, match=match) as caught:
        read_answers(path, labels=labels)
    assert caught.value.where["path"] == str(path)


def test_names_that_mean_nothing_are_refused_with_suggestions(tmp_path: Path) -> None:
    path = official(tmp_path)
    with pytest.raises(UnknownTaskError, match="did you mean recognition"):
        read_answers(path, task="recogniton")
    with pytest.raises(ValueError, match="did you mean vlmevalkit"):
        read_answers(path, form="vlmeval")
    nameless = path.rename(tmp_path / "answers.json")
    with pytest.raises(ValueError, match="--task does"):
        read_answers(nameless)
    assert list(read_answers(nameless, task="Scene").pairs) == ["scene"]
    with pytest.raises(ValueError, match="need --labels"):
        read_answers(by_id(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError):
        read_answers(tmp_path / "empty")


def run(*arguments: Any) -> tuple[int, Any]:
    done = CliRunner().invoke(app, ["score", *map(str, arguments), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_command(tmp_path: Path) -> None:
    code, document = run(official(tmp_path))
    assert (code, document["mode"]) == (0, "strict")
    (task,) = document["tasks"]
    assert (task["task"], task["samples"], task["parsed"]) == ("recognition", 3, 1)
    metric = task["metrics"]["accuracy"]
    assert metric["value"] == pytest.approx(1 / 3)
    assert metric["low"] <= metric["value"] <= metric["high"]
    assert set(task["errors"]) == {"recognition/1", "recognition/2"}
    assert document["sums"]["psum_strict"]["value"] is None
    labels = written_labels(tmp_path)
    code, document = run(official(tmp_path), "--labels", labels, "--mode", "official")
    assert (code, document["tasks"][0]["metrics"]["accuracy"]["blind"]) == (0, pytest.approx(1 / 3))
    table = CliRunner().invoke(app, ["score", str(official(tmp_path)), "--labels", str(labels)])
    assert table.exit_code == 0
    assert "accuracy *" in table.stdout
    assert "psum_strict  -" in table.stdout
    assert "B person" not in table.stdout
    assert "recognition/1: C, right is B" in table.output


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--mode", "official"), 4, "Detection/0|grounding/0"),
        (("--mode", "official", "--on-crash", "zero"), 1, ""),
        ((), 0, ""),
        (("--size", "5"), 2, "HEIGHTxWIDTH"),
        (("--gates", "5,3"), 2, "rising"),
        (("--task", "lokation"), 4, "did you mean location"),
        (("--format", "lmms"), 2, "did you mean lmms-eval"),
    ],
)
def test_exit_codes(tmp_path: Path, options: tuple[str, ...], code: int, words: str) -> None:
    path = tmp_path / "Detection.json"
    path.write_text(json.dumps([{"answer": "no box", "label": "[[1, 1, 5, 5]]"}]))
    found, document = run(path, *options)
    assert found == code
    if words:
        assert any(word in document["error"]["message"] for word in words.split("|"))
