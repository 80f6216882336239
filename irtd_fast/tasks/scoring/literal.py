"""Python literals in answers, as ``ast.literal_eval`` reads them.

Lists of numbers, lists and tuples, which nearly all answers are, are read by a loop over tokens:
ten times faster, and in bounded memory. Everything else (strings, sums of complex numbers,
comments, numbers in other bases ...) goes to ``ast.literal_eval`` itself, since the published
scripts call it and what they print depends on its grammar.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

_NUMBER = r"[+-]?(?:0|[1-9][0-9]{0,3999}+)(?:\.[0-9]*+)?(?:[eE][+-]?[0-9]++)?"
_PLAIN = re.compile(rf"(?:[\[\](), \t\n]|{_NUMBER})*+")
_TOKEN = re.compile(rf"[\[\](),]|{_NUMBER}")
_MAX_DEPTH = 100  # half of what Python's tokenizer takes
_MAX_PARSED = 1 << 20  # characters; a syntax tree has 500 bytes for each

# What the scripts do not catch, as far as a literal can raise it.
CRASHES = (
    TypeError, LookupError, ZeroDivisionError, AttributeError, OverflowError, ValueError,
    RecursionError, MemoryError,
)  # fmt: skip


class TooLongError(MemoryError):
    """A text that is no plain list, longer than a syntax tree is built for here."""


def literal_eval(text: str) -> Any:
    """Evaluate what ``ast.literal_eval`` evaluates, to the same value.

    Args:
        text: Beginning with ``[`` (others are left to Python at once).

    Raises:
        ValueError: Not a literal; ``SyntaxError`` likewise, as Python raises them.
        TooLongError: More than a million characters that are no plain list of numbers: the only
            texts that are refused and not evaluated.
    """
    if _PLAIN.fullmatch(text) is not None:
        done, value = _plain(_TOKEN.findall(text))
        if done:
            return value
    if len(text) > _MAX_PARSED:
        raise TooLongError(f"{len(text):,} characters that are no plain list")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes that Python will refuse one day
        return ast.literal_eval(text)


def _closed(token: str, items: list[Any], value: Any, *, complete: bool) -> Any:
    """What a closing bracket makes of the items before it and a last value."""
    if token == ")" and complete and not items:
        return value  # (x) is x, (x,) a tuple
    if complete:
        items.append(value)
    return items if token == "]" else tuple(items)


def _plain(tokens: list[str]) -> tuple[bool, Any]:
    """Give (True, value) of one list, or (False, None): then Python decides."""
    if not tokens or tokens[0] != "[":
        return False, None
    open_items: list[list[Any]] = []
    open_kinds: list[str] = []
    value: Any = None
    complete = False  # a value has just ended, so a comma or a bracket must follow
    last = len(tokens) - 1
    for number, token in enumerate(tokens):
        if token == ",":
            if not complete:
                return False, None
            open_items[-1].append(value)
            complete = False
        elif token in "])":
            if not open_kinds or open_kinds.pop() != token or not (open_kinds or number == last):
                return False, None
            value = _closed(token, open_items.pop(), value, complete=complete)
            complete = True
        elif complete or len(open_kinds) > _MAX_DEPTH:
            return False, None
        elif token in "[(":
            open_items.append([])
            open_kinds.append("]" if token == "[" else ")")
        else:
            value = int(token) if token.lstrip("+-").isdigit() else float(token)
            complete = True
    return complete and not open_kinds, value
