"""Read a published text file, whatever its container is.

Seven of the eight files are JSON arrays with different brackets; ``Detection.json`` is a run of
objects between commas without any. Nothing is repaired: values are decoded one after the other,
and what lies between them may only be white space, commas and square brackets. Entries whose keys
stand in the published order are recognised by a pattern; all others go through the JSON decoder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from irtd_fast.errors import AnnotationError
from irtd_fast.types import Problem

_BETWEEN = re.compile(r"[\s,\[\]]*")
_STRING = r'"([^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+)"'
_PUBLISHED = re.compile(
    r"\s*".join(
        [
            r"[\s,\[\]]*+\{", '"id"', ":", _STRING, ",", '"image"', ":", r"\[", _STRING, r"\]", ",",
            '"conversations"', ":", r"\[", r"\{", '"from"', ":", '"human"', ",", '"value"', ":",
            _STRING, r"\}", ",", r"\{", '"from"', ":", '"gpt"', ",", '"value"', ":", _STRING,
            r"\}", r"\]", r"\}",
        ]
    ).replace(r"\s*", r"[ \t\n\r]*+")
)  # fmt: skip


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


def read_container(
    data: bytes, name: str, *, report: Callable[[Problem], None] | None = None
) -> list[Entry]:
    """Decode the entries of one file.

    Args:
        data: The file's bytes, UTF-8.
        name: Of the file, for messages.
        report: Told of a last entry that is cut off; the entries before it are kept. Without it
            that is an error.

    Raises:
        AnnotationError: Not UTF-8, something else than entries, or a value that is cut off; with
            the line where that is (and the byte, for JSON that cannot be decoded).
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(name, line, f"expected UTF-8, found byte {data[error.start]:#04x}") from error
    stem = name.replace("\\", "/").rpartition("/")[2].removesuffix(".json")
    return list(_entries(text, stem, name, report))


def _entries(
    text: str, stem: str, name: str, report: Callable[[Problem], None] | None
) -> Iterator[Entry]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    position, line, counted = 0, 1, 0
    while True:
        known = _PUBLISHED.match(text, position)
        if known is not None and (parts := _unescaped(known.groups())) is not None:
            yield Entry(stem, *parts)
            position = known.end()
            continue
        between = _BETWEEN.match(text, position)
        position = between.end() if between else position
        if position >= len(text):
            return
        line += text.count("\n", counted, position)
        counted = position
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            problem = _undecodable(error, text, position, (name, line))
            if report is None or problem is None:
                raise _not_json(error, text, position, (name, line)) from error
            report(problem)
            return
        yield _entry(value, stem, name, line)


def _unescaped(strings: tuple[str, ...]) -> tuple[str, str, str, str] | None:
    """Decode the strings of an entry; None if an escape is not JSON's."""
    try:
        number, image, question, answer = [
            text if "\\" not in text else _unescape(text) for text in strings
        ]
    except ValueError:
        return None
    return number, image, question, answer


def _unescape(text: str) -> str:
    if text.count("\\") == text.count("\\n"):  # line ends only, as in every published question
        return text.replace("\\n", "\n")
    decoded: str = json.loads(f'"{text}"')
    return decoded


def _not_json(
    error: Exception, text: str, position: int, place: tuple[str, int]
) -> AnnotationError:
    name, line = place
    where = getattr(error, "pos", position)
    line += text.count("\n", position, where)
    byte = len(text[:where].encode("utf-8", "surrogatepass"))
    return _error(name, line, f"not JSON: {_reason(error)}, byte {byte}")


def _reason(error: Exception) -> str:
    return str(getattr(error, "msg", str(error) or "nested too deeply"))


def _undecodable(
    error: Exception, text: str, position: int, place: tuple[str, int]
) -> Problem | None:
    """Describe a value that cannot be decoded, if it is an entry that the file's end cut off."""
    where = getattr(error, "pos", position)
    if text[position] != "{" or (text[where:].strip() and '"' in text[where + 1 :]):
        return None
    byte = len(text[:position].encode("utf-8", "surrogatepass"))
    return Problem(
        "cut-off-text", place[0], f"line {place[1]}, byte {byte}",
        f"the last entry is not complete: {_reason(error)}",
        "left out, the entries before it kept",
    )  # fmt: skip


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _entry(value: Any, stem: str, name: str, line: int) -> Entry:
    if not isinstance(value, dict):
        raise _error(name, line, f"expected an object, found {type(value).__name__}")
    parts = _parts(value)
    if parts is None:
        expected = "expected one image path and a human and a gpt turn"
        raise _error(name, line, f"{expected}, found {json.dumps(value)[:120]}")
    return Entry(stem, *parts)


def _parts(value: Any) -> tuple[str, str, str, str] | None:
    """Give id, image, question and answer of an object, if it is an entry."""
    if not isinstance(value, dict):
        return None
    image = value.get("image")
    if isinstance(image, list) and len(image) == 1:
        image = image[0]
    turns = value.get("conversations")
    texts = _turns(turns) if isinstance(turns, list) else None
    if not isinstance(image, str) or texts is None:
        return None
    return (str(value.get("id", "")), image, *texts)


def _turns(turns: list[Any]) -> tuple[str, str] | None:
    if len(turns) != 2 or not all(isinstance(turn, dict) for turn in turns):
        return None
    said = [(turn.get("from"), turn.get("value")) for turn in turns]
    if [who for who, _ in said] != ["human", "gpt"]:
        return None
    question, answer = said[0][1], said[1][1]
    return (question, answer) if isinstance(question, str) and isinstance(answer, str) else None


def _error(name: str, line: int, message: str) -> AnnotationError:
    return AnnotationError(f"{name}, line {line}: {message}", path=name, line=line)
