"""Strict parsers of short answers: letters, yes or no, digits, counts.

Every parser takes whatever a record holds, gives ``None`` (or an empty set) for what it cannot
read, never raises, and takes time in proportion to the length of the text, of which it looks at
the first 100,000 characters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MAX_CHARACTERS = 100_000
MAX_COUNT = 1e9
_OPTION = re.compile(r"\(([A-Z])\) (.+?)(?= \([A-Z]\) |\n|$)")
_BRACKETED = re.compile(r"\(([A-D])\)")
_LONE = re.compile(r"([A-D])[.):]?")
_LONE_SET = re.compile(r"[A-D](?:[\s,;&]+(?:and\s+)?[A-D])*[.):]?")
_YES_NO = re.compile(r"\b(yes|no)\b")
_TILE = re.compile(r"(?<![\d.])0*([1-8])(?!\d|\.\d)")
_COUNT_TAG = re.compile(r"<num>([^<]{0,100})</num>")
_COUNT = re.compile(r"(?<![\d.])[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_MAX_DIGITS = 4000  # fewer than Python refuses to convert


def text_of(answer: Any) -> str | None:
    """Give the beginning of a text; None for what is none."""
    return answer[:MAX_CHARACTERS] if isinstance(answer, str) else None


@lru_cache(maxsize=4096)
def options_of(question: str) -> Mapping[str, str]:
    """Give letter -> text of the options that a question offers; do not change it."""
    return dict(_OPTION.findall(question[:MAX_CHARACTERS]))


def parse_choice(answer: Any, question: str = "") -> str | None:
    """Give the letter that an answer chooses.

    The first ``(A)``; else a letter alone (``B``, ``B.``); else the one option whose text the
    answer holds as whole words, in any case.
    """
    text = text_of(answer)
    if text is None:
        return None
    found = _BRACKETED.search(text)
    if found is not None:
        return found.group(1)
    lone = _LONE.fullmatch(text.strip())
    if lone is not None:
        return lone.group(1)
    named = _named_options(text, question)
    return next(iter(named)) if len(named) == 1 else None


def parse_letters(answer: Any, question: str = "") -> frozenset[str]:
    """Give all letters that an answer names: ``(A) x (C) y``, ``A, C and D``, or options' texts."""
    text = text_of(answer)
    if text is None:
        return frozenset()
    found = _BRACKETED.findall(text)
    if not found and _LONE_SET.fullmatch(text.strip()[:100]):
        found = re.findall("[A-D]", text.strip()[:100])
    return frozenset(found or _named_options(text, question))


def _named_options(text: str, question: str) -> set[str]:
    """Letters of the options whose words stand in a text; a longer one hides what it contains."""
    rest = text.casefold()
    named = set()
    offered = options_of(question)
    for letter in sorted(offered, key=lambda key: -len(offered[key])):
        words = re.compile(rf"(?<!\w){re.escape(offered[letter].casefold())}(?!\w)")
        rest, count = words.subn("\n", rest)
        if count:
            named.add(letter)
    return named


def parse_yes_no(answer: Any) -> str | None:
    """Give the first ``yes`` or ``no`` that stands as a word, in any case."""
    text = text_of(answer)
    found = _YES_NO.search(text.casefold()) if text is not None else None
    return found.group(1) if found else None


def parse_tile(answer: Any) -> int | None:
    """Give the first whole number from 1 to 8."""
    if type(answer) is int:
        return answer if 1 <= answer <= 8 else None
    text = text_of(answer)
    found = _TILE.search(text) if text is not None else None
    return int(found.group(1)) if found else None


def parse_count(answer: Any) -> float | None:
    """Give the number in the first ``<num>`` tag that holds one, else the last number.

    Clamped to 0 ... 1e9. Thousands may be set off by commas; a fraction is kept.
    """
    if type(answer) is int or (type(answer) is float and not math.isnan(answer)):
        return float(min(max(answer, 0), MAX_COUNT))
    text = text_of(answer)
    if text is None:
        return None
    for inner in _COUNT_TAG.findall(text):
        found = _COUNT.findall(inner)
        if len(found) == 1:
            return _clamped(found[0])
    last = None
    for match in _COUNT.finditer(text):
        last = match.group()
    return None if last is None else _clamped(last)


def _clamped(number: str) -> float:
    whole, _, fraction = number.replace(",", "").partition(".")
    digits = whole.lstrip("+-")
    if whole.startswith("-"):
        return 0.0
    if len(digits) > _MAX_DIGITS:
        return MAX_COUNT
    return min(min(int(digits), 10**9) + float(f"0.{fraction[:15] or 0}"), MAX_COUNT)
