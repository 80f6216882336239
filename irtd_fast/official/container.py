"""Read a published text file, whatever its container is.

Seven of the eight files are JSON arrays with different brackets; ``Detection.json`` is a run of
objects between commas without any. Nothing is repaired: values are decoded one after the other,
and what lies between them may only be white space, commas and square brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from irtd_fast.errors import AnnotationError

_BETWEEN = re.compile(r"[\s,\[\]]*")
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One published question and answer.

    Attributes:
        file: Name of its file, without folder and extension.
        id: As published: unique within the file only.
        image: Path as published.
        question: Of the human turn, with its ``<image>`` mark.
        answer: Of the model's turn.
    """

    file: str
    id: str
    image: str
    question: str
    answer: str


def read_container(data: bytes, name: str) -> list[Entry]:
    """Decode the entries of one file.

    Args:
        data: The file's bytes, UTF-8.
        name: Of the file, for messages.

    Raises:
        AnnotationError: Not UTF-8, something else than entries, or a value that is cut off; with
            the line where that is.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(name, line, f"expected UTF-8, found byte {data[error.start]:#04x}") from error
    stem = name.replace("\\", "/").rpartition("/")[2].removesuffix(".json")
    return [_entry(value, stem, name, line) for value, line in _values(text, name)]


def _values(text: str, name: str) -> Iterator[tuple[Any, int]]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    position, line, counted = 0, 1, 0
    while True:
        between = _BETWEEN.match(text, position)
        position = between.end() if between else position
        line += text.count("\n", counted, position)
        counted = position
        if position >= len(text):
            return
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", str(error) or "nested too deeply")
            line += text.count("\n", counted, getattr(error, "pos", position))
            raise _error(name, line, f"not JSON: {reason}") from error
        yield value, line


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _entry(value: Any, stem: str, name: str, line: int) -> Entry:
    if not isinstance(value, Mapping):
        raise _error(name, line, f"expected an object, found {type(value).__name__}")
    image = value.get("image")
    if isinstance(image, list) and len(image) == 1:
        image = image[0]
    turns = value.get("conversations")
    texts = _turns(turns) if isinstance(turns, list) else None
    if not isinstance(image, str) or texts is None:
        expected = "expected one image path and a human and a gpt turn"
        raise _error(name, line, f"{expected}, found {json.dumps(value)[:120]}")
    return Entry(stem, str(value.get("id", "")), image, *texts)


def _turns(turns: list[Any]) -> tuple[str, str] | None:
    if len(turns) != 2 or not all(isinstance(turn, Mapping) for turn in turns):
        return None
    said = [(turn.get("from"), turn.get("value")) for turn in turns]
    if [who for who, _ in said] != ["human", "gpt"]:
        return None
    question, answer = said[0][1], said[1][1]
    return (question, answer) if isinstance(question, str) and isinstance(answer, str) else None


def _error(name: str, line: int, message: str) -> AnnotationError:
    return AnnotationError(f"{name}, line {line}: {message}", path=name, line=line)
