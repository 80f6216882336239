"""``irtd score``: what a model's answers are worth."""

from __future__ import annotations

import itertools
import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import ExitCode, note, plain, print_json, print_table, say

if TYPE_CHECKING:
    from irtd_fast.tasks.scoring.labels import Labels
    from irtd_fast.tasks.scoring.report import Metric, TaskScore
    from irtd_fast.tasks.scoring.scorers import ScoreOptions


class Mode(StrEnum):
    """How answers are scored."""

    official = "official"
    strict = "strict"


class OnCrash(StrEnum):
    """What is done where a published script would end with an exception."""

    stop = "raise"
    zero = "zero"


class Space(StrEnum):
    """What the numbers of boxes mean."""

    pixel = "pixel"
    norm1000 = "norm1000"
    norm1 = "norm1"


class Unit(StrEnum):
    """What distances of points are measured in."""

    permille = "permille"
    pixel = "pixel"


@guarded
def score(
    answers: Annotated[
        Path, typer.Argument(metavar="ANSWERS", exists=True, help="A file, or a folder of files.")
    ],
    mode: Annotated[
        Mode, typer.Option(help="official: what the published scripts print; strict: defensible.")
    ] = Mode.strict,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="TEXTS", exists=True, help="json_sft.zip, its folder, or a store."),
    ] = None,
    texts: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which texts of the store are the labels.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Whose answers they are; else file names say it.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="official, jsonl, vlmevalkit or lmms-eval; else recognised."),
    ] = None,
    on_crash: Annotated[
        OnCrash, typer.Option(help="Answers that would end a published script: stop, or count 0.")
    ] = OnCrash.stop,
    threshold: Annotated[
        float, typer.Option(min=0, help="Official mode: largest distance of points.")
    ] = 5.0,
    gates: Annotated[
        str, typer.Option(help="Strict mode: largest distances of points, the first one counts.")
    ] = "5,10,25",
    unit: Annotated[
        Unit, typer.Option(help="Strict mode: distances in 1/1000 of each side, or in pixels.")
    ] = Unit.permille,
    answer_space: Annotated[
        Space | None,
        typer.Option(help="Strict mode: what the numbers of answered boxes mean; else as labels."),
    ] = None,
    label_space: Annotated[
        Space | None,
        typer.Option(help="The same of the labels; else as built, pixels for published ones."),
    ] = None,
    size: Annotated[
        str, typer.Option(metavar="HxW", help="Size of the pictures of box questions.")
    ] = "512x640",
    relabel: Annotated[
        Path | None,
        typer.Option(
            "--relabel-d1",
            metavar="STORE",
            exists=True,
            file_okay=False,
            help="Strict mode: mend 'to the left of' labels from the boxes of a store "
            "into which the published texts were imported.",
        ),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(metavar="N", min=0, max=100_000, help="Draws for the 95 % intervals.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    errors: Annotated[
        int, typer.Option(metavar="N", min=0, help="Wrong answers shown of each task.")
    ] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Score answers; exit code 1 if labels contradict, or answers are missing or would crash."""
    from irtd_fast.tasks.scoring.answer_files import read_answers
    from irtd_fast.tasks.scoring.grounding import Spaces
    from irtd_fast.tasks.scoring.labels import read_labels
    from irtd_fast.tasks.scoring.relabel import left_boxes
    from irtd_fast.tasks.scoring.scorers import ScoreOptions

    known = read_labels(labels, name=texts) if labels is not None else None
    found = read_answers(answers, form=form, task=task, labels=known)
    right = label_space or (known.box_space if known is not None else Space.pixel)
    spaces = Spaces(str(answer_space or right), str(right), _size(size))
    options = ScoreOptions(
        on_crash.value, threshold, _gates(gates), unit.value, spaces,
        left_boxes(relabel) if relabel is not None else None,
        _decided(known, found.pairs.get("relationship", [])), bootstrap, seed,
    )  # fmt: skip
    scores = _score_all(found, mode.value, options)
    document = _document(scores, mode.value, options)
    if as_json:
        print_json(document)
    else:
        _print(scores, document, errors)
    if any(s.contradictions or s.unanswered or s.unlabelled or s.crashes for s in scores):
        raise typer.Exit(ExitCode.PROBLEMS)


def _score_all(found: Any, mode: str, options: ScoreOptions) -> list[TaskScore]:
    from irtd_fast.tasks.scoring.report import score as score_task
    from irtd_fast.tasks.scoring.scorers import SCORERS

    return [
        score_task(name, found.pairs[name], mode, options=options,
                   unanswered=found.unanswered.get(name, ()))
        for name in SCORERS
        if name in found.pairs
    ]  # fmt: skip


def _decided(known: Labels | None, pairs: list[Any]) -> dict[str, bool] | None:
    """Which relationship labels are decided, where location labels of the pictures are there."""
    from irtd_fast.tasks.scoring.relations import decided_pairs, places_of

    if known is None or not known.tasks.get("location"):
        return None
    places = places_of((pair.image, pair.label) for pair in known.tasks["location"])
    return decided_pairs([*pairs, *known.tasks.get("relationship", ())], places)


def _document(scores: list[TaskScore], mode: str, options: ScoreOptions) -> dict[str, Any]:
    from irtd_fast.tasks.scoring.report import sums
    from irtd_fast.tasks.scoring.scorers import options_to_dict

    return {
        "mode": mode, "options": options_to_dict(options), "sums": sums(scores),
        "tasks": [item.to_dict() for item in scores],
    }  # fmt: skip


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.casefold().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise ValueError(f"--size: expected HEIGHTxWIDTH as 512x640, found {text!r}")
    return int(height), int(width)


def _gates(text: str) -> tuple[float, ...]:
    try:
        gates = tuple(float(part) for part in text.split(","))
    except ValueError:
        gates = ()
    rising = all(a < b for a, b in itertools.pairwise(gates))
    if not gates or not rising or not all(0 < gate < math.inf for gate in gates):
        raise ValueError(f"--gates: expected rising distances as 5,10,25, found {text!r}")
    return gates


def _print(scores: list[TaskScore], document: dict[str, Any], errors: int) -> None:
    from irtd_fast.tasks.scoring.scorers import SCORERS

    rows = []
    for item in scores:
        for name, metric in item.metrics.items():
            first = name == next(iter(item.metrics))
            percent = SCORERS[item.task].sum == "psum"
            rate = f"{100 * item.parsed / item.samples:.1f} %" if item.samples else "-"
            head = (item.task, f"{item.samples:,}", rate) if first else ("", "", "")
            star = " *" if name == item.primary else ""
            rows.append((*head, name + star, *_cells(name, metric, percent=percent)))
    header = ("task", "answers", "readable", "metric", "value", "95 %", "blind")
    print_table(header, rows, right=(1, 2, 4, 5, 6))
    say()
    _print_sums(document["sums"])
    for item in scores:
        if item.blind_rule:
            say(plain(f"{item.task}: blind is {item.blind_rule}"))
    for item in scores:
        _print_problems(item, errors)


def _cells(name: str, metric: Metric, *, percent: bool) -> tuple[str, str, str]:
    shares = ("mae", "MAE", "MSE", "RMSE", "rmse", "average_")
    as_share = percent or not name.startswith(shares)
    scale, digits = (100.0, 2) if as_share else (1.0, 3)

    def cell(value: float | None) -> str:
        known = value is not None and math.isfinite(value)
        return f"{scale * value:.{digits}f}" if known and value is not None else "-"

    interval = "-" if metric.low is None else f"{cell(metric.low)}..{cell(metric.high)}"
    return cell(metric.value), interval, cell(metric.blind)


def _print_sums(sums: dict[str, Any]) -> None:
    for name, found in sums.items():
        if found["value"] is not None:
            say(f"{name}  {found['value']:.2f}")
        elif found["parts"]:
            lacking = ", ".join(found["missing"])
            say(f"{name}  -  ({found['partial']:.2f} without {lacking})")


def _print_problems(item: TaskScore, errors: int) -> None:
    facts = (
        ("unanswered", item.unanswered), ("left out silently by the script", item.skipped),
        ("with a label that cannot be read", item.unlabelled),
    )  # fmt: skip
    for what, keys in facts:
        if keys:
            note(plain(f"{item.task}: {len(keys):,} {what}: {', '.join(keys[:3])}"))
    for group in item.contradictions[:3]:
        note(plain(f"{item.task}: labels contradict each other: {', '.join(group)}"))
    for what, messages in (("would end the script", item.crashes), ("wrong", item.errors)):
        if messages and errors:
            note(plain(f"{item.task}: {len(messages):,} {what}"))
            for key, message in list(messages.items())[:errors]:
                note(plain(f"  {key}: {message}"))
