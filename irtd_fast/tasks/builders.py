"""Who builds texts: the nine tasks, and captions, which are asked for by name."""

from __future__ import annotations

import difflib
import importlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from irtd_fast.errors import UnknownTaskError
from irtd_fast.store.source import Source
from irtd_fast.store.text_columns import TextRecord
from irtd_fast.tasks.base import TASKS, Draws, Facts, Options, Pool, Text, task_named

CAPTION = "caption"
_OWN = "yours"  # what records of formats have for a licence
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
BUILDERS = (*TASKS, CAPTION)
_CATALOGUE_NAMES = {"re-identification": "re-id"}


class Builder(Protocol):
    """What building needs of a task."""

    name: str

    def applies(self, facts: Facts) -> bool:
        """Whether there is something to ask about."""

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """Texts of a sample."""


def builder_named(name: str) -> Builder:
    """The task, or the captions, of this name.

    Raises:
        UnknownTaskError: There is none; the nearest names are listed.
    """
    if name == CAPTION:
        captions: Builder = importlib.import_module("irtd_fast.tasks.captions").Captions()
        return captions
    if name not in TASKS:
        near = difflib.get_close_matches(name, BUILDERS, n=3, cutoff=0.4)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UnknownTaskError(f"no task {name!r}{hint} (there are: {', '.join(BUILDERS)})")
    return task_named(name)


def needs_pool(builder: Builder) -> bool:
    """True if a text of it is made of other samples, too."""
    return bool(getattr(builder, "needs_pool", False))


def tasks_of_source(source: Source, names: Iterable[str]) -> list[str]:
    """Those tasks that a source can feed by its record.

    A catalogue record lists them: who counts cars from the air needs to know that a source looks
    down. Pictures of one's own, which no publisher describes, feed whatever applies to their
    labels; captions are for all.
    """
    record = source.attributes.get("source", {})
    if record.get("licence", _OWN) == _OWN:
        return list(names)
    known = {_CATALOGUE_NAMES.get(word, word) for word in record.get("tasks", ())}
    return [name for name in names if name in known or name == CAPTION]


def build_texts_of(
    builder: Builder, facts: Facts, options: Options, pool: Pool | None = None
) -> list[Text]:
    """Texts of one task about one sample: the same wherever and in whatever order it is asked."""
    draws = Draws(options.seed, builder.name, facts.key)
    if pool is None:
        return builder.build(facts, draws, options)
    return builder.build(facts, draws, options, pool)


def record_of(text: Text, subset: str = "") -> TextRecord:
    """A text as it is stored."""
    provenance = _encoded(text.provenance) if text.provenance else ""
    return TextRecord(
        text.task, text.question, text.answer, text.kind, provenance, subset, text.objects
    )


def _encoded(provenance: Mapping[str, Any]) -> str:
    """A provenance as JSON; equal ones of plain values are encoded once."""
    try:
        values = tuple(provenance.values())
        return _encoded_items(tuple(provenance), values, tuple(map(type, values)))  # 1 is not True
    except TypeError:  # a value that holds others
        return _ENCODER.encode(provenance)


@lru_cache(maxsize=4096)
def _encoded_items(keys: tuple[str, ...], values: tuple[Any, ...], types: tuple[type, ...]) -> str:
    del types
    return _ENCODER.encode(dict(zip(keys, values, strict=True)))
