"""Pairing: the visible partner and the mask of every infrared picture that is taken.

======  ==================================================================================
``P0``  none
``P1``  another folder, the same stem                (by the groups that both patterns have)
``P2``  another folder and another extension         (the same)
``P3``  another stem                                 (the same)
``P4``  channels of one file: the partner is the infrared picture's own file
``P5``  a JSON file ``{visible name: infrared name}``
``P6``  the place in the sequence: the n-th visible picture goes with the n-th infrared one
======  ==================================================================================

Nothing is paired by likeness of names. What is missing, double or left over is reported.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from irtd_fast.catalog.patterns import pattern_groups
from irtd_fast.formats.base import stem_of
from irtd_fast.scan.drafts import Draft, Group
from irtd_fast.scan.layout import Layout
from irtd_fast.scan.paths import Key, Match, Paths
from irtd_fast.types import Problem

_MAX_MAPPING_BYTES = 256 << 20


class Partners:
    """Finds the partners of one set of infrared pictures.

    Args:
        root: The dump's root.
        layout: The layout; notes are added.
        group: The pictures and the drafts that are taken.
        paths: All files of the dump.
        problems: Defects are added.

    Attributes:
        pictures: The infrared pictures.
        roles: Which partners there are at all, ``visible`` and ``mask``.
    """

    def __init__(
        self, root: Path, layout: Layout, group: Group, paths: Paths, problems: list[Problem]
    ) -> None:
        self._layout = layout
        self.pictures, self._drafts = group
        self.roles: set[str] = set()
        self._paths = paths
        self._problems = problems
        self._tables: dict[str, dict[Key, str]] = {}
        self._joins: dict[str, list[int]] = {}
        self._rule = layout.variant.pairs_by
        self._mapped: dict[str, str] = {}
        patterns = self.pictures.patterns
        if self._rule == "P4":
            self.roles.add("visible")
        if self._rule == "P5":
            self._map(root, patterns.visible)
        elif self._rule == "P6":
            self._rank(patterns.visible)
        elif self._rule != "P4" and patterns.visible:
            self._join("visible", patterns.visible)
        if patterns.mask:
            self._join("mask", patterns.mask)

    def visible(self, draft: Draft) -> str | None:
        """Path of the visible partner, or ``None``."""
        if self._rule == "P4":
            return draft.path
        if self._rule in ("P5", "P6"):
            return self._mapped.get(draft.path)
        return self._partner("visible", draft)

    def mask(self, draft: Draft) -> str | None:
        """Path of the mask, or ``None``."""
        return self._partner("mask", draft)

    def _partner(self, role: str, draft: Draft) -> str | None:
        table = self._tables.get(role)
        return table.get(tuple([draft.values[i] for i in self._joins[role]])) if table else None

    def _join(self, role: str, pattern: str) -> None:
        """Index a role's files by the groups that its pattern shares with the infrared one."""
        names, own = pattern_groups(pattern), self.pictures.names
        shared = [name for name in own if name in names]
        self._joins[role] = join = [own.index(name) for name in shared]
        pick = [names.index(name) for name in shared]
        wanted = {tuple([draft.values[i] for i in join]) for draft in self._drafts}
        found = self._paths.matches(pattern, self._layout.base)
        table: dict[Key, str] = {}
        self._tables[role] = table
        for path, values in found:
            key = tuple([values[i] for i in pick])
            if key not in wanted:
                if self._layout.complete:
                    self._left_over(role, path)
                continue
            kept = table.setdefault(key, path)
            if kept != path:
                message = f"a second {role} partner beside {kept}"
                self._problem("ambiguous-partner", path, message)
        self._found(role, found)

    def _found(self, role: str, found: list[Match]) -> None:
        if found:
            self.roles.add(role)
        else:
            self._layout.notes.append(f"no {role} pictures found")

    def _left_over(self, role: str, path: str) -> None:
        message = f"a {role} picture without its infrared picture"
        self._problem("partner-without-image", path, message)

    def _problem(self, code: str, path: str, message: str, action: str = "left out") -> None:
        self._problems.append(Problem(code, path, "", message, action))

    # ---- P6 -----------------------------------------------------------------------------------

    def _rank(self, pattern: str) -> None:
        """Pair by place in the sequence, which is what both patterns' shared groups name."""
        names, own = pattern_groups(pattern), self.pictures.names
        shared = [name for name in own if name in names]
        join, pick = [own.index(n) for n in shared], [names.index(n) for n in shared]
        found = self._paths.matches(pattern, self._layout.base)
        self._found("visible", found)
        visible = _by_sequence(found, pick)
        infrared = _by_sequence(self.pictures.infrared, join)
        taken = {draft.path for draft in self._drafts}
        for key, paths in infrared.items():
            others = visible.pop(key, [])
            if others and len(others) != len(paths):
                message = f"{len(paths)} infrared and {len(others)} visible pictures in a sequence"
                action = "paired by their place, as far as both go"
                self._problem("unequal-sequence", paths[0], message, action)
            pairs = zip(paths, others, strict=False)
            self._mapped.update((path, other) for path, other in pairs if path in taken)
            for path in others[len(paths) :]:
                self._left_over("visible", path)
        for paths in visible.values():
            for path in paths:
                self._left_over("visible", path)

    # ---- P5 -----------------------------------------------------------------------------------

    def _map(self, root: Path, pattern: str) -> None:
        """Pair by a file that names both; names are compared without folder and extension."""
        files = self._paths.matches(pattern, self._layout.base)
        self._found("visible", files)
        visible = {stem_of(path): path for path, _ in files}
        infrared = {stem_of(draft.path): draft for draft in self._drafts}
        for file in self._layout.pairing_files:
            lost: Counter[str] = Counter()
            for seen, thermal in self._read_mapping(root, file).items():
                draft, partner = infrared.get(stem_of(thermal)), visible.get(stem_of(seen))
                if draft is None or partner is None:
                    lost["infrared" if draft is None else "visible"] += 1
                    continue
                kept = self._mapped.setdefault(draft.path, partner)
                if kept != partner:
                    message = f"a second visible partner beside {kept}"
                    self._problem("ambiguous-partner", partner, message)
            self._report_lost(file, lost)
        if not self._layout.pairing_files:
            wanted = self._layout.variant.pairing_file
            self._layout.notes.append(f"no file that pairs pictures found (looked for {wanted})")

    def _report_lost(self, file: str, lost: Counter[str]) -> None:
        for role, count in sorted(lost.items()):
            if role == "visible" or self._layout.complete:
                message = f"{count} names without their {role} picture"
                self._problem("pair-without-image", file, message, "pairs left out")

    def _read_mapping(self, root: Path, file: str) -> dict[str, str]:
        try:
            return _mapping(root / file)
        except (OSError, ValueError, RecursionError) as error:
            message = f"expected a JSON table of visible and infrared names: {error}"
            self._problem("unreadable-pairing", file, message, "pairs left out")
            return {}


def _mapping(file: Path) -> dict[str, str]:
    if file.stat().st_size > _MAX_MAPPING_BYTES:
        raise ValueError(f"over {_MAX_MAPPING_BYTES} bytes")
    data = json.loads(file.read_bytes())
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise ValueError("found something else")
    return data


def _by_sequence(found: list[Match], positions: list[int]) -> dict[Key, list[str]]:
    sequences: dict[Key, list[str]] = {}
    for path, values in found:
        sequences.setdefault(tuple([values[i] for i in positions]), []).append(path)
    return sequences
