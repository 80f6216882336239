"""English of category words: plurals, articles, lists, and which words may mean the same thing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

_ES = re.compile(r"(?:s|x|z|ch|sh)$")
_Y = re.compile(r"[^aeiou]y$")
_VOWEL = re.compile(r"[aeiou]", re.IGNORECASE)


@dataclass(frozen=True)
class _Words:
    plural: dict[str, str]
    article: dict[str, str]
    singular: dict[str, str]
    unnamed: frozenset[str]
    generic: frozenset[str]
    overlaps: dict[str, frozenset[str]]
    covers: dict[str, frozenset[str]]


@lru_cache(maxsize=1)
def _words() -> _Words:
    text = resources.files("irtd_fast.tasks").joinpath("words.toml").read_text("utf-8")
    data = tomllib.loads(text)
    return _Words(
        data["plural"], data["article"], data["singular"],
        frozenset(data["unnamed"]["words"]), frozenset(data["generic"]["words"]),
        _overlaps(data["overlap"]),
        {g["of"]: frozenset(g["words"]) - {g["of"]} for g in data["overlap"] if "of" in g},
    )  # fmt: skip


def _overlaps(groups: Iterable[dict[str, Any]]) -> dict[str, frozenset[str]]:
    """Every word -> all that may be said of the same thing; ``of`` meets all others, they not."""
    met: dict[str, set[str]] = {}
    for group in groups:
        members: list[str] = group["words"]
        cover = group.get("of")
        for word in members:
            others = set(members) if cover in (None, word) else {str(cover)}
            met.setdefault(word, {word}).update(others)
    return {word: frozenset(others) for word, others in met.items()}


@lru_cache(maxsize=4096)
def singular(word: str) -> str:
    """What one of a category is called.

    >>> singular("car"), singular("people")
    ('car', 'group of people')
    """
    return _words().singular.get(word, word)


@lru_cache(maxsize=4096)
def plural(word: str) -> str:
    """The plural of a category word; of a phrase, its last word's.

    >>> plural("car"), plural("bus"), plural("person"), plural("fire hydrant"), plural("lorry")
    ('cars', 'buses', 'people', 'fire hydrants', 'lorries')
    """
    known = _words().plural
    if word in known:
        return known[word]
    head, blank, last = word.rpartition(" ")
    if last in known:
        return head + blank + known[last]
    if _ES.search(last):
        return word + "es"
    return word[:-1] + "ies" if _Y.search(last) else word + "s"


@lru_cache(maxsize=4096)
def with_article(word: str) -> str:
    """A category word with its indefinite article.

    >>> with_article("car"), with_article("airplane"), with_article("other vehicle")
    ('a car', 'an airplane', 'another vehicle')
    """
    known = _words().article.get(word)
    return known or f"{'an' if _VOWEL.match(word) else 'a'} {singular(word)}"


def counted(count: int, word: str) -> str:
    """A number and its noun.

    >>> counted(1, "truck"), counted(15, "person"), counted(0, "bus")
    ('1 truck', '15 people', '0 buses')
    """
    return f"{count} {singular(word) if count == 1 else plural(word)}"


def joined(parts: Sequence[str]) -> str:
    """A list as English writes it.

    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def ordinal(number: int) -> str:
    """An ordinal in words up to tenth, then in digits.

    >>> ordinal(2), ordinal(10), ordinal(11), ordinal(22), ordinal(103)
    ('second', 'tenth', '11th', '22nd', '103rd')
    """
    if 1 <= number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    teens = number // 10 % 10 == 1
    return f"{number}{'th' if teens else _ENDINGS.get(number % 10, 'th')}"


_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def is_named(word: str) -> bool:
    """False for categories that name no thing, such as ``background`` or ``person?``."""
    return word not in _words().unnamed


def is_generic(word: str) -> bool:
    """True for categories that do not say what the thing is, such as ``target``."""
    return word in _words().generic


def overlapping(word: str) -> frozenset[str]:
    """Words, itself included, that may be said of the same thing or of a part of it.

    >>> sorted(overlapping("ship")), "animal" in overlapping("fox"), "cat" in overlapping("fox")
    (['boat', 'ship'], True, False)
    """
    return _words().overlaps.get(word) or frozenset((word,))


def may_be_same(one: str, other: str) -> bool:
    """True if both words may be said of the same thing.

    >>> may_be_same("hedgehog", "ericius"), may_be_same("fox", "animal"), may_be_same("fox", "cat")
    (True, True, False)
    """
    return one == other or other in overlapping(one)


def covered(word: str) -> frozenset[str]:
    """Words for kinds of what a word says: whoever counts it would have to count them too.

    >>> sorted(covered("bird"))
    ['chicken', 'duck', 'goose', 'penguin']
    """
    return _words().covers.get(word) or frozenset()
