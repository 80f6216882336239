"""Splits and folds that the publisher gives as list files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from irtd_fast.errors import AnnotationError
from irtd_fast.formats.base import LabelFile, stem_of
from irtd_fast.formats.lists import list_lines
from irtd_fast.scan.drafts import Draft, Group
from irtd_fast.scan.labels import unreadable
from irtd_fast.scan.layout import Layout
from irtd_fast.types import Problem

FOLDS = "folds"  # the attribute that names the folds in whose test part a picture is

_Drafts = dict[str, list[Draft]]


def assign_splits(root: Path, layout: Layout, groups: list[Group], problems: list[Problem]) -> None:
    """Give samples the split, and the folds, whose lists name them.

    A split that the path already says stays. Entries without a picture are reported once a file;
    a picture in two lists keeps the first and is reported.
    """
    lists = _Lists(root, layout, groups, problems)
    if layout.variant.split_files and not any(layout.split_files.values()):
        patterns = ", ".join(layout.variant.split_files.values())
        layout.notes.append(f"no split lists found (looked for {patterns})")
    for split, paths in layout.split_files.items():
        for path in paths:
            for draft, where in lists.named(path):
                lists.split(draft, split, path, where)
    for fold, paths in sorted(layout.folds.items()):
        for path in paths:
            for draft, _ in lists.named(path):
                _set_fold(draft, fold)
    lost = sum(1 for _, drafts in groups for d in drafts if d.sample and not d.sample.split)
    if lost and any(layout.split_files.values()):
        layout.notes.append(f"{lost} samples are in no split list")


class _Lists:
    """Reads list files and finds the drafts that their entries mean."""

    def __init__(
        self, root: Path, layout: Layout, groups: list[Group], problems: list[Problem]
    ) -> None:
        self._root = root
        self._by = layout.variant.split_by
        self._complete = layout.complete
        self._problems = problems
        self._drafts: _Drafts = {}
        if not any(layout.split_files.values()) and not layout.folds:
            return
        for pictures, drafts in groups:
            if self._by == "name":
                for draft in drafts:
                    self._drafts.setdefault(self._canonical(draft.name), []).append(draft)
            elif self._by in pictures.names:
                at = pictures.names.index(self._by)
                for draft in drafts:
                    self._drafts.setdefault(self._canonical(draft.values[at]), []).append(draft)

    def named(self, path: str) -> Iterator[tuple[Draft, str]]:
        """Give every picture that a list names, and where."""
        missing: list[tuple[str, str]] = []
        for where, entry in self._entries(path):
            drafts = self._find(entry)
            if drafts is None:
                missing.append((where, entry))
                continue
            yield from ((draft, where) for draft in drafts if draft.sample is not None)
        if missing and self._complete:
            where, entry = missing[0]
            message = f"{len(missing)} names without a picture, the first is {entry!r}"
            problem = Problem("split-without-image", path, where, message, "names left out")
            self._problems.append(problem)

    def _find(self, entry: str) -> list[Draft] | None:
        if self._by == "stem":
            stem = stem_of(entry)
            found = self._drafts.get(self._canonical(stem))
            if found is None and " " in stem:  # a label may stand behind the name
                found = self._drafts.get(self._canonical(stem_of(entry.split(maxsplit=1)[0])))
            return found
        found = self._drafts.get(self._canonical(entry))
        return found if found is not None else self._drafts.get(self._canonical(_bare(entry)))

    def _entries(self, path: str) -> Iterator[tuple[str, str]]:
        """Give the place and text of each entry; ids may stand in one line with commas."""
        try:
            for where, line in list_lines(LabelFile(self._root, path, {})):
                for entry in [line] if self._by == "stem" else line.split(","):
                    if entry.strip():
                        yield where, entry.strip()
        except AnnotationError as error:
            told = unreadable(path, error)
            problem = replace(told, code="unreadable-split-list", action="list left out")
            self._problems.append(problem)

    def _canonical(self, text: str) -> str:
        """Numbers are compared without leading zeros, but stems are names."""
        number = self._by != "stem" and text.isdecimal() and text.isascii()
        return str(int(text)) if number else text

    def split(self, draft: Draft, split: str, path: str, where: str) -> None:
        """Set a sample's split; one that it has stays."""
        sample = draft.sample
        if sample is None:
            return
        if sample.split and sample.split != split:
            message = f"{sample.name} is in {sample.split} and in {split}"
            action = f"kept in {sample.split}, marked"
            self._problems.append(
                Problem("split-conflict", path, where, message, action, sample.name)
            )
            return
        sample.split = split


def _bare(entry: str) -> str:
    """Give the first word of an entry, without an extension, with its folders."""
    word = entry.split(maxsplit=1)[0].replace("\\", "/")
    folder, slash, _ = word.rpartition("/")
    return folder + slash + stem_of(word)


def _set_fold(draft: Draft, fold: str) -> None:
    assert draft.sample is not None  # ``named`` gives no others on
    attributes = draft.sample.attributes
    known = attributes.get(FOLDS, "").split()
    if fold not in known:
        attributes[FOLDS] = " ".join([*known, fold])
