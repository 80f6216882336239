"""Which crops stand in a grid, and which of them is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from irtd_fast.errors import AnnotationError

ROWS, COLUMNS = 2, 4
TILES = ROWS * COLUMNS


@dataclass(frozen=True, slots=True)
class Grid:
    """Two rows of four crops, numbered from 1 in reading order; the first one is the query.

    Attributes:
        source: Name of the source that all crops belong to.
        rows: The crops' rows in the source's tables, in the order of their numbers.
        positive: Number (2 to 8) of the crop that shows the query's identity.
    """

    source: str
    rows: tuple[int, ...]
    positive: int

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: Not eight different rows, or a positive that is none of 2 to 8.
        """
        if len(self.rows) != TILES or len(set(self.rows)) != TILES or min(self.rows) < 0:
            raise ValueError(f"a grid has {TILES} different rows, found {self.rows}")
        if not 2 <= self.positive <= TILES:
            raise ValueError(f"positive must be 2 to {TILES}, found {self.positive}")

    @property
    def query(self) -> int:
        """Row of the query."""
        return self.rows[0]

    def to_json(self) -> dict[str, Any]:
        """The part of a text's provenance that says how its picture is composed."""
        return {"rows": list(self.rows), "positive": self.positive}

    @classmethod
    def from_json(cls, source: str, entry: Any) -> Grid:
        """A grid from a text's provenance.

        Args:
            source: Name of the source that the text belongs to.
            entry: What ``to_json`` gave.

        Raises:
            AnnotationError: Something else; it says what was expected.
        """
        found: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
        rows, positive = found.get("rows"), found.get("positive")
        if not isinstance(rows, list) or any(type(n) is not int for n in (*rows, positive)):
            raise AnnotationError(
                f"{source}: expected a grid as eight rows and a positive, found {entry!r:.120}",
                source=source,
            )
        try:
            return cls(source, tuple(rows), int(positive or 0))
        except ValueError as error:
            raise AnnotationError(f"{source}: {error}", source=source) from error
