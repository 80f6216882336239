"""The store a command works on, as an argument, and what an unfinished one is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from irtd_fast.errors import StoreError

_STAGING = ".staging"

StorePath = Annotated[
    Path, typer.Argument(metavar="STORE", exists=True, file_okay=False, help="The store.")
]


def unfinished(store: Path) -> list[str]:
    """Names of sources whose ingest was interrupted, or is at work."""
    return sorted(path.parent.name for path in (store / _STAGING).glob("*/plan.json"))


def refuse_unfinished(store: Path) -> None:
    """Tell a store in which nothing is complete yet from a damaged one.

    Raises:
        StoreError: There is nothing but work in progress.
    """
    found = {path.name for path in store.iterdir()}
    if found == {_STAGING}:
        names = ", ".join(unfinished(store)) or "a source"
        raise StoreError(
            f"{store}: nothing is complete yet, the ingest of {names} was interrupted or is at "
            "work; `irtd ingest` with --resume continues it",
            path=str(store),
        )
