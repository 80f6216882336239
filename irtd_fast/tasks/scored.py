"""Scores of a task's answers, for whoever has the task in hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from irtd_fast.tasks.scoring.pairs import Pair

if TYPE_CHECKING:
    from irtd_fast.tasks.scoring.scorers import ScoreOptions


class Scored:
    """Gives a task its ``score``; the scorers themselves are in ``tasks.scoring``."""

    name: str

    def score(
        self,
        pairs: Sequence[tuple[Any, Any] | Pair],
        *,
        mode: str = "strict",
        options: ScoreOptions | None = None,
    ) -> Any:
        """Score answers against labels.

        Args:
            pairs: Answer and label each, or ``Pair`` with its question beside them.
            mode: ``strict`` gives ``Measures``, ``official`` an ``OfficialRun``.
            options: Units of boxes and points, thresholds; by default those of the published texts.

        Raises:
            ValueError: Another mode.
            OfficialWouldCrash: In official mode, an answer that ends the published script.
        """
        from irtd_fast.tasks.scoring.scorers import MODES, ScoreOptions, scorer_of

        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, found {mode!r}")
        named = [
            pair if isinstance(pair, Pair) else Pair(f"{self.name}/{number}", *pair)
            for number, pair in enumerate(pairs)
        ]
        scorer = scorer_of(self.name)
        run: Any = scorer.strict if mode == "strict" else scorer.official
        return run(named, options or ScoreOptions())
