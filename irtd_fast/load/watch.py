"""Notices that a store was replaced under a loader that reads it."""

from __future__ import annotations

import json
from pathlib import Path

from irtd_fast.errors import LoaderError
from irtd_fast.store.source import Source


class SourceWatch:
    """Looks at the metadata of sources; a look that finds nothing new costs two microseconds.

    A source is replaced as a whole (``irtd ingest --replace``), and files that are open stay what
    they were, so that old and new pictures would mix unnoticed. Groups that are added to it
    (``irtd stats``, ``irtd align``) replace it as well, by one with the same pictures: that is
    found by the fingerprint of its plan, and is no reason to stop.
    """

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources
        self._seen = [_stamp(source.path) for source in sources]

    def look(self) -> None:
        """Compare all sources with what they were.

        Raises:
            LoaderError: One was replaced or is gone.
        """
        for number, source in enumerate(self._sources):
            stamp = _stamp(source.path)
            if stamp == self._seen[number]:
                continue
            if stamp is None:
                raise LoaderError(f"{source.path} is gone while it is read", source=source.name)
            plan = _plan(source.path)
            if plan != source.attributes.get("plan"):
                raise LoaderError(
                    f"{source.path} was replaced while it is read (plan "
                    f"{source.attributes.get('plan')}, now {plan}); open the store again",
                    source=source.name,
                )
            self._seen[number] = stamp


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = (path / "zarr.json").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _plan(path: Path) -> str | None:
    try:
        document = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
        return str(document["attributes"]["irtd"]["plan"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
