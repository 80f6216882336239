"""Questions with lettered options: drawn, laid out as published, written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from irtd_fast.tasks.draws import Draws

LETTERS = "ABCD"


def lettered(words: Sequence[str]) -> str:
    """The line of options.

    >>> lettered(["person", "duck"])
    '(A) person (B) duck'
    """
    return " ".join(f"({letter}) {word}" for letter, word in zip(LETTERS, words, strict=False))


def chosen(words: Sequence[str], place: int) -> str:
    """The answer: an option with its letter."""
    return f"({LETTERS[place]}) {words[place]}"


def draw_options(
    label: str,
    distractors: Sequence[str],
    count: int,
    draws: Draws,
    apart: Callable[[str, str], bool] | None = None,
) -> tuple[list[str], int]:
    """The label among distinct distractors, all drawn evenly, and the label's place.

    Args:
        label: What is right.
        distractors: Distinct words, the label not among them.
        count: Options in all; fewer where there are fewer words.
        draws: Random numbers.
        apart: Tells whether two words may stand beside each other; by default all may.

    Returns:
        The options in their order, and which of them is the label.
    """
    pool = list(distractors)
    options: list[str] = []
    while pool and len(options) < count - 1:
        place = draws.below(len(pool))
        word = pool[place]
        pool[place] = pool[-1]
        pool.pop()
        if apart is None or all(apart(word, other) for other in options):
            options.append(word)
    place = draws.below(len(options) + 1)
    options.insert(place, label)
    return options, place
