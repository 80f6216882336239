"""The contract of a task, and the list of them."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from irtd_fast.errors import UnknownTaskError
from irtd_fast.tasks.draws import Draws
from irtd_fast.tasks.facts import Facts
from irtd_fast.tasks.text import Options, Text

__all__ = ["TASKS", "Draws", "Facts", "Options", "Pool", "Task", "Text", "task_named"]

# Name -> module; each module has one object TASK. Listing them imports none.
TASKS = {
    "recognition": "irtd_fast.tasks.recognition",
    "grounding": "irtd_fast.tasks.grounding",
    "location": "irtd_fast.tasks.location",
    "relationship": "irtd_fast.tasks.relationship",
    "re-id": "irtd_fast.tasks.re_id",
    "security": "irtd_fast.tasks.security",
    "aerial-counting": "irtd_fast.tasks.aerial_counting",
    "pedestrian-counting": "irtd_fast.tasks.pedestrian_counting",
    "scene": "irtd_fast.tasks.scene",
}


class Pool(Protocol):
    """Other samples that a text may be made of (re-identification grids)."""

    def of_identity(self, source: str, split: str, identity: int) -> Sequence[Facts]:
        """Samples of one identity, in the dataset's order."""

    def identities(self, source: str, split: str) -> Sequence[int]:
        """All identities of a source's split, ascending."""


@runtime_checkable
class Task(Protocol):
    """One of the nine tasks: builds, parses and scores its own texts.

    Attributes:
        name: As on the command line, such as ``aerial-counting``.
        title: For people.
        official_file: Name of the published file, without extension; empty if there is none.
        needs_pool: ``build`` must be given a pool of samples.
    """

    name: str
    title: str
    official_file: str
    needs_pool: bool

    def applies(self, facts: Facts) -> bool:
        """Whether the sample has what the task asks about; cheap, builds nothing."""

    def build(
        self, facts: Facts, draws: Draws, options: Options, pool: Pool | None = None
    ) -> list[Text]:
        """Texts of a sample; none if it has nothing to ask about."""

    def parse(self, answer: Any) -> Any:
        """What a model's answer says, or a failure with its reason; never raises."""

    def score(self, pairs: Sequence[tuple[Any, Any]], *, mode: str = "strict") -> Any:
        """Score answers against labels."""


def task_named(name: str) -> Task:
    """The task of this name.

    Raises:
        UnknownTaskError: There is none; the nearest names are listed.
    """
    module = TASKS.get(name)
    if module is None:
        near = difflib.get_close_matches(name, TASKS, n=3, cutoff=0.4)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UnknownTaskError(f"no task {name!r}{hint} (there are: {', '.join(TASKS)})")
    task: Task = importlib.import_module(module).TASK
    return task
