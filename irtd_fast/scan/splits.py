"""Splits that the publisher gives as list files, one picture's name a line."""

from __future__ import annotations

from pathlib import Path

from irtd_fast.formats.base import stem_of
from irtd_fast.scan.labels import Draft, Group
from irtd_fast.scan.layout import Layout
from irtd_fast.types import Problem


def assign_splits(root: Path, layout: Layout, groups: list[Group], problems: list[Problem]) -> None:
    """Give samples the split whose list names their stem.

    A split that the path already says stays. Names without a picture are reported once a file; a
    picture in two lists keeps the first and is reported.
    """
    if not any(layout.split_files.values()):
        if layout.split_files:
            patterns = ", ".join(layout.variant.split_files.values())
            layout.notes.append(f"no split lists found (looked for {patterns})")
        return
    by_stem: dict[str, list[Draft]] = {}
    for pictures, drafts in groups:
        if "stem" in pictures.names:
            position = pictures.names.index("stem")
            for draft in drafts:
                by_stem.setdefault(draft.values[position], []).append(draft)
    for split, paths in layout.split_files.items():
        for path in paths:
            _assign(root, path, split, by_stem, problems)
    lost = sum(1 for _, drafts in groups for d in drafts if d.sample and not d.sample.split)
    if lost:
        layout.notes.append(f"{lost} samples are in no split list")


def _assign(
    root: Path, path: str, split: str, by_stem: dict[str, list[Draft]], problems: list[Problem]
) -> None:
    try:
        text = (root / path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error}"
        problems.append(Problem("unreadable-split-list", path, "", message, "list left out"))
        return
    missing: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        name = line.strip()
        if not name:
            continue
        drafts = by_stem.get(stem_of(name))
        if drafts is None:
            missing.append((number, name))
            continue
        for draft in drafts:
            _set_split(draft, split, path, number, problems)
    if missing:
        number, name = missing[0]
        message = f"{len(missing)} names without a picture, the first is {name!r}"
        where = f"line {number}"
        problems.append(Problem("split-without-image", path, where, message, "names left out"))


def _set_split(draft: Draft, split: str, path: str, number: int, problems: list[Problem]) -> None:
    sample = draft.sample
    if sample is None:
        return
    if sample.split and sample.split != split:
        message = f"{sample.name} is in {sample.split} and in {split}"
        action = f"kept in {sample.split}, marked"
        where = f"line {number}"
        problems.append(Problem("split-conflict", path, where, message, action, sample.name))
        return
    sample.split = split
