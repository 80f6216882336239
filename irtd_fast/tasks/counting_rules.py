"""What both counting tasks share: how texts are made, and what is asked about."""

from __future__ import annotations

from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.phrasing import phrasing, templates
from irtd_fast.tasks.text import Options, Text
from irtd_fast.tasks.things import places_of
from irtd_fast.tasks.words import plural


def zero_turn(draws: Draws) -> bool:
    """True once in so many pictures: something that is not there may be asked about."""
    return draws.below(templates("counting")["zero"]["one_in"]) == 0


def official_text(task: str, facts: Facts, options: Options) -> Text:
    """The published question about the published category."""
    data = templates("counting")[task]["official"]
    return _text(task, facts, data["category"], data["question"], options)


def clean_text(
    task: str, facts: Facts, category: str, draws: Draws, options: Options, things: str = ""
) -> Text:
    """A question about any category.

    Args:
        task: Name of the task.
        facts: Of the picture.
        category: What is counted.
        draws: Random numbers.
        options: Seed and phrasings.
        things: What the question calls them; by default the category's plural.
    """
    wording = phrasing(templates("counting")[task]["clean"]["questions"], draws, options)
    question = wording.format(things=things or plural(category))
    return _text(task, facts, category, question, options)


def _text(task: str, facts: Facts, category: str, question: str, options: Options) -> Text:
    count = len(places_of(facts, category))
    provenance = {"mode": options.mode, "seed": options.seed, "category": category}
    return Text(task, question, f"<num>{count}</num>", "count", (), provenance)
